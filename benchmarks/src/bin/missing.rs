//! Fills a random half of the pixels of unseen digits, and prints the mean squared error on what was missing beside simpler ways:
//! the mean digit, the nearest training digits by what is left of a digit, and principal components fitted again and again
//! (iterative PCA: Josse & Husson 2012).
//!
//! ```text
//! ENKODER_TEST_DATA=FOLDER cargo run --release -p enkoder-benchmarks --bin missing -- [EPOCHS]
//! ```

use std::time::Instant;

use enkoder::{Activation, Autoencoder, Corruption, Dataset, Preset, Scaling, Trainer, TrainingConfig, fit_pca};
use enkoder_benchmarks::digits;
use ndarray::{Array2, ArrayView1};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

const MEASURED: usize = 2000;
const MISSING: f32 = 0.5;
const LATENT: usize = 64;

fn main() {
    let epochs = std::env::args().nth(1).map_or(20, |text| text.parse().expect("a number of epochs"));
    let (train, validation) = digits().split(0.2, 0).expect("thousands of digits can be split");
    let whole = validation.head(MEASURED).to_array() / 255.0;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let damaged = whole.mapv(|value| if random.random::<f32>() < MISSING { f32::NAN } else { value });
    let train_values = train.to_array() / 255.0;

    let mean = train_values.mean_axis(ndarray::Axis(0)).expect("there are digits");
    report("mean digit", &whole, &damaged, |(_, pixel)| mean[pixel]);

    for neighbours in [1, 5, 10] {
        let filled = nearest(&train_values, &damaged, neighbours);
        report(&format!("nearest digits, mean of {neighbours}"), &whole, &damaged, |at| filled[at]);
    }

    let scaled = |values: &Array2<f32>| Dataset::from_f32("digits", values.clone()).expect("rows of pixels");
    let (train, measured) = (scaled(&train_values), scaled(&damaged));
    let held_out = scaled(&(validation.to_array() / 255.0));
    for components in [25, 50, 100, 150] {
        let pca = fit_pca(&train, &held_out, components, Scaling::None).expect("digits have components");
        for iterations in [1, 30] {
            let name = format!("PCA, {components} components, {iterations} iterations");
            filled_by(&name, &pca, &measured, iterations, &whole, &damaged);
        }
    }

    let start = Instant::now();
    let config = TrainingConfig {
        epochs,
        corruption: Some(Corruption::Missing { fraction: MISSING.into() }),
        ..Preset::Best.config()
    };
    let architecture = Preset::Best.architecture([784], LATENT).with_output_activation(Activation::Sigmoid);
    let model = Trainer::new(architecture, config).fit(&train, &held_out).expect("digits can be learned");
    println!("{} in {:.0} s", model.architecture().summary(), start.elapsed().as_secs_f64());
    for iterations in [1, 2, 3] {
        filled_by(&format!("masked autoencoder, {iterations} passes"), &model, &measured, iterations, &whole, &damaged);
    }
}

fn filled_by(
    name: &str,
    model: &Autoencoder,
    measured: &Dataset,
    iterations: usize,
    whole: &Array2<f32>,
    damaged: &Array2<f32>,
) {
    let filled = model.fill(measured, iterations).expect("the digits fit the model");
    report(name, whole, damaged, |at| filled[at]);
}

/// Prints the mean squared error over the missing pixels.
fn report(name: &str, whole: &Array2<f32>, damaged: &Array2<f32>, value: impl Fn((usize, usize)) -> f32) {
    let missing = damaged.indexed_iter().filter(|(_, value)| value.is_nan());
    let errors: Vec<f64> = missing.map(|(at, _)| f64::from(value(at) - whole[at]).powi(2)).collect();
    println!("{name:<40} {:.5}", errors.iter().sum::<f64>() / errors.len() as f64);
}

/// The mean of the training digits that are closest on what is there.
fn nearest(train: &Array2<f32>, damaged: &Array2<f32>, neighbours: usize) -> Array2<f32> {
    let rows: Vec<Vec<f32>> = (0..damaged.nrows())
        .into_par_iter()
        .map(|row| {
            let seen = damaged.row(row);
            let mut distances: Vec<(f32, usize)> =
                train.rows().into_iter().enumerate().map(|(index, digit)| (distance(seen, digit), index)).collect();
            distances.select_nth_unstable_by(neighbours - 1, |a, b| a.0.total_cmp(&b.0));
            let mut mean = vec![0.0; train.ncols()];
            for &(_, index) in &distances[..neighbours] {
                mean.iter_mut().zip(train.row(index)).for_each(|(mean, value)| *mean += value / neighbours as f32);
            }
            mean
        })
        .collect();
    Array2::from_shape_vec(damaged.dim(), rows.concat()).expect("as many rows as digits")
}

fn distance(seen: ArrayView1<'_, f32>, digit: ArrayView1<'_, f32>) -> f32 {
    let pairs = seen.iter().zip(digit);
    pairs.map(|(&seen, &value)| if seen.is_nan() { 0.0 } else { (seen - value) * (seen - value) }).sum()
}
