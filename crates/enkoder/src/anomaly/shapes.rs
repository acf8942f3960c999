//! The usual shapes of a reading's windows, or usual rows of a table, seen in one of two ways. The nearest windows learned from know every shape that
//! occurred, and the principal components how the parts of a window go together.

use crate::dataset::Dataset;
use crate::network::products::times;
use crate::network::vectorised::{LANES, Simd, WithSimd, vectorised, with_vectors};
use crate::pca::{PcaError, principal_components};
use crate::scaling::{Scaler, Scaling};

/// The most windows that others are compared with.
const MOST_KEPT: usize = 1024;
/// The distance that counts is that to the nearest window but so many: one odd window among those learned from hides no other.
pub(super) const NEAREST: usize = 5;
/// Windows seen side by side, a vector's lane each: so few that all that is computed of them stays in the nearest caches.
const ABREAST: usize = 64;
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
        let squares = rows.chunks_exact(mean.len()).map(square).collect();
        Self { way, mean, rows, squares }
    }

    pub(super) fn parts(&self) -> usize {
        self.mean.len()
    }

    /// Windows kept, or directions.
    pub(super) fn count(&self) -> usize {
        self.squares.len()
    }

    /// For each window how odd it is, in standard deviations of the reading and a little more than 0. No window's depends on the others.
    pub(super) fn distances(&self, windows: &[f32]) -> Vec<f32> {
        let parts = self.parts();
        let mut distances = Vec::with_capacity(windows.len() / parts);
        let (mut turned, mut products, mut squared) = (Vec::new(), Vec::new(), Vec::new());
        for windows in windows.chunks(ABREAST * parts) {
            let count = windows.len() / parts;
            let abreast = count.next_multiple_of(LANES);
            // What is beyond the last window is computed with it, and looked at by nobody.
            turned.resize(parts * abreast, 0.0);
            products.resize(self.count() * abreast, 0.0);
            squared.clear();
            squared.resize(abreast, 0.0);
            for (part, (turned, mean)) in turned.chunks_exact_mut(abreast).zip(&self.mean).enumerate() {
                let values = windows[part..].iter().step_by(parts);
                turned.iter_mut().zip(values).for_each(|(to, value)| *to = value - mean);
            }
            add_squares(&turned, &mut squared);
            times(&self.rows, &turned, abreast, &mut products);
            match self.way {
                Way::Nearest => {
                    with_vectors(Nearest { squares: &self.squares, products: &products, windows: &mut squared })
                }
                Way::Linear => {
                    let mut explained = [0.0; ABREAST];
                    add_squares(&products, &mut explained[..abreast]);
                    squared.iter_mut().zip(explained).for_each(|(left, explained)| *left -= explained);
                }
            }
            let distance = |squared: &f32| (squared.max(0.0) / parts as f32).sqrt() + LEAST;
            distances.extend(squared[..count].iter().map(distance));
        }
        distances
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

/// Adds to the sums the squares of all rows that are as long.
fn add_squares(rows: &[f32], sums: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || {
            for row in rows.chunks_exact(sums.len()) {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * value);
            }
        },
    );
}

/// Makes of the squares of windows, whole vectors of them, the squared distances to the nearest rows but a few: of all those there are
/// where they are fewer.
struct Nearest<'a> {
    /// Of the rows.
    squares: &'a [f32],
    /// Of the rows and the windows, a row's one behind the other.
    products: &'a [f32],
    windows: &'a mut [f32],
}

impl WithSimd for Nearest<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (windows, _) = S::as_mut_simd_f32s(self.windows);
        let (products, _) = S::as_simd_f32s(self.products);
        let abreast = windows.len();
        let infinity = simd.splat_f32s(f32::INFINITY);
        for (at, window) in windows.iter_mut().enumerate() {
            let mut nearest = [infinity; NEAREST];
            for (&square, products) in self.squares.iter().zip(products.chunks_exact(abreast)) {
                let product = products[at];
                let mut distance = simd.sub_f32s(simd.splat_f32s(square), simd.add_f32s(product, product));
                // Most rows are nearer to none of the windows than those that are known.
                let nearer = simd.less_than_f32s(distance, nearest[NEAREST - 1]);
                if simd.first_true_m32s(nearer) >= S::F32_LANES {
                    continue;
                }
                // It takes its place, and whatever was there the next one.
                for known in &mut nearest {
                    let nearer = simd.less_than_f32s(distance, *known);
                    let next = simd.select_f32s(nearer, *known, distance);
                    *known = simd.select_f32s(nearer, distance, *known);
                    distance = next;
                }
            }
            let mut farthest = simd.splat_f32s(f32::MAX);
            for known in nearest {
                farthest = simd.select_f32s(simd.less_than_f32s(known, infinity), known, farthest);
            }
            *window = simd.add_f32s(*window, farthest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::vectorised::machines;

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
    fn the_distance_that_counts_is_that_to_the_fifth_nearest_for_every_width_of_vectors() {
        let value = |at: usize| ((at * at * 31 + at * 7) % 997) as f32 / 300.0;
        for (count, windows, parts) in [(128, 70, 30), (1, 3, 4), (4, 16, 1), (1024, 129, 17), (5, 64, 3)] {
            let rows: Vec<f32> = (0..count * parts).map(value).collect();
            let shapes = Shapes::new(Way::Nearest, vec![0.5; parts], rows.clone());
            let windows: Vec<f32> = (0..windows * parts).map(|at| value(at + 5)).collect();
            let together = shapes.distances(&windows);
            for (window, &found) in windows.chunks_exact(parts).zip(&together) {
                let difference = |(value, row): (&f32, &f32)| (f64::from(*value) - 0.5 - f64::from(*row)).powi(2);
                let distance = |row: &[f32]| window.iter().zip(row).map(difference).sum::<f64>();
                let mut all: Vec<f64> = rows.chunks_exact(parts).map(distance).collect();
                all.sort_by(f64::total_cmp);
                let expected = (all[count.min(NEAREST) - 1] / parts as f64).sqrt() as f32 + LEAST;
                assert!((found - expected).abs() < 1e-3, "{found} instead of {expected}");
                assert_eq!(shapes.distances(window)[0].to_bits(), found.to_bits(), "alone and among others");
            }
            let squares: Vec<f32> = (0..64).map(value).collect();
            let products: Vec<f32> = (0..count * 64).map(|at| value(at + 9)).collect();
            let by = |machine: &pulp::Arch| {
                let mut squared = squares.clone();
                machine.dispatch(Nearest { squares: &shapes.squares, products: &products, windows: &mut squared });
                squared
            };
            let all: Vec<Vec<f32>> = machines().iter().map(by).collect();
            assert!(all.iter().all(|one| *one == all[0]));
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
