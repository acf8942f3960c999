//! How far a vector is from usual, when its numbers vary together: the squares of its parts along the principal components,
//! each weighted by the variance there to the power −p. For p = 0 that is the Euclidean distance, for p = 1 Mahalanobis's; the
//! detectors use p = ½, which still sees small deviations across strong correlations, without letting the directions that
//! hardly vary, where variances are least certain, decide alone.

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::network::products::times;
use crate::network::vectorised::{LANES, change_columns, sum_lanes, vectorised};
use crate::pca::{PcaError, principal_components};
use crate::scaling::{Scaler, Scaling};

/// More principal components than this are not told apart.
const MOST_DIRECTIONS: usize = 256;
const POWER: f64 = 0.5;
/// The smallest variance that is believed, as a part of the mean one.
const LEAST_VARIANCE: f64 = 1e-3;
/// And the smallest of all. Vectors have numbers that vary by about 1; where none of them varies, as flags that are hardly ever
/// set do among the rows trusted, a deviation costs much and not infinitely much.
const LEAST_OF_ALL: f64 = 1e-6;

/// Mean and principal components of vectors, with what a deviation along each costs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Whitening {
    pub(super) mean: Vec<f32>,
    /// `directions × width`.
    pub(super) directions: Vec<f32>,
    /// The same as `width × padded`, with zeros beyond the directions: whole vectors to multiply with.
    columns: Vec<f32>,
    padded: usize,
    pub(super) variances: Variances,
    /// For each direction what its square costs beyond `rest`, with zeros up to `padded`.
    weights: Vec<f32>,
    rest: f32,
    /// The diagonal of the inverse covariance: for each number, one over its variance given all others.
    precision: Vec<f32>,
}

/// The variances that a [`Whitening`] is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Variances {
    along: Vec<f64>,
    /// In every other direction.
    rest: f64,
}

impl Variances {
    /// Checks what was read from a file.
    pub(super) fn are_sound(&self, directions: usize) -> bool {
        let positive = |variance: &f64| *variance > 0.0 && variance.is_finite();
        self.along.len() == directions && self.along.iter().chain([&self.rest]).all(positive)
    }
}

impl Whitening {
    /// Fits on vectors, `rows × width`, as they are.
    pub(super) fn fit(vectors: &Dataset) -> Result<Self, PcaError> {
        let (rows, width) = (vectors.len(), vectors.features());
        if rows < 2 {
            // One vector tells where usual ones lie, and nothing of how far they spread.
            let mean = vectors.to_array().into_raw_vec_and_offset().0;
            return Ok(Self::new(mean, Vec::new(), Variances { along: Vec::new(), rest: 1.0 }));
        }
        let count = width.min(rows - 1).min(MOST_DIRECTIONS);
        let scaler = Scaler::fit(Scaling::None, vectors)?;
        let mut components = principal_components(vectors, &scaler, count)?;
        let known = components.variances.iter().take_while(|&&variance| variance > 0.0).count();
        components.directions.truncate(known * width);
        let mean_variance = components.total_variance / width as f64;
        // The fewer rows there are for each number, the less is known of the directions that vary least.
        let doubt = (0.2 * width as f64 / rows as f64).clamp(LEAST_VARIANCE, 1.0);
        let floor = (mean_variance * doubt).max(LEAST_OF_ALL);
        let along: Vec<f64> = components.variances[..known].iter().map(|variance| variance.max(floor)).collect();
        let left = components.total_variance - components.variances.iter().sum::<f64>();
        let rest = if known < width { (left / (width - known) as f64).max(floor) } else { floor };
        Ok(Self::new(components.mean, components.directions, Variances { along, rest }))
    }

    /// From its parts, as a file has them.
    pub(super) fn new(mean: Vec<f32>, directions: Vec<f32>, variances: Variances) -> Self {
        let Variances { along, rest } = &variances;
        let base = if along.len() < mean.len() { *rest } else { along.iter().copied().fold(*rest, f64::max) };
        let cost = |variance: f64| variance.powf(-POWER);
        let mut weights: Vec<f32> = along.iter().map(|&variance| (cost(variance) - cost(base)) as f32).collect();
        // The least that it can be but for rounding.
        let least = 1.0 / along.iter().copied().fold(*rest, f64::max);
        let precision = (0..mean.len())
            .map(|at| {
                let parts = directions.iter().skip(at).step_by(mean.len()).zip(along);
                let parts = parts.map(|(&v, variance)| f64::from(v).powi(2) * (1.0 / variance - 1.0 / base));
                (1.0 / base + parts.sum::<f64>()).max(least) as f32
            })
            .collect();
        let (width, count) = (mean.len(), along.len());
        let padded = count.next_multiple_of(LANES);
        weights.resize(padded, 0.0);
        let mut columns = vec![0.0; width * padded];
        for (at, direction) in directions.chunks_exact(width).enumerate() {
            columns[at..].iter_mut().step_by(padded).zip(direction).for_each(|(to, &value)| *to = value);
        }
        Self { rest: cost(base) as f32, mean, directions, columns, padded, weights, precision, variances }
    }

    /// Checks what was made of a file: variances near 0 cost more than f32 holds.
    pub(super) fn is_sound(&self) -> bool {
        let mut numbers = self.weights.iter().chain(&self.precision).chain([&self.rest]);
        numbers.all(|number| number.is_finite())
    }

    /// What the square of each direction's part costs beyond the cost of all, and that cost.
    pub(super) fn weights(&self) -> (&[f32], f32) {
        (&self.weights[..self.directions()], self.rest)
    }

    pub(super) fn directions(&self) -> usize {
        self.variances.along.len()
    }

    /// How far each number usually is from what the others let expect: its standard deviation given all others.
    pub(super) fn spreads(&self) -> impl Iterator<Item = f32> {
        self.precision.iter().map(|precision| precision.sqrt().recip())
    }

    /// Writes the cost of each vector, a mean over its numbers; the vectors become their deviations from the mean.
    pub(super) fn scores(&self, vectors: &mut [f32], scores: &mut [f32], scratch: &mut WhiteningScratch) {
        let width = self.mean.len();
        change_columns(vectors, &self.mean, |value, mean| value - mean);
        let directions = self.directions();
        scratch.parts.resize(scores.len() * self.padded, 0.0);
        if directions > 0 {
            times(vectors, &self.columns, self.padded, &mut scratch.parts);
        }
        vectorised(
            #[inline(always)]
            || {
                for (row, score) in scores.iter_mut().enumerate() {
                    let parts = &scratch.parts[row * self.padded..];
                    let mut along = [0.0; LANES];
                    for (at, weights) in self.weights.chunks_exact(LANES).enumerate() {
                        let parts = lanes(&parts[at * LANES..], directions - at * LANES);
                        for lane in 0..LANES {
                            along[lane] += weights[lane] * parts[lane] * parts[lane];
                        }
                    }
                    let vector = &vectors[row * width..];
                    let mut all = [0.0; LANES];
                    for at in (0..width).step_by(LANES) {
                        let values = lanes(&vector[at..], width - at);
                        for lane in 0..LANES {
                            all[lane] += values[lane] * values[lane];
                        }
                    }
                    *score = (sum_lanes(along) + self.rest * sum_lanes(all)).max(0.0) / width as f32;
                }
            },
        );
    }

    /// What each number of a vector should be, given all others, and the square of its deviation from that in units of its
    /// variance given all others.
    pub(super) fn expected(&self, vector: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let width = self.mean.len();
        let deviation: Vec<f64> = vector.iter().zip(&self.mean).map(|(x, mean)| f64::from(x - mean)).collect();
        let Variances { along, rest } = &self.variances;
        let base = if along.len() < width { *rest } else { along.iter().copied().fold(*rest, f64::max) };
        let mut gradient: Vec<f64> = deviation.iter().map(|value| value / base).collect();
        for (direction, variance) in self.directions.chunks_exact(width).zip(along) {
            let part: f64 = direction.iter().zip(&deviation).map(|(&v, x)| f64::from(v) * x).sum();
            let weight = part * (1.0 / variance - 1.0 / base);
            gradient.iter_mut().zip(direction).for_each(|(to, &v)| *to += weight * f64::from(v));
        }
        gradient
            .iter()
            .zip(&self.precision)
            .zip(vector)
            .map(|((&gradient, &precision), &value)| {
                let precision = f64::from(precision);
                (value - (gradient / precision) as f32, (gradient * gradient / precision) as f32)
            })
            .unzip()
    }
}

/// The first `count` values, at most a vector, with zeros behind them. Where more values follow, they are read as well, for
/// one load of a whole vector takes less time than loads of its parts.
#[inline(always)]
fn lanes(values: &[f32], count: usize) -> [f32; LANES] {
    if let Some(whole) = values.first_chunk::<LANES>() {
        return std::array::from_fn(|lane| if lane < count { whole[lane] } else { 0.0 });
    }
    std::array::from_fn(|lane| if lane < count { values[lane] } else { 0.0 })
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(super) struct WhiteningScratch {
    parts: Vec<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Two numbers that go together, and a third on its own.
    fn correlated() -> Dataset {
        let noise = |seed: u32| move |row: u32| ((row.wrapping_mul(2654435761) >> seed) % 1000) as f32 / 1000.0 - 0.5;
        let (a, b, c) = (noise(3), noise(11), noise(17));
        let values = Array2::from_shape_fn((2000, 3), |(row, column)| {
            let row = row as u32;
            [a(row), a(row) + 0.05 * b(row), c(row)][column]
        });
        Dataset::from_f32("correlated", values).unwrap()
    }

    fn score(whitening: &Whitening, vector: [f32; 3]) -> f32 {
        let mut score = [0.0];
        whitening.scores(&mut vector.clone(), &mut score, &mut WhiteningScratch::default());
        score[0]
    }

    #[test]
    fn a_broken_correlation_costs_more_than_a_large_step_along_it() {
        let whitening = Whitening::fit(&correlated()).unwrap();
        assert!(score(&whitening, [0.3, -0.3, 0.0]) > 3.0 * score(&whitening, [0.45, 0.45, 0.0]));
    }

    #[test]
    fn what_is_expected_of_a_number_follows_from_the_others() {
        let whitening = Whitening::fit(&correlated()).unwrap();
        let (expected, surprise) = whitening.expected(&[0.4, -0.4, 0.0]);
        assert!((expected[0] + 0.4).abs() < 0.05 && (expected[1] - 0.4).abs() < 0.05, "{expected:?}");
        assert!(surprise[0] > 100.0 * surprise[2].max(1e-3));
    }

    #[test]
    fn fewer_rows_than_numbers_give_finite_costs() {
        let few = Dataset::from_f32("few", Array2::from_shape_fn((5, 3), |(r, c)| (r * r + c) as f32)).unwrap();
        let few = few.select(&[0, 1]);
        assert!(score(&Whitening::fit(&few).unwrap(), [1.0, 9.0, -4.0]).is_finite());
    }

    #[test]
    fn a_vector_costs_the_same_alone_and_among_others() {
        for width in [1, 5, 15, 16, 17, 30, 48] {
            let value = |at: usize| ((at * at * 31 + at * 7) % 97) as f32 / 50.0;
            let whitening = Whitening::new(
                (0..width).map(value).collect(),
                (0..width * width.min(20)).map(value).collect(),
                Variances { along: (1..=width.min(20)).rev().map(|at| at as f64).collect(), rest: 0.5 },
            );
            let vectors: Vec<f32> = (0..11 * width).map(|at| value(at + 3)).collect();
            let mut together = [0.0; 11];
            whitening.scores(&mut vectors.clone(), &mut together, &mut WhiteningScratch::default());
            for (vector, together) in vectors.chunks_exact(width).zip(together) {
                let mut alone = [0.0];
                whitening.scores(&mut vector.to_vec(), &mut alone, &mut WhiteningScratch::default());
                assert_eq!(alone[0].to_bits(), together.to_bits(), "{width} numbers");
            }
        }
    }
}
