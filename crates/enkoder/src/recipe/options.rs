//! What a user asks of a training, option by option. The command and Python read their arguments into it, so that an option means the
//! same to both.

use std::str::FromStr;

use super::split::Validation;
use super::{Preset, Recipe};
use crate::network::{Activation, Architecture};
use crate::scaling::Scaling;
use crate::training::{Checkpoint, Corruption, Loss, Penalty, Schedule};

/// A kind of network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkKind {
    /// [Dense layers](Recipe::dense), trained by gradient descent.
    #[default]
    Dense,
    /// [Principal components](Recipe::linear), computed in closed form.
    Linear,
    /// [Convolutions](Recipe::convolutional) around a dense code, for images.
    Conv,
    /// [Convolutions](Recipe::denoiser) that find the noise in images of any size.
    Denoiser,
}

impl NetworkKind {
    /// What [`FromStr`] reads.
    pub const NAMES: [&str; 4] = ["dense", "linear", "conv", "denoiser"];
}

impl FromStr for NetworkKind {
    type Err = OptionsError;

    fn from_str(name: &str) -> Result<Self, OptionsError> {
        match name {
            "dense" => Ok(Self::Dense),
            "linear" => Ok(Self::Linear),
            "conv" => Ok(Self::Conv),
            "denoiser" => Ok(Self::Denoiser),
            _ => Err(OptionsError::Kind(name.to_owned())),
        }
    }
}

/// Options that have no meaning, or none together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// Not the name of a kind of network.
    #[error("unknown kind of network {0:?}: it is one of {names}", names = NetworkKind::NAMES.join(", "))]
    Kind(String),
    /// Channels of each layer of a denoiser.
    #[error("all layers of a denoiser have the same channels\nhint: give one number")]
    DenoiserChannels,
    /// A delta of another loss.
    #[error("a Huber delta is given, but the loss is not Huber's\nhint: add `Loss::Huber`")]
    HuberDelta,
    /// A training that is to go on for fewer epochs than are done.
    #[error(
        "{asked} epochs are fewer than the {done} that are done\nhint: give the number of epochs in all, with those that are done"
    )]
    Done {
        /// The epochs that are asked for.
        asked: usize,
        /// The epochs that the checkpoint has.
        done: usize,
    },
}

/// A training as it is asked for: `None` is the default, which a [preset](Self::preset) may change.
///
/// ```
/// use enkoder::RecipeOptions;
///
/// let options = RecipeOptions { epochs: Some(5), huber_delta: Some(0.1), ..RecipeOptions::default() };
/// assert!(options.clone().begin().is_err());
/// let recipe = RecipeOptions { loss: Some("huber".parse()?), ..options }.begin()?;
/// assert_eq!(recipe.config().epochs, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RecipeOptions {
    /// The kind of network, by default dense.
    pub kind: NetworkKind,
    /// All layers, in place of a kind of network, its widths and its code.
    pub layers: Option<Architecture>,
    /// Network and options that belong together; other options win.
    pub preset: Option<Preset>,
    /// Widths of the encoder's hidden layers, from the outermost in. Default: the preset's.
    pub hidden: Option<Vec<usize>>,
    /// Channels of convolutions, from the outermost in; of a denoiser one number. Default: the preset's, and [`Recipe::DENOISER`].
    pub channels: Option<Vec<usize>>,
    /// Convolutions of a denoiser. Default: [`Recipe::DENOISER`].
    pub depth: Option<usize>,
    /// Numbers in a code. Default: what [suits](Recipe::LATENT) the samples.
    pub latent: Option<usize>,
    /// See [`Recipe::with_activation`].
    pub activation: Option<Activation>,
    /// See [`Recipe::with_latent_activation`].
    pub latent_activation: Option<Activation>,
    /// See [`Recipe::with_output_activation`].
    pub output_activation: Option<Activation>,
    /// See [`Recipe::scaling`].
    pub scaling: Option<Scaling>,
    /// See [`Recipe::epochs`].
    pub epochs: Option<usize>,
    /// See [`Recipe::batch_size`].
    pub batch_size: Option<usize>,
    /// What is minimised. Default: mean squared error.
    pub loss: Option<Loss>,
    /// Where Huber's loss turns from squared to absolute, in scaled units. Default 1.
    pub huber_delta: Option<f32>,
    /// The highest learning rate of Adam. Default 0.004.
    pub learning_rate: Option<f32>,
    /// The weight decay of AdamW. Default 0.
    pub weight_decay: Option<f32>,
    /// How the learning rate changes. Default: cosine.
    pub schedule: Option<Schedule>,
    /// The fraction of the run in which the learning rate rises first, in place of the schedule's own.
    pub warmup: Option<f32>,
    /// The longest gradient. Default: any.
    pub clip: Option<f32>,
    /// What the code is held to. Default: nothing.
    pub penalty: Option<Penalty>,
    /// Epochs without improvement after which a training stops. Default: never.
    pub patience: Option<usize>,
    /// See [`Recipe::noise`].
    pub noise: Option<Corruption>,
    /// See [`Recipe::blind`]; noise wins.
    pub blind: bool,
    /// Height and width of [patches](Recipe::patch_size), in pixels.
    pub patch: Option<usize>,
    /// See [`Recipe::patches`].
    pub patches: Option<usize>,
    /// See [`Recipe::validation`]. A training that goes on and knows how its samples were split keeps to that.
    pub validation: Option<f64>,
    /// See [`Recipe::seed`].
    pub seed: Option<u64>,
    /// See [`Recipe::threads`].
    pub threads: Option<usize>,
}

impl RecipeOptions {
    /// The recipe of a training that begins.
    ///
    /// # Errors
    /// When options have no meaning together. Their ranges are checked when the training begins.
    pub fn begin<'a>(self) -> Result<Recipe<'a>, OptionsError> {
        let mut recipe = self.network()?;
        let config = &mut recipe.config;
        put(&mut config.scaling, self.scaling);
        put(&mut config.batch_size, self.batch_size);
        put(&mut config.loss, self.loss);
        if let Some(asked) = self.huber_delta {
            let Loss::Huber { delta } = &mut config.loss else { return Err(OptionsError::HuberDelta) };
            *delta = asked;
        }
        put(&mut config.optimizer.learning_rate, self.learning_rate);
        put(&mut config.optimizer.weight_decay, self.weight_decay);
        put(&mut config.schedule, self.schedule);
        let schedule = config.schedule;
        put(&mut config.schedule, self.warmup.map(|warmup| schedule.with_warmup(warmup)));
        config.gradient_clip = self.clip.or(config.gradient_clip);
        config.penalty = self.penalty.or(config.penalty);
        put(&mut config.seed, self.seed);
        let recipe = match self.noise {
            Some(noise) => recipe.noise(noise),
            None if self.blind => recipe.blind(),
            None => recipe,
        };
        Ok(self.both(recipe))
    }

    /// The recipe of a training that goes on, with what it may be given anew: epochs, patience, threads, and how samples are cut.
    ///
    /// # Errors
    /// When more epochs are done than are asked for.
    pub fn go_on<'a>(self, checkpoint: Checkpoint) -> Result<Recipe<'a>, OptionsError> {
        let done = checkpoint.epoch();
        match self.epochs.filter(|&asked| asked < done) {
            Some(asked) => Err(OptionsError::Done { asked, done }),
            None => Ok(self.both(Recipe::resume(checkpoint))),
        }
    }

    /// The recipe with what both trainings that begin and those that go on can be given.
    fn both<'a>(self, mut recipe: Recipe<'a>) -> Recipe<'a> {
        let Recipe { config, cutting, .. } = &mut recipe;
        put(&mut config.epochs, self.epochs);
        config.patience = self.patience.or(config.patience);
        config.threads = self.threads.or(config.threads);
        put(&mut cutting.patch, self.patch.map(|side| [side; 2]));
        put(&mut cutting.patches, self.patches);
        if let Validation::Part(part) = &mut cutting.validation {
            put(part, self.validation);
        }
        recipe
    }

    /// The recipe of the network, and what its preset says of the training.
    fn network<'a>(&self) -> Result<Recipe<'a>, OptionsError> {
        let (preset, latent) = (self.preset.unwrap_or_default(), self.latent);
        let hidden = |default| self.hidden.as_deref().unwrap_or(default);
        let channels = |default| self.channels.as_deref().unwrap_or(default);
        let mut recipe = match (&self.layers, self.kind) {
            (Some(layers), _) => Recipe::of_layers(layers.clone()),
            (None, NetworkKind::Dense) => Recipe::dense(hidden(preset.hidden()), latent).with_preset(preset),
            (None, NetworkKind::Linear) => Recipe::linear(latent),
            (None, NetworkKind::Conv) => {
                let (outer, inner) = preset.convolutions();
                Recipe::convolutional(channels(outer), hidden(inner), latent).with_preset(preset)
            }
            (None, NetworkKind::Denoiser) => {
                let (default, depth) = Recipe::DENOISER;
                let &[channels] = channels(&[default]) else { return Err(OptionsError::DenoiserChannels) };
                Recipe::denoiser(channels, self.depth.unwrap_or(depth))
            }
        };
        let activations = &mut recipe.activations;
        activations.hidden = self.activation.or(activations.hidden);
        activations.latent = self.latent_activation.or(activations.latent);
        activations.output = self.output_activation.or(activations.output);
        Ok(recipe)
    }
}

fn put<T>(place: &mut T, asked: Option<T>) {
    if let Some(asked) = asked {
        *place = asked;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::TrainingConfig;

    #[test]
    fn what_is_not_given_is_as_the_library_has_it() {
        let config = |options: RecipeOptions| options.begin().unwrap().config().clone();
        assert_eq!(config(RecipeOptions::default()), TrainingConfig::default());
        let preset = RecipeOptions { preset: Some(Preset::Best), ..Default::default() };
        assert_eq!(config(preset), Preset::Best.config());
        let constant =
            RecipeOptions { schedule: Some("constant".parse().unwrap()), warmup: Some(0.5), ..Default::default() };
        assert_eq!(config(constant).schedule, Schedule::Constant { warmup: 0.5 });
    }
}
