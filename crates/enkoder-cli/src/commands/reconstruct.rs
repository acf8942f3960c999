//! `enkoder reconstruct`: samples in, the same samples out as the model copies them.

use std::process::ExitCode;

use clap::Args;

use crate::arguments::{DataOptions, ModelAndData, RunOptions};
use crate::model;
use crate::output::OutputOptions;

/// Copy samples through the model: encode and decode them
///
/// The reconstructions have the units of the data. Without --out they are printed as CSV; a table gets its columns back.
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
    let model = model::load(&options.of.model)?;
    let shape = &model.architecture().input_shape;
    let output = options.output.open(Some(shape))?;
    let data = options.reading.open_for(&model, &options.of.data, screen)?;
    model::check(&model, &options.of.model, &data)?;
    let samples = model.reconstruct(&data)?;
    options.output.write_samples(&output, &model, samples.view())?;
    output.confirm(options.common.json, screen, samples.nrows(), shape)?;
    Ok(ExitCode::SUCCESS)
}
