//! A training seen from Python: told after every epoch, and stopped by Ctrl-C or an exception, after which the best model so far is kept.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use enkoder::{Progress, Recipe, RecipeError, Split};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::autoencoder::Model;
use crate::calling::call_watched;
use crate::warnings;

pub struct Watcher {
    /// Called with what an epoch was like; what it gives back says whether to stop.
    callback: Option<Py<PyAny>>,
    /// What the training was stopped by.
    raised: Option<PyErr>,
}

impl Watcher {
    pub fn new(callback: Option<Py<PyAny>>) -> Self {
        Self { callback, raised: None }
    }

    /// Trains. Gives the model, and the exception that the training was stopped by, where it was.
    pub fn watch<'a>(
        mut self,
        py: Python<'_>,
        recipe: Recipe<'a>,
        split: impl FnOnce(&Recipe<'_>) -> Result<Split, RecipeError> + Send + 'a,
    ) -> PyResult<(Model, Option<PyErr>)> {
        let stop = AtomicBool::new(false);
        let watcher = &mut self;
        let (model, interrupted) = call_watched(
            py,
            || stop.store(true, Ordering::Relaxed),
            || {
                split(&recipe)
                    .and_then(|split| recipe.with_progress(|news| watcher.told(&news, &stop)).fit_split(&split))
            },
        );
        match (model, interrupted.or(self.raised)) {
            (Ok(model), raised) => Ok((Model::new(model), raised)),
            // Stopped before there was a model.
            (Err(_), Some(raised)) => Err(raised),
            (Err(error), None) => Err(error),
        }
    }

    fn told(&mut self, news: &Progress<'_>, stop: &AtomicBool) -> ControlFlow<()> {
        let ends = match news {
            Progress::Epoch { record, epochs, best } => self.call(|py| {
                let told = PyDict::new(py);
                told.set_item("epoch", record.epoch)?;
                told.set_item("epochs", epochs)?;
                told.set_item("train_loss", record.train_loss)?;
                told.set_item("validation_loss", record.validation_loss)?;
                told.set_item("learning_rate", record.learning_rate)?;
                told.set_item("seconds", record.seconds)?;
                told.set_item("samples_per_second", record.samples_per_second)?;
                told.set_item("best", best)?;
                Ok(told)
            }),
            Progress::NoCheckpoint { epoch, error } => {
                // A training has threads of its own, which keep no warnings.
                let why = format!("no checkpoint was written after epoch {epoch}: {error}");
                Python::attach(|py| warnings::warn(py, why)).map(|()| false)
            }
            _ => Ok(false),
        };
        match ends {
            Ok(ends) if ends || stop.load(Ordering::Relaxed) => ControlFlow::Break(()),
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => {
                self.raised = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// Calls who wants to know of an epoch; true where the training is to end.
    fn call(&self, told: impl for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyDict>>) -> PyResult<bool> {
        let Some(callback) = &self.callback else { return Ok(false) };
        Python::attach(|py| callback.bind(py).call1((told(py)?,))?.is_truthy())
    }
}
