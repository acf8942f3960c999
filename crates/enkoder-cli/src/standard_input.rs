//! Standard input where a file is read, for which `-` stands. Formats are told by content, and some are read more than once: so it
//! is a temporary file for as long as the command runs.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use enkoder_data::shown_name;
use tempfile::TempDir;

use crate::interrupt;

/// What it is called in messages, and the name of its file.
const NAME: &str = "standard input";

/// The folder of the temporary file, once there is one.
static FOLDER: Mutex<Option<TempDir>> = Mutex::new(None);

fn folder() -> MutexGuard<'static, Option<TempDir>> {
    FOLDER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an argument stands for it.
pub fn is_meant(name: impl AsRef<Path>) -> bool {
    name.as_ref() == Path::new("-")
}

/// A name in messages.
pub fn display(name: &Path) -> String {
    if is_meant(name) { NAME.to_owned() } else { shown_name(&name.to_string_lossy()) }
}

/// The file to read where an argument names one.
pub fn file(name: &Path) -> anyhow::Result<PathBuf> {
    if !is_meant(name) {
        return Ok(name.to_owned());
    }
    if let Some(folder) = &*folder() {
        return Ok(folder.path().join(NAME));
    }
    // Who is interrupted takes the file along.
    interrupt::at_the_end(remove)?;
    let cannot = "standard input cannot be kept in a temporary file";
    let made = tempfile::Builder::new().prefix("enkoder-").tempdir().context(cannot)?;
    let path = made.path().join(NAME);
    *folder() = Some(made);
    io::copy(&mut io::stdin().lock(), &mut File::create(&path).context(cannot)?).context(cannot)?;
    Ok(path)
}

/// A message in which the temporary file goes by the name that the user knows.
pub fn in_words(message: String) -> String {
    match &*folder() {
        Some(folder) => message.replace(&folder.path().join(NAME).display().to_string(), NAME),
        None => message,
    }
}

/// Takes the temporary file away.
pub fn remove() {
    drop(folder().take());
}
