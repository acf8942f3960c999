//! Which prediction each sample is coded by: the network's where the data is like what it learned, otherwise that of a
//! classical codec, so that data unlike anything the network saw costs no more than it would there.

use std::ops::Range;

use super::element::Element;
use super::quantiser::{Quantiser, round};
use super::residual::{Coefficients, Geometry, LORENZO};
use crate::network::vectorised::{LANES, vectorised};

/// The prediction of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The network's.
    Network = 0,
    /// One value for the whole block, corrected by the neighbours in the sample.
    Lorenzo = 1,
    /// The sample before, corrected by how the neighbours differ from theirs.
    Previous = 2,
    /// One value for the whole block.
    Mean = 3,
}

impl Mode {
    pub(crate) const ALL: [Self; 4] = [Self::Network, Self::Lorenzo, Self::Previous, Self::Mean];

    /// How its deviations are expected from those around them; `learned` is what was found for the network's.
    pub(crate) fn coefficients(self, learned: Coefficients) -> Coefficients {
        match self {
            Self::Network => learned,
            Self::Lorenzo | Self::Previous => LORENZO,
            Self::Mean => [0; 4],
        }
    }
}

/// Only every fourth row is looked at to choose.
const ROW_STEP: usize = 4;
/// Bits that a latent costs, about.
const BITS_OF_LATENT: f32 = 4.0;

/// What the choice is made by.
pub(crate) struct Chooser {
    pub(crate) geometry: Geometry,
    pub(crate) quantiser: Quantiser,
    pub(crate) coefficients: Coefficients,
    pub(crate) active: usize,
    pub(crate) constant: f64,
}

impl Chooser {
    /// About the bits that a sample takes by each mode, from a quarter of its rows. Where a mode cannot be used they are infinite.
    pub(crate) fn costs<T: Element>(&self, values: &[T], network: &[f64], previous: Option<&[T]>) -> [f32; 4] {
        let mut costs = [0.0; 4];
        let row = self.geometry.row;
        let mut rows = [Row::new(self.geometry), Row::new(self.geometry)];
        for start in (0..values.len()).step_by(ROW_STEP * row) {
            let here = start..values.len().min(start + row);
            let rows = &mut rows;
            costs[Mode::Network as usize] += self.row(Mode::Network, rows, values, &here, |at| network[at]);
            costs[Mode::Lorenzo as usize] += self.row(Mode::Lorenzo, rows, values, &here, |_| self.constant);
            costs[Mode::Mean as usize] += self.row(Mode::Mean, rows, values, &here, |_| self.constant);
            if let Some(previous) = previous {
                let decoded = |at: usize| self.decoded(previous[at]);
                costs[Mode::Previous as usize] += self.row(Mode::Previous, rows, values, &here, decoded);
            }
        }
        if previous.is_none() {
            costs[Mode::Previous as usize] = f32::INFINITY;
        }
        costs[Mode::Network as usize] += BITS_OF_LATENT * self.active as f32 / ROW_STEP as f32;
        costs
    }

    /// About the bits of a row by a mode.
    #[inline(always)]
    fn row<T: Element>(
        &self,
        mode: Mode,
        [current, before]: &mut [Row; 2],
        values: &[T],
        here: &Range<usize>,
        prediction: impl Fn(usize) -> f64,
    ) -> f32 {
        let coefficients = mode.coefficients(self.coefficients);
        current.fill(self.quantiser, values, here.clone(), &prediction);
        if coefficients != [0; 4] {
            before.fill(self.quantiser, values, here.start.saturating_sub(self.geometry.row)..here.start, &prediction);
        }
        current.bits(before, coefficients, here.len())
    }

    /// About what a value will have become when it is predicted from: rounded as coarsely as all are.
    fn decoded<T: Element>(&self, value: T) -> f64 {
        let value = finite_or(value, self.constant);
        match self.quantiser {
            Quantiser::Steps { step, .. } => round(value / step) * step,
            Quantiser::Exact => value,
        }
    }
}

/// The mode of the least bits.
pub(crate) fn cheapest(costs: [f32; 4]) -> Mode {
    let least = Mode::ALL.into_iter().min_by(|&a, &b| costs[a as usize].total_cmp(&costs[b as usize]));
    let least = least.unwrap_or(Mode::Mean);
    // The network knows where it errs, which these costs do not show.
    if costs[Mode::Network as usize] <= 1.1 * costs[least as usize] { Mode::Network } else { least }
}

/// The deviations of a row, with zeros on either side.
struct Row {
    geometry: Geometry,
    deviations: Vec<f32>,
}

impl Row {
    fn new(geometry: Geometry) -> Self {
        Self { geometry, deviations: vec![0.0; geometry.row + 2 * geometry.pixel] }
    }

    /// Takes the deviations of some of the values; those that are no numbers count as 0, and so do those of no row.
    #[inline(always)]
    fn fill<T: Element>(
        &mut self,
        quantiser: Quantiser,
        values: &[T],
        range: Range<usize>,
        prediction: impl Fn(usize) -> f64,
    ) {
        let deviations = &mut self.deviations[self.geometry.pixel..][..self.geometry.row];
        deviations[range.len()..].fill(0.0);
        let values = range.clone().zip(&values[range]);
        vectorised(
            #[inline(always)]
            || match quantiser {
                Quantiser::Steps { step, .. } => {
                    let scale = 1.0 / step;
                    for (to, (at, value)) in deviations.iter_mut().zip(values) {
                        let deviation = round((value.to_f64() - prediction(at)) * scale) as f32;
                        *to = if deviation.is_finite() { deviation } else { 0.0 };
                    }
                }
                Quantiser::Exact => {
                    for (to, (at, value)) in deviations.iter_mut().zip(values) {
                        let deviation = value.to_ordered().wrapping_sub(T::from_f64(prediction(at)).to_ordered());
                        *to = deviation as f32;
                    }
                }
            },
        );
    }

    /// About the bits of the first `length` deviations, as far as their neighbours do not explain them.
    fn bits(&self, above: &Self, coefficients: Coefficients, length: usize) -> f32 {
        let Geometry { pixel, .. } = self.geometry;
        let [left, up, up_left, up_right] = coefficients.map(|coefficient| f32::from(coefficient) / 64.0);
        let here = &self.deviations[..length + 2 * pixel];
        let above = &above.deviations[..length + 2 * pixel];
        let mut sums = [0.0f32; LANES];
        vectorised(
            #[inline(always)]
            || {
                let own = here[pixel..].chunks(LANES).zip(here.chunks(LANES));
                let above = above[pixel..].chunks(LANES).zip(above.chunks(LANES)).zip(above[2 * pixel..].chunks(LANES));
                for ((own, w), ((n, nw), ne)) in own.zip(above) {
                    for (lane, sum) in sums.iter_mut().enumerate().take(ne.len()) {
                        let expected = left * w[lane] + up * n[lane] + up_left * nw[lane] + up_right * ne[lane];
                        *sum += bits(own[lane] - expected);
                    }
                }
            },
        );
        sums.iter().sum()
    }
}

/// A value to predict from, or what stands for one that is not finite.
#[inline(always)]
pub(crate) fn finite_or<T: Element>(value: T, constant: f64) -> f64 {
    if value.is_finite() { value.to_f64() } else { constant }
}

/// About the bits of a deviation: next to none for what rounds to 0, otherwise its binary logarithm and what tells it from 0.
#[inline(always)]
fn bits(deviation: f32) -> f32 {
    let magnitude = deviation.abs();
    // The exponent, and the mantissa as if the logarithm were straight between powers of two.
    let logarithm = (magnitude.to_bits() as i32 - 1.0f32.to_bits() as i32) as f32 / (1 << 23) as f32;
    if magnitude < 0.5 { 0.0 } else { 3.0 + logarithm }
}
