//! How values become the numbers a network learns from, and back again. A [`Scaler`] is fitted on training samples alone and
//! travels with the model; every path through it computes `(value − offset) · scale` in this order, so a row scaled in a
//! batch and a row scaled on its own have the same bits. Missing values (NaN) become the training mean.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;

/// Which scaling to fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scaling {
    /// Bytes: [`UnitRange`](Self::UnitRange); numbers that all lie within 0..1: [`None`](Self::None); other numbers:
    /// [`Standard`](Self::Standard).
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// Values as they are.
    #[serde(rename = "none")]
    None,
    /// All features by one offset and scale to 0..1, so that they keep their relation to each other: bytes from 0..255,
    /// numbers from the smallest to the largest of all training values.
    #[serde(rename = "unit")]
    UnitRange,
    /// Each feature on its own from its smallest and largest training value to 0..1.
    #[serde(rename = "minmax")]
    MinMax,
    /// Each feature on its own to mean 0 and (population) standard deviation 1 over the training samples.
    #[serde(rename = "standard")]
    Standard,
}

impl Scaling {
    const NAMED: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("none", Self::None),
        ("unit", Self::UnitRange),
        ("minmax", Self::MinMax),
        ("standard", Self::Standard),
    ];
}

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().find(|(_, scaling)| scaling == self);
        f.pad(named.map_or("", |(name, _)| name))
    }
}

impl FromStr for Scaling {
    type Err = ScalerError;

    fn from_str(name: &str) -> Result<Self, ScalerError> {
        let named = Self::NAMED.iter().find(|(known, _)| *known == name);
        named.map(|&(_, scaling)| scaling).ok_or_else(|| ScalerError::UnknownName(name.to_owned()))
    }
}

/// Why a [`Scaler`] could not be fitted or read. Samples and unnamed features are counted from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScalerError {
    /// Not the name of a scaling.
    #[error("unknown scaling \"{0}\"\nhint: choose auto, none, unit, minmax or standard")]
    UnknownName(String),
    /// Nothing to fit on.
    #[error("scaling needs at least one training value, but the data has {samples} samples of {features} features")]
    Empty {
        /// The samples there are.
        samples: usize,
        /// The features of each.
        features: usize,
    },
    /// A value that no scaling can bring to a finite range.
    #[error(
        "{feature} of sample {sample} is infinite\nhint: leave the sample out, or leave the value empty so that it counts as missing"
    )]
    Infinite {
        /// The sample's number.
        sample: usize,
        /// The feature's name or number.
        feature: String,
    },
    /// A feature without a single value in the training samples.
    #[error("{feature} has no value in any of the {samples} training samples\nhint: leave this column out")]
    AllMissing {
        /// The feature's name or number.
        feature: String,
        /// The training samples.
        samples: usize,
    },
    /// A range whose width overflows f32.
    #[error(
        "{feature} ranges from {min:e} to {max:e}, wider than 32-bit numbers can scale\nhint: give it in a larger unit"
    )]
    TooWide {
        /// The feature's name or number.
        feature: String,
        /// Its smallest training value.
        min: f32,
        /// Its largest training value.
        max: f32,
    },
    /// A stored scaler that does not fit its model.
    #[error("the scaler is damaged: {0}")]
    Damaged(String),
}

/// A fitted scaling with its inverse.
///
/// ```
/// use enkoder::{Dataset, Scaler, Scaling};
/// use ndarray::array;
///
/// let train = Dataset::from_f32("ages", array![[20.0], [30.0], [f32::NAN], [40.0]])?;
/// let scaler = Scaler::fit(Scaling::MinMax, &train)?;
/// let mut row = [35.0];
/// scaler.transform_row(&mut row);
/// assert_eq!(row, [0.75]);
/// scaler.inverse_row(&mut row);
/// assert_eq!(row, [35.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaler {
    kind: Scaling,
    features: usize,
    unit_interval: bool,
    coefficients: Coefficients,
    /// What a missing value becomes, in scaled units.
    fill: Fill,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Coefficients {
    Uniform { offset: f32, scale: f32 },
    PerFeature { offset: Vec<f32>, scale: Vec<f32> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fill {
    Uniform(f32),
    PerFeature(Vec<f32>),
}

impl Scaler {
    /// Fits `scaling` on training samples; [`Scaling::Auto`] decides by the kind and range of their values.
    ///
    /// A constant feature keeps scale 1 and is only centred, so its inverse gives the constant back. Streams over the
    /// samples once, for [`Scaling::Standard`] twice, and holds a few numbers for each feature.
    ///
    /// # Errors
    /// When there is no value at all or none of one feature, when a value is infinite, and when a range is wider than f32.
    pub fn fit(scaling: Scaling, train: &Dataset) -> Result<Self, ScalerError> {
        let features = train.features();
        if train.is_empty() || features == 0 {
            return Err(ScalerError::Empty { samples: train.len(), features });
        }
        if train.is_u8() && matches!(scaling, Scaling::Auto | Scaling::UnitRange) {
            return Ok(Self::bytes_to_unit_range(train));
        }
        let ranges = Ranges::of(train)?;
        let (min, max) = ranges.overall();
        let kind = match scaling {
            Scaling::Auto if min >= 0.0 && max <= 1.0 => Scaling::None,
            Scaling::Auto => Scaling::Standard,
            chosen => chosen,
        };
        let coefficients = match kind {
            Scaling::None | Scaling::Auto => Coefficients::Uniform { offset: 0.0, scale: 1.0 },
            Scaling::UnitRange => {
                check_width(min, max, || "the whole data".to_owned())?;
                Coefficients::Uniform { offset: min, scale: unit_scale(min, max) }
            }
            Scaling::MinMax => {
                ranges.check_widths(train)?;
                let scale = ranges.min.iter().zip(&ranges.max).map(|(&min, &max)| unit_scale(min, max)).collect();
                Coefficients::PerFeature { offset: ranges.min.clone(), scale }
            }
            Scaling::Standard => {
                ranges.check_widths(train)?;
                let deviations = ranges.deviations(train);
                let (offset, scale) =
                    (0..features).map(|feature| ranges.standard(feature, deviations[feature])).unzip();
                Coefficients::PerFeature { offset, scale }
            }
        };
        let fill = match kind {
            Scaling::Standard => Fill::Uniform(0.0),
            _ => Fill::PerFeature(scaled_means(&ranges.mean, &coefficients)),
        };
        let unit_interval = match kind {
            Scaling::UnitRange | Scaling::MinMax => true,
            Scaling::Standard => false,
            Scaling::None | Scaling::Auto => min >= 0.0 && max <= 1.0,
        };
        Ok(Self { kind, features, unit_interval, coefficients, fill })
    }

    fn bytes_to_unit_range(train: &Dataset) -> Self {
        let sum: u64 = (0..train.len())
            .filter_map(|index| train.row_u8(index))
            .map(|row| row.iter().map(|&byte| u64::from(byte)).sum::<u64>())
            .sum();
        let mean = sum as f64 / (train.len() as f64 * train.features() as f64);
        Self {
            kind: Scaling::UnitRange,
            features: train.features(),
            unit_interval: true,
            coefficients: Coefficients::Uniform { offset: 0.0, scale: 1.0 / 255.0 },
            fill: Fill::Uniform((mean / 255.0) as f32),
        }
    }

    /// What was fitted; never [`Scaling::Auto`].
    pub fn kind(&self) -> Scaling {
        self.kind
    }

    /// The number of values of a row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Whether all training values fall within 0..1 when scaled, so that a sigmoid can produce them.
    pub fn is_unit_interval(&self) -> bool {
        self.unit_interval
    }

    /// Scales one row in place; a missing value (NaN) becomes its feature's training mean, or the mean of all training
    /// values where the training data were bytes.
    ///
    /// # Panics
    /// When the row is not [`features`](Self::features) long.
    pub fn transform_row(&self, row: &mut [f32]) {
        assert_eq!(row.len(), self.features, "the row must have the scaler's features");
        match &self.coefficients {
            Coefficients::Uniform { offset, scale } => {
                row.iter_mut().for_each(|value| *value = (*value - offset) * scale);
            }
            Coefficients::PerFeature { offset, scale } => {
                for ((value, offset), scale) in row.iter_mut().zip(offset).zip(scale) {
                    *value = (*value - offset) * scale;
                }
            }
        }
        self.fill_missing(row);
    }

    /// Gives one scaled row its original units back, in place.
    ///
    /// # Panics
    /// When the row is not [`features`](Self::features) long.
    pub fn inverse_row(&self, row: &mut [f32]) {
        assert_eq!(row.len(), self.features, "the row must have the scaler's features");
        match &self.coefficients {
            Coefficients::Uniform { offset, scale } => {
                row.iter_mut().for_each(|value| *value = *value / scale + offset);
            }
            Coefficients::PerFeature { offset, scale } => {
                for ((value, offset), scale) in row.iter_mut().zip(offset).zip(scale) {
                    *value = *value / scale + offset;
                }
            }
        }
    }

    /// Writes sample `index` of `data`, scaled, into `out`: the same bits as [`Dataset::copy_row`] followed by
    /// [`transform_row`](Self::transform_row), in one pass.
    ///
    /// # Panics
    /// When `data` or `out` has other features than the scaler, or there is no such sample.
    pub fn copy_scaled(&self, data: &Dataset, index: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.features, "the row must have the scaler's features");
        assert_eq!(data.features(), self.features, "the data must have the scaler's features");
        if let Some(bytes) = data.row_u8(index) {
            match &self.coefficients {
                Coefficients::Uniform { offset, scale } => {
                    for (to, &byte) in out.iter_mut().zip(bytes) {
                        *to = (f32::from(byte) - offset) * scale;
                    }
                }
                Coefficients::PerFeature { offset, scale } => {
                    for (((to, &byte), offset), scale) in out.iter_mut().zip(bytes).zip(offset).zip(scale) {
                        *to = (f32::from(byte) - offset) * scale;
                    }
                }
            }
        } else if let Some(values) = data.row_f32(index) {
            match &self.coefficients {
                Coefficients::Uniform { offset, scale } => {
                    for (to, value) in out.iter_mut().zip(values) {
                        *to = (value - offset) * scale;
                    }
                }
                Coefficients::PerFeature { offset, scale } => {
                    for (((to, value), offset), scale) in out.iter_mut().zip(values).zip(offset).zip(scale) {
                        *to = (value - offset) * scale;
                    }
                }
            }
            self.fill_missing(out);
        }
    }

    /// Checks a scaler that was read from a file against its model's number of features.
    ///
    /// # Errors
    /// When a length is not `features`, a number is not finite, or a scale is 0.
    pub fn validate(&self, features: usize) -> Result<(), ScalerError> {
        let damaged = |message: String| Err(ScalerError::Damaged(message));
        if self.kind == Scaling::Auto {
            return damaged("its kind is auto, which no fitted scaler has".to_owned());
        }
        let (offset, scale) = match &self.coefficients {
            Coefficients::Uniform { offset, scale } => (std::slice::from_ref(offset), std::slice::from_ref(scale)),
            Coefficients::PerFeature { offset, scale } => (&offset[..], &scale[..]),
        };
        let fill = match &self.fill {
            Fill::Uniform(fill) => std::slice::from_ref(fill),
            Fill::PerFeature(fill) => &fill[..],
        };
        let per_feature = matches!(self.coefficients, Coefficients::PerFeature { .. });
        let lengths = [
            ("features", true, self.features),
            ("offset", per_feature, offset.len()),
            ("scale", per_feature, scale.len()),
            ("fill", matches!(self.fill, Fill::PerFeature(_)), fill.len()),
        ];
        for (field, checked, length) in lengths {
            if checked && length != features {
                return damaged(format!("its {field} is for {length} features, but the model has {features}"));
            }
        }
        for (field, values) in [("offset", offset), ("scale", scale), ("fill", fill)] {
            if let Some(at) = values.iter().position(|value| !value.is_finite() || (field == "scale" && *value == 0.0))
            {
                return damaged(format!("its {field} of feature {at} is {}", values[at]));
            }
        }
        Ok(())
    }

    fn fill_missing(&self, row: &mut [f32]) {
        match &self.fill {
            Fill::Uniform(fill) => {
                row.iter_mut().for_each(|value| *value = if value.is_nan() { *fill } else { *value })
            }
            Fill::PerFeature(fill) => {
                for (value, fill) in row.iter_mut().zip(fill) {
                    *value = if value.is_nan() { *fill } else { *value };
                }
            }
        }
    }
}

fn check_width(min: f32, max: f32, feature: impl FnOnce() -> String) -> Result<(), ScalerError> {
    if (max - min).is_finite() { Ok(()) } else { Err(ScalerError::TooWide { feature: feature(), min, max }) }
}

/// The scale that brings `min..max` to 0..1 without rounding above 1; 1 for a range too narrow to have one.
fn unit_scale(min: f32, max: f32) -> f32 {
    let range = max - min;
    let mut scale = 1.0 / range;
    if !scale.is_finite() {
        return 1.0;
    }
    while range * scale > 1.0 {
        scale = scale.next_down();
    }
    scale
}

fn scaled_means(mean: &[f64], coefficients: &Coefficients) -> Vec<f32> {
    let scaled = |mean: f64, offset: f32, scale: f32| ((mean - f64::from(offset)) * f64::from(scale)) as f32;
    match coefficients {
        Coefficients::Uniform { offset, scale } => mean.iter().map(|&mean| scaled(mean, *offset, *scale)).collect(),
        Coefficients::PerFeature { offset, scale } => {
            mean.iter().zip(offset).zip(scale).map(|((&mean, &offset), &scale)| scaled(mean, offset, scale)).collect()
        }
    }
}

/// What one pass over the training samples tells of each feature; missing values are left out.
struct Ranges {
    min: Vec<f32>,
    max: Vec<f32>,
    mean: Vec<f64>,
    count: Vec<u32>,
}

impl Ranges {
    fn of(train: &Dataset) -> Result<Self, ScalerError> {
        let features = train.features();
        let mut ranges = Self {
            min: vec![f32::INFINITY; features],
            max: vec![f32::NEG_INFINITY; features],
            mean: vec![0.0; features],
            count: vec![0; features],
        };
        let mut row = vec![0.0; features];
        for sample in 0..train.len() {
            train.copy_row(sample, &mut row);
            if let Some(feature) = row.iter().position(|value| value.is_infinite()) {
                return Err(ScalerError::Infinite { sample, feature: feature_name(train, feature) });
            }
            // f32::min and max pass over NaN.
            let (extremes, sums) =
                (ranges.min.iter_mut().zip(&mut ranges.max), ranges.mean.iter_mut().zip(&mut ranges.count));
            for ((&value, (min, max)), (sum, count)) in row.iter().zip(extremes).zip(sums) {
                *min = min.min(value);
                *max = max.max(value);
                *sum += if value.is_nan() { 0.0 } else { f64::from(value) };
                *count += u32::from(!value.is_nan());
            }
        }
        if let Some(feature) = ranges.count.iter().position(|&count| count == 0) {
            return Err(ScalerError::AllMissing { feature: feature_name(train, feature), samples: train.len() });
        }
        for (mean, &count) in ranges.mean.iter_mut().zip(&ranges.count) {
            *mean /= f64::from(count);
        }
        Ok(ranges)
    }

    /// The population standard deviation of each feature, around its mean in a second pass.
    fn deviations(&self, train: &Dataset) -> Vec<f64> {
        let mut squares = vec![0.0; self.mean.len()];
        let mut row = vec![0.0; self.mean.len()];
        for sample in 0..train.len() {
            train.copy_row(sample, &mut row);
            for ((square, &value), mean) in squares.iter_mut().zip(&row).zip(&self.mean) {
                let deviation = f64::from(value) - mean;
                *square += if deviation.is_nan() { 0.0 } else { deviation * deviation };
            }
        }
        squares.iter().zip(&self.count).map(|(square, &count)| (square / f64::from(count)).sqrt()).collect()
    }

    /// Offset and scale to mean 0 and deviation 1. A constant keeps its exact value as offset.
    fn standard(&self, feature: usize, deviation: f64) -> (f32, f32) {
        let scale = (1.0 / deviation) as f32;
        if self.min[feature] == self.max[feature] || !scale.is_finite() {
            return (self.min[feature], 1.0);
        }
        (self.mean[feature] as f32, scale)
    }

    fn overall(&self) -> (f32, f32) {
        let min = self.min.iter().copied().fold(f32::INFINITY, f32::min);
        (min, self.max.iter().copied().fold(f32::NEG_INFINITY, f32::max))
    }

    fn check_widths(&self, train: &Dataset) -> Result<(), ScalerError> {
        let mut widths = self.min.iter().zip(&self.max).enumerate();
        widths.try_for_each(|(feature, (&min, &max))| check_width(min, max, || feature_name(train, feature)))
    }
}

fn feature_name(data: &Dataset, feature: usize) -> String {
    match data.schema().and_then(|schema| schema.feature_names().into_iter().nth(feature)) {
        Some(name) => format!("column \"{name}\""),
        None => format!("feature {feature}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Column, Schema};
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    const KINDS: [Scaling; 5] = [Scaling::Auto, Scaling::None, Scaling::UnitRange, Scaling::MinMax, Scaling::Standard];

    fn numbers(values: Array2<f32>) -> Dataset {
        Dataset::from_f32("numbers", values).unwrap()
    }

    fn scaled(scaler: &Scaler, data: &Dataset) -> Array2<f32> {
        let mut array = Array2::zeros((data.len(), data.features()));
        for (index, mut row) in array.rows_mut().into_iter().enumerate() {
            scaler.copy_scaled(data, index, row.as_slice_mut().unwrap());
        }
        array
    }

    /// What `value` becomes in feature 0.
    fn transformed(scaler: &Scaler, value: f32) -> f32 {
        let mut row = vec![value; scaler.features()];
        scaler.transform_row(&mut row);
        row[0]
    }

    #[test]
    fn every_scaling_reads_its_own_name_back() {
        for kind in KINDS {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
        assert!("zscore".parse::<Scaling>().unwrap_err().to_string().contains("standard"));
    }

    #[test]
    fn automatic_scaling_goes_by_kind_and_range_of_the_values() {
        let kind = |data: Dataset| Scaler::fit(Scaling::Auto, &data).unwrap().kind();
        assert_eq!(kind(Dataset::from_u8("bytes", array![[0, 1]]).unwrap()), Scaling::UnitRange);
        assert_eq!(kind(numbers(array![[0.0, 1.0], [f32::NAN, 0.5]])), Scaling::None);
        assert_eq!(kind(numbers(array![[0.0, 1.5]])), Scaling::Standard);
        assert_eq!(kind(numbers(array![[-0.1, 0.5]])), Scaling::Standard);
    }

    #[test]
    fn bytes_are_divided_by_255_and_come_back_exactly() {
        let data = Dataset::from_u8("bytes", Array2::from_shape_fn((1, 256), |(_, value)| value as u8)).unwrap();
        let scaler = Scaler::fit(Scaling::Auto, &data).unwrap();
        let mut row = scaled(&scaler, &data).row(0).to_vec();
        assert_eq!((row[0], row[255]), (0.0, 1.0));
        assert!(row.iter().zip(0..).all(|(&value, byte)| (f64::from(value) - f64::from(byte) / 255.0).abs() < 1e-7));
        scaler.inverse_row(&mut row);
        assert!(row.iter().zip(0..=255u8).all(|(value, byte)| value.round() == f32::from(byte)));
    }

    /// NIST StRD, univariate summary statistics, NumAcc1: certified mean 10000002 and (sample) standard deviation 1.
    #[test]
    fn statistics_keep_their_digits_where_f32_sums_would_lose_them() {
        let scaler =
            Scaler::fit(Scaling::Standard, &numbers(array![[10000001.0], [10000003.0], [10000002.0]])).unwrap();
        let expected = (1.5f64).sqrt() as f32; // (10000003 − mean) / population deviation √(2/3)
        assert_eq!(transformed(&scaler, 10000002.0), 0.0);
        assert_eq!(transformed(&scaler, 10000003.0), expected);
    }

    /// scikit-learn 1.9.1: StandardScaler and MinMaxScaler on the same five numbers.
    #[test]
    fn scaled_values_are_those_of_scikit_learn() {
        let data = numbers(array![[1.0, -5.0], [2.0, 0.5], [4.0, 2.5], [8.0, 7.0], [16.0, 9.0]]);
        let standard = array![
            [-0.95320625, -1.57712595],
            [-0.76989735, -0.46504996],
            [-0.40327957, -0.06065869],
            [0.32995601, 0.84922166],
            [1.79642716, 1.25361293]
        ];
        let minmax =
            array![[0.0, 0.0], [0.06666667, 0.39285714], [0.2, 0.53571429], [0.46666667, 0.85714286], [1.0, 1.0]];
        for (kind, expected) in [(Scaling::Standard, standard), (Scaling::MinMax, minmax)] {
            let difference = scaled(&Scaler::fit(kind, &data).unwrap(), &data) - expected;
            assert!(difference.iter().all(|value: &f32| value.abs() < 1e-6), "{kind}: {difference}");
        }
    }

    #[test]
    fn the_unit_range_of_numbers_is_one_for_all_features() {
        let data = numbers(array![[-2.0, 0.0], [0.0, 6.0]]);
        let scaler = Scaler::fit(Scaling::UnitRange, &data).unwrap();
        assert_eq!(scaled(&scaler, &data), array![[0.0, 0.25], [0.25, 1.0]]);
        assert!(scaler.is_unit_interval());
    }

    #[test]
    fn a_constant_feature_becomes_0_and_its_inverse_gives_the_constant_back() {
        let data = numbers(Array2::from_elem((7, 1), 0.1));
        for kind in [Scaling::MinMax, Scaling::Standard, Scaling::UnitRange] {
            let scaler = Scaler::fit(kind, &data).unwrap();
            let mut row = [0.1];
            scaler.transform_row(&mut row);
            assert_eq!(row, [0.0], "{kind}");
            scaler.inverse_row(&mut row);
            assert_eq!(row, [0.1], "{kind}");
        }
    }

    #[test]
    fn a_range_too_narrow_for_a_scale_counts_as_constant() {
        let data = numbers(array![[0.0], [1e-45]]);
        for kind in KINDS {
            let scaler = Scaler::fit(kind, &data).unwrap();
            assert!(transformed(&scaler, 1e-45).is_finite(), "{kind}");
            assert_eq!(scaler.validate(1), Ok(()));
        }
    }

    #[test]
    fn a_missing_value_becomes_the_training_mean_even_where_training_had_none() {
        let data = numbers(array![[0.0, 10.0], [1.0, 14.0]]);
        for kind in KINDS {
            let scaler = Scaler::fit(kind, &data).unwrap();
            let mut row = [f32::NAN, f32::NAN];
            scaler.transform_row(&mut row);
            scaler.inverse_row(&mut row);
            assert_eq!(row, [0.5, 12.0], "{kind}");
        }
        let gaps = numbers(array![[0.0, f32::NAN], [f32::NAN, 14.0], [1.0, 10.0]]);
        for kind in KINDS {
            assert_eq!(Scaler::fit(kind, &gaps), Scaler::fit(kind, &data), "{kind}");
        }
    }

    #[test]
    fn a_missing_value_given_to_a_model_of_bytes_becomes_the_mean_of_all_bytes() {
        let scaler =
            Scaler::fit(Scaling::Auto, &Dataset::from_u8("bytes", array![[0, 51], [102, 255]]).unwrap()).unwrap();
        assert_eq!(transformed(&scaler, f32::NAN), 0.4);
    }

    #[test]
    fn values_without_a_finite_scaling_are_refused_by_name() {
        let schema = Schema::new(vec![Column::numeric("age"), Column::numeric("income")]);
        let refuse = |values| {
            let data = numbers(values).with_schema(schema.clone()).unwrap();
            Scaler::fit(Scaling::Standard, &data).unwrap_err().to_string()
        };
        let message = refuse(array![[1.0, 2.0], [3.0, f32::NEG_INFINITY]]);
        assert!(message.starts_with("column \"income\" of sample 1 is infinite"), "{message}");
        let message = refuse(array![[f32::NAN, 2.0], [f32::NAN, 3.0]]);
        assert!(message.starts_with("column \"age\" has no value in any of the 2 training samples"), "{message}");
        let message = refuse(array![[1.0, -3e38], [1.0, 3e38]]);
        assert!(message.starts_with("column \"income\" ranges from -3e38 to 3e38"), "{message}");
        let unnamed = numbers(array![[f32::NAN]]);
        assert!(Scaler::fit(Scaling::None, &unnamed).unwrap_err().to_string().starts_with("feature 0 has no value"));
        assert_eq!(
            Scaler::fit(Scaling::Auto, &numbers(Array2::zeros((0, 3)))),
            Err(ScalerError::Empty { samples: 0, features: 3 })
        );
    }

    #[test]
    fn a_scaler_from_a_file_is_checked_against_its_model() {
        let data = numbers(array![[0.0, 10.0], [1.0, 14.0]]);
        for kind in KINDS {
            let scaler = Scaler::fit(kind, &data).unwrap();
            let json = serde_json::to_string(&scaler).unwrap();
            assert_eq!(serde_json::from_str::<Scaler>(&json).unwrap(), scaler);
            assert_eq!(scaler.validate(2), Ok(()));
            assert!(scaler.validate(3).is_err());
        }
        let json = serde_json::to_string(&Scaler::fit(Scaling::MinMax, &data).unwrap()).unwrap();
        for (from, to, complaint) in [
            ("[1.0,0.25]", "[1.0,0.0]", "scale of feature 1 is 0"),
            ("[1.0,0.25]", "[1.0]", "scale is for 1 features, but the model has 2"),
            ("[1.0,0.25]", "[1.0,1e39]", "scale of feature 1 is inf"),
            ("\"minmax\"", "\"auto\"", "kind is auto"),
        ] {
            assert!(json.contains(from), "{json}");
            let scaler: Scaler = serde_json::from_str(&json.replace(from, to)).unwrap();
            let message = scaler.validate(2).unwrap_err().to_string();
            assert!(message.contains(complaint), "{message}");
        }
    }

    proptest! {
        #[test]
        fn scaling_and_its_inverse_give_the_values_back(
            values in proptest::collection::vec(prop_oneof![4 => -1e6f32..1e6, 1 => Just(0.5f32)], 12),
            kind in proptest::sample::select(&KINDS[..]),
        ) {
            let data = numbers(Array2::from_shape_vec((4, 3), values).unwrap());
            let scaler = Scaler::fit(kind, &data).unwrap();
            prop_assert_eq!(scaler.validate(3), Ok(()));
            for (index, row) in scaled(&scaler, &data).rows().into_iter().enumerate() {
                if scaler.is_unit_interval() {
                    prop_assert!(row.iter().all(|value| (0.0..=1.0).contains(value)), "{}", row);
                }
                let mut back = row.to_vec();
                scaler.inverse_row(&mut back);
                for (feature, (back, value)) in back.iter().zip(data.row_f32(index).unwrap()).enumerate() {
                    prop_assert!((back - value).abs() <= 0.5, "{}: {} became {}", feature, value, back);
                }
            }
        }

        #[test]
        fn scaling_while_copying_has_the_bits_of_scaling_afterwards(
            bytes in proptest::collection::vec(any::<u8>(), 40),
            gap in 0usize..40,
            kind in proptest::sample::select(&KINDS[..]),
        ) {
            let bytes = Array2::from_shape_vec((2, 20), bytes).unwrap();
            let mut floats = bytes.mapv(f32::from);
            floats[(gap / 20, gap % 20)] = f32::NAN;
            for data in [Dataset::from_u8("bytes", bytes).unwrap(), numbers(floats)] {
                let scaler = Scaler::fit(kind, &data).unwrap();
                for (index, copied) in scaled(&scaler, &data).rows().into_iter().enumerate() {
                    let mut row = vec![0.0; 20];
                    data.copy_row(index, &mut row);
                    scaler.transform_row(&mut row);
                    prop_assert!(row.iter().zip(copied).all(|(a, b)| a.to_bits() == b.to_bits() && !a.is_nan()));
                }
            }
        }
    }
}
