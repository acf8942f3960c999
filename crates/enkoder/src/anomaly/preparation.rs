//! From a table's features to what the members of a detector learn from: constant features left out, each other one centred and
//! scaled by values that outliers cannot move far, missing values put to the centre and their absence made a feature of its own.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::schema::{ColumnKind, Schema};

/// Most rows whose values are sorted to find quantiles.
const QUANTILE_ROWS: usize = 50_000;
/// Features that are passed together: a row's values of them share a cache line or two.
const PASSED_TOGETHER: usize = 16;
/// How far beyond the central 98 % of the values, in widths of that range, a value still counts as it is.
const REACH: f32 = 2.0;
/// Prepared values beyond this are no longer told apart, so that their squares stay finite.
pub(super) const FARTHEST: f32 = 1e6;

/// The features of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ColumnFeatures {
    pub(super) name: String,
    pub(super) first: usize,
    pub(super) width: usize,
    pub(super) categories: Option<Vec<String>>,
}

/// The columns of a table, or one for each feature where no columns are known.
pub(super) fn columns_of(schema: Option<&Schema>, features: usize) -> Vec<ColumnFeatures> {
    let Some(schema) = schema else {
        let feature =
            |first| ColumnFeatures { name: format!("feature{}", first + 1), first, width: 1, categories: None };
        return (0..features).map(feature).collect();
    };
    let mut first = 0;
    schema
        .columns
        .iter()
        .map(|column| {
            let categories = match &column.kind {
                ColumnKind::Numeric => None,
                ColumnKind::Categorical { categories } => Some(categories.clone()),
            };
            let width = column.width();
            first += width;
            ColumnFeatures { name: column.name.clone(), first: first - width, width, categories }
        })
        // A column of words without a word makes no feature.
        .filter(|column| column.width > 0)
        .collect()
}

/// What is known of one feature's values in the rows to learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FeatureRange {
    pub(super) min: f32,
    pub(super) max: f32,
    /// Quantiles 0.01, 0.5 and 0.99.
    pub(super) low: f32,
    pub(super) median: f32,
    pub(super) high: f32,
    pub(super) missing: usize,
}

impl FeatureRange {
    /// One for each feature; none where it has no value at all. Rows evenly apart give the quantiles, as shuffled as the rows are.
    fn all(data: &Dataset, ordered: &Dataset) -> Vec<Option<Self>> {
        let step = data.len().div_ceil(QUANTILE_ROWS).max(1);
        let some = data.select(&(0..data.len()).step_by(step).collect::<Vec<_>>());
        let sorted = fold_features(
            &some,
            |_| Vec::new(),
            |some, value| {
                if !value.is_nan() {
                    some.push(value);
                }
            },
        );
        let seen = fold_features(
            ordered,
            |_| (f32::INFINITY, f32::NEG_INFINITY, 0),
            |(min, max, missing), value| {
                // The smaller of a number and NaN is the number.
                (*min, *max) = (min.min(value), max.max(value));
                *missing += usize::from(value.is_nan());
            },
        );
        sorted
            .into_iter()
            .zip(seen)
            .map(|(mut sorted, (min, max, missing))| {
                sorted.sort_by(f32::total_cmp);
                let last = sorted.len().checked_sub(1)?;
                let quantile = |part: f64| sorted[(last as f64 * part).round() as usize];
                Some(Self { min, max, low: quantile(0.01), median: quantile(0.5), high: quantile(0.99), missing })
            })
            .collect()
    }

    pub(super) fn is_constant(&self) -> bool {
        self.min == self.max
    }

    /// Checks what was read from a file.
    fn is_sound(&self) -> bool {
        let ascending = [self.min, self.low, self.median, self.high, self.max];
        ascending.iter().all(|value| value.is_finite()) && ascending.is_sorted()
    }

    /// The range within which values count as they are.
    pub(super) fn bounds(&self) -> (f32, f32) {
        let width = self.high - self.low;
        if width <= 0.0 {
            return (self.min, self.max);
        }
        ((self.low - REACH * width).max(self.min), (self.high + REACH * width).min(self.max))
    }
}

pub(super) fn value(data: &Dataset, row: usize, feature: usize) -> f32 {
    let mut value = [0.0];
    data.copy_range(row, feature, &mut value);
    value[0]
}

/// What `add` makes of all values of each feature, in the order of the rows, from what `begin` gives for the feature's number. Features that
/// share a cache line of their rows are passed together.
pub(super) fn fold_features<S: Send>(
    data: &Dataset,
    begin: impl Fn(usize) -> S + Sync,
    add: impl Fn(&mut S, f32) + Sync,
) -> Vec<S> {
    let firsts: Vec<usize> = (0..data.features()).step_by(PASSED_TOGETHER).collect();
    let folded = firsts.into_par_iter().map(|first| {
        let mut states: Vec<S> = (first..data.features().min(first + PASSED_TOGETHER)).map(&begin).collect();
        let mut values = vec![0.0; states.len()];
        for row in 0..data.len() {
            data.copy_range(row, first, &mut values);
            for (state, &value) in states.iter_mut().zip(&values) {
                add(state, value);
            }
        }
        states
    });
    folded.flatten_iter().collect()
}

/// Where a prepared value comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Input {
    pub(super) feature: usize,
    /// Whether it tells that the feature's value is missing, instead of the value.
    pub(super) absence: bool,
    center: f32,
    scale: f32,
}

impl Input {
    fn prepare(&self, value: f32) -> f32 {
        let value = match (self.absence, value.is_nan()) {
            (true, missing) => f32::from(u8::from(missing)),
            (false, true) => return 0.0,
            (false, false) => value,
        };
        ((value - self.center) * self.scale).clamp(-FARTHEST, FARTHEST)
    }

    pub(super) fn center_and_scale(&self) -> (f32, f32) {
        (self.center, self.scale)
    }

    /// A prepared value in the feature's own units.
    pub(super) fn restore(&self, prepared: f32) -> f32 {
        prepared / self.scale + self.center
    }
}

/// How rows are prepared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Preparation {
    pub(super) columns: Vec<ColumnFeatures>,
    /// One for each feature; none where it has no value at all.
    pub(super) ranges: Vec<Option<FeatureRange>>,
    pub(super) inputs: Vec<Input>,
}

impl Preparation {
    /// Takes columns with these numbers as if they were empty. Other rows may have shown that a feature reaches farther.
    pub(super) fn fit(data: &Dataset, left_out: &[usize], extents: &[Option<(f32, f32)>]) -> Self {
        let columns = columns_of(data.schema(), data.features());
        let ordered = data.in_order();
        let mut ranges = FeatureRange::all(data, &ordered);
        for (range, extent) in ranges.iter_mut().zip(extents) {
            if let (Some(range), Some((low, high))) = (range, extent) {
                (range.min, range.max) = (range.min.min(*low), range.max.max(*high));
            }
        }
        for column in left_out.iter().map(|&number| &columns[number]) {
            ranges[column.first..column.first + column.width].fill(None);
        }
        let scales = centers_and_scales(&ordered, &ranges);
        let mut inputs = Vec::new();
        for column in &columns {
            for (feature, range) in ranges.iter().enumerate().skip(column.first).take(column.width) {
                let Some(range) = range else { continue };
                if !range.is_constant() {
                    let (center, scale) = scales[feature];
                    inputs.push(Input { feature, absence: false, center, scale });
                }
                if range.missing > 0 && feature == column.first {
                    let part = range.missing as f64 / data.len() as f64;
                    let scale = 1.0 / (part * (1.0 - part)).sqrt();
                    inputs.push(Input { feature, absence: true, center: part as f32, scale: scale as f32 });
                }
            }
        }
        Self { columns, ranges, inputs }
    }

    /// The number of prepared values of a row.
    pub(super) fn width(&self) -> usize {
        self.inputs.len()
    }

    /// The names of columns that say nothing, since they are constant, empty or left out.
    pub(super) fn ignored(&self) -> Vec<String> {
        let used = |column: &&ColumnFeatures| {
            let features = column.first..column.first + column.width;
            !self.inputs.iter().any(|input| features.contains(&input.feature))
        };
        self.columns.iter().filter(used).map(|column| column.name.clone()).collect()
    }

    pub(super) fn prepare(&self, row: &[f32], prepared: &mut [f32]) {
        for (to, input) in prepared.iter_mut().zip(&self.inputs) {
            *to = input.prepare(row[input.feature]);
        }
    }

    /// The number of the column that a feature belongs to.
    pub(super) fn column_of(&self, feature: usize) -> usize {
        self.columns.partition_point(|column| column.first + column.width <= feature)
    }

    /// Checks what was read from a file.
    pub(super) fn is_sound(&self, features: usize) -> bool {
        let mut next = 0;
        let columns_join = self.columns.iter().all(|column| {
            let joins = column.first == next && (1..=features - next).contains(&column.width);
            next = if joins { next + column.width } else { features };
            let categories = column.categories.as_ref().map_or(1, Vec::len);
            joins && categories == column.width
        });
        let finite = |input: &Input| {
            input.feature < features && input.center.is_finite() && input.scale.is_finite() && input.scale > 0.0
        };
        columns_join
            && next == features
            && self.ranges.len() == features
            && self.ranges.iter().flatten().all(FeatureRange::is_sound)
            && self.inputs.iter().all(finite)
    }
}

/// Mean and inverse of the standard deviation of each feature's values, brought within the bounds.
fn centers_and_scales(data: &Dataset, ranges: &[Option<FeatureRange>]) -> Vec<(f32, f32)> {
    let bounds: Vec<_> = ranges.iter().map(|range| range.as_ref().map_or((0.0, 0.0), FeatureRange::bounds)).collect();
    let counts: Vec<f64> =
        ranges.iter().map(|range| range.as_ref().map_or(0, |range| data.len() - range.missing) as f64).collect();
    let total = |term: &(dyn Fn(usize, f64) -> f64 + Sync)| {
        fold_features(
            data,
            |feature| (feature, 0.0),
            |(feature, sum), value| {
                if !value.is_nan() {
                    let (low, high) = bounds[*feature];
                    *sum += term(*feature, f64::from(value.clamp(low, high)));
                }
            },
        )
    };
    let means: Vec<f64> = total(&|_, value| value).into_iter().map(|(feature, sum)| sum / counts[feature]).collect();
    total(&|feature, value| (value - means[feature]).powi(2))
        .into_iter()
        .map(|(feature, sum)| {
            let scale = 1.0 / (sum / counts[feature]).sqrt();
            // Values that differ by less than their own precision are as good as constant.
            let usable = scale.is_finite() && (scale as f32).is_finite();
            (means[feature] as f32, if usable { scale as f32 } else { 1.0 })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn a_gross_outlier_hardly_moves_the_scale() {
        let rows = |outlier| {
            let mut values = Array2::from_shape_fn((500, 1), |(row, _)| (row % 50) as f32);
            values[[7, 0]] = outlier;
            Preparation::fit(&Dataset::from_f32("x", values).unwrap(), &[], &[]).inputs[0].scale
        };
        let (usual, disturbed) = (rows(7.0), rows(1e9));
        assert!((usual / disturbed - 1.0).abs() < 0.1, "{usual} against {disturbed}");
    }

    #[test]
    fn constant_and_empty_columns_are_named_and_absence_is_a_feature() {
        let nan = f32::NAN;
        let values = array![[1.0, 5.0, nan, 1.0], [2.0, 5.0, nan, nan], [3.0, 5.0, nan, 2.0]];
        let preparation = Preparation::fit(&Dataset::from_f32("x", values).unwrap(), &[], &[]);
        assert_eq!(preparation.ignored(), ["feature2", "feature3"]);
        let kinds: Vec<_> = preparation.inputs.iter().map(|input| (input.feature, input.absence)).collect();
        assert_eq!(kinds, [(0, false), (3, false), (3, true)]);
        let mut prepared = [0.0; 3];
        preparation.prepare(&[2.0, 5.0, nan, nan], &mut prepared);
        assert_eq!(prepared[..2], [0.0, 0.0]);
        assert!(prepared[2] > 1.0);
    }
}
