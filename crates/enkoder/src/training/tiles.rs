//! The second phase of a step: the parameters cut into tiles, for each of which the gradient over all rows of the batch is one
//! sum of outer products. Tiles depend on the architecture alone.

use super::adam::{AdamStep, Update};
use super::shards::Buffers;
use crate::network::Network;
use crate::network::layer::Layer;
use crate::network::products::{Pair, ROWS, Receiver, Store, transposed_times};

/// Parameters of a tile, about: enough tiles to share out evenly, and each large enough to be worth it.
const TILE_PARAMETERS: usize = 16 * 1024;

/// How fast the running statistics of a normalisation follow those of a batch.
const STATISTICS_RATE: f32 = 0.1;

/// A contiguous part of one layer's parameters, whose gradient is found at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    layer: usize,
    weights: usize,
    biases: usize,
    statistics: usize,
    decays: bool,
    gradient: Source,
}

/// Where the gradient of a tile comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// It is the sum of outer products over the rows of the batch, for the weights of the inputs from `first` on.
    Rows { inputs: usize, outputs: usize, encodes: bool, first: usize, count: usize },
    /// Each shard has found its own.
    Shards,
}

impl Tile {
    /// All of a layer.
    pub(super) fn whole(index: usize, layer: &Layer, encodes: bool) -> Self {
        if layer.is_dense() {
            return Self::of_dense(index, layer, encodes, 0, layer.inputs);
        }
        Self {
            layer: index,
            weights: layer.weight().len(),
            biases: layer.bias().len(),
            statistics: layer.statistics().len(),
            decays: layer.decays(),
            gradient: Source::Shards,
        }
    }

    /// The weights of some inputs, and the biases with the last of them.
    fn of_dense(index: usize, layer: &Layer, encodes: bool, first: usize, count: usize) -> Self {
        let &Layer { inputs, outputs, .. } = layer;
        Self {
            layer: index,
            weights: count * outputs,
            biases: if first + count == inputs { outputs } else { 0 },
            statistics: 0,
            decays: true,
            gradient: Source::Rows { inputs, outputs, encodes, first, count },
        }
    }

    pub(super) fn parameters(&self) -> usize {
        self.weights + self.biases + self.statistics
    }
}

/// The tiles of a network in the order of its parameters.
pub(super) fn tiles(network: &Network) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for (index, layer) in network.layers.iter().enumerate() {
        let encodes = index < network.encoder_layers;
        if !layer.is_dense() {
            tiles.push(Tile::whole(index, layer, encodes));
            continue;
        }
        let each = (TILE_PARAMETERS / layer.outputs).next_multiple_of(ROWS).clamp(1, layer.inputs);
        for first in (0..layer.inputs).step_by(each) {
            let count = each.min(layer.inputs - first);
            tiles.push(Tile::of_dense(index, layer, encodes, first, count));
        }
    }
    tiles
}

/// A tile and its part of what changes with it.
pub(super) struct TileWork<'a> {
    pub(super) tile: &'a Tile,
    pub(super) parameters: &'a mut [f32],
    pub(super) first_moment: &'a mut [f32],
    pub(super) second_moment: &'a mut [f32],
    /// Empty where the gradient goes straight into the update.
    pub(super) gradient: &'a mut [f32],
}

/// The rows of a batch and the shards they made.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) rows: usize,
    pub(super) shards: usize,
}

impl TileWork<'_> {
    /// Keeps the gradient over the first rows.
    pub(super) fn store_gradient(&mut self, buffers: &Buffers, extent: Extent) {
        let (weight, bias) = self.gradient.split_at_mut(self.tile.weights);
        buffers.gradient(self.tile, extent, &mut Store(weight), &mut Store(&mut bias[..self.tile.biases]));
    }

    /// Changes the parameters by the gradient over the first rows.
    pub(super) fn step(&mut self, buffers: &Buffers, extent: Extent, step: AdamStep) {
        let tile = self.tile;
        let [mut weight, mut bias] = self.updates(step);
        buffers.gradient(tile, extent, &mut weight, &mut bias);
        self.follow_statistics(buffers, extent);
    }

    /// Changes the parameters by the gradient that was kept, each of its numbers times `scale`.
    pub(super) fn step_by_stored(&mut self, buffers: &Buffers, extent: Extent, step: AdamStep, scale: f32) {
        let gradient = std::mem::take(&mut self.gradient);
        let (weight_gradient, bias_gradient) = gradient.split_at(self.tile.weights);
        let bias_gradient = &bias_gradient[..self.tile.biases];
        let [weight, bias] = self.updates(step);
        weight.apply(weight_gradient, scale);
        bias.apply(bias_gradient, scale);
        self.follow_statistics(buffers, extent);
    }

    /// The updates of the weights and of the biases.
    fn updates(&mut self, step: AdamStep) -> [Update<'_>; 2] {
        let Tile { weights, biases, decays, .. } = *self.tile;
        let (weight, bias) = self.parameters[..weights + biases].split_at_mut(weights);
        let (first, first_of_bias) = self.first_moment[..weights + biases].split_at_mut(weights);
        let (second, second_of_bias) = self.second_moment[..weights + biases].split_at_mut(weights);
        [step.update(weight, first, second, decays), step.update(bias, first_of_bias, second_of_bias, false)]
    }

    /// Moves running statistics towards the mean of what the shards measured.
    fn follow_statistics(&mut self, buffers: &Buffers, extent: Extent) {
        let count = self.tile.statistics;
        if count == 0 {
            return;
        }
        let running = &mut self.parameters[self.tile.weights + self.tile.biases..];
        let measured = &buffers.statistics[self.tile.layer][..extent.shards * count];
        for (at, running) in running.iter_mut().enumerate() {
            let sum: f32 = measured.iter().skip(at).step_by(count).sum();
            *running += STATISTICS_RATE * (sum / extent.shards as f32 - *running);
        }
    }
}

impl Buffers {
    /// Hands on the gradient of one tile's weights and biases over the first rows.
    fn gradient<'a>(&'a self, tile: &Tile, extent: Extent, weight: &mut impl Receiver, bias: &mut impl Receiver) {
        // Biases are the weights of an input that is always 1, and a sum over shards is the same with shards as rows.
        let ones = |count: usize, y| Pair { x: &self.ones[..count], y };
        let Source::Rows { inputs, outputs, encodes, first, count } = tile.gradient else {
            let [weights, biases] = &self.gradients[tile.layer];
            let of_shards = |all: &'a [f32], count: usize| ones(extent.shards, &all[..extent.shards * count]);
            transposed_times(&[of_shards(weights, tile.weights)], 1, 0..1, tile.weights, weight);
            transposed_times(&[of_shards(biases, tile.biases)], 1, 0..1, tile.biases, bias);
            return;
        };
        let rows = extent.rows;
        // What goes into the layer (`input` for the first, the outputs of the one below for others) with its errors.
        let below = tile.layer.checked_sub(1);
        let x = |input, values: &'a [Vec<f32>]| below.map_or(input, |below| &values[below][..]);
        let pair = |x: &'a [f32], y: &'a [f32]| Pair { x: &x[..rows * inputs], y: &y[..rows * outputs] };
        let error = pair(x(&self.input, &self.values), &self.deltas[tile.layer]);
        let columns = first..first + count;
        if encodes && !self.adjoints.is_empty() {
            let penalty = pair(x(&self.probe, &self.tangents), &self.adjoints[tile.layer]);
            transposed_times(&[error, penalty], inputs, columns, outputs, weight);
        } else {
            transposed_times(&[error], inputs, columns, outputs, weight);
        }
        if tile.biases > 0 {
            transposed_times(&[ones(rows, error.y)], 1, 0..1, outputs, bias);
        }
    }
}
