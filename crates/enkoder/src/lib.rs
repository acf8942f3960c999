//! Autoencoders: networks that learn the structure of data by copying it through a narrow code.

mod autoencoder;
mod dataset;
pub mod metrics;
mod model_file;
mod network;
mod random;
mod scaling;
mod schema;
mod tensor_file;
mod training;

pub use autoencoder::{Autoencoder, DataRecord, ModelError, Session, TrainingRecord};
pub use dataset::{Dataset, DatasetError, Labels, ValueSummary};
pub use model_file::ModelFileError;
pub use network::{Activation, Architecture, ArchitectureError, LayerSpec, LayerSummary, UnknownActivation};
pub use scaling::{Scaler, ScalerError, Scaling};
pub use schema::{Column, ColumnKind, Schema};
pub use tensor_file::{TensorFileError, write_atomically};
pub use training::{
    Adam, Checkpoint, CheckpointError, ConfigError, Corruption, EpochRecord, History, Loss, Penalty, Progress,
    Schedule, Stopped, Trainer, TrainingConfig, TrainingError,
};
