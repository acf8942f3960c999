//! Tables as text with a separator between cells (CSV, TSV): RFC 4180 and what is found in practice.
//!
//! The file is read as it streams, once where that is enough. A column is one of numbers until it meets a word; its numbers may
//! be stored by then and their spelling lost, so the file is read again, now knowing which columns hold words.

mod ambiguous;
mod blanks;
mod chunks;
mod cuts;
mod dialect;
mod heads;
mod lines;
mod pieces;
mod ragged;
mod records;
mod text;

use std::path::Path;

use ::csv::ByteRecord;

use crate::table::{
    BadCells, Cells, MissingPolicy, Table, TableBuilder, TableOptions, find_column, known_categories,
    warn_of_placeholders,
};
use crate::{ByteSource, DataError, Place, Position};

pub use text::CsvText;

pub(crate) use chunks::CsvChunks;
use dialect::Dialect;
pub use lines::CsvLines;
use pieces::{Piece, Pieces, Reading, cut_each};
use ragged::{ShortRows, cells, ragged};
use records::Records;

/// Reads a CSV file, plain or packed by gzip. The table is named after the file.
///
/// - The separator (comma, semicolon, tab, bar, or blanks between numbers) and whether the first row holds names are found out from
///   the first rows, where [`TableOptions`] do not say them. Cells may be quoted with `"`; a byte order mark and CRLF are accepted.
///   Lines that begin with `#` before the first row are comments; the last of them can hold the names. A row of words between names
///   and numbers is one of units.
/// - A column holds numbers where all of its cells do, and words otherwise (`true` and `false`, too). Numbers may have their
///   thousands apart, their fraction behind a comma, or a percent sign, as the first rows show. Blanks around a cell are no part of
///   it. A row with fewer cells than there are columns misses the last ones. Where more than 95 % of the cells are numbers, [`TextOptions::bad_cells`](crate::TextOptions::bad_cells) says what
///   becomes of the others.
/// - Missing values are empty cells and the usual words for them (`NA`, `N/A`, `#N/A`, `NaN`, `NULL`, `None`, `?`, `-`, `--`, `.`
///   and their like), and those of [`TextOptions::missing_words`](crate::TextOptions::missing_words).
///
/// # Errors
/// When the file cannot be read, a row has more cells than the first (or fewer, with [`TextOptions::strict`](crate::TextOptions::strict)), words are not UTF-8, or a column that
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
        let find = |name: &String| find_column(dialect.names.iter().map(String::as_str), name).ok();
        let apart: Vec<usize> = options.label.iter().chain(&options.ignore).filter_map(find).collect();
        let mut columns: Vec<Column> = (dialect.names.iter().enumerate())
            .map(|(index, column)| {
                let content = match known.get(column.as_str()).map(|column| column.categories()) {
                    Some(Some(_)) => Content::Words,
                    Some(None) => Content::NumbersOnly,
                    None => Content::Unknown,
                };
                Column { content, is_feature: !apart.contains(&index), ..Column::default() }
            })
            .collect();
        // The second time no column can turn out to hold words that was not known to, unless the file changed.
        for _ in 0..2 {
            let cells = dialect.names.iter().zip(&columns).map(|(name, column)| {
                let words = known_categories(&known, name);
                (name.clone(), if column.content == Content::Words { Cells::Words(words) } else { Cells::Numbers })
            });
            let mut table = TableBuilder::new(name, cells.collect())?;
            table.sample(options.sample);
            if let Some(table) = fill(table, open, &dialect, &mut columns, options)? {
                return Ok(table);
            }
        }
        Err(DataError::unsuitable(Place::default(), "the content changed while it was read"))
    };
    read().map_err(|error| error.within(source_name))
}

/// What is known of a column so far.
#[derive(Debug, Default)]
struct Column {
    content: Content,
    /// Whether it is learned from: no label, and nothing to ignore.
    is_feature: bool,
    numbers: u64,
    words: u64,
    /// The first few cells that are no numbers, with their lines.
    first_words: Vec<String>,
}

/// What a column's cells hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Content {
    /// All were missing.
    #[default]
    Unknown,
    /// Each was a number.
    Numbers,
    /// Each is a number or counts as missing.
    NumbersOrMissing,
    /// Each must be a number, for a model needs them.
    NumbersOnly,
    /// Numbers were stored before a word came.
    Mixed,
    /// At least one was a word, before any number.
    WordsSoFar,
    /// They are words.
    Words,
}

/// Words that are remembered to be named.
const WORDS_NAMED: usize = 3;

/// The share of numbers from which on a column of numbers is meant.
const NEARLY_ALL: f64 = 0.95;

/// Reads all rows into the table. None where what columns hold has turned out to be something else than what was stored; it is
/// known then.
fn fill<'a>(
    table: TableBuilder,
    open: &dyn Fn() -> Result<ByteSource<'a>, DataError>,
    dialect: &Dialect,
    columns: &mut [Column],
    options: &TableOptions,
) -> Result<Option<Table>, DataError> {
    let mut filling = Filling { table: Some(table), columns, dialect, options, rows: 0, short: ShortRows::default() };
    let taken = match Pieces::new(open()?, dialect)? {
        Some(mut pieces) => filling.take_pieces(&mut pieces)?,
        None => Taken::Some(0),
    };
    if let Taken::Some(rows) = taken {
        filling.take_records(dialect.rows(open()?)?, rows)?;
    }
    for (name, column) in dialect.names.iter().zip(filling.columns.iter_mut()) {
        if !column.decide(name, options.text.bad_cells)? {
            filling.table = None;
        }
    }
    if filling.table.is_some() {
        filling.short.tell(filling.rows, dialect)?;
        if options.schema.is_none() {
            dialect.missing_words.tell_unmet();
        }
    }
    let table = filling.table.map(TableBuilder::finish);
    if options.schema.is_none() {
        table.iter().for_each(warn_of_placeholders);
    }
    Ok(table)
}

/// Which rows were taken.
enum Taken {
    All,
    /// So many, and the others must be read record by record.
    Some(usize),
}

/// A table that is being filled; none where it must be filled again.
struct Filling<'t> {
    table: Option<TableBuilder>,
    columns: &'t mut [Column],
    dialect: &'t Dialect,
    options: &'t TableOptions,
    rows: u64,
    short: ShortRows,
}

impl Filling<'_> {
    fn take_pieces(&mut self, pieces: &mut Pieces<'_>) -> Result<Taken, DataError> {
        let must_be_there = self.options.missing == MissingPolicy::Error;
        let dialect = self.dialect;
        let (mut rows, mut readings) = (0, self.readings());
        let (mut texts, mut read) = (pieces.texts()?, Vec::new());
        while !(texts.is_empty() && read.is_empty()) {
            // What comes next is cut while this is taken, and what comes then is read.
            let next_readings = self.readings();
            let ((taken, next_texts), next) = rayon::join(
                || (self.take_each(read, &readings, &mut rows), pieces.texts()),
                || cut_each(texts, dialect, &next_readings, must_be_there),
            );
            if !taken? {
                return Ok(Taken::Some(rows));
            }
            (texts, readings) = (next_texts?, next_readings);
            read = pieces.known(next, &mut texts);
        }
        Ok(if pieces.has_stopped() { Taken::Some(rows) } else { Taken::All })
    }

    fn readings(&self) -> Vec<Reading> {
        self.columns.iter().map(|column| column.content.reading()).collect()
    }

    /// Takes pieces whose columns were read so, and counts their rows; false before one that must be read record by record.
    fn take_each(&mut self, pieces: Vec<Piece>, readings: &[Reading], rows: &mut usize) -> Result<bool, DataError> {
        for piece in pieces {
            let piece = if self.follows(&piece, readings) { Some(piece) } else { piece.into_text(self.dialect) };
            let Some(piece) = piece else { return Ok(false) };
            self.take_piece(&piece)?;
            *rows += piece.rows();
            self.rows += piece.rows() as u64;
            piece.note_short(&mut self.short);
            if let Some((place, cells)) = piece.ragged() {
                return Err(ragged(place, cells, self.columns.len()));
            }
        }
        Ok(true)
    }

    /// Whether the numbers of a piece can be taken before its words: no column has to be seen as one of words on the way.
    fn follows(&self, piece: &Piece, readings: &[Reading]) -> bool {
        let mut begins = vec![false; self.columns.len()];
        for other in &piece.others {
            let column = other.column as usize;
            begins[column] |= self.columns[column].content == Content::Unknown;
        }
        let mut columns = self.columns.iter().zip(readings).zip(&begins).zip(&piece.numbers);
        columns.all(|(((column, &reading), &begins), &numbers)| {
            numbers == 0 || reading == Reading::Text || !(begins || column.content.reading() == Reading::Text)
        })
    }

    fn take_piece(&mut self, piece: &Piece) -> Result<(), DataError> {
        for (column, &numbers) in self.columns.iter_mut().zip(&piece.numbers) {
            column.numbers += numbers;
            if numbers > 0 && column.content == Content::Unknown {
                column.content = Content::Numbers;
            }
        }
        let mut others = piece.others.iter().copied().peekable();
        for (row, values) in piece.values.chunks_exact(self.columns.len()).enumerate() {
            if let Some(table) = &mut self.table {
                table.row_mut().copy_from_slice(values);
            }
            while let Some(other) = others.next_if(|other| other.row as usize == row) {
                self.take_cell(other.column as usize, other.text(piece), &|| piece.place(row))?;
            }
            if let Some(table) = &mut self.table {
                table.end_row()?;
            }
        }
        Ok(())
    }

    /// Takes records, but for the first ones.
    fn take_records(&mut self, mut records: Records<'_>, first: usize) -> Result<(), DataError> {
        let mut record = ByteRecord::new();
        for _ in 0..first {
            records.next(&mut record)?;
        }
        while records.next(&mut record)? {
            records.check(&record, self.dialect, &mut self.short)?;
            self.rows += 1;
            for (index, cell) in cells(&record, self.columns.len()).enumerate() {
                self.take_cell(index, cell, &|| records.line(&record))?;
            }
            if let Some(table) = &mut self.table {
                table.end_row()?;
            }
        }
        Ok(())
    }

    /// Takes a cell of the row being read, which has no blanks around it.
    fn take_cell(&mut self, index: usize, cell: &[u8], place: &dyn Fn() -> Place) -> Result<(), DataError> {
        let (dialect, bad_cells) = (self.dialect, self.options.text.bad_cells);
        let (table, column) = (&mut self.table, &mut self.columns[index]);
        let text = || std::str::from_utf8(cell).map_err(|_| not_utf8(place(), index, dialect));
        let number = if column.content == Content::Words { None } else { dialect.number(cell) };
        column.numbers += u64::from(number.is_some());
        let value = match number {
            Some(_) if column.content == Content::WordsSoFar => word(table, index, text()?),
            Some(number) => {
                if let Some(table) = table.as_mut().filter(|_| number.is_infinite()) {
                    table.note_line(place().line_number());
                }
                if column.content == Content::Unknown {
                    column.content = Content::Numbers;
                }
                Some(number)
            }
            None if dialect.is_missing(cell) => {
                if let Some(table) = table.as_mut().filter(|_| self.options.missing == MissingPolicy::Error) {
                    table.note_line(place().line_number());
                }
                None
            }
            None => {
                let found = text()?;
                column.note_word(found, place().position);
                match column.content {
                    Content::NumbersOnly if bad_cells != BadCells::Missing => {
                        return Err(not_a_number(place(), index, dialect, found));
                    }
                    Content::NumbersOnly | Content::NumbersOrMissing => None,
                    Content::Numbers | Content::Mixed => {
                        column.content = Content::Mixed;
                        *table = None;
                        None
                    }
                    Content::Unknown | Content::WordsSoFar => {
                        column.content = Content::WordsSoFar;
                        word(table, index, found)
                    }
                    Content::Words => word(table, index, found),
                }
            }
        };
        if let (Some(table), Some(value)) = (table, value) {
            table.row_mut()[index] = value;
        }
        Ok(())
    }
}

/// The number of a word in its column of the table.
fn word(table: &mut Option<TableBuilder>, column: usize, word: &str) -> Option<f32> {
    table.as_mut().and_then(|table| {
        table.make_words(column);
        table.word_number(column, word)
    })
}

impl Content {
    /// How the next cells are read: where some are words, numbers are words too.
    fn reading(self) -> Reading {
        if matches!(self, Self::WordsSoFar | Self::Words) { Reading::Text } else { Reading::Numbers }
    }
}

impl Column {
    fn note_word(&mut self, word: &str, place: Position) {
        self.words += 1;
        if self.first_words.len() < WORDS_NAMED {
            let word: String = word.chars().take(40).collect();
            self.first_words.push(format!("{word:?} in {place}"));
        }
    }

    /// Decides what the column holds, once all of it was seen; false where something else was stored.
    fn decide(&mut self, name: &str, bad_cells: BadCells) -> Result<bool, DataError> {
        let words = || {
            let more = if self.words > self.first_words.len() as u64 { ", …" } else { "" };
            format!("{}{more}", self.first_words.join(", "))
        };
        if matches!(self.content, Content::NumbersOnly | Content::NumbersOrMissing) && self.words > 0 {
            let (cells, count) = if self.words == 1 {
                ("cell that is no number", "counts")
            } else {
                ("cells that are no numbers", "count")
            };
            tracing::warn!("column {name:?}: {} {cells} {count} as missing: {}", self.words, words());
        }
        if !matches!(self.content, Content::Mixed | Content::WordsSoFar) {
            return Ok(true);
        }
        let all = self.numbers + self.words;
        let nearly_numbers = self.is_feature && self.numbers as f64 > NEARLY_ALL * all as f64;
        let was_mixed = self.content == Content::Mixed;
        if nearly_numbers && bad_cells == BadCells::Error {
            let why = format!(
                "column {name:?} holds numbers, but {} of its {all} cells {}: {}",
                self.words,
                if self.words == 1 { "is none" } else { "are none" },
                words()
            );
            let hint =
                "say what they are with `TextOptions::bad_cells`, or name them with `TextOptions::missing_words`";
            return Err(DataError::unsuitable(Place::default(), why).with_hint(hint));
        }
        if nearly_numbers && bad_cells == BadCells::Missing {
            (self.content, self.numbers, self.words) = (Content::NumbersOrMissing, 0, 0);
            self.first_words.clear();
            return Ok(false);
        }
        if was_mixed {
            // It may well be a slip in a column of numbers.
            tracing::warn!("column {name:?} is seen as words, not as numbers: it holds {}", words());
        }
        self.content = Content::Words;
        Ok(!was_mixed)
    }
}

fn not_utf8(place: Place, column: usize, dialect: &Dialect) -> DataError {
    let why = format!("column {:?} is not text in UTF-8", dialect.names[column]);
    DataError::malformed(place, why).with_hint(dialect::NOT_UTF8)
}

fn not_a_number(place: Place, column: usize, dialect: &Dialect, word: &str) -> DataError {
    let word: String = word.chars().take(40).collect();
    let why = format!("column {:?} holds {word:?}, but the model was trained on numbers there", dialect.names[column]);
    let hint = "name words that mean a missing value with `TextOptions::missing_words`, or let all such cells be missing with `BadCells::Missing`";
    DataError::unsuitable(place, why).with_hint(hint)
}
