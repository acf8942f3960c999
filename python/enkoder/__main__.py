"""The command: ``python -m enkoder train`` does what ``enkoder train`` does."""

from __future__ import annotations

import signal
import sys

from ._enkoder import command


def main() -> None:
    """Run the command with the arguments of this process, and end with its exit code."""
    # The command listens to signals itself. Python's own listener would wait for the end of it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(command(["enkoder", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
