//! What predictions miss, as adaptive bits: by how large the surprises around are, and how coarse the grid is.

use super::super::element::Element;
use super::super::entropy::{Bit, Coder, Corrupt, PRECISION};
use super::super::integers::{Magnitude, half_octaves};
use super::super::quantiser::Quantiser;
use super::scale::Scale;

/// Classes of the surprises around: 0 where there are none, then half octaves of their mean size in sixteenths.
const CLASSES: usize = 44;
/// Levels whose bits for zero are told apart.
const LEVELS: usize = 4;
/// The magnitude of what is stored as it is. Surprises in steps are smaller.
pub(crate) const AS_IT_IS: u64 = 1 << 31;
/// Sizes of surprises are remembered up to this.
const MOST_SIZE: u64 = u16::MAX as u64;

/// The probabilities of surprises.
pub(crate) struct Surprises {
    zero: [[Bit; CLASSES]; LEVELS],
    negative: Bit,
    magnitudes: Vec<Magnitude>,
}

impl Surprises {
    pub(crate) fn new() -> Self {
        // A surprise is the rarer the fewer there are around; not much is made of that before it was seen.
        let likely = |class: usize| (1 << PRECISION) - ((class as u32 + 1) << 15).min(1 << 19);
        let zero = std::array::from_fn(|class| Bit::expecting(likely(class), 2));
        // The level of integers whose mean magnitude is that of a class.
        let magnitudes = (0..CLASSES).map(|class| Magnitude::expecting(class.saturating_sub(1))).collect();
        Self { zero: [zero; LEVELS], negative: Bit::EVEN, magnitudes }
    }

    /// Codes a value by its prediction and the surprises around; what is returned is the size of its own.
    #[inline(always)]
    pub(crate) fn code<T: Element, C: Coder>(
        &mut self,
        coder: &mut C,
        scale: Scale,
        value: &mut T,
        prediction: f64,
        (activity, level): (u32, usize),
    ) -> Result<u16, Corrupt> {
        let class = match activity {
            0 => 0,
            activity => (1 + half_octaves(u64::from(activity)) as usize).min(CLASSES - 1),
        };
        let found = if C::DECODES { None } else { scale.quantise(*value, prediction) };
        let surprise = found.unwrap_or(0);
        let is_zero = found == Some(0);
        if coder.bit(&mut self.zero[level.min(LEVELS - 1)][class], is_zero)? {
            *value = scale.restore(0, prediction);
            return Ok(0);
        }
        let negative = coder.bit(&mut self.negative, surprise < 0)?;
        let magnitude = if found.is_some() { surprise.unsigned_abs() } else { AS_IT_IS };
        let magnitude = self.magnitudes[class].code(coder, magnitude)?;
        if magnitude == AS_IT_IS && scale != Scale::Free(Quantiser::Exact) {
            *value = T::from_bits(coder.raw(value.to_bits(), 8 * T::TYPE.bytes() as u32)?);
            return Ok(0);
        }
        let surprise = if negative { (magnitude as i64).wrapping_neg() } else { magnitude as i64 };
        *value = scale.restore(surprise, prediction);
        Ok(magnitude.min(MOST_SIZE) as u16)
    }
}
