//! How values become the numbers a network learns from, and back again. A [`Scaler`] is fitted on training samples alone and
//! travels with the model; every path through it computes `(value − offset) · scale` in this order, so a row scaled in a
//! batch and a row scaled on its own have the same bits. Missing values (NaN) become the training mean.

mod ranges;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::network::vectorised::vectorised;

use self::ranges::{Ranges, check_width};

/// Which scaling to fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scaling {
    /// Pixels, which are bytes of samples with a shape, or of samples without columns where some value exceeds 127:
    /// [`UnitRange`](Self::UnitRange); values that all lie within 0..1: [`None`](Self::None); other values of samples with two axes,
    /// such as fields: [`UnitRange`](Self::UnitRange); all others, such as a table's: [`Standard`](Self::Standard).
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
        if train.is_u8() && (scaling == Scaling::UnitRange || scaling == Scaling::Auto && are_pixels(train)) {
            return Ok(Self::bytes_to_unit_range(train));
        }
        let ranges = Ranges::of(train)?;
        let (min, max) = ranges.overall();
        let kind = match scaling {
            Scaling::Auto if min >= 0.0 && max <= 1.0 => Scaling::None,
            // All values of a field have one unit; several fields or columns may each have their own.
            Scaling::Auto if train.shape().len() == 2 => Scaling::UnitRange,
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
        let mut cut = vec![0; if train.row_u8(0).is_some() { 0 } else { train.features() }];
        let sum_of = |row: &[u8]| row.iter().map(|&byte| u64::from(byte)).sum::<u64>();
        let sum: u64 = (0..train.len())
            .map(|index| match train.row_u8(index) {
                Some(row) => sum_of(row),
                None => {
                    train.copy_row_u8(index, &mut cut);
                    sum_of(&cut)
                }
            })
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

    /// The same scaling for rows of another length, where it treats all features alike. What stands for a missing value is then
    /// the mean of what stood for one before.
    pub(crate) fn for_features(&self, features: usize) -> Option<Self> {
        if features == self.features {
            return Some(self.clone());
        }
        let Coefficients::Uniform { .. } = self.coefficients else { return None };
        let fill = match &self.fill {
            Fill::Uniform(fill) => *fill,
            Fill::PerFeature(fills) => fills.iter().sum::<f32>() / fills.len() as f32,
        };
        Some(Self { features, fill: Fill::Uniform(fill), ..self.clone() })
    }

    /// Puts what stands for a missing value in place of NaN in a row that is scaled otherwise.
    pub(crate) fn fill_missing(&self, scaled: &mut [f32]) {
        self.fill_range(0, scaled);
    }

    /// The same for the features from `first` on.
    fn fill_range(&self, first: usize, scaled: &mut [f32]) {
        for (index, value) in scaled.iter_mut().enumerate().filter(|(_, value)| value.is_nan()) {
            *value = match &self.fill {
                Fill::Uniform(fill) => *fill,
                Fill::PerFeature(fill) => fill[first + index],
            };
        }
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
        self.scale_in_place(0, row);
    }

    /// Rows, scaled as [`transform_row`](Self::transform_row) does one: `samples × features`.
    ///
    /// # Panics
    /// When rows are not [`features`](Self::features) long.
    pub fn transform(&self, mut samples: Array2<f32>) -> Array2<f32> {
        for mut row in samples.rows_mut() {
            self.transform_row(row.as_slice_mut().expect("rows are contiguous"));
        }
        samples
    }

    /// Scales the values of the features from `first` on.
    fn scale_in_place(&self, first: usize, values: &mut [f32]) {
        let mut block = [0.0; 64];
        for (number, values) in values.chunks_mut(block.len()).enumerate() {
            let first = first + number * block.len();
            let block = &mut block[..values.len()];
            block.copy_from_slice(values);
            self.scale(first..first + values.len(), block, values);
        }
    }

    /// Writes one row, scaled as [`transform_row`](Self::transform_row) does, to another place.
    pub(crate) fn transform_row_to(&self, row: &[f32], out: &mut [f32]) {
        assert_eq!((row.len(), out.len()), (self.features, self.features), "rows must have the scaler's features");
        self.scale(0..row.len(), row, out);
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

    /// Factor and offset that give a scaled value of a feature its original units back.
    pub(crate) fn inverse_of(&self, feature: usize) -> (f64, f64) {
        let (offset, scale) = match &self.coefficients {
            Coefficients::Uniform { offset, scale } => (*offset, *scale),
            Coefficients::PerFeature { offset, scale } => (offset[feature], scale[feature]),
        };
        (1.0 / f64::from(scale), f64::from(offset))
    }

    /// Writes sample `index` of `data`, scaled, into `out`: the same bits as [`Dataset::copy_row`] followed by
    /// [`transform_row`](Self::transform_row), in one pass.
    ///
    /// # Panics
    /// When `data` or `out` has other features than the scaler, or there is no such sample.
    pub fn copy_scaled(&self, data: &Dataset, index: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.features, "the row must have the scaler's features");
        self.copy_scaled_range(data, index, 0, out);
    }

    /// As [`copy_scaled`](Self::copy_scaled) for the features from `first` on, as many as `out` is long.
    pub(crate) fn copy_scaled_range(&self, data: &Dataset, index: usize, first: usize, out: &mut [f32]) {
        assert_eq!(data.features(), self.features, "the data must have the scaler's features");
        let range = first..first + out.len();
        if let Some(bytes) = data.row_u8(index) {
            let bytes = &bytes[range.clone()];
            // By value: a coefficient behind a reference could be one of the values written, which keeps loops from vectors.
            match self.coefficients {
                Coefficients::Uniform { offset, scale } => vectorised(
                    #[inline(always)]
                    move || {
                        for (to, &byte) in out.iter_mut().zip(bytes) {
                            *to = (f32::from(byte) - offset) * scale;
                        }
                    },
                ),
                Coefficients::PerFeature { ref offset, ref scale } => {
                    let (offset, scale) = (&offset[range.clone()], &scale[range]);
                    vectorised(
                        #[inline(always)]
                        move || {
                            for (((to, &byte), offset), scale) in out.iter_mut().zip(bytes).zip(offset).zip(scale) {
                                *to = (f32::from(byte) - offset) * scale;
                            }
                        },
                    );
                }
            }
        } else if let Some(values) = data.row_f32(index) {
            self.scale(range.clone(), &values[range], out);
        } else {
            data.copy_range(index, first, out);
            self.scale_in_place(first, out);
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

    /// Writes the scaled values of a range of features to `out`, missing ones as their fill.
    fn scale(&self, range: Range<usize>, values: &[f32], out: &mut [f32]) {
        let missing = match self.coefficients {
            Coefficients::Uniform { offset, scale } => vectorised(
                #[inline(always)]
                || {
                    let mut missing = false;
                    for (to, &value) in out.iter_mut().zip(values) {
                        missing |= value.is_nan();
                        *to = (value - offset) * scale;
                    }
                    missing
                },
            ),
            Coefficients::PerFeature { ref offset, ref scale } => {
                let (offset, scale) = (&offset[range.clone()], &scale[range.clone()]);
                vectorised(
                    #[inline(always)]
                    || {
                        let mut missing = false;
                        for (((to, &value), &offset), &scale) in out.iter_mut().zip(values).zip(offset).zip(scale) {
                            missing |= value.is_nan();
                            *to = (value - offset) * scale;
                        }
                        missing
                    },
                )
            }
        };
        if missing {
            self.fill_range(range.start, out);
        }
    }
}

/// Whether bytes are brightnesses. Small whole numbers of a table come as bytes too, but 0..255 says nothing of their range.
fn are_pixels(train: &Dataset) -> bool {
    let bright = |index| train.row_u8(index).is_some_and(|row| row.iter().any(|&value| value > 127));
    train.shape().len() > 1 || (train.schema().is_none() && (0..train.len()).any(bright))
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
