//! How far a reconstruction is from its original: mean squared and absolute error, peak signal-to-noise ratio, and the
//! structural similarity of images.

use super::MetricError;

const RADIUS: usize = 5;
const WINDOW: usize = 2 * RADIUS + 1;
const SIGMA: f64 = 1.5;
const K1: f64 = 0.01;
const K2: f64 = 0.03;

/// The mean squared error over all values, in squared units of the values.
///
/// # Errors
/// When the lengths differ, there is no value, or one is not finite.
pub fn mse(original: &[f32], reconstruction: &[f32]) -> Result<f64, MetricError> {
    mean(original, reconstruction, |difference| difference * difference)
}

/// The mean absolute error over all values, in units of the values.
///
/// # Errors
/// When the lengths differ, there is no value, or one is not finite.
pub fn mae(original: &[f32], reconstruction: &[f32]) -> Result<f64, MetricError> {
    mean(original, reconstruction, f64::abs)
}

/// The peak signal-to-noise ratio `10 log₁₀(data_range² / MSE)` in decibels; +∞ where both are equal. `data_range` is the
/// distance from the smallest to the largest possible value: 255 for bytes.
///
/// # Errors
/// As [`mse`], and when `data_range` is not positive.
pub fn psnr(original: &[f32], reconstruction: &[f32], data_range: f64) -> Result<f64, MetricError> {
    check_range(data_range)?;
    Ok(10.0 * (data_range * data_range / mse(original, reconstruction)?).log10())
}

/// The mean structural similarity of two images, at most 1: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment:
/// from error visibility to structural similarity", IEEE TIP 13(4), 2004, with its Gaussian window (11×11, σ = 1.5),
/// K₁ = 0.01 and K₂ = 0.03, over the positions where the window fits into the image.
///
/// `shape` is `[height, width]` or `[height, width, channels]`, of which the mean over channels is given. The value is that
/// of scikit-image's `structural_similarity(…, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)`.
///
/// # Errors
/// When the lengths differ from the shape's, a value is not finite, `data_range` is not positive, or the image is smaller
/// than 11×11.
pub fn ssim(original: &[f32], reconstruction: &[f32], shape: &[usize], data_range: f64) -> Result<f64, MetricError> {
    check_pair(original, reconstruction)?;
    check_range(data_range)?;
    let (height, width, channels) = match *shape {
        [height, width] => (height, width, 1),
        [height, width, channels] => (height, width, channels),
        _ => return Err(MetricError::Shape { shape: shape.to_vec(), values: original.len() }),
    };
    if height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels)) != Some(original.len()) {
        return Err(MetricError::Shape { shape: shape.to_vec(), values: original.len() });
    }
    if height < WINDOW || width < WINDOW {
        return Err(MetricError::TooSmall { height, width });
    }
    check_finite(original)?;
    check_finite(reconstruction)?;
    let kernel = gaussian();
    let plane = |values: &[f32], channel: usize| -> Vec<f64> {
        values.iter().skip(channel).step_by(channels).map(|&value| f64::from(value)).collect()
    };
    let sum: f64 = (0..channels)
        .map(|channel| {
            let (x, y) = (plane(original, channel), plane(reconstruction, channel));
            ssim_of_plane(&x, &y, width, &kernel, data_range)
        })
        .sum();
    Ok(sum / channels as f64)
}

fn ssim_of_plane(x: &[f64], y: &[f64], width: usize, kernel: &[f64; WINDOW], data_range: f64) -> f64 {
    let products = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let mean_x = smooth(x, width, kernel);
    let mean_y = smooth(y, width, kernel);
    let mean_xx = smooth(&products(x, x), width, kernel);
    let mean_yy = smooth(&products(y, y), width, kernel);
    let mean_xy = smooth(&products(x, y), width, kernel);
    let (c1, c2) = ((K1 * data_range).powi(2), (K2 * data_range).powi(2));
    let sum: f64 = (0..mean_x.len())
        .map(|at| {
            let (ux, uy) = (mean_x[at], mean_y[at]);
            let (vx, vy, vxy) = (mean_xx[at] - ux * ux, mean_yy[at] - uy * uy, mean_xy[at] - ux * uy);
            let luminance = (2.0 * ux * uy + c1) / (ux * ux + uy * uy + c1);
            luminance * (2.0 * vxy + c2) / (vx + vy + c2)
        })
        .sum();
    sum / mean_x.len() as f64
}

/// The weighted mean at each position where the window fits, first along rows, then along columns.
fn smooth(plane: &[f64], width: usize, kernel: &[f64; WINDOW]) -> Vec<f64> {
    let inner = width - 2 * RADIUS;
    let rows: Vec<f64> = plane
        .chunks_exact(width)
        .flat_map(|row| {
            row.windows(WINDOW)
                .map(|window| window.iter().zip(kernel).map(|(value, weight)| value * weight).sum::<f64>())
        })
        .collect();
    let mut smoothed = vec![0.0; rows.len() - 2 * RADIUS * inner];
    for (offset, weight) in kernel.iter().enumerate() {
        for (to, from) in smoothed.iter_mut().zip(&rows[offset * inner..]) {
            *to += weight * from;
        }
    }
    smoothed
}

fn gaussian() -> [f64; WINDOW] {
    let weights: [f64; WINDOW] = std::array::from_fn(|at| {
        let distance = at as f64 - RADIUS as f64;
        (-0.5 * (distance / SIGMA).powi(2)).exp()
    });
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

fn mean(original: &[f32], reconstruction: &[f32], of: impl Fn(f64) -> f64) -> Result<f64, MetricError> {
    check_pair(original, reconstruction)?;
    let differences = original.iter().zip(reconstruction).map(|(&x, &y)| f64::from(x) - f64::from(y));
    let mean = differences.map(of).sum::<f64>() / original.len() as f64;
    if !mean.is_finite() {
        check_finite(original)?;
        check_finite(reconstruction)?;
    }
    Ok(mean)
}

fn check_pair(original: &[f32], reconstruction: &[f32]) -> Result<(), MetricError> {
    let (original, reconstruction) = (original.len(), reconstruction.len());
    if original != reconstruction {
        return Err(MetricError::Values { original, reconstruction });
    }
    if original == 0 { Err(MetricError::Empty) } else { Ok(()) }
}

fn check_finite(values: &[f32]) -> Result<(), MetricError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(MetricError::NotFinite { index, value: values[index] }),
        None => Ok(()),
    }
}

fn check_range(data_range: f64) -> Result<(), MetricError> {
    let positive = data_range > 0.0 && data_range.is_finite();
    if positive { Ok(()) } else { Err(MetricError::DataRange(data_range)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A picture that any language computes alike: `(a·i² + b·i) mod 251`.
    fn picture(values: u32, a: u32, b: u32) -> Vec<f32> {
        (0..values).map(|i| ((a * i * i + b * i) % 251) as f32).collect()
    }

    /// A picture and a distorted copy.
    fn pair(shape: &[usize]) -> (Vec<f32>, Vec<f32>) {
        let values = shape.iter().product::<usize>() as u32;
        let original = picture(values, 3, 7);
        let noise = picture(values, 5, 1);
        let distorted = original.iter().zip(noise).map(|(x, n)| (x * 0.75).floor() + (n / 4.0).floor()).collect();
        (original, distorted)
    }

    /// scikit-image 0.26.0 in f64, `data_range=255`; SSIM with the arguments that the documentation of [`ssim`] names.
    #[test]
    fn values_are_those_of_scikit_image() {
        let cases: [(&[usize], [f64; 4]); 4] = [
            (&[28, 28], [681.132653061224, 21.089285714286, 19.79848660288155, 0.920797330030666]),
            (&[13, 17], [688.271493212670, 21.330316742081, 19.75320578524427, 0.927312038693783]),
            (&[16, 12, 3], [673.083333333333, 20.947916666667, 19.850115240342067, 0.914833789519247]),
            (&[11, 11], [557.347107438017, 18.768595041322, 20.66954609331936, 0.922200782889040]),
        ];
        for (shape, expected) in cases {
            let (x, y) = pair(shape);
            let values =
                [mse(&x, &y), mae(&x, &y), psnr(&x, &y, 255.0), ssim(&x, &y, shape, 255.0)].map(Result::unwrap);
            for (value, expected) in values.iter().zip(expected) {
                assert!((value - expected).abs() < 1e-11, "{shape:?}: {value} is not {expected}");
            }
        }
    }

    #[test]
    fn an_image_is_perfectly_similar_to_itself() {
        let (x, _) = pair(&[20, 30]);
        assert_eq!(mse(&x, &x), Ok(0.0));
        assert_eq!(psnr(&x, &x, 255.0), Ok(f64::INFINITY));
        assert!((ssim(&x, &x, &[20, 30], 255.0).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_metric_is_refused_with_the_reason() {
        let x = vec![1.0; 121];
        let mut y = x.clone();
        y[5] = f32::NAN;
        let (values, missing) = (121, "value 5 (from 0) is NaN, which a metric cannot rank or average");
        assert_eq!(mse(&x, &y).unwrap_err().to_string(), missing);
        assert_eq!(ssim(&x, &y, &[11, 11], 1.0).unwrap_err().to_string(), missing);
        assert_eq!(mae(&x, &x[1..]), Err(MetricError::Values { original: 121, reconstruction: 120 }));
        assert_eq!(mse(&[], &[]), Err(MetricError::Empty));
        assert_eq!(psnr(&x, &x, 0.0), Err(MetricError::DataRange(0.0)));
        assert_eq!(ssim(&x, &x, &[121], 1.0), Err(MetricError::Shape { shape: vec![121], values }));
        assert_eq!(ssim(&x, &x, &[11, 12], 1.0), Err(MetricError::Shape { shape: vec![11, 12], values }));
        assert_eq!(ssim(&x[..110], &x[..110], &[10, 11], 1.0), Err(MetricError::TooSmall { height: 10, width: 11 }));
        assert!(ssim(&x, &x, &[usize::MAX, 2, 61], 1.0).is_err());
    }

    proptest! {
        #[test]
        fn similarity_is_symmetric_and_at_most_one(
            x in proptest::collection::vec(0f32..1.0, 12 * 13),
            y in proptest::collection::vec(0f32..1.0, 12 * 13),
        ) {
            let similarity = ssim(&x, &y, &[12, 13], 1.0).unwrap();
            prop_assert!((-1.0..=1.0).contains(&similarity));
            prop_assert!((similarity - ssim(&y, &x, &[12, 13], 1.0).unwrap()).abs() < 1e-12);
        }
    }
}
