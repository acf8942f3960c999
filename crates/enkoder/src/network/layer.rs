//! One layer as the engine sees it: a place in the flat parameters, a function applied at the end, and one of a few operations,
//! each with a file of its own. Everything works on whole rows, one sample each.

use std::ops::Range;

use rand::Rng;
use rand::distr::{Distribution, Uniform};

use super::activation::{self, Activation, LEAK};
use super::architecture::LayerSummary;
use super::batch_norm::BatchNorm;
use super::convolution::{Convolution, Gradient, TransposedConvolution, Workspace};
use super::layer_spec::{LayerSpec, image_shape};
use super::products;
use super::resample::{Resample, Resampling};
use super::windows::Windows;

/// A layer's shape and its place in the flat parameters: weights, biases, statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) activation: Activation,
    pub(crate) operation: Operation,
    offset: usize,
}

/// What a layer computes before its activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// x·W + b, with W of `inputs × outputs`.
    Dense,
    Convolution(Convolution),
    TransposedConvolution(TransposedConvolution),
    BatchNorm(BatchNorm),
    Resample(Resample),
    /// The values as they are, in another shape.
    Reshape,
}

/// Whose statistics a batch normalisation uses.
#[derive(Debug)]
pub(crate) enum Statistics<'a> {
    /// Those that were learned.
    Running,
    /// Those of the rows given, which are written here.
    Measured(&'a mut [f32]),
}

impl Layer {
    /// The layer of a spec that was found to fit, with its parameters from `offset` on.
    pub(crate) fn new(spec: &LayerSpec, summary: &LayerSummary, offset: usize) -> Self {
        let (height, width, channels) = image_shape(&summary.input_shape).unwrap_or((1, 1, summary.inputs));
        let (rows, columns, channels_out) = image_shape(&summary.output_shape).unwrap_or((1, 1, summary.outputs));
        let resample = |resampling, factor| {
            Operation::Resample(match resampling {
                Resampling::Upsample | Resampling::Shuffle => {
                    Resample { resampling, height, width, channels: channels_out, factor }
                }
                _ => Resample { resampling, height: rows, width: columns, channels, factor },
            })
        };
        let operation = match *spec {
            LayerSpec::Dense { .. } => Operation::Dense,
            LayerSpec::Convolution { kernel, stride, padding, .. } => {
                let padding = LayerSpec::padding_of(kernel, padding);
                let windows = Windows { height, width, channels, rows, columns, kernel, stride, padding };
                Operation::Convolution(Convolution { windows, channels: channels_out })
            }
            LayerSpec::TransposedConvolution { kernel, stride, padding, .. } => {
                let padding = LayerSpec::padding_of(kernel, padding);
                // They lie over the output, and there is one for each pixel of the input.
                let windows = Windows {
                    height: rows,
                    width: columns,
                    channels: channels_out,
                    rows: height,
                    columns: width,
                    kernel,
                    stride,
                    padding,
                };
                Operation::TransposedConvolution(TransposedConvolution { windows, channels })
            }
            LayerSpec::BatchNorm { .. } => Operation::BatchNorm(BatchNorm { channels }),
            LayerSpec::Upsample { factor } => resample(Resampling::Upsample, factor),
            LayerSpec::PixelShuffle { factor } => resample(Resampling::Shuffle, factor),
            LayerSpec::PixelUnshuffle { factor } => resample(Resampling::Unshuffle, factor),
            LayerSpec::MaxPool { size } => resample(Resampling::MaxPool, size),
            LayerSpec::AveragePool { size } => resample(Resampling::AveragePool, size),
            LayerSpec::Reshape { .. } => Operation::Reshape,
        };
        Self { inputs: summary.inputs, outputs: summary.outputs, activation: spec.activation(), operation, offset }
    }

    /// A dense layer.
    pub(crate) fn dense(inputs: usize, outputs: usize, activation: Activation, offset: usize) -> Self {
        Self { inputs, outputs, activation, operation: Operation::Dense, offset }
    }

    /// The same layer with its parameters from `offset` on.
    pub(crate) fn at(&self, offset: usize) -> Self {
        Self { offset, ..self.clone() }
    }

    /// Whether an affine function of its output channels can become part of it.
    pub(crate) fn folds(&self) -> bool {
        let linear = self.activation == Activation::Linear;
        linear && matches!(self.operation, Operation::Convolution(_) | Operation::TransposedConvolution(_))
    }

    /// Makes `factor · output + offset` of each output channel part of weights and biases. Of both kinds of convolution the
    /// weights of a channel are a column.
    pub(crate) fn fold(&self, parameters: &mut [f32], factor: &[f32], offset: &[f32]) {
        for row in parameters[self.weight()].chunks_exact_mut(factor.len()) {
            row.iter_mut().zip(factor).for_each(|(weight, factor)| *weight *= factor);
        }
        for ((bias, factor), offset) in parameters[self.bias()].iter_mut().zip(factor).zip(offset) {
            *bias = bias.mul_add(*factor, *offset);
        }
    }

    /// Whether it is a dense layer, whose gradient is summed over all rows of a batch.
    pub(crate) fn is_dense(&self) -> bool {
        matches!(self.operation, Operation::Dense)
    }

    /// Numbers of weights, biases and statistics.
    fn counts(&self) -> [usize; 3] {
        let (rows, columns) = self.matrix();
        let weights = rows * columns;
        match &self.operation {
            Operation::Dense => [weights, self.outputs, 0],
            Operation::Convolution(layer) => [weights, layer.channels, 0],
            Operation::TransposedConvolution(layer) => [weights, layer.windows.channels, 0],
            Operation::BatchNorm(norm) => [weights, norm.channels, 2 * norm.channels],
            Operation::Resample(_) | Operation::Reshape => [0; 3],
        }
    }

    /// Rows and columns of the weights as a matrix.
    pub(crate) fn matrix(&self) -> (usize, usize) {
        match &self.operation {
            Operation::Dense => (self.inputs, self.outputs),
            Operation::Convolution(layer) => (layer.windows.values(), layer.channels),
            Operation::TransposedConvolution(layer) => (layer.channels, layer.windows.values()),
            Operation::BatchNorm(norm) => (1, norm.channels),
            Operation::Resample(_) | Operation::Reshape => (0, 0),
        }
    }

    /// Where the weights lie; of a normalisation its scales.
    pub(crate) fn weight(&self) -> Range<usize> {
        self.offset..self.offset + self.counts()[0]
    }

    /// Where the biases lie, right behind the weights; of a normalisation its shifts.
    pub(crate) fn bias(&self) -> Range<usize> {
        let start = self.weight().end;
        start..start + self.counts()[1]
    }

    /// Where the running means and variances of a normalisation lie, right behind its shifts.
    pub(crate) fn statistics(&self) -> Range<usize> {
        let start = self.bias().end;
        start..start + self.counts()[2]
    }

    /// Where everything lies that the layer has.
    pub(crate) fn parameters(&self) -> Range<usize> {
        self.offset..self.statistics().end
    }

    /// Whether weights shrink by weight decay: those of products do, scales of a normalisation do not.
    pub(crate) fn decays(&self) -> bool {
        !matches!(self.operation, Operation::BatchNorm(_))
    }

    /// Multiplications that a row costs.
    pub(crate) fn work(&self) -> usize {
        match &self.operation {
            Operation::Dense => self.inputs * self.outputs,
            Operation::Convolution(Convolution { windows, .. })
            | Operation::TransposedConvolution(TransposedConvolution { windows, .. }) => {
                windows.rows * windows.columns * self.counts()[0]
            }
            Operation::BatchNorm(_) | Operation::Resample(_) | Operation::Reshape => self.outputs,
        }
    }

    /// Weights from U(−√(6/s), √(6/s)): s = inputs of an output for rectifiers (He et al. 2015), inputs of an output plus outputs of an
    /// input otherwise (Glorot & Bengio 2010). Biases 0. A normalisation changes nothing but mean and deviation.
    pub(crate) fn initialise(&self, parameters: &mut [f32], rng: &mut impl Rng) {
        let (inputs, outputs) = match &self.operation {
            Operation::Dense => (self.inputs as f32, self.outputs as f32),
            Operation::Convolution(Convolution { windows, channels }) => {
                let area = (windows.kernel * windows.kernel * channels) as f32;
                (windows.values() as f32, area / (windows.stride * windows.stride) as f32)
            }
            Operation::TransposedConvolution(TransposedConvolution { windows, channels }) => {
                let area = (windows.kernel * windows.kernel * channels) as f32;
                (area / (windows.stride * windows.stride) as f32, windows.values() as f32)
            }
            Operation::BatchNorm(norm) => {
                parameters[self.weight()].fill(1.0);
                parameters[self.bias()].fill(0.0);
                let (mean, variance) = parameters[self.statistics()].split_at_mut(norm.channels);
                mean.fill(0.0);
                variance.fill(1.0);
                return;
            }
            Operation::Resample(_) | Operation::Reshape => return,
        };
        let fan = if self.activation.is_rectifier() { inputs } else { inputs + outputs };
        let limit = (6.0 / fan).sqrt();
        let uniform = Uniform::new_inclusive(-limit, limit).expect("the limit is finite and positive");
        for weight in &mut parameters[self.weight()] {
            *weight = uniform.sample(rng);
        }
        parameters[self.bias()].fill(0.0);
    }

    /// y ← the layer's function of x, for as many rows as there are. Where the activation [needs its
    /// input](Activation::needs_input) for the slope, `z` receives it; elsewhere `z` is not touched and may be empty.
    pub(crate) fn forward(
        &self,
        parameters: &[f32],
        statistics: Statistics<'_>,
        x: &[f32],
        y: &mut [f32],
        z: &mut [f32],
        work: &mut Workspace,
    ) {
        let fused = match (&self.operation, self.activation) {
            (_, Activation::Linear) => Some(None),
            (Operation::Dense | Operation::Convolution(_), Activation::Relu) => Some(Some(0.0)),
            (Operation::Dense | Operation::Convolution(_), Activation::LeakyRelu) => Some(Some(LEAK)),
            _ => None,
        };
        self.operate(parameters, statistics, fused.flatten(), x, y, work);
        if fused.is_none() {
            if self.activation.needs_input() && z.len() == y.len() {
                z.copy_from_slice(y);
            }
            activation::apply(self.activation, y);
        }
    }

    /// The same without activation.
    pub(crate) fn forward_affine(
        &self,
        parameters: &[f32],
        statistics: Statistics<'_>,
        x: &[f32],
        y: &mut [f32],
        work: &mut Workspace,
    ) {
        self.operate(parameters, statistics, None, x, y, work);
    }

    fn operate(
        &self,
        parameters: &[f32],
        statistics: Statistics<'_>,
        leak: Option<f32>,
        x: &[f32],
        y: &mut [f32],
        work: &mut Workspace,
    ) {
        let (weight, bias) = (&parameters[self.weight()], &parameters[self.bias()]);
        match &self.operation {
            Operation::Dense => products::affine(x, weight, bias, leak, y),
            Operation::Convolution(layer) => layer.forward(weight, bias, leak, x, y, work),
            Operation::TransposedConvolution(layer) => layer.forward(weight, bias, x, y, work),
            Operation::BatchNorm(norm) => match statistics {
                Statistics::Running => norm.forward(weight, bias, &parameters[self.statistics()], x, y),
                Statistics::Measured(statistics) => {
                    norm.measure(x, statistics);
                    norm.forward(weight, bias, statistics, x, y);
                }
            },
            Operation::Resample(layer) => layer.forward(x, y),
            Operation::Reshape => y.copy_from_slice(x),
        }
    }

    /// Whether the way back needs the weights turned, as rows for columns: inner products of rows as short as a window would spend
    /// their time adding up lanes.
    fn turns(&self) -> bool {
        matches!(self.operation, Operation::Convolution(_) | Operation::TransposedConvolution(_))
    }

    /// How many turned weights there are.
    pub(crate) fn turned(&self) -> usize {
        if self.turns() { self.counts()[0] } else { 0 }
    }

    /// Turns the weights for the way back.
    pub(crate) fn turn(&self, parameters: &[f32], turned: &mut [f32]) {
        if self.turns() {
            let (rows, columns) = self.matrix();
            for (row, weights) in parameters[self.weight()].chunks_exact(columns).enumerate() {
                for (column, &weight) in weights.iter().enumerate() {
                    turned[column * rows + row] = weight;
                }
            }
        }
    }

    /// The error at some of a dense layer's inputs from the error before the activation.
    pub(crate) fn dense_backward(&self, parameters: &[f32], inputs: Range<usize>, delta: &[f32], dx: &mut [f32]) {
        let weight = &parameters[self.weight()][inputs.start * self.outputs..inputs.end * self.outputs];
        products::rows_times_rows(delta, weight, self.outputs, dx);
    }

    /// Leaves in `dx`, unless it is empty, the error at the inputs from the error `delta` before the activation. A layer that is not
    /// dense also adds to its gradient, which for dense ones is `products`' work.
    #[expect(clippy::too_many_arguments, reason = "each is another buffer of the step")]
    pub(crate) fn backward(
        &self,
        parameters: &[f32],
        turned: &[f32],
        statistics: &[f32],
        x: &[f32],
        y: &[f32],
        delta: &[f32],
        dx: &mut [f32],
        gradient: Gradient<'_>,
        work: &mut Workspace,
    ) {
        match &self.operation {
            Operation::Dense if dx.is_empty() => {}
            Operation::Dense => self.dense_backward(parameters, 0..self.inputs, delta, dx),
            Operation::Convolution(layer) => layer.backward(turned, x, delta, dx, gradient, work),
            Operation::TransposedConvolution(layer) => layer.backward(turned, x, delta, dx, gradient, work),
            Operation::BatchNorm(norm) => norm.backward(&parameters[self.weight()], statistics, x, delta, dx, gradient),
            Operation::Resample(_) | Operation::Reshape if dx.is_empty() => {}
            Operation::Resample(layer) => layer.backward(x, y, delta, dx),
            Operation::Reshape => dx.copy_from_slice(delta),
        }
    }
}
