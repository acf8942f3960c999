//! JSON Lines: one object a line, whose members are the columns of a table (<https://jsonlines.org>). What is nested becomes columns
//! of its own: `{"a": {"b": 1}, "c": [2, 3]}` has the columns `a.b`, `c[0]` and `c[1]`.
//!
//! The file is read twice: which columns there are, and which of them hold words, is known only at its end.

use std::collections::HashMap;
use std::io::{BufRead, Read};
use std::path::Path;

use serde_json::Value;

use crate::table::{Cells, MAX_COLUMNS, MAX_LINE, Table, TableBuilder, TableOptions, known_categories};
use crate::{ByteSource, DataError, Place, Position};

/// Reads a file of JSON Lines, plain or packed. The table is named after the file.
///
/// Numbers are numbers, texts and `true` and `false` are words, `null` and members that a line has not are missing. A column that holds
/// words anywhere is one of words.
///
/// # Errors
/// When the file cannot be read, a line is no JSON object, or a column that a model knows as numbers holds a word; each with the line.
pub fn read_json_lines(path: &Path, options: &TableOptions) -> Result<Table, DataError> {
    let name = path.file_name().map_or_else(|| "table".into(), |name| name.to_string_lossy());
    let name = name.split_once('.').map_or(&*name, |(stem, _)| stem);
    read(name, &|| ByteSource::open(path), options)
}

/// Reads JSON Lines in memory, like [`read_json_lines`].
pub fn parse_json_lines(name: &str, bytes: &[u8], options: &TableOptions) -> Result<Table, DataError> {
    read(name, &|| ByteSource::from_bytes(name, bytes), options)
}

fn read<'a>(
    name: &str,
    open: &dyn Fn() -> Result<ByteSource<'a>, DataError>,
    options: &TableOptions,
) -> Result<Table, DataError> {
    let known = options.known_columns();
    let mut columns = Columns::default();
    each_object(open()?, |_, cells| {
        cells
            .iter()
            .try_for_each(|(column, value)| columns.note(column, matches!(value, Value::String(_) | Value::Bool(_))))
    })?;
    let cells = columns.names.iter().zip(&columns.words).map(|(column, &words)| {
        let known_words = known.get(column.as_str()).map(|column| column.categories().is_some());
        let cells = match known_words.unwrap_or(words) {
            true => Cells::Words(known_categories(&known, column)),
            false => Cells::Numbers,
        };
        (column.clone(), cells)
    });
    let cells: Vec<_> = cells.collect();
    let mut table = TableBuilder::new(name, cells.clone())?;
    table.sample(options.sample);
    each_object(open()?, |place, row| {
        let mut is_infinite = false;
        for (column, value) in row {
            let Some(&at) = columns.places.get(column) else { continue };
            let value = match (&cells[at].1, value) {
                (Cells::Numbers, Value::Number(number)) => number.as_f64().map(|number| number as f32),
                (Cells::Numbers, other) => {
                    let why = format!("column {column:?} holds {other}, but the model was trained on numbers there");
                    return Err(DataError::unsuitable(place, why));
                }
                (_, Value::String(word)) => table.word_number(at, word),
                (_, other) => table.word_number(at, &other.to_string()),
            };
            is_infinite |= value.is_some_and(f32::is_infinite);
            table.row_mut()[at] = value.unwrap_or(f32::NAN);
        }
        table.note_line(place.line_number().filter(|_| is_infinite));
        table.end_row()
    })?;
    Ok(table.finish())
}

/// The name of a column, and a value.
type Cell = (String, Value);

/// The columns found so far.
#[derive(Default)]
struct Columns {
    names: Vec<String>,
    /// Whether each holds a word anywhere.
    words: Vec<bool>,
    places: HashMap<String, usize>,
}

impl Columns {
    fn note(&mut self, name: &str, is_word: bool) -> Result<(), DataError> {
        let at = match self.places.get(name) {
            Some(&at) => at,
            None => {
                if self.names.len() >= MAX_COLUMNS {
                    let what = "number of columns";
                    let (claimed, limit) = (self.names.len() as u64 + 1, MAX_COLUMNS as u64);
                    return Err(DataError::TooLarge { place: Place::default(), what, claimed, limit });
                }
                self.names.push(name.to_owned());
                self.words.push(false);
                self.places.insert(name.to_owned(), self.names.len() - 1);
                self.names.len() - 1
            }
        };
        self.words[at] |= is_word;
        Ok(())
    }
}

/// Hands on the cells of each line that is not empty: the names of its columns, and values that are neither `null` nor nested.
fn each_object(
    mut source: ByteSource<'_>,
    mut take: impl FnMut(Place, &[Cell]) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = source.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line);
        if read.map_err(|error| source.read_error(error))? == 0 {
            break;
        }
        let place = source.place(Position::Line(number));
        if line.len() > MAX_LINE {
            let (what, claimed) = ("length of a line in bytes", line.len() as u64);
            return Err(DataError::TooLarge { place, what, claimed, limit: MAX_LINE as u64 });
        }
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).trim_ascii();
        if text.is_empty() {
            continue;
        }
        let value = serde_json::from_slice(text)
            .map_err(|error| DataError::malformed(place.clone(), "the line is no JSON").with_cause(error))?;
        let Value::Object(members) = value else {
            let why = "the line is JSON, but no object of the form {\"column\": value, …}";
            return Err(DataError::malformed(place, why));
        };
        let mut cells = Vec::new();
        members.into_iter().for_each(|(name, value)| flatten(name, value, &mut cells));
        take(place.clone(), &cells).map_err(|error| error.within(place.source))?;
    }
    Ok(())
}

fn flatten(name: String, value: Value, cells: &mut Vec<Cell>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            members.into_iter().for_each(|(member, value)| flatten(format!("{name}.{member}"), value, cells));
        }
        Value::Array(values) => {
            values.into_iter().enumerate().for_each(|(at, value)| flatten(format!("{name}[{at}]"), value, cells));
        }
        value => cells.push((name, value)),
    }
}
