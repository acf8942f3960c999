//! What is shown while training, compressing, denoising and downloading: one line that moves on a terminal; elsewhere a line for each epoch.

use std::ops::ControlFlow;
use std::time::Duration;

use enkoder::Progress;
use enkoder_data::openml::DownloadEvent;
use indicatif::{ProgressBar, ProgressStyle};

use crate::interrupt;
use crate::screen::{Screen, moving};
use crate::wording;

/// The progress of a training.
pub struct TrainingProgress {
    screen: Screen,
    bar: Option<ProgressBar>,
    epochs: usize,
    seconds: f64,
    epochs_seen: usize,
}

impl TrainingProgress {
    /// A training of so many epochs of so many samples, of which some epochs are done already.
    pub fn new(screen: Screen, epochs: usize, samples: usize, epochs_done: usize) -> Self {
        let bar = screen.is_moving().then(|| {
            let template = "{prefix} {wide_bar:.cyan/dim} {per_sec} {eta:>4} left  {msg}";
            let style = ProgressStyle::with_template(template)
                .expect("a sound template")
                .progress_chars("━━─")
                .with_key("per_sec", |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                    let _ = write!(out, "{:>9}/s", wording::grouped(state.per_sec() as usize));
                });
            let bar = moving(Some((epochs * samples) as u64)).with_style(style);
            bar.set_position((epochs_done * samples) as u64);
            bar.reset_eta();
            bar.set_prefix(format!("epoch {}/{epochs}", epochs_done + 1));
            bar
        });
        Self { screen, bar, epochs, seconds: 0.0, epochs_seen: 0 }
    }

    /// Shows the news, and says whether to go on.
    pub fn update(&mut self, progress: Progress<'_>) -> ControlFlow<()> {
        match (progress, &self.bar) {
            (Progress::Step { epoch, samples, of, .. }, Some(bar)) => {
                bar.set_position(((epoch - 1) * of + samples) as u64)
            }
            (Progress::Epoch { record, epochs, best }, bar) => {
                self.seconds += record.seconds;
                self.epochs_seen += 1;
                let validation = wording::error(record.validation_loss);
                match bar {
                    Some(bar) => {
                        bar.set_prefix(format!("epoch {}/{epochs}", (record.epoch + 1).min(epochs)));
                        bar.set_message(format!("loss {validation}"));
                    }
                    None => {
                        let left = (epochs - record.epoch) as f64 * self.seconds / self.epochs_seen as f64;
                        let width = self.epochs.to_string().len();
                        self.screen.note(format_args!(
                            "epoch {:>width$}/{epochs}  train {}  validation {validation}  {:>7}/s  {} left{}",
                            record.epoch,
                            wording::error(record.train_loss),
                            wording::grouped(record.samples_per_second as usize),
                            wording::seconds(left),
                            if best { "  best" } else { "" },
                        ));
                    }
                }
            }
            (Progress::NoCheckpoint { epoch, error }, _) => {
                let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
                let causes = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
                self.aside(&format!(
                    "the checkpoint of epoch {epoch} could not be written, and the training goes on without it: {causes}"
                ));
            }
            _ => {}
        }
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Says something where the bar is not.
    pub fn aside(&self, note: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.screen.note(note)),
            None => self.screen.note(note),
        }
    }
}

impl Drop for TrainingProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The progress of work on so many bytes.
pub struct ByteProgress(Option<ProgressBar>);

impl ByteProgress {
    /// The beginning of the work.
    pub fn new(screen: Screen, what: String, total: u64) -> Self {
        Self(screen.is_moving().then(|| bar_of_bytes(what, total)))
    }

    /// Shows how many bytes are done, and says whether to go on.
    pub fn update(&self, bytes: u64) -> ControlFlow<()> {
        if let Some(bar) = &self.0 {
            bar.set_position(bytes);
        }
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Drop for ByteProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// The progress of work on so many pictures, of which each may take long.
pub struct PictureProgress(Option<ProgressBar>);

impl PictureProgress {
    /// The beginning of the work.
    pub fn new(screen: Screen, what: &str, pictures: usize) -> Self {
        Self(screen.is_moving().then(|| {
            let template =
                "{spinner:.cyan} {prefix} {wide_bar:.cyan/dim} {pos}/{len} pictures {elapsed:.dim} {eta} left";
            let style = ProgressStyle::with_template(template).expect("a sound template").progress_chars("━━─");
            let bar = moving(Some(pictures as u64)).with_style(style).with_prefix(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        }))
    }

    /// One more is done.
    pub fn advance(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }

    /// Prints something where the bar is not.
    pub fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(work),
            None => work(),
        }
    }
}

impl Drop for PictureProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn bar_of_bytes(what: String, total: u64) -> ProgressBar {
    let template =
        "{prefix} {wide_bar:.cyan/dim} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta} left";
    let style = ProgressStyle::with_template(template).expect("a sound template").progress_chars("━━─");
    moving(Some(total)).with_style(style).with_prefix(what)
}

/// The progress of a download.
pub struct DownloadProgress {
    screen: Screen,
    id: u32,
    bar: Option<ProgressBar>,
    begun: bool,
    waiting: bool,
}

impl DownloadProgress {
    /// The download of the data set with this number.
    pub fn new(id: u32, screen: Screen) -> Self {
        Self { screen, id, bar: None, begun: false, waiting: false }
    }

    /// Shows the news.
    pub fn update(&mut self, event: &DownloadEvent<'_>) {
        match event {
            DownloadEvent::Received { bytes, total } => self.received(*bytes, *total),
            DownloadEvent::Retrying { error, wait } => {
                self.say(format!("{error}; trying again in {}", wording::seconds(wait.as_secs_f64())));
            }
            DownloadEvent::FallingBack { error } => self.say(format!("{error}; fetching the ARFF file instead")),
            DownloadEvent::WaitingForOther if !self.waiting => {
                self.waiting = true;
                self.say(format!("another run is fetching openml:{}: waiting for it", self.id));
            }
            _ => {}
        }
    }

    fn received(&mut self, bytes: u64, total: Option<u64>) {
        if !self.begun {
            self.begun = true;
            if self.screen.is_moving() {
                let bar = bar_of_bytes(format!("fetching openml:{}", self.id), total.unwrap_or(bytes));
                bar.set_position(bytes);
                bar.reset_eta();
                self.bar = Some(bar);
            } else {
                let size = total.map(|total| format!(" ({})", wording::bytes(total))).unwrap_or_default();
                self.screen.note(format_args!("fetching openml:{}{size}", self.id));
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_length(total.unwrap_or(bytes).max(bytes));
            bar.set_position(bytes);
        }
    }

    fn say(&self, text: String) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.screen.note(text)),
            None => self.screen.note(text),
        }
    }
}

impl Drop for DownloadProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
