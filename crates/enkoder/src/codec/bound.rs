//! What a user asks of the decoded values, in the words of the command: `abs:0.5`, `rel:1e-2`, `prel:1e-3`, `bits:10`, `psnr:45`,
//! `lossless`, `none`.

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
    /// No value is off by more than this fraction of itself: signs are kept, and zeros and all that is not finite bit for bit. For
    /// floating-point values without a model.
    Pointwise(f64),
    /// Every value has so many significant bits, 1 to 52, rounded: it is off by at most 2^−bits of itself. All else is as for
    /// [`Pointwise`](Self::Pointwise).
    SignificantBits(u8),
    /// The mean squared error over all values that are not missing is at most range²/10^(dB/10); single values may be off by more. For bytes
    /// the range is 255.
    Psnr(f64),
    /// Every bit comes back.
    Lossless,
    /// Values are what the network makes of their codes, however far off. What is missing is kept as under every bound.
    None,
}

impl Bound {
    /// Checks the number.
    ///
    /// # Errors
    /// When it is not finite, is negative, or is a fraction above 1; when there are no or more bits than numbers have.
    pub fn validate(self) -> Result<(), CodecError> {
        let (number, most) = match self {
            Self::Absolute(bound) => (bound, f64::MAX),
            Self::Relative(bound) => (bound, 1.0),
            Self::Pointwise(bound) => (bound, 0.5),
            Self::SignificantBits(bits) => (f64::from(bits), 52.0),
            Self::Psnr(decibels) => (decibels, 300.0),
            Self::Lossless | Self::None => return Ok(()),
        };
        if number > 0.0 && number <= most { Ok(()) } else { Err(CodecError::Bound(self.to_string())) }
    }

    /// The part of itself that a value may be off by, where that is what is bounded.
    pub(crate) fn part(self) -> Option<f64> {
        match self {
            Self::Pointwise(part) => Some(part),
            Self::SignificantBits(bits) => Some(f64::exp2(-f64::from(bits))),
            _ => None,
        }
    }

    pub(crate) fn to_parts(self) -> (u8, f64) {
        match self {
            Self::Absolute(bound) => (0, bound),
            Self::Relative(bound) => (1, bound),
            Self::Psnr(decibels) => (2, decibels),
            Self::Lossless => (3, 0.0),
            Self::None => (4, 0.0),
            Self::Pointwise(bound) => (5, bound),
            Self::SignificantBits(bits) => (6, f64::from(bits)),
        }
    }

    pub(crate) fn from_parts(kind: u8, number: f64) -> Option<Self> {
        let bound = match kind {
            0 => Self::Absolute(number),
            1 => Self::Relative(number),
            2 => Self::Psnr(number),
            3 => Self::Lossless,
            4 => Self::None,
            5 => Self::Pointwise(number),
            6 if number.fract() == 0.0 => Self::SignificantBits(number as u8),
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
            Self::Pointwise(bound) => write!(f, "prel:{bound}"),
            Self::SignificantBits(bits) => write!(f, "bits:{bits}"),
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
                if kind == "bits" {
                    let bound = Self::SignificantBits(number.parse().map_err(|_| unknown())?);
                    return bound.validate().map(|()| bound);
                }
                let number = number.parse().map_err(|_| unknown())?;
                match kind {
                    "prel" => Self::Pointwise(number),
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
        for text in ["abs:0.5", "rel:0.01", "prel:0.001", "bits:7", "psnr:45", "lossless", "none"] {
            let bound: Bound = text.parse().unwrap();
            assert_eq!(bound.to_string(), text);
            let (kind, number) = bound.to_parts();
            assert_eq!(Bound::from_parts(kind, number), Some(bound));
        }
    }

    #[test]
    fn impossible_bounds_are_refused() {
        for text in [
            "abs:0", "abs:-1", "abs:NaN", "rel:2", "prel:0.6", "bits:0", "bits:53", "bits:1.5", "bits:300", "rel:",
            "psnr:inf", "exact", "", "abs",
        ] {
            assert!(text.parse::<Bound>().is_err(), "{text}");
        }
    }
}
