//! The dense layer: y = activation(x·W + b), with W of `inputs × outputs` and b side by side in the network's flat parameters.
//! Forward and backward work on whole rows; the gradient of the parameters is `products`' work.

use std::ops::Range;

use rand::Rng;
use rand::distr::{Distribution, Uniform};

use super::activation::{self, Activation, LEAK};
use super::products;

/// A dense layer's shape and its place in the flat parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dense {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) activation: Activation,
    offset: usize,
}

impl Dense {
    pub(crate) fn new(inputs: usize, outputs: usize, activation: Activation, offset: usize) -> Self {
        Self { inputs, outputs, activation, offset }
    }

    /// Where the weights lie, `inputs × outputs` row-major.
    pub(crate) fn weight(&self) -> Range<usize> {
        self.offset..self.offset + self.inputs * self.outputs
    }

    /// Where the biases lie, right behind the weights.
    pub(crate) fn bias(&self) -> Range<usize> {
        let start = self.offset + self.inputs * self.outputs;
        start..start + self.outputs
    }

    /// Weights from U(−√(6/s), √(6/s)): s = inputs for rectifiers (He et al. 2015), inputs + outputs otherwise (Glorot & Bengio
    /// 2010). Biases 0.
    pub(crate) fn initialise(&self, parameters: &mut [f32], rng: &mut impl Rng) {
        let fan = if self.activation.is_rectifier() { self.inputs } else { self.inputs + self.outputs };
        let limit = (6.0 / fan as f32).sqrt();
        let uniform = Uniform::new_inclusive(-limit, limit).expect("the limit is finite and positive");
        for weight in &mut parameters[self.weight()] {
            *weight = uniform.sample(rng);
        }
        parameters[self.bias()].fill(0.0);
    }

    /// y ← activation(x·W + b) for as many rows as y has. Where the activation [needs its
    /// input](Activation::needs_input) for the slope, `z` receives it; elsewhere `z` is not touched and may be empty.
    pub(crate) fn forward(&self, parameters: &[f32], x: &[f32], y: &mut [f32], z: &mut [f32]) {
        let (weight, bias) = (&parameters[self.weight()], &parameters[self.bias()]);
        match self.activation {
            Activation::Linear => products::affine(x, weight, bias, None, y),
            Activation::Relu => products::affine(x, weight, bias, Some(0.0), y),
            Activation::LeakyRelu => products::affine(x, weight, bias, Some(LEAK), y),
            with_pass => {
                products::affine(x, weight, bias, None, y);
                if with_pass.needs_input() && z.len() == y.len() {
                    z.copy_from_slice(y);
                }
                activation::apply(with_pass, y);
            }
        }
    }

    /// The same without activation: y ← x·W + b.
    pub(crate) fn forward_affine(&self, parameters: &[f32], x: &[f32], y: &mut [f32]) {
        products::affine(x, &parameters[self.weight()], &parameters[self.bias()], None, y);
    }

    /// dx ← delta·Wᵀ: the error at the inputs from the error before the activation.
    pub(crate) fn backward(&self, parameters: &[f32], delta: &[f32], dx: &mut [f32]) {
        self.backward_to(parameters, 0..self.inputs, delta, dx);
    }

    /// The same for some of the inputs.
    pub(crate) fn backward_to(&self, parameters: &[f32], inputs: Range<usize>, delta: &[f32], dx: &mut [f32]) {
        let weight = &parameters[self.weight()][inputs.start * self.outputs..inputs.end * self.outputs];
        products::rows_times_rows(delta, weight, self.outputs, dx);
    }
}
