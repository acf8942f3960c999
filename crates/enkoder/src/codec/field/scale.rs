//! From values and predictions to whole numbers and back: in steps from the prediction, in values of the type, on a lattice
//! that all the values lie on, as those of data that was rounded to decimals do, or in steps that are a part of each value.

use super::super::element::Element;
use super::super::quantiser::{Quantiser, round};
use super::relative;
use super::surprises::AS_IT_IS;

/// Larger surprises on the scale of [`relative`] are not worth coding.
const MOST_SURPRISE: f64 = (1u64 << 30) as f64;

/// How surprises become integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// From the prediction, wherever it lies.
    Free(Quantiser),
    /// Between multiples of a step; decoded values must lie within the bound.
    Lattice { step: f64, bound: f64 },
    /// On the scale of [`relative`]; decoded values must be off by at most this part of themselves.
    Relative { step: f64, part: f64, predicts: Predicts },
}

/// What is predicted of values that are coded on the scale of [`relative`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Predicts {
    /// The values.
    Values,
    /// Where they lie on the scale: better where they differ by orders of magnitude.
    Positions,
}

impl Scale {
    /// The size of a step; 0 where every bit counts.
    pub(crate) fn step(self) -> f64 {
        match self {
            Self::Free(Quantiser::Steps { step, .. }) | Self::Lattice { step, .. } | Self::Relative { step, .. } => {
                step
            }
            Self::Free(Quantiser::Exact) => 0.0,
        }
    }

    /// The size of a step in the units of predictions; 0 where it is not the same everywhere, and where every bit counts.
    pub(crate) fn step_of_predictions(self) -> f64 {
        if let Self::Relative { predicts: Predicts::Values, .. } = self { 0.0 } else { self.step() }
    }

    /// What is known of a value to predict others from.
    #[inline(always)]
    pub(crate) fn known<T: Element>(self, value: T) -> f64 {
        match self {
            Self::Relative { predicts: Predicts::Positions, .. } => relative::position::<T>(value.to_f64()),
            _ => value.to_f64(),
        }
    }

    /// Where a prediction lies on the scale of [`relative`].
    #[inline(always)]
    fn position<T: Element>(predicts: Predicts, prediction: f64) -> f64 {
        match predicts {
            Predicts::Values => relative::position::<T>(prediction),
            Predicts::Positions => prediction,
        }
    }

    /// Whether every bit counts.
    #[inline(always)]
    pub(crate) fn is_exact(self) -> bool {
        self == Self::Free(Quantiser::Exact)
    }

    /// With steps that are finer by this factor, where they may be.
    pub(crate) fn finer(self, factor: f64) -> Self {
        match self {
            Self::Free(Quantiser::Steps { step, bound }) => Self::Free(Quantiser::Steps { step: step * factor, bound }),
            Self::Relative { step, part, predicts } => Self::Relative { step: step * factor, part, predicts },
            other => other,
        }
    }

    /// The surprise of a value and the value that it decodes to; none where no surprise decodes to one within the bound.
    #[inline(always)]
    pub(crate) fn quantise<T: Element>(self, value: T, prediction: f64) -> Option<(i64, T)> {
        match self {
            Self::Free(quantiser) => quantiser.quantise(value, prediction),
            Self::Lattice { step, bound } => {
                let surprise = round(value.to_f64() / step) - round(prediction / step);
                if surprise.is_nan() || surprise.abs() >= AS_IT_IS as f64 {
                    return None;
                }
                let restored = self.restore(surprise as i64, prediction);
                value.within(restored, bound).then_some((surprise as i64, restored))
            }
            Self::Relative { step, part, predicts } => {
                let from = Self::position::<T>(predicts, prediction);
                let surprise = round((relative::position::<T>(value.to_f64()) - from) / step);
                if surprise.is_nan() || surprise.abs() >= MOST_SURPRISE {
                    return None;
                }
                let nearest = surprise as i64;
                [nearest, nearest - 1, nearest + 1]
                    .into_iter()
                    .map(|surprise| (surprise, relative::value(from + surprise as f64 * step)))
                    .find(|&(_, restored)| relative::is_within(value, restored, part))
            }
        }
    }

    /// The value of a surprise.
    #[inline(always)]
    pub(crate) fn restore<T: Element>(self, surprise: i64, prediction: f64) -> T {
        match self {
            Self::Free(quantiser) => quantiser.restore(surprise, prediction),
            Self::Lattice { step, .. } => T::from_f64((round(prediction / step) + surprise as f64) * step),
            Self::Relative { step, predicts, .. } => {
                relative::value(Self::position::<T>(predicts, prediction) + surprise as f64 * step)
            }
        }
    }
}

/// The coarsest lattice of more than `step` that all finite values lie on, up to a small part of `bound`: multiples of decimals
/// or of powers of two.
pub(crate) fn lattice<T: Element>(values: &[T], step: f64, bound: f64) -> Option<f64> {
    let largest = values.iter().map(|value| value.to_f64().abs()).filter(|size| size.is_finite()).fold(0.0, f64::max);
    // A lattice that is hardly coarser saves nothing.
    lattices(1.1 * step, largest).into_iter().find(|&candidate| {
        let near = (0.5 * bound).min(1e-3 * candidate);
        values.iter().all(|value| {
            let value = value.to_f64();
            !value.is_finite() || (value - round(value / candidate) * candidate).abs() <= near
        })
    })
}

/// Lattices of more than one step and at most another, the coarsest first.
fn lattices(least: f64, most: f64) -> Vec<f64> {
    let decimal = |exponent: i32| {
        let power: f64 = format!("1e{exponent}").parse().unwrap_or(0.0);
        [1.0, 2.0, 2.5, 5.0].map(|factor| factor * power)
    };
    let mut steps: Vec<f64> = (-12..12).flat_map(decimal).collect();
    steps.extend((-30..30).map(|exponent: i32| f64::from(exponent).exp2()));
    steps.retain(|&step| step > least && step <= most);
    steps.sort_by(|a, b| b.total_cmp(a));
    steps
}
