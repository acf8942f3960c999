//! What happened in each epoch, and how the run ended.

use serde::{Deserialize, Serialize};

/// One epoch. Times are not stored with a model, so that the same training gives the same file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochRecord {
    /// The epoch's number, from 1.
    pub epoch: usize,
    /// Mean loss over the epoch's steps, while the parameters changed; without penalty.
    pub train_loss: f64,
    /// Mean penalty over the epoch's steps; 0 without one.
    pub penalty: f64,
    /// Loss over the validation samples after the epoch. Where training damages its inputs, these are damaged too, and alike after every
    /// epoch.
    pub validation_loss: f64,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f32,
    /// Seconds spent in training steps, validation not counted.
    #[serde(skip)]
    pub seconds: f64,
    /// Training samples a second.
    #[serde(skip)]
    pub samples_per_second: f64,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// After all its epochs.
    Completed,
    /// The validation loss had stopped improving.
    Early,
    /// The caller asked for it.
    Interrupted,
    /// The loss became infinite or not a number; the model is the best epoch's before that.
    Diverged,
}

/// All epochs of a run. The model kept is the best epoch's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct History {
    /// The epochs in order.
    pub epochs: Vec<EpochRecord>,
    /// The epoch with the lowest validation loss, from 1.
    pub best_epoch: usize,
    /// How the run ended.
    pub stopped: Stopped,
}

impl History {
    /// The record of the best epoch.
    pub fn best(&self) -> Option<&EpochRecord> {
        self.epochs.get(self.best_epoch.checked_sub(1)?)
    }
}
