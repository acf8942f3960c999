//! One training step. A small batch of a large network passes through [`Parts`]; any other in two phases, each parallel: first by shards of rows (forward, loss, backward to the
//! activations), then by tiles of parameters (gradient over all rows of the batch, and Adam). Shards depend on the number of rows alone and tiles on the architecture alone, so the same seed gives the same
//! bits for any number of threads. Buffers are allocated once, for the largest batch.

use super::adam::Adam;
use super::batches::{Damage, Samples};
use super::config::TrainingConfig;
use super::corruption::Corruption;
use super::loss::Loss;
use super::parts::{self, Parts};
use super::penalty::Penalty;
use super::shards::{Batch, Buffers, Needs, Sums, code_push, total};
use super::team;
use super::tiles::{Extent, Tile, TileWork, tiles};
use crate::network::Network;

/// Work below which a phase runs on one thread: handing it to others costs more.
const PARALLEL_FLOPS: usize = 1_000_000;

/// Where a step stands in the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    /// The epoch, from 1.
    pub(crate) epoch: usize,
    /// The step, from 0 over the whole run.
    pub(crate) step: u64,
    pub(crate) learning_rate: f32,
}
/// A network in training: parameters, their moments, and the buffers of a step.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) network: Network,
    pub(crate) first_moment: Vec<f32>,
    pub(crate) second_moment: Vec<f32>,
    /// Only where it is clipped, for which all of it must be known.
    gradient: Vec<f32>,
    loss: Loss,
    penalty: Option<Penalty>,
    optimizer: Adam,
    gradient_clip: Option<f32>,
    seed: u64,
    damage: Option<Corruption>,
    /// Where they do the work, and nothing of what follows does.
    parts: Option<Parts>,
    buffers: Buffers,
    tiles: Vec<Tile>,
}
impl Engine {
    /// An engine for batches of at most `rows` rows.
    pub(crate) fn new(network: Network, config: &TrainingConfig, rows: usize, samples: &Samples<'_>) -> Self {
        let parameters = network.parameters.len();
        let contractive = matches!(config.penalty, Some(Penalty::Contractive { .. }));
        let separate_targets = samples.targets.is_some() || config.corruption.is_some();
        let known_codes = samples.codes.is_some();
        let alone = config.penalty.is_none() && config.gradient_clip.is_none() && !known_codes;
        let count = if alone { parts::count(&network, rows) } else { 1 };
        let parts = (count > 1).then(|| Parts::new(&network, count, rows, separate_targets));
        let rows = if parts.is_some() { 0 } else { rows };
        let mut engine = Self {
            first_moment: vec![0.0; parameters],
            second_moment: vec![0.0; parameters],
            gradient: vec![0.0; if config.gradient_clip.is_some() { parameters } else { 0 }],
            loss: config.loss,
            penalty: config.penalty,
            optimizer: config.optimizer,
            gradient_clip: config.gradient_clip,
            seed: config.seed,
            damage: config.corruption,
            buffers: Buffers::new(&network, rows, Needs { separate_targets, contractive, known_codes }),
            tiles: tiles(&network),
            parts,
            network,
        };
        engine.distribute();
        engine
    }

    /// Makes the parameters and moments known to whatever trains them; to be called when they were changed.
    pub(crate) fn distribute(&mut self) {
        if let Some(parts) = &mut self.parts {
            parts.distribute(&self.network, &self.first_moment, &self.second_moment);
        }
    }

    /// Brings the parameters and moments up to date with the steps taken.
    pub(crate) fn collect(&mut self) {
        if let Some(parts) = &self.parts {
            parts.collect(&mut self.network, &mut self.first_moment, &mut self.second_moment);
        }
    }

    /// Changes the parameters by one batch: the samples that `order` names, which stand from `first` on in the epoch's order.
    pub(crate) fn step(&mut self, samples: &Samples<'_>, order: &[u32], first: usize, at: Position) -> Sums {
        let Self { seed, loss, penalty, .. } = *self;
        let damage = self.damage.map(|corruption| Damage { corruption, seed, epoch: at.epoch });
        let (rows, outputs) = (order.len(), self.network.outputs());
        let batch = Batch { samples, damage, loss, penalty, seed, epoch: at.epoch, rows, outputs };
        let step = self.optimizer.step(at.step + 1, at.learning_rate);
        if let Some(parts) = &mut self.parts {
            return parts.step(&batch, order, first, step);
        }
        let sums = self.backward(&batch, order, first);
        let extent = Extent { rows, shards: Buffers::count(&self.network, rows) };
        match self.gradient_clip {
            None => self.for_each_tile(extent.rows, |buffers, work| work.step(buffers, extent, step)),
            Some(clip) => {
                self.for_each_tile(extent.rows, |buffers, work| work.store_gradient(buffers, extent));
                let norm = self.gradient_norm();
                let scale = if norm > f64::from(clip) { (f64::from(clip) / norm) as f32 } else { 1.0 };
                self.for_each_tile(extent.rows, |buffers, work| work.step_by_stored(buffers, extent, step, scale));
            }
        }
        sums
    }

    /// Forward, loss and backward to the error at each layer.
    fn backward(&mut self, batch: &Batch<'_>, order: &[u32], first: usize) -> Sums {
        let network = &self.network;
        self.buffers.turn(network);
        let flops = 4 * batch.rows * network.work();
        let mut shards = self.buffers.shards(network, order, first);
        if let Some(Penalty::KullbackLeibler { weight, target }) = batch.penalty {
            for_each(&mut shards, flops, |shard| batch.forward(network, shard));
            let (push, value) = code_push(network, &shards, batch.rows, weight, target);
            for_each(&mut shards, flops, |shard| batch.backward(network, shard, &push));
            let mut sums = total(&shards);
            sums.penalty += value;
            return sums;
        }
        for_each(&mut shards, flops, |shard| {
            batch.forward(network, shard);
            batch.backward(network, shard, &[]);
        });
        total(&shards)
    }

    /// Calls `work` for each tile.
    fn for_each_tile(&mut self, rows: usize, work: impl Fn(&Buffers, &mut TileWork<'_>) + Sync) {
        let flops = 2 * rows * self.network.parameters.len();
        let mut parameters = &mut self.network.parameters[..];
        let mut gradient = &mut self.gradient[..];
        let (mut first_moment, mut second_moment) = (&mut self.first_moment[..], &mut self.second_moment[..]);
        let tiles = self.tiles.iter().map(|tile| {
            let length = tile.parameters();
            TileWork {
                tile,
                parameters: take(&mut parameters, length),
                first_moment: take(&mut first_moment, length),
                second_moment: take(&mut second_moment, length),
                gradient: take(&mut gradient, length),
            }
        });
        for_each(&mut tiles.collect::<Vec<_>>(), flops, |tile| work(&self.buffers, tile));
    }

    /// The Euclidean norm of the gradient over all parameters.
    fn gradient_norm(&self) -> f64 {
        let blocks = self.gradient.chunks(4096);
        blocks.map(|block| block.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>()).sum::<f64>().sqrt()
    }

    /// The gradient of the last step, where it is clipped.
    #[cfg(test)]
    pub(crate) fn gradient(&self) -> &[f32] {
        &self.gradient
    }
}

/// Takes the first `length` numbers off a slice, or as many as it has.
fn take<'a>(slice: &mut &'a mut [f32], length: usize) -> &'a mut [f32] {
    let length = length.min(slice.len());
    let (taken, rest) = std::mem::take(slice).split_at_mut(length);
    *slice = rest;
    taken
}
/// Calls `work` for each item, in parallel where there is enough to do.
fn for_each<T: Send>(items: &mut [T], flops: usize, work: impl Fn(&mut T) + Sync) {
    if flops < PARALLEL_FLOPS {
        items.iter_mut().for_each(work);
    } else {
        team::for_each(items, work);
    }
}
