//! One training step. A small batch of a large network passes through [`Parts`]; any other in two phases, each parallel: first by
//! shards of rows (forward, loss, back to the error at every value), then by tiles of parameters (gradient over all rows of the batch,
//! and Adam). Shards depend on the number of rows and the architecture alone and tiles on the architecture alone, so the same seed gives
//! the same bits for any number of threads. Buffers are allocated once, for the largest batch.

use super::adam::Adam;
use super::batches::{Damage, Samples};
use super::config::TrainingConfig;
use super::corruption::Corruption;
use super::objective::Objective;
use super::parts::{self, Parts};
use super::shards::{Batch, Buffers, Sums, total};
use super::team;
use super::tiles::{Extent, Tile, TileWork, tiles};
use crate::network::operations::Way;
use crate::network::{Network, Prepared, Weights};

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
    objective: Objective,
    optimizer: Adam,
    gradient_clip: Option<f32>,
    seed: u64,
    damage: Option<Corruption>,
    /// Where they do the work, and nothing of what follows does.
    parts: Option<Parts>,
    buffers: Buffers,
    tiles: Vec<Tile>,
    /// What the step's weights were prepared to, for both ways; all shards share it.
    prepared: [Prepared; 2],
}

const WAYS: [Way; 2] = [Way::Forward, Way::Back];

impl Engine {
    /// An engine for batches of at most `rows` rows.
    pub(crate) fn new(network: Network, config: &TrainingConfig, rows: usize, samples: &Samples<'_>) -> Self {
        let program = network.program.clone();
        let objective = Objective::new(config, samples);
        let separate_targets = samples.separate_targets(config.corruption.is_some());
        let alone = objective.terms.is_empty() && config.gradient_clip.is_none();
        let count = if alone { parts::count(&program) } else { 1 };
        let parts = (count > 1).then(|| Parts::new(&network, count, rows, separate_targets));
        let rows = if parts.is_some() { 0 } else { rows };
        let zeros = |count: usize| vec![0.0; count];
        let mut engine = Self {
            first_moment: zeros(program.parameters()),
            second_moment: zeros(program.parameters()),
            gradient: zeros(if config.gradient_clip.is_some() { program.parameters() } else { 0 }),
            buffers: Buffers::new(&program, rows, separate_targets, &objective),
            objective,
            optimizer: config.optimizer,
            gradient_clip: config.gradient_clip,
            seed: config.seed,
            damage: config.corruption,
            tiles: tiles(&program),
            prepared: WAYS.map(|way| Prepared::for_program(&program, way)),
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
        let Self { network, objective, prepared, buffers, seed, .. } = self;
        let program = network.program.clone();
        let damage = self.damage.map(|corruption| Damage { corruption, seed: *seed, epoch: at.epoch });
        let (rows, outputs) = (order.len(), program.width(program.output()));
        let batch = Batch { samples, damage, objective, epoch: at.epoch, rows, outputs };
        let step = self.optimizer.step(at.step + 1, at.learning_rate);
        if let Some(parts) = &mut self.parts {
            return parts.step(&batch, order, first, step);
        }
        for (prepared, way) in prepared.iter_mut().zip(WAYS) {
            prepared.update(&program, way, &network.parameters);
        }
        let sums = backward(network, prepared, buffers, &batch, order, first);
        let extent = Extent { rows, shards: Buffers::count(&program, rows) };
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

    /// Calls `work` for each tile.
    fn for_each_tile(&mut self, rows: usize, work: impl Fn(&Buffers, &mut TileWork<'_>) + Sync) {
        let flops = 2 * rows * self.network.program.parameters();
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

    /// Values of a row of the output.
    pub(crate) fn outputs(&self) -> usize {
        self.network.program.width(self.network.program.output())
    }

    /// The gradient of the last step, where it is clipped.
    #[cfg(test)]
    pub(crate) fn gradient(&self) -> &[f32] {
        &self.gradient
    }
}

/// Forward, loss and back to the error at each value.
fn backward(
    network: &Network,
    [forward, back]: &[Prepared; 2],
    buffers: &mut Buffers,
    batch: &Batch<'_>,
    order: &[u32],
    first: usize,
) -> Sums {
    let program = &*network.program;
    let [forward, back] = [forward, back].map(|prepared| Weights { parameters: &network.parameters, prepared });
    let flops = 4 * batch.rows * program.work();
    let mut shards = buffers.shards(program, order, first, batch.epoch);
    if !batch.objective.terms.iter().any(|term| term.gathers()) {
        for_each(&mut shards, flops, |shard| {
            batch.forward(network, forward, shard);
            batch.backward(network, back, shard, &[]);
        });
        return total(&shards);
    }
    for_each(&mut shards, flops, |shard| batch.forward(network, forward, shard));
    let (gathered, penalty) = batch.gather(program, &shards);
    for_each(&mut shards, flops, |shard| batch.backward(network, back, shard, &gathered));
    let sums = total(&shards);
    Sums { penalty: sums.penalty + penalty, ..sums }
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
