//! `enkoder eval`: how well a model copies samples that it has not seen, beside principal components.

mod codec;
mod denoising;
mod filling;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueHint};
use enkoder::{Autoencoder, Dataset};
use enkoder_data::export::Overwrite;
use serde_json::{Value, json};

use self::codec::CodecOptions;
use self::denoising::DenoisingOptions;
use self::filling::FillingOptions;
use crate::arguments::{DataOptions, ModelAndData, RunOptions};
use crate::comparison::{Comparison, Sections, figures_folder};
use crate::file_output;
use crate::input::Compressible;
use crate::inputs::Inputs;
use crate::model;
use crate::screen::{FAINT, print};
use crate::wording;

/// Measure a model on data, beside principal components
///
/// Where DATA is what the model was trained on, its validation samples are measured, which it has not learned from. Other data is
/// measured as a whole. Errors are mean squared errors over samples and values, in scaled units.
///
/// With --noise, a denoiser is measured on clean pictures: PSNR and SSIM of the noisy pictures, of the median over 3×3 pixels, of
/// non-local means and of the model; --report and --figures then show crops to look at.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    of: ModelAndData,

    #[command(flatten)]
    reading: DataOptions,

    #[command(flatten)]
    codec: CodecOptions,

    #[command(flatten)]
    filling: FillingOptions,

    #[command(flatten)]
    denoising: DenoisingOptions,

    /// Write a report to this file
    #[arg(long, value_name = "FILE", help_heading = "Output", value_hint = ValueHint::FilePath)]
    report: Option<PathBuf>,

    /// Write each figure of the report to this folder, as SVG or PNG
    #[arg(long, value_name = "FOLDER", help_heading = "Output", value_hint = ValueHint::DirPath)]
    figures: Option<PathBuf>,

    /// Replace what is there already
    #[arg(long, help_heading = "Output")]
    force: bool,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let overwrite = Overwrite::replacing(options.force);
    let inputs = Inputs::new(options.of.inputs(&options.reading)?)?;
    let model = model::load(&options.of.model)?;
    if let Some(report) = &options.report {
        inputs.refuse(report)?;
        file_output::check_report(report, overwrite)?;
    }
    if let Some(noise) = options.denoising.noise {
        return denoising::run(&options, noise, &model, screen);
    }
    let peers = options.codec.peers()?;
    let figures = options.figures.as_deref().map(|path| figures_folder(path, options.force)).transpose()?;
    let data = options.reading.open_for(&model, &options.of.data, screen)?;
    model::check(&model, &options.of.model, &data)?;
    let measured = Measured::of(&model, &data);
    screen.note(measured.to_text(&data));

    let seed = model.record().config.as_ref().map_or(0, |config| config.seed);
    let comparison = Comparison::new(&model, measured.train(), measured.samples(&data), seed, screen)?;
    let filling = options.filling.measure(&model, measured.train(), measured.samples(&data), seed, screen)?;
    let codec = if options.codec.is_wanted() {
        let mut to_compress = match &measured {
            // Only these samples, as they were read: not all of the data.
            Measured::Validation { validation, .. } => Compressible::new(validation),
            _ => options.reading.open_to_compress(&model, &options.of, screen)?,
        };
        Some(options.codec.measure(&model, data.name(), &mut to_compress, peers, screen)?)
    } else {
        None
    };
    let sections = Sections { filling: filling.as_ref(), codec: codec.as_ref() };
    let mut files = Vec::new();
    if let Some(comparison) = &comparison {
        if let Some(left_out) = comparison.evaluation.left_out() {
            screen.note(left_out);
        }
        if let Some(report) = &options.report {
            comparison.write_report(report, overwrite, sections)?;
            files.push(report.display().to_string());
        }
        if let Some(folder) = &figures {
            let count = comparison.write_figures(folder, overwrite, sections)?;
            files.push(format!("{} ({count} figures)", folder.display()));
        }
    }
    if options.common.json {
        print(json!({
            "data": data.name(),
            "samples": measured.samples(&data).len(),
            "measured": measured.name(),
            "errors": comparison.as_ref().map(Comparison::to_json),
            "classes": comparison.as_ref().map(classes_to_json),
            "filling": filling.as_ref().map(filling::to_json),
            "codec": codec.as_ref().map(codec::to_json),
            "files": files,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    match &comparison {
        Some(comparison) => {
            print(comparison.to_text("MSE"))?;
            if let Some(classes) = classes_to_text(comparison) {
                print(classes)?;
            }
        }
        None => {
            let errors = model.reconstruction_error(measured.samples(&data))?;
            let mean = errors.iter().map(|&error| f64::from(error)).sum::<f64>() / errors.len() as f64;
            print(format_args!("MSE {}", wording::error(mean)))?;
        }
    }
    if let Some(filling) = &filling {
        print(filling::to_text(filling))?;
    }
    if let Some(codec) = &codec {
        print(codec::to_text(codec))?;
    }
    for file in files {
        print(format_args!("{FAINT}written{FAINT:#} {file}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Which samples are measured, as far as the model's record tells what it has seen.
#[expect(clippy::large_enum_variant, reason = "there is only ever one")]
enum Measured {
    /// The validation samples of the data that the model was trained on.
    Validation { train: Dataset, validation: Dataset },
    /// All samples, and they are those that the model was trained on.
    Training,
    /// All samples, other ones than the model was trained on.
    Other,
    /// All samples; as many as the model was trained and validated on, but how they were split is not known.
    Unknown,
}

impl Measured {
    fn of(model: &Autoencoder, data: &Dataset) -> Self {
        let record = &model.record().data;
        let all = record.train_samples + record.validation_samples;
        if data.len() == record.train_samples && data.fingerprint() == record.fingerprint {
            return Self::Training;
        }
        if data.len() != all {
            return Self::Other;
        }
        let seed = model.record().config.as_ref().map(|config| config.seed);
        let fraction = record.validation_samples as f64 / all as f64;
        match data.split(fraction, seed.unwrap_or(0)) {
            Ok((train, validation)) if train.fingerprint() == record.fingerprint => {
                Self::Validation { train, validation }
            }
            _ if seed.is_none() => Self::Unknown,
            _ => Self::Other,
        }
    }

    fn samples<'a>(&'a self, data: &'a Dataset) -> &'a Dataset {
        match self {
            Self::Validation { validation, .. } => validation,
            Self::Training | Self::Other | Self::Unknown => data,
        }
    }

    fn train(&self) -> Option<&Dataset> {
        match self {
            Self::Validation { train, .. } => Some(train),
            Self::Training | Self::Other | Self::Unknown => None,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Validation { .. } => "validation samples",
            Self::Training => "training samples",
            Self::Other => "other samples",
            Self::Unknown => "all samples",
        }
    }

    fn to_text(&self, data: &Dataset) -> String {
        let what = wording::data(data);
        match self {
            Self::Validation { validation, .. } => format!(
                "{what}\nthe model was trained on this data: measured are its {} validation samples, which it has not learned from",
                wording::grouped(validation.len())
            ),
            Self::Training => {
                format!("{what}\nthese are the samples that the model was trained on: expect more of unseen ones")
            }
            Self::Other => format!("{what}\nother data than the model was trained on: measured are all samples"),
            Self::Unknown => {
                format!("{what}\nmeasured are all samples; some may be those that the model was computed from")
            }
        }
    }
}

fn classes_to_text(comparison: &Comparison) -> Option<String> {
    let classes = comparison.evaluation.class_errors();
    if classes.len() < 2 {
        return None;
    }
    let width = classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0).max("class".len());
    let mut text = format!("\n{FAINT}{:width$}  {:>8}  {:>9}  {:>9}{FAINT:#}", "class", "samples", "MSE", "PCA");
    for class in classes {
        let [own, baseline] = [class.mse, class.baseline_mse].map(wording::error);
        text += &format!("\n{:width$}  {:>8}  {own:>9}  {baseline:>9}", class.name, wording::grouped(class.samples));
    }
    Some(text)
}

fn classes_to_json(comparison: &Comparison) -> Value {
    let class = |class: &enkoder_report::ClassErrors| json!({ "name": class.name, "samples": class.samples, "mse": class.mse, "pca_mse": class.baseline_mse });
    comparison.evaluation.class_errors().iter().map(class).collect()
}
