//! The trained model, for Python.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use enkoder::denoising::Denoiser;
use enkoder::{Autoencoder, ModelError, ModelFileError, Rows, Schema, fit_pca};
use enkoder_report::{Evaluation, Report};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::calling::call;
use crate::errors::{raised, value_error};
use crate::options::{options_of, recipe};
use crate::samples::{Samples, with_rows};
use crate::watching::Watcher;

/// Components of the baseline beside a network that passes more than its code.
const MOST_COMPONENTS: usize = 32;

/// A trained autoencoder.
#[pyclass(frozen, module = "enkoder._enkoder")]
pub struct Model {
    pub model: Arc<Autoencoder>,
}

impl Model {
    pub fn new(model: Autoencoder) -> Self {
        Self { model: Arc::new(model) }
    }

    fn schema(&self) -> Option<&Schema> {
        self.model.schema()
    }

    /// What one of the model's verbs makes of some samples.
    fn array<'py>(
        &self,
        given: &Bound<'py, PyAny>,
        threads: Option<usize>,
        verb: impl Fn(&Autoencoder, Rows<'_>) -> Result<Array2<f32>, ModelError> + Sync,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let samples = Samples::of(given, self.schema())?;
        let model = &*self.model;
        let made = with_rows!(&samples, rows => call(given.py(), threads, || verb(model, rows)))?;
        Ok(made.into_pyarray(given.py()))
    }
}

#[pymethods]
impl Model {
    /// Trains on samples. Gives the model, and the exception that the training was stopped by, where it was.
    #[staticmethod]
    #[pyo3(signature = (samples, options, targets=None, progress=None))]
    fn fit(
        samples: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
        targets: Option<&Bound<'_, PyAny>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Self, Option<PyErr>)> {
        let inputs = Samples::of(samples, None)?.to_dataset()?;
        let targets = targets.map(|targets| Samples::of(targets, None)?.to_dataset()).transpose()?;
        let recipe = recipe(options)?;
        Watcher::new(progress).watch(samples.py(), recipe, |recipe| match &targets {
            Some(targets) => recipe.split_pairs(&inputs, targets),
            None => recipe.split(&inputs),
        })
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        call(py, None, || Autoencoder::load(path)).map(Self::new)
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        call(py, None, || Autoencoder::from_bytes(bytes)).map(Self::new)
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        call(py, None, || self.model.save(path))
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = call(py, None, || -> Result<_, ModelFileError> { self.model.to_bytes() })?;
        Ok(PyBytes::new(py, &bytes))
    }

    #[pyo3(signature = (samples, threads=None))]
    fn encode<'py>(&self, samples: &Bound<'py, PyAny>, threads: Option<usize>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        self.array(samples, threads, |model, rows| model.encode(rows))
    }

    #[pyo3(signature = (codes, threads=None))]
    fn decode<'py>(&self, codes: &Bound<'py, PyAny>, threads: Option<usize>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        self.array(codes, threads, |model, rows| model.decode(rows))
    }

    #[pyo3(signature = (samples, threads=None))]
    fn reconstruct<'py>(
        &self,
        samples: &Bound<'py, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        self.array(samples, threads, |model, rows| model.reconstruct(rows))
    }

    #[pyo3(signature = (samples, iterations=None, threads=None))]
    fn fill<'py>(
        &self,
        samples: &Bound<'py, PyAny>,
        iterations: Option<usize>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let iterations = iterations.unwrap_or_else(|| self.model.fill_iterations());
        self.array(samples, threads, |model, rows| model.fill(rows, iterations))
    }

    #[pyo3(signature = (samples, threads=None))]
    fn reconstruction_error<'py>(
        &self,
        samples: &Bound<'py, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let py = samples.py();
        let samples = Samples::of(samples, self.schema())?;
        let model = &*self.model;
        let errors = with_rows!(&samples, rows => call(py, threads, || model.reconstruction_error(rows)))?;
        Ok(errors.into_pyarray(py))
    }

    /// The page that shows samples beside what the model makes of them, as HTML.
    fn report(&self, samples: &Bound<'_, PyAny>, title: &str) -> PyResult<String> {
        let data = Samples::of(samples, self.schema())?.to_dataset()?;
        let model = &*self.model;
        let latent = model.architecture().latent();
        let beside_code = model.architecture().needs_sample().is_some();
        let most = data.features().min(data.len().saturating_sub(1));
        let components = if beside_code { latent.min(MOST_COMPONENTS) } else { latent }.min(most);
        if components == 0 {
            return Err(PyValueError::new_err("a report needs at least 2 samples"));
        }
        call(samples.py(), None, || -> Result<_, Box<dyn Error + Send + Sync>> {
            let baseline = fit_pca(&data, &data, components, model.scaler().kind())?;
            let evaluation = Evaluation::new(model, &baseline, None, &data, 0)?;
            Ok(Report::new(&evaluation).with_title(title).with_command_line("enkoder.Autoencoder").to_html()?)
        })
    }

    /// Values of a sample.
    #[getter]
    fn features(&self) -> usize {
        self.model.architecture().features()
    }

    #[getter]
    fn shape(&self) -> Vec<usize> {
        self.model.architecture().input_shape.clone()
    }

    #[getter]
    fn outputs(&self) -> usize {
        self.model.architecture().outputs()
    }

    /// Numbers of a code.
    #[getter]
    fn latent(&self) -> usize {
        self.model.architecture().latent()
    }

    #[getter]
    fn parameters(&self) -> usize {
        self.model.architecture().parameters()
    }

    /// What it learned to do.
    #[getter]
    fn task(&self) -> &'static str {
        self.model.task().name()
    }

    /// The layers in a line.
    #[getter]
    fn summary(&self) -> String {
        self.model.architecture().summary()
    }

    /// The architecture as the model file has it.
    #[getter]
    fn architecture(&self) -> PyResult<String> {
        serde_json::to_string(self.model.architecture()).map_err(|error| value_error(error.to_string()))
    }

    /// The table's columns that it was trained on: name, and the words of a column of categories.
    #[getter]
    fn columns(&self) -> Option<Vec<(String, Option<Vec<String>>)>> {
        self.schema().map(columns)
    }

    /// The table's columns that were clocks and texts in training.
    #[getter]
    fn clocks_and_texts(&self) -> Vec<String> {
        self.schema().map_or(Vec::new(), clocks_and_texts)
    }

    /// The names of the features, where it was trained on a table.
    #[getter]
    fn feature_names(&self) -> Option<Vec<String>> {
        self.schema().map(Schema::feature_names)
    }

    /// The options that it was trained with, by their names in Python.
    #[getter]
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        options_of(py, &self.model)
    }

    /// Raises where it cannot denoise pictures of any size.
    fn check_denoiser(&self) -> PyResult<()> {
        Denoiser::new(&self.model).map(drop).map_err(|error| raised(&error))
    }

    /// What the training was like.
    #[getter]
    fn record<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let record = self.model.record();
        let told = PyDict::new(py);
        told.set_item("train_loss", record.train_loss)?;
        told.set_item("validation_loss", record.validation_loss)?;
        told.set_item("seconds", record.seconds)?;
        told.set_item("train_samples", record.data.train_samples)?;
        told.set_item("validation_samples", record.data.validation_samples)?;
        let Some(history) = &record.history else { return Ok(told) };
        told.set_item("best_epoch", history.best_epoch)?;
        let stopped = serde_json::to_value(history.stopped).map_err(|error| value_error(error.to_string()))?;
        told.set_item("stopped", stopped.as_str())?;
        let epochs = history.epochs.iter().map(|epoch| {
            let told = PyDict::new(py);
            told.set_item("epoch", epoch.epoch)?;
            told.set_item("train_loss", epoch.train_loss)?;
            told.set_item("validation_loss", epoch.validation_loss)?;
            told.set_item("learning_rate", epoch.learning_rate)?;
            told.set_item("seconds", epoch.seconds)?;
            Ok(told)
        });
        told.set_item("epochs", epochs.collect::<PyResult<Vec<_>>>()?)?;
        Ok(told)
    }
}

pub fn clocks_and_texts(schema: &Schema) -> Vec<String> {
    schema.clocks_and_texts().map(str::to_owned).collect()
}

/// Columns as Python has them.
pub fn columns(schema: &Schema) -> Vec<(String, Option<Vec<String>>)> {
    let column = |column: &enkoder::Column| (column.name.clone(), column.categories().map(<[String]>::to_vec));
    schema.columns.iter().map(column).collect()
}
