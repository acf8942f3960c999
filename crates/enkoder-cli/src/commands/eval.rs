//! `enkoder eval`: how well a model copies samples that it has not seen, beside principal components.

mod codec;
mod denoising;
mod filling;
mod noise;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueHint};
use enkoder_data::export::Overwrite;
use serde_json::{Value, json};

use self::codec::CodecOptions;
use self::denoising::DenoisingOptions;
use self::filling::FillingOptions;
use crate::arguments::{DataOptions, ModelAndData, RunOptions};
use crate::comparison::{Comparison, Sections, figures_folder};
use crate::compressible::Compressible;
use crate::failure::Usage;
use crate::file_output;
use crate::inputs::Inputs;
use crate::measured::Measured;
use crate::model;
use crate::screen::{FAINT, print};
use crate::wording;

/// Measure a model on data, beside principal components
///
/// Where DATA is what the model was trained on, its validation samples are measured, which it has not learned from. Other data is
/// measured as a whole. Errors are mean squared errors over samples and values, in scaled units.
///
/// With --noise, noise is put on samples and taken out again: the errors of the noisy samples, of principal components and of the model,
/// beside the clean samples, with some of them to look at. A denoiser is measured on clean pictures of any size, beside the median over 3×3
/// pixels and non-local means, by PSNR and SSIM.
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

    /// Store the result beside PCA in the model file, as `enkoder train` does: for models that were trained from Rust or Python. DATA is
    /// what the model was trained on
    #[arg(long, help_heading = "Output", conflicts_with = "noise")]
    save_results: bool,

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
    let noise = options.denoising.noise;
    if let Some(noise) = noise.filter(|_| denoising::is_meant(&model, &options)) {
        return denoising::run(&options, noise, &model, screen);
    }
    options.denoising.check_samples()?;
    let peers = options.codec.peers()?;
    let figures = options.figures.as_deref().map(|path| figures_folder(path, options.force)).transpose()?;
    let data = options.reading.open_for(&model, &options.of.data, screen)?;
    let model = if noise.is_some() { noise::for_shape(model, data.shape())? } else { model };
    model::check(&model, &options.of.model, &data)?;
    let measured = Measured::of(&model, &data);
    if options.save_results && measured.train().is_none() {
        return Err(Usage::new(
            "--save-results is given, but these are not the validation samples of the model's training",
        )
        .with_hint("give the DATA that the model was trained on, with the same data options")
        .into());
    }
    screen.note(measured.to_text(&data));

    let mut files = Vec::new();
    let seed = model.record().config.as_ref().map_or(0, |config| config.seed);
    let comparison = Comparison::new(&model, measured.train(), measured.samples(&data), seed, screen)?;
    if let (true, Some(comparison)) = (options.save_results, &comparison) {
        let file = model::file_of(&options.of.model);
        model.clone().with_results(comparison.results()).save(&file)?;
        files.push(file.display().to_string());
    }
    let filling = options.filling.measure(&model, measured.train(), measured.samples(&data), seed, screen)?;
    let noise = noise.map(|noise| {
        noise::measure(&model, measured.train(), measured.samples(&data), noise, options.denoising.seed, screen)
    });
    let noise = noise.transpose()?;
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
    let sections = Sections { filling: filling.as_ref(), noise: noise.as_ref(), codec: codec.as_ref(), explorer: None };
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
            "noise": noise.as_ref().map(noise::to_json),
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
    if let Some(noise) = &noise {
        print(noise::to_text(noise))?;
    }
    if let Some(codec) = &codec {
        print(codec::to_text(codec))?;
    }
    for file in files {
        print(format_args!("{FAINT}written{FAINT:#} {file}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Options {
    /// An option that was given and belongs to samples of one shape.
    fn of_samples(&self) -> Option<&'static str> {
        let given = [
            ("--codec", self.codec.is_wanted()),
            ("--fill", self.filling.is_wanted()),
            ("--size", self.reading.size.is_some()),
            ("--grey", self.reading.grey),
            ("--label", self.reading.label.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
    }
}

fn classes_to_text(comparison: &Comparison) -> Option<String> {
    let classes = comparison.evaluation.class_errors();
    if classes.len() < 2 {
        return None;
    }
    let width = classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0).max("class".len());
    // A model that is PCA itself has no other beside it.
    let beside = |text: &str| if comparison.is_pca() { String::new() } else { format!("  {text:>9}") };
    let mut text = format!("\n{FAINT}{:width$}  {:>8}  {:>9}{}{FAINT:#}", "class", "samples", "MSE", beside("PCA"));
    for class in classes {
        let [own, baseline] = [class.mse, class.baseline_mse].map(wording::error);
        let samples = wording::grouped(class.samples);
        text += &format!("\n{:width$}  {samples:>8}  {own:>9}{}", class.name, beside(&baseline));
    }
    Some(text)
}

fn classes_to_json(comparison: &Comparison) -> Value {
    let class = |class: &enkoder_report::ClassErrors| json!({ "name": class.name, "samples": class.samples, "mse": class.mse, "pca_mse": class.baseline_mse });
    comparison.evaluation.class_errors().iter().map(class).collect()
}
