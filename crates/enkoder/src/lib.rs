//! Autoencoders: networks that learn the structure of data by copying it through a narrow code.
//!
//! A [`Recipe`] makes an [`Autoencoder`] of samples in memory: it is a kind of network and how it is trained, and decides the rest. The
//! model encodes, decodes, reconstructs, and saves itself to one file.
//!
//! ```toml
//! [dependencies]
//! enkoder = "0.1"
//! ndarray = "0.17" # also `enkoder::ndarray`
//! ```
//!
//! ```
//! use enkoder::{Autoencoder, Dataset, Recipe};
//! use ndarray::Array2;
//!
//! // A spiral in three dimensions: two numbers more than it needs.
//! let spiral = Array2::from_shape_fn((2000, 3), |(i, j)| {
//!     let t = i as f32 * 0.005;
//!     [t.cos() * t, t.sin() * t, t][j]
//! });
//! let spiral = Dataset::from_f32("spiral", spiral)?;
//! let model = Recipe::dense(&[64, 32], 1).epochs(60).batch_size(32).fit(&spiral)?;
//! let linear = Recipe::linear(1).fit(&spiral)?;
//!
//! // Mean squared error on the fifth that validates, where always answering the mean would give 1.
//! assert!(model.record().validation_loss < 0.1);
//! assert!(linear.record().validation_loss > 0.3);
//!
//! let codes = model.encode(&spiral)?;
//! assert_eq!(codes.dim(), (2000, 1));
//! assert_eq!(model.decode(codes.view())?.dim(), (2000, 3));
//!
//! // The model is a file; what it does stays the same to the last bit.
//! let again = Autoencoder::from_bytes(&model.to_bytes()?)?;
//! assert_eq!(again.encode(&spiral)?, codes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Below it, nothing is decided for you. Samples to train on are a [`Dataset`]. An [`Architecture`] says which network is wanted, a
//! [`TrainingConfig`] how it is trained, and a [`Trainer`] does it; [`fit_pca`] gives the linear autoencoder in closed form: the
//! baseline to show any result beside.
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
#[cfg(feature = "hot-loops")]
#[doc(hidden)]
pub mod hot_loops;
mod least_squares;
pub mod metrics;
mod model_file;
mod network;
mod pca;
mod random;
mod recipe;
mod rows;
mod scaling;
mod schema;
mod tensor_file;
mod training;
mod warnings;

/// What the other crates of this workspace need to write files as models are written, and to show warnings. It is no part of the
/// interface, and may change with any version.
#[doc(hidden)]
pub mod workspace {
    pub use crate::atomic_file::{Overwrite, check_writable, write_atomically};
    pub use crate::warnings::hear_warnings;
}

pub use autoencoder::{Autoencoder, DataRecord, ModelError, Results, Session, TrainingRecord};
pub use dataset::{
    Dataset, DatasetError, DatasetValue, Labels, Quantity, SampleBlock, SampleReader, StoredDataset, ValueSummary,
    WholeImage,
};
pub use filling::fill_from_nearest;
pub use model_file::ModelFileError;
pub use ndarray;
pub use network::{
    Activation, Architecture, ArchitectureError, LayerSpec, LayerSummary, Node, PerAxis, Program, Tensor,
    UnknownActivation, layers,
};
pub use pca::{Components, PcaError, fit_pca, principal_components};
pub use recipe::{
    Layers, NetworkKind, OptionsError, Preset, Recipe, RecipeError, RecipeOptions, Split, UnknownLayer, UnknownPreset,
};
pub use rows::{RowAxes, RowValue, Rows, RowsError};
pub use scaling::{Scaler, ScalerCoefficients, ScalerError, Scaling};
pub use schema::{
    Cell, CellError, Column, ColumnEncoder, ColumnKind, Encoded, LeftOut, Schema, SchemaEncoder, WhyLeftOut,
};
pub use tensor_file::TensorFileError;
pub use training::{
    Adam, Checkpoint, CheckpointError, ConfigError, Corruption, CorruptionError, EpochRecord, History, Loss,
    NoiseLevel, NoiseLevelError, ObjectiveError, Penalty, Progress, Schedule, Stopped, Task, Trainer, TrainingBlocks,
    TrainingConfig, TrainingError, UnknownSchedule,
};
