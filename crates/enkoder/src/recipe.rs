//! A training in one line. A [`Recipe`] is a kind of network and how it is trained; what else has to be decided (the split, the
//! activation of the output, the scaling, what the model is calibrated on) it decides from the samples, as the command does.

mod error;
mod layers;
mod network;
mod options;
mod preset;
mod split;

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::slice;

use self::network::{Activations, Network, default_latent};
use self::split::{Cutting, Validation};
use crate::autoencoder::Autoencoder;
use crate::codec::Calibration;
use crate::dataset::{Dataset, WholeImage, warn_of_coarse};
use crate::denoising::Noise;
use crate::network::{Activation, Architecture};
use crate::pca::fit_pca;
use crate::rows::Rows;
use crate::scaling::Scaling;
use crate::training::{Checkpoint, Corruption, Progress, Task, Trainer, TrainingConfig};

pub use self::error::RecipeError;
pub use self::layers::{Layers, UnknownLayer};
pub use self::options::{NetworkKind, OptionsError, RecipeOptions};
pub use self::preset::{Preset, UnknownPreset};
pub use self::split::Split;

/// The part of the pixels that a blind training hides: few enough that their neighbours are seldom hidden too.
const BLIND_SPOTS: f32 = 0.06;

type OnProgress<'a> = Box<dyn FnMut(Progress<'_>) -> ControlFlow<()> + Send + 'a>;

/// What makes the model.
#[derive(Clone, Debug)]
enum Method {
    Train(Network),
    Resume(Box<Checkpoint>),
    /// Principal components, so many.
    Linear(Option<usize>),
}

/// How to make a model of some samples, from which the rest follows:
///
/// - A fifth of the samples, drawn by the seed, is kept apart to [validate](Self::validation) with. The model of the epoch that does
///   best on it is the one that is returned.
/// - Values are scaled [as their type asks for](Scaling::Auto), by what the training samples are.
/// - The output is a sigmoid where scaled values lie in 0..1, and linear elsewhere.
/// - A denoiser learns from patches of images, with Gaussian noise of 5 to 50 255ths.
/// - A model that gives back its input is [calibrated](Calibration) on the validation samples, for the codec.
///
/// What was decided stands in the model's [architecture](Autoencoder::architecture), [scaler](Autoencoder::scaler) and
/// [record](Autoencoder::record). The same samples and the same seed make the same model, bit for bit.
///
/// ```
/// use enkoder::Recipe;
/// use ndarray::Array2;
///
/// // 500 points on a circle: one number tells them apart.
/// let circle = Array2::from_shape_fn((500, 2), |(i, j)| if j == 0 { (i as f64).cos() } else { (i as f64).sin() });
/// let recipe = Recipe::dense(&[16], 1).epochs(10).seed(7);
/// let split = recipe.split(&circle)?;
/// let model = recipe.fit_split(&split)?;
/// assert_eq!(model.encode(&split.validation)?.dim(), (100, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A [`Trainer`] trains any architecture with any options, and decides nothing.
pub struct Recipe<'a> {
    method: Method,
    activations: Activations,
    config: TrainingConfig,
    cutting: Cutting,
    on_progress: Option<OnProgress<'a>>,
    checkpoints: Option<(PathBuf, usize)>,
}

impl fmt::Debug for Recipe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipe")
            .field("method", &self.method)
            .field("activations", &self.activations)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Kinds of networks.
impl<'a> Recipe<'a> {
    /// Numbers in a code where none are asked for: so many, but at most half as many as a sample has values, for a network that can
    /// copy a sample learns nothing. One that has more to do than to copy (noise to take out, gaps to fill, a penalty, other samples to
    /// make) gets so many whatever a sample has.
    pub const LATENT: usize = 10;
    /// Channels and convolutions of a [denoiser](Self::denoiser) where none are asked for.
    pub const DENOISER: (usize, usize) = (48, 8);

    fn new(method: Method, config: TrainingConfig) -> Self {
        let (activations, cutting) = (Activations::default(), Cutting::default());
        Self { method, activations, config, cutting, on_progress: None, checkpoints: None }
    }

    fn train(network: Network, config: TrainingConfig) -> Self {
        Self::new(Method::Train(network), config)
    }

    /// Dense layers of these widths, from the outermost in, around a code of `latent` numbers, or as many as [suit](Self::LATENT) the
    /// samples where `None` is given: see [`Architecture::dense`].
    pub fn dense(hidden: &[usize], latent: impl Into<Option<usize>>) -> Self {
        let (hidden, latent) = (hidden.to_vec(), latent.into());
        Self::train(Network::Dense { hidden, latent }, TrainingConfig::default())
    }

    /// Convolutions of these channels and dense layers of these widths around a code of `latent` numbers, or as many as
    /// [suit](Self::LATENT) the samples, for images: see [`Architecture::convolutional`].
    pub fn convolutional(channels: &[usize], hidden: &[usize], latent: impl Into<Option<usize>>) -> Self {
        let (channels, hidden, latent) = (channels.to_vec(), hidden.to_vec(), latent.into());
        Self::train(Network::Convolutional { channels, hidden, latent }, TrainingConfig::default())
    }

    /// `depth` convolutions of this many channels, which find the noise in images of any size: see [`Architecture::denoiser`]. Give it
    /// [whole images](Self::fit_images), clean ones: the noise is added.
    pub fn denoiser(channels: usize, depth: usize) -> Self {
        Self::train(Network::Denoiser { channels, depth }, TrainingConfig::for_denoising())
    }

    /// `latent` principal components, or as many as [suit](Self::LATENT) the samples, computed in closed form: see [`fit_pca`]. Of all
    /// options only the scaling, the seed and the part that validates have a meaning for it.
    pub fn linear(latent: impl Into<Option<usize>>) -> Self {
        Self::new(Method::Linear(latent.into()), TrainingConfig::default())
    }

    /// The layers of this architecture, for samples of whatever shape is given.
    pub fn of_layers(architecture: Architecture) -> Self {
        Self::train(Network::Layers(architecture), TrainingConfig::default())
    }

    /// Goes on with a training where its checkpoint ended, to the same bits as if it had never stopped: give it the same samples, which it
    /// splits as they were. All options are those of before; [more epochs](Self::epochs), another
    /// [patience](TrainingConfig::patience) and another number of [threads](Self::threads) may be asked for.
    pub fn resume(checkpoint: Checkpoint) -> Self {
        let config = checkpoint.config().clone();
        let cutting = Cutting::of(&checkpoint);
        Self { cutting, ..Self::new(Method::Resume(Box::new(checkpoint)), config) }
    }
}

/// How it is trained.
impl<'a> Recipe<'a> {
    /// The activation and all training options of a preset, in place of what was asked for before. The widths stay as they are:
    /// [`Preset::hidden`] and [`Preset::convolutions`] have the preset's.
    pub fn with_preset(mut self, preset: Preset) -> Self {
        self.activations.hidden = Some(preset.activation());
        self.with_config(preset.config())
    }

    /// All options of the training, in place of what was asked for before.
    pub fn with_config(self, config: TrainingConfig) -> Self {
        Self { config, ..self }
    }

    /// The options of the training as they are so far, for [`with_config`](Self::with_config) to change some.
    pub fn config(&self) -> &TrainingConfig {
        &self.config
    }

    /// How many times every training sample is seen. A resumed training may be given more than it began with.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.config.epochs = epochs;
        self
    }

    /// Samples in one step. Default 128; of a denoiser 16.
    pub fn batch_size(mut self, samples: usize) -> Self {
        self.config.batch_size = samples;
        self
    }

    /// The seed of the split, the weights and the order of the samples. Default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// The number of threads, which does not change the result. Default: all that the machine has.
    pub fn threads(mut self, threads: usize) -> Self {
        self.config.threads = Some(threads);
        self
    }

    /// How values are scaled. Default: [`Scaling::Auto`].
    pub fn scaling(mut self, scaling: Scaling) -> Self {
        self.config.scaling = scaling;
        self
    }

    /// Damages the inputs, which the network learns to undo. In scaled units; of a denoiser, the standard deviation of Gaussian noise
    /// in 255ths, as in [`Noise`].
    pub fn noise(mut self, noise: Corruption) -> Self {
        let denoiser = matches!(self.method, Method::Train(Network::Denoiser { .. }));
        self.config.corruption = Some(if denoiser { Noise::of(noise).corruption() } else { noise });
        self
    }

    /// Learns to denoise images from noisy ones alone: some pixels are hidden, and told from those around them (Noise2Self).
    pub fn blind(mut self) -> Self {
        self.config.corruption = Some(Corruption::BlindSpots { fraction: BLIND_SPOTS.into() });
        self
    }

    /// The part of the samples that is not trained on but validates, between 0 and 1; at least one sample. Default 0.2.
    pub fn validation(mut self, fraction: f64) -> Self {
        self.cutting.validation = Validation::Part(fraction);
        self
    }

    /// The height and width of patches that are cut from whole images, in pixels. Default 40 × 40.
    pub fn patch_size(mut self, size: [usize; 2]) -> Self {
        self.cutting.patch = size;
        self
    }

    /// How many patches an epoch has. Default 50,000.
    pub fn patches(mut self, count: usize) -> Self {
        self.cutting.patches = count;
        self
    }

    /// The activation of hidden layers. Default: ReLU.
    pub fn with_activation(mut self, activation: Activation) -> Self {
        self.activations.hidden = Some(activation);
        self
    }

    /// The activation of the code. Default: linear; of a denoiser, as the hidden layers'.
    pub fn with_latent_activation(mut self, activation: Activation) -> Self {
        self.activations.latent = Some(activation);
        self
    }

    /// The activation of the output. Default: sigmoid where the scaled values lie in 0..1, and linear elsewhere; of a denoiser linear.
    pub fn with_output_activation(mut self, activation: Activation) -> Self {
        self.activations.output = Some(activation);
        self
    }

    /// Calls `on_progress` after every step and every epoch; see [`Trainer::with_progress`].
    pub fn with_progress(mut self, on_progress: impl FnMut(Progress<'_>) -> ControlFlow<()> + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(on_progress));
        self
    }

    /// Writes a [`Checkpoint`] to `path` after every `every` epochs (at least 1), replacing the one before.
    pub fn with_checkpoints(mut self, path: impl Into<PathBuf>, every: usize) -> Self {
        self.checkpoints = Some((path.into(), every));
        self
    }
}

/// What it is trained on.
impl Recipe<'_> {
    /// A model of these samples: a view of memory with any strides, an array or a [data set](crate::Dataset), of which the last is
    /// not copied.
    ///
    /// ```
    /// use enkoder::Recipe;
    /// use ndarray::{Array2, s};
    ///
    /// let table = Array2::from_shape_fn((400, 6), |(row, column)| ((row * (column + 1)) as f64 * 0.01).sin());
    /// let model = Recipe::dense(&[16], 2).epochs(5).fit(table.slice(s![.., 2..]))?;
    /// assert_eq!(model.architecture().summary(), "4-16-2-16-4");
    /// # Ok::<(), enkoder::RecipeError>(())
    /// ```
    ///
    /// # Errors
    /// When the samples cannot be split, or do not go with the network or the options; later, when the very first epoch diverges.
    pub fn fit<'r>(self, samples: impl Into<Rows<'r>>) -> Result<Autoencoder, RecipeError> {
        let split = self.split(samples)?;
        self.fit_split(&split)
    }

    /// A model that makes these targets of these inputs, sample by sample. Targets of the inputs' shape are scaled as the inputs are,
    /// others in a way of their own.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and when there is not one target for each input.
    pub fn fit_pairs<'r>(
        self,
        inputs: impl Into<Rows<'r>>,
        targets: impl Into<Rows<'r>>,
    ) -> Result<Autoencoder, RecipeError> {
        let split = self.split_pairs(inputs, targets)?;
        self.fit_split(&split)
    }

    /// A model of [patches](Self::patch_size) of whole images of any sizes.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and when an image is smaller than a patch or has other channels than the first.
    pub fn fit_images(
        self,
        name: impl Into<String>,
        images: impl Into<Vec<WholeImage>>,
    ) -> Result<Autoencoder, RecipeError> {
        let split = self.split_images(name, images, None)?;
        self.fit_split(&split)
    }

    /// The layers that a training with these samples would have; `None` of principal components, and of a training that goes on.
    ///
    /// # Errors
    /// When the samples do not go with the scaling.
    pub fn architecture(&self, split: &Split) -> Result<Option<Architecture>, RecipeError> {
        match &self.method {
            Method::Train(network) => network.architecture(self.activations, &self.config, split).map(Some),
            Method::Resume(_) | Method::Linear(_) => Ok(None),
        }
    }

    /// A model of samples that were split already, by [`split`](Self::split) or by hand.
    ///
    /// # Errors
    /// When the samples do not go with the network or the options; later, when the very first epoch diverges.
    pub fn fit_split(self, split: &Split) -> Result<Autoencoder, RecipeError> {
        let Self { method, activations, config, on_progress, checkpoints, .. } = self;
        let Split { train, validation, targets, blocks } = split;
        warn_of_coarse(slice::from_ref(train), &[]);
        let mut trainer = match method {
            Method::Train(network) => Trainer::new(network.architecture(activations, &config, split)?, config),
            Method::Resume(mut checkpoint) => {
                let TrainingConfig { epochs, patience, threads, .. } = config;
                let before = TrainingConfig { epochs, patience, threads, ..checkpoint.config().clone() };
                if config != before || activations != Activations::default() {
                    return Err(RecipeError::OtherOptions);
                }
                checkpoint.state.config.patience = patience;
                Trainer::resume(*checkpoint, threads).with_epochs(epochs)
            }
            Method::Linear(_) if targets.is_some() => return Err(RecipeError::LinearTargets),
            Method::Linear(_) if blocks.is_some() => return Err(RecipeError::LinearBlocks),
            Method::Linear(latent) => {
                // So many rows span one direction less.
                let most = train.len().saturating_sub(1).max(1);
                let latent = latent.unwrap_or_else(|| default_latent(train.features()).min(most));
                return calibrated(fit_pca(train, validation, latent, config.scaling)?, validation);
            }
        };
        if let Some(on_progress) = on_progress {
            trainer = trainer.with_progress(on_progress);
        }
        if let Some((path, every)) = checkpoints {
            trainer = trainer.with_checkpoints(path, every);
        }
        let model = match targets {
            _ if let Some(blocks) = blocks => trainer.fit_blocks(blocks, validation)?,
            Some((train_targets, validation_targets)) => {
                trainer.fit_pairs((train, train_targets), (validation, validation_targets))?
            }
            None => trainer.fit(train, validation)?,
        };
        calibrated(model, validation)
    }
}

/// The model with what samples that it has not learned from reveal of it, where it reconstructs its own input from a code.
fn calibrated(model: Autoencoder, held_out: &Dataset) -> Result<Autoencoder, RecipeError> {
    let task = model.task();
    if !task.reconstructs() || task == Task::Blind || model.architecture().needs_sample().is_some() {
        return Ok(model);
    }
    let calibration = Calibration::from_held_out(&model, held_out)?;
    Ok(model.with_calibration(calibration)?)
}
