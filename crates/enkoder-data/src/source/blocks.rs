//! Data that is trained on in blocks, because it may be larger than memory: arrays where they lie, and tables once they are
//! converted.

use enkoder::StoredDataset;

use super::converted::{Converted, convert};
use super::{Format, ReadOptions, Source};
use crate::error::{DataError, Place};
use crate::input::{Input, is_file};

/// CSV writes a number and what follows it in about so many bytes, at least, and memory holds it in 4.
const CSV_BYTES_PER_NUMBER: u64 = 8;

/// Data that is read in blocks.
#[derive(Debug)]
#[non_exhaustive]
pub struct InBlocks {
    /// The samples.
    pub data: StoredDataset,
    /// What they were converted to, where they are not read as they are.
    pub converted: Option<Converted>,
}

impl Source {
    /// Opens data to be read in blocks: NPY, NetCDF, HDF5 and raw arrays where they lie. A table (CSV, Arrow, or Parquet in one file or several) is passed over twice, to
    /// learn its columns and to write its numbers to the [cache folder](crate::openml::default_cache_folder), unless they lie there from
    /// before.
    ///
    /// # Errors
    /// When the data cannot be read, is of a kind that is only read whole, or the cache cannot be written.
    pub fn open_in_blocks(&self, options: &ReadOptions) -> Result<InBlocks, DataError> {
        if let Some(arrays) = self.open_arrays(options)? {
            let data = arrays.with_name(self.short_name()).into_stored(options.samples)?;
            return Ok(InBlocks { data, converted: None });
        }
        let is_table = match self {
            Self::File { path, part: None } => {
                matches!(Format::of(path)?, Format::Csv | Format::Parquet | Format::Arrow)
            }
            _ => self.parts()?.is_some(),
        };
        if !is_table {
            let why = "is read whole, and cannot be read in blocks";
            return Err(DataError::unsuitable(Place::source(self.to_string()), why)
                .with_hint("write it as NPY, Parquet or CSV"));
        }
        let (data, converted) = convert(self, &ReadOptions { table: options.of_table(), ..options.clone() })?;
        Ok(InBlocks { data, converted: Some(converted) })
    }

    /// About how many bytes the data takes in memory when it is read to be trained on; none where that shows only once it is read.
    ///
    /// # Errors
    /// When the data cannot be opened.
    pub fn memory(&self, options: &ReadOptions) -> Result<Option<u64>, DataError> {
        let format = match self {
            Self::File { path, .. } if options.arrays.raw.is_none() && is_file(path) => Some(Format::of(path)?),
            _ => None,
        };
        // Arrays in an archive are unpacked to be looked at.
        if format == Some(Format::Npz) {
            return Ok(None);
        }
        if let Some(arrays) = self.open_arrays(options)? {
            return Ok(Some(arrays.memory(options.samples)));
        }
        let (Self::File { path, .. }, Some(Format::Csv), None) = (self, format, options.samples) else {
            return Ok(None);
        };
        let length = Input::open(path)?.length().map_err(|source| DataError::io("read", path, source))?;
        Ok(length.map(|length| length / CSV_BYTES_PER_NUMBER * 4))
    }
}
