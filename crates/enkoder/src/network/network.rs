//! A program with its parameters; and, opened for use, with its normalisations folded and its weights prepared.

use std::ops::Range;
use std::sync::Arc;

use rand::distr::{Distribution, Uniform};

use super::aligned::{Aligned, LINE_NUMBERS};
use super::architecture::{Architecture, ArchitectureError};
use super::operations::{Way, Workspace};
use super::program::{Node, Program};
use super::walk::{Ending, NodeBuffers, Prepared, Store, Weights};
use crate::random::{Purpose, stream};

/// A program and its parameters in one buffer.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) program: Arc<Program>,
    pub(crate) parameters: Vec<f32>,
}

impl Network {
    /// The network of an architecture with these parameters, as many as it has.
    pub(crate) fn from_parameters(
        architecture: &Architecture,
        parameters: Vec<f32>,
    ) -> Result<Self, ArchitectureError> {
        let program = Program::new(architecture)?;
        assert_eq!(parameters.len(), program.parameters(), "as many parameters as the layers have");
        Ok(Self { program: Arc::new(program), parameters })
    }

    /// The network of an architecture with the initial weights of `seed`.
    pub(crate) fn initialised(architecture: &Architecture, seed: u64) -> Result<Self, ArchitectureError> {
        let program = Arc::new(Program::new(architecture)?);
        let mut parameters = vec![0.0; program.parameters()];
        for node in program.nodes() {
            initialise(node, &mut parameters, seed);
        }
        if architecture.residual
            && let Some(last) = program.nodes().iter().rfind(|node| !node.weight().is_empty())
        {
            // A network that is to say what is wrong with its input begins by finding nothing.
            parameters[last.weight()].fill(0.0);
        }
        Ok(Self { program, parameters })
    }

    /// The network that goes from codes to samples and back to codes, with the same parameters: the decoder's first.
    pub(crate) fn inside_out(&self) -> Self {
        let mut parameters = self.parameters.clone();
        parameters.rotate_left(self.encoder_parameters());
        Self { program: Arc::new(self.program.inside_out()), parameters }
    }

    /// How many parameters the encoder has, which come first.
    pub(crate) fn encoder_parameters(&self) -> usize {
        self.program.nodes()[self.program.code()].parameters().start
    }

    /// The first node whose normalisation has a variance that cannot be.
    pub(crate) fn node_of_negative_variance(&self) -> Option<&Node> {
        self.program.nodes().iter().find(|node| {
            let statistics = &self.parameters[node.statistics()];
            statistics[statistics.len() / 2..].iter().any(|&variance| variance < 0.0)
        })
    }

    /// The network ready for use.
    pub(crate) fn runner(&self) -> Runner {
        match self.program.folded(&self.parameters) {
            Some((program, parameters)) => Runner::new(&program, &parameters),
            None => Runner::of(self),
        }
    }
}

/// Weights from U(−√(6/s), √(6/s)): s = inputs of an output for rectifiers (He et al. 2015), inputs of an output plus outputs of an
/// input otherwise (Glorot & Bengio 2010). Biases 0.
fn initialise(node: &Node, parameters: &mut [f32], seed: u64) {
    let Some([inputs, outputs]) = node.operation().fans() else {
        let (weight, rest) = parameters[node.parameters()].split_at_mut(node.weight().len());
        let (bias, statistics) = rest.split_at_mut(node.bias().len());
        node.operation().initialise(weight, bias, statistics);
        return;
    };
    let rng = &mut stream(seed, Purpose::Weights, node.index() as u64);
    let fan = if node.activation().is_rectifier() { inputs } else { inputs + outputs };
    let limit = (6.0 / fan).sqrt();
    let uniform = Uniform::new_inclusive(-limit, limit).expect("the limit is finite and positive");
    for weight in &mut parameters[node.weight()] {
        *weight = uniform.sample(rng);
    }
    parameters[node.bias()].fill(0.0);
}

/// A network ready for use: what can be prepared once is prepared, and the weights of every node begin at a line of the cache.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    program: Arc<Program>,
    parameters: Aligned,
    prepared: Prepared,
}

impl Runner {
    /// The network as it is, with nothing folded.
    pub(crate) fn of(network: &Network) -> Self {
        Self::new(&network.program, &network.parameters)
    }

    fn new(program: &Program, parameters: &[f32]) -> Self {
        let spread = program.spread(LINE_NUMBERS);
        let mut own = Aligned::zeros(spread.nodes().last().map_or(0, |last| last.parameters().end));
        for (from, to) in program.nodes().iter().zip(spread.nodes()) {
            own[to.parameters()].copy_from_slice(&parameters[from.parameters()]);
        }
        let mut prepared = Prepared::for_program(&spread, Way::Forward);
        prepared.update(&spread, Way::Forward, &own);
        Self { program: Arc::new(spread), parameters: own, prepared }
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// The parameters, where the program's nodes have them.
    pub(crate) fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// Passes rows through some nodes, from the value that the first reads to the one that the last writes. Allocates nothing once
    /// `scratch` has seen as many rows.
    pub(crate) fn forward(&self, nodes: Range<usize>, x: &[f32], y: &mut [f32], scratch: &mut Scratch) {
        self.pass(nodes, Ending::Activated, x, y, scratch);
    }

    /// The same, with the activation of the program's last node left out where `ending` says so.
    pub(crate) fn pass(&self, nodes: Range<usize>, ending: Ending, x: &[f32], y: &mut [f32], scratch: &mut Scratch) {
        let program = self.program();
        let rows = x.len() / program.width(nodes.start);
        if rows == 0 {
            return;
        }
        let Scratch { slots, work } = scratch;
        slots.resize_with(slots.len().max(program.slots()), Aligned::default);
        for node in &program.nodes()[nodes.start..nodes.end - 1] {
            let slot = &mut slots[program.slot(node.writes())];
            slot.resize(slot.len().max(rows * node.outputs()));
        }
        let mut store = Slots { program, first: nodes.start, last: nodes.end, x, y, slots, rows };
        let weights = Weights { parameters: &self.parameters, prepared: &self.prepared };
        program.walk(nodes, weights, ending, &mut store, work);
    }
}

/// What a way forward needs beside its output; kept from pass to pass.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    slots: Vec<Aligned>,
    work: Workspace,
}

/// Values in as few buffers as can be; the first and the last are the caller's.
struct Slots<'a> {
    program: &'a Program,
    first: usize,
    last: usize,
    x: &'a [f32],
    y: &'a mut [f32],
    slots: &'a mut [Aligned],
    rows: usize,
}

impl Store for Slots<'_> {
    fn forward(&mut self, node: &Node) -> NodeBuffers<'_> {
        let Self { program, first, last, rows, .. } = *self;
        let own = program.slot(node.writes());
        let (below, rest) = self.slots.split_at_mut(own);
        let (slot, above) = rest.split_at_mut(rest.len().min(1));
        let read = |&value: &usize| {
            if value == first {
                return self.x;
            }
            let slot = program.slot(value);
            let held = if slot < own { &below[slot] } else { &above[slot - own - 1] };
            &held[..rows * program.width(value)]
        };
        let x = [node.reads().first(), node.reads().get(1)].map(|value| value.map_or(&[][..], read));
        let y = if node.writes() == last { &mut *self.y } else { &mut slot[0][..rows * node.outputs()] };
        NodeBuffers { x, y, before: &mut [], measured: &mut [] }
    }
}
