//! Networks: what a user asks for ([`Architecture`]), what computes it ([`Program`]) and its parameters (`Network`). A layer is a
//! file in `operations` and a line in `layer_spec`; only `vectorised` names the crate that picks the instruction set.

pub(crate) mod activation;
mod aligned;
mod architecture;
mod convolutional;
pub(crate) mod elementary;
mod extent;
mod layer_spec;
#[allow(clippy::module_inception)]
mod network;
pub(crate) mod operations;
mod per_axis;
pub(crate) mod products;
mod program;
pub(crate) mod vectorised;
mod walk;

/// The layers that a [`LayerSpec`] lists, each with its options.
pub mod layers {
    pub use super::operations::{
        Add, AveragePool, BatchNorm, Concat, Convolution, Dense, MaxPool, PixelShuffle, PixelUnshuffle, Reshape,
        TransposedConvolution, Upsample,
    };
}

pub use activation::{Activation, UnknownActivation};
pub(crate) use aligned::{Aligned, LINE_NUMBERS};
pub(crate) use architecture::Shape;
pub use architecture::{Architecture, ArchitectureError, LayerSummary};
pub use layer_spec::LayerSpec;
pub(crate) use network::{Network, Runner, Scratch};
pub(crate) use operations::{Windows, image_shape};
pub use per_axis::PerAxis;
pub use program::{Node, Program, Tensor};
pub(crate) use walk::{BackStore, Ending, NodeBuffers, NodeErrors, Prepared, Store, Weights};
