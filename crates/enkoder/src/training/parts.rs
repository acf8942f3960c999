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
use super::objective::Objective;
use super::shards::{Batch, Buffers, Sums};
use super::team;
use super::tiles::{Extent, Tile, TileWork};
use crate::network::operations::{DenseProduct, Way, Workspace};
use crate::network::{BackStore, Ending, Network, Node, NodeBuffers, NodeErrors, Prepared, Program, Store, Weights};

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
    program: Program,
    parameters: Vec<f32>,
    prepared: Prepared,
    work: Workspace,
    own: Own,
}

/// What changes while a part passes the batch.
#[derive(Debug)]
struct Own {
    index: usize,
    first_moment: Vec<f32>,
    second_moment: Vec<f32>,
    /// For each layer which of the whole layer's outputs each part has.
    shares: Vec<Vec<Range<usize>>>,
    tiles: Vec<Tile>,
    /// `values` have all outputs of every layer but the last, everything else the part's own.
    buffers: Buffers,
    /// The part's own outputs of each layer but the last that is cut; empty for others.
    outputs: Vec<Vec<f32>>,
    loss: f64,
}

/// Into how many parts a network is cut for batches of `rows`; 1 where it is not worth it, where a layer is not dense, and where the
/// output is no reconstruction.
pub(super) fn count(program: &Program, rows: usize) -> usize {
    let large: usize = program.nodes().iter().filter(|node| is_large(node)).map(|node| node.weight().len()).sum();
    let unlike = program.width(program.output()) != program.width(0);
    if rows > MOST_ROWS || !program.is_dense() || unlike { 1 } else { (large / PART).clamp(1, MOST_PARTS) }
}

/// Whether a layer is worth cutting, and has a line of outputs for every part.
fn is_large(node: &Node) -> bool {
    node.weight().len() >= LARGE && node.outputs() >= LINE * MOST_PARTS
}

/// The outputs of a layer that each part has.
fn shares(node: &Node, count: usize) -> Vec<Range<usize>> {
    if !is_large(node) {
        return vec![0..node.outputs(); count];
    }
    let bound = |index: usize| (node.outputs() * index / count).next_multiple_of(LINE).min(node.outputs());
    (0..count).map(|index| bound(index)..bound(index + 1)).collect()
}

impl Parts {
    /// `count` parts for batches of at most `rows` rows. Their parameters are still to be distributed.
    pub(super) fn new(whole: &Network, count: usize, rows: usize, separate_targets: bool) -> Self {
        let parts: Vec<Part> =
            (0..count).map(|index| Part::new(&whole.program, index, count, rows, separate_targets)).collect();
        let last = whole.program.nodes().len() - 1;
        let cut = |&layer: &usize| parts[0].own.is_cut(layer);
        let outputs = (0..last).filter(cut).map(Exchange::Outputs);
        let exchanges: Vec<Exchange> = outputs.chain((1..=last).rev().filter(cut).map(Exchange::Errors)).collect();
        let width = |exchange: &Exchange, part: &Part| match *exchange {
            Exchange::Outputs(layer) => part.program.nodes()[layer].outputs(),
            Exchange::Errors(layer) => part.program.nodes()[layer].inputs(),
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
                    part.own.fill(batch, order, first);
                    part.forward(0, batch, says, step);
                }
                Some((Exchange::Outputs(layer), shares)) => {
                    part.own.assemble(layer, shares, batch.rows);
                    part.forward(layer + 1, batch, says, step);
                }
                Some((Exchange::Errors(layer), shares)) => {
                    part.own.add_up(layer - 1, shares, batch.rows);
                    part.backward(layer - 1, batch, says, step);
                }
            });
        }
        Sums { loss: parts.iter().map(|part| part.own.loss).sum(), penalty: 0.0 }
    }

    /// Gives every part its share of the parameters, or of other numbers for each of them.
    pub(super) fn distribute(&mut self, network: &Network, first_moment: &[f32], second_moment: &[f32]) {
        for part in &mut self.parts {
            for (of_whole, of_part) in part.stretches(&network.program) {
                part.parameters[of_part.clone()].copy_from_slice(&network.parameters[of_whole.clone()]);
                part.own.first_moment[of_part.clone()].copy_from_slice(&first_moment[of_whole.clone()]);
                part.own.second_moment[of_part].copy_from_slice(&second_moment[of_whole]);
            }
        }
    }

    /// Puts together what the parts have.
    pub(super) fn collect(&self, network: &mut Network, first_moment: &mut [f32], second_moment: &mut [f32]) {
        for part in &self.parts {
            for (of_whole, of_part) in part.stretches(&network.program) {
                network.parameters[of_whole.clone()].copy_from_slice(&part.parameters[of_part.clone()]);
                first_moment[of_whole.clone()].copy_from_slice(&part.own.first_moment[of_part.clone()]);
                second_moment[of_whole].copy_from_slice(&part.own.second_moment[of_part]);
            }
        }
    }
}

impl Part {
    fn new(whole: &Program, index: usize, count: usize, rows: usize, separate_targets: bool) -> Self {
        let shares: Vec<_> = whole.nodes().iter().map(|node| shares(node, count)).collect();
        let is_cut = |layer: usize| shares[layer][0] != shares[layer][count - 1];
        let mut offset = 0;
        let nodes = whole.nodes().iter().enumerate().map(|(layer, node)| {
            let mut product = DenseProduct::new(node.inputs(), shares[layer][index].len());
            if layer > 0 && !is_cut(layer) {
                // Of a cut layer below only the own outputs' errors, whose weights are rows of the matrix.
                product.wanted = shares[layer - 1][index].clone();
            }
            let own = node.resized(product, offset);
            offset = own.parameters().end;
            own
        });
        let program = whole.with_nodes(nodes.collect());
        let last = whole.nodes().len() - 1;
        let own_outputs = |node: &Node| {
            let kept = is_cut(node.index()) && node.index() < last;
            vec![0.0; if kept { rows * node.outputs() } else { 0 }]
        };
        // Where the part has some columns of the output alone, its target is those columns of the input.
        let separate_targets = separate_targets || is_cut(last);
        let own = Own {
            index,
            first_moment: vec![0.0; offset],
            second_moment: vec![0.0; offset],
            tiles: program.nodes().iter().map(Tile::whole).collect(),
            buffers: Buffers::new(&program, rows, separate_targets, &Objective::default()),
            outputs: program.nodes().iter().map(own_outputs).collect(),
            loss: 0.0,
            shares,
        };
        let prepared = Prepared::for_program(&program, Way::Forward);
        Self { program, parameters: vec![0.0; offset], prepared, work: Workspace::default(), own }
    }

    /// The part's parameters as stretches of the whole network's and of its own.
    fn stretches(&self, whole: &Program) -> Vec<(Range<usize>, Range<usize>)> {
        let layers = self.program.nodes().iter().zip(whole.nodes()).zip(&self.own.shares);
        let stretches = layers.flat_map(|((own, whole), shares)| {
            let outputs = &shares[self.own.index];
            // The biases are one more row.
            (0..=own.inputs()).map(move |row| {
                let of_whole = whole.weight().start + row * whole.outputs();
                let of_part = own.weight().start + row * own.outputs();
                (of_whole + outputs.start..of_whole + outputs.end, of_part..of_part + own.outputs())
            })
        });
        stretches.collect()
    }

    /// Passes the batch forward from a layer on: to the next exchange, or to the end and backward from there.
    fn forward(&mut self, from: usize, batch: &Batch<'_>, says: &mut [f32], step: AdamStep) {
        let last = self.program.nodes().len() - 1;
        for layer in from..=last {
            let weights = Weights { parameters: &self.parameters, prepared: &self.prepared };
            let mut way = Passing { own: &mut self.own, says, rows: batch.rows };
            self.program.walk(layer..layer + 1, weights, Ending::BeforeActivation, &mut way, &mut self.work);
            let outputs = &self.own.outputs[layer];
            if !outputs.is_empty() {
                let length = batch.rows * self.program.nodes()[layer].outputs();
                says[..length].copy_from_slice(&outputs[..length]);
                return;
            }
        }
        self.own.compare(&self.program.nodes()[last], batch);
        self.backward(last, batch, says, step);
    }

    /// Passes the errors back from those at a layer, changing each layer's parameters on the way: to the next exchange or to the end
    /// of the step.
    fn backward(&mut self, from: usize, batch: &Batch<'_>, says: &mut [f32], step: AdamStep) {
        for layer in (0..=from).rev() {
            let weights = Weights { parameters: &self.parameters, prepared: &self.prepared };
            let mut way = Passing { own: &mut self.own, says, rows: batch.rows };
            self.program.walk_back(layer..layer + 1, weights, &mut way, &mut self.work);
            self.own.update(&self.program.nodes()[layer], &mut self.parameters, batch.rows, step);
            if self.own.is_cut(layer) {
                return;
            }
        }
    }
}

impl Own {
    /// Whether the parts have different outputs of a layer.
    fn is_cut(&self, layer: usize) -> bool {
        let shares = &self.shares[layer];
        shares[0] != shares[shares.len() - 1]
    }

    fn fill(&mut self, batch: &Batch<'_>, order: &[u32], first: usize) {
        let Buffers { values, target, .. } = &mut self.buffers;
        let inputs = batch.samples.inputs.features();
        let outputs = self.shares[self.shares.len() - 1][self.index].clone();
        let target = if target.is_empty() { target } else { &mut target[..batch.rows * outputs.len()] };
        batch.samples.fill(order, first, batch.damage, &mut values[0][..batch.rows * inputs], target, outputs);
    }

    /// Puts together a layer's outputs from what each part has of them.
    fn assemble(&mut self, layer: usize, said: &[Vec<f32>], rows: usize) {
        let width = self.shares[layer].last().map_or(0, |last| last.end);
        let values = &mut self.buffers.values[layer + 1];
        for (outputs, said) in self.shares[layer].iter().zip(said) {
            let rows = values.chunks_exact_mut(width).zip(said.chunks_exact(outputs.len())).take(rows);
            rows.for_each(|(row, said)| row[outputs.clone()].copy_from_slice(said));
        }
    }

    /// The loss of the last layer and its error.
    fn compare(&mut self, last: &Node, batch: &Batch<'_>) {
        let Buffers { values, target, errors, .. } = &mut self.buffers;
        let length = batch.rows * last.outputs();
        let target = if target.is_empty() { &values[0] } else { &*target };
        let error = &mut errors[last.writes()][..length];
        let loss = batch.output_pass(last, &values[last.writes()][..length], &target[..length], error);
        // A copy of an output layer counts once.
        self.loss = if self.index == 0 || self.is_cut(last.index()) { loss } else { 0.0 };
    }

    /// The errors after a layer's activation, from what every part's share of the layer above says of them.
    fn add_up(&mut self, layer: usize, said: &[Vec<f32>], rows: usize) {
        let width = self.shares[layer].last().map_or(0, |last| last.end);
        let own = self.shares[layer][self.index].clone();
        let errors = self.buffers.errors[layer + 1].chunks_exact_mut(own.len()).take(rows);
        for (row, error) in errors.enumerate() {
            let from = row * width + own.start;
            let (first, others) = said.split_first().expect("there are at least two parts");
            error.copy_from_slice(&first[from..from + own.len()]);
            for other in others {
                for (error, &add) in error.iter_mut().zip(&other[from..]) {
                    *error += add;
                }
            }
        }
    }

    fn update(&mut self, node: &Node, parameters: &mut [f32], rows: usize, step: AdamStep) {
        let range = node.parameters();
        let mut work = TileWork {
            tile: &self.tiles[node.index()],
            parameters: &mut parameters[range.clone()],
            first_moment: &mut self.first_moment[range.clone()],
            second_moment: &mut self.second_moment[range],
            gradient: &mut [],
        };
        work.step(&self.buffers, Extent { rows, shards: 1 }, step);
    }
}

/// A part on its way through its layers, which are a chain.
struct Passing<'a> {
    own: &'a mut Own,
    says: &'a mut [f32],
    rows: usize,
}

impl Store for Passing<'_> {
    fn forward(&mut self, node: &Node) -> NodeBuffers<'_> {
        let Own { buffers, outputs, .. } = &mut *self.own;
        let (below, own) = buffers.values.split_at_mut(node.writes());
        let kept = &mut outputs[node.index()];
        let y = if kept.is_empty() { &mut own[0] } else { kept };
        let length = self.rows * node.outputs();
        let before = &mut buffers.before[node.writes()];
        let before = if before.is_empty() { &mut before[..] } else { &mut before[..length] };
        let x = [&below[node.index()][..self.rows * node.inputs()], &[]];
        NodeBuffers { x, y: &mut y[..length], before, measured: &mut [] }
    }
}

impl BackStore for Passing<'_> {
    fn backward(&mut self, node: &Node) -> NodeErrors<'_> {
        let cut = self.own.is_cut(node.index());
        let Own { buffers: Buffers { values, before, errors, .. }, outputs, .. } = &mut *self.own;
        let length = self.rows * node.outputs();
        let (below, own) = errors.split_at_mut(node.writes());
        let kept = &outputs[node.index()];
        let y = if kept.is_empty() { &values[node.writes()] } else { kept };
        let before = &before[node.writes()];
        let errors: &mut [f32] = match node.operation().dense() {
            Some(product) if node.index() > 0 => {
                let wanted = self.rows * product.wanted.len();
                if cut { &mut self.says[..wanted] } else { &mut below[node.index()][..wanted] }
            }
            _ => &mut [],
        };
        NodeErrors {
            x: [&values[node.index()][..self.rows * node.inputs()], &[]],
            y: &y[..length],
            before: if before.is_empty() { before } else { &before[..length] },
            measured: &[],
            error: &mut own[0][..length],
            errors: [errors, &mut []],
            gradient: [&mut [], &mut []],
        }
    }

    fn error(&mut self, value: usize) -> &mut [f32] {
        &mut self.own.buffers.errors[value]
    }
}
