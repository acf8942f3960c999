//! Binary arithmetic coding with adaptive integer probabilities, over the range coder of `constriction`. One description of a
//! stream serves both directions: what is written as [`Coder::bit`] calls encodes with an [`Encoder`] and decodes with a
//! [`Decoder`], so the two cannot drift apart.

use std::borrow::Borrow;
use std::num::NonZeroU32;

use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};
use constriction::stream::queue::{DefaultRangeDecoder, DefaultRangeEncoder};
use constriction::stream::{Decode, Encode};

/// Bits of a probability.
pub(crate) const PRECISION: usize = 20;
const ONE: u32 = 1 << PRECISION;
/// No probability comes closer to 0 or 1, so that everything can be coded: a sure bit costs 1/90,000 of a bit.
const LEAST: u32 = 16;

/// The stream ends early or is no stream of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Corrupt;

/// The adaptive probability that a bit is set: the mean of what was seen, over a window that grows up to a limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bit {
    probability: u32,
    seen: u32,
}

impl Bit {
    /// As likely set as not, and ready to learn.
    pub(crate) const EVEN: Self = Self { probability: ONE / 2, seen: 0 };

    /// Set with this probability (of 2²⁰), as if `seen` bits had shown it.
    pub(crate) fn expecting(probability: u32, seen: u32) -> Self {
        Self { probability: probability.clamp(LEAST, ONE - LEAST), seen }
    }

    /// The same, but set with at least this probability.
    pub(crate) fn at_least(self, probability: u32) -> Self {
        Self { probability: self.probability.max(probability), ..self }
    }

    #[inline(always)]
    pub(crate) fn probability(self) -> u32 {
        self.probability
    }

    /// Learns a bit: by 1/(n + 1.5) after n, at least by 1/limit.
    #[inline(always)]
    pub(crate) fn learn(&mut self, bit: bool, limit: u32) {
        let rate = RATES[(self.seen as usize).min(RATES.len() - 1)];
        let target = if bit { ONE } else { 0 };
        let change = ((i64::from(target) - i64::from(self.probability)) * i64::from(rate)) >> 16;
        self.probability = ((i64::from(self.probability) + change) as u32).clamp(LEAST, ONE - LEAST);
        self.seen += u32::from(self.seen < limit);
    }
}

/// 2¹⁶/(n + 1.5).
static RATES: [u32; 1024] = {
    let mut rates = [0; 1024];
    let mut n = 0;
    while n < rates.len() {
        rates[n] = (2 << 16) / (2 * n as u32 + 3);
        n += 1;
    }
    rates
};

/// Bits seen after which a probability forgets as fast as it learns.
const WINDOW: u32 = 500;

/// A fixed probability, for `constriction`.
struct Binary(u32);

impl EntropyModel<PRECISION> for Binary {
    type Symbol = bool;
    type Probability = u32;
}

impl EncoderModel<PRECISION> for Binary {
    #[inline(always)]
    fn left_cumulative_and_probability(&self, symbol: impl Borrow<bool>) -> Option<(u32, NonZeroU32)> {
        let (left, width) = if *symbol.borrow() { (0, self.0) } else { (self.0, ONE - self.0) };
        Some((left, NonZeroU32::new(width)?))
    }
}

impl DecoderModel<PRECISION> for Binary {
    #[inline(always)]
    fn quantile_function(&self, quantile: u32) -> (bool, u32, NonZeroU32) {
        let bit = quantile < self.0;
        let (left, width) = if bit { (0, self.0) } else { (self.0, ONE - self.0) };
        // Probabilities are kept within LEAST..ONE − LEAST; the alternative only satisfies the type.
        (bit, left, NonZeroU32::new(width).unwrap_or(NonZeroU32::MIN))
    }
}

/// One direction of the coding.
pub(crate) trait Coder {
    /// Whether it reads.
    const DECODES: bool;

    /// Codes `bit`, which is set with this probability (of 2²⁰, neither 0 nor all). A decoder ignores what it is given and
    /// returns what was coded.
    fn bit_of(&mut self, probability: u32, bit: bool) -> Result<bool, Corrupt>;

    /// Codes `bit` by an adaptive probability, which learns it.
    #[inline(always)]
    fn bit(&mut self, model: &mut Bit, bit: bool) -> Result<bool, Corrupt> {
        let bit = self.bit_of(model.probability, bit)?;
        model.learn(bit, WINDOW);
        Ok(bit)
    }

    /// Codes the lowest `count` bits of a number as they are.
    fn raw(&mut self, value: u64, count: u32) -> Result<u64, Corrupt> {
        let mut result = 0;
        for position in (0..count).rev() {
            result = result << 1 | u64::from(self.bit_of(ONE / 2, value >> position & 1 == 1)?);
        }
        Ok(result)
    }
}

/// Writes bits.
pub(crate) struct Encoder(DefaultRangeEncoder);

impl Encoder {
    pub(crate) fn new() -> Self {
        Self(DefaultRangeEncoder::new())
    }

    /// The stream: the coder's words, low byte first, without the zero bytes at its end, which the decoder supplies.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let words = match self.0.into_compressed() {
            Ok(words) => words,
            Err(never) => match never {},
        };
        let mut bytes: Vec<u8> = words.into_iter().flat_map(u32::to_be_bytes).collect();
        bytes.truncate(bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
        bytes
    }
}

impl Coder for Encoder {
    const DECODES: bool = false;

    #[inline(always)]
    fn bit_of(&mut self, probability: u32, bit: bool) -> Result<bool, Corrupt> {
        self.0.encode_symbol(bit, Binary(probability)).map_err(|_| Corrupt)?;
        Ok(bit)
    }
}

/// Reads bits.
pub(crate) struct Decoder(DefaultRangeDecoder);

impl Decoder {
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, Corrupt> {
        let words: Vec<u32> = bytes
            .chunks(4)
            .map(|chunk| {
                let mut word = [0; 4];
                word[..chunk.len()].copy_from_slice(chunk);
                u32::from_be_bytes(word)
            })
            .collect();
        Ok(Self(DefaultRangeDecoder::from_compressed(words).map_err(|_| Corrupt)?))
    }
}

impl Coder for Decoder {
    const DECODES: bool = true;

    #[inline(always)]
    fn bit_of(&mut self, probability: u32, _: bool) -> Result<bool, Corrupt> {
        self.0.decode_symbol(Binary(probability)).map_err(|_| Corrupt)
    }
}

/// Adds up ideal code lengths instead of writing, to compare plans cheaply.
pub(crate) struct Estimator {
    bits: f64,
    /// The product of the probabilities since their logarithm was last added.
    product: f64,
}

impl Estimator {
    pub(crate) fn new() -> Self {
        Self { bits: 0.0, product: 1.0 }
    }

    /// Bits so far.
    pub(crate) fn bits(&self) -> f64 {
        self.bits - self.product.log2()
    }
}

impl Coder for Estimator {
    const DECODES: bool = false;

    #[inline(always)]
    fn bit_of(&mut self, probability: u32, bit: bool) -> Result<bool, Corrupt> {
        let taken = if bit { probability } else { ONE - probability };
        self.product *= f64::from(taken) / f64::from(ONE);
        if self.product < 1e-200 {
            self.bits = self.bits();
            self.product = 1.0;
        }
        Ok(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(coder: &mut impl Coder, bits: &[bool]) -> Result<Vec<bool>, Corrupt> {
        let mut models = [Bit::EVEN; 3];
        bits.iter().enumerate().map(|(index, &bit)| coder.bit(&mut models[index % 3], bit)).collect()
    }

    proptest! {
        #[test]
        fn bits_come_back(bits: Vec<bool>, number: u64) {
            let mut encoder = Encoder::new();
            run(&mut encoder, &bits).unwrap();
            encoder.raw(number, 64).unwrap();
            let bytes = encoder.into_bytes();
            let mut decoder = Decoder::new(&bytes).unwrap();
            prop_assert_eq!(run(&mut decoder, &vec![false; bits.len()]).unwrap(), bits);
            prop_assert_eq!(decoder.raw(0, 64).unwrap(), number);
        }

        #[test]
        fn any_bytes_decode_without_a_panic(bytes: Vec<u8>) {
            let mut decoder = Decoder::new(&bytes).unwrap();
            let _ = run(&mut decoder, &[false; 1000]);
        }
    }

    #[test]
    fn sure_bits_cost_next_to_nothing() {
        let mut encoder = Encoder::new();
        run(&mut encoder, &vec![false; 1_000_000]).unwrap();
        assert!(encoder.into_bytes().len() < 20);
    }

    #[test]
    fn a_skewed_source_costs_its_entropy() {
        let bits: Vec<bool> =
            (0..100_000u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 & 0xff < 25).collect();
        let ones = bits.iter().filter(|&&bit| bit).count() as f64 / bits.len() as f64;
        let entropy = -(ones * ones.log2() + (1.0 - ones) * (1.0 - ones).log2()) * bits.len() as f64 / 8.0;
        let mut encoder = Encoder::new();
        run(&mut encoder, &bits).unwrap();
        let bytes = encoder.into_bytes().len() as f64;
        assert!(bytes < 1.02 * entropy, "{bytes} bytes for {entropy}");
        let mut estimator = Estimator::new();
        run(&mut estimator, &bits).unwrap();
        assert!((estimator.bits() / 8.0 - bytes).abs() < 8.0);
    }
}
