//! Principal component analysis: the linear autoencoder in closed form (Bourlard and Kamp, Biological Cybernetics 59, 1988;
//! Baldi and Hornik, Neural Networks 2, 1989), and the baseline that every other network is shown beside. Samples stream
//! through in blocks; only the smaller of the two Gram matrices, of features or of samples, is ever held.

mod blocks;
mod eigen;
mod gram;
mod matmul;
#[cfg(test)]
mod tests;

use std::time::Instant;

use crate::autoencoder::{Autoencoder, DataRecord, TrainingRecord};
use crate::dataset::Dataset;
use crate::network::{Architecture, ArchitectureError, Network};
use crate::scaling::{Scaler, ScalerError, Scaling};
use crate::training::{Loss, Samples, evaluate};

use self::blocks::Centred;
use self::eigen::Eigenpairs;

/// Up to this size a Gram matrix is held (128 MiB); beyond it only products with it are formed.
const MAX_GRAM: usize = 4096;

/// Why there are no principal components.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PcaError {
    /// A latent size that the data cannot give.
    #[error(
        "{latent} principal components cannot be had from {samples} samples of {features} features\nhint: choose a latent size from 1 to {most}",
        most = samples.saturating_sub(1).min(*features)
    )]
    Latent {
        /// The components asked for.
        latent: usize,
        /// The training samples.
        samples: usize,
        /// The values of each.
        features: usize,
    },
    /// Fewer than two samples to fit.
    #[error("principal components need at least 2 training samples, but there are {samples}")]
    TooFew {
        /// The training samples.
        samples: usize,
    },
    /// Nothing to validate with.
    #[error("there are no validation samples")]
    NoValidation,
    /// Data of other features than the rest.
    #[error("the {what} has {found} features, but the training data has {expected}")]
    Features {
        /// Scaler or validation data.
        what: &'static str,
        /// Its features.
        found: usize,
        /// Those of the training data.
        expected: usize,
    },
    /// Values that are infinite once scaled.
    #[error("feature {feature} (from 0) has training values that are infinite once scaled")]
    Infinite {
        /// The feature's number.
        feature: usize,
    },
    /// Validation values that no error can be computed with.
    #[error("the validation loss is {loss}: the validation data has values that are infinite or become so once scaled")]
    Validation {
        /// The loss, infinite or NaN.
        loss: f64,
    },
    /// The eigenvalues of the covariance were not found.
    #[error("the eigenvalues of the covariance of {features} features did not converge")]
    NoConvergence {
        /// The values of a sample.
        features: usize,
    },
    /// The values could not be scaled.
    #[error("the training samples cannot be scaled")]
    Scaler(#[from] ScalerError),
    /// The network would be too large.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
}

/// Fits the linear autoencoder of `latent` numbers to `train` in closed form: no linear autoencoder has a smaller mean squared
/// error on it, in scaled units. Its code is the projection on the principal components. Runs in the current thread pool.
///
/// # Errors
/// As [`principal_components`], and when the data cannot be scaled or the validation data does not go with it.
///
/// ```
/// use enkoder::{Dataset, Scaling, fit_pca};
/// use ndarray::Array2;
///
/// // Points on a line in space: one number says where.
/// let line = Array2::from_shape_fn((100, 3), |(sample, axis)| (sample * (axis + 1)) as f32);
/// let (train, validation) = Dataset::from_f32("line", line)?.split(0.2, 0)?;
/// let model = fit_pca(&train, &validation, 1, Scaling::Auto)?;
/// assert!(model.record().validation_loss < 1e-10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit_pca(
    train: &Dataset,
    validation: &Dataset,
    latent: usize,
    scaling: Scaling,
) -> Result<Autoencoder, PcaError> {
    let start = Instant::now();
    let features = train.features();
    if validation.features() != features {
        return Err(PcaError::Features { what: "validation data", found: validation.features(), expected: features });
    }
    if validation.is_empty() {
        return Err(PcaError::NoValidation);
    }
    let architecture = Architecture::linear(train.shape(), latent);
    architecture.validate()?;
    let scaler = Scaler::fit(scaling, train)?;
    let components = principal_components(train, &scaler, latent)?;
    let network = Network::from_parameters(&architecture, components.into_parameters())?;
    let loss = |data| {
        let samples = Samples::new(data, &scaler);
        evaluate(&network, network.program.all(), Loss::MeanSquared, &samples, None)
    };
    let record = TrainingRecord {
        config: None,
        history: None,
        data: DataRecord::of(train, validation, train.fingerprint()),
        train_loss: loss(train),
        validation_loss: loss(validation),
        results: None,
        seconds: start.elapsed().as_secs_f64(),
    };
    if !record.validation_loss.is_finite() {
        return Err(PcaError::Validation { loss: record.validation_loss });
    }
    Ok(Autoencoder::new(architecture, network, scaler, train.schema().cloned(), record))
}

/// The directions in which samples vary most, in scaled units.
#[derive(Clone, Debug, PartialEq)]
pub struct Components {
    /// The mean sample; one value for each feature.
    pub mean: Vec<f32>,
    /// One direction of length 1 after the other, from the largest variance down and at right angles to each other:
    /// `components × features`, row-major. The entry of largest magnitude is positive. Where the samples vary in fewer
    /// directions than asked for, the rest are 0.
    pub directions: Vec<f32>,
    /// The (population) variance along each direction.
    pub variances: Vec<f64>,
    /// The variance of all features together.
    pub total_variance: f64,
}

impl Components {
    /// Weights and biases of the linear autoencoder that projects on the directions and back: for directions V as columns and
    /// the mean m the encoder is (V, −m·V) and the decoder (Vᵀ, m).
    fn into_parameters(self) -> Vec<f32> {
        let features = self.mean.len();
        let count = self.directions.len() / features;
        let mut parameters = Vec::with_capacity(2 * self.directions.len() + count + features);
        for feature in 0..features {
            parameters.extend(self.directions.iter().skip(feature).step_by(features));
        }
        for direction in self.directions.chunks_exact(features) {
            let products = direction.iter().zip(&self.mean).map(|(&v, &mean)| f64::from(v) * f64::from(mean));
            parameters.push(-products.sum::<f64>() as f32);
        }
        parameters.extend(self.directions);
        parameters.extend(self.mean);
        parameters
    }
}

/// The first `count` principal components of `data` as `scaler` shows it.
///
/// The covariance matrix (or, for fewer samples than features, the matrix of inner products of the samples) is summed in f64
/// and decomposed: in full up to a size of 1,024, otherwise by subspace iteration until a pass finds less than 1e-8 more of
/// the captured variance. Beyond a size of 4,096 no matrix is held and the samples are passed over again and again, at most
/// 30 times. The same machine gives the same bits with any number of threads.
///
/// # Errors
/// When `count` is 0 or more than the features or than one less than the samples, and when the scaler is of other data.
pub fn principal_components(data: &Dataset, scaler: &Scaler, count: usize) -> Result<Components, PcaError> {
    let (samples, features) = (data.len(), data.features());
    if scaler.features() != features {
        return Err(PcaError::Features { what: "scaler", found: scaler.features(), expected: features });
    }
    if samples < 2 {
        return Err(PcaError::TooFew { samples });
    }
    if count == 0 || count > features.min(samples - 1) {
        return Err(PcaError::Latent { latent: count, samples, features });
    }
    let rows = Centred::new(data, scaler);
    if let Some(feature) = rows.mean().iter().position(|mean| !mean.is_finite()) {
        return Err(PcaError::Infinite { feature });
    }
    let (pairs, trace) = if features.min(samples) > MAX_GRAM {
        gram::by_products(&rows, count)
    } else if features <= samples {
        gram::by_features(&rows, count)
    } else {
        gram::by_samples(&rows, count)
    };
    let Eigenpairs { values, mut vectors } = pairs.ok_or(PcaError::NoConvergence { features })?;

    // What rounding leaves of a variance of 0.
    let least = values[0] * f64::EPSILON * features.max(samples) as f64;
    let mut variances = Vec::with_capacity(count);
    for (direction, value) in vectors.chunks_exact_mut(features).zip(values) {
        if value > least {
            point_forward(direction);
            variances.push(value / samples as f64);
        } else {
            direction.fill(0.0);
            variances.push(0.0);
        }
    }
    Ok(Components {
        mean: rows.mean().iter().map(|&mean| mean as f32).collect(),
        directions: vectors.iter().map(|&value| value as f32).collect(),
        variances,
        total_variance: trace / samples as f64,
    })
}

/// Turns a direction so that its entry of largest magnitude is positive: eigenvectors come with either sign.
fn point_forward(direction: &mut [f64]) {
    let largest =
        direction.iter().fold(0.0f64, |largest, &value| if value.abs() > largest.abs() { value } else { largest });
    if largest < 0.0 {
        direction.iter_mut().for_each(|value| *value = -*value);
    }
}
