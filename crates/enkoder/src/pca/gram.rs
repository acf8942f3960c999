//! The three ways to the same eigenpairs: through the inner products of features, through those of samples where they are
//! fewer, or through products with the covariance where neither matrix can be held.

use rayon::prelude::*;

use super::blocks::Centred;
use super::eigen::{self, Eigenpairs};
use super::matmul::{View, add_product};

/// Rows of a Gram matrix that one thread computes at a time.
const PANEL: usize = 64;
/// Samples that one thread projects at a time, where blocks hold few.
const FEW: usize = 16;

/// Eigenpairs with vectors over features, and the sum of all eigenvalues.
pub(super) type Decomposed = (Option<Eigenpairs>, f64);

/// From the inner products of features: `features × features`.
pub(super) fn by_features(rows: &Centred<'_>, count: usize) -> Decomposed {
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
pub(super) fn by_samples(rows: &Centred<'_>, count: usize) -> Decomposed {
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
pub(super) fn by_products(rows: &Centred<'_>, count: usize) -> Decomposed {
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
