//! Autoencoders: networks that learn the structure of data by copying it through a narrow code.

mod dataset;
pub mod metrics;
mod random;
mod scaling;
mod schema;

pub use dataset::{Dataset, DatasetError, Labels, ValueSummary};
pub use scaling::{Scaler, ScalerError, Scaling};
pub use schema::{Column, ColumnKind, Schema};
