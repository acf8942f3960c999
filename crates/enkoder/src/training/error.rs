//! What keeps a training from beginning or going on.

use super::config::ConfigError;
use super::task::Task;
use crate::dataset::{DatasetError, ReadError};
use crate::network::{ArchitectureError, Shape};
use crate::scaling::ScalerError;

/// Why a training could not begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The architecture is impossible.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// An option is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The training samples cannot be scaled.
    #[error("the training samples cannot be scaled")]
    Scaler(#[from] ScalerError),
    /// Samples that make no data set.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Stored samples cannot be read.
    #[error("the samples of {name} cannot be read")]
    Read {
        /// The data's name.
        name: String,
        /// Why.
        source: ReadError,
    },
    /// There is nothing to learn from or to validate with.
    #[error("there are no {0} samples")]
    Empty(&'static str),
    /// The data has other values than the architecture takes.
    #[error("the {what} samples have {found} values each, but the network takes {expected}")]
    Features {
        /// Which samples.
        what: &'static str,
        /// What a sample has.
        found: usize,
        /// What the network takes.
        expected: usize,
    },
    /// The data has as many values in another shape.
    #[error("the {what} samples are of {}, but the network takes {}", Shape(found), Shape(expected))]
    Shape {
        /// Which samples.
        what: &'static str,
        /// The shape of a sample.
        found: Vec<usize>,
        /// What the network takes.
        expected: Vec<usize>,
    },
    /// The validation samples are of another table.
    #[error(
        "feature {position} of the validation samples is {found:?}, but that of the training samples is {expected:?}"
    )]
    Columns {
        /// The feature's number.
        position: usize,
        /// Its name in the validation samples.
        found: String,
        /// Its name in the training samples.
        expected: String,
    },
    /// The options are of another task than what is given.
    #[error("the training's task is {asked}, but with what is given it would be {given}")]
    Task {
        /// The task of the options.
        asked: Task,
        /// What can be learned from what is given.
        given: Task,
    },
    /// A training that goes on for less than it has done.
    #[error("{done} epochs are done, so there cannot be {asked} in all")]
    Done {
        /// The epochs that the checkpoint has.
        done: usize,
        /// The epochs asked for.
        asked: usize,
    },
    /// Cross-entropy has no bound below for what lies outside of 0..1.
    #[error(
        "feature {feature} of training sample {sample} is {value} after scaling, but cross-entropy needs targets from 0 to 1\nhint: scale to a range (unit or min-max), or take the squared error"
    )]
    Outside {
        /// The sample's number.
        sample: usize,
        /// The feature's number.
        feature: usize,
        /// Its value after scaling.
        value: f32,
    },
    /// The same of samples that are read in blocks.
    #[error(
        "feature {feature} of the training samples reaches {value} after scaling, but cross-entropy needs targets from 0 to 1\nhint: scale to a range (unit or min-max), or take the squared error"
    )]
    Reaches {
        /// The feature's number.
        feature: usize,
        /// The value after scaling.
        value: f32,
    },
    /// Known codes are learned in both directions, which takes a chain of layers.
    #[error("known codes are learned by a chain of layers alone, but {0} reads more than the layer before it")]
    NoChain(String),
    /// Inputs and targets are not pairs.
    #[error("{inputs} {what} inputs cannot be paired with {targets} targets")]
    Pairs {
        /// Which samples.
        what: &'static str,
        /// The inputs there are.
        inputs: usize,
        /// The targets there are.
        targets: usize,
    },
    /// The network makes something else of its inputs, but of what is not given.
    #[error("the network makes {0} values that are no reconstruction, but no targets are given")]
    NoTargets(usize),
    /// A checkpoint holds one network's moments.
    #[error("a training with known codes writes no checkpoints and cannot be resumed")]
    NoCheckpoints,
    /// A value that no loss can be computed with.
    #[error("feature {feature} of {what} sample {sample} is infinite")]
    Infinite {
        /// Which samples.
        what: &'static str,
        /// The sample's number.
        sample: usize,
        /// The feature's number.
        feature: usize,
    },
    /// The loss became infinite or not a number before any epoch was complete.
    #[error(
        "the loss became {loss} in epoch {epoch}: the training diverged\nhint: a lower learning rate (now {learning_rate}), standard scaling, or a gradient clip may help"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The loss.
        loss: f64,
        /// The highest learning rate.
        learning_rate: f32,
    },
    /// The checkpoint was made with other data.
    #[error(
        "the {0} samples are not those that the checkpoint was made with\nhint: resume with the same data, split and seed"
    )]
    OtherData(&'static str),
    /// The system gave no threads.
    #[error("cannot start {0} threads")]
    Threads(usize, #[source] Box<dyn std::error::Error + Send + Sync>),
}
