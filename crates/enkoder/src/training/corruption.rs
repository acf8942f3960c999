//! Damage done to the inputs of a denoising autoencoder (Vincent et al. 2008, 2010): the network sees the damaged sample and is
//! asked for the whole one. Each sample's damage comes from a random stream of its own.

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// How inputs are damaged, in scaled units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Corruption {
    /// Adds normal noise of this standard deviation.
    Gaussian {
        /// Standard deviation, in scaled units.
        sigma: f32,
    },
    /// Sets this fraction of the values to 0.
    Masking {
        /// Between 0 and 1.
        fraction: f32,
    },
    /// Sets this fraction of the values to 0 or 1, each as likely.
    SaltAndPepper {
        /// Between 0 and 1.
        fraction: f32,
    },
}

impl Corruption {
    /// Damages one sample.
    pub(crate) fn apply(self, sample: &mut [f32], rng: &mut impl Rng) {
        match self {
            Self::Gaussian { sigma } => {
                for value in sample {
                    let noise: f32 = rng.sample(StandardNormal);
                    *value += sigma * noise;
                }
            }
            Self::Masking { fraction } => {
                for value in sample {
                    if rng.random::<f32>() < fraction {
                        *value = 0.0;
                    }
                }
            }
            Self::SaltAndPepper { fraction } => {
                for value in sample {
                    let draw = rng.random::<f32>();
                    if draw < fraction {
                        *value = if draw < 0.5 * fraction { 0.0 } else { 1.0 };
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    fn corrupted(corruption: Corruption) -> Vec<f32> {
        let mut sample = vec![0.5; 100_000];
        corruption.apply(&mut sample, &mut stream(1, Purpose::Corruption, 0));
        sample
    }

    #[test]
    fn gaussian_noise_has_its_standard_deviation() {
        let sample = corrupted(Corruption::Gaussian { sigma: 0.2 });
        let variance = sample.iter().map(|value| f64::from(value - 0.5).powi(2)).sum::<f64>() / 1e5;
        assert!((variance.sqrt() - 0.2).abs() < 0.002);
    }

    #[test]
    fn masking_and_salt_and_pepper_hit_their_fraction() {
        let masked = corrupted(Corruption::Masking { fraction: 0.3 });
        let share = |sample: &[f32], value: f32| sample.iter().filter(|&&v| v == value).count() as f64 / 1e5;
        assert!((share(&masked, 0.0) - 0.3).abs() < 0.01);
        let sprinkled = corrupted(Corruption::SaltAndPepper { fraction: 0.4 });
        assert!((share(&sprinkled, 0.0) - 0.2).abs() < 0.01 && (share(&sprinkled, 1.0) - 0.2).abs() < 0.01);
    }
}
