//! Signed integers as adaptive bits: zero or not, sign, the position of the highest bit in unary, the bits below it, of which
//! the first two are adaptive too. A small spread costs its entropy, a large one the entropy of its logarithm.

use super::entropy::{Bit, Coder, Corrupt};

/// Positions of the highest bit that are told apart.
const EXPONENTS: usize = 64;
/// Adaptive bits below the highest one.
const REFINED: usize = 1 + 2;

/// The probabilities of a magnitude, which is at least 1.
#[derive(Clone, Debug)]
pub(crate) struct Magnitude {
    exponents: [Bit; EXPONENTS],
    below: [[Bit; REFINED]; EXPONENTS],
}

impl Magnitude {
    pub(crate) fn new() -> Self {
        Self { exponents: [Bit::EVEN; EXPONENTS], below: [[Bit::EVEN; REFINED]; EXPONENTS] }
    }

    /// Codes a magnitude, 1 to 2⁶⁴ − 1.
    #[inline]
    pub(crate) fn code(&mut self, coder: &mut impl Coder, magnitude: u64) -> Result<u64, Corrupt> {
        let exponent = magnitude.max(1).ilog2();
        let mut found = 0;
        while found < EXPONENTS as u32 - 1 && coder.bit(&mut self.exponents[found as usize], exponent > found)? {
            found += 1;
        }
        let mut value = 1u64;
        let mut node = 0;
        for position in (0..found).rev() {
            let bit = magnitude >> position & 1 == 1;
            let bit = if node < REFINED {
                let bit = coder.bit(&mut self.below[found as usize][node], bit)?;
                node = 2 * node + 1 + usize::from(bit);
                bit
            } else {
                return Ok(value << (position + 1) | coder.raw(magnitude, position + 1)?);
            };
            value = value << 1 | u64::from(bit);
        }
        Ok(value)
    }
}

/// The probabilities of a signed integer.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    zero: Bit,
    negative: Bit,
    magnitude: Magnitude,
}

impl Signed {
    pub(crate) fn new() -> Self {
        Self { zero: Bit::EVEN, negative: Bit::EVEN, magnitude: Magnitude::new() }
    }

    /// Codes an integer.
    pub(crate) fn code(&mut self, coder: &mut impl Coder, value: i64) -> Result<i64, Corrupt> {
        if coder.bit(&mut self.zero, value == 0)? {
            return Ok(0);
        }
        let negative = coder.bit(&mut self.negative, value < 0)?;
        let magnitude = self.magnitude.code(coder, value.unsigned_abs())? as i64;
        Ok(if negative { magnitude.wrapping_neg() } else { magnitude })
    }
}

#[cfg(test)]
mod tests {
    use super::super::entropy::{Decoder, Encoder};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_come_back(values: Vec<i64>, small in proptest::collection::vec(-9i64..9, 0..200)) {
            let values: Vec<i64> = values.into_iter().chain(small).chain([i64::MAX, i64::MIN, 0, 1, -1]).collect();
            let mut encoder = Encoder::new();
            let mut model = Signed::new();
            for &value in &values {
                model.code(&mut encoder, value).unwrap();
            }
            let bytes = encoder.into_bytes();
            let mut decoder = Decoder::new(&bytes).unwrap();
            let mut model = Signed::new();
            for &value in &values {
                prop_assert_eq!(model.code(&mut decoder, 0).unwrap(), value);
            }
        }
    }
}
