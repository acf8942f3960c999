//! Finds an odd row: each value is usual by itself, only their relation is broken.
//!
//! ```text
//! cargo run --release -p enkoder --example detect
//! ```

use enkoder::Dataset;
use enkoder::anomaly::{Detector, DetectorConfig, Method, ThresholdRule};
use ndarray::{Array2, array};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Flow follows speed, and power follows both.
    let normal = Array2::from_shape_fn((2000, 3), |(row, column)| {
        let speed = 10.0 + ((row * 37) % 101) as f32 * 0.1;
        let flow = speed * 0.8 + ((row * 17) % 13) as f32 * 0.02;
        [speed, flow, speed * flow * 0.01][column]
    });
    let config = DetectorConfig { method: Method::Linear, ..DetectorConfig::default() };
    let detector = Detector::fit(&Dataset::from_f32("normal", normal)?, &config)?;

    let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.01))?;
    let new = array![[15.0f32, 12.1, 1.8], [19.0, 9.0, 1.7]];
    let scores = detector.score(&Dataset::from_f32("new", new.clone())?)?.into_values();
    for (row, score) in new.rows().into_iter().zip(scores) {
        println!("{row}: score {score:.2}, {}", if score > threshold.score { "odd" } else { "usual" });
    }
    Ok(())
}
