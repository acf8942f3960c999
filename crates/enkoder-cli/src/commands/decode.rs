//! `enkoder decode`: codes in, samples out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder_data::{DataError, Place, ReadOptions, open};
use ndarray::{Array2, Axis};

use crate::arguments::{DataName, RunOptions};
use crate::failure::Usage;
use crate::inputs::Inputs;
use crate::model;
use crate::output::{CODE, OutputOptions};
use crate::standard_input;

/// Turn codes back into samples
///
/// The samples have the units of the data that the model was trained on. Without --out they are printed as CSV.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  enkoder decode runs/digits codes.csv -o images/
  enkoder decode runs/digits codes.csv --between 1,2 -o walk.png")]
pub struct Options {
    /// The model file, or the folder that `enkoder train` wrote
    #[arg(value_hint = ValueHint::AnyPath)]
    model: PathBuf,

    /// The codes, one a row: .npy or .csv, as `enkoder encode` writes them; - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    codes: DataName,

    /// Decode a walk in a straight line from one of the codes to another, by their rows counted from 1; a name with .png shows all steps
    /// beside each other
    #[arg(long, value_name = "ROW,ROW", value_parser = parse_rows)]
    between: Option<[usize; 2]>,

    /// Steps of the walk, with both ends
    #[arg(long, value_name = "N", default_value_t = 9, requires = "between", value_parser = parse_steps)]
    steps: usize,

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
    let codes = match options.between {
        Some(ends) => walk(&codes, ends, options.steps)?,
        None => codes,
    };
    let samples = model
        .decode(codes.view())
        .with_context(|| format!("{} cannot be decoded with {}", options.codes, options.model.display()))?;
    match options.between {
        Some(_) => options.output.write_walk(&output, &model, samples.view())?,
        None => options.output.write_samples(&output, &model, samples.view())?,
    }
    output.confirm(options.common.json, screen, samples.nrows(), shape)?;
    Ok(ExitCode::SUCCESS)
}

/// So many codes in a straight line between two of them.
fn walk(codes: &Array2<f32>, ends: [usize; 2], steps: usize) -> Result<Array2<f32>, Usage> {
    if let Some(row) = ends.into_iter().find(|&row| row > codes.nrows()) {
        return Err(Usage::new(format!("--between names row {row}, but there are {} codes", codes.nrows()))
            .with_hint("rows are counted from 1"));
    }
    let [from, to] = ends.map(|row| codes.row(row - 1));
    Ok(Array2::from_shape_fn((steps, codes.ncols()), |(step, at)| {
        let share = step as f32 / (steps - 1) as f32;
        from[at] * (1.0 - share) + to[at] * share
    }))
}

fn parse_rows(text: &str) -> Result<[usize; 2], String> {
    let row = |text: &str| text.trim().parse().ok().filter(|&row: &usize| row > 0);
    let rows = text.split_once(',').and_then(|(from, to)| row(from).zip(row(to)));
    rows.map(|(from, to)| [from, to]).ok_or_else(|| "write two row numbers from 1 on, as 1,2".to_owned())
}

fn parse_steps(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|steps| (2..=1000).contains(steps))
        .ok_or_else(|| "a number from 2 to 1000 is needed".into())
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
