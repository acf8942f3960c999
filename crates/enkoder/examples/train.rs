//! Trains an autoencoder on points of a spiral, compares it with PCA, and saves it.
//!
//! ```text
//! cargo run --release -p enkoder --example train
//! ```

use enkoder::{Dataset, Recipe};
use ndarray::Array2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spiral = Array2::from_shape_fn((2000, 3), |(row, column)| {
        let t = row as f32 * 0.005;
        [t.cos() * t, t.sin() * t, t][column]
    });
    let spiral = Dataset::from_f32("spiral", spiral)?;

    let model = Recipe::dense(&[64, 32], 1).epochs(60).batch_size(32).fit(&spiral)?;
    let linear = Recipe::linear(1).fit(&spiral)?;
    println!("held-out error with one number a point, where always answering the mean gives 1:");
    println!("  autoencoder {:.4}", model.record().validation_loss);
    println!("  PCA         {:.4}", linear.record().validation_loss);

    let path = std::env::temp_dir().join("spiral.safetensors");
    model.save(&path)?;
    println!("written {}; try: enkoder info {0}", path.display());
    Ok(())
}
