//! Reading samples, each by itself: as numbers, or as they are stored.

use std::ops::Range;

use ndarray::Array2;

use super::Dataset;
use super::values::Values;

impl Dataset {
    /// Whether the values are bytes.
    pub fn is_u8(&self) -> bool {
        matches!(self.values, Values::U8(_) | Values::Patches(_))
    }

    /// Whether the samples are [patches](Self::from_patches), cut when they are read.
    pub(crate) fn is_patches(&self) -> bool {
        matches!(self.values, Values::Patches(_))
    }

    /// The bytes that one value takes as stored: 1 for u8, 4 for f32.
    pub fn bytes_per_value(&self) -> usize {
        if self.is_u8() { 1 } else { 4 }
    }

    /// Writes sample `index` as numbers into `out`, which must be [`features`](Self::features) long.
    pub fn copy_row(&self, index: usize, out: &mut [f32]) {
        match &self.values {
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
        match &self.values {
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
        match &self.values {
            Values::U8(values) => Some(self.stored(values, index)),
            Values::F32(_) | Values::Patches(_) => None,
        }
    }

    /// Writes the bytes of sample `index` into `out`, which must be [`features`](Self::features) long, and returns whether the values
    /// are bytes; `out` is unchanged where they are not.
    pub fn copy_row_u8(&self, index: usize, out: &mut [u8]) -> bool {
        match &self.values {
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
            sum += match &self.values {
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
        match &self.values {
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
}
