//! Arrays that are trained on where they lie, in blocks.

use std::error::Error;
use std::mem;
use std::ops::Range;

use enkoder::codec::{ElementType, SampleSource};
use enkoder::{SampleBlock, SampleReader, StoredDataset};

use super::Arrays;
use crate::error::{DataError, Place};

impl Arrays {
    /// The bytes that the samples, or the first of them, take in memory where they are read to be trained on.
    pub fn memory(&self, most: Option<usize>) -> u64 {
        let samples = self.samples.min(most.map_or(u64::MAX, |most| most as u64));
        let values = samples.saturating_mul(self.shape.iter().map(|&axis| axis as u64).product());
        values.saturating_mul(if self.are_bytes() { 1 } else { 4 })
    }

    /// The samples, or the first of them, to be read in blocks: bytes as they are, all else as 32-bit numbers, missing values as NaN.
    ///
    /// # Errors
    /// When there are more samples than a data set holds.
    pub fn into_stored(self, most: Option<usize>) -> Result<StoredDataset, DataError> {
        let all = usize::try_from(self.samples).unwrap_or(usize::MAX).min(most.unwrap_or(usize::MAX));
        let (name, shape, are_bytes) = (self.name.clone(), self.shape.clone(), self.are_bytes());
        StoredDataset::new(&name, all, shape, are_bytes, self)
            .map_err(|error| DataError::dataset(Place::source(&name), error))
    }

    /// Whether the values are bytes that mean what they say.
    pub(super) fn are_bytes(&self) -> bool {
        let plain = self.variables.iter().all(|variable| variable.conventions.are_plain());
        self.element() == ElementType::U8 && plain && self.original().is_none()
    }
}

impl SampleReader for Arrays {
    fn read(&mut self, samples: Range<usize>, block: &mut SampleBlock) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut bytes = mem::take(&mut self.bytes);
        self.read_into(samples.start as u64, samples.len(), &mut bytes)
            .map_err(|error| DataError::io("read", &self.name, error))?;
        match block {
            SampleBlock::U8(values) => values.extend_from_slice(&bytes),
            SampleBlock::F32(values) => self.convert(&bytes, values),
        }
        self.bytes = bytes;
        Ok(())
    }
}
