//! Principal component analysis: the linear autoencoder in closed form (Bourlard and Kamp, Biological Cybernetics 59, 1988;
//! Baldi and Hornik, Neural Networks 2, 1989), and the baseline that every other network is shown beside. Samples stream
//! through in blocks; only the smaller of the two Gram matrices, of features or of samples, is ever held.

mod blocks;
mod eigen;

use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::network::matmul::{View, add_product};
use crate::scaling::{Scaler, ScalerError};

use self::blocks::Samples;
use self::eigen::Eigenpairs;

/// Up to this size a Gram matrix is held (128 MiB); beyond it only products with it are formed.
const MAX_GRAM: usize = 4096;
/// Rows of a Gram matrix that one thread computes at a time.
const PANEL: usize = 64;
/// Samples that one thread projects at a time, where blocks hold few.
const FEW: usize = 16;

/// Why there are no principal components.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PcaError {
    /// A latent size that the data cannot give.
    #[error("{latent} principal components cannot be had from {samples} samples of {features} features\nhint: choose a latent size from 1 to {most}", most = (samples.saturating_sub(1)).min(*features))]
    Latent {
        /// The components asked for.
        latent: usize,
        /// The training samples.
        samples: usize,
        /// The values of each.
        features: usize,
    },
    /// Fewer than two samples.
    #[error("principal components need at least 2 training samples, but there are {samples}")]
    TooFew {
        /// The training samples.
        samples: usize,
    },
    /// A scaler of other data.
    #[error("the scaler is for {scaler} features, but the data has {features}")]
    Features {
        /// The scaler's features.
        scaler: usize,
        /// The data's.
        features: usize,
    },
    /// Values that are infinite once scaled.
    #[error("feature {feature} (from 0) has values that are infinite once scaled")]
    Infinite {
        /// The feature's number.
        feature: usize,
    },
    /// The eigenvalues of the covariance were not found.
    #[error("the eigenvalues of the covariance of {features} features did not converge")]
    NoConvergence {
        /// The values of a sample.
        features: usize,
    },
    /// The values could not be scaled.
    #[error("the training data cannot be scaled")]
    Scaling(
        #[source]
        #[from]
        ScalerError,
    ),
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

/// The first `count` principal components of `data` as `scaler` shows it.
///
/// The covariance matrix (or, for fewer samples than features, the matrix of inner products of the samples) is summed in f64
/// and decomposed: in full up to a size of 1,024, otherwise by subspace iteration until the captured variance stands still
/// to ten digits. The same machine gives the same bits with any number of threads.
///
/// # Errors
/// When `count` is 0 or more than the features or than one less than the samples, and when the scaler is of other data.
pub fn principal_components(data: &Dataset, scaler: &Scaler, count: usize) -> Result<Components, PcaError> {
    let (samples, features) = (data.len(), data.features());
    if scaler.features() != features {
        return Err(PcaError::Features { scaler: scaler.features(), features });
    }
    if samples < 2 {
        return Err(PcaError::TooFew { samples });
    }
    if count == 0 || count > features.min(samples - 1) {
        return Err(PcaError::Latent { latent: count, samples, features });
    }
    let rows = Samples::new(data, scaler);
    if let Some(feature) = rows.mean().iter().position(|mean| !mean.is_finite()) {
        return Err(PcaError::Infinite { feature });
    }
    let (pairs, trace) = if features.min(samples) > MAX_GRAM {
        by_products(&rows, count)
    } else if features <= samples {
        by_gram_of_features(&rows, count)
    } else {
        by_gram_of_samples(&rows, count)
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

/// Eigenpairs with vectors over features, and the sum of all eigenvalues.
type Decomposed = (Option<Eigenpairs>, f64);

/// From the inner products of features: `features × features`.
fn by_gram_of_features(rows: &Samples<'_>, count: usize) -> Decomposed {
    let features = rows.features();
    let mut lower = vec![0.0; features * features];
    rows.by_samples(|block| {
        let samples = block.len() / features;
        add_gram(View::row_major(block, samples, features).transposed(), &mut lower);
    });
    let trace = trace(&lower, features);
    (eigen::of_matrix(lower, features, count), trace)
}

/// From the inner products of samples, `samples × samples`: its eigenvectors weigh the samples to the directions sought.
fn by_gram_of_samples(rows: &Samples<'_>, count: usize) -> Decomposed {
    let (samples, features) = (rows.len(), rows.features());
    let mut lower = vec![0.0; samples * samples];
    rows.by_features(|range, block| add_gram(View::row_major(block, samples, range.len()), &mut lower));
    let trace = trace(&lower, samples);
    let Some(pairs) = eigen::of_matrix(lower, samples, count) else { return (None, trace) };

    let mut vectors = vec![0.0; count * features];
    rows.by_features(|range, block| {
        let weights = View::row_major(&pairs.vectors, count, samples);
        add_product(weights, View::row_major(block, samples, range.len()), &mut vectors[range.start..], features);
    });
    orthonormalise(&mut vectors, features);
    (Some(Eigenpairs { values: pairs.values, vectors }), trace)
}

/// From products with the covariance alone, where no Gram matrix can be held.
fn by_products(rows: &Samples<'_>, count: usize) -> Decomposed {
    let features = rows.features();
    let pairs = eigen::of_operator(features, count, |basis| {
        let directions = basis.columns;
        let mut product = vec![0.0; features * directions];
        rows.by_samples(|block| {
            let samples = block.len() / features;
            let mut codes = vec![0.0; samples * directions];
            codes.par_chunks_mut(FEW * directions).zip(block.par_chunks(FEW * features)).for_each(|(codes, rows)| {
                add_product(View::row_major(rows, rows.len() / features, features), basis, codes, directions);
            });
            let columns = View::row_major(block, samples, features).transposed();
            let codes = View::row_major(&codes, samples, directions);
            product.par_chunks_mut(PANEL * directions).enumerate().for_each(|(panel, to)| {
                let first = panel * PANEL;
                add_product(columns.take_rows(first..first + to.len() / directions), codes, to, directions);
            });
        });
        product
    });
    let mut trace = 0.0;
    rows.by_samples(|block| trace += block.iter().map(|value| value * value).sum::<f64>());
    (pairs, trace)
}

/// Adds the inner products of the rows of `block` to the lower triangle of their Gram matrix.
fn add_gram(block: View<'_>, lower: &mut [f64]) {
    let size = block.rows;
    lower.par_chunks_mut(PANEL * size).enumerate().for_each(|(panel, rows)| {
        let (first, last) = (panel * PANEL, panel * PANEL + rows.len() / size);
        add_product(block.take_rows(first..last), block.take_rows(0..last).transposed(), rows, size);
    });
}

fn trace(square: &[f64], size: usize) -> f64 {
    square.iter().step_by(size + 1).sum()
}

/// Modified Gram and Schmidt over rows that are orthogonal but for rounding; rows of 0 stay 0.
fn orthonormalise(vectors: &mut [f64], length: usize) {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for row in 0..vectors.len() / length {
        let (before, rest) = vectors.split_at_mut(row * length);
        let current = &mut rest[..length];
        for other in before.chunks_exact(length) {
            let shared = dot(other, current);
            current.iter_mut().zip(other).for_each(|(value, other)| *value -= shared * other);
        }
        let norm = dot(current, current).sqrt();
        if norm > 0.0 {
            current.iter_mut().for_each(|value| *value /= norm);
        }
    }
}

/// Turns a direction so that its entry of largest magnitude is positive: eigenvectors come with either sign.
fn point_forward(direction: &mut [f64]) {
    let largest =
        direction.iter().fold(0.0f64, |largest, &value| if value.abs() > largest.abs() { value } else { largest });
    if largest < 0.0 {
        direction.iter_mut().for_each(|value| *value = -*value);
    }
}
