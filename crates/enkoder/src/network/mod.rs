//! Networks: what a user asks for ([`Architecture`]) and what computes it (`Network`): a short stack of layers over one flat
//! buffer of parameters. One file for each layer; only `vectorised` names the crate that picks the instruction set.

pub(crate) mod activation;
mod architecture;
mod batch_norm;
pub(crate) mod convolution;
mod convolutional;
pub(crate) mod elementary;
mod extent;
pub(crate) mod layer;
mod layer_spec;
#[allow(clippy::module_inception)]
mod network;
pub(crate) mod products;
mod resample;
pub(crate) mod vectorised;
mod windows;
mod winograd;

pub use activation::{Activation, UnknownActivation};
pub use architecture::{Architecture, ArchitectureError, LayerSummary, Shape};
pub use layer_spec::LayerSpec;
pub(crate) use layer_spec::image_shape;
pub(crate) use network::{Network, Scratch};
