//! The first phase of a step: a batch's rows cut into shards, each passed forward through the program, compared with its targets
//! and passed back to the error at every value. A shard touches only its own rows of the buffers.

use std::ops::Range;
use std::sync::Mutex;

use super::batches::{Damage, Samples};
use super::objective::{Objective, Seen, ShardRows, Targets};
use crate::network::Aligned;
use crate::network::operations::Workspace;
use crate::network::{BackStore, Ending, Network, Node, NodeBuffers, NodeErrors, Program, Store, Weights};

/// Rows of a shard, from the rows of the batch and the kind of network alone: a row of a convolution is a whole image of work.
fn shard_rows(program: &Program, rows: usize) -> usize {
    let shards = if program.is_dense() { (rows / 64).clamp(2, 64) } else { (rows / 4).clamp(1, 32) };
    rows.div_ceil(shards)
}

/// Sums over the samples of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    /// Loss summed over samples and features.
    pub(super) loss: f64,
    /// Penalty times its weight, summed over samples.
    pub(super) penalty: f64,
}

/// What a batch leaves at each value of the program, `rows × width` each; value 0 is the input.
#[derive(Debug)]
pub(super) struct Buffers {
    /// Of the output before its activation.
    pub(super) values: Vec<Aligned>,
    /// Values before the activation, where its slope needs them; empty elsewhere.
    pub(super) before: Vec<Aligned>,
    /// The error before the activation of each value's node.
    pub(super) errors: Vec<Aligned>,
    /// Empty where the target is the input itself.
    pub(super) target: Aligned,
    /// A 1 for each row.
    pub(super) ones: Vec<f32>,
    /// For each node that is not dense the gradients of weights and of biases that each shard found, `shards × parameters`. Such a
    /// node has few parameters and many values, so its gradient is summed while the values are in the cache.
    pub(super) gradients: Vec<[Vec<f32>; 2]>,
    /// What each shard measured for a normalisation, `shards × statistics`; empty for other nodes.
    pub(super) measured: Vec<Vec<f32>>,
    /// What each term of the objective keeps of each row.
    pub(super) terms: Vec<Vec<Aligned>>,
    /// The widths of those, and for each node the buffers whose products are part of its gradient: term and two buffers.
    term_widths: Vec<Vec<usize>>,
    pub(super) products: Vec<Vec<(usize, [usize; 2])>>,
    /// For as many shards as are worked on at a time.
    workspaces: Mutex<Vec<Workspace>>,
}

/// One shard's rows of every buffer.
pub(super) struct Shard<'a> {
    pub(super) values: Vec<&'a mut [f32]>,
    before: Vec<&'a mut [f32]>,
    errors: Vec<&'a mut [f32]>,
    target: &'a mut [f32],
    gradients: Vec<[&'a mut [f32]; 2]>,
    measured: Vec<&'a mut [f32]>,
    terms: Vec<Vec<&'a mut [f32]>>,
    workspaces: &'a Mutex<Vec<Workspace>>,
    own: ShardRows<'a>,
    pub(super) sums: Sums,
}

/// What all shards (or parts) of a batch share.
pub(super) struct Batch<'a> {
    pub(super) samples: &'a Samples<'a>,
    pub(super) damage: Option<Damage>,
    pub(super) objective: &'a Objective,
    pub(super) epoch: usize,
    pub(super) rows: usize,
    /// Values of a row of the whole network's output.
    pub(super) outputs: usize,
}

impl Batch<'_> {
    /// The loss over some rows of a batch, whose output before its activation gives way to the error there.
    pub(super) fn output_pass(&self, node: &Node, targets: Targets<'_>, output: &mut [f32]) -> f64 {
        let asked = self.samples.asked(self.damage);
        let scale = 1.0 / ((self.rows * self.outputs) as f64 * asked) as f32;
        self.objective.loss.output_pass(node.activation(), targets, output, scale) / asked
    }

    pub(super) fn forward(&self, network: &Network, weights: Weights<'_>, shard: &mut Shard<'_>) {
        let program = &*network.program;
        let (input, own) = (&mut *shard.values[0], shard.own);
        let outputs = 0..self.outputs;
        self.samples.fill(own.order, own.first, self.damage, input, shard.target, outputs);
        for (term, buffers) in self.objective.terms.iter().zip(&mut shard.terms) {
            term.fill(self.samples, own, buffers);
        }
        let mut work = take_workspace(shard.workspaces);
        let mut way = Way { program, shard, batch: self, gathered: &[] };
        program.walk(program.all(), weights, Ending::BeforeActivation, &mut way, &mut work);
        give_back(shard.workspaces, work);
    }

    /// `gathered` is what the terms that need it know of the whole batch.
    pub(super) fn backward(
        &self,
        network: &Network,
        weights: Weights<'_>,
        shard: &mut Shard<'_>,
        gathered: &[Vec<f64>],
    ) {
        let program = &*network.program;
        let output = program.output();
        let target = if shard.target.is_empty() { &*shard.values[0] } else { &*shard.target };
        let last = &program.nodes()[output - 1];
        shard.errors[output].copy_from_slice(shard.values[output]);
        shard.sums.loss = self.output_pass(last, Targets::whole(target, last.outputs()), shard.errors[output]);
        let Shard { values, before, terms, .. } = shard;
        let parameters = &network.parameters;
        let seen = Seen { program, parameters, values, before, rows: self.rows, own: shard.own };
        for (term, buffers) in self.objective.terms.iter().zip(terms) {
            shard.sums.penalty += term.carry(&seen, buffers);
        }
        shard.gradients.iter_mut().flatten().for_each(|gradient| gradient.fill(0.0));
        let mut work = take_workspace(shard.workspaces);
        let mut way = Way { program, shard, batch: self, gathered };
        program.walk_back(program.all(), weights, &mut way, &mut work);
        give_back(shard.workspaces, work);
    }

    /// What terms need to know of the whole batch, one entry for each term, and their values summed over the samples.
    pub(super) fn gather(&self, program: &Program, shards: &[Shard<'_>]) -> (Vec<Vec<f64>>, f64) {
        let mut sum = 0.0;
        let gathered = self.objective.terms.iter().map(|term| {
            if !term.gathers() {
                return Vec::new();
            }
            let value = term.value(program);
            let width = program.width(value);
            let mut means = vec![0.0f64; width];
            for row in shards.iter().flat_map(|shard| shard.values[value].chunks_exact(width)) {
                means.iter_mut().zip(row).for_each(|(mean, &value)| *mean += f64::from(value));
            }
            means.iter_mut().for_each(|mean| *mean /= self.rows as f64);
            sum += term.gather(&mut means) * self.rows as f64;
            means
        });
        (gathered.collect(), sum)
    }
}

fn take_workspace(workspaces: &Mutex<Vec<Workspace>>) -> Workspace {
    workspaces.lock().expect("nothing panics while it is held").pop().unwrap_or_default()
}

fn give_back(workspaces: &Mutex<Vec<Workspace>>, work: Workspace) {
    workspaces.lock().expect("nothing panics while it is held").push(work);
}

/// A shard on its way through the program.
struct Way<'a, 'b> {
    program: &'a Program,
    shard: &'a mut Shard<'b>,
    batch: &'a Batch<'a>,
    gathered: &'a [Vec<f64>],
}

impl Store for Way<'_, '_> {
    fn forward(&mut self, node: &Node) -> NodeBuffers<'_> {
        let (read, written) = self.shard.values.split_at_mut(node.writes());
        let x = reads(node, read);
        let (before, measured) = (&mut *self.shard.before[node.writes()], &mut *self.shard.measured[node.index()]);
        NodeBuffers { x, y: written[0], before, measured }
    }
}

impl BackStore for Way<'_, '_> {
    fn backward(&mut self, node: &Node) -> NodeErrors<'_> {
        let Shard { values, before, errors, gradients, measured, .. } = &mut *self.shard;
        let (below, own) = errors.split_at_mut(node.writes());
        let first = |position: usize| {
            node.edges().get(position).filter(|edge| edge.asked && edge.first).map(|_| node.reads()[position])
        };
        let errors: [&mut [f32]; 2] = match (first(0), first(1)) {
            (Some(one), Some(other)) => {
                let [one, other] = below.get_disjoint_mut([one, other]).expect("a value is first given once");
                [one, other]
            }
            (Some(one), None) => [below[one], &mut []],
            (None, Some(other)) => [&mut [], below[other]],
            (None, None) => [&mut [], &mut []],
        };
        let [weight, bias] = &mut gradients[node.index()];
        NodeErrors {
            x: reads(node, values),
            y: values[node.writes()],
            before: before[node.writes()],
            measured: measured[node.index()],
            error: own[0],
            errors,
            gradient: [weight, bias],
        }
    }

    fn error(&mut self, value: usize) -> &mut [f32] {
        self.shard.errors[value]
    }

    fn arrived(&mut self, node: &Node) {
        let value = node.writes();
        let Shard { values, errors, terms, sums, .. } = &mut *self.shard;
        for (index, (term, buffers)) in self.batch.objective.terms.iter().zip(terms).enumerate() {
            if term.value(self.program) == value {
                let gathered = self.gathered.get(index).map_or(&[][..], |gathered| gathered);
                sums.penalty += term.add_error(values[value], self.batch.rows, gathered, buffers, errors[value]);
            }
        }
    }

    fn before_activation(&mut self, node: &Node) {
        for (term, buffers) in self.batch.objective.terms.iter().zip(&self.shard.terms) {
            term.add_before_activation(node, buffers, self.shard.errors[node.writes()]);
        }
    }
}

/// What a node reads.
pub(super) fn reads<'a>(node: &Node, values: &'a [&mut [f32]]) -> [&'a [f32]; 2] {
    [node.reads().first(), node.reads().get(1)].map(|value| value.map_or(&[][..], |&value| &*values[value]))
}

impl Buffers {
    /// Buffers for batches of at most `rows` rows.
    pub(super) fn new(program: &Program, rows: usize, separate_targets: bool, objective: &Objective) -> Self {
        let each = if rows == 0 { 1 } else { shard_rows(program, rows) };
        // A smaller batch can have no more shards than its rows, nor than the largest.
        let shards = rows.div_ceil(each);
        let of_shards = |range: Range<usize>| vec![0.0; shards * range.len()];
        let of_rows = |width: usize| Aligned::zeros(rows * width);
        let nodes = program.nodes();
        let needs_input = |node: &Node| if node.activation().needs_input() { node.outputs() } else { 0 };
        let term_widths: Vec<Vec<usize>> = objective.terms.iter().map(|term| term.buffers(program)).collect();
        let products = |node: &Node| {
            let terms = objective.terms.iter().enumerate();
            terms.filter_map(|(index, term)| Some((index, term.products(node, program)?))).collect()
        };
        let gradients =
            |node: &Node| if node.is_dense() { [0..0, 0..0] } else { [node.weight(), node.bias()] }.map(of_shards);
        Self {
            values: (0..program.values()).map(|value| of_rows(program.width(value))).collect(),
            before: [0].into_iter().chain(nodes.iter().map(needs_input)).map(of_rows).collect(),
            errors: [0].into_iter().chain(nodes.iter().map(Node::outputs)).map(of_rows).collect(),
            target: of_rows(if separate_targets { program.width(program.output()) } else { 0 }),
            ones: vec![1.0; rows.max(shards)],
            gradients: nodes.iter().map(gradients).collect(),
            measured: nodes.iter().map(|node| of_shards(node.statistics())).collect(),
            terms: term_widths.iter().map(|widths| widths.iter().copied().map(of_rows).collect()).collect(),
            products: nodes.iter().map(products).collect(),
            term_widths,
            workspaces: Mutex::default(),
        }
    }

    /// How many shards `rows` rows make.
    pub(super) fn count(program: &Program, rows: usize) -> usize {
        rows.div_ceil(shard_rows(program, rows))
    }

    /// The buffers cut into shards for the samples of `order`.
    pub(super) fn shards<'a>(
        &'a mut self,
        program: &Program,
        order: &'a [u32],
        first: usize,
        epoch: usize,
    ) -> Vec<Shard<'a>> {
        let rows = order.len();
        let each = shard_rows(program, rows);
        let widths = || (0..program.values()).map(|value| program.width(value));
        let by_rows = |buffers: &'a mut [Aligned]| -> Vec<_> {
            buffers.iter_mut().zip(widths()).map(|(buffer, width)| cut(buffer, rows, each, width)).collect()
        };
        let (mut values, mut before) = (by_rows(&mut self.values), by_rows(&mut self.before));
        let mut errors = by_rows(&mut self.errors);
        let mut target = cut(&mut self.target, rows, each, program.width(program.output()));
        let nodes = program.nodes().iter();
        let parameters = nodes.clone().map(|node| [node.weight().len(), node.bias().len()]);
        let one_each = |buffer: &'a mut Vec<f32>, width: usize| buffer.chunks_mut(width.max(1));
        let mut gradients: Vec<_> = self
            .gradients
            .iter_mut()
            .zip(parameters)
            .map(|([weight, bias], [weights, biases])| [one_each(weight, weights), one_each(bias, biases)])
            .collect();
        let measured = self.measured.iter_mut().zip(nodes);
        let mut measured: Vec<_> = measured.map(|(buffer, node)| one_each(buffer, node.statistics().len())).collect();
        let terms = self.terms.iter_mut().zip(&self.term_widths);
        let mut terms: Vec<Vec<_>> = terms
            .map(|(buffers, widths)| {
                buffers.iter_mut().zip(widths).map(|(buffer, &width)| cut(buffer, rows, each, width)).collect()
            })
            .collect();
        let workspaces = &self.workspaces;
        let shard = |(index, order): (usize, &'a [u32])| Shard {
            values: next_of(&mut values),
            before: next_of(&mut before),
            errors: next_of(&mut errors),
            target: target.next().unwrap_or_default(),
            gradients: gradients
                .iter_mut()
                .map(|both| both.each_mut().map(|shards| shards.next().unwrap_or_default()))
                .collect(),
            measured: next_of(&mut measured),
            terms: terms.iter_mut().map(|buffers| next_of(buffers)).collect(),
            workspaces,
            own: ShardRows { order, first: first + index * each, epoch },
            sums: Sums::default(),
        };
        order.chunks(each).enumerate().map(shard).collect()
    }
}

/// The next piece of each buffer; an empty one of unused buffers.
fn next_of<'a>(buffers: &mut [std::slice::ChunksMut<'a, f32>]) -> Vec<&'a mut [f32]> {
    buffers.iter_mut().map(|pieces| pieces.next().unwrap_or_default()).collect()
}

/// The first `rows` rows of a buffer in pieces of `each` rows; none of an unused buffer.
fn cut(buffer: &mut [f32], rows: usize, each: usize, width: usize) -> std::slice::ChunksMut<'_, f32> {
    let used: Range<usize> = 0..(rows * width).min(buffer.len());
    buffer[used].chunks_mut(each * width)
}

pub(super) fn total(shards: &[Shard<'_>]) -> Sums {
    shards.iter().fold(Sums::default(), |sums, shard| Sums {
        loss: sums.loss + shard.sums.loss,
        penalty: sums.penalty + shard.sums.penalty,
    })
}
