//! The loss over a whole data set, undamaged: block after block of rows in parallel, summed in their order.

use rayon::prelude::*;

use super::batches::Samples;
use super::loss::Loss;
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

/// The mean loss over all samples, undamaged.
pub(crate) fn evaluate(network: &Network, loss: Loss, samples: &Samples<'_>) -> f64 {
    let features = samples.inputs.features();
    let order: Vec<u32> = (0..samples.len() as u32).collect();
    let (last, hidden) = network.layers.split_last().expect("a network has layers");
    let evaluate_block = |buffers: &mut EvaluationBuffers, order: &[u32]| {
        let EvaluationBuffers { input, target, hidden: below, output, delta, scratch } = buffers;
        let length = order.len() * features;
        input.resize(length, 0.0);
        output.resize(length, 0.0);
        delta.resize(length, 0.0);
        target.resize(if samples.targets.is_some() { length } else { 0 }, 0.0);
        samples.fill(order, 0, None, input, target, 0..features);
        let below = if hidden.is_empty() {
            &*input
        } else {
            below.resize(order.len() * last.inputs, 0.0);
            network.forward(0..hidden.len(), input, below, scratch);
            &*below
        };
        last.forward_affine(&network.parameters, below, output);
        let target = if target.is_empty() { &*input } else { &*target };
        loss.output_pass(last.activation, features, output, target, delta, 0.0)
    };
    let sums: Vec<f64> =
        order.par_chunks(EVALUATION_ROWS).map_init(EvaluationBuffers::default, evaluate_block).collect();
    sums.iter().sum::<f64>() / (samples.len() as f64 * features as f64)
}
