//! What the page's template is filled with: every number already in words, every chart drawn for the page.

mod codec;
mod data;
mod filling;
mod findings;
mod latent;
mod noise;
mod result;
mod sizes;
mod training;

use askama::Template;

use super::{Frame, Report, ReportError};
use crate::card::Section;
use crate::charts::Style;
use crate::evaluation::{Evaluation, LONGEST_NAME, View};
use crate::number::{count, duration, grouped, name, percent, significant};
use crate::palette::{Ink, Theme};
use crate::picture::PictureError;

use self::codec::CodecSection;
use self::data::Data;
use self::filling::FillingSection;
use self::latent::Latent;
use self::noise::NoiseSection;
use self::result::ResultSection;
use self::sizes::SizeSection;
use self::training::{NetworkSection, Training};

/// Tables of classes or features have at most this many rows.
const MOST_ROWS: usize = 40;
const PAGE: Theme = Theme::Page;

#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Page {
    frame: Frame,
    command_line: Option<String>,
    explorer: Option<String>,
    baseline: String,
    /// `unseen samples`, where they are.
    samples: &'static str,
    /// Whether the model is PCA itself, so that there is nothing to compare it with.
    is_pca: bool,
    /// Whether the samples are others than those that the model was trained on, which are known.
    unseen: bool,
    baseline_note: &'static str,
    summary: Summary,
    data: Data,
    network: NetworkSection,
    training: Training,
    result: ResultSection,
    /// What is left out, and why.
    left_out: Option<String>,
    latent: Option<Latent>,
    sizes: Option<SizeSection>,
    filling: Option<FillingSection>,
    noise: Option<NoiseSection>,
    codec: Option<CodecSection>,
    card: Vec<Section>,
    /// On what the card rests.
    rests: Vec<String>,
    facts: Vec<(&'static str, String)>,
}

struct Summary {
    mse: String,
    baseline_mse: String,
    mean_mse: String,
    comparison: String,
    comparison_note: String,
    mean_note: &'static str,
    facts: Vec<(&'static str, String)>,
}

/// A picture, or a drawing of values.
struct Shown {
    uri: Option<String>,
    svg: Option<String>,
    alt: String,
}

impl Page {
    pub(super) fn new(report: &Report<'_>) -> Result<Self, ReportError> {
        let evaluation = report.evaluation;
        Ok(Self {
            frame: Frame::new(&report.title, lead(evaluation)),
            command_line: report.command_line.clone(),
            explorer: report.explorer.clone(),
            baseline: evaluation.baseline_name(),
            samples: if evaluation.data.unseen { "unseen samples" } else { "these samples" },
            is_pca: evaluation.is_closed_form(),
            unseen: evaluation.data.unseen,
            baseline_note: if evaluation.data.unseen {
                "the best linear code of the training samples"
            } else {
                "the best linear code of these very samples"
            },
            summary: Summary::of(evaluation, report.threads),
            data: Data::of(evaluation)?,
            network: NetworkSection::of(evaluation)?,
            training: Training::of(evaluation),
            result: ResultSection::of(evaluation)?,
            left_out: evaluation.left_out(),
            latent: evaluation.codes.as_ref().map(|codes| Latent::of(evaluation, codes)).transpose()?,
            sizes: evaluation.sizes().map(|sizes| SizeSection::of(evaluation, sizes)),
            filling: report.filling.map(FillingSection::of).transpose()?,
            noise: report.noise.map(|noise| NoiseSection::of(noise, evaluation)).transpose()?,
            codec: report.codec.map(CodecSection::of).transpose()?,
            card: evaluation.card.sections.clone(),
            rests: evaluation.card.rests.iter().map(|sentence| sentence.replace('`', "")).collect(),
            facts: facts(evaluation),
        })
    }
}

impl Shown {
    fn of(evaluation: &Evaluation, view: &View, alt: String) -> Result<Self, PictureError> {
        Ok(match view {
            View::Picture(picture) => Self { uri: Some(picture.data_uri()?), svg: None, alt },
            View::Values(values) => {
                let series = [("value", Ink::Network, Style::Solid, values)];
                Self { uri: None, svg: Some(evaluation.draw_values(&alt, series, PAGE)), alt }
            }
        })
    }
}

impl Summary {
    fn of(evaluation: &Evaluation, threads: Option<usize>) -> Self {
        let record = &evaluation.record;
        let (comparison, comparison_note) = match evaluation.times_below_baseline() {
            _ if evaluation.is_closed_form() => {
                let explained = 1.0 - evaluation.baseline.mse / evaluation.mean.mse;
                (percent(explained), "of what predicting the mean leaves; this model is PCA itself".to_owned())
            }
            Some(ratio) if ratio >= 1.0 => {
                (format!("{} ×", significant(ratio, 3)), "smaller error than PCA".to_owned())
            }
            Some(ratio) => (format!("{} ×", significant(1.0 / ratio, 3)), "larger error than PCA".to_owned()),
            None => ("–".to_owned(), "one of the errors is zero or not finite".to_owned()),
        };
        let mut facts = Vec::new();
        if let Some(config) = &record.config {
            facts.push(("Seed", config.seed.to_string()));
        }
        if record.seconds > 0.0 {
            facts.push(("Time", duration(record.seconds)));
        }
        if let Some(threads) = threads.or(record.config.as_ref().and_then(|config| config.threads)) {
            facts.push(("Threads", threads.to_string()));
        }
        facts.push(("Enkoder", env!("CARGO_PKG_VERSION").to_owned()));
        Self {
            mse: significant(evaluation.network.mse, 3),
            baseline_mse: significant(evaluation.baseline.mse, 3),
            mean_mse: significant(evaluation.mean.mse, 3),
            comparison,
            comparison_note,
            mean_note: if evaluation.mean.of_training { "of the training samples" } else { "of these samples" },
            facts,
        }
    }
}

/// What was trained on what, and what is measured here.
fn lead(evaluation: &Evaluation) -> String {
    let record = &evaluation.record;
    let data = || format!("{} of {}", count(record.data.train_samples, "sample", "samples"), quoted(&record.data.name));
    let (what, made) = if evaluation.is_closed_form() {
        ("A linear autoencoder", format!("computed in closed form from {}", data()))
    } else if record.is_imported() {
        ("An autoencoder", "taken over from another toolkit".to_owned())
    } else {
        ("An autoencoder", format!("trained on {}", data()))
    };
    let values = count(evaluation.data.features, "value", "values");
    let work = match evaluation.codes {
        Some(_) => {
            let numbers = count(evaluation.architecture.latent(), "number", "numbers");
            format!("turns each sample of {values} into {numbers}")
        }
        None => format!("takes samples of {values}"),
    };
    format!(
        "{what} of layers {} with {} was {made}. It {work}, and is measured here on {} of {}{}.",
        arrows(&evaluation.architecture.summary()),
        count(evaluation.architecture.parameters(), "parameter", "parameters"),
        count(evaluation.data.samples, "sample", "samples"),
        quoted(&evaluation.data.name),
        match &record.config {
            Some(config) if config.corruption.is_some() => ", without the noise of its training",
            _ if evaluation.data.unseen => " that it did not see in training",
            _ => "",
        },
    )
}

/// What was measured here, by what.
fn facts(evaluation: &Evaluation) -> Vec<(&'static str, String)> {
    vec![
        ("Evaluated on", format!("{}, {}", evaluation.data.name, count(evaluation.data.samples, "sample", "samples"))),
        ("SHA-256 of the evaluated samples", evaluation.data.fingerprint.clone()),
        ("Enkoder", env!("CARGO_PKG_VERSION").to_owned()),
    ]
}

/// The sizes of layers as a way through them, which can be broken into lines between them.
pub(crate) fn arrows(summary: &str) -> String {
    let part = |part: &str| part.parse().map_or_else(|_| part.to_owned(), grouped);
    summary.split('-').map(part).collect::<Vec<_>>().join(" → ")
}

fn quoted(text: &str) -> String {
    format!("“{}”", name(text, LONGEST_NAME))
}

fn ratio(a: f64, b: f64) -> String {
    significant(a / b, 3)
}
