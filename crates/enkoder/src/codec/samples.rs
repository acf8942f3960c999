//! Arrays as the codec takes and gives them: samples of one shape, their values of one type, held as little-endian bytes.

use std::io;

use super::element::{Element, ElementType};
use super::error::CodecError;
use crate::dataset::Dataset;

/// Samples in memory.
///
/// ```
/// use enkoder::codec::SampleArray;
///
/// let samples = SampleArray::from_values([2], &[1.0f32, 2.0, 3.0, 4.0])?;
/// assert_eq!(samples.len(), 2);
/// assert_eq!(samples.values::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
/// # Ok::<(), enkoder::codec::CodecError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleArray {
    element: ElementType,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl SampleArray {
    /// Samples of this shape from values of a type of numbers, sample after sample.
    ///
    /// # Errors
    /// When the values do not fill whole samples.
    pub fn from_values<T: Element>(shape: impl Into<Vec<usize>>, values: &[T]) -> Result<Self, CodecError> {
        Self::from_bytes(T::TYPE, shape, T::to_le(values))
    }

    /// Samples of this shape from little-endian bytes.
    ///
    /// # Errors
    /// When the bytes do not fill whole samples, and when a sample has no values.
    pub fn from_bytes(element: ElementType, shape: impl Into<Vec<usize>>, bytes: Vec<u8>) -> Result<Self, CodecError> {
        let shape = shape.into();
        let elements = shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length));
        let sample = elements.and_then(|elements| elements.checked_mul(element.bytes())).unwrap_or(0);
        if sample == 0 || !bytes.len().is_multiple_of(sample) {
            return Err(CodecError::Shape { values: bytes.len() / element.bytes(), shape });
        }
        Ok(Self { element, shape, bytes })
    }

    /// The samples of a data set: bytes as u8, numbers as f32.
    pub fn from_dataset(data: &Dataset) -> Self {
        let mut bytes = Vec::with_capacity(data.len() * data.features() * data.bytes_per_value());
        let mut cut = vec![0; if data.is_u8() { data.features() } else { 0 }];
        for index in 0..data.len() {
            if data.copy_row_u8(index, &mut cut) {
                bytes.extend_from_slice(&cut);
            } else if let Some(row) = data.row_f32(index) {
                bytes.extend(row.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
        let element = if data.is_u8() { ElementType::U8 } else { ElementType::F32 };
        Self { element, shape: data.shape().to_vec(), bytes }
    }

    /// The type of the values.
    pub fn element(&self) -> ElementType {
        self.element
    }

    /// The shape of one sample.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.sample_bytes()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The values as little-endian bytes, sample after sample.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The values, where they are of this type.
    pub fn values<T: Element>(&self) -> Option<Vec<T>> {
        (T::TYPE == self.element).then(|| T::from_le(&self.bytes))
    }

    fn sample_bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.element.bytes()
    }
}

/// How arrays were cut into samples.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Layout {
    /// Names of the variables that lie one after the other in each sample, in equal parts; empty for a single one without a name.
    pub variables: Vec<String>,
    /// Shape of the array of one variable; empty where samples are just the leading axis.
    pub array: Vec<u64>,
    /// Lengths of a block along the last axes of the array; empty where it is the leading axis that is cut.
    pub block: Vec<usize>,
}

impl Layout {
    /// Parts of a sample, one for each variable.
    pub(crate) fn parts(&self) -> usize {
        self.variables.len().max(1)
    }
}

/// Where samples to compress come from. They are asked for in blocks, from the first to the last, and again from the first
/// where the bound needs to know all of them.
pub trait SampleSource {
    /// The type of the values.
    fn element(&self) -> ElementType;
    /// The shape of one sample.
    fn shape(&self) -> &[usize];
    /// How many samples there are.
    fn samples(&self) -> u64;
    /// How they were cut from arrays. The file remembers it; with several variables, the first axis of a sample is theirs.
    fn layout(&self) -> Layout {
        Layout::default()
    }
    /// Values that stand for a missing one. They come back as they are and do not count in the range of the values.
    fn missing(&self) -> Vec<f64> {
        Vec::new()
    }
    /// For each variable the least and the largest number that can be a value, where that is known: what lies beyond counts as
    /// missing. Empty where nothing is known.
    fn valid(&self) -> Vec<Option<(f64, f64)>> {
        Vec::new()
    }
    /// For each variable a scale and an offset: a number `x` means `x · scale + offset`, computed in f64, and a bound must hold for what is
    /// meant. Empty where numbers are what they say.
    fn packing(&self) -> Vec<(f64, f64)> {
        Vec::new()
    }
    /// What the file is to keep beside the samples, as it is: whoever wrote it can say in it what the samples were, as a format of
    /// arrays has names and coordinates. Empty where nothing is to be kept.
    fn description(&self) -> Vec<u8> {
        Vec::new()
    }
    /// Samples `first` to `first + count`, as little-endian bytes.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(&mut self, first: u64, count: usize) -> io::Result<Vec<u8>>;
}

impl SampleSource for SampleArray {
    fn element(&self) -> ElementType {
        self.element
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn samples(&self) -> u64 {
        self.len() as u64
    }

    fn read(&mut self, first: u64, count: usize) -> io::Result<Vec<u8>> {
        let width = self.sample_bytes();
        let start = first as usize * width;
        self.bytes
            .get(start..start + count * width)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "samples beyond the last were asked for"))
    }
}
