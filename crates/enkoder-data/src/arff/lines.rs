//! The lines of a text, one at a time, none longer than a limit.

use std::io::{BufRead, BufReader, Read};

use crate::table::MAX_LINE;
use crate::{ByteSource, DataError, Place, Position};

/// Bytes taken from the source at once.
const CHUNK: usize = 1 << 16;

pub(super) struct Lines<'a> {
    reader: BufReader<ByteSource<'a>>,
    line: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(source: ByteSource<'a>) -> Self {
        Self { reader: BufReader::with_capacity(CHUNK, source), line: Vec::new(), number: 0 }
    }

    /// The next line without the blanks around it; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, DataError> {
        self.line.clear();
        let read = (&mut self.reader).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut self.line);
        match read {
            Err(error) => return Err(self.reader.get_ref().read_error(error)),
            Ok(0) => return Ok(None),
            Ok(_) => self.number += 1,
        }
        if self.line.len() > MAX_LINE {
            return Err(DataError::TooLarge {
                place: self.reader.get_ref().place(Position::Line(self.number)),
                what: "length of a line in bytes",
                claimed: self.line.len() as u64,
                limit: MAX_LINE as u64,
            });
        }
        let mut line = self.line.as_slice();
        if self.number == 1 {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        Ok(Some(line.trim_ascii()))
    }

    /// The number of the line read last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// A fault in the line read last.
    pub(super) fn malformed(&self, why: impl Into<String>) -> DataError {
        DataError::malformed(Place::line(self.number), why)
    }
}
