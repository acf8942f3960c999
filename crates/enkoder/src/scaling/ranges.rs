//! What the training samples say of each feature: range, mean and deviation, summed in f64 while the samples stream by.

use crate::dataset::Dataset;
use crate::schema::Schema;

use super::ScalerError;

/// What one pass over the training samples tells of each feature; missing values are left out.
#[derive(Clone, Debug)]
pub(crate) struct Ranges {
    pub(crate) min: Vec<f32>,
    pub(crate) max: Vec<f32>,
    sum: Vec<f64>,
    count: Vec<u32>,
}

impl Ranges {
    /// Those of no sample so far.
    pub(crate) fn new(features: usize) -> Self {
        Self {
            min: vec![f32::INFINITY; features],
            max: vec![f32::NEG_INFINITY; features],
            sum: vec![0.0; features],
            count: vec![0; features],
        }
    }

    /// Those of samples in memory.
    pub(super) fn of(train: &Dataset) -> Result<Self, ScalerError> {
        let mut ranges = Self::new(train.features());
        let mut row = vec![0.0; train.features()];
        for sample in 0..train.len() {
            train.copy_row(sample, &mut row);
            ranges.add(&row).map_err(|feature| infinite(sample, train.schema(), feature))?;
        }
        Ok(ranges)
    }

    /// Takes a sample in, or says which feature of it is infinite.
    pub(crate) fn add(&mut self, row: &[f32]) -> Result<(), usize> {
        if let Some(feature) = row.iter().position(|value| value.is_infinite()) {
            return Err(feature);
        }
        // f32::min and max pass over NaN.
        let (extremes, sums) = (self.min.iter_mut().zip(&mut self.max), self.sum.iter_mut().zip(&mut self.count));
        for ((&value, (min, max)), (sum, count)) in row.iter().zip(extremes).zip(sums) {
            *min = min.min(value);
            *max = max.max(value);
            *sum += if value.is_nan() { 0.0 } else { f64::from(value) };
            *count += u32::from(!value.is_nan());
        }
        Ok(())
    }

    /// Checks that each feature has a value in one of the `samples` at least.
    pub(super) fn check_present(&self, samples: usize, schema: Option<&Schema>) -> Result<(), ScalerError> {
        match self.count.iter().position(|&count| count == 0) {
            Some(feature) => Err(ScalerError::AllMissing { feature: feature_name(schema, feature), samples }),
            None => Ok(()),
        }
    }

    /// The mean of each feature.
    pub(super) fn means(&self) -> Vec<f64> {
        self.sum.iter().zip(&self.count).map(|(sum, &count)| sum / f64::from(count)).collect()
    }

    /// The mean over all values of all features.
    pub(crate) fn overall_mean(&self) -> f64 {
        self.sum.iter().sum::<f64>() / self.values() as f64
    }

    /// How many values are there.
    pub(crate) fn values(&self) -> usize {
        self.count.iter().map(|&count| count as usize).sum()
    }

    /// Offset and scale to mean 0 and deviation 1, the squared differences from the mean adding up to `squares`. A constant keeps its
    /// exact value as offset.
    pub(super) fn standard(&self, feature: usize, mean: f64, squares: f64) -> (f32, f32) {
        let deviation = (squares / f64::from(self.count[feature])).sqrt();
        let scale = (1.0 / deviation) as f32;
        if self.min[feature] == self.max[feature] || !scale.is_finite() {
            return (self.min[feature], 1.0);
        }
        (mean as f32, scale)
    }

    pub(super) fn overall(&self) -> (f32, f32) {
        let min = self.min.iter().copied().fold(f32::INFINITY, f32::min);
        (min, self.max.iter().copied().fold(f32::NEG_INFINITY, f32::max))
    }

    pub(super) fn check_widths(&self, schema: Option<&Schema>) -> Result<(), ScalerError> {
        let mut widths = self.min.iter().zip(&self.max).enumerate();
        widths.try_for_each(|(feature, (&min, &max))| check_width(min, max, || feature_name(schema, feature)))
    }
}

/// For each feature the squared differences from the mean, added up over the samples that are told.
#[derive(Clone, Debug)]
pub(crate) struct Squares {
    means: Vec<f64>,
    sums: Vec<f64>,
}

impl Squares {
    pub(crate) fn around(means: Vec<f64>) -> Self {
        Self { sums: vec![0.0; means.len()], means }
    }

    pub(super) fn of(means: Vec<f64>, train: &Dataset) -> Self {
        let mut squares = Self::around(means);
        let mut row = vec![0.0; train.features()];
        for sample in 0..train.len() {
            train.copy_row(sample, &mut row);
            squares.add(&row);
        }
        squares
    }

    pub(crate) fn add(&mut self, row: &[f32]) {
        for ((sum, &value), mean) in self.sums.iter_mut().zip(row).zip(&self.means) {
            let deviation = f64::from(value) - mean;
            *sum += if deviation.is_nan() { 0.0 } else { deviation * deviation };
        }
    }

    pub(super) fn sum(&self, feature: usize) -> f64 {
        self.sums[feature]
    }
}

pub(super) fn check_width(min: f32, max: f32, feature: impl FnOnce() -> String) -> Result<(), ScalerError> {
    if (max - min).is_finite() { Ok(()) } else { Err(ScalerError::TooWide { feature: feature(), min, max }) }
}

/// The error of an infinite value.
pub(crate) fn infinite(sample: usize, schema: Option<&Schema>, feature: usize) -> ScalerError {
    ScalerError::Infinite { sample, feature: feature_name(schema, feature) }
}

fn feature_name(schema: Option<&Schema>, feature: usize) -> String {
    match schema.and_then(|schema| schema.feature_names().into_iter().nth(feature)) {
        Some(name) => format!("column \"{name}\""),
        None => format!("feature {feature}"),
    }
}
