//! Numbers as HDF5 stores them, in either order of bytes.

use hdf5_reader::H5Type;
use hdf5_reader::error::{ByteOrder, Error};
use hdf5_reader::messages::datatype::Datatype;
use ndarray::ArrayD;

/// A number of so many bytes as it is stored, but little-endian: what unpacks and puts chunks together needs no more of a type, and is
/// compiled for each width alone.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Number<const N: usize>([u8; N]);

impl<const N: usize> H5Type for Number<N> {
    fn hdf5_type() -> Datatype {
        Datatype::FixedPoint { size: N as u8, signed: false, byte_order: ByteOrder::LittleEndian }
    }

    fn from_bytes(bytes: &[u8], kind: &Datatype) -> Result<Self, Error> {
        let mut bytes =
            *bytes.first_chunk().ok_or_else(|| Error::InvalidData(format!("a number of {N} bytes is cut off")))?;
        if is_big_endian(kind) {
            bytes.reverse();
        }
        Ok(Self(bytes))
    }

    fn element_size(_: &Datatype) -> usize {
        N
    }

    fn native_copy_compatible(kind: &Datatype) -> bool {
        !is_big_endian(kind)
    }

    fn decode_vec(raw: &[u8], kind: &Datatype, count: usize) -> Option<Result<Vec<Self>, Error>> {
        let numbers = raw.as_chunks::<N>().0.get(..count)?;
        let turned = |&number: &[u8; N]| {
            let mut number = number;
            number.reverse();
            Self(number)
        };
        Some(Ok(match is_big_endian(kind) {
            true => numbers.iter().map(turned).collect(),
            false => numbers.iter().map(|&number| Self(number)).collect(),
        }))
    }
}

pub(super) fn is_big_endian(kind: &Datatype) -> bool {
    matches!(
        kind,
        Datatype::FixedPoint { byte_order: ByteOrder::BigEndian, .. }
            | Datatype::FloatingPoint { byte_order: ByteOrder::BigEndian, .. }
    )
}

/// The bytes of numbers as they are stored, but little-endian.
pub(super) fn to_le<const N: usize>(numbers: &[Number<N>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(N * numbers.len());
    numbers.iter().for_each(|Number(number)| bytes.extend_from_slice(number));
    bytes
}

/// Those of an array.
pub(super) fn array_to_le<const N: usize>(array: &ArrayD<Number<N>>) -> Vec<u8> {
    array.as_slice().map_or_else(|| to_le(&array.iter().copied().collect::<Vec<_>>()), to_le)
}

/// Evaluates an expression for numbers of so many bytes.
macro_rules! with_width {
    ($element:expr, $name:ident => $work:expr) => {
        match $element.bytes() {
            1 => {
                type $name = $crate::hdf5::numbers::Number<1>;
                $work
            }
            2 => {
                type $name = $crate::hdf5::numbers::Number<2>;
                $work
            }
            4 => {
                type $name = $crate::hdf5::numbers::Number<4>;
                $work
            }
            _ => {
                type $name = $crate::hdf5::numbers::Number<8>;
                $work
            }
        }
    };
}

pub(super) use with_width;
