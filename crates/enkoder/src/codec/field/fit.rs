//! The weights of features: least squares on the array itself, before it is coded. A file holds them only where they save more
//! than they cost.

use std::convert::Infallible;

use super::predictor::{MOST_WEIGHT, Predictor, WEIGHT_UNIT, base_feature};
use super::traversal::{Feature, Pass};
use crate::least_squares::solve;

/// Places that weights are fitted on at most, and at least for each feature.
const MOST_FITTED: usize = 16_000;
const LEAST_FITTED: usize = 12;
/// Bits that a weight takes in the file.
const WEIGHT_BITS: f64 = 9.0;

/// Whether a pass has places enough for weights of its own.
pub(crate) fn has_weights(pass: &Pass) -> bool {
    !pass.features.is_empty() && pass.count() >= LEAST_FITTED * pass.features.len()
}

/// The weights that predict `values` best when those around are known up to noise of this variance; all 0 where that saves
/// nothing. What is missing is NaN.
pub(crate) fn fit(pass: &Pass, values: &[f64], strides: &[usize], noise: f64) -> Vec<i32> {
    let features = pass.features.len();
    let none = vec![0; features];
    if !has_weights(pass) {
        return none;
    }
    // With weights that are not 0, all is there only where every feature is.
    let predictor = Predictor::new(pass, strides, &vec![1; features]);
    let flat = predictor.flat_features();
    let every = pass.count().div_ceil(MOST_FITTED);
    // Products of the features with each other, and in the last column with what the base misses.
    let mut normal = vec![vec![0.0f64; features + 1]; features];
    let (mut squares, mut seen, mut turn) = (0.0, 0usize, 0usize);
    let mut found = vec![0.0; features + 1];
    let last = strides.len() - 1;
    let Ok(()) = predictor.each_run(|first, count, inner| {
        let (start, mut at) = (predictor.index(first), first.to_vec());
        for number in 0..count {
            turn += 1;
            if !turn.is_multiple_of(every) {
                continue;
            }
            let index = start + number * pass.stride[last];
            if inner.contains(&number) {
                for (found, feature) in found.iter_mut().zip(&flat) {
                    let terms = feature.iter().map(|&(step, factor)| values[index.wrapping_add_signed(step)] * factor);
                    *found = terms.sum();
                }
            } else {
                at[last] = first[last] + number * pass.stride[last];
                for (feature, found) in found.iter_mut().enumerate().take(features) {
                    *found = predictor.feature(feature, values, &at).unwrap_or(0.0);
                }
                found[features] = predictor.base(values, &at);
            }
            found[features] = values[index] - found[features];
            if found.iter().any(|value| !value.is_finite()) {
                continue;
            }
            seen += 1;
            squares += found[features] * found[features];
            for (row, &first) in normal.iter_mut().zip(&found) {
                row.iter_mut().zip(&found).for_each(|(sum, &second)| *sum += first * second);
            }
        }
        Ok::<(), Infallible>(())
    });
    if seen < 8 * features || squares <= 0.0 || !squares.is_finite() {
        return none;
    }
    let seen = seen as f64;
    let base = base_feature(&pass.base, strides.len());
    for (row, first) in normal.iter_mut().zip(&pass.features) {
        for (sum, second) in row.iter_mut().zip(&pass.features) {
            *sum += seen * noise * product(first, second);
        }
        row[features] -= seen * noise * product(first, &base);
    }
    for (index, row) in normal.iter_mut().enumerate() {
        row[index] += 1e-6 * row[index] + 1e-3 * seen * noise;
    }
    let targets: Vec<f64> = normal.iter().map(|row| row[features]).collect();
    let weights = solve(normal);
    let before = squares / seen + noise * (1.0 + product(&base, &base));
    let explained = weights.iter().zip(&targets).map(|(weight, target)| weight * target).sum::<f64>() / seen;
    let after = (before - explained).max(0.0);
    // An error far below a step costs no bits, however small it gets.
    let bits = |error: f64| 0.5 * (error + 2.0 * noise).log2();
    let saved = pass.count() as f64 * (bits(before) - bits(after));
    if saved.is_nan() || saved <= WEIGHT_BITS * features as f64 {
        return none;
    }
    let most = f64::from(MOST_WEIGHT);
    weights.iter().map(|weight| (weight / WEIGHT_UNIT).round().clamp(-most, most) as i32).collect()
}

fn product(first: &Feature, second: &Feature) -> f64 {
    let with = |(offset, factor): &(_, f64)| {
        second.iter().filter(|(other, _)| other == offset).map(|(_, other)| factor * other).sum::<f64>()
    };
    first.iter().map(with).sum()
}
