//! Predictions of the places of a run where all is there that they are made from, for all of them together as far as possible.

use super::traversal::{Feature, Offset};
use crate::network::vectorised::vectorised;

/// Places that are at most so far apart count as close.
const CLOSE: usize = 4;
/// Fraction bits of the part that a sum over the places around is multiplied with.
const AROUND_BITS: u32 = 36;
/// Numbers that are added up together.
const LANES: usize = 8;

/// What places are predicted from where all of it is there.
pub(crate) struct Inside {
    /// The distance between the places of a run.
    pub(crate) stride: usize,
    /// Along each axis, how many indices at both ends have not all that is looked at around.
    pub(crate) margins: Vec<(usize, usize)>,
    taps: Taps<f64>,
    around: Taps<u32>,
    /// 2³⁶ over the counts of those around, and of the early ones of them, rounded up: what a sum is multiplied with to be divided
    /// by them.
    around_part: u64,
    early_part: u64,
}

/// Distances in memory with what counts of the values there, and steps along the last axis. A run along that axis knows the early ones
/// before it begins, so that they are added up for all of its places together; the late ones lie in the run itself.
struct Taps<F> {
    early: Vec<(isize, F, isize)>,
    late: Vec<(isize, F)>,
}

impl<F: Copy> Taps<F> {
    fn new(of: &[(Offset, F)], strides: &[usize], run: usize) -> Self {
        let mut taps = Self { early: Vec::new(), late: Vec::new() };
        for (offset, factor) in of {
            let step = offset.iter().zip(strides).map(|(&step, &stride)| step * stride as isize).sum();
            let (along, others) = offset.split_last().unwrap_or((&0, &[]));
            if others.iter().all(|&step| step == 0) && along.unsigned_abs().is_multiple_of(run) {
                taps.late.push((step, *factor));
            } else {
                taps.early.push((step, *factor, *along));
            }
        }
        taps
    }
}

impl Inside {
    /// By a base and weighted features, of which none is left out. `run` is the distance between the places of a run.
    pub(crate) fn new<'f>(
        base: &Feature,
        features: impl Iterator<Item = (&'f Feature, f64)>,
        surroundings: &[(Offset, u32)],
        (strides, run): (&[usize], usize),
    ) -> Self {
        let mut factors: Feature = Vec::new();
        let mut add = |offset: &Offset, factor: f64| match factors.iter_mut().find(|(known, _)| known == offset) {
            Some((_, sum)) => *sum += factor,
            None => factors.push((offset.clone(), factor)),
        };
        base.iter().for_each(|(offset, factor)| add(offset, *factor));
        for (feature, weight) in features {
            feature.iter().for_each(|(offset, factor)| add(offset, weight * factor));
        }
        let mut margins = vec![(0usize, 0usize); strides.len()];
        for offset in factors.iter().map(|(offset, _)| offset).chain(surroundings.iter().map(|(offset, _)| offset)) {
            for (margin, &step) in margins.iter_mut().zip(offset) {
                let side = if step < 0 { &mut margin.0 } else { &mut margin.1 };
                *side = step.unsigned_abs().max(*side);
            }
        }
        let around = Taps::new(surroundings, strides, run);
        let part = |counts: u32| (1 << AROUND_BITS) / u64::from(counts.max(1)) + 1;
        let around_part = part(surroundings.iter().map(|(_, count)| count).sum());
        let early_part = part(around.early.iter().map(|(_, count, _)| count).sum());
        Self { stride: run, margins, taps: Taps::new(&factors, strides, run), around, around_part, early_part }
    }

    /// For so many places of a run where all is there, from the one at `first` on: their predictions, as far as they do not depend on
    /// the run itself.
    pub(crate) fn early(&self, known: &[f64], (first, count): (usize, usize), sums: &mut Vec<f64>) {
        self.in_vectors(
            count,
            sums,
            0.0,
            #[inline(always)]
            |sums, stride| add_up(sums, known, (first, stride), &self.taps.early, weigh),
        );
    }

    /// The sums of the surprises around likewise.
    pub(crate) fn early_activities(&self, sizes: &[u16], (first, count): (usize, usize), sums: &mut Vec<u32>) {
        self.in_vectors(
            count,
            sums,
            0,
            #[inline(always)]
            |sums, stride| add_up(sums, sizes, (first, stride), &self.around.early, count_size),
        );
    }

    /// The mean size, in sixteenths, of the surprises around all places of a run that were coded before it. The first is at `index`,
    /// and `along` the last axis, which is of this length; what lies beyond it counts as 0.
    pub(crate) fn activities(
        &self,
        sizes: &[u16],
        (index, along, count): (usize, usize, usize),
        length: usize,
        sums: &mut Vec<u32>,
    ) {
        // The numbers of the places where one around is there, and of those where all are.
        let beyond = |reach: isize| reach.saturating_sub_unsigned(along).max(0) as usize;
        let there = |reach: isize| {
            let from = beyond(-reach).div_ceil(self.stride).min(count);
            from..beyond(length as isize - reach).div_ceil(self.stride).clamp(from, count)
        };
        let all = self.around.early.iter().map(|&(.., reach)| there(reach));
        let all = all.fold(0..count, |all, there| all.start.max(there.start)..all.end.min(there.end));
        let all = if all.is_empty() { 0..0 } else { all };
        self.early_activities(sizes, (index + all.start * self.stride, all.len()), sums);
        let inner = sums.len();
        sums.resize(count, 0);
        sums.copy_within(0..inner, all.start);
        for number in (0..all.start).chain(all.end..count) {
            let place = index + number * self.stride;
            let around = self.around.early.iter().filter(|&&(.., reach)| there(reach).contains(&number));
            sums[number] =
                around.map(|&(step, count, _)| u32::from(sizes[place.wrapping_add_signed(step)]) * count).sum();
        }
        let part = self.early_part;
        vectorised(
            #[inline(always)]
            || sums.iter_mut().for_each(|sum| *sum = ((u64::from(16 * *sum) * part) >> AROUND_BITS) as u32),
        );
    }

    /// Adds up something for so many places: `add` is given the sums and how far apart in memory their places lie.
    #[inline(always)]
    fn in_vectors<S: Copy>(&self, count: usize, sums: &mut Vec<S>, zero: S, add: impl FnOnce(&mut [S], usize)) {
        // Of places close together those between are computed too: vectors are quicker than leaving them out. And the last vector is
        // a whole one.
        let apart = if self.stride <= CLOSE { self.stride } else { 1 };
        let wide = (count.max(1) - 1) * apart + 1;
        sums.clear();
        if count == 0 {
            return;
        }
        sums.resize(if self.stride == apart { wide.next_multiple_of(LANES) } else { wide }, zero);
        vectorised(
            #[inline(always)]
            || add(sums, self.stride / apart),
        );
        if apart > 1 {
            (0..count).for_each(|number| sums[number] = sums[number * apart]);
        }
        sums.truncate(count);
    }

    /// What of the run itself a prediction takes: distances in memory and factors.
    #[inline(always)]
    pub(crate) fn late_taps(&self) -> &[(isize, f64)] {
        &self.taps.late
    }

    /// The prediction of a place where all is there.
    #[inline(always)]
    pub(crate) fn late(&self, known: &[f64], index: usize, mut sum: f64) -> f64 {
        for &(step, factor) in &self.taps.late {
            sum += known[index.wrapping_add_signed(step)] * factor;
        }
        sum
    }

    /// The mean size of the surprises around, in sixteenths, of a place where all is there.
    #[inline(always)]
    pub(crate) fn late_activity(&self, sizes: &[u16], index: usize, mut around: u32) -> u32 {
        for &(step, count) in &self.around.late {
            around += u32::from(sizes[index.wrapping_add_signed(step)]) * count;
        }
        // Rounded down as a division is: sums of sizes stay far below 2³⁶ over the square of the counts.
        ((u64::from(16 * around) * self.around_part) >> AROUND_BITS) as u32
    }
}

#[inline(always)]
fn weigh(sum: f64, value: f64, factor: f64) -> f64 {
    sum + value * factor
}

#[inline(always)]
fn count_size(sum: u32, size: u16, count: u32) -> u32 {
    sum + u32::from(size) * count
}

/// Adds to each sum the values at distances from its place, with their factors, one after the other; places are `stride` apart, from
/// `first` on. What lies beyond the end counts as nothing.
#[inline(always)]
fn add_up<S: Copy, V: Copy, F: Copy>(
    sums: &mut [S],
    values: &[V],
    (first, stride): (usize, usize),
    taps: &[(isize, F, isize)],
    add: impl Fn(S, V, F) -> S,
) {
    if stride > 1 {
        for &(step, factor, _) in taps {
            let values = values[first.wrapping_add_signed(step)..].iter().step_by(stride);
            sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum = add(*sum, value, factor));
        }
        return;
    }
    let (wide, rest) = sums.as_chunks_mut::<{ 4 * LANES }>();
    let (narrow, rest) = rest.as_chunks_mut::<LANES>();
    let mut at = first;
    for sums in wide {
        add_chunk(sums, values, at, taps, &add);
        at += sums.len();
    }
    for sums in narrow {
        add_chunk(sums, values, at, taps, &add);
        at += sums.len();
    }
    debug_assert!(rest.is_empty(), "whole vectors");
}

/// The sums of neighbouring places stay in registers.
#[inline(always)]
fn add_chunk<S: Copy, V: Copy, F: Copy, const N: usize>(
    sums: &mut [S; N],
    values: &[V],
    at: usize,
    taps: &[(isize, F, isize)],
    add: &impl Fn(S, V, F) -> S,
) {
    let from = |step: isize| &values[at.wrapping_add_signed(step).min(values.len())..];
    if taps.iter().any(|&(step, ..)| from(step).len() < N) {
        for &(step, factor, _) in taps {
            sums.iter_mut().zip(from(step)).for_each(|(sum, &value)| *sum = add(*sum, value, factor));
        }
        return;
    }
    let mut found = *sums;
    for &(step, factor, _) in taps {
        let Some(values) = from(step).first_chunk::<N>() else { return };
        for (sum, value) in found.iter_mut().zip(values) {
            *sum = add(*sum, *value, factor);
        }
    }
    *sums = found;
}
