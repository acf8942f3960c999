//! The damage itself: what becomes of one sample.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Poisson, StandardNormal};

use super::Corruption;
use crate::random::{Purpose, stream};

impl Corruption {
    /// Damages one sample, in scaled units, as a training damages its inputs. `seed` and the sample's `number` make the damage: the same ones
    /// make the same again. What is missing becomes NaN.
    ///
    /// ```
    /// use enkoder::Corruption;
    ///
    /// let noise: Corruption = "gaussian:0.1".parse()?;
    /// let mut sample = [0.5; 4];
    /// noise.damage(&mut sample, 1, 0);
    /// assert!(sample.iter().all(|value| *value != 0.5));
    /// # Ok::<(), enkoder::CorruptionError>(())
    /// ```
    pub fn damage(self, sample: &mut [f32], seed: u64, number: u64) {
        self.apply(sample, &mut stream(seed, Purpose::Noise, number));
    }

    /// Damages one sample. What is missing becomes NaN.
    pub(crate) fn apply(self, sample: &mut [f32], rng: &mut impl Rng) {
        match self {
            Self::Gaussian { sigma } => {
                let sigma = sigma.draw(rng);
                for value in sample {
                    let noise: f32 = rng.sample(StandardNormal);
                    *value += sigma * noise;
                }
            }
            Self::Poisson { peak } => {
                let peak = f64::from(peak.draw(rng));
                for value in sample {
                    // No distribution has a mean of 0: nothing arrives.
                    let count = match Poisson::new(f64::from(*value) * peak) {
                        Ok(counts) => counts.sample(rng),
                        Err(_) => 0.0,
                    };
                    *value = (count / peak) as f32;
                }
            }
            Self::Masking { fraction } => {
                let fraction = fraction.draw(rng);
                for value in sample {
                    if rng.random::<f32>() < fraction {
                        *value = 0.0;
                    }
                }
            }
            Self::SaltAndPepper { fraction } => {
                let fraction = fraction.draw(rng);
                for value in sample {
                    let draw = rng.random::<f32>();
                    if draw < fraction {
                        *value = if draw < 0.5 * fraction { 0.0 } else { 1.0 };
                    }
                }
            }
            Self::Missing { fraction } | Self::BlindSpots { fraction } => {
                let fraction = fraction.draw(rng);
                for value in sample {
                    if rng.random::<f32>() < fraction {
                        *value = f32::NAN;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::NoiseLevel;

    fn corrupted(corruption: Corruption, value: f32, index: u64) -> Vec<f32> {
        let mut sample = vec![value; 100_000];
        corruption.apply(&mut sample, &mut stream(1, Purpose::Corruption, index));
        sample
    }

    fn moments(sample: &[f32]) -> (f64, f64) {
        let mean = sample.iter().copied().map(f64::from).sum::<f64>() / sample.len() as f64;
        let variance = sample.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / sample.len() as f64;
        (mean, variance)
    }

    #[test]
    fn gaussian_noise_has_its_standard_deviation() {
        let (mean, variance) = moments(&corrupted(Corruption::Gaussian { sigma: 0.2.into() }, 0.5, 0));
        assert!((mean - 0.5).abs() < 0.002 && (variance.sqrt() - 0.2).abs() < 0.002);
    }

    #[test]
    fn poisson_noise_has_the_mean_of_the_value_and_its_variance_over_the_peak() {
        for peak in [1.0, 30.0, 5000.0f32] {
            let (mean, variance) = moments(&corrupted(Corruption::Poisson { peak: peak.into() }, 0.6, 0));
            let expected = 0.6 / f64::from(peak);
            assert!((mean - 0.6).abs() < 4.0 * (expected / 1e5).sqrt(), "{peak}: mean {mean}");
            assert!((variance / expected - 1.0).abs() < 0.02, "{peak}: variance {variance}");
        }
        let dark = corrupted(Corruption::Poisson { peak: 30.0.into() }, 0.0, 0);
        assert!(dark.iter().all(|&value| value == 0.0));
        assert!(corrupted(Corruption::Poisson { peak: 30.0.into() }, -0.5, 0).iter().all(|&value| value == 0.0));
    }

    #[test]
    fn masking_and_salt_and_pepper_hit_their_fraction() {
        let masked = corrupted(Corruption::Masking { fraction: 0.3.into() }, 0.5, 0);
        let share = |sample: &[f32], value: f32| sample.iter().filter(|&&v| v == value).count() as f64 / 1e5;
        assert!((share(&masked, 0.0) - 0.3).abs() < 0.01);
        let sprinkled = corrupted(Corruption::SaltAndPepper { fraction: 0.4.into() }, 0.5, 0);
        assert!((share(&sprinkled, 0.0) - 0.2).abs() < 0.01 && (share(&sprinkled, 1.0) - 0.2).abs() < 0.01);
    }

    #[test]
    fn each_sample_has_a_level_of_its_own_within_the_range() {
        let sigma = NoiseLevel::Range([0.1, 0.5]);
        let levels: Vec<f64> = (0..50)
            .map(|index| {
                let mut sample = vec![0.0; 4000];
                Corruption::Gaussian { sigma }.apply(&mut sample, &mut stream(1, Purpose::Corruption, index));
                moments(&sample).1.sqrt()
            })
            .collect();
        let (low, high) = levels.iter().fold((1.0f64, 0.0f64), |(low, high), &level| (low.min(level), high.max(level)));
        assert!((0.095..0.15).contains(&low) && (0.45..0.525).contains(&high), "{low} to {high}");
    }
}
