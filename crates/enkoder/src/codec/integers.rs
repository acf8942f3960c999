//! Signed integers as adaptive bits: zero or not, sign, the position of the highest bit in unary, the bits below it, of which
//! the first two are adaptive too. A small spread costs its entropy, a large one the entropy of its logarithm.

use std::sync::OnceLock;

use super::entropy::{Bit, Coder, Corrupt, PRECISION};
use super::exponential::{ONE_BITS, exp_negative};

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
    pub(crate) const EVEN: Self = Self { exponents: [Bit::EVEN; EXPONENTS], below: [[Bit::EVEN; REFINED]; EXPONENTS] };

    /// As integers of this level have it.
    pub(crate) fn expecting(level: usize) -> Self {
        Signed::expecting(level).magnitude.clone()
    }

    fn of(spread: Logistic) -> Self {
        let exponents = std::array::from_fn(|exponent| {
            let least = 1u64 << exponent;
            likely(spread.beyond(least, least.saturating_mul(2)))
        });
        let below = std::array::from_fn(|exponent| {
            // The quarters of the magnitudes with this highest bit.
            let least = 1u64 << exponent;
            let quarter = |count: u64| spread.beyond(least, least.saturating_add(count * (least / 4).max(1)));
            let beyond =
                [1 << ONE_BITS, quarter(1), quarter(2), quarter(3), spread.beyond(least, least.saturating_mul(2))];
            let between = |from: usize, middle: usize, to: usize| {
                let (part, all) = (beyond[middle].saturating_sub(beyond[to]), beyond[from].saturating_sub(beyond[to]));
                likely((part << ONE_BITS).checked_div(all).unwrap_or(1 << (ONE_BITS - 1)))
            };
            // With one bit below there are two halves, not four quarters.
            if exponent == 1 {
                [between(0, 1, 4), Bit::EVEN, Bit::EVEN]
            } else {
                [between(0, 2, 4), between(0, 1, 2), between(2, 3, 4)]
            }
        });
        Self { exponents, below }
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

/// Half octaves of a positive number: 2⌊log₂⌋, and one more where the bit below the highest is set.
#[inline(always)]
pub(crate) fn half_octaves(number: u64) -> u32 {
    let octave = number.ilog2();
    let half = if octave == 0 { 0 } else { number >> (octave - 1) & 1 };
    2 * octave + half as u32
}

/// Levels of magnitude.
pub(crate) const LEVELS: usize = 48;

/// A probability before anything was seen: of 2³⁰.
fn likely(probability: u64) -> Bit {
    let probability = (probability >> (ONE_BITS as usize - PRECISION)) as u32;
    // Nothing is taken to be surer than this before it was seen.
    let least = 1 << (PRECISION - 7);
    Bit::expecting(probability.clamp(least, (1 << PRECISION) - least), 12)
}

/// Integers rounded from a logistic distribution around 0, whose tails are between those of Gauss and of Laplace.
#[derive(Clone, Copy)]
struct Logistic {
    /// Half a step beside the distribution's scale, with 20 fraction bits.
    half_step: u64,
}

impl Logistic {
    fn of_level(level: usize) -> Self {
        // The mean magnitude is 2·ln 2 times the scale: 16·ln 2·2^(−level/2), with the root of ½ for odd levels.
        Self { half_step: (if level.is_multiple_of(2) { 11_629_080u64 } else { 8_223_003 }) >> (level / 2) }
    }

    /// e^(−x) for the bound below an integer, with 30 fraction bits.
    fn exponential(self, integer: u64) -> u64 {
        exp_negative(self.half_step.saturating_mul(integer.saturating_mul(2) - 1).min(1 << 39))
    }

    /// P(|x| ≥ 1) of 2³⁰.
    fn beyond_zero(self) -> u64 {
        let exponential = self.exponential(1);
        (exponential << (ONE_BITS + 1)) / ((1 << ONE_BITS) + exponential)
    }

    /// P(|x| ≥ to given |x| ≥ from) of 2³⁰.
    fn beyond(self, from: u64, to: u64) -> u64 {
        let between = exp_negative(self.half_step.saturating_mul(2 * (to - from)).min(1 << 39));
        let one = 1u64 << ONE_BITS;
        (u128::from(between) * u128::from(one + self.exponential(from)) / u128::from(one + self.exponential(to))) as u64
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
    /// Of a level: integers whose magnitude is 2^(level/2)/16 on the average.
    pub(crate) fn expecting(level: usize) -> &'static Self {
        static LEVELS_OF: OnceLock<Vec<Signed>> = OnceLock::new();
        let levels = LEVELS_OF.get_or_init(|| {
            let signed = |level| {
                let spread = Logistic::of_level(level);
                Self { zero: likely(spread.beyond_zero()), negative: Bit::EVEN, magnitude: Magnitude::of(spread) }
            };
            (0..LEVELS).map(signed).collect()
        });
        &levels[level.min(LEVELS - 1)]
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

    #[test]
    fn what_is_expected_before_anything_was_seen_is_the_logistic_distribution() {
        let part = |bit: Bit| f64::from(bit.probability()) / f64::from(1u32 << PRECISION);
        let same = |found: Bit, expected: f64, what: &str| {
            let expected = expected.clamp(1.0 / 128.0, 1.0 - 1.0 / 128.0);
            assert!((part(found) - expected).abs() < 2e-3, "{what}: {} for {expected}", part(found));
        };
        // Beyond, the few digits of a step show, and the highest bit hardly matters.
        for level in 0..LEVELS - 16 {
            let scale = f64::exp2(level as f64 / 2.0) / 16.0 / (2.0 * 2f64.ln());
            // P(|x| ≥ n) of an integer that is rounded.
            let tail = |n: f64| 2.0 / (1.0 + ((n - 0.5) / scale).exp());
            let model = Signed::expecting(level);
            same(model.zero, tail(1.0), "not zero");
            for exponent in 0..20 {
                let least = f64::from(1u32 << exponent);
                if tail(2.0 * least) < 1e-200 {
                    break;
                }
                same(model.magnitude.exponents[exponent], tail(2.0 * least) / tail(least), "a higher bit");
                if exponent > 1 && tail(2.0 * least) > 1e-6 {
                    let upper = (tail(1.5 * least) - tail(2.0 * least)) / (tail(least) - tail(2.0 * least));
                    same(model.magnitude.below[exponent][0], upper, "the upper half");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn integers_come_back(values: Vec<i64>, small in proptest::collection::vec(-9i64..9, 0..200)) {
            let values: Vec<i64> = values.into_iter().chain(small).chain([i64::MAX, i64::MIN, 0, 1, -1]).collect();
            let mut encoder = Encoder::new();
            let mut model = Signed::expecting(8).clone();
            for &value in &values {
                model.code(&mut encoder, value).unwrap();
            }
            let bytes = encoder.into_bytes();
            let mut decoder = Decoder::new(&bytes);
            let mut model = Signed::expecting(8).clone();
            for &value in &values {
                prop_assert_eq!(model.code(&mut decoder, 0).unwrap(), value);
            }
        }
    }
}
