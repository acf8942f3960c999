//! Squared errors of one model over all samples, gathered in one pass: by sample, by feature and by class, with the code as it is
//! and with the code rounded to bytes.

use enkoder::{Autoencoder, Dataset, ModelError, Scaler};
use ndarray::Array2;

use super::chunk_rows;
use super::codes::CodeRanges;

/// The errors of one model.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelErrors {
    pub(crate) mse: f64,
    /// With each number of the code rounded to one byte; `None` where a code alone cannot be decoded.
    pub(crate) quantised_mse: Option<f64>,
    pub(crate) per_sample: Vec<f32>,
    pub(crate) per_feature: Vec<f64>,
}

/// One pass of a model over the samples.
pub(super) struct Pass<'a> {
    pub(super) model: &'a Autoencoder,
    /// In whose units errors count.
    pub(super) scaler: &'a Scaler,
    /// `None` of a model that cannot decode a code alone: it is only asked for reconstructions.
    pub(super) ranges: Option<&'a CodeRanges>,
    /// The samples, in rising order, whose codes are kept, where there are ranges.
    pub(super) shown: &'a [usize],
}

/// Some samples' codes, and what is decoded from them as they are and as bytes.
struct Coded {
    codes: Array2<f32>,
    decoded: Array2<f32>,
    from_bytes: Array2<f32>,
}

impl Coded {
    fn of(model: &Autoencoder, ranges: &CodeRanges, samples: &Dataset) -> Result<Self, ModelError> {
        let codes = model.encode(samples)?;
        let decoded = model.decode(codes.view())?;
        let from_bytes = model.decode(ranges.rounded(&codes).view())?;
        Ok(Self { codes, decoded, from_bytes })
    }
}

impl Pass<'_> {
    /// The errors, and the codes of the samples to show.
    pub(super) fn run(&self, data: &Dataset) -> Result<(ModelErrors, Array2<f32>), ModelError> {
        let features = data.features();
        let latent = self.model.architecture().latent();
        let mut errors = ModelErrors {
            per_sample: Vec::with_capacity(data.len()),
            per_feature: vec![0.0; features],
            ..ModelErrors::default()
        };
        let mut kept = Vec::with_capacity(self.shown.len() * latent);
        let mut shown = self.shown.iter().copied().peekable();
        let mut target = vec![0.0; features];
        let (mut sum, mut quantised_sum) = (0.0, 0.0);
        let indices: Vec<usize> = (0..data.len()).collect();
        for chunk in indices.chunks(chunk_rows(features)) {
            let part = data.select(chunk);
            let coded = self.ranges.map(|ranges| Coded::of(self.model, ranges, &part)).transpose()?;
            let (mut decoded, mut coded) = match coded {
                Some(Coded { codes, decoded, from_bytes }) => (decoded, Some((codes, from_bytes))),
                None => (self.model.reconstruct(&part)?, None),
            };
            for (row, &index) in chunk.iter().enumerate() {
                self.scaler.copy_scaled(&part, row, &mut target);
                let mut of_sample = 0.0;
                let reconstruction = self.scaled(&mut decoded, row);
                for ((&y, &t), of_feature) in reconstruction.iter().zip(&target).zip(&mut errors.per_feature) {
                    let error = f64::from(y) - f64::from(t);
                    of_sample += error * error;
                    *of_feature += error * error;
                }
                sum += of_sample;
                errors.per_sample.push((of_sample / features as f64) as f32);
                let Some((codes, from_bytes)) = &mut coded else { continue };
                let reconstruction = self.scaled(from_bytes, row);
                let squares = reconstruction.iter().zip(&target).map(|(&y, &t)| (f64::from(y) - f64::from(t)).powi(2));
                quantised_sum += squares.sum::<f64>();
                if shown.next_if_eq(&index).is_some() {
                    kept.extend(codes.row(row));
                }
            }
        }
        let samples = data.len() as f64;
        errors.mse = sum / (samples * features as f64);
        errors.quantised_mse = self.ranges.map(|_| quantised_sum / (samples * features as f64));
        errors.per_feature.iter_mut().for_each(|error| *error /= samples);
        let codes = Array2::from_shape_vec((kept.len() / latent.max(1), latent), kept);
        Ok((errors, codes.expect("whole codes were kept")))
    }

    fn scaled<'a>(&self, rows: &'a mut Array2<f32>, row: usize) -> &'a [f32] {
        let features = rows.ncols();
        let rows = rows.as_slice_mut().expect("decoded samples lie by rows");
        let row = &mut rows[row * features..(row + 1) * features];
        self.scaler.transform_row(row);
        row
    }
}

/// The errors of answering every sample with a mean.
#[derive(Clone, Debug)]
pub(crate) struct MeanErrors {
    pub(crate) mse: f64,
    pub(crate) per_feature: Vec<f64>,
    /// Whether the mean is the training samples', and not the evaluated samples' own.
    pub(crate) of_training: bool,
}

impl MeanErrors {
    pub(super) fn of(scaler: &Scaler, train: Option<&Dataset>, data: &Dataset) -> Self {
        let features = data.features();
        let own = moments(scaler, data);
        let means = train.map(|train| moments(scaler, train));
        let means = means.as_ref().unwrap_or(&own);
        // E(x − m)² = E(x²) − 2m·E(x) + m²; rounding may take it a hair below zero.
        let per_feature: Vec<f64> = own
            .iter()
            .zip(means)
            .map(|((own_mean, squares), (mean, _))| (squares - 2.0 * mean * own_mean + mean * mean).max(0.0))
            .collect();
        let mse = per_feature.iter().sum::<f64>() / features as f64;
        Self { mse, per_feature, of_training: train.is_some() }
    }
}

/// Mean and mean square of each scaled feature.
pub(crate) fn moments(scaler: &Scaler, data: &Dataset) -> Vec<(f64, f64)> {
    let mut row = vec![0.0; data.features()];
    let mut moments = vec![(0.0, 0.0); row.len()];
    for index in 0..data.len() {
        scaler.copy_scaled(data, index, &mut row);
        for ((sum, squares), &value) in moments.iter_mut().zip(&row) {
            let value = f64::from(value);
            *sum += value;
            *squares += value * value;
        }
    }
    let samples = data.len() as f64;
    moments.iter_mut().for_each(|(sum, squares)| (*sum, *squares) = (*sum / samples, *squares / samples));
    moments
}

/// The errors of the samples of one class.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassErrors {
    /// The class's name, fit to be shown.
    pub name: String,
    /// How many samples it has.
    pub samples: usize,
    /// Mean squared error of the autoencoder.
    pub mse: f64,
    /// Mean squared error of PCA.
    pub baseline_mse: f64,
}

impl ClassErrors {
    pub(super) fn of(data: &Dataset, names: &[String], network: &ModelErrors, baseline: &ModelErrors) -> Vec<Self> {
        let mut sums = vec![(0usize, 0.0, 0.0); names.len()];
        for (index, (&error, &of_baseline)) in network.per_sample.iter().zip(&baseline.per_sample).enumerate() {
            if let Some(sums) = data.label(index).and_then(|class| sums.get_mut(class as usize)) {
                *sums = (sums.0 + 1, sums.1 + f64::from(error), sums.2 + f64::from(of_baseline));
            }
        }
        let classes = names.iter().zip(sums).filter(|(_, (samples, ..))| *samples > 0);
        classes
            .map(|(name, (samples, sum, of_baseline))| {
                let (mse, baseline_mse) = (sum / samples as f64, of_baseline / samples as f64);
                Self { name: name.clone(), samples, mse, baseline_mse }
            })
            .collect()
    }
}
