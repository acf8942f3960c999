//! Tables as text with a separator between cells (CSV, TSV): RFC 4180 and what is found in practice.
//!
//! The file is read as it streams, once where that is enough. A column is one of numbers until it meets a word; its numbers may
//! be stored by then and their spelling lost, so the file is read again, now knowing which columns hold words.

mod chunks;
mod dialect;
mod lines;
mod records;
mod text;

use std::path::Path;

use ::csv::ByteRecord;

use crate::table::{
    Cells, MissingPolicy, Table, TableBuilder, TableOptions, is_missing, known_categories, parse_number,
    parse_number_with_comma,
};
use crate::{ByteSource, DataError, Place};

pub use text::CsvText;

pub(crate) use chunks::CsvChunks;
use dialect::Dialect;
pub use lines::CsvLines;
use records::Records;

/// Reads a CSV file, plain or packed by gzip. The table is named after the file.
///
/// - The separator (comma, semicolon, tab or bar) and whether the first row holds names are found out from the first rows, where
///   [`TableOptions`] do not say them. Cells may be quoted with `"`; a byte order mark and CRLF are accepted.
/// - A column holds numbers where all of its cells do, and words otherwise (`true` and `false`, too). Between semicolons the
///   fraction of a number may stand behind a comma. Blanks around a cell are no part of it.
/// - Missing values are empty cells, `NA`, `N/A`, `n/a`, `NaN`, `nan`, `null`, `NULL`, `None`, `?` and `-`.
///
/// # Errors
/// When the file cannot be read, a row has more or fewer cells than the first, words are not UTF-8, or a column that
/// [`TableOptions::schema`] has as numbers holds a word; each with the line.
pub fn read_csv(path: &Path, options: &TableOptions) -> Result<Table, DataError> {
    let name = path.file_name().map_or_else(|| "table".into(), |name| name.to_string_lossy());
    let name = name.split_once('.').map_or(&*name, |(stem, _)| stem);
    read(name, &|| ByteSource::open(path), options)
}

/// Reads CSV in memory, plain or packed by gzip, like [`read_csv`].
pub fn parse_csv(name: &str, bytes: &[u8], options: &TableOptions) -> Result<Table, DataError> {
    read(name, &|| ByteSource::from_bytes(name, bytes), options)
}

/// The names of all columns of a file.
pub(crate) fn column_names(path: &Path, options: &TableOptions) -> Result<Vec<String>, DataError> {
    let dialect = Dialect::find(ByteSource::open(path)?, options);
    Ok(dialect.map_err(|error| error.within(path.display().to_string()))?.names)
}

fn read<'a>(
    name: &str,
    open: &dyn Fn() -> Result<ByteSource<'a>, DataError>,
    options: &TableOptions,
) -> Result<Table, DataError> {
    let source = open()?;
    let source_name = source.name().to_owned();
    let read = || {
        let dialect = Dialect::find(source, options)?;
        let known = options.known_columns();
        let mut contents: Vec<Content> = (dialect.names.iter())
            .map(|column| match known.get(column.as_str()).map(|column| column.categories()) {
                Some(Some(_)) => Content::Words,
                Some(None) => Content::NumbersOnly,
                None => Content::Unknown,
            })
            .collect();
        // The second time no column can turn out to hold words that was not known to, unless the file changed.
        for _ in 0..2 {
            let columns = dialect.names.iter().zip(&contents).map(|(column, content)| {
                let words = known_categories(&known, column);
                (column.clone(), if *content == Content::Words { Cells::Words(words) } else { Cells::Numbers })
            });
            let mut table = TableBuilder::new(name, columns.collect())?;
            table.sample(options.sample);
            let records = Records::new(open()?, dialect.separator);
            if let Some(table) = fill(table, records, &dialect, &mut contents, options.missing)? {
                return Ok(table);
            }
        }
        Err(DataError::unsuitable(Place::default(), "the content changed while it was read"))
    };
    read().map_err(|error| error.within(source_name))
}

/// What is known of a column's cells so far.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Content {
    /// All were missing.
    Unknown,
    /// Each was a number.
    Numbers,
    /// Each must be a number, for a model needs them.
    NumbersOnly,
    /// At least one was a word.
    Words,
}

/// Reads all records into the table. None where numbers were stored in what turned out to be a column of words; the contents
/// of all columns are known then.
fn fill(
    table: TableBuilder,
    mut records: Records<'_>,
    dialect: &Dialect,
    contents: &mut [Content],
    missing: MissingPolicy,
) -> Result<Option<Table>, DataError> {
    let parse = if dialect.separator == b';' { parse_number_with_comma } else { parse_number };
    let mut table = Some(table);
    let mut record = ByteRecord::new();
    if dialect.header {
        records.next(&mut record)?;
    }
    while records.next(&mut record)? {
        if record.len() != contents.len() {
            return Err(ragged(&records, &record, contents.len()));
        }
        for (column, (cell, content)) in record.iter().zip(contents.iter_mut()).enumerate() {
            let cell = cell.trim_ascii();
            let number = if *content == Content::Words { None } else { parse(cell) };
            let value = match number {
                Some(number) => {
                    if number.is_infinite()
                        && let Some(table) = &mut table
                    {
                        table.note_line(records.line(&record).line_number());
                    }
                    if *content == Content::Unknown {
                        *content = Content::Numbers;
                    }
                    Some(number)
                }
                None if is_missing(cell) => {
                    if missing == MissingPolicy::Error
                        && let Some(table) = &mut table
                    {
                        table.note_line(records.line(&record).line_number());
                    }
                    None
                }
                None => {
                    let word = std::str::from_utf8(cell).map_err(|_| not_utf8(&records, &record, column, dialect))?;
                    match *content {
                        Content::NumbersOnly => return Err(not_a_number(&records, &record, column, dialect, word)),
                        Content::Numbers => {
                            // It may well be a slip in a column of numbers.
                            let (name, place) = (&dialect.names[column], records.line(&record).position);
                            let word: String = word.chars().take(40).collect();
                            tracing::warn!(
                                "column {name:?} holds {word:?} in {place}, so all of it is seen as words, not as numbers"
                            );
                            table = None;
                        }
                        Content::Unknown | Content::Words => {}
                    }
                    *content = Content::Words;
                    table.as_mut().and_then(|table| {
                        table.make_words(column);
                        table.word_number(column, word)
                    })
                }
            };
            if let (Some(table), Some(value)) = (&mut table, value) {
                table.row_mut()[column] = value;
            }
        }
        if let Some(table) = &mut table {
            table.end_row()?;
        }
    }
    Ok(table.map(TableBuilder::finish))
}

fn ragged(records: &Records<'_>, record: &ByteRecord, width: usize) -> DataError {
    let why = format!("the row has {} cells, but the first row has {width}", record.len());
    DataError::malformed(records.line(record), why)
        .with_hint("look for a missing or superfluous separator or quote, here or in a row above")
}

fn not_utf8(records: &Records<'_>, record: &ByteRecord, column: usize, dialect: &Dialect) -> DataError {
    let why = format!("column {:?} is not text in UTF-8", dialect.names[column]);
    DataError::malformed(records.line(record), why).with_hint("save the file as UTF-8")
}

fn not_a_number(records: &Records<'_>, record: &ByteRecord, column: usize, dialect: &Dialect, word: &str) -> DataError {
    let word: String = word.chars().take(40).collect();
    let why = format!("column {:?} holds {word:?}, but the model was trained on numbers there", dialect.names[column]);
    DataError::unsuitable(records.line(record), why)
}
