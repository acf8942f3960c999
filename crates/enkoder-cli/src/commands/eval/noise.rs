//! `enkoder eval --noise` on samples of one shape: noise is put on them and taken out again, by the model and by principal components.

use anyhow::Context;
use enkoder::denoising::{Denoiser, Noise};
use enkoder::{Autoencoder, Dataset};
use enkoder_report::{NoiseEvaluation, NoiseLeft};
use serde_json::{Value, json};

use crate::arguments::doubtful_noise;
use crate::failure::Usage;
use crate::screen::{FAINT, HINT, STRONG, Screen, picture_width};
use crate::wording;

/// The model for samples of this shape, which networks of convolutions alone take in any size.
pub fn for_shape(model: Autoencoder, shape: &[usize]) -> anyhow::Result<Autoencoder> {
    let other = shape.len() > 1 && shape != model.architecture().input_shape;
    match model.architecture().margin() {
        Some(_) if other => Ok(model.for_shape(shape)?),
        _ => Ok(model),
    }
}

/// Puts the noise on the samples and has it taken out.
pub fn measure(
    model: &Autoencoder,
    train: Option<&Dataset>,
    samples: &Dataset,
    noise: Noise,
    seed: u64,
    screen: Screen,
) -> anyhow::Result<NoiseEvaluation> {
    if !model.task().reconstructs() {
        return Err(Usage::new(
            "the model does not give samples back, so there is nothing to compare with the clean ones",
        )
        .with_hint("measure noise on a model that was trained without --target")
        .into());
    }
    let is_denoiser = Denoiser::new(model).is_ok();
    let corruption = if is_denoiser { noise.corruption() } else { noise.as_given() };
    let busy = screen.busy("taking noise out");
    let measured = NoiseEvaluation::new(model, train, samples, corruption, seed)
        .context("what is left of the noise cannot be measured")?;
    drop(busy);
    if let Some(doubt) = doubtful_noise(corruption, is_denoiser).filter(|_| model.scaler().is_unit_interval()) {
        screen.note(format_args!("{HINT}hint:{HINT:#} {doubt}"));
    }
    Ok(measured)
}

pub fn to_text(measured: &NoiseEvaluation) -> String {
    let results = measured.results();
    let label = results.iter().map(|left| left.name.len()).max().unwrap_or(0);
    let has_psnr = results.iter().any(|left| left.psnr.is_some());
    let mut text =
        format!("\n{FAINT}{:label$}  {:>9}{}{FAINT:#}", "", "MSE", if has_psnr { "  mean PSNR" } else { "" });
    for (index, left) in results.iter().enumerate() {
        let strong = if index + 1 == results.len() { STRONG } else { anstyle::Style::new() };
        let psnr = left.psnr.map_or_else(String::new, |psnr| format!("  {psnr:>6.2} dB"));
        text += &format!("\n{strong}{:label$}  {:>9}{strong:#}{psnr}", left.name, wording::error(left.mse));
    }
    let samples = wording::counted(measured.samples(), "sample", "samples");
    text += &format!("\n{FAINT}{} on {samples}; errors from the clean samples{FAINT:#}", measured.noise_in_words());
    if measured.favours_pca() {
        text += &format!("\n{FAINT}PCA was fitted to these samples without the noise, which favours it{FAINT:#}");
    }
    text + &preview(|width, colour| measured.preview(width, colour))
}

/// What is drawn for a terminal of some width that may have colours, below its heading; nothing where there is no terminal.
pub fn preview(draw: impl FnOnce(usize, bool) -> String) -> String {
    let preview = picture_width().map_or_else(String::new, |(width, colour)| draw(width, colour));
    match preview.trim_end_matches('\n') {
        "" => String::new(),
        preview => format!("\n\n{FAINT}noisy, below it what the model makes of it, and clean{FAINT:#}\n{preview}"),
    }
}

pub fn to_json(measured: &NoiseEvaluation) -> Value {
    let result = |left: &NoiseLeft| json!({ "name": left.name, "mse": left.mse, "mean_psnr": left.psnr });
    json!({
        "noise": measured.noise().to_string(),
        "samples": measured.samples(),
        "results": measured.results().iter().map(result).collect::<Value>(),
    })
}
