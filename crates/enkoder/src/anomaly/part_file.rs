//! Saving and loading parts of detectors. The container is that of all models; its kind is `enkoder.detector-part`. What both sides saw
//! alike is written alike, whoever saw it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::choice::DetectorConfig;
use super::detector_file::DetectorFileError;
use super::part::{DetectorPart, PartColumn, UNKNOWN};
use crate::tensor_file::TensorFile;

const KIND: &str = "enkoder.detector-part";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Metadata {
    config: DetectorConfig,
    sample: usize,
    named: bool,
    columns: Vec<PartColumn>,
    rows: usize,
    infinite: usize,
    empty: usize,
    kept: usize,
}

impl DetectorPart {
    /// The bytes of its file.
    ///
    /// # Errors
    /// When it is too large for the format.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DetectorFileError> {
        let sorted = self.sorted();
        let columns = self.columns.iter().map(|column| {
            let mut words = column.words.clone();
            words.iter_mut().for_each(|words| words.sort_unstable());
            PartColumn { words, grew: column.grows(), ..column.clone() }
        });
        let metadata = Metadata {
            config: self.config.clone(),
            sample: self.most,
            named: self.named,
            columns: columns.collect(),
            rows: self.rows,
            infinite: self.infinite,
            empty: self.empty,
            kept: sorted.len(),
        };
        let copies: Vec<f32> = sorted.iter().map(|(_, copy)| *copy as f32).collect();
        let cells: Vec<f32> = sorted.into_iter().flat_map(|(row, _)| row).collect();
        let tensors = [
            ("cells".to_owned(), vec![copies.len(), self.columns.len()], &cells[..]),
            ("copies".to_owned(), vec![copies.len()], &copies[..]),
        ];
        Ok(TensorFile::to_bytes(KIND, VERSION, &metadata, tensors)?)
    }

    /// Reads a part.
    ///
    /// # Errors
    /// When the file cannot be read, is no part, is damaged, or was written by a newer version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DetectorFileError> {
        Self::from_file(TensorFile::load(path.as_ref(), KIND, VERSION)?)
    }

    /// Reads a part from the bytes of its file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DetectorFileError> {
        Self::from_file(TensorFile::from_bytes(bytes, KIND, VERSION)?)
    }

    fn from_file(mut file: TensorFile) -> Result<Self, DetectorFileError> {
        let metadata: Metadata = file.metadata()?;
        let Metadata { config, sample, named, mut columns, rows, infinite, empty, kept } = metadata;
        let mut part = Self::new(&config, sample).map_err(DetectorFileError::Options)?;
        let sound = |&(low, high): &(f32, f32)| low <= high && low.is_finite() && high.is_finite();
        if kept > rows || !columns.iter().filter_map(|column| column.extent.as_ref()).all(sound) {
            return Err(DetectorFileError::Damaged("count of rows or range of a column"));
        }
        let cells = file.take_where("cells", &[kept, columns.len()], |cell| !cell.is_infinite())?;
        let copies = file.take_where("copies", &[kept], |copy| copy >= 0.0 && copy.fract() == 0.0)?;
        columns.iter_mut().for_each(PartColumn::hash_words);
        let known = |(cell, column): (&f32, &PartColumn)| match &column.words {
            None => true,
            Some(words) => cell.is_nan() || cell.fract() == 0.0 && (UNKNOWN..words.len() as f32).contains(cell),
        };
        if columns.is_empty() {
            return Ok(part);
        }
        if !cells.chunks_exact(columns.len()).all(|row| row.iter().zip(&columns).all(known)) {
            return Err(DetectorFileError::Damaged("words of the rows"));
        }
        part.begin(columns, named);
        for (row, copy) in cells.chunks_exact(part.columns.len()).zip(copies) {
            let content = part.content(row);
            part.draw.take(row, &content, copy as u32);
        }
        (part.rows, part.infinite, part.empty) = (rows, infinite, empty);
        Ok(part)
    }
}
