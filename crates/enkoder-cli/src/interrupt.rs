//! Ctrl-C, and the signals that ask a process to end: the first one during long work only asks it to stop, so that the best model
//! can be saved, or what is half written removed; every other one ends the process, and takes the folders with it that nothing was
//! written to yet.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::screen::{end_moving, tell};

/// The exit code of a run that was interrupted: 128 and the number of SIGINT, as shells have it.
pub const EXIT_CODE: u8 = 130;

/// Signals within so long are one: a terminal or a supervisor may send it to the process and to its group.
const ONE_PRESS: Duration = Duration::from_millis(500);

/// When the work was asked to stop.
static FIRST: OnceLock<Instant> = OnceLock::new();
static LISTENING: AtomicBool = AtomicBool::new(false);
static WORKING: AtomicBool = AtomicBool::new(false);
static REQUESTED: AtomicBool = AtomicBool::new(false);
/// What is said where the process is ended.
static WORD: OnceLock<&'static str> = OnceLock::new();
/// What else is to be done before the process ends.
static LAST: Mutex<Vec<Box<dyn FnOnce() + Send>>> = Mutex::new(Vec::new());
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Listens to signals from here on; once is enough.
pub fn listen() -> Result<(), ctrlc::Error> {
    if LISTENING.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    ctrlc::set_handler(|| {
        if WORKING.swap(false, Ordering::SeqCst) {
            REQUESTED.store(true, Ordering::SeqCst);
            FIRST.get_or_init(Instant::now);
            return;
        }
        if FIRST.get().is_some_and(|first| first.elapsed() < ONE_PRESS) {
            return;
        }
        for folder in FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).iter().rev() {
            // Only empty folders can be removed so.
            let _ = fs::remove_dir(folder);
        }
        for last in LAST.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            last();
        }
        end_moving();
        if let Some(word) = WORD.get() {
            tell(word);
        }
        process::exit(EXIT_CODE.into());
    })
}

/// Says this where the process is ended by a signal, and listens to signals from here on. There is one such word.
pub fn end_with(word: &'static str) -> Result<(), ctrlc::Error> {
    WORD.get_or_init(|| word);
    listen()
}

/// Folders, outermost first, that are to go away where the process is ended before anything is in them.
pub fn remove_if_empty(folders: &[PathBuf]) {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(folders);
}

/// Calls this where the process is ended by a signal, and listens to signals from here on.
pub fn at_the_end(last: impl FnOnce() + Send + 'static) -> Result<(), ctrlc::Error> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(last));
    listen()
}

/// From here on the first signal is a request.
pub fn work_begins() {
    WORKING.store(true, Ordering::SeqCst);
}

/// From here on every signal ends the process.
pub fn work_ended() {
    WORKING.store(false, Ordering::SeqCst);
}

/// Whether the work was asked to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}
