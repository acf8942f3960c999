//! What is written is tried before anybody gets it: read back, computed by plain loops, and compared with the model on a few rows.

use std::collections::HashMap;

use enkoder::anomaly::{Detector, DetectorCoefficients, Threshold};
use enkoder::{Autoencoder, Dataset, Rows};
use ndarray::Array2;
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::detector::{FLAG, P_VALUE, SCORE};
use crate::error::ExportError;
use crate::evaluation::{Evaluation, graph_of};
use crate::model::{CODE, INPUT, Part, RECONSTRUCTION};
use crate::tensor::Tensor;

/// How far two ways to add up the same numbers in f32 may be apart, beside the largest of a row; a mistake is much farther.
const TOLERANCE: f32 = 1e-4;
/// Rows that are tried: usual ones, one with missing values, one with an infinite value.
const ROWS: usize = 4;
/// The same of a detector, which costs less.
const TABLE_ROWS: usize = 64;
/// One row in so many may be one whose score is a tie.
const TIES: usize = 8;

/// Compares a written part of a model with the model.
pub(crate) fn of_model(model: &Autoencoder, part: Part, bytes: &[u8]) -> Result<(), ExportError> {
    let graph = graph_of(bytes)?;
    let evaluation = Evaluation::new(&graph)?;
    let (features, latent) = (model.architecture().features(), model.architecture().latent());
    let samples = samples(model);
    let rows = Rows::from_slice(&samples, features).expect("they are whole rows");
    let codes = model.encode(rows)?;
    // Of a code that is nowhere near a sample nothing can be said.
    let codes: Vec<f32> =
        codes.into_iter().map(|value| if part.has_encoder() || value.is_finite() { value } else { 0.0 }).collect();
    let input = if part.has_encoder() {
        let shape = [&[ROWS], &model.architecture().input_shape[..]].concat();
        (INPUT, Tensor::floats(shape, samples.clone()))
    } else {
        (CODE, Tensor::floats([ROWS, latent], codes.clone()))
    };
    let outputs = evaluation.run(HashMap::from([input]))?;
    let found = |name: &str| outputs.get(name).and_then(Tensor::as_floats).unwrap_or_default();
    if part.has_encoder() {
        compare(CODE, found(CODE), &codes, &[1.0])?;
    }
    if part.has_decoder() {
        let expected = match part {
            Part::Decoder => model.decode(Rows::from_slice(&codes, latent).expect("they are whole rows"))?,
            _ => model.reconstruct(rows)?,
        };
        let expected = expected.as_slice().expect("a new array is contiguous");
        compare(RECONSTRUCTION, found(RECONSTRUCTION), expected, model.output_scaler().coefficients().scale)?;
    }
    Ok(())
}

/// Compares a written detector with the detector.
pub(crate) fn of_detector(detector: &Detector, threshold: &Threshold, bytes: &[u8]) -> Result<(), ExportError> {
    let graph = graph_of(bytes)?;
    let rows = rows_of_table(detector);
    let values = rows.iter().copied().collect();
    let input = Tensor::floats([rows.nrows(), rows.ncols()], values);
    let outputs = Evaluation::new(&graph)?.run(HashMap::from([(INPUT, input)]))?;
    let expected = detector.score(&Dataset::from_f32("rows", rows)?)?;
    let floats = |name: &str| outputs.get(name).and_then(Tensor::as_floats).unwrap_or_default();
    let flags = outputs.get(FLAG).and_then(Tensor::as_truths).unwrap_or_default();
    let (scores, p_values) = (floats(SCORE), floats(P_VALUE));
    let different = |output: &str, found: f32, expected: f32| {
        Err(ExportError::Different { output: output.to_owned(), found, expected })
    };
    if [scores.len(), p_values.len(), flags.len()] != [expected.len(); 3] {
        return different(SCORE, scores.len() as f32, expected.len() as f32);
    }
    let mut apart = Vec::new();
    for (&found, &expected) in scores.iter().zip(&*expected) {
        if found.is_nan() != expected.is_nan() {
            return different(SCORE, found, expected);
        }
        if (found - expected).abs() > TOLERANCE * expected.abs().max(1.0) {
            apart.push((found, expected));
        }
    }
    // Where two rows that were learned from differ by rounding alone, and many are like them, so does the surprise of either.
    if let Some(&(found, expected)) = apart.first().filter(|_| apart.len() * TIES > scores.len()) {
        return different(SCORE, found, expected);
    }
    // What follows from a score follows from the one that the graph found.
    for ((&score, &p_value), &flag) in scores.iter().zip(p_values).zip(flags) {
        let expected = if score.is_nan() { f32::NAN } else { detector.calibration().p_value(score) as f32 };
        if (p_value - expected).abs() > f32::EPSILON || p_value.is_nan() != expected.is_nan() {
            return different(P_VALUE, p_value, expected);
        }
        if flag != threshold.flags(score) {
            return different(FLAG, f32::from(u8::from(flag)), score);
        }
    }
    Ok(())
}

/// Rows around those learned from: usual ones, odd ones, one with missing values, one with an infinite value.
fn rows_of_table(detector: &Detector) -> Array2<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut rows = Array2::zeros((TABLE_ROWS, detector.features()));
    let Some(DetectorCoefficients { prepared, unchanged, .. }) = detector.coefficients() else { return rows };
    for (number, mut row) in rows.rows_mut().into_iter().enumerate() {
        let far = if number % 4 == 3 { 20.0 } else { 2.0 };
        unchanged.usual.iter().for_each(|&(feature, usual)| row[feature] = usual);
        for value in prepared.iter().filter(|value| !value.absence) {
            row[value.feature] = value.center + random.random_range(-far..far) / value.scale;
        }
        if number % 8 == 5 {
            unchanged.usual.iter().for_each(|&(feature, usual)| row[feature] = usual + 1.0);
        }
    }
    rows.row_mut(1).fill(f32::NAN);
    rows.row_mut(2).iter_mut().step_by(2).for_each(|value| *value = f32::NAN);
    rows[[4, 0]] = f32::INFINITY;
    rows
}

/// Compares numbers in scaled units, beside the largest of all.
fn compare(output: &str, found: &[f32], expected: &[f32], scale: &[f32]) -> Result<(), ExportError> {
    let different = |found, expected| Err(ExportError::Different { output: output.to_owned(), found, expected });
    if found.len() != expected.len() {
        return different(f32::NAN, f32::NAN);
    }
    let scaled = |value: f32, at: usize| value * scale[at % scale.len()];
    let largest = expected.iter().enumerate().map(|(at, &value)| scaled(value, at).abs());
    let largest = largest.filter(|value| value.is_finite()).fold(1.0, f32::max);
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let close = scaled(found - expected, at).abs() <= TOLERANCE * largest;
        let neither = found.is_nan() && expected.is_nan();
        if !close && !neither {
            return different(found, expected);
        }
    }
    Ok(())
}

/// Values as the training's may have been.
fn samples(model: &Autoencoder) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let scaler = model.scaler();
    let features = scaler.features();
    let least = if scaler.is_unit_interval() { 0.0 } else { -1.0 };
    let mut values: Vec<f32> = (0..ROWS * features).map(|_| random.random_range(least..1.0)).collect();
    values.chunks_exact_mut(features).for_each(|row| scaler.inverse_row(row));
    values[features..2 * features].iter_mut().step_by(3).for_each(|value| *value = f32::NAN);
    values[2 * features] = f32::INFINITY;
    values
}
