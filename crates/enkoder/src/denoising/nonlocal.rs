//! Non-local means (Buades, Coll and Morel, "A non-local algorithm for image denoising", CVPR 2005): each pixel becomes the mean of
//! the pixels around it, weighted by how much their surroundings look alike. All pixels are compared with those at one shift at
//! a time (Darbon et al., ISBI 2008; Froment, IPOL 2014), so that comparing patches costs two short sums a pixel.

use rayon::prelude::*;

use super::{DenoisingError, check_window, picture, reflect};
use crate::network::elementary::exp;
use crate::network::vectorised::vectorised;

/// The rows that a thread takes at a time.
const BAND: usize = 32;

/// Non-local means with its parameters, all in the units of the picture.
///
/// The weight of a pixel is exp(−max(d² − 2σ², 0) / h²) with d² the mean squared difference between the square patches around it and
/// around the pixel in question, over all channels, and h the `strength`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonLocalMeans {
    /// Standard deviation σ of the noise, of which differences are cleared.
    pub sigma: f32,
    /// Side of the patches that are compared; odd.
    pub patch: usize,
    /// Side of the square in which pixels are looked for; odd.
    pub search: usize,
    /// How different a patch may be: h. The larger, the smoother.
    pub strength: f32,
}

impl NonLocalMeans {
    const LARGEST_PATCH: usize = 31;
    const LARGEST_SEARCH: usize = 101;

    /// Parameters for noise of this standard deviation in pictures whose values reach from 0 to `peak`: search windows of 21 pixels,
    /// and of 255 levels, up to a standard deviation of 12 patches of 3 and h = 0.8 σ, up to 30 patches of 5 and h = 0.7 σ,
    /// beyond patches of 7 and h = 0.6 σ. These came out best on Set12, where they reach a mean PSNR of 33.4 dB at σ = 10, 28.7 at 25
    /// and 25.1 at 50.
    pub fn for_sigma(sigma: f32, peak: f32) -> Self {
        let (patch, factor) = match 255.0 * sigma / peak {
            level if level <= 12.0 => (3, 0.8),
            level if level <= 30.0 => (5, 0.7),
            _ => (7, 0.6),
        };
        Self { sigma, patch, search: 21, strength: factor * sigma }
    }

    /// The picture without its noise. Borders are mirrored.
    ///
    /// # Errors
    /// When the shape is not that of a picture of these values, a value is not finite, a window is even or too large (patches
    /// over 31, search over 101), or a number is negative.
    pub fn denoise(&self, values: &[f32], shape: &[usize]) -> Result<Vec<f32>, DenoisingError> {
        let [height, width, channels] = picture(values, shape)?;
        check_window("patch", self.patch, Self::LARGEST_PATCH)?;
        check_window("search window", self.search, Self::LARGEST_SEARCH)?;
        for (what, value) in [("sigma", self.sigma), ("strength", self.strength)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(DenoisingError::Negative { what, value });
            }
        }
        let mirrored = Mirrored::new(values, [height, width, channels], self.patch / 2 + self.search / 2);
        let mut denoised = vec![0.0; values.len()];
        denoised.par_chunks_mut(BAND * width * channels).enumerate().for_each_init(
            || Band::new(self, width, channels),
            |band, (number, out)| band.denoise(&mirrored, number * BAND, out),
        );
        Ok(denoised)
    }
}

/// The channels of a picture as planes, continued beyond their borders.
struct Mirrored {
    values: Vec<f32>,
    plane: usize,
    stride: usize,
}

impl Mirrored {
    fn new(values: &[f32], [height, width, channels]: [usize; 3], border: usize) -> Self {
        let (rows, stride) = (height + 2 * border, width + 2 * border);
        let outside = |at: usize, length| reflect(at as isize - border as isize, length);
        let columns: Vec<usize> = (0..stride).map(|x| outside(x, width)).collect();
        let mut mirrored = Vec::with_capacity(channels * rows * stride);
        for channel in 0..channels {
            for y in (0..rows).map(|y| outside(y, height)) {
                mirrored.extend(columns.iter().map(|x| values[(y * width + x) * channels + channel]));
            }
        }
        Self { values: mirrored, plane: rows * stride, stride }
    }

    /// A part of a row, which begins `x` columns and `y` rows from the corner.
    #[inline(always)]
    fn row(&self, channel: usize, y: usize, x: usize, length: usize) -> &[f32] {
        let start = channel * self.plane + y * self.stride + x;
        &self.values[start..start + length]
    }
}

/// What a thread needs to filter some rows.
struct Band {
    patch: usize,
    search: usize,
    width: usize,
    channels: usize,
    /// What a sum of squared differences is multiplied by: −1 / (n h²).
    scale: f32,
    /// What is added then, before the exponent is cut off at 0: 2σ² / h².
    clearance: f32,
    /// Squared differences of the band and the rows and columns around it.
    differences: Vec<f32>,
    /// Their sums over the rows of a patch.
    sums: Vec<f32>,
    weights: Vec<f32>,
    total_weights: Vec<f32>,
    total_values: Vec<f32>,
}

impl Band {
    fn new(options: &NonLocalMeans, width: usize, channels: usize) -> Self {
        let NonLocalMeans { sigma, patch, search, strength } = *options;
        // Where nothing may differ, a number as small as any difference says the same and divides.
        let strength = strength.max(1e-12 * (1.0 + sigma));
        let within = (patch * patch * channels) as f32;
        Self {
            patch,
            search,
            width,
            channels,
            scale: -1.0 / (within * strength * strength),
            clearance: 2.0 * sigma * sigma / (strength * strength),
            differences: vec![0.0; (BAND + patch - 1) * (width + patch - 1)],
            sums: vec![0.0; width + patch - 1],
            weights: vec![0.0; width],
            total_weights: vec![0.0; BAND * width],
            total_values: vec![0.0; channels * BAND * width],
        }
    }

    /// Filters the rows from `top` on that `out` holds.
    fn denoise(&mut self, mirrored: &Mirrored, top: usize, out: &mut [f32]) {
        let rows = out.len() / (self.width * self.channels);
        self.total_weights.fill(0.0);
        self.total_values.fill(0.0);
        for down in 0..self.search {
            for right in 0..self.search {
                vectorised(
                    #[inline(always)]
                    || self.add_shift(mirrored, top, rows, down, right),
                );
            }
        }
        for (at, out) in out.chunks_exact_mut(self.channels).enumerate() {
            for (channel, out) in out.iter_mut().enumerate() {
                *out = self.total_values[channel * BAND * self.width + at] / self.total_weights[at];
            }
        }
    }

    /// Adds the pixels at one shift, counted from the upper left corner of the search window, with their weights.
    #[inline(always)]
    fn add_shift(&mut self, mirrored: &Mirrored, top: usize, rows: usize, down: usize, right: usize) {
        let (width, radius, reach) = (self.width, self.patch / 2, self.search / 2);
        let wide = width + self.patch - 1;
        let differences = &mut self.differences[..(rows + self.patch - 1) * wide];
        for (y, differences) in differences.chunks_exact_mut(wide).enumerate() {
            for channel in 0..self.channels {
                let here = mirrored.row(channel, top + y + reach, reach, wide);
                let there = mirrored.row(channel, top + y + down, right, wide);
                let squares = here.iter().zip(there).map(|(a, b)| (a - b) * (a - b));
                if channel == 0 {
                    differences.iter_mut().zip(squares).for_each(|(to, square)| *to = square);
                } else {
                    differences.iter_mut().zip(squares).for_each(|(to, square)| *to += square);
                }
            }
        }
        for y in 0..rows {
            sum_of(&mut self.sums, (0..self.patch).map(|row| &self.differences[(y + row) * wide..][..wide]));
            sum_of(&mut self.weights, (0..self.patch).map(|column| &self.sums[column..][..width]));
            let at = y * width;
            for (weight, total) in self.weights.iter_mut().zip(&mut self.total_weights[at..at + width]) {
                *weight = exp(weight.mul_add(self.scale, self.clearance).min(0.0));
                *total += *weight;
            }
            for channel in 0..self.channels {
                let there = mirrored.row(channel, top + y + radius + down, radius + right, width);
                let totals = &mut self.total_values[channel * BAND * width + at..][..width];
                for ((total, weight), value) in totals.iter_mut().zip(&self.weights).zip(there) {
                    *total = weight.mul_add(*value, *total);
                }
            }
        }
    }
}

/// Writes the sums of rows, value by value.
#[inline(always)]
fn sum_of<'a>(out: &mut [f32], rows: impl Iterator<Item = &'a [f32]>) {
    for (number, row) in rows.enumerate() {
        if number == 0 {
            out.copy_from_slice(row);
        } else {
            out.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, pixel by pixel in f64.
    fn naive(options: &NonLocalMeans, values: &[f32], [height, width, channels]: [usize; 3]) -> Vec<f64> {
        let (f, s) = (options.patch as isize / 2, options.search as isize / 2);
        let at = |y: isize, x: isize, c: usize| {
            f64::from(values[(reflect(y, height) * width + reflect(x, width)) * channels + c])
        };
        let (sigma, h) = (f64::from(options.sigma), f64::from(options.strength));
        let mut out = Vec::new();
        for y in 0..height as isize {
            for x in 0..width as isize {
                let (mut total, mut sums) = (0.0, vec![0.0; channels]);
                for (dy, dx) in (-s..=s).flat_map(|dy| (-s..=s).map(move |dx| (dy, dx))) {
                    let mut distance = 0.0;
                    for (py, px) in (-f..=f).flat_map(|py| (-f..=f).map(move |px| (py, px))) {
                        for c in 0..channels {
                            distance += (at(y + py, x + px, c) - at(y + py + dy, x + px + dx, c)).powi(2);
                        }
                    }
                    distance /= (options.patch * options.patch * channels) as f64;
                    let weight = (-(distance - 2.0 * sigma * sigma).max(0.0) / (h * h)).exp();
                    total += weight;
                    (0..channels).for_each(|c| sums[c] += weight * at(y + dy, x + dx, c));
                }
                out.extend(sums.iter().map(|sum| sum / total));
            }
        }
        out
    }

    #[test]
    fn a_flat_picture_stays_and_without_noise_nothing_changes() {
        let flat = NonLocalMeans::for_sigma(25.0, 255.0).denoise(&[7.0; 50 * 3], &[50, 3]).unwrap();
        assert!(flat.iter().all(|value| (value - 7.0).abs() < 1e-5));
        let picture: Vec<f32> = (0..40 * 9).map(|i| ((i * i) % 251) as f32).collect();
        let same = NonLocalMeans::for_sigma(0.0, 255.0).denoise(&picture, &[40, 9]).unwrap();
        assert!(same.iter().zip(&picture).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    #[test]
    fn the_units_do_not_matter() {
        let picture: Vec<f32> = (0..40 * 9).map(|i| ((i * i * 3) % 251) as f32).collect();
        let scaled: Vec<f32> = picture.iter().map(|value| value / 256.0).collect();
        let denoised = NonLocalMeans::for_sigma(25.0, 256.0).denoise(&picture, &[40, 9]).unwrap();
        let other = NonLocalMeans::for_sigma(25.0 / 256.0, 1.0).denoise(&scaled, &[40, 9]).unwrap();
        assert!(denoised.iter().zip(&other).all(|(a, b)| (a / 256.0 - b).abs() < 1e-6));
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let options = NonLocalMeans::for_sigma(10.0, 255.0);
        let message = |options: NonLocalMeans| options.denoise(&[0.0; 4], &[2, 2]).unwrap_err().to_string();
        let patch = message(NonLocalMeans { patch: 6, ..options });
        assert_eq!(patch, "a patch of 6 pixels is not an odd number from 1 to 31");
        assert!(message(NonLocalMeans { search: 103, ..options }).starts_with("a search window of 103"));
        let sigma = message(NonLocalMeans { sigma: -1.0, ..options });
        assert_eq!(sigma, "sigma is -1, but must be a number of at least 0");
        assert!(message(NonLocalMeans { strength: f32::NAN, ..options }).starts_with("strength is NaN"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn it_is_the_weighted_mean_of_the_definition(
            height in 1usize..40, width in 1usize..12, channels in 1usize..4,
            f in 0usize..3, s in 0usize..4, sigma in 1f32..60.0,
            pool in proptest::collection::vec(0f32..255.0, 40 * 12 * 3),
        ) {
            let values = &pool[..height * width * channels];
            let options = NonLocalMeans { sigma, patch: 2 * f + 1, search: 2 * s + 1, strength: sigma };
            let denoised = options.denoise(values, &[height, width, channels]).unwrap();
            for (value, expected) in denoised.iter().zip(naive(&options, values, [height, width, channels])) {
                prop_assert!((f64::from(*value) - expected).abs() < 2e-3, "{} is not {}", value, expected);
            }
        }
    }
}
