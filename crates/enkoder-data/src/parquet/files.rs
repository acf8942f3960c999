//! Several files that are one table: the rows of one after those of another, in the columns of the first.

use std::collections::HashSet;
use std::vec;

use ::parquet::file::reader::{FileReader, SerializedFileReader};

use super::columns::{cells as cells_of, names_of};
use super::{Groups, damaged, guarded, open};
use crate::chunks::Part;
use crate::input::Input;
use crate::source::PartFile;
use crate::table::{Cells, Table, TableBuilder, TableOptions, warn_of};
use crate::{DataError, Place};

/// Reads files that are one table of this name.
pub(crate) fn read_parts(name: &str, files: Vec<PartFile>, options: &TableOptions) -> Result<Table, DataError> {
    let mut files = Files::open(files, options)?;
    let mut table = files.groups.table(name)?;
    table.sample(options.sample);
    files.fill(&mut table, &mut [], usize::MAX)?;
    Ok(table.finish())
}

/// The names of all columns of a file, and of those that the names of its folders give.
pub(crate) fn column_names(file: &PartFile) -> Result<Vec<String>, DataError> {
    let names = || {
        let reader = SerializedFileReader::new(Input::open(&file.path)?).map_err(damaged)?;
        let stored = names_of(reader.metadata().file_metadata().schema_descr()).into_iter().map(|(name, _)| name);
        Ok(stored.chain(file.values.iter().map(|value| value.column.clone())).collect())
    };
    guarded(names).map_err(|error: DataError| error.within(file.path.display().to_string()))
}

/// The rows of Parquet files, some at a time.
pub(crate) struct ParquetChunks {
    files: Files,
    kept: usize,
}

impl ParquetChunks {
    /// Opens files, to read the columns of the schema, the label, and what is to be kept.
    pub(crate) fn open(files: Vec<PartFile>, options: &TableOptions) -> Result<Self, DataError> {
        Ok(Self { files: Files::open(files, options)?, kept: options.keep.len() })
    }

    /// The next rows, up to so many, and the text that is kept of them; none at the end.
    pub(crate) fn next(&mut self, rows: usize) -> Result<Option<Part>, DataError> {
        let mut table = self.files.groups.table(&self.files.source)?;
        let mut kept = vec![Vec::new(); self.kept];
        let read = self.files.fill(&mut table, &mut kept, rows)?;
        Ok((read > 0).then(|| Part { table: table.finish(), kept }))
    }
}

struct Files {
    rest: vec::IntoIter<PartFile>,
    options: TableOptions,
    /// The file that is being read, and its name.
    groups: Groups<Input>,
    source: String,
    /// Columns that were said not to be in the first file.
    told: HashSet<String>,
}

impl Files {
    fn open(files: Vec<PartFile>, options: &TableOptions) -> Result<Self, DataError> {
        let mut rest = files.into_iter();
        let first = rest.next().ok_or_else(|| DataError::empty(Place::default()))?;
        let (groups, source) = open_file(&first, options)?;
        Ok(Self { rest, options: options.clone(), groups, source, told: HashSet::new() })
    }

    fn fill(&mut self, table: &mut TableBuilder, kept: &mut [Vec<String>], most: usize) -> Result<usize, DataError> {
        let mut read = 0;
        loop {
            let filled = guarded(|| self.groups.fill(table, kept, most - read));
            read += filled.map_err(|error| error.within(self.source.clone()))?;
            if read == most || !self.next_file()? {
                return Ok(read);
            }
        }
    }

    /// Opens the next file; false where there is none.
    fn next_file(&mut self) -> Result<bool, DataError> {
        let Some(file) = self.rest.next() else { return Ok(false) };
        let (mut groups, source) = open_file(&file, &self.options)?;
        let others = align(&mut groups, &self.groups.cells).map_err(|error| error.within(source.clone()))?;
        let others: Vec<String> = others.into_iter().filter(|name| self.told.insert(name.clone())).collect();
        warn_of(&others, &format!("left out, for the files before {source} do not have them"));
        (self.groups, self.source) = (groups, source);
        Ok(true)
    }
}

fn open_file(file: &PartFile, options: &TableOptions) -> Result<(Groups<Input>, String), DataError> {
    let source = file.path.display().to_string();
    let input = Input::open(&file.path)?;
    let groups = guarded(|| open(input, &file.values, options)).map_err(|error| error.within(source.clone()))?;
    Ok((groups, source))
}

/// Puts the columns of a file in the order of the files before it, and gives the names of those that they do not have.
fn align(groups: &mut Groups<Input>, cells: &[(String, Cells)]) -> Result<Vec<String>, DataError> {
    let place = |name: &str| cells.iter().position(|(other, _)| other == name);
    let mut others = Vec::new();
    groups.leaves.retain(|leaf| {
        let is_known = leaf.kept.is_some() || leaf.column_names().all(|name| place(&name).is_some());
        if !is_known {
            others.push(leaf.name().to_owned());
        }
        is_known
    });
    groups.leaves.sort_by_key(|leaf| leaf.column_names().next().and_then(|name| place(&name)));
    groups.constants.sort_by_key(|constant| place(&constant.name));
    let found = cells_of(&groups.leaves, &groups.constants, &TableOptions::default());
    for (index, (name, kind)) in cells.iter().enumerate() {
        let why = match found.get(index).filter(|(other, _)| other == name) {
            None => format!("column {name:?}, which the files before have, is missing"),
            Some((_, found)) if matches!(found, Cells::Words(_)) != matches!(kind, Cells::Words(_)) => {
                format!("column {name:?} holds words in some of the files and numbers in others")
            }
            Some(_) => continue,
        };
        return Err(DataError::unsuitable(Place::default(), why)
            .with_hint("leave the column out with `TableOptions::ignore`, or write the files anew"));
    }
    groups.cells = cells.to_vec();
    Ok(others)
}
