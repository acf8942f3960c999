//! Losses and penalties as a user writes them: `mae`, `l1:0.001`.

use std::fmt;
use std::str::FromStr;

use super::{Loss, Penalty};
use crate::training::config::ConfigError;

/// Why a text names no loss or no penalty.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectiveError {
    /// Not the name of a loss.
    #[error("unknown loss {0:?}: it is one of {names}", names = Loss::NAMES.join(", "))]
    Loss(String),
    /// Not the name of a penalty with its numbers.
    #[error("unknown penalty {0:?}: write l1:WEIGHT, kl:WEIGHT:TARGET or contractive:WEIGHT, for example l1:0.001")]
    Penalty(String),
    /// A number out of range.
    #[error(transparent)]
    Range(#[from] ConfigError),
}

impl Loss {
    /// What [`FromStr`] reads.
    pub const NAMES: [&str; 4] = ["mse", "mae", "huber", "bce"];

    /// The name that [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::MeanSquared => "mse",
            Self::MeanAbsolute => "mae",
            Self::Huber { .. } => "huber",
            Self::BinaryCrossEntropy => "bce",
        }
    }
}

impl FromStr for Loss {
    type Err = ObjectiveError;

    /// Reads a name. Huber's loss turns from squared to absolute at 1.
    fn from_str(name: &str) -> Result<Self, ObjectiveError> {
        match name {
            "mse" => Ok(Self::MeanSquared),
            "mae" => Ok(Self::MeanAbsolute),
            "huber" => Ok(Self::Huber { delta: 1.0 }),
            "bce" => Ok(Self::BinaryCrossEntropy),
            _ => Err(ObjectiveError::Loss(name.to_owned())),
        }
    }
}

impl fmt::Display for Penalty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::L1 { weight } => write!(f, "l1:{weight}"),
            Self::KullbackLeibler { weight, target } => write!(f, "kl:{weight}:{target}"),
            Self::Contractive { weight } => write!(f, "contractive:{weight}"),
        }
    }
}

impl FromStr for Penalty {
    type Err = ObjectiveError;

    /// Reads a name and its numbers, such as `l1:0.001` or `kl:0.1:0.05`.
    fn from_str(text: &str) -> Result<Self, ObjectiveError> {
        let unknown = || ObjectiveError::Penalty(text.to_owned());
        let number = |text: &str| text.parse().map_err(|_| unknown());
        let penalty = match text.split(':').collect::<Vec<_>>()[..] {
            ["l1", weight] => Self::L1 { weight: number(weight)? },
            ["kl", weight, target] => Self::KullbackLeibler { weight: number(weight)?, target: number(target)? },
            ["contractive", weight] => Self::Contractive { weight: number(weight)? },
            _ => return Err(unknown()),
        };
        penalty.validate()?;
        Ok(penalty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_loss_is_read() {
        assert!(Loss::NAMES.iter().all(|name| name.parse::<Loss>().unwrap().name() == *name));
        assert_eq!(
            "l2".parse::<Loss>().unwrap_err().to_string(),
            r#"unknown loss "l2": it is one of mse, mae, huber, bce"#
        );
    }

    #[test]
    fn penalties_are_checked_as_they_are_read() {
        assert_eq!("kl:0.1:0.05".parse(), Ok(Penalty::KullbackLeibler { weight: 0.1, target: 0.05 }));
        for text in ["l1:0.001", "kl:0.1:0.05", "contractive:2"] {
            assert_eq!(text.parse::<Penalty>().unwrap().to_string(), text);
        }
        for text in ["l1", "l1:0", "l1:inf", "l1:x", "kl:0.1", "kl:0.1:2", "l2:1", ""] {
            assert!(text.parse::<Penalty>().is_err(), "{text}");
        }
    }
}
