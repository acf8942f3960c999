//! The weights of features: least squares on the array itself, before it is coded. A file holds them only where they save more
//! than they cost.

use std::convert::Infallible;

use super::predictor::{MOST_WEIGHT, Predictor, WEIGHT_UNIT, base_feature};
use super::traversal::{Feature, Pass};
use crate::least_squares::solve;
use crate::network::vectorised::vectorised;

/// Places that weights are fitted on at least, for each feature.
const LEAST_FITTED: usize = 12;
/// Numbers that are added up together.
const LANES: usize = 8;
/// Bits that a weight takes in the file.
const WEIGHT_BITS: f64 = 9.0;

/// Whether a pass has places enough for weights of its own.
pub(crate) fn has_weights(pass: &Pass) -> bool {
    !pass.features.is_empty() && pass.count() >= LEAST_FITTED * pass.features.len()
}

/// The weights that predict `values` best when those around are known up to noise of this variance; all 0 where that saves
/// nothing. At most so many places are looked at, spread evenly. `values` are known by where they lie; what is missing is NaN.
pub(crate) fn fit(pass: &Pass, values: impl Fn(usize) -> f64, strides: &[usize], noise: f64, most: usize) -> Vec<i32> {
    let features = pass.features.len();
    let none = vec![0; features];
    if !has_weights(pass) {
        return none;
    }
    // With weights that are not 0, all is there only where every feature is.
    let predictor = Predictor::new(pass, strides, &vec![1; features]);
    let flat = predictor.flat_features();
    let every = pass.count().div_ceil(most);
    // Products of the features with each other, and in the column behind with what the base misses; the columns left over are 0, so
    // that there are whole vectors of them.
    let width = (features + 1).next_multiple_of(LANES);
    let mut normal = vec![vec![0.0f64; width]; features];
    let (mut squares, mut seen) = (0.0, 0usize);
    let (mut turn, mut window) = (0, 0);
    let mut next = scattered(window) % every;
    let mut found = vec![0.0; width];
    let last = strides.len() - 1;
    let Ok(()) = predictor.each_run(|first, count, inner| {
        let (start, mut at) = (predictor.index(first), first.to_vec());
        // Of each so many places one, anywhere among them: a regular choice could miss columns.
        while next < turn + count {
            let number = next - turn;
            window += 1;
            next = window * every + scattered(window) % every;
            let index = start + number * pass.stride[last];
            if inner.contains(&number) {
                for (found, feature) in found.iter_mut().zip(&flat) {
                    let terms = feature.iter().map(|&(step, factor)| values(index.wrapping_add_signed(step)) * factor);
                    *found = terms.sum();
                }
            } else {
                at[last] = first[last] + number * pass.stride[last];
                for (feature, found) in found.iter_mut().enumerate().take(features) {
                    *found = predictor.feature(feature, &values, &at).unwrap_or(0.0);
                }
                found[features] = predictor.base(&values, &at);
            }
            found[features] = values(index) - found[features];
            if found.iter().any(|value| !value.is_finite()) {
                continue;
            }
            seen += 1;
            squares += found[features] * found[features];
            vectorised(
                #[inline(always)]
                || {
                    let found = found.as_chunks::<LANES>().0;
                    for (row, &first) in normal.iter_mut().zip(found.as_flattened()) {
                        for (sums, second) in row.as_chunks_mut::<LANES>().0.iter_mut().zip(found) {
                            sums.iter_mut().zip(second).for_each(|(sum, second)| *sum += first * second);
                        }
                    }
                },
            );
        }
        turn += count;
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

/// A number without a pattern for each number (Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, OOPSLA
/// 2014).
fn scattered(number: usize) -> usize {
    let mut bits = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (bits >> 33) as usize
}

fn product(first: &Feature, second: &Feature) -> f64 {
    let with = |(offset, factor): &(_, f64)| {
        second.iter().filter(|(other, _)| other == offset).map(|(_, other)| factor * other).sum::<f64>()
    };
    first.iter().map(with).sum()
}
