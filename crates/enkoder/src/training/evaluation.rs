//! The loss over a whole data set: block after block of rows in parallel, summed in their order.

use std::ops::Range;

use rayon::prelude::*;

use super::batches::{Damage, Samples};
use super::objective::Loss;
use super::objective::Targets;
use crate::network::{Activation, Ending, Network, Runner, Scratch};

/// Rows that evaluation passes through the network at a time.
const EVALUATION_ROWS: usize = 256;

/// What one thread needs to evaluate a block of samples.
#[derive(Default)]
struct EvaluationBuffers {
    input: Vec<f32>,
    target: Vec<f32>,
    output: Vec<f32>,
    scratch: Scratch,
}

/// The mean loss of what some nodes make of all samples, with the same damage at every call where there is one.
pub(crate) fn evaluate(
    network: &Network,
    nodes: Range<usize>,
    loss: Loss,
    samples: &Samples<'_>,
    damage: Option<Damage>,
) -> f64 {
    // As it is trained, with nothing folded.
    let runner = Runner::of(network);
    let features = samples.inputs.features();
    let last = &network.program.nodes()[nodes.end - 1];
    let outputs = last.outputs();
    let separate_targets = samples.separate_targets(damage.is_some());
    let order: Vec<u32> = (0..samples.len() as u32).collect();
    let evaluate_block = |buffers: &mut EvaluationBuffers, order: &[u32]| {
        let EvaluationBuffers { input, target, output, scratch } = buffers;
        input.resize(order.len() * features, 0.0);
        output.resize(order.len() * outputs, 0.0);
        target.resize(if separate_targets { order.len() * outputs } else { 0 }, 0.0);
        samples.fill(order, order[0] as usize, damage, input, target, 0..outputs);
        runner.pass(nodes.clone(), Ending::BeforeActivation, input, output, scratch);
        let target = if target.is_empty() { &*input } else { &*target };
        // Only the program's last node leaves its activation to the loss.
        let activation = if last.writes() == network.program.output() { last.activation() } else { Activation::Linear };
        loss.output_pass(activation, Targets::whole(target, outputs), output, 0.0)
    };
    let sums: Vec<f64> = order
        .par_chunks(network.program.rows_together(EVALUATION_ROWS))
        .map_init(EvaluationBuffers::default, evaluate_block)
        .collect();
    sums.iter().sum::<f64>() / (samples.len() as f64 * outputs as f64 * samples.asked(damage))
}
