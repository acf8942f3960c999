//! Which field an array gets: several are tried on it, and the one that takes the fewest bits wins, its weights included. Nothing
//! here is needed to decode.

use std::cmp::Reverse;
use std::collections::HashMap;

use rayon::prelude::*;

use super::super::element::Element;
use super::super::entropy::Estimator;
use super::fit::fit;
use super::mask::MOST_KINDS;
use super::predictor::strides;
use super::scale::Scale;
use super::traversal::Traversal;
use super::{Field, SAME, Special, code};

/// Values that fields are tried on at most.
const TRIED: usize = 1 << 18;
/// Values that are looked at to find frequent ones, and kinds of values that are counted at most.
const LOOKED_AT: usize = 1 << 12;
const COUNTED: usize = 64;
/// A value that is not missing is special from this part of all values on.
const OFTEN: f64 = 0.05;
/// Bits of a value below which predictions are hardly ever wrong, so that finer steps of coarse grids may pay.
const SMOOTH: f64 = 0.4;

/// A way to code an array.
#[derive(Clone, Copy)]
struct Candidate {
    traversal: Traversal,
    fineness: u64,
    /// Whether weights are fitted.
    learns: bool,
}

/// The field of an array that takes the fewest bits. `missing` are the bits of values that stand for a missing one. With more
/// `effort`, from 1 to 9, more is tried, on more of the array.
pub(crate) fn choose<T: Element>(values: &[T], shape: &[usize], scale: Scale, missing: &[u64], effort: u8) -> Field {
    let specials = specials(values, missing);
    let learned = |traversal, fineness| Candidate { traversal, fineness, learns: true };
    let mut candidates = vec![learned(Traversal::Levels, SAME)];
    if effort > 1 {
        candidates.push(learned(Traversal::Rows, SAME));
    }
    let (part, part_shape) = middle(values, shape, if effort > 6 { usize::MAX } else { TRIED });
    let tried = |candidates: &[Candidate]| -> Vec<(f64, Candidate, Field)> {
        let of = |&candidate: &Candidate| {
            let field = field(candidate, part, &part_shape, scale, &specials);
            (bits(&field, part, &part_shape), candidate, field)
        };
        candidates.par_iter().map(of).collect()
    };
    let mut costs = tried(&candidates);
    let is_smooth = costs.iter().any(|(bits, ..)| *bits < SMOOTH * part.len() as f64);
    if effort > 6 || (effort > 2 && is_smooth) {
        let unlearned = |traversal| Candidate { traversal, fineness: SAME, learns: false };
        costs.extend(tried(&[
            learned(Traversal::Levels, 13),
            learned(Traversal::Levels, 10),
            unlearned(Traversal::Levels),
            unlearned(Traversal::Rows),
        ]));
    }
    let best = costs.into_iter().reduce(|best, other| if other.0 < best.0 { other } else { best });
    match best {
        Some((_, _, field)) if part.len() == values.len() => field,
        Some((_, candidate, _)) => field(candidate, values, shape, scale, &specials),
        None => field(candidates[0], values, shape, scale, &specials),
    }
}

/// About the bits that an array takes with a field.
fn bits<T: Element>(field: &Field, values: &[T], shape: &[usize]) -> f64 {
    let (mut head, mut tail) = (Estimator::new(), Estimator::new());
    let coded = field.clone().code::<T, _>(&mut head, shape);
    let coded = coded.and_then(|()| code(&mut tail, field, shape, &mut values.to_vec()));
    // An estimator takes every bit that has a probability.
    coded.map_or(f64::INFINITY, |()| head.bits() + tail.bits())
}

fn field<T: Element>(candidate: Candidate, values: &[T], shape: &[usize], scale: Scale, specials: &[Special]) -> Field {
    let Candidate { traversal, fineness, learns } = candidate;
    let passes = traversal.passes(shape);
    let mut field = Field { traversal, scale, fineness, specials: specials.to_vec(), weights: Vec::new() };
    let weights = passes.iter().map(|pass| vec![0; pass.features.len()]);
    field.weights = weights.collect();
    if learns {
        let known = |value: &T| {
            let is_missing = specials.iter().any(|special| !special.is_value && special.bits == value.to_bits());
            if is_missing || !value.is_finite() { f64::NAN } else { value.to_f64() }
        };
        let known: Vec<f64> = values.iter().map(known).collect();
        let strides = strides(shape);
        let noise = |level| (scale.step() * field.fineness_of(level)).powi(2) / 12.0;
        field.weights = passes.par_iter().map(|pass| fit(pass, &known, &strides, noise(pass.level))).collect();
    }
    field
}

/// The values that get a mask: those that stand for a missing one, NaN and infinities, where they occur more than once, and
/// ordinary values that fill a good part of the array.
fn specials<T: Element>(values: &[T], missing: &[u64]) -> Vec<Special> {
    let every = values.len().div_ceil(LOOKED_AT);
    let mut sampled: HashMap<u64, usize> = HashMap::new();
    values.iter().step_by(every).for_each(|value| *sampled.entry(value.to_bits()).or_default() += 1);
    let often = OFTEN * values.len() as f64;
    let half = 0.5 * OFTEN * values.len().div_ceil(every) as f64;
    let frequent = sampled.into_iter().filter(|&(_, count)| count > 1 && count as f64 >= half).map(|(bits, _)| bits);
    let mut counts: Vec<(u64, usize)> = missing.iter().copied().chain(frequent).map(|bits| (bits, 0)).collect();
    for value in values {
        let bits = value.to_bits();
        if let Some((_, count)) = counts.iter_mut().find(|(known, _)| *known == bits) {
            *count += 1;
        } else if !value.is_finite() && counts.len() < COUNTED {
            counts.push((bits, 1));
        }
    }
    let special = |(bits, count): (u64, usize)| {
        let is_missing = missing.contains(&bits) || !T::from_bits(bits).is_finite();
        let is_special = count > 1 && (is_missing || count as f64 >= often);
        is_special.then_some((count, Special { bits, is_value: !is_missing }))
    };
    let mut found: Vec<(usize, Special)> = counts.into_iter().filter_map(special).collect();
    found.sort_by_key(|&(count, special)| (Reverse(count), special.bits));
    found.dedup_by_key(|(_, special)| special.bits);
    found.truncate(MOST_KINDS);
    found.into_iter().map(|(_, special)| special).collect()
}

/// Some indices in the middle of the leading axis, with at most this many values if more than one index has as many.
fn middle<'a, T>(values: &'a [T], shape: &[usize], most: usize) -> (&'a [T], Vec<usize>) {
    let inner: usize = shape[1..].iter().product();
    let count = (most / inner.max(1)).max(8).min(shape[0]);
    let first = (shape[0] - count) / 2;
    let mut part = shape.to_vec();
    part[0] = count;
    (&values[first * inner..(first + count) * inner], part)
}
