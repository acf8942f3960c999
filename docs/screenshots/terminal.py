"""A terminal's screen, as `tmux capture-pane -e` gives it, as a page to take a picture of."""

import html
import re
import sys

PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>
body{margin:0;padding:14px 16px;background:#16181d;color:#e4e6ea;font:14px/17px "DejaVu Sans Mono",monospace}
pre{margin:0;font:inherit}
.dim{color:#8d939c}
b{font-weight:700}
</style><pre>%s</pre>
"""


def style(codes, before):
    """What a sequence of SGR codes makes of a style: a dictionary of CSS."""
    after = dict(before)
    codes = [int(code or 0) for code in codes]
    while codes:
        code = codes.pop(0)
        if code == 0:
            after = {}
        elif code == 1:
            after["font-weight"] = "700"
        elif code == 2:
            after["color"] = "#8d939c"
        elif code == 22:
            after.pop("font-weight", None)
            after.pop("color", None)
        elif code in (38, 48):
            name = "color" if code == 38 else "background"
            if codes and codes[0] == 2:
                after[name] = "rgb(%d,%d,%d)" % tuple(codes[1:4])
                codes = codes[4:]
            else:
                codes = codes[2:]
        elif code in (39, 49):
            after.pop("color" if code == 39 else "background", None)
        elif 30 <= code <= 37:
            after["color"] = ["#6b7280", "#f07178", "#8ccf7e", "#e5c76b", "#67b0e8", "#c47fd5", "#6cbfbf", "#e4e6ea"][code - 30]
    return after


def main():
    out, now = [], {}
    for part in re.split(r"(\x1b\[[\d;]*m)", sys.stdin.read().rstrip()):
        if part.startswith("\x1b["):
            now = style(part[2:-1].split(";"), now)
        elif part:
            css = ";".join(f"{name}:{value}" for name, value in now.items())
            text = html.escape(part)
            out.append(f'<span style="{css}">{text}</span>' if css else text)
    print(PAGE % "".join(out))


main()
