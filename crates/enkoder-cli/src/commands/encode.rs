//! `enkoder encode`: samples in, codes out.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueHint};

use crate::arguments::{DataOptions, RunOptions};
use crate::model;
use crate::output::OutputOptions;

/// Turn samples into codes
///
/// A code is as many numbers as the model's latent size. Without --out they are printed as CSV.
#[derive(Debug, Args)]
pub struct Options {
    /// The model file, or the folder that `enkoder train` wrote
    #[arg(value_hint = ValueHint::AnyPath)]
    model: PathBuf,

    /// Built-in name, openml:ID, or a path
    #[arg(value_hint = ValueHint::AnyPath)]
    data: String,

    #[command(flatten)]
    output: OutputOptions,

    #[command(flatten)]
    reading: DataOptions,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let output = options.output.open(None)?;
    let model = model::load(&options.model)?;
    let data = options.reading.open_for(&model, &options.data, screen)?;
    model::check(&model, &options.model, &data)?;
    let codes = model.encode(&data)?;
    options.output.write_codes(&output, codes.view())?;
    output.confirm(options.common.json, screen, codes.nrows(), &[codes.ncols()])?;
    Ok(ExitCode::SUCCESS)
}
