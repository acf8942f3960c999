//! The usual shapes of a reading's windows, or usual rows of a table, seen in one of two ways. The nearest windows learned from know every shape that
//! occurred, and the principal components how the parts of a window go together.

use crate::dataset::Dataset;
use crate::network::products::times;
use crate::network::vectorised::{LANES, vectorised};
use crate::pca::{PcaError, principal_components};
use crate::scaling::{Scaler, Scaling};

/// The most windows that others are compared with.
const MOST_KEPT: usize = 1024;
/// The distance that counts is that to the nearest window but so many: one odd window among those learned from hides no other.
pub(super) const NEAREST: usize = 5;
/// The part of the variance that the principal components explain.
const EXPLAINED: f64 = 0.9;
/// What is added to every distance, in standard deviations of the reading: where nothing ever varied, not every trifle is
/// infinitely odd.
pub(super) const LEAST: f32 = 0.01;

/// A way to see windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// By how far the nearest windows learned from are.
    Nearest,
    /// By how much of a window the principal components leave unexplained.
    Linear,
}

/// What was learned from windows of so many parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shapes {
    pub(super) way: Way,
    /// The mean window.
    pub(super) mean: Vec<f32>,
    /// Windows kept, each less the mean, or directions: `rows × parts`.
    pub(super) rows: Vec<f32>,
    /// The same as columns, with zeros up to whole vectors.
    columns: Vec<f32>,
    padded: usize,
    /// Of each row.
    squares: Vec<f32>,
}

impl Shapes {
    /// Learns from windows, one after the other.
    pub(super) fn fit(way: Way, windows: &[f32], parts: usize) -> Result<Self, PcaError> {
        let count = windows.len() / parts;
        let rows = ndarray::Array2::from_shape_vec((count, parts), windows.to_vec()).expect("whole windows");
        let rows = Dataset::from_f32("windows", rows).map_err(|_| PcaError::TooFew { samples: count })?;
        if way == Way::Nearest || count < 2 {
            let mean: Vec<f32> =
                rows.to_array().columns().into_iter().map(|column| column.sum() / count as f32).collect();
            let kept = (0..count.min(MOST_KEPT)).flat_map(|at| {
                let first = at * count / count.min(MOST_KEPT) * parts;
                windows[first..first + parts].iter().zip(&mean).map(|(value, mean)| value - mean)
            });
            let kept = if way == Way::Nearest { kept.collect() } else { Vec::new() };
            return Ok(Self::new(way, mean, kept));
        }
        let scaler = Scaler::fit(Scaling::None, &rows)?;
        let mut components = principal_components(&rows, &scaler, parts.min(count - 1))?;
        let mut left = components.total_variance;
        let needed = components.variances.iter().take_while(|&&variance| {
            let more = variance > 0.0 && left > (1.0 - EXPLAINED) * components.total_variance;
            left -= variance;
            more
        });
        components.directions.truncate(needed.count() * parts);
        Ok(Self::new(way, components.mean, components.directions))
    }

    /// From its parts, as a file has them.
    pub(super) fn new(way: Way, mean: Vec<f32>, rows: Vec<f32>) -> Self {
        let parts = mean.len();
        let padded = (rows.len() / parts).next_multiple_of(LANES);
        let mut columns = vec![0.0; parts * padded];
        for (at, row) in rows.chunks_exact(parts).enumerate() {
            columns[at..].iter_mut().step_by(padded).zip(row).for_each(|(to, &value)| *to = value);
        }
        let squares = rows.chunks_exact(parts).map(square).collect();
        Self { way, mean, rows, columns, padded, squares }
    }

    pub(super) fn parts(&self) -> usize {
        self.mean.len()
    }

    /// Windows kept, or directions.
    pub(super) fn count(&self) -> usize {
        self.squares.len()
    }

    /// For each window how odd it is, in standard deviations of the reading and a little more than 0.
    pub(super) fn distances(&self, windows: &[f32]) -> Vec<f32> {
        let parts = self.parts();
        let centred = windows.chunks_exact(parts).flat_map(|window| window.iter().zip(&self.mean));
        let centred: Vec<f32> = centred.map(|(value, mean)| value - mean).collect();
        let mut products = vec![0.0; windows.len() / parts * self.padded];
        if self.padded > 0 {
            times(&centred, &self.columns, self.padded, &mut products);
        }
        let distance = |(at, window): (usize, &[f32])| {
            let products = &products[at * self.padded..][..self.squares.len()];
            let squared = match self.way {
                Way::Nearest => self.nearest(square(window), products),
                Way::Linear => square(window) - square(products),
            };
            (squared.max(0.0) / parts as f32).sqrt() + LEAST
        };
        vectorised(
            #[inline(always)]
            || centred.chunks_exact(parts).enumerate().map(distance).collect(),
        )
    }

    /// The squared distance to the nearest window kept but a few.
    #[inline(always)]
    fn nearest(&self, window: f32, products: &[f32]) -> f32 {
        let mut nearest = [f32::INFINITY; NEAREST];
        for (squares, products) in self.squares.chunks(LANES).zip(products.chunks(LANES)) {
            // Most have none that is nearer, which whole vectors tell at once.
            let farthest = nearest[NEAREST - 1];
            let nearer = squares
                .iter()
                .zip(products)
                .fold(false, |any, (square, product)| any | (square - 2.0 * product < farthest));
            if !nearer {
                continue;
            }
            for (square, product) in squares.iter().zip(products) {
                let distance = square - 2.0 * product;
                if distance < nearest[NEAREST - 1] {
                    let at = nearest.partition_point(|&known| known <= distance);
                    nearest[at..].rotate_right(1);
                    nearest[at] = distance;
                }
            }
        }
        let farthest = nearest.iter().rev().find(|distance| distance.is_finite());
        window + farthest.copied().unwrap_or(f32::MAX)
    }

    /// The mean of the nearest windows kept, or what the principal components make of a window.
    pub(super) fn expected(&self, window: &[f32]) -> Vec<f32> {
        let centred: Vec<f32> = window.iter().zip(&self.mean).map(|(value, mean)| value - mean).collect();
        let rows = self.rows.chunks_exact(self.parts());
        let mut expected = vec![0.0; self.parts()];
        let mut add =
            |row: &[f32], weight: f32| expected.iter_mut().zip(row).for_each(|(to, value)| *to += weight * value);
        match self.way {
            Way::Nearest => {
                let nearest = self.nearest_to(&centred);
                nearest.iter().for_each(|row| add(row, 1.0 / nearest.len() as f32));
            }
            Way::Linear => {
                rows.for_each(|row| add(row, row.iter().zip(&centred).map(|(a, b)| a * b).sum()));
            }
        }
        expected.iter().zip(&self.mean).map(|(value, mean)| value + mean).collect()
    }

    /// The nearest window kept; none where none is kept.
    pub(super) fn nearest_one(&self, window: &[f32]) -> Option<Vec<f32>> {
        let centred: Vec<f32> = window.iter().zip(&self.mean).map(|(value, mean)| value - mean).collect();
        let nearest = self.nearest_to(&centred);
        Some(nearest.first()?.iter().zip(&self.mean).map(|(value, mean)| value + mean).collect())
    }

    /// How far the nearest windows kept are from their mean in a part, as a standard deviation; none where there are fewer than two.
    pub(super) fn spread(&self, window: &[f32], part: usize) -> Option<f32> {
        let centred: Vec<f32> = window.iter().zip(&self.mean).map(|(value, mean)| value - mean).collect();
        let nearest = self.nearest_to(&centred);
        let count = nearest.len() as f32;
        let mean = nearest.iter().map(|row| row[part]).sum::<f32>() / count;
        let squares: f32 = nearest.iter().map(|row| (row[part] - mean).powi(2)).sum();
        (self.way == Way::Nearest && nearest.len() > 1).then(|| (squares / (count - 1.0)).sqrt())
    }

    /// The nearest of the windows kept, less the mean window as this one is.
    fn nearest_to(&self, centred: &[f32]) -> Vec<&[f32]> {
        let distance = |row: &[f32]| row.iter().zip(centred).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        let rows = self.rows.chunks_exact(self.parts());
        let mut order: Vec<(f32, &[f32])> = rows.map(|row| (distance(row), row)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        order.truncate(NEAREST);
        order.into_iter().map(|(_, row)| row).collect()
    }
}

fn square(values: &[f32]) -> f32 {
    values.iter().map(|value| value * value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of a wave at every phase.
    fn waves() -> Vec<f32> {
        (0..200).flat_map(|start| (0..8).map(move |at| ((start + at) as f32 * 0.4).sin())).collect()
    }

    #[test]
    fn a_usual_window_is_near_and_one_of_another_shape_is_far() {
        let [usual, level] = [&waves()[800..808], &[0.7; 8]].map(<[f32]>::to_vec);
        for way in [Way::Nearest, Way::Linear] {
            let shapes = Shapes::fit(way, &waves(), 8).unwrap();
            let [near, far] = [&usual, &level].map(|window| shapes.distances(window)[0]);
            assert!(near < 0.2 && far > 2.0 * near, "{way:?}: {near} against {far}");
            let expected = shapes.expected(&usual);
            let error = expected.iter().zip(&usual).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(error < 0.4, "{way:?}: {error}");
        }
    }

    #[test]
    fn where_nothing_varied_a_change_is_finite_and_the_same_is_not_odd() {
        for way in [Way::Nearest, Way::Linear] {
            let shapes = Shapes::fit(way, &[0.0; 80], 8).unwrap();
            let distances = shapes.distances(&[[0.0; 8], [1.0; 8]].concat());
            assert_eq!(distances, [LEAST, 1.0 + LEAST], "{way:?}");
        }
    }
}
