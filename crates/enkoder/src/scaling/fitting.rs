//! Fitting a scaler: what the training samples say of each feature becomes offset, scale and fill.

use crate::dataset::Dataset;
use crate::schema::Schema;

use super::ranges::{Ranges, Squares, check_width};
use super::{Affine, Fill, Scaler, ScalerError, Scaling};

impl Scaler {
    /// Fits `scaling` on training samples; [`Scaling::Auto`] decides by the kind and range of their values.
    ///
    /// A constant feature keeps scale 1 and is only centred, so its inverse gives the constant back. Streams over the
    /// samples once, for [`Scaling::Standard`] twice, and holds a few numbers for each feature.
    ///
    /// # Errors
    /// When there is no value at all or none of one feature, when a value is infinite, and when a range is wider than f32.
    pub fn fit(scaling: Scaling, train: &Dataset) -> Result<Self, ScalerError> {
        let sampled = Sampled { samples: train.len(), shape: train.shape(), schema: train.schema() };
        sampled.check()?;
        if train.is_u8() && (scaling == Scaling::UnitRange || scaling == Scaling::Auto && are_pixels(train)) {
            return Ok(Self::bytes_to_unit_range(train.features(), mean_byte(train)));
        }
        let ranges = Ranges::of(train)?;
        Self::of_ranges(scaling, sampled, &ranges, |means| Ok(Squares::of(means, train)))
    }

    /// The scaler of samples of which `ranges` are known. `squares` passes over them again where the scaling needs it.
    pub(crate) fn of_ranges<E: From<ScalerError>>(
        scaling: Scaling,
        Sampled { samples, shape, schema }: Sampled<'_>,
        ranges: &Ranges,
        squares: impl FnOnce(Vec<f64>) -> Result<Squares, E>,
    ) -> Result<Self, E> {
        let features = ranges.min.len();
        ranges.check_present(samples, schema)?;
        let (min, max) = ranges.overall();
        let kind = match scaling {
            Scaling::Auto if min >= 0.0 && max <= 1.0 => Scaling::None,
            // All values of a field have one unit; several fields or columns may each have their own.
            Scaling::Auto if shape.len() == 2 => Scaling::UnitRange,
            Scaling::Auto => Scaling::Standard,
            chosen => chosen,
        };
        let means = ranges.means();
        let coefficients = match kind {
            Scaling::None | Scaling::Auto => Affine::Uniform { offset: 0.0, scale: 1.0 },
            Scaling::UnitRange => {
                check_width(min, max, || "the whole data".to_owned())?;
                Affine::Uniform { offset: min, scale: unit_scale(min, max) }
            }
            Scaling::MinMax => {
                ranges.check_widths(schema)?;
                let scale = ranges.min.iter().zip(&ranges.max).map(|(&min, &max)| unit_scale(min, max)).collect();
                Affine::PerFeature { offset: ranges.min.clone(), scale }
            }
            Scaling::Standard => {
                ranges.check_widths(schema)?;
                let squares = squares(means.clone())?;
                let standard = |feature| ranges.standard(feature, means[feature], squares.sum(feature));
                let (offset, scale) = (0..features).map(standard).unzip();
                Affine::PerFeature { offset, scale }
            }
        };
        let fill = match kind {
            Scaling::Standard => Fill::Uniform(0.0),
            _ => Fill::PerFeature(scaled_means(&means, &coefficients)),
        };
        let unit_interval = match kind {
            Scaling::UnitRange | Scaling::MinMax => true,
            Scaling::Standard => false,
            Scaling::None | Scaling::Auto => min >= 0.0 && max <= 1.0,
        };
        Ok(Self { kind, features, unit_interval, coefficients, fill })
    }

    /// The scaler that brings bytes to 0..1, a missing one being the `mean`.
    pub(crate) fn bytes_to_unit_range(features: usize, mean: f64) -> Self {
        Self {
            kind: Scaling::UnitRange,
            features,
            unit_interval: true,
            coefficients: Affine::Uniform { offset: 0.0, scale: 1.0 / 255.0 },
            fill: Fill::Uniform((mean / 255.0) as f32),
        }
    }
}

/// What a scaling has to know of samples besides their values.
#[derive(Clone, Copy)]
pub(crate) struct Sampled<'a> {
    pub(crate) samples: usize,
    pub(crate) shape: &'a [usize],
    pub(crate) schema: Option<&'a Schema>,
}

impl Sampled<'_> {
    /// Checks that there is a value at all.
    pub(crate) fn check(&self) -> Result<(), ScalerError> {
        match (self.samples, self.shape.iter().product()) {
            (samples, features) if samples == 0 || features == 0 => Err(ScalerError::Empty { samples, features }),
            _ => Ok(()),
        }
    }
}

/// The mean over all bytes.
fn mean_byte(train: &Dataset) -> f64 {
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
    sum as f64 / (train.len() as f64 * train.features() as f64)
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

fn scaled_means(mean: &[f64], coefficients: &Affine) -> Vec<f32> {
    let scaled = |mean: f64, offset: f32, scale: f32| ((mean - f64::from(offset)) * f64::from(scale)) as f32;
    match coefficients {
        Affine::Uniform { offset, scale } => mean.iter().map(|&mean| scaled(mean, *offset, *scale)).collect(),
        Affine::PerFeature { offset, scale } => {
            mean.iter().zip(offset).zip(scale).map(|((&mean, &offset), &scale)| scaled(mean, offset, scale)).collect()
        }
    }
}
