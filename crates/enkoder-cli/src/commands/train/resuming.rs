//! A training that goes on from its checkpoint: what it keeps of what it was, what may be asked anew, and what is said of it.

use std::path::{Path, PathBuf};

use enkoder::{Checkpoint, Dataset, TrainingConfig};

use crate::failure::{Failure, Usage};
use crate::run_folder::CHECKPOINT;
use crate::wording;

/// Where a checkpoint is written, and after how many epochs each.
pub struct Checkpoints {
    pub file: PathBuf,
    pub every: usize,
}

/// The checkpoint of a file or of a folder, and its file.
pub fn load(path: &Path) -> anyhow::Result<(PathBuf, Checkpoint)> {
    let file = if path.is_dir() { path.join(CHECKPOINT) } else { path.to_owned() };
    let checkpoint = Checkpoint::load(&file).map_err(|error| {
        let message = format!("cannot go on from {}", file.display());
        Failure::new(message, "a checkpoint is written by `enkoder train --checkpoint-every N`", error)
    })?;
    Ok((file, checkpoint))
}

/// Refuses another split of the samples, where the checkpoint knows how they were split.
pub fn check_split(checkpoint: Option<&Checkpoint>) -> Result<(), Usage> {
    match checkpoint.and_then(Checkpoint::validation_samples) {
        Some(_) => Err(Usage::new("--validation cannot be given with --resume: the checkpoint says how to go on")
            .with_hint("leave it out: the samples are split as they were")),
        None => Ok(()),
    }
}

/// Sees that the samples are of the shape that the checkpoint has learned.
pub fn check_shape(path: &Path, checkpoint: &Checkpoint, samples: &Dataset) -> Result<(), Usage> {
    let learned = &checkpoint.architecture().input_shape;
    if samples.features() == learned.iter().product::<usize>() {
        return Ok(());
    }
    let [learned, found] = [learned, samples.shape()].map(wording::shape);
    Err(Usage::new(format!("{} has learned samples of {learned}, but these are of {found}", path.display()))
        .with_hint("give the same data options as before: --size, --grey, --patch and --patches"))
}

/// How far the training is, and what becomes of its checkpoint; or that nothing is left to train, and how to go on.
pub fn news(checkpoint: &Checkpoint, config: &TrainingConfig, checkpoints: Option<&Checkpoints>) -> String {
    let (done, best) = (checkpoint.epoch(), checkpoint.best_epoch());
    if let Some(patience) = config.patience.filter(|&patience| done - best >= patience) {
        let epochs = wording::counted(done, "epoch", "epochs");
        return format!(
            "the training had stopped early, after {epochs} of which epoch {best} was the best: nothing is trained, and the model \
             is written again; a larger --patience (now {patience}) goes on"
        );
    }
    if done == config.epochs {
        let epochs = wording::counted(done, "epoch is", "epochs are");
        return format!("all {epochs} done: nothing is trained, and the model is written again; more --epochs go on");
    }
    let mut text = format!("{done} of {} epochs are done", config.epochs);
    if let Some(Checkpoints { file, every }) = checkpoints {
        let often = if *every == 1 { "every epoch".to_owned() } else { format!("every {every} epochs") };
        text += &format!("; a checkpoint is written to {} after {often}", file.display());
    }
    text
}
