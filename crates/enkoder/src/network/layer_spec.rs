//! The list of layers that a user can ask for. A new one is a file in `operations` and a line here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::operations::*;
use super::per_axis::PerAxis;

/// Defines [`LayerSpec`] and hands everything that follows from a layer on to its file.
macro_rules! layers {
    ($($(#[$doc:meta])* $kind:literal => $Layer:ident,)*) => {
        /// One layer as a user asks for it.
        ///
        /// Images are height × width × channels, channels last; height × width alone counts as one channel. A series is an image of one
        /// column: steps × 1 × channels.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        #[non_exhaustive]
        pub enum LayerSpec {
            $($(#[$doc])* #[serde(rename = $kind)] $Layer($Layer),)*
        }

        $(impl From<$Layer> for LayerSpec {
            fn from(layer: $Layer) -> Self {
                Self::$Layer(layer)
            }
        })*

        impl LayerSpec {
            /// The name used in files: `dense`, `convolution`.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$Layer(_) => $kind,)*
                }
            }

            pub(super) fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
                match self {
                    $(Self::$Layer(layer) => layer.plan(inputs),)*
                }
            }

            pub(super) fn operation(&self, inputs: &[&[usize]], output: &[usize]) -> Arc<dyn Operation> {
                match self {
                    $(Self::$Layer(layer) => layer.operation(inputs, output),)*
                }
            }

            pub(super) fn resolved(&self, inputs: &[&[usize]]) -> Self {
                match self {
                    $(Self::$Layer(layer) => layer.resolved(inputs).into(),)*
                }
            }

            /// The function applied to each output; linear for layers that have none.
            pub fn activation(&self) -> Activation {
                match self {
                    $(Self::$Layer(layer) => Specification::activation(layer).unwrap_or(Activation::Linear),)*
                }
            }

            pub(super) fn activation_mut(&mut self) -> Option<&mut Activation> {
                match self {
                    $(Self::$Layer(layer) => layer.activation_mut(),)*
                }
            }

            /// The earlier layer that it reads beside the one before it: `encoder.2`; `None` of layers that read one value.
            pub fn other(&self) -> Option<&str> {
                match self {
                    $(Self::$Layer(layer) => layer.other(),)*
                }
            }

            pub(super) fn reach(&self) -> Reach {
                match self {
                    $(Self::$Layer(layer) => layer.reach(),)*
                }
            }
        }
    };
}

layers! {
    /// Every output is a weighted sum of all inputs.
    "dense" => Dense,
    /// Every output pixel is a weighted sum of the pixels around it.
    "convolution" => Convolution,
    /// The transpose of a convolution: every input pixel adds to the pixels around it.
    "transposed_convolution" => TransposedConvolution,
    /// Pixels repeated.
    "upsample" => Upsample,
    /// Blocks of pixels as channels.
    "pixel_unshuffle" => PixelUnshuffle,
    /// Channels as blocks of pixels.
    "pixel_shuffle" => PixelShuffle,
    /// The largest value of each block of pixels.
    "max_pool" => MaxPool,
    /// The mean of each block of pixels.
    "average_pool" => AveragePool,
    /// Channels of mean 0 and deviation 1, scaled and shifted.
    "batch_norm" => BatchNorm,
    /// The same values in another shape.
    "reshape" => Reshape,
    /// The sum with an earlier layer's output.
    "add" => Add,
    /// The channels together with those of an earlier layer's output.
    "concat" => Concat,
}

impl LayerSpec {
    /// A dense layer of so many outputs.
    pub fn dense(units: usize, activation: Activation) -> Self {
        Dense { units, activation }.into()
    }

    /// A convolution that keeps the size at stride 1 and divides it by the stride otherwise.
    pub fn convolution(
        channels: usize,
        kernel: impl Into<PerAxis>,
        stride: impl Into<PerAxis>,
        activation: Activation,
    ) -> Self {
        Convolution { channels, kernel: kernel.into(), stride: stride.into(), padding: None, activation }.into()
    }

    /// A transposed convolution that makes height and width `stride` times as large.
    pub fn transposed_convolution(
        channels: usize,
        kernel: impl Into<PerAxis>,
        stride: impl Into<PerAxis>,
        activation: Activation,
    ) -> Self {
        let (kernel, stride) = (kernel.into(), stride.into());
        TransposedConvolution { channels, kernel, stride, padding: None, output_padding: None, activation }.into()
    }

    /// The largest value of each block of `size` pixels.
    pub fn max_pool(size: impl Into<PerAxis>) -> Self {
        MaxPool { size: size.into() }.into()
    }

    /// The mean of each block of `size` pixels.
    pub fn average_pool(size: impl Into<PerAxis>) -> Self {
        AveragePool { size: size.into() }.into()
    }

    /// Each pixel `factor` times.
    pub fn upsample(factor: impl Into<PerAxis>) -> Self {
        Upsample { factor: factor.into() }.into()
    }

    /// Blocks of `factor` pixels as channels.
    pub fn pixel_unshuffle(factor: impl Into<PerAxis>) -> Self {
        PixelUnshuffle { factor: factor.into() }.into()
    }

    /// Channels as blocks of `factor` pixels.
    pub fn pixel_shuffle(factor: impl Into<PerAxis>) -> Self {
        PixelShuffle { factor: factor.into() }.into()
    }

    /// Batch normalisation, then the activation.
    pub fn batch_norm(activation: Activation) -> Self {
        BatchNorm { activation }.into()
    }

    /// An image of height, width and channels of the same values.
    pub fn reshape(shape: [usize; 3]) -> Self {
        Reshape { shape }.into()
    }

    /// The sum with the output of an earlier layer, such as `encoder.0`.
    pub fn add(from: impl Into<String>) -> Self {
        Add { from: from.into(), activation: Activation::Linear }.into()
    }

    /// The channels together with those of an earlier layer, such as `encoder.0`.
    pub fn concat(from: impl Into<String>) -> Self {
        Concat { from: from.into() }.into()
    }

    pub(super) fn is_normalisation(&self) -> bool {
        matches!(self, Self::BatchNorm(_))
    }
}
