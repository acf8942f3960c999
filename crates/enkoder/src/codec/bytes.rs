//! Reading and writing the small parts of a file: fixed and variable-length numbers. A reader knows where it stands, so that
//! every complaint names the byte, and nothing is allocated for a length that the bytes at hand could not fill.

use super::error::CodecError;

/// A place in bytes that are read as hostile.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Where the bytes begin in the file.
    origin: u64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], origin: u64) -> Self {
        Self { bytes, position: 0, origin }
    }

    pub(crate) fn damaged(&self, what: impl Into<String>) -> CodecError {
        CodecError::Damaged { offset: self.origin + self.position as u64, what: what.into() }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    pub(crate) fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], CodecError> {
        if count > self.remaining() {
            return Err(self.damaged(format!("{what} needs {count} bytes, but {} are left", self.remaining())));
        }
        let taken = &self.bytes[self.position..self.position + count];
        self.position += count;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], CodecError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, CodecError> {
        Ok(self.array::<1>(what)?[0])
    }

    pub(crate) fn f64(&mut self, what: &'static str) -> Result<f64, CodecError> {
        Ok(f64::from_le_bytes(self.array(what)?))
    }

    /// LEB128: seven bits a byte, low ones first.
    pub(crate) fn unsigned(&mut self, what: &'static str) -> Result<u64, CodecError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8(what)?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.damaged(format!("{what} is no number below 2^64")))
    }

    /// A number of at most `most`.
    pub(crate) fn up_to(&mut self, most: usize, what: &'static str) -> Result<usize, CodecError> {
        let value = self.unsigned(what)?;
        usize::try_from(value)
            .ok()
            .filter(|&value| value <= most)
            .ok_or_else(|| self.damaged(format!("{what} is {value}, more than {most}")))
    }

    /// Zigzag: 0, −1, 1, −2 …
    pub(crate) fn signed(&mut self, what: &'static str) -> Result<i64, CodecError> {
        let value = self.unsigned(what)?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(crate) fn finish(&self, what: &'static str) -> Result<(), CodecError> {
        if self.remaining() > 0 {
            return Err(self.damaged(format!("{} bytes too many in {what}", self.remaining())));
        }
        Ok(())
    }
}

/// Appends LEB128.
pub(crate) fn put_unsigned(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Appends a zigzag LEB128.
pub(crate) fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put_unsigned(bytes, (value << 1 ^ value >> 63) as u64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(unsigned: u64, signed: i64) {
            let mut bytes = Vec::new();
            put_unsigned(&mut bytes, unsigned);
            put_signed(&mut bytes, signed);
            let mut reader = Reader::new(&bytes, 0);
            prop_assert_eq!(reader.unsigned("a").unwrap(), unsigned);
            prop_assert_eq!(reader.signed("b").unwrap(), signed);
            reader.finish("c").unwrap();
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes, 0);
            while reader.remaining() > 0 && reader.unsigned("a").is_ok() {}
        }
    }
}
