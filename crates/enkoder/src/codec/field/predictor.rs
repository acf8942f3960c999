//! Predictions of the values of a pass: a base, and weighted features of the known values around. Everything is IEEE additions and
//! multiplications in a fixed order, so that a reader predicts the same on every machine.

use std::ops::Range;

use super::traversal::{Base, Feature, Offset, Pass};
use crate::network::vectorised::vectorised;

/// Weights are multiples of this.
pub(crate) const WEIGHT_UNIT: f64 = 1.0 / 256.0;
/// And at most so many in size.
pub(crate) const MOST_WEIGHT: i32 = 2047;
/// Places that are at most so far apart count as close.
const CLOSE: usize = 4;
/// Fraction bits of the part that a sum over the places around is multiplied with.
const AROUND_BITS: u32 = 36;

/// The distance in memory from one index of each axis to the next.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    strides
}

/// The factors of the base along an axis, in distances, at an index of an axis of this length.
fn along(at: usize, length: usize, distance: usize) -> &'static [(isize, f64)] {
    let (far_before, after) = (at >= 3 * distance, at + distance < length);
    match (far_before, after, at + 3 * distance < length) {
        (true, true, true) => &[(-3, -0.0625), (-1, 0.5625), (1, 0.5625), (3, -0.0625)],
        (true, true, false) => &[(-3, -0.125), (-1, 0.75), (1, 0.375)],
        (false, true, true) => &[(-1, 0.375), (1, 0.75), (3, -0.125)],
        (false, true, false) => &[(-1, 0.5), (1, 0.5)],
        (true, false, _) => &[(-3, -0.5), (-1, 1.5)],
        (false, false, _) => &[(-1, 1.0)],
    }
}

/// The factors of a base where all that it wants is there.
pub(crate) fn base_feature(base: &Base, axes: usize) -> Feature {
    let factors = |axis: usize, distance: usize, length: usize| {
        let factors = along(3 * distance, length * distance, distance).iter();
        let offset = |&(steps, factor): &(isize, f64)| {
            let mut offset = vec![0; axes];
            offset[axis] = steps * distance as isize;
            (offset, factor)
        };
        factors.map(offset).collect()
    };
    match base {
        Base::Zero => Vec::new(),
        Base::Nearest(offsets) => vec![(offsets[0].clone(), 1.0)],
        Base::Between { axis, distance } => factors(*axis, *distance, 7),
        Base::Beyond { axis, distance } => factors(*axis, *distance, 4),
    }
}

/// A pass over an array, with weights for its features.
pub(crate) struct Predictor<'a> {
    pass: &'a Pass,
    /// How far along each axis values are known: as far as the pass goes, for what lies behind is coded later.
    shape: &'a [usize],
    strides: &'a [usize],
    /// Along each axis, how many indices at both ends have not all that is looked at around.
    margins: Vec<(usize, usize)>,
    /// Where all is there: distances in memory and factors.
    taps: Taps<f64>,
    around: Taps<u32>,
    /// Elsewhere: the features whose weight is not 0, and each place around.
    features: Vec<Reaching<f64>>,
    surroundings: Vec<Reaching<u32>>,
    /// 2³⁶ over the counts of those around, rounded up: what a sum is multiplied with to be divided by them.
    around_part: u64,
}

/// Distances in memory with what counts of the values there. A run along the last axis knows the early ones before it begins, so
/// that they are added up for all of its places together; the late ones lie in the run itself.
struct Taps<F> {
    early: Vec<(isize, F)>,
    late: Vec<(isize, F)>,
}

impl<F: Copy> Taps<F> {
    fn new(of: &[(Offset, F)], strides: &[usize], run: usize) -> Self {
        let mut taps = Self { early: Vec::new(), late: Vec::new() };
        for (offset, factor) in of {
            let step = offset.iter().zip(strides).map(|(&step, &stride)| step * stride as isize).sum();
            let (along, others) = offset.split_last().unwrap_or((&0, &[]));
            let is_late = others.iter().all(|&step| step == 0) && along.unsigned_abs().is_multiple_of(run);
            if is_late { &mut taps.late } else { &mut taps.early }.push((step, *factor));
        }
        taps
    }
}

/// Distances in memory with factors, and how far they reach: along all axes but the last, and along the last.
struct Reaching<F> {
    weight: F,
    taps: Vec<(isize, f64)>,
    reach: Vec<(isize, isize)>,
    along: (isize, isize),
}

impl<F> Reaching<F> {
    fn new(weight: F, feature: &[(Offset, f64)], strides: &[usize]) -> Self {
        let mut reach = vec![(0, 0); strides.len()];
        let mut taps = Vec::with_capacity(feature.len());
        for (offset, factor) in feature {
            for ((low, high), &step) in reach.iter_mut().zip(offset) {
                (*low, *high) = (step.min(*low), step.max(*high));
            }
            let steps = offset.iter().zip(strides).map(|(&step, &stride)| step * stride as isize);
            taps.push((steps.sum(), *factor));
        }
        let along = reach.pop().unwrap_or_default();
        Self { weight, taps, reach, along }
    }

    /// Whether all of it may lie in an array of this shape, for places whose indices but the last are these.
    fn is_there(&self, at: &[usize], shape: &[usize]) -> bool {
        self.reach.iter().zip(at).zip(shape).all(|((reach, &at), &length)| is_within(*reach, at, length))
    }
}

fn is_within((low, high): (isize, isize), at: usize, length: usize) -> bool {
    at.checked_add_signed(low).is_some() && at + (high as usize) < length
}

/// Which features and places around there are for a run, but for what may lie beyond its ends.
#[derive(Default)]
pub(crate) struct There {
    features: Vec<bool>,
    around: Vec<bool>,
}

/// Adds to each sum the value a distance from its place, times a factor; places are `stride` apart.
#[inline(always)]
fn add<S, V: Copy>(sums: &mut [S], values: &[V], first: usize, stride: usize, add: impl Fn(&mut S, V)) {
    let values = &values[first..];
    if stride == 1 {
        sums.iter_mut().zip(values).for_each(|(sum, &value)| add(sum, value));
    } else {
        sums.iter_mut().zip(values.iter().step_by(stride)).for_each(|(sum, &value)| add(sum, value));
    }
}

impl<'a> Predictor<'a> {
    /// `strides` are those of the array; `weights` has a number of [`WEIGHT_UNIT`] for each feature.
    pub(crate) fn new(pass: &'a Pass, strides: &'a [usize], weights: &[i32]) -> Self {
        let shape = &pass.end[..];
        let weights: Vec<f64> = weights.iter().map(|&weight| f64::from(weight) * WEIGHT_UNIT).collect();
        let mut factors: Feature = Vec::new();
        let mut add = |offset: &Offset, factor: f64| match factors.iter_mut().find(|(known, _)| known == offset) {
            Some((_, sum)) => *sum += factor,
            None => factors.push((offset.clone(), factor)),
        };
        base_feature(&pass.base, shape.len()).iter().for_each(|(offset, factor)| add(offset, *factor));
        for (feature, &weight) in pass.features.iter().zip(&weights).filter(|(_, weight)| **weight != 0.0) {
            feature.iter().for_each(|(offset, factor)| add(offset, weight * factor));
        }
        let mut margins = vec![(0usize, 0usize); shape.len()];
        for offset in factors.iter().map(|(offset, _)| offset).chain(pass.around.iter().map(|(offset, _)| offset)) {
            for (margin, &step) in margins.iter_mut().zip(offset) {
                let side = if step < 0 { &mut margin.0 } else { &mut margin.1 };
                *side = step.unsigned_abs().max(*side);
            }
        }
        let run = pass.stride.last().copied().unwrap_or(1);
        let taps = Taps::new(&factors, strides, run);
        let around = Taps::new(&pass.around, strides, run);
        let around_part =
            (1 << AROUND_BITS) / u64::from(pass.around.iter().map(|(_, count)| count).sum::<u32>().max(1)) + 1;
        let weighted = pass.features.iter().zip(&weights).filter(|(_, weight)| **weight != 0.0);
        let features = weighted.map(|(feature, &weight)| Reaching::new(weight, feature, strides)).collect();
        let one = |(offset, count): &(Offset, u32)| Reaching::new(*count, &[(offset.clone(), 1.0)], strides);
        let surroundings = pass.around.iter().map(one).collect();
        Self { pass, shape, strides, margins, taps, around, features, surroundings, around_part }
    }

    /// For so many places of a run where all is there, from the one at `first` on: their predictions and the sums of the surprises
    /// around, as far as they do not depend on the run itself.
    pub(crate) fn early(
        &self,
        known: &[f64],
        sizes: &[u16],
        (first, count): (usize, usize),
        (sums, activities): (&mut Vec<f64>, &mut Vec<u32>),
    ) {
        let stride = self.pass.stride.last().copied().unwrap_or(1);
        // Of places close together those between are computed too: vectors are quicker than leaving them out.
        let apart = if stride <= CLOSE { stride } else { 1 };
        let wide = (count.max(1) - 1) * apart + 1;
        sums.clear();
        sums.resize(wide, 0.0);
        activities.clear();
        activities.resize(wide, 0);
        let stride = stride / apart;
        vectorised(
            #[inline(always)]
            || {
                for &(step, factor) in &self.taps.early {
                    add(sums, known, first.wrapping_add_signed(step), stride, |sum, value| *sum += value * factor);
                }
                for &(step, count) in &self.around.early {
                    let first = first.wrapping_add_signed(step);
                    add(activities, sizes, first, stride, |sum, size| *sum += u32::from(size) * count);
                }
            },
        );
        if apart > 1 {
            for number in 0..count {
                sums[number] = sums[number * apart];
                activities[number] = activities[number * apart];
            }
        }
        sums.truncate(count);
        activities.truncate(count);
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

    /// What there is for the run of a place.
    pub(crate) fn there(&self, first: &[usize], there: &mut There) {
        let Some((_, at)) = first.split_last() else { return };
        there.features.clear();
        there.features.extend(self.features.iter().map(|of| of.is_there(at, self.shape)));
        there.around.clear();
        there.around.extend(self.surroundings.iter().map(|of| of.is_there(at, self.shape)));
    }

    /// The prediction anywhere: a feature that reaches beyond the array is 0. And the mean size of the surprises around that are
    /// there, in sixteenths; 1 where none is.
    pub(crate) fn outer(
        &self,
        known: &[f64],
        sizes: &[u16],
        (at, index): (&[usize], usize),
        there: &There,
    ) -> (f64, u32) {
        let (along, length) = match (at.last(), self.shape.last()) {
            (Some(&along), Some(&length)) => (along, length),
            _ => return (0.0, 16),
        };
        let mut prediction = self.base(known, at);
        for (feature, &is_there) in self.features.iter().zip(&there.features) {
            let mut sum = 0.0;
            if is_there && is_within(feature.along, along, length) {
                for &(step, factor) in &feature.taps {
                    sum += known[index.wrapping_add_signed(step)] * factor;
                }
            }
            // Also where it is 0: that tells −0 from 0.
            prediction += feature.weight * sum;
        }
        let (mut sum, mut counts) = (0, 0);
        for (around, &is_there) in self.surroundings.iter().zip(&there.around) {
            if is_there && is_within(around.along, along, length) {
                sum += u32::from(sizes[index.wrapping_add_signed(around.taps[0].0)]) * around.weight;
                counts += around.weight;
            }
        }
        (prediction, (16 * sum).checked_div(counts).unwrap_or(16))
    }

    /// What stands in for a value that is missing: the prediction, but within the values nearest to it, so that nothing grows
    /// from one missing value to the next.
    pub(crate) fn stand_in(&self, values: &[f64], at: &[usize], prediction: f64) -> f64 {
        let near = match &self.pass.base {
            Base::Zero => Vec::new(),
            Base::Nearest(offsets) => offsets.clone(),
            Base::Between { axis, distance } | Base::Beyond { axis, distance } => [-1, 1]
                .map(|side| {
                    let mut offset = vec![0; at.len()];
                    offset[*axis] = side * *distance as isize;
                    offset
                })
                .to_vec(),
        };
        let near = near.iter().filter_map(|offset| self.place(at, offset)).map(|index| values[index]);
        let (low, high) = near.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low <= high { prediction.clamp(low, high) } else { 0.0 }
    }

    /// The features of the pass, and the base, as distances in memory and factors, for places where all is there.
    pub(crate) fn flat_features(&self) -> Vec<Vec<(isize, f64)>> {
        let base = base_feature(&self.pass.base, self.shape.len());
        let flat = |(offset, factor): &(Offset, f64)| {
            let steps = offset.iter().zip(self.strides).map(|(&step, &stride)| step * stride as isize);
            (steps.sum::<isize>(), *factor)
        };
        self.pass.features.iter().chain([&base]).map(|feature| feature.iter().map(flat).collect()).collect()
    }

    /// The base at a place.
    pub(crate) fn base(&self, values: &[f64], at: &[usize]) -> f64 {
        match &self.pass.base {
            Base::Zero => 0.0,
            Base::Nearest(offsets) => {
                offsets.iter().find_map(|offset| self.place(at, offset)).map_or(0.0, |index| values[index])
            }
            Base::Between { axis, distance } | Base::Beyond { axis, distance } => {
                let step = (distance * self.strides[*axis]) as isize;
                let mut sum = 0.0;
                for &(steps, factor) in along(at[*axis], self.shape[*axis], *distance) {
                    sum += values[self.index(at).wrapping_add_signed(steps * step)] * factor;
                }
                sum
            }
        }
    }

    /// A feature at a place, if all of it lies in the array.
    pub(crate) fn feature(&self, number: usize, values: &[f64], at: &[usize]) -> Option<f64> {
        let mut sum = 0.0;
        for (offset, factor) in &self.pass.features[number] {
            sum += values[self.place(at, offset)?] * factor;
        }
        Some(sum)
    }

    /// Where a place lies in memory.
    pub(crate) fn index(&self, at: &[usize]) -> usize {
        at.iter().zip(self.strides).map(|(at, stride)| at * stride).sum()
    }

    fn place(&self, at: &[usize], offset: &Offset) -> Option<usize> {
        let mut index = 0;
        for (axis, (&at, &step)) in at.iter().zip(offset).enumerate() {
            let along = at.checked_add_signed(step).filter(|&along| along < self.shape[axis])?;
            index += along * self.strides[axis];
        }
        Some(index)
    }

    /// Goes through the places of the pass in runs along the last axis: the first place of a run, how many it has, and those of
    /// them where all is there.
    pub(crate) fn each_run<E>(
        &self,
        mut run: impl FnMut(&[usize], usize, Range<usize>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Pass { start, stride, end, .. } = self.pass;
        let Some(last) = self.shape.len().checked_sub(1).filter(|_| self.pass.count() > 0) else { return Ok(()) };
        let number = |index: usize| index.saturating_sub(start[last]).div_ceil(stride[last]);
        let count = number(end[last]);
        let from = number(self.margins[last].0).min(count);
        let inner = from..number(self.shape[last].saturating_sub(self.margins[last].1)).clamp(from, count);
        let mut at = start.clone();
        loop {
            let mut margins = self.margins.iter().zip(self.shape).zip(&at).take(last);
            let inside = margins.all(|((margin, &length), &at)| at >= margin.0 && at + margin.1 < length);
            run(&at, count, if inside { inner.clone() } else { 0..0 })?;
            let Some(axis) = (0..last).rev().find(|&axis| at[axis] + stride[axis] < end[axis]) else { return Ok(()) };
            at[axis] += stride[axis];
            at[axis + 1..last].copy_from_slice(&start[axis + 1..last]);
        }
    }
}
