//! `train --log FOLDER`: the course of a training as it goes, a line of JSON for each epoch and events for TensorBoard.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use enkoder::EpochRecord;
use enkoder_data::DataError;
use serde::Serialize;

use super::events::{EventFile, Value};

/// The lines of JSON.
const METRICS: &str = "metrics.jsonl";

/// What a line of JSON says of an epoch.
#[derive(Serialize)]
struct Line {
    epoch: usize,
    train_loss: f64,
    validation_loss: f64,
    learning_rate: f32,
    samples_per_second: f64,
    seconds: f64,
}

/// A log that is being written.
pub struct TrainingLog {
    folder: PathBuf,
    metrics: File,
    events: EventFile<File>,
}

impl TrainingLog {
    /// The log in `folder`, which is made where it is not there. A training that goes on adds to what is there; another one refuses to,
    /// unless it may replace the lines.
    pub fn open(folder: &Path, goes_on: bool, force: bool) -> anyhow::Result<Self> {
        let metrics = folder.join(METRICS);
        if metrics.exists() && !goes_on && !force {
            return Err(DataError::Exists { path: metrics }.into());
        }
        fs::create_dir_all(folder).map_err(|source| DataError::io("make the folder", folder, source))?;
        let open = |path: &Path, truncate: bool| {
            let mut options = OpenOptions::new();
            let options = if truncate { options.write(true).truncate(true) } else { options.append(true) };
            options.create(true).open(path).map_err(|source| DataError::io("write", path, source))
        };
        let now = now();
        // TensorBoard reads all files of a folder, in the order of their names.
        let name = format!("events.out.tfevents.{:010}.{}", now as u64, std::process::id());
        let events = open(&folder.join(&name), true)?;
        let metrics = open(&metrics, !goes_on)?;
        let of_file = |source| DataError::io("write", folder.join(&name), source);
        Ok(Self { folder: folder.to_owned(), metrics, events: EventFile::new(events, now).map_err(of_file)? })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds an epoch.
    pub fn epoch(&mut self, record: &EpochRecord) -> io::Result<()> {
        let EpochRecord { epoch, train_loss, validation_loss, learning_rate, samples_per_second, seconds, .. } =
            *record;
        let line = Line { epoch, train_loss, validation_loss, learning_rate, samples_per_second, seconds };
        // One call a line: whoever reads meanwhile sees whole lines.
        self.metrics.write_all(format!("{}\n", serde_json::to_string(&line)?).as_bytes())?;
        let scalars = [
            ("loss/training", train_loss as f32),
            ("loss/validation", validation_loss as f32),
            ("learning rate", learning_rate),
            ("samples per second", samples_per_second as f32),
        ];
        self.events.write(now(), epoch as u64, &scalars.map(|(tag, value)| Value::Scalar { tag, value }))
    }

    /// Adds a picture in PNG.
    pub fn picture(&mut self, epoch: usize, tag: &str, png: &[u8]) -> io::Result<()> {
        self.events.write(now(), epoch as u64, &[Value::Picture { tag, png }])
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
