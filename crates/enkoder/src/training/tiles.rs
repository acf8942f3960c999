//! The second phase of a step: the parameters cut into tiles, for each of which the gradient over all rows of the batch is one
//! sum of outer products. Tiles depend on the architecture alone.

use super::adam::{AdamStep, Update};
use super::shards::Buffers;
use crate::network::Network;
use crate::network::dense::Dense;
use crate::network::products::{Pair, ROWS, Receiver, Store, transposed_times};

/// Parameters of a tile, about: enough tiles to share out evenly, and each large enough to be worth it.
const TILE_PARAMETERS: usize = 16 * 1024;

/// A contiguous part of one layer's parameters: the weights of some inputs, and the biases with the last of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    layer: usize,
    /// Of the layer.
    inputs: usize,
    outputs: usize,
    encodes: bool,
    /// Of the tile.
    first: usize,
    count: usize,
    with_bias: bool,
}

impl Tile {
    /// All of a layer.
    pub(super) fn whole(index: usize, layer: &Dense, encodes: bool) -> Self {
        Self::new(index, layer, encodes, 0, layer.inputs)
    }

    fn new(index: usize, layer: &Dense, encodes: bool, first: usize, count: usize) -> Self {
        let &Dense { inputs, outputs, .. } = layer;
        Self { layer: index, inputs, outputs, encodes, first, count, with_bias: first + count == inputs }
    }

    fn weights(&self) -> usize {
        self.count * self.outputs
    }

    pub(super) fn parameters(&self) -> usize {
        self.weights() + if self.with_bias { self.outputs } else { 0 }
    }

    /// What goes into the tile's layer (`input` for the first, the outputs of the one below for others) with its errors.
    fn pair<'a>(&self, rows: usize, input: &'a [f32], outputs: &'a [Vec<f32>], errors: &'a [Vec<f32>]) -> Pair<'a> {
        let x = if self.layer == 0 { input } else { &outputs[self.layer - 1] };
        Pair { x: &x[..rows * self.inputs], y: &errors[self.layer][..rows * self.outputs] }
    }
}

/// The tiles of a network in the order of its parameters.
pub(super) fn tiles(network: &Network) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for (index, layer) in network.layers.iter().enumerate() {
        let each = (TILE_PARAMETERS / layer.outputs).next_multiple_of(ROWS).clamp(1, layer.inputs);
        for first in (0..layer.inputs).step_by(each) {
            let count = each.min(layer.inputs - first);
            tiles.push(Tile::new(index, layer, index < network.encoder_layers, first, count));
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

impl TileWork<'_> {
    /// Keeps the gradient over the first `rows` rows.
    pub(super) fn store_gradient(&mut self, buffers: &Buffers, rows: usize) {
        let (weight, bias) = self.gradient.split_at_mut(self.tile.weights());
        buffers.gradient(self.tile, rows, &mut Store(weight), &mut Store(bias));
    }

    /// Changes the parameters by the gradient over the first `rows` rows.
    pub(super) fn step(&mut self, buffers: &Buffers, rows: usize, step: AdamStep) {
        let tile = self.tile;
        let [mut weight, mut bias] = self.updates(step);
        buffers.gradient(tile, rows, &mut weight, &mut bias);
    }

    /// Changes the parameters by the gradient that was kept, each of its numbers times `scale`.
    pub(super) fn step_by_stored(&mut self, step: AdamStep, scale: f32) {
        let gradient = std::mem::take(&mut self.gradient);
        let (weight_gradient, bias_gradient) = gradient.split_at(self.tile.weights());
        let [weight, bias] = self.updates(step);
        weight.apply(weight_gradient, scale);
        bias.apply(bias_gradient, scale);
    }

    /// The updates of the weights and of the biases.
    fn updates(&mut self, step: AdamStep) -> [Update<'_>; 2] {
        let weights = self.tile.weights();
        let (weight, bias) = self.parameters.split_at_mut(weights);
        let (first, first_of_bias) = self.first_moment.split_at_mut(weights);
        let (second, second_of_bias) = self.second_moment.split_at_mut(weights);
        [step.update(weight, first, second, true), step.update(bias, first_of_bias, second_of_bias, false)]
    }
}

impl Buffers {
    /// Hands on the gradient of one tile's weights and biases over the first `rows` rows.
    fn gradient(&self, tile: &Tile, rows: usize, weight: &mut impl Receiver, bias: &mut impl Receiver) {
        let Tile { inputs, outputs, encodes, first, count, with_bias, .. } = *tile;
        let error = tile.pair(rows, &self.input, &self.values, &self.deltas);
        let columns = first..first + count;
        if encodes && !self.adjoints.is_empty() {
            let penalty = tile.pair(rows, &self.probe, &self.tangents, &self.adjoints);
            transposed_times(&[error, penalty], inputs, columns, outputs, weight);
        } else {
            transposed_times(&[error], inputs, columns, outputs, weight);
        }
        if with_bias {
            // Biases are the weights of an input that is always 1.
            let constant = Pair { x: &self.ones[..rows], ..error };
            transposed_times(&[constant], 1, 0..1, outputs, bias);
        }
    }
}
