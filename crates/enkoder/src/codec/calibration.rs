//! What data held out of the training reveals about where a model errs, and how far its codes spread. It travels in the model
//! file, because a codec that knows this need not say so in every file: for smooth fields that is half of its gain.

use ndarray::Axis;

use crate::autoencoder::{Autoencoder, ModelError};
use crate::dataset::Dataset;

/// Where a model's reconstructions err, and how far its codes spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// For each feature the root mean square of what its reconstruction misses, in the units of the data.
    pub residual_spread: Vec<f32>,
    /// For each latent the root mean square of its code.
    pub code_spread: Vec<f32>,
}

impl Calibration {
    /// Learns from samples that the model was not trained on. Missing values do not count; a feature without any value has
    /// spread 0.
    ///
    /// # Errors
    /// When the data does not fit the model.
    pub fn from_held_out(model: &Autoencoder, held_out: &Dataset) -> Result<Self, ModelError> {
        const BLOCK: usize = 256;
        let features = model.architecture().features();
        let (mut squares, mut counts) = (vec![0.0f64; features], vec![0u32; features]);
        let mut code_squares = vec![0.0f64; model.architecture().latent()];
        for first in (0..held_out.len()).step_by(BLOCK) {
            let rows: Vec<usize> = (first..held_out.len().min(first + BLOCK)).collect();
            let block = held_out.select(&rows);
            let codes = model.encode(&block)?;
            let reconstructed = model.decode(codes.view())?;
            for code in codes.axis_iter(Axis(0)) {
                code_squares.iter_mut().zip(code).for_each(|(sum, &code)| *sum += f64::from(code).powi(2));
            }
            let original = block.to_array();
            for (original, reconstructed) in original.axis_iter(Axis(0)).zip(reconstructed.axis_iter(Axis(0))) {
                let sums = squares.iter_mut().zip(&mut counts);
                for ((square, count), (&x, &y)) in sums.zip(original.iter().zip(reconstructed)) {
                    let error = f64::from(x) - f64::from(y);
                    if error.is_finite() {
                        *square += error * error;
                        *count += 1;
                    }
                }
            }
        }
        let root = |(square, count): (f64, u32)| (square / f64::from(count.max(1))).sqrt() as f32;
        let samples = held_out.len() as u32;
        Ok(Self {
            residual_spread: squares.into_iter().zip(counts).map(root).collect(),
            code_spread: code_squares.into_iter().map(|square| root((square, samples))).collect(),
        })
    }
}
