//! The values of the features: each row of a table, column by column, as the numbers a data set holds.

use std::collections::HashMap;

use super::rows::Rows;
use super::{MissingPolicy, TableColumn, TableOptions};
use crate::{DataError, Place};

/// A column of the table and what its values become.
pub(super) struct Source {
    pub(super) column: usize,
    pub(super) encoding: Encoding,
    /// How many rows had a value that is none of the categories, and the first such value.
    pub(super) unknown: u64,
    pub(super) first_unknown: Option<f32>,
}

pub(super) enum Encoding {
    /// A number as it is.
    Number,
    /// The number that a word is, by the word's number; none where it is no number.
    WordAsNumber(Vec<Option<f32>>),
    /// One feature for each category, by the word's number; none for a word that is no category.
    OneHot { categories: Vec<Option<u32>>, width: usize },
    /// One feature for each category, by the number that is its name.
    NumberOneHot { categories: HashMap<u32, u32>, width: usize },
}

/// The values of all rows that were kept, one row behind the other, and their values in the label column.
pub(super) struct Encoded<T> {
    pub(super) rows: usize,
    pub(super) values: Vec<T>,
    pub(super) labels: Vec<f32>,
}

impl Source {
    pub(super) fn new(column: usize, encoding: Encoding) -> Self {
        Self { column, encoding, unknown: 0, first_unknown: None }
    }

    /// How many features the column becomes.
    pub(super) fn width(&self) -> usize {
        match &self.encoding {
            Encoding::Number | Encoding::WordAsNumber(_) => 1,
            Encoding::OneHot { width, .. } | Encoding::NumberOneHot { width, .. } => *width,
        }
    }

    /// Whether its features are always whole numbers from 0 to 255.
    pub(super) fn is_bytes(&self, rows: &Rows, columns: &[TableColumn]) -> bool {
        match &self.encoding {
            Encoding::Number => rows.is_bytes(self.column),
            Encoding::WordAsNumber(_) => false,
            Encoding::OneHot { .. } | Encoding::NumberOneHot { .. } => columns[self.column].missing == 0,
        }
    }

    /// Appends the features of a value, that of an infinite one too.
    fn encode<T: Copy>(&mut self, value: f32, out: &mut Vec<T>, convert: impl Fn(f32) -> T) -> Result<(), Refused> {
        let category = match &self.encoding {
            Encoding::Number => {
                out.push(convert(value));
                return if value.is_infinite() { Err(Refused::Infinite(value)) } else { Ok(()) };
            }
            Encoding::WordAsNumber(numbers) => {
                let number = if value.is_nan() { Some(value) } else { numbers.get(value as usize).copied().flatten() };
                out.push(convert(number.ok_or(Refused::Word(value))?));
                return match number {
                    Some(number) if number.is_infinite() => Err(Refused::Infinite(number)),
                    _ => Ok(()),
                };
            }
            Encoding::OneHot { categories, .. } => categories.get(value as usize).copied().flatten(),
            Encoding::NumberOneHot { categories, .. } => categories.get(&number_key(value)).copied(),
        };
        let start = out.len();
        out.resize(start + self.width(), convert(if value.is_nan() { value } else { 0.0 }));
        match category {
            _ if value.is_nan() => {}
            Some(category) => out[start + category as usize] = convert(1.0),
            None => {
                self.unknown += 1;
                self.first_unknown.get_or_insert(value);
            }
        }
        Ok(())
    }
}

enum Refused {
    Infinite(f32),
    /// The number of a word where a number is needed.
    Word(f32),
}

/// A number as the key of a map: 0 and −0 are the same.
pub(super) fn number_key(value: f32) -> u32 {
    if value == 0.0 { 0 } else { value.to_bits() }
}

/// The features of all rows and the values of the label column. Each block of the table is given back once it is encoded.
pub(super) fn encode<T: Copy>(
    rows: Rows,
    columns: &[TableColumn],
    sources: &mut [Source],
    label: Option<usize>,
    options: &TableOptions,
    convert: impl Fn(f32) -> T + Copy,
) -> Result<Encoded<T>, DataError> {
    let features: usize = sources.iter().map(Source::width).sum();
    let mut encoded = Encoded { rows: 0, values: Vec::with_capacity(rows.len() * features), labels: Vec::new() };
    let mut row = vec![0.0; columns.len()];
    let (mut number, mut dropped) = (0u64, 0u64);
    for block in rows.into_blocks() {
        for index in 0..block.len() {
            block.copy_row(index, &mut row);
            let start = encoded.values.len();
            let mut missing = None;
            for source in sources.iter_mut() {
                let value = row[source.column];
                if value.is_nan() {
                    missing.get_or_insert(source.column);
                }
                match source.encode(value, &mut encoded.values, convert) {
                    Err(Refused::Infinite(_)) if options.keep_infinite => {}
                    encoded => encoded.map_err(|refused| refused.at(number, &columns[source.column]))?,
                }
            }
            match (options.missing, missing) {
                (MissingPolicy::Drop, Some(_)) => {
                    encoded.values.truncate(start);
                    dropped += 1;
                }
                (MissingPolicy::Error, Some(column)) => return Err(missing_value(number, &columns[column])),
                _ => {
                    encoded.rows += 1;
                    encoded.labels.extend(label.map(|label| row[label]));
                }
            }
            number += 1;
        }
    }
    if encoded.rows == 0 {
        return Err(nothing_left(dropped));
    }
    warn_of_dropped(dropped, number);
    Ok(encoded)
}

/// Every row was dropped.
pub(crate) fn nothing_left(dropped: u64) -> DataError {
    DataError::unsuitable(Place::default(), format!("each of the {dropped} rows misses a value"))
        .with_hint("keep missing values: they are replaced by the mean of their column")
}

pub(crate) fn warn_of_dropped(dropped: u64, rows: u64) {
    if dropped > 0 {
        tracing::warn!("{dropped} of {rows} rows are left out because they miss a value");
    }
}

fn missing_value(row: u64, column: &TableColumn) -> DataError {
    DataError::unsuitable(Place::row(row), format!("column {:?} has no value", column.name))
        .with_hint("fill the cell, leave such rows out, or keep them: missing values are replaced by the column's mean")
}

impl Refused {
    fn at(self, row: u64, column: &TableColumn) -> DataError {
        match self {
            Self::Infinite(value) => {
                DataError::Infinite { place: Place::row(row), feature: column.name.clone(), value: f64::from(value) }
            }
            Self::Word(number) => {
                let word = column.word(number);
                let why = format!("column {:?} holds {word}, but the model was trained on numbers there", column.name);
                DataError::unsuitable(Place::row(row), why)
            }
        }
    }
}
