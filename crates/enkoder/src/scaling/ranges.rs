//! What the training samples say of each feature: range, mean and deviation, summed in f64 while the samples stream by.

use crate::dataset::Dataset;

use super::ScalerError;

/// What one pass over the training samples tells of each feature; missing values are left out.
pub(super) struct Ranges {
    pub(super) min: Vec<f32>,
    pub(super) max: Vec<f32>,
    pub(super) mean: Vec<f64>,
    count: Vec<u32>,
}

impl Ranges {
    pub(super) fn of(train: &Dataset) -> Result<Self, ScalerError> {
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
    pub(super) fn deviations(&self, train: &Dataset) -> Vec<f64> {
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
    pub(super) fn standard(&self, feature: usize, deviation: f64) -> (f32, f32) {
        let scale = (1.0 / deviation) as f32;
        if self.min[feature] == self.max[feature] || !scale.is_finite() {
            return (self.min[feature], 1.0);
        }
        (self.mean[feature] as f32, scale)
    }

    pub(super) fn overall(&self) -> (f32, f32) {
        let min = self.min.iter().copied().fold(f32::INFINITY, f32::min);
        (min, self.max.iter().copied().fold(f32::NEG_INFINITY, f32::max))
    }

    pub(super) fn check_widths(&self, train: &Dataset) -> Result<(), ScalerError> {
        let mut widths = self.min.iter().zip(&self.max).enumerate();
        widths.try_for_each(|(feature, (&min, &max))| check_width(min, max, || feature_name(train, feature)))
    }
}

pub(super) fn check_width(min: f32, max: f32, feature: impl FnOnce() -> String) -> Result<(), ScalerError> {
    if (max - min).is_finite() { Ok(()) } else { Err(ScalerError::TooWide { feature: feature(), min, max }) }
}

fn feature_name(data: &Dataset, feature: usize) -> String {
    match data.schema().and_then(|schema| schema.feature_names().into_iter().nth(feature)) {
        Some(name) => format!("column \"{name}\""),
        None => format!("feature {feature}"),
    }
}
