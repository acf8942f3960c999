//! Pairs of what is in the pipe and what the sensor measures of it.

use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use crate::banded::NotPositive;
use crate::phantoms::{Kind, Phantom, Position};
use crate::pixels::Pixels;
use crate::sensor::{PAIRS, Sensor, System, pairs};

/// Permittivity of the two substances.
pub const LOW: f64 = 1.0;
pub const HIGH: f64 = 3.0;
/// Points along the side of a cell at which a phantom is looked at.
const POINTS: usize = 3;

/// What random numbers are drawn for; each purpose and phantom has a stream of its own.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    Training = 1,
    Validation = 2,
    Test = 3,
    Noise = 4,
}

/// The random stream of a purpose for one of its phantoms.
pub fn stream(seed: u64, purpose: Purpose, index: usize) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream((purpose as u64) << 56 | index as u64);
    random
}

/// The sensor in use: what it measures when empty and when full.
#[derive(Clone, Debug)]
pub struct Simulator {
    pub sensor: Sensor,
    pub pixels: Pixels,
    low: [f64; PAIRS],
    high: [f64; PAIRS],
    /// Points of every cell within the pipe.
    points: Vec<[[f64; 2]; POINTS * POINTS]>,
}

/// Images, `samples × pixels`, and normalised capacitances, `samples × pairs`.
#[derive(Clone, Debug)]
pub struct Frames {
    pub images: Array2<f32>,
    pub capacitances: Array2<f32>,
}

impl Simulator {
    pub fn new(sensor: Sensor) -> Result<Self, NotPositive> {
        let mut system = sensor.system();
        let mut filled = |permittivity| sensor.capacitances(&vec![permittivity; sensor.inside_cells()], &mut system);
        let (low, high) = (filled(LOW)?, filled(HIGH)?);
        let points = (0..sensor.inside_cells()).map(|cell| points(&sensor, cell)).collect();
        Ok(Self { sensor, pixels: Pixels::new(), low, high, points })
    }

    /// Capacitances of the empty sensor in pF/m.
    pub fn empty(&self) -> &[f64; PAIRS] {
        &self.low
    }

    /// The points of a cell at which phantoms are looked at.
    pub fn points(&self, cell: usize) -> &[[f64; 2]] {
        &self.points[cell]
    }

    /// What the sensor measures of a phantom: (C − C_low) / (C_high − C_low). A cell that an edge crosses has the mean of both
    /// substances.
    pub fn measure(&self, phantom: &Phantom, system: &mut System) -> Result<[f32; PAIRS], NotPositive> {
        let permittivity = |points: &[[f64; 2]; POINTS * POINTS]| {
            let high = points.iter().filter(|&&point| phantom.contains(point)).count();
            LOW + (HIGH - LOW) * high as f64 / points.len() as f64
        };
        let inside: Vec<f64> = self.points.iter().map(permittivity).collect();
        let capacitances = self.sensor.capacitances(&inside, system)?;
        Ok(std::array::from_fn(|pair| {
            ((capacitances[pair] - self.low[pair]) / (self.high[pair] - self.low[pair])) as f32
        }))
    }

    /// Random phantoms of these kinds in turn, each measured once and shown in `positions` positions, which the symmetry of the
    /// sensor gives for nothing: the electrodes only change their numbers.
    pub fn frames(
        &self,
        kinds: &[Kind],
        phantoms: usize,
        positions: usize,
        seed: u64,
        purpose: Purpose,
    ) -> Result<Frames, NotPositive> {
        let positions = positions.clamp(1, Position::COUNT);
        let mut images = Array2::zeros((phantoms * positions, self.pixels.len()));
        let mut capacitances = Array2::zeros((phantoms * positions, PAIRS));
        let image_rows = images.as_slice_mut().expect("a new array is contiguous");
        let capacitance_rows = capacitances.as_slice_mut().expect("a new array is contiguous");
        image_rows
            .par_chunks_mut(positions * self.pixels.len())
            .zip(capacitance_rows.par_chunks_mut(positions * PAIRS))
            .enumerate()
            .try_for_each_init(
                || self.sensor.system(),
                |system, (index, (images, capacitances))| {
                    let mut random = stream(seed, purpose, index);
                    let phantom = Phantom::random(kinds[index % kinds.len()], &mut random);
                    let measured = self.measure(&phantom, system)?;
                    // Different ones for different phantoms, so that none is preferred.
                    let first = random.random_range(0..Position::COUNT);
                    let rows = images.chunks_exact_mut(self.pixels.len()).zip(capacitances.chunks_exact_mut(PAIRS));
                    for (number, (image, capacitances)) in rows.enumerate() {
                        let position = Position::new((first + number * Position::COUNT / positions) % Position::COUNT);
                        image.copy_from_slice(&self.pixels.image(&phantom.at(position)));
                        capacitances.copy_from_slice(&moved(&measured, position));
                    }
                    Ok(())
                },
            )?;
        Ok(Frames { images, capacitances })
    }
}

impl Frames {
    /// The same frames with normal noise on the capacitances, of which the spread is `level` times the root mean square of each frame: as
    /// a signal-to-noise ratio −20 log₁₀ `level` dB.
    pub fn with_noise(&self, level: f32, seed: u64) -> Self {
        let mut frames = self.clone();
        for (index, mut frame) in frames.capacitances.rows_mut().into_iter().enumerate() {
            let mut random = stream(seed, Purpose::Noise, index);
            let spread = level * (frame.iter().map(|value| value * value).sum::<f32>() / PAIRS as f32).sqrt();
            frame.iter_mut().for_each(|value| *value += spread * random.sample::<f32, _>(StandardNormal));
        }
        frames
    }
}

/// What is measured when the phantom lies in another position.
fn moved(measured: &[f32; PAIRS], position: Position) -> [f32; PAIRS] {
    let mut moved = [0.0; PAIRS];
    for (value, (a, b)) in measured.iter().zip(pairs()) {
        moved[number(position.electrode(a), position.electrode(b))] = *value;
    }
    moved
}

/// The number of a pair in the order of [`pairs`].
fn number(a: usize, b: usize) -> usize {
    let (a, b) = (a.min(b), a.max(b));
    a * (2 * crate::sensor::ELECTRODES - a - 1) / 2 + b - a - 1
}

/// Points spread over a cell, as many to each part of its area.
fn points(sensor: &Sensor, cell: usize) -> [[f64; 2]; POINTS * POINTS] {
    let ((inner, outer), (from, to)) = sensor.cell(cell);
    std::array::from_fn(|point| {
        let [across, along] = [point / POINTS, point % POINTS].map(|at| (at as f64 + 0.5) / POINTS as f64);
        let radius = (inner * inner + across * (outer * outer - inner * inner)).sqrt();
        let (sin, cos) = (from + along * (to - from)).sin_cos();
        [radius * cos, radius * sin]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::Design;

    fn simulator() -> Simulator {
        Simulator::new(Sensor::new(Design { cells: 10, rays: 6, reach: 2, ..Design::default() })).unwrap()
    }

    #[test]
    fn pairs_have_their_numbers() {
        assert!(pairs().enumerate().all(|(index, (a, b))| number(a, b) == index && number(b, a) == index));
    }

    #[test]
    fn a_phantom_in_another_position_measures_what_the_symmetry_says() {
        let simulator = simulator();
        let mut system = simulator.sensor.system();
        let phantom = Phantom::random(Kind::Squares, &mut stream(3, Purpose::Test, 0));
        let measured = simulator.measure(&phantom, &mut system).unwrap();
        for index in [5, 12, 17] {
            let position = Position::new(index);
            let solved = simulator.measure(&phantom.at(position), &mut system).unwrap();
            for (solved, moved) in solved.iter().zip(moved(&measured, position)) {
                assert!((solved - moved).abs() < 2e-3, "position {index}: {solved} is not {moved}");
            }
        }
    }

    #[test]
    fn two_halves_do_not_add_up_to_a_full_pipe_because_the_field_is_not_linear() {
        let simulator = simulator();
        let sensor = &simulator.sensor;
        let mut system = sensor.system();
        let mut half = |right: bool| {
            let permittivity = |cell| {
                let (_, (from, to)) = sensor.cell(cell);
                if ((from + to) / 2.0 < std::f64::consts::PI) == right { HIGH } else { LOW }
            };
            let inside: Vec<f64> = (0..sensor.inside_cells()).map(permittivity).collect();
            sensor.capacitances(&inside, &mut system).unwrap()
        };
        let (one, other) = (half(true), half(false));
        let farthest = (0..PAIRS).map(|pair| {
            let change =
                |capacitance: f64| (capacitance - simulator.low[pair]) / (simulator.high[pair] - simulator.low[pair]);
            (change(one[pair]) + change(other[pair]) - 1.0).abs()
        });
        let farthest = farthest.fold(0.0, f64::max);
        assert!(farthest > 0.2, "{farthest}");
    }

    #[test]
    fn frames_are_the_same_for_the_same_seed_and_noise_has_its_level() {
        let simulator = simulator();
        let frames = |seed| simulator.frames(&Kind::TRAINED, 8, 3, seed, Purpose::Training).unwrap();
        assert_eq!(frames(1).capacitances, frames(1).capacitances);
        assert_ne!(frames(1).images, frames(2).images);
        let clean = frames(1);
        let noise = &clean.with_noise(0.05, 9).capacitances - &clean.capacitances;
        let norm = |values: &Array2<f32>| values.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!((norm(&noise) / norm(&clean.capacitances) - 0.05).abs() < 0.005);
    }
}
