//! Detectors of anomalies, for Python.

use std::path::PathBuf;
use std::sync::Arc;

use enkoder::anomaly::{
    AnomalyError, Counterfactual, Detector as Fitted, DetectorConfig, DetectorPart as Seen, Guarantee, Threshold,
    ThresholdRule, Value, Windows,
};
use enkoder::{Dataset, Schema};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::autoencoder::{clocks_and_texts, columns};
use crate::calling::{call, call_watched};
use crate::errors::{raised, value_error};
use crate::samples::Samples;

/// What a column adds to the score of a row: name, share, observed, expected, usual range, spread, and the nearest normal window.
type Told<'py> =
    (String, f32, Bound<'py, PyAny>, Bound<'py, PyAny>, Option<(f32, f32)>, Option<f32>, Option<Nearest<'py>>);

/// A stretch beside the most similar normal one: rows before the moment, rows of a number, what was observed, what is normal.
type Nearest<'py> = (usize, usize, Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<f32>>);

/// Columns to change, each with its name, what it is and what it would be, and the score that the row would have.
type Changed<'py> = Option<(Vec<(String, Bound<'py, PyAny>, Bound<'py, PyAny>)>, f32)>;

/// A fitted detector.
#[pyclass(frozen, module = "enkoder._enkoder")]
pub struct Detector {
    detector: Arc<Fitted>,
}

/// A dictionary with all these keys.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct DetectorOptions {
    method: String,
    false_alarm: Option<f64>,
    contamination: Option<f64>,
    hidden: Option<Vec<usize>>,
    epochs: Option<usize>,
    /// Rows of a window; 0 chooses by how the series repeats.
    window: Option<usize>,
    stride: usize,
    readings: Vec<String>,
    context: Vec<String>,
    unchanging: f32,
    ordered: bool,
    budget: f64,
    seed: u64,
}

impl DetectorOptions {
    fn config(&self) -> PyResult<DetectorConfig> {
        let default = DetectorConfig::default();
        Ok(DetectorConfig {
            method: self.method.parse().map_err(|error: enkoder::anomaly::UnknownMethod| raised(&error))?,
            rule: rule(self.false_alarm, self.contamination)?.unwrap_or(default.rule),
            layers: self.hidden.clone(),
            epochs: self.epochs,
            readings: self.readings.clone(),
            context: self.context.clone(),
            unchanging: self.unchanging,
            ordered: self.ordered,
            budget: self.budget,
            seed: self.seed,
            ..default
        })
    }
}

fn rule(false_alarm: Option<f64>, contamination: Option<f64>) -> PyResult<Option<ThresholdRule>> {
    match (false_alarm, contamination) {
        (Some(_), Some(_)) => Err(value_error("a false-alarm rate and a share of anomalies exclude each other")),
        (Some(rate), None) => Ok(Some(ThresholdRule::FalseAlarm(rate))),
        (None, Some(share)) => Ok(Some(ThresholdRule::Contamination(share))),
        (None, None) => Ok(None),
    }
}

impl Detector {
    fn data(&self, given: &Bound<'_, PyAny>) -> PyResult<Dataset> {
        Samples::of(given, self.detector.schema())?.to_dataset()
    }
}

#[pymethods]
impl Detector {
    /// Fits a detector to rows; with windows to series, of which each is the rows with these numbers. Gives the detector, and the
    /// exception that was raised while it was fitted, where there was one.
    #[staticmethod]
    #[pyo3(signature = (samples, options, series=None))]
    fn fit(
        samples: &Bound<'_, PyAny>,
        options: DetectorOptions,
        series: Option<Vec<Vec<usize>>>,
    ) -> PyResult<(Self, Option<PyErr>)> {
        let data = Samples::of(samples, None)?.to_dataset()?;
        let config = options.config()?;
        if let Some(&row) = series.iter().flatten().flatten().find(|&&row| row >= data.len()) {
            return Err(value_error(format!("row {row} of a series is none of the {} rows", data.len())));
        }
        let fit = || -> Result<Fitted, AnomalyError> {
            let Some(length) = options.window else { return Fitted::fit(&data, &config) };
            let series: Vec<Dataset> = match series {
                Some(series) => series.iter().map(|rows| data.select(rows)).collect(),
                None => vec![data],
            };
            let windows = match length {
                0 => {
                    let Windows { length, .. } = Windows::suited_to(&series);
                    Windows { length, stride: options.stride.min(length) }
                }
                length => Windows { length, stride: options.stride },
            };
            Fitted::fit_series(&series, windows, &config)
        };
        let (detector, raised) = call_watched(samples.py(), || config.stop.ask(), fit);
        match (detector, raised) {
            (Ok(detector), raised) => Ok((Self { detector: Arc::new(detector) }, raised)),
            (Err(_), Some(raised)) => Err(raised),
            (Err(error), None) => Err(error),
        }
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let detector = call(py, None, || Fitted::load(path))?;
        Ok(Self { detector: Arc::new(detector) })
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let detector = call(py, None, || Fitted::from_bytes(bytes))?;
        Ok(Self { detector: Arc::new(detector) })
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        call(py, None, || self.detector.save(path))
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = call(py, None, || self.detector.to_bytes())?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// How odd each row is; NaN where a row has no score.
    #[pyo3(signature = (samples, threads=None))]
    fn score<'py>(&self, samples: &Bound<'py, PyAny>, threads: Option<usize>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let py = samples.py();
        let data = self.data(samples)?;
        let scores = call(py, threads, || self.detector.score(&data))?;
        Ok(scores.into_values().into_pyarray(py))
    }

    /// The p-value of each score; NaN of NaN.
    fn p_values<'py>(&self, py: Python<'py>, scores: PyReadonlyArray1<'py, f32>) -> Bound<'py, PyArray1<f64>> {
        let calibration = self.detector.calibration();
        let p = |&score: &f32| if score.is_nan() { f64::NAN } else { calibration.p_value(score) };
        let values: Vec<f64> = scores.as_array().iter().map(p).collect();
        values.into_pyarray(py)
    }

    /// Which scores are discoveries among which at most this part is false, on the average.
    fn discoveries(&self, py: Python<'_>, scores: Vec<f32>, rate: f64) -> PyResult<Vec<bool>> {
        call(py, None, || self.detector.calibration().discoveries(&scores, rate))
    }

    /// Where flagging begins, at which rate, and what that rests on: as fitted, or by another rule.
    #[pyo3(signature = (false_alarm=None, contamination=None))]
    fn threshold(&self, false_alarm: Option<f64>, contamination: Option<f64>) -> PyResult<(f32, f64, &'static str)> {
        let rule = rule(false_alarm, contamination)?.unwrap_or(self.detector.config().rule);
        let Threshold { score, rate, guarantee } = self.detector.threshold(rule).map_err(|error| raised(&error))?;
        let guarantee = match guarantee {
            Guarantee::Conformal => "conformal",
            Guarantee::OverTime => "over_time",
            Guarantee::Tail => "tail",
            Guarantee::Quantile => "quantile",
            Guarantee::BestF1 => "best_f1",
            Guarantee::Discoveries => "discoveries",
        };
        Ok((score, rate, guarantee))
    }

    /// The columns that add most to the scores of these rows.
    fn explain<'py>(
        &self,
        samples: &Bound<'py, PyAny>,
        rows: Vec<usize>,
        count: usize,
    ) -> PyResult<Vec<Vec<Told<'py>>>> {
        let py = samples.py();
        let data = self.data(samples)?;
        if let Some(row) = rows.iter().find(|&&row| row >= data.len()) {
            return Err(value_error(format!("there is no row {row} among {}", data.len())));
        }
        let explained = call(py, None, || {
            rows.iter().map(|&row| self.detector.explain(&data, row, count)).collect::<Result<Vec<_>, _>>()
        })?;
        let told = |reason: enkoder::anomaly::Reason| {
            let (observed, expected) = (value(py, reason.observed)?, value(py, reason.expected)?);
            let nearest = reason.nearest.map(|window| {
                (window.before, window.rows, window.observed.into_pyarray(py), window.nearest.into_pyarray(py))
            });
            Ok((reason.column, reason.share, observed, expected, reason.usual, reason.spread, nearest))
        };
        explained.into_iter().map(|reasons| reasons.into_iter().map(told).collect()).collect()
    }

    /// For each of these rows the smallest change found with which it would score below a limit, and that score: name, observed, changed.
    fn counterfactual<'py>(
        &self,
        samples: &Bound<'py, PyAny>,
        rows: Vec<usize>,
        limit: f32,
    ) -> PyResult<Vec<Changed<'py>>> {
        let py = samples.py();
        let data = self.data(samples)?;
        if let Some(row) = rows.iter().find(|&&row| row >= data.len()) {
            return Err(value_error(format!("there is no row {row} among {}", data.len())));
        }
        let found = call(py, None, || {
            let mut values = vec![0.0; data.features()];
            let change = |row: &usize| {
                data.copy_row(*row, &mut values);
                self.detector.counterfactual(&values, limit)
            };
            rows.iter().map(change).collect::<Result<Vec<_>, AnomalyError>>()
        })?;
        let told = |change: Counterfactual| {
            let columns =
                change.columns.into_iter().map(|one| Ok((one.column, value(py, one.was)?, value(py, one.becomes)?)));
            Ok((columns.collect::<PyResult<Vec<_>>>()?, change.score))
        };
        found.into_iter().map(|change| change.map(told).transpose()).collect()
    }

    /// Values of a row.
    #[getter]
    fn features(&self) -> usize {
        self.detector.features()
    }

    /// The columns of the table that it was fitted to, as those of a model.
    #[getter]
    fn columns(&self) -> Option<Vec<(String, Option<Vec<String>>)>> {
        self.detector.schema().map(columns)
    }

    /// The table's columns that were clocks and texts when it was fitted.
    #[getter]
    fn clocks_and_texts(&self) -> Vec<String> {
        self.detector.schema().map_or(Vec::new(), clocks_and_texts)
    }

    #[getter]
    fn feature_names(&self) -> Option<Vec<String>> {
        self.detector.schema().map(Schema::feature_names)
    }

    /// Rows of a window and rows between the starts of two, of a detector of series.
    #[getter]
    fn windows(&self) -> Option<(usize, usize)> {
        self.detector.windows().map(|windows| (windows.length, windows.stride))
    }

    /// The options that it was fitted with, by their names in Python.
    #[getter]
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let config = self.detector.config();
        let (false_alarm, anomalies) = match config.rule {
            ThresholdRule::FalseAlarm(rate) => (Some(rate), None),
            ThresholdRule::Contamination(share) => (None, Some(share)),
            _ => (None, None),
        };
        let told = PyDict::new(py);
        if let Some(rate) = false_alarm {
            told.set_item("false_alarm", rate)?;
        }
        told.set_item("anomalies", anomalies)?;
        told.set_item("method", config.method.to_string())?;
        told.set_item("hidden", config.layers.as_ref())?;
        told.set_item("epochs", config.epochs)?;
        if let Some(Windows { length, stride }) = self.detector.windows() {
            told.set_item("window", length)?;
            told.set_item("stride", stride)?;
        }
        told.set_item("readings", &config.readings)?;
        told.set_item("context", &config.context)?;
        told.set_item("unchanging", config.unchanging)?;
        told.set_item("ordered", config.ordered)?;
        told.set_item("budget", config.budget)?;
        told.set_item("random_state", config.seed)?;
        Ok(told)
    }

    /// What it is.
    #[getter]
    fn record<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let told = PyDict::new(py);
        told.set_item("chosen", self.detector.chosen())?;
        told.set_item("rows_learned", self.detector.rows_learned())?;
        told.set_item("rows_left_out", self.detector.rows_left_out())?;
        told.set_item("rows_empty", self.detector.rows_empty())?;
        told.set_item("calibration_rows", self.detector.calibration().scores().len())?;
        told.set_item("least_rate", self.detector.calibration().least_rate())?;
        told.set_item("ignored_columns", self.detector.ignored_columns())?;
        told.set_item("unchanging_columns", self.detector.unchanging_columns())?;
        Ok(told)
    }
}

/// What was seen of some rows, to be merged with what was seen of others.
#[pyclass(module = "enkoder._enkoder")]
pub struct DetectorPart {
    part: Seen,
}

#[pymethods]
impl DetectorPart {
    /// Sees nothing yet.
    #[new]
    fn new(options: DetectorOptions, most: usize) -> PyResult<Self> {
        let part = Seen::new(&options.config()?, most).map_err(|error| raised(&error))?;
        Ok(Self { part })
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        Ok(Self { part: call(py, None, || Seen::from_bytes(bytes))? })
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = call(py, None, || {
            self.part.warn_of_coarse();
            self.part.to_bytes()
        })?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Sees rows.
    fn add(&mut self, samples: &Bound<'_, PyAny>) -> PyResult<()> {
        let data = Samples::of(samples, None)?.to_dataset()?;
        call(samples.py(), None, || self.part.add(&data))
    }

    /// Sees what another saw.
    fn merge(&mut self, py: Python<'_>, other: &Self) -> PyResult<()> {
        self.part = call(py, None, || self.part.clone().merge(&other.part))?;
        Ok(())
    }

    /// Raises where it was seen with other options than these, by the first that differs.
    fn check(&self, options: DetectorOptions) -> PyResult<()> {
        let (own, given) = (self.part.config(), options.config()?);
        let of = |config: &DetectorConfig| serde_json::to_value(config).map_err(|error| value_error(error.to_string()));
        let (own, given) = (of(own)?, of(&given)?);
        let differs = own.as_object().into_iter().flatten().find(|(name, value)| given.get(name) != Some(value));
        differs.map_or(Ok(()), |(name, value)| {
            Err(value_error(format!(
                "the parts were seen with {name} = {value}, but this detector has {}\nhint: give the detector the parameters that \
                 the parts were seen with",
                given[name]
            )))
        })
    }

    /// The detector of all rows that were seen.
    fn fit(&self, py: Python<'_>) -> PyResult<Detector> {
        Ok(Detector { detector: Arc::new(call(py, None, || self.part.fit())?) })
    }

    /// How many rows it saw and could learn from.
    #[getter]
    fn rows(&self) -> usize {
        self.part.rows()
    }
}

fn value<'py>(py: Python<'py>, value: Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Number(number) => number.into_pyobject(py)?.into_any(),
        Value::Word(word) => word.into_pyobject(py)?.into_any(),
        Value::Missing => py.None().into_bound(py),
    })
}
