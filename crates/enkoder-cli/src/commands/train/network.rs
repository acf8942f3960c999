//! The options of a network.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueHint};
use enkoder::{Activation, NetworkKind, Preset, Scaling};

use super::options::named;
use crate::arguments::parse_count;
use crate::failure::Usage;

/// The output layer's activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputActivation {
    Auto,
    Of(Activation),
}

impl OutputActivation {
    pub fn given(self) -> Option<Activation> {
        match self {
            Self::Auto => None,
            Self::Of(activation) => Some(activation),
        }
    }
}

impl FromStr for OutputActivation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "auto" {
            Ok(Self::Auto)
        } else {
            name.parse().map(Self::Of).map_err(|error| format!("{error}, or auto"))
        }
    }
}

/// Widths of hidden layers; `none` for no hidden layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widths(pub Vec<usize>);

impl FromStr for Widths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let width = |width: &str| match width.trim().parse() {
            Ok(0) | Err(_) => {
                Err(format!("{width:?} is no width: write numbers as 128,64 from the outermost layer in, or none"))
            }
            Ok(width) => Ok(width),
        };
        text.split(',').map(width).collect::<Result<_, _>>().map(Self)
    }
}

/// The network.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkOptions {
    /// Kind of autoencoder: dense layers, linear (principal components in closed form), conv (convolutions, for images)
    /// or denoiser (trained on patches of photographs of any sizes) [default: dense]
    #[arg(long, value_name = "KIND", value_parser = named::<NetworkKind>(&NetworkKind::NAMES), hide_possible_values = true)]
    pub arch: Option<NetworkKind>,

    /// All layers from a TOML file, for any other network; an example stands below
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["arch", "preset", "hidden", "latent", "activation", "latent_activation", "output_activation"])]
    pub config: Option<PathBuf>,

    /// Network and options that belong together; others given beside it win: reference, or best (minutes instead of
    /// seconds, a third less error on MNIST) [default: reference]
    #[arg(long, value_name = "NAME")]
    pub preset: Option<Preset>,

    /// Widths of the encoder's hidden layers, mirrored in the decoder; none for no hidden layer [default: 128,64; of conv: none]
    #[arg(long, value_name = "WIDTHS")]
    pub hidden: Option<Widths>,

    /// Channels of the convolutions, from the outermost in; of a denoiser one number for all [default: 16,8; of a denoiser: 48]
    #[arg(long, value_name = "CHANNELS")]
    pub channels: Option<Widths>,

    /// Convolutions of a denoiser [default: 8]
    #[arg(long, value_name = "N", value_parser = parse_depth)]
    pub depth: Option<usize>,

    /// Numbers in a code [default: 10, or half as many as a sample has values where this is less and the network only
    /// copies]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub latent: Option<usize>,

    /// Activation of hidden layers: relu, leaky-relu, elu, gelu, gelu-erf, silu, tanh, sigmoid or linear [default: relu]
    #[arg(long, value_name = "NAME")]
    pub activation: Option<Activation>,

    /// Activation of the code [default: linear]
    #[arg(long, value_name = "NAME")]
    pub latent_activation: Option<Activation>,

    /// Activation of the output; auto is sigmoid where the scaled values lie in 0..1 and linear elsewhere [default: auto]
    #[arg(long, value_name = "NAME")]
    pub output_activation: Option<OutputActivation>,

    /// How values are scaled: auto, none, unit, minmax or standard; fitted on the training samples [default: auto]
    #[arg(long, value_name = "NAME", value_parser = parse_scaling)]
    pub scaling: Option<Scaling>,
}

impl NetworkOptions {
    pub fn is_linear(&self) -> bool {
        self.arch == Some(NetworkKind::Linear)
    }

    pub fn is_denoiser(&self) -> bool {
        self.arch == Some(NetworkKind::Denoiser)
    }

    /// Refuses samples that convolutions have nothing to work on.
    pub fn check_shape(&self, shape: &[usize]) -> Result<(), Usage> {
        let (kind, instead) = match self.arch {
            Some(NetworkKind::Conv) => ("conv", "leave --arch out: dense layers take samples of every kind"),
            Some(NetworkKind::Denoiser) => {
                ("denoiser", "give photographs; tables and rows learn with --noise and dense layers")
            }
            _ => return Ok(()),
        };
        match shape {
            [values] => {
                Err(Usage::new(format!("--arch {kind} is for images, but a sample here is a row of {values} numbers"))
                    .with_hint(instead))
            }
            _ => Ok(()),
        }
    }

    /// The kind of network that was asked for; `None` where layers come from a file.
    pub fn kind(&self) -> Option<NetworkKind> {
        self.config.is_none().then_some(self.arch.unwrap_or(NetworkKind::Dense))
    }

    /// Refuses options that the kind of network has no use for.
    pub fn check(&self) -> Result<(), Usage> {
        let (kind, denoiser) = (self.arch.unwrap_or(NetworkKind::Dense), self.is_denoiser());
        let convolves = denoiser || kind == NetworkKind::Conv;
        let refused = [
            ("--channels", self.channels.is_some() && !convolves, "--arch conv or --arch denoiser"),
            ("--depth", self.depth.is_some() && !denoiser, "--arch denoiser"),
            ("--preset", self.preset.is_some() && denoiser, "another --arch"),
            ("--hidden", self.hidden.is_some() && denoiser, "another --arch"),
            ("--latent", self.latent.is_some() && denoiser, "another --arch"),
            ("--latent-activation", self.latent_activation.is_some() && denoiser, "another --arch"),
            ("--output-activation", self.output_activation.is_some() && denoiser, "another --arch"),
        ];
        match refused.into_iter().find(|(_, refused, _)| *refused) {
            Some((option, _, place)) => Err(Usage::new(format!("{option} has no meaning for this kind of network"))
                .with_hint(format!("it belongs to {place}"))),
            None => Ok(()),
        }
    }

    /// The options that were given, of those that only a network to train has.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("--preset", self.preset.is_some()),
            ("--config", self.config.is_some()),
            ("--hidden", self.hidden.is_some()),
            ("--channels", self.channels.is_some()),
            ("--depth", self.depth.is_some()),
            ("--activation", self.activation.is_some()),
            ("--latent-activation", self.latent_activation.is_some()),
            ("--output-activation", self.output_activation.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name)
    }

    /// The options that were given, of those that every autoencoder has.
    pub fn given_of_all(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("--arch", self.arch.is_some()),
            ("--latent", self.latent.is_some()),
            ("--scaling", self.scaling.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name)
    }
}

fn parse_scaling(name: &str) -> Result<Scaling, String> {
    name.parse().map_err(|_| "choose auto, none, unit, minmax or standard".to_owned())
}

fn parse_depth(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|depth| (2..=100).contains(depth)).ok_or_else(|| "a number from 2 to 100 is needed".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_widths_are_numbers_or_none() {
        assert_eq!("512, 256".parse(), Ok(Widths(vec![512, 256])));
        assert_eq!("none".parse(), Ok(Widths(vec![])));
        assert!(["", "0", "12,", "a"].iter().all(|text| text.parse::<Widths>().is_err()));
    }
}
