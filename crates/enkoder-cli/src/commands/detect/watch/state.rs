//! What a watch that is ended has to remember to go on: `--state`. The file is replaced as a whole, under its name, after the rows it
//! counts were written out.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use enkoder::workspace::{self, Overwrite};
use serde::{Deserialize, Serialize};

use super::memory::Memory;
use crate::failure::Usage;

const FORMAT: &str = "enkoder.watch-state";
const VERSION: u32 = 1;
/// Saving may take one part in so many of the time.
const SHARE: u32 = 20;

#[derive(Serialize, Deserialize)]
struct Content<T> {
    format: String,
    version: u32,
    /// Which detector it was: the checksum of its file.
    detector: u32,
    memory: T,
}

/// The file of a state, and when it is to be written again.
pub struct StateFile {
    path: PathBuf,
    /// Rows came since it was written.
    behind: bool,
    /// Not before this moment.
    due: Instant,
}

impl StateFile {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), behind: false, due: Instant::now() }
    }

    /// What was remembered, and the checksum of the detector's file; none where there is no file yet.
    pub fn read(&self) -> anyhow::Result<Option<(u32, Memory)>> {
        let shown = self.path.display();
        if fs::metadata(&self.path).is_ok_and(|found| !found.is_file()) {
            return Err(Usage::new(format!("{shown} is no file, so no state can be remembered in it"))
                .with_hint("name a file with --state")
                .into());
        }
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // That it can be written is seen before anything is watched.
                workspace::check_writable(&self.path, Overwrite::Never)
                    .with_context(|| format!("{shown} cannot be written"))?;
                return Ok(None);
            }
            read => read.with_context(|| format!("{shown} cannot be read"))?,
        };
        let unusable = |why: String| {
            Usage::new(format!("{shown} is no state of a watch: {why}"))
                .with_hint("name another file, or remove this one to begin anew")
        };
        let head: Content<serde::de::IgnoredAny> =
            serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))?;
        if head.format != FORMAT || head.version != VERSION {
            return Err(unusable(format!("its format is {} {}", head.format, head.version)).into());
        }
        let content: Content<Memory> = serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))?;
        Ok(Some((content.detector, content.memory)))
    }

    /// Rows came that it does not count yet.
    pub fn note(&mut self) {
        self.behind = true;
    }

    /// How long to wait until it is to be written; none where nothing came.
    pub fn wait(&self) -> Option<Duration> {
        self.behind.then(|| self.due.saturating_duration_since(Instant::now()))
    }

    /// Writes it, where it is behind and its time has come, or at the end.
    pub fn save(&mut self, detector: u32, memory: &Memory, at_the_end: bool) -> anyhow::Result<()> {
        let begins = Instant::now();
        if !self.behind || begins < self.due && !at_the_end {
            return Ok(());
        }
        let content = Content { format: FORMAT.to_owned(), version: VERSION, detector, memory };
        let text = serde_json::to_vec(&content)?;
        let written = workspace::write_atomically(&self.path, Overwrite::Replace, |mut file| {
            file.write_all(&text).map(|()| file)
        });
        written.with_context(|| format!("the state cannot be written to {}", self.path.display()))?;
        self.behind = false;
        self.due = Instant::now() + begins.elapsed() * SHARE;
        Ok(())
    }
}
