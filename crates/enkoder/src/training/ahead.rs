//! Windows of samples that a thread of its own reads, each while the one before is worked on.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use super::blocks::TrainingBlocks;
use super::error::TrainingError;
use crate::dataset::Dataset;

/// The windows of one epoch after the other. The first window of an epoch is read while the epoch before is validated.
#[derive(Debug)]
pub(super) struct Ahead {
    /// The epoch whose windows come next.
    epoch: usize,
    /// How many windows each epoch has.
    each: usize,
    windows: Option<Receiver<Result<Dataset, TrainingError>>>,
    reader: Option<JoinHandle<()>>,
}

impl Ahead {
    /// Begins to read the windows of this epoch, and then of those that follow it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn new(blocks: &TrainingBlocks, seed: u64, epoch: usize) -> Result<Self, TrainingError> {
        // The channel keeps nothing: one window is worked on while one waits or is read. The memory of a window comes back,
        // because the system would have to clear new memory first.
        let (send, windows) = sync_channel(0);
        let (home, returned) = sync_channel(2);
        let each = blocks.windows(seed, epoch).len();
        let blocks = blocks.clone();
        let read = move || {
            for window in (epoch..).flat_map(|epoch| blocks.windows(seed, epoch)) {
                let memory = returned.try_recv().unwrap_or_else(|_| blocks.memory(blocks.window()));
                let samples = blocks.read_window(&window, memory, &home);
                let failed = samples.is_err();
                if send.send(samples).is_err() || failed {
                    return;
                }
            }
        };
        let reader = thread::Builder::new().spawn(read).map_err(|source| TrainingError::Threads(1, source.into()))?;
        Ok(Self { epoch, each, windows: Some(windows), reader: Some(reader) })
    }

    /// The epoch whose windows come next.
    pub(super) fn epoch(&self) -> usize {
        self.epoch
    }

    /// Calls `visit` with one window of an epoch after the other, and its number. Returns what comes after them, unless it broke.
    ///
    /// # Errors
    /// When samples cannot be read.
    pub(super) fn visit(
        mut self,
        mut visit: impl FnMut(&Dataset, usize) -> ControlFlow<()>,
    ) -> Result<Option<Self>, TrainingError> {
        for number in 0..self.each {
            if visit(&self.next()?, number).is_break() {
                return Ok(None);
            }
        }
        self.epoch += 1;
        Ok(Some(self))
    }

    fn next(&mut self) -> Result<Dataset, TrainingError> {
        match self.windows.as_ref().map(Receiver::recv) {
            Some(Ok(window)) => window,
            // Without an error, only a panic ends the reader.
            _ => match self.reader.take().map(JoinHandle::join) {
                Some(Err(panic)) => resume_unwind(panic),
                _ => unreachable!("nothing is asked for after an error"),
            },
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // A reader that nobody listens to ends.
        self.windows = None;
        if let Some(reader) = self.reader.take() {
            // Should it have panicked, nobody asks for what it read.
            let _ = reader.join();
        }
    }
}
