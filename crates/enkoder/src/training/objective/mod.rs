//! What a training minimises: the reconstruction's loss at the output, and a list of terms, each attached to a value of the program.
//! A new term is a file here, a line in [`Penalty`] and one in [`Objective::new`]; the engine does not know which terms there are.

mod contractive;
mod known_codes;
mod kullback_leibler;
mod l1;
mod reconstruction;
mod text;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::reconstruction::Loss;
pub(crate) use self::reconstruction::Targets;
pub use self::text::ObjectiveError;

use self::contractive::Contractive;
use self::known_codes::KnownCodes;
use self::kullback_leibler::KullbackLeibler;
use self::l1::L1;
use super::batches::Samples;
use super::config::{ConfigError, TrainingConfig};
use crate::network::{Node, Program};

/// A penalty added to the loss: `weight` times the quantity named.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Penalty {
    /// Σⱼ|hⱼ| over the code h, mean over samples: a sparse code.
    L1 {
        /// Factor of the penalty.
        weight: f32,
    },
    /// Σⱼ KL(target ‖ mean of hⱼ over the batch) for a sigmoid code: each code number is near 1 for a fraction `target` of
    /// the samples (Ng 2011, CS294A lecture notes, section 3).
    KullbackLeibler {
        /// Factor of the penalty.
        weight: f32,
        /// Wanted mean activation, between 0 and 1.
        target: f32,
    },
    /// ‖∂h/∂x‖² (Frobenius), mean over samples: a code that moves little when the sample does (Rifai et al. 2011). Estimated
    /// without bias as ‖(∂h/∂x)·u‖² with one normal u a sample (Hutchinson 1990), and differentiated exactly, so that it
    /// works for dense encoders of any depth.
    Contractive {
        /// Factor of the penalty.
        weight: f32,
    },
}

impl Penalty {
    /// The factor of the penalty.
    pub fn weight(&self) -> f32 {
        match *self {
            Self::L1 { weight } | Self::KullbackLeibler { weight, .. } | Self::Contractive { weight } => weight,
        }
    }

    /// Checks that the numbers are in range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let weight = self.weight();
        if !(weight > 0.0 && weight.is_finite()) {
            return Err(ConfigError::Range {
                option: "penalty weight",
                value: weight.into(),
                range: "a positive number",
            });
        }
        match *self {
            Self::KullbackLeibler { target, .. } if !(target > 0.0 && target < 1.0) => {
                Err(ConfigError::Range { option: "penalty target", value: target.into(), range: "between 0 and 1" })
            }
            _ => Ok(()),
        }
    }
}

/// The loss at the output and the terms beside it.
#[derive(Debug, Default)]
pub(crate) struct Objective {
    pub(crate) loss: Loss,
    pub(crate) terms: Vec<Box<dyn Term>>,
}

impl Objective {
    /// What these options ask for; known codes are part of it where there are any.
    pub(crate) fn new(config: &TrainingConfig, samples: &Samples<'_>) -> Self {
        let mut terms: Vec<Box<dyn Term>> = Vec::new();
        match config.penalty {
            Some(Penalty::L1 { weight }) => terms.push(Box::new(L1 { weight })),
            Some(Penalty::KullbackLeibler { weight, target }) => {
                terms.push(Box::new(KullbackLeibler { weight, target }))
            }
            Some(Penalty::Contractive { weight }) => terms.push(Box::new(Contractive { weight, seed: config.seed })),
            None => {}
        }
        if let Some(known) = samples.codes {
            terms.push(Box::new(KnownCodes { width: known.data.features() }));
        }
        Self { loss: config.loss, terms }
    }
}

/// One term. It is computed shard by shard; what it keeps of each row lies in buffers of its own.
pub(crate) trait Term: fmt::Debug + Send + Sync {
    /// The value that it is attached to.
    fn value(&self, program: &Program) -> usize {
        program.code()
    }

    /// Numbers of a row of each buffer that it needs.
    fn buffers(&self, _program: &Program) -> Vec<usize> {
        Vec::new()
    }

    /// Fills buffers before the way forward.
    fn fill(&self, _samples: &Samples<'_>, _rows: ShardRows<'_>, _buffers: &mut [&mut [f32]]) {}

    /// Whether it needs the mean of its value over the whole batch.
    fn gathers(&self) -> bool {
        false
    }

    /// Turns the mean over the batch into what each row of it is to know, and gives the term's value.
    fn gather(&self, _means: &mut [f64]) -> f64 {
        0.0
    }

    /// Works on the rows of a shard after the way forward. Gives its value summed over them.
    fn carry(&self, _seen: &Seen<'_>, _buffers: &mut [&mut [f32]]) -> f64 {
        0.0
    }

    /// Adds to the error of its value, the derivative of its mean over the `rows` rows of the batch. Gives its value summed over these
    /// rows. `gathered` is what [`gather`](Self::gather) made of the means.
    fn add_error(
        &self,
        _value: &[f32],
        _rows: usize,
        _gathered: &[f64],
        _buffers: &[&mut [f32]],
        _error: &mut [f32],
    ) -> f64 {
        0.0
    }

    /// Adds to the error before the activation of any node.
    fn add_before_activation(&self, _node: &Node, _buffers: &[&mut [f32]], _error: &mut [f32]) {}

    /// The buffers whose outer products, summed over all rows, are part of the gradient of a dense node's weights.
    fn products(&self, _node: &Node, _program: &Program) -> Option<[usize; 2]> {
        None
    }
}

/// Which rows a shard has: samples by number, and where the first stands in the order of the epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShardRows<'a> {
    pub(crate) order: &'a [u32],
    pub(crate) first: usize,
    pub(crate) epoch: usize,
}

/// What a term sees of a shard after the way forward.
pub(crate) struct Seen<'a> {
    pub(crate) program: &'a Program,
    pub(crate) parameters: &'a [f32],
    /// By number; before the activation where a slope needs that, and empty elsewhere.
    pub(crate) values: &'a [&'a mut [f32]],
    pub(crate) before: &'a [&'a mut [f32]],
    /// Rows of the whole batch.
    pub(crate) rows: usize,
    pub(crate) own: ShardRows<'a>,
}
