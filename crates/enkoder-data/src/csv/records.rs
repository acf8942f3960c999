//! The records of a CSV file, none longer than a limit: an opening quote that is never closed must not draw the whole file into
//! memory.

use std::io::{self, Read};

use ::csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

use crate::table::MAX_LINE;
use crate::{ByteSource, DataError, Place, Position};

/// Bytes taken from the source at once.
const CHUNK: usize = 1 << 16;

pub(super) struct Records<'a> {
    reader: Reader<Limited<'a>>,
}

/// A source that fails when too much is read without a record coming to its end, and that knows how its lines end.
struct Limited<'a> {
    source: ByteSource<'a>,
    since_record: usize,
    last: u8,
    /// Whether the first line ends with CRLF, once it has been read.
    crlf: Option<bool>,
}

impl Limited<'_> {
    fn exhausted(&self) -> bool {
        self.since_record > MAX_LINE
    }
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.exhausted() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.source.read(buffer)?;
        self.since_record += read;
        if self.crlf.is_none() {
            let end = buffer[..read].iter().position(|&byte| byte == b'\n');
            self.crlf = end.map(|end| end.checked_sub(1).map_or(self.last, |before| buffer[before]) == b'\r');
        }
        self.last = buffer[..read].last().copied().unwrap_or(self.last);
        Ok(read)
    }
}

impl<'a> Records<'a> {
    pub(super) fn new(source: ByteSource<'a>, separator: u8) -> Self {
        let source = Limited { source, since_record: 0, last: 0, crlf: None };
        Self { reader: builder(separator).buffer_capacity(CHUNK).from_reader(source) }
    }

    /// Reads the next record; false at the end.
    pub(super) fn next(&mut self, record: &mut ByteRecord) -> Result<bool, DataError> {
        self.reader.get_mut().since_record = 0;
        self.reader.read_byte_record(record).map_err(|error| {
            let line = self.reader.position().line();
            let limited = self.reader.get_ref();
            let place = limited.source.place(Position::Line(line));
            if limited.exhausted() {
                let claimed = limited.since_record as u64;
                return DataError::TooLarge {
                    place,
                    what: "length of a row in bytes",
                    claimed,
                    limit: MAX_LINE as u64,
                };
            }
            match error.into_kind() {
                ErrorKind::Io(error) => limited.source.read_error(error),
                kind => DataError::malformed(place, format!("not a row of cells: {kind:?}")),
            }
        })
    }
}

impl Records<'_> {
    /// Whether the first line ended with CRLF, as far as it has been read.
    pub(super) fn ends_lines_with_crlf(&self) -> bool {
        self.reader.get_ref().crlf == Some(true)
    }

    /// The line in which the record read last starts, from 1. The position that the reader gives is before the empty lines that
    /// it skipped and, between CRLF, one line behind.
    pub(super) fn line(&self, record: &ByteRecord) -> Place {
        let source = self.reader.get_ref();
        let end = self.reader.position();
        let within = record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
        let at_end = end.byte() == source.source.offset() && source.last != b'\n';
        let newline = source.crlf != Some(true) && !at_end;
        source.source.place(Position::Line(end.line().saturating_sub(within + u64::from(newline)).max(1)))
    }
}

/// Every row is a record, whatever its length.
pub(super) fn builder(separator: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(separator).has_headers(false).flexible(true);
    builder
}
