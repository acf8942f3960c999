//! The columns of data that is no picture: range, mean, spread, missing values, and a little histogram of each feature.

use enkoder::Dataset;

use super::LONGEST_NAME;
use crate::number::name;

/// So many features are described in rows; a page holds no more.
pub(crate) const MOST_COLUMNS: usize = 60;
/// So many features are looked at.
const MOST_FEATURES: usize = 20_000;
const BINS: usize = 24;

/// The features of a data set.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// The names of all features, fit to be shown; empty where they have none.
    pub(crate) names: Vec<String>,
    /// All features, or the first 20,000.
    pub(crate) first: Vec<ColumnSummary>,
    /// How many samples were looked at.
    pub(crate) samples: usize,
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
        let names = data.schema().map(|schema| schema.feature_names()).unwrap_or_default();
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
        first.iter_mut().take(MOST_COLUMNS).for_each(|column| column.histogram = vec![0; BINS]);
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
            for (column, &value) in first.iter_mut().take(MOST_COLUMNS).zip(&row).filter(|(_, value)| !value.is_nan()) {
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
        let names = names.iter().map(|column| name(column, LONGEST_NAME)).collect();
        Self { names, first, samples: data.len() }
    }

    /// A feature's name: its column's, or its number from 1.
    pub(crate) fn name(&self, feature: usize) -> String {
        self.names.get(feature).cloned().unwrap_or_else(|| format!("feature {}", feature + 1))
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
        assert_eq!(columns.name(1), "feature 2");
    }
}
