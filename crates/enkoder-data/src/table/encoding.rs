//! The values of the features: each row of a table, column by column, as the numbers a data set holds.

use std::ops::Range;

use enkoder::{Cell, CellError, ColumnEncoder, Encoded};

use super::rows::Rows;
use super::{CellKind, MissingPolicy, TableColumn, TableOptions};
use crate::{DataError, Place};

/// A column of the table and the features that it becomes.
pub(super) struct FeatureColumn<'a> {
    column: usize,
    features: Range<usize>,
    encoder: &'a ColumnEncoder<'a>,
    keep_infinite: bool,
    /// What each word of the column is to the features, by the word's number, where it holds words; none for one without a place.
    words: Option<Vec<Option<Encoded>>>,
    /// How many rows had a value that is none of the categories, and the first such value.
    pub(super) unknown: u64,
    pub(super) first_unknown: Option<f32>,
}

/// The values of all rows that were kept, one row behind the other, and their values in the label column.
pub(super) struct EncodedRows<T> {
    pub(super) rows: usize,
    pub(super) values: Vec<T>,
    pub(super) labels: Vec<f32>,
}

impl<'a> FeatureColumn<'a> {
    pub(super) fn new(
        column: usize,
        columns: &[TableColumn],
        features: Range<usize>,
        encoder: &'a ColumnEncoder<'a>,
        keep_infinite: bool,
    ) -> Self {
        let words = match &columns[column].kind {
            CellKind::Numbers => None,
            CellKind::Words { words, .. } => {
                Some(words.iter().map(|word| place(encoder, Cell::Word(word), keep_infinite)).collect())
            }
        };
        Self { keep_infinite, column, features, encoder, words, unknown: 0, first_unknown: None }
    }

    pub(super) fn column<'t>(&self, columns: &'t [TableColumn]) -> &'t TableColumn {
        &columns[self.column]
    }

    fn is_categorical(&self) -> bool {
        self.encoder.column().categories().is_some()
    }

    /// Whether its features are always whole numbers from 0 to 255.
    pub(super) fn is_bytes(&self, rows: &Rows, columns: &[TableColumn]) -> bool {
        match self.words {
            _ if self.is_categorical() => self.column(columns).missing == 0,
            None => rows.is_bytes(self.column),
            Some(_) => false,
        }
    }

    /// Writes the column's features in a row of the table into a row of features, and returns whether the column has a place for its
    /// value. A category that is not known is none of those that are.
    fn encode(&mut self, row: &[f32], features: &mut [f32]) -> bool {
        let (value, features) = (row[self.column], &mut features[self.features.clone()]);
        let found = match &self.words {
            _ if value.is_nan() => Some(Encoded::Missing),
            None => place(self.encoder, Cell::Number(value), self.keep_infinite),
            Some(words) => words.get(value as usize).copied().flatten(),
        };
        match found {
            Some(encoded) => encoded.write(features),
            None if self.is_categorical() => {
                features.fill(0.0);
                self.unknown += 1;
                self.first_unknown.get_or_insert(value);
            }
            None => return false,
        }
        true
    }

    /// Why a value has no place in its column.
    fn refused(&self, value: f32, row: u64, columns: &[TableColumn]) -> DataError {
        let column = self.column(columns);
        let cell = match &column.kind {
            CellKind::Numbers => Cell::Number(value),
            CellKind::Words { words, .. } => {
                Cell::Word(words.get(value as usize).map_or("another word", String::as_str))
            }
        };
        match CellError::of(self.encoder.column(), cell) {
            CellError::Infinite { column, value } => {
                DataError::Infinite { place: Place::row(row), feature: column, value: f64::from(value) }
            }
            error => DataError::unsuitable(Place::row(row), error.to_string()),
        }
    }
}

/// What a cell is to its column, where it has a place there; an infinite number has one where it is kept.
fn place(encoder: &ColumnEncoder<'_>, cell: Cell<'_>, keep_infinite: bool) -> Option<Encoded> {
    let infinite = || cell.number().filter(|number| number.is_infinite()).map(Encoded::Number);
    let kept = keep_infinite && encoder.column().categories().is_none();
    encoder.find(cell).or_else(|| kept.then(infinite).flatten())
}

/// The features of all rows and the values of the label column. Each block of the table is given back once it is encoded.
pub(super) fn encode<T: Copy>(
    rows: Rows,
    columns: &[TableColumn],
    sources: &mut [FeatureColumn<'_>],
    label: Option<usize>,
    options: &TableOptions,
    convert: impl Fn(f32) -> T + Copy,
) -> Result<EncodedRows<T>, DataError> {
    let mut features = vec![0.0; sources.iter().map(|source| source.features.len()).sum()];
    let mut encoded =
        EncodedRows { rows: 0, values: Vec::with_capacity(rows.len() * features.len()), labels: Vec::new() };
    let mut row = vec![0.0; columns.len()];
    let (mut number, mut dropped) = (0u64, 0u64);
    for block in rows.into_blocks() {
        for index in 0..block.len() {
            block.copy_row(index, &mut row);
            let mut missing = None;
            for source in sources.iter_mut() {
                if row[source.column].is_nan() {
                    missing.get_or_insert(source.column);
                }
                if !source.encode(&row, &mut features) {
                    return Err(source.refused(row[source.column], number, columns));
                }
            }
            match (options.missing, missing) {
                (MissingPolicy::Drop, Some(_)) => dropped += 1,
                (MissingPolicy::Error, Some(column)) => return Err(missing_value(number, &columns[column])),
                _ => {
                    encoded.rows += 1;
                    encoded.values.extend(features.iter().map(|&value| convert(value)));
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
        .with_hint("keep missing values with `MissingPolicy::Keep`: they are replaced by the mean of their column")
}

pub(crate) fn warn_of_dropped(dropped: u64, rows: u64) {
    if dropped > 0 {
        tracing::warn!("{dropped} of {rows} rows are left out because they miss a value");
    }
}

fn missing_value(row: u64, column: &TableColumn) -> DataError {
    DataError::unsuitable(Place::row(row), format!("column {:?} has no value", column.name))
        .with_hint(
            "fill the cell, leave such rows out with `MissingPolicy::Drop`, or keep them with `MissingPolicy::Keep`: missing values \
             are replaced by the column's mean",
        )
}
