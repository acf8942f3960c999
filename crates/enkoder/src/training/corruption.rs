//! Damage done to the inputs of a denoising autoencoder (Vincent et al. 2008, 2010): the network sees the damaged sample and is
//! asked for the whole one. Each sample's damage comes from a random stream of its own, its level too where that is a range.

mod damage;
mod neighbours;
mod noise_level;
mod text;

use serde::{Deserialize, Serialize};

use super::config::ConfigError;

pub(crate) use neighbours::fill_from_neighbours;
pub use noise_level::{NoiseLevel, NoiseLevelError};
pub use text::CorruptionError;

/// How inputs are damaged, in scaled units.
///
/// ```
/// use enkoder::{Corruption, NoiseLevel};
///
/// let blind = Corruption::Gaussian { sigma: NoiseLevel::Range([0.0, 0.2]) };
/// let fixed = Corruption::Masking { fraction: 0.5.into() };
/// assert!(blind.validate().is_ok() && fixed.validate().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Corruption {
    /// Adds normal noise of this standard deviation.
    Gaussian {
        /// Standard deviation, in scaled units.
        sigma: NoiseLevel,
    },
    /// Counts particles of light: a value `v` becomes a Poisson number of mean `v·peak`, divided by `peak`. What lies below 0
    /// becomes 0.
    Poisson {
        /// The mean count at value 1; the lower, the noisier.
        peak: NoiseLevel,
    },
    /// Sets this fraction of the values to 0.
    Masking {
        /// Between 0 and 1.
        fraction: NoiseLevel,
    },
    /// Sets this fraction of the values to 0 or 1, each as likely.
    SaltAndPepper {
        /// Between 0 and 1.
        fraction: NoiseLevel,
    },
    /// Takes this fraction of the values away: what stands for a missing value takes their place, so that the network learns to fill in
    /// what is missing (a masked autoencoder).
    Missing {
        /// Between 0 and 1.
        fraction: NoiseLevel,
    },
    /// Puts in place of this fraction of an image's pixels the mean of their four neighbours, and asks for those pixels alone. What a pixel
    /// is can then only be learned from those around it, and the noise in it not at all: images that are noisy themselves are
    /// enough (Noise2Self: Batson & Royer 2019).
    BlindSpots {
        /// Between 0 and 1; a few in a hundred, so that neighbours are seldom hidden too.
        fraction: NoiseLevel,
    },
}

impl Corruption {
    /// The most particles of light a value 1 may stand for: beyond, the noise is below the precision of a value.
    const BRIGHTEST: f32 = 1e9;

    /// The name used in commands.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gaussian { .. } => "gaussian",
            Self::Poisson { .. } => "poisson",
            Self::Masking { .. } => "masking",
            Self::SaltAndPepper { .. } => "salt-and-pepper",
            Self::Missing { .. } => "missing",
            Self::BlindSpots { .. } => "blind-spots",
        }
    }

    /// What the level is called, and the level.
    pub fn level(&self) -> (&'static str, NoiseLevel) {
        match *self {
            Self::Gaussian { sigma } => ("gaussian sigma", sigma),
            Self::Poisson { peak } => ("poisson peak", peak),
            Self::Masking { fraction }
            | Self::SaltAndPepper { fraction }
            | Self::Missing { fraction }
            | Self::BlindSpots { fraction } => ("corrupted fraction", fraction),
        }
    }

    /// Checks the level. The lower end of a range may be 0, where that means no damage.
    ///
    /// # Errors
    /// When a number is out of its range or the ends of a range change places.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let (option, level) = self.level();
        let [low, high] = level.ends();
        let refuse = |value: f32, range| Err(ConfigError::Range { option, value: value.into(), range });
        if let NoiseLevel::Range(_) = level
            && low > high
        {
            return refuse(low, "at most the upper end of its range");
        }
        let (least, fits, range) = match self {
            Self::Gaussian { .. } => (0.0, high > 0.0 && high.is_finite(), "a positive number"),
            Self::Poisson { .. } => {
                (f32::MIN_POSITIVE, high > 0.0 && high <= Self::BRIGHTEST, "a positive number of at most 1,000,000,000")
            }
            Self::Masking { .. } | Self::SaltAndPepper { .. } | Self::Missing { .. } | Self::BlindSpots { .. } => {
                (0.0, high > 0.0 && high < 1.0, "between 0 and 1")
            }
        };
        if !fits {
            return refuse(high, range);
        }
        if low >= least { Ok(()) } else { refuse(low, range) }
    }

    /// The share of the values that are asked for.
    pub(crate) fn asked(self) -> f64 {
        match self {
            Self::BlindSpots { fraction } => fraction.ends().map(f64::from).iter().sum::<f64>() / 2.0,
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_level_is_stored_as_a_number_and_a_range_as_two() {
        let fixed: Corruption = serde_json::from_str(r#"{"kind":"gaussian","sigma":0.2}"#).unwrap();
        assert_eq!(fixed, Corruption::Gaussian { sigma: 0.2.into() });
        assert_eq!(serde_json::to_string(&fixed).unwrap(), r#"{"kind":"gaussian","sigma":0.2}"#);
        let range: Corruption = serde_json::from_str(r#"{"kind":"poisson","peak":[5,30.5]}"#).unwrap();
        assert_eq!(range, Corruption::Poisson { peak: NoiseLevel::Range([5.0, 30.5]) });
        assert!(serde_json::from_str::<Corruption>(r#"{"kind":"masking","fraction":[0.1]}"#).is_err());
    }

    #[test]
    fn levels_out_of_range_are_refused_with_the_number() {
        let message = |corruption: Corruption| corruption.validate().unwrap_err().to_string();
        let gaussian = |sigma| Corruption::Gaussian { sigma };
        assert_eq!(message(gaussian(0.0.into())), "gaussian sigma is 0, but must be a positive number");
        assert!(gaussian(NoiseLevel::Range([0.0, 0.2])).validate().is_ok());
        assert_eq!(
            message(gaussian(NoiseLevel::Range([0.5, 0.25]))),
            "gaussian sigma is 0.5, but must be at most the upper end of its range"
        );
        assert!(gaussian(f32::NAN.into()).validate().is_err() && gaussian(f32::INFINITY.into()).validate().is_err());
        assert!(gaussian(NoiseLevel::Range([f32::NAN, 0.5])).validate().is_err());
        assert!(Corruption::Masking { fraction: 1.0.into() }.validate().is_err());
        assert!(Corruption::SaltAndPepper { fraction: NoiseLevel::Range([-0.1, 0.5]) }.validate().is_err());
        assert!(Corruption::Poisson { peak: NoiseLevel::Range([0.0, 5.0]) }.validate().is_err());
    }
}
