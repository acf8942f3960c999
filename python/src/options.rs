//! The options of a training as Python names them, and the recipe that they stand for: the command's options under the same names.

use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use enkoder::workspace::{Overwrite, check_writable};
use enkoder::{
    Activation, Adam, Autoencoder, Checkpoint, Corruption, Layers, Loss, Penalty, Preset, Recipe, Scaling, Schedule,
    Task, TrainingConfig,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{raised, value_error};

/// A dictionary with all these keys; `None` is the default.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct TrainingOptions {
    architecture: String,
    hidden: Option<Vec<usize>>,
    channels: Option<Vec<usize>>,
    depth: Option<usize>,
    latent: Option<usize>,
    /// Layers as JSON: `{"encoder": [...], "decoder": [...], "residual": false}`.
    layers: Option<String>,
    preset: Option<String>,
    activation: Option<String>,
    latent_activation: Option<String>,
    output_activation: Option<String>,
    scaling: Option<String>,
    epochs: Option<usize>,
    batch_size: Option<usize>,
    loss: Option<String>,
    huber_delta: Option<f32>,
    learning_rate: Option<f32>,
    weight_decay: Option<f32>,
    schedule: Option<String>,
    warmup: Option<f32>,
    clip: Option<f32>,
    /// As the command writes it: `l1:0.001`.
    penalty: Option<String>,
    patience: Option<usize>,
    noise: Option<String>,
    blind: bool,
    patch: Option<usize>,
    patches: Option<usize>,
    validation: Option<f64>,
    seed: u64,
    threads: Option<usize>,
    /// The file of a checkpoint, and after how many epochs each it is written.
    checkpoint: Option<(PathBuf, usize)>,
    /// The checkpoint to go on from.
    resume: Option<PathBuf>,
}

fn parsed<T: FromStr<Err: std::error::Error + 'static>>(text: Option<&String>) -> PyResult<Option<T>> {
    text.map(|text| text.parse().map_err(|error: T::Err| raised(&error))).transpose()
}

impl TrainingOptions {
    /// The recipe that these options stand for.
    pub fn recipe<'a>(&self) -> PyResult<Recipe<'a>> {
        let recipe = match &self.resume {
            Some(file) => self.resumed(file)?,
            None => self.trained(self.network()?)?.seed(self.seed),
        };
        let recipe = match self.threads {
            Some(threads) => recipe.threads(threads),
            None => recipe,
        };
        Ok(match &self.checkpoint {
            Some((file, every)) => {
                check_writable(file, Overwrite::Replace).map_err(|error| {
                    let why = format!("the checkpoint {} cannot be written: {error}", file.display());
                    PyErr::from(io::Error::new(error.kind(), why))
                })?;
                recipe.with_checkpoints(file, *every)
            }
            None => recipe,
        })
    }

    /// A training that goes on.
    fn resumed<'a>(&self, file: &PathBuf) -> PyResult<Recipe<'a>> {
        let checkpoint = Checkpoint::load(file).map_err(|error| raised(&error))?;
        let recipe = Recipe::resume(checkpoint);
        let before = recipe.config();
        let epochs = self.epochs.unwrap_or(before.epochs);
        let config = TrainingConfig { epochs, patience: self.patience.or(before.patience), ..before.clone() };
        Ok(recipe.with_config(config))
    }

    fn network<'a>(&self) -> PyResult<Recipe<'a>> {
        let preset = parsed(self.preset.as_ref())?.unwrap_or(Preset::Reference);
        let latent = self.latent.unwrap_or(Recipe::LATENT);
        let or = |given: &Option<Vec<usize>>, default: &[usize]| given.clone().unwrap_or_else(|| default.to_vec());
        let mut recipe = match (&self.layers, self.architecture.as_str()) {
            (Some(layers), _) => {
                let layers: Layers = serde_json::from_str(layers)
                    .map_err(|error| value_error(format!("the layers cannot be read: {error}")))?;
                Recipe::of_layers(layers.architecture().map_err(|error| raised(&error))?)
            }
            (None, "dense") => Recipe::dense(&or(&self.hidden, preset.hidden()), latent).with_preset(preset),
            (None, "linear") => Recipe::linear(latent),
            (None, "conv") => {
                let (channels, hidden) = preset.convolutions();
                let (channels, hidden) = (or(&self.channels, channels), or(&self.hidden, hidden));
                Recipe::convolutional(&channels, &hidden, latent).with_preset(preset)
            }
            (None, "denoiser") => match or(&self.channels, &[Recipe::DENOISER.0])[..] {
                [channels] => Recipe::denoiser(channels, self.depth.unwrap_or(Recipe::DENOISER.1)),
                _ => return Err(value_error("all layers of a denoiser have the same channels\nhint: give one number")),
            },
            (None, other) => {
                return Err(value_error(format!("architecture is {other:?}, but must be dense, linear or conv")));
            }
        };
        if let Some(activation) = parsed::<Activation>(self.activation.as_ref())? {
            recipe = recipe.with_activation(activation);
        }
        if let Some(activation) = parsed::<Activation>(self.latent_activation.as_ref())? {
            recipe = recipe.with_latent_activation(activation);
        }
        if let Some(activation) = parsed::<Activation>(self.output_activation.as_ref())? {
            recipe = recipe.with_output_activation(activation);
        }
        if let Some(side) = self.patch {
            recipe = recipe.patch_size([side; 2]);
        }
        if let Some(patches) = self.patches {
            recipe = recipe.patches(patches);
        }
        if let Some(validation) = self.validation {
            recipe = recipe.validation(validation);
        }
        Ok(recipe.scaling(match self.scaling.as_deref() {
            None | Some("auto") => Scaling::Auto,
            Some(name) => {
                let unknown = |_| format!("scaling is {name:?}, but must be auto, none, unit, minmax or standard");
                name.parse().map_err(|error: <Scaling as FromStr>::Err| value_error(unknown(error)))?
            }
        }))
    }

    fn trained<'a>(&self, recipe: Recipe<'a>) -> PyResult<Recipe<'a>> {
        let default = recipe.config().clone();
        let adam = default.optimizer;
        let loss = match (parsed(self.loss.as_ref())?.unwrap_or(default.loss), self.huber_delta) {
            (loss, None) => loss,
            (Loss::Huber { .. }, Some(delta)) => Loss::Huber { delta },
            (_, Some(_)) => {
                return Err(value_error("huber_delta is given, but the loss is not Huber's\nhint: add loss=\"huber\""));
            }
        };
        let schedule = parsed::<Schedule>(self.schedule.as_ref())?.unwrap_or(default.schedule);
        let schedule = self.warmup.map_or(schedule, |warmup| schedule.with_warmup(warmup));
        let recipe = recipe.with_config(TrainingConfig {
            epochs: self.epochs.unwrap_or(default.epochs),
            batch_size: self.batch_size.unwrap_or(default.batch_size),
            loss,
            optimizer: Adam {
                learning_rate: self.learning_rate.unwrap_or(adam.learning_rate),
                weight_decay: self.weight_decay.unwrap_or(adam.weight_decay),
                ..adam
            },
            schedule,
            gradient_clip: self.clip,
            penalty: parsed::<Penalty>(self.penalty.as_ref())?,
            patience: self.patience,
            ..default
        });
        Ok(match parsed::<Corruption>(self.noise.as_ref())? {
            Some(noise) => recipe.noise(noise),
            None if self.blind => recipe.blind(),
            None => recipe,
        })
    }
}

/// The options that a model was trained with, under the same names; those that Python has no words for are left out.
pub fn options_of<'py>(py: Python<'py>, model: &Autoencoder) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("latent", model.architecture().latent())?;
    let Some(config) = &model.record().config else { return Ok(told) };
    told.set_item("epochs", config.epochs)?;
    told.set_item("batch_size", config.batch_size)?;
    let (loss, delta) = match config.loss {
        Loss::MeanSquared => ("mse", None),
        Loss::MeanAbsolute => ("mae", None),
        Loss::Huber { delta } => ("huber", Some(delta)),
        _ => ("bce", None),
    };
    told.set_item("loss", loss)?;
    told.set_item("huber_delta", delta)?;
    told.set_item("learning_rate", config.optimizer.learning_rate)?;
    told.set_item("weight_decay", config.optimizer.weight_decay)?;
    let schedule = match config.schedule {
        Schedule::Constant { .. } => "constant",
        Schedule::OneCycle { .. } => "one-cycle",
        _ => "cosine",
    };
    told.set_item("schedule", schedule)?;
    told.set_item("warmup", config.schedule.warmup())?;
    told.set_item("clip", config.gradient_clip)?;
    told.set_item(
        "penalty",
        config.penalty.and_then(|penalty| match penalty {
            Penalty::L1 { weight } => Some(format!("l1:{weight}")),
            Penalty::KullbackLeibler { weight, target } => Some(format!("kl:{weight}:{target}")),
            Penalty::Contractive { weight } => Some(format!("contractive:{weight}")),
            _ => None,
        }),
    )?;
    told.set_item("patience", config.patience)?;
    told.set_item("scaling", config.scaling.to_string())?;
    told.set_item("random_state", config.seed)?;
    match config.corruption {
        Some(_) if config.task == Some(Task::Blind) => told.set_item("blind", true)?,
        noise => told.set_item("noise", noise.map(|noise| noise.to_string()))?,
    }
    Ok(told)
}
