//! CSV in chunks: a model's columns, found by name, some rows at a time. What a column holds is known beforehand, so that a
//! file of any length is read once and never lies in memory.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ::csv::ByteRecord;

use super::dialect::Dialect;
use super::pieces::{Piece, Pieces, Reading};
use super::ragged::{ShortRows, cells, ragged};
use super::records::Records;
use super::{not_a_number, not_utf8};
use crate::chunks::Part;
use crate::table::{
    BadCells, Cells, MissingPolicy, TableBuilder, TableOptions, find_column, missing_column, warn_of_unknown,
};
use crate::{ByteSource, DataError, Place};

/// Where the cells of a column of the file go.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// Nowhere.
    Skipped,
    /// Into this column of the table, as numbers.
    Numbers(usize),
    /// Into this column of the table, as words.
    Words(usize),
    /// Beside the table, as the text of this column that is kept.
    Kept(usize),
}

/// The columns of a table to be built.
type Columns = Vec<(String, Cells)>;

/// The rows of a CSV file, some at a time.
pub(crate) struct CsvChunks {
    path: PathBuf,
    rows: Rows,
    /// Rows that were taken.
    taken: usize,
    columns: Roles,
    short: ShortRows,
}

/// Where the next rows come from.
enum Rows {
    /// Pieces that were read, of the first of which so many rows were taken, and those that follow.
    Pieces {
        pieces: Pieces<'static>,
        read: VecDeque<Piece>,
        row: usize,
    },
    Records(Records<'static>),
}

/// What becomes of the cells of a row.
struct Roles {
    dialect: Dialect,
    roles: Vec<Role>,
    /// The columns of each table.
    cells: Columns,
    /// How many columns are kept as text.
    kept: usize,
    keep_infinite: bool,
    bad_cells: BadCells,
    missing: MissingPolicy,
    /// The name of the label column.
    label: Option<String>,
}

impl CsvChunks {
    /// Opens a file, to read the columns of the schema, the label, and what is to be kept.
    pub(crate) fn open(path: &Path, options: &TableOptions) -> Result<Self, DataError> {
        let named = |error: DataError| error.within(path.display().to_string());
        let dialect = Dialect::find(ByteSource::open(path)?, options).map_err(named)?;
        let (roles, cells) = roles(&dialect.names, options).map_err(named)?;
        let rows = match Pieces::new(ByteSource::open(path)?, &dialect)? {
            Some(pieces) => Rows::Pieces { pieces, read: VecDeque::new(), row: 0 },
            None => Rows::Records(dialect.rows(ByteSource::open(path)?)?),
        };
        let at = |label: &String| find_column(dialect.names.iter().map(String::as_str), label).ok();
        let label = options.label.as_ref().and_then(at).map(|at| dialect.names[at].clone());
        let (kept, keep_infinite) = (options.keep.len(), options.keep_infinite);
        let bad_cells = options.text.bad_cells;
        let missing = options.missing;
        let columns = Roles { dialect, roles, cells, kept, keep_infinite, bad_cells, missing, label };
        Ok(Self { path: path.into(), rows, taken: 0, columns, short: ShortRows::default() })
    }

    /// The name of the label column.
    pub(crate) fn label(&self) -> Option<&str> {
        self.columns.label.as_deref()
    }

    /// The next rows, up to so many, and the text that is kept of them; none at the end.
    pub(crate) fn next(&mut self, rows: usize) -> Result<Option<Part>, DataError> {
        self.read(rows).map_err(|error| error.within(self.path.display().to_string()))
    }

    fn read(&mut self, rows: usize) -> Result<Option<Part>, DataError> {
        let mut table = TableBuilder::new(self.path.display().to_string(), self.columns.cells.clone())?;
        let mut kept = vec![Vec::new(); self.columns.kept];
        let before = self.taken;
        let end = before.saturating_add(rows);
        while self.taken < end && self.take(end - self.taken, &mut table, &mut kept)? {}
        if self.taken < end {
            // The end, which may be asked for again.
            std::mem::take(&mut self.short).tell(self.taken as u64, &self.columns.dialect)?;
        }
        Ok((self.taken > before).then(|| Part { table: table.finish(), kept }))
    }

    /// Takes at most so many rows; false at the end.
    fn take(&mut self, most: usize, table: &mut TableBuilder, kept: &mut [Vec<String>]) -> Result<bool, DataError> {
        let columns = &self.columns;
        match &mut self.rows {
            Rows::Pieces { pieces, read, row } => match read.front() {
                Some(piece) if *row < piece.rows() => {
                    let until = piece.rows().min(row.saturating_add(most));
                    columns.take_rows(piece, *row..until, table, kept)?;
                    self.taken += until - *row;
                    *row = until;
                }
                Some(piece) => {
                    if let Some((place, cells)) = piece.ragged() {
                        return Err(ragged(place, cells, columns.roles.len()));
                    }
                    piece.note_short(&mut self.short);
                    read.pop_front();
                    *row = 0;
                }
                None => {
                    read.extend(pieces.next(&columns.dialect, &columns.readings(), false)?);
                    if read.is_empty() && !pieces.has_stopped() {
                        return Ok(false);
                    }
                    if read.is_empty() {
                        let mut records = columns.dialect.rows(ByteSource::open(&self.path)?)?;
                        for _ in 0..self.taken {
                            records.next(&mut ByteRecord::new())?;
                        }
                        self.rows = Rows::Records(records);
                    }
                }
            },
            Rows::Records(records) => {
                let mut record = ByteRecord::new();
                if !records.next(&mut record)? {
                    return Ok(false);
                }
                records.check(&record, &columns.dialect, &mut self.short)?;
                columns.take_record(records, &record, table, kept)?;
                self.taken += 1;
            }
        }
        Ok(true)
    }
}

impl Roles {
    fn readings(&self) -> Vec<Reading> {
        let reading = |role: &Role| match role {
            Role::Skipped => Reading::Nothing,
            Role::Numbers(_) => Reading::Numbers,
            Role::Words(_) | Role::Kept(_) => Reading::Text,
        };
        self.roles.iter().map(reading).collect()
    }

    fn take_rows(
        &self,
        piece: &Piece,
        rows: Range<usize>,
        table: &mut TableBuilder,
        kept: &mut [Vec<String>],
    ) -> Result<(), DataError> {
        let first = piece.others.partition_point(|other| (other.row as usize) < rows.start);
        let mut others = piece.others[first..].iter().copied().peekable();
        let width = self.roles.len();
        for row in rows {
            for (value, role) in piece.values[row * width..(row + 1) * width].iter().zip(&self.roles) {
                if let Role::Numbers(place) = *role {
                    table.row_mut()[place] = *value;
                }
            }
            while let Some(other) = others.next_if(|other| other.row as usize == row) {
                self.take_cell(other.column as usize, other.text(piece), &|| piece.place(row), table, kept)?;
            }
            self.end_row(table, || piece.place(row))?;
        }
        Ok(())
    }

    fn take_record(
        &self,
        records: &Records<'_>,
        record: &ByteRecord,
        table: &mut TableBuilder,
        kept: &mut [Vec<String>],
    ) -> Result<(), DataError> {
        for (column, cell) in cells(record, self.roles.len()).enumerate() {
            self.take_cell(column, cell, &|| records.line(record), table, kept)?;
        }
        self.end_row(table, || records.line(record))
    }

    /// Ends a row, whose line is noted where a missing value will be an error.
    fn end_row(&self, table: &mut TableBuilder, place: impl Fn() -> Place) -> Result<(), DataError> {
        if self.missing == MissingPolicy::Error && table.row_mut().iter().any(|value| value.is_nan()) {
            table.note_line(place().line_number());
        }
        table.end_row()
    }

    /// Takes a cell of the row being read, which has no blanks around it.
    fn take_cell(
        &self,
        column: usize,
        cell: &[u8],
        place: &dyn Fn() -> Place,
        table: &mut TableBuilder,
        kept: &mut [Vec<String>],
    ) -> Result<(), DataError> {
        let dialect = &self.dialect;
        let text = || std::str::from_utf8(cell).map_err(|_| not_utf8(place(), column, dialect));
        match self.roles[column] {
            Role::Skipped => {}
            Role::Numbers(to) => match dialect.number(cell) {
                Some(value) if value.is_infinite() && !self.keep_infinite => {
                    let feature = dialect.names[column].clone();
                    return Err(DataError::Infinite { place: place(), feature, value: f64::from(value) });
                }
                Some(value) => table.row_mut()[to] = value,
                None if dialect.is_missing(cell) || self.bad_cells == BadCells::Missing => {}
                None => return Err(not_a_number(place(), column, dialect, text()?)),
            },
            Role::Words(_) if dialect.is_missing(cell) => {}
            Role::Words(to) => {
                let number = table.word_number(to, text()?);
                table.row_mut()[to] = number.unwrap_or(f32::NAN);
            }
            Role::Kept(to) => kept[to].push(text()?.to_owned()),
        }
        Ok(())
    }
}

/// What each column of the file is read as, and the columns of the table.
fn roles(names: &[String], options: &TableOptions) -> Result<(Vec<Role>, Columns), DataError> {
    let mut roles = vec![Role::Skipped; names.len()];
    let mut cells = Vec::new();
    for column in options.schema.iter().flat_map(|schema| &schema.columns) {
        let found = names.iter().position(|name| *name == column.name);
        let at = found.ok_or_else(|| missing_column(&column.name, names.iter().cloned()))?;
        let (role, content) = match column.categories() {
            None => (Role::Numbers(cells.len()), Cells::Numbers),
            Some(categories) => (Role::Words(cells.len()), Cells::Words(categories.to_vec())),
        };
        roles[at] = role;
        cells.push((column.name.clone(), content));
    }
    if let Some(label) = &options.label {
        let at = find_column(names.iter().map(String::as_str), label)?;
        match roles[at] {
            // It is a feature as well.
            Role::Numbers(_) | Role::Words(_) => {}
            Role::Skipped | Role::Kept(_) => {
                roles[at] = Role::Words(cells.len());
                cells.push((names[at].clone(), Cells::Words(Vec::new())));
            }
        }
    }
    for (place, keep) in options.keep.iter().enumerate() {
        let at = find_column(names.iter().map(String::as_str), keep)?;
        if roles[at] != Role::Skipped {
            let why = format!("column {:?} cannot be kept beside the features: it is one, or the label", names[at]);
            return Err(DataError::unsuitable(crate::Place::default(), why));
        }
        roles[at] = Role::Kept(place);
    }
    let skipped = roles.iter().zip(names).filter(|(role, _)| **role == Role::Skipped).map(|(_, name)| name);
    let skipped = skipped.filter(|name| !options.ignore.contains(name));
    warn_of_unknown(skipped, options.schema.as_ref());
    Ok((roles, cells))
}
