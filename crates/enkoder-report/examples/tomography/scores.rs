//! How far an image is from the true one: relative image error and correlation coefficient, as the field reports them (Yang and Peng,
//! Meas. Sci. Technol. 14, 2003).

use ndarray::{Array2, ArrayView1};

/// ‖ĝ − g‖ / ‖g‖ of normalised permittivities.
pub fn relative_error(found: ArrayView1<'_, f32>, truth: ArrayView1<'_, f32>) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    norm(&mut found.iter().zip(truth).map(|(found, truth)| found - truth)) / norm(&mut truth.iter().copied())
}

/// Pearson's correlation over the pixels; 0 where one of the images is the same everywhere.
pub fn correlation(found: ArrayView1<'_, f32>, truth: ArrayView1<'_, f32>) -> f64 {
    let mean =
        |values: ArrayView1<'_, f32>| values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
    let (found_mean, truth_mean) = (mean(found), mean(truth));
    let (mut both, mut of_found, mut of_truth) = (0.0, 0.0, 0.0);
    for (&found, &truth) in found.iter().zip(truth) {
        let (found, truth) = (f64::from(found) - found_mean, f64::from(truth) - truth_mean);
        both += found * truth;
        of_found += found * found;
        of_truth += truth * truth;
    }
    let spread = (of_found * of_truth).sqrt();
    if spread > 0.0 { both / spread } else { 0.0 }
}

/// Means of both over many images.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    pub error: f64,
    pub correlation: f64,
}

impl Score {
    pub fn of(found: &Array2<f32>, truth: &Array2<f32>) -> Self {
        let count = truth.nrows() as f64;
        let pairs = || found.rows().into_iter().zip(truth.rows());
        Self {
            error: pairs().map(|(found, truth)| relative_error(found, truth)).sum::<f64>() / count,
            correlation: pairs().map(|(found, truth)| correlation(found, truth)).sum::<f64>() / count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn scores_of_known_images() {
        let truth = array![[0.0, 1.0, 1.0, 0.0]];
        let half = array![[0.0, 0.5, 0.5, 0.0]];
        let score = Score::of(&half, &truth);
        assert!((score.error - 0.5).abs() < 1e-12 && (score.correlation - 1.0).abs() < 1e-12);
        assert_eq!(Score::of(&array![[0.5, 0.5, 0.5, 0.5]], &truth).correlation, 0.0);
        assert!((Score::of(&(1.0 - &truth), &truth).correlation + 1.0).abs() < 1e-12);
    }
}
