//! What is done without learning: linear back-projection and projected Landweber iteration, both on the sensitivities of the empty
//! sensor (Yang and Peng, "Image reconstruction algorithms for electrical capacitance tomography", Meas. Sci. Technol. 14, 2003).

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;

use crate::banded::NotPositive;
use crate::measurements::{LOW, Simulator};
use crate::sensor::PAIRS;

/// Frames that are worked on together.
const BLOCK: usize = 50;

/// The linear model: normalised capacitances = sensitivities · normalised image.
#[derive(Clone, Debug)]
pub struct LinearModel {
    /// `pairs × pixels`; a full pipe gives 1 for each pair.
    sensitivities: Array2<f32>,
    /// Step of the iteration.
    relaxation: f32,
}

impl LinearModel {
    /// The model of an empty sensor.
    ///
    /// # Errors
    /// When the field cannot be solved.
    pub fn new(simulator: &Simulator) -> Result<Self, NotPositive> {
        let sensor = &simulator.sensor;
        let by_cell = sensor.sensitivities(&vec![LOW; sensor.inside_cells()], &mut sensor.system())?;
        let mut sensitivities = Array2::<f64>::zeros((PAIRS, simulator.pixels.len()));
        for cell in 0..sensor.inside_cells() {
            let points = simulator.points(cell);
            for pixel in points.iter().filter_map(|&point| simulator.pixels.of_point(point)) {
                for (pair, row) in by_cell.iter().enumerate() {
                    sensitivities[[pair, pixel]] += row[cell] / points.len() as f64;
                }
            }
        }
        for mut row in sensitivities.rows_mut() {
            let sum = row.sum();
            row.mapv_inplace(|value| value / sum);
        }
        let sensitivities = sensitivities.mapv(|value| value as f32);
        // The iteration converges for steps below 2 / σ², where σ is the largest singular value.
        let relaxation = 1.0 / largest_eigenvalue(&sensitivities.dot(&sensitivities.t()));
        Ok(Self { sensitivities, relaxation })
    }

    /// The relaxation factor of the Landweber iteration.
    pub fn relaxation(&self) -> f32 {
        self.relaxation
    }

    /// ĝ = Sᵀ c / Sᵀ 1, within 0..1, of many frames: `samples × pairs` to `samples × pixels`.
    pub fn back_project(&self, capacitances: &Array2<f32>) -> Array2<f32> {
        let images = capacitances.dot(&self.sensitivities) / self.sensitivities.sum_axis(Axis(0));
        images.mapv_into(|value| value.clamp(0.0, 1.0))
    }

    /// ĝ ← P(ĝ + α Sᵀ(c − S ĝ)) from the back-projection on, where P takes values into 0..1 (Yang et al., Meas. Sci. Technol. 10,
    /// 1999), of many frames: `samples × pairs` to `samples × pixels`.
    pub fn landweber(&self, capacitances: &Array2<f32>, iterations: usize) -> Array2<f32> {
        self.iterate(self.back_project(capacitances), capacitances, iterations)
    }

    /// As many iterations more.
    pub fn iterate(&self, mut images: Array2<f32>, capacitances: &Array2<f32>, iterations: usize) -> Array2<f32> {
        let blocks = images.axis_chunks_iter_mut(Axis(0), BLOCK).zip(capacitances.axis_chunks_iter(Axis(0), BLOCK));
        blocks.par_bridge().for_each(|(mut images, capacitances)| {
            for _ in 0..iterations {
                let missing = &capacitances - &images.dot(&self.sensitivities.t());
                general_mat_mul(self.relaxation, &missing, &self.sensitivities, 1.0, &mut images);
                images.mapv_inplace(|value| value.clamp(0.0, 1.0));
            }
        });
        images
    }
}

/// By power iteration; of a symmetric matrix without negative eigenvalues.
fn largest_eigenvalue(matrix: &Array2<f32>) -> f32 {
    let mut vector = Array1::from_elem(matrix.nrows(), 1.0);
    let mut value = 0.0;
    for _ in 0..200 {
        vector = matrix.dot(&vector);
        value = vector.dot(&vector).sqrt();
        vector /= value;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurements::Purpose;
    use crate::phantoms::Kind;
    use crate::scores::relative_error;
    use crate::sensor::{Design, Sensor};

    #[test]
    fn both_methods_find_a_full_pipe_and_iterating_helps_with_a_phantom() {
        let sensor = Sensor::new(Design { cells: 10, rays: 6, reach: 2, ..Design::default() });
        let simulator = Simulator::new(sensor).unwrap();
        let model = LinearModel::new(&simulator).unwrap();
        let full = Array2::ones((1, PAIRS));
        for image in [model.back_project(&full), model.landweber(&full, 50)] {
            assert!(image.iter().all(|value| (value - 1.0).abs() < 1e-3));
        }
        let frames = simulator.frames(&[Kind::Rods], 1, 1, 1, Purpose::Test).unwrap();
        let error = |images: Array2<f32>| relative_error(images.row(0), frames.images.row(0));
        let measured = &frames.capacitances;
        assert!(error(model.landweber(measured, 100)) < error(model.back_project(measured)));
    }
}
