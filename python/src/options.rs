//! The options of a training as Python names them, and the recipe that they stand for: the command's options under the same names.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use enkoder::workspace::{Overwrite, check_writable};
use enkoder::{Architecture, Autoencoder, Checkpoint, Layers, Loss, Recipe, RecipeOptions, Task};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{raised, value_error};

/// The recipe that a dictionary of options stands for; of one that is `None` or not there, the default is taken.
pub fn recipe<'a>(given: &Bound<'_, PyDict>) -> PyResult<Recipe<'a>> {
    let options = RecipeOptions {
        kind: named(given, "architecture")?.unwrap_or_default(),
        layers: value::<String>(given, "layers")?.map(|layers| architecture(&layers)).transpose()?,
        preset: named(given, "preset")?,
        hidden: value(given, "hidden")?,
        channels: value(given, "channels")?,
        depth: value(given, "depth")?,
        latent: value(given, "latent")?,
        activation: named(given, "activation")?,
        latent_activation: named(given, "latent_activation")?,
        output_activation: named(given, "output_activation")?,
        scaling: named(given, "scaling")?,
        epochs: value(given, "epochs")?,
        batch_size: value(given, "batch_size")?,
        loss: named(given, "loss")?,
        huber_delta: value(given, "huber_delta")?,
        learning_rate: value(given, "learning_rate")?,
        weight_decay: value(given, "weight_decay")?,
        schedule: named(given, "schedule")?,
        warmup: value(given, "warmup")?,
        clip: value(given, "clip")?,
        penalty: named(given, "penalty")?,
        patience: value(given, "patience")?,
        noise: named(given, "noise")?,
        blind: value(given, "blind")?.unwrap_or_default(),
        patch: value(given, "patch")?,
        patches: value(given, "patches")?,
        validation: value(given, "validation")?,
        seed: value(given, "random_state")?,
        threads: value(given, "n_jobs")?,
    };
    let recipe = match value::<PathBuf>(given, "resume")? {
        Some(file) => options.go_on(Checkpoint::load(file).map_err(|error| raised(&error))?),
        None => options.begin(),
    };
    let recipe = recipe.map_err(|error| raised(&error))?;
    let Some(file) = value::<PathBuf>(given, "checkpoint")? else { return Ok(recipe) };
    check_writable(&file, Overwrite::Replace).map_err(|error| {
        let why = format!("the checkpoint {} cannot be written: {error}", file.display());
        PyErr::from(io::Error::new(error.kind(), why))
    })?;
    Ok(recipe.with_checkpoints(file, value(given, "checkpoint_every")?.unwrap_or(1)))
}

/// Layers as JSON: `{"encoder": [...], "decoder": [...], "residual": false}`.
fn architecture(layers: &str) -> PyResult<Architecture> {
    let layers: Layers =
        serde_json::from_str(layers).map_err(|error| value_error(format!("the layers cannot be read: {error}")))?;
    layers.architecture().map_err(|error| raised(&error))
}

fn value<'py, T: FromPyObjectOwned<'py, Error: Into<PyErr>>>(
    given: &Bound<'py, PyDict>,
    name: &str,
) -> PyResult<Option<T>> {
    given.get_item(name)?.filter(|value| !value.is_none()).map(|value| value.extract().map_err(Into::into)).transpose()
}

/// What the text of an option names.
fn named<T: FromStr<Err: Error + 'static>>(given: &Bound<'_, PyDict>, name: &str) -> PyResult<Option<T>> {
    let text: Option<String> = value(given, name)?;
    text.map(|text| text.parse().map_err(|error: T::Err| raised(&error))).transpose()
}

/// The options that a model was trained with, under the same names; those that Python has no words for are left out.
pub fn options_of<'py>(py: Python<'py>, model: &Autoencoder) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("latent", model.architecture().latent())?;
    let Some(config) = &model.record().config else { return Ok(told) };
    told.set_item("epochs", config.epochs)?;
    told.set_item("batch_size", config.batch_size)?;
    told.set_item("loss", config.loss.name())?;
    told.set_item("huber_delta", if let Loss::Huber { delta } = config.loss { Some(delta) } else { None })?;
    told.set_item("learning_rate", config.optimizer.learning_rate)?;
    told.set_item("weight_decay", config.optimizer.weight_decay)?;
    told.set_item("schedule", config.schedule.name())?;
    told.set_item("warmup", config.schedule.warmup())?;
    told.set_item("clip", config.gradient_clip)?;
    told.set_item("penalty", config.penalty.map(|penalty| penalty.to_string()))?;
    told.set_item("patience", config.patience)?;
    told.set_item("scaling", config.scaling.to_string())?;
    told.set_item("random_state", config.seed)?;
    match config.corruption {
        Some(_) if config.task == Some(Task::Blind) => told.set_item("blind", true)?,
        noise => told.set_item("noise", noise.map(|noise| noise.to_string()))?,
    }
    Ok(told)
}
