//! JSON Lines: one object a line, whose members are the columns of a table (<https://jsonlines.org>), and other texts of objects: an array of
//! them, or objects over several lines. What is nested becomes columns of its own: `{"a": {"b": 1}, "c": [2, 3]}` has the columns `a.b`, `c[0]` and
//! `c[1]`.
//!
//! The file is read twice: which columns there are, and which of them hold words, is known only at its end.

mod objects;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::Value;

use crate::table::{
    Cells, MAX_COLUMNS, MissingWords, Notation, Table, TableBuilder, TableOptions, is_missing, known_categories,
    parse_number, warn_of_placeholders,
};
use crate::{ByteSource, DataError, Place, Position};

use objects::{Cell, Objects};

/// Reads a file of JSON Lines, plain or packed. The table is named after the file.
///
/// Numbers are numbers, and so are texts in a column of numbers that are numbers or say that one is missing (`NA`). Other texts and `true` and
/// `false` are words. `null`, `NaN` and members that an object has not are missing. A column that holds words anywhere is one of words.
///
/// # Errors
/// When the file cannot be read, holds what is no JSON object, or a column that a model knows as numbers holds a word; each with the line.
pub fn read_json_lines(path: &Path, options: &TableOptions) -> Result<Table, DataError> {
    let name = path.file_name().map_or_else(|| "table".into(), |name| name.to_string_lossy());
    let name = name.split_once('.').map_or(&*name, |(stem, _)| stem);
    read(name, &|| ByteSource::open(path), options).map_err(|error| error.within(path.display().to_string()))
}

/// Reads JSON Lines in memory, like [`read_json_lines`].
pub fn parse_json_lines(name: &str, bytes: &[u8], options: &TableOptions) -> Result<Table, DataError> {
    read(name, &|| ByteSource::from_bytes(name, bytes), options).map_err(|error| error.within(name))
}

fn read<'a>(
    name: &str,
    open: &dyn Fn() -> Result<ByteSource<'a>, DataError>,
    options: &TableOptions,
) -> Result<Table, DataError> {
    let known = options.known_columns();
    let missing = MissingWords::new(&options.text, Notation::PLAIN);
    let is_missing = |word: &str| {
        let word = word.trim().as_bytes();
        is_missing(word) || missing.has(word, parse_number(word))
    };
    let mut columns = Columns::default();
    let mut objects = 0;
    each_object(open()?, |line, cells| {
        objects += 1;
        for (name, value) in cells {
            let column = columns.at(name)?;
            column.is_repeated |= std::mem::replace(&mut column.last_object, objects) == objects;
            column.note(value, line, is_missing);
        }
        Ok(())
    })?;
    let columns = columns.finish();
    let repeated = columns.iter().filter(|column| column.is_repeated).map(|column| format!("{:?}", column.name));
    let repeated: Vec<String> = repeated.collect();
    if !repeated.is_empty() {
        tracing::warn!(
            "an object has more than one value of the same name; the last one is read: {}",
            repeated.join(", ")
        );
    }
    let places: HashMap<&str, usize> =
        columns.iter().enumerate().map(|(at, column)| (column.name.as_str(), at)).collect();
    let cells = columns.iter().map(|column| {
        let known_words = known.get(column.name.as_str()).map(|column| column.categories().is_some());
        let cells = match known_words.unwrap_or_else(|| column.holds_words()) {
            true => Cells::Words(known_categories(&known, &column.name)),
            false => Cells::Numbers,
        };
        (column.name.clone(), cells)
    });
    let cells: Vec<_> = cells.collect();
    let mut table = TableBuilder::new(name, cells.clone())?;
    table.sample(options.sample);
    let mut rows = 0u64;
    each_object(open()?, |line, row| {
        let mut is_infinite = false;
        for (column, value) in row {
            let Some(&at) = places.get(column.as_str()) else { continue };
            let value = match (&cells[at].1, value) {
                (_, Value::Null) => None,
                (Cells::Numbers, Value::Number(number)) => {
                    let number = number.as_f64().map(|number| number as f32);
                    number.filter(|_| !missing.has(&[], number))
                }
                (Cells::Numbers, Value::String(word)) if is_missing(word) => None,
                (Cells::Numbers, other) => match other.as_str().and_then(|word| parse_number(word.trim().as_bytes())) {
                    None => {
                        let why =
                            format!("column {column:?} holds {other}, but the model was trained on numbers there");
                        return Err(DataError::unsuitable(Place::line(line), why));
                    }
                    number => number,
                },
                (_, Value::String(word)) => table.word_number(at, word),
                (_, other) => table.word_number(at, &other.to_string()),
            };
            is_infinite |= value.is_some_and(f32::is_infinite);
            table.row_mut()[at] = value.unwrap_or(f32::NAN);
        }
        table.note_line(Some(line).filter(|_| is_infinite));
        rows += 1;
        table.end_row()
    })?;
    let is_nested = |column: &Column| column.name.contains(['.', '[']);
    if rows == 1 && columns.iter().all(is_nested) {
        let why = "is one JSON object of objects or arrays, not a table of one object a row";
        return Err(DataError::unsuitable(Place::default(), why).with_hint(objects::TABLE_OF_JSON));
    }
    if rows == 1 && columns.iter().any(is_nested) {
        tracing::warn!("the file is one JSON object, which is one row; rows are objects, one a line or in an array");
    }
    let table = table.finish();
    if options.schema.is_none() {
        missing.tell_unmet();
        warn_of_placeholders(&table);
    }
    Ok(table)
}

/// The columns found so far.
#[derive(Default)]
struct Columns {
    all: Vec<Column>,
    places: HashMap<String, usize>,
}

impl Columns {
    fn at(&mut self, name: &str) -> Result<&mut Column, DataError> {
        let at = match self.places.get(name) {
            Some(&at) => at,
            None => {
                let at = self.all.len();
                if at >= MAX_COLUMNS {
                    let (what, claimed, limit) = ("number of columns", at as u64 + 1, MAX_COLUMNS as u64);
                    return Err(DataError::TooLarge { place: Place::default(), what, claimed, limit });
                }
                self.all.push(Column { name: name.to_owned(), ..Column::default() });
                self.places.insert(name.to_owned(), at);
                at
            }
        };
        Ok(&mut self.all[at])
    }

    /// The columns of the table: not those that are nested where they have a value.
    fn finish(self) -> Vec<Column> {
        let mut columns = self.all;
        let with_value = columns.iter().filter(|column| !column.is_empty());
        let begins = |column: &Column| -> Vec<String> {
            column.name.match_indices(['.', '[']).map(|(end, _)| column.name[..end].to_owned()).collect()
        };
        let nested: HashSet<String> = with_value.flat_map(begins).collect();
        columns.retain(|column| !(column.is_empty() && nested.contains(&column.name)));
        columns
    }
}

/// What a column holds, as far as it was seen.
#[derive(Default)]
struct Column {
    name: String,
    /// Numbers, and numbers among the texts.
    numbers: u64,
    /// Texts that say that a value is missing.
    missing: u64,
    /// All else, and the first of it.
    words: u64,
    first_word: String,
    /// The object that had it last, from 1, and whether one had it twice.
    last_object: u64,
    is_repeated: bool,
}

impl Column {
    fn note(&mut self, value: &Value, line: u64, is_missing: impl Fn(&str) -> bool) {
        match value {
            Value::Null => {}
            Value::Number(_) => self.numbers += 1,
            Value::String(word) if is_missing(word) => self.missing += 1,
            Value::String(word) if parse_number(word.trim().as_bytes()).is_some() => self.numbers += 1,
            other => {
                if self.words == 0 {
                    let word: String = other.to_string().chars().take(40).collect();
                    self.first_word = format!("{word} in {}", Position::Line(line));
                }
                self.words += 1;
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.numbers + self.missing + self.words == 0
    }

    fn holds_words(&self) -> bool {
        if self.words > 0 && self.numbers > 0 {
            // It may well be a slip in a column of numbers.
            let (name, numbers, words, first) = (&self.name, self.numbers, self.words, &self.first_word);
            tracing::warn!(
                "column {name:?} is seen as words, for {words} of its {} values are no numbers: {first}",
                numbers + words
            );
        }
        self.words > 0 || self.numbers == 0 && self.missing > 0
    }
}

/// Hands on the line and the cells of each object.
fn each_object(
    source: ByteSource<'_>,
    mut take: impl FnMut(u64, &[Cell]) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut objects = Objects::new(source);
    let mut cells = Vec::new();
    while let Some(line) = objects.next(&mut cells)? {
        take(line, &cells)?;
    }
    Ok(())
}
