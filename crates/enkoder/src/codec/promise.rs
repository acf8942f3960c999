//! What a bound means for given data: what every decoded value, or all of them together, must satisfy.

use super::bound::Bound;
use super::element::{Element, ElementType, with_element};
use super::error::CodecError;
use super::missing::Missing;
use crate::network::vectorised::vectorised;

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
    /// When the bound is relative to a range that no number holds, or bounds each value by itself.
    pub(crate) fn of(bound: Bound, element: ElementType, extents: &[Extent]) -> Result<Self, CodecError> {
        if matches!(bound, Bound::Relative(_) | Bound::Psnr(_))
            && let Some(extent) = extents.iter().find(|extent| !extent.range().is_finite())
        {
            return Err(CodecError::NoRange { bound: bound.to_string(), value: extent.max });
        }
        Ok(match bound {
            Bound::Absolute(bound) => Self::Within(vec![bound; extents.len()]),
            Bound::Relative(fraction) => Self::Within(extents.iter().map(|extent| fraction * extent.range()).collect()),
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
