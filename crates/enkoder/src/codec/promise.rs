//! What a bound means for given data: what every decoded value, or all of them together, must satisfy.

use super::bound::Bound;
use super::element::{Element, ElementType, with_element};
use super::error::CodecError;
use super::missing::Missing;
use super::samples::SampleSource;
use crate::network::vectorised::vectorised;

/// How the numbers of a part of the samples are meant: times the first, plus the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Packing(f64, f64);

impl Packing {
    /// What a source says of each part of its samples.
    pub(crate) fn of(source: &dyn SampleSource) -> Vec<Self> {
        let all = source.packing();
        let of_part = |part| all.get(part).map_or(Self::NONE, |&(scale, offset)| Self(scale, offset));
        (0..source.layout().parts()).map(of_part).collect()
    }

    pub(crate) const NONE: Self = Self(1.0, 0.0);

    #[inline(always)]
    pub(crate) fn meant<T: Element>(self, number: T) -> f64 {
        if self == Self::NONE { number.to_f64() } else { number.to_f64() * self.0 + self.1 }
    }

    /// A bound of numbers, less what is rounded when errors are taken of what they mean.
    pub(crate) fn less_rounding(self, bound: f64, extent: &Extent) -> f64 {
        if self == Self::NONE || extent.min > extent.max {
            return bound;
        }
        let meant = |number: f64| (number * self.0).abs().max((number * self.0 + self.1).abs());
        let largest = meant(extent.min).max(meant(extent.max)) / self.0.abs();
        let less = bound - ROUNDING * (largest + bound);
        // Where so little is left every bit is kept.
        if less > 0.0 { less } else { 0.0 }
    }
}

/// Part of the largest value that the difference of two may be off by where both were unpacked in f64: two roundings each, and one more.
const ROUNDING: f64 = 3.0 * f64::EPSILON;

/// What is known of all values of a part of the samples before a plan is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) all_finite: bool,
}

impl Extent {
    pub(crate) const NOTHING: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY, all_finite: true };

    /// Adds the parts of whole samples, each to its own extent: little-endian numbers of a type, without those that are no values of their
    /// part.
    pub(crate) fn add_samples(
        extents: &mut [Self],
        (element, bytes): (ElementType, &[u8]),
        features: usize,
        missing: &[Missing],
    ) {
        let parts = extents.len();
        with_element!(element, T => {
            let values = <T as Element>::from_le(bytes);
            let size = if parts == 1 { values.len() } else { features / parts };
            for (index, values) in values.chunks_exact(size.max(1)).enumerate() {
                let part = index % parts;
                extents[part].add(values, &missing[part]);
            }
        });
    }

    /// Adds values but those that are none.
    fn add<T: Element>(&mut self, values: &[T], missing: &Missing) {
        if missing.is_any() {
            let present: Vec<T> = values.iter().copied().filter(|&value| missing.is_value(value)).collect();
            self.all_finite &= present.len() == values.len();
            return self.add(&present, &Missing::default());
        }
        let mut extent = *self;
        vectorised(
            #[inline(always)]
            || {
                for &value in values {
                    let finite = value.is_finite();
                    let value = value.to_f64();
                    let (low, high) = if finite { (value, value) } else { (f64::INFINITY, f64::NEG_INFINITY) };
                    extent.min = if low < extent.min { low } else { extent.min };
                    extent.max = if high > extent.max { high } else { extent.max };
                    extent.all_finite &= finite;
                }
            },
        );
        *self = extent;
    }

    /// Largest minus smallest finite value; 0 where there is none.
    pub(crate) fn range(&self) -> f64 {
        if self.max >= self.min { self.max - self.min } else { 0.0 }
    }
}

/// What the decoded data must satisfy, in the units of the data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Promise {
    /// Every value within this, for each part of a sample.
    Within(Vec<f64>),
    /// This mean of squared errors, each beside the scale of its part.
    MeanSquared { target: f64, scales: Vec<f64> },
    /// Every bit.
    Exact,
    /// Nothing.
    Nothing,
}

impl Promise {
    /// What a bound means for data of this type and these extents, one for each part of a sample.
    ///
    /// # Errors
    /// When a mean is relative to a range that no number holds, and when the bound is of each value by itself.
    pub(crate) fn of(bound: Bound, element: ElementType, extents: &[Extent]) -> Result<Self, CodecError> {
        if matches!(bound, Bound::Psnr(_))
            && let Some(&Extent { min, max, .. }) = extents.iter().find(|extent| !extent.range().is_finite())
        {
            return Err(CodecError::NoRange { bound: bound.to_string(), min, max });
        }
        // A range may be more than a number holds, and a part of it is not.
        let part_of = |fraction: f64, extent: &Extent| match fraction * extent.range() {
            part if part.is_finite() => part,
            _ => fraction * extent.max - fraction * extent.min,
        };
        Ok(match bound {
            Bound::Absolute(bound) => Self::Within(vec![bound; extents.len()]),
            Bound::Relative(fraction) => Self::Within(extents.iter().map(|extent| part_of(fraction, extent)).collect()),
            Bound::Psnr(decibels) => {
                Self::MeanSquared { target: 10f64.powf(-decibels / 10.0), scales: scales(element, extents) }
            }
            Bound::Pointwise(_) | Bound::SignificantBits(_) => return Err(CodecError::NeedsNoModel(bound.to_string())),
            Bound::Lossless => Self::Exact,
            Bound::None => Self::Nothing,
        })
    }
}

/// The size of the values of each part: their range, or that of bytes. Equal values have size 1.
pub(crate) fn scales(element: ElementType, extents: &[Extent]) -> Vec<f64> {
    let scale = |extent: &Extent| match element {
        ElementType::U8 => 255.0,
        _ if extent.range() > 0.0 && extent.range().is_finite() => extent.range(),
        _ => 1.0,
    };
    extents.iter().map(scale).collect()
}
