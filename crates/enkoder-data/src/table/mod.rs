//! A table in memory, between the readers (CSV, ARFF, Parquet) and a [`Dataset`]: named columns of numbers or words, stored
//! compactly by rows. [`Table::into_dataset`] turns columns into features: a number is one, a word one-hot.
//!
//! What is read once for training is read the same way ever after: the [`Schema`] that the data set carries can be given back
//! through [`TableOptions::schema`], and columns are then matched by name.

mod builder;
mod clocks;
mod columns;
mod decimal;
mod encoding;
mod features;
mod labels;
mod pixels;
mod placeholders;
mod rows;
mod text;
#[cfg(any(feature = "arrow", feature = "parquet"))]
mod wanted;

use std::collections::HashMap;

use enkoder::{Cell, Column, Dataset, Schema, WhyLeftOut};

use crate::DataError;

pub(crate) use builder::{Cells, TableBuilder, check_column_count, unique_names};
pub use columns::ColumnValues;
pub(crate) use decimal::{WORD, bytes_before, parse_decimal};
pub(crate) use encoding::{nothing_left, warn_of_dropped};
#[cfg(feature = "parquet")]
pub(crate) use features::warn_of;
pub(crate) use features::{missing_column, warn_of_unknown};
pub(crate) use pixels::image_of;
pub(crate) use placeholders::warn_of_placeholders;
pub use text::{BadCells, TextOptions};
pub(crate) use text::{MAX_LINE, MissingWords, Notation, is_missing, parse_number};
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub(crate) use wanted::{BINARY, EMPTY_LISTS, LISTS_OF_WORDS, NESTED, Wanted, uneven_lists};

use rows::Rows;

/// The most columns a table may have: 1,048,576.
pub const MAX_COLUMNS: usize = 1 << 20;

/// The most values a table may hold, and a data set made from it: 2,147,483,648 (8 GiB as f32).
pub const MAX_VALUES: u64 = 1 << 31;

/// The most different words a column may hold to be seen as categories: 1,000. A column with more is text.
pub const MAX_CATEGORIES: usize = 1000;

/// What becomes of rows in which a value is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingPolicy {
    /// The value stays missing (NaN); a model's scaler puts the training mean in its place.
    #[default]
    Keep,
    /// The row is left out. How many were is said in a warning.
    Drop,
    /// The first missing value is an error that names its row and column.
    Error,
}

/// How a table is read and turned into a data set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableOptions {
    /// Height and width of the image that a row of as many numbers is.
    pub image: Option<(usize, usize)>,
    /// The column that holds the classes, by its name or as `#3` by its number from 1. It is carried as the labels of the data
    /// set and is no feature.
    pub label: Option<String>,
    /// Columns that are no features, by their names or as `#3` by their numbers from 1.
    pub ignore: Vec<String>,
    /// The columns of an existing model: they are looked up by name and give the data set its features in this order. Further
    /// columns of the table are left out with a warning.
    pub schema: Option<Schema>,
    /// What becomes of rows in which a value is missing.
    pub missing: MissingPolicy,
    /// Whether infinite values, and numbers beyond f32, are read as they are, for those who can tell such a row from the others.
    /// Otherwise the first is an error that names its row and column.
    pub keep_infinite: bool,
    /// The byte between two cells of a CSV file; found out where it is not given.
    pub separator: Option<u8>,
    /// Whether the first row of a CSV file holds the columns' names; found out where it is not given.
    pub header: Option<bool>,
    /// How the text of a CSV file is read.
    pub text: TextOptions,
    /// The most rows to keep of a table that may be larger than the memory; all where it is not given.
    pub sample: Option<Sample>,
    /// Columns that are no features, but carried beside them as they are written, by their names; of
    /// [`Source::chunks`](crate::Source::chunks) only.
    pub keep: Vec<String>,
}

/// Rows drawn evenly at random while a table is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How many at most. Of wide tables fewer are kept: 67,108,864 values (256 MiB as f32).
    pub rows: usize,
    /// The seed of the draw.
    pub seed: u64,
    /// Whether only the columns are asked for, so that nothing is lost with the other rows, and nothing is said of them.
    pub for_columns: bool,
}

impl TableOptions {
    /// The columns of a model, by name.
    pub(crate) fn known_columns(&self) -> HashMap<&str, &Column> {
        let columns = self.schema.iter().flat_map(|schema| &schema.columns);
        columns.map(|column| (column.name.as_str(), column)).collect()
    }
}

/// Named columns of numbers or words, with a row for each sample.
///
/// Numbers are kept as one byte each while a column holds nothing but whole numbers from 0 to 255, and as f32 otherwise. Dates
/// and times are numbers: seconds since 1970 (UTC), which f32 holds to about two minutes.
#[derive(Debug)]
pub struct Table {
    name: String,
    columns: Vec<TableColumn>,
    rows: Rows,
    /// How many rows were read, kept or not.
    read: u64,
    /// Columns of the file that were not read.
    unread: Vec<String>,
    /// The lines of rows with infinite values, by the row's number.
    lines: HashMap<u64, u64>,
}

/// One column of a [`Table`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TableColumn {
    name: String,
    kind: CellKind,
    missing: u64,
    /// Why nothing can be learned from its numbers: they are points in time, by their type or as seconds or parts of them since 1970 that
    /// grow from row to row, or numbers of rows.
    left_out: Option<WhyLeftOut>,
}

/// What the cells of a [`TableColumn`] hold.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CellKind {
    /// Numbers.
    Numbers,
    /// Words.
    Words {
        /// The different words: as a format declares them, otherwise in the order of their first appearance.
        words: Vec<String>,
        /// Whether each of the words occurs in the table.
        seen: Vec<bool>,
        /// Whether the format declared the words, so that their order has a meaning.
        declared: bool,
        /// Whether there are more words, which are not kept: the column is text, not categories.
        more: bool,
    },
}

impl TableColumn {
    /// The column's name, unique in its table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its cells hold.
    pub fn kind(&self) -> &CellKind {
        &self.kind
    }

    /// In how many rows the value is missing.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// A value of this column as a message shows it.
    fn word(&self, value: f32) -> String {
        match &self.kind {
            CellKind::Numbers => value.to_string(),
            CellKind::Words { words, .. } => {
                words.get(value as usize).map_or("another word".into(), |word| format!("{word:?}"))
            }
        }
    }
}

impl Table {
    /// What the table is called: by itself (the relation of an ARFF file), or after its file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same table under another name.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Columns of the file that were not read.
    pub(crate) fn unread(&self) -> &[String] {
        &self.unread
    }

    /// The columns in their order in the file.
    pub fn columns(&self) -> &[TableColumn] {
        &self.columns
    }

    /// The content of a cell; `None` for a word of a text column, of which only the first [`MAX_CATEGORIES`] different ones are kept.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn cell(&self, row: usize, column: usize) -> Option<Cell<'_>> {
        let value = self.rows.get(row, column);
        match &self.columns[column].kind {
            _ if value.is_nan() => Some(Cell::Missing),
            CellKind::Numbers => Some(Cell::Number(value)),
            CellKind::Words { words, .. } => words.get(value as usize).map(|word| Cell::Word(word)),
        }
    }

    /// The rows as samples: the label column taken out, each other column turned into one feature (numbers) or one for each
    /// category (words).
    ///
    /// Without [`TableOptions::schema`], for training:
    /// - Categories that no row has are left out; a missing word is NaN in all features of its column, so that the scaler puts
    ///   the categories' frequencies in its place.
    /// - Left out with a warning, since nothing can be learned from them, are columns without any value, and text: words of
    ///   which there are more than [`MAX_CATEGORIES`], or in 20 or more rows more different ones than half the rows.
    /// - The data set carries the [`Schema`] of what remains, except where the columns are the pixels of an image (`pixel1`,
    ///   `pixel2`, … or `1x1`, `1x2`, …): it then has the image's shape.
    ///
    /// With a schema, for an existing model, the features are exactly those of the schema. A word that the schema does not know
    /// gives 0 in all features of its column, with a warning.
    ///
    /// The values are bytes where all features are whole numbers from 0 to 255, and f32 otherwise. Labels with more than 1,000
    /// different words, or 100 different numbers, are no classes; they are left out with a warning.
    ///
    /// # Errors
    /// When there is no row, no such label column or column to ignore, no feature left, an infinite value (unless
    /// [kept](TableOptions::keep_infinite)), a missing value under
    /// [`MissingPolicy::Error`], or a column of the schema that is missing or holds words instead of numbers.
    pub fn into_dataset(self, options: &TableOptions) -> Result<Dataset, DataError> {
        let (name, lines) = (self.name.clone(), self.lines.clone());
        features::into_dataset(self, options).map_err(|error| error.in_line(&lines).within(name))
    }

    /// What [`into_dataset`](Self::into_dataset) would learn from: the columns, and the shape of a sample.
    pub(crate) fn learned(&self, options: &TableOptions) -> Result<(Schema, Vec<usize>), DataError> {
        features::learned(self, options)
    }

    /// The number of the column that a name (or `#3`) means.
    fn find(&self, name: &str) -> Result<usize, DataError> {
        find_column(self.columns.iter().map(|column| column.name.as_str()), name)
    }
}

/// The categories that a model knows of a column; none of one that it does not know.
pub(crate) fn known_categories(known: &HashMap<&str, &Column>, name: &str) -> Vec<String> {
    known.get(name).and_then(|column| column.categories()).unwrap_or_default().to_vec()
}

/// The number of the column that a name (or `#3`) means among those there are.
pub(crate) fn find_column<'a>(
    mut columns: impl ExactSizeIterator<Item = &'a str> + Clone,
    name: &str,
) -> Result<usize, DataError> {
    let (count, known) = (columns.len(), columns.clone());
    let by_number = || {
        let number: usize = name.strip_prefix('#')?.parse().ok()?;
        number.checked_sub(1).filter(|&index| index < count)
    };
    let by_name = columns.position(|column| column == name);
    by_name.or_else(by_number).ok_or_else(|| DataError::unknown_name("column", name, known.map(str::to_owned)))
}
