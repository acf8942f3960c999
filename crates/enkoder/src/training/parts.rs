//! A step of a large network. The network is cut by outputs: each part has its share of the outputs of every large layer, with the
//! weights that lead to them, and a copy of every small layer. All parts pass the same rows and tell each other, at every large
//! layer, the outputs on the way forward and their shares of the errors on the way back (Shoeybi et al. 2019 call this tensor
//! parallelism). So no parameter is ever touched by two threads, and what does pass between them is a few rows of activations,
//! where shards of rows would pass every parameter twice a step. A large batch passes some rows at a time, as many as the cache
//! holds with their values and errors, and their gradients are summed.
//!
//! Parts depend on architecture and options alone; sums over parts have a fixed order. Copies of small layers get the same
//! numbers everywhere, so they stay the same.

use std::ops::Range;

use super::adam::AdamStep;
use super::objective::{Objective, Targets};
use super::shards::{Batch, Buffers, Sums};
use super::team;
use super::tiles::{Extent, Tile, TileWork};
use crate::network::operations::{DenseProduct, Way, Workspace};
use crate::network::{
    Aligned, BackStore, Ending, LINE_NUMBERS, Network, Node, NodeBuffers, NodeErrors, Prepared, Program, Store, Weights,
};

/// Layers with at least as many weights are cut.
const LARGE: usize = 32 * 1024;
/// Weights of large layers for each part that a network is cut into.
const PART: usize = 100_000;
const MOST_PARTS: usize = 4;
/// Rows that pass together, at most.
const MOST_ROWS: usize = 128;

/// A network in training as parts.
#[derive(Debug)]
pub(super) struct Parts {
    parts: Vec<Part>,
    /// Rows of a batch that pass together.
    together: usize,
    /// What the parts tell each other, in the order of the step: for each exchange what each part says. One more than there
    /// are exchanges, empty, for the end of the step.
    said: Vec<Vec<Aligned>>,
    exchanges: Vec<Exchange>,
}

/// Rows of a batch that pass together, and what becomes of their gradient.
#[derive(Clone, Copy)]
struct Passed<'a> {
    batch: &'a Batch<'a>,
    order: &'a [u32],
    /// Where they stand in the epoch's order.
    first: usize,
    gradient: Gradient,
}

#[derive(Clone, Copy)]
enum Gradient {
    /// It is the first of a sum.
    Store,
    Add,
    /// It completes the sum, or is all there is, and changes the parameters.
    Step {
        adds: bool,
        step: AdamStep,
    },
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
    parameters: Aligned,
    prepared: Prepared,
    work: Workspace,
    own: Own,
}

/// What changes while a part passes the batch.
#[derive(Debug)]
struct Own {
    index: usize,
    first_moment: Aligned,
    second_moment: Aligned,
    /// For each layer which of the whole layer's outputs each part has.
    shares: Vec<Vec<Range<usize>>>,
    tiles: Vec<Tile>,
    /// The sum over the rows that have passed; empty where all pass together.
    gradient: Aligned,
    /// `values` have all outputs of every layer but the last, everything else the part's own.
    buffers: Buffers,
    /// The part's own outputs of each layer but the last that is cut; empty for others.
    outputs: Vec<Aligned>,
    loss: f64,
}

/// Into how many parts a network is cut; 1 where it is not worth it, where a layer is not dense, and where the output is no
/// reconstruction.
pub(super) fn count(program: &Program) -> usize {
    let large: usize = program.nodes().iter().filter(|node| is_large(node)).map(|node| node.weight().len()).sum();
    let unlike = program.width(program.output()) != program.width(0);
    if !program.is_dense() || unlike { 1 } else { (large / PART).clamp(1, MOST_PARTS) }
}

/// Whether a layer is worth cutting, and has a line of outputs for every part.
fn is_large(node: &Node) -> bool {
    node.weight().len() >= LARGE && node.outputs() >= LINE_NUMBERS * MOST_PARTS
}

/// The outputs of a layer that each part has.
fn shares(node: &Node, count: usize) -> Vec<Range<usize>> {
    if !is_large(node) {
        return vec![0..node.outputs(); count];
    }
    let bound = |index: usize| (node.outputs() * index / count).next_multiple_of(LINE_NUMBERS).min(node.outputs());
    (0..count).map(|index| bound(index)..bound(index + 1)).collect()
}

impl Parts {
    /// `count` parts for batches of at most `rows` rows. Their parameters are still to be distributed.
    pub(super) fn new(whole: &Network, count: usize, rows: usize, separate_targets: bool) -> Self {
        let together = rows.div_ceil(rows.div_ceil(MOST_ROWS).max(1));
        let mut parts: Vec<Part> =
            (0..count).map(|index| Part::new(&whole.program, index, count, together, separate_targets)).collect();
        if together < rows {
            parts.iter_mut().for_each(|part| part.own.gradient = Aligned::zeros(part.parameters.len()));
        }
        let last = whole.program.nodes().len() - 1;
        let cut = |&layer: &usize| parts[0].own.is_cut(layer);
        let outputs = (0..last).filter(cut).map(Exchange::Outputs);
        let exchanges: Vec<Exchange> = outputs.chain((1..=last).rev().filter(cut).map(Exchange::Errors)).collect();
        let width = |exchange: &Exchange, part: &Part| match *exchange {
            Exchange::Outputs(layer) => part.program.nodes()[layer].outputs(),
            Exchange::Errors(layer) => part.program.nodes()[layer].inputs(),
        };
        let say = |exchange| parts.iter().map(|part| Aligned::zeros(together * width(exchange, part))).collect();
        let mut said: Vec<Vec<Aligned>> = exchanges.iter().map(say).collect();
        said.push(vec![Aligned::default(); count]);
        Self { parts, together, said, exchanges }
    }

    /// Changes the parameters by one batch.
    pub(super) fn step(&mut self, batch: &Batch<'_>, order: &[u32], first: usize, step: AdamStep) -> Sums {
        let last = order.len().div_ceil(self.together) - 1;
        let mut loss = 0.0;
        for (index, order) in order.chunks(self.together).enumerate() {
            let gradient = match index {
                _ if index == last => Gradient::Step { adds: index > 0, step },
                0 => Gradient::Store,
                _ => Gradient::Add,
            };
            self.pass(Passed { batch, order, first: first + index * self.together, gradient });
            loss += self.parts.iter().map(|part| part.own.loss).sum::<f64>();
        }
        Sums { loss, penalty: 0.0 }
    }

    /// Passes rows forward and back.
    fn pass(&mut self, passed: Passed<'_>) {
        let Self { parts, said, exchanges, .. } = self;
        for phase in 0..=exchanges.len() {
            let (heard, says) = said.split_at_mut(phase);
            let heard = phase.checked_sub(1).map(|last| (exchanges[last], &heard[last][..]));
            let mut work: Vec<_> = parts.iter_mut().zip(&mut says[0]).collect();
            team::for_each(&mut work, |(part, says)| match heard {
                None => {
                    part.own.fill(passed);
                    part.forward(0, passed, says);
                }
                Some((Exchange::Outputs(layer), shares)) => {
                    part.own.assemble(layer, shares, passed.rows());
                    part.forward(layer + 1, passed, says);
                }
                Some((Exchange::Errors(layer), shares)) => {
                    part.own.add_up(layer - 1, shares, passed.rows());
                    part.backward(layer - 1, passed, says);
                }
            });
        }
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

impl Passed<'_> {
    fn rows(&self) -> usize {
        self.order.len()
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
            // The next layer's weights begin at a line.
            offset = own.parameters().end.next_multiple_of(LINE_NUMBERS);
            own
        });
        let program = whole.with_nodes(nodes.collect());
        let last = whole.nodes().len() - 1;
        let own_outputs = |node: &Node| {
            let kept = is_cut(node.index()) && node.index() < last;
            Aligned::zeros(if kept { rows * node.outputs() } else { 0 })
        };
        let own = Own {
            index,
            first_moment: Aligned::zeros(offset),
            second_moment: Aligned::zeros(offset),
            tiles: program.nodes().iter().map(Tile::whole).collect(),
            gradient: Aligned::default(),
            buffers: Buffers::new(&program, rows, separate_targets, &Objective::default()),
            outputs: program.nodes().iter().map(own_outputs).collect(),
            loss: 0.0,
            shares,
        };
        let prepared = Prepared::for_program(&program, Way::Forward);
        Self { program, parameters: Aligned::zeros(offset), prepared, work: Workspace::default(), own }
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
    fn forward(&mut self, from: usize, passed: Passed<'_>, says: &mut [f32]) {
        let last = self.program.nodes().len() - 1;
        for layer in from..=last {
            let weights = Weights { parameters: &self.parameters, prepared: &self.prepared };
            let mut way = Passing { own: &mut self.own, says, rows: passed.rows() };
            self.program.walk(layer..layer + 1, weights, Ending::BeforeActivation, &mut way, &mut self.work);
            let outputs = &self.own.outputs[layer];
            if !outputs.is_empty() {
                let length = passed.rows() * self.program.nodes()[layer].outputs();
                says[..length].copy_from_slice(&outputs[..length]);
                return;
            }
        }
        self.own.compare(&self.program.nodes()[last], passed);
        self.backward(last, passed, says);
    }

    /// Passes the errors back from those at a layer, changing each layer's parameters on the way: to the next exchange or to the end
    /// of the step.
    fn backward(&mut self, from: usize, passed: Passed<'_>, says: &mut [f32]) {
        for layer in (0..=from).rev() {
            let weights = Weights { parameters: &self.parameters, prepared: &self.prepared };
            let mut way = Passing { own: &mut self.own, says, rows: passed.rows() };
            self.program.walk_back(layer..layer + 1, weights, &mut way, &mut self.work);
            self.own.update(&self.program.nodes()[layer], &mut self.parameters, passed);
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

    fn fill(&mut self, Passed { batch, order, first, .. }: Passed<'_>) {
        let Buffers { values, target, .. } = &mut self.buffers;
        let inputs = batch.samples.inputs.features();
        let outputs = self.shares[self.shares.len() - 1][self.index].clone();
        let target = if target.is_empty() { target } else { &mut target[..order.len() * outputs.len()] };
        batch.samples.fill(order, first, batch.damage, &mut values[0][..order.len() * inputs], target, outputs);
    }

    /// Puts together a layer's outputs from what each part has of them.
    fn assemble(&mut self, layer: usize, said: &[Aligned], rows: usize) {
        let width = self.shares[layer].last().map_or(0, |last| last.end);
        let values = &mut self.buffers.values[layer + 1];
        for (outputs, said) in self.shares[layer].iter().zip(said) {
            let rows = values.chunks_exact_mut(width).zip(said.chunks_exact(outputs.len())).take(rows);
            rows.for_each(|(row, said)| row[outputs.clone()].copy_from_slice(said));
        }
    }

    /// The loss of the last layer and its error.
    fn compare(&mut self, last: &Node, passed: Passed<'_>) {
        let Buffers { values, target, errors, .. } = &mut self.buffers;
        let targets = if target.is_empty() {
            let columns = self.shares[last.index()][self.index].clone();
            Targets { values: &values[0], width: passed.batch.outputs, columns }
        } else {
            Targets::whole(target, last.outputs())
        };
        let output = &mut errors[last.writes()][..passed.rows() * last.outputs()];
        let loss = passed.batch.output_pass(last, targets, output);
        // A copy of an output layer counts once.
        self.loss = if self.index == 0 || self.is_cut(last.index()) { loss } else { 0.0 };
    }

    /// The errors after a layer's activation, from what every part's share of the layer above says of them.
    fn add_up(&mut self, layer: usize, said: &[Aligned], rows: usize) {
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

    /// Adds a layer's gradient to the sum, or changes the layer's parameters.
    fn update(&mut self, node: &Node, parameters: &mut [f32], passed: Passed<'_>) {
        let range = node.parameters();
        let keeps = !matches!(passed.gradient, Gradient::Step { adds: false, .. });
        let mut work = TileWork {
            tile: &self.tiles[node.index()],
            parameters: &mut parameters[range.clone()],
            first_moment: &mut self.first_moment[range.clone()],
            second_moment: &mut self.second_moment[range.clone()],
            gradient: if keeps { &mut self.gradient[range] } else { &mut [] },
        };
        let extent = Extent { rows: passed.rows(), shards: 1 };
        match passed.gradient {
            Gradient::Store => work.store_gradient(&self.buffers, extent),
            Gradient::Add => work.add_gradient(&self.buffers, extent),
            Gradient::Step { step, .. } => work.step(&self.buffers, extent, step),
        }
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
        let last = node.index() + 1 == self.own.tiles.len();
        let Own { buffers, outputs, .. } = &mut *self.own;
        let (below, own) = buffers.values.split_at_mut(node.writes());
        let kept = &mut outputs[node.index()];
        let y = match kept.is_empty() {
            // Where the loss puts the error in its place.
            true if last => &mut buffers.errors[node.writes()],
            true => &mut own[0],
            false => kept,
        };
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
