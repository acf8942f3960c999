//! Whole arrays without a model from elsewhere: predictions learned on the array itself, and what they miss. An array has a field
//! ([`Field`]): how it is traversed, in which steps, which values are special, and the weights of its predictions. One function
//! reads and writes it.

mod choice;
mod fit;
mod mask;
mod predictor;
mod relative;
mod scale;
mod surprises;
mod traversal;

use std::ops::Range;

use super::element::Element;
use super::entropy::{Coder, Corrupt, Decoder, Encoder};
use super::integers::Signed;
use super::quantiser::Quantiser;
pub(crate) use choice::choose;
use fit::has_weights;
use predictor::{MOST_WEIGHT, Predictor, There, strides};
pub(crate) use relative::{is_within as is_within_part, step as step_of_part};
pub(crate) use scale::{Predicts, Scale, lattice};
use surprises::{STORED, Surprises};
use traversal::{Pass, Traversal};

/// Axes of an array that predictions look along: those before are taken as one.
const AXES: usize = 4;
/// Level of the magnitude that weights begin with.
const WEIGHT_LEVEL: usize = 18;
/// Steps of coarse grids are no finer than this part of the finest grid's.
const FINEST: f64 = 1.0 / 16.0;
/// The steps of a level are this many sixteenths of those of the next finer one, where they are the same.
const SAME: u64 = 16;

/// A value that many cells have, bit for bit. They cost a mask and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Special {
    pub(crate) bits: u64,
    /// Whether it says something of the values around; otherwise it stands for a missing one.
    pub(crate) is_value: bool,
}

/// How an array is coded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    traversal: Traversal,
    scale: Scale,
    /// The steps of a level in sixteenths of those of the next finer one: what is predicted from coarse values profits.
    fineness: u64,
    specials: Vec<Special>,
    /// For each pass, in multiples of the unit, one for each feature; all 0 where a pass has none.
    weights: Vec<Vec<i32>>,
}

/// The shape that predictions see: without axes of one index, and of at most [`AXES`].
pub(crate) fn seen_shape(shape: &[usize]) -> Vec<usize> {
    let mut seen: Vec<usize> = shape.iter().copied().filter(|&length| length > 1).collect();
    let before = seen.len().saturating_sub(AXES - 1);
    if before > 0 {
        let leading = seen.drain(..before).product();
        seen.insert(0, leading);
    }
    if seen.is_empty() { vec![1] } else { seen }
}

/// The two streams of an array: its field, and what that misses.
pub(crate) fn encode<T: Element>(field: &Field, shape: &[usize], values: &mut [T]) -> [Vec<u8>; 2] {
    let (mut head, mut tail) = (Encoder::new(), Encoder::new());
    let mut written = field.clone();
    // Coding only fails for what an arithmetic coder cannot represent, and the probabilities are kept away from that.
    written.code::<T, _>(&mut head, shape).expect("every bit has a probability");
    code(&mut tail, field, shape, values).expect("every bit has a probability");
    [head.into_bytes(), tail.into_bytes()]
}

/// The field of its stream, which may be anything.
pub(crate) fn decode_field<T: Element>(stream: &[u8], shape: &[usize]) -> Result<Field, Corrupt> {
    let mut field = Field {
        traversal: Traversal::Rows,
        scale: Scale::Free(Quantiser::Exact),
        fineness: SAME,
        specials: Vec::new(),
        weights: Vec::new(),
    };
    field.code::<T, _>(&mut Decoder::new(stream), shape)?;
    Ok(field)
}

/// The array of two streams, which may be anything.
pub(crate) fn decode<T: Element>(streams: [&[u8]; 2], shape: &[usize]) -> Result<(Field, Vec<T>), Corrupt> {
    let field = decode_field::<T>(streams[0], shape)?;
    let mut values = vec![T::from_bits(0); shape.iter().product()];
    code(&mut Decoder::new(streams[1]), &field, shape, &mut values)?;
    Ok((field, values))
}

impl Field {
    /// Codes the field itself; a reader fills it.
    fn code<T: Element, C: Coder>(&mut self, coder: &mut C, shape: &[usize]) -> Result<(), Corrupt> {
        self.traversal = Traversal::from_number(coder.raw(self.traversal.number(), 1)?).ok_or(Corrupt)?;
        self.fineness = coder.raw(self.fineness - 1, 4)? + 1;
        let kind = match self.scale {
            Scale::Free(Quantiser::Exact) => 0,
            Scale::Free(Quantiser::Steps { .. }) => 1,
            Scale::Lattice { .. } => 2,
            Scale::Relative { .. } => 3,
        };
        let kind = coder.raw(kind, 2)?;
        if kind > 0 {
            let step = f64::from_bits(coder.raw(self.scale.step().to_bits(), 64)?);
            if !(step > 0.0 && step.is_finite()) {
                return Err(Corrupt);
            }
            // Only a writer compares with the bound.
            let bound = f64::INFINITY;
            self.scale = match kind {
                1 => Scale::Free(Quantiser::Steps { step, bound }),
                2 => Scale::Lattice { step, bound },
                _ => {
                    let is_of_values = self.scale.step_of_predictions() == 0.0;
                    let predicts = if coder.raw(u64::from(is_of_values), 1)? == 1 {
                        Predicts::Values
                    } else {
                        Predicts::Positions
                    };
                    Scale::Relative { step, part: bound, predicts }
                }
            };
        }
        let specials = coder.raw(self.specials.len() as u64, 2)?;
        self.specials.resize(specials as usize, Special { bits: 0, is_value: false });
        for special in &mut self.specials {
            special.bits = coder.raw(special.bits, 8 * T::TYPE.bytes() as u32)?;
            special.is_value = coder.raw(u64::from(special.is_value), 1)? == 1;
        }
        let passes = self.traversal.passes(shape);
        self.weights.resize(passes.len(), Vec::new());
        for (pass, weights) in passes.iter().zip(&mut self.weights) {
            weights.resize(pass.features.len(), 0);
            if has_weights(pass) && coder.raw(u64::from(weights.iter().any(|&weight| weight != 0)), 1)? == 1 {
                let mut model = Signed::expecting(WEIGHT_LEVEL).clone();
                for weight in weights {
                    let coded = model.code(coder, i64::from(*weight))?;
                    *weight = i32::try_from(coded).map_err(|_| Corrupt)?.clamp(-MOST_WEIGHT, MOST_WEIGHT);
                }
            }
        }
        Ok(())
    }

    /// What the steps of a level are of those of the finest grid.
    fn fineness_of(&self, level: usize) -> f64 {
        let mut part = 1.0;
        for _ in 0..level {
            part *= self.fineness as f64 / SAME as f64;
        }
        if part < FINEST { FINEST } else { part }
    }

    /// In words: how the array is traversed.
    pub(crate) fn traversal(&self) -> &'static str {
        match self.traversal {
            Traversal::Rows => "rows",
            Traversal::Levels => "levels",
        }
    }

    pub(crate) fn scale(&self) -> Scale {
        self.scale
    }

    pub(crate) fn specials(&self) -> usize {
        self.specials.len()
    }

    /// How many weights it holds that are not 0.
    pub(crate) fn weights(&self) -> usize {
        self.weights.iter().flatten().filter(|&&weight| weight != 0).count()
    }
}

/// Codes the values of an array and leaves in them what decodes; a reader fills them.
fn code<T: Element, C: Coder>(coder: &mut C, field: &Field, shape: &[usize], values: &mut [T]) -> Result<(), Corrupt> {
    let mut kinds = Vec::new();
    if !field.specials.is_empty() {
        let kind = |value: &T| field.specials.iter().position(|special| special.bits == value.to_bits());
        kinds = values.iter().map(|value| kind(value).map_or(0, |kind| kind as u8 + 1)).collect();
        mask::code(coder, &mut kinds, shape, field.specials.len())?;
    }
    let (passes, strides) = (field.traversal.passes(shape), strides(shape));
    let mut array = Array {
        field,
        kinds,
        values,
        known: vec![0.0; shape.iter().product()],
        sizes: vec![0; shape.iter().product()],
        surprises: Surprises::new(),
    };
    passes.iter().zip(&field.weights).try_for_each(|(pass, weights)| array.pass(coder, pass, &strides, weights))
}

/// An array while it is coded.
struct Array<'a, T> {
    field: &'a Field,
    /// For each value 0, or one more than the number of the special that it is; empty where there are none.
    kinds: Vec<u8>,
    values: &'a mut [T],
    /// What predictions are made from.
    known: Vec<f64>,
    /// How large surprises were.
    sizes: Vec<u16>,
    surprises: Surprises,
}

impl<T: Element> Array<'_, T> {
    fn pass<C: Coder>(
        &mut self,
        coder: &mut C,
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
            let mut outer = |array: &mut Self, coder: &mut C, numbers: Range<usize>| {
                for number in numbers {
                    at[last] = first[last] + number * pass.stride[last];
                    let index = start + number * pass.stride[last];
                    let expected = predictor.outer(&array.known, &array.sizes, (&at, index), &there);
                    array.value(coder, (scale, pass.level), index, expected, &predictor, &at)?;
                }
                Ok(())
            };
            outer(self, coder, 0..inner.start)?;
            if !inner.is_empty() {
                (run.index, run.stride) = (start + inner.start * pass.stride[last], pass.stride[last]);
                run.begin(first, inner.start * pass.stride[last], inner.len());
                let places = (run.index, inner.len());
                predictor.early(&self.known, &self.sizes, places, (&mut run.sums, &mut run.activities));
                self.inner(coder, (scale, pass.level), &mut run, &predictor)?;
            }
            outer(self, coder, inner.end..count)
        })
    }

    /// Codes the places of a run where all is there. No prediction is needed to code a surprise, and nothing else that is coded to
    /// predict: two short loops are quicker than one of both.
    fn inner<C: Coder>(
        &mut self,
        coder: &mut C,
        (scale, level): (Scale, usize),
        run: &mut Run,
        predictor: &Predictor<'_>,
    ) -> Result<(), Corrupt> {
        if !C::DECODES {
            self.predict(scale, run, predictor, false);
        }
        let mut index = run.index;
        for (&activity, surprise) in run.activities.iter().zip(&mut run.surprises) {
            if self.kind(index) == 0 {
                let activity = predictor.late_activity(&self.sizes, index, activity);
                let value = &mut self.values[index];
                (*surprise, self.sizes[index]) =
                    self.surprises.code(coder, scale.is_exact(), value, *surprise, (activity, level))?;
            }
            index += run.stride;
        }
        if C::DECODES {
            self.predict(scale, run, predictor, true);
        }
        Ok(())
    }

    /// Predicts the places of a run where all is there, from the surprises before; a writer finds the surprises here.
    fn predict(&mut self, scale: Scale, run: &mut Run, predictor: &Predictor<'_>, decodes: bool) {
        // Each kind of scale has a loop of its own.
        match (scale, decodes) {
            (Scale::Free(Quantiser::Steps { step, bound }), true) => {
                self.predict_by(Scale::Free(Quantiser::Steps { step, bound }), run, predictor, true);
            }
            (Scale::Free(Quantiser::Steps { step, bound }), false) => {
                self.predict_by(Scale::Free(Quantiser::Steps { step, bound }), run, predictor, false);
            }
            (scale, decodes) => self.predict_by(scale, run, predictor, decodes),
        }
    }

    #[inline(always)]
    fn predict_by(&mut self, scale: Scale, run: &mut Run, predictor: &Predictor<'_>, decodes: bool) {
        let (mut index, last) = (run.index, run.at.len() - 1);
        for (&sum, surprise) in run.sums.iter().zip(&mut run.surprises) {
            let prediction = finite(predictor.late(&self.known, index, sum));
            let kind = self.kind(index);
            if kind != 0 {
                self.special(kind, index, prediction, predictor, &run.at);
            } else {
                if !decodes {
                    *surprise = scale.quantise(self.values[index], prediction).unwrap_or(STORED);
                }
                self.restore(scale, index, prediction, *surprise);
            }
            index += run.stride;
            run.at[last] += run.stride;
        }
    }

    /// Codes one value by its prediction and the activity around.
    fn value<C: Coder>(
        &mut self,
        coder: &mut C,
        (scale, level): (Scale, usize),
        index: usize,
        (prediction, activity): (f64, u32),
        predictor: &Predictor<'_>,
        at: &[usize],
    ) -> Result<(), Corrupt> {
        let prediction = finite(prediction);
        let kind = self.kind(index);
        if kind != 0 {
            self.special(kind, index, prediction, predictor, at);
            return Ok(());
        }
        let value = &mut self.values[index];
        let surprise = if C::DECODES { 0 } else { scale.quantise(*value, prediction).unwrap_or(STORED) };
        let (surprise, size) = self.surprises.code(coder, scale.is_exact(), value, surprise, (activity, level))?;
        self.sizes[index] = size;
        self.restore(scale, index, prediction, surprise);
        Ok(())
    }

    /// 0, or one more than the number of the special that a value is.
    #[inline(always)]
    fn kind(&self, index: usize) -> u8 {
        self.kinds.get(index).copied().unwrap_or(0)
    }

    /// What a surprise leaves in the array: the value that decodes, and what is known of it.
    #[inline(always)]
    fn restore(&mut self, scale: Scale, index: usize, prediction: f64, surprise: i64) {
        let value = &mut self.values[index];
        if surprise != STORED || scale.is_exact() {
            *value = scale.restore(surprise, prediction);
        }
        self.known[index] = if value.is_finite() { scale.known(*value) } else { prediction };
    }

    fn special(&mut self, kind: u8, index: usize, prediction: f64, predictor: &Predictor<'_>, at: &[usize]) {
        let Some(special) = self.field.specials.get(usize::from(kind) - 1) else { return };
        let value = T::from_bits(special.bits);
        self.values[index] = value;
        self.known[index] = if special.is_value && value.is_finite() {
            self.field.scale.known(value)
        } else {
            predictor.stand_in(&self.known, at, prediction)
        };
    }
}

/// Places of a run where all is there, with room for what is computed of them.
#[derive(Default)]
struct Run {
    /// Where the first lies, and the distance to the next.
    at: Vec<usize>,
    index: usize,
    stride: usize,
    /// Predictions and sums of surprises around, as far as they do not depend on the run itself.
    sums: Vec<f64>,
    activities: Vec<u32>,
    surprises: Vec<i64>,
}

impl Run {
    /// Places from one on, so many steps along the last axis behind another.
    fn begin(&mut self, first: &[usize], steps: usize, count: usize) {
        self.at.clear();
        self.at.extend_from_slice(first);
        if let Some(along) = self.at.last_mut() {
            *along += steps;
        }
        self.surprises.resize(count, 0);
    }
}

fn finite(prediction: f64) -> f64 {
    if prediction.is_finite() { prediction } else { 0.0 }
}
