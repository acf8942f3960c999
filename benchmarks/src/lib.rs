//! What all benchmarks share: the reference network and the data that it is timed on.

use enkoder::{Activation, Architecture, Dataset, TrainingConfig};

/// The reference network: 784-128-64-10 and its mirror image, ReLU inside, a sigmoid at the output.
pub fn reference_network() -> Architecture {
    Architecture::dense([28, 28], &[128, 64], 10).with_output_activation(Activation::Sigmoid)
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
        Ok(folder) => enkoder_data::open(&format!("{folder}/mnist"), &options).expect("the test data has MNIST"),
        Err(_) => enkoder_data::strokes::strokes(70_000, 0),
    }
}
