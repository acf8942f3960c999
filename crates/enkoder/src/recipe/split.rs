//! Which samples a model learns from and which validate: samples, pairs, and patches of whole images.

use std::collections::HashSet;
use std::sync::Arc;

use ndarray::Array2;

use super::Recipe;
use super::error::RecipeError;
use crate::dataset::{Dataset, WholeImage};
use crate::network::image_shape;
use crate::rows::Rows;
use crate::training::Checkpoint;

/// Patches that validate for each whole image of theirs: enough for a steady loss.
const VALIDATION_PATCHES: usize = 32;

/// Samples to learn from and samples to validate with, which the model does not learn from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Split {
    /// What is learned from.
    pub train: Dataset,
    /// What validates.
    pub validation: Dataset,
    /// What the model is to make of both, sample by sample, where that is not themselves.
    pub targets: Option<(Dataset, Dataset)>,
}

impl Split {
    /// Samples that were split by hand.
    ///
    /// # Errors
    /// When there are more samples than a data set holds.
    pub fn new<'r>(train: impl Into<Rows<'r>>, validation: impl Into<Rows<'r>>) -> Result<Self, RecipeError> {
        let [train, validation] = [train.into().to_dataset()?, validation.into().to_dataset()?];
        Ok(Self { train, validation, targets: None })
    }

    /// The same samples, with what is to be made of them.
    ///
    /// # Errors
    /// When there are more samples than a data set holds.
    pub fn with_targets<'r>(
        self,
        train: impl Into<Rows<'r>>,
        validation: impl Into<Rows<'r>>,
    ) -> Result<Self, RecipeError> {
        let targets = Some((train.into().to_dataset()?, validation.into().to_dataset()?));
        Ok(Self { targets, ..self })
    }
}

/// How many samples validate, or whole images.
#[derive(Clone, Copy, Debug)]
pub(super) enum Validation {
    /// This part of them.
    Part(f64),
    /// So many, as long as there are more.
    Count(usize),
}

/// How samples are split, and how images are cut.
#[derive(Clone, Debug)]
pub(super) struct Cutting {
    /// What validates.
    pub(super) validation: Validation,
    /// Height and width.
    pub(super) patch: [usize; 2],
    /// In an epoch.
    pub(super) patches: usize,
}

impl Default for Cutting {
    fn default() -> Self {
        Self { validation: Validation::Part(0.2), patch: [40; 2], patches: 50_000 }
    }
}

impl Cutting {
    /// As the samples of this checkpoint's training were split and cut.
    pub(super) fn of(checkpoint: &Checkpoint) -> Self {
        let (default, count) = (Self::default(), checkpoint.validation_samples());
        let validation = |each| count.map_or(default.validation, |count| Validation::Count(count / each));
        match (checkpoint.patches(), image_shape(&checkpoint.architecture().input_shape)) {
            (Some(patches), Some((height, width, _))) => {
                Self { validation: validation(VALIDATION_PATCHES), patch: [height, width], patches }
            }
            _ => Self { validation: validation(1), ..default },
        }
    }
}

impl Recipe<'_> {
    /// The samples that a model is trained on and those that validate. The same seed and the same number of samples make the same split.
    ///
    /// # Errors
    /// When there are fewer than two samples, or the [part that validates](Self::validation) does not lie between 0 and 1.
    pub fn split<'r>(&self, samples: impl Into<Rows<'r>>) -> Result<Split, RecipeError> {
        let (train, validation) = self.halves(&samples.into().to_dataset()?)?;
        Ok(Split { train, validation, targets: None })
    }

    /// The pairs that a model is trained on and those that validate.
    ///
    /// # Errors
    /// As [`split`](Self::split), and when there is not one target for each input.
    pub fn split_pairs<'r>(
        &self,
        inputs: impl Into<Rows<'r>>,
        targets: impl Into<Rows<'r>>,
    ) -> Result<Split, RecipeError> {
        let [inputs, targets] = [inputs.into().to_dataset()?, targets.into().to_dataset()?];
        if inputs.len() != targets.len() {
            return Err(RecipeError::Pairs { inputs: inputs.len(), targets: targets.len() });
        }
        let (train, validation) = self.halves(&inputs)?;
        Ok(Split { train, validation, targets: Some(self.halves(&targets)?) })
    }

    /// Patches of the images that a model is trained on, and of those that validate: 32 of each of these. No image is on both sides, for
    /// two patches of one may overlap. Targets are images of the same sizes, of which the same patches are cut.
    ///
    /// # Errors
    /// When there are fewer than two images, when one is smaller than a [patch](Self::patch_size) or has other channels than the first,
    /// and when targets do not go with the images.
    pub fn split_images(
        &self,
        name: impl Into<String>,
        images: impl Into<Vec<WholeImage>>,
        targets: Option<Vec<WholeImage>>,
    ) -> Result<Split, RecipeError> {
        let (name, images) = (name.into(), images.into());
        if let Some(targets) = &targets {
            check_pairs(&images, targets)?;
        }
        if images.len() < 2 {
            return Err(RecipeError::FewImages);
        }
        let numbers = Array2::from_shape_fn((images.len(), 1), |(image, _)| image as f32);
        let (_, kept) = self.halves(&Dataset::from_f32("images", numbers)?)?;
        let kept: HashSet<usize> = kept.to_array().iter().map(|&image| image as usize).collect();
        let Cutting { patch, patches, .. } = self.cutting;
        let cut = |images: Vec<WholeImage>| -> Result<(Dataset, Dataset), RecipeError> {
            let numbered = images.into_iter().enumerate();
            let (validation, train): (Vec<_>, Vec<_>) = numbered.partition(|(image, _)| kept.contains(image));
            let cut = |images: Vec<(usize, WholeImage)>, count| {
                let images: Arc<[WholeImage]> = images.into_iter().map(|(_, image)| image).collect();
                Dataset::from_patches(name.clone(), images, patch, count, self.config.seed)
            };
            Ok((cut(train, patches)?, cut(validation, kept.len() * VALIDATION_PATCHES)?))
        };
        let (train, validation) = cut(images)?;
        Ok(Split { train, validation, targets: targets.map(cut).transpose()? })
    }

    fn halves(&self, data: &Dataset) -> Result<(Dataset, Dataset), RecipeError> {
        let part = match self.cutting.validation {
            Validation::Part(part) => part,
            // The training refuses other samples than before with a better word.
            Validation::Count(count) => count.min(data.len().saturating_sub(1)) as f64 / data.len().max(1) as f64,
        };
        data.split(part, self.config.seed).map_err(|source| RecipeError::Split { name: data.name().to_owned(), source })
    }
}

fn check_pairs(images: &[WholeImage], targets: &[WholeImage]) -> Result<(), RecipeError> {
    if images.len() != targets.len() {
        return Err(RecipeError::ImagePairs { images: images.len(), targets: targets.len() });
    }
    let sizes = |image: &WholeImage| image.pixels.shape().to_vec();
    match images.iter().zip(targets).find(|(image, target)| sizes(image) != sizes(target)) {
        Some((image, target)) => Err(RecipeError::ImageSizes {
            image: image.name.clone(),
            found: sizes(image),
            target: target.name.clone(),
            expected: sizes(target),
        }),
        None => Ok(()),
    }
}
