//! What layers compute, a file each: how a user asks for it, the shape and the tensors that follow, initial weights, the way forward
//! and the way back, and what it costs. [`LayerSpec`](super::LayerSpec) lists them; nothing else in the crate names one.

mod add;
mod batch_norm;
mod concat;
mod convolution;
mod dense;
mod resample;
mod reshape;
mod subtract;
mod transposed_convolution;
mod windows;
mod winograd;

use std::fmt;
use std::sync::Arc;

use super::activation::Activation;
use super::per_axis::PerAxis;

pub use add::Add;
pub use batch_norm::BatchNorm;
pub use concat::Concat;
pub use convolution::Convolution;
pub use dense::Dense;
pub(crate) use dense::DenseProduct;
pub use resample::{AveragePool, MaxPool, PixelShuffle, PixelUnshuffle, Upsample};
pub use reshape::Reshape;
pub(crate) use subtract::Subtract;
pub use transposed_convolution::TransposedConvolution;
pub(crate) use windows::Windows;

/// A layer as a user asks for it: plain data that knows what follows from it.
pub(crate) trait Specification {
    /// What comes out of inputs of these shapes, one or, of layers that [join](Self::other) two values, two; the reason where nothing can.
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String>;

    /// What computes it, for shapes that were found to fit.
    fn operation(&self, inputs: &[&[usize]], output: &[usize]) -> Arc<dyn Operation>;

    /// The same with every option that has a default written out.
    fn resolved(&self, _inputs: &[&[usize]]) -> Self
    where
        Self: Sized + Clone,
    {
        self.clone()
    }

    /// The function applied to each output; `None` for layers that have none.
    fn activation(&self) -> Option<Activation> {
        None
    }

    /// The same, to be changed.
    fn activation_mut(&mut self) -> Option<&mut Activation> {
        None
    }

    /// The layer whose output it reads beside that of the layer before.
    fn other(&self) -> Option<&str> {
        None
    }

    /// Which pixels an output pixel depends on.
    fn reach(&self) -> Reach {
        Reach::Pixel
    }
}

/// What follows from a layer and the shape of its input.
pub(crate) struct Plan {
    pub(crate) output_shape: Vec<usize>,
    /// As they lie in the flat parameters: weights, biases, and then what is learned by following the data, not by a gradient.
    pub(crate) tensors: Vec<(&'static str, Vec<usize>)>,
}

/// Which input pixels an output pixel depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The one at its place.
    Pixel,
    /// All of them: the layer takes images of one size alone.
    Everything,
    /// The image becomes so many times smaller; an output pixel looks so many input pixels away.
    Shrinks { factor: PerAxis, reach: PerAxis },
    /// The image becomes so many times larger; an output pixel looks so many output pixels away.
    Grows { factor: PerAxis, reach: PerAxis },
}

/// What a node of a program computes before its activation. Rows are samples, one after the other.
pub(crate) trait Operation: fmt::Debug + Send + Sync {
    /// Multiplications that a row costs.
    fn work(&self) -> usize;

    /// y ← the function of x, for as many rows as there are.
    fn forward(&self, call: Forward<'_>);

    /// The errors at the inputs from those at the output, and what is added to the gradient of weights and biases.
    fn backward(&self, call: Backward<'_>);

    /// Values that an output depends on, and outputs that an input reaches: what the size of initial weights follows from. `None`
    /// where initial weights are not drawn.
    fn fans(&self) -> Option<[f32; 2]> {
        None
    }

    /// The first weights, biases and statistics of operations that draw none.
    fn initialise(&self, _weight: &mut [f32], _bias: &mut [f32], _statistics: &mut [f32]) {}

    /// Whether weight decay shrinks the weights.
    fn decays(&self) -> bool {
        true
    }

    /// Whether it can apply a rectifier itself, while the sums are in registers.
    fn rectifies(&self) -> bool {
        false
    }

    /// How many numbers are prepared once from the weights, for the way forward or the way back.
    fn prepared(&self, _way: Way) -> usize {
        0
    }

    /// Prepares them.
    fn prepare(&self, _way: Way, _weight: &[f32], _prepared: &mut [f32]) {}

    /// The product, where it is a dense layer, whose gradient is one sum over the rows of a batch.
    fn dense(&self) -> Option<&DenseProduct> {
        None
    }

    /// The output as a factor and an offset for each channel of the input, where it is that once trained.
    fn affine(&self, _parameters: Parameters<'_>) -> Option<(Vec<f32>, Vec<f32>)> {
        None
    }

    /// Makes `factor · output + offset` of each output channel part of weights and biases, where they can take it: whether they did.
    fn fold(&self, _weight: &mut [f32], _bias: &mut [f32], _factor: &[f32], _offset: &[f32]) -> bool {
        false
    }

    /// The windows of a convolution over its input, of a transposed one over its output.
    fn windows(&self) -> Option<&Windows> {
        None
    }

    /// Rows and columns of the weights as a matrix.
    fn matrix(&self) -> (usize, usize) {
        (0, 0)
    }
}

/// Which way a program is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Forward,
    Back,
}

/// What a node has learned: weights, biases, and statistics of the data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters<'a> {
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) statistics: &'a [f32],
}

/// The values that a node reads: that of the node before and, where it joins two, the other.
pub(crate) type Inputs<'a> = [&'a [f32]; 2];

/// Everything that the way forward through a node takes.
pub(crate) struct Forward<'a> {
    pub(crate) parameters: Parameters<'a>,
    /// What was [prepared](Operation::prepare).
    pub(crate) prepared: &'a [f32],
    /// Where results that are not positive are multiplied by a factor at once.
    pub(crate) leak: Option<f32>,
    /// Where statistics of these very rows are used, their place; empty where those that were learned are.
    pub(crate) measured: &'a mut [f32],
    pub(crate) x: Inputs<'a>,
    pub(crate) y: &'a mut [f32],
    pub(crate) work: &'a mut Workspace,
}

/// Everything that the way back through a node takes.
pub(crate) struct Backward<'a> {
    pub(crate) parameters: Parameters<'a>,
    pub(crate) prepared: &'a [f32],
    /// The statistics that were measured on the way forward.
    pub(crate) measured: &'a [f32],
    pub(crate) x: Inputs<'a>,
    pub(crate) y: &'a [f32],
    /// The error at the output, before the activation.
    pub(crate) error: &'a [f32],
    /// Where the errors at the inputs go; empty where nobody asks for them.
    pub(crate) errors: [&'a mut [f32]; 2],
    /// What the gradient of weights and of biases is added to; empty for a dense layer, whose gradient is summed over all rows.
    pub(crate) gradient: [&'a mut [f32]; 2],
    pub(crate) work: &'a mut Workspace,
}

/// Buffers that operations use for a while, kept from call to call.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    first: Vec<f32>,
    second: Vec<f32>,
    third: Vec<f32>,
    ones: Vec<f32>,
    sums: Vec<f64>,
    /// For errors that are added to others.
    pub(super) spare: [Vec<f32>; 2],
}

/// The first values of a buffer, which grows where it has fewer.
pub(crate) fn grown(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    &mut buffer[..length]
}

/// Height, width and channels of a shape that is an image's.
pub(crate) fn image_shape(shape: &[usize]) -> Option<(usize, usize, usize)> {
    match *shape {
        [height, width] => Some((height, width, 1)),
        [height, width, channels] => Some((height, width, channels)),
        _ => None,
    }
}

/// How many values a shape holds; as many as a number can say where there are more.
pub(crate) fn values_of(shape: &[usize]) -> usize {
    shape.iter().fold(1, |product: usize, &n| product.saturating_mul(n))
}

/// The image that a layer gets, or why it cannot work on what it gets.
fn image(shape: &[usize]) -> Result<(usize, usize, usize), String> {
    image_shape(shape).ok_or_else(|| {
        format!("needs an image, but gets {} values\nhint: put a reshape layer before it", values_of(shape))
    })
}

/// Refuses numbers that are 0, by their names.
fn not_zero(numbers: &[(&str, usize)]) -> Result<(), String> {
    match numbers.iter().find(|&&(_, number)| number == 0) {
        Some((name, _)) => Err(format!("has 0 {name}: at least 1 is needed")),
        None => Ok(()),
    }
}

/// No activation, which is not the default of layers that have one.
fn linear() -> Activation {
    Activation::Linear
}

fn is_linear(activation: &Activation) -> bool {
    *activation == Activation::Linear
}
