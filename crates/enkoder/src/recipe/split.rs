//! Which samples a model learns from and which validate: samples, pairs, and patches of whole images.

use std::collections::HashSet;
use std::sync::Arc;

use ndarray::Array2;

use super::Recipe;
use super::error::RecipeError;
use crate::dataset::{Dataset, DatasetError, StoredDataset, WholeImage};
use crate::network::image_shape;
use crate::rows::Rows;
use crate::scaling::{Scaler, Scaling};
use crate::training::{BlockPlan, Checkpoint, HeldOut, TrainingBlocks};

/// Patches that validate for each whole image of theirs: enough for a steady loss.
const VALIDATION_PATCHES: usize = 32;

/// The share of memory for samples that validate, where the others are read in blocks.
const VALIDATION_SHARE: u64 = 8;
/// The share for training samples to be looked at.
const SAMPLE_SHARE: u64 = 16;

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
    /// What is learned from where it is read in blocks; `train` then is a sample of it that lies in memory, to be looked at.
    pub blocks: Option<TrainingBlocks>,
}

impl Split {
    /// Samples that were split by hand.
    ///
    /// # Errors
    /// When there are more samples than a data set holds.
    pub fn new<'r>(train: impl Into<Rows<'r>>, validation: impl Into<Rows<'r>>) -> Result<Self, RecipeError> {
        let [train, validation] = [train.into().to_dataset()?, validation.into().to_dataset()?];
        Ok(Self { train, validation, targets: None, blocks: None })
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

    /// How many samples are learned from.
    pub fn training_samples(&self) -> usize {
        self.blocks.as_ref().map_or(self.train.len(), TrainingBlocks::len)
    }

    /// The scaler of what the model is to make.
    pub(super) fn scaler_of_outputs(&self, scaling: Scaling) -> Result<Scaler, RecipeError> {
        Ok(match (&self.blocks, &self.targets) {
            (Some(blocks), _) => blocks.scaler(scaling)?,
            (None, Some((targets, _))) => Scaler::fit(scaling, targets)?,
            (None, None) => Scaler::fit(scaling, &self.train)?,
        })
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
    /// How blocks are read, where a checkpoint says it.
    pub(super) blocks: Option<BlockPlan>,
}

impl Default for Cutting {
    fn default() -> Self {
        Self { validation: Validation::Part(0.2), patch: [40; 2], patches: 50_000, blocks: None }
    }
}

impl Cutting {
    /// As the samples of this checkpoint's training were split and cut.
    pub(super) fn of(checkpoint: &Checkpoint) -> Self {
        let (default, count) = (Self::default(), checkpoint.validation_samples());
        let validation = |each| count.map_or(default.validation, |count| Validation::Count(count / each));
        match (checkpoint.patches(), image_shape(&checkpoint.architecture().input_shape)) {
            (Some(patches), Some((height, width, _))) => {
                Self { validation: validation(VALIDATION_PATCHES), patch: [height, width], patches, ..default }
            }
            _ => Self { validation: validation(1), blocks: checkpoint.block_plan(), ..default },
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
        Ok(Split { train, validation, targets: None, blocks: None })
    }

    /// Samples that are read in blocks while a model is trained on them, in about `memory` bytes besides what the network takes. They are
    /// passed over once: those that validate come into memory, as many as the [part](Self::validation) or as an eighth of it holds.
    ///
    /// ```
    /// use std::error::Error;
    /// use std::ops::Range;
    ///
    /// use enkoder::{Recipe, SampleBlock, SampleReader, StoredDataset};
    ///
    /// /// Points on a circle; they could come from a file or a server.
    /// struct Circle;
    ///
    /// impl SampleReader for Circle {
    ///     fn read(&mut self, samples: Range<usize>, block: &mut SampleBlock) -> Result<(), Box<dyn Error + Send + Sync>> {
    ///         if let SampleBlock::F32(values) = block {
    ///             values.extend(samples.flat_map(|i| [(i as f32).cos(), (i as f32).sin()]));
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let circle = StoredDataset::new("circle", 5000, [2], false, Circle)?;
    /// let recipe = Recipe::dense(&[16], 1).epochs(2);
    /// let split = recipe.split_stored(&circle, 64 << 20)?;
    /// assert_eq!((split.training_samples(), split.validation.len()), (4000, 1000));
    /// let model = recipe.fit_split(&split)?;
    /// assert_eq!(model.architecture().summary(), "2-16-1-16-2");
    /// # Ok::<(), Box<dyn Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`split`](Self::split), when samples cannot be read, and when a value is infinite.
    pub fn split_stored(&self, samples: &StoredDataset, memory: u64) -> Result<Split, RecipeError> {
        let all = samples.len();
        let refused = |source| RecipeError::Split { name: samples.name().to_owned(), source };
        if all < 2 {
            return Err(refused(DatasetError::TooFew { samples: all }));
        }
        let validation = match self.cutting.validation {
            Validation::Part(part) if !(part > 0.0 && part < 1.0) => return Err(refused(DatasetError::Fraction(part))),
            Validation::Part(part) => {
                ((all as f64 * part).round() as usize).min(held(memory, VALIDATION_SHARE, samples))
            }
            Validation::Count(count) => count,
        };
        let validation = validation.clamp(1, all - 1);
        let planned = || BlockPlan::new(samples.sample_bytes(), self.config.batch_size, memory);
        let plan = self.cutting.blocks.unwrap_or_else(planned);
        let held_out = HeldOut { validation, sample: held(memory, SAMPLE_SHARE, samples), seed: self.config.seed };
        let (blocks, validation) = TrainingBlocks::hold_out(samples, held_out, plan)?;
        let train = blocks.sample().clone();
        Ok(Split { train, validation, targets: None, blocks: Some(blocks) })
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
        Ok(Split { train, validation, targets: Some(self.halves(&targets)?), blocks: None })
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
        Ok(Split { train, validation, targets: targets.map(cut).transpose()?, blocks: None })
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

/// How many samples a share of some bytes of memory holds as numbers, at least 1.
fn held(memory: u64, share: u64, samples: &StoredDataset) -> usize {
    let each = 4 * samples.features().max(1) as u64;
    usize::try_from(memory / share / each).unwrap_or(usize::MAX).max(1)
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
