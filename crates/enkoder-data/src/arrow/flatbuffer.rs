//! Flatbuffers (<https://flatbuffers.dev/internals/>) as far as Arrow's messages need them. Every position is checked before it is read.

use crate::{DataError, Place};

/// A table in the bytes of a message.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
}

pub(super) fn damaged() -> DataError {
    DataError::malformed(Place::default(), "a message of the Arrow file is damaged")
        .with_hint("copy or fetch it again, for it may have been cut off")
}

fn get<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], DataError> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().ok_or_else(damaged)
}

impl<'a> Table<'a> {
    /// The outermost table of a message.
    pub(super) fn root(bytes: &'a [u8]) -> Result<Self, DataError> {
        Self::follow(bytes, 0)
    }

    /// The table that the offset at a position leads to.
    fn follow(bytes: &'a [u8], at: usize) -> Result<Self, DataError> {
        let at = target(bytes, at)?;
        Ok(Self { bytes, at })
    }

    /// Where a field lies; none where it has its default.
    fn field(&self, slot: usize) -> Result<Option<usize>, DataError> {
        let back = i32::from_le_bytes(get(self.bytes, self.at)?);
        let vtable = i64::try_from(self.at).ok().and_then(|at| usize::try_from(at - i64::from(back)).ok());
        let vtable = vtable.ok_or_else(damaged)?;
        let length = u16::from_le_bytes(get(self.bytes, vtable)?);
        let entry = 4 + 2 * slot;
        if entry + 2 > usize::from(length) {
            return Ok(None);
        }
        let offset = u16::from_le_bytes(get(self.bytes, vtable + entry)?);
        Ok((offset != 0).then(|| self.at + usize::from(offset)))
    }

    fn value<const N: usize>(&self, slot: usize) -> Result<Option<[u8; N]>, DataError> {
        self.field(slot)?.map(|at| get(self.bytes, at)).transpose()
    }

    pub(super) fn i64(&self, slot: usize) -> Result<i64, DataError> {
        Ok(self.value(slot)?.map_or(0, i64::from_le_bytes))
    }

    pub(super) fn i32(&self, slot: usize, default: i32) -> Result<i32, DataError> {
        Ok(self.value(slot)?.map_or(default, i32::from_le_bytes))
    }

    pub(super) fn i16(&self, slot: usize, default: i16) -> Result<i16, DataError> {
        Ok(self.value(slot)?.map_or(default, i16::from_le_bytes))
    }

    pub(super) fn u8(&self, slot: usize) -> Result<u8, DataError> {
        Ok(self.value(slot)?.map_or(0, |[byte]| byte))
    }

    pub(super) fn table(&self, slot: usize) -> Result<Option<Self>, DataError> {
        self.field(slot)?.map(|at| Self::follow(self.bytes, at)).transpose()
    }

    pub(super) fn text(&self, slot: usize) -> Result<&'a str, DataError> {
        let (_, bytes) = self.vector(slot, 1)?;
        std::str::from_utf8(bytes).map_err(|_| damaged())
    }

    /// Structures of so many bytes each.
    pub(super) fn structures<const N: usize>(&self, slot: usize) -> Result<&'a [[u8; N]], DataError> {
        Ok(self.vector(slot, N)?.1.as_chunks().0)
    }

    pub(super) fn tables(&self, slot: usize) -> Result<Vec<Self>, DataError> {
        let (start, offsets) = self.vector(slot, 4)?;
        (0..offsets.len() / 4).map(|index| Self::follow(self.bytes, start + 4 * index)).collect()
    }

    /// A vector of elements of so many bytes, and where they begin; empty where it is not there.
    fn vector(&self, slot: usize, width: usize) -> Result<(usize, &'a [u8]), DataError> {
        let Some(at) = self.field(slot)? else { return Ok((0, &[])) };
        let at = target(self.bytes, at)?;
        let length = u32::from_le_bytes(get(self.bytes, at)?) as usize;
        let end = length.checked_mul(width).and_then(|bytes| bytes.checked_add(at + 4));
        let bytes = end.and_then(|end| self.bytes.get(at + 4..end));
        Ok((at + 4, bytes.ok_or_else(damaged)?))
    }
}

/// Where the offset at a position leads to.
fn target(bytes: &[u8], at: usize) -> Result<usize, DataError> {
    let offset = u32::from_le_bytes(get(bytes, at)?);
    at.checked_add(offset as usize).filter(|&to| to < bytes.len()).ok_or_else(damaged)
}
