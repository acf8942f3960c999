//! `enkoder export`: a model or a detector as an ONNX file, proved before it is written.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum, ValueHint};
use enkoder::anomaly::Detector;
use enkoder::{Autoencoder, ModelFileError, TensorFileError};
use enkoder_data::export::Overwrite;
use enkoder_onnx::{Part, export_detector, export_model};
use serde_json::json;

use super::detect;
use crate::arguments::RunOptions;
use crate::failure::Usage;
use crate::file_output;
use crate::inputs::Inputs;
use crate::model;
use crate::screen::Screen;
use crate::standard_input;
use crate::wording;

/// Write a model or a detector as an ONNX file, which runs where there is no Enkoder
///
/// Scaling, the fill of missing values and the way back to the units of the data are in the file; of a detector also p-values and
/// threshold. Any number of rows can be computed together. Before the file gets its name it has been read back, computed, and compared
/// with the model.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  enkoder export runs/a -o model.onnx                      codes and reconstructions
  enkoder export runs/a -o encoder.onnx --part encoder     codes alone
  enkoder export pump.detector -o pump.onnx --false-alarm 0.001")]
pub struct Options {
    /// The model file, the folder that `enkoder train` wrote, or a detector; - is standard input
    #[arg(value_hint = ValueHint::AnyPath)]
    model: PathBuf,

    /// The file to write; - is standard output
    #[arg(short, long, value_name = "FILE.onnx", value_hint = ValueHint::FilePath)]
    out: PathBuf,

    /// Which part to write: of a model the encoder, the decoder or both, of a detector all of it [default: both, or detector]
    #[arg(long, value_enum, value_name = "encoder|decoder|both|detector", hide_possible_values = true)]
    part: Option<PartArgument>,

    #[command(flatten)]
    rule: detect::RuleOptions,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    common: RunOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PartArgument {
    Encoder,
    Decoder,
    Both,
    Detector,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let overwrite = Overwrite::replacing(options.force);
    let file = model::file_of(&options.model);
    Inputs::new(vec![file.clone()])?.refuse(&options.out)?;
    file_output::check_binary(&options.out, overwrite, &options.common)?;
    let exported = match load(&file)? {
        Trained::Model(model) => of_model(&options, &model)?,
        Trained::Detector(detector) => of_detector(&options, &detector)?,
    };
    file_output::write_bytes(&options.out, overwrite, &exported.bytes)?;
    exported.confirm(&options, screen)?;
    Ok(ExitCode::SUCCESS)
}

/// What a file holds.
enum Trained {
    Model(Box<Autoencoder>),
    Detector(Box<Detector>),
}

fn load(path: &Path) -> anyhow::Result<Trained> {
    let file = standard_input::file(path)?;
    match Autoencoder::load(&file) {
        Err(ModelFileError::File(TensorFileError::Kind { found, .. })) if found == "enkoder.detector" => {
            Ok(Trained::Detector(Box::new(detect::load(path)?)))
        }
        _ => Ok(Trained::Model(Box::new(model::load(path)?))),
    }
}

/// The bytes of a file, and what they are in words.
struct Exported {
    bytes: Vec<u8>,
    part: &'static str,
    ways: String,
}

impl Exported {
    fn confirm(&self, options: &Options, screen: Screen) -> anyhow::Result<()> {
        let (name, count) = (file_output::display(&options.out), self.bytes.len());
        if options.common.json {
            let object = json!({ "out": name, "part": self.part, "bytes": count, "opset": 17 });
            return crate::screen::print(object);
        }
        let size = wording::grouped(count);
        screen.note(format_args!("{name}: {}; {size} bytes, read back and compared with the {}", self.ways, self.of()));
        Ok(())
    }

    fn of(&self) -> &'static str {
        if self.part == "detector" { "detector" } else { "model" }
    }
}

fn of_model(options: &Options, model: &Autoencoder) -> anyhow::Result<Exported> {
    if options.rule.is_given() {
        let why = "a model has no threshold: --false-alarm and --contamination are of detectors";
        return Err(Usage::new(why).with_hint("fit a detector with `enkoder detect fit`").into());
    }
    let (part, name) = match options.part {
        None | Some(PartArgument::Both) => (Part::Both, "both"),
        Some(PartArgument::Encoder) => (Part::Encoder, "encoder"),
        Some(PartArgument::Decoder) => (Part::Decoder, "decoder"),
        Some(PartArgument::Detector) => {
            let why = format!("{} is a model and no detector", options.model.display());
            let hint = "leave out --part, or fit a detector with `enkoder detect fit`";
            return Err(Usage::new(why).with_hint(hint).into());
        }
    };
    let bytes = export_model(model, part).with_context(|| cannot(options))?;
    let architecture = model.architecture();
    let sample = wording::sample(&architecture.input_shape, size_of::<f32>());
    let made =
        wording::sample(architecture.output_shape.as_ref().unwrap_or(&architecture.input_shape), size_of::<f32>());
    let code = format!("code of {}", wording::counted(architecture.latent(), "number", "numbers"));
    let ways = match part {
        Part::Encoder => format!("from input of {sample} to {code}"),
        Part::Decoder => format!("from {code} to reconstruction of {made}"),
        Part::Both => format!("from input of {sample} to {code} and reconstruction of {made}"),
    };
    Ok(Exported { bytes, part: name, ways })
}

fn of_detector(options: &Options, detector: &Detector) -> anyhow::Result<Exported> {
    if options.part.is_some_and(|part| part != PartArgument::Detector) {
        let why = format!("{} is a detector, which has no encoder and no decoder", options.model.display());
        return Err(Usage::new(why).with_hint("leave out --part").into());
    }
    let threshold = detect::threshold(detector, options.rule.rule())?;
    let bytes = export_detector(detector, &threshold).with_context(|| cannot(options))?;
    let features = wording::counted(detector.features(), "feature", "features");
    let flags = detect::describe(detector, &threshold);
    Ok(Exported { bytes, part: "detector", ways: format!("from {features} to score, p_value and flag ({flags})") })
}

fn cannot(options: &Options) -> String {
    format!("{} cannot be exported", standard_input::display(&options.model))
}
