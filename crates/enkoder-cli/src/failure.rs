//! From an error to what the user reads and the exit code: what went wrong, what caused it where that says more, and the way out.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use enkoder::anomaly::{AnomalyError, DetectorFileError};
use enkoder::codec::CodecError;
use enkoder::{
    CheckpointError, ConfigError, ModelError, ModelFileError, OptionsError, TensorFileError, TrainingError,
    UnknownLayer,
};
use enkoder_data::openml::OpenmlError;
use enkoder_data::{DataError, RemoteError};

use crate::flags::in_flags;
use crate::screen::{ClosedPipe, ERROR, FAINT, HINT, tell};
use crate::wording;

/// A mistake in the arguments that only became clear after they were parsed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Usage {
    message: String,
    hint: Option<String>,
}

impl Usage {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Another error with the way out.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    message: String,
    hint: String,
    source: Box<dyn Error + Send + Sync>,
}

impl Failure {
    pub fn new(
        message: impl Into<String>,
        hint: impl Into<String>,
        source: impl Error + Send + Sync + 'static,
    ) -> Self {
        Self { message: message.into(), hint: hint.into(), source: Box::new(source) }
    }
}

/// Prints the error and says how the process ends: 0 when only the reader of the output is gone, 2 for a mistake in the arguments,
/// 1 for everything else.
pub fn report(error: &anyhow::Error) -> ExitCode {
    if error.is::<ClosedPipe>() {
        return ExitCode::SUCCESS;
    }
    let Text { messages, hints } = Text::of(error);
    let mut messages = messages.iter();
    if let Some(message) = messages.next() {
        tell(format_args!("{ERROR}error:{ERROR:#} {message}"));
    }
    for message in messages {
        tell(format_args!("  {FAINT}caused by:{FAINT:#} {message}"));
    }
    for hint in &hints {
        tell(format_args!("{HINT}hint:{HINT:#} {hint}"));
    }
    let usage = error.chain().any(|cause| {
        cause.is::<Usage>()
            || cause.is::<ConfigError>()
            || cause.is::<OptionsError>()
            || cause.is::<UnknownLayer>()
            || cause.is::<toml::de::Error>()
            || matches!(cause.downcast_ref(), Some(AnomalyError::Option { .. }))
            || matches!(cause.downcast_ref(), Some(TrainingError::Config(_) | TrainingError::Architecture(_)))
    });
    ExitCode::from(if usage { 2 } else { 1 })
}

/// What is said of an error.
#[derive(Debug, PartialEq, Eq)]
struct Text {
    messages: Vec<String>,
    hints: Vec<String>,
}

impl Text {
    fn of(error: &anyhow::Error) -> Self {
        let (mut messages, mut hints, mut settled) = (Vec::<String>::new(), Vec::<String>::new(), false);
        for cause in error.chain() {
            let text = cause.to_string();
            let mut lines = text.split("\nhint: ");
            let message = lines.next().unwrap_or_default();
            // Some errors repeat their cause in their own words.
            if !messages.iter().any(|before| before.contains(message)) {
                messages.push(wording::shortened(message));
            }
            for hint in lines.map(str::to_owned).chain(hint(cause)).map(|hint| in_flags(&hint)) {
                if !settled && !hints.contains(&hint) {
                    hints.push(hint);
                }
            }
            // It knows better than what it was caused by.
            settled = settled || cause.is::<Failure>();
        }
        Self { messages, hints }
    }
}

/// The way out of an error that does not say it itself.
fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(OpenmlError::Offline { id, .. }) = error.downcast_ref().or(match error.downcast_ref() {
        Some(DataError::Openml(error)) => Some(error),
        _ => None,
    }) {
        return Some(format!("run `enkoder data fetch openml:{id}` once without --offline"));
    }
    if let Some(error) = error.downcast_ref::<DataError>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<OpenmlError>() {
        return error.hint();
    }
    if error.is::<io::Error>() {
        return RemoteError::behind(error)?.hint();
    }
    if let Some(error) = error.downcast_ref::<Usage>() {
        return error.hint.clone();
    }
    if let Some(error) = error.downcast_ref::<Failure>() {
        return Some(error.hint.clone());
    }
    if let Some(error) = tensor_file_error(error) {
        return tensor_file_hint(error).map(str::to_owned);
    }
    if let Some(error) = error.downcast_ref::<ModelError>() {
        return model_hint(error);
    }
    if let Some(CodecError::Unsupported(_)) = error.downcast_ref() {
        return Some("compress without a model: `enkoder compress DATA -o FILE --bound BOUND`".into());
    }
    match error.downcast_ref::<ConfigError>().or(match error.downcast_ref() {
        Some(TrainingError::Config(error)) => Some(error),
        _ => None,
    }) {
        Some(ConfigError::Activation { layer: "output", .. }) => {
            Some("bring the values to 0..1 with --scaling minmax, or choose --output-activation sigmoid".into())
        }
        Some(ConfigError::Activation { .. }) => Some("choose --latent-activation sigmoid".into()),
        _ => None,
    }
}

/// What is wrong with the file of a model, a checkpoint or a detector. It stands for the error that holds it, and is no cause of its own.
fn tensor_file_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a TensorFileError> {
    if let Some(ModelFileError::File(error)) = error.downcast_ref() {
        return Some(error);
    }
    if let Some(CheckpointError::File(error)) = error.downcast_ref() {
        return Some(error);
    }
    match error.downcast_ref() {
        Some(DetectorFileError::File(error)) => Some(error),
        _ => error.downcast_ref(),
    }
}

fn tensor_file_hint(error: &TensorFileError) -> Option<&'static str> {
    match error {
        TensorFileError::Checksum => Some("use an undamaged copy, or make it again from the same data and seed"),
        TensorFileError::Kind { found, .. } if found == "enkoder.checkpoint" => {
            Some("this is a checkpoint: go on training with `enkoder train DATA --resume FILE`")
        }
        TensorFileError::Kind { found, .. } if found.starts_with("enkoder.detector") => {
            Some("this is a detector, not a model: `enkoder detect score DETECTOR DATA` scores rows with it")
        }
        TensorFileError::Container(_) | TensorFileError::Metadata(_) => {
            Some("take a copy that is whole; MODEL is the file model.safetensors that `enkoder train` wrote")
        }
        TensorFileError::Read { .. } => {
            Some("MODEL is the file model.safetensors that `enkoder train` wrote, or the folder with it")
        }
        _ => None,
    }
}

fn model_hint(error: &ModelError) -> Option<String> {
    match error {
        ModelError::Features { .. } | ModelError::Columns { .. } => {
            Some("`enkoder info MODEL` shows what the model was trained on".into())
        }
        ModelError::Shape { expected, .. } => match expected[..] {
            [height, width] | [height, width, _] => Some(format!("resize images with --size {height}x{width}")),
            _ => None,
        },
        ModelError::Codes { .. } => Some("decode with the model that made the codes".into()),
        _ => None,
    }
}
