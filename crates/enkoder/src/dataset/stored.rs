//! Samples that stay where they are stored. They are read in blocks, so that there may be more of them than memory holds.

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::DatasetError;
use crate::schema::Schema;

/// Why samples could not be read.
pub(crate) type ReadError = Box<dyn Error + Send + Sync>;

/// Some samples, row after row.
#[derive(Clone, Debug, PartialEq)]
pub enum SampleBlock {
    /// Bytes.
    U8(Vec<u8>),
    /// Numbers, of which NaN stands for a missing value.
    F32(Vec<f32>),
}

impl SampleBlock {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::F32(values) => values.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads samples from where they are stored.
pub trait SampleReader: Send {
    /// The samples in this range of numbers, whose end is never beyond the last sample. All blocks are of one type, and the
    /// same samples have the same values each time.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    fn read(&mut self, samples: Range<usize>) -> Result<SampleBlock, Box<dyn Error + Send + Sync>>;
}

/// Samples that stay where they are stored, u8 or f32, and are read in blocks. [`Recipe::split_stored`](crate::Recipe::split_stored)
/// prepares them for a training. Cloning is cheap: the reader is shared.
#[derive(Clone)]
pub struct StoredDataset {
    name: String,
    samples: usize,
    features: usize,
    shape: Vec<usize>,
    is_u8: bool,
    schema: Option<Arc<Schema>>,
    reader: Arc<Mutex<dyn SampleReader>>,
}

impl fmt::Debug for StoredDataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredDataset({:?}, {} samples of {:?})", self.name, self.samples, self.shape)
    }
}

impl StoredDataset {
    /// So many samples of this shape, whose values are bytes where `is_u8` says so, and numbers otherwise.
    ///
    /// # Errors
    /// When there are more samples than a data set holds, or a sample has more values than can be counted.
    pub fn new(
        name: impl Into<String>,
        samples: usize,
        shape: impl Into<Vec<usize>>,
        is_u8: bool,
        reader: impl SampleReader + 'static,
    ) -> Result<Self, DatasetError> {
        u32::try_from(samples).map_err(|_| DatasetError::TooMany(samples))?;
        let shape = shape.into();
        let features = shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
        let Some(features) = features.filter(|&features| features <= isize::MAX as usize / 4) else {
            return Err(DatasetError::Shape { shape, elements: usize::MAX, features: 0 });
        };
        let reader = Arc::new(Mutex::new(reader));
        Ok(Self { name: name.into(), samples, features, shape, is_u8, schema: None, reader })
    }

    /// The same samples as rows of a table with these columns.
    ///
    /// # Errors
    /// When the columns have other features.
    pub fn with_schema(mut self, schema: Schema) -> Result<Self, DatasetError> {
        if schema.features() != self.features {
            return Err(DatasetError::Schema { schema: schema.features(), features: self.features });
        }
        self.schema = Some(Arc::new(schema));
        Ok(self)
    }

    /// What the data is called in reports and messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.samples
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// The number of values of one sample.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The shape of one sample.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether the values are bytes.
    pub fn is_u8(&self) -> bool {
        self.is_u8
    }

    /// The table's columns, where the data is a table.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_deref()
    }

    /// The bytes that one sample takes in memory, at least 1.
    pub(crate) fn sample_bytes(&self) -> usize {
        (self.features * if self.is_u8 { 1 } else { 4 }).max(1)
    }

    /// The samples in this range.
    pub(crate) fn read(&self, samples: Range<usize>) -> Result<SampleBlock, ReadError> {
        let expected = samples.len() * self.features;
        let block = self.reader.lock().unwrap_or_else(PoisonError::into_inner).read(samples)?;
        if block.len() != expected || matches!(block, SampleBlock::U8(_)) != self.is_u8 {
            return Err(format!("the reader gave {} values of {expected}, or of another type", block.len()).into());
        }
        Ok(block)
    }
}
