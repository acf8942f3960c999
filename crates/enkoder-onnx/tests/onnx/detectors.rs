//! Detectors of rows as one graph with three outputs.

use enkoder::anomaly::{Detector, DetectorConfig, Method, ThresholdRule, Windows};
use enkoder::{Column, Dataset, Schema};
use enkoder_onnx::{ExportError, export_detector};
use ndarray::{Array2, Axis};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::runtime::Runtime;

/// Two sensors that go together, one with gaps, one of a few values, one that never changes, and words.
fn table(rows: usize, number: u64) -> Dataset {
    let random = &mut ChaCha8Rng::seed_from_u64(number);
    let words = ["low", "middle", "high"];
    let mut values = Array2::zeros((rows, 8));
    for mut row in values.axis_iter_mut(Axis(0)) {
        let a: f32 = random.random_range(-1.0..1.0);
        let gap = random.random_bool(0.1);
        row[0] = 50.0 + 10.0 * a;
        row[1] = -3.0 * a + random.random_range(-0.1..0.1);
        row[2] = if gap { f32::NAN } else { random.random_range(0.0..4.0) };
        row[3] = random.random_range(0..4) as f32;
        row[4] = 7.0;
        row[5 + random.random_range(0..3)] = 1.0;
    }
    let mut columns: Vec<Column> = ["a", "b", "gaps", "few", "constant"].map(Column::numeric).to_vec();
    columns.push(Column::categorical("level", words.map(str::to_owned).to_vec()));
    Dataset::from_f32("sensors", values).unwrap().with_schema(Schema::new(columns)).unwrap()
}

/// Rows of which some are odd in every way.
fn odd(rows: usize) -> Array2<f32> {
    let random = &mut ChaCha8Rng::seed_from_u64(99);
    let mut values = table(rows, 7).to_array();
    for mut row in values.axis_iter_mut(Axis(0)) {
        match random.random_range(0..40) {
            0 => row[0] += random.random_range(-500.0..500.0),
            1 => row[1] = -row[1],
            2 => row[3] = 17.5,
            3 => row[4] = 8.0,
            4 => row.iter_mut().skip(5).for_each(|value| *value = 0.0),
            5 => row.iter_mut().skip(5).for_each(|value| *value = f32::NAN),
            6 => row[random.random_range(0..5)] = f32::INFINITY,
            7 => row.fill(f32::NAN),
            _ => {}
        }
    }
    values
}

fn fitted(method: Method) -> Detector {
    let config = DetectorConfig { method, epochs: Some(3), budget: 0.5, ..Default::default() };
    Detector::fit(&table(900, 1), &config).unwrap()
}

const METHODS: [Method; 5] = [Method::Marginal, Method::Linear, Method::Autoencoder, Method::Ensemble, Method::Auto];

#[test]
fn detectors_of_every_kind_are_exported() {
    for method in METHODS {
        let detector = fitted(method);
        let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.01)).unwrap();
        export_detector(&detector, &threshold).unwrap_or_else(|error| panic!("{method}: {error}"));
    }
}

#[test]
fn a_detector_of_series_is_refused_by_what_it_is() {
    let config = DetectorConfig { method: Method::Linear, ..Default::default() };
    let series = Dataset::from_f32(
        "series",
        Array2::from_shape_fn((400, 2), |(row, column)| ((row * (3 + column * 4)) % 17) as f32),
    );
    let detector = Detector::fit_series(&[series.unwrap()], Windows { length: 8, stride: 1 }, &config).unwrap();
    let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.05)).unwrap();
    let error = export_detector(&detector, &threshold).unwrap_err();
    assert!(matches!(error, ExportError::Series), "{error}");
    assert!(error.to_string().contains("hint: "), "{error}");
}

#[test]
fn onnxruntime_flags_the_rows_that_the_detector_flags() {
    let Some(mut runtime) = Runtime::find() else { return };
    let rows = odd(10_000);
    for method in METHODS {
        let detector = fitted(method);
        let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.01)).unwrap();
        let scores = detector.score(&Dataset::from_f32("odd", rows.clone()).unwrap()).unwrap().into_values();
        let p_values: Vec<f32> = scores.iter().map(|&score| p_value(&detector, score)).collect();
        runtime.add_detector(&method.to_string(), &detector, &threshold, &rows, &scores, &p_values);
    }
    runtime.check();
}

fn p_value(detector: &Detector, score: f32) -> f32 {
    if score.is_nan() { f32::NAN } else { detector.calibration().p_value(score) as f32 }
}
