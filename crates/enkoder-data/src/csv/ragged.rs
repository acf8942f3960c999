//! Rows that have another number of cells than the table has columns.

use ::csv::ByteRecord;

use super::dialect::Dialect;
use crate::{DataError, Place};

/// Rows with fewer cells, whose last ones count as missing.
#[derive(Debug, Default)]
pub(super) struct ShortRows {
    rows: u64,
    /// The place of the first, and its cells.
    first: Option<(Place, usize)>,
}

impl ShortRows {
    /// Adds so many rows, of which this is the first.
    pub fn add(&mut self, rows: u64, place: impl FnOnce() -> Place, cells: usize) {
        self.rows += rows;
        self.first.get_or_insert_with(|| (place(), cells));
    }

    /// Says how many there were, where there were any, of so many rows of a table.
    ///
    /// # Errors
    /// When all rows are short, or most of those of a table without names: then the first one is no row of the table.
    pub fn tell(&self, rows: u64, dialect: &Dialect) -> Result<(), DataError> {
        let (columns, has_names) = (dialect.names.len(), dialect.commented || dialect.heads > 0);
        let Some((place, cells)) = &self.first else { return Ok(()) };
        let short = self.rows;
        if short == rows || !has_names && 2 * short > rows {
            let why = format!(
                "{short} of {rows} rows have fewer cells than the first row, which has {columns}: this one has {cells}"
            );
            return Err(DataError::malformed(place.clone(), why)
                .with_hint("say how many lines stand before the table with `TextOptions::skip_lines`"));
        }
        let (number, have) = if short == 1 { ("a row".to_owned(), "has") } else { (format!("{short} rows"), "have") };
        let first = if short == 1 { "it has" } else { "the first has" };
        tracing::warn!(
            "{number} {have} fewer cells than the table has columns ({columns}), and the last ones count as missing: {first} {cells}, in {}; \
             `TextOptions::strict` makes that an error",
            place.position
        );
        Ok(())
    }
}

/// So many cells, in words.
pub(super) fn in_cells(count: usize) -> String {
    if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") }
}

/// A row that cannot be read for its number of cells.
pub(super) fn ragged(place: Place, cells: usize, columns: usize) -> DataError {
    DataError::malformed(place, format!("the row has {}, but the first row has {columns}", in_cells(cells)))
        .with_hint("look for a missing or superfluous separator or quote, here or in a row above")
}

/// The cells of a row without the blanks around them, with empty ones behind those of a short row.
pub(super) fn cells(record: &ByteRecord, columns: usize) -> impl Iterator<Item = &[u8]> {
    record.iter().map(<[u8]>::trim_ascii).chain(std::iter::repeat(&b""[..])).take(columns)
}

/// Whether a line of a table of several columns holds nothing but blanks.
pub(super) fn is_blank(line: &[u8], separator: u8, columns: usize) -> bool {
    columns > 1 && line.iter().all(|byte| byte.is_ascii_whitespace() && *byte != separator)
}
