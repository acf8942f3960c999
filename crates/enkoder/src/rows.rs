//! Samples as a model reads them: a view of memory that someone else owns, with any strides, never copied as a whole. A row becomes
//! f32 when it is read. Whoever needs samples only for reading takes [`Rows`], and so takes arrays, slices and data sets alike.

use ndarray::{
    Array2, ArrayBase, ArrayView, ArrayView4, ArrayViewMut, Axis, Data, Dimension, Ix2, Ix3, Ix4, ShapeBuilder,
};

use crate::dataset::{Dataset, DatasetError};
use crate::schema::Schema;

/// Rows of an array by columns that are read together, so that a few cache lines of a column are read once for all of them.
const TOGETHER: usize = 64;

/// The most axes that a view may have: samples, height, width and channels.
const AXES: usize = 4;

/// Why memory could not be seen as [`Rows`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowsError {
    /// Values that do not make whole rows.
    #[error("{values} values cannot be cut into rows of {features}")]
    Uneven {
        /// The values there are.
        values: usize,
        /// The values asked for in a row.
        features: usize,
    },
    /// Not one stride for each axis, or not two to four axes.
    #[error(
        "a shape of {axes} axes with {strides} strides is no view of samples\n\
         hint: give samples and features, or samples, height, width and channels, and a stride for each"
    )]
    Axes {
        /// The axes of the shape.
        axes: usize,
        /// The strides given.
        strides: usize,
    },
    /// Strides that lead to values which are not there.
    #[error(
        "shape {shape:?} with strides {strides:?} from value {offset} on leaves the {values} values there are\n\
         hint: count strides in values, not in bytes"
    )]
    OutOfBounds {
        /// The shape asked for.
        shape: Vec<usize>,
        /// The strides asked for.
        strides: Vec<isize>,
        /// Where the first value should lie.
        offset: usize,
        /// The values there are.
        values: usize,
    },
}

/// A borrowed view of samples: rows of equal length, of f32, f64 or u8, in an array of any strides, a slice, or a [`Dataset`].
///
/// It is made from `&data`, `&array` or `array.view()` without a copy and without allocating, and is itself cheap to copy. The first
/// axis of an array counts the samples; an array of three or four axes holds images, channels last. A row is read as f32: f64 is
/// rounded to the nearest f32 (infinite beyond its range), bytes are numbers from 0 to 255, NaN stands for a missing value.
///
/// ```
/// use enkoder::Rows;
/// use ndarray::{Array4, array, s};
///
/// // Every second column of a table in f64, from the last to the first.
/// let table = array![[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// let rows = Rows::from(table.slice(s![.., ..;-2]));
/// assert_eq!((rows.len(), rows.features()), (2, 2));
/// let mut row = [0.0; 2];
/// rows.copy_row(1, &mut row);
/// assert_eq!(row, [6.0, 4.0]);
///
/// // Images with their channels first in memory, seen with their channels last.
/// let images = Array4::<u8>::zeros((10, 3, 28, 28));
/// let rows = Rows::from(images.view().permuted_axes([0, 2, 3, 1]));
/// assert_eq!((rows.len(), rows.shape()), (10, &[28, 28, 3][..]));
///
/// // A row of f32 that lies in one piece is lent as it is.
/// let values = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
/// assert_eq!(Rows::from_slice(&values, 3)?.contiguous_row(1), Some(&[4.0, 5.0, 6.0][..]));
/// # Ok::<(), enkoder::RowsError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a>(Values<'a>);

#[derive(Clone, Copy, Debug)]
enum Values<'a> {
    F32(Batch<'a, f32>),
    F64(Batch<'a, f64>),
    U8(Batch<'a, u8>),
    Dataset(&'a Dataset),
}

/// An array of samples. Of fewer than four axes, those that are missing lie with length 1 behind the first.
#[derive(Clone, Copy, Debug)]
struct Batch<'a, T> {
    array: ArrayView4<'a, T>,
    axes: usize,
    features: usize,
    /// All values, where they lie row after row: the common case, in which a row is found without asking the array.
    whole: Option<&'a [T]>,
}

/// A row where it lies, as far as it lies in one piece.
pub(crate) enum StoredRow<'a> {
    Numbers(&'a [f32]),
    Bytes(&'a [u8]),
    Scattered,
}

mod sealed {
    use super::{Batch, Values};
    use ndarray::{ArrayView, ArrayView4};

    pub trait Value: Copy {
        fn to_f32(self) -> f32;

        #[expect(private_interfaces)]
        fn values(batch: Batch<'_, Self>) -> Values<'_>;
    }

    pub trait Axes: Sized {
        fn spread<T>(array: ArrayView<'_, T, Self>) -> ArrayView4<'_, T>;
    }
}

/// A type of values that [`Rows`] can view: f32, f64 and u8. No others can be added.
pub trait RowValue: sealed::Value {}

/// Axes of an array that [`Rows`] can view: two, three or four. No others can be added.
pub trait RowAxes: sealed::Axes + Dimension {}

macro_rules! value {
    ($type:ty, $variant:ident, $convert:expr) => {
        impl sealed::Value for $type {
            #[inline(always)]
            fn to_f32(self) -> f32 {
                $convert(self)
            }

            #[expect(private_interfaces)]
            fn values(batch: Batch<'_, Self>) -> Values<'_> {
                Values::$variant(batch)
            }
        }

        impl RowValue for $type {}
    };
}

value!(f32, F32, |value| value);
value!(f64, F64, |value| value as f32);
value!(u8, U8, f32::from);

macro_rules! axes {
    ($dimension:ty, $array:ident => $spread:expr) => {
        impl sealed::Axes for $dimension {
            fn spread<T>($array: ArrayView<'_, T, Self>) -> ArrayView4<'_, T> {
                $spread
            }
        }

        impl RowAxes for $dimension {}
    };
}

axes!(Ix2, array => array.insert_axis(Axis(1)).insert_axis(Axis(1)));
axes!(Ix3, array => array.insert_axis(Axis(1)));
axes!(Ix4, array => array);

impl<'a, T: RowValue, D: RowAxes> From<ArrayView<'a, T, D>> for Rows<'a> {
    fn from(array: ArrayView<'a, T, D>) -> Self {
        let axes = array.ndim();
        Self(T::values(Batch::new(D::spread(array), axes)))
    }
}

impl<'a, T: RowValue, D: RowAxes, S: Data<Elem = T>> From<&'a ArrayBase<S, D>> for Rows<'a> {
    fn from(array: &'a ArrayBase<S, D>) -> Self {
        array.view().into()
    }
}

impl<'a> From<&'a Dataset> for Rows<'a> {
    fn from(data: &'a Dataset) -> Self {
        Self(Values::Dataset(data))
    }
}

impl<'a> Rows<'a> {
    /// Values that lie row after row.
    ///
    /// # Errors
    /// When the values are not whole rows of `features`.
    pub fn from_slice<T: RowValue>(values: &'a [T], features: usize) -> Result<Self, RowsError> {
        let uneven = RowsError::Uneven { values: values.len(), features };
        if !values.len().is_multiple_of(features) {
            return Err(uneven);
        }
        let rows = values.len().checked_div(features).unwrap_or(0);
        let array = ArrayView::from_shape((rows, features), values).map_err(|_| uneven)?;
        Ok(array.into())
    }

    /// Values in memory that another library laid out: an array of `shape` = samples × features, or samples × height × width, or
    /// samples × height × width × channels, of which the first value lies at `offset` and each next one along an axis `strides`
    /// values further. Strides may be negative, and rows may overlap: windows of a series are rows with a stride of 1.
    ///
    /// ```
    /// use enkoder::Rows;
    ///
    /// let series = [1.0f32, 2.0, 3.0, 4.0, 5.0];
    /// let windows = Rows::from_strided(&series, 0, &[3, 3], &[1, 1])?;
    /// assert_eq!(windows.contiguous_row(2), Some(&[3.0, 4.0, 5.0][..]));
    /// # Ok::<(), enkoder::RowsError>(())
    /// ```
    ///
    /// # Errors
    /// When there are fewer than two axes or more than four, not as many strides, or a value would lie outside of `values`.
    pub fn from_strided<T: RowValue>(
        values: &'a [T],
        offset: usize,
        shape: &[usize],
        strides: &[isize],
    ) -> Result<Self, RowsError> {
        let axes = shape.len();
        if !(2..=AXES).contains(&axes) || strides.len() != axes {
            return Err(RowsError::Axes { axes, strides: strides.len() });
        }
        let outside = || RowsError::OutOfBounds {
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            offset,
            values: values.len(),
        };
        let (mut lengths, mut steps) = ([1; AXES], [0; AXES]);
        for axis in 0..axes {
            let to = if axis == 0 { 0 } else { AXES - axes + axis };
            lengths[to] = shape[axis];
            steps[to] = strides[axis];
        }
        let array = if lengths.contains(&0) {
            ArrayView::from_shape(lengths, &[])
        } else {
            // An array is made from its lowest value on, which lies before the first one where strides are negative.
            let before = lengths.iter().zip(steps).filter(|&(_, step)| step < 0).try_fold(0usize, |sum, (&n, step)| {
                (n - 1).checked_mul(step.unsigned_abs()).and_then(|steps| sum.checked_add(steps))
            });
            let lowest = before.and_then(|before| offset.checked_sub(before)).ok_or_else(outside)?;
            let values = values.get(lowest..).ok_or_else(outside)?;
            ArrayView::from_shape(lengths.strides(steps.map(|step| step as usize)), values)
        };
        Ok(Self(T::values(Batch::new(array.map_err(|_| outside())?, axes))))
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        match &self.0 {
            Values::F32(batch) => batch.array.len_of(Axis(0)),
            Values::F64(batch) => batch.array.len_of(Axis(0)),
            Values::U8(batch) => batch.array.len_of(Axis(0)),
            Values::Dataset(data) => data.len(),
        }
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of values of one sample.
    pub fn features(&self) -> usize {
        match &self.0 {
            Values::F32(batch) => batch.features,
            Values::F64(batch) => batch.features,
            Values::U8(batch) => batch.features,
            Values::Dataset(data) => data.features(),
        }
    }

    /// The shape of one sample: `[features]` of rows, `[height, width]` or `[height, width, channels]` of images.
    pub fn shape(&self) -> &[usize] {
        match &self.0 {
            Values::F32(batch) => batch.sample_shape(),
            Values::F64(batch) => batch.sample_shape(),
            Values::U8(batch) => batch.sample_shape(),
            Values::Dataset(data) => data.shape(),
        }
    }

    /// The table's columns, where the samples are a [`Dataset`] that knows them.
    pub fn schema(&self) -> Option<&'a Schema> {
        match self.0 {
            Values::Dataset(data) => data.schema(),
            _ => None,
        }
    }

    /// Whether all values are whole numbers from 0 to 255, of which none is missing.
    pub fn is_u8(&self) -> bool {
        match self.0 {
            Values::U8(_) => true,
            Values::Dataset(data) => data.is_u8(),
            Values::F32(_) | Values::F64(_) => false,
        }
    }

    /// Writes sample `row` as numbers into `out`.
    ///
    /// # Panics
    /// When there is no such sample, or `out` is not [`features`](Self::features) long.
    pub fn copy_row(&self, row: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.features(), "the row must have the samples' features");
        self.copy_range(row, 0, out);
    }

    /// Writes the samples from `first` on, as many as `out` holds, row after row. An array that lies by columns, as tables often
    /// do, is read in blocks.
    ///
    /// # Panics
    /// When there are not as many samples, or `out` does not hold whole ones.
    pub fn copy_rows(&self, first: usize, out: &mut [f32]) {
        let features = self.features();
        assert!(out.len().is_multiple_of(features), "whole rows must be asked for");
        match &self.0 {
            _ if out.is_empty() => {}
            Values::F32(batch) if batch.lies_by_columns() => batch.copy_columns(first, out),
            Values::F64(batch) if batch.lies_by_columns() => batch.copy_columns(first, out),
            Values::U8(batch) if batch.lies_by_columns() => batch.copy_columns(first, out),
            _ => {
                for (row, out) in (first..).zip(out.chunks_exact_mut(features)) {
                    self.copy_range(row, 0, out);
                }
            }
        }
    }

    /// Sample `row` as it lies in memory, where it is f32 in one piece.
    ///
    /// # Panics
    /// When there is no such sample.
    pub fn contiguous_row(&self, row: usize) -> Option<&'a [f32]> {
        match self.0 {
            Values::F32(batch) => batch.row(row),
            Values::Dataset(data) => data.row_f32(row),
            Values::F64(_) | Values::U8(_) => None,
        }
    }

    pub(crate) fn stored_row(&self, row: usize) -> StoredRow<'a> {
        let numbers = self.contiguous_row(row).map(StoredRow::Numbers);
        let bytes = || match self.0 {
            Values::U8(batch) => batch.row(row),
            Values::Dataset(data) => data.row_u8(row),
            Values::F32(_) | Values::F64(_) => None,
        };
        numbers.or_else(|| bytes().map(StoredRow::Bytes)).unwrap_or(StoredRow::Scattered)
    }

    /// Whether [`copy_rows`](Self::copy_rows) reads the samples faster than one after the other.
    pub(crate) fn lie_by_columns(&self) -> bool {
        match &self.0 {
            Values::F32(batch) => batch.lies_by_columns(),
            Values::F64(batch) => batch.lies_by_columns(),
            Values::U8(batch) => batch.lies_by_columns(),
            Values::Dataset(_) => false,
        }
    }

    /// The same samples to train on: a data set as it is, the values of others copied once, of u8 as bytes.
    ///
    /// # Errors
    /// When there are more samples than a data set holds.
    pub fn to_dataset(self) -> Result<Dataset, DatasetError> {
        const NAME: &str = "samples";
        let data = match &self.0 {
            Values::F32(batch) => Dataset::from_f32(NAME, batch.to_array(|value| value)),
            Values::F64(batch) => Dataset::from_f32(NAME, batch.to_array(sealed::Value::to_f32)),
            Values::U8(batch) => Dataset::from_u8(NAME, batch.to_array(|value| value)),
            Values::Dataset(data) => return Ok((*data).clone()),
        };
        data?.with_shape(self.shape())
    }

    /// Writes the values of sample `row` from feature `first` on, as many as `out` is long.
    pub(crate) fn copy_range(&self, row: usize, first: usize, out: &mut [f32]) {
        match &self.0 {
            Values::F32(batch) => batch.copy_range(row, first, out),
            Values::F64(batch) => batch.copy_range(row, first, out),
            Values::U8(batch) => batch.copy_range(row, first, out),
            Values::Dataset(data) => data.copy_range(row, first, out),
        }
    }
}

impl<'a, T: RowValue> Batch<'a, T> {
    fn new(array: ArrayView4<'a, T>, axes: usize) -> Self {
        Self { array, axes, features: array.shape()[1..].iter().product(), whole: array.to_slice() }
    }

    fn sample_shape(&self) -> &[usize] {
        &self.array.shape()[AXES + 1 - self.axes..]
    }

    /// All rows, one after the other.
    fn to_array<U: Clone>(self, convert: impl Fn(T) -> U) -> Array2<U> {
        let shape = (self.array.len_of(Axis(0)), self.sample_shape().iter().product());
        let values = self.array.iter().map(|&value| convert(value)).collect();
        Array2::from_shape_vec(shape, values).expect("an array's elements are as many as its shape says")
    }

    /// Row `row`, where it lies in one piece.
    fn row(self, row: usize) -> Option<&'a [T]> {
        match self.whole {
            Some(values) => Some(&values[row * self.features..][..self.features]),
            None => self.array.index_axis_move(Axis(0), row).to_slice(),
        }
    }

    /// Whether the values of one feature are closer together than those of one sample.
    fn lies_by_columns(&self) -> bool {
        let stride = |axis: usize| self.array.stride_of(Axis(axis)).unsigned_abs();
        let mut axes = (1..AXES).filter(|&axis| self.array.len_of(Axis(axis)) > 1).peekable();
        axes.peek().is_some() && axes.all(|axis| stride(axis) > stride(0))
    }

    fn copy_columns(self, first: usize, out: &mut [f32]) {
        let mut next = first;
        for out in out.chunks_mut(TOGETHER * self.features) {
            let rows = next..next + out.len() / self.features;
            next = rows.end;
            let rows = self.array.slice_axis_move(Axis(0), rows.into());
            for (feature, column) in rows.lanes(Axis(0)).into_iter().enumerate() {
                for (out, &value) in out.chunks_exact_mut(self.features).zip(column) {
                    out[feature] = value.to_f32();
                }
            }
        }
    }

    fn copy_range(self, row: usize, first: usize, out: &mut [f32]) {
        if let Some(values) = self.row(row) {
            for (to, &from) in out.iter_mut().zip(&values[first..]) {
                *to = from.to_f32();
            }
            return;
        }
        let values = self.array.index_axis_move(Axis(0), row);
        if out.len() < values.len() {
            for (to, &from) in out.iter_mut().zip(values.iter().skip(first)) {
                *to = from.to_f32();
            }
        } else if let Ok(mut out) = ArrayViewMut::from_shape(values.raw_dim(), out) {
            out.zip_mut_with(&values, |to, &from| *to = from.to_f32());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array4, ArrayD, IxDyn, Slice, array};
    use proptest::prelude::*;

    /// How an array is looked at: its axes in another order, and of each axis some places by steps forward or back.
    #[derive(Clone, Debug)]
    struct View {
        order: Vec<usize>,
        steps: Vec<(isize, isize)>,
    }

    fn view() -> impl Strategy<Value = View> {
        (2usize..=4).prop_flat_map(|axes| {
            let order = Just((0..axes).collect::<Vec<_>>()).prop_shuffle();
            let step = prop_oneof![4 => Just(1isize), 1 => Just(-1), 1 => Just(2), 1 => Just(-3)];
            let steps = prop::collection::vec((0isize..2, step), axes);
            (order, steps).prop_map(|(order, steps)| View { order, steps })
        })
    }

    impl View {
        fn of<'a, T, D: Dimension>(&self, array: ArrayView<'a, T, IxDyn>) -> ArrayView<'a, T, D> {
            let mut array = array.permuted_axes(&self.order[..]);
            for (axis, &(start, step)) in self.steps.iter().enumerate() {
                array.slice_axis_inplace(Axis(axis), Slice::new(start, None, step));
            }
            array.into_dimensionality().unwrap()
        }
    }

    fn rows_of<'a, T: RowValue>(view: &View, array: &'a ArrayD<T>) -> Rows<'a> {
        match array.ndim() {
            2 => Rows::from(view.of::<T, Ix2>(array.view())),
            3 => Rows::from(view.of::<T, Ix3>(array.view())),
            _ => Rows::from(view.of::<T, Ix4>(array.view())),
        }
    }

    /// Rows against what the array itself has at each place.
    fn check<T: RowValue + PartialEq>(view: &View, array: &ArrayD<T>, plain: impl Fn(T) -> f32) {
        let (rows, expected) = (rows_of(view, array), view.of::<T, IxDyn>(array.view()));
        assert_eq!((rows.len(), rows.shape()), (expected.shape()[0], &expected.shape()[1..]));
        assert_eq!(rows.features(), expected.shape()[1..].iter().product::<usize>());
        let mut row = vec![f32::NAN; rows.features()];
        let mut block = vec![f32::NAN; rows.features() * (rows.len() - rows.len() / 2)];
        rows.copy_rows(rows.len() / 2, &mut block);
        let half = expected.outer_iter().skip(rows.len() / 2).flatten().map(|&value| plain(value));
        assert_eq!(block, half.collect::<Vec<_>>());
        for (index, expected) in expected.outer_iter().enumerate() {
            let expected: Vec<f32> = expected.iter().map(|&value| plain(value)).collect();
            rows.copy_row(index, &mut row);
            assert_eq!(row, expected);
            if let Some(values) = rows.contiguous_row(index) {
                assert_eq!(values, expected);
            }
            for first in 0..row.len() {
                let mut part = vec![f32::NAN; (row.len() - first).div_ceil(2)];
                rows.copy_range(index, first, &mut part);
                assert_eq!(part, expected[first..first + part.len()]);
            }
        }
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_array_whatever_its_strides_and_type(
            view in view(),
            lengths in prop::collection::vec(1usize..6, 4),
            seed: u8,
        ) {
            let lengths = IxDyn(&lengths[..view.order.len()]);
            let mut number = f64::from(seed);
            let array = ArrayD::from_shape_simple_fn(lengths, || { number += 0.7; number });
            check(&view, &array, |value| value as f32);
            check(&view, &array.mapv(|value| value as f32), |value| value);
            check(&view, &array.mapv(|value| value as u8), f32::from);
        }

        #[test]
        fn strided_memory_is_seen_as_numpy_would_and_never_left(
            shape in prop::collection::vec(0usize..4, 2..=4),
            strides in prop::collection::vec(-9isize..9, 4),
            offset in 0usize..70,
        ) {
            let values: Vec<f32> = (0..60u8).map(f32::from).collect();
            let strides = &strides[..shape.len()];
            let places: Vec<isize> = ndarray::indices(&shape[..])
                .into_iter()
                .map(|index| {
                    let steps = index.slice().iter().zip(strides).map(|(&index, &stride)| index as isize * stride);
                    offset as isize + steps.sum::<isize>()
                })
                .collect();
            let inside = places.iter().all(|place| (0..60).contains(place));
            let rows = Rows::from_strided(&values, offset, &shape, strides);
            prop_assert_eq!(rows.is_ok(), inside, "{:?}", rows);
            if let Ok(rows) = rows {
                prop_assert_eq!((rows.len(), rows.shape()), (shape[0], &shape[1..]));
                let mut row = vec![0.0; rows.features()];
                for (index, places) in places.chunks(row.len().max(1)).enumerate() {
                    rows.copy_row(index, &mut row);
                    prop_assert!(row.iter().zip(places).all(|(&value, &place)| value == place as f32));
                }
            }
        }
    }

    #[test]
    fn rows_that_lie_in_one_piece_are_lent() {
        let array = Array2::from_shape_fn((4, 6), |(row, column)| (row * 6 + column) as f32);
        let lent = |rows: Rows<'_>| (0..rows.len()).all(|row| rows.contiguous_row(row).is_some());
        let every = |axis, step| array.slice_axis(Axis(axis), Slice::new(1, None, step));
        assert!(lent((&array).into()) && lent(every(0, -2).into()) && lent(every(1, 1).into()));
        assert!(!lent(array.t().into()) && !lent(every(1, 2).into()) && !lent(every(1, -1).into()));
        assert!(!lent((&array.mapv(f64::from)).into()));
        let images = Array4::<f32>::zeros((2, 3, 4, 5));
        assert!(lent((&images).into()) && !lent(images.view().permuted_axes([0, 2, 3, 1]).into()));
    }

    #[test]
    fn rows_by_columns_are_read_in_blocks_of_any_length() {
        let array = Array2::from_shape_fn((7, 50), |(feature, row)| (feature * 50 + row) as f64);
        let rows = Rows::from(array.t());
        assert!(rows.lie_by_columns() && !Rows::from(&array).lie_by_columns());
        for (first, count) in [(0, 50), (3, 0), (3, 1), (3, 16), (3, 47), (49, 1)] {
            let mut block = vec![0.0; count * 7];
            rows.copy_rows(first, &mut block);
            let expected =
                (first..first + count).flat_map(|row| (0..7).map(move |feature| (feature * 50 + row) as f32));
            assert_eq!(block, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn shared_and_owned_arrays_and_data_sets_are_rows() {
        let data = Dataset::from_u8("bytes", array![[1, 2, 3, 4], [5, 6, 7, 8]]).unwrap().with_shape([2, 2]).unwrap();
        let last = data.select(&[1]);
        let rows = Rows::from(&last);
        assert_eq!((rows.len(), rows.features(), rows.shape()), (1, 4, &[2, 2][..]));
        let mut row = [0.0; 4];
        rows.copy_row(0, &mut row);
        assert_eq!(row, [5.0, 6.0, 7.0, 8.0]);
        let shared = array![[1.5, 2.5]].into_shared();
        assert_eq!(Rows::from(&shared).features(), 2);
        assert!(Rows::from(&Array2::<u8>::zeros((0, 3))).is_empty());
    }

    #[test]
    fn what_is_no_view_of_the_values_is_refused() {
        let values = [0.0f32; 12];
        assert_eq!(Rows::from_slice(&values, 5).unwrap_err(), RowsError::Uneven { values: 12, features: 5 });
        assert!(Rows::from_slice(&values, 0).is_err() && Rows::from_slice::<u8>(&[], 0).is_ok());
        let strided = |shape: &[usize], strides: &[isize], offset| Rows::from_strided(&values, offset, shape, strides);
        assert!(matches!(strided(&[12], &[1], 0), Err(RowsError::Axes { axes: 1, strides: 1 })));
        assert!(matches!(strided(&[3, 4], &[1], 0), Err(RowsError::Axes { axes: 2, strides: 1 })));
        let message = strided(&[3, 4], &[16, 4], 0).unwrap_err().to_string();
        assert!(
            message.starts_with("shape [3, 4] with strides [16, 4] from value 0 on leaves the 12 values"),
            "{message}"
        );
        for (shape, strides, offset) in [
            ([usize::MAX, 2], [0, 1], 0),
            ([2, usize::MAX], [1, isize::MAX], 0),
            ([3, 2], [isize::MIN, 1], usize::MAX),
            ([3, 2], [-4, 1], 7),
        ] {
            assert!(strided(&shape, &strides, offset).is_err(), "{shape:?} {strides:?} {offset}");
        }
    }
}
