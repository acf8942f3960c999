//! Training: the options ([`TrainingConfig`]), the epoch loop ([`Trainer`]) and what it leaves behind ([`History`],
//! [`Checkpoint`]). The engine of one step is in `gradient`: forward and back by shards of rows, then weight gradients and Adam by
//! tiles of parameters; what is minimised is in `objective`.

mod adam;
mod ahead;
mod batches;
mod blocks;
mod checkpoint;
mod config;
mod corruption;
mod cycle;
mod error;
mod evaluation;
mod gradient;
#[cfg(test)]
mod gradient_tests;
mod history;
pub(crate) mod objective;
mod pairs;
mod parts;
mod run;
mod schedule;
mod shards;
mod task;
mod team;
mod tiles;
mod trainer;

pub use adam::Adam;
pub(crate) use batches::Samples;
pub use blocks::TrainingBlocks;
pub(crate) use blocks::{BlockPlan, HeldOut};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use config::{ConfigError, TrainingConfig};
pub use corruption::{Corruption, CorruptionError, NoiseLevel, NoiseLevelError};
pub use error::TrainingError;
pub(crate) use evaluation::evaluate;
pub use history::{EpochRecord, History, Stopped};
pub use objective::{Loss, ObjectiveError, Penalty};
pub use schedule::{Schedule, UnknownSchedule};
pub use task::Task;
pub use trainer::{Progress, Trainer};
