//! The loss over a whole data set: block after block of rows in parallel, summed in their order.

use std::ops::Range;

use rayon::prelude::*;

use super::batches::{Damage, Samples};
use super::loss::Loss;
use crate::network::layer::Statistics;
use crate::network::{Network, Scratch};

/// Rows that evaluation passes through the network at a time.
const EVALUATION_ROWS: usize = 256;
/// What one thread needs to evaluate a block of samples.
#[derive(Default)]
struct EvaluationBuffers {
    input: Vec<f32>,
    target: Vec<f32>,
    hidden: Vec<f32>,
    output: Vec<f32>,
    delta: Vec<f32>,
    scratch: Scratch,
}

/// The mean loss of some layers over all samples, with the same damage at every call where there is one.
pub(crate) fn evaluate(
    network: &Network,
    layers: Range<usize>,
    loss: Loss,
    samples: &Samples<'_>,
    damage: Option<Damage>,
) -> f64 {
    let features = samples.inputs.features();
    let whole = layers == (0..network.layers.len());
    let hidden = layers.start..layers.end - 1;
    let last = &network.layers[hidden.end];
    let outputs = last.outputs;
    let order: Vec<u32> = (0..samples.len() as u32).collect();
    let evaluate_block = |buffers: &mut EvaluationBuffers, order: &[u32]| {
        let EvaluationBuffers { input, target, hidden: below, output, delta, scratch } = buffers;
        let length = order.len() * features;
        input.resize(length, 0.0);
        output.resize(order.len() * outputs, 0.0);
        delta.resize(order.len() * outputs, 0.0);
        target.resize(if samples.targets.is_some() || damage.is_some() { order.len() * outputs } else { 0 }, 0.0);
        samples.fill(order, order[0] as usize, damage, input, target, 0..outputs);
        let below = if hidden.is_empty() {
            &*input
        } else {
            below.resize(order.len() * last.inputs, 0.0);
            network.forward(hidden.clone(), input, below, scratch);
            &*below
        };
        last.forward_affine(&network.parameters, Statistics::Running, below, output, &mut scratch.work);
        if whole {
            network.take_from_input(input, output);
        }
        let target = if target.is_empty() { &*input } else { &*target };
        loss.output_pass(last.activation, outputs, output, target, delta, 0.0)
    };
    let sums: Vec<f64> = order
        .par_chunks(network.rows_together(EVALUATION_ROWS))
        .map_init(EvaluationBuffers::default, evaluate_block)
        .collect();
    let asked = damage.map_or(1.0, |damage| damage.corruption.asked());
    sums.iter().sum::<f64>() / (samples.len() as f64 * outputs as f64 * asked)
}
