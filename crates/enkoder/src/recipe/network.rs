//! The network that a recipe asks for, and the architecture that it becomes once the samples are known.

use super::Recipe;
use super::error::RecipeError;
use super::split::Split;
use crate::network::{Activation, Architecture};
use crate::training::{Corruption, TrainingConfig};

/// A network to train.
#[derive(Clone, Debug)]
pub(super) enum Network {
    Dense {
        hidden: Vec<usize>,
        latent: Option<usize>,
    },
    Convolutional {
        channels: Vec<usize>,
        hidden: Vec<usize>,
        latent: Option<usize>,
    },
    Denoiser {
        channels: usize,
        depth: usize,
    },
    /// For samples of any shape.
    Layers(Architecture),
}

/// Activations that were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Activations {
    pub(super) hidden: Option<Activation>,
    pub(super) latent: Option<Activation>,
    pub(super) output: Option<Activation>,
}

/// Numbers in a code of samples with so many values, where the network only copies.
pub(super) fn default_latent(features: usize) -> usize {
    (features / 2).clamp(1, Recipe::LATENT)
}

impl Network {
    /// The layers for these samples.
    pub(super) fn architecture(
        &self,
        activations: Activations,
        config: &TrainingConfig,
        split: &Split,
    ) -> Result<Architecture, RecipeError> {
        let shape = split.train.shape();
        let made = split.targets.as_ref().map_or(&split.train, |(train, _)| train);
        let Activations { hidden, mut latent, mut output } = activations;
        let copies = config.corruption.is_none() && config.penalty.is_none() && split.targets.is_none();
        let suiting = || if copies { default_latent(split.train.features()) } else { Recipe::LATENT };
        let mut architecture = match self {
            Self::Dense { hidden, latent } => Architecture::dense(shape, hidden, latent.unwrap_or_else(suiting)),
            Self::Convolutional { channels, hidden, latent } => {
                Architecture::convolutional(shape, channels, hidden, latent.unwrap_or_else(suiting))
            }
            Self::Denoiser { channels, depth } => {
                // The code is only one of its hidden layers.
                latent = latent.or(hidden);
                Architecture::denoiser(shape, *channels, *depth)
            }
            Self::Layers(architecture) => Architecture { input_shape: shape.to_vec(), ..architecture.clone() },
        };
        if output.is_none()
            && matches!(self, Self::Dense { .. } | Self::Convolutional { .. })
            && split.scaler_of_outputs(config.scaling)?.is_unit_interval()
        {
            output = Some(Activation::Sigmoid);
        }
        if let Some(hidden) = hidden {
            architecture = architecture.with_activation(hidden);
        }
        if let Some(latent) = latent {
            architecture = architecture.with_latent_activation(latent);
        }
        if let Some(output) = output {
            architecture = architecture.with_output_activation(output);
        }
        if made.shape() != shape {
            architecture = architecture.with_output_shape(made.shape());
        }
        // Who learns from hidden pixels has nothing that could be taken from them.
        architecture.residual &= !matches!(config.corruption, Some(Corruption::BlindSpots { .. }));
        Ok(architecture)
    }
}
