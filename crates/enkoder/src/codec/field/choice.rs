//! Which field an array gets: several are tried on it, and the one that takes the fewest bits wins, its weights included. Nothing
//! here is needed to decode.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use rayon::prelude::*;

use super::super::element::Element;
use super::super::entropy::Estimator;
use super::array::code;
use super::fit::fit;
use super::mask::MOST_KINDS;
use super::predictor::strides;
use super::scale::{Predicts, Scale};
use super::traversal::{Pass, Traversal};
use super::{Coding, Field, SAME, Special, symbols};

/// How hard to look, by the effort.
#[derive(Clone, Copy)]
struct Care {
    /// Values that fields are tried on, and those up to which an array is tried as a whole.
    tried: usize,
    whole: usize,
    /// Places of a pass that weights are fitted on at least, where there are so many: for parts and large arrays, and for arrays that
    /// are tried as a whole; and at most.
    fitted: [usize; 2],
    most_fitted: usize,
    /// Going through rows is quicker, and taken unless levels take less than this part of its bits: by a part of an array, which is hard
    /// on rows, because nothing is known before its first values, and by a whole one.
    levels: [f64; 2],
    /// Symbols are quicker, and taken unless adaptive bits take less than this part of theirs; none where only bits are tried.
    bits: Option<f64>,
}

/// Values up to which a smooth array gets the care of effort 6 from any less: its file is so small that every byte counts.
const WHOLE: usize = 1 << 18;

impl Care {
    fn of(effort: u8) -> Self {
        let care = Self {
            tried: 1 << 15,
            whole: WHOLE,
            fitted: [4_000, 16_000],
            most_fitted: 16_000,
            levels: [0.99; 2],
            bits: None,
        };
        match effort {
            ..=5 => Self {
                tried: 1 << 14,
                whole: 1 << 16,
                fitted: [1_500, 3_000],
                most_fitted: 3_000,
                levels: [0.85, 0.95],
                bits: Some(0.95),
            },
            6 => care,
            _ => Self { tried: usize::MAX, whole: usize::MAX, levels: [1.0; 2], ..care },
        }
    }
}

/// Of passes with more places than are fitted at least, one of so many is.
const FITTED_PART: usize = 16;
/// Values that are looked at to find frequent ones, and kinds of values that are counted at most.
const LOOKED_AT: usize = 1 << 12;
const COUNTED: usize = 64;
/// A value that is not missing is special from this part of all values on.
const OFTEN: f64 = 0.05;
/// Bits of a value below which predictions are hardly ever wrong, so that finer steps of coarse grids may pay.
const SMOOTH: f64 = 0.4;
/// Bits of a value from which on symbols lose little to adaptive bits, so that these need not be tried on a large array. On a small one
/// the tables of symbols weigh more.
const MANY: f64 = 1.5;

/// A way to code an array.
#[derive(Clone, Copy)]
struct Candidate {
    coding: Coding,
    traversal: Traversal,
    scale: Scale,
    fineness: u64,
    /// Whether weights are fitted.
    learns: bool,
}

/// The field of an array that takes the fewest bits. `missing` are the bits of values that stand for a missing one. With more
/// `effort`, from 1 to 9, more is tried, on more of the array.
pub(crate) fn choose<T: Element>(values: &[T], shape: &[usize], scale: Scale, missing: &[u64], effort: u8) -> Field {
    choose_by(Care::of(effort), values, shape, scale, &specials(values, missing), effort)
}

fn choose_by<T: Element>(
    care: Care,
    values: &[T],
    shape: &[usize],
    scale: Scale,
    specials: &[Special],
    effort: u8,
) -> Field {
    let coding = if care.bits.is_some() { Coding::Symbols } else { Coding::Bits };
    let learned = |traversal, scale, fineness| Candidate { coding, traversal, scale, fineness, learns: true };
    let scales = match scale {
        Scale::Relative { step, part, .. } => {
            [Predicts::Values, Predicts::Positions].map(|predicts| Scale::Relative { step, part, predicts }).to_vec()
        }
        scale => vec![scale],
    };
    let traversals = if effort > 1 { &[Traversal::Levels, Traversal::Rows][..] } else { &[Traversal::Levels] };
    let candidates: Vec<Candidate> = scales
        .iter()
        .flat_map(|&scale| traversals.iter().map(move |&traversal| learned(traversal, scale, SAME)))
        .collect();
    let is_whole = values.len() <= care.whole;
    let places = (care.fitted[usize::from(is_whole)], care.most_fitted);
    let (part, part_shape) = middle(values, shape, if is_whole { usize::MAX } else { care.tried });
    let times = values.len() as f64 / part.len() as f64;
    let knowns: Vec<(Scale, Vec<f64>)> = scales.iter().map(|&scale| (scale, known(&part, specials, scale))).collect();
    let tried = |candidates: &[Candidate]| -> Vec<(f64, Candidate, Field)> {
        let of = |&candidate: &Candidate| {
            let known = knowns.iter().find(|(scale, _)| *scale == candidate.scale);
            let known = known.map_or(&[][..], |(_, known)| known);
            let field = field(candidate, known, &part_shape, specials, places);
            (bits(&field, &part, &part_shape, times), candidate, field)
        };
        candidates.par_iter().map(of).collect()
    };
    let mut costs = tried(&candidates);
    let cost = |(bits, candidate, _): &(f64, Candidate, Field)| match candidate.traversal {
        Traversal::Rows => bits * care.levels[usize::from(is_whole)],
        Traversal::Levels => *bits,
    };
    let is_smooth = costs.iter().any(|(bits, ..)| *bits < SMOOTH * part.len() as f64);
    if is_smooth && !is_whole && values.len() <= WHOLE {
        return choose_by(Care::of(6), values, shape, scale, specials, effort);
    }
    if effort > 6 || (effort > 2 && is_smooth) {
        let best = costs.iter().min_by(|a, b| cost(a).total_cmp(&cost(b)));
        let best = best.map_or(candidates[0], |(_, best, _)| *best);
        let unlearned = |traversal| Candidate { traversal, learns: false, ..best };
        let mut others = vec![unlearned(Traversal::Levels), unlearned(Traversal::Rows)];
        if effort > 6 || best.traversal == Traversal::Levels {
            others.extend([13, 10].map(|fineness| learned(Traversal::Levels, best.scale, fineness)));
        }
        costs.extend(tried(&others));
    }
    let best = costs.into_iter().reduce(|best, other| if cost(&other) < cost(&best) { other } else { best });
    let best = best.map(|(bits_of_symbols, candidate, mut field)| {
        let is_doubtful = is_whole || bits_of_symbols < MANY * part.len() as f64;
        if let Some(worth) = care.bits.filter(|_| is_doubtful) {
            field.coding = Coding::Bits;
            if bits(&field, &part, &part_shape, times) >= worth * bits_of_symbols {
                field.coding = Coding::Symbols;
            }
        }
        (Candidate { coding: field.coding, ..candidate }, field)
    });
    match best {
        Some((_, field)) if part.len() == values.len() => field,
        best => {
            let candidate = best.map_or(candidates[0], |(candidate, _)| candidate);
            let known = if candidate.learns { self::known(values, specials, candidate.scale) } else { Vec::new() };
            field(candidate, &known, shape, specials, places)
        }
    }
}

/// What weights are fitted on: what will be known of values, and NaN where one is missing.
fn known<T: Element>(values: &[T], specials: &[Special], scale: Scale) -> Vec<f64> {
    let is_missing = |value: T| specials.iter().any(|special| !special.is_value && special.bits == value.to_bits());
    let known = |&value: &T| if !value.is_finite() || is_missing(value) { f64::NAN } else { scale.known(value) };
    values.iter().map(known).collect()
}

/// About the bits that a part of an array takes with a field, if the array is so many times as large: what is stored once is shared.
fn bits<T: Element>(field: &Field, values: &[T], shape: &[usize], times: f64) -> f64 {
    let (mut head, mut tail) = (Estimator::new(), Estimator::new());
    let coded = field.clone().code::<T, _>(&mut head, shape).and_then(|()| match field.coding {
        Coding::Bits => code(&mut tail, field, shape, &mut values.to_vec()).map(|()| [0.0, tail.bits()]),
        Coding::Symbols => symbols::size(field, shape, &mut values.to_vec()),
    });
    // An estimator takes every bit that has a probability.
    coded.map_or(f64::INFINITY, |[tables, bits]| (head.bits() + tables) / times + bits)
}

/// The field of a candidate, its weights fitted on so many places of each pass, or up to so many where that is a part of them.
fn field(
    candidate: Candidate,
    known: &[f64],
    shape: &[usize],
    specials: &[Special],
    (places, most): (usize, usize),
) -> Field {
    let Candidate { coding, traversal, scale, fineness, learns } = candidate;
    let passes = traversal.passes(shape);
    let mut field = Field { coding, traversal, scale, fineness, specials: specials.to_vec(), weights: Vec::new() };
    field.weights = if learns {
        let strides = strides(shape);
        let noise = |level| (scale.step_of_predictions() * field.fineness_of(level)).powi(2) / 12.0;
        let places = |pass: &Pass| (pass.count() / FITTED_PART).clamp(places, most);
        passes.par_iter().map(|pass| fit(pass, known, &strides, noise(pass.level), places(pass))).collect()
    } else {
        passes.iter().map(|pass| vec![0; pass.features.len()]).collect()
    };
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

/// What lies in the middle of an array, at most about so many values: all of the short axes and as much of each of the long ones.
fn middle<'a, T: Copy>(values: &'a [T], shape: &[usize], most: usize) -> (Cow<'a, [T]>, Vec<usize>) {
    if values.len() <= most {
        return (Cow::Borrowed(values), shape.to_vec());
    }
    let mut by_length: Vec<usize> = (0..shape.len()).collect();
    by_length.sort_by_key(|&axis| shape[axis]);
    let (mut part, mut left) = (shape.to_vec(), most);
    for (axes, &axis) in (1..=shape.len() as u32).rev().zip(&by_length) {
        let fits = |&length: &usize| length.checked_pow(axes).is_some_and(|values| values <= left);
        part[axis] = (2..=shape[axis]).take_while(fits).last().unwrap_or(1);
        left /= part[axis];
    }
    // Whole rows are copied, from the places whose indices along the other axes are counted up.
    let (strides, last) = (strides(shape), shape.len() - 1);
    let first = |axis: usize| (shape[axis] - part[axis]) / 2;
    let rows: usize = part[..last].iter().product();
    let mut taken = Vec::with_capacity(rows * part[last]);
    for row in 0..rows {
        let (mut number, mut index) = (row, first(last));
        for axis in (0..last).rev() {
            index += (first(axis) + number % part[axis]) * strides[axis];
            number /= part[axis];
        }
        taken.extend_from_slice(&values[index..index + part[last]]);
    }
    (Cow::Owned(taken), part)
}
