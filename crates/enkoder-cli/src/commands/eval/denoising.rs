//! `enkoder eval --noise`: noise is put on clean pictures and taken out again, by the model and by what it has to beat.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use enkoder::Autoencoder;
use enkoder::denoising::{Denoiser, Noise};
use enkoder_data::DataError;
use enkoder_data::export::{Overwrite, write_atomically};
use enkoder_report::{DenoisedPicture, DenoisingEvaluation, Method, Quality};
use serde_json::{Value, json};

use super::{Options, noise};
use crate::arguments::parse_noise;
use crate::comparison::{command_line, figures_folder};
use crate::failure::Usage;
use crate::model;
use crate::pictures::{self, Skipped};
use crate::progress::PictureProgress;
use crate::screen::{FAINT, STRONG, Screen, print};
use crate::wording;

/// How a denoiser is measured.
#[derive(Debug, Args)]
#[command(next_help_heading = "Denoising")]
pub struct DenoisingOptions {
    /// Put noise on clean samples and measure what is left of it: gaussian:SIGMA, poisson:PEAK, salt-and-pepper:FRACTION or
    /// masking:FRACTION, as the training's --noise. SIGMA is in 255ths of white for a denoiser, and in scaled units for other models
    #[arg(long, value_name = "KIND:X", value_parser = parse_noise::<Noise>)]
    pub noise: Option<Noise>,

    /// Seed of the noise
    #[arg(long, value_name = "N", default_value_t = 0, requires = "noise")]
    pub seed: u64,

    /// Denoise as `enkoder denoise --ensemble` does: the mean over each picture turned and mirrored in all eight ways
    #[arg(long, requires = "noise")]
    ensemble: bool,
}

impl DenoisingOptions {
    /// Refuses what only pictures of any size are measured with.
    pub fn check_samples(&self) -> Result<(), Usage> {
        match self.ensemble {
            true => Err(Usage::new("--ensemble is given, but it is for a denoiser and files of pictures")
                .with_hint("leave it out")),
            false => Ok(()),
        }
    }
}

/// Whether the model is a denoiser and the data are files of pictures, each of its own size.
pub fn is_meant(model: &Autoencoder, options: &Options) -> bool {
    Denoiser::new(model).is_ok() && pictures::are_pictures(&options.of.data)
}

pub fn run(options: &Options, noise: Noise, model: &Autoencoder, screen: Screen) -> anyhow::Result<ExitCode> {
    if let Some(option) = options.of_samples() {
        return Err(Usage::new(format!(
            "{option} cannot be given here: with --noise pictures are measured as they are"
        ))
        .with_hint("leave one of them out")
        .into());
    }
    let path = model::file_of(&options.of.model);
    let denoiser = Denoiser::new(model).with_context(|| format!("{} cannot denoise", path.display()))?;
    let denoiser = denoiser.with_ensemble(options.denoising.ensemble);
    let figures = options.figures.as_deref().map(|path| figures_folder(path, options.force)).transpose()?;
    let mut found = pictures::find(&options.of.data)?;
    found.truncate(options.reading.samples.unwrap_or(usize::MAX));
    let mut evaluation = DenoisingEvaluation::new(noise, options.denoising.seed);
    let mut skipped = Skipped::new(options.reading.strict || found.len() == 1);
    let progress = PictureProgress::new(screen, "measuring", found.len());
    for (number, found) in (0..).zip(&found) {
        skipped.or_skip(&found.path, &progress, |picture| {
            let name = found.name.with_extension("").display().to_string();
            evaluation
                .add(&denoiser, (&name, number), picture.values(), &picture.shape(), picture.peak())
                .with_context(|| format!("{} cannot be measured", found.path.display()))
                .map(|_| ())
        })?;
        progress.advance();
    }
    drop(progress);
    skipped.tell(found.len());
    if evaluation.pictures().is_empty() {
        let why = format!("neither this nor another of the {} pictures can be measured", wording::grouped(found.len()));
        return Err(DataError::unsuitable(found[0].path.as_path(), why).into());
    }
    let overwrite = Overwrite::replacing(options.force);
    let mut files = Vec::new();
    if let Some(report) = &options.report {
        let html = evaluation.to_html(model, &command_line())?;
        write_atomically(report, overwrite, |file| file.write_all(html.as_bytes()))?;
        files.push(report.display().to_string());
    }
    if let Some(folder) = &figures {
        for figure in evaluation.figures()? {
            let path: PathBuf = folder.join(figure.file_name());
            write_atomically(&path, overwrite, |file| file.write_all(&figure.bytes))?;
            files.push(path.display().to_string());
        }
    }
    if options.common.json {
        print(json!({
            "noise": evaluation.noise(),
            "seed": options.denoising.seed,
            "mean": Method::ALL.iter().map(|&method| mean_to_json(&evaluation, method)).collect::<Value>(),
            "pictures": evaluation.pictures().iter().map(picture_to_json).collect::<Value>(),
            "skipped": skipped.to_json(),
            "files": files,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    print(to_text(&evaluation))?;
    for file in files {
        print(format_args!("{FAINT}written{FAINT:#} {file}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn to_text(evaluation: &DenoisingEvaluation) -> String {
    let pictures = wording::counted(evaluation.pictures().len(), "picture", "pictures");
    let mut text = format!("{:<16}  {:>8}  {:>6}  {:>12}", "", "PSNR, dB", "SSIM", "megapixels/s");
    for method in Method::ALL {
        let Some(mean) = evaluation.mean(method) else { continue };
        let strong = if method == Method::Model { STRONG } else { anstyle::Style::new() };
        let ssim = mean.ssim.map_or_else(|| "?".to_owned(), |ssim| format!("{ssim:.4}"));
        let rate = evaluation.megapixels_per_second(method).map_or_else(String::new, |rate| format!("{rate:.2}"));
        text += &format!("\n{strong}{:<16}  {:>8.2}  {ssim:>6}{strong:#}  {rate:>12}", method.name(), mean.psnr);
    }
    text += &format!("\n{FAINT}means over {pictures} with noise {}{FAINT:#}", evaluation.noise());
    text + &noise::preview(|width, colour| evaluation.preview(width, colour))
}

fn mean_to_json(evaluation: &DenoisingEvaluation, method: Method) -> Value {
    let mean = evaluation.mean(method);
    json!({
        "method": method.name(),
        "psnr": mean.map(|mean| mean.psnr),
        "ssim": mean.and_then(|mean| mean.ssim),
        "megapixels_per_second": evaluation.megapixels_per_second(method),
    })
}

fn picture_to_json(picture: &DenoisedPicture) -> Value {
    let result = |(method, quality): (Method, &Quality)| json!({ "method": method.name(), "psnr": quality.psnr, "ssim": quality.ssim, "seconds": quality.seconds });
    json!({
        "name": picture.name,
        "height": picture.height,
        "width": picture.width,
        "sigma": picture.sigma,
        "results": Method::ALL.into_iter().zip(&picture.results).map(result).collect::<Value>(),
    })
}
