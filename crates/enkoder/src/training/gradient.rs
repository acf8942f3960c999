//! One training step. A batch passes in two phases, each parallel: first by shards of rows (forward, loss, backward to the
//! activations), then by tiles of parameters (weight gradient over all rows of the batch, and Adam on the tile while it is in
//! the cache). Shards depend on the number of rows alone and tiles on the architecture alone, so the same seed gives the same
//! bits for any number of threads. Buffers are allocated once, for the largest batch.

use super::adam::{Adam, AdamStep};
use super::batches::{Damage, Samples};
use super::config::TrainingConfig;
use super::corruption::Corruption;
use super::loss::Loss;
use super::penalty::Penalty;
use super::shards::{Batch, Buffers, Sums, code_push, shard_rows, total};
use super::team;
use super::tiles::{Tile, tiles};
use crate::network::Network;
use crate::network::matmul::Packing;

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
    gradient: Vec<f32>,
    loss: Loss,
    penalty: Option<Penalty>,
    optimizer: Adam,
    gradient_clip: Option<f32>,
    seed: u64,
    damage: Option<Corruption>,
    buffers: Buffers,
    tiles: Vec<Tile>,
    packings: Vec<Packing>,
}
impl Engine {
    /// An engine for batches of at most `rows` rows.
    pub(crate) fn new(network: Network, config: &TrainingConfig, rows: usize, separate_targets: bool) -> Self {
        let parameters = network.parameters.len();
        let tiles: Vec<Tile> =
            network.layers.iter().enumerate().flat_map(|(index, layer)| tiles(index, layer)).collect();
        let shards = rows.div_ceil(shard_rows(rows));
        let contractive = matches!(config.penalty, Some(Penalty::Contractive { .. }));
        let separate_targets = separate_targets || config.corruption.is_some();
        Self {
            first_moment: vec![0.0; parameters],
            second_moment: vec![0.0; parameters],
            gradient: vec![0.0; parameters],
            loss: config.loss,
            penalty: config.penalty,
            optimizer: config.optimizer,
            gradient_clip: config.gradient_clip,
            seed: config.seed,
            damage: config.corruption,
            buffers: Buffers::new(&network, rows, separate_targets, contractive),
            packings: (0..tiles.len().max(shards)).map(|_| Packing::default()).collect(),
            tiles,
            network,
        }
    }

    /// Changes the parameters by one batch: the samples that `order` names, which stand from `first` on in the epoch's order.
    pub(crate) fn step(&mut self, samples: &Samples<'_>, order: &[u32], first: usize, at: Position) -> Sums {
        let sums = self.backward(samples, order, first, at.epoch);
        let step = self.optimizer.step(at.step + 1, at.learning_rate);
        match self.gradient_clip {
            None => self.update(order.len(), true, Some((step, 1.0))),
            Some(clip) => {
                self.update(order.len(), true, None);
                let norm = self.gradient_norm();
                let scale = if norm > f64::from(clip) { (f64::from(clip) / norm) as f32 } else { 1.0 };
                self.update(order.len(), false, Some((step, scale)));
            }
        }
        sums
    }

    /// Forward, loss and backward to the error at each layer.
    fn backward(&mut self, samples: &Samples<'_>, order: &[u32], first: usize, epoch: usize) -> Sums {
        let rows = order.len();
        let damage = self.damage.map(|corruption| Damage { corruption, seed: self.seed, epoch });
        let (loss, penalty, seed) = (self.loss, self.penalty, self.seed);
        let batch = Batch { network: &self.network, samples, damage, loss, penalty, seed, epoch, rows };
        let flops = 4 * rows * self.network.parameters.len();
        let mut shards = self.buffers.shards(&self.network, order, first, &mut self.packings);
        if let Some(Penalty::KullbackLeibler { weight, target }) = penalty {
            for_each(&mut shards, flops, |shard| batch.forward(shard));
            let (push, value) = code_push(&batch, &shards, weight, target);
            for_each(&mut shards, flops, |shard| batch.backward(shard, &push));
            let mut sums = total(&shards);
            sums.penalty += value;
            return sums;
        }
        for_each(&mut shards, flops, |shard| {
            batch.forward(shard);
            batch.backward(shard, &[]);
        });
        total(&shards)
    }

    /// For each tile the gradient over the batch, where `gradient` asks for it, and Adam, where `step` gives its numbers.
    fn update(&mut self, rows: usize, gradient: bool, step: Option<(AdamStep, f32)>) {
        let Self { network, first_moment, second_moment, buffers, tiles, packings, .. } = self;
        let Network { layers, encoder_layers, parameters } = network;
        let flops = 2 * rows * parameters.len();
        let (mut parameters, mut gradients) = (&mut parameters[..], &mut self.gradient[..]);
        let (mut first_moments, mut second_moments) = (&mut first_moment[..], &mut second_moment[..]);
        let mut work: Vec<_> = tiles
            .iter()
            .zip(packings)
            .map(|(tile, packing)| {
                let length = tile.parameters(&layers[tile.layer]);
                (
                    tile,
                    packing,
                    take(&mut parameters, length),
                    take(&mut gradients, length),
                    take(&mut first_moments, length),
                    take(&mut second_moments, length),
                )
            })
            .collect();
        let buffers = &*buffers;
        for_each(&mut work, flops, |(tile, packing, parameters, gradients, first, second)| {
            let layer = &layers[tile.layer];
            let weights = tile.inputs * layer.outputs;
            if gradient {
                buffers.tile_gradient(tile, layer, *encoder_layers, rows, gradients, packing);
            }
            if let Some((step, scale)) = step {
                let (weight, bias) = parameters.split_at_mut(weights);
                let (weight_gradient, bias_gradient) = gradients.split_at(weights);
                let ((first, first_bias), (second, second_bias)) =
                    (first.split_at_mut(weights), second.split_at_mut(weights));
                step.apply(weight, first, second, weight_gradient, scale, true);
                step.apply(bias, first_bias, second_bias, bias_gradient, scale, false);
            }
        });
    }

    /// The Euclidean norm of the gradient over all parameters.
    fn gradient_norm(&self) -> f64 {
        let blocks = self.gradient.chunks(4096);
        blocks.map(|block| block.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>()).sum::<f64>().sqrt()
    }

    /// The gradient of the last step.
    #[cfg(test)]
    pub(crate) fn gradient(&self) -> &[f32] {
        &self.gradient
    }
}

/// Takes the first `length` numbers off a slice.
fn take<'a>(slice: &mut &'a mut [f32], length: usize) -> &'a mut [f32] {
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
