//! The scalings there are, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ScalerError;

/// Which scaling to fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Scaling {
    /// Pixels, which are bytes of samples with a shape, or of samples without columns where some value exceeds 127:
    /// [`UnitRange`](Self::UnitRange); values that all lie within 0..1: [`None`](Self::None); other values of samples with two axes,
    /// such as fields: [`UnitRange`](Self::UnitRange); all others, such as a table's: [`Standard`](Self::Standard).
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// Values as they are.
    #[serde(rename = "none")]
    None,
    /// All features by one offset and scale to 0..1, so that they keep their relation to each other: bytes from 0..255,
    /// numbers from the smallest to the largest of all training values.
    #[serde(rename = "unit")]
    UnitRange,
    /// Each feature on its own from its smallest and largest training value to 0..1.
    #[serde(rename = "minmax")]
    MinMax,
    /// Each feature on its own to mean 0 and (population) standard deviation 1 over the training samples.
    #[serde(rename = "standard")]
    Standard,
}

impl Scaling {
    const NAMED: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("none", Self::None),
        ("unit", Self::UnitRange),
        ("minmax", Self::MinMax),
        ("standard", Self::Standard),
    ];
}

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().find(|(_, scaling)| scaling == self);
        f.pad(named.map_or("", |(name, _)| name))
    }
}

impl FromStr for Scaling {
    type Err = ScalerError;

    fn from_str(name: &str) -> Result<Self, ScalerError> {
        let named = Self::NAMED.iter().find(|(known, _)| *known == name);
        named.map(|&(_, scaling)| scaling).ok_or_else(|| ScalerError::UnknownName(name.to_owned()))
    }
}
