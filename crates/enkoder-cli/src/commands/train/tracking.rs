//! What keeps track of a training as it goes: the folder of `--log`, and the server of `--mlflow`. Neither ever ends it.

use std::path::PathBuf;

use enkoder::{Architecture, Autoencoder, EpochRecord, Split, Stopped, TrainingConfig};
use enkoder_data::DataError;
use enkoder_report::model_card;
use serde_json::Value;

use super::log::TrainingLog;
use super::mlflow::{Run, Server, Status};
use crate::comparison::{Comparison, command_line};
use crate::screen::Screen;

/// All that was asked for, which may be nothing.
#[derive(Default)]
pub struct Tracking {
    pub log: Option<TrainingLog>,
    pub mlflow: Option<Run>,
}

/// What was left where it can be looked at.
#[derive(Default)]
pub struct Tracked {
    pub folder: Option<PathBuf>,
    /// The page of the run on the server.
    pub page: Option<String>,
}

impl Tracking {
    /// Logs an epoch, and gives what there is to say of it.
    pub fn epoch(&mut self, record: &EpochRecord) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(log) = &mut self.log
            && let Err(error) = log.epoch(record)
        {
            let folder = log.folder().display();
            said.push(format!("the log in {folder} cannot be written, and the training goes on without it: {error}"));
            self.log = None;
        }
        if let Some(run) = &self.mlflow {
            run.epoch(record);
            said.extend(run.trouble());
        }
        said
    }

    /// Logs what became of the training.
    pub fn end(self, model: &Autoencoder, comparison: Option<&Comparison>, screen: Screen) -> anyhow::Result<Tracked> {
        let mut tracked = Tracked::default();
        let history = model.record().history.as_ref();
        if let Some(mut log) = self.log {
            if let Some(png) = comparison.map(Comparison::reconstructions).transpose()?.flatten() {
                let epoch = history.map_or(0, |history| history.best_epoch);
                let written = log.picture(epoch, "reconstructions", &png);
                written.map_err(|source| DataError::io("write to", log.folder(), source))?;
            }
            tracked.folder = Some(log.folder().to_owned());
        }
        if let Some(run) = self.mlflow {
            let _busy = screen.busy("logging to MLflow");
            if let Some(results) = comparison.map(Comparison::results) {
                let values = [("mse", results.mse), ("pca_mse", results.pca_mse), ("mean_mse", results.mean_mse)];
                run.results(&values, history.map_or(0, |history| history.epochs.len()));
            }
            run.card(&model_card(model));
            let stopped = history.map(|history| history.stopped);
            let ended = run.end(if stopped == Some(Stopped::Interrupted) { Status::Killed } else { Status::Finished });
            match ended {
                Ok(page) => tracked.page = Some(page),
                Err(lacks) => screen.note(lacks),
            }
        }
        Ok(tracked)
    }
}

/// Begins the run of a training on these samples, called after the folder that the model goes to.
pub fn begin(
    server: Server,
    name: &str,
    split: &Split,
    architecture: Option<&Architecture>,
    config: Option<&TrainingConfig>,
) -> Run {
    let mut params = vec![
        ("data".to_owned(), split.train.name().to_owned()),
        ("training_samples".to_owned(), split.training_samples().to_string()),
        ("validation_samples".to_owned(), split.validation.len().to_string()),
    ];
    if let Some(architecture) = architecture {
        params.extend([
            ("layers".to_owned(), architecture.summary()),
            ("parameters".to_owned(), architecture.parameters().to_string()),
            ("latent".to_owned(), architecture.latent().to_string()),
        ]);
    }
    // Through text, so that 0.002 stays 0.002.
    let config = config.and_then(|config| serde_json::from_str(&serde_json::to_string(config).ok()?).ok());
    flatten("", &config.unwrap_or_default(), &mut params);
    server.begin(name, &command_line(), &params)
}

/// Settings by the names that they have in the model file, those inside others as `optimizer.learning_rate`.
fn flatten(name: &str, value: &Value, params: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                flatten(&name, value, params);
            }
        }
        Value::String(text) => params.push((name.to_owned(), text.clone())),
        other => params.push((name.to_owned(), other.to_string())),
    }
}
