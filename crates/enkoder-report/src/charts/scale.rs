//! From values to positions along an axis, linear or logarithmic, and the round numbers to label it with.

use crate::number::{grouped, minus};

/// By which part of its length a logarithmic scale may grow to end at a tick.
const MOST_ROOM: f64 = 0.3;

/// A range of values laid out from 0 to 1. Its ends are finite and apart from each other, whatever values it was made from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    min: f64,
    max: f64,
    logarithmic: bool,
}

impl Scale {
    /// A linear scale over the finite ones of these values; 0..1 where there are none.
    pub(crate) fn linear(values: impl IntoIterator<Item = f64>) -> Self {
        let (mut min, mut max) = range(values.into_iter().filter(|value| value.is_finite())).unwrap_or((0.0, 1.0));
        let magnitude = min.abs().max(max.abs());
        // A constant, or a spread lost in rounding, gets room around it.
        if max - min <= magnitude * 1e-9 {
            let room = if magnitude > 0.0 { magnitude * 0.1 } else { 0.5 };
            (min, max) = (min - room, max + room);
        }
        Self { min, max, logarithmic: false }
    }

    /// A linear scale from 0 to the largest of these values.
    pub(crate) fn from_zero(values: impl IntoIterator<Item = f64>) -> Self {
        let max = range(values.into_iter().filter(|value| value.is_finite())).map_or(0.0, |(_, max)| max);
        Self { min: 0.0, max: if max > 0.0 { max } else { 1.0 }, logarithmic: false }
    }

    /// A logarithmic scale over the positive ones of these values; 0.1..1 where there are none.
    pub(crate) fn logarithmic(values: impl IntoIterator<Item = f64>) -> Self {
        let positive = values.into_iter().filter(|value| value.is_finite() && *value > 0.0);
        let (mut min, mut max) = range(positive).unwrap_or((0.1, 1.0));
        if max / min < 1.01 {
            (min, max) = (min / 1.5, max * 1.5);
        }
        Self { min, max, logarithmic: true }
    }

    /// The same scale with a margin of this share of its length at both ends.
    pub(crate) fn padded(self, share: f64) -> Self {
        if self.logarithmic {
            let factor = (self.max / self.min).powf(share);
            Self { min: self.min / factor, max: self.max * factor, ..self }
        } else {
            let room = (self.max - self.min) * share;
            Self { min: self.min - room, max: self.max + room, ..self }
        }
    }

    /// The same scale up to the next of about `wanted` ticks, so that the top of an axis has a label.
    pub(crate) fn up_to_tick(self, wanted: usize) -> Self {
        if !self.logarithmic {
            let step = round_step((self.max - self.min) / wanted.max(1) as f64);
            return Self { max: (self.max / step - 1e-9).ceil() * step, ..self };
        }
        // The next tick that a longer scale would have, unless that leaves much of it empty.
        let longer = Self { max: self.max * 10.0, ..self };
        let next = longer.decades(wanted).into_iter().flatten().find(|tick| *tick >= self.max * (1.0 - 1e-9));
        let room = (self.max / self.min).powf(MOST_ROOM);
        Self { max: next.filter(|next| *next <= self.max * room).unwrap_or(self.max), ..self }
    }

    /// The same linear scale from tick to tick.
    pub(crate) fn between_ticks(self, wanted: usize) -> Self {
        let up = self.up_to_tick(wanted);
        if up.logarithmic {
            return up;
        }
        let step = round_step((self.max - self.min) / wanted.max(1) as f64);
        Self { min: (self.min / step + 1e-9).floor() * step, ..up }
    }

    /// Where a value lies, 0 at the lower end and 1 at the upper; `None` where it has no place.
    pub(crate) fn position(&self, value: f64) -> Option<f64> {
        let position = if self.logarithmic {
            (value / self.min).ln() / (self.max / self.min).ln()
        } else {
            (value - self.min) / (self.max - self.min)
        };
        position.is_finite().then_some(position)
    }

    /// About `wanted` round values within the range, with their labels.
    pub(crate) fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        if self.logarithmic
            && let Some(ticks) = self.decades(wanted)
        {
            return ticks.into_iter().map(|tick| (tick, plain(tick))).collect();
        }
        // A short range far from zero may hold no round number of the first step: then a finer one.
        let finer =
            (0..4).map(|doubled| self.multiples(round_step((self.max - self.min) / (wanted.max(1) << doubled) as f64)));
        let mut ticks = Vec::new();
        for finer in finer {
            ticks = finer;
            if ticks.len() >= wanted.min(2) {
                break;
            }
        }
        ticks
    }

    /// The multiples of `step` within the range, with their labels.
    fn multiples(&self, step: f64) -> Vec<(f64, String)> {
        let (first, last) = ((self.min / step - 1e-9).ceil(), (self.max / step + 1e-9).floor());
        let count = (last - first + 1.0).max(0.0) as usize;
        (0..count).map(|index| (first + index as f64) * step).map(|tick| (tick, label(tick, step))).collect()
    }

    /// Ticks at powers of ten, with 2 and 5 or all digits between them where there are few; `None` where even those are few.
    fn decades(&self, wanted: usize) -> Option<Vec<f64>> {
        let (low, high) = (self.min.log10().floor() as i32, self.max.log10().ceil() as i32);
        let ticks = |mantissas: &[f64], stride: usize| -> Vec<f64> {
            let decades = (low..=high).step_by(stride);
            let all = decades.flat_map(|decade| mantissas.iter().map(move |m| m * 10f64.powi(decade)));
            all.filter(|tick| *tick >= self.min * (1.0 - 1e-9) && *tick <= self.max * (1.0 + 1e-9)).collect()
        };
        let stride = usize::try_from(high - low).unwrap_or(0).div_ceil(wanted.max(1)).max(1);
        let digits: &[&[f64]] = &[&[1.0], &[1.0, 2.0, 5.0], &[1.0, 2.0, 3.0, 5.0, 7.0]];
        digits.iter().map(|mantissas| ticks(mantissas, stride)).find(|ticks| ticks.len() >= 3.min(wanted))
    }
}

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| {
        let (min, max) = range.unwrap_or((value, value));
        Some((value.min(min), value.max(max)))
    })
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// A tick's label, with as many decimals as its step needs.
fn label(tick: f64, step: f64) -> String {
    if tick.abs() < step * 1e-6 {
        return "0".to_owned();
    }
    let exponent = step.log10().floor() as i32;
    if exponent < -4 || tick.abs() >= 1e9 {
        let digits = (tick.abs().log10().floor() as i32 - exponent).clamp(0, 6) as usize;
        return minus(&format!("{tick:.digits$e}"));
    }
    let decimals = exponent.min(0).unsigned_abs() as usize;
    if decimals == 0 {
        let sign = if tick < 0.0 { "−" } else { "" };
        return sign.to_owned() + &grouped(tick.abs().round() as usize);
    }
    minus(&format!("{tick:.decimals$}"))
}

/// A round number's label on its own.
fn plain(tick: f64) -> String {
    let exponent = (tick.log10() + 1e-9).floor() as i32;
    if (-4..6).contains(&exponent) {
        let decimals = exponent.min(0).unsigned_abs() as usize;
        return if decimals == 0 { grouped(tick.round() as usize) } else { format!("{tick:.decimals$}") };
    }
    minus(&format!("{tick:.0e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(scale: Scale, wanted: usize) -> Vec<String> {
        scale.ticks(wanted).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn linear_ticks_are_round_numbers() {
        assert_eq!(labels(Scale::linear([0.0, 1.0]), 5), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Scale::linear([1.0, 20.0]), 5), ["5", "10", "15", "20"]);
        assert_eq!(labels(Scale::linear([-3.0, 3.0]), 3), ["−2", "0", "2"]);
        assert_eq!(labels(Scale::linear([-20_000.0, 0.0]), 2), ["−20,000", "−10,000", "0"]);
        assert_eq!(labels(Scale::linear([0.0, 4000.0]), 2), ["0", "2,000", "4,000"]);
        assert_eq!(labels(Scale::linear([0.0, 2e-6]), 2), ["0", "1e−6", "2e−6"]);
    }

    #[test]
    fn logarithmic_ticks_take_digits_between_the_powers_of_ten_when_the_range_is_short() {
        assert_eq!(labels(Scale::logarithmic([0.01, 10.0]), 5), ["0.01", "0.1", "1", "10"]);
        assert_eq!(labels(Scale::logarithmic([0.01, 0.06]), 5), ["0.01", "0.02", "0.05"]);
        assert_eq!(labels(Scale::logarithmic([1.0, 1000.0]), 4), ["1", "10", "100", "1,000"]);
    }

    #[test]
    fn a_scale_can_end_at_its_last_tick() {
        assert_eq!(labels(Scale::linear([0.037, 0.088]).between_ticks(4), 4), ["0.02", "0.04", "0.06", "0.08", "0.10"]);
        assert_eq!(labels(Scale::logarithmic([0.02, 0.07]).up_to_tick(5), 5), ["0.02", "0.05", "0.1"]);
        assert_eq!(labels(Scale::logarithmic([0.01, 6.0]).up_to_tick(5), 5), ["0.01", "0.1", "1", "10"]);
        assert_eq!(Scale::logarithmic([1.0, 2.1]).up_to_tick(3).max, 2.1, "too far from the next tick");
    }

    #[test]
    fn no_values_a_constant_and_values_that_are_not_numbers_still_make_a_scale() {
        for values in [vec![], vec![f64::NAN], vec![3.0], vec![0.0, 0.0], vec![1e30, f64::INFINITY]] {
            for scale in
                [Scale::linear(values.clone()), Scale::logarithmic(values.clone()), Scale::from_zero(values.clone())]
            {
                assert!(!scale.ticks(5).is_empty(), "{values:?}: {scale:?}");
            }
        }
        assert_eq!(Scale::linear([0.0, 1.0]).position(f64::NAN), None);
        assert_eq!(Scale::logarithmic([1.0, 2.0]).position(-1.0), None);
    }

    proptest! {
        #[test]
        fn ticks_lie_within_the_scale_in_rising_order_and_are_neither_few_nor_many(
            a in -1e30f64..1e30, width in 1e-6f64..1e6, relative: bool, logarithmic: bool, wanted in 2usize..9
        ) {
            let b = if relative { a + a.abs() * width.min(10.0) + 1e-3 } else { a + width };
            let scale = if logarithmic { Scale::logarithmic([a.abs() + 1e-9, a.abs() + 1e-9 + width]) } else { Scale::linear([a, b]) };
            let ticks = scale.ticks(wanted);
            prop_assert!(ticks.len() <= 3 * wanted + 2, "{} ticks", ticks.len());
            prop_assert!(!ticks.is_empty());
            for pair in ticks.windows(2) {
                prop_assert!(pair[0].0 < pair[1].0);
                prop_assert_ne!(&pair[0].1, &pair[1].1);
            }
            for (tick, _) in ticks {
                let position = scale.position(tick).unwrap();
                prop_assert!((-1e-6..=1.0 + 1e-6).contains(&position), "{tick} at {position}");
            }
        }

        #[test]
        fn positions_keep_the_order_of_the_values(values in prop::collection::vec(1e-3f64..1e6, 2..20), logarithmic: bool) {
            let scale = if logarithmic { Scale::logarithmic(values.clone()) } else { Scale::linear(values.clone()) };
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            let positions: Vec<f64> = sorted.iter().filter_map(|&value| scale.position(value)).collect();
            prop_assert_eq!(positions.len(), sorted.len());
            prop_assert!(positions.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert!(positions.iter().all(|position| (-1e-9..=1.0 + 1e-9).contains(position)));
        }
    }
}
