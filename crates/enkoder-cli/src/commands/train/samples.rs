//! What a training learns from: samples as they are, patches of photographs, and pairs where `--target` says what inputs should
//! become.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use enkoder::{DatasetError, Recipe, RecipeError, Split, WholeImage};
use enkoder_data::images::read_whole_images;

use super::explanation::explained;
use super::memory;
use crate::arguments::{DataName, DataOptions, parse_count};
use crate::failure::{Failure, Usage};
use crate::pictures;
use crate::screen::Screen;

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
    pub patch: Option<usize>,

    /// Patches in an epoch [default: 50000]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub patches: Option<usize>,
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

    /// Reads what there is to learn from: `patches` of images, which `--patch` asks for too, or samples as they are.
    pub fn read(
        &self,
        recipe: &Recipe<'_>,
        names: &[DataName],
        reading: &DataOptions,
        patches: bool,
        screen: Screen,
    ) -> anyhow::Result<Split> {
        let target = self.target.as_ref().map(std::slice::from_ref);
        if patches || self.patch.is_some() {
            let images = whole_images(names, reading)?;
            let targets = target.map(|name| whole_images(name, reading)).transpose()?;
            check_names(&images, targets.as_deref().unwrap_or_default())?;
            return recipe
                .split_images(names.iter().map(DataName::to_string).collect::<Vec<_>>().join(" "), images, targets)
                .map_err(explained);
        }
        if self.patches.is_some() {
            return Err(Usage::new("--patches is given, but nothing is cut into patches")
                .with_hint("add --patch PIXELS")
                .into());
        }
        memory::check(reading, names)?;
        let inputs = reading.open(names, screen)?;
        let split = match target {
            Some(name) => recipe.split_pairs(&inputs, &reading.open(name, screen)?),
            None => recipe.split(&inputs),
        };
        split.map_err(|error| match error {
            RecipeError::Split { source: DatasetError::TooFew { .. }, .. } if inputs.shape().len() > 1 => {
                let hint = "--block 32x32 cuts an array of NPY, NetCDF or HDF5 into blocks, each a sample; of pictures give several";
                Failure::new(error.to_string(), hint, error).into()
            }
            error => explained(error),
        })
    }
}

fn whole_images(names: &[DataName], reading: &DataOptions) -> anyhow::Result<Vec<WholeImage>> {
    let mut paths: Vec<PathBuf> = pictures::find(names)?.into_iter().map(|found| found.path).collect();
    paths.truncate(reading.samples.unwrap_or(usize::MAX));
    Ok(read_whole_images(&paths, reading.grey, reading.strict)?.images)
}

/// Sees that targets are called as the images are.
fn check_names(images: &[WholeImage], targets: &[WholeImage]) -> Result<(), Usage> {
    let stem = |image: &WholeImage| Path::new(&image.name).file_stem().map(ToOwned::to_owned);
    match images.iter().zip(targets).find(|(image, target)| stem(image) != stem(target)) {
        Some((image, target)) => {
            Err(Usage::new(format!("{} has no target of its name: next to it is {}", image.name, target.name))
                .with_hint("both folders need the same names"))
        }
        None => Ok(()),
    }
}
