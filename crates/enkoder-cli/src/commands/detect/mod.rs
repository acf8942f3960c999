//! `enkoder detect`: fit a detector of anomalies to mostly normal rows, and score others with it.

mod clock;
mod fit;
mod following;
mod incident_file;
mod keeping;
mod labels;
mod moments;
mod ordering;
mod parts;
mod reasons;
mod score;
mod scored;
mod scoring;
mod summary;
mod watch;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use enkoder::TensorFileError;
use enkoder::anomaly::{
    AdaptiveThreshold, Detector, DetectorFileError, DetectorPart, Guarantee, Threshold, ThresholdRule,
};

use self::clock::ClockOptions;
use self::following::FollowOptions;
use crate::failure::{Failure, Usage};
use crate::standard_input;
use crate::wording;

/// Find anomalies: rows or moments unlike the usual ones
#[derive(Debug, Args)]
pub struct Options {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Fit(Box<fit::Options>),
    Merge(parts::Options),
    Score(Box<score::Options>),
    Watch(Box<watch::Options>),
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    match options.verb {
        Verb::Fit(options) => fit::run(*options),
        Verb::Merge(options) => parts::run(options),
        Verb::Score(options) => score::run(*options),
        Verb::Watch(options) => watch::run(*options),
    }
}

/// Where flagging begins.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct RuleOptions {
    /// Flag at most this fraction of normal rows, on average [default: 0.01, or what the detector was fitted with]
    #[arg(long, value_name = "RATE", conflicts_with = "contamination")]
    false_alarm: Option<f64>,

    /// Assume that this fraction of the fitted rows are anomalies, and flag as many of rows like them
    #[arg(long, value_name = "PART")]
    contamination: Option<f64>,
}

/// By what rows are flagged.
#[derive(Clone, Debug, Args)]
struct FlagOptions {
    #[command(flatten)]
    rule: RuleOptions,

    /// Flag the moments of a series by the calibrated threshold, instead of one that rises while more is flagged than asked for
    #[arg(long)]
    fixed_threshold: bool,
}

/// How rows are judged and what is written of them, in files and in streams.
#[derive(Clone, Debug, Args)]
struct JudgeOptions {
    /// Name the N columns that contribute most to each flagged row
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    explain: usize,

    /// Search the smallest change with which a flagged row of a table would not have been flagged; there may be a smaller one
    #[arg(long)]
    counterfactual: bool,

    /// Give back these columns of the rows beside the scores; --keep alone gives back all of them
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "")]
    keep: Option<Vec<String>>,

    #[command(flatten)]
    flag: FlagOptions,

    #[command(flatten)]
    follow: FollowOptions,

    #[command(flatten)]
    clock: ClockOptions,
}

impl JudgeOptions {
    /// How many columns a flagged row is explained by: no more than there are.
    fn explain(&self, detector: &Detector) -> usize {
        self.explain.min(detector.schema().map_or(detector.features(), |schema| schema.columns.len()))
    }

    /// The score below which changes are searched for, where they are.
    fn limit(&self, detector: &Detector, threshold: &Threshold) -> anyhow::Result<Option<f32>> {
        let of_series =
            Usage::new("--counterfactual is for rows of a table: the moments of a series share their windows")
                .with_hint("--explain names what moved, and --report draws it beside the nearest normal window");
        anyhow::ensure!(!self.counterfactual || detector.windows().is_none(), of_series);
        Ok(self.counterfactual.then_some(threshold.score))
    }
}

impl FlagOptions {
    /// Where flagging begins, and for series what moves from there.
    fn threshold(&self, detector: &Detector) -> anyhow::Result<(Threshold, Option<AdaptiveThreshold>)> {
        let rule = self.rule.rule().unwrap_or(detector.config().rule);
        let moves = detector.windows().is_some() && !self.fixed_threshold;
        let moving = if moves { Some(detector.adaptive_threshold(rule)) } else { None };
        Ok((threshold(detector, Some(rule))?, moving.transpose()?))
    }
}

/// What is promised of a threshold that moves.
fn describe_moving(moving: &AdaptiveThreshold) -> String {
    format!(
        "the threshold of a series moves: it rises while moments are flagged and falls back, so that a long anomaly is flagged at its beginning. \
         Over a long time at most {} of the moments are flagged, even if the normal drifts (--fixed-threshold keeps the calibrated one)",
        wording::percent(moving.bound_rate())
    )
}

impl RuleOptions {
    pub(super) fn is_given(&self) -> bool {
        self.rule().is_some()
    }

    pub(super) fn rule(&self) -> Option<ThresholdRule> {
        let contamination = self.contamination.map(ThresholdRule::Contamination);
        self.false_alarm.map(ThresholdRule::FalseAlarm).or(contamination)
    }
}

pub fn load(path: &Path) -> anyhow::Result<Detector> {
    let path = &standard_input::file(path)?;
    Detector::load(path).map_err(|error| match error {
        // It names the file itself.
        DetectorFileError::File(error @ TensorFileError::Read { .. }) => {
            Failure::new(error.to_string(), "DETECTOR is the file that `enkoder detect fit DATA -o FILE` wrote", error)
                .into()
        }
        DetectorFileError::File(TensorFileError::Kind { ref found, .. }) if found == "enkoder.detector-part" => {
            let hint = format!("`enkoder detect merge {} -o FILE` makes a detector of it", path.display());
            Failure::new(format!("{} is a part of a detector", path.display()), hint, error).into()
        }
        DetectorFileError::File(TensorFileError::Kind { .. } | TensorFileError::Container(_)) => {
            let hint = "DETECTOR is the file that `enkoder detect fit DATA -o FILE` wrote, and comes before the data";
            Failure::new(format!("{} is no detector", path.display()), hint, error).into()
        }
        _ => anyhow::Error::new(error).context(format!("{} cannot be used as a detector", path.display())),
    })
}

pub fn load_part(path: &Path) -> anyhow::Result<DetectorPart> {
    parts::load(path)
}

/// A threshold and what it rests on, in words.
pub fn describe(detector: &Detector, threshold: &Threshold) -> String {
    let Threshold { score, rate, guarantee } = threshold;
    let part = wording::percent(*rate);
    let rows = wording::grouped(detector.calibration().scores().len());
    let what = if detector.windows().is_some() { "moments" } else { "rows" };
    let basis = match guarantee {
        Guarantee::OverTime => format!("at most {part} of normal moments, on average over time"),
        Guarantee::Conformal => format!("at most {part} of normal rows, guaranteed for rows like those calibrated on"),
        Guarantee::Tail => format!(
            "{part} of normal {what} by the fitted tail: an extrapolation, because {rows} {what} can guarantee no less than {}",
            wording::percent(detector.calibration().least_rate())
        ),
        Guarantee::Discoveries => {
            let basis = format!("of the rows flagged at most {part} are normal, on average");
            if *score == f32::INFINITY {
                return format!(
                    "no row is flagged, for none is odd enough among so many ({basis}; calibrated on {rows} rows, and one odd row of a thousand needs {:.0})",
                    1000.0 / rate
                );
            }
            basis
        }
        Guarantee::Quantile => format!("{part} of {what} like those calibrated on"),
        Guarantee::BestF1 => format!("the best F1 on the labels given, which flags {part} of the negative {what}"),
    };
    format!("threshold {} ({basis}; calibrated on {rows} {what})", wording::error((*score).into()))
}

pub fn threshold(detector: &Detector, rule: Option<ThresholdRule>) -> anyhow::Result<Threshold> {
    detector.threshold(rule.unwrap_or(detector.config().rule)).context("the threshold cannot be set")
}
