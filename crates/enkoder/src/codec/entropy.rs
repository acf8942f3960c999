//! Binary arithmetic coding with adaptive integer probabilities. One description of a stream serves both directions: what is
//! written as [`Coder::bit`] calls encodes with an [`Encoder`] and decodes with a [`Decoder`], so the two cannot drift apart.
//! Streams are those of the range coder of the crate `constriction`, whose symbols may be any: for bits no division is needed.

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
pub(crate) const WINDOW: u32 = 500;

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

/// The interval is renewed by a word as soon as it is narrower than this.
const NARROW: u64 = 1 << u32::BITS;

/// Writes bits.
pub(crate) struct Encoder {
    words: Vec<u32>,
    /// The lower end of the interval and its width, of which `words` are the digits before.
    lower: u64,
    range: u64,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        Self { words: Vec::new(), lower: 0, range: u64::MAX }
    }

    /// Adds to the lower end; where that overflows, one to the words before.
    #[inline(always)]
    fn rise(&mut self, by: u64) {
        let (lower, overflows) = self.lower.overflowing_add(by);
        self.lower = lower;
        if overflows {
            self.carry();
        }
    }

    #[cold]
    fn carry(&mut self) {
        for word in self.words.iter_mut().rev() {
            *word = word.wrapping_add(1);
            if *word != 0 {
                return;
            }
        }
    }

    /// The stream: the coder's words, high byte first, without the zero bytes at its end, which the decoder supplies.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        // Of the numbers in the interval the one with the most zeros behind.
        let zeros = (0..u64::BITS).rev().find(|&zeros| {
            let up = self.lower.wrapping_neg() & ((1 << zeros) - 1);
            up < self.range
        });
        self.rise(self.lower.wrapping_neg() & ((1 << zeros.unwrap_or(0)) - 1));
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.extend(self.lower.to_be_bytes());
        bytes.truncate(bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
        bytes
    }
}

impl Coder for Encoder {
    const DECODES: bool = false;

    #[inline(always)]
    fn bit_of(&mut self, probability: u32, bit: bool) -> Result<bool, Corrupt> {
        let scale = self.range >> PRECISION;
        let set = scale * u64::from(probability);
        if bit {
            self.range = set;
        } else {
            self.rise(set);
            self.range = (scale << PRECISION) - set;
        }
        if self.range < NARROW {
            self.words.push((self.lower >> u32::BITS) as u32);
            self.lower <<= u32::BITS;
            self.range <<= u32::BITS;
        }
        Ok(bit)
    }
}

/// Reads bits.
pub(crate) struct Decoder<'a> {
    bytes: &'a [u8],
    /// How far the number that the stream is lies above the lower end of the interval, and the width of that.
    above: u64,
    range: u64,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { bytes, above: 0, range: u64::MAX };
        for _ in 0..2 {
            decoder.above = decoder.above << u32::BITS | decoder.word();
        }
        decoder
    }

    /// The next word; what the stream leaves out at its end is 0.
    #[inline(always)]
    fn word(&mut self) -> u64 {
        if let Some((word, rest)) = self.bytes.split_first_chunk() {
            self.bytes = rest;
            return u64::from(u32::from_be_bytes(*word));
        }
        let mut word = [0; 4];
        word[..self.bytes.len()].copy_from_slice(self.bytes);
        self.bytes = &[];
        u64::from(u32::from_be_bytes(word))
    }
}

impl Coder for Decoder<'_> {
    const DECODES: bool = true;

    #[inline(always)]
    fn bit_of(&mut self, probability: u32, _: bool) -> Result<bool, Corrupt> {
        let scale = self.range >> PRECISION;
        let set = scale * u64::from(probability);
        let bit = self.above < set;
        if bit {
            self.range = set;
        } else {
            self.above -= set;
            self.range = (scale << PRECISION) - set;
            // No encoder leaves the interval.
            if self.above >= self.range {
                return Err(Corrupt);
            }
        }
        if self.range < NARROW {
            self.above = self.above << u32::BITS | self.word();
            self.range <<= u32::BITS;
        }
        Ok(bit)
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
    use std::borrow::Borrow;
    use std::num::NonZeroU32;

    use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};
    use constriction::stream::queue::{DefaultRangeDecoder, DefaultRangeEncoder};
    use constriction::stream::{Decode, Encode};
    use proptest::prelude::*;

    use super::*;

    /// A fixed probability, for `constriction`.
    struct Binary(u32);

    impl EntropyModel<PRECISION> for Binary {
        type Symbol = bool;
        type Probability = u32;
    }

    impl EncoderModel<PRECISION> for Binary {
        fn left_cumulative_and_probability(&self, symbol: impl Borrow<bool>) -> Option<(u32, NonZeroU32)> {
            let (left, width) = if *symbol.borrow() { (0, self.0) } else { (self.0, ONE - self.0) };
            Some((left, NonZeroU32::new(width)?))
        }
    }

    impl DecoderModel<PRECISION> for Binary {
        fn quantile_function(&self, quantile: u32) -> (bool, u32, NonZeroU32) {
            let bit = quantile < self.0;
            let (left, width) = if bit { (0, self.0) } else { (self.0, ONE - self.0) };
            (bit, left, NonZeroU32::new(width).unwrap())
        }
    }

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
            let mut decoder = Decoder::new(&bytes);
            prop_assert_eq!(run(&mut decoder, &vec![false; bits.len()]).unwrap(), bits);
            prop_assert_eq!(decoder.raw(0, 64).unwrap(), number);
        }

        #[test]
        fn any_bytes_decode_without_a_panic(bytes: Vec<u8>) {
            let mut decoder = Decoder::new(&bytes);
            let _ = run(&mut decoder, &[false; 1000]);
        }
    }

    proptest! {
        #[test]
        fn streams_are_those_of_constriction(bits: Vec<(bool, u32)>, often in 0u32..40) {
            let mut bits: Vec<(bool, u32)> =
                bits.into_iter().map(|(bit, probability)| (bit, (probability % ONE).clamp(LEAST, ONE - LEAST))).collect();
            // Where bits are as likely as they are said to be, words come that carry.
            bits.extend((0..often * 100).map(|i| (i % 64 != 0, ONE - ONE / 64)));
            let (mut ours, mut theirs) = (Encoder::new(), DefaultRangeEncoder::new());
            for &(bit, probability) in &bits {
                ours.bit_of(probability, bit).unwrap();
                theirs.encode_symbol(bit, Binary(probability)).unwrap();
            }
            let (ours, theirs) = (ours.into_bytes(), theirs.into_compressed().unwrap());
            let mut words: Vec<[u8; 4]> = vec![[0; 4]; ours.len().div_ceil(4)];
            words.as_flattened_mut()[..ours.len()].copy_from_slice(&ours);
            let words: Vec<u32> = words.into_iter().map(u32::from_be_bytes).collect();
            let theirs: Vec<u8> = theirs.into_iter().flat_map(u32::to_be_bytes).collect();
            let mut ours_of_theirs = Decoder::new(&theirs);
            let mut theirs_of_ours = DefaultRangeDecoder::from_compressed(words).unwrap();
            for &(bit, probability) in &bits {
                prop_assert_eq!(ours_of_theirs.bit_of(probability, false), Ok(bit));
                prop_assert_eq!(theirs_of_ours.decode_symbol(Binary(probability)).unwrap(), bit);
            }
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
