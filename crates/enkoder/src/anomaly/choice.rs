//! What a detector is made of, and how `auto` decides it: by rows, columns and the work it may cost. The decision never looks
//! at a label, at a name, or at a clock, so that the same data always gives the same detector.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AnomalyError;
use super::threshold::ThresholdRule;
use crate::network::{Activation, Architecture};

/// Multiplications and additions that two cores do in a second of training networks this small: what the budget is counted in.
const WORK_PER_SECOND: f64 = 5e9;
/// Fewer rows than this teach a network nothing that the linear model does not know.
const FEWEST_FOR_NETWORKS: usize = 200;

/// The kind of detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// All of the following together, as far as rows, columns and time budget allow: the mean of their surprises.
    #[default]
    Auto,
    /// Each column by itself: how rare its value is (an autoencoder of latent size 0).
    Marginal,
    /// The linear model in closed form: principal components and whitened deviations.
    Linear,
    /// One autoencoder with standardised, whitened residuals.
    Autoencoder,
    /// Several small autoencoders of varied width, latent size and seed.
    Ensemble,
}

impl Method {
    const NAMED: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("marginal", Self::Marginal),
        ("linear", Self::Linear),
        ("autoencoder", Self::Autoencoder),
        ("ensemble", Self::Ensemble),
    ];
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().find(|(_, method)| method == self);
        f.pad(named.map_or("", |(name, _)| name))
    }
}

/// Not the name of a [`Method`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown method {0:?}\nhint: choose auto, marginal, linear, autoencoder or ensemble")]
pub struct UnknownMethod(String);

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        let named = Self::NAMED.iter().find(|(known, _)| *known == name);
        named.map(|&(_, method)| method).ok_or_else(|| UnknownMethod(name.to_owned()))
    }
}

/// How to fit a [`Detector`](super::Detector).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorConfig {
    /// The kind of detector. Default: auto.
    pub method: Method,
    /// The part of the rows learned from that is dropped as the oddest, by a first fit in closed form, before the linear model and
    /// the networks are fitted for good, from 0 to below ½: some of the rows may be anomalies. Default 0.2, which costs little
    /// where none is.
    pub trim: f64,
    /// The part of the rows kept from all learning to calibrate thresholds with, between 0 and 1. Default ¼.
    pub calibration: f64,
    /// Whether the rows follow each other in time. The last ones then calibrate instead of randomly chosen ones, since neighbours
    /// in time are too alike to be told apart by learning.
    pub ordered: bool,
    /// Layers of the autoencoder from the first hidden one to the latent one, and back; chosen by the number of columns where
    /// `None`. Of [`Method::Autoencoder`] only.
    pub layers: Option<Vec<usize>>,
    /// Epochs of every network; chosen by the number of rows and the budget where `None`.
    pub epochs: Option<usize>,
    /// About how many seconds fitting may take on two cores, counted by work and not by a clock. Default 4.
    pub budget: f64,
    /// How flagging begins where nothing else is asked for. Default: a false-alarm rate of 0.01.
    pub rule: ThresholdRule,
    /// Seed of everything random. Default 0.
    pub seed: u64,
}

impl Default for DetectorConfig {
    fn default() -> Self {
        Self {
            method: Method::Auto,
            trim: 0.2,
            calibration: 0.25,
            ordered: false,
            layers: None,
            epochs: None,
            budget: 4.0,
            rule: ThresholdRule::FalseAlarm(0.01),
            seed: 0,
        }
    }
}

impl DetectorConfig {
    pub(super) fn validate(&self) -> Result<(), AnomalyError> {
        let check = |option, value: f64, fits: bool, range| {
            if fits { Ok(()) } else { Err(AnomalyError::Option { option, value, range }) }
        };
        check("trim", self.trim, (0.0..0.5).contains(&self.trim), "from 0 to below 0.5")?;
        let calibration = self.calibration > 0.0 && self.calibration < 1.0;
        check("the calibration part", self.calibration, calibration, "between 0 and 1")?;
        check("budget", self.budget, self.budget > 0.0, "a positive number of seconds")?;
        check("epochs", 0.0, self.epochs != Some(0), "at least 1")?;
        self.rule.validate()
    }
}

/// What a detector consists of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) marginal: bool,
    pub(super) linear: bool,
    pub(super) networks: Vec<Architecture>,
    pub(super) epochs: usize,
}

impl Plan {
    /// For this many rows to learn from, of this many prepared values each.
    pub(super) fn of(config: &DetectorConfig, rows: usize, width: usize) -> Self {
        let all = config.method == Method::Auto;
        let epochs = config.epochs.unwrap_or_else(|| (50_000 / rows.max(1)).clamp(10, 50));
        let mut networks = match config.method {
            Method::Auto if rows < FEWEST_FOR_NETWORKS => Vec::new(),
            Method::Auto | Method::Ensemble => ensemble(width),
            Method::Autoencoder => vec![match config.layers.as_deref() {
                Some([hidden @ .., latent]) => dense(width, hidden, *latent),
                _ => single(width),
            }],
            Method::Marginal | Method::Linear => Vec::new(),
        };
        let mut plan = Self {
            marginal: all || config.method == Method::Marginal,
            linear: all || config.method == Method::Linear,
            networks: Vec::new(),
            epochs,
        };
        let affordable = config.budget * WORK_PER_SECOND;
        let work = |networks: &[Architecture], epochs: usize| {
            networks.iter().map(|network| 3.0 * network.parameters() as f64).sum::<f64>() * rows as f64 * epochs as f64
        };
        if config.epochs.is_none() {
            while plan.epochs > 2 && work(&networks, plan.epochs) > affordable {
                plan.epochs -= 1;
            }
        }
        if all {
            while work(&networks, plan.epochs) > affordable && networks.pop().is_some() {}
        }
        plan.networks = networks;
        plan
    }

    /// What was chosen, in words.
    pub(super) fn words(&self) -> String {
        let mut parts = Vec::new();
        if self.marginal {
            parts.push("how rare each value is in its column".to_owned());
        }
        if self.linear {
            parts.push("the linear model".to_owned());
        }
        match &self.networks[..] {
            [] => {}
            [one] => parts.push(format!("the autoencoder {} trained for {} epochs", one.summary(), self.epochs)),
            several => {
                let names: Vec<String> = several.iter().map(Architecture::summary).collect();
                parts.push(format!(
                    "{} autoencoders trained for {} epochs: {}",
                    several.len(),
                    self.epochs,
                    names.join(", ")
                ));
            }
        }
        parts.join("; ")
    }
}

fn dense(width: usize, hidden: &[usize], latent: usize) -> Architecture {
    Architecture::dense([width], hidden, latent).with_activation(Activation::Tanh)
}

fn single(width: usize) -> Architecture {
    let hidden = width.next_power_of_two().clamp(16, 128);
    dense(width, &[hidden, hidden / 2], (width / 3).clamp(1, 16))
}

/// Small networks of varied width: what a narrow code cannot hold is odd, and there is little room to learn single anomalies.
fn ensemble(width: usize) -> Vec<Architecture> {
    let hidden = width.next_power_of_two().clamp(16, 64);
    vec![
        dense(width, &[hidden], 1),
        dense(width, &[hidden / 2], 1),
        dense(width, &[hidden, hidden / 2], 2.min(width)),
        dense(width, &[hidden], 2.min(width)),
    ]
}
