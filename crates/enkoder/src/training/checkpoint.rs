//! Checkpoints: everything that an interrupted training needs to go on to the same bits as if it had never stopped. One
//! safetensors file with the tensors `parameters`, `first_moment`, `second_moment` and `best_parameters`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::blocks::{BlockPlan, TrainingBlocks};
use super::config::TrainingConfig;
use super::error::TrainingError;
use super::history::EpochRecord;
use super::pairs::Pair;
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
    /// After how many epochs each is written. Older files do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) every: Option<usize>,
    #[serde(flatten)]
    pub(crate) origin: Origin,
}

/// What a checkpoint knows of the data that its training is given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) train_fingerprint: String,
    validation_fingerprint: String,
    /// How many there are. Older files do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validation_samples: Option<usize>,
    /// Of training and validation, where what is to be made of samples is not themselves. Older files do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target_fingerprints: Option<[String; 2]>,
    /// How many are cut from whole images for an epoch, where the samples are patches. Older files do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patches: Option<usize>,
    /// How they are taken, where they are read in blocks. Older files do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocks: Option<BlockPlan>,
}

impl Origin {
    pub(super) fn of(train: Pair<'_>, validation: Pair<'_>) -> Self {
        let targets = train.targets.zip(validation.targets);
        Self {
            train_fingerprint: train.fingerprint(),
            validation_fingerprint: validation.inputs.fingerprint(),
            validation_samples: Some(validation.inputs.len()),
            target_fingerprints: targets.map(|(train, validation)| [train.fingerprint(), validation.fingerprint()]),
            patches: train.inputs.is_patches().then_some(train.inputs.len()),
            blocks: train.blocks.map(TrainingBlocks::plan),
        }
    }

    /// Checks that a training is given this data again.
    pub(super) fn check(&self, given: &Self) -> Result<(), TrainingError> {
        let known_targets = &self.target_fingerprints;
        let same = [
            ("training", self.train_fingerprint == given.train_fingerprint && self.blocks == given.blocks),
            ("validation", self.validation_fingerprint == given.validation_fingerprint),
            ("target", known_targets.is_none() || known_targets == &given.target_fingerprints),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            Some((what, _)) => Err(TrainingError::OtherData(what)),
            None => Ok(()),
        }
    }
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
        // The square of a large gradient is infinite, and a training goes on with it: that parameter then stays as it is.
        let square = |value: f32| value >= 0.0;
        let checkpoint = Self {
            parameters: file.take("parameters", &[length])?,
            first_moment: file.take("first_moment", &[length])?,
            second_moment: file.take_where("second_moment", &[length], square)?,
            best_parameters: file.take("best_parameters", &[length])?,
            state,
        };
        checkpoint.check().map_err(CheckpointError::Damaged)?;
        Ok(checkpoint)
    }

    /// Checks that the numbers go together, and that a training can go on with them.
    fn check(&self) -> Result<(), &'static str> {
        let State { epochs, best_epoch, step, .. } = &self.state;
        if !(1..=epochs.len()).contains(best_epoch) {
            return Err("its best epoch is not one of its epochs");
        }
        let done = epochs.len() as u64;
        if !step.is_multiple_of(done) || step / done > u64::from(u32::MAX) {
            return Err("its steps are not those of whole epochs");
        }
        Ok(())
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

    /// The epoch with the lowest validation loss so far, from 1.
    pub fn best_epoch(&self) -> usize {
        self.state.best_epoch
    }

    /// After how many epochs each the training wrote a checkpoint. `None` of files that older versions wrote.
    pub fn every(&self) -> Option<usize> {
        self.state.every
    }

    /// How many samples validate. `None` of files that older versions wrote.
    pub fn validation_samples(&self) -> Option<usize> {
        self.state.origin.validation_samples
    }

    /// The network in training.
    pub fn architecture(&self) -> &Architecture {
        &self.state.architecture
    }

    /// How many patches are cut from whole images for an epoch, where it learns from such: of the size of its architecture's
    /// input. `None` also of files that older versions wrote.
    pub fn patches(&self) -> Option<usize> {
        self.state.origin.patches
    }

    /// Whether the samples are read in blocks, because there may be more than memory holds.
    pub fn reads_blocks(&self) -> bool {
        self.state.origin.blocks.is_some()
    }

    /// How they are.
    pub(crate) fn block_plan(&self) -> Option<BlockPlan> {
        self.state.origin.blocks
    }

    /// The options of the run; [`threads`](TrainingConfig::threads) is not among what is stored.
    pub fn config(&self) -> &TrainingConfig {
        &self.state.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Dataset;
    use crate::training::Trainer;
    use ndarray::Array2;

    #[test]
    fn numbers_that_no_training_can_go_on_with_are_refused() {
        let data = Array2::from_shape_fn((10, 3), |(row, column)| (row * 5 + column) as f32);
        let (train, validation) = Dataset::from_f32("rows", data).unwrap().split(0.2, 0).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        let config = TrainingConfig { epochs: 2, ..TrainingConfig::default() };
        let trainer = Trainer::new(Architecture::dense([3], &[], 1), config).with_checkpoints(&path, 1);
        trainer.fit(&train, &validation).unwrap();
        let whole = Checkpoint::load(&path).unwrap();
        let damaged = |damage: fn(&mut Checkpoint)| {
            let mut checkpoint = whole.clone();
            damage(&mut checkpoint);
            checkpoint.save(&path).unwrap();
            Checkpoint::load(&path).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(damaged(|_| ()), Ok(()));
        assert_eq!(damaged(|checkpoint| checkpoint.second_moment[0] = f32::INFINITY), Ok(()));
        type Damage = fn(&mut Checkpoint);
        let damages: [(Damage, &str); 8] = [
            (|checkpoint| checkpoint.parameters[0] = f32::NAN, "holds NaN"),
            (|checkpoint| checkpoint.best_parameters[0] = f32::INFINITY, "holds inf"),
            (|checkpoint| checkpoint.first_moment[0] = f32::NEG_INFINITY, "holds -inf"),
            (|checkpoint| checkpoint.second_moment[0] = -1.0, "\"second_moment\" holds -1"),
            (|checkpoint| checkpoint.second_moment[0] = f32::NAN, "\"second_moment\" holds NaN"),
            (|checkpoint| checkpoint.state.best_epoch = 3, "best epoch"),
            (|checkpoint| checkpoint.state.step += 1, "whole epochs"),
            (|checkpoint| checkpoint.state.step = u64::MAX - 1, "whole epochs"),
        ];
        for (damage, expected) in damages {
            let error = damaged(damage).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
