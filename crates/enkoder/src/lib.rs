//! Autoencoders: networks that learn the structure of data by copying it through a narrow code.
//!
//! Samples in memory are a [`Dataset`]. An [`Architecture`] says which network is wanted, a [`TrainingConfig`] how it is trained, a
//! [`Trainer`] does it and returns an [`Autoencoder`], which encodes, decodes, reconstructs, and saves itself to one file.
//! [`fit_pca`] gives the same from the linear autoencoder in closed form: the baseline to show any result beside.
//!
//! ```
//! use enkoder::{Architecture, Autoencoder, Dataset, Scaling, Trainer, TrainingConfig, fit_pca};
//! use ndarray::Array2;
//!
//! // A spiral in three dimensions: two numbers more than it needs.
//! let spiral = Array2::from_shape_fn((2000, 3), |(i, j)| {
//!     let t = i as f32 * 0.005;
//!     [t.cos() * t, t.sin() * t, t][j]
//! });
//! let (train, validation) = Dataset::from_f32("spiral", spiral)?.split(0.2, 0)?;
//!
//! let architecture = Architecture::dense([3], &[64, 32], 1);
//! let config = TrainingConfig { epochs: 60, batch_size: 32, seed: 1, ..TrainingConfig::default() };
//! let model = Trainer::new(architecture, config).fit(&train, &validation)?;
//! let linear = fit_pca(&train, &validation, 1, Scaling::Auto)?;
//!
//! // Mean squared error on points it has not seen, where always answering the mean would give 1.
//! assert!(model.record().validation_loss < 0.1);
//! assert!(linear.record().validation_loss > 0.3);
//!
//! let codes = model.encode(&validation)?;
//! assert_eq!(codes.dim(), (400, 1));
//! assert_eq!(model.decode(codes.view())?.dim(), (400, 3));
//!
//! // The model is a file; what it does stays the same to the last bit.
//! let again = Autoencoder::from_bytes(&model.to_bytes()?)?;
//! assert_eq!(again.encode(&validation)?, codes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same seed gives the same model, bit for bit, with any number of threads. Nothing here reads or writes any format but the
//! model's own; the crate `enkoder-data` has the readers.
//!
//! What is marked `#[non_exhaustive]` may get more variants or fields with any version. So may options, such as [`TrainingConfig`], [`Adam`]
//! and [`anomaly::DetectorConfig`]; they are plain structs, so end a literal with `..Default::default()`.

pub mod anomaly;
mod atomic_file;
mod autoencoder;
pub mod codec;
mod dataset;
pub mod denoising;
mod filling;
pub mod metrics;
mod model_file;
mod network;
mod pca;
mod preset;
mod random;
mod rows;
mod scaling;
mod schema;
mod tensor_file;
mod training;

/// What the other crates of this workspace need to write files as models are written. It is no part of the interface, and may change
/// with any version.
#[doc(hidden)]
pub mod workspace {
    pub use crate::atomic_file::{Overwrite, check_writable, write_atomically};
}

pub use autoencoder::{Autoencoder, DataRecord, ModelError, Session, TrainingRecord};
pub use dataset::{Dataset, DatasetError, DatasetValue, Labels, ValueSummary, WholeImage};
pub use filling::fill_from_nearest;
pub use model_file::ModelFileError;
pub use network::{
    Activation, Architecture, ArchitectureError, LayerSpec, LayerSummary, Node, PerAxis, Program, Tensor,
    UnknownActivation, layers,
};
pub use pca::{Components, PcaError, fit_pca, principal_components};
pub use preset::{Preset, UnknownPreset};
pub use rows::{RowAxes, RowValue, Rows, RowsError};
pub use scaling::{Scaler, ScalerCoefficients, ScalerError, Scaling};
pub use schema::{Cell, CellError, Column, ColumnEncoder, ColumnKind, Encoded, Schema, SchemaEncoder};
pub use tensor_file::TensorFileError;
pub use training::{
    Adam, Checkpoint, CheckpointError, ConfigError, Corruption, CorruptionError, EpochRecord, History, Loss,
    NoiseLevel, NoiseLevelError, Penalty, Progress, Schedule, Stopped, Task, Trainer, TrainingConfig, TrainingError,
};
