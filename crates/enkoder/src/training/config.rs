//! The options of a training run, with their defaults, checked once before anything else happens.

use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::corruption::{Corruption, NoiseLevel};
use super::objective::{Loss, Penalty};
use super::schedule::Schedule;
use super::task::Task;
use crate::network::{Activation, Architecture, LayerSpec};
use crate::scaling::Scaling;

/// Why a [`TrainingConfig`] cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number is outside its range.
    #[error("{option} is {value}, but must be {range}")]
    Range {
        /// The option's name.
        option: &'static str,
        /// The value given.
        value: f64,
        /// What is allowed, in words.
        range: &'static str,
    },
    /// A penalty that is defined for dense encoders alone.
    #[error("the contractive penalty needs an encoder of dense layers\nhint: use another penalty, or noise")]
    ContractiveConvolution,
    /// An option needs a certain activation.
    #[error("{option} needs a sigmoid {layer} layer, but it is {found}")]
    Activation {
        /// The option's name.
        option: &'static str,
        /// The layer: `output` or `latent`.
        layer: &'static str,
        /// Its activation.
        found: Activation,
    },
}

/// How to train.
///
/// ```
/// use enkoder::{Loss, TrainingConfig};
///
/// let config = TrainingConfig { epochs: 5, loss: Loss::MeanAbsolute, ..TrainingConfig::default() };
/// assert_eq!(config.batch_size, 128);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingConfig {
    /// How many times every training sample is seen. Default 20.
    pub epochs: usize,
    /// Samples in one step. Default 128; the last step of an epoch takes what is left.
    pub batch_size: usize,
    /// What is minimised. Default: mean squared error.
    pub loss: Loss,
    /// How a gradient becomes a change of the parameters.
    pub optimizer: Adam,
    /// How the learning rate changes over the run. Default: a rise over the first twentieth, then cosine to zero.
    pub schedule: Schedule,
    /// Longest allowed gradient (Euclidean norm over all parameters); a longer one is shortened to it.
    pub gradient_clip: Option<f32>,
    /// Damage done to the inputs, which the network learns to undo.
    pub corruption: Option<Corruption>,
    /// What the code is held to beside the loss.
    pub penalty: Option<Penalty>,
    /// Stop when the validation loss has not improved for this many epochs.
    pub patience: Option<usize>,
    /// How the data is brought into range.
    pub scaling: Scaling,
    /// Seed of everything random. The same seed gives the same model, bit for bit, for any number of threads.
    pub seed: u64,
    /// What the model learns to do. `None` before a training, for it follows from what the training is given; the options of a model or a
    /// checkpoint have it, and go on with nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// Threads to use; all that the machine has where `None`. Not stored: it does not change the result.
    #[serde(skip)]
    pub threads: Option<usize>,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch_size: 128,
            loss: Loss::default(),
            optimizer: Adam::default(),
            schedule: Schedule::default(),
            gradient_clip: None,
            corruption: None,
            penalty: None,
            patience: None,
            scaling: Scaling::Auto,
            seed: 0,
            task: None,
            threads: None,
        }
    }
}

impl TrainingConfig {
    /// How a [denoiser](Architecture::denoiser) is trained on patches of photographs: in small batches, because many steps teach more
    /// than large ones, with Gaussian noise of a standard deviation from 5 to 50 255ths.
    pub fn for_denoising() -> Self {
        let sigma = NoiseLevel::Range([5.0 / 255.0, 50.0 / 255.0]);
        Self { batch_size: 16, corruption: Some(Corruption::Gaussian { sigma }), ..Self::default() }
    }

    /// Checks every option by itself and against the architecture.
    pub fn validate(&self, architecture: &Architecture) -> Result<(), ConfigError> {
        let check = |option, value: f64, fits: bool, range| {
            if fits { Ok(()) } else { Err(ConfigError::Range { option, value, range }) }
        };
        check("epochs", self.epochs as f64, self.epochs >= 1, "at least 1")?;
        let batches = (1..=1 << 20).contains(&self.batch_size);
        check("batch size", self.batch_size as f64, batches, "from 1 to 1,048,576")?;
        check("threads", 0.0, self.threads != Some(0), "at least 1")?;
        check("patience", 0.0, self.patience != Some(0), "at least 1")?;
        if let Some(clip) = self.gradient_clip {
            check("gradient clip", clip.into(), clip > 0.0 && clip.is_finite(), "a positive number")?;
        }
        let Adam { learning_rate, beta1, beta2, epsilon, weight_decay } = self.optimizer;
        check(
            "learning rate",
            learning_rate.into(),
            learning_rate > 0.0 && learning_rate.is_finite(),
            "a positive number",
        )?;
        check("beta1", beta1.into(), (0.0..1.0).contains(&beta1), "from 0 to below 1")?;
        check("beta2", beta2.into(), (0.0..1.0).contains(&beta2), "from 0 to below 1")?;
        check("epsilon", epsilon.into(), epsilon > 0.0 && epsilon.is_finite(), "a positive number")?;
        check("weight decay", weight_decay.into(), (0.0..1.0).contains(&weight_decay), "from 0 to below 1")?;
        let warmup = self.schedule.warmup();
        check("warm-up", warmup.into(), (0.0..=1.0).contains(&warmup), "a fraction of the run from 0 to 1")?;
        if let Loss::Huber { delta } = self.loss {
            check("huber delta", delta.into(), delta > 0.0 && delta.is_finite(), "a positive number")?;
        }
        if let Some(corruption) = self.corruption {
            corruption.validate()?;
        }
        if let Some(penalty) = self.penalty {
            penalty.validate()?;
        }
        let dense = |layer: &LayerSpec| matches!(layer, LayerSpec::Dense(_));
        if matches!(self.penalty, Some(Penalty::Contractive { .. })) && !architecture.encoder.iter().all(dense) {
            return Err(ConfigError::ContractiveConvolution);
        }
        let layers = architecture.layers();
        let activation_of = |index: usize| layers.get(index).map_or(Activation::Linear, |layer| layer.activation);
        let output = activation_of(layers.len().saturating_sub(1));
        if self.loss == Loss::BinaryCrossEntropy && output != Activation::Sigmoid {
            return Err(ConfigError::Activation { option: "binary cross-entropy", layer: "output", found: output });
        }
        let latent = activation_of(architecture.encoder.len().saturating_sub(1));
        if matches!(self.penalty, Some(Penalty::KullbackLeibler { .. })) && latent != Activation::Sigmoid {
            return Err(ConfigError::Activation { option: "the KL penalty", layer: "latent", found: latent });
        }
        Ok(())
    }
}
