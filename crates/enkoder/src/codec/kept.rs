//! What decoded values of an array must satisfy without a model: in each region within its bound, and what comes back exactly.

use super::bound::Bound;
use super::element::{Element, ElementType};
use super::error::CodecError;
use super::field::{Predicts, Scale, is_within_part, step_of_part};
use super::missing::Missing;
use super::plan::quantiser_for;
use super::promise::{Extent, Packing, Promise};
use super::quantiser::Quantiser;
use super::region::Exact;

/// What a value must satisfy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kept {
    /// It is within this.
    Within(f64),
    /// It is off by at most this part of itself.
    Part(f64),
    /// The squared errors of all, beside this scale, count in a mean over all arrays.
    Mean { scale: f64 },
    /// Every bit.
    Exact,
}

impl Kept {
    /// With room for what is rounded when errors are taken of what numbers mean.
    pub(crate) fn of_meant(self, packing: Packing, extent: &Extent) -> Self {
        match self {
            Self::Within(bound) => Self::Within(packing.less_rounding(bound, extent)),
            other => other,
        }
    }

    /// What a bound means for the values of arrays of this extent, and the mean squared error where it is one.
    pub(crate) fn of(
        bound: Bound,
        element: ElementType,
        extents: &[Extent],
    ) -> Result<(Vec<Self>, Option<f64>), CodecError> {
        if let Some(part) = bound.part() {
            if !element.is_float() {
                return Err(CodecError::NeedsFloats { bound: bound.to_string(), element });
            }
            return Ok((vec![Self::Part(part); extents.len()], None));
        }
        Ok(match Promise::of(bound, element, extents)? {
            Promise::Within(bounds) => (bounds.into_iter().map(Self::Within).collect(), None),
            Promise::MeanSquared { target, scales } => {
                (scales.into_iter().map(|scale| Self::Mean { scale }).collect(), Some(target))
            }
            Promise::Exact | Promise::Nothing => (vec![Self::Exact; extents.len()], None),
        })
    }

    #[inline(always)]
    pub(crate) fn is_by<T: Element>(self, value: T, decoded: T) -> bool {
        value.to_bits() == decoded.to_bits()
            || match self {
                Self::Within(bound) => value.is_finite() && value.within(decoded, bound),
                Self::Part(part) => is_within_part(value, decoded, part),
                Self::Mean { .. } => value.is_finite() && decoded.is_finite(),
                Self::Exact => false,
            }
    }

    /// The steps for it; of a mean squared error they are this root of it.
    fn scale(self, element: ElementType, extent: &Extent, root: f64) -> Scale {
        let exact = Scale::Free(Quantiser::Exact);
        match self {
            Self::Within(bound) => Scale::Free(quantiser_for(element, bound, extent)),
            Self::Part(part) => step_of_part(part, element).map_or(exact, |step| Scale::Relative {
                step,
                part,
                predicts: Predicts::Values,
            }),
            Self::Mean { scale } => {
                let step = root * scale;
                let step = if element.is_float() { step } else { step.floor() };
                let is_step = step.is_finite() && step > if element.is_float() { 0.0 } else { 1.0 };
                if is_step { Scale::Free(Quantiser::Steps { step, bound: step }) } else { exact }
            }
            Self::Exact => exact,
        }
    }
}

/// What the values of an array must satisfy.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    /// First of cells that are in no region, then of those of each region.
    pub(crate) kept: Vec<Kept>,
    pub(crate) exact: Exact,
    /// Of the whole variable.
    pub(crate) extent: Extent,
    /// Which of its numbers are no values, and how the others are meant.
    pub(crate) missing: Missing,
    pub(crate) packing: Packing,
    /// Whether decoded values are to lie on multiples of a step that follows from the bound, so that they decode to themselves.
    pub(crate) idempotent: bool,
}

impl Demand {
    /// Whether a decoded value of a region will do.
    #[inline(always)]
    pub(crate) fn is_met<T: Element>(&self, region: u8, value: T, decoded: T) -> bool {
        self.kept[usize::from(region)].is_by(value, decoded)
            && self.missing.is_kept(value, decoded)
            && (!self.exact.is_any() || self.is_exact(value, decoded))
    }

    fn is_exact<T: Element>(&self, value: T, decoded: T) -> bool {
        if value.to_bits() == decoded.to_bits() {
            return true;
        }
        let Exact { zeros, signs, extremes } = self.exact;
        let (x, y) = (value.to_f64(), decoded.to_f64());
        let inside = self.extent.min..=self.extent.max;
        let keeps_extremes =
            !inside.contains(&x) || (inside.contains(&y) && x != self.extent.min && x != self.extent.max);
        let (x, y) = (self.packing.meant(value), self.packing.meant(decoded));
        (!zeros || x != 0.0)
            && (!signs || y == 0.0 || (x != 0.0 && x.is_sign_positive() == y.is_sign_positive()))
            && (!extremes || keeps_extremes)
    }

    /// The steps to try for each region; of a mean squared error they are this root of it.
    pub(crate) fn scales(&self, element: ElementType, root: f64) -> Vec<Vec<Scale>> {
        let scales = |kept: &Kept| match *kept {
            Kept::Within(bound) if self.idempotent => vec![idempotent(element, bound)],
            kept => self.with_zero(kept.scale(element, &self.extent, root)),
        };
        self.kept.iter().map(scales).collect()
    }

    /// Multiples of the step have the zero, and no sign changes between them.
    fn with_zero(&self, scale: Scale) -> Vec<Scale> {
        match scale {
            Scale::Free(Quantiser::Steps { step, bound }) if self.exact.zeros || self.exact.signs => {
                vec![scale, Scale::Lattice { step, bound }]
            }
            scale => vec![scale],
        }
    }
}

/// Part of a bound that is left to rounding. It does not depend on the data, as the steps of one lattice must not; values that are rounded by
/// more come back exactly.
const ROUNDING: f64 = 1.0 / 1024.0;

/// Multiples of a step that follows from the bound alone.
fn idempotent(element: ElementType, bound: f64) -> Scale {
    let step = if element.is_float() { 2.0 * bound * (1.0 - ROUNDING) } else { 2.0 * bound.floor() + 1.0 };
    let is_step = step.is_normal() && step > if element.is_float() { 0.0 } else { 1.0 };
    if is_step { Scale::Lattice { step, bound } } else { Scale::Free(Quantiser::Exact) }
}
