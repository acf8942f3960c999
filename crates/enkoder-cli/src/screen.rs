//! The two streams: results on stdout, where a closed pipe ends the command quietly, and notes on stderr, where nobody's absence
//! is an error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::standard_input;

/// A heading before a result is at most so wide.
const WIDEST_HEADING: usize = 24;

/// The reader of our output is gone: no error, but nothing is left to do.
#[derive(Debug, thiserror::Error)]
#[error("the output was closed")]
pub struct ClosedPipe;

pub const ERROR: Style = AnsiColor::Red.on_default().bold();
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub const HINT: Style = AnsiColor::Cyan.on_default().bold();
pub const STRONG: Style = Style::new().bold();
pub const FAINT: Style = Style::new().dimmed();

/// Prints a result and a line feed. Styles in it are kept only where they are understood and wanted. Lines longer than a terminal is wide
/// are broken between words and go on below what follows their heading; JSON is left as it is.
pub fn print(text: impl Display) -> anyhow::Result<()> {
    let text = text.to_string();
    let text = match terminal_size::terminal_size_of(io::stdout()) {
        Some((width, _)) if !text.starts_with(['{', '[']) => wrapped(&text, width.0.into(), heading_of),
        _ => text,
    };
    closed_is_no_error(writeln!(anstream::stdout().lock(), "{text}"))
}

/// How wide a line's heading is, and a name behind it, with the blanks that set them off: none where it has none, or it is a row of a
/// table.
fn heading_of(line: &str) -> usize {
    let visible = anstream::adapter::strip_str(line).to_string();
    let (mut width, mut from) = (0, 0);
    while let Some(gap) = visible[from..].find("  ").map(|gap| from + gap) {
        let Some(blanks) = visible[gap..].find(|c| c != ' ') else { break };
        from = gap + blanks;
        let characters = visible[..from].chars().count();
        if characters > WIDEST_HEADING {
            break;
        }
        width = characters;
    }
    width
}

/// Prints bytes as they are.
pub fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    closed_is_no_error(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Writes to stdout through `write`, which may be long.
pub fn print_with(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    closed_is_no_error(write(&mut out).and_then(|()| out.flush()))
}

/// Who reads our output may go; that nothing can be written to it is an error.
pub fn closed_is_no_error(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ClosedPipe.into()),
        // Other errors are those of whoever had something written.
        Err(error) if error.raw_os_error().is_some() => {
            Err(anyhow::Error::new(error).context("standard output cannot be written"))
        }
        other => Ok(other?),
    }
}

/// Writes a line to stderr.
pub fn tell(text: impl Display) {
    let text = standard_input::in_words(text.to_string());
    let text = match terminal_size::terminal_size_of(io::stderr()) {
        Some((width, _)) => wrapped(&text, width.0.into(), |_| 0),
        None => text,
    };
    // There is nobody to tell that stderr is gone.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Text in lines of at most `width` characters, broken between words; what follows in a line is as far in as `indent` says of it. Styles take
/// no width, and words longer than a line keep whole.
fn wrapped(text: &str, width: usize, indent: impl Fn(&str) -> usize) -> String {
    let line = |line: &str| {
        let indent = indent(line);
        let (mut out, mut column, mut begun) = (String::new(), 0, false);
        for word in line.split_inclusive(' ') {
            let visible = anstream::adapter::strip_str(word).to_string();
            let length = visible.trim_end().chars().count();
            if begun && length > 0 && column + length > width {
                out.truncate(out.trim_end_matches(' ').len());
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            }
            out.push_str(word);
            column += visible.chars().count();
            begun |= length > 0;
        }
        out
    };
    text.split('\n').map(line).collect::<Vec<String>>().join("\n")
}

/// What may be shown while a verb works.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    quiet: bool,
    moving: bool,
}

impl Screen {
    /// What the terminal allows, where not only results and errors are wanted.
    pub fn new(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { quiet, moving: !quiet && !dumb && io::stderr().is_terminal() }
    }

    /// Whether a line on stderr can be drawn again and again.
    pub fn is_moving(self) -> bool {
        self.moving
    }

    /// Says something on stderr.
    pub fn note(self, text: impl Display) {
        if !self.quiet {
            tell(text);
        }
    }

    /// Says what was left out, on a quiet screen too.
    pub fn loss(self, text: impl Display) {
        tell(text);
    }

    /// Shows that something goes on that takes a moment, until what is returned is dropped.
    pub fn busy(self, what: impl Into<String>) -> Busy {
        Busy(self.moving.then(|| {
            let style = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}").expect("a sound template");
            let bar = moving(None).with_style(style).with_message(what.into());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        }))
    }
}

/// A sign of life; it goes away with this value.
pub struct Busy(Option<ProgressBar>);

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// The width for pictures on stdout, where that is a terminal that can show them, and whether it may have colours.
pub fn picture_width() -> Option<(usize, bool)> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let (width, _) = terminal_size::terminal_size()?;
    let colour = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never && has_true_colour();
    Some((usize::from(width.0), colour))
}

/// Nearly every terminal of today understands 24-bit colours; those that do not would show noise.
fn has_true_colour() -> bool {
    let is = |variable: &str, values: &[&str]| {
        std::env::var(variable).is_ok_and(|value| values.iter().any(|known| value == *known))
    };
    is("COLORTERM", &["truecolor", "24bit"])
        || !(is("TERM_PROGRAM", &["Apple_Terminal"]) || is("TERM", &["linux", "vt100", "vt220", "ansi", "xterm"]))
}

/// A bar of so many steps, or something that turns, on the last line of the terminal.
pub fn moving(steps: Option<u64>) -> ProgressBar {
    ProgressBar::with_draw_target(steps, ProgressDrawTarget::term_like_with_hz(Box::new(Narrow), 20))
}

/// The terminal, a little narrower than it is. What moves fills its line up to the end; the `^C` that a terminal writes would begin the
/// next line, and the line before would be left behind.
#[derive(Debug)]
struct Narrow;

/// Whether something that moves stands on the last line of the terminal.
static MOVES: AtomicBool = AtomicBool::new(false);
/// Whether the process ends, so that nothing moves any more.
static ENDED: AtomicBool = AtomicBool::new(false);

/// Takes what moves away where the process ends, for whoever has the terminal next.
pub fn end_moving() {
    ENDED.store(true, Ordering::SeqCst);
    if MOVES.load(Ordering::SeqCst) {
        // There is nobody to tell that stderr is gone.
        let _ = write!(io::stderr(), "\r\x1b[2K");
    }
}

impl Narrow {
    const ROOM: u16 = 3;

    fn move_cursor(by: usize, direction: char) -> io::Result<()> {
        if by > 0 { Self::write(format_args!("\x1b[{by}{direction}"), None) } else { Ok(()) }
    }

    /// Writes to the terminal, after which something moves there or nothing does.
    fn write(text: impl Display, moves: Option<bool>) -> io::Result<()> {
        if ENDED.load(Ordering::SeqCst) {
            return Ok(());
        }
        if let Some(moves) = moves {
            MOVES.store(moves, Ordering::SeqCst);
        }
        write!(io::stderr(), "{text}")
    }
}

impl TermLike for Narrow {
    fn width(&self) -> u16 {
        let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| width.0);
        width.saturating_sub(Self::ROOM).max(1)
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        Self::move_cursor(lines, 'A')
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        Self::move_cursor(lines, 'B')
    }

    fn move_cursor_right(&self, characters: usize) -> io::Result<()> {
        Self::move_cursor(characters, 'C')
    }

    fn move_cursor_left(&self, characters: usize) -> io::Result<()> {
        Self::move_cursor(characters, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        Self::write(format_args!("{text}\n"), Some(false))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        Self::write(text, (!text.trim().is_empty()).then_some(true))
    }

    fn clear_line(&self) -> io::Result<()> {
        Self::write("\r\x1b[2K", Some(false))
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_styles_take_no_room() {
        assert_eq!(wrapped("one two three", 7, |_| 0), "one two\nthree");
        assert_eq!(
            wrapped(&format!("{HINT}one{HINT:#} two three"), 7, |_| 1),
            format!("{HINT}one{HINT:#} two\n three")
        );
        assert_eq!(wrapped("  indented\nextraordinarily long", 8, |_| 0), "  indented\nextraordinarily\nlong");
        assert_eq!(wrapped("", 5, |_| 0), "");
        let list = "arrays   t    f32 6×4\n         lat  f64 4";
        assert_eq!(wrapped(list, 19, heading_of), "arrays   t    f32\n              6×4\n         lat  f64 4");
        assert_eq!(heading_of("mean of all samples        0.05"), 0);
    }
}
