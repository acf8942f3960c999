//! Which prediction each sample is coded by: the network's where the data is like what it learned, otherwise that of a
//! classical codec, so that data unlike anything the network saw costs no more than it would there.

use super::element::Element;
use super::quantiser::Quantiser;
use super::residual::{Coefficients, Geometry, LORENZO};

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
const BITS_OF_LATENT: f64 = 4.0;

/// What the choice is made by.
pub(crate) struct Chooser {
    pub(crate) geometry: Geometry,
    pub(crate) quantiser: Quantiser,
    pub(crate) coefficients: Coefficients,
    pub(crate) active: usize,
    pub(crate) constant: f64,
}

impl Chooser {
    /// The cheapest mode for a sample, by the bits that its deviations take in about a quarter of its rows.
    pub(crate) fn choose<T: Element>(&self, values: &[T], network: &[f64], previous: Option<&[T]>) -> Mode {
        let mut costs = [0.0; 4];
        let row = self.geometry.row;
        let rows = values.len().div_ceil(row);
        for start in (0..rows).step_by(ROW_STEP).map(|index| index * row) {
            for index in start..(start + row).min(values.len()) {
                if !values[index].is_finite() {
                    continue;
                }
                let plain = |prediction: f64| self.deviation(values[index], prediction);
                let network = self.around(index, self.coefficients, |at| self.deviation(values[at], network[at]));
                let lorenzo = self.around(index, LORENZO, |at| self.deviation(values[at], self.constant));
                costs[Mode::Network as usize] += bits(network);
                costs[Mode::Lorenzo as usize] += bits(lorenzo);
                costs[Mode::Mean as usize] += bits(plain(self.constant));
                if let Some(previous) = previous {
                    let deviation = |at: usize| self.deviation(values[at], finite_or(previous[at], self.constant));
                    costs[Mode::Previous as usize] += bits(self.around(index, LORENZO, deviation));
                }
            }
        }
        if previous.is_none() {
            costs[Mode::Previous as usize] = f64::INFINITY;
        }
        costs[Mode::Network as usize] += BITS_OF_LATENT * self.active as f64 / ROW_STEP as f64;
        let cheapest = Mode::ALL
            .into_iter()
            .min_by(|&a, &b| costs[a as usize].total_cmp(&costs[b as usize]))
            .unwrap_or(Mode::Mean);
        // The network knows where it errs, which these costs do not show.
        if costs[Mode::Network as usize] <= 1.1 * costs[cheapest as usize] { Mode::Network } else { cheapest }
    }

    /// As it will be coded: rounding weighs most where steps are large.
    fn deviation<T: Element>(&self, value: T, prediction: f64) -> f64 {
        match self.quantiser {
            Quantiser::Steps { step, .. } => ((value.to_f64() - prediction) / step).round(),
            Quantiser::Exact => value.to_ordered() as f64 - T::from_f64(prediction).to_ordered() as f64,
        }
    }

    /// What of a deviation its neighbours do not explain.
    #[inline(always)]
    fn around(&self, index: usize, coefficients: Coefficients, deviation: impl Fn(usize) -> f64) -> f64 {
        let own = deviation(index);
        if coefficients == [0; 4] {
            return own;
        }
        let Geometry { pixel, row } = self.geometry;
        let column = index % row;
        let (has_left, has_above) = (column >= pixel, index >= row);
        let exists = [has_left, has_above, has_left && has_above, has_above && column + pixel < row];
        let backs = [pixel, row, row + pixel, row.wrapping_sub(pixel)];
        let mut expected = 0.0;
        for ((exists, back), coefficient) in exists.into_iter().zip(backs).zip(coefficients) {
            if exists && coefficient != 0 {
                let neighbour = deviation(index - back);
                expected += if neighbour.is_finite() { neighbour * f64::from(coefficient) / 64.0 } else { 0.0 };
            }
        }
        own - expected
    }
}

/// A value to predict from, or what stands for one that is not finite.
#[inline(always)]
pub(crate) fn finite_or<T: Element>(value: T, constant: f64) -> f64 {
    if value.is_finite() { value.to_f64() } else { constant }
}

/// About the bits of a deviation: next to none for what rounds to 0, otherwise its binary logarithm and what tells it from 0.
fn bits(deviation: f64) -> f64 {
    let magnitude = deviation.abs();
    if magnitude < 0.5 { 0.0 } else { 3.0 + magnitude.log2() }
}
