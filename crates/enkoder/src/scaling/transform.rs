//! Values on their way to a network and back. Every path computes `(value − offset) · scale` in this order, so a row scaled in a
//! batch and a row scaled on its own have the same bits.

use std::ops::Range;

use ndarray::Array2;

use crate::network::vectorised::vectorised;
use crate::rows::{Rows, StoredRow};

use super::{Affine, Fill, Scaler};

impl Scaler {
    /// Scales one row in place; a missing value (NaN) becomes its feature's training mean, or the mean of all training
    /// values where the training data were bytes.
    ///
    /// # Panics
    /// When the row is not [`features`](Self::features) long.
    pub fn transform_row(&self, row: &mut [f32]) {
        assert_eq!(row.len(), self.features, "the row must have the scaler's features");
        self.scale_in_place(0, row);
    }

    /// Rows, scaled as [`transform_row`](Self::transform_row) does one: `samples × features`.
    ///
    /// # Panics
    /// When rows are not [`features`](Self::features) long.
    pub fn transform<'a>(&self, rows: impl Into<Rows<'a>>) -> Array2<f32> {
        let rows = rows.into();
        let mut scaled = Array2::zeros((rows.len(), self.features));
        self.copy_scaled_rows(rows, 0, scaled.as_slice_mut().expect("a new array is contiguous"));
        scaled
    }

    /// Writes sample `row` of `rows`, scaled, into `out`: the same bits as [`Rows::copy_row`] followed by
    /// [`transform_row`](Self::transform_row), in one pass where the row lies in one piece.
    ///
    /// ```
    /// use enkoder::{Dataset, Scaler, Scaling};
    /// use ndarray::array;
    ///
    /// let train = Dataset::from_f32("points", array![[0.0, 10.0], [4.0, 30.0]])?;
    /// let scaler = Scaler::fit(Scaling::MinMax, &train)?;
    /// let (later, mut scaled) = (array![[1.0f64, 2.0], [20.0, 15.0]], [0.0; 2]);
    /// scaler.copy_scaled(later.t(), 0, &mut scaled);
    /// assert_eq!(scaled, [0.25, 0.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// When `rows` or `out` have other features than the scaler, or there is no such row.
    pub fn copy_scaled<'a>(&self, rows: impl Into<Rows<'a>>, row: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.features, "the row must have the scaler's features");
        self.copy_scaled_range(rows, row, 0, out);
    }

    /// Writes the samples from `first` on, as many as `out` holds, scaled, row after row. An array that lies by columns, as tables
    /// often do, is read in blocks.
    ///
    /// # Panics
    /// When `rows` have other features than the scaler, there are not as many, or `out` does not hold whole ones.
    pub fn copy_scaled_rows<'a>(&self, rows: impl Into<Rows<'a>>, first: usize, out: &mut [f32]) {
        let rows = rows.into();
        assert_eq!(rows.features(), self.features, "the rows must have the scaler's features");
        assert!(out.len().is_multiple_of(self.features), "whole rows must be asked for");
        if rows.lie_by_columns() {
            rows.copy_rows(first, out);
            out.chunks_exact_mut(self.features).for_each(|row| self.scale_in_place(0, row));
            return;
        }
        for (row, out) in (first..).zip(out.chunks_exact_mut(self.features)) {
            self.copy_scaled_range(rows, row, 0, out);
        }
    }

    /// As [`copy_scaled`](Self::copy_scaled) for the features from `first` on, as many as `out` is long.
    pub(crate) fn copy_scaled_range<'a>(&self, rows: impl Into<Rows<'a>>, row: usize, first: usize, out: &mut [f32]) {
        let rows = rows.into();
        assert_eq!(rows.features(), self.features, "the rows must have the scaler's features");
        let range = first..first + out.len();
        match rows.stored_row(row) {
            StoredRow::Bytes(bytes) => self.scale_bytes(range.clone(), &bytes[range], out),
            StoredRow::Numbers(values) => self.scale(range.clone(), &values[range], out),
            StoredRow::Scattered => {
                rows.copy_range(row, first, out);
                self.scale_in_place(first, out);
            }
        }
    }

    /// Gives one scaled row its original units back, in place.
    ///
    /// # Panics
    /// When the row is not [`features`](Self::features) long.
    pub fn inverse_row(&self, row: &mut [f32]) {
        assert_eq!(row.len(), self.features, "the row must have the scaler's features");
        // By value, as in scaling: a coefficient behind a reference keeps loops from vectors.
        match self.coefficients {
            Affine::Uniform { offset, scale } => vectorised(
                #[inline(always)]
                move || row.iter_mut().for_each(|value| *value = *value / scale + offset),
            ),
            Affine::PerFeature { ref offset, ref scale } => vectorised(
                #[inline(always)]
                move || {
                    for ((value, offset), scale) in row.iter_mut().zip(offset).zip(scale) {
                        *value = *value / scale + offset;
                    }
                },
            ),
        }
    }

    /// Factor and offset that give a scaled value of a feature its original units back.
    pub(crate) fn inverse_of(&self, feature: usize) -> (f64, f64) {
        let (offset, scale) = match &self.coefficients {
            Affine::Uniform { offset, scale } => (*offset, *scale),
            Affine::PerFeature { offset, scale } => (offset[feature], scale[feature]),
        };
        (1.0 / f64::from(scale), f64::from(offset))
    }

    /// Puts what stands for a missing value in place of NaN in a row that is scaled otherwise.
    pub(crate) fn fill_missing(&self, scaled: &mut [f32]) {
        self.fill_range(0, scaled);
    }

    /// The same for the features from `first` on.
    fn fill_range(&self, first: usize, scaled: &mut [f32]) {
        for (index, value) in scaled.iter_mut().enumerate().filter(|(_, value)| value.is_nan()) {
            *value = match &self.fill {
                Fill::Uniform(fill) => *fill,
                Fill::PerFeature(fill) => fill[first + index],
            };
        }
    }

    /// Scales the values of the features from `first` on.
    fn scale_in_place(&self, first: usize, values: &mut [f32]) {
        let mut block = [0.0; 64];
        for (number, values) in values.chunks_mut(block.len()).enumerate() {
            let first = first + number * block.len();
            let block = &mut block[..values.len()];
            block.copy_from_slice(values);
            self.scale(first..first + values.len(), block, values);
        }
    }

    /// Writes the scaled values of a range of features to `out`; none of them is missing, for they are bytes.
    fn scale_bytes(&self, range: Range<usize>, bytes: &[u8], out: &mut [f32]) {
        // By value: a coefficient behind a reference could be one of the values written, which keeps loops from vectors.
        match self.coefficients {
            Affine::Uniform { offset, scale } => vectorised(
                #[inline(always)]
                move || {
                    for (to, &byte) in out.iter_mut().zip(bytes) {
                        *to = (f32::from(byte) - offset) * scale;
                    }
                },
            ),
            Affine::PerFeature { ref offset, ref scale } => {
                let (offset, scale) = (&offset[range.clone()], &scale[range]);
                vectorised(
                    #[inline(always)]
                    move || {
                        for (((to, &byte), offset), scale) in out.iter_mut().zip(bytes).zip(offset).zip(scale) {
                            *to = (f32::from(byte) - offset) * scale;
                        }
                    },
                );
            }
        }
    }

    /// Writes the scaled values of a range of features to `out`, missing ones as their fill.
    fn scale(&self, range: Range<usize>, values: &[f32], out: &mut [f32]) {
        let missing = match self.coefficients {
            Affine::Uniform { offset, scale } => vectorised(
                #[inline(always)]
                || {
                    let mut missing = false;
                    for (to, &value) in out.iter_mut().zip(values) {
                        missing |= value.is_nan();
                        *to = (value - offset) * scale;
                    }
                    missing
                },
            ),
            Affine::PerFeature { ref offset, ref scale } => {
                let (offset, scale) = (&offset[range.clone()], &scale[range.clone()]);
                vectorised(
                    #[inline(always)]
                    || {
                        let mut missing = false;
                        for (((to, &value), &offset), &scale) in out.iter_mut().zip(values).zip(offset).zip(scale) {
                            missing |= value.is_nan();
                            *to = (value - offset) * scale;
                        }
                        missing
                    },
                )
            }
        };
        if missing {
            self.fill_range(range.start, out);
        }
    }
}
