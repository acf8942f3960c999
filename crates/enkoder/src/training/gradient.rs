//! One training step. A batch passes in two phases, each parallel: first by shards of rows (forward, loss, backward to the
//! activations), then by tiles of parameters (weight gradient over all rows of the batch, and Adam on the tile while it is in
//! the cache). Shards depend on the number of rows alone and tiles on the architecture alone, so the same seed gives the same
//! bits for any number of threads. Buffers are allocated once, for the largest batch.

use std::ops::Range;

use rand::RngExt;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::adam::{Adam, AdamStep};
use super::batches::{Damage, Samples, draw_index};
use super::config::TrainingConfig;
use super::loss::Loss;
use super::penalty::{self, Penalty};
use crate::network::activation::{Function, multiply_by_slope, with_function};
use crate::network::dense::Dense;
use crate::network::matmul::{self, Packing};
use crate::network::vectorised::vectorised;
use crate::network::{Network, Scratch};
use crate::random::{Purpose, stream};

/// Work below which a phase runs on one thread: waking another costs more.
const PARALLEL_FLOPS: usize = 1_000_000;
/// Parameters of a tile: the tile, its moments and its gradient stay in a core's second-level cache.
const TILE_PARAMETERS: usize = 48 * 1024;
/// Rows that evaluation passes through the network at a time.
const EVALUATION_ROWS: usize = 256;

/// Rows of a shard, from the rows of the batch alone.
fn shard_rows(rows: usize) -> usize {
    let shards = (rows / 64).clamp(2, 16);
    rows.div_ceil(shards)
}

/// Sums over the samples of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    /// Loss summed over samples and features.
    pub(crate) loss: f64,
    /// Penalty times its weight, summed over samples.
    pub(crate) penalty: f64,
}

/// Where a step stands in the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    /// The epoch, from 1.
    pub(crate) epoch: usize,
    /// The step, from 0 over the whole run.
    pub(crate) step: u64,
    pub(crate) learning_rate: f32,
}

/// A network in training: parameters, their moments, and the buffers of a step.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) network: Network,
    pub(crate) first_moment: Vec<f32>,
    pub(crate) second_moment: Vec<f32>,
    gradient: Vec<f32>,
    loss: Loss,
    penalty: Option<Penalty>,
    optimizer: Adam,
    gradient_clip: Option<f32>,
    seed: u64,
    damage: Option<super::corruption::Corruption>,
    buffers: Buffers,
    tiles: Vec<Tile>,
    packings: Vec<Packing>,
}

/// What a batch leaves at each layer, `rows × width` each.
#[derive(Debug)]
struct Buffers {
    input: Vec<f32>,
    /// Empty where the target is the input itself.
    target: Vec<f32>,
    /// Outputs of each layer; of the last one before its activation.
    values: Vec<Vec<f32>>,
    /// Values before the activation, where its slope needs them; empty elsewhere.
    before: Vec<Vec<f32>>,
    /// The error before each layer's activation.
    deltas: Vec<Vec<f32>>,
    /// For the contractive penalty, at each encoder layer: the direction u carried forward before and after the activation's
    /// slope, and the error of the former. Empty without that penalty.
    probe: Vec<f32>,
    tangents_before: Vec<Vec<f32>>,
    tangents: Vec<Vec<f32>>,
    adjoints: Vec<Vec<f32>>,
}

/// A contiguous part of one layer's parameters: the weights of some inputs, and the biases with the last of them.
#[derive(Clone, Copy, Debug)]
struct Tile {
    layer: usize,
    first: usize,
    inputs: usize,
    with_bias: bool,
}

/// One shard's rows of every buffer.
struct Shard<'a> {
    input: &'a mut [f32],
    target: &'a mut [f32],
    values: Vec<&'a mut [f32]>,
    before: Vec<&'a mut [f32]>,
    deltas: Vec<&'a mut [f32]>,
    probe: &'a mut [f32],
    tangents_before: Vec<&'a mut [f32]>,
    tangents: Vec<&'a mut [f32]>,
    adjoints: Vec<&'a mut [f32]>,
    packing: &'a mut Packing,
    first: usize,
    order: &'a [u32],
    sums: Sums,
}

/// What all shards share.
struct Batch<'a> {
    network: &'a Network,
    samples: &'a Samples<'a>,
    damage: Option<Damage>,
    loss: Loss,
    penalty: Option<Penalty>,
    seed: u64,
    epoch: usize,
    rows: usize,
}

impl Engine {
    /// An engine for batches of at most `rows` rows.
    pub(crate) fn new(network: Network, config: &TrainingConfig, rows: usize, separate_targets: bool) -> Self {
        let parameters = network.parameters.len();
        let tiles: Vec<Tile> =
            network.layers.iter().enumerate().flat_map(|(index, layer)| tiles(index, layer)).collect();
        let shards = rows.div_ceil(shard_rows(rows));
        let contractive = matches!(config.penalty, Some(Penalty::Contractive { .. }));
        let separate_targets = separate_targets || config.corruption.is_some();
        Self {
            first_moment: vec![0.0; parameters],
            second_moment: vec![0.0; parameters],
            gradient: vec![0.0; parameters],
            loss: config.loss,
            penalty: config.penalty,
            optimizer: config.optimizer,
            gradient_clip: config.gradient_clip,
            seed: config.seed,
            damage: config.corruption,
            buffers: Buffers::new(&network, rows, separate_targets, contractive),
            packings: (0..tiles.len().max(shards)).map(|_| Packing::default()).collect(),
            tiles,
            network,
        }
    }

    /// Changes the parameters by one batch: the samples that `order` names, which stand from `first` on in the epoch's order.
    pub(crate) fn step(&mut self, samples: &Samples<'_>, order: &[u32], first: usize, at: Position) -> Sums {
        let sums = self.backward(samples, order, first, at.epoch);
        let step = self.optimizer.step(at.step + 1, at.learning_rate);
        match self.gradient_clip {
            None => self.update(order.len(), true, Some((step, 1.0))),
            Some(clip) => {
                self.update(order.len(), true, None);
                let norm = self.gradient_norm();
                let scale = if norm > f64::from(clip) { (f64::from(clip) / norm) as f32 } else { 1.0 };
                self.update(order.len(), false, Some((step, scale)));
            }
        }
        sums
    }

    /// Forward, loss and backward to the error at each layer.
    fn backward(&mut self, samples: &Samples<'_>, order: &[u32], first: usize, epoch: usize) -> Sums {
        let rows = order.len();
        let damage = self.damage.map(|corruption| Damage { corruption, seed: self.seed, epoch });
        let (loss, penalty, seed) = (self.loss, self.penalty, self.seed);
        let batch = Batch { network: &self.network, samples, damage, loss, penalty, seed, epoch, rows };
        let flops = 4 * rows * self.network.parameters.len();
        let mut shards = self.buffers.shards(&self.network, order, first, &mut self.packings);
        if let Some(Penalty::KullbackLeibler { weight, target }) = penalty {
            for_each(&mut shards, flops, |shard| batch.forward(shard));
            let (push, value) = code_push(&batch, &shards, weight, target);
            for_each(&mut shards, flops, |shard| batch.backward(shard, &push));
            let mut sums = total(&shards);
            sums.penalty += value;
            return sums;
        }
        for_each(&mut shards, flops, |shard| {
            batch.forward(shard);
            batch.backward(shard, &[]);
        });
        total(&shards)
    }

    /// For each tile the gradient over the batch, where `gradient` asks for it, and Adam, where `step` gives its numbers.
    fn update(&mut self, rows: usize, gradient: bool, step: Option<(AdamStep, f32)>) {
        let Self { network, first_moment, second_moment, buffers, tiles, packings, .. } = self;
        let Network { layers, encoder_layers, parameters } = network;
        let flops = 2 * rows * parameters.len();
        let (mut parameters, mut gradients) = (&mut parameters[..], &mut self.gradient[..]);
        let (mut first_moments, mut second_moments) = (&mut first_moment[..], &mut second_moment[..]);
        let mut work: Vec<_> = tiles
            .iter()
            .zip(packings)
            .map(|(tile, packing)| {
                let length = tile.parameters(&layers[tile.layer]);
                (
                    tile,
                    packing,
                    take(&mut parameters, length),
                    take(&mut gradients, length),
                    take(&mut first_moments, length),
                    take(&mut second_moments, length),
                )
            })
            .collect();
        let buffers = &*buffers;
        for_each(&mut work, flops, |(tile, packing, parameters, gradients, first, second)| {
            let layer = &layers[tile.layer];
            let weights = tile.inputs * layer.outputs;
            if gradient {
                buffers.tile_gradient(tile, layer, *encoder_layers, rows, gradients, packing);
            }
            if let Some((step, scale)) = step {
                let (weight, bias) = parameters.split_at_mut(weights);
                let (weight_gradient, bias_gradient) = gradients.split_at(weights);
                let ((first, first_bias), (second, second_bias)) =
                    (first.split_at_mut(weights), second.split_at_mut(weights));
                step.apply(weight, first, second, weight_gradient, scale, true);
                step.apply(bias, first_bias, second_bias, bias_gradient, scale, false);
            }
        });
    }

    /// The Euclidean norm of the gradient over all parameters.
    fn gradient_norm(&self) -> f64 {
        let blocks = self.gradient.chunks(4096);
        blocks.map(|block| block.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>()).sum::<f64>().sqrt()
    }

    /// The gradient of the last step.
    #[cfg(test)]
    pub(crate) fn gradient(&self) -> &[f32] {
        &self.gradient
    }

    /// The mean loss over all samples, undamaged, with these parameters.
    pub(crate) fn evaluate(&self, samples: &Samples<'_>) -> f64 {
        evaluate(&self.network, self.loss, samples)
    }
}

/// What one thread needs to evaluate a block of samples.
#[derive(Default)]
struct EvaluationBuffers {
    input: Vec<f32>,
    target: Vec<f32>,
    hidden: Vec<f32>,
    output: Vec<f32>,
    delta: Vec<f32>,
    scratch: Scratch,
    packing: Packing,
}

/// The mean loss over all samples, undamaged.
pub(crate) fn evaluate(network: &Network, loss: Loss, samples: &Samples<'_>) -> f64 {
    let features = samples.inputs.features();
    let order: Vec<u32> = (0..samples.len() as u32).collect();
    let (last, hidden) = network.layers.split_last().expect("a network has layers");
    let evaluate_block = |buffers: &mut EvaluationBuffers, order: &[u32]| {
        let EvaluationBuffers { input, target, hidden: below, output, delta, scratch, packing } = buffers;
        let length = order.len() * features;
        input.resize(length, 0.0);
        output.resize(length, 0.0);
        delta.resize(length, 0.0);
        target.resize(if samples.targets.is_some() { length } else { 0 }, 0.0);
        samples.fill(order, 0, None, input, target);
        let below = if hidden.is_empty() {
            &*input
        } else {
            below.resize(order.len() * last.inputs, 0.0);
            network.forward(0..hidden.len(), input, below, scratch);
            &*below
        };
        last.forward_affine(&network.parameters, below, output, packing);
        let target = if target.is_empty() { &*input } else { &*target };
        loss.output_pass(last.activation, features, output, target, delta, 0.0)
    };
    let sums: Vec<f64> =
        order.par_chunks(EVALUATION_ROWS).map_init(EvaluationBuffers::default, evaluate_block).collect();
    sums.iter().sum::<f64>() / (samples.len() as f64 * features as f64)
}

impl Batch<'_> {
    fn forward(&self, shard: &mut Shard<'_>) {
        self.samples.fill(shard.order, shard.first, self.damage, shard.input, shard.target);
        let last = self.network.layers.len() - 1;
        for (index, layer) in self.network.layers.iter().enumerate() {
            let (inputs, outputs) = shard.values.split_at_mut(index);
            let x = inputs.last().map_or(&*shard.input, |x| &**x);
            if index == last {
                layer.forward_affine(&self.network.parameters, x, outputs[0], shard.packing);
            } else {
                layer.forward(&self.network.parameters, x, outputs[0], shard.before[index], shard.packing);
            }
        }
    }

    fn backward(&self, shard: &mut Shard<'_>, code_push: &[f32]) {
        let Network { layers, encoder_layers, parameters } = self.network;
        let features = self.samples.inputs.features();
        let last = layers.len() - 1;
        let target = if shard.target.is_empty() { &*shard.input } else { &*shard.target };
        let scale = 1.0 / (self.rows * features) as f32;
        let output = &layers[last];
        shard.sums.loss =
            self.loss.output_pass(output.activation, features, shard.values[last], target, shard.deltas[last], scale);
        if let Some(Penalty::Contractive { weight }) = self.penalty {
            shard.sums.penalty = self.contract(shard, weight);
        }
        for index in (1..=last).rev() {
            let below = index - 1;
            let (lower, upper) = shard.deltas.split_at_mut(index);
            let delta = &mut *lower[below];
            layers[index].backward(parameters, upper[0], delta, shard.packing);
            let values = &*shard.values[below];
            if index == *encoder_layers {
                match self.penalty {
                    Some(Penalty::L1 { weight }) => {
                        let sum = penalty::l1(values, delta, weight / self.rows as f32);
                        shard.sums.penalty = f64::from(weight) * sum;
                    }
                    Some(Penalty::KullbackLeibler { .. }) => penalty::add_to_rows(code_push, delta),
                    Some(Penalty::Contractive { .. }) | None => {}
                }
            }
            let before = if shard.before[below].is_empty() { values } else { &*shard.before[below] };
            multiply_by_slope(layers[below].activation, before, values, delta);
            if let Some(curvature) = shard.tangents_before.get(below) {
                // After the contractive pass this holds what the penalty adds to the error before the activation.
                for (delta, add) in delta.iter_mut().zip(curvature.iter()) {
                    *delta += add;
                }
            }
        }
    }

    /// The contractive penalty: carries a random direction u forward through the encoder's derivative, t ← f′(z)⊙(t·W), and
    /// the error of weight·‖t‖² back. Leaves the adjoints of t·W for the weight gradient, and in `tangents_before` what the
    /// change of f′ adds to the error before each activation.
    fn contract(&self, shard: &mut Shard<'_>, weight: f32) -> f64 {
        let Network { layers, encoder_layers, parameters } = self.network;
        let features = layers[0].inputs;
        for (row, probe) in shard.probe.chunks_exact_mut(features).enumerate() {
            let mut rng = stream(self.seed, Purpose::Probe, draw_index(self.epoch, shard.first + row));
            probe.iter_mut().for_each(|value| *value = rng.sample(StandardNormal));
        }
        for (index, layer) in layers[..*encoder_layers].iter().enumerate() {
            let (lower, upper) = shard.tangents.split_at_mut(index);
            let t = lower.last().map_or(&*shard.probe, |t| &**t);
            let s = &mut *shard.tangents_before[index];
            matmul::times(shard.packing, t, &parameters[layer.weight()], layer.inputs, layer.outputs, s);
            upper[0].copy_from_slice(s);
            let y = &*shard.values[index];
            let z = if shard.before[index].is_empty() { y } else { &*shard.before[index] };
            multiply_by_slope(layer.activation, z, y, upper[0]);
        }
        let top = encoder_layers - 1;
        let scale = weight / self.rows as f32;
        let mut sum = 0.0;
        for (adjoint, &t) in shard.adjoints[top].iter_mut().zip(shard.tangents[top].iter()) {
            sum += f64::from(t) * f64::from(t);
            *adjoint = 2.0 * scale * t;
        }
        for index in (0..=top).rev() {
            let layer = &layers[index];
            let (lower, upper) = shard.adjoints.split_at_mut(index);
            let adjoint = &mut *upper[0];
            let y = &*shard.values[index];
            let z = if shard.before[index].is_empty() { y } else { &*shard.before[index] };
            let s = &mut *shard.tangents_before[index];
            with_function!(layer.activation, F => vectorised(#[inline(always)] || {
                for (((adjoint, s), &z), &y) in adjoint.iter_mut().zip(s.iter_mut()).zip(z).zip(y) {
                    *s *= F::curvature(z, y) * *adjoint;
                    *adjoint *= F::slope(z, y);
                }
            }));
            if let Some(below) = lower.last_mut() {
                layer.backward(parameters, adjoint, below, shard.packing);
            }
        }
        f64::from(weight) * sum
    }
}

impl Buffers {
    fn new(network: &Network, rows: usize, separate_targets: bool, contractive: bool) -> Self {
        let features = network.layers[0].inputs;
        let outputs = network.layers.last().map_or(0, |layer| layer.outputs);
        let widths = |layers: &[Dense]| layers.iter().map(|layer| vec![0.0; rows * layer.outputs]).collect::<Vec<_>>();
        let encoder = if contractive { &network.layers[..network.encoder_layers] } else { &[] };
        let needs_input = |layer: &Dense| if layer.activation.needs_input() { rows * layer.outputs } else { 0 };
        Self {
            input: vec![0.0; rows * features],
            target: vec![0.0; if separate_targets { rows * outputs } else { 0 }],
            values: widths(&network.layers),
            before: network.layers.iter().map(|layer| vec![0.0; needs_input(layer)]).collect(),
            deltas: widths(&network.layers),
            probe: vec![0.0; if contractive { rows * features } else { 0 }],
            tangents_before: widths(encoder),
            tangents: widths(encoder),
            adjoints: widths(encoder),
        }
    }

    /// The buffers cut into shards for the samples of `order`.
    fn shards<'a>(
        &'a mut self,
        network: &Network,
        order: &'a [u32],
        first: usize,
        packings: &'a mut [Packing],
    ) -> Vec<Shard<'a>> {
        let rows = order.len();
        let each = shard_rows(rows);
        let features = network.layers[0].inputs;
        let outputs: Vec<usize> = network.layers.iter().map(|layer| layer.outputs).collect();
        let target_width = outputs.last().copied().unwrap_or(0);
        let mut input = cut(&mut self.input, rows, each, features);
        let mut target = cut(&mut self.target, rows, each, target_width);
        let mut probe = cut(&mut self.probe, rows, each, features);
        let layers = [
            &mut self.values,
            &mut self.before,
            &mut self.deltas,
            &mut self.tangents_before,
            &mut self.tangents,
            &mut self.adjoints,
        ];
        let mut layers = layers.map(|buffers| {
            buffers.iter_mut().zip(&outputs).map(|(buffer, &width)| cut(buffer, rows, each, width)).collect::<Vec<_>>()
        });
        order
            .chunks(each)
            .zip(packings)
            .enumerate()
            .map(|(index, (order, packing))| {
                let [values, before, deltas, tangents_before, tangents, adjoints] = layers
                    .each_mut()
                    .map(|cuts| cuts.iter_mut().map(|cut| cut.next().unwrap_or_default()).collect::<Vec<_>>());
                Shard {
                    input: input.next().unwrap_or_default(),
                    target: target.next().unwrap_or_default(),
                    values,
                    before,
                    deltas,
                    probe: probe.next().unwrap_or_default(),
                    tangents_before,
                    tangents,
                    adjoints,
                    packing,
                    first: first + index * each,
                    order,
                    sums: Sums::default(),
                }
            })
            .collect()
    }

    /// The gradient of one tile over the first `rows` rows.
    fn tile_gradient(
        &self,
        tile: &Tile,
        layer: &Dense,
        encoder_layers: usize,
        rows: usize,
        gradient: &mut [f32],
        packing: &mut Packing,
    ) {
        let x = if tile.layer == 0 { &self.input } else { &self.values[tile.layer - 1] };
        let (x, delta) = (&x[..rows * layer.inputs], &self.deltas[tile.layer][..rows * layer.outputs]);
        let (weight, bias) = gradient.split_at_mut(tile.inputs * layer.outputs);
        layer.weight_gradient(x, delta, tile.first, false, weight, packing);
        if tile.layer < encoder_layers && !self.adjoints.is_empty() {
            let t = if tile.layer == 0 { &self.probe } else { &self.tangents[tile.layer - 1] };
            let adjoint = &self.adjoints[tile.layer][..rows * layer.outputs];
            layer.weight_gradient(&t[..rows * layer.inputs], adjoint, tile.first, true, weight, packing);
        }
        if tile.with_bias {
            layer.bias_gradient(delta, bias);
        }
    }
}

impl Tile {
    fn parameters(&self, layer: &Dense) -> usize {
        self.inputs * layer.outputs + if self.with_bias { layer.outputs } else { 0 }
    }
}

/// One layer's tiles in the order of its parameters.
fn tiles(index: usize, layer: &Dense) -> Vec<Tile> {
    let count = (layer.inputs * layer.outputs).div_ceil(TILE_PARAMETERS).clamp(1, layer.inputs);
    let each = layer.inputs.div_ceil(count);
    (0..layer.inputs)
        .step_by(each)
        .map(|first| {
            let inputs = each.min(layer.inputs - first);
            Tile { layer: index, first, inputs, with_bias: first + inputs == layer.inputs }
        })
        .collect()
}

/// The first `rows` rows of a buffer in pieces of `each` rows; none of an unused buffer.
fn cut(buffer: &mut [f32], rows: usize, each: usize, width: usize) -> std::slice::ChunksMut<'_, f32> {
    let used: Range<usize> = 0..(rows * width).min(buffer.len());
    buffer[used].chunks_mut(each * width)
}

/// Takes the first `length` numbers off a slice.
fn take<'a>(slice: &mut &'a mut [f32], length: usize) -> &'a mut [f32] {
    let (taken, rest) = std::mem::take(slice).split_at_mut(length);
    *slice = rest;
    taken
}

/// Calls `work` for each item, in parallel where there is enough to do.
fn for_each<T: Send>(items: &mut [T], flops: usize, work: impl Fn(&mut T) + Sync + Send) {
    if flops < PARALLEL_FLOPS {
        items.iter_mut().for_each(work);
    } else {
        items.par_iter_mut().with_max_len(1).for_each(work);
    }
}

fn total(shards: &[Shard<'_>]) -> Sums {
    shards.iter().fold(Sums::default(), |sums, shard| Sums {
        loss: sums.loss + shard.sums.loss,
        penalty: sums.penalty + shard.sums.penalty,
    })
}

/// What the KL penalty adds to the error of every code, and its value summed over the samples.
fn code_push(batch: &Batch<'_>, shards: &[Shard<'_>], weight: f32, target: f32) -> (Vec<f32>, f64) {
    let code = batch.network.encoder_layers - 1;
    let width = batch.network.layers[code].outputs;
    let mut means = vec![0.0f64; width];
    for row in shards.iter().flat_map(|shard| shard.values[code].chunks_exact(width)) {
        for (mean, &value) in means.iter_mut().zip(row) {
            *mean += f64::from(value);
        }
    }
    means.iter_mut().for_each(|mean| *mean /= batch.rows as f64);
    let value = f64::from(weight) * penalty::kullback_leibler(target, &mut means);
    let push = means.iter().map(|slope| (f64::from(weight) * slope / batch.rows as f64) as f32).collect();
    (push, value * batch.rows as f64)
}
