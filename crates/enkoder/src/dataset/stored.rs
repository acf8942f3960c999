//! Samples that stay where they are stored. They are read in blocks, so that there may be more of them than memory holds.

use std::error::Error;
use std::fmt;
use std::mem;
use std::ops::Range;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Dataset, DatasetError};
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

    /// Sample `index` as numbers.
    pub(crate) fn copy_row(&self, index: usize, row: &mut [f32]) {
        let place = index * row.len()..(index + 1) * row.len();
        match self {
            Self::U8(values) => row.iter_mut().zip(&values[place]).for_each(|(to, &from)| *to = f32::from(from)),
            Self::F32(values) => row.copy_from_slice(&values[place]),
        }
    }

    /// Takes all values out; their memory stays.
    pub(crate) fn clear(&mut self) {
        match self {
            Self::U8(values) => values.clear(),
            Self::F32(values) => values.clear(),
        }
    }

    /// Appends a range of the values of a block of the same type.
    pub(crate) fn extend(&mut self, block: &Self, range: Range<usize>) {
        match (self, block) {
            (Self::U8(to), Self::U8(from)) => to.extend_from_slice(&from[range]),
            (Self::F32(to), Self::F32(from)) => to.extend_from_slice(&from[range]),
            _ => unreachable!("all blocks of a data set are of one type"),
        }
    }

    /// Keeps, of the values from number `first` on, only those in these ranges.
    pub(crate) fn keep(&mut self, first: usize, ranges: impl Iterator<Item = Range<usize>>) {
        fn keep<T: Copy>(values: &mut Vec<T>, first: usize, ranges: impl Iterator<Item = Range<usize>>) {
            let mut end = first;
            for range in ranges {
                let kept = range.len();
                values.copy_within(range, end);
                end += kept;
            }
            values.truncate(end);
        }
        match self {
            Self::U8(values) => keep(values, first, ranges),
            Self::F32(values) => keep(values, first, ranges),
        }
    }
}

/// Samples in memory that is wanted back.
struct Lent {
    samples: SampleBlock,
    home: Option<SyncSender<SampleBlock>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        match &self.samples {
            SampleBlock::U8(values) => values,
            SampleBlock::F32(_) => &[],
        }
    }
}

impl AsRef<[f32]> for Lent {
    fn as_ref(&self) -> &[f32] {
        match &self.samples {
            SampleBlock::U8(_) => &[],
            SampleBlock::F32(values) => values,
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            // At the end of a training nobody wants it.
            let _ = home.try_send(mem::replace(&mut self.samples, SampleBlock::U8(Vec::new())));
        }
    }
}

/// Reads samples from where they are stored.
pub trait SampleReader: Send {
    /// Appends the samples in this range of numbers to `block`, which is of the type of the data set. The end of the range is never
    /// beyond the last sample. The same samples have the same values each time.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    fn read(&mut self, samples: Range<usize>, block: &mut SampleBlock) -> Result<(), Box<dyn Error + Send + Sync>>;
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

    /// A block with room for so many samples.
    pub(crate) fn block(&self, samples: usize) -> SampleBlock {
        let values = samples * self.features;
        match self.is_u8 {
            true => SampleBlock::U8(Vec::with_capacity(values)),
            false => SampleBlock::F32(Vec::with_capacity(values)),
        }
    }

    /// Samples of this data set in memory, which goes `home` when nobody looks at them any more.
    pub(crate) fn dataset(
        &self,
        samples: SampleBlock,
        home: Option<SyncSender<SampleBlock>>,
    ) -> Result<Dataset, DatasetError> {
        let lent = Lent { samples, home };
        let dataset = match self.is_u8 {
            true => Dataset::from_shared::<u8>(self.name(), lent, self.features)?,
            false => Dataset::from_shared::<f32>(self.name(), lent, self.features)?,
        };
        let dataset = dataset.with_shape(self.shape())?;
        match self.schema() {
            Some(schema) => dataset.with_schema(schema.clone()),
            None => Ok(dataset),
        }
    }

    /// Appends the samples in this range to a block.
    pub(crate) fn read(&self, samples: Range<usize>, block: &mut SampleBlock) -> Result<(), ReadError> {
        let expected = samples.len() * self.features;
        let before = block.len();
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).read(samples, block)?;
        let given = block.len().saturating_sub(before);
        if given != expected || matches!(block, SampleBlock::U8(_)) != self.is_u8 {
            return Err(format!("the reader gave {given} values of {expected}, or of another type").into());
        }
        Ok(())
    }
}
