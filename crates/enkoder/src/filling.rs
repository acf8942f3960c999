//! Filling what is missing in samples: the model says what it should be, and what was observed stays as it is.

use ndarray::{Array2, Zip};

use crate::autoencoder::{Autoencoder, ModelError};
use crate::dataset::Dataset;
use crate::training::Corruption;

/// How often a model is asked that has not learned to fill. On digits of which a random half is missing (MNIST), the error on what
/// is missing falls to about a third or half of that of one pass, and hardly changes any more.
const REPEATED: usize = 10;

impl Autoencoder {
    /// How often [`fill`](Self::fill) best asks this model: once where it was trained with missing values
    /// ([`Corruption::Missing`]), for what it is asked with a second time is nothing it has ever seen; else 10 times.
    pub fn fill_iterations(&self) -> usize {
        let corruption = self.record().config.as_ref().and_then(|config| config.corruption);
        if matches!(corruption, Some(Corruption::Missing { .. })) { 1 } else { REPEATED }
    }

    /// The samples with what is missing (NaN) filled by the model, in the units of the data: `samples × features`. Observed values
    /// keep every bit.
    ///
    /// First the training mean stands where something is missing, as it does in training with missing values; the reconstruction
    /// takes its place, and with it the model is asked again, until it was asked `iterations` times (at least once).
    ///
    /// # Errors
    /// When the data does not fit the model, and when the model makes something else of its input.
    pub fn fill(&self, data: &Dataset, iterations: usize) -> Result<Array2<f32>, ModelError> {
        if self.architecture().output_shape.is_some() {
            return Err(ModelError::NoReconstruction);
        }
        self.check(data)?;
        let given = data.to_array();
        let mut filled = given.clone();
        for iteration in 0..iterations.max(1) {
            let made = if iteration == 0 {
                self.reconstruct(data)?
            } else {
                self.reconstruct(&Dataset::from_f32(data.name(), filled.clone()).expect("as many samples as before"))?
            };
            Zip::from(&mut filled).and(&made).and(&given).for_each(|filled, &made, given| {
                if given.is_nan() {
                    *filled = made;
                }
            });
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scaling, fit_pca};

    /// Points near a line in four dimensions, of which three numbers follow from any one.
    fn line() -> Array2<f32> {
        Array2::from_shape_fn((200, 4), |(i, j)| {
            (i as f32 - 100.0) * [1.0, 2.0, -1.0, 0.5][j] + 3.0 + ((i * 7 + j * 3) % 5) as f32 * 0.01
        })
    }

    fn damaged(whole: &Array2<f32>) -> Array2<f32> {
        let mut damaged = whole.clone();
        damaged.indexed_iter_mut().filter(|((i, j), _)| (i + j) % 3 == 0).for_each(|(_, value)| *value = f32::NAN);
        damaged
    }

    fn error(filled: &Array2<f32>, whole: &Array2<f32>) -> f32 {
        (filled - whole).mapv(|difference| difference * difference).mean().unwrap()
    }

    #[test]
    fn the_missing_is_filled_and_what_was_observed_keeps_every_bit() {
        let whole = line();
        let data = Dataset::from_f32("line", whole.clone()).unwrap();
        let model = fit_pca(&data, &data, 1, Scaling::Auto).unwrap();
        let damaged = damaged(&whole);
        let data = Dataset::from_f32("damaged", damaged.clone()).unwrap();
        let errors = [1, 4, 30].map(|iterations| {
            let filled = model.fill(&data, iterations).unwrap();
            let kept = filled.iter().zip(&damaged).all(|(a, b)| b.is_nan() || a.to_bits() == b.to_bits());
            assert!(kept && filled.iter().all(|value| value.is_finite()));
            error(&filled, &whole)
        });
        // On a plane, asking again converges to the point of it that fits what was observed.
        assert!(errors[2] < 0.001 && errors[1] < errors[0] && errors[2] < errors[1], "{errors:?}");
        assert_eq!(model.fill(&data, 0).unwrap(), model.fill(&data, 1).unwrap());
        assert_eq!(model.fill_iterations(), 10);
    }

    #[test]
    fn nothing_missing_is_nothing_changed() {
        let data = Dataset::from_u8("bytes", Array2::from_shape_fn((9, 4), |(i, j)| (i * j * 9) as u8)).unwrap();
        let model = fit_pca(&data, &data, 1, Scaling::Auto).unwrap();
        assert_eq!(model.fill(&data, 3).unwrap(), data.to_array());
    }

    #[test]
    fn other_data_and_infinite_values_are_refused() {
        let data = Dataset::from_f32("line", line()).unwrap();
        let model = fit_pca(&data, &data, 1, Scaling::Auto).unwrap();
        let other = Dataset::from_f32("other", Array2::zeros((3, 5))).unwrap();
        assert_eq!(model.fill(&other, 1), Err(ModelError::Features { found: 5, expected: 4 }));
        let infinite = Dataset::from_f32("infinite", Array2::from_elem((1, 4), f32::INFINITY)).unwrap();
        assert_eq!(model.fill(&infinite, 1), Err(ModelError::Infinite { sample: 0, feature: 0 }));
    }
}
