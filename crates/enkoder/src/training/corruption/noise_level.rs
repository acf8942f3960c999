//! How strong a damage is, and how that is written.

use std::fmt;
use std::str::FromStr;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// How strong a damage is: always the same, or drawn anew for each sample, uniformly between two ends.
///
/// ```
/// use enkoder::NoiseLevel;
///
/// assert_eq!("0.1-0.4".parse(), Ok(NoiseLevel::Range([0.1, 0.4])));
/// assert_eq!(NoiseLevel::from(0.3).to_string(), "0.3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum NoiseLevel {
    /// The same for every sample.
    Fixed(f32),
    /// Drawn for each sample between the lower and the upper end.
    Range([f32; 2]),
}

/// Text that is neither a number nor two.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a number nor a range of two, such as 5-50")]
pub struct NoiseLevelError(String);

impl NoiseLevel {
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

    pub(super) fn draw(self, rng: &mut impl Rng) -> f32 {
        match self {
            Self::Fixed(level) => level,
            Self::Range([low, high]) => low + (high - low) * rng.random::<f32>(),
        }
    }
}

impl From<f32> for NoiseLevel {
    fn from(level: f32) -> Self {
        Self::Fixed(level)
    }
}

impl fmt::Display for NoiseLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(level) => write!(f, "{level}"),
            Self::Range([low, high]) => write!(f, "{low}-{high}"),
        }
    }
}

impl FromStr for NoiseLevel {
    type Err = NoiseLevelError;

    /// Reads `0.3`, or `0.1-0.5`; whether the numbers are in range is for the corruption to say.
    fn from_str(text: &str) -> Result<Self, NoiseLevelError> {
        if let Ok(level) = text.parse() {
            return Ok(Self::Fixed(level));
        }
        // Any of the dashes may be the one between the ends: others belong to exponents.
        let ends = text.match_indices('-').find_map(|(at, _)| {
            let low = text[..at].parse().ok()?;
            Some([low, text[at + 1..].parse().ok()?])
        });
        ends.map(Self::Range).ok_or_else(|| NoiseLevelError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_level_is_read_back_as_it_is_written(low: f32, high: f32) {
            prop_assume!(low.is_finite() && high.is_finite());
            prop_assert_eq!(NoiseLevel::from(low).to_string().parse(), Ok(NoiseLevel::from(low)));
            let range = NoiseLevel::Range([low, high]);
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn no_text_makes_reading_a_level_panic(text in "[-0-9.eé ]{0,12}") {
            let _ = text.parse::<NoiseLevel>();
        }
    }
}
