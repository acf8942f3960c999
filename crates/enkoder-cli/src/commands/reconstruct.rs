//! `enkoder reconstruct`: samples in, the same samples out as the model copies them; or only what is missing of them.

mod filled;
mod masked;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueHint};
use enkoder::Autoencoder;

use crate::arguments::{DataOptions, ModelAndData, RunOptions, parse_count};
use crate::inputs::Inputs;
use crate::model;
use crate::output::OutputOptions;

/// Copy samples through the model, or fill in what is missing
///
/// The reconstructions have the units of the data. Without --out they are printed as CSV; a table gets its columns back.
///
/// With --fill only what is missing (empty cells, NaN) is taken from the model; with --mask, that of a picture which is white in the
/// mask. All else stays as it is: a CSV file comes back with all its columns and every digit. A model trained with --noise missing:0.5 has
/// learned to fill.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  enkoder reconstruct runs/digits digits.npy --out copies.npy
  enkoder reconstruct runs/table table.csv --fill --out whole.csv
  enkoder reconstruct runs/faces damaged.png --mask mask.png --out filled.png")]
pub struct Options {
    #[command(flatten)]
    of: ModelAndData,

    #[command(flatten)]
    output: OutputOptions,

    #[command(flatten)]
    filling: FillingOptions,

    #[command(flatten)]
    reading: DataOptions,

    #[command(flatten)]
    common: RunOptions,
}

/// What is filled in, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filling")]
struct FillingOptions {
    /// Keep what is there and fill in only what is missing
    #[arg(long)]
    fill: bool,

    /// A picture of the same size as DATA, which is one picture: where it is white, DATA is missing; --out names a .png, or - for standard output
    #[arg(long, value_name = "PICTURE", requires = "out", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["fill", "size", "grey", "samples", "label"])]
    mask: Option<PathBuf>,

    /// How often the model is asked: first with the training mean in place of what is missing, then with its own answer [default:
    /// 1 of a model trained with --noise missing, 10 of others]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    iterations: Option<usize>,
}

impl FillingOptions {
    fn iterations(&self, model: &Autoencoder) -> usize {
        self.iterations.unwrap_or_else(|| model.fill_iterations())
    }
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let inputs = Inputs::new(options.of.inputs(&options.reading)?)?;
    let model = model::load(&options.of.model)?;
    if let Some(mask) = &options.filling.mask {
        return masked::run(&options, mask, &model, screen);
    }
    let shape = &model.architecture().input_shape;
    let output = options.output.open(Some(shape), &inputs)?;
    let samples = if options.filling.fill {
        filled::run(&options, &output, &model, screen)?
    } else {
        let data = options.reading.open_for(&model, &options.of.data, screen)?;
        model::check(&model, &options.of.model, &data)?;
        let samples = model.reconstruct(&data)?;
        options.output.write_samples(&output, &model, samples.view())?;
        samples.nrows()
    };
    output.confirm(options.common.json, screen, samples, shape)?;
    Ok(ExitCode::SUCCESS)
}
