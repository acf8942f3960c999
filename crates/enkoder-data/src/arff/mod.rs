//! Weka's and OpenML's Attribute-Relation File Format: declared columns, then rows, dense or sparse.
//!
//! Read as the [stable specification](https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/) has it, and with
//! the liberties that files in use take: values divided by blanks instead of commas, empty cells, weights behind the row.

mod date;
mod header;
mod lines;
mod rows;
mod scanner;

use std::path::Path;

use crate::table::{Cells, Table, TableBuilder, TableOptions, known_categories, unique_names};
use crate::{ByteSource, DataError, Place};

use header::Attribute;
use lines::Lines;
use rows::RowReader;

/// Reads an ARFF file, plain or packed by gzip. The table is named after the file's relation.
///
/// Nominal attributes are columns of words in their declared order, string attributes of words as they come, dates of seconds
/// since 1970 (UTC). A value that a sparse row leaves out is 0, the first nominal value, or a missing string. Weights of rows
/// are read over.
///
/// # Errors
/// When the file cannot be read or breaks the format, with line and column; also for relational attributes.
pub fn read_arff(path: &Path, options: &TableOptions) -> Result<Table, DataError> {
    parse_arff(ByteSource::open(path)?, options)
}

/// Reads ARFF from any source, like [`read_arff`].
pub fn parse_arff(source: ByteSource<'_>, options: &TableOptions) -> Result<Table, DataError> {
    let name = source.name().to_owned();
    read(Lines::new(source), options).map_err(|error| error.within(name))
}

fn read(mut lines: Lines<'_>, options: &TableOptions) -> Result<Table, DataError> {
    let header = header::read(&mut lines)?;
    let known = options.known_columns();
    let names = unique_names(header.attributes.iter().map(|(name, _)| name.as_str()));
    let columns = names.into_iter().zip(&header.attributes).map(|(name, (_, attribute))| {
        let cells = match attribute {
            Attribute::Number => Cells::Numbers,
            Attribute::Date(_) => Cells::Times,
            Attribute::Nominal(words) => Cells::Nominal(words.clone()),
            Attribute::Text => Cells::Words(known_categories(&known, &name)),
        };
        (name, cells)
    });
    let table = TableBuilder::new(header.relation, columns.collect())?;
    let mut rows = RowReader::new(table, header.attributes.into_iter().map(|(_, attribute)| attribute).collect());
    while let Some(line) = lines.next()? {
        if line.is_empty() || line[0] == b'%' {
            continue;
        }
        let read = rows.read(line);
        read.map_err(|fault| fault.at(lines.number(), rows.table()))?;
    }
    let table = rows.finish();
    if table.is_empty() {
        // It is the file that is named, and not the relation.
        return Err(DataError::empty(Place::default()));
    }
    Ok(table)
}
