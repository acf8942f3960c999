//! What `train` says at its end.

use std::path::PathBuf;
use std::process::ExitCode;

use enkoder::{Autoencoder, Dataset, History, Split, Stopped, TrainingConfig};
use serde::Serialize;
use serde_json::{Value, json};

use super::resuming::Checkpoints;
use crate::comparison::Comparison;
use crate::interrupt;
use crate::missing::Missing;
use crate::run_folder::CHECKPOINT;
use crate::screen::{FAINT, HINT, Screen, picture_width};
use crate::wording;

/// All that is said.
pub struct Summary<'a> {
    pub model: &'a Autoencoder,
    pub data: &'a Dataset,
    pub missing: Missing,
    pub comparison: Option<&'a Comparison>,
    pub files: &'a [PathBuf],
    /// The page of the run on an MLflow server.
    pub page: Option<&'a str>,
}

impl Summary<'_> {
    pub fn to_text(&self) -> String {
        let mut lines = vec![
            line("data", &self.data_text()),
            line("network", &network(self.model)),
            line("training", &self.training_text()),
        ];
        if let Some(comparison) = self.comparison {
            lines.push(String::new());
            lines.push(comparison.to_text("validation MSE"));
            lines.push(String::new());
            lines.extend(comparison.sizes_to_text().map(|sizes| line("size", &sizes)));
        }
        for (index, file) in self.files.iter().enumerate() {
            lines.push(line(if index == 0 { "written" } else { "" }, &file.display().to_string()));
        }
        lines.extend(self.page.map(|page| line("logged", page)));
        lines.extend(self.preview());
        lines.join("\n")
    }

    fn data_text(&self) -> String {
        let record = &self.model.record().data;
        let all = described(self.data, record.train_samples + record.validation_samples, self.missing);
        let [train, validation] = [record.train_samples, record.validation_samples].map(wording::grouped);
        format!("{all} ({train} to train, {validation} to validate)")
    }

    fn training_text(&self) -> String {
        let record = self.model.record();
        let time = wording::seconds(record.seconds);
        let Some(history) = &record.history else { return format!("in closed form, {time}") };
        let stopped = match history.stopped {
            Stopped::Completed => "",
            Stopped::Early => ", stopped early",
            Stopped::Interrupted => ", interrupted",
            Stopped::Diverged => ", diverged",
        };
        let rate = wording::grouped(samples_per_second(history) as usize);
        let epochs = wording::counted(history.epochs.len(), "epoch", "epochs");
        format!("{epochs} in {time}{stopped}, {rate} samples/s, best epoch {}", history.best_epoch)
    }

    /// Originals above reconstructions, where stdout is a terminal and samples are images.
    fn preview(&self) -> Option<String> {
        let comparison = self.comparison.filter(|_| self.data.shape().len() > 1)?;
        let (width, colour) = picture_width()?;
        let preview = comparison.evaluation.preview(width, colour);
        (!preview.is_empty()).then(|| {
            let heading = format!("{FAINT}validation samples above their reconstructions{FAINT:#}");
            format!("\n{heading}\n{}", preview.trim_end_matches('\n'))
        })
    }

    pub fn to_json(&self) -> serde_json::Result<String> {
        let record = self.model.record();
        let architecture = self.model.architecture();
        serde_json::to_string(&SummaryJson {
            data: json!({
                "name": record.data.name,
                "shape": record.data.shape,
                "training_samples": record.data.train_samples,
                "validation_samples": record.data.validation_samples,
                "missing": self.missing.missing,
            }),
            network: json!({
                "layers": architecture.summary(),
                "parameters": architecture.parameters(),
                "latent": architecture.latent(),
                "scaling": self.model.scaler().kind().to_string(),
            }),
            training: TrainingJson {
                seconds: record.seconds,
                samples_per_second: record.history.as_ref().map(samples_per_second),
                train_loss: record.train_loss,
                validation_loss: record.validation_loss,
                config: record.config.as_ref(),
                history: record.history.as_ref(),
            },
            validation: self.comparison.map(Comparison::to_json),
            files: self.files.iter().map(|file| file.display().to_string()).collect(),
            mlflow: self.page,
        })
    }
}

#[derive(Serialize)]
struct SummaryJson<'a> {
    data: Value,
    network: Value,
    training: TrainingJson<'a>,
    validation: Option<Value>,
    files: Vec<String>,
    mlflow: Option<&'a str>,
}

/// Serialised without a detour over [`Value`], which would turn 0.002 into 0.0020000000949949026.
#[derive(Serialize)]
struct TrainingJson<'a> {
    seconds: f64,
    samples_per_second: Option<f64>,
    train_loss: f64,
    validation_loss: f64,
    config: Option<&'a TrainingConfig>,
    history: Option<&'a History>,
}

/// The data in a line, before the training.
pub fn data(split: &Split, missing: Missing) -> String {
    described(&split.train, split.training_samples() + split.validation.len(), missing)
}

/// How samples are read in blocks, where they are.
pub fn blocks(split: &Split) -> Option<String> {
    let blocks = split.blocks.as_ref()?;
    let window = wording::counted(blocks.window(), "sample is", "samples are");
    let [shown, validation] = [split.train.len(), split.validation.len()].map(wording::grouped);
    Some(format!(
        "{window} in memory at a time; {validation} validate, and training samples are shown and compared by {shown}, drawn evenly"
    ))
}

fn described(train: &Dataset, samples: usize, missing: Missing) -> String {
    let data = wording::data_of(train, samples);
    missing.to_text().map_or(data.clone(), |missing| format!("{data}, {missing}"))
}

/// A line with its heading.
fn line(heading: &str, text: &str) -> String {
    format!("{FAINT}{heading:<9}{FAINT:#} {text}")
}

/// The network in a line: `784-128-64-10-64-128-784, relu, sigmoid output, 219,546 parameters`.
pub fn network(model: &Autoencoder) -> String {
    let architecture = model.architecture();
    let mut text = architecture.summary();
    let layers = architecture.layers();
    let code = architecture.encoder.len() - 1;
    if model.record().config.is_some() {
        if code > 0 {
            text += &format!(", {}", layers[0].activation);
        }
        text += &format!(", {} code, {} output", layers[code].activation, layers[layers.len() - 1].activation);
    }
    text += &format!(", {} parameters", wording::grouped(architecture.parameters()));
    text
}

/// Training samples a second, over all epochs.
fn samples_per_second(history: &History) -> f64 {
    let seconds: f64 = history.epochs.iter().map(|epoch| epoch.seconds).sum();
    let samples: f64 = history.epochs.iter().map(|epoch| epoch.seconds * epoch.samples_per_second).sum();
    if seconds > 0.0 { samples / seconds } else { 0.0 }
}

/// The last words, and the exit code.
pub fn farewell(model: &Autoencoder, checkpoints: Option<&Checkpoints>, screen: Screen) -> ExitCode {
    let (Some(history), Some(config)) = (&model.record().history, &model.record().config) else {
        return ExitCode::SUCCESS;
    };
    let best = history.best_epoch;
    match history.stopped {
        Stopped::Interrupted => {
            screen.note(format_args!(
                "the training was interrupted: the model saved is the best so far, of epoch {best}"
            ));
            if let Some(Checkpoints { file, .. }) = checkpoints.filter(|checkpoints| checkpoints.file.exists()) {
                // The folder stands for the file of the usual name.
                let folder =
                    file.parent().filter(|folder| file.ends_with(CHECKPOINT) && !folder.as_os_str().is_empty());
                let path = folder.unwrap_or(file).display();
                screen.note(format_args!("go on from its checkpoint with the same data options and --resume {path}"));
            }
            return ExitCode::from(interrupt::EXIT_CODE);
        }
        Stopped::Diverged => screen.note(format_args!(
            "the loss became infinite or not a number: the model saved is that of epoch {best}, before it did; \
             a lower --learning-rate (now {}) or --clip 1 may help",
            config.optimizer.learning_rate
        )),
        Stopped::Early | Stopped::Completed => {}
    }
    ExitCode::SUCCESS
}

/// What may help where principal components do better.
pub fn advice(model: &Autoencoder, comparison: &Comparison) -> String {
    if let Some(config) = model.record().config.as_ref().filter(|_| comparison.has_run_away()) {
        let rate = config.optimizer.learning_rate;
        return format!(
            "{HINT}hint:{HINT:#} the network does far worse than the mean of all samples; a lower --learning-rate (now {rate}), \
             --scaling standard or --clip 1 may help"
        );
    }
    let still_falling =
        model.record().history.as_ref().is_some_and(|history| history.best_epoch == history.epochs.len());
    let way_out = if still_falling {
        "the loss was still falling: more --epochs or a smaller --batch-size may help"
    } else {
        "more samples, a wider --hidden or another --learning-rate may help"
    };
    format!("{HINT}hint:{HINT:#} principal components do better than this network; {way_out}")
}
