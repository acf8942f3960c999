//! Filling what is missing in samples: the model says what it should be, and what was observed stays as it is. The nearest other
//! samples are what a model is held against.

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use crate::autoencoder::{Autoencoder, ModelError};
use crate::dataset::Dataset;
use crate::network::vectorised::{LANES, sum_lanes, vectorised};
use crate::rows::Rows;
use crate::scaling::Scaler;
use crate::training::Task;

/// How often a model is asked that has not learned to fill. On digits of which a random half is missing (MNIST), the error on what
/// is missing falls to about a third or half of that of one pass, and hardly changes any more.
const REPEATED: usize = 10;

impl Autoencoder {
    /// How often [`fill`](Self::fill) best asks this model: once where it was trained with missing values
    /// ([`Task::Fill`]), for what it is asked with a second time is nothing it has ever seen; else 10 times.
    pub fn fill_iterations(&self) -> usize {
        let learned = self.task() == Task::Fill || self.record().data.missing > 0.0;
        if learned { 1 } else { REPEATED }
    }

    /// The samples with what is missing (NaN) filled by the model, in the units of the data: `samples × features`. Observed values
    /// keep every bit. A row with an infinite value keeps its gaps.
    ///
    /// First the training mean stands where something is missing, as it does in training with missing values; the reconstruction
    /// takes its place, and with it the model is asked again, until it was asked `iterations` times (at least once).
    ///
    /// # Errors
    /// When the data does not fit the model, and when the model makes something else of its input.
    pub fn fill<'r>(&self, samples: impl Into<Rows<'r>>, iterations: usize) -> Result<Array2<f32>, ModelError> {
        let rows = samples.into();
        let mut filled = Array2::zeros((rows.len(), rows.features()));
        self.fill_into(rows, iterations, filled.as_slice_mut().expect("a new array is contiguous"))?;
        Ok(filled)
    }

    /// As [`fill`](Self::fill), into memory for `samples × features` numbers.
    ///
    /// # Errors
    /// As [`fill`](Self::fill), and when `filled` has another length.
    pub fn fill_into<'r>(
        &self,
        samples: impl Into<Rows<'r>>,
        iterations: usize,
        filled: &mut [f32],
    ) -> Result<(), ModelError> {
        let rows = samples.into();
        if !self.task().reconstructs() {
            return Err(ModelError::NoReconstruction);
        }
        self.check(rows)?;
        let (features, found) = (rows.features(), filled.len());
        let expected = rows.len() * features;
        if found != expected {
            return Err(ModelError::Output { found, expected });
        }
        filled.chunks_exact_mut(features).enumerate().for_each(|(row, filled)| rows.copy_row(row, filled));
        fill_by(filled, iterations, |values, made| {
            let samples = Rows::from_slice(values, features).expect("as many rows as before");
            self.reconstruct_into(samples, made).map(drop)
        })
    }
}

/// Fills what is missing in `values` (NaN) by what `pass` makes of them, in as many passes as `iterations` says, at least one.
pub(crate) fn fill_by<E>(
    values: &mut [f32],
    iterations: usize,
    mut pass: impl FnMut(&[f32], &mut [f32]) -> Result<(), E>,
) -> Result<(), E> {
    let missing: Vec<usize> = (0..values.len()).filter(|&at| values[at].is_nan()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut made = vec![0.0; values.len()];
    for _ in 0..iterations.max(1) {
        pass(values, &mut made)?;
        missing.iter().for_each(|&at| values[at] = made[at]);
    }
    Ok(())
}

/// The samples with what is missing (NaN) filled by the mean of those `neighbours` samples of `others` that are closest on what is
/// there, by the squared distance in scaled units; `samples × features`, in the units of the data. What is missing in `others` counts as the scaler's
/// mean.
///
/// # Panics
/// When the data sets and the scaler do not have the same features, and when there are no neighbours to take.
pub fn fill_from_nearest(data: &Dataset, others: &Dataset, scaler: &Scaler, neighbours: usize) -> Array2<f32> {
    /// Samples that are compared with all others at a time.
    const TOGETHER: usize = 256;
    assert!(neighbours > 0 && !others.is_empty(), "there are neighbours");
    let mut filled = data.to_array();
    let known = filled.mapv(|value| if value.is_nan() { 0.0f32 } else { 1.0 });
    let samples = scaler.transform(data);
    let mut closest: Vec<Vec<(f32, usize)>> = vec![Vec::new(); data.len()];
    for start in (0..others.len()).step_by(TOGETHER) {
        let others = scaler.transform(&others.rows(start..others.len().min(start + TOGETHER)));
        closest.par_iter_mut().enumerate().for_each(|(row, closest)| {
            let [sample, known] = [&samples, &known].map(|rows| rows.row(row).to_slice().expect("rows are contiguous"));
            closest.extend(others.rows().into_iter().zip(start..).map(|(other, index)| {
                (distance(sample, known, other.to_slice().expect("rows are contiguous")), index)
            }));
            if closest.len() > neighbours {
                closest.select_nth_unstable_by(neighbours - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                closest.truncate(neighbours);
            }
        });
    }
    for (mut row, closest) in filled.rows_mut().into_iter().zip(closest) {
        let indices: Vec<usize> = closest.into_iter().map(|(_, index)| index).collect();
        let mut mean = scaler.transform(&others.select(&indices)).mean_axis(Axis(0)).expect("there are neighbours");
        scaler.inverse_row(mean.as_slice_mut().expect("a row is contiguous"));
        row.iter_mut().zip(mean).filter(|(value, _)| value.is_nan()).for_each(|(value, mean)| *value = mean);
    }
    filled
}

/// The squared distance over what is known (1, else 0).
fn distance(sample: &[f32], known: &[f32], other: &[f32]) -> f32 {
    vectorised(
        #[inline(always)]
        || {
            let mut sums = [0.0f32; LANES];
            let (samples, rest) = sample.as_chunks::<LANES>();
            let (knowns, known_rest) = known.as_chunks::<LANES>();
            let (others, other_rest) = other.as_chunks::<LANES>();
            for ((sample, known), other) in samples.iter().zip(knowns).zip(others) {
                for lane in 0..LANES {
                    sums[lane] += known[lane] * (sample[lane] - other[lane]) * (sample[lane] - other[lane]);
                }
            }
            for (lane, ((sample, known), other)) in rest.iter().zip(known_rest).zip(other_rest).enumerate() {
                sums[lane] += known * (sample - other) * (sample - other);
            }
            sum_lanes(sums)
        },
    )
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
    fn the_nearest_samples_are_those_that_are_closest_on_what_is_there() {
        let whole = line();
        let others = Dataset::from_f32("line", whole.clone()).unwrap();
        let scaler = Scaler::fit(Scaling::Standard, &others).unwrap();
        let damaged = damaged(&whole);
        let data = Dataset::from_f32("damaged", damaged.clone()).unwrap();
        let one = fill_from_nearest(&data, &others, &scaler, 1);
        // The nearest one is the sample itself, but for rounding on the way through scaled units.
        assert!(error(&one, &whole) < 1e-6);
        assert!(one.iter().zip(&damaged).all(|(a, b)| b.is_nan() || a.to_bits() == b.to_bits()));
        let unlike = others.select(&(0..200).filter(|index| index % 2 == 1).collect::<Vec<_>>());
        let two = fill_from_nearest(&data.select(&[100]), &unlike, &scaler, 2);
        let expected = (&whole.row(99) + &whole.row(101)) / 2.0;
        for ((&found, &expected), &given) in two.iter().zip(&expected).zip(damaged.row(100)) {
            let expected = if given.is_nan() { expected } else { given };
            assert!((found - expected).abs() < 1e-4, "{found} and {expected}");
        }
    }

    #[test]
    fn nothing_missing_is_nothing_changed() {
        let data = Dataset::from_u8("bytes", Array2::from_shape_fn((9, 4), |(i, j)| (i * j * 9) as u8)).unwrap();
        let model = fit_pca(&data, &data, 1, Scaling::Auto).unwrap();
        assert_eq!(model.fill(&data, 3).unwrap(), data.to_array());
    }

    #[test]
    fn other_data_is_refused_and_rows_with_infinite_values_keep_their_gaps() {
        let data = Dataset::from_f32("line", line()).unwrap();
        let model = fit_pca(&data, &data, 1, Scaling::Auto).unwrap();
        let other = Dataset::from_f32("other", Array2::zeros((3, 5))).unwrap();
        assert_eq!(model.fill(&other, 1), Err(ModelError::Features { found: 5, expected: 4 }));
        let infinite = Dataset::from_f32("infinite", Array2::from_elem((1, 4), f32::INFINITY)).unwrap();
        assert_eq!(model.fill(&infinite, 1).unwrap(), infinite.to_array());
        let mut gaps = line();
        gaps[[1, 0]] = f32::NAN;
        gaps[[1, 1]] = f32::INFINITY;
        gaps[[2, 3]] = f32::NAN;
        let filled = model.fill(&gaps, 1).unwrap();
        assert!(filled[[1, 0]].is_nan() && filled[[2, 3]].is_finite(), "an infinite value is its own row's matter");
    }
}
