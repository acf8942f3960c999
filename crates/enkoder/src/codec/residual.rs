//! The deviations of one sample after another, as adaptive bits. What is expected of a deviation is its feature's spread as the
//! model knows it, the deviations around it, and those at its place in the samples before: they choose the probabilities.
//! Values that no deviation brings within the bound, NaN and fill values among them, are stored as they are.

use super::element::Element;
use super::entropy::{Bit, Coder, Corrupt, PRECISION};
use super::exponential::exp_negative;
use super::fixed_point::quarter_octaves;
use super::integers::Magnitude;
use super::quantiser::Quantiser;

/// Classes of known spread beside the step, in quarter octaves; the first is for spreads that are not known.
const CLASSES: usize = 64;
/// A spread of one step has this class.
const UNIT_CLASS: i32 = 24;
/// Levels of the deviations nearby; the last is for neighbours stored as they are.
const ACTIVITIES: usize = 18;
const EXCEPTIONAL: u8 = ACTIVITIES as u8 - 1;

/// Where a value's neighbours lie: its channel in the pixel and in the row before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Geometry {
    pub(crate) pixel: usize,
    pub(crate) row: usize,
}

impl Geometry {
    /// The last two dimensions are rows of pixels; a third of up to 4 at the end is the channels of a pixel.
    pub(crate) fn of(shape: &[usize]) -> Self {
        match *shape {
            [.., width, channels] if shape.len() >= 3 && channels <= 4 => {
                Self { pixel: channels, row: width * channels }
            }
            [.., width] => Self { pixel: 1, row: width },
            [] => Self { pixel: 1, row: 1 },
        }
    }
}

/// Sixty-fourths of the deviations left, above, above left and above right that a deviation is expected to be.
pub(crate) type Coefficients = [i8; 4];

/// Each value like its neighbours: left + above − above left.
pub(crate) const LORENZO: Coefficients = [64, 64, -64, 0];

/// The probabilities of a block, and what it remembers of its samples.
pub(crate) struct Residuals {
    geometry: Geometry,
    quantiser: Quantiser,
    zero: Vec<[Bit; ACTIVITIES]>,
    negative: [Bit; 9],
    magnitudes: Vec<[Magnitude; ACTIVITIES / 2]>,
    exceptional: [Bit; 3],
    repeated: Bit,
    last_exception: u64,
    /// For each feature the class of its spread.
    classes: Vec<u8>,
    /// Deviations of the sample from its prediction, and what of them was not expected.
    deviations: Vec<i64>,
    surprises: Vec<i32>,
    /// Running mean of |surprise| at each place, in sixteenths.
    history: Vec<i32>,
}

/// Surprises are remembered up to here.
const MOST_SURPRISE: i64 = 1 << 20;
/// Marks a value stored as it is among the surprises.
const STORED: i32 = i32::MAX;

impl Residuals {
    /// For samples of this geometry; `spread` as in the model, or empty.
    pub(crate) fn new(geometry: Geometry, features: usize, quantiser: Quantiser, spread: &[u8]) -> Self {
        let classes = match quantiser {
            Quantiser::Steps { step, .. } if !spread.is_empty() => {
                let step = quarter_octaves(step) - 512 + 128;
                let class = |&spread: &u8| (i32::from(spread) - step + UNIT_CLASS).clamp(1, CLASSES as i32 - 1) as u8;
                spread.iter().map(class).collect()
            }
            _ => vec![0; features],
        };
        let zero = (0..CLASSES).map(|class| std::array::from_fn(|activity| zero_probability(class, activity)));
        let magnitudes = vec![std::array::from_fn(|_| Magnitude::new()); CLASSES / 4];
        Self {
            geometry,
            quantiser,
            zero: zero.collect(),
            negative: [Bit::EVEN; 9],
            magnitudes,
            exceptional: [Bit::expecting(1 << 10, 2), Bit::EVEN, Bit::EVEN],
            repeated: Bit::EVEN,
            last_exception: 0,
            classes,
            deviations: vec![0; features],
            surprises: vec![0; features],
            history: vec![0; features],
        }
    }

    /// Codes a sample by its predictions, and leaves what decodes in `values`.
    pub(crate) fn code<T: Element, C: Coder>(
        &mut self,
        coder: &mut C,
        values: &mut [T],
        predictions: &[f64],
        coefficients: Coefficients,
    ) -> Result<(), Corrupt> {
        let Geometry { pixel, row } = self.geometry;
        let [left, above, above_left, above_right] = coefficients.map(i64::from);
        let plain = coefficients == [0; 4];
        for index in 0..values.len() {
            let column = index % row;
            let (has_left, has_above) = (column >= pixel, index >= row);
            let has_right = has_above && column + pixel < row;
            let at = |exists: bool, back: usize| if exists { self.surprises[index - back] } else { 0 };
            let (w, n) = (at(has_left, pixel), at(has_above, row));
            let (nw, ne) = (at(has_left && has_above, row + pixel), at(has_right, row.wrapping_sub(pixel)));

            let expected = if plain {
                0
            } else {
                let at = |exists: bool, back: usize| if exists { self.deviations[index - back] } else { 0 };
                let only = |weight: i64, exists: bool, back| weight.wrapping_mul(at(exists, back));
                let sum = only(left, has_left, pixel)
                    .wrapping_add(only(above, has_above, row))
                    .wrapping_add(only(above_left, has_left && has_above, row + pixel))
                    .wrapping_add(only(above_right, has_right, row.wrapping_sub(pixel)));
                sum.wrapping_add(32) >> 6
            };

            let activity = activity_of([w, n, nw, ne], self.history[index]);
            let class = self.classes[index];
            let prediction = predictions[index];
            let value = values[index];
            let quantised = if C::DECODES { None } else { self.quantiser.quantise(value, prediction) };
            let (deviation, restored) = quantised.unwrap_or((expected, value));
            let surprise = deviation.wrapping_sub(expected);

            let zero = &mut self.zero[usize::from(class)][usize::from(activity)];
            let nonzero = coder.bit(zero, surprise != 0 || quantised.is_none())?;
            if !nonzero {
                values[index] = if C::DECODES { self.quantiser.restore(expected, prediction) } else { restored };
                self.deviations[index] = expected;
                self.surprises[index] = 0;
                self.history[index] -= (self.history[index] + 3) >> 2;
                continue;
            }
            let stored_around = usize::from(w == STORED) + usize::from(n == STORED);
            if coder.bit(&mut self.exceptional[stored_around], quantised.is_none())? {
                let bits = self.exception(coder, value.to_bits(), 8 * T::TYPE.bytes() as u32)?;
                values[index] = T::from_bits(bits);
                self.deviations[index] = expected;
                self.surprises[index] = STORED;
                continue;
            }
            let sign = |value: i32| if value == STORED { 0 } else { value.signum() };
            let negative = &mut self.negative[(3 * (sign(w) + 1) + sign(n) + 1) as usize];
            let negative = coder.bit(negative, surprise < 0)?;
            let magnitude = &mut self.magnitudes[usize::from(class) / 4][usize::from(activity) / 2];
            let magnitude = magnitude.code(coder, surprise.unsigned_abs())? as i64;
            let surprise = if negative { magnitude.wrapping_neg() } else { magnitude };
            let deviation = expected.wrapping_add(surprise);
            values[index] = if C::DECODES { self.quantiser.restore(deviation, prediction) } else { restored };
            self.deviations[index] = deviation;
            let bounded = surprise.clamp(-MOST_SURPRISE, MOST_SURPRISE) as i32;
            self.surprises[index] = bounded;
            self.history[index] += ((bounded.abs() << 4) - self.history[index]) >> 2;
        }
        Ok(())
    }

    /// A value as it is: like the last such one, or bit for bit.
    fn exception(&mut self, coder: &mut impl Coder, bits: u64, width: u32) -> Result<u64, Corrupt> {
        if !coder.bit(&mut self.repeated, bits == self.last_exception)? {
            self.last_exception = coder.raw(bits, width)?;
        }
        Ok(self.last_exception)
    }
}

/// Half octaves of the magnitudes around a value.
#[inline(always)]
fn activity_of(neighbours: [i32; 4], history: i32) -> u8 {
    let [w, n, nw, ne] = neighbours;
    if w == STORED || n == STORED {
        return EXCEPTIONAL;
    }
    let far = |value: i32| if value == STORED { 0 } else { value.unsigned_abs() };
    let sum = 8 * (w.unsigned_abs() + n.unsigned_abs()) + 4 * (far(nw) + far(ne)) + history as u32;
    if sum == 0 {
        return 0;
    }
    let octave = sum.ilog2();
    let half = if octave == 0 { 0 } else { sum >> (octave - 1) & 1 };
    (2 * octave + half).saturating_sub(2).clamp(1, u32::from(EXCEPTIONAL) - 1) as u8
}

/// How likely a deviation is not 0 before any was seen: e^(−√½·step/spread), as the distribution of Laplace has it.
fn zero_probability(class: usize, activity: usize) -> Bit {
    if class == 0 {
        let likely = (activity as u32 + 1) << (PRECISION - 5);
        return Bit::expecting(likely, 2);
    }
    // √½·2^((UNIT_CLASS − class)/4) with 20 fraction bits.
    let quarters = [741_455u64, 881_744, 1_048_576, 1_246_974];
    let octaves = UNIT_CLASS - class as i32;
    let quarter = quarters[octaves.rem_euclid(4) as usize];
    let exponent = match octaves.div_euclid(4) {
        left @ 0.. => quarter << left,
        right => quarter >> -right,
    };
    let likely = (exp_negative(exponent) >> (30 - PRECISION)) as u32;
    // Something nearby makes a deviation likelier than the spread alone.
    let nearby = if activity > 1 { (1 << (PRECISION - 4)) + likely / 2 } else { 0 };
    Bit::expecting(likely.max(nearby), 6)
}
