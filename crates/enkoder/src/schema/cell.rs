//! One cell of a table, and what can be wrong with it.

use std::fmt;

use super::{Column, ColumnKind};

/// The most categories that a message names.
const NAMED: usize = 10;

/// The content of one cell of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cell<'a> {
    /// Nothing.
    Missing,
    /// A number; NaN counts as missing.
    Number(f32),
    /// A word.
    Word(&'a str),
}

impl Cell<'_> {
    /// The number that the cell holds, perhaps in writing.
    #[inline]
    pub fn number(self) -> Option<f32> {
        let number = match self {
            Self::Missing => None,
            Self::Number(number) => Some(number),
            Self::Word(word) => word.trim().parse().ok(),
        };
        number.filter(|number| !number.is_nan())
    }
}

/// As a text file holds it: nothing where nothing is there.
impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => Ok(()),
            Self::Number(number) => number.fmt(f),
            Self::Word(word) => f.pad(word),
        }
    }
}

/// Why a cell, or a row of cells, has no features.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CellError {
    /// A word that is none of its column's categories.
    #[error("column {column:?} has no category {cell:?}\nhint: known are {}", listed(known, *categories))]
    UnknownCategory {
        /// The column's name.
        column: String,
        /// What the cell holds.
        cell: String,
        /// The first ten of the column's categories.
        known: Vec<String>,
        /// How many categories the column has.
        categories: usize,
    },
    /// A word where a number is needed.
    #[error("column {column:?} holds {word:?}, but the model was trained on numbers there")]
    NotANumber {
        /// The column's name.
        column: String,
        /// What the cell holds.
        word: String,
    },
    /// A number that no scaling can bring to a finite range.
    #[error(
        "column {column:?} holds {value}, which cannot be scaled\nhint: leave the row out, or leave the cell empty so that it counts as missing"
    )]
    Infinite {
        /// The column's name.
        column: String,
        /// What the cell holds.
        value: f32,
    },
    /// Not one cell for each column.
    #[error("a row of {found} cells, but there are {expected} columns")]
    Cells {
        /// The cells given.
        found: usize,
        /// The columns there are.
        expected: usize,
    },
}

impl CellError {
    /// Why a column has no place for a cell, where [`ColumnEncoder::find`](super::ColumnEncoder::find) finds none.
    pub fn of(column: &Column, cell: Cell<'_>) -> Self {
        let name = column.name.clone();
        match (&column.kind, cell) {
            (ColumnKind::Categorical { categories }, cell) => Self::UnknownCategory {
                column: name,
                cell: cell.to_string(),
                known: categories.iter().take(NAMED).cloned().collect(),
                categories: categories.len(),
            },
            (ColumnKind::Numeric, cell) => match cell.number() {
                Some(value) => Self::Infinite { column: name, value },
                None => Self::NotANumber { column: name, word: cell.to_string() },
            },
        }
    }
}

fn listed(known: &[String], categories: usize) -> String {
    let names = known.join(", ");
    if categories > known.len() { format!("{names}, … ({categories} in all)") } else { names }
}
