//! `enkoder decode`: codes in, samples out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder_data::{DataError, Place, ReadOptions, open};
use ndarray::{Array2, Axis};

use crate::arguments::{DataName, RunOptions};
use crate::inputs::Inputs;
use crate::model;
use crate::output::{CODE, OutputOptions};
use crate::standard_input;

/// Turn codes back into samples
///
/// The samples have the units of the data that the model was trained on. Without --out they are printed as CSV.
#[derive(Debug, Args)]
pub struct Options {
    /// The model file, or the folder that `enkoder train` wrote
    #[arg(value_hint = ValueHint::AnyPath)]
    model: PathBuf,

    /// The codes, one a row: .npy or .csv, as `enkoder encode` writes them; - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    codes: DataName,

    #[command(flatten)]
    output: OutputOptions,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let codes: &Path = options.codes.as_ref();
    let inputs = Inputs::new(vec![model::file_of(&options.model), codes.to_owned()])?;
    let model = model::load(&options.model)?;
    let shape = &model.architecture().input_shape;
    let output = options.output.open(Some(shape), &inputs)?;
    let codes = read_codes(&standard_input::file(codes)?)?;
    if let Some(((row, column), _)) = codes.indexed_iter().find(|(_, value)| value.is_nan()) {
        let why = format!("row {} has no number (NaN) in column {}, so it is no code", row + 1, column + 1);
        return Err(DataError::unsuitable(Place::source(options.codes.to_string()), why)
            .with_hint("leave such rows out, or encode their samples again")
            .into());
    }
    let samples = model
        .decode(codes.view())
        .with_context(|| format!("{} cannot be decoded with {}", options.codes, options.model.display()))?;
    options.output.write_samples(&output, &model, samples.view())?;
    output.confirm(options.common.json, screen, samples.nrows(), shape)?;
    Ok(ExitCode::SUCCESS)
}

/// The codes in a file. Of a table with the columns `code1`, `code2`, …, as `encode` names them, only these count.
fn read_codes(path: &Path) -> Result<Array2<f32>, DataError> {
    let data = open(path, &ReadOptions::default())?;
    let Some(schema) = data.schema() else { return Ok(data.to_array()) };
    let is_code = |name: &str| name.strip_prefix(CODE).is_some_and(|number| number.parse::<usize>().is_ok());
    let named = schema.columns.iter().zip(schema.ranges()).filter(|(column, _)| is_code(&column.name));
    let features: Vec<usize> = named.flat_map(|(_, features)| features).collect();
    let all = data.to_array();
    Ok(if features.is_empty() { all } else { all.select(Axis(1), &features) })
}
