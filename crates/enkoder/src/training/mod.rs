//! Training: the options ([`TrainingConfig`]), the epoch loop ([`Trainer`]) and what it leaves behind ([`History`],
//! [`Checkpoint`]). The engine of one step is in `gradient`: forward and backward by shards of rows, then weight gradients and
//! Adam by tiles of parameters.

mod adam;
mod batches;
mod checkpoint;
mod config;
mod corruption;
mod cycle;
mod evaluation;
mod fit;
mod gradient;
#[cfg(test)]
mod gradient_tests;
mod history;
mod loss;
mod parts;
mod penalty;
mod schedule;
mod shards;
mod team;
mod tiles;

pub use adam::Adam;
pub(crate) use batches::Samples;
pub use checkpoint::{Checkpoint, CheckpointError};
pub use config::{ConfigError, TrainingConfig};
pub use corruption::{Corruption, CorruptionError, Level, LevelError};
pub(crate) use evaluation::evaluate;
pub use fit::{Progress, Trainer, TrainingError};
pub use history::{EpochRecord, History, Stopped};
pub use loss::Loss;
pub use penalty::Penalty;
pub use schedule::Schedule;
