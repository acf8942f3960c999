//! `enkoder import`: an autoencoder of another toolkit, from an ONNX file, as a model.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::Autoencoder;
use enkoder_data::export::Overwrite;
use enkoder_onnx::{ImportOptions, import_model};
use serde_json::json;

use crate::arguments::RunOptions;
use crate::file_output;
use crate::inputs::Inputs;
use crate::screen::print;
use crate::standard_input;
use crate::wording;

/// Take an autoencoder over from an ONNX file, as PyTorch and Keras export them
///
/// What can be taken over are chains of dense and convolutional layers that make of a sample something of its size. The encoder ends where
/// fewest numbers pass, or where --latent says. The model takes samples as the file did, with images channels last; before it gets its
/// name it has been compared with the file.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  enkoder import model.onnx -o model.safetensors
  enkoder eval model.safetensors images.npy --report report.html
  enkoder import model.onnx -o model.safetensors --latent /encoder/fc/Gemm_output_0")]
pub struct Options {
    /// The ONNX file; - is standard input
    #[arg(value_name = "FILE.onnx", value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// The model file to write; - is standard output
    #[arg(short, long, value_name = "FILE.safetensors", value_hint = ValueHint::FilePath)]
    out: PathBuf,

    /// The value of the graph that is the code [default: the one of fewest numbers, the first of several]
    #[arg(long, value_name = "NAME")]
    latent: Option<String>,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let overwrite = Overwrite::replacing(options.force);
    Inputs::new(vec![options.file.clone()])?.refuse(&options.out)?;
    file_output::check_binary(&options.out, overwrite, &options.common)?;
    let name = standard_input::display(&options.file);
    let bytes = fs::read(standard_input::file(&options.file)?).with_context(|| format!("{name} cannot be read"))?;
    // Standard input lies in no folder.
    let folder = options.file.parent().filter(|_| options.file.as_os_str() != "-").map(Path::to_path_buf);
    let import = ImportOptions { name: name.clone(), latent: options.latent.clone(), folder };
    let model = import_model(&bytes, &import).with_context(|| format!("{name} cannot be taken over"))?;
    let bytes = model.to_bytes()?;
    // What is written is a model.
    Autoencoder::from_bytes(&bytes)?;
    file_output::write_bytes(&options.out, overwrite, &bytes)?;
    let (architecture, out) = (model.architecture(), file_output::display(&options.out));
    if options.common.json {
        print(
            json!({ "out": out, "shape": architecture.input_shape, "latent": architecture.latent(), "parameters": architecture.parameters() }),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let sample = wording::sample(&architecture.input_shape, size_of::<f32>());
    let latent = wording::counted(architecture.latent(), "number", "numbers");
    screen.note(format_args!(
        "{out}: {}, samples of {sample}, {latent} a code; compared with {name}",
        architecture.summary()
    ));
    Ok(ExitCode::SUCCESS)
}
