//! Uses a trained model in a program: opened once, then asked row by row without allocating.
//!
//! A program that ships its model writes `include_bytes!("model.safetensors")` in place of the bytes that are made here.
//!
//! ```text
//! cargo run --release -p enkoder --example embed
//! ```

use std::sync::Arc;

use enkoder::{Autoencoder, Dataset, Recipe, Session};
use ndarray::{Array2, ArrayView2};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bytes = trained()?;
    let mut session = Session::new(Arc::new(Autoencoder::from_bytes(&bytes)?));

    // Two readings at a time, in memory of the program's own: the second pair breaks the rule that the others follow.
    let readings = [[0.5f32, 1.0], [0.5, -1.0]];
    for reading in &readings {
        let mut error = [0.0];
        session.score(ArrayView2::from(std::slice::from_ref(reading)), &mut error)?;
        println!("{reading:?}: error {:.4}", error[0]);
    }
    Ok(())
}

/// A model of pairs (x, 2x).
fn trained() -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let pairs = Array2::from_shape_fn((1000, 2), |(row, column)| (row as f32 / 500.0 - 1.0) * (column + 1) as f32);
    let pairs = Dataset::from_f32("pairs", pairs)?;
    Ok(Recipe::dense(&[8], 1).epochs(40).fit(&pairs)?.to_bytes()?)
}
