//! Where a model comes from: the data, the options and the course of its training.

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::training::{History, TrainingConfig};

/// What a model was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DataRecord {
    /// The data's name.
    pub name: String,
    /// Samples trained on.
    pub train_samples: usize,
    /// Samples validated on.
    pub validation_samples: usize,
    /// Shape of one sample.
    pub shape: Vec<usize>,
    /// Bytes of one value as stored: 1 for u8, 4 for f32.
    pub bytes_per_value: usize,
    /// SHA-256 of the training samples, see [`Dataset::fingerprint`].
    pub fingerprint: String,
    /// The share of the training samples' values that were missing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing: f64,
    /// Whether the samples were [patches](Dataset::from_patches) of larger images.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub patches: bool,
}

fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

impl DataRecord {
    pub(crate) fn of(train: &Dataset, validation: &Dataset, fingerprint: String) -> Self {
        Self {
            name: train.name().to_owned(),
            train_samples: train.len(),
            validation_samples: validation.len(),
            shape: train.shape().to_vec(),
            bytes_per_value: train.bytes_per_value(),
            fingerprint,
            missing: 1.0 - train.share_observed(),
            patches: train.is_patches(),
        }
    }
}

/// What a model reached on samples that it has not learned from, beside what it has to beat: mean squared errors over samples and
/// values, in scaled units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Samples measured.
    pub samples: usize,
    /// Error of the model.
    pub mse: f64,
    /// Principal components of the training samples.
    pub pca_components: usize,
    /// Error of these.
    pub pca_mse: f64,
    /// Error of answering every sample with the mean of the training samples.
    pub mean_mse: f64,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrainingRecord {
    /// The options of its training; `None` for a model in closed form.
    pub config: Option<TrainingConfig>,
    /// The epochs of its training; `None` for a model in closed form.
    pub history: Option<History>,
    /// The data it was trained on.
    pub data: DataRecord,
    /// Loss over the training samples, in scaled units; for a trained network the mean over the best epoch's steps.
    pub train_loss: f64,
    /// Loss over the validation samples, in scaled units; damaged where training damaged its inputs.
    pub validation_loss: f64,
    /// What was measured after the training, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<Results>,
    /// Seconds that the training took. Not stored, so that the same training gives the same file.
    #[serde(skip)]
    pub seconds: f64,
}
