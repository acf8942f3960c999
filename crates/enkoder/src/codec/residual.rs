//! The deviations of one sample after another, as adaptive bits. What is expected of a deviation is its feature's spread as the
//! model knows it, the deviations around it, and those at its place in the samples before: they choose the probabilities.
//! Values that no deviation brings within the bound, NaN and fill values among them, are stored as they are.

use super::element::Element;
use super::entropy::{Bit, Coder, Corrupt, PRECISION};
use super::exponential::exp_negative;
use super::fixed_point::quarter_octaves;
use super::integers::{Magnitude, half_octaves};
use super::missing::Missing;
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

/// Values whose deviations are told to be 0 by one bit, where neighbours do not enter into what is expected.
const GROUP: usize = 16;
/// Classes of how many deviations of a group are expected not to be 0, in half octaves of 2⁻²⁰.
const GROUP_CLASSES: usize = 2 * (PRECISION + 5);

/// The probabilities of a block, and what it remembers of its samples.
pub(crate) struct Residuals {
    geometry: Geometry,
    quantiser: Quantiser,
    missing: Missing,
    /// Whether a deviation is not 0; in groups that are not all 0, apart.
    zero: [Vec<[Bit; ACTIVITIES]>; 2],
    /// Whether the first deviation of a group that is not 0 is here, by the values left in the group.
    first: Vec<[Bit; GROUP]>,
    groups: Groups,
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

/// What is known of groups.
struct Groups {
    /// Whether a group has a deviation that is not 0, by its class and by what was seen around it.
    some: Vec<[Bit; 3 * 4]>,
    classes: Vec<u8>,
    /// Whether the group had one in this sample, and how often lately: of 256, halved from sample to sample.
    here: Vec<bool>,
    lately: Vec<u8>,
}

/// Surprises are remembered up to here.
const MOST_SURPRISE: i64 = 1 << 20;
/// Marks a value stored as it is among the surprises.
const STORED: i32 = i32::MAX;

impl Residuals {
    /// For samples of this geometry; `spread` as in the model, or empty.
    pub(crate) fn new(
        geometry: Geometry,
        features: usize,
        (quantiser, missing): (Quantiser, Missing),
        spread: &[u8],
    ) -> Self {
        let classes: Vec<u8> = match quantiser {
            Quantiser::Steps { step, .. } if !spread.is_empty() => {
                let step = quarter_octaves(step) - 512 + 128;
                let class = |&spread: &u8| (i32::from(spread) - step + UNIT_CLASS).clamp(1, CLASSES as i32 - 1) as u8;
                spread.iter().map(class).collect()
            }
            _ => vec![0; features],
        };
        let zero = [0, (1 << PRECISION) / 12].map(|least| {
            let class = |class| std::array::from_fn(|activity| zero_probability(class, activity).at_least(least));
            (0..CLASSES).map(class).collect()
        });
        let first = std::array::from_fn(|left| Bit::expecting((1 << PRECISION) / (left as u32 + 1), 6));
        let magnitudes = (0..CLASSES / 4).map(|class| {
            // A class is a quarter octave of spread, a level half an octave of a sixteenth.
            let level = (2 * class).saturating_sub(5);
            std::array::from_fn(
                |activity| if class == 0 { Magnitude::EVEN } else { Magnitude::expecting(level.max(activity)) },
            )
        });
        Self {
            geometry,
            quantiser,
            missing,
            zero,
            first: vec![first; CLASSES / 8],
            groups: Groups::new(&classes),
            negative: [Bit::EVEN; 9],
            magnitudes: magnitudes.collect(),
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
        if coefficients == [0; 4] {
            return self.in_groups(coder, values, predictions);
        }
        let mut quantised = if C::DECODES { Vec::new() } else { self.quantiser.quantise_all(values, predictions) };
        if self.missing.is_any() {
            for (found, (&value, &prediction)) in quantised.iter_mut().zip(values.iter().zip(predictions)) {
                let restored = |deviation: &i64| self.quantiser.restore(*deviation, prediction);
                *found = found.filter(|deviation| self.missing.is_kept(value, restored(deviation)));
            }
        }
        let mut stored = Vec::new();
        for (index, &value) in values.iter().enumerate() {
            let expected = self.expected(index, coefficients);
            let quantised = quantised.get(index).copied().flatten();
            if let Some(bits) = self.value::<T, C>(coder, quantised, value, index, expected, None)? {
                stored.push((index, bits));
            }
        }
        self.quantiser.restore_all(&self.deviations, predictions, values);
        stored.into_iter().for_each(|(index, bits)| values[index] = T::from_bits(bits));
        Ok(())
    }

    /// Codes a sample of which nothing is expected but the predictions: mostly whole groups at once.
    fn in_groups<T: Element, C: Coder>(
        &mut self,
        coder: &mut C,
        values: &mut [T],
        predictions: &[f64],
    ) -> Result<(), Corrupt> {
        let quantiser = self.quantiser;
        // What the values are if no deviation is stored, and whether the group can be left at that.
        let mut plain = vec![T::from_bits(0); values.len()];
        quantiser.restore_all(&vec![0; values.len()], predictions, &mut plain);
        let mut some: Vec<bool> = if C::DECODES { Vec::new() } else { quantiser.differing(values, &plain, GROUP) };
        if self.missing.is_any() {
            for (some, (values, plain)) in some.iter_mut().zip(values.chunks(GROUP).zip(plain.chunks(GROUP))) {
                *some |= values.iter().zip(plain).any(|(&value, &plain)| !self.missing.is_kept(value, plain));
            }
        }
        for start in (0..values.len()).step_by(GROUP) {
            let end = values.len().min(start + GROUP);
            let group = start / GROUP;
            let told = some.get(group).copied().unwrap_or_default();
            if !self.groups.code(coder, group, start.checked_sub(self.geometry.row), told)? {
                values[start..end].copy_from_slice(&plain[start..end]);
                self.deviations[start..end].fill(0);
                self.surprises[start..end].fill(0);
                self.history[start..end].iter_mut().for_each(|history| *history -= (*history + 3) >> 2);
                continue;
            }
            let mut none = true;
            for index in start..end {
                let (value, prediction) = (values[index], predictions[index]);
                let found = if C::DECODES { None } else { quantiser.quantise(value, prediction) };
                let quantised = found.filter(|&(_, restored)| self.missing.is_kept(value, restored));
                let first = Some(if none { end - index } else { 0 });
                let stored = self.value::<T, C>(coder, quantised.map(|found| found.0), value, index, 0, first)?;
                let restored = || quantiser.restore(self.deviations[index], prediction);
                values[index] = stored.map_or_else(restored, T::from_bits);
                none &= self.surprises[index] == 0;
            }
        }
        Ok(())
    }

    /// What a deviation is expected to be by those around it.
    #[inline(always)]
    fn expected(&self, index: usize, coefficients: Coefficients) -> i64 {
        let Geometry { pixel, row } = self.geometry;
        let column = index % row;
        let (has_left, has_above) = (column >= pixel, index >= row);
        let has_right = has_above && column + pixel < row;
        let [left, above, above_left, above_right] = coefficients.map(i64::from);
        let at = |exists: bool, back: usize| if exists { self.deviations[index - back] } else { 0 };
        let only = |weight: i64, exists: bool, back| weight.wrapping_mul(at(exists, back));
        let sum = only(left, has_left, pixel)
            .wrapping_add(only(above, has_above, row))
            .wrapping_add(only(above_left, has_left && has_above, row + pixel))
            .wrapping_add(only(above_right, has_right, row.wrapping_sub(pixel)));
        sum.wrapping_add(32) >> 6
    }

    /// Codes one value by its deviation, none where it is stored as it is; then the bits that were stored come back. In a group,
    /// `first` is 0, or the values left in it while none differed.
    #[inline(always)]
    fn value<T: Element, C: Coder>(
        &mut self,
        coder: &mut C,
        quantised: Option<i64>,
        value: T,
        index: usize,
        expected: i64,
        first: Option<usize>,
    ) -> Result<Option<u64>, Corrupt> {
        let Geometry { pixel, row } = self.geometry;
        let column = index % row;
        let (has_left, has_above) = (column >= pixel, index >= row);
        let has_right = has_above && column + pixel < row;
        let at = |exists: bool, back: usize| if exists { self.surprises[index - back] } else { 0 };
        let (w, n) = (at(has_left, pixel), at(has_above, row));
        let (nw, ne) = (at(has_left && has_above, row + pixel), at(has_right, row.wrapping_sub(pixel)));

        let activity = activity_of([w, n, nw, ne], self.history[index]);
        let class = self.classes[index];
        let surprise = quantised.unwrap_or(expected).wrapping_sub(expected);
        let differs = surprise != 0 || quantised.is_none();
        let differs = match first {
            None => coder.bit(&mut self.zero[0][usize::from(class)][usize::from(activity)], differs)?,
            Some(0) => coder.bit(&mut self.zero[1][usize::from(class)][usize::from(activity)], differs)?,
            // Only the last is left to be the one that differs.
            Some(1) => true,
            Some(left) => coder.bit(&mut self.first[usize::from(class) / 8][left - 1], differs)?,
        };
        self.deviations[index] = expected;
        if !differs {
            self.surprises[index] = 0;
            self.history[index] -= (self.history[index] + 3) >> 2;
            return Ok(None);
        }
        let stored_around = usize::from(w == STORED) + usize::from(n == STORED);
        if coder.bit(&mut self.exceptional[stored_around], quantised.is_none())? {
            self.surprises[index] = STORED;
            return self.exception(coder, value.to_bits(), 8 * T::TYPE.bytes() as u32).map(Some);
        }
        let sign = |value: i32| if value == STORED { 0 } else { value.signum() };
        let negative = &mut self.negative[(3 * (sign(w) + 1) + sign(n) + 1) as usize];
        let negative = coder.bit(negative, surprise < 0)?;
        let magnitude = &mut self.magnitudes[usize::from(class) / 4][usize::from(activity) / 2];
        let magnitude = magnitude.code(coder, surprise.unsigned_abs())? as i64;
        let surprise = if negative { magnitude.wrapping_neg() } else { magnitude };
        self.deviations[index] = expected.wrapping_add(surprise);
        let bounded = surprise.clamp(-MOST_SURPRISE, MOST_SURPRISE) as i32;
        self.surprises[index] = bounded;
        self.history[index] += ((bounded.abs() << 4) - self.history[index]) >> 2;
        Ok(None)
    }

    /// A value as it is: like the last such one, or bit for bit.
    fn exception(&mut self, coder: &mut impl Coder, bits: u64, width: u32) -> Result<u64, Corrupt> {
        if !coder.bit(&mut self.repeated, bits == self.last_exception)? {
            self.last_exception = coder.raw(bits, width)?;
        }
        Ok(self.last_exception)
    }
}

impl Groups {
    fn new(classes: &[u8]) -> Self {
        let likely: Vec<u32> = (0..CLASSES).map(|class| zero_probability(class, 0).probability()).collect();
        let class = |features: &[u8]| {
            let expected: u32 = features.iter().map(|&class| likely[usize::from(class)]).sum();
            half_octaves(expected.max(1).into()) as u8
        };
        let count = classes.len().div_ceil(GROUP);
        // The middle of the class, and a second deviation in a group is not counted.
        let some = (0..GROUP_CLASSES as u32).map(|class| {
            let expected = ((5 + 2 * (class & 1)) << (class / 2)) >> 2;
            [Bit::expecting(expected.min((1 << PRECISION) - (1 << PRECISION) / 16), 4); 12]
        });
        Self {
            some: some.collect(),
            classes: classes.chunks(GROUP).map(class).collect(),
            here: vec![false; count],
            lately: vec![0; count],
        }
    }

    /// Codes whether a group has a deviation that is not 0. `above` is the value in the row before its first.
    #[inline(always)]
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        group: usize,
        above: Option<usize>,
        some: bool,
    ) -> Result<bool, Corrupt> {
        let left = group > 0 && self.here[group - 1];
        let above = above.is_some_and(|above| self.here[above / GROUP]);
        let lately = match self.lately[group] {
            0 => 0,
            1..64 => 1,
            64..128 => 2,
            128.. => 3,
        };
        let context = 4 * (usize::from(left) + usize::from(above)) + lately;
        let some = coder.bit(&mut self.some[usize::from(self.classes[group])][context], some)?;
        self.here[group] = some;
        self.lately[group] = self.lately[group] / 2 + if some { 128 } else { 0 };
        Ok(some)
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
    half_octaves(sum.into()).saturating_sub(2).clamp(1, u32::from(EXCEPTIONAL) - 1) as u8
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
