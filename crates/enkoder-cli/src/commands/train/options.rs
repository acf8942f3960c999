//! The options of a training, and the library's configuration that they stand for. An option that is not given is `None`, so that
//! it is known which ones were.

use std::fmt;

use clap::{Args, ValueEnum};
use enkoder::{Adam, Corruption, Loss, Penalty, Recipe, Schedule, TrainingConfig};

use crate::arguments::{parse_count, parse_noise};
use crate::failure::Usage;

/// The fraction of a one-cycle run in which the learning rate rises.
const ONE_CYCLE_RISE: f32 = 0.3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LossName {
    /// Mean squared error
    Mse,
    /// Mean absolute error
    Mae,
    /// Huber's loss: squared for small errors, absolute for large ones
    Huber,
    /// Binary cross-entropy, for values from 0 to 1
    Bce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScheduleName {
    /// Falls to zero along half a cosine
    Cosine,
    /// Stays the same
    Constant,
    /// Rises, then falls to nearly zero
    OneCycle,
}

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
    #[arg(long, value_enum, value_name = "NAME", hide_possible_values = true)]
    pub loss: Option<LossName>,

    /// Where Huber's loss turns from squared to absolute, in scaled units [default: 1]
    #[arg(long, value_name = "X", value_parser = positive, allow_negative_numbers = true)]
    pub huber_delta: Option<f32>,

    /// Highest learning rate of Adam [default: 0.004]
    #[arg(long, value_name = "X", value_parser = positive, allow_negative_numbers = true)]
    pub learning_rate: Option<f32>,

    /// How the learning rate changes: cosine (down to zero), constant or one-cycle [default: cosine]
    #[arg(long, value_enum, value_name = "NAME", hide_possible_values = true)]
    pub schedule: Option<ScheduleName>,

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
    #[arg(long, value_name = "KIND:WEIGHT", value_parser = parse_penalty)]
    pub penalty: Option<Penalty>,

    /// Stop when the validation loss has not improved for N epochs
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub patience: Option<usize>,
}

impl TrainingOptions {
    /// The recipe with these options in place of its own.
    pub fn added_to<'a>(&self, recipe: Recipe<'a>) -> Result<Recipe<'a>, Usage> {
        if self.huber_delta.is_some() && self.loss != Some(LossName::Huber) {
            return Err(Usage::new("--huber-delta is given, but the loss is not Huber's").with_hint("add --loss huber"));
        }
        let default = recipe.config().clone();
        let adam = default.optimizer;
        let loss = match self.loss {
            None => default.loss,
            Some(LossName::Mse) => Loss::MeanSquared,
            Some(LossName::Mae) => Loss::MeanAbsolute,
            Some(LossName::Huber) => Loss::Huber { delta: self.huber_delta.unwrap_or(1.0) },
            Some(LossName::Bce) => Loss::BinaryCrossEntropy,
        };
        let warmup = self.warmup.unwrap_or(default.schedule.warmup());
        let schedule = match self.schedule.unwrap_or(ScheduleName::Cosine) {
            ScheduleName::Cosine => Schedule::Cosine { warmup },
            ScheduleName::Constant => Schedule::Constant { warmup },
            ScheduleName::OneCycle => Schedule::OneCycle { warmup: self.warmup.unwrap_or(ONE_CYCLE_RISE) },
        };
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

/// A number in a range, which a colon leads to.
fn number(text: &str, range: impl Fn(f32) -> bool, wanted: impl fmt::Display) -> Result<f32, String> {
    text.parse().ok().filter(|&number| range(number)).ok_or_else(|| format!("{text:?} is not {wanted}"))
}

fn positive(text: &str) -> Result<f32, String> {
    number(text, |number| number > 0.0 && number.is_finite(), "a positive number")
}

fn fraction(text: &str) -> Result<f32, String> {
    number(text, |number| number > 0.0 && number < 1.0, "a number between 0 and 1")
}

fn unit(text: &str) -> Result<f32, String> {
    number(text, |number| (0.0..=1.0).contains(&number), "a number from 0 to 1")
}

fn decay(text: &str) -> Result<f32, String> {
    number(text, |number| (0.0..1.0).contains(&number), "a number from 0 to below 1")
}

fn parse_penalty(text: &str) -> Result<Penalty, String> {
    match text.split(':').collect::<Vec<_>>()[..] {
        ["l1", weight] => Ok(Penalty::L1 { weight: positive(weight)? }),
        ["kl", weight, target] => Ok(Penalty::KullbackLeibler { weight: positive(weight)?, target: fraction(target)? }),
        ["contractive", weight] => Ok(Penalty::Contractive { weight: positive(weight)? }),
        _ => Err("write l1:WEIGHT, kl:WEIGHT:TARGET or contractive:WEIGHT, for example l1:0.001".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::network::NetworkOptions;
    use super::*;

    #[test]
    fn penalties_are_checked_as_they_are_read() {
        assert_eq!(parse_penalty("kl:0.1:0.05"), Ok(Penalty::KullbackLeibler { weight: 0.1, target: 0.05 }));
        assert!(["l1", "l1:0", "kl:0.1", "kl:0.1:2", "l2:1"].iter().all(|text| parse_penalty(text).is_err()));
    }

    #[test]
    fn a_one_cycle_schedule_rises_for_a_third_by_default() {
        let options = TrainingOptions { schedule: Some(ScheduleName::OneCycle), ..TrainingOptions::default() };
        let config = |options: TrainingOptions| {
            let recipe = NetworkOptions::default().recipe().unwrap();
            options.added_to(recipe).unwrap().config().clone()
        };
        assert_eq!(config(options).schedule, Schedule::OneCycle { warmup: 0.3 });
        assert_eq!(config(TrainingOptions::default()), TrainingConfig::default());
    }
}
