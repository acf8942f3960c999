//! A table from columns that are in memory already: those of a data frame, or of Arrow.

use super::builder::{Cells, TableBuilder};
use super::{Table, TableOptions, known_categories};
use crate::DataError;

/// The values of a column, one for each row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ColumnValues<'a> {
    /// Numbers; NaN is missing.
    Numbers(Vec<f32>),
    /// Points in time, as seconds since 1970 (UTC); NaN is missing.
    Times(Vec<f32>),
    /// Words; `None` is missing.
    Words(Vec<Option<&'a str>>),
}

impl ColumnValues<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(values) | Self::Times(values) => values.len(),
            Self::Words(words) => words.len(),
        }
    }
}

impl Table {
    /// The table that these named columns are. Of the options only [`schema`](TableOptions::schema) and
    /// [`sample`](TableOptions::sample) have a meaning here.
    ///
    /// ```
    /// use enkoder_data::{ColumnValues, Table, TableOptions};
    ///
    /// let columns = vec![
    ///     ("load".to_owned(), ColumnValues::Numbers(vec![0.5, f32::NAN])),
    ///     ("state".to_owned(), ColumnValues::Words(vec![Some("on"), Some("off")])),
    /// ];
    /// let options = TableOptions::default();
    /// let data = Table::from_columns("pump", columns, &options)?.into_dataset(&options)?;
    /// assert_eq!((data.len(), data.features()), (2, 3));
    /// # Ok::<(), enkoder_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When there is no column, too many of them or too many values, and when columns have different lengths.
    pub fn from_columns(
        name: impl Into<String>,
        columns: Vec<(String, ColumnValues<'_>)>,
        options: &TableOptions,
    ) -> Result<Self, DataError> {
        let name = name.into();
        build(&name, columns, options).map_err(|error| error.within(name))
    }
}

fn build(name: &str, columns: Vec<(String, ColumnValues<'_>)>, options: &TableOptions) -> Result<Table, DataError> {
    let rows = columns.first().map_or(0, |(_, values)| values.len());
    if let Some((other, values)) = columns.iter().find(|(_, values)| values.len() != rows) {
        let why = format!("column {other:?} has {} rows, but the first column has {rows}", values.len());
        return Err(DataError::unsuitable(crate::Place::default(), why));
    }
    let known = options.known_columns();
    let (mut cells, mut values) = (Vec::new(), Vec::new());
    for (name, column) in columns {
        let kind = match &column {
            ColumnValues::Numbers(_) => Cells::Numbers,
            ColumnValues::Times(_) => Cells::Times,
            ColumnValues::Words(_) => Cells::Words(known_categories(&known, &name)),
        };
        cells.push((name, kind));
        values.push(column);
    }
    let mut table = TableBuilder::new(name, cells)?;
    table.sample(options.sample);
    for row in 0..rows {
        for (column, values) in values.iter().enumerate() {
            let value = match values {
                ColumnValues::Numbers(values) | ColumnValues::Times(values) => values[row],
                ColumnValues::Words(words) => {
                    words[row].and_then(|word| table.word_number(column, word)).unwrap_or(f32::NAN)
                }
            };
            table.row_mut()[column] = value;
        }
        table.end_row()?;
    }
    Ok(table.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_different_lengths_are_refused() {
        let columns = vec![
            ("a".to_owned(), ColumnValues::Numbers(vec![1.0, 2.0])),
            ("b".to_owned(), ColumnValues::Words(vec![Some("x")])),
        ];
        let error = Table::from_columns("frame", columns, &TableOptions::default()).unwrap_err();
        assert!(error.to_string().contains("column \"b\" has 1 rows, but the first column has 2"), "{error}");
    }

    #[test]
    fn a_model_finds_its_categories_in_its_own_order() {
        let words = |words| vec![("state".to_owned(), ColumnValues::Words(words))];
        let options = TableOptions::default();
        let learned = Table::from_columns("frame", words(vec![Some("on"), Some("off"), None]), &options).unwrap();
        let schema = learned.into_dataset(&options).unwrap().schema().cloned();
        let options = TableOptions { schema, ..options };
        let again = Table::from_columns("frame", words(vec![Some("off"), Some("new")]), &options).unwrap();
        assert_eq!(again.into_dataset(&options).unwrap().to_array(), ndarray::array![[0.0, 1.0], [0.0, 0.0]]);
    }
}
