//! What predictions miss, as adaptive bits: by how large the surprises around are, and how coarse the grid is.

use super::super::element::Element;
use super::super::entropy::{Bit, Coder, Corrupt, PRECISION};
use super::super::integers::Magnitude;

/// Classes of the surprises around: 0 where there are none, then half octaves of their mean size in sixteenths.
pub(crate) const CLASSES: usize = 44;
/// Levels whose bits for zero are told apart.
const LEVELS: usize = 4;
/// The magnitude of what is stored as it is. Surprises in steps are smaller.
pub(crate) const AS_IT_IS: u64 = 1 << 31;
/// In place of the surprise of a value that is stored as it is, unless the scale is exact.
pub(crate) const STORED: i64 = i64::MIN;
/// Sizes of surprises are remembered up to this.
pub(crate) const MOST_SIZE: u64 = u16::MAX as u64;

/// The class of a mean size of surprises in sixteenths.
#[inline(always)]
pub(crate) fn class(activity: u32) -> usize {
    // Without a jump, so that a loop over many becomes one of vectors.
    let octave = (activity | 1).ilog2();
    let class = 1 + 2 * octave + (((activity << 1) >> octave) & 1);
    if activity == 0 { 0 } else { (class as usize).min(CLASSES - 1) }
}

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

    /// Codes a surprise, or [`STORED`] and the value, by the surprises around; what is returned is also its size.
    #[inline(always)]
    pub(crate) fn code<T: Element, C: Coder>(
        &mut self,
        coder: &mut C,
        is_exact: bool,
        value: &mut T,
        surprise: i64,
        (activity, level): (u32, usize),
    ) -> Result<(i64, u16), Corrupt> {
        let class = class(activity);
        if coder.bit(&mut self.zero[level.min(LEVELS - 1)][class], surprise == 0)? {
            return Ok((0, 0));
        }
        let is_stored = !is_exact && surprise == STORED;
        let negative = coder.bit(&mut self.negative, !is_stored && surprise < 0)?;
        let magnitude = if is_stored { AS_IT_IS } else { surprise.unsigned_abs() };
        let magnitude = self.magnitudes[class].code(coder, magnitude)?;
        if magnitude == AS_IT_IS && !is_exact {
            *value = T::from_bits(coder.raw(value.to_bits(), 8 * T::TYPE.bytes() as u32)?);
            return Ok((STORED, 0));
        }
        let surprise = if negative { (magnitude as i64).wrapping_neg() } else { magnitude as i64 };
        Ok((surprise, magnitude.min(MOST_SIZE) as u16))
    }
}
