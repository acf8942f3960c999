//! The second phase of a step: the parameters cut into tiles, for each of which the gradient over all rows of the batch is one
//! sum of outer products. Tiles depend on the architecture alone.

use super::adam::{AdamStep, Update};
use super::shards::Buffers;
use crate::network::products::{Add, Pair, ROWS, Receiver, Store, Sum, transposed_times};
use crate::network::{Node, Program};

/// Parameters of a tile, about: enough tiles to share out evenly, and each large enough to be worth it.
const TILE_PARAMETERS: usize = 16 * 1024;

/// How fast the running statistics of a normalisation follow those of a batch.
const STATISTICS_RATE: f32 = 0.1;

/// A contiguous part of one node's parameters, whose gradient is found at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    node: usize,
    /// The value that the node reads.
    reads: usize,
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
    Rows { inputs: usize, outputs: usize, first: usize, count: usize },
    /// Each shard has found its own.
    Shards,
}

impl Tile {
    /// All of a node.
    pub(super) fn whole(node: &Node) -> Self {
        if node.is_dense() {
            return Self::of_dense(node, 0, node.inputs());
        }
        Self {
            node: node.index(),
            reads: node.reads()[0],
            weights: node.weight().len(),
            biases: node.bias().len(),
            statistics: node.statistics().len(),
            decays: node.operation().decays(),
            gradient: Source::Shards,
        }
    }

    /// The weights of some inputs, and the biases with the last of them.
    fn of_dense(node: &Node, first: usize, count: usize) -> Self {
        let (inputs, outputs) = (node.inputs(), node.outputs());
        Self {
            node: node.index(),
            reads: node.reads()[0],
            weights: count * outputs,
            biases: if first + count == inputs { outputs } else { 0 },
            statistics: 0,
            decays: true,
            gradient: Source::Rows { inputs, outputs, first, count },
        }
    }

    pub(super) fn parameters(&self) -> usize {
        self.weights + self.biases + self.statistics
    }
}

/// The tiles of a program in the order of its parameters.
pub(super) fn tiles(program: &Program) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for node in program.nodes().iter().filter(|node| !node.parameters().is_empty()) {
        if !node.is_dense() {
            tiles.push(Tile::whole(node));
            continue;
        }
        let (inputs, outputs) = (node.inputs(), node.outputs());
        let each = (TILE_PARAMETERS / outputs).next_multiple_of(ROWS).clamp(1, inputs);
        for first in (0..inputs).step_by(each) {
            tiles.push(Tile::of_dense(node, first, each.min(inputs - first)));
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
    /// The gradient, or its sum over other rows; empty where it goes straight into the update.
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

    /// Adds the gradient over the first rows to the one that was kept.
    pub(super) fn add_gradient(&mut self, buffers: &Buffers, extent: Extent) {
        let (weight, bias) = self.gradient.split_at_mut(self.tile.weights);
        buffers.gradient(self.tile, extent, &mut Add(weight), &mut Add(&mut bias[..self.tile.biases]));
    }

    /// Changes the parameters by the gradient over the first rows, added to the one that was kept.
    pub(super) fn step(&mut self, buffers: &Buffers, extent: Extent, step: AdamStep) {
        let (tile, gradient) = (self.tile, std::mem::take(&mut self.gradient));
        let [mut weight, mut bias] = self.updates(step);
        if gradient.is_empty() {
            buffers.gradient(tile, extent, &mut weight, &mut bias);
        } else {
            let (of_weights, of_biases) = gradient.split_at(tile.weights);
            buffers.gradient(tile, extent, &mut Sum(of_weights, weight), &mut Sum(of_biases, bias));
        }
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
        let measured = &buffers.measured[self.tile.node][..extent.shards * count];
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
        let Source::Rows { inputs, outputs, first, count } = tile.gradient else {
            let [weights, biases] = &self.gradients[tile.node];
            let of_shards = |all: &'a [f32], count: usize| ones(extent.shards, &all[..extent.shards * count]);
            transposed_times(&[of_shards(weights, tile.weights)], 1, 0..1, tile.weights, weight);
            transposed_times(&[of_shards(biases, tile.biases)], 1, 0..1, tile.biases, bias);
            return;
        };
        let rows = extent.rows;
        let pair = |x: &'a [f32], y: &'a [f32]| Pair { x: &x[..rows * inputs], y: &y[..rows * outputs] };
        let error = pair(&self.values[tile.reads], &self.errors[tile.node + 1]);
        let columns = first..first + count;
        match &self.products[tile.node][..] {
            [] => transposed_times(&[error], inputs, columns, outputs, weight),
            products => {
                let of_term = |&(term, [x, y]): &(usize, [usize; 2])| pair(&self.terms[term][x], &self.terms[term][y]);
                let pairs: Vec<_> = [error].into_iter().chain(products.iter().map(of_term)).collect();
                transposed_times(&pairs, inputs, columns, outputs, weight);
            }
        }
        if tile.biases > 0 {
            transposed_times(&[ones(rows, error.y)], 1, 0..1, outputs, bias);
        }
    }
}
