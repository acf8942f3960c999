//! The records of a CSV file, none longer than a limit: an opening quote that is never closed must not draw the whole file into
//! memory.

use std::io::{self, BufRead, Read};

use ::csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

use super::blanks::Blanks;
use super::dialect::Dialect;
use super::ragged::{ShortRows, is_blank, ragged};
use crate::table::MAX_LINE;
use crate::{ByteSource, DataError, Place, Position};

/// Bytes taken from the source at once.
const CHUNK: usize = 1 << 16;

pub(super) struct Records<'a> {
    reader: Reader<Blanked<'a>>,
    form: Form,
    /// The columns of the table, once they are known: lines of nothing but blanks are then no rows.
    columns: usize,
}

/// The text as it is, or with one tabulator for each run of blanks.
enum Blanked<'a> {
    No(Limited<'a>),
    Yes(Blanks<Limited<'a>>),
}

impl<'a> Blanked<'a> {
    fn limited(&self) -> &Limited<'a> {
        match self {
            Self::No(limited) => limited,
            Self::Yes(blanks) => blanks.inner(),
        }
    }

    fn limited_mut(&mut self) -> &mut Limited<'a> {
        match self {
            Self::No(limited) => limited,
            Self::Yes(blanks) => blanks.inner_mut(),
        }
    }
}

impl Read for Blanked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self {
            Self::No(limited) => limited.read(buffer)?,
            Self::Yes(blanks) => blanks.read(buffer)?,
        };
        self.limited_mut().given += read as u64;
        Ok(read)
    }
}

/// A source that fails when too much is read without a record coming to its end, and that knows how its lines end.
struct Limited<'a> {
    source: ByteSource<'a>,
    since_record: usize,
    last: u8,
    /// Bytes that the parser of records was given.
    given: u64,
    /// Lines before the table.
    skipped: u64,
    /// Whether the first line ends with CRLF, once it has been read.
    crlf: Option<bool>,
    /// What a line ends with.
    line_end: u8,
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
        if self.line_end != b'\n' {
            with_line_feeds(&mut buffer[..read], self.line_end);
        }
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
    pub(super) fn new(mut source: ByteSource<'a>, form: Form) -> Result<Self, DataError> {
        skip_lines(&mut source, form.skipped, form.line_end)?;
        let (skipped, line_end) = (form.skipped as u64, form.line_end);
        let limited = Limited { source, since_record: 0, last: 0, given: 0, skipped, crlf: None, line_end };
        let text = if form.blanks { Blanked::Yes(Blanks::new(limited)) } else { Blanked::No(limited) };
        Ok(Self { reader: form.builder().buffer_capacity(CHUNK).from_reader(text), form, columns: 0 })
    }

    /// The same of a table of so many columns.
    pub(super) fn of_columns(self, columns: usize) -> Self {
        Self { columns, ..self }
    }

    /// Reads the next record; false at the end.
    pub(super) fn next(&mut self, record: &mut ByteRecord) -> Result<bool, DataError> {
        loop {
            let there_is = self.read(record)?;
            if !there_is || record.len() != 1 || !is_blank(&record[0], self.form.separator, self.columns) {
                return Ok(there_is);
            }
        }
    }

    fn read(&mut self, record: &mut ByteRecord) -> Result<bool, DataError> {
        self.reader.get_mut().limited_mut().since_record = 0;
        self.reader.read_byte_record(record).map_err(|error| {
            let limited = self.reader.get_ref().limited();
            let line = self.reader.position().line() + limited.skipped;
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
        self.reader.get_ref().limited().crlf == Some(true)
    }

    /// Whether a record can be a row of the table; one that is short is noted.
    pub(super) fn check(&self, record: &ByteRecord, dialect: &Dialect, short: &mut ShortRows) -> Result<(), DataError> {
        let columns = dialect.names.len();
        match record.len() {
            cells if cells > columns || cells < columns && dialect.strict => {
                Err(ragged(self.line(record), cells, columns))
            }
            cells => {
                if cells < columns {
                    short.add(1, || self.line(record), cells);
                }
                Ok(())
            }
        }
    }

    /// The line in which the record read last starts, from 1. The position that the reader gives is before the empty lines that
    /// it skipped and, between CRLF, one line behind.
    pub(super) fn line(&self, record: &ByteRecord) -> Place {
        let source = self.reader.get_ref().limited();
        let end = self.reader.position();
        let within = record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
        let at_end = end.byte() == source.given && source.last != b'\n';
        let newline = source.crlf != Some(true) && !at_end;
        let line = end.line().saturating_sub(within + u64::from(newline)).max(1);
        source.source.place(Position::Line(line + source.skipped))
    }
}

/// How the text of a table is cut into cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub separator: u8,
    /// Whether the separator stands for any number of blanks.
    pub blanks: bool,
    /// What lines begin with that are no rows.
    pub comment: Option<u8>,
    /// Lines before the table.
    pub skipped: usize,
    /// What a line ends with: a line feed, or a carriage return alone, as on Macs of old.
    pub line_end: u8,
}

impl Form {
    /// Every row is a record, whatever its length.
    pub fn builder(self) -> ReaderBuilder {
        let mut builder = ReaderBuilder::new();
        let separator = if self.blanks { b'\t' } else { self.separator };
        builder.delimiter(separator).comment(self.comment).has_headers(false).flexible(true);
        builder
    }
}

/// What the lines of a text end with that begins so.
pub(super) fn line_end(head: &[u8]) -> u8 {
    // A line feed may follow behind what is seen.
    let head = head.strip_suffix(b"\r").unwrap_or(head);
    if head.contains(&b'\r') && !head.contains(&b'\n') { b'\r' } else { b'\n' }
}

/// Puts line feeds in the place of what lines end with.
pub(super) fn with_line_feeds(text: &mut [u8], line_end: u8) {
    text.iter_mut().filter(|byte| **byte == line_end).for_each(|byte| *byte = b'\n');
}

/// Passes over the lines before a table.
pub(super) fn skip_lines(source: &mut ByteSource<'_>, lines: usize, line_end: u8) -> Result<(), DataError> {
    for _ in 0..lines {
        let mut line = Vec::new();
        let read = source.by_ref().take(MAX_LINE as u64).read_until(line_end, &mut line);
        read.map_err(|error| source.read_error(error))?;
    }
    Ok(())
}
