//! The first phase of a step: a batch's rows cut into shards, each passed forward through the network, compared with its targets
//! and passed backward to the error at every layer. A shard touches only its own rows of the buffers.

use std::ops::Range;
use std::sync::Mutex;

use rand::RngExt;
use rand_distr::StandardNormal;

use super::batches::{Damage, Samples, draw_index};
use super::loss::Loss;
use super::penalty::{self, Penalty};
use crate::network::activation::{Function, multiply_by_slope, with_function};
use crate::network::convolution::{Gradient, Workspace};
use crate::network::layer::{Layer, Statistics};
use crate::network::products;
use crate::network::vectorised::vectorised;
use crate::network::{Activation, Network};
use crate::random::{Purpose, stream};

/// Rows of a shard, from the rows of the batch and the kind of network alone: a row of a convolution is a whole image of work.
fn shard_rows(network: &Network, rows: usize) -> usize {
    let shards = if network.is_dense() { (rows / 64).clamp(2, 64) } else { (rows / 4).clamp(1, 32) };
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
/// What a batch leaves at each layer, `rows × width` each.
#[derive(Debug)]
pub(super) struct Buffers {
    pub(super) input: Vec<f32>,
    /// A 1 for each row.
    pub(super) ones: Vec<f32>,
    /// Empty where the target is the input itself.
    pub(super) target: Vec<f32>,
    /// What the codes should be; empty where that is not known.
    known: Vec<f32>,
    /// Outputs of each layer; of the last one before its activation.
    pub(super) values: Vec<Vec<f32>>,
    /// Values before the activation, where its slope needs them; empty elsewhere.
    pub(super) before: Vec<Vec<f32>>,
    /// The error before each layer's activation.
    pub(super) deltas: Vec<Vec<f32>>,
    /// For the contractive penalty, at each encoder layer: the direction u carried forward before and after the activation's
    /// slope, and the error of the former. Empty without that penalty.
    pub(super) probe: Vec<f32>,
    pub(super) tangents_before: Vec<Vec<f32>>,
    pub(super) tangents: Vec<Vec<f32>>,
    pub(super) adjoints: Vec<Vec<f32>>,
    /// The convolutions' weights turned for the way back; empty for other layers.
    turned: Vec<Vec<f32>>,
    /// For each layer that is not dense the gradients of weights and of biases that each shard found, `shards × parameters`. Such a
    /// layer has few parameters and many values, so its gradient is summed while the values are in the cache.
    pub(super) gradients: Vec<[Vec<f32>; 2]>,
    /// What each shard measured for a normalisation, `shards × statistics`; empty for other layers.
    pub(super) statistics: Vec<Vec<f32>>,
    /// For as many shards as are worked on at a time.
    workspaces: Mutex<Vec<Workspace>>,
}
/// One shard's rows of every buffer.
pub(super) struct Shard<'a> {
    pub(super) input: &'a mut [f32],
    pub(super) target: &'a mut [f32],
    known: &'a mut [f32],
    pub(super) values: Vec<&'a mut [f32]>,
    pub(super) before: Vec<&'a mut [f32]>,
    pub(super) deltas: Vec<&'a mut [f32]>,
    pub(super) probe: &'a mut [f32],
    pub(super) tangents_before: Vec<&'a mut [f32]>,
    pub(super) tangents: Vec<&'a mut [f32]>,
    pub(super) adjoints: Vec<&'a mut [f32]>,
    pub(super) gradients: Vec<[&'a mut [f32]; 2]>,
    pub(super) statistics: Vec<&'a mut [f32]>,
    turned: &'a [Vec<f32>],
    workspaces: &'a Mutex<Vec<Workspace>>,
    pub(super) first: usize,
    pub(super) order: &'a [u32],
    pub(super) sums: Sums,
}
impl Shard<'_> {
    fn take_workspace(&self) -> Workspace {
        self.workspaces.lock().expect("nothing panics while it is held").pop().unwrap_or_default()
    }

    fn give_back(&self, work: Workspace) {
        self.workspaces.lock().expect("nothing panics while it is held").push(work);
    }
}

/// What all shards (or parts) of a batch share.
pub(super) struct Batch<'a> {
    pub(super) samples: &'a Samples<'a>,
    pub(super) damage: Option<Damage>,
    pub(super) loss: Loss,
    pub(super) penalty: Option<Penalty>,
    pub(super) seed: u64,
    pub(super) epoch: usize,
    pub(super) rows: usize,
    /// Values of a row of the whole network's output.
    pub(super) outputs: usize,
}

impl Batch<'_> {
    /// The loss over some rows of a batch, `outputs` values each, and the error before the output's activation.
    pub(super) fn output_pass(
        &self,
        activation: Activation,
        outputs: usize,
        z: &[f32],
        target: &[f32],
        delta: &mut [f32],
    ) -> f64 {
        let asked = self.damage.map_or(1.0, |damage| damage.corruption.asked());
        let scale = 1.0 / ((self.rows * self.outputs) as f64 * asked) as f32;
        self.loss.output_pass(activation, outputs, z, target, delta, scale) / asked
    }

    pub(super) fn forward(&self, network: &Network, shard: &mut Shard<'_>) {
        let last = network.layers.len() - 1;
        let outputs = 0..network.outputs();
        self.samples.fill(shard.order, shard.first, self.damage, shard.input, shard.target, outputs);
        if let Some(known) = self.samples.codes {
            known.fill(shard.order, shard.known);
        }
        let mut work = shard.take_workspace();
        for (index, layer) in network.layers.iter().enumerate() {
            let (inputs, outputs) = shard.values.split_at_mut(index);
            let x = inputs.last().map_or(&*shard.input, |x| &**x);
            let (y, z) = (&mut *outputs[0], &mut *shard.before[index]);
            let statistics = Statistics::Measured(shard.statistics[index]);
            if index == last {
                layer.forward_affine(&network.parameters, statistics, x, y, &mut work);
                network.take_from_input(shard.input, y);
            } else {
                layer.forward(&network.parameters, statistics, x, y, z, &mut work);
            }
        }
        shard.give_back(work);
    }

    pub(super) fn backward(&self, network: &Network, shard: &mut Shard<'_>, code_push: &[f32]) {
        let Network { layers, encoder_layers, parameters, residual, .. } = network;
        let outputs = network.outputs();
        let last = layers.len() - 1;
        let target = if shard.target.is_empty() { &*shard.input } else { &*shard.target };
        shard.sums.loss =
            self.output_pass(layers[last].activation, outputs, shard.values[last], target, shard.deltas[last]);
        if *residual {
            shard.deltas[last].iter_mut().for_each(|delta| *delta = -*delta);
        }
        if let Some(Penalty::Contractive { weight }) = self.penalty {
            shard.sums.penalty = self.contract(network, shard, weight);
        }
        let mut work = shard.take_workspace();
        for index in (0..=last).rev() {
            let (lower, upper) = shard.deltas.split_at_mut(index);
            let delta = lower.last_mut().map_or(&mut [][..], |delta| &mut **delta);
            let x = index.checked_sub(1).map_or(&*shard.input, |below| &*shard.values[below]);
            let [weight, bias] = &mut shard.gradients[index];
            weight.fill(0.0);
            bias.fill(0.0);
            layers[index].backward(
                parameters,
                &shard.turned[index],
                shard.statistics[index],
                x,
                shard.values[index],
                upper[0],
                delta,
                Gradient { weight, bias },
                &mut work,
            );
            let Some(below) = index.checked_sub(1) else { break };
            let values = &*shard.values[below];
            if index == *encoder_layers {
                if !shard.known.is_empty() {
                    let width = layers[below].outputs;
                    let sum = penalty::distance(values, shard.known, delta, 1.0 / (self.rows * width) as f32);
                    shard.sums.penalty += sum / width as f64;
                }
                match self.penalty {
                    Some(Penalty::L1 { weight }) => {
                        let sum = penalty::l1(values, delta, weight / self.rows as f32);
                        shard.sums.penalty += f64::from(weight) * sum;
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
        shard.give_back(work);
    }

    /// The contractive penalty: carries a random direction u forward through the encoder's derivative, t ← f′(z)⊙(t·W), and
    /// the error of weight·‖t‖² back. Leaves the adjoints of t·W for the weight gradient, and in `tangents_before` what the
    /// change of f′ adds to the error before each activation.
    fn contract(&self, network: &Network, shard: &mut Shard<'_>, weight: f32) -> f64 {
        let Network { layers, encoder_layers, parameters, .. } = network;
        let features = layers[0].inputs;
        for (row, probe) in shard.probe.chunks_exact_mut(features).enumerate() {
            let mut rng = stream(self.seed, Purpose::Probe, draw_index(self.epoch, shard.first + row));
            probe.iter_mut().for_each(|value| *value = rng.sample(StandardNormal));
        }
        for (index, layer) in layers[..*encoder_layers].iter().enumerate() {
            let (lower, upper) = shard.tangents.split_at_mut(index);
            let t = lower.last().map_or(&*shard.probe, |t| &**t);
            let s = &mut *shard.tangents_before[index];
            products::times(t, &parameters[layer.weight()], layer.outputs, s);
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
                products::rows_times_rows(adjoint, &parameters[layer.weight()], layer.outputs, below);
            }
        }
        f64::from(weight) * sum
    }
}
/// What a training needs beside the layers' values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs {
    /// The targets are not the inputs.
    pub(super) separate_targets: bool,
    /// There is a contractive penalty.
    pub(super) contractive: bool,
    /// It is known what the codes should be.
    pub(super) known_codes: bool,
}

impl Buffers {
    pub(super) fn new(network: &Network, rows: usize, needs: Needs) -> Self {
        let Needs { separate_targets, contractive, known_codes } = needs;
        let features = network.layers[0].inputs;
        let outputs = network.outputs();
        let each = if rows == 0 { 1 } else { shard_rows(network, rows) };
        // A smaller batch can have no more shards than its rows, nor than the largest.
        let shards = rows.div_ceil(each);
        let of_shards = |range: Range<usize>| vec![0.0; shards * range.len()];
        let widths = |layers: &[Layer]| layers.iter().map(|layer| vec![0.0; rows * layer.outputs]).collect::<Vec<_>>();
        let encoder = if contractive { &network.layers[..network.encoder_layers] } else { &[] };
        let needs_input = |layer: &Layer| if layer.activation.needs_input() { rows * layer.outputs } else { 0 };
        Self {
            input: vec![0.0; rows * features],
            ones: vec![1.0; rows.max(shards)],
            known: vec![0.0; if known_codes { rows * network.latent() } else { 0 }],
            target: vec![0.0; if separate_targets { rows * outputs } else { 0 }],
            values: widths(&network.layers),
            before: network.layers.iter().map(|layer| vec![0.0; needs_input(layer)]).collect(),
            deltas: widths(&network.layers),
            probe: vec![0.0; if contractive { rows * features } else { 0 }],
            tangents_before: widths(encoder),
            tangents: widths(encoder),
            adjoints: widths(encoder),
            turned: network.layers.iter().map(|layer| vec![0.0; layer.turned()]).collect(),
            gradients: network
                .layers
                .iter()
                .map(|layer| {
                    if layer.is_dense() { [0..0, 0..0] } else { [layer.weight(), layer.bias()] }.map(of_shards)
                })
                .collect(),
            statistics: network.layers.iter().map(|layer| of_shards(layer.statistics())).collect(),
            workspaces: Mutex::default(),
        }
    }

    /// Turns the weights of convolutions as they are now.
    pub(super) fn turn(&mut self, network: &Network) {
        for (layer, turned) in network.layers.iter().zip(&mut self.turned) {
            layer.turn(&network.parameters, turned);
        }
    }

    /// How many shards `rows` rows make.
    pub(super) fn count(network: &Network, rows: usize) -> usize {
        rows.div_ceil(shard_rows(network, rows))
    }

    /// The buffers cut into shards for the samples of `order`.
    pub(super) fn shards<'a>(&'a mut self, network: &Network, order: &'a [u32], first: usize) -> Vec<Shard<'a>> {
        let rows = order.len();
        let each = shard_rows(network, rows);
        let features = network.layers[0].inputs;
        let outputs: Vec<usize> = network.layers.iter().map(|layer| layer.outputs).collect();
        let target_width = outputs.last().copied().unwrap_or(0);
        let mut input = cut(&mut self.input, rows, each, features);
        let mut target = cut(&mut self.target, rows, each, target_width);
        let mut known = cut(&mut self.known, rows, each, network.latent());
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
        let parameters = network.layers.iter().map(|layer| [layer.weight().len(), layer.bias().len()]);
        let mut gradients: Vec<_> = self
            .gradients
            .iter_mut()
            .zip(parameters)
            .map(|([weight, bias], [weights, biases])| {
                [(weight, weights), (bias, biases)].map(|(buffer, width)| one_each(buffer, width))
            })
            .collect();
        let mut statistics: Vec<_> = self
            .statistics
            .iter_mut()
            .zip(&network.layers)
            .map(|(buffer, layer)| one_each(buffer, layer.statistics().len()))
            .collect();
        let (turned, workspaces) = (&self.turned[..], &self.workspaces);
        order
            .chunks(each)
            .enumerate()
            .map(|(index, order)| {
                let [values, before, deltas, tangents_before, tangents, adjoints] = layers
                    .each_mut()
                    .map(|cuts| cuts.iter_mut().map(|cut| cut.next().unwrap_or_default()).collect::<Vec<_>>());
                Shard {
                    input: input.next().unwrap_or_default(),
                    target: target.next().unwrap_or_default(),
                    known: known.next().unwrap_or_default(),
                    values,
                    before,
                    deltas,
                    probe: probe.next().unwrap_or_default(),
                    tangents_before,
                    tangents,
                    adjoints,
                    gradients: gradients
                        .iter_mut()
                        .map(|both| both.each_mut().map(|shards| shards.next().unwrap_or_default()))
                        .collect(),
                    statistics: statistics.iter_mut().map(|shards| shards.next().unwrap_or_default()).collect(),
                    turned,
                    workspaces,
                    first: first + index * each,
                    order,
                    sums: Sums::default(),
                }
            })
            .collect()
    }
}

/// A buffer in pieces of `width` values, one for each shard; none of an unused buffer.
fn one_each(buffer: &mut [f32], width: usize) -> std::slice::ChunksMut<'_, f32> {
    buffer.chunks_mut(width.max(1))
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
/// What the KL penalty adds to the error of every code, and its value summed over the samples.
pub(super) fn code_push(
    network: &Network,
    shards: &[Shard<'_>],
    rows: usize,
    weight: f32,
    target: f32,
) -> (Vec<f32>, f64) {
    let code = network.encoder_layers - 1;
    let width = network.layers[code].outputs;
    let mut means = vec![0.0f64; width];
    for row in shards.iter().flat_map(|shard| shard.values[code].chunks_exact(width)) {
        for (mean, &value) in means.iter_mut().zip(row) {
            *mean += f64::from(value);
        }
    }
    means.iter_mut().for_each(|mean| *mean /= rows as f64);
    let value = f64::from(weight) * penalty::kullback_leibler(target, &mut means);
    let push = means.iter().map(|slope| (f64::from(weight) * slope / rows as f64) as f32).collect();
    (push, value * rows as f64)
}
