//! The numbers that array files hold, and how they become the values of a data set: bytes stay bytes, everything else is
//! converted to f32 as it is read.

use half::f16;

use crate::byte_source::ByteSource;
use crate::error::{DataError, Place, Position};

/// The type of one number in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

impl Element {
    /// The bytes of one number.
    pub fn size(self) -> u64 {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Appends `count` numbers, rounded to the nearest f64 where they are 64-bit integers.
    pub fn read_f64(
        self,
        source: &mut ByteSource,
        endian: Endian,
        count: usize,
        out: &mut Vec<f64>,
    ) -> Result<(), DataError> {
        self.read(source, endian, count, out, |value| value)
    }

    /// Appends `count` numbers, rounded to the nearest f32.
    pub fn read_f32(
        self,
        source: &mut ByteSource,
        endian: Endian,
        count: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), DataError> {
        self.read(source, endian, count, out, |value| value as f32)
    }

    fn read<T>(
        self,
        source: &mut ByteSource,
        endian: Endian,
        count: usize,
        out: &mut Vec<T>,
        convert: impl Fn(f64) -> T,
    ) -> Result<(), DataError> {
        macro_rules! numbers {
            ($type:ty, $widen:expr) => {{
                let widen = $widen;
                match endian {
                    Endian::Little => source.values(count, out, |b| convert(widen(<$type>::from_le_bytes(b)))),
                    Endian::Big => source.values(count, out, |b| convert(widen(<$type>::from_be_bytes(b)))),
                }
            }};
        }
        match self {
            Self::Bool | Self::U8 => numbers!(u8, |v: u8| f64::from(v)),
            Self::I8 => numbers!(i8, |v: i8| f64::from(v)),
            Self::U16 => numbers!(u16, |v: u16| f64::from(v)),
            Self::I16 => numbers!(i16, |v: i16| f64::from(v)),
            Self::U32 => numbers!(u32, |v: u32| f64::from(v)),
            Self::I32 => numbers!(i32, |v: i32| f64::from(v)),
            Self::U64 => numbers!(u64, |v: u64| v as f64),
            Self::I64 => numbers!(i64, |v: i64| v as f64),
            Self::F16 => numbers!(f16, |v: f16| v.to_f64()),
            Self::F32 => numbers!(f32, |v: f32| f64::from(v)),
            Self::F64 => numbers!(f64, |v: f64| v),
        }
    }
}

/// The nearest finite number of 16 bits to one that is finite; of an infinite one and a NaN the same.
pub(crate) fn narrowed(value: f32) -> f16 {
    if value.is_nan() {
        let bits = value.to_bits();
        let payload = (bits >> 13 & 0x03ff) as u16;
        return f16::from_bits((bits >> 16 & 0x8000) as u16 | 0x7c00 | if payload == 0 { 0x0200 } else { payload });
    }
    let most = f16::MAX.to_f32();
    f16::from_f32(if value.is_finite() { value.clamp(-most, most) } else { value })
}

/// Refuses a value that is infinite, or was too large for f32, with its row and feature.
pub(crate) fn check_finite(source: &ByteSource, values: &[f32], features: usize) -> Result<(), DataError> {
    infinite(values, 0, features, source.name()).map_or(Ok(()), Err)
}

/// The error that names the first infinite value, if there is one, of rows from number `first` on.
pub(crate) fn infinite(values: &[f32], first: usize, features: usize, name: &str) -> Option<DataError> {
    let index = values.iter().position(|value| value.is_infinite())?;
    Some(DataError::Infinite {
        place: Place { source: name.to_owned(), position: Position::Row((first + index / features) as u64) },
        feature: (index % features + 1).to_string(),
        value: values[index].into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(element: Element, endian: Endian, bytes: &[u8]) -> Vec<f32> {
        let mut source = ByteSource::from_bytes("test", bytes).unwrap();
        let mut values = Vec::new();
        let count = bytes.len() / element.size() as usize;
        element.read_f32(&mut source, endian, count, &mut values).unwrap();
        values
    }

    /// A number of 16 bits as one of 32; of a NaN all bits are kept, for hardware would change a signalling one.
    fn widened(half: f16) -> f32 {
        if !half.is_nan() {
            return half.to_f32();
        }
        let bits = u32::from(half.to_bits());
        f32::from_bits((bits & 0x8000) << 16 | 0x7f80_0000 | (bits & 0x03ff) << 13)
    }

    #[test]
    fn every_type_is_read_in_both_byte_orders() {
        use Element::*;
        use Endian::*;
        assert_eq!(read(Bool, Little, &[0, 1]), [0.0, 1.0]);
        assert_eq!(read(I8, Big, &[0xff, 0x7f]), [-1.0, 127.0]);
        assert_eq!(read(U16, Little, &[1, 2]), [513.0]);
        assert_eq!(read(I16, Big, &[0xff, 0xfe]), [-2.0]);
        assert_eq!(read(U32, Big, &[0, 1, 0, 0]), [65536.0]);
        assert_eq!(read(I32, Little, &[0xff; 4]), [-1.0]);
        assert_eq!(read(U64, Little, &[0xff; 8]), [18_446_744_073_709_551_615.0]);
        assert_eq!(read(I64, Big, &[0xff; 8]), [-1.0]);
        assert_eq!(read(F16, Little, &[0x00, 0x3c]), [1.0]);
        assert_eq!(read(F32, Big, &1.5f32.to_be_bytes()), [1.5]);
        assert_eq!(read(F64, Little, &(-2.25f64).to_le_bytes()), [-2.25]);
    }

    #[test]
    fn every_number_of_16_bits_comes_back_from_one_of_32() {
        for bits in 0..=u16::MAX {
            assert_eq!(narrowed(widened(f16::from_bits(bits))).to_bits(), bits);
        }
        assert_eq!(narrowed(70_000.0), f16::MAX, "a finite number stays finite");
        assert!(narrowed(f32::from_bits(0x7f80_0001)).is_nan());
    }

    #[test]
    fn an_infinite_value_is_refused_with_its_row_and_feature_and_a_missing_one_is_kept() {
        let source = ByteSource::from_bytes("test", &[]).unwrap();
        let error = check_finite(&source, &[1.0, f32::NAN, 2.0, f32::NEG_INFINITY], 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "test, row 2: the value of feature 2 is infinite, or outside of what 32-bit numbers hold"
        );
        assert!(check_finite(&source, &[1.0, f32::NAN], 2).is_ok());
    }
}
