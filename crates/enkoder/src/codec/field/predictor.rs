//! Predictions of the values of a pass: a base, and weighted features of the known values around. Everything is IEEE additions and
//! multiplications in a fixed order, so that a reader predicts the same on every machine.

use std::ops::Range;

use super::inside::Inside;
use super::traversal::{Base, Feature, Offset, Pass};

/// Weights are multiples of this.
pub(crate) const WEIGHT_UNIT: f64 = 1.0 / 256.0;
/// And at most so many in size.
pub(crate) const MOST_WEIGHT: i32 = 2047;

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

/// Factors along an axis as those of offsets.
fn base_along(axis: usize, distance: usize, factors: &[(isize, f64)], axes: usize) -> Feature {
    let offset = |&(steps, factor): &(isize, f64)| {
        let mut offset = vec![0; axes];
        offset[axis] = steps * distance as isize;
        (offset, factor)
    };
    factors.iter().map(offset).collect()
}

/// The factors of a base where all that it wants is there.
pub(crate) fn base_feature(base: &Base, axes: usize) -> Feature {
    let factors = |axis: usize, distance: usize, length: usize| {
        base_along(axis, distance, along(3 * distance, length * distance, distance), axes)
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
    /// For places where all is there.
    pub(crate) inside: Inside,
    weights: Vec<f64>,
    /// Elsewhere: the features whose weight is not 0, and each place around.
    features: Vec<Reaching<f64>>,
    surroundings: Vec<Reaching<u32>>,
    /// The known places nearest to one.
    near: Vec<Offset>,
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
#[derive(Default, PartialEq)]
pub(crate) struct There {
    features: Vec<bool>,
    around: Vec<bool>,
    /// Which factors the base has.
    base: usize,
}

/// What there is for runs, and what their places are predicted from, the rest left out.
pub(crate) struct Border {
    pub(crate) there: There,
    pub(crate) inside: Inside,
}

impl<'a> Predictor<'a> {
    /// `strides` are those of the array; `weights` has a number of [`WEIGHT_UNIT`] for each feature.
    pub(crate) fn new(pass: &'a Pass, strides: &'a [usize], weights: &[i32]) -> Self {
        let shape = &pass.end[..];
        let weights: Vec<f64> = weights.iter().map(|&weight| f64::from(weight) * WEIGHT_UNIT).collect();
        let weighted = || pass.features.iter().zip(weights.iter().copied()).filter(|(_, weight)| *weight != 0.0);
        let base = base_feature(&pass.base, shape.len());
        let run = pass.stride.last().copied().unwrap_or(1);
        let inside = Inside::new(&base, weighted(), &pass.around, (strides, run));
        let features = weighted().map(|(feature, weight)| Reaching::new(weight, feature, strides)).collect();
        let one = |(offset, count): &(Offset, u32)| Reaching::new(*count, &[(offset.clone(), 1.0)], strides);
        let surroundings = pass.around.iter().map(one).collect();
        let near = match &pass.base {
            Base::Zero => Vec::new(),
            Base::Nearest(offsets) => offsets.clone(),
            Base::Between { axis, distance } | Base::Beyond { axis, distance } => {
                let side = |side| base_along(*axis, *distance, &[(side, 1.0)], shape.len());
                [-1, 1].into_iter().flat_map(side).map(|(offset, _)| offset).collect()
            }
        };
        Self { pass, shape, strides, inside, weights, features, surroundings, near }
    }

    /// What there is for the run of a place.
    pub(crate) fn there(&self, first: &[usize], there: &mut There) {
        let Some((_, at)) = first.split_last() else { return };
        there.features.clear();
        there.features.extend(self.features.iter().map(|of| of.is_there(at, self.shape)));
        there.around.clear();
        there.around.extend(self.surroundings.iter().map(|of| of.is_there(at, self.shape)));
    }

    /// The prediction anywhere: a feature that reaches beyond the array is 0.
    pub(crate) fn outer(&self, known: &[f64], (at, index): (&[usize], usize), there: &There) -> f64 {
        let (Some(&along), Some(&length)) = (at.last(), self.shape.last()) else { return 0.0 };
        let mut prediction = self.base(|index| known[index], at);
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
        prediction
    }

    /// The mean size of the surprises around that are there, in sixteenths; 1 where none is.
    pub(crate) fn outer_activity(&self, sizes: &[u16], (at, index): (&[usize], usize), there: &There) -> u32 {
        let (Some(&along), Some(&length)) = (at.last(), self.shape.last()) else { return 16 };
        let (mut sum, mut counts) = (0, 0);
        for (around, &is_there) in self.surroundings.iter().zip(&there.around) {
            if is_there && is_within(around.along, along, length) {
                sum += u32::from(sizes[index.wrapping_add_signed(around.taps[0].0)]) * around.weight;
                counts += around.weight;
            }
        }
        (16 * sum).checked_div(counts).unwrap_or(16)
    }

    /// What there is for the run of a place, and what its places are predicted from without the rest.
    pub(crate) fn bordering<'b>(&self, first: &[usize], borders: &'b mut Vec<Border>) -> &'b Border {
        let mut there = There::default();
        self.there(first, &mut there);
        let last = first.len().saturating_sub(1);
        let base = match &self.pass.base {
            Base::Between { axis, distance } | Base::Beyond { axis, distance } if *axis < last => {
                Some((*axis, *distance, along(first[*axis], self.shape[*axis], *distance)))
            }
            _ => None,
        };
        there.base = base.map_or(0, |(_, _, factors)| factors.len() + 8 * usize::from(factors[0].0 == -3));
        if let Some(known) = borders.iter().position(|border| border.there == there) {
            return &borders[known];
        }
        let base = match base {
            Some((axis, distance, factors)) => base_along(axis, distance, factors, first.len()),
            None => base_feature(&self.pass.base, first.len()),
        };
        let weighted = self.pass.features.iter().zip(&self.weights).filter(|(_, weight)| **weight != 0.0);
        let kept = weighted.zip(&there.features).filter(|(_, is_there)| **is_there);
        let around = self.pass.around.iter().zip(&there.around).filter(|(_, is_there)| **is_there);
        let around: Vec<_> = around.map(|(around, _)| around.clone()).collect();
        let features = kept.map(|((feature, &weight), _)| (feature, weight));
        let inside = Inside::new(&base, features, &around, (self.strides, self.inside.stride));
        borders.push(Border { there, inside });
        &borders[borders.len() - 1]
    }

    /// Which of so many places of a run from one on have all that is looked at along the last axis.
    pub(crate) fn inner_of(&self, inside: &Inside, along: usize, count: usize) -> Range<usize> {
        let (Some(&(low, high)), Some(&length)) = (inside.margins.last(), self.shape.last()) else { return 0..0 };
        let number = |index: usize| index.saturating_sub(along).div_ceil(inside.stride);
        let from = number(low).min(count);
        from..number(length.saturating_sub(high)).clamp(from, count)
    }

    /// The length of the last axis.
    pub(crate) fn length(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// What stands in for a value that is missing, so many steps along the last axis behind a place: the prediction, but within the
    /// values nearest to it, so that nothing grows from one missing value to the next.
    pub(crate) fn stand_in(&self, values: &[f64], (at, steps): (&[usize], usize), prediction: f64) -> f64 {
        let near =
            self.near.iter().filter_map(|offset| self.place_behind(at, steps, offset)).map(|index| values[index]);
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
    #[inline(always)]
    pub(crate) fn base(&self, values: impl Fn(usize) -> f64, at: &[usize]) -> f64 {
        match &self.pass.base {
            Base::Zero => 0.0,
            Base::Nearest(offsets) => offsets.iter().find_map(|offset| self.place(at, offset)).map_or(0.0, values),
            Base::Between { axis, distance } | Base::Beyond { axis, distance } => {
                let step = (distance * self.strides[*axis]) as isize;
                let mut sum = 0.0;
                for &(steps, factor) in along(at[*axis], self.shape[*axis], *distance) {
                    sum += values(self.index(at).wrapping_add_signed(steps * step)) * factor;
                }
                sum
            }
        }
    }

    /// A feature at a place, if all of it lies in the array.
    pub(crate) fn feature(&self, number: usize, values: impl Fn(usize) -> f64, at: &[usize]) -> Option<f64> {
        let mut sum = 0.0;
        for (offset, factor) in &self.pass.features[number] {
            sum += values(self.place(at, offset)?) * factor;
        }
        Some(sum)
    }

    /// Where a place lies in memory.
    pub(crate) fn index(&self, at: &[usize]) -> usize {
        at.iter().zip(self.strides).map(|(at, stride)| at * stride).sum()
    }

    fn place(&self, at: &[usize], offset: &Offset) -> Option<usize> {
        self.place_behind(at, 0, offset)
    }

    /// Where the place at an offset lies in memory, from one so many steps along the last axis behind another.
    fn place_behind(&self, at: &[usize], steps: usize, offset: &Offset) -> Option<usize> {
        let (mut index, last) = (0, at.len().saturating_sub(1));
        for (axis, (&at, &step)) in at.iter().zip(offset).enumerate() {
            let at = if axis == last { at + steps } else { at };
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
        let from = number(self.inside.margins[last].0).min(count);
        let inner = from..number(self.shape[last].saturating_sub(self.inside.margins[last].1)).clamp(from, count);
        let mut at = start.clone();
        loop {
            let mut margins = self.inside.margins.iter().zip(self.shape).zip(&at).take(last);
            let inside = margins.all(|((margin, &length), &at)| at >= margin.0 && at + margin.1 < length);
            run(&at, count, if inside { inner.clone() } else { 0..0 })?;
            let Some(axis) = (0..last).rev().find(|&axis| at[axis] + stride[axis] < end[axis]) else { return Ok(()) };
            at[axis] += stride[axis];
            at[axis + 1..last].copy_from_slice(&start[axis + 1..last]);
        }
    }
}
