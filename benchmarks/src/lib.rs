//! What all benchmarks share: the reference network and the data that it is timed on.

pub mod adbench;

use std::error::Error;
use std::process::ExitCode;

use enkoder::{Activation, Architecture, Dataset, TrainingConfig};
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Why a benchmark ended.
pub type Failure = Box<dyn Error>;

/// Says why a benchmark ended, where it failed.
pub fn finish(run: Result<(), Failure>) -> ExitCode {
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The reference network: 784-128-64-10 and its mirror image, ReLU inside, a sigmoid at the output.
pub fn reference_network() -> Architecture {
    Architecture::dense([28, 28], &[128, 64], 10).with_output_activation(Activation::Sigmoid)
}

/// The small convolutional network: 1→16→8 channels, 3×3, stride 2, ReLU, dense to 10 and mirrored by transposed convolutions, a
/// sigmoid at the output.
pub fn convolutional_network() -> Architecture {
    Architecture::convolutional([28, 28], &[16, 8], &[], 10).with_output_activation(Activation::Sigmoid)
}

/// Options of a timed training.
pub fn timed_training(epochs: usize, batch_size: usize, threads: usize) -> TrainingConfig {
    TrainingConfig { epochs, batch_size, threads: Some(threads), ..TrainingConfig::default() }
}

/// MNIST from the folder `mnist` in the one that `ENKODER_TEST_DATA` names, or as many generated digits where it is unset: the
/// time does not depend on which.
pub fn digits() -> Dataset {
    let options = enkoder_data::ReadOptions::default();
    match std::env::var("ENKODER_TEST_DATA") {
        Ok(folder) => enkoder_data::open(format!("{folder}/mnist"), &options).expect("the test data has MNIST"),
        Err(_) => enkoder_data::strokes::strokes(70_000, 0),
    }
}

/// Rows of sensors that follow three hidden numbers along bent curves, with noise.
pub fn sensors(rows: usize, columns: usize, seed: u64) -> Dataset {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut values = Array2::zeros((rows, columns));
    for mut row in values.rows_mut() {
        let hidden: [f32; 3] = std::array::from_fn(|_| random.random_range(-1.0..1.0));
        for (column, value) in row.iter_mut().enumerate() {
            let phase = column as f32 * 0.7;
            let noise: f32 = random.random_range(-0.1..0.1);
            *value = (hidden[column % 3] * 2.0 + phase).sin() + hidden[(column + 1) % 3] * phase.cos() + noise;
        }
    }
    Dataset::from_f32("sensors", values).expect("every row has all columns")
}

/// The processor time that the threads which are alive have taken, in seconds, where the system tells it (Linux).
pub fn processor_seconds() -> Option<f64> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let spent = threads.filter_map(|thread| {
        let times = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        times.split(' ').next()?.parse::<f64>().ok()
    });
    Some(spent.sum::<f64>() * 1e-9)
}
