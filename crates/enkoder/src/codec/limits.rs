//! What is put right in an array once it has been decoded, so that it is what was asked for: least and largest values, what is missing, and
//! whatever else steps and masks do not keep.

use super::bytes::{Reader, put_unsigned};
use super::element::{Element, ElementType};
use super::entropy::Corrupt;
use super::kept::Demand;
use super::part::Request;

/// What is put right in an array once it has been decoded: values that lie a little beyond the least and the largest become these, and the
/// places of others that must be as they were are listed.
pub(crate) struct Limits<T> {
    /// Values from the first to the second become the second.
    low: [T; 2],
    /// Values from the first to the second become the first.
    high: [T; 2],
    pub(crate) places: Vec<(usize, T)>,
}

impl<T: Element> Limits<T> {
    /// What must be put right in an array, which is done.
    pub(crate) fn of(values: &[T], decoded: &mut [T], request: &Request<'_>) -> Self {
        let Demand { missing, exact, .. } = request.demand;
        let mut limits = Self { low: [T::from_bits(0); 2], high: [T::from_bits(0); 2], places: Vec::new() };
        if exact.extremes || missing.has_limits() {
            let pairs = || values.iter().copied().zip(decoded.iter().copied());
            let present = || pairs().filter(|(value, _)| missing.is_value(*value));
            let least = |a: T, b: T| if b < a { b } else { a };
            let largest = |a: T, b: T| if b > a { b } else { a };
            let none = T::from_bits(0);
            let min = present().map(|(value, _)| value).reduce(least).unwrap_or(none);
            let max = present().map(|(value, _)| value).reduce(largest).unwrap_or(none);
            let lowest = present().map(|(_, decoded)| decoded).fold(min, least);
            let highest = present().map(|(_, decoded)| decoded).fold(max, largest);
            // What is no value must stay as it is: where more of such would move than of values that must, none is moved.
            let is_worth = |is_moved: &dyn Fn(T) -> bool| {
                let moved = || pairs().filter(|(_, decoded)| is_moved(*decoded));
                let must = |&(value, decoded): &(T, T)| {
                    missing.is_value(value) && (exact.extremes || !missing.is_inside(decoded))
                };
                moved().filter(must).count() > moved().filter(|(value, _)| !missing.is_value(*value)).count()
            };
            let low = if is_worth(&|decoded| decoded >= lowest && decoded < min) { lowest } else { min };
            let high = if is_worth(&|decoded| decoded > max && decoded <= highest) { highest } else { max };
            (limits.low, limits.high) = ([low, min], [max, high]);
        }
        limits.apply(decoded);
        for (index, (&value, to)) in values.iter().zip(&mut *decoded).enumerate() {
            if !request.demand.is_met(request.regions.get(index).copied().unwrap_or(0), value, *to) {
                *to = value;
                limits.places.push((index, value));
            }
        }
        limits
    }

    /// Whether an array is another with them.
    pub(crate) fn do_anything(&self) -> bool {
        self.low[0] < self.low[1] || self.high[0] < self.high[1] || !self.places.is_empty()
    }

    pub(crate) fn apply(&self, values: &mut [T]) {
        let ([lowest, min], [max, highest]) = (self.low, self.high);
        for value in &mut *values {
            if *value >= lowest && *value < min {
                *value = min;
            } else if *value <= highest && *value > max {
                *value = max;
            }
        }
        for &(place, value) in &self.places {
            values[place] = value;
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = T::to_le(&[self.low, self.high].concat());
        put_unsigned(&mut bytes, self.places.len() as u64);
        let mut next = 0;
        for &(place, value) in &self.places {
            put_unsigned(&mut bytes, (place - next) as u64);
            bytes.extend(T::to_le(&[value]));
            next = place + 1;
        }
        bytes
    }

    pub(crate) fn read(reader: &mut Reader<'_>, shape: &[usize]) -> Result<Self, Corrupt> {
        let [a, b, c, d] =
            [bits(reader, T::TYPE)?, bits(reader, T::TYPE)?, bits(reader, T::TYPE)?, bits(reader, T::TYPE)?];
        let [low, high] = [[a, b], [c, d]].map(|pair| pair.map(T::from_bits));
        let count: usize = shape.iter().product();
        let number = |reader: &mut Reader<'_>, most| reader.up_to(most, "a place").map_err(|_| Corrupt);
        let (mut places, mut next) = (Vec::new(), 0);
        for _ in 0..number(reader, reader.remaining())? {
            let place = next + number(reader, count.checked_sub(next + 1).ok_or(Corrupt)?)?;
            places.push((place, T::from_bits(bits(reader, T::TYPE)?)));
            next = place + 1;
        }
        Ok(Self { low, high, places })
    }
}

/// The bits of a value of a type.
pub(crate) fn bits(reader: &mut Reader<'_>, element: ElementType) -> Result<u64, Corrupt> {
    let bytes = reader.take(element.bytes(), "a value").map_err(|_| Corrupt)?;
    Ok(bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte)))
}
