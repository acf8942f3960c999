//! Checkpoints: everything that an interrupted training needs to go on to the same bits as if it had never stopped. One
//! safetensors file with the tensors `parameters`, `first_moment`, `second_moment` and `best_parameters`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::config::TrainingConfig;
use super::history::EpochRecord;
use crate::network::{Architecture, ArchitectureError};
use crate::scaling::{Scaler, ScalerError};
use crate::tensor_file::{TensorFile, TensorFileError};

const KIND: &str = "enkoder.checkpoint";
const VERSION: u32 = 1;

/// Why a [`Checkpoint`] could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] TensorFileError),
    /// The architecture in it is impossible.
    #[error("the checkpoint's architecture is damaged")]
    Architecture(#[from] ArchitectureError),
    /// The scaler in it is damaged.
    #[error("the checkpoint's scaler is damaged")]
    Scaler(#[from] ScalerError),
    /// The numbers in it contradict each other.
    #[error("the checkpoint is damaged: {0}")]
    Damaged(&'static str),
}

/// A training between two epochs.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    pub(crate) state: State,
    pub(crate) parameters: Vec<f32>,
    pub(crate) first_moment: Vec<f32>,
    pub(crate) second_moment: Vec<f32>,
    pub(crate) best_parameters: Vec<f32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) architecture: Architecture,
    pub(crate) config: TrainingConfig,
    pub(crate) scaler: Scaler,
    pub(crate) epochs: Vec<EpochRecord>,
    pub(crate) best_epoch: usize,
    pub(crate) step: u64,
    pub(crate) train_fingerprint: String,
    pub(crate) validation_fingerprint: String,
}

impl Checkpoint {
    /// Reads a checkpoint.
    ///
    /// # Errors
    /// When the file cannot be read, is no checkpoint, or is damaged.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        Self::from_file(TensorFile::load(path.as_ref(), KIND, VERSION)?)
    }

    /// Reads a checkpoint from the bytes of its file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        Self::from_file(TensorFile::from_bytes(bytes, KIND, VERSION)?)
    }

    fn from_file(mut file: TensorFile) -> Result<Self, CheckpointError> {
        let state: State = file.metadata()?;
        state.architecture.validate()?;
        state.scaler.validate(state.architecture.features())?;
        let length = state.architecture.parameters();
        let mut tensor = |name| file.take(name, &[length]);
        let checkpoint = Self {
            parameters: tensor("parameters")?,
            first_moment: tensor("first_moment")?,
            second_moment: tensor("second_moment")?,
            best_parameters: tensor("best_parameters")?,
            state,
        };
        let epochs = checkpoint.state.epochs.len();
        if epochs == 0 || !(1..=epochs).contains(&checkpoint.state.best_epoch) {
            return Err(CheckpointError::Damaged("its best epoch is not one of its epochs"));
        }
        if checkpoint.second_moment.iter().any(|&v| v < 0.0) {
            return Err(CheckpointError::Damaged("a second moment is negative"));
        }
        Ok(checkpoint)
    }

    pub(crate) fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let tensors = [
            ("parameters", &self.parameters),
            ("first_moment", &self.first_moment),
            ("second_moment", &self.second_moment),
            ("best_parameters", &self.best_parameters),
        ]
        .map(|(name, values)| (name.to_owned(), vec![values.len()], &values[..]));
        Ok(TensorFile::save(path, KIND, VERSION, &self.state, tensors)?)
    }

    /// The epochs done.
    pub fn epoch(&self) -> usize {
        self.state.epochs.len()
    }

    /// The network in training.
    pub fn architecture(&self) -> &Architecture {
        &self.state.architecture
    }

    /// The options of the run; [`threads`](TrainingConfig::threads) is not among what is stored.
    pub fn config(&self) -> &TrainingConfig {
        &self.state.config
    }
}
