//! Autoencoders: networks that learn the structure of data by copying it through a narrow code.

mod dataset;
pub mod metrics;
mod network;
mod pca;
mod random;
mod scaling;
mod schema;

pub use dataset::{Dataset, DatasetError, Labels, ValueSummary};
pub use network::{Activation, Architecture, ArchitectureError, LayerSpec, LayerSummary, UnknownActivation};
pub use pca::{Components, PcaError, principal_components};
pub use scaling::{Scaler, ScalerError, Scaling};
pub use schema::{Column, ColumnKind, Schema};
