//! CSV in chunks: a model's columns, found by name, some rows at a time. What a column holds is known beforehand, so that a
//! file of any length is read once and never lies in memory.

use std::path::Path;

use ::csv::ByteRecord;

use super::dialect::Dialect;
use super::records::Records;
use super::{not_a_number, not_utf8, ragged};
use crate::chunks::Part;
use crate::table::{BadCells, Cells, TableBuilder, TableOptions, find_column, missing_column, warn_of};
use crate::{ByteSource, DataError};

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
    source: String,
    records: Records<'static>,
    dialect: Dialect,
    roles: Vec<Role>,
    /// The columns of each table.
    cells: Columns,
    /// How many columns are kept as text.
    kept: usize,
    keep_infinite: bool,
    bad_cells: BadCells,
    /// The name of the label column.
    label: Option<String>,
}

impl CsvChunks {
    /// Opens a file, to read the columns of the schema, the label, and what is to be kept.
    pub(crate) fn open(path: &Path, options: &TableOptions) -> Result<Self, DataError> {
        let named = |error: DataError| error.within(path.display().to_string());
        let dialect = Dialect::find(ByteSource::open(path)?, options).map_err(named)?;
        let (roles, cells) = roles(&dialect.names, options).map_err(named)?;
        let records = dialect.rows(ByteSource::open(path)?)?;
        let source = path.display().to_string();
        let at = |label: &String| find_column(dialect.names.iter().map(String::as_str), label).ok();
        let label = options.label.as_ref().and_then(at).map(|at| dialect.names[at].clone());
        let (kept, keep_infinite) = (options.keep.len(), options.keep_infinite);
        let bad_cells = options.text.bad_cells;
        Ok(Self { source, records, dialect, roles, cells, kept, keep_infinite, bad_cells, label })
    }

    /// The name of the label column.
    pub(crate) fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The next rows, up to so many, and the text that is kept of them; none at the end.
    pub(crate) fn next(&mut self, rows: usize) -> Result<Option<Part>, DataError> {
        self.read(rows).map_err(|error| error.within(self.source.clone()))
    }

    fn read(&mut self, rows: usize) -> Result<Option<Part>, DataError> {
        let mut table = TableBuilder::new(self.source.as_str(), self.cells.clone())?;
        let mut kept = vec![Vec::new(); self.kept];
        let mut record = ByteRecord::new();
        let mut read = 0;
        while read < rows && self.records.next(&mut record)? {
            let (records, dialect) = (&self.records, &self.dialect);
            if record.len() != self.roles.len() {
                return Err(ragged(records, &record, self.roles.len()));
            }
            for (column, (cell, role)) in record.iter().zip(&self.roles).enumerate() {
                let cell = cell.trim_ascii();
                let text = || std::str::from_utf8(cell).map_err(|_| not_utf8(records, &record, column, dialect));
                match *role {
                    Role::Skipped => {}
                    Role::Numbers(place) => match dialect.number(cell) {
                        Some(value) if value.is_infinite() && !self.keep_infinite => {
                            let feature = dialect.names[column].clone();
                            let place = records.line(&record);
                            return Err(DataError::Infinite { place, feature, value: f64::from(value) });
                        }
                        Some(value) => table.row_mut()[place] = value,
                        None if dialect.is_missing(cell) || self.bad_cells == BadCells::Missing => {}
                        None => return Err(not_a_number(records, &record, column, dialect, text()?)),
                    },
                    Role::Words(_) if dialect.is_missing(cell) => {}
                    Role::Words(place) => {
                        let number = table.word_number(place, text()?);
                        table.row_mut()[place] = number.unwrap_or(f32::NAN);
                    }
                    Role::Kept(place) => kept[place].push(text()?.to_owned()),
                }
            }
            table.end_row()?;
            read += 1;
        }
        Ok((read > 0).then(|| Part { table: table.finish(), kept }))
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
    warn_of(&skipped.collect::<Vec<_>>(), "left out, for the model does not know them");
    Ok((roles, cells))
}
