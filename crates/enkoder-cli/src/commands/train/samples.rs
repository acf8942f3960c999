//! What a training learns from: samples as they are, patches of photographs, and pairs where `--target` says what inputs should
//! become.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::{Dataset, WholeImage};
use enkoder_data::images::{image_paths, is_image_name, read_whole_images};
use ndarray::Array2;

use crate::arguments::{DataName, DataOptions, parse_count};
use crate::failure::Usage;
use crate::pictures;
use crate::screen::Screen;
use crate::wording;

const DEFAULT_PATCH: usize = 40;
const DEFAULT_PATCHES: usize = 50_000;
/// Patches that validate for each whole image of theirs: enough for a steady loss.
const VALIDATION_PATCHES: usize = 32;

/// Pairs and patches.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data options")]
pub struct SampleOptions {
    /// What the inputs should become, sample by sample: data of the same kind, or for a denoiser clean photographs of the same
    /// names and sizes
    #[arg(long, value_name = "DATA", value_hint = ValueHint::AnyPath)]
    target: Option<DataName>,

    /// Learn from patches of this many pixels a side, cut from images of any sizes [default of a denoiser: 40]
    #[arg(long, value_name = "PIXELS", value_parser = parse_count)]
    patch: Option<usize>,

    /// Patches in an epoch [default: 50000]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    patches: Option<usize>,
}

/// Samples of training or validation, with what they should become where that is not themselves.
pub struct Pair {
    pub inputs: Dataset,
    pub targets: Option<Dataset>,
}

/// Both sides of the split.
pub struct Samples {
    pub train: Pair,
    pub validation: Pair,
}

/// Where samples come from, and which of them validate.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub names: &'a [DataName],
    pub reading: &'a DataOptions,
    /// The part of the samples that is kept apart to validate with, at least one.
    pub validation: f64,
    pub seed: u64,
    pub screen: Screen,
}

impl SampleOptions {
    /// The options that were given.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("--target", self.target.is_some()),
            ("--patch", self.patch.is_some()),
            ("--patches", self.patches.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name)
    }

    /// Reads what there is to learn from.
    pub fn read(&self, request: Request<'_>, denoiser: bool) -> anyhow::Result<Samples> {
        if self.patch.is_some() || (denoiser && is_images(request.names)) {
            return self.patches(request);
        }
        if self.patches.is_some() {
            return Err(Usage::new("--patches is given, but nothing is cut into patches")
                .with_hint("add --patch PIXELS")
                .into());
        }
        self.whole_samples(request)
    }

    fn whole_samples(&self, request: Request<'_>) -> anyhow::Result<Samples> {
        let Request { names, reading, validation, seed, screen } = request;
        let inputs = reading.open(names, screen)?;
        let targets = self.target.as_ref().map(|name| reading.open(std::slice::from_ref(name), screen)).transpose()?;
        if let Some(targets) = &targets
            && targets.len() != inputs.len()
        {
            return Err(Usage::new(format!(
                "{} inputs cannot be paired with {} targets",
                wording::grouped(inputs.len()),
                wording::grouped(targets.len())
            ))
            .with_hint("each sample needs one target, in the same order")
            .into());
        }
        let split = |data: &Dataset| {
            data.split(validation, seed).with_context(|| format!("{} cannot be trained on", data.name()))
        };
        // The same seed and the same number make the same split.
        let (train, kept) = split(&inputs)?;
        let (train_targets, kept_targets) = targets.as_ref().map(split).transpose()?.unzip();
        Ok(Samples {
            train: Pair { inputs: train, targets: train_targets },
            validation: Pair { inputs: kept, targets: kept_targets },
        })
    }

    fn patches(&self, request: Request<'_>) -> anyhow::Result<Samples> {
        let Request { names, reading, validation, seed, .. } = request;
        let images = whole_images(names, reading)?;
        let targets = self.target.as_ref().map(|name| whole_images(std::slice::from_ref(name), reading));
        let targets = targets.transpose()?;
        if let Some(targets) = &targets {
            check_pairs(&images, targets)?;
        }
        if images.len() < 2 {
            return Err(Usage::new("patches need at least 2 images: some to learn from, some to validate with").into());
        }
        // Whole images stay on one side: two patches of one may overlap.
        let numbers = Array2::from_shape_fn((images.len(), 1), |(image, _)| image as f32);
        let (_, kept) = Dataset::from_f32("images", numbers)?.split(validation, seed)?;
        let kept: HashSet<usize> = kept.to_array().iter().map(|&image| image as usize).collect();
        let name = names.iter().map(DataName::to_string).collect::<Vec<_>>().join(" ");
        let cut = |images: Vec<WholeImage>| -> anyhow::Result<[Dataset; 2]> {
            let count = [self.patches.unwrap_or(DEFAULT_PATCHES), kept.len() * VALIDATION_PATCHES];
            let numbered = images.into_iter().enumerate();
            let (validation, train): (Vec<_>, Vec<_>) = numbered.partition(|(image, _)| kept.contains(image));
            let cut = |images: Vec<(usize, WholeImage)>, count| {
                let images: Vec<WholeImage> = images.into_iter().map(|(_, image)| image).collect();
                let side = self.patch.unwrap_or(DEFAULT_PATCH);
                Dataset::from_patches(name.clone(), images, [side, side], count, seed)
            };
            Ok([cut(train, count[0])?, cut(validation, count[1])?])
        };
        let [train, validation] = cut(images)?;
        let [train_targets, validation_targets] = match targets {
            Some(targets) => cut(targets)?.map(Some),
            None => [None, None],
        };
        Ok(Samples {
            train: Pair { inputs: train, targets: train_targets },
            validation: Pair { inputs: validation, targets: validation_targets },
        })
    }
}

fn whole_images(names: &[DataName], reading: &DataOptions) -> anyhow::Result<Vec<WholeImage>> {
    let mut paths: Vec<PathBuf> = pictures::find(names)?.into_iter().map(|found| found.path).collect();
    paths.truncate(reading.samples.unwrap_or(usize::MAX));
    Ok(read_whole_images(&paths, reading.grey, reading.strict)?.images)
}

/// Whether names stand for files of images, which may have any sizes.
fn is_images(names: &[DataName]) -> bool {
    names.iter().all(|name| image_paths(name.as_ref()).is_ok_and(|paths| paths.iter().all(|path| is_image_name(path))))
}

fn check_pairs(images: &[WholeImage], targets: &[WholeImage]) -> Result<(), Usage> {
    if images.len() != targets.len() {
        let (images, targets) = (images.len(), targets.len());
        return Err(Usage::new(format!("{images} images cannot be paired with {targets} targets"))
            .with_hint("both folders need the same names"));
    }
    for (image, target) in images.iter().zip(targets) {
        let file = |image: &WholeImage| Path::new(&image.name).file_stem().map(|stem| stem.to_owned());
        if file(image) != file(target) {
            return Err(Usage::new(format!("{} has no target of its name: next to it is {}", image.name, target.name))
                .with_hint("both folders need the same names"));
        }
        if image.pixels.dim() != target.pixels.dim() {
            let [a, b] = [image, target].map(|image| {
                let (height, width, channels) = image.pixels.dim();
                format!("{height}×{width}×{channels}")
            });
            return Err(Usage::new(format!("{} is {a} pixels, but {} is {b}", image.name, target.name)));
        }
    }
    Ok(())
}
