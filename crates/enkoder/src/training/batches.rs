//! Forming batches: samples in the epoch's order, scaled, and damaged where the training asks for it.

use std::mem;
use std::ops::{ControlFlow, Range};

use rand::seq::SliceRandom;

use super::ahead::Ahead;
use super::blocks::TrainingBlocks;
use super::corruption::{Corruption, fill_from_neighbours};
use super::error::TrainingError;
use crate::dataset::Dataset;
use crate::network::image_shape;
use crate::random::{Purpose, stream};
use crate::scaling::Scaler;

/// Where samples come from: inputs, and the targets where they are not the inputs themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Samples<'a> {
    pub(crate) inputs: &'a Dataset,
    pub(crate) targets: Option<&'a Dataset>,
    pub(crate) scaler: &'a Scaler,
    pub(crate) target_scaler: &'a Scaler,
    /// What the codes should be, where that is known.
    pub(crate) codes: Option<Known<'a>>,
    /// Which share of the targets' values is there: nothing is asked where one is missing.
    pub(crate) observed: f64,
    /// All samples, where the inputs are only some of them.
    pub(crate) blocks: Option<&'a TrainingBlocks>,
}

/// Numbers that are known for each sample, and how they are scaled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) data: &'a Dataset,
    pub(crate) scaler: &'a Scaler,
}

/// The damage of one epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Damage {
    pub(crate) corruption: Corruption,
    pub(crate) seed: u64,
    pub(crate) epoch: usize,
}

/// What remains from one epoch to the next.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Of the samples in memory.
    order: Vec<u32>,
    /// Where samples are read in blocks.
    ahead: Option<Ahead>,
}

/// Samples of a batch that are fetched from memory all at once, because they fit into a core's second-level cache.
const CACHED_BYTES: usize = 256 * 1024;

impl<'a> Samples<'a> {
    /// Samples that are their own targets.
    pub(crate) fn new(inputs: &'a Dataset, scaler: &'a Scaler) -> Self {
        let observed = inputs.share_observed();
        Self { inputs, targets: None, scaler, target_scaler: scaler, codes: None, observed, blocks: None }
    }

    /// The samples that are read in blocks, of which these are some.
    pub(crate) fn of_blocks(self, blocks: &'a TrainingBlocks) -> Self {
        Self { blocks: Some(blocks), observed: blocks.share_observed(), ..self }
    }

    /// The same samples with other targets.
    pub(crate) fn with_targets(self, targets: &'a Dataset, target_scaler: &'a Scaler) -> Self {
        Self { targets: Some(targets), target_scaler, observed: targets.share_observed(), ..self }
    }

    /// Whether targets need a place of their own beside the inputs, which are damaged or filled.
    pub(crate) fn separate_targets(&self, damaged: bool) -> bool {
        self.targets.is_some() || damaged || self.observed < 1.0
    }

    /// Which share of the outputs is asked for.
    pub(crate) fn asked(&self, damage: Option<Damage>) -> f64 {
        damage.map_or(1.0, |damage| damage.corruption.asked()) * self.observed
    }

    pub(crate) fn len(&self) -> usize {
        self.blocks.map_or(self.inputs.len(), TrainingBlocks::len)
    }

    /// Calls `visit` with the samples of an epoch, as many as are in memory at a time, until it breaks: the samples, the order in which
    /// to take them, and where the first of these stands in the epoch's order.
    pub(super) fn visit(
        &self,
        seed: u64,
        epoch: usize,
        reading: &mut Reading,
        mut visit: impl FnMut(&Samples<'_>, &[u32], usize) -> ControlFlow<()>,
    ) -> Result<(), TrainingError> {
        let Reading { order, ahead } = reading;
        let Some(blocks) = self.blocks else {
            order.resize(self.len(), 0);
            shuffle(order, seed, epoch as u64);
            let _ = visit(self, order, 0);
            return Ok(());
        };
        let begun = ahead.take().filter(|ahead| ahead.epoch() == epoch);
        let begun = begun.map_or_else(|| Ahead::new(blocks, seed, epoch), Ok)?;
        let mut first = 0;
        *ahead = begun.visit(|window, number| {
            order.resize(window.len(), 0);
            // As in memory, where one window holds all samples.
            shuffle(order, seed, (number as u64) << 24 | (epoch as u64 & 0xff_ffff));
            let samples = Samples { inputs: window, blocks: None, ..*self };
            let end = first + window.len();
            visit(&samples, order, mem::replace(&mut first, end))
        })?;
        Ok(())
    }

    /// Fills the rows of `input`, and those of `target` unless it is empty, with the samples that `order` names; a target has these
    /// `outputs` of the sample.
    pub(crate) fn fill(
        &self,
        order: &[u32],
        first: usize,
        damage: Option<Damage>,
        input: &mut [f32],
        target: &mut [f32],
        outputs: Range<usize>,
    ) {
        let features = self.inputs.features();
        if order.len() * features * self.inputs.bytes_per_value() <= CACHED_BYTES {
            self.inputs.touch(order);
        }
        let mut targets = target.chunks_exact_mut(outputs.len());
        for (row, (&index, input)) in order.iter().zip(input.chunks_exact_mut(features)).enumerate() {
            self.scaler.copy_scaled(self.inputs, index as usize, input);
            let target = targets.next().unwrap_or_default();
            if !target.is_empty() {
                let data = self.targets.unwrap_or(self.inputs);
                self.target_scaler.copy_scaled_range(data, index as usize, outputs.start, target);
                if self.observed < 1.0
                    && let Some(row) = data.row_f32(index as usize)
                {
                    // The scaler puts the mean where a value is missing, and nobody has seen that.
                    let missing = target.iter_mut().zip(&row[outputs.start..]).filter(|(_, value)| value.is_nan());
                    missing.for_each(|(target, _)| *target = f32::NAN);
                }
            }
            if let Some(damage) = damage {
                self.damage(damage, first + row, input, target, outputs.start);
            }
        }
    }

    /// Damages the sample at `position` in the epoch's order; its target has the outputs from `first_output` on.
    fn damage(&self, damage: Damage, position: usize, input: &mut [f32], target: &mut [f32], first_output: usize) {
        let Damage { corruption, seed, epoch } = damage;
        let mut rng = stream(seed, Purpose::Corruption, draw_index(epoch, position));
        corruption.apply(input, &mut rng);
        match corruption {
            Corruption::Missing { .. } => self.scaler.fill_missing(input),
            Corruption::BlindSpots { .. } => {
                // What is seen is not asked for.
                for (target, input) in target.iter_mut().zip(&input[first_output..]) {
                    *target = if input.is_nan() { *target } else { f32::NAN };
                }
                let shape = image_shape(self.inputs.shape()).unwrap_or((1, input.len(), 1));
                fill_from_neighbours(input, shape);
            }
            _ => {}
        }
    }
}

impl Known<'_> {
    /// Fills the rows of `values` with those of the samples that `order` names.
    pub(crate) fn fill(&self, order: &[u32], values: &mut [f32]) {
        for (&index, values) in order.iter().zip(values.chunks_exact_mut(self.data.features())) {
            self.scaler.copy_scaled(self.data, index as usize, values);
        }
    }
}

/// The index of the random stream of the sample at `position` in the order of `epoch`.
pub(crate) fn draw_index(epoch: usize, position: usize) -> u64 {
    // 24 bits of epochs and 32 of samples, which is all that a data set holds.
    ((epoch as u64) & 0xff_ffff) << 32 | position as u64
}

/// The order in which an epoch visits samples, each window of it by a stream of its own.
pub(super) fn shuffle(order: &mut [u32], seed: u64, index: u64) {
    for (position, index) in order.iter_mut().enumerate() {
        *index = position as u32;
    }
    order.shuffle(&mut stream(seed, Purpose::Shuffle, index));
}

/// The ranges of an epoch's order that form its batches.
pub(crate) fn batches(samples: usize, batch_size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..samples).step_by(batch_size).map(move |start| start..(start + batch_size).min(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_every_sample_once_and_the_last_takes_the_rest() {
        let ranges: Vec<_> = batches(10, 4).collect();
        assert_eq!(ranges, [0..4, 4..8, 8..10]);
    }

    #[test]
    fn each_epoch_has_an_order_of_its_own() {
        let order = |epoch| {
            let mut order = vec![0; 50];
            shuffle(&mut order, 3, epoch);
            order
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }
}
