//! Corruptions as a user writes them: `gaussian:0.3`.

use std::fmt;
use std::str::FromStr;

use super::{Corruption, NoiseLevelError};
use crate::training::config::ConfigError;

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
        source: NoiseLevelError,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::NoiseLevel;

    #[test]
    fn corruptions_are_checked_as_they_are_read_and_written_as_they_are_read() {
        assert_eq!("gaussian:0.3".parse(), Ok(Corruption::Gaussian { sigma: 0.3.into() }));
        let range = NoiseLevel::Range([0.0, 0.5]);
        assert_eq!("missing:0-0.5".parse(), Ok(Corruption::Missing { fraction: range }));
        for text in ["gaussian:0.3", "poisson:30", "masking:0.25-0.5", "salt-and-pepper:0.1", "missing:0.5"] {
            assert_eq!(text.parse::<Corruption>().unwrap().to_string(), text);
        }
        for text in ["gaussian", "gaussian:-1", "masking:1", "salt-pepper:x", "rain:0.1", "blind-spots:0.1", ""] {
            assert!(text.parse::<Corruption>().is_err(), "{text}");
        }
    }
}
