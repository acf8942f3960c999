//! Standard input, line by line, on a thread of its own: whoever waits for a line can be told of other things meanwhile. A line has a
//! limit, so that memory has one.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::mpsc::SyncSender;
use std::thread;

use super::Event;

/// The longest line that is read.
pub const LONGEST: usize = 1 << 22;
/// Bytes taken at once.
const CHUNK: usize = 1 << 16;

/// Whole lines, as many as came at once.
#[derive(Debug, Default, PartialEq)]
pub struct Lines {
    text: Vec<u8>,
    lines: Vec<Line<Range<usize>>>,
}

/// A line without its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Line<T> {
    Text(T),
    /// One of so many bytes, which were not kept.
    TooLong(usize),
}

impl Lines {
    pub fn iter(&self) -> impl Iterator<Item = Line<&[u8]>> {
        self.lines.iter().map(|line| match line {
            Line::Text(range) => Line::Text(&self.text[range.clone()]),
            Line::TooLong(bytes) => Line::TooLong(*bytes),
        })
    }
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
struct Cutter {
    /// What came of the line that is not complete.
    begun: Vec<u8>,
    /// How long it is by now, where it is too long.
    too_long: Option<usize>,
}

impl Cutter {
    fn push(&mut self, mut bytes: &[u8], longest: usize) -> Lines {
        let mut lines = Lines::default();
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.take(&bytes[..end], longest);
            self.end(&mut lines);
            bytes = &bytes[end + 1..];
        }
        self.take(bytes, longest);
        lines
    }

    fn take(&mut self, bytes: &[u8], longest: usize) {
        if let Some(length) = &mut self.too_long {
            *length += bytes.len();
        } else if self.begun.len() + bytes.len() > longest {
            self.too_long = Some(self.begun.len() + bytes.len());
            self.begun = Vec::new();
        } else {
            self.begun.extend_from_slice(bytes);
        }
    }

    fn end(&mut self, lines: &mut Lines) {
        if let Some(length) = self.too_long.take() {
            lines.lines.push(Line::TooLong(length));
            return;
        }
        let line = self.begun.strip_suffix(b"\r").unwrap_or(&self.begun);
        let start = lines.text.len();
        lines.text.extend_from_slice(line);
        lines.lines.push(Line::Text(start..lines.text.len()));
        self.begun.clear();
    }

    /// What is left at the end is a line as well.
    fn finish(mut self) -> Lines {
        let mut lines = Lines::default();
        if !self.begun.is_empty() || self.too_long.is_some() {
            self.end(&mut lines);
        }
        lines
    }
}

/// Sends the lines of standard input, and at last how it ended.
pub fn read(events: SyncSender<Event>) {
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let (mut cutter, mut chunk) = (Cutter::default(), vec![0; CHUNK]);
        let ended = loop {
            match input.read(&mut chunk) {
                Ok(0) => break Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
                Ok(read) => {
                    let lines = cutter.push(&chunk[..read], LONGEST);
                    if !lines.lines.is_empty() && events.send(Event::Lines(lines)).is_err() {
                        return;
                    }
                }
            }
        };
        // Nobody may be there any more.
        let _ = events.send(Event::Lines(cutter.finish()));
        let _ = events.send(Event::End(ended));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, at_once: usize, longest: usize) -> Vec<Line<String>> {
        let mut cutter = Cutter::default();
        let mut all = Vec::new();
        let mut keep = |lines: Lines| {
            all.extend(lines.iter().map(|line| match line {
                Line::Text(text) => Line::Text(String::from_utf8(text.to_vec()).unwrap()),
                Line::TooLong(bytes) => Line::TooLong(bytes),
            }));
        };
        text.as_bytes().chunks(at_once).for_each(|part| keep(cutter.push(part, longest)));
        keep(cutter.finish());
        all
    }

    #[test]
    fn lines_are_the_same_however_they_come_and_none_is_longer_than_the_limit() {
        let text = "a,b\r\n\n1,2\n0123456789abc\nlast";
        let expected = ["a,b", "", "1,2"].map(|line| Line::Text(line.to_owned()));
        for at_once in 1..12 {
            let lines = cut(text, at_once, 10);
            assert_eq!(lines[..3], expected, "{at_once}");
            assert_eq!(lines[3..], [Line::TooLong(13), Line::Text("last".to_owned())], "{at_once}");
        }
        assert!(cut("a\n", 1, 10).len() == 1 && cut("", 1, 10).is_empty());
    }
}
