//! The one walk forward through a program and the one walk back. Where values lie is for a store to say: training keeps all of them,
//! inference no more than it needs, and a part of a network its own share.

use std::ops::Range;

use super::activation::{self, Activation, LEAK, multiply_by_slope};
use super::operations::{Backward, Forward, Inputs, Way, Workspace};
use super::program::{Node, Program};

/// Flat parameters, and what was prepared from them for one way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights<'a> {
    pub(crate) parameters: &'a [f32],
    pub(crate) prepared: &'a Prepared,
}

/// What the operations of a program prepare from their weights, node by node: transformed or turned weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prepared(Vec<Vec<f32>>);

impl Prepared {
    /// Room for what a program prepares for one way.
    pub(crate) fn for_program(program: &Program, way: Way) -> Self {
        Self(program.nodes().iter().map(|node| vec![0.0; node.operation().prepared(way)]).collect())
    }

    /// Prepares all of it from these parameters.
    pub(crate) fn update(&mut self, program: &Program, way: Way, parameters: &[f32]) {
        for (node, prepared) in program.nodes().iter().zip(&mut self.0) {
            if !prepared.is_empty() {
                node.operation().prepare(way, &parameters[node.weight()], prepared);
            }
        }
    }
}

/// Whether the last node applies its activation, or leaves that to the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Activated,
    BeforeActivation,
}

/// Where a node finds what it reads on the way forward, and puts what it writes.
pub(crate) struct NodeBuffers<'a> {
    pub(crate) x: Inputs<'a>,
    pub(crate) y: &'a mut [f32],
    /// For values before an activation whose slope needs them; empty where nobody does.
    pub(crate) before: &'a mut [f32],
    /// For statistics of these rows; empty where those that were learned are used.
    pub(crate) measured: &'a mut [f32],
}

/// Where a node finds what it needs on the way back, and puts the errors of what it read.
pub(crate) struct NodeErrors<'a> {
    pub(crate) x: Inputs<'a>,
    pub(crate) y: &'a [f32],
    pub(crate) before: &'a [f32],
    pub(crate) measured: &'a [f32],
    pub(crate) error: &'a mut [f32],
    /// Of the values that this node is the first to give an error; empty for others.
    pub(crate) errors: [&'a mut [f32]; 2],
    pub(crate) gradient: [&'a mut [f32]; 2],
}

/// Where values lie on the way forward.
pub(crate) trait Store {
    fn forward(&mut self, node: &Node) -> NodeBuffers<'_>;
}

/// Where values and errors lie on the way back.
pub(crate) trait BackStore {
    fn backward(&mut self, node: &Node) -> NodeErrors<'_>;

    /// The error of a value, to add to.
    fn error(&mut self, value: usize) -> &mut [f32];

    /// Called when all that read the node's value have added their errors.
    fn arrived(&mut self, _node: &Node) {}

    /// Called when the error is that before the node's activation.
    fn before_activation(&mut self, _node: &Node) {}
}

impl Program {
    /// Passes rows through some nodes.
    pub(crate) fn walk(
        &self,
        nodes: Range<usize>,
        weights: Weights<'_>,
        ending: Ending,
        store: &mut impl Store,
        work: &mut Workspace,
    ) {
        for node in &self.nodes()[nodes] {
            let NodeBuffers { x, y, before, measured } = store.forward(node);
            let left_out = ending == Ending::BeforeActivation && node.writes() == self.output();
            let activation = if left_out { Activation::Linear } else { node.activation() };
            let rectifies = node.operation().rectifies();
            let (leak, rest) = match activation {
                Activation::Relu if rectifies => (Some(0.0), Activation::Linear),
                Activation::LeakyRelu if rectifies => (Some(LEAK), Activation::Linear),
                other => (None, other),
            };
            let parameters = node.parameters_in(weights.parameters);
            let prepared = &weights.prepared.0[node.index()];
            node.operation().forward(Forward { parameters, prepared, leak, measured, x, y: &mut *y, work });
            if !before.is_empty() {
                before.copy_from_slice(y);
            }
            activation::apply(rest, y);
        }
    }

    /// Passes errors back through some nodes, from the last to the first; that of the output is already the one before its activation.
    pub(crate) fn walk_back(
        &self,
        nodes: Range<usize>,
        weights: Weights<'_>,
        store: &mut impl BackStore,
        work: &mut Workspace,
    ) {
        for node in self.nodes()[nodes].iter().rev() {
            if node.writes() != self.output() {
                store.arrived(node);
                let NodeErrors { y, before, error, .. } = store.backward(node);
                multiply_by_slope(node.activation(), if before.is_empty() { y } else { before }, y, error);
                store.before_activation(node);
            }
            let mut spare = std::mem::take(&mut work.spare);
            let NodeErrors { x, y, measured, error, mut errors, gradient, .. } = store.backward(node);
            let rows = error.len() / node.outputs();
            // What a node is not the first to give is added to what is there.
            let adds = |position: usize| node.edges().get(position).is_some_and(|edge| edge.asked && !edge.first);
            for (position, spare) in spare.iter_mut().enumerate().filter(|&(position, _)| adds(position)) {
                spare.resize(rows * node.widths()[position], 0.0);
                errors[position] = spare;
            }
            let parameters = node.parameters_in(weights.parameters);
            let prepared = &weights.prepared.0[node.index()];
            node.operation().backward(Backward { parameters, prepared, measured, x, y, error, errors, gradient, work });
            for (position, spare) in spare.iter().enumerate().filter(|&(position, _)| adds(position)) {
                let error = store.error(node.reads()[position]);
                error.iter_mut().zip(spare).for_each(|(error, spare)| *error += spare);
            }
            work.spare = spare;
        }
    }
}
