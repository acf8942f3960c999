//! A CSV file as it is written, for those who write it again with something in the place of what is missing. All else stays as it
//! is: every column, every word, and every digit of a number.

use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

use ::csv::{ByteRecord, Terminator, Writer, WriterBuilder};
use enkoder::Cell;

use super::dialect::Dialect;
use super::ragged::ShortRows;
use super::records::Records;
use crate::table::{MAX_LINE, TableOptions, parse_number};
use crate::{ByteSource, DataError};

/// A CSV file, plain or packed by gzip, whose rows are read as they are written.
pub struct CsvText {
    path: PathBuf,
    dialect: Dialect,
    /// For each column, whether the fractions of its numbers stand behind a comma.
    commas: Vec<bool>,
    crlf: bool,
}

impl CsvText {
    /// Looks at all rows of a file.
    ///
    /// # Errors
    /// As [`read_csv`](crate::read_csv), but for what cells hold.
    pub fn open(path: &Path, options: &TableOptions) -> Result<Self, DataError> {
        let dialect = Dialect::find(ByteSource::open(path)?, options)
            .map_err(|error| error.within(path.display().to_string()))?;
        let commas = vec![false; dialect.names.len()];
        let mut text = Self { path: path.to_owned(), dialect, commas, crlf: false };
        let mut commas = text.commas.clone();
        text.crlf = text.each(&mut |_, record| {
            if text.dialect.notation.decimal == b',' {
                for (comma, cell) in commas.iter_mut().zip(record) {
                    let cell = cell.trim_ascii();
                    *comma = *comma || parse_number(cell).is_none() && text.dialect.number(cell).is_some();
                }
            }
            Ok(true)
        })?;
        text.commas = commas;
        Ok(text)
    }

    /// The columns' names, as a table that is read from the file has them.
    pub fn columns(&self) -> &[String] {
        &self.dialect.names
    }

    /// What [`TableOptions::header`] is to be for who reads the same file as a table: whether the first row holds the names; `None`
    /// where they stand in a comment.
    pub fn header(&self) -> Option<bool> {
        (!self.dialect.commented).then_some(self.dialect.heads > 0)
    }

    /// Writes what stands before the rows (lines that are skipped, comments, names and units) and the first `rows` rows. Comments
    /// between rows are left out. What is missing of a row becomes the cell that `fill` has
    /// for it, by the numbers of row and column; where it has none, it stays as it is written.
    ///
    /// Returns how many cells were filled.
    ///
    /// # Errors
    /// When nothing can be written, and when the file has changed meanwhile.
    pub fn fill<'c>(
        &self,
        rows: usize,
        mut out: impl Write,
        mut fill: impl FnMut(usize, usize) -> Cell<'c>,
    ) -> io::Result<usize> {
        self.copy_first_lines(&mut out)?;
        let terminator = if self.crlf { Terminator::CRLF } else { Terminator::Any(self.dialect.form.line_end) };
        let mut writer = WriterBuilder::new()
            .delimiter(self.dialect.form.separator)
            .terminator(terminator)
            .flexible(true)
            .from_writer(out);
        let mut filled = 0;
        let mut written = Ok(());
        let mut records = Records::new(self.source()?, self.dialect.form).map_err(io::Error::other)?;
        for _ in 0..self.dialect.heads {
            let mut head = ByteRecord::new();
            records.next(&mut head).map_err(io::Error::other)?;
            writer.write_byte_record(&head).map_err(unwrapped)?;
        }
        let read = self.each(&mut |row, record| {
            if row >= rows {
                return Ok(false);
            }
            let of_row = self.write_row(&mut writer, record, |column| fill(row, column));
            let go_on = of_row.is_ok();
            written = of_row.map(|of_row| filled += of_row);
            Ok(go_on)
        });
        read.map_err(io::Error::other)?;
        written.map_err(unwrapped)?;
        writer.flush()?;
        Ok(filled)
    }

    /// Writes a row, and says how many of its cells were filled.
    fn write_row<'c>(
        &self,
        writer: &mut Writer<impl Write>,
        row: &ByteRecord,
        mut fill: impl FnMut(usize) -> Cell<'c>,
    ) -> Result<usize, ::csv::Error> {
        let mut filled = 0;
        for column in 0..self.dialect.names.len() {
            let cell = row.get(column).unwrap_or_default();
            let new = if self.dialect.is_missing(cell.trim_ascii()) { fill(column) } else { Cell::Missing };
            match new {
                Cell::Missing => writer.write_field(cell)?,
                new => {
                    filled += 1;
                    writer.write_field(self.written(new, column))?;
                }
            }
        }
        writer.write_record(None::<&[u8]>)?;
        Ok(filled)
    }

    /// A cell as this file writes cells.
    fn written(&self, cell: Cell<'_>, column: usize) -> String {
        let text = cell.to_string();
        let comma = matches!(cell, Cell::Number(_)) && self.commas[column];
        if comma { text.replace('.', ",") } else { text }
    }

    fn source(&self) -> io::Result<ByteSource<'static>> {
        ByteSource::open(&self.path).map_err(io::Error::other)
    }

    /// Writes lines that are skipped, and comments before the first row, as they are.
    fn copy_first_lines(&self, out: &mut impl Write) -> io::Result<()> {
        let (mut source, form) = (self.source()?, self.dialect.form);
        let mut line = Vec::new();
        for number in 0.. {
            line.clear();
            source.by_ref().take(MAX_LINE as u64).read_until(form.line_end, &mut line)?;
            let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
            if text.is_empty() || number >= form.skipped && text.first() != form.comment.as_ref() {
                break;
            }
            out.write_all(&line)?;
        }
        Ok(())
    }

    /// Shows rows until there is none left or no more is wanted; says whether lines end with CRLF.
    fn each(&self, take: &mut dyn FnMut(usize, &ByteRecord) -> Result<bool, DataError>) -> Result<bool, DataError> {
        let mut read = || -> Result<bool, DataError> {
            let mut records = self.dialect.rows(ByteSource::open(&self.path)?)?;
            let mut record = ByteRecord::new();
            let mut row = 0;
            while records.next(&mut record)? {
                // Who reads the same file as a table says how many are short.
                records.check(&record, &self.dialect, &mut ShortRows::default())?;
                if !take(row, &record)? {
                    break;
                }
                row += 1;
            }
            Ok(records.ends_lines_with_crlf())
        };
        read().map_err(|error| error.within(self.path.display().to_string()))
    }
}

/// What the system said: a closed pipe must be known as one.
fn unwrapped(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, rows: usize) -> (String, usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        let mut out = Vec::new();
        let table = CsvText::open(&path, &TableOptions::default()).unwrap();
        let count = table.fill(rows, &mut out, |row, column| match column {
            0 => Cell::Number(row as f32 + 0.5),
            1 => Cell::Word("a, b"),
            _ => Cell::Missing,
        });
        (String::from_utf8(out).unwrap(), count.unwrap())
    }

    #[test]
    fn only_what_is_missing_changes() {
        let (text, count) = filled("x,word,note\n1.10,b,NA\nNA, ,\"q, r\"\n0.1234567890123,b,\n,c,n\n", 9);
        assert_eq!(text, "x,word,note\n1.10,b,NA\n1.5,\"a, b\",\"q, r\"\n0.1234567890123,b,\n3.5,c,n\n");
        assert_eq!(count, 3);
    }

    #[test]
    fn comments_and_units_before_the_rows_stay() {
        let text = "# of a logger\ntime,word,x\ns,,V\n1,b,2\n,b,\n";
        assert_eq!(filled(text, 9), (text.replace("\n,b,\n", "\n1.5,b,\n"), 1));
    }

    #[test]
    fn separators_commas_ends_of_lines_and_missing_names_are_kept() {
        let (text, count) = filled("1,5;b;1.0\r\n;b;2.0\r\n", 9);
        assert_eq!((text.as_str(), count), ("1,5;b;1.0\r\n1,5;b;2.0\r\n", 1));
        assert_eq!(filled("x\tword\n1\tb\n\tb\n", 1), ("x\tword\n1\tb\n".to_owned(), 0));
    }
}
