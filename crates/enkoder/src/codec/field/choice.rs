//! Which field an array gets: several are tried on it, and the one that takes the fewest bits wins, its weights included. Nothing
//! here is needed to decode.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::super::element::Element;
use super::super::entropy::Estimator;
use super::array::code;
use super::fit::fit;
use super::mask::MOST_KINDS;
use super::mean::{self, Over};
use super::predictor::strides;
use super::scale::{Predicts, Scale};
use super::seen::{Data, Seen, Tried, cut, known, known_of, lengths, middle};
use super::traversal::{Pass, Traversal};
use super::{Coding, Field, Mean, SAME, Special, symbols};

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
    /// What it is tried on: on this scale, as it is or over a mean.
    seen: usize,
}

/// The field of an array that takes the fewest bits. `missing` are the bits of values that stand for a missing one. With more
/// `effort`, from 1 to 9, more is tried, on more of the array.
pub(crate) fn choose<T: Element>(values: &[T], shape: &[usize], scale: Scale, missing: &[u64], effort: u8) -> Field {
    let overs = if effort > 2 { mean::worth_trying(shape) } else { Vec::new() };
    let specials = specials(values, missing);
    choose_by(Care::of(effort), Data { values, shape, specials: &specials }, scale, &overs, effort)
}

/// The field of a mean, which is over none.
pub(crate) fn choose_mean(values: &[f32], shape: &[usize], scale: Scale, effort: u8) -> Field {
    let specials = specials(values, &[]);
    choose_by(Care::of(effort), Data { values, shape, specials: &specials }, scale, &[], effort)
}

/// `overs` says what means to try are over.
fn choose_by<T: Element>(care: Care, data: Data<'_, T>, scale: Scale, overs: &[Over], effort: u8) -> Field {
    let Data { values, shape, specials } = data;
    let coding = if care.bits.is_some() { Coding::Symbols } else { Coding::Bits };
    let scales = match scale {
        Scale::Relative { step, part, .. } => {
            [Predicts::Values, Predicts::Positions].map(|predicts| Scale::Relative { step, part, predicts }).to_vec()
        }
        scale => vec![scale],
    };
    let traversals = if effort > 1 { &[Traversal::Levels, Traversal::Rows][..] } else { &[Traversal::Levels] };
    let is_whole = values.len() <= care.whole;
    let places = (care.fitted[usize::from(is_whole)], care.most_fitted);
    let window = middle(shape, if is_whole { usize::MAX } else { care.tried });
    let part_shape = lengths(&window);
    let part = cut(values, shape, &window);
    let times = values.len() as f64 / part.len() as f64;
    let seen = Seen::all(data, &part, &window, &scales, overs);
    let learned = |traversal, fineness, number: usize| Candidate {
        coding,
        traversal,
        scale: seen[number].scale,
        fineness,
        learns: true,
        seen: number,
    };
    let candidates: Vec<Candidate> = (0..seen.len())
        .flat_map(|number| traversals.iter().map(move |&traversal| learned(traversal, SAME, number)))
        .collect();
    let tried = |candidates: &[Candidate]| -> Vec<(f64, Candidate, Field)> {
        let of = |&candidate: &Candidate| {
            let Seen { known, mean, .. } = &seen[candidate.seen];
            let of_part = mean.as_ref().map(|mean| mean.of_part.clone());
            let field = field(candidate, |index| known[index], &part_shape, specials, of_part, places);
            let of_mean = mean.as_ref().map_or(0.0, |mean| mean.bits / times);
            (of_mean + bits(&field, &part, &part_shape, times), candidate, field)
        };
        each(candidates, &of)
    };
    let mut costs = tried(&candidates);
    let cost = |(bits, candidate, _): &(f64, Candidate, Field)| match candidate.traversal {
        Traversal::Rows => bits * care.levels[usize::from(is_whole)],
        Traversal::Levels => *bits,
    };
    let is_smooth = costs.iter().any(|(bits, ..)| *bits < SMOOTH * part.len() as f64);
    if is_smooth && !is_whole && values.len() <= WHOLE {
        return choose_by(Care::of(6), data, scale, overs, effort);
    }
    if effort > 6 || (effort > 2 && is_smooth) {
        let best = costs.iter().min_by(|a, b| cost(a).total_cmp(&cost(b)));
        let best = best.map_or(candidates[0], |(_, best, _)| *best);
        let unlearned = |traversal| Candidate { traversal, learns: false, ..best };
        let mut others = vec![unlearned(Traversal::Levels), unlearned(Traversal::Rows)];
        if effort > 6 || best.traversal == Traversal::Levels {
            others.extend([13, 10].map(|fineness| learned(Traversal::Levels, fineness, best.seen)));
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
    let is_all = part.len() == values.len();
    let (candidate, chosen) =
        best.map_or((candidates[0], None), |(candidate, field)| (candidate, is_all.then_some(field)));
    let tried = seen[candidate.seen].mean.as_ref();
    let of_all = |tried: &Tried| {
        Mean::new(&known(values, specials, candidate.scale), shape, tried.over, tried.step, effort).map(Arc::new)
    };
    let mean = tried.and_then(of_all);
    if let Some(chosen) = chosen.filter(|_| mean.is_some() == tried.is_some()) {
        return Field { mean, ..chosen };
    }
    let means = mean.as_ref().map(|mean| mean.values());
    let known = |index: usize| {
        let known = known_of(values[index], specials, candidate.scale);
        means.map_or(known, |means| known - means[index % means.len()])
    };
    field(candidate, known, shape, specials, mean.clone(), places)
}

/// About the bits that a part of an array takes with a field, if the array is so many times as large: what is stored once is shared.
fn bits<T: Element>(field: &Field, values: &[T], shape: &[usize], times: f64) -> f64 {
    let (mut head, mut tail) = (Estimator::new(), Estimator::new());
    let coded = field.clone().code(&mut head, T::TYPE, shape).and_then(|()| match field.coding {
        Coding::Bits => code(&mut tail, field, shape, &mut values.to_vec()).map(|()| [0.0, tail.bits()]),
        Coding::Symbols => symbols::size(field, shape, &mut values.to_vec()),
    });
    // An estimator takes every bit that has a probability.
    coded.map_or(f64::INFINITY, |[tables, bits]| (head.bits() + tables) / times + bits)
}

/// The field of a candidate, its weights fitted on so many places of each pass, or up to so many where that is a part of them.
fn field(
    candidate: Candidate,
    known: impl Fn(usize) -> f64 + Sync,
    shape: &[usize],
    specials: &[Special],
    mean: Option<Arc<Mean>>,
    (places, most): (usize, usize),
) -> Field {
    let Candidate { coding, traversal, scale, fineness, learns, .. } = candidate;
    let mut field =
        Field { coding, traversal, scale, fineness, specials: specials.to_vec(), weights: Vec::new(), mean };
    let passes = field.passes(shape);
    field.weights = if learns {
        let strides = strides(shape);
        // In steps, whose squares can be held.
        let step = scale.step_of_predictions();
        let unit = if step > 0.0 { step } else { 1.0 };
        let noise = |level| (step / unit * field.fineness_of(level)).powi(2) / 12.0;
        let known = |index: usize| known(index) / unit;
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
    most_frequent(counts.into_iter().filter_map(special).collect())
}

/// The few that occur most often. For all types of numbers, as is what follows: to sort is much code.
fn most_frequent(mut found: Vec<(usize, Special)>) -> Vec<Special> {
    found.sort_by_key(|&(count, special)| (Reverse(count), special.bits));
    found.dedup_by_key(|(_, special)| special.bits);
    found.truncate(MOST_KINDS);
    found.into_iter().map(|(_, special)| special).collect()
}

/// What each candidate gives, on as many threads as there are.
fn each(
    candidates: &[Candidate],
    try_one: &(dyn Fn(&Candidate) -> (f64, Candidate, Field) + Sync),
) -> Vec<(f64, Candidate, Field)> {
    candidates.par_iter().map(try_one).collect()
}
