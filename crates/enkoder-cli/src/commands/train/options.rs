//! The options of a training, and the library's configuration that they stand for. An option that is not given is `None`, so that
//! it is known which ones were.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use enkoder::{Adam, Corruption, Loss, Penalty, Recipe, Schedule, TrainingConfig};

use crate::arguments::{parse_count, parse_noise};
use crate::failure::Usage;

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
    #[arg(long, value_name = "X", value_parser = positive, allow_negative_numbers = true)]
    pub huber_delta: Option<f32>,

    /// Highest learning rate of Adam [default: 0.004]
    #[arg(long, value_name = "X", value_parser = positive, allow_negative_numbers = true)]
    pub learning_rate: Option<f32>,

    /// How the learning rate changes: cosine (down to zero), constant or one-cycle [default: cosine]
    #[arg(long, value_name = "NAME", value_parser = named::<Schedule>(&Schedule::NAMES), hide_possible_values = true)]
    pub schedule: Option<Schedule>,

    /// Fraction of the run in which the learning rate rises first [default: 0.05; 0.3 for one-cycle]
    #[arg(long, value_name = "X", value_parser = unit, allow_negative_numbers = true)]
    pub warmup: Option<f32>,

    /// Weight decay (AdamW) [default: 0]
    #[arg(long, value_name = "X", value_parser = decay, allow_negative_numbers = true)]
    pub weight_decay: Option<f32>,

    /// Shorten gradients that are longer than this
    #[arg(long, value_name = "NORM", value_parser = positive, allow_negative_numbers = true)]
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
    /// The recipe with these options in place of its own.
    pub fn added_to<'a>(&self, recipe: Recipe<'a>) -> Result<Recipe<'a>, Usage> {
        let default = recipe.config().clone();
        let adam = default.optimizer;
        let loss = match (self.loss.unwrap_or(default.loss), self.huber_delta) {
            (loss, None) => loss,
            (Loss::Huber { .. }, Some(delta)) => Loss::Huber { delta },
            (_, Some(_)) => {
                return Err(
                    Usage::new("--huber-delta is given, but the loss is not Huber's").with_hint("add --loss huber")
                );
            }
        };
        let schedule = self.schedule.unwrap_or(default.schedule);
        let schedule = self.warmup.map_or(schedule, |warmup| schedule.with_warmup(warmup));
        let recipe = recipe.with_config(TrainingConfig {
            epochs: self.epochs.unwrap_or(default.epochs),
            batch_size: self.batch_size.unwrap_or(default.batch_size),
            loss,
            optimizer: Adam {
                learning_rate: self.learning_rate.unwrap_or(adam.learning_rate),
                weight_decay: self.weight_decay.unwrap_or(adam.weight_decay),
                ..adam
            },
            schedule,
            gradient_clip: self.clip,
            penalty: self.penalty,
            patience: self.patience,
            ..default
        });
        Ok(match self.noise {
            Some(noise) => recipe.noise(noise),
            None if self.blind => recipe.blind(),
            None => recipe,
        })
    }

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
fn named<T: FromStr<Err: std::error::Error + Send + Sync + 'static> + Clone + Send + Sync + 'static>(
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

#[cfg(test)]
mod tests {
    use super::super::network::NetworkOptions;
    use super::*;

    #[test]
    fn what_is_not_given_is_as_the_library_has_it() {
        let config = |options: TrainingOptions| {
            let recipe = NetworkOptions::default().recipe().unwrap();
            options.added_to(recipe).unwrap().config().clone()
        };
        assert_eq!(config(TrainingOptions::default()), TrainingConfig::default());
        let constant =
            TrainingOptions { schedule: Some("constant".parse().unwrap()), warmup: Some(0.5), ..Default::default() };
        assert_eq!(config(constant).schedule, Schedule::Constant { warmup: 0.5 });
    }
}
