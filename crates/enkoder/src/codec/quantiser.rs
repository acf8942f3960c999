//! From a value and its prediction to an integer deviation and back. What comes back is computed by IEEE additions and
//! multiplications alone, so that every machine gets the same bits.

use super::element::Element;
use crate::network::vectorised::vectorised;

/// Deviations beyond this are not worth coding: the value is stored as it is.
const MOST_STEPS: f64 = (1u64 << 30) as f64;

/// How deviations from predictions become integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Quantiser {
    /// In steps of this size; decoded values must lie within the bound.
    Steps { step: f64, bound: f64 },
    /// In values of the type between the two, so that nothing is lost.
    Exact,
}

impl Quantiser {
    /// The step of [`Self::ANYTHING`].
    pub(crate) const ENDLESS: f64 = f64::MAX;
    /// Every value is what is predicted, however far off; one that must not be is stored as it is.
    pub(crate) const ANYTHING: Self = Self::Steps { step: Self::ENDLESS, bound: f64::MAX };

    /// The deviation of `value` from `prediction` and the value that it decodes to; none where no deviation decodes to one
    /// within the bound.
    #[inline(always)]
    pub(crate) fn quantise<T: Element>(self, value: T, prediction: f64) -> Option<(i64, T)> {
        match self {
            Self::Exact => {
                let deviation = value.to_ordered().wrapping_sub(T::from_f64(prediction).to_ordered());
                Some((deviation, value))
            }
            Self::Steps { step, bound } => {
                // Only the smallest of steps have no reciprocal. Where it rounds to the wrong side, the value is still within the bound.
                let (deviation, reciprocal) = (value.to_f64() - base::<T>(prediction), 1.0 / step);
                let steps = if reciprocal.is_finite() { deviation * reciprocal } else { deviation / step };
                if steps.is_nan() || steps.abs() > MOST_STEPS {
                    return None;
                }
                let (nearest, restored) = (round(steps), T::from_f64(base::<T>(prediction) + round(steps) * step));
                if value.within(restored, bound) {
                    return Some((nearest as i64, restored));
                }
                let nearest = nearest as i64;
                // Where the type is coarse beside the step, rounding may have moved the value over the bound.
                [nearest - 1, nearest + 1]
                    .into_iter()
                    .map(|deviation| (deviation, self.restore(deviation, prediction)))
                    .find(|&(_, restored): &(i64, T)| value.within(restored, bound))
            }
        }
    }

    /// The deviations of all values, none where one is stored as it is.
    pub(crate) fn quantise_all<T: Element>(self, values: &[T], predictions: &[f64]) -> Vec<Option<i64>> {
        let pairs = values.iter().zip(predictions);
        vectorised(
            #[inline(always)]
            || pairs.map(|(&value, &prediction)| self.quantise(value, prediction).map(|found| found.0)).collect(),
        )
    }

    /// The values of all deviations.
    pub(crate) fn restore_all<T: Element>(self, deviations: &[i64], predictions: &[f64], values: &mut [T]) {
        let pairs = deviations.iter().zip(predictions);
        vectorised(
            #[inline(always)]
            || {
                for (value, (&deviation, &prediction)) in values.iter_mut().zip(pairs) {
                    *value = self.restore(deviation, prediction);
                }
            },
        );
    }

    /// For each group of values whether any of them must deviate from what is there without.
    pub(crate) fn differing<T: Element>(self, values: &[T], plain: &[T], group: usize) -> Vec<bool> {
        let groups = values.chunks(group).zip(plain.chunks(group));
        vectorised(
            #[inline(always)]
            || match self {
                Self::Exact => groups.map(|(x, y)| x.iter().zip(y).any(|(x, y)| x.to_bits() != y.to_bits())).collect(),
                Self::Steps { bound, .. } => groups
                    .map(|(x, y)| x.iter().zip(y).fold(false, |any, (&x, &y)| any | !x.within(y, bound)))
                    .collect(),
            },
        )
    }

    /// The value of a deviation.
    #[inline(always)]
    pub(crate) fn restore<T: Element>(self, deviation: i64, prediction: f64) -> T {
        match self {
            Self::Exact => T::from_ordered(T::from_f64(prediction).to_ordered().wrapping_add(deviation)),
            Self::Steps { step, .. } => T::from_f64(base::<T>(prediction) + deviation as f64 * step),
        }
    }
}

/// Integers deviate from an integer, so that steps of an odd whole size reach every value within half a step.
#[inline(always)]
fn base<T: Element>(prediction: f64) -> f64 {
    if T::TYPE.is_float() { prediction } else { prediction.round() }
}

/// To the nearest integer, for magnitudes below 2⁵¹. Only the encoder decides by it.
#[inline(always)]
pub(crate) fn round(value: f64) -> f64 {
    const SHIFT: f64 = 1.5 * (1u64 << 52) as f64;
    (value + SHIFT) - SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quantised_values_are_within_the_bound(value: f32, prediction in -1e6f64..1e6, bound in 1e-6f64..1e3) {
            let quantiser = Quantiser::Steps { step: 2.0 * bound, bound };
            if let Some((deviation, restored)) = quantiser.quantise(value, prediction) {
                prop_assert!((f64::from(value) - f64::from(restored)).abs() <= bound);
                prop_assert_eq!(quantiser.restore::<f32>(deviation, prediction).to_bits(), restored.to_bits());
            }
        }

        #[test]
        fn integers_always_find_a_deviation(value: i16, prediction in -4e4f64..4e4, bound in 1u8..100) {
            let bound = f64::from(bound);
            let quantiser = Quantiser::Steps { step: 2.0 * bound + 1.0, bound };
            let (_, restored) = quantiser.quantise(value, prediction).unwrap();
            prop_assert!(f64::from(value.abs_diff(restored)) <= bound);
        }

        #[test]
        fn exact_deviations_give_every_bit_back(bits: u64, prediction: f64) {
            fn check<T: Element>(bits: u64, prediction: f64) {
                let value = T::from_bits(bits);
                let (deviation, _) = Quantiser::Exact.quantise(value, prediction).unwrap();
                assert_eq!(Quantiser::Exact.restore::<T>(deviation, prediction).to_bits(), value.to_bits());
            }
            check::<f32>(bits, prediction);
            check::<f64>(bits, prediction);
            check::<i32>(bits, prediction);
            check::<u64>(bits, prediction);
        }
    }
}
