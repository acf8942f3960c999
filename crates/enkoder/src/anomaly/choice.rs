//! What a detector is made of, and how `auto` decides it: by rows, columns and the work it may cost. The decision never looks
//! at a label, at a name, or at a clock, so that the same data always gives the same detector.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AnomalyError;
use super::stop::Stop;
use super::threshold::ThresholdRule;
use crate::network::{Activation, Architecture};

/// Multiplications and additions that two cores do in a second of training networks this small: what the budget is counted in.
pub(super) const WORK_PER_SECOND: f64 = 5e9;
/// Fewer rows than this teach a network nothing that the linear model does not know.
const FEWEST_FOR_NETWORKS: usize = 200;
/// A network sees fewer rows rather than seeing them less often than this.
const FEWEST_EPOCHS: usize = 10;
const MOST_EPOCHS: usize = 2000;
const TRIMMED_BY_DEFAULT: f64 = 0.2;
const MOST_TRIMMED: f64 = 0.45;
/// Surprises beyond this would make numbers too large to tell others apart.
const MOST_UNCHANGING: f32 = 1000.0;

/// The kind of detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// All of the following together, as far as rows, columns and time budget allow, and how far the nearest rows are: the mean of
    /// their surprises. The autoencoder counts by how much better it reproduces rows held out than principal components do, and for
    /// less where rows far from the others may have taught it to reproduce them, too.
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
    /// The part of the rows learned from that is dropped as the oddest, by a first fit, before the linear model and the networks
    /// are fitted for good, from 0 to below ½: some of the rows may be anomalies. Where `None`, as by default, half as many again
    /// as the contamination that the rule states, and a fifth where it states none, which costs little where no row is one.
    pub trim: Option<f64>,
    /// The part of the rows kept from all learning to calibrate thresholds with, between 0 and 1. Default ¼.
    pub calibration: f64,
    /// Whether the rows follow each other in time. The last ones then calibrate instead of randomly chosen ones, since neighbours
    /// in time are too alike to be told apart by learning.
    pub ordered: bool,
    /// Layers of the autoencoder from the first hidden one to the latent one, and back; chosen by the number of columns where
    /// `None`. Of [`Method::Autoencoder`] only.
    pub layers: Option<Vec<usize>>,
    /// Epochs of every network. Where `None`, those of the ensemble are chosen by the number of rows, and the autoencoder is
    /// trained for as long as that makes it better on rows held out, both within the budget.
    pub epochs: Option<usize>,
    /// How surprising a change of a column is that never changed in the rows learned from: it is added to the row's score, with a
    /// little more the larger the change is. 10, the default, is as odd as one row in 22,000; 0 ignores such columns.
    #[serde(default)]
    pub unchanging: f32,
    /// Columns that are readings whatever they look like: one that only grows, as a clock or a meter does, is left out
    /// otherwise. In a series with [`Method::Auto`], where some are named, no other column is judged.
    #[serde(default)]
    pub readings: Vec<String>,
    /// Columns of a series that are no readings, but accompany them.
    #[serde(default)]
    pub context: Vec<String>,
    /// About how many seconds fitting may take on two cores, counted by work and not by a clock. Default 4.
    pub budget: f64,
    /// How flagging begins where nothing else is asked for. Default: a false-alarm rate of 0.01.
    pub rule: ThresholdRule,
    /// Seed of everything random. Default 0.
    pub seed: u64,
    /// Asks the fit to stop. Not stored: it changes no result.
    #[serde(skip)]
    pub stop: Stop,
}

impl Default for DetectorConfig {
    fn default() -> Self {
        Self {
            method: Method::Auto,
            trim: None,
            calibration: 0.25,
            ordered: false,
            layers: None,
            epochs: None,
            unchanging: 10.0,
            readings: Vec::new(),
            context: Vec::new(),
            budget: 4.0,
            rule: ThresholdRule::FalseAlarm(0.01),
            seed: 0,
            stop: Stop::default(),
        }
    }
}

impl DetectorConfig {
    /// The part of the rows that is dropped as the oddest.
    pub(super) fn trim(&self) -> f64 {
        self.trim.unwrap_or(match self.rule {
            ThresholdRule::Contamination(part) => (1.5 * part).min(MOST_TRIMMED),
            ThresholdRule::FalseAlarm(_) => TRIMMED_BY_DEFAULT,
        })
    }

    /// Whether the detector is to have a member of this kind.
    pub(super) fn has(&self, method: Method) -> bool {
        self.method == method || self.method == Method::Auto
    }

    /// The work that training networks of this kind may cost; none where there are to be none.
    fn affordable(&self, method: Method, rows: usize) -> Option<f64> {
        let all = self.budget * WORK_PER_SECOND;
        match self.method {
            Method::Auto if rows < FEWEST_FOR_NETWORKS => None,
            // At least half is left to the larger network.
            Method::Auto if method == Method::Ensemble => Some(all / 2.0),
            Method::Auto => Some(all),
            one => (one == method).then_some(all),
        }
    }

    /// Checks that every option is in its range. [`fit`](super::Detector::fit) does so before anything else.
    ///
    /// # Errors
    /// For the first option that is not, with its name, value and range.
    pub fn validate(&self) -> Result<(), AnomalyError> {
        let check = |option, value: f64, fits: bool, range| {
            if fits { Ok(()) } else { Err(AnomalyError::Option { option, value, range }) }
        };
        self.rule.validate()?;
        let trim = self.trim();
        check("trim", trim, (0.0..0.5).contains(&trim), "from 0 to below 0.5")?;
        let calibration = self.calibration > 0.0 && self.calibration < 1.0;
        check("the calibration part", self.calibration, calibration, "more than 0 and less than 1")?;
        let unchanging = (0.0..=MOST_UNCHANGING).contains(&self.unchanging);
        check("the surprise of a change", f64::from(self.unchanging), unchanging, "from 0 to 1000")?;
        let budget = self.budget > 0.0 && self.budget.is_finite();
        check("budget", self.budget, budget, "a positive and finite number of seconds")?;
        check("epochs", 0.0, self.epochs != Some(0), "at least 1")?;
        let layers = self.layers.as_deref();
        check("the number of layers", 0.0, layers.is_none_or(|layers| !layers.is_empty()), "at least 1")?;
        check("a layer's width", 0.0, layers.is_none_or(|layers| !layers.contains(&0)), "at least 1")
    }
}

/// Networks to train, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Networks {
    pub(super) architectures: Vec<Architecture>,
    pub(super) epochs: usize,
    /// Whether training ends earlier where further epochs no longer help.
    pub(super) stops: bool,
    /// The most rows that the networks are to see.
    pub(super) rows: usize,
}

impl Networks {
    /// The ensemble for this many rows of this many prepared values; none where the detector is to have no such networks.
    pub(super) fn ensemble(config: &DetectorConfig, rows: usize, width: usize) -> Option<Self> {
        let affordable = config.affordable(Method::Ensemble, rows)?;
        let architectures = ensemble(width);
        let most = most_rows(config, affordable / work(&architectures), rows);
        let epochs = config.epochs.unwrap_or_else(|| (50_000 / rows.max(1)).clamp(FEWEST_EPOCHS, 50));
        Some(Self { architectures, epochs, stops: false, rows: most })
    }

    /// The same for the autoencoder, whose code is to be so long: with what the ensemble leaves of the budget.
    pub(super) fn autoencoder(
        config: &DetectorConfig,
        rows: usize,
        width: usize,
        latent: usize,
        ensemble: Option<&Self>,
    ) -> Option<Self> {
        let spent =
            |ensemble: &Self| work(&ensemble.architectures) * (ensemble.epochs * ensemble.rows.min(rows)) as f64;
        let affordable = config.affordable(Method::Autoencoder, rows)? - ensemble.map_or(0.0, spent);
        let architecture = match config.layers.as_deref() {
            Some([hidden @ .., latent]) => dense(width, hidden, *latent),
            _ => single(width, latent),
        };
        let passes = affordable / work(std::slice::from_ref(&architecture));
        let most = most_rows(config, passes, rows);
        let epochs = ((passes / most as f64) as usize).clamp(FEWEST_EPOCHS, MOST_EPOCHS);
        let (epochs, stops) = (config.epochs.unwrap_or(epochs), config.epochs.is_none());
        Some(Self { architectures: vec![architecture], epochs, stops, rows: most })
    }
}

/// Multiplications and additions of one row's way there and back through the networks.
fn work(networks: &[Architecture]) -> f64 {
    networks.iter().map(|network| 3.0 * network.parameters() as f64).sum()
}

/// As many rows as the fewest epochs allow; all where the user has set the epochs.
fn most_rows(config: &DetectorConfig, passes: f64, rows: usize) -> usize {
    if config.epochs.is_some() {
        return rows;
    }
    ((passes / FEWEST_EPOCHS as f64) as usize).clamp(FEWEST_FOR_NETWORKS, rows.max(FEWEST_FOR_NETWORKS))
}

fn dense(width: usize, hidden: &[usize], latent: usize) -> Architecture {
    Architecture::dense([width], hidden, latent).with_activation(Activation::Tanh)
}

/// A network that can follow bent relations, with a code no longer than the linear model would need.
fn single(width: usize, latent: usize) -> Architecture {
    let hidden = width.next_power_of_two().clamp(64, 128);
    dense(width, &[hidden, hidden / 2], latent)
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
