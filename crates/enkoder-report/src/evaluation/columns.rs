//! The columns of data that is no picture: range, mean, spread, missing values, and a little histogram of each.

use std::ops::Range;

use enkoder::{Dataset, Schema};

use super::LONGEST_NAME;
use crate::number::name;

/// So many columns are described in rows; a page holds no more.
pub(crate) const MOST_COLUMNS: usize = 60;
/// So many features are looked at.
const MOST_FEATURES: usize = 20_000;
const BINS: usize = 24;

/// The features of a data set.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// Of a table its columns; otherwise each feature is one.
    pub(crate) all: Vec<Column>,
    /// All features, or the first 20,000.
    pub(crate) first: Vec<ColumnSummary>,
    /// How many samples were looked at.
    pub(crate) samples: usize,
}

/// A column, and the features that stand for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    /// Fit to be shown.
    pub(crate) name: String,
    pub(crate) features: Range<usize>,
    /// Of a column of categories, with a feature for each.
    pub(crate) categories: Option<Vec<String>>,
}

impl Column {
    fn of(schema: &Schema) -> Vec<Self> {
        let columns = schema.columns.iter().zip(schema.ranges());
        let shown = |words: &[String]| words.iter().map(|word| name(word, LONGEST_NAME)).collect();
        columns
            .map(|(column, features)| Self {
                name: name(&column.name, LONGEST_NAME),
                features,
                categories: column.categories().map(shown),
            })
            .collect()
    }

    fn numbered(feature: usize) -> Self {
        Self { name: format!("feature {}", feature + 1), features: feature..feature + 1, categories: None }
    }

    /// The category that these values of its features mean; none where they are missing or it has no categories.
    pub(crate) fn category<'a>(&'a self, values: &[f32]) -> Option<&'a str> {
        let of = values.get(self.features.clone())?.iter().copied().enumerate().filter(|(_, value)| !value.is_nan());
        let (most, _) = of.max_by(|a, b| a.1.total_cmp(&b.1))?;
        self.categories.as_ref()?.get(most).map(String::as_str)
    }

    /// The mean of what these features have.
    pub(crate) fn mean(&self, of_features: &[f64]) -> f64 {
        let values = of_features.get(self.features.clone()).unwrap_or_default();
        values.iter().sum::<f64>() / values.len() as f64
    }
}

/// What is known of one feature, in its own units.
#[derive(Clone, Debug)]
pub(crate) struct ColumnSummary {
    pub(crate) min: f32,
    pub(crate) max: f32,
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
    pub(crate) missing: usize,
    /// Counts from min to max in bins of equal width, for the features described in rows.
    pub(crate) histogram: Vec<usize>,
}

impl Columns {
    pub(super) fn of(data: &Dataset) -> Self {
        let all = match data.schema() {
            Some(schema) => Column::of(schema),
            None => (0..data.features().min(MOST_FEATURES)).map(Column::numbered).collect(),
        };
        let count = data.features().min(MOST_FEATURES);
        let empty = ColumnSummary {
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
            mean: 0.0,
            deviation: 0.0,
            missing: 0,
            histogram: Vec::new(),
        };
        let mut first = vec![empty; count];
        for column in all.iter().take(MOST_COLUMNS).filter(|column| column.categories.is_none()) {
            if let Some(feature) = first.get_mut(column.features.start) {
                feature.histogram = vec![0; BINS];
            }
        }
        let mut row = vec![0.0; data.features()];
        // Means and squared deviations by Welford's update, which keeps its digits far from zero.
        for index in 0..data.len() {
            data.copy_row(index, &mut row);
            for (column, &value) in first.iter_mut().zip(&row) {
                if value.is_nan() {
                    column.missing += 1;
                    continue;
                }
                (column.min, column.max) = (column.min.min(value), column.max.max(value));
                let delta = f64::from(value) - column.mean;
                column.mean += delta / (index + 1 - column.missing) as f64;
                column.deviation += delta * (f64::from(value) - column.mean);
            }
        }
        for index in 0..data.len() {
            data.copy_row(index, &mut row);
            for (column, &value) in
                first.iter_mut().zip(&row).filter(|(column, value)| !column.histogram.is_empty() && !value.is_nan())
            {
                let span = f64::from(column.max) - f64::from(column.min);
                let at = (f64::from(value) - f64::from(column.min)) / span * BINS as f64;
                // A constant falls into the middle: 0/0 is no number, and casting would take it to the first bin.
                let bin = if span > 0.0 { (at as usize).min(BINS - 1) } else { BINS / 2 };
                column.histogram[bin] += 1;
            }
        }
        for column in &mut first {
            let known = data.len() - column.missing;
            column.deviation = if known > 0 { (column.deviation / known as f64).sqrt() } else { f64::NAN };
            if known == 0 {
                column.mean = f64::NAN;
            }
        }
        Self { all, first, samples: data.len() }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn columns_with_missing_constant_and_no_values_are_described() {
        let nan = f32::NAN;
        let data = Dataset::from_f32("odd", array![[1.0, 5.0, nan], [nan, 5.0, nan], [3.0, 5.0, nan]]).unwrap();
        let columns = Columns::of(&data);
        let [first, constant, missing] = &columns.first[..] else { panic!("three columns") };
        assert_eq!((first.min, first.max, first.mean, first.deviation, first.missing), (1.0, 3.0, 2.0, 1.0, 1));
        assert_eq!((first.histogram[0], first.histogram[BINS - 1]), (1, 1));
        assert_eq!((constant.deviation, constant.histogram[BINS / 2]), (0.0, 3));
        assert_eq!((missing.missing, missing.mean.is_nan()), (3, true));
        assert_eq!(columns.all[1].name, "feature 2");
    }

    #[test]
    fn a_column_of_categories_is_one_column() {
        let words = |all: &[&str]| all.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let columns =
            vec![enkoder::Column::numeric("size"), enkoder::Column::categorical("colour", words(&["red", "blue"]))];
        let nan = f32::NAN;
        let data = Dataset::from_f32("t", array![[1.0, 1.0, 0.0], [2.0, 0.0, 1.0], [3.0, nan, nan]]).unwrap();
        let columns = Columns::of(&data.with_schema(Schema::new(columns)).unwrap());
        let [size, colour] = &columns.all[..] else { panic!("two columns") };
        assert_eq!((size.name.as_str(), colour.features.clone()), ("size", 1..3));
        assert_eq!((size.category(&[1.0, 0.0, 0.0]), colour.category(&[1.0, 0.2, 0.7])), (None, Some("blue")));
        assert_eq!(colour.category(&[1.0, nan, nan]), None);
        assert_eq!(colour.mean(&[7.0, 1.0, 3.0]), 2.0);
        assert!(!columns.first[0].histogram.is_empty() && columns.first[1].histogram.is_empty());
    }
}
