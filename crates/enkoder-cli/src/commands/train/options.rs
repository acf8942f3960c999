//! The options of a training. An option that is not given is `None`, so that it is known which ones were.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use enkoder::{Corruption, Loss, Penalty, Schedule};

use crate::arguments::{parse_count, parse_noise};

/// The training.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Training")]
pub struct TrainingOptions {
    /// How many times every training sample is seen [default: 20]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub epochs: Option<usize>,

    /// Samples in one step [default: 128]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub batch_size: Option<usize>,

    /// What is minimised: mse, mae, huber or bce (binary cross-entropy) [default: mse]
    #[arg(long, value_name = "NAME", value_parser = named::<Loss>(&Loss::NAMES), hide_possible_values = true)]
    pub loss: Option<Loss>,

    /// Where Huber's loss turns from squared to absolute, in scaled units [default: 1]
    #[arg(long, value_name = "X", value_parser = positive)]
    pub huber_delta: Option<f32>,

    /// Highest learning rate of Adam [default: 0.004]
    #[arg(long, value_name = "X", value_parser = positive)]
    pub learning_rate: Option<f32>,

    /// How the learning rate changes: cosine (down to zero), constant or one-cycle [default: cosine]
    #[arg(long, value_name = "NAME", value_parser = named::<Schedule>(&Schedule::NAMES), hide_possible_values = true)]
    pub schedule: Option<Schedule>,

    /// Fraction of the run in which the learning rate rises first [default: 0.05; 0.3 for one-cycle]
    #[arg(long, value_name = "X", value_parser = unit)]
    pub warmup: Option<f32>,

    /// Weight decay (AdamW) [default: 0]
    #[arg(long, value_name = "X", value_parser = decay)]
    pub weight_decay: Option<f32>,

    /// Shorten gradients that are longer than this
    #[arg(long, value_name = "NORM", value_parser = positive)]
    pub clip: Option<f32>,

    /// Damage the inputs, to learn denoising: gaussian:0.3, poisson:30, masking:0.25, salt-pepper:0.1, or missing:0.5 to learn to fill
    /// in; a range such as gaussian:0.1-0.4 is drawn from. Of a denoiser, the sigma of gaussian is in 255ths, as in gaussian:25 [default: none;
    /// of a denoiser: gaussian:5-50]
    #[arg(long, value_name = "KIND:X", value_parser = parse_noise::<Corruption>)]
    pub noise: Option<Corruption>,

    /// Learn to denoise from noisy images alone: pixels are hidden, and told from those around them (Noise2Self)
    #[arg(long, conflicts_with_all = ["noise", "target"])]
    pub blind: bool,

    /// Constrain the code: l1:WEIGHT, kl:WEIGHT:TARGET (sparse) or contractive:WEIGHT
    #[arg(long, value_name = "KIND:WEIGHT")]
    pub penalty: Option<Penalty>,

    /// Stop when the validation loss has not improved for N epochs
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub patience: Option<usize>,
}

impl TrainingOptions {
    /// The options that were given.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("--epochs", self.epochs.is_some()),
            ("--batch-size", self.batch_size.is_some()),
            ("--loss", self.loss.is_some()),
            ("--huber-delta", self.huber_delta.is_some()),
            ("--learning-rate", self.learning_rate.is_some()),
            ("--schedule", self.schedule.is_some()),
            ("--warmup", self.warmup.is_some()),
            ("--weight-decay", self.weight_decay.is_some()),
            ("--clip", self.clip.is_some()),
            ("--noise", self.noise.is_some()),
            ("--blind", self.blind),
            ("--penalty", self.penalty.is_some()),
            ("--patience", self.patience.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name)
    }
}

/// One of some names, which shells complete.
pub fn named<T: FromStr<Err: std::error::Error + Send + Sync + 'static> + Clone + Send + Sync + 'static>(
    names: &'static [&'static str],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

/// A number in a range, which a colon leads to.
fn number(text: &str, range: impl Fn(f32) -> bool, wanted: impl fmt::Display) -> Result<f32, String> {
    text.parse().ok().filter(|&number| range(number)).ok_or_else(|| format!("{text:?} is not {wanted}"))
}

fn positive(text: &str) -> Result<f32, String> {
    number(text, |number| number > 0.0 && number.is_finite(), "a positive number")
}

fn unit(text: &str) -> Result<f32, String> {
    number(text, |number| (0.0..=1.0).contains(&number), "a number from 0 to 1")
}

fn decay(text: &str) -> Result<f32, String> {
    number(text, |number| (0.0..1.0).contains(&number), "a number from 0 to below 1")
}
