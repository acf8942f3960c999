//! Damage done to the inputs of a denoising autoencoder (Vincent et al. 2008, 2010): the network sees the damaged sample and is
//! asked for the whole one. Each sample's damage comes from a random stream of its own, its level too where that is a range.

use std::fmt;
use std::str::FromStr;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Poisson, StandardNormal};
use serde::{Deserialize, Serialize};

use super::config::ConfigError;

/// How strong a damage is: always the same, or drawn anew for each sample, uniformly between two ends.
///
/// ```
/// use enkoder::Level;
///
/// assert_eq!("0.1-0.4".parse(), Ok(Level::Range([0.1, 0.4])));
/// assert_eq!(Level::from(0.3).to_string(), "0.3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Level {
    /// The same for every sample.
    Fixed(f32),
    /// Drawn for each sample between the lower and the upper end.
    Range([f32; 2]),
}

/// Text that is neither a number nor two.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a number nor a range of two, such as 5-50")]
pub struct LevelError(String);

impl Level {
    /// The lower and the upper end; twice the same where it is fixed.
    pub fn ends(self) -> [f32; 2] {
        match self {
            Self::Fixed(level) => [level; 2],
            Self::Range(ends) => ends,
        }
    }

    /// The level with both ends changed by `change`.
    pub fn map(self, change: impl Fn(f32) -> f32) -> Self {
        match self {
            Self::Fixed(level) => Self::Fixed(change(level)),
            Self::Range(ends) => Self::Range(ends.map(change)),
        }
    }

    fn draw(self, rng: &mut impl Rng) -> f32 {
        match self {
            Self::Fixed(level) => level,
            Self::Range([low, high]) => low + (high - low) * rng.random::<f32>(),
        }
    }
}

impl From<f32> for Level {
    fn from(level: f32) -> Self {
        Self::Fixed(level)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(level) => write!(f, "{level}"),
            Self::Range([low, high]) => write!(f, "{low}-{high}"),
        }
    }
}

impl FromStr for Level {
    type Err = LevelError;

    /// Reads `0.3`, or `0.1-0.5`; whether the numbers are in range is for the corruption to say.
    fn from_str(text: &str) -> Result<Self, LevelError> {
        if let Ok(level) = text.parse() {
            return Ok(Self::Fixed(level));
        }
        // Any of the dashes may be the one between the ends: others belong to exponents.
        let ends = text.match_indices('-').find_map(|(at, _)| {
            let low = text[..at].parse().ok()?;
            Some([low, text[at + 1..].parse().ok()?])
        });
        ends.map(Self::Range).ok_or_else(|| LevelError(text.to_owned()))
    }
}

/// How inputs are damaged, in scaled units.
///
/// ```
/// use enkoder::{Corruption, Level};
///
/// let blind = Corruption::Gaussian { sigma: Level::Range([0.0, 0.2]) };
/// let fixed = Corruption::Masking { fraction: 0.5.into() };
/// assert!(blind.validate().is_ok() && fixed.validate().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Corruption {
    /// Adds normal noise of this standard deviation.
    Gaussian {
        /// Standard deviation, in scaled units.
        sigma: Level,
    },
    /// Counts particles of light: a value `v` becomes a Poisson number of mean `v·peak`, divided by `peak`. What lies below 0
    /// becomes 0.
    Poisson {
        /// The mean count at value 1; the lower, the noisier.
        peak: Level,
    },
    /// Sets this fraction of the values to 0.
    Masking {
        /// Between 0 and 1.
        fraction: Level,
    },
    /// Sets this fraction of the values to 0 or 1, each as likely.
    SaltAndPepper {
        /// Between 0 and 1.
        fraction: Level,
    },
    /// Takes this fraction of the values away: what stands for a missing value takes their place, so that the network learns to fill in
    /// what is missing (a masked autoencoder).
    Missing {
        /// Between 0 and 1.
        fraction: Level,
    },
    /// Puts in place of this fraction of an image's pixels the mean of their four neighbours, and asks for those pixels alone. What a pixel
    /// is can then only be learned from those around it, and the noise in it not at all: images that are noisy themselves are
    /// enough (Noise2Self: Batson & Royer 2019).
    BlindSpots {
        /// Between 0 and 1; a few in a hundred, so that neighbours are seldom hidden too.
        fraction: Level,
    },
}

/// Why a text names no corruption.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CorruptionError {
    /// Not the name of one with its level.
    #[error("unknown noise {text:?}\nhint: write {known}")]
    Unknown {
        /// The whole text.
        text: String,
        /// Examples of what there is.
        known: &'static str,
    },
    /// A level that is no number.
    #[error("the level of noise {text:?} cannot be read")]
    Level {
        /// The whole text.
        text: String,
        /// What is wrong with the level.
        #[source]
        source: LevelError,
    },
    /// A level out of range.
    #[error("noise {text:?} is out of range")]
    Range {
        /// The whole text.
        text: String,
        /// What is wrong with the number.
        #[source]
        source: ConfigError,
    },
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name(), self.level().1)
    }
}

impl FromStr for Corruption {
    type Err = CorruptionError;

    /// Reads a name and a level, such as `gaussian:0.3` or `missing:0.25-0.75`. Blind spots are no noise that a user names, but a way to learn.
    fn from_str(text: &str) -> Result<Self, CorruptionError> {
        let known = "gaussian:0.3, poisson:30, masking:0.25, salt-and-pepper:0.1 or missing:0.5, or a range such as gaussian:0.1-0.4";
        let unknown = || CorruptionError::Unknown { text: text.to_owned(), known };
        let (name, level) = text.split_once(':').ok_or_else(unknown)?;
        let level = || level.parse().map_err(|source| CorruptionError::Level { text: text.to_owned(), source });
        let corruption = match name {
            "gaussian" => Self::Gaussian { sigma: level()? },
            "poisson" => Self::Poisson { peak: level()? },
            "masking" => Self::Masking { fraction: level()? },
            "salt-and-pepper" | "salt-pepper" => Self::SaltAndPepper { fraction: level()? },
            "missing" => Self::Missing { fraction: level()? },
            _ => return Err(unknown()),
        };
        corruption.validate().map_err(|source| CorruptionError::Range { text: text.to_owned(), source })?;
        Ok(corruption)
    }
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
    pub fn level(&self) -> (&'static str, Level) {
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
        if let Level::Range(_) = level
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

    /// The share of the values that are asked for.
    pub(crate) fn asked(self) -> f64 {
        match self {
            Self::BlindSpots { fraction } => fraction.ends().map(f64::from).iter().sum::<f64>() / 2.0,
            _ => 1.0,
        }
    }
}

/// Gives each missing value of an image the mean of those of its four neighbours in the same channel that are there; 0 where none is.
pub(crate) fn fill_from_neighbours(image: &mut [f32], (height, width, channels): (usize, usize, usize)) {
    let missing: Vec<usize> = (0..image.len()).filter(|&at| image[at].is_nan()).collect();
    let means: Vec<f32> = missing
        .iter()
        .map(|&at| {
            let (row, column) = (at / channels / width, at / channels % width);
            let line = width * channels;
            let around = [
                (row > 0).then(|| at - line),
                (row + 1 < height).then(|| at + line),
                (column > 0).then(|| at - channels),
                (column + 1 < width).then(|| at + channels),
            ];
            let there = around.into_iter().flatten().map(|at| image[at]).filter(|value| !value.is_nan());
            let (sum, count) = there.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
            if count > 0.0 { sum / count } else { 0.0 }
        })
        .collect();
    missing.into_iter().zip(means).for_each(|(at, mean)| image[at] = mean);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};
    use proptest::prelude::*;

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
    fn corruptions_are_checked_as_they_are_read_and_written_as_they_are_read() {
        assert_eq!("gaussian:0.3".parse(), Ok(Corruption::Gaussian { sigma: 0.3.into() }));
        let range = Level::Range([0.0, 0.5]);
        assert_eq!("missing:0-0.5".parse(), Ok(Corruption::Missing { fraction: range }));
        for text in ["gaussian:0.3", "poisson:30", "masking:0.25-0.5", "salt-and-pepper:0.1", "missing:0.5"] {
            assert_eq!(text.parse::<Corruption>().unwrap().to_string(), text);
        }
        for text in ["gaussian", "gaussian:-1", "masking:1", "salt-pepper:x", "rain:0.1", "blind-spots:0.1", ""] {
            assert!(text.parse::<Corruption>().is_err(), "{text}");
        }
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
    fn a_hidden_pixel_becomes_the_mean_of_its_neighbours() {
        let (x, nan) = (7.0, f32::NAN);
        let mut image = [nan, 2.0, 3.0, 4.0, nan, 6.0, x, nan, 9.0];
        fill_from_neighbours(&mut image, (3, 3, 1));
        assert_eq!(image, [3.0, 2.0, 3.0, 4.0, 4.0, 6.0, 7.0, 8.0, 9.0]);
        let mut colours = [nan, 1.0, 5.0, nan];
        fill_from_neighbours(&mut colours, (1, 2, 2));
        assert_eq!(colours, [5.0, 1.0, 5.0, 1.0]);
    }

    #[test]
    fn each_sample_has_a_level_of_its_own_within_the_range() {
        let sigma = Level::Range([0.1, 0.5]);
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

    #[test]
    fn a_fixed_level_is_stored_as_a_number_and_a_range_as_two() {
        let fixed: Corruption = serde_json::from_str(r#"{"kind":"gaussian","sigma":0.2}"#).unwrap();
        assert_eq!(fixed, Corruption::Gaussian { sigma: 0.2.into() });
        assert_eq!(serde_json::to_string(&fixed).unwrap(), r#"{"kind":"gaussian","sigma":0.2}"#);
        let range: Corruption = serde_json::from_str(r#"{"kind":"poisson","peak":[5,30.5]}"#).unwrap();
        assert_eq!(range, Corruption::Poisson { peak: Level::Range([5.0, 30.5]) });
        assert!(serde_json::from_str::<Corruption>(r#"{"kind":"masking","fraction":[0.1]}"#).is_err());
    }

    #[test]
    fn levels_out_of_range_are_refused_with_the_number() {
        let message = |corruption: Corruption| corruption.validate().unwrap_err().to_string();
        let gaussian = |sigma| Corruption::Gaussian { sigma };
        assert_eq!(message(gaussian(0.0.into())), "gaussian sigma is 0, but must be a positive number");
        assert!(gaussian(Level::Range([0.0, 0.2])).validate().is_ok());
        assert_eq!(
            message(gaussian(Level::Range([0.5, 0.25]))),
            "gaussian sigma is 0.5, but must be at most the upper end of its range"
        );
        assert!(gaussian(f32::NAN.into()).validate().is_err() && gaussian(f32::INFINITY.into()).validate().is_err());
        assert!(gaussian(Level::Range([f32::NAN, 0.5])).validate().is_err());
        assert!(Corruption::Masking { fraction: 1.0.into() }.validate().is_err());
        assert!(Corruption::SaltAndPepper { fraction: Level::Range([-0.1, 0.5]) }.validate().is_err());
        assert!(Corruption::Poisson { peak: Level::Range([0.0, 5.0]) }.validate().is_err());
    }

    proptest! {
        #[test]
        fn a_level_is_read_back_as_it_is_written(low: f32, high: f32) {
            prop_assume!(low.is_finite() && high.is_finite());
            prop_assert_eq!(Level::from(low).to_string().parse(), Ok(Level::from(low)));
            let range = Level::Range([low, high]);
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn no_text_makes_reading_a_level_panic(text in "[-0-9.eé ]{0,12}") {
            let _ = text.parse::<Level>();
        }
    }
}
