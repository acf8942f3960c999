//! Networks: what a user asks for ([`Architecture`]) and what computes it (`Network`): a short stack of layers over one flat
//! buffer of parameters. One file for each layer; only `vectorised` names the crate that picks the instruction set.

pub(crate) mod activation;
mod architecture;
pub(crate) mod dense;
pub(crate) mod elementary;
#[allow(clippy::module_inception)]
mod network;
pub(crate) mod products;
pub(crate) mod vectorised;

pub use activation::{Activation, UnknownActivation};
pub use architecture::{Architecture, ArchitectureError, LayerSpec, LayerSummary};
pub(crate) use network::{Network, Scratch};
