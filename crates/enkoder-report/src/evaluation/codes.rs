//! Codes rounded to bytes: each dimension's range over the training samples is cut into 255 equal steps.

use enkoder::{Autoencoder, Dataset, ModelError};
use ndarray::Array2;

use super::chunk_rows;

/// Codes of at most this many samples tell the ranges.
const MOST_SAMPLES: usize = 1 << 16;

/// The smallest and largest value of each number of a code.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CodeRanges {
    ranges: Vec<(f32, f32)>,
}

impl CodeRanges {
    /// The ranges over (at most 65,536, evenly spread) samples.
    pub(super) fn of(model: &Autoencoder, samples: &Dataset) -> Result<Self, ModelError> {
        let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); model.architecture().latent()];
        let stride = samples.len().div_ceil(MOST_SAMPLES).max(1);
        let indices: Vec<usize> = (0..samples.len()).step_by(stride).collect();
        for chunk in indices.chunks(chunk_rows(samples.features())) {
            for code in model.encode(&samples.select(chunk))?.rows() {
                for ((low, high), &value) in ranges.iter_mut().zip(code) {
                    (*low, *high) = (low.min(value), high.max(value));
                }
            }
        }
        Ok(Self { ranges })
    }

    /// The codes as they come back from one byte a number.
    pub(super) fn rounded(&self, codes: &Array2<f32>) -> Array2<f32> {
        let mut rounded = codes.clone();
        for mut code in rounded.rows_mut() {
            for (value, &(low, high)) in code.iter_mut().zip(&self.ranges) {
                let step = (high - low) / 255.0;
                if step > 0.0 && step.is_finite() {
                    // Casting saturates: values beyond the range take its ends.
                    *value = low + f32::from(((*value - low) / step).round() as u8) * step;
                } else if low.is_finite() {
                    *value = low;
                }
            }
        }
        rounded
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_constant_dimension_keeps_its_value_and_one_without_values_is_left_alone() {
        let ranges = CodeRanges { ranges: vec![(2.0, 2.0), (f32::INFINITY, f32::NEG_INFINITY)] };
        assert_eq!(ranges.rounded(&array![[2.0, 7.0], [3.0, 8.0]]), array![[2.0, 7.0], [2.0, 8.0]]);
    }

    proptest! {
        #[test]
        fn rounding_moves_a_value_within_the_range_by_at_most_half_a_step(low in -100f32..100.0, width in 0.1f32..100.0, at in 0f32..1.0) {
            let ranges = CodeRanges { ranges: vec![(low, low + width)] };
            let value = low + width * at;
            let rounded = ranges.rounded(&array![[value]])[[0, 0]];
            prop_assert!((rounded - value).abs() <= width / 255.0 * 0.5 + 1e-4, "{value} became {rounded}");
        }
    }
}
