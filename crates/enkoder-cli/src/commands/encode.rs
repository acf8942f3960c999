//! `enkoder encode`: samples in, codes out.

use std::process::ExitCode;

use clap::Args;

use crate::arguments::{DataOptions, ModelAndData, RunOptions};
use crate::failure::Usage;
use crate::inputs::Inputs;
use crate::model;
use crate::output::{Output, OutputOptions};

/// Turn samples into codes
///
/// A code is as many numbers as the model's latent size. Without --out they are printed as CSV.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    of: ModelAndData,

    /// Also write the label of each sample, as a last column of CSV; `enkoder decode` passes over it
    #[arg(long)]
    labels: bool,

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
    if options.labels && matches!(output, Output::Npy(_)) {
        return Err(Usage::new("--labels is given, but an array of numbers has no place for labels")
            .with_hint("write CSV: a name with .csv, or no --out")
            .into());
    }
    if options.labels && data.classes().is_none() {
        return Err(Usage::new(format!("--labels is given, but {} has no labels", data.name()))
            .with_hint("name their column with --label, or leave --labels out")
            .into());
    }
    let codes = model.encode(&data)?;
    options.output.write_codes(&output, codes.view(), options.labels.then_some(&data))?;
    output.confirm(options.common.json, screen, codes.nrows(), &[codes.ncols()])?;
    Ok(ExitCode::SUCCESS)
}
