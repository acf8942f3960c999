//! Ctrl-C, and the signals that ask a process to end: the first one during training only asks it to stop, so that the best model
//! can be saved; every other one ends the process.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of a run that was interrupted: 128 and the number of SIGINT, as shells have it.
pub const EXIT_CODE: u8 = 130;

static TRAINING: AtomicBool = AtomicBool::new(false);
static REQUESTED: AtomicBool = AtomicBool::new(false);

/// From here on the first Ctrl-C is a request.
pub fn watch() -> Result<(), ctrlc::Error> {
    TRAINING.store(true, Ordering::SeqCst);
    ctrlc::set_handler(|| {
        if !TRAINING.swap(false, Ordering::SeqCst) {
            process::exit(EXIT_CODE.into());
        }
        REQUESTED.store(true, Ordering::SeqCst);
    })
}

/// From here on Ctrl-C ends the process.
pub fn release() {
    TRAINING.store(false, Ordering::SeqCst);
}

/// Whether the training was asked to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}
