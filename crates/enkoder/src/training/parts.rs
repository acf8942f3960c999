//! A step for small batches of a large network. The network is cut by outputs: each part has its share of the outputs of every
//! large layer, with the weights that lead to them, and a copy of every small layer. All parts pass the whole batch and tell
//! each other, at every large layer, the outputs on the way forward and their shares of the errors on the way back
//! (Shoeybi et al. 2019 call this tensor parallelism). So no parameter is ever touched by two threads, and what does pass
//! between them is a few rows of activations, where shards of rows would pass every parameter twice a step.
//!
//! Parts depend on architecture and options alone; sums over parts have a fixed order. Copies of small layers get the same
//! numbers everywhere, so they stay the same.

use std::ops::Range;

use super::adam::AdamStep;
use super::shards::{Batch, Buffers, Needs, Sums};
use super::team;
use super::tiles::{Extent, Tile, TileWork};
use crate::network::Network;
use crate::network::activation::multiply_by_slope;
use crate::network::convolution::Workspace;
use crate::network::layer::{Layer, Statistics};

/// Layers with at least as many weights are cut.
const LARGE: usize = 32 * 1024;
/// Weights of large layers for each part that a network is cut into.
const PART: usize = 100_000;
const MOST_PARTS: usize = 4;
/// Above, shards of rows are many and large enough.
const MOST_ROWS: usize = 256;
/// Floats in a cache line: parts begin at whole ones.
const LINE: usize = 16;

/// A network in training as parts.
#[derive(Debug)]
pub(super) struct Parts {
    parts: Vec<Part>,
    /// What the parts tell each other, in the order of the step: for each exchange what each part says. One more than there
    /// are exchanges, empty, for the end of the step.
    said: Vec<Vec<Vec<f32>>>,
    exchanges: Vec<Exchange>,
}

/// Where parts wait for each other.
#[derive(Clone, Copy, Debug)]
enum Exchange {
    /// Each has its share of this layer's outputs.
    Outputs(usize),
    /// Each has what its share of this layer's outputs adds to the errors of the layer below.
    Errors(usize),
}

#[derive(Debug)]
struct Part {
    index: usize,
    /// The layers with this part's outputs alone.
    network: Network,
    first_moment: Vec<f32>,
    second_moment: Vec<f32>,
    /// For each layer which of the whole layer's outputs each part has.
    shares: Vec<Vec<Range<usize>>>,
    tiles: Vec<Tile>,
    /// `values` of every layer but the last has all outputs, everything else the part's own.
    buffers: Buffers,
    /// The part's own outputs of each layer but the last that is cut; empty for others.
    own: Vec<Vec<f32>>,
    loss: f64,
    work: Workspace,
}

/// Into how many parts a network is cut for batches of `rows`; 1 where it is not worth it, where a layer is
/// not dense, and where the output is no reconstruction.
pub(super) fn count(network: &Network, rows: usize) -> usize {
    let large: usize =
        network.layers.iter().filter(|layer| is_large(layer)).map(|layer| layer.inputs * layer.outputs).sum();
    let unlike = network.outputs() != network.layers[0].inputs;
    if rows > MOST_ROWS || !network.is_dense() || network.residual || unlike {
        1
    } else {
        (large / PART).clamp(1, MOST_PARTS)
    }
}

/// Whether a layer is worth cutting, and has a line of outputs for every part.
fn is_large(layer: &Layer) -> bool {
    layer.inputs * layer.outputs >= LARGE && layer.outputs >= LINE * MOST_PARTS
}

/// The outputs of a layer that each part has.
fn shares(layer: &Layer, count: usize) -> Vec<Range<usize>> {
    if !is_large(layer) {
        return vec![0..layer.outputs; count];
    }
    let bound = |index: usize| (layer.outputs * index / count).next_multiple_of(LINE).min(layer.outputs);
    (0..count).map(|index| bound(index)..bound(index + 1)).collect()
}

impl Parts {
    /// `count` parts for batches of at most `rows` rows. Their parameters are still to be distributed.
    pub(super) fn new(whole: &Network, count: usize, rows: usize, separate_targets: bool) -> Self {
        let parts: Vec<Part> = (0..count).map(|index| Part::new(whole, index, count, rows, separate_targets)).collect();
        let last = whole.layers.len() - 1;
        let cut = |&layer: &usize| parts[0].is_cut(layer);
        let outputs = (0..last).filter(cut).map(Exchange::Outputs);
        let exchanges: Vec<Exchange> = outputs.chain((1..=last).rev().filter(cut).map(Exchange::Errors)).collect();
        let width = |exchange: &Exchange, part: &Part| match *exchange {
            Exchange::Outputs(layer) => part.network.layers[layer].outputs,
            Exchange::Errors(layer) => part.network.layers[layer].inputs,
        };
        let say = |exchange| parts.iter().map(|part| vec![0.0; rows * width(exchange, part)]).collect();
        let mut said: Vec<Vec<Vec<f32>>> = exchanges.iter().map(say).collect();
        said.push(vec![Vec::new(); count]);
        Self { parts, said, exchanges }
    }

    /// Changes the parameters by one batch.
    pub(super) fn step(&mut self, batch: &Batch<'_>, order: &[u32], first: usize, step: AdamStep) -> Sums {
        let Self { parts, said, exchanges } = self;
        for phase in 0..=exchanges.len() {
            let (heard, says) = said.split_at_mut(phase);
            let heard = phase.checked_sub(1).map(|last| (exchanges[last], &heard[last][..]));
            let mut work: Vec<_> = parts.iter_mut().zip(&mut says[0]).collect();
            team::for_each(&mut work, |(part, says)| match heard {
                None => {
                    part.fill(batch, order, first);
                    part.forward(0, batch, says, step);
                }
                Some((Exchange::Outputs(layer), shares)) => {
                    part.assemble(layer, shares, batch.rows);
                    part.forward(layer + 1, batch, says, step);
                }
                Some((Exchange::Errors(layer), shares)) => {
                    part.add_up(layer - 1, shares, batch.rows);
                    part.backward(layer - 1, batch, says, step);
                }
            });
        }
        Sums { loss: parts.iter().map(|part| part.loss).sum(), penalty: 0.0 }
    }

    /// Gives every part its share of the parameters, or of other numbers for each of them.
    pub(super) fn distribute(&mut self, network: &Network, first_moment: &[f32], second_moment: &[f32]) {
        for part in &mut self.parts {
            let stretches: Vec<_> = part.stretches(&network.layers).collect();
            for (of_whole, of_part) in stretches {
                part.network.parameters[of_part.clone()].copy_from_slice(&network.parameters[of_whole.clone()]);
                part.first_moment[of_part.clone()].copy_from_slice(&first_moment[of_whole.clone()]);
                part.second_moment[of_part].copy_from_slice(&second_moment[of_whole]);
            }
        }
    }

    /// Puts together what the parts have.
    pub(super) fn collect(&self, network: &mut Network, first_moment: &mut [f32], second_moment: &mut [f32]) {
        for part in &self.parts {
            for (of_whole, of_part) in part.stretches(&network.layers) {
                network.parameters[of_whole.clone()].copy_from_slice(&part.network.parameters[of_part.clone()]);
                first_moment[of_whole.clone()].copy_from_slice(&part.first_moment[of_part.clone()]);
                second_moment[of_whole].copy_from_slice(&part.second_moment[of_part]);
            }
        }
    }
}

impl Part {
    fn new(whole: &Network, index: usize, count: usize, rows: usize, separate_targets: bool) -> Self {
        let shares: Vec<_> = whole.layers.iter().map(|layer| shares(layer, count)).collect();
        let mut offset = 0;
        let layers = whole.layers.iter().zip(&shares).map(|(layer, shares)| {
            let own = Layer::dense(layer.inputs, shares[index].len(), layer.activation, offset);
            offset = own.parameters().end;
            own
        });
        let layers: Vec<Layer> = layers.collect();
        let network =
            Network { layers, encoder_layers: whole.encoder_layers, residual: false, parameters: vec![0.0; offset] };
        let cut = |layer: usize| network.layers[layer].outputs < whole.layers[layer].outputs;
        let last = whole.layers.len() - 1;
        // Where the part has some columns of the output alone, its target is those columns of the input.
        let mut buffers =
            Buffers::new(&network, rows, Needs { separate_targets: separate_targets || cut(last), ..Needs::default() });
        let mut own = vec![Vec::new(); last];
        for layer in (0..last).filter(|&layer| cut(layer)) {
            let all = vec![0.0; rows * whole.layers[layer].outputs];
            own[layer] = std::mem::replace(&mut buffers.values[layer], all);
        }
        let encodes = |layer| layer < network.encoder_layers;
        let tiles = network.layers.iter().enumerate().map(|(index, layer)| Tile::whole(index, layer, encodes(index)));
        Self {
            tiles: tiles.collect(),
            first_moment: vec![0.0; offset],
            second_moment: vec![0.0; offset],
            loss: 0.0,
            work: Workspace::default(),
            index,
            network,
            shares,
            buffers,
            own,
        }
    }

    /// Whether the parts have different outputs of a layer.
    fn is_cut(&self, layer: usize) -> bool {
        let shares = &self.shares[layer];
        shares[0] != shares[shares.len() - 1]
    }

    /// The part's parameters as stretches of the whole network's and of its own.
    fn stretches<'a>(&'a self, whole: &'a [Layer]) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + 'a {
        self.network.layers.iter().zip(whole).zip(&self.shares).flat_map(|((own, whole), shares)| {
            let outputs = &shares[self.index];
            // The biases are one more row.
            (0..=own.inputs).map(move |row| {
                let of_whole = whole.weight().start + row * whole.outputs;
                let of_part = own.weight().start + row * own.outputs;
                (of_whole + outputs.start..of_whole + outputs.end, of_part..of_part + own.outputs)
            })
        })
    }

    fn fill(&mut self, batch: &Batch<'_>, order: &[u32], first: usize) {
        let Buffers { input, target, .. } = &mut self.buffers;
        let inputs = self.network.layers[0].inputs;
        let outputs = self.shares[self.shares.len() - 1][self.index].clone();
        let target = if target.is_empty() { target } else { &mut target[..batch.rows * outputs.len()] };
        batch.samples.fill(order, first, batch.damage, &mut input[..batch.rows * inputs], target, outputs);
    }

    /// Puts together a layer's outputs from what each part has of them.
    fn assemble(&mut self, layer: usize, said: &[Vec<f32>], rows: usize) {
        let width = self.network.layers[layer + 1].inputs;
        let values = &mut self.buffers.values[layer];
        for (outputs, said) in self.shares[layer].iter().zip(said) {
            let rows = values.chunks_exact_mut(width).zip(said.chunks_exact(outputs.len())).take(rows);
            rows.for_each(|(row, said)| row[outputs.clone()].copy_from_slice(said));
        }
    }

    /// Passes the batch forward from a layer on: to the next exchange, or to the end and backward from there.
    fn forward(&mut self, from: usize, batch: &Batch<'_>, says: &mut [f32], step: AdamStep) {
        let last = self.network.layers.len() - 1;
        for index in from..last {
            let (layer, rows) = (&self.network.layers[index], batch.rows);
            let Buffers { input, values, before, .. } = &mut self.buffers;
            let (below, values) = values.split_at_mut(index);
            let x = &below.last().unwrap_or(input)[..rows * layer.inputs];
            let cut = !self.own[index].is_empty();
            let y = if cut { &mut self.own[index] } else { &mut values[0] };
            let y = &mut y[..rows * layer.outputs];
            let z = &mut before[index];
            let z = if z.is_empty() { z } else { &mut z[..y.len()] };
            layer.forward(&self.network.parameters, Statistics::Running, x, y, z, &mut self.work);
            if cut {
                says[..y.len()].copy_from_slice(y);
                return;
            }
        }
        self.output(batch);
        self.backward(last, batch, says, step);
    }

    /// The last layer, the loss and its error.
    fn output(&mut self, batch: &Batch<'_>) {
        let last = self.network.layers.len() - 1;
        let (layer, rows) = (&self.network.layers[last], batch.rows);
        let Buffers { input, target, values, deltas, .. } = &mut self.buffers;
        let (below, values) = values.split_at_mut(last);
        let x = &below.last().unwrap_or(input)[..rows * layer.inputs];
        let z = &mut values[0][..rows * layer.outputs];
        layer.forward_affine(&self.network.parameters, Statistics::Running, x, z, &mut self.work);
        let target = if target.is_empty() { input } else { target };
        let delta = &mut deltas[last][..z.len()];
        let loss = batch.output_pass(layer.activation, layer.outputs, z, &target[..z.len()], delta);
        // A copy of an output layer counts once.
        self.loss = if self.index == 0 || self.is_cut(last) { loss } else { 0.0 };
    }

    /// Passes the errors backward from those at a layer, changing each layer's parameters on the way: to the next exchange or to
    /// the end of the step.
    fn backward(&mut self, from: usize, batch: &Batch<'_>, says: &mut [f32], step: AdamStep) {
        for index in (0..=from).rev() {
            let (layer, rows) = (self.network.layers[index].clone(), batch.rows);
            let cut = self.is_cut(index);
            if index > 0 {
                let (below, deltas) = self.buffers.deltas.split_at_mut(index);
                let delta = &deltas[0][..rows * layer.outputs];
                if cut {
                    layer.dense_backward(
                        &self.network.parameters,
                        0..layer.inputs,
                        delta,
                        &mut says[..rows * layer.inputs],
                    );
                } else {
                    // Of a cut layer below only the own outputs' errors, whose weights are rows of the matrix.
                    let inputs = self.shares[index - 1][self.index].clone();
                    let dx = &mut below[index - 1][..rows * inputs.len()];
                    layer.dense_backward(&self.network.parameters, inputs, delta, dx);
                    self.multiply_by_slope(index - 1, rows);
                }
            }
            self.update(index, rows, step);
            if cut {
                return;
            }
        }
    }

    /// The errors before a layer's activation, from what every part's share of the layer above adds to those after it.
    fn add_up(&mut self, index: usize, said: &[Vec<f32>], rows: usize) {
        let width = self.network.layers[index + 1].inputs;
        let own = self.shares[index][self.index].clone();
        let deltas = self.buffers.deltas[index].chunks_exact_mut(own.len()).take(rows);
        for (row, delta) in deltas.enumerate() {
            let from = row * width + own.start;
            let (first, others) = said.split_first().expect("there are at least two parts");
            delta.copy_from_slice(&first[from..from + own.len()]);
            for other in others {
                for (delta, &add) in delta.iter_mut().zip(&other[from..]) {
                    *delta += add;
                }
            }
        }
        self.multiply_by_slope(index, rows);
    }

    fn multiply_by_slope(&mut self, index: usize, rows: usize) {
        let layer = &self.network.layers[index];
        let Buffers { values, before, deltas, .. } = &mut self.buffers;
        let values = if self.own[index].is_empty() { &values[index] } else { &self.own[index] };
        let before = if before[index].is_empty() { values } else { &before[index] };
        let count = rows * layer.outputs;
        multiply_by_slope(layer.activation, &before[..count], &values[..count], &mut deltas[index][..count]);
    }

    fn update(&mut self, index: usize, rows: usize, step: AdamStep) {
        let layer = &self.network.layers[index];
        let range = layer.weight().start..layer.bias().end;
        let mut work = TileWork {
            tile: &self.tiles[index],
            parameters: &mut self.network.parameters[range.clone()],
            first_moment: &mut self.first_moment[range.clone()],
            second_moment: &mut self.second_moment[range],
            gradient: &mut [],
        };
        work.step(&self.buffers, Extent { rows, shards: 1 }, step);
    }
}
