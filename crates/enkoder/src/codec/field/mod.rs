//! Whole arrays without a model from elsewhere: predictions learned on the array itself, and what they miss. An array has a field
//! ([`Field`]): how it is traversed, in which steps, which values are special, and the weights of its predictions. One function
//! reads and writes it.

mod array;
mod choice;
mod fit;
mod inside;
mod mask;
mod mean;
mod predictor;
mod relative;
mod scale;
mod seen;
mod surprises;
mod symbols;
mod traversal;

use std::sync::Arc;

use super::element::{Element, ElementType};
use super::entropy::{Coder, Corrupt, Decoder, Encoder};
use super::integers::Signed;
use super::quantiser::Quantiser;
use array::code;
pub(crate) use choice::choose;
use fit::has_weights;
pub(crate) use mean::Mean;
use predictor::MOST_WEIGHT;
pub(crate) use relative::{is_within as is_within_part, step as step_of_part};
pub(crate) use scale::{Predicts, Scale, lattice};
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

/// How surprises are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As adaptive bits: the fewest bytes.
    Bits,
    /// In symbols by static tables: several times as quick.
    Symbols,
}

/// How an array is coded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    coding: Coding,
    traversal: Traversal,
    scale: Scale,
    /// The steps of a level in sixteenths of those of the next finer one: what is predicted from coarse values profits.
    fineness: u64,
    specials: Vec<Special>,
    /// For each pass, in multiples of the unit, one for each feature; all 0 where a pass has none.
    weights: Vec<Vec<i32>>,
    /// Where predictions are of how values differ from it: the mean of the array over leading axes.
    mean: Option<Arc<Mean>>,
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
    written.code(&mut head, T::TYPE, shape).expect("every bit has a probability");
    let tail = match field.coding {
        Coding::Bits => code(&mut tail, field, shape, values).map(|()| tail.into_bytes()),
        Coding::Symbols => symbols::write(tail, field, shape, values),
    };
    [head.into_bytes(), tail.expect("every bit has a probability")]
}

/// The field of its stream, which may be anything.
pub(crate) fn decode_field(
    stream: &[u8],
    element: ElementType,
    mean: Option<Mean>,
    shape: &[usize],
) -> Result<Field, Corrupt> {
    let mut field = Field {
        coding: Coding::Bits,
        traversal: Traversal::Rows,
        scale: Scale::Free(Quantiser::Exact),
        fineness: SAME,
        specials: Vec::new(),
        weights: Vec::new(),
        mean: mean.map(Arc::new),
    };
    field.code(&mut Decoder::new(stream), element, shape)?;
    Ok(field)
}

/// The array of two streams, which may be anything.
pub(crate) fn decode<T: Element>(streams: [&[u8]; 2], shape: &[usize]) -> Result<(Field, Vec<T>), Corrupt> {
    decode_over(None, streams, shape)
}

/// The array of two streams, which may be anything, of what differs from a mean.
pub(crate) fn decode_over<T: Element>(
    mean: Option<Mean>,
    streams: [&[u8]; 2],
    shape: &[usize],
) -> Result<(Field, Vec<T>), Corrupt> {
    let field = decode_field(streams[0], T::TYPE, mean, shape)?;
    let mut values = vec![T::from_bits(0); shape.iter().product()];
    match field.coding {
        Coding::Bits => code(&mut Decoder::new(streams[1]), &field, shape, &mut values)?,
        Coding::Symbols => symbols::read(streams[1], &field, shape, &mut values)?,
    }
    Ok((field, values))
}

impl Field {
    /// Codes the field itself; a reader fills it.
    fn code<C: Coder>(&mut self, coder: &mut C, element: ElementType, shape: &[usize]) -> Result<(), Corrupt> {
        // Rows have one level only, so that a fineness says nothing of them: with this one they mark a field that is coded in symbols.
        let mut mark = (Traversal::Rows, 1);
        if self.coding == Coding::Symbols {
            code_order(coder, &mut mark)?;
        }
        let mut order = (self.traversal, self.fineness);
        code_order(coder, &mut order)?;
        if C::DECODES && order == mark {
            self.coding = Coding::Symbols;
            code_order(coder, &mut order)?;
        }
        (self.traversal, self.fineness) = order;
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
            special.bits = coder.raw(special.bits, 8 * element.bytes() as u32)?;
            special.is_value = coder.raw(u64::from(special.is_value), 1)? == 1;
        }
        let passes = self.passes(shape);
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

    /// The passes over the array.
    fn passes(&self, shape: &[usize]) -> Vec<Pass> {
        let mut passes = self.traversal.passes(shape);
        if self.mean.is_some() {
            passes.iter_mut().for_each(mean::let_return);
        }
        passes
    }

    /// The mean that the array is over, if any.
    pub(crate) fn mean(&self) -> Option<&Mean> {
        self.mean.as_deref()
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

/// Codes a traversal and a fineness.
fn code_order<C: Coder>(coder: &mut C, (traversal, fineness): &mut (Traversal, u64)) -> Result<(), Corrupt> {
    *traversal = Traversal::from_number(coder.raw(traversal.number(), 1)?).ok_or(Corrupt)?;
    *fineness = coder.raw(*fineness - 1, 4)? + 1;
    Ok(())
}
