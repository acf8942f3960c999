//! Which numbers of an array are values, and which stand for a missing one. Neither may become the other, whatever the bound.

use super::element::{Element, ElementType, with_element};
use super::samples::SampleSource;

/// Kinds of missing numbers that are counted at most; more are kept just as well, but none of them gets a mask.
const COUNTED: usize = 64;

/// What is known of the numbers of one variable.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Missing {
    /// Numbers that stand for a missing value, as the type holds them.
    codes: Vec<f64>,
    /// The least and the largest number that can be a value, where they are known.
    valid: Option<(f64, f64)>,
}

/// Bits that stand for a missing value, how many numbers have them, and the first that has.
pub(crate) struct Found {
    pub(crate) bits: u64,
    pub(crate) count: usize,
    pub(crate) first: usize,
}

impl Missing {
    /// Where all numbers are values.
    pub(crate) const NONE: Self = Self { codes: Vec::new(), valid: None };

    /// What a source says of each part of its samples.
    pub(crate) fn of(source: &dyn SampleSource) -> Vec<Self> {
        let element = source.element();
        let codes: Vec<f64> = source.missing().into_iter().filter_map(|code| held(element, code)).collect();
        let valid = source.valid();
        let of_part = |part| Self { codes: codes.clone(), valid: valid.get(part).copied().flatten() };
        (0..source.layout().parts()).map(of_part).collect()
    }

    /// Whether anything is known.
    pub(crate) fn is_any(&self) -> bool {
        !self.codes.is_empty() || self.valid.is_some()
    }

    pub(crate) fn has_limits(&self) -> bool {
        self.valid.is_some()
    }

    /// Whether a number lies between the least and the largest that can be a value.
    #[inline(always)]
    pub(crate) fn is_inside<T: Element>(&self, number: T) -> bool {
        let number = number.to_f64();
        self.valid.is_none_or(|(low, high)| number >= low && number <= high)
    }

    #[inline(always)]
    fn is_code<T: Element>(&self, number: T) -> bool {
        let number = number.to_f64();
        self.codes.iter().fold(false, |is, &code| is | (code == number))
    }

    /// Whether a number is a value.
    #[inline(always)]
    pub(crate) fn is_value<T: Element>(&self, number: T) -> bool {
        number.is_finite() && !self.is_code(number) && self.is_inside(number)
    }

    /// Whether what was decoded is missing only where the original is. What stands for a missing value must come back bit for bit. Numbers
    /// beyond the limits stay there.
    #[inline(always)]
    pub(crate) fn is_kept<T: Element>(&self, number: T, decoded: T) -> bool {
        number.to_bits() == decoded.to_bits()
            || (decoded.is_finite()
                && !self.is_code(number)
                && !self.is_code(decoded)
                && self.is_inside(number) == self.is_inside(decoded))
    }

    /// What stands for missing values among numbers.
    pub(crate) fn among<T: Element>(&self, numbers: &[T]) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        if self.codes.is_empty() {
            return found;
        }
        for (first, &number) in numbers.iter().enumerate().filter(|(_, number)| self.is_code(**number)) {
            let bits = number.to_bits();
            match found.iter().position(|found| found.bits == bits) {
                Some(known) => found[known].count += 1,
                None if found.len() < COUNTED => found.push(Found { bits, count: 1, first }),
                None => {}
            }
        }
        found
    }
}

/// A number as a type holds it; none where it has no such integer, and for NaN, which is missing anyway.
fn held(element: ElementType, number: f64) -> Option<f64> {
    let held = with_element!(element, T => Element::to_f64(<T as Element>::from_f64(number)));
    (held == number || (element.is_float() && !held.is_nan())).then_some(held)
}
