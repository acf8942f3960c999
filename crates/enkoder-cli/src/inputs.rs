//! What a run reads is not what it writes to: a file would be gone before it was read to its end, or with the first mistake.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Usage;
use crate::standard_input;

/// The files that a run reads.
#[derive(Debug)]
pub struct Inputs(Vec<PathBuf>);

impl Inputs {
    /// These files, of which standard input can be only one.
    pub fn new(files: Vec<PathBuf>) -> Result<Self, Usage> {
        if files.iter().filter(|file| standard_input::is_meant(file)).count() > 1 {
            return Err(Usage::new("standard input cannot be two inputs at once")
                .with_hint("save one of them to a file, and give - only for the other"));
        }
        Ok(Self(files))
    }

    /// Refuses a file as output that is one of them, by whatever name or link. Devices and pipes may be both.
    pub fn refuse(&self, out: &Path) -> Result<(), Usage> {
        let out_file = identity(out);
        match self.0.iter().find(|input| out_file.is_some() && identity(input) == out_file) {
            Some(input) => Err(same(format!("the output {} is the input {}", out.display(), input.display()))),
            None => Ok(()),
        }
    }

    /// Refuses a folder of numbered PNG files as output that holds such inputs.
    pub fn refuse_folder(&self, out: &Path) -> Result<(), Usage> {
        let Ok(folder) = out.canonicalize() else { return Ok(()) };
        let is_in = |input: &&PathBuf| {
            let is_png = input.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
            is_png && input.canonicalize().is_ok_and(|input| input.parent() == Some(&folder))
        };
        match self.0.iter().find(is_in) {
            Some(input) => {
                Err(same(format!("the input {} lies in the output folder {}", input.display(), out.display())))
            }
            None => Ok(()),
        }
    }
}

/// Refuses two outputs in one file: the second would replace the first.
pub fn refuse_same<'a>(outputs: impl IntoIterator<Item = &'a Path>) -> Result<(), Usage> {
    let mut names = Vec::new();
    for output in outputs {
        let name = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
        // Devices and pipes take what comes.
        if !fs::metadata(output).is_ok_and(|found| !found.is_file()) && names.contains(&name) {
            return Err(Usage::new(format!("two outputs have the name {}", output.display()))
                .with_hint("give each a file of its own"));
        }
        names.push(name);
    }
    Ok(())
}

fn same(why: String) -> Usage {
    Usage::new(why).with_hint("write to another name; --force replaces no input")
}

/// What two names of one file have in common.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = fs::metadata(path).ok().filter(|found| found.is_file() && !standard_input::is_meant(path))?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<PathBuf> {
    fs::metadata(path).ok().filter(|found| found.is_file() && !standard_input::is_meant(path))?;
    path.canonicalize().ok()
}
