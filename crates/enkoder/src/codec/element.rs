//! The kinds of number that the codec takes, each with its exact images: raw bits, an integer in the order of the values, and
//! the nearest value to a prediction. Only conversions that IEEE 754 defines to the last bit are used.

use std::fmt;
use std::str::FromStr;

use half::f16;

use super::error::CodecError;

/// Evaluates an expression with a name for the type of numbers that an [`ElementType`] is.
macro_rules! with_element {
    ($element:expr, $name:ident => $work:expr) => {
        with_element!(@ $element, $name => $work;
            U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, U64 u64, I64 i64, F16 half::f16, F32 f32, F64 f64)
    };
    (@ $element:expr, $name:ident => $work:expr; $($kind:ident $type:ty),*) => {
        match $element {$(
            $crate::codec::ElementType::$kind => {
                type $name = $type;
                $work
            }
        )*}
    };
}
pub(crate) use with_element;

/// The type of a number in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ElementType {
    /// Bytes.
    U8 = 1,
    /// Signed bytes.
    I8 = 2,
    /// Unsigned 16-bit integers.
    U16 = 3,
    /// Signed 16-bit integers.
    I16 = 4,
    /// Unsigned 32-bit integers.
    U32 = 5,
    /// Signed 32-bit integers.
    I32 = 6,
    /// Unsigned 64-bit integers.
    U64 = 7,
    /// Signed 64-bit integers.
    I64 = 8,
    /// 32-bit floating point.
    F32 = 9,
    /// 64-bit floating point.
    F64 = 10,
    /// 16-bit floating point.
    F16 = 11,
}

impl ElementType {
    /// All types, in the order of their numbers in files.
    pub const ALL: [Self; 11] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::U64,
        Self::I64,
        Self::F32,
        Self::F64,
        Self::F16,
    ];

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Whether it is a floating-point type.
    pub fn is_float(self) -> bool {
        self.digits().is_some()
    }

    /// Significant bits of a floating-point number.
    pub(crate) fn digits(self) -> Option<i32> {
        match self {
            Self::F16 => Some(11),
            Self::F32 => Some(24),
            Self::F64 => Some(53),
            _ => None,
        }
    }

    /// The name used in commands: `u8`, `f32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Appends the nearest f32 of each number of this type, which are given as little-endian bytes.
    pub fn extend_f32(self, bytes: &[u8], numbers: &mut Vec<f32>) {
        with_element!(self, T => {
            let values = bytes.as_chunks::<{ size_of::<T>() }>().0;
            numbers.extend(values.iter().map(|&value| Element::to_f32(T::from_le_bytes(value))));
        });
    }

    /// Little-endian bytes of numbers of this type as the nearest f64.
    pub fn to_f64(self, bytes: &[u8]) -> Vec<f64> {
        with_element!(self, T => <T as Element>::from_le(bytes).into_iter().map(Element::to_f64).collect())
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|element| *element as u8 == number)
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ElementType {
    type Err = CodecError;

    fn from_str(name: &str) -> Result<Self, CodecError> {
        Self::ALL
            .into_iter()
            .find(|element| element.name() == name)
            .ok_or_else(|| CodecError::UnknownElement(name.to_owned()))
    }
}

/// A number of an array.
pub trait Element: Copy + Send + Sync + PartialOrd + fmt::Debug + 'static {
    /// Its type.
    const TYPE: ElementType;
    /// The nearest f64.
    fn to_f64(self) -> f64;
    /// The nearest f32.
    fn to_f32(self) -> f32;
    /// The nearest value to `value`; saturates where the type ends.
    fn from_f64(value: f64) -> Self;
    /// Its bytes as an unsigned number.
    fn to_bits(self) -> u64;
    /// The number with these bits; higher ones are ignored.
    fn from_bits(bits: u64) -> Self;
    /// Numbers from their little-endian bytes; bytes that make no whole number at the end are ignored.
    fn from_le(bytes: &[u8]) -> Vec<Self>;
    /// The little-endian bytes of numbers.
    fn to_le(values: &[Self]) -> Vec<u8>;
    /// An integer that orders as the values do: neighbours differ by 1.
    fn to_ordered(self) -> i64;
    /// The inverse of [`to_ordered`](Self::to_ordered); wraps where the type ends.
    fn from_ordered(ordered: i64) -> Self;
    /// Whether `other` is at most `bound` away; false for NaN.
    fn within(self, other: Self, bound: f64) -> bool;
    /// Whether it is an ordinary number: neither NaN nor infinite.
    fn is_finite(self) -> bool;
}

macro_rules! integer {
    ($($type:ident $unsigned:ident $kind:ident $signed:expr),*) => {$(
        impl Element for $type {
            const TYPE: ElementType = ElementType::$kind;
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn to_f32(self) -> f32 {
                self as f32
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value.round() as Self
            }
            #[inline(always)]
            fn to_bits(self) -> u64 {
                u64::from(self as $unsigned)
            }
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                bits as Self
            }
            fn from_le(bytes: &[u8]) -> Vec<Self> {
                bytes.as_chunks::<{ size_of::<Self>() }>().0.iter().map(|&bytes| Self::from_le_bytes(bytes)).collect()
            }
            fn to_le(values: &[Self]) -> Vec<u8> {
                values.iter().map(|value| value.to_le_bytes()).collect::<Vec<_>>().into_flattened()
            }
            #[inline(always)]
            fn to_ordered(self) -> i64 {
                if $signed { self as i64 } else { (self as u64 ^ (1 << 63)) as i64 }
            }
            #[inline(always)]
            fn from_ordered(ordered: i64) -> Self {
                if $signed { ordered as Self } else { (ordered as u64 ^ (1 << 63)) as Self }
            }
            #[inline(always)]
            fn within(self, other: Self, bound: f64) -> bool {
                self.abs_diff(other) as f64 <= bound
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                true
            }
        }
    )*};
}

integer!(
    u8 u8 U8 false, i8 u8 I8 true, u16 u16 U16 false, i16 u16 I16 true, u32 u32 U32 false, i32 u32 I32 true,
    u64 u64 U64 false, i64 u64 I64 true
);

macro_rules! float {
    ($($type:ident $bits:ident $signed:ident $kind:ident),*) => {$(
        impl Element for $type {
            const TYPE: ElementType = ElementType::$kind;
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn to_f32(self) -> f32 {
                self as f32
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as Self
            }
            #[inline(always)]
            fn to_bits(self) -> u64 {
                u64::from(self.to_bits())
            }
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                Self::from_bits(bits as $bits)
            }
            fn from_le(bytes: &[u8]) -> Vec<Self> {
                bytes.as_chunks::<{ size_of::<Self>() }>().0.iter().map(|&bytes| Self::from_le_bytes(bytes)).collect()
            }
            fn to_le(values: &[Self]) -> Vec<u8> {
                values.iter().map(|value| value.to_le_bytes()).collect::<Vec<_>>().into_flattened()
            }
            #[inline(always)]
            fn to_ordered(self) -> i64 {
                let bits = self.to_bits() as $signed;
                i64::from(bits ^ (((bits >> ($bits::BITS - 1)) as $bits) >> 1) as $signed)
            }
            #[inline(always)]
            fn from_ordered(ordered: i64) -> Self {
                let bits = ordered as $signed;
                Self::from_bits((bits ^ (((bits >> ($bits::BITS - 1)) as $bits) >> 1) as $signed) as $bits)
            }
            #[inline(always)]
            fn within(self, other: Self, bound: f64) -> bool {
                (f64::from(self) - f64::from(other)).abs() <= bound
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                Self::is_finite(self)
            }
        }
    )*};
}

float!(f32 u32 i32 F32, f64 u64 i64 F64);

/// Converted here and not by the crate: it asks hardware, which rounds twice on some machines.
impl Element for f16 {
    const TYPE: ElementType = ElementType::F16;
    #[inline(always)]
    fn to_f64(self) -> f64 {
        let bits = u64::from(f16::to_bits(self));
        // The exponents of f64 reach 1008 farther down.
        let size = f64::from_bits((bits & 0x7fff) << 42) * f64::from_bits((1023 + 1008) << 52);
        let size = match bits & 0x7fff {
            ..=0x7bff => size,
            0x7c00 => f64::INFINITY,
            _ => f64::NAN,
        };
        if bits & 0x8000 == 0 { size } else { -size }
    }
    #[inline(always)]
    fn to_f32(self) -> f32 {
        Element::to_f64(self) as f32
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        let sign = (value.to_bits() >> 48) as u16 & 0x8000;
        let exponent = ((value.to_bits() >> 52 & 0x7ff) as i64 - 1023).clamp(-14, 16);
        // Adding and subtracting what leaves room for 11 bits rounds to the nearest, halves to even.
        let room = f64::from_bits(((1023 + 52 - 10 + exponent) as u64) << 52);
        let size = (value.abs() + room) - room;
        f16::from_bits(
            sign | match size {
                size if size.is_nan() => 0x7e00,
                size if size >= 65536.0 => 0x7c00,
                size if size < 6.103515625e-5 => (size * 16777216.0) as u16,
                size => ((size.to_bits() >> 42) - (1008 << 10)) as u16,
            },
        )
    }
    #[inline(always)]
    fn to_bits(self) -> u64 {
        f16::to_bits(self).into()
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        f16::from_bits(bits as u16)
    }
    fn from_le(bytes: &[u8]) -> Vec<Self> {
        bytes.as_chunks::<2>().0.iter().map(|&bytes| f16::from_le_bytes(bytes)).collect()
    }
    fn to_le(values: &[Self]) -> Vec<u8> {
        values.iter().map(|value| value.to_le_bytes()).collect::<Vec<_>>().into_flattened()
    }
    #[inline(always)]
    fn to_ordered(self) -> i64 {
        let bits = f16::to_bits(self) as i16;
        i64::from(bits ^ (((bits >> 15) as u16) >> 1) as i16)
    }
    #[inline(always)]
    fn from_ordered(ordered: i64) -> Self {
        let bits = ordered as i16;
        f16::from_bits((bits ^ (((bits >> 15) as u16) >> 1) as i16) as u16)
    }
    #[inline(always)]
    fn within(self, other: Self, bound: f64) -> bool {
        (Element::to_f64(self) - Element::to_f64(other)).abs() <= bound
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        f16::is_finite(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_and_order_give_every_value_back(bits: u64) {
            fn check<T: Element>(bits: u64) {
                let value = T::from_bits(bits);
                assert_eq!(T::from_ordered(value.to_ordered()).to_bits(), value.to_bits());
                assert_eq!(T::from_bits(value.to_bits()).to_bits(), value.to_bits());
            }
            check::<u8>(bits);
            check::<i16>(bits);
            check::<u32>(bits);
            check::<i64>(bits);
            check::<u64>(bits);
            check::<f16>(bits);
            check::<f32>(bits);
            check::<f64>(bits);
        }

        #[test]
        fn order_is_the_order_of_the_values(a: f32, b: f32, c: u64, d: u64) {
            if a < b {
                prop_assert!(a.to_ordered() < b.to_ordered());
            }
            prop_assert_eq!(c.cmp(&d), Element::to_ordered(c).cmp(&Element::to_ordered(d)));
        }
    }

    #[test]
    fn names_are_read_back() {
        for element in ElementType::ALL {
            assert_eq!(element.name().parse::<ElementType>().unwrap(), element);
            assert_eq!(ElementType::from_number(element as u8), Some(element));
        }
        assert!("f17".parse::<ElementType>().is_err());
    }

    #[test]
    fn halves_are_converted_to_the_nearest() {
        let value = |bits: u16| Element::to_f64(f16::from_bits(bits));
        for bits in 0..=u16::MAX {
            let half = f16::from_bits(bits);
            if half.is_nan() {
                assert!(value(bits).is_nan());
                continue;
            }
            assert_eq!(value(bits).to_bits(), half.to_f64_const().to_bits());
            assert_eq!(<f16 as Element>::from_f64(value(bits)).to_bits(), half.to_bits());
            if bits & 0x7fff < 0x7bff {
                let (low, high) = (value(bits), value(bits + 1));
                let middle = 0.5 * (low + high);
                let even = if bits & 1 == 0 { low } else { high };
                for (between, nearest) in
                    [(middle, even), (middle + (low - high) * 1e-9, low), (middle + (high - low) * 1e-9, high)]
                {
                    assert_eq!(Element::to_f64(<f16 as Element>::from_f64(between)), nearest, "{between:e}");
                }
            }
        }
        for (from, to) in
            [(65519.9, 65504.0), (65520.0, f64::INFINITY), (1e300, f64::INFINITY), (-f64::INFINITY, -f64::INFINITY)]
        {
            assert_eq!(Element::to_f64(<f16 as Element>::from_f64(from)), to);
        }
        assert!(<f16 as Element>::from_f64(f64::NAN).is_nan());
    }
}
