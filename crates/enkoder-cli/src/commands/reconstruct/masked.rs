//! `enkoder reconstruct --mask`: one picture, of which the white of another says what is missing.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use enkoder::denoising::Denoiser;
use enkoder::{Autoencoder, Dataset};
use enkoder_data::export::Overwrite;
use enkoder_data::images::Picture;
use ndarray::Array2;
use serde_json::json;

use super::{Options, filled};
use crate::failure::{Failure, Usage};
use crate::file_output::{self, is_stream};
use crate::inputs::Inputs;
use crate::model;
use crate::pictures;
use crate::screen::{Screen, print};
use crate::standard_input;
use crate::wording;

pub fn run(options: &Options, mask: &Path, model: &Autoencoder, screen: Screen) -> anyhow::Result<ExitCode> {
    let overwrite = Overwrite::replacing(options.output.force);
    let out = options.output.out.as_deref().unwrap_or(Path::new(""));
    if !out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) && !is_stream(out) {
        let why = format!("cannot tell from {} how to write", out.display());
        return Err(Usage::new(why).with_hint("a picture with a mask is written as .png").into());
    }
    Inputs::new([options.of.inputs(&options.reading)?, vec![mask.to_owned()]].concat())?.refuse(out)?;
    file_output::check_binary(out, overwrite, &options.common)?;
    let found = pictures::find(&options.of.data)?;
    let [found] = &found[..] else {
        let why = format!("--mask belongs to one picture, but {} are named", found.len());
        return Err(Usage::new(why).with_hint("fill them one by one").into());
    };
    let picture = Picture::read(&found.path)?;
    let mask_picture = Picture::read(&standard_input::file(mask)?)?;
    let [size, other] = [&picture, &mask_picture].map(|picture| (picture.height(), picture.width()));
    if size != other {
        let why = format!(
            "the mask {} has {}×{} pixels, but {} has {}×{}",
            mask.display(),
            other.0,
            other.1,
            found.path.display(),
            size.0,
            size.1
        );
        return Err(Usage::new(why)
            .with_hint("a mask is as large as its picture, and white where that is missing")
            .into());
    }
    let half = mask_picture.peak() / 2.0;
    let brightest = mask_picture.values().iter().copied().fold(0.0, f32::max);
    if brightest > 0.0 && brightest <= half {
        let why = format!(
            "the mask {} has no white, which is {}: its brightest value is {brightest}",
            mask.display(),
            mask_picture.peak()
        );
        return Err(Usage::new(why).with_hint("stretch its values from black to white").into());
    }
    let missing: Vec<bool> = mask_picture
        .values()
        .chunks_exact(mask_picture.channels())
        .map(|pixel| pixel.iter().all(|&value| value > half))
        .collect();
    let channels = picture.channels();
    let values = picture.values().iter().enumerate();
    let damaged: Vec<f32> =
        values.map(|(index, &value)| if missing[index / channels] { f32::NAN } else { value }).collect();
    let filled = fill(options, model, &picture, &damaged)
        .with_context(|| format!("{} cannot be filled in", found.path.display()))?;
    file_output::write_bytes(out, overwrite, &picture.with_values(filled).to_png()?)?;
    let missing = missing.iter().filter(|missing| **missing).count();
    if options.common.json {
        let (height, width) = size;
        print(json!({
            "out": out.display().to_string(), "height": height, "width": width, "channels": channels, "missing_pixels": missing,
        }))?;
    } else {
        filled::say(screen, missing * channels);
    }
    Ok(ExitCode::SUCCESS)
}

/// By a model of pictures of any size, or by one of pictures of exactly this size.
fn fill(options: &Options, model: &Autoencoder, picture: &Picture, damaged: &[f32]) -> anyhow::Result<Vec<f32>> {
    let (shape, peak, iterations) = (picture.shape(), picture.peak(), options.filling.iterations(model));
    let expected = &model.architecture().input_shape;
    let size = |shape: &[usize]| -> Vec<usize> { shape.iter().copied().chain([1]).take(3).collect() };
    if size(expected) != size(&shape) || expected.len() < 2 {
        return match Denoiser::new(model) {
            Ok(denoiser) => Ok(denoiser.fill(damaged, &shape, peak, iterations)?),
            Err(error) => {
                let why = format!(
                    "the model {} takes samples of {}, but the picture is {}",
                    model::file_of(&options.of.model).display(),
                    wording::shape(expected),
                    wording::shape(&shape)
                );
                let hint = "bring the picture to this size, or train a model of convolutions alone on patches";
                Err(Failure::new(why, hint, error).into())
            }
        };
    }
    let Some((black, white)) = model::range(model) else {
        let path = model::file_of(&options.of.model);
        let why = format!("what black and white are to the model {} is not known from its training", path.display());
        return Err(Usage::new(why).with_hint("train it with --scaling unit").into());
    };
    let scaled = damaged.iter().map(|value| black + value * (white - black) / peak).collect();
    let data = Dataset::from_f32("picture", Array2::from_shape_vec((1, damaged.len()), scaled)?)?;
    let filled = model.fill(&data, iterations)?;
    let back = filled.iter().zip(damaged).map(|(&filled, &given)| match given.is_nan() {
        true => ((filled - black) * peak / (white - black)).clamp(0.0, peak),
        false => given,
    });
    Ok(back.collect())
}
