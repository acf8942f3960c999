//! `enkoder info`: what a file is: a model, a checkpoint, a detector, a compressed file, or data.

mod compressed;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::anomaly::{Detector, DetectorPart, Threshold};
use enkoder::{
    Activation, Architecture, Autoencoder, Checkpoint, Column, LayerSummary, LeftOut, ModelFileError, Schema,
    TensorFileError, TrainingConfig, TrainingRecord, WhyLeftOut,
};
use enkoder_data::Input;
use enkoder_data::export::{Overwrite, write_atomically};
use enkoder_report::model_card;
use serde::Serialize;
use serde_json::json;

use super::data::{describe_json, describe_text};
use super::{decompress, detect};
use crate::arguments::{DataName, DataOptions, RunOptions};
use crate::failure::Failure;
use crate::file_output::is_stdout;
use crate::inputs::Inputs;
use crate::model;
use crate::screen::{FAINT, print};
use crate::standard_input;
use crate::wording;

/// Show what a model, a checkpoint, a detector, a compressed file or data is
#[derive(Debug, Args)]
pub struct Options {
    /// A model, the folder that `enkoder train` wrote, a checkpoint, a detector, an .enk file, or data; - is standard input
    #[arg(value_name = "MODEL|DATA", value_hint = ValueHint::AnyPath)]
    what: DataName,

    /// Write the card of a model to this file as Markdown: data, training, results beside PCA, and what they rest on; - is standard output
    #[arg(long, value_name = "FILE.md", value_hint = ValueHint::FilePath)]
    card: Option<PathBuf>,

    /// Replace the card that is there already
    #[arg(long, requires = "card")]
    force: bool,

    #[command(flatten)]
    reading: DataOptions,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let json = options.common.json;
    let path = standard_input::file(&model::file_of(options.what.as_ref()))?;
    if let Some(file) = &options.card {
        let card = model_card(&model::load(&path)?);
        if is_stdout(file) {
            print(card.trim_end())?;
        } else {
            Inputs::new(vec![path])?.refuse(file)?;
            write_atomically(file, Overwrite::replacing(options.force), |out| out.write_all(card.as_bytes()))?;
            screen.note(format_args!("written {}", file.display()));
        }
        return Ok(ExitCode::SUCCESS);
    }
    if model::is_tensor_file(&path) {
        match Autoencoder::load(&path) {
            Ok(model) if json => print(model_json(&model)?)?,
            Ok(model) => print(model_text(&model))?,
            Err(ModelFileError::File(TensorFileError::Kind { found, .. })) if found == "enkoder.checkpoint" => {
                let checkpoint =
                    Checkpoint::load(&path).with_context(|| format!("{} cannot be read", path.display()))?;
                print(if json { checkpoint_json(&checkpoint)? } else { checkpoint_text(&checkpoint) })?;
            }
            Err(ModelFileError::File(TensorFileError::Kind { found, .. })) if found == "enkoder.detector" => {
                let detector = detect::load(&path)?;
                let threshold = detect::threshold(&detector, None)?;
                print(if json { detector_json(&detector, &threshold) } else { detector_text(&detector, &threshold) })?;
            }
            Err(ModelFileError::File(TensorFileError::Kind { found, .. })) if found == "enkoder.detector-part" => {
                let part = detect::load_part(&path)?;
                print(if json { part_json(&part) } else { part_text(&part) })?;
            }
            Err(error) => return Err(anyhow::Error::new(error).context(format!("{} cannot be read", path.display()))),
        }
        return Ok(ExitCode::SUCCESS);
    }
    if begins_as_enk(&path) {
        let cannot = || format!("{} cannot be read", standard_input::display(options.what.as_ref()));
        let mut file = decompress::open(Input::open(&path).with_context(cannot)?, cannot)?;
        let description = decompress::describe(&mut file);
        let text = compressed::describe(&mut file, &description, json).map_err(|error| {
            let hint = format!(
                "`enkoder decompress {} -o FILE --salvage` decodes what is whole",
                standard_input::display(options.what.as_ref())
            );
            Failure::new(cannot(), hint, error)
        });
        print(text?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let data = options.reading.open(std::slice::from_ref(&options.what), screen)?;
    print(if json { describe_json(&data).to_string() } else { describe_text(&data) })?;
    Ok(ExitCode::SUCCESS)
}

fn begins_as_enk(path: &Path) -> bool {
    let mut start = [0; 4];
    Input::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok()) && start == *b"\x89ENK"
}

pub fn line(heading: &str, text: impl std::fmt::Display) -> String {
    format!("{FAINT}{heading:<11}{FAINT:#} {text}\n")
}

fn detector_text(detector: &Detector, threshold: &Threshold) -> String {
    let mut text = line("detector", detector.chosen());
    let learned = wording::counted(detector.rows_learned(), "row", "rows");
    let series = detector.windows().map(|windows| format!(", by windows of {} rows", windows.length));
    text += &line("data", format_args!("learned from {learned}{}", series.unwrap_or_default()));
    text += &detector.schema().map_or_else(String::new, columns_text);
    let ignored = detector.ignored_columns();
    if !ignored.is_empty() {
        text += &line("ignored", format_args!("{}, since constant or empty", ignored.join(", ")));
    }
    text += &line("flags", detect::describe(detector, threshold));
    text.trim_end().to_owned()
}

/// The columns of a table, and those that nothing was learned from, each with the reason.
fn columns_text(schema: &Schema) -> String {
    let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    let text = line("columns", names.join(", "));
    let why = |why: WhyLeftOut| match why {
        WhyLeftOut::NoValue => "no row had a value",
        WhyLeftOut::Clock => "a clock",
        WhyLeftOut::RowNumber => "numbers of rows",
        _ => "text",
    };
    let left_out = schema.left_out.iter().map(|column| format!("{} ({})", column.name, why(column.why)));
    match left_out.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => text,
        left_out => text + &line("left out", left_out),
    }
}

fn part_text(part: &DetectorPart) -> String {
    let mut text = line("part", format_args!("of a detector with --method {}", part.config().method));
    let rows = wording::counted(part.rows(), "row", "rows");
    text += &line("data", format_args!("saw {rows}, of which it keeps {}", wording::grouped(part.rows_kept())));
    text += &line("columns", part.column_names().join(", "));
    text.trim_end().to_owned()
}

fn part_json(part: &DetectorPart) -> String {
    json!({
        "kind": "detector-part", "method": part.config().method, "rows": part.rows(), "rows_kept": part.rows_kept(),
        "columns": part.column_names(),
    })
    .to_string()
}

fn detector_json(detector: &Detector, threshold: &Threshold) -> String {
    json!({
        "kind": "detector", "chosen": detector.chosen(), "rows_learned": detector.rows_learned(),
        "window": detector.windows().map(|windows| windows.length), "ignored_columns": detector.ignored_columns(),
        "columns": detector.schema().map(|schema| schema.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>()),
        "left_out": detector.schema().map(|schema| &schema.left_out),
        "calibration": detector.calibration().scores().len(), "threshold": threshold,
    })
    .to_string()
}

fn model_text(model: &Autoencoder) -> String {
    let (architecture, record) = (model.architecture(), model.record());
    let data = &record.data;
    let sample = wording::sample(&data.shape, data.bytes_per_value);
    let [train, validation] = [data.train_samples, data.validation_samples].map(wording::grouped);
    let mut text = line("model", format_args!("{}, {} numbers a code", architecture.summary(), architecture.latent()));
    let source = format!("{}: samples of {sample}", data.name);
    if record.is_imported() {
        text += &line("data", source);
    } else {
        text += &line("data", format_args!("{source}, {train} to train and {validation} to validate"));
        text += &line("fingerprint", &data.fingerprint);
    }
    text += &line("scaling", model.scaler().kind());
    match (&record.config, &record.history) {
        (Some(config), Some(history)) => {
            let (epochs, best) = (wording::counted(history.epochs.len(), "epoch", "epochs"), history.best_epoch);
            text += &line(
                "training",
                format_args!("{epochs} of {}, best epoch {best}, seed {}", config.epochs, config.seed),
            );
        }
        _ if record.is_imported() => {
            text += &line("training", "elsewhere: the network was taken over, and nothing is known of its data");
        }
        _ => text += &line("training", "in closed form: principal components"),
    }
    if !record.is_imported() {
        let [train, validation] = [record.train_loss, record.validation_loss].map(wording::error);
        text += &line("loss", format_args!("training {train}, validation {validation}"));
    }
    if let Some(results) = &record.results {
        let [own, pca, mean] = [results.mse, results.pca_mse, results.mean_mse].map(wording::error);
        let components = wording::counted(results.pca_components, "component", "components");
        let samples = wording::counted(results.samples, "validation sample", "validation samples");
        text += &line(
            "measured",
            format_args!("MSE {own} on {samples}; PCA, {components}, {pca}; the training mean {mean}"),
        );
    }
    text += &model.schema().map_or_else(String::new, columns_text);
    let layers = architecture.layers();
    // What it reads beside the layer before, where it joins two.
    let other = |layer: &LayerSummary| match layer.reads.get(1) {
        Some(0) => " input".to_owned(),
        Some(&value) => format!(" {}", layers[value - 1].name),
        None => String::new(),
    };
    let kind = |layer: &LayerSummary| layer.kind.replace('_', " ") + &other(layer);
    let sizes = |layer: &LayerSummary| {
        if architecture.is_dense() {
            [layer.inputs, layer.outputs].map(wording::grouped)
        } else {
            [&layer.input_shape, &layer.output_shape].map(|shape| wording::shape(shape))
        }
    };
    // As wide as what stands in them.
    let widest = |least: usize, texts: &mut dyn Iterator<Item = String>| {
        texts.map(|text| text.chars().count()).max().unwrap_or(0).max(least)
    };
    let kind_width = widest(6, &mut layers.iter().map(kind));
    let size_width = widest(8, &mut layers.iter().flat_map(sizes));
    let mut row = |name: &str, kind: &str, [inputs, outputs]: [&str; 2], activation: &str, parameters: &str| {
        text += &format!(
            "\n{name:<10}  {kind:<kind_width$} {inputs:>size_width$} {outputs:>size_width$}  {activation:<10} {parameters:>10}"
        );
    };
    row("layer", "kind", ["inputs", "outputs"], "activation", "parameters");
    for layer in &layers {
        let [inputs, outputs] = sizes(layer);
        let activation =
            if layer.activation == Activation::Linear && layer.parameters == 0 { "" } else { layer.activation.name() };
        row(&layer.name, &kind(layer), [&inputs, &outputs], activation, &wording::grouped(layer.parameters));
    }
    row("", "", ["", ""], "", &wording::grouped(architecture.parameters()));
    text
}

/// Serialised without a detour over a JSON value, which would turn 0.002 into 0.0020000000949949026.
#[derive(Serialize)]
struct ModelJson<'a> {
    kind: &'static str,
    layers: String,
    parameters: usize,
    latent: usize,
    scaling: String,
    architecture: &'a Architecture,
    columns: Option<&'a [Column]>,
    left_out: Option<&'a [LeftOut]>,
    training: &'a TrainingRecord,
}

fn model_json(model: &Autoencoder) -> serde_json::Result<String> {
    let architecture = model.architecture();
    serde_json::to_string(&ModelJson {
        kind: "model",
        layers: architecture.summary(),
        parameters: architecture.parameters(),
        latent: architecture.latent(),
        scaling: model.scaler().kind().to_string(),
        architecture,
        columns: model.schema().map(|schema| &schema.columns[..]),
        left_out: model.schema().map(|schema| &schema.left_out[..]),
        training: model.record(),
    })
}

fn checkpoint_text(checkpoint: &Checkpoint) -> String {
    let config = checkpoint.config();
    let mut text = line("checkpoint", format_args!("after epoch {} of {}", checkpoint.epoch(), config.epochs));
    text += &line("network", checkpoint.architecture().summary());
    text += &line("seed", config.seed);
    text + &format!("{FAINT}{:<11}{FAINT:#} enkoder train DATA --resume FILE", "go on with")
}

#[derive(Serialize)]
struct CheckpointJson<'a> {
    kind: &'static str,
    epoch: usize,
    layers: String,
    architecture: &'a Architecture,
    config: &'a TrainingConfig,
}

fn checkpoint_json(checkpoint: &Checkpoint) -> serde_json::Result<String> {
    serde_json::to_string(&CheckpointJson {
        kind: "checkpoint",
        epoch: checkpoint.epoch(),
        layers: checkpoint.architecture().summary(),
        architecture: checkpoint.architecture(),
        config: checkpoint.config(),
    })
}
