//! Samples in memory, one row each, with what is known of them: shape, columns, labels. Bytes stay bytes until a batch is formed,
//! and selecting rows (a split, a shuffle, a head) shares the values instead of copying them.

mod coarse;
mod error;
mod fingerprint;
mod labels;
mod patches;
mod quantity;
mod reading;
mod selection;
mod stored;
mod summary;
mod values;

use std::sync::Arc;

use ndarray::{ArcArray2, Array2};

use crate::schema::Schema;

pub(crate) use self::coarse::{is_coarse, tell_coarse, warn_of_coarse};
pub use self::error::DatasetError;
pub(crate) use self::fingerprint::Fingerprint;
pub use self::labels::Labels;
use self::patches::Patches;
pub use self::patches::WholeImage;
pub use self::quantity::Quantity;
pub(crate) use self::stored::ReadError;
pub use self::stored::{SampleBlock, SampleReader, StoredDataset};
pub use self::summary::ValueSummary;
pub(crate) use self::summary::share_observed;
pub use self::values::DatasetValue;
use self::values::Values;

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
    values: Values,
    features: usize,
    rows: Arc<[u32]>,
    shape: Vec<usize>,
    schema: Option<Arc<Schema>>,
    labels: Option<Arc<Labels>>,
    quantity: Option<Arc<Quantity>>,
}

impl Dataset {
    /// Bytes, one sample a row.
    pub fn from_u8(name: impl Into<String>, values: Array2<u8>) -> Result<Self, DatasetError> {
        Self::from_shared_array(name, values.into_shared())
    }

    /// Numbers, one sample a row; NaN stands for a missing value.
    pub fn from_f32(name: impl Into<String>, values: Array2<f32>) -> Result<Self, DatasetError> {
        Self::from_shared_array(name, values.into_shared())
    }

    /// The rows of an array that others may share; it is not copied where it lies row after row.
    ///
    /// ```
    /// use enkoder::Dataset;
    /// use ndarray::ArcArray2;
    ///
    /// let measured = ArcArray2::<f32>::zeros((1000, 20));
    /// let data = Dataset::from_shared_array("measured", measured.clone())?;
    /// assert_eq!(data.row_f32(0).map(<[f32]>::as_ptr), Some(measured.as_ptr()));
    /// # Ok::<(), enkoder::DatasetError>(())
    /// ```
    ///
    /// # Errors
    /// When there are more samples than a data set holds.
    pub fn from_shared_array<T: DatasetValue>(
        name: impl Into<String>,
        values: ArcArray2<T>,
    ) -> Result<Self, DatasetError> {
        let (samples, features) = values.dim();
        Self::new(name.into(), Values::of_array(values), samples, features)
    }

    /// Values of u8 or f32 that lie row after row in memory that someone else owns: an `Arc<[f32]>`, a mapped file, a buffer of
    /// Arrow. Nothing is copied; the owner lives as long as the data set, and must always give the same values.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use enkoder::Dataset;
    ///
    /// let pixels: Arc<[u8]> = Arc::from(vec![0, 50, 100, 150, 200, 250]);
    /// let data = Dataset::from_shared("pixels", Arc::clone(&pixels), 3)?;
    /// assert_eq!((data.len(), data.row_u8(1)), (2, Some(&pixels[3..])));
    /// # Ok::<(), enkoder::DatasetError>(())
    /// ```
    ///
    /// # Errors
    /// When the values are not whole rows of `features`, and when there are more samples than a data set holds.
    pub fn from_shared<T: DatasetValue>(
        name: impl Into<String>,
        owner: impl AsRef<[T]> + Send + Sync + 'static,
        features: usize,
    ) -> Result<Self, DatasetError> {
        let values = owner.as_ref().len();
        if !values.is_multiple_of(features) {
            return Err(DatasetError::Uneven { values, features });
        }
        let samples = values.checked_div(features).unwrap_or(0);
        Self::new(name.into(), Values::of_owner(owner), samples, features)
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
        Self::new(name.into(), Values::Patches(Arc::new(patches)), count, features)?.with_shape(shape)
    }

    fn new(name: String, values: Values, samples: usize, features: usize) -> Result<Self, DatasetError> {
        let count = u32::try_from(samples).map_err(|_| DatasetError::TooMany(samples))?;
        Ok(Self {
            name,
            values,
            features,
            rows: (0..count).collect(),
            shape: vec![features],
            schema: None,
            labels: None,
            quantity: None,
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

    /// The same samples as fields of this quantity.
    pub fn with_quantity(mut self, quantity: Quantity) -> Self {
        self.quantity = Some(Arc::new(quantity));
        self
    }

    /// The quantity that samples are fields of, where their file says it.
    pub fn quantity(&self) -> Option<&Quantity> {
        self.quantity.as_deref()
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

    /// The table's columns, where the data is a table.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_deref()
    }

    /// Warns of features whose values differ by hardly more than float32 keeps of them. Trainings and detectors do so too.
    pub fn warn_of_coarse(&self) {
        warn_of_coarse(std::slice::from_ref(self), &[]);
    }
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
    fn shared_memory_is_read_where_it_lies_and_kept_alive() {
        let owner: Arc<[f32]> = Arc::from(vec![1.0, 2.0, 3.0, 4.0]);
        let data = Dataset::from_shared("shared", Arc::clone(&owner), 2).unwrap();
        let (train, validation) = data.split(0.5, 1).unwrap();
        assert_eq!(Arc::strong_count(&owner), 2);
        let first = [&train, &validation].into_iter().find(|part| part.row_f32(0) == Some(&[1.0, 2.0])).unwrap();
        assert_eq!(first.row_f32(0).map(<[f32]>::as_ptr), Some(owner.as_ptr()));
        let again = Dataset::from_shared_array("array", data.to_array().into_shared()).unwrap();
        assert_eq!(again.fingerprint(), data.fingerprint());
        drop((data, train, validation));
        assert_eq!(Arc::strong_count(&owner), 1);

        let message = Dataset::from_shared("odd", vec![0u8; 5], 2).unwrap_err().to_string();
        assert_eq!(message, "5 values cannot be cut into rows of 2");
        let by_columns = array![[1u8, 2], [3, 4]].into_shared().reversed_axes();
        assert_eq!(Dataset::from_shared_array("t", by_columns).unwrap().row_u8(0), Some(&[1, 3][..]));
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
        let expected = ValueSummary { min: -2.0, max: 1.0, missing: 1, infinite: 1 };
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
