//! An array while it is coded: what predictions are made from, and what surprises leave in it. Here surprises are coded as adaptive
//! bits; [`symbols`](super::symbols) codes them in symbols.

use std::ops::Range;

use super::super::element::Element;
use super::super::entropy::{Coder, Corrupt};
use super::super::quantiser::Quantiser;
use super::inside::Inside;
use super::predictor::{Predictor, There, strides};
use super::scale::Scale;
use super::surprises::{STORED, Surprises};
use super::traversal::Pass;
use super::{Field, Mean, mask};

/// Codes the values of an array as adaptive bits and leaves in them what decodes; a reader fills them.
pub(crate) fn code<T: Element, C: Coder>(
    coder: &mut C,
    field: &Field,
    shape: &[usize],
    values: &mut [T],
) -> Result<(), Corrupt> {
    let mut array = Array::new(coder, field, shape, values)?;
    let (passes, strides, mut surprises) = (field.passes(shape), strides(shape), Surprises::new());
    let mut passes = passes.iter().zip(&field.weights);
    passes.try_for_each(|(pass, weights)| array.pass(coder, &mut surprises, pass, &strides, weights))
}

/// An array while it is coded.
pub(crate) struct Array<'a, T> {
    pub(crate) field: &'a Field,
    /// For each value 0, or one more than the number of the special that it is; empty where there are none.
    pub(crate) kinds: Vec<u8>,
    pub(crate) values: &'a mut [T],
    /// What predictions are made from.
    pub(crate) known: Vec<f64>,
    /// How large surprises were.
    pub(crate) sizes: Vec<u16>,
    /// The mean that predictions are over; empty where there is none.
    mean: &'a [f64],
}

impl<'a, T: Element> Array<'a, T> {
    /// Codes which values are special.
    pub(crate) fn new<C: Coder>(
        coder: &mut C,
        field: &'a Field,
        shape: &[usize],
        values: &'a mut [T],
    ) -> Result<Self, Corrupt> {
        let mut kinds = Vec::new();
        if !field.specials.is_empty() {
            let kind = |value: &T| field.specials.iter().position(|special| special.bits == value.to_bits());
            kinds = values.iter().map(|value| kind(value).map_or(0, |kind| kind as u8 + 1)).collect();
            mask::code(coder, &mut kinds, shape, field.specials.len())?;
        }
        let count = shape.iter().product();
        let mean = field.mean().map_or(&[][..], Mean::values);
        Ok(Self { field, kinds, values, known: vec![0.0; count], sizes: vec![0; count], mean })
    }

    fn pass<C: Coder>(
        &mut self,
        coder: &mut C,
        surprises: &mut Surprises,
        pass: &Pass,
        strides: &[usize],
        weights: &[i32],
    ) -> Result<(), Corrupt> {
        let predictor = Predictor::new(pass, strides, weights);
        let scale = self.field.scale.finer(self.field.fineness_of(pass.level));
        let last = strides.len() - 1;
        let (mut run, mut there) = (Run::default(), There::default());
        predictor.each_run(|first, count, inner| {
            let start = predictor.index(first);
            let mut at = first.to_vec();
            if inner.len() < count {
                predictor.there(first, &mut there);
            }
            let mut outer = |array: &mut Self, coder: &mut C, surprises: &mut Surprises, numbers: Range<usize>| {
                for number in numbers {
                    at[last] = first[last] + number * pass.stride[last];
                    let index = start + number * pass.stride[last];
                    let prediction = predictor.outer(&array.known, (&at, index), &there);
                    let activity = predictor.outer_activity(&array.sizes, (&at, index), &there);
                    let expected = (prediction, activity);
                    array.value(coder, surprises, (scale, pass.level), index, expected, (&predictor, &at))?;
                }
                Ok(())
            };
            outer(self, coder, surprises, 0..inner.start)?;
            if !inner.is_empty() {
                (run.index, run.stride) = (start + inner.start * pass.stride[last], pass.stride[last]);
                run.numbers = 0..inner.len();
                run.begin(first, inner.start * pass.stride[last], inner.len());
                let places = (run.index, inner.len());
                predictor.inside.early(&self.known, places, &mut run.sums);
                predictor.inside.early_activities(&self.sizes, places, &mut run.activities);
                self.inner(coder, surprises, (scale, pass.level), &mut run, &predictor)?;
            }
            outer(self, coder, surprises, inner.end..count)
        })
    }

    /// Codes the places of a run where all is there. No prediction is needed to code a surprise, and nothing else that is coded to
    /// predict: two short loops are quicker than one of both.
    fn inner<C: Coder>(
        &mut self,
        coder: &mut C,
        surprises: &mut Surprises,
        (scale, level): (Scale, usize),
        run: &mut Run,
        predictor: &Predictor<'_>,
    ) -> Result<(), Corrupt> {
        if !C::DECODES {
            self.predict(scale, run, (predictor, &predictor.inside), false);
        }
        let mut index = run.index;
        for (&activity, surprise) in run.activities.iter().zip(&mut run.surprises) {
            if self.kind(index) == 0 {
                let activity = predictor.inside.late_activity(&self.sizes, index, activity);
                let value = &mut self.values[index];
                (*surprise, self.sizes[index]) =
                    surprises.code(coder, scale.is_exact(), value, *surprise, (activity, level))?;
            }
            index += run.stride;
        }
        if C::DECODES {
            self.predict(scale, run, (predictor, &predictor.inside), true);
        }
        Ok(())
    }

    /// Predicts the places of a run where all is there, from the surprises before; a writer finds the surprises here.
    pub(crate) fn predict(&mut self, scale: Scale, run: &mut Run, by: (&Predictor<'_>, &Inside), decodes: bool) {
        // Each kind of scale has a loop of its own.
        match (scale, decodes) {
            (Scale::Free(Quantiser::Steps { step, bound }), true) => {
                self.predict_by(Scale::Free(Quantiser::Steps { step, bound }), run, by, true);
            }
            (Scale::Free(Quantiser::Steps { step, bound }), false) => {
                self.predict_by(Scale::Free(Quantiser::Steps { step, bound }), run, by, false);
            }
            (scale, decodes) => self.predict_by(scale, run, by, decodes),
        }
    }

    #[inline(always)]
    fn predict_by(&mut self, scale: Scale, run: &mut Run, by: (&Predictor<'_>, &Inside), decodes: bool) {
        // What was known last need not be fetched from memory again: the next place waits for it.
        let stride = run.stride as isize;
        let known = |array: &Self, index: usize, sum: f64| by.1.late(&array.known, index, sum);
        match *by.1.late_taps() {
            [] => self.predict_each(scale, run, by.0, decodes, |_, _, _, sum| sum),
            [(before, one)] if before == -stride => {
                self.predict_each(scale, run, by.0, decodes, |_, _, last, sum| sum + last[0] * one);
            }
            [(before, one), (further, two)] if before == -stride && further == -2 * stride => {
                self.predict_each(scale, run, by.0, decodes, |_, _, last, sum| sum + last[0] * one + last[1] * two);
            }
            _ => self.predict_each(scale, run, by.0, decodes, |array, index, _, sum| known(array, index, sum)),
        }
    }

    /// `late` adds to a sum what lies in the run itself, of which it is given the last two.
    #[inline(always)]
    fn predict_each(
        &mut self,
        scale: Scale,
        run: &mut Run,
        predictor: &Predictor<'_>,
        decodes: bool,
        late: impl Fn(&Self, usize, [f64; 2], f64) -> f64,
    ) {
        let (mut index, sample) = (run.index, self.sample(run.index));
        let before = |places: usize| index.checked_sub(places * run.stride).map_or(0.0, |index| self.known[index]);
        let mut last = [before(1), before(2)];
        let (surprises, place) = (&mut run.surprises[run.numbers.clone()], (&run.at[..], run.stride));
        for (number, (&sum, surprise)) in run.sums.iter().zip(surprises).enumerate() {
            let prediction = late(self, index, last, sum);
            let expected = (prediction, self.mean_at(index - sample));
            let known = self.place(scale, index, expected, surprise, (predictor, place, number), decodes);
            last = [known, last[0]];
            index += run.stride;
        }
    }

    /// Predicts places of a run of which something may not be there, as [`Self::predict`] does the others.
    pub(crate) fn predict_outer(
        &mut self,
        scale: Scale,
        run: &mut Run,
        (predictor, there): (&Predictor<'_>, &There),
        decodes: bool,
    ) {
        let (mut index, sample) = (run.index, self.sample(run.index));
        let (last, mut at) = (run.at.len() - 1, run.at.clone());
        let (surprises, place) = (&mut run.surprises[run.numbers.clone()], (&run.at[..], run.stride));
        for (number, surprise) in surprises.iter_mut().enumerate() {
            let prediction = predictor.outer(&self.known, (&at, index), there);
            let expected = (prediction, self.mean_at(index - sample));
            self.place(scale, index, expected, surprise, (predictor, place, number), decodes);
            index += run.stride;
            at[last] += run.stride;
        }
    }

    /// What a prediction and a surprise, which a writer finds, leave at a place, which is so many behind one: what is known of it.
    #[inline(always)]
    fn place(
        &mut self,
        scale: Scale,
        index: usize,
        (mut prediction, mean): (f64, Option<f64>),
        surprise: &mut i64,
        (predictor, (first, stride), number): (&Predictor<'_>, (&[usize], usize), usize),
        decodes: bool,
    ) -> f64 {
        // Branches that are hardly ever taken cost less than choices that the next place waits for.
        if !prediction.is_finite() {
            prediction = nothing();
        }
        let kind = self.kind(index);
        if kind != 0 {
            self.special(kind, index, (prediction, mean), predictor, (first, number * stride));
            return self.known[index];
        }
        let value = &mut self.values[index];
        let expected = over(prediction, mean);
        if decodes {
            if *surprise != STORED || scale.is_exact() {
                *value = scale.restore(*surprise, expected);
            }
        } else if let Some(found) = scale.quantise(*value, expected) {
            (*surprise, *value) = found;
        } else {
            *surprise = STORED;
        }
        let known = under(scale.known(*value), mean);
        self.known[index] = if value.is_finite() { known } else { instead(prediction) };
        self.known[index]
    }

    /// Codes one value by its prediction and the activity around.
    fn value<C: Coder>(
        &mut self,
        coder: &mut C,
        surprises: &mut Surprises,
        (scale, level): (Scale, usize),
        index: usize,
        (prediction, activity): (f64, u32),
        (predictor, at): (&Predictor<'_>, &[usize]),
    ) -> Result<(), Corrupt> {
        let prediction = finite(prediction);
        let mean = self.mean_at(index - self.sample(index));
        let kind = self.kind(index);
        if kind != 0 {
            self.special(kind, index, (prediction, mean), predictor, (at, 0));
            return Ok(());
        }
        let (value, expected) = (&mut self.values[index], over(prediction, mean));
        let surprise =
            if C::DECODES { 0 } else { scale.quantise(*value, expected).map_or(STORED, |(surprise, _)| surprise) };
        let (surprise, size) = surprises.code(coder, scale.is_exact(), value, surprise, (activity, level))?;
        self.sizes[index] = size;
        if surprise != STORED || scale.is_exact() {
            *value = scale.restore(surprise, expected);
        }
        self.known[index] = if value.is_finite() { under(scale.known(*value), mean) } else { prediction };
        Ok(())
    }

    /// 0, or one more than the number of the special that a value is.
    #[inline(always)]
    fn kind(&self, index: usize) -> u8 {
        self.kinds.get(index).copied().unwrap_or(0)
    }

    /// Where the sample of a place begins.
    #[inline(always)]
    fn sample(&self, index: usize) -> usize {
        if self.mean.is_empty() { 0 } else { index - index % self.mean.len() }
    }

    /// The mean at a place of a sample.
    #[inline(always)]
    fn mean_at(&self, place: usize) -> Option<f64> {
        self.mean.get(place).copied()
    }

    fn special(
        &mut self,
        kind: u8,
        index: usize,
        (prediction, mean): (f64, Option<f64>),
        predictor: &Predictor<'_>,
        at: (&[usize], usize),
    ) {
        let Some(special) = self.field.specials.get(usize::from(kind) - 1) else { return };
        let value = T::from_bits(special.bits);
        self.values[index] = value;
        self.known[index] = if special.is_value && value.is_finite() {
            under(self.field.scale.known(value), mean)
        } else {
            predictor.stand_in(&self.known, at, prediction)
        };
    }
}

/// Places of a run, with room for what is computed of them.
#[derive(Default)]
pub(crate) struct Run {
    /// Numbers of those that are predicted together; where the first of them lies, and the distance to the next.
    pub(crate) numbers: Range<usize>,
    at: Vec<usize>,
    pub(crate) index: usize,
    pub(crate) stride: usize,
    /// Predictions and sums of surprises around, as far as they do not depend on the run itself.
    pub(crate) sums: Vec<f64>,
    activities: Vec<u32>,
    pub(crate) surprises: Vec<i64>,
}

impl Run {
    /// Places from one on, so many steps along the last axis behind another.
    pub(crate) fn begin(&mut self, first: &[usize], steps: usize, count: usize) {
        self.at.clear();
        self.at.extend_from_slice(first);
        if let Some(along) = self.at.last_mut() {
            *along += steps;
        }
        self.surprises.resize(count, 0);
    }
}

/// What is expected of a value by how it is predicted to differ from a mean.
#[inline(always)]
fn over(prediction: f64, mean: Option<f64>) -> f64 {
    mean.map_or(prediction, |mean| prediction + mean)
}

/// How a value differs from a mean.
#[inline(always)]
fn under(known: f64, mean: Option<f64>) -> f64 {
    mean.map_or(known, |mean| known - mean)
}

#[cold]
fn nothing() -> f64 {
    0.0
}

#[cold]
fn instead(prediction: f64) -> f64 {
    prediction
}

fn finite(prediction: f64) -> f64 {
    if prediction.is_finite() { prediction } else { 0.0 }
}
