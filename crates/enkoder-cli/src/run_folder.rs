//! The folder that a training writes to. It is made, and found writable, before the training starts; it goes away again if nothing
//! was written to it. No two trainings have the same at once.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use enkoder::{Autoencoder, Checkpoint, TrainingConfig};
use enkoder_data::DataError;
use enkoder_data::export::{Overwrite, check_output};

use crate::model;

/// The checkpoint's name in the folder.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The report's name in the folder.
pub const REPORT: &str = "report.html";
/// The explorer's name in the folder.
pub const EXPLORER: &str = "explore.html";
/// The folder's name where none was given; with -2, -3, … where it is taken.
const DEFAULT: &str = "enkoder-out";

/// Where the files of one training go.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The folders made for it, outermost first.
    made: Vec<PathBuf>,
    overwrite: Overwrite,
    /// Whether nobody named it.
    is_fresh: bool,
    /// Locked, where the system can lock a folder, until this training ends in whatever way.
    lock: Option<File>,
}

impl RunFolder {
    /// The folder that was asked for, in which none of the `wanted` files may be replaced without `force`.
    pub fn named(path: &Path, wanted: &[&str], force: bool) -> anyhow::Result<Self> {
        let overwrite = Overwrite::replacing(force);
        Self { path: path.to_owned(), made: Vec::new(), overwrite, is_fresh: false, lock: None }.make()?.claim(wanted)
    }

    /// A folder of the default name, or the first numbered one that is not taken, so that no earlier run is lost.
    pub fn fresh(wanted: &[&str]) -> anyhow::Result<Self> {
        let mut name = DEFAULT.to_owned();
        for number in 2.. {
            match fs::create_dir(&name) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => name = format!("{DEFAULT}-{number}"),
                Err(source) => return Err(DataError::io("make the folder", name, source).into()),
            }
        }
        let path = PathBuf::from(name);
        Self { made: vec![path.clone()], path, overwrite: Overwrite::Never, is_fresh: true, lock: None }.claim(wanted)
    }

    /// The folder of the checkpoint that a training goes on from. What stands there is of the same training, and replaced; a model
    /// of another one is not, without `force`.
    pub fn of_checkpoint(
        (file, checkpoint): (&Path, &Checkpoint),
        epochs: usize,
        wanted: &[&str],
        force: bool,
    ) -> anyhow::Result<Self> {
        let path = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let same = Autoencoder::load(path.join(model::FILE_NAME)).is_ok_and(|model| {
            // It may have gone on for longer than the checkpoint's training was to, but not for longer than this one will.
            let TrainingConfig { epochs: asked, patience, .. } = *checkpoint.config();
            let config =
                model.record().config.clone().map(|config| TrainingConfig { epochs: asked, patience, ..config });
            let done = model.record().history.as_ref().map_or(0, |history| history.epochs.len());
            let same =
                model.architecture() == checkpoint.architecture() && config.as_ref() == Some(checkpoint.config());
            same && done <= epochs
        });
        let overwrite = Overwrite::replacing(same || force);
        let folder = Self { path: path.to_owned(), made: Vec::new(), overwrite, is_fresh: false, lock: None };
        // The checkpoint itself is what goes on.
        let wanted: Vec<&str> = wanted.iter().copied().filter(|&name| path.join(name) != file).collect();
        folder.claim(&wanted)
    }

    fn make(mut self) -> anyhow::Result<Self> {
        let mut missing: Vec<&Path> = self.path.ancestors().take_while(|path| !path.exists()).collect();
        missing.retain(|path| !path.as_os_str().is_empty());
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder).map_err(|source| DataError::io("make the folder", folder, source))?;
            self.made.push(folder.to_owned());
        }
        if !self.path.is_dir() {
            return Err(DataError::unsuitable(self.path.as_path(), "is a file, but a folder is needed to write to")
                .with_hint("name a folder with --out")
                .into());
        }
        Ok(self)
    }

    /// Takes the folder for this training alone, once the wanted files can be written.
    fn claim(mut self, wanted: &[&str]) -> anyhow::Result<Self> {
        // Windows opens no folders, and some network disks lock nothing: there it is left to the user.
        self.lock = File::open(&self.path).ok();
        if self.lock.as_ref().is_some_and(|folder| matches!(folder.try_lock(), Err(TryLockError::WouldBlock))) {
            return Err(DataError::unsuitable(self.path.as_path(), "another training is writing to this folder")
                .with_hint("wait until it has ended, or name another folder with --out")
                .into());
        }
        wanted.iter().try_for_each(|name| check_output(&self.path.join(name), self.overwrite))?;
        Ok(self)
    }

    /// The folders that were made for it, outermost first.
    pub fn made(&self) -> &[PathBuf] {
        &self.made
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the default name, where this one was made beside it because it is taken.
    pub fn beside(&self) -> Option<&'static str> {
        (self.is_fresh && self.path != Path::new(DEFAULT)).then_some(DEFAULT)
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whether files in it may be replaced.
    pub fn overwrite(&self) -> Overwrite {
        self.overwrite
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // Only empty folders can be removed so.
        for folder in self.made.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}
