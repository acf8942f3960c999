//! Samples in memory, one row each, with what is known of them: shape, columns, labels. Bytes stay bytes until a batch is formed,
//! and selecting rows (a split, a shuffle, a head) shares the values instead of copying them.

mod patches;

use std::ops::Range;
use std::sync::Arc;

use ndarray::Array2;
use rand::seq::SliceRandom;
use sha2::{Digest, Sha256};

use crate::random::{Purpose, stream};
use crate::schema::Schema;

use self::patches::Patches;
pub use self::patches::WholeImage;

/// Why a [`Dataset`] could not be made or cut.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The shape of one sample does not have as many elements as a row.
    #[error("sample shape {shape:?} holds {elements} values, but each row has {features}")]
    Shape {
        /// The shape asked for.
        shape: Vec<usize>,
        /// Its number of elements.
        elements: usize,
        /// The values in a row.
        features: usize,
    },
    /// The schema's features are not the row's.
    #[error("the columns make {schema} features, but each row has {features}")]
    Schema {
        /// The schema's features.
        schema: usize,
        /// The values in a row.
        features: usize,
    },
    /// Not one label for each sample.
    #[error("{labels} labels for {samples} samples")]
    Labels {
        /// The labels given.
        labels: usize,
        /// The samples there are.
        samples: usize,
    },
    /// A label's number names no class.
    #[error("label {label} of sample {sample} names no class: there are {classes}")]
    Class {
        /// The label's number.
        label: u32,
        /// The sample that has it.
        sample: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A fraction outside 0..1.
    #[error("validation fraction {0} is not between 0 and 1")]
    Fraction(f64),
    /// Too few samples to cut in two.
    #[error("{samples} samples cannot be split into training and validation: at least 2 are needed")]
    TooFew {
        /// The samples there are.
        samples: usize,
    },
    /// An image has no place for a patch.
    #[error(
        "image {image:?} of {height}×{width} pixels is smaller than a patch of {}×{}\nhint: leave it out, or ask for smaller patches",
        patch[0], patch[1]
    )]
    SmallImage {
        /// The image's name.
        image: String,
        /// Its height in pixels.
        height: usize,
        /// Its width in pixels.
        width: usize,
        /// The patches' height and width.
        patch: [usize; 2],
    },
    /// Images of which some have colour and some have not.
    #[error(
        "image {image:?} has {channels} channels, but the first image has {expected}\nhint: make all of them grey, or all coloured"
    )]
    Channels {
        /// The image's name.
        image: String,
        /// Its channels.
        channels: usize,
        /// Those of the first image.
        expected: usize,
    },
    /// No image, or patches without a pixel.
    #[error("patches of {}×{} pixels cannot be cut from {images} images", patch[0], patch[1])]
    NoPatch {
        /// The number of images.
        images: usize,
        /// The patches' height and width.
        patch: [usize; 2],
    },
    /// More samples than row numbers can address.
    #[error("{0} samples are more than the 4,294,967,295 that a data set can hold")]
    TooMany(usize),
}

/// A class for each sample: carried for pictures and metrics, never trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The classes' names.
    pub classes: Vec<String>,
    /// For each sample the number of its class.
    pub values: Vec<u32>,
}

#[derive(Debug)]
enum Values {
    U8(Vec<u8>),
    F32(Vec<f32>),
    Patches(Patches),
}

/// Samples as rows of equal length: `samples × features`, u8 or f32.
///
/// Cloning and selecting are cheap: the values are shared.
///
/// ```
/// use enkoder::Dataset;
/// use ndarray::array;
///
/// let data = Dataset::from_f32("points", array![[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])?;
/// assert_eq!((data.len(), data.features()), (3, 2));
/// assert_eq!(data.select(&[2, 0]).to_array(), array![[4.0, 5.0], [0.0, 1.0]]);
/// # Ok::<(), enkoder::DatasetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dataset {
    name: String,
    values: Arc<Values>,
    features: usize,
    rows: Arc<[u32]>,
    shape: Vec<usize>,
    schema: Option<Arc<Schema>>,
    labels: Option<Arc<Labels>>,
}

/// Counts over all values of a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueSummary {
    /// The smallest finite value; +∞ where there is none.
    pub min: f32,
    /// The largest finite value; −∞ where there is none.
    pub max: f32,
    /// How many values are missing (NaN).
    pub missing: usize,
}

impl Dataset {
    /// Bytes, one sample a row.
    pub fn from_u8(name: impl Into<String>, values: Array2<u8>) -> Result<Self, DatasetError> {
        let (samples, features) = values.dim();
        Self::new(name.into(), Values::U8(into_rows(values)), samples, features)
    }

    /// Numbers, one sample a row; NaN stands for a missing value.
    pub fn from_f32(name: impl Into<String>, values: Array2<f32>) -> Result<Self, DatasetError> {
        let (samples, features) = values.dim();
        Self::new(name.into(), Values::F32(into_rows(values)), samples, features)
    }

    /// Patches of `patch` = height × width pixels, cut from whole images when they are read and never stored: memory stays that of
    /// the images for any number of patches. Sample `i` is the same patch each time: image, position, and one of the eight turns and
    /// mirrorings (of the four that keep the shape, where the patch is not square) come from `seed` and `i`. Every position in every
    /// image is as likely. Samples have the shape `[height, width]`, or `[height, width, channels]` where images have more than one.
    ///
    /// A [`split`](Self::split) of patches may put parts of one image on both sides: split the images instead.
    ///
    /// ```
    /// use enkoder::{Dataset, WholeImage};
    /// use ndarray::Array3;
    ///
    /// let image = |name: &str, height, width| {
    ///     let pixels = Array3::from_shape_fn((height, width, 1), |(y, x, _)| (16 * y + x) as u8);
    ///     WholeImage { name: name.to_owned(), pixels }
    /// };
    /// let data = Dataset::from_patches("photographs", vec![image("a", 12, 14), image("b", 9, 16)], [8, 8], 1000, 1)?;
    /// assert_eq!((data.len(), data.shape()), (1000, &[8, 8][..]));
    /// # Ok::<(), enkoder::DatasetError>(())
    /// ```
    ///
    /// # Errors
    /// When there is no image or no pixel in a patch, an image is smaller than a patch or has other channels than the first, and
    /// when there are more samples than a data set holds.
    pub fn from_patches(
        name: impl Into<String>,
        images: impl Into<Arc<[WholeImage]>>,
        patch: [usize; 2],
        count: usize,
        seed: u64,
    ) -> Result<Self, DatasetError> {
        let patches = Patches::new(images.into(), patch, count, seed)?;
        let channels = patches.channels();
        let shape = if channels == 1 { patch.to_vec() } else { vec![patch[0], patch[1], channels] };
        let features = shape.iter().product();
        Self::new(name.into(), Values::Patches(patches), count, features)?.with_shape(shape)
    }

    fn new(name: String, values: Values, samples: usize, features: usize) -> Result<Self, DatasetError> {
        let count = u32::try_from(samples).map_err(|_| DatasetError::TooMany(samples))?;
        Ok(Self {
            name,
            values: Arc::new(values),
            features,
            rows: (0..count).collect(),
            shape: vec![features],
            schema: None,
            labels: None,
        })
    }

    /// The same samples, each seen as an array of this shape: `[height, width]` for grey images, `[height, width, 3]` for RGB.
    pub fn with_shape(mut self, shape: impl Into<Vec<usize>>) -> Result<Self, DatasetError> {
        let shape = shape.into();
        let elements = shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n)).unwrap_or(usize::MAX);
        if elements != self.features {
            return Err(DatasetError::Shape { shape, elements, features: self.features });
        }
        self.shape = shape;
        Ok(self)
    }

    /// The same samples as rows of a table with these columns.
    pub fn with_schema(mut self, schema: Schema) -> Result<Self, DatasetError> {
        if schema.features() != self.features {
            return Err(DatasetError::Schema { schema: schema.features(), features: self.features });
        }
        self.schema = Some(Arc::new(schema));
        Ok(self)
    }

    /// The same samples with one label each. Call it before selecting rows: labels belong to the rows as they were read.
    pub fn with_labels(mut self, labels: Labels) -> Result<Self, DatasetError> {
        let samples = self.stored_samples();
        if labels.values.len() != samples {
            return Err(DatasetError::Labels { labels: labels.values.len(), samples });
        }
        let classes = labels.classes.len();
        if let Some((sample, &label)) = labels.values.iter().enumerate().find(|&(_, &label)| label as usize >= classes)
        {
            return Err(DatasetError::Class { label, sample, classes });
        }
        self.labels = Some(Arc::new(labels));
        Ok(self)
    }

    /// The same data under another name.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// What the data is called in reports and messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The number of values of one sample.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The shape of one sample; `[features]` where nothing else is known.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether the values are bytes.
    pub fn is_u8(&self) -> bool {
        matches!(*self.values, Values::U8(_) | Values::Patches(_))
    }

    /// The bytes that one value takes as stored: 1 for u8, 4 for f32.
    pub fn bytes_per_value(&self) -> usize {
        if self.is_u8() { 1 } else { 4 }
    }

    /// The table's columns, where the data is a table.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_deref()
    }

    /// The names of the classes, where the samples are labelled.
    pub fn classes(&self) -> Option<&[String]> {
        self.labels.as_ref().map(|labels| labels.classes.as_slice())
    }

    /// The number of the class of sample `index`, where the samples are labelled.
    pub fn label(&self, index: usize) -> Option<u32> {
        self.labels.as_ref().map(|labels| labels.values[self.rows[index] as usize])
    }

    /// Writes sample `index` as numbers into `out`, which must be [`features`](Self::features) long.
    pub fn copy_row(&self, index: usize, out: &mut [f32]) {
        match &*self.values {
            Values::U8(values) => {
                for (to, &from) in out.iter_mut().zip(self.stored(values, index)) {
                    *to = f32::from(from);
                }
            }
            Values::F32(values) => out.copy_from_slice(self.stored(values, index)),
            Values::Patches(patches) => patches.cut(self.rows[index], 0, out, f32::from),
        }
    }

    /// Writes the values of sample `index` from feature `first` on, as many as `out` is long.
    pub(crate) fn copy_range(&self, index: usize, first: usize, out: &mut [f32]) {
        match &*self.values {
            Values::U8(values) => {
                for (to, &from) in out.iter_mut().zip(&self.stored(values, index)[first..]) {
                    *to = f32::from(from);
                }
            }
            Values::F32(values) => out.copy_from_slice(&self.stored(values, index)[first..first + out.len()]),
            Values::Patches(patches) => patches.cut(self.rows[index], first, out, f32::from),
        }
    }

    /// The bytes of sample `index`, where they are stored. `None` for f32, and for [patches](Self::from_patches), which are bytes
    /// but only cut when they are read: [`copy_row_u8`](Self::copy_row_u8) has both.
    pub fn row_u8(&self, index: usize) -> Option<&[u8]> {
        match &*self.values {
            Values::U8(values) => Some(self.stored(values, index)),
            Values::F32(_) | Values::Patches(_) => None,
        }
    }

    /// Writes the bytes of sample `index` into `out`, which must be [`features`](Self::features) long, and returns whether the values
    /// are bytes; `out` is unchanged where they are not.
    pub fn copy_row_u8(&self, index: usize, out: &mut [u8]) -> bool {
        match &*self.values {
            Values::U8(values) => out.copy_from_slice(self.stored(values, index)),
            Values::Patches(patches) => patches.cut(self.rows[index], 0, out, |byte| byte),
            Values::F32(_) => return false,
        }
        true
    }

    /// Reads a value from every cache line of these samples. Samples in random order are far apart in memory, and one
    /// after the other would each be waited for; this way they are all on their way together.
    pub(crate) fn touch(&self, samples: &[u32]) {
        const LINE: usize = 64;
        let mut sum = 0;
        for &index in samples {
            sum += match &*self.values {
                Values::U8(values) => {
                    self.stored(values, index as usize).iter().step_by(LINE).map(|&v| u32::from(v)).sum()
                }
                Values::F32(values) => {
                    self.stored(values, index as usize).iter().step_by(LINE / 4).map(|v| v.to_bits() & 1).sum::<u32>()
                }
                // Where it lies is half of the work of cutting it.
                Values::Patches(_) => 0,
            };
        }
        std::hint::black_box(sum);
    }

    /// The numbers of sample `index`, where the values are f32.
    pub fn row_f32(&self, index: usize) -> Option<&[f32]> {
        match &*self.values {
            Values::U8(_) | Values::Patches(_) => None,
            Values::F32(values) => Some(self.stored(values, index)),
        }
    }

    /// Samples `range` as numbers: `range.len() × features`.
    pub fn rows(&self, range: Range<usize>) -> Array2<f32> {
        let mut array = Array2::zeros((range.len(), self.features));
        for (mut row, index) in array.rows_mut().into_iter().zip(range) {
            self.copy_row(index, row.as_slice_mut().expect("rows of a new array are contiguous"));
        }
        array
    }

    /// All samples as numbers: `samples × features`.
    pub fn to_array(&self) -> Array2<f32> {
        self.rows(0..self.len())
    }

    /// The samples with these numbers, in this order, sharing the values.
    ///
    /// # Panics
    /// When a number is not below [`len`](Self::len).
    pub fn select(&self, indices: &[usize]) -> Self {
        let rows = indices.iter().map(|&index| self.rows[index]).collect();
        Self { rows, ..self.clone() }
    }

    /// The first `count` samples, or all where there are fewer.
    pub fn head(&self, count: usize) -> Self {
        Self { rows: self.rows[..count.min(self.len())].into(), ..self.clone() }
    }

    /// Training and validation samples after a seeded shuffle; `fraction` (between 0 and 1) of them, and at least one, go to
    /// validation.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Self, Self), DatasetError> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(DatasetError::Fraction(fraction));
        }
        if self.len() < 2 {
            return Err(DatasetError::TooFew { samples: self.len() });
        }
        let mut rows = self.rows.to_vec();
        rows.shuffle(&mut stream(seed, Purpose::Split, 0));
        let validation = ((rows.len() as f64 * fraction).round() as usize).clamp(1, rows.len() - 1);
        let (train, validation) = rows.split_at(rows.len() - validation);
        Ok((Self { rows: train.into(), ..self.clone() }, Self { rows: validation.into(), ..self.clone() }))
    }

    /// Extremes and oddities over all values, in one pass.
    pub fn summary(&self) -> ValueSummary {
        let mut summary = ValueSummary { min: f32::INFINITY, max: f32::NEG_INFINITY, missing: 0 };
        let mut patch = vec![0; self.patch_bytes()];
        let of_bytes = |summary: &mut ValueSummary, row: &[u8]| {
            summary.min = row.iter().fold(summary.min, |min, &value| min.min(f32::from(value)));
            summary.max = row.iter().fold(summary.max, |max, &value| max.max(f32::from(value)));
        };
        for index in 0..self.len() {
            match &*self.values {
                Values::U8(values) => of_bytes(&mut summary, self.stored(values, index)),
                Values::Patches(patches) => {
                    patches.cut(self.rows[index], 0, &mut patch, |byte| byte);
                    of_bytes(&mut summary, &patch);
                }
                Values::F32(values) => {
                    for &value in self.stored(values, index) {
                        if value.is_nan() {
                            summary.missing += 1;
                        } else if value.is_finite() {
                            summary.min = summary.min.min(value);
                            summary.max = summary.max.max(value);
                        }
                    }
                }
            }
        }
        summary
    }

    /// Sample and feature of the first infinite value.
    pub fn first_infinite(&self) -> Option<(usize, usize)> {
        let Values::F32(values) = &*self.values else { return None };
        (0..self.len()).find_map(|index| {
            let feature = self.stored(values, index).iter().position(|value| value.is_infinite())?;
            Some((index, feature))
        })
    }

    /// SHA-256 over shape and values of all samples in their order, in hexadecimal: says whether two data sets are the same. Patches
    /// are known by their images, size, seed and numbers, which say the same in much less time.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(if self.is_u8() { b"u8 " } else { b"f32" });
        hash.update((self.shape.len() as u64).to_le_bytes());
        for &n in self.shape.iter().chain([&self.len()]) {
            hash.update((n as u64).to_le_bytes());
        }
        if let Values::Patches(patches) = &*self.values {
            patches.identify(&mut hash);
        }
        let mut bytes = Vec::new();
        for index in 0..self.len() {
            match &*self.values {
                Values::U8(values) => hash.update(self.stored(values, index)),
                Values::Patches(_) => hash.update(self.rows[index].to_le_bytes()),
                Values::F32(values) => {
                    bytes.clear();
                    bytes.extend(self.stored(values, index).iter().flat_map(|value| value.to_le_bytes()));
                    hash.update(&bytes);
                }
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn stored<'a, T>(&self, values: &'a [T], index: usize) -> &'a [T] {
        let start = self.rows[index] as usize * self.features;
        &values[start..start + self.features]
    }

    /// The bytes of a patch; none where samples are stored.
    fn patch_bytes(&self) -> usize {
        if matches!(*self.values, Values::Patches(_)) { self.features } else { 0 }
    }

    fn stored_samples(&self) -> usize {
        let values = match &*self.values {
            Values::U8(values) => values.len(),
            Values::F32(values) => values.len(),
            Values::Patches(patches) => return patches.len(),
        };
        values.checked_div(self.features).unwrap_or(self.rows.len())
    }
}

/// The values of an array in row-major order, without a copy where they already lie so.
fn into_rows<T: Clone>(values: Array2<T>) -> Vec<T> {
    if values.is_standard_layout() {
        let (values, offset) = values.into_raw_vec_and_offset();
        if offset.unwrap_or(0) == 0 {
            return values;
        }
        return values[offset.unwrap_or(0)..].to_vec();
    }
    values.iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    fn numbered(samples: usize) -> Dataset {
        let values = Array2::from_shape_fn((samples, 3), |(row, column)| (row * 3 + column) as f32);
        Dataset::from_f32("numbered", values).unwrap()
    }

    #[test]
    fn a_split_is_the_same_for_the_same_seed_and_another_for_another() {
        let data = numbered(100);
        let rows = |seed| data.split(0.2, seed).unwrap().1.to_array();
        assert_eq!(rows(7), rows(7));
        assert_ne!(rows(7), rows(8));
    }

    #[test]
    fn labels_follow_their_samples_through_a_selection() {
        let labels = Labels { classes: vec!["a".into(), "b".into()], values: vec![0, 1, 0] };
        let data = numbered(3).with_labels(labels).unwrap().select(&[1, 2]);
        assert_eq!((data.label(0), data.label(1)), (Some(1), Some(0)));
    }

    #[test]
    fn bytes_are_numbers_from_0_to_255() {
        let data = Dataset::from_u8("bytes", array![[0u8, 128, 255]]).unwrap();
        assert_eq!(data.to_array(), array![[0.0, 128.0, 255.0]]);
        assert_eq!(data.row_u8(0), Some(&[0, 128, 255][..]));
    }

    #[test]
    fn the_fingerprint_tells_values_order_and_shape_apart() {
        let data = numbered(4);
        let other_shape = Dataset::from_f32("x", data.to_array()).unwrap().with_shape([3, 1]).unwrap();
        assert_eq!(data.fingerprint(), numbered(4).fingerprint());
        assert_ne!(data.fingerprint(), data.select(&[1, 0, 2, 3]).fingerprint());
        assert_ne!(data.fingerprint(), other_shape.fingerprint());
    }

    #[test]
    fn the_summary_finds_missing_and_infinite_values() {
        let data = Dataset::from_f32("odd", array![[1.0, f32::NAN], [f32::INFINITY, -2.0]]).unwrap();
        let expected = ValueSummary { min: -2.0, max: 1.0, missing: 1 };
        assert_eq!(data.summary(), expected);
        assert_eq!(data.first_infinite(), Some((1, 0)));
    }

    #[test]
    fn a_column_major_array_is_stored_by_rows() {
        let data = Dataset::from_f32("t", array![[1.0, 2.0], [3.0, 4.0]].reversed_axes()).unwrap();
        assert_eq!(data.row_f32(0), Some(&[1.0, 3.0][..]));
    }

    proptest! {
        #[test]
        fn every_sample_goes_to_exactly_one_side_of_a_split(samples in 2usize..200, fraction in 0.01f64..0.99, seed: u64) {
            let data = numbered(samples);
            let (train, validation) = data.split(fraction, seed).unwrap();
            let mut firsts: Vec<f32> = train.to_array().column(0).iter().chain(validation.to_array().column(0).iter()).copied().collect();
            firsts.sort_by(f32::total_cmp);
            prop_assert_eq!(firsts, data.to_array().column(0).to_vec());
            prop_assert!(!train.is_empty() && !validation.is_empty());
        }
    }
}
