//! What a network leaves unexplained: for each number its distance from the reconstruction, in units of the distances that are
//! usual for it on rows which the network was not trained on. A number that no network predicts well then counts for as little
//! as it should. The standardised residuals are whitened, since those of one row often come together.

use super::whitening::{Whitening, WhiteningScratch};
use crate::dataset::Dataset;
use crate::network::vectorised::{change_columns, vectorised};
use crate::network::{Architecture, Network, Runner, Scratch};
use crate::pca::PcaError;

/// Networks see prepared values only up to here: beyond, they would have to guess.
pub(super) const SIGHT: f32 = 5.0;
/// A number that is reproduced better than this, in standard deviations of the number itself, counts as if it were not.
const LEAST_SPREAD: f64 = 0.02;
/// Squares of residuals beyond this quantile do not widen the spread: some held-out rows may be anomalies.
const TRUSTED: f64 = 0.98;

/// A network with the spread of its residuals.
#[derive(Clone, Debug)]
pub(super) struct ResidualNetwork {
    pub(super) architecture: Architecture,
    pub(super) network: Runner,
    /// Root of the mean square of each residual on held-out rows.
    pub(super) spread: Vec<f32>,
    pub(super) whitening: Whitening,
}

impl ResidualNetwork {
    /// Takes the spread of the residuals from prepared rows that the network was not trained on.
    pub(super) fn fit(architecture: Architecture, network: Network, held_out: &Dataset) -> Result<Self, PcaError> {
        let (width, network) = (held_out.features(), network.runner());
        let mut residuals = held_out.to_array();
        let values = residuals.as_slice_mut().expect("a new array is contiguous");
        subtract_reconstruction(&network, values);
        let spread: Vec<f32> = (0..width)
            .map(|at| spread_of(values.iter().skip(at).step_by(width).map(|r| r * r).collect()) as f32)
            .collect();
        divide(values, &spread);
        let standardised = Dataset::from_f32("residuals", residuals).expect("as many rows as before");
        let whitening = Whitening::fit(&standardised)?;
        Ok(Self { architecture, network, spread, whitening })
    }

    /// Writes the score of each prepared row, `rows × width`, by what networks [see](in_sight) of it.
    pub(super) fn scores(&self, rows: &[f32], seen: &[f32], scores: &mut [f32], scratch: &mut ResidualScratch) {
        let ResidualScratch { residuals, network, whitening } = scratch;
        residuals.resize(rows.len(), 0.0);
        self.network.forward(self.network.program().all(), seen, residuals, network);
        let outputs = &mut residuals[..];
        vectorised(
            #[inline(always)]
            || outputs.iter_mut().zip(rows).for_each(|(output, value)| *output = value - *output),
        );
        divide(residuals, &self.spread);
        self.whitening.scores(residuals, scores, whitening);
    }

    /// The mean square of what it leaves of each prepared row.
    pub(super) fn errors(&self, rows: &Dataset) -> Vec<f32> {
        let mut residuals = rows.to_array();
        let values = residuals.as_slice_mut().expect("a new array is contiguous");
        subtract_reconstruction(&self.network, values);
        let width = rows.features();
        values.chunks_exact(width).map(|row| row.iter().map(|r| r * r).sum::<f32>() / width as f32).collect()
    }

    /// What the network makes of a prepared row.
    pub(super) fn expected(&self, row: &[f32]) -> Vec<f32> {
        let mut residuals = row.to_vec();
        subtract_reconstruction(&self.network, &mut residuals);
        row.iter().zip(residuals).map(|(value, residual)| value - residual).collect()
    }

    /// Adds to each prepared number the square of its standardised residual.
    pub(super) fn add_contributions(&self, row: &[f32], contributions: &mut [f32]) {
        let mut residuals = row.to_vec();
        subtract_reconstruction(&self.network, &mut residuals);
        divide(&mut residuals, &self.spread);
        contributions.iter_mut().zip(residuals).for_each(|(to, residual)| *to += residual * residual);
    }
}

/// The root of the mean of squares, but for the largest few.
pub(super) fn spread_of(squares: Vec<f32>) -> f64 {
    trusted_root(squares).max(LEAST_SPREAD)
}

/// The same, however small.
pub(super) fn trusted_root(mut squares: Vec<f32>) -> f64 {
    squares.sort_by(f32::total_cmp);
    squares.truncate(((squares.len() as f64 * TRUSTED).ceil() as usize).max(1));
    let mean = squares.iter().map(|&square| f64::from(square)).sum::<f64>() / squares.len() as f64;
    mean.sqrt()
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(super) struct ResidualScratch {
    residuals: Vec<f32>,
    network: Scratch,
    pub(super) whitening: WhiteningScratch,
}

/// What networks, and the distance to other rows, see of prepared rows.
pub(super) fn in_sight(rows: &[f32]) -> Vec<f32> {
    vectorised(
        #[inline(always)]
        || rows.iter().map(|value| value.clamp(-SIGHT, SIGHT)).collect(),
    )
}

fn subtract_reconstruction(network: &Runner, rows: &mut [f32]) {
    let mut output = vec![0.0; rows.len()];
    network.forward(network.program().all(), &in_sight(rows), &mut output, &mut Scratch::default());
    rows.iter_mut().zip(output).for_each(|(value, output)| *value -= output);
}

fn divide(rows: &mut [f32], spread: &[f32]) {
    change_columns(rows, spread, |value, spread| value / spread);
}
