//! Noise as a user says it, with its strength on the scale that the literature uses: of 255 from black to white.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::random::{Purpose, stream};
use crate::training::{Corruption, CorruptionError, NoiseLevel};

/// The scale of a user's standard deviations: white of 8 bits.
const WHITE: f32 = 255.0;

/// Noise that is put on pictures: `gaussian:25`, `poisson:30`, `salt-and-pepper:0.1` or `masking:0.5`; a range such as
/// `gaussian:5-50` is drawn from for each picture.
///
/// The standard deviation of Gaussian noise counts in 255ths of the way from black to white, whatever the depth of a picture. A
/// Poisson peak is the mean count at white; the others name the fraction of values that they hit.
///
/// ```
/// use enkoder::Corruption;
/// use enkoder::denoising::Noise;
///
/// let noise: Noise = "gaussian:51".parse()?;
/// assert_eq!(noise.corruption(), Corruption::Gaussian { sigma: 0.2.into() });
/// let mut picture = [128.0; 4];
/// noise.apply(&mut picture, 255.0, 1, 0);
/// assert!(picture.iter().all(|value| *value != 128.0));
/// # Ok::<(), enkoder::CorruptionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Noise {
    /// With its level as the user gave it.
    given: Corruption,
}

impl Noise {
    /// Noise with its level as a user gives it.
    pub(crate) fn of(given: Corruption) -> Self {
        Self { given }
    }

    /// The noise with its level as it was given, for models whose noise is in scaled units.
    pub fn as_given(&self) -> Corruption {
        self.given
    }

    /// The same noise in pictures whose values reach from 0 (black) to 1 (white), as networks learn from.
    pub fn corruption(&self) -> Corruption {
        match self.given {
            Corruption::Gaussian { sigma } => Corruption::Gaussian { sigma: sigma.map(|sigma| sigma / WHITE) },
            other => other,
        }
    }

    /// The standard deviation of Gaussian noise in pictures whose values reach from 0 to `peak`; `None` for other noise, and where it
    /// is drawn from a range.
    pub fn sigma(&self, peak: f32) -> Option<f32> {
        match self.given {
            Corruption::Gaussian { sigma: NoiseLevel::Fixed(sigma) } => Some(sigma / WHITE * peak),
            _ => None,
        }
    }

    /// Puts the noise on a picture whose values reach from 0 to `peak`. `seed` and the picture's `number` make it: the same ones
    /// make the same again. Nothing is clipped, so that values may lie outside the range, as they do in published results.
    pub fn apply(&self, values: &mut [f32], peak: f32, seed: u64, number: u32) {
        values.iter_mut().for_each(|value| *value /= peak);
        self.corruption().apply(values, &mut stream(seed, Purpose::Noise, number.into()));
        values.iter_mut().for_each(|value| *value *= peak);
    }
}

impl fmt::Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.given.fmt(f)
    }
}

impl FromStr for Noise {
    type Err = CorruptionError;

    fn from_str(text: &str) -> Result<Self, CorruptionError> {
        let known = "gaussian:25, gaussian:5-50, poisson:30, salt-and-pepper:0.1 or masking:0.5";
        let unknown = || CorruptionError::Unknown { text: text.to_owned(), known };
        match text.parse() {
            // What is missing or hidden is no picture any more.
            Ok(Corruption::Missing { .. } | Corruption::BlindSpots { .. }) | Err(CorruptionError::Unknown { .. }) => {
                Err(unknown())
            }
            Ok(given) => Ok(Self { given }),
            Err(error) => Err(error),
        }
    }
}

impl TryFrom<String> for Noise {
    type Error = CorruptionError;

    fn try_from(text: String) -> Result<Self, CorruptionError> {
        text.parse()
    }
}

impl From<Noise> for String {
    fn from(noise: Noise) -> Self {
        noise.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    #[test]
    fn noise_is_written_as_it_is_read() {
        for text in ["gaussian:25", "gaussian:0-55", "poisson:30", "salt-and-pepper:0.1", "masking:0.25-0.5"] {
            let noise: Noise = text.parse().unwrap();
            assert_eq!(noise.to_string(), text);
            let json = serde_json::to_string(&noise).unwrap();
            assert_eq!(serde_json::from_str::<Noise>(&json).unwrap(), noise);
        }
        assert_eq!("salt-pepper:0.1".parse::<Noise>().unwrap().to_string(), "salt-and-pepper:0.1");
    }

    #[test]
    fn noise_that_there_is_not_is_refused_with_the_reason() {
        let error = |text: &str| text.parse::<Noise>().unwrap_err();
        for text in ["rain:3", "gaussian", "", "gaussian 25", "missing:0.5"] {
            assert!(error(text).to_string().starts_with(&format!("unknown noise {text:?}")), "{text}");
        }
        let number = error("gaussian:strong");
        assert_eq!(
            number.source().unwrap().to_string(),
            "\"strong\" is neither a number nor a range of two, such as 5-50"
        );
        let range = error("masking:1.5");
        assert_eq!(range.source().unwrap().to_string(), "corrupted fraction is 1.5, but must be between 0 and 1");
        assert!(error("gaussian:50-5").source().is_some() && error("poisson:0").source().is_some());
    }

    #[test]
    fn a_standard_deviation_counts_in_255ths_of_white_at_any_depth() {
        let noise: Noise = "gaussian:25".parse().unwrap();
        for peak in [1.0, 255.0, 65535.0] {
            let mut values = vec![0.5 * peak; 20_000];
            noise.apply(&mut values, peak, 3, 0);
            let squares: f64 = values.iter().map(|&value| f64::from(value / peak - 0.5).powi(2)).sum();
            assert!(((squares / 2e4).sqrt() * 255.0 - 25.0).abs() < 0.5);
            assert_eq!(noise.sigma(peak), Some(25.0 / 255.0 * peak));
        }
        assert_eq!("gaussian:5-50".parse::<Noise>().unwrap().sigma(255.0), None);
    }

    #[test]
    fn each_picture_has_noise_of_its_own_that_can_be_made_again() {
        let noise: Noise = "gaussian:25".parse().unwrap();
        let made = |seed, number| {
            let mut values = vec![128.0; 50];
            noise.apply(&mut values, 255.0, seed, number);
            values
        };
        assert_eq!(made(1, 0), made(1, 0));
        assert_ne!(made(1, 0), made(1, 1));
        assert_ne!(made(1, 0), made(2, 0));
    }
}
