//! What a user asks of the decoded values, in the words of the command: `abs:0.5`, `rel:1e-2`, `psnr:45`, `lossless`, `none`.

use std::fmt;
use std::str::FromStr;

use super::error::CodecError;

/// How far decoded values may be from the originals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// No value is off by more than this, in the units of the data.
    Absolute(f64),
    /// No value is off by more than this fraction of the range (largest minus smallest finite value) of all the data.
    Relative(f64),
    /// The mean squared error over all finite values is at most range²/10^(dB/10); single values may be off by more. For bytes
    /// the range is 255.
    Psnr(f64),
    /// Every bit comes back.
    Lossless,
    /// Only the codes are stored: the file holds what the network reconstructs, however far off. A missing value (NaN) comes
    /// back as a number.
    None,
}

impl Bound {
    /// Checks the number.
    ///
    /// # Errors
    /// When it is not finite, is negative, or is a fraction of the range above 1.
    pub fn validate(self) -> Result<(), CodecError> {
        let (number, most) = match self {
            Self::Absolute(bound) => (bound, f64::MAX),
            Self::Relative(bound) => (bound, 1.0),
            Self::Psnr(decibels) => (decibels, 300.0),
            Self::Lossless | Self::None => return Ok(()),
        };
        if number > 0.0 && number <= most { Ok(()) } else { Err(CodecError::Bound(self.to_string())) }
    }

    pub(crate) fn to_parts(self) -> (u8, f64) {
        match self {
            Self::Absolute(bound) => (0, bound),
            Self::Relative(bound) => (1, bound),
            Self::Psnr(decibels) => (2, decibels),
            Self::Lossless => (3, 0.0),
            Self::None => (4, 0.0),
        }
    }

    pub(crate) fn from_parts(kind: u8, number: f64) -> Option<Self> {
        let bound = match kind {
            0 => Self::Absolute(number),
            1 => Self::Relative(number),
            2 => Self::Psnr(number),
            3 => Self::Lossless,
            4 => Self::None,
            _ => return None,
        };
        bound.validate().ok().map(|()| bound)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(bound) => write!(f, "abs:{bound}"),
            Self::Relative(bound) => write!(f, "rel:{bound}"),
            Self::Psnr(decibels) => write!(f, "psnr:{decibels}"),
            Self::Lossless => f.pad("lossless"),
            Self::None => f.pad("none"),
        }
    }
}

impl FromStr for Bound {
    type Err = CodecError;

    fn from_str(text: &str) -> Result<Self, CodecError> {
        let unknown = || CodecError::Bound(text.to_owned());
        let bound = match text {
            "lossless" => Self::Lossless,
            "none" => Self::None,
            _ => {
                let (kind, number) = text.split_once(':').ok_or_else(unknown)?;
                let number = number.parse().map_err(|_| unknown())?;
                match kind {
                    "abs" => Self::Absolute(number),
                    "rel" => Self::Relative(number),
                    "psnr" => Self::Psnr(number),
                    _ => return Err(unknown()),
                }
            }
        };
        bound.validate()?;
        Ok(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_as_they_are_written() {
        for text in ["abs:0.5", "rel:0.01", "psnr:45", "lossless", "none"] {
            assert_eq!(text.parse::<Bound>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn impossible_bounds_are_refused() {
        for text in ["abs:0", "abs:-1", "abs:NaN", "rel:2", "rel:", "psnr:inf", "exact", "", "abs"] {
            assert!(text.parse::<Bound>().is_err(), "{text}");
        }
    }
}
