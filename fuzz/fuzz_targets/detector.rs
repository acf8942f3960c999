//! Any bytes as a detector's file, or a part's. What can be read scores and explains a few rows of its own width, or merges with itself.
#![no_main]

use enkoder::Dataset;
use enkoder::anomaly::{Detector, DetectorPart};
use libfuzzer_sys::fuzz_target;
use ndarray::Array2;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(part) = DetectorPart::from_bytes(bytes) {
        let merged = part.clone().merge(&part).expect("it goes with itself");
        merged.to_bytes().expect("it is small enough");
    }
    let Ok(detector) = Detector::from_bytes(bytes) else { return };
    let rows = detector.windows().map_or(0, |windows| windows.length) + 3;
    let value = |(row, column): (usize, usize)| [0.0, 1.0, f32::NAN, -1e30, f32::INFINITY, 3.5, 7.0][(3 * row + column) % 7];
    let values = Array2::from_shape_fn((rows, detector.features()), value);
    let data = Dataset::from_f32("rows", values).expect("few enough rows");
    let scores = detector.score(&data).expect("rows of its own width");
    assert_eq!(scores.iter().filter(|score| !score.is_finite()).count(), scores.unscored().len());
    (0..rows).for_each(|row| drop(detector.explain(&data, row, 3)));
    detector.threshold(detector.config().rule).expect("the rule was checked");
});
