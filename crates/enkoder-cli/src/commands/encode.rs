//! `enkoder encode`: samples in, codes out.

use std::process::ExitCode;

use clap::Args;

use crate::arguments::{DataOptions, ModelAndData, RunOptions};
use crate::inputs::Inputs;
use crate::model;
use crate::output::OutputOptions;

/// Turn samples into codes
///
/// A code is as many numbers as the model's latent size. Without --out they are printed as CSV.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    of: ModelAndData,

    #[command(flatten)]
    output: OutputOptions,

    #[command(flatten)]
    reading: DataOptions,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let output = options.output.open(None, &Inputs::new(options.of.inputs(&options.reading)?)?)?;
    let model = model::load(&options.of.model)?;
    let data = options.reading.open_for(&model, &options.of.data, screen)?;
    model::check(&model, &options.of.model, &data)?;
    let codes = model.encode(&data)?;
    options.output.write_codes(&output, codes.view())?;
    output.confirm(options.common.json, screen, codes.nrows(), &[codes.ncols()])?;
    Ok(ExitCode::SUCCESS)
}
