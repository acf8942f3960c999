//! What a model learns to do. It stands in the options, the model and the checkpoint, so that nobody has to guess later what a model
//! is for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::corruption::Corruption;

/// What a model learns to do with a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// To give it back.
    #[default]
    Copy,
    /// To give it back without the noise that was added.
    Denoise,
    /// To give it back without the noise in it, learned from noisy samples alone.
    Blind,
    /// To give it back with what is missing filled in.
    Fill,
    /// To make something else of it, as given pairs show.
    Pairs,
    /// To give it back through a code that is known.
    KnownCodes,
}

impl Task {
    /// The task of a training with this corruption that is given targets, known codes, or neither.
    pub(crate) fn of(corruption: Option<Corruption>, targets: bool, codes: bool) -> Self {
        match corruption {
            _ if targets => Self::Pairs,
            _ if codes => Self::KnownCodes,
            Some(Corruption::Missing { .. }) => Self::Fill,
            Some(Corruption::BlindSpots { .. }) => Self::Blind,
            Some(_) => Self::Denoise,
            None => Self::Copy,
        }
    }

    /// Whether what the model makes of a sample is meant to be that sample.
    pub fn reconstructs(self) -> bool {
        self != Self::Pairs
    }

    /// The name used in files: `known_codes`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Denoise => "denoise",
            Self::Blind => "blind",
            Self::Fill => "fill",
            Self::Pairs => "pairs",
            Self::KnownCodes => "known_codes",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
