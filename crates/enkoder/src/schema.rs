//! What the columns of a table mean, and how each becomes features: a numeric column is one feature, a categorical one as many
//! as it has categories (one-hot). A model keeps the schema of its training data, so that a later table is read the same way.
//! `encoding` makes features of cells, `decoding` cells of features.

mod cell;
mod decoding;
mod encoding;
mod left_out;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use self::cell::{Cell, CellError};
pub(crate) use self::decoding::likeliest;
pub use self::encoding::{ColumnEncoder, Encoded, SchemaEncoder};
pub use self::left_out::{LeftOut, WhyLeftOut};

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The column's name, unique in its table.
    pub name: String,
    /// What its cells hold.
    pub kind: ColumnKind,
}

/// What the cells of a column hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ColumnKind {
    /// Numbers; one feature.
    Numeric,
    /// One of a known set of words; one feature of 0 or 1 for each, in this order.
    Categorical {
        /// The categories in the order of their features.
        categories: Vec<String>,
    },
}

impl Column {
    /// A numeric column.
    pub fn numeric(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: ColumnKind::Numeric }
    }

    /// A categorical column with its categories in the order of their features.
    pub fn categorical(name: impl Into<String>, categories: Vec<String>) -> Self {
        Self { name: name.into(), kind: ColumnKind::Categorical { categories } }
    }

    /// The categories in the order of their features, where the column is categorical.
    pub fn categories(&self) -> Option<&[String]> {
        match &self.kind {
            ColumnKind::Numeric => None,
            ColumnKind::Categorical { categories } => Some(categories),
        }
    }

    /// How many features the column becomes.
    pub fn width(&self) -> usize {
        self.categories().map_or(1, <[String]>::len)
    }
}

/// The columns of a table, in the order of their features.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "left_out::Written", into = "left_out::Written")]
pub struct Schema {
    /// The columns in the order of their features.
    pub columns: Vec<Column>,
    /// Columns that the table has beside them, from which nothing can be learned.
    pub left_out: Vec<LeftOut>,
}

impl Schema {
    /// A schema of these columns.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, left_out: Vec::new() }
    }

    /// The columns in which a training found a clock or a text: nothing can be learned from them, whatever their values.
    pub fn clocks_and_texts(&self) -> impl Iterator<Item = &str> {
        self.left_out.iter().filter(|column| column.why != WhyLeftOut::NoValue).map(|column| column.name.as_str())
    }

    /// The number of features of all columns together.
    pub fn features(&self) -> usize {
        self.columns.iter().map(Column::width).sum()
    }

    /// The features that each column becomes, in the order of the columns.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.columns.iter().scan(0, |end, column| {
            let start = *end;
            *end += column.width();
            Some(start..*end)
        })
    }

    /// The first feature that has another name in `given`: its number, its name here, and its name there.
    pub(crate) fn first_difference(&self, given: &Self) -> Option<(usize, String, String)> {
        let names = self.feature_names().into_iter().zip(given.feature_names());
        let mut different = names.enumerate().filter(|(_, (known, given))| known != given);
        different.next().map(|(position, (known, given))| (position, known, given))
    }

    /// The name of each feature: the column's own, or `column=category` for a categorical one.
    pub fn feature_names(&self) -> Vec<String> {
        self.columns
            .iter()
            .flat_map(|column| match column.categories() {
                None => vec![column.name.clone()],
                Some(categories) => categories.iter().map(|category| format!("{}={category}", column.name)).collect(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_categorical_column_becomes_one_feature_for_each_category() {
        let schema = Schema::new(vec![
            Column::numeric("age"),
            Column::categorical("colour", vec!["red".into(), "green".into()]),
        ]);
        assert_eq!(schema.features(), 3);
        assert_eq!(schema.feature_names(), ["age", "colour=red", "colour=green"]);
    }
}
