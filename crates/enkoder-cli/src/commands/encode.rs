//! `enkoder encode`: samples in, codes out.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use enkoder::{Autoencoder, Dataset};
use enkoder_data::TableOptions;
use ndarray::{Array2, Axis, concatenate};

use crate::arguments::{DataName, DataOptions, ModelAndData, RunOptions};
use crate::failure::Usage;
use crate::inputs::Inputs;
use crate::model;
use crate::output::{Beside, Output, OutputOptions, labels_of};
use crate::pictures;
use crate::screen::Screen;

/// Rows of a table that are encoded at a time.
const ROWS: usize = 4096;

/// Turn samples into codes
///
/// A code is as many numbers as the model's latent size. Without --out they are printed as CSV.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  enkoder encode runs/digits strokes:100 --labels -o codes.csv
  enkoder encode runs/sensors readings.csv --keep time -o codes.csv
  enkoder encode runs/photos photos/ --ids -o codes.csv")]
pub struct Options {
    #[command(flatten)]
    of: ModelAndData,

    #[command(flatten)]
    beside: BesideOptions,

    #[command(flatten)]
    output: OutputOptions,

    #[command(flatten)]
    reading: DataOptions,

    #[command(flatten)]
    common: RunOptions,
}

/// What is written beside codes.
#[derive(Clone, Debug, Args)]
struct BesideOptions {
    /// Also write which sample each code is of, as a first column of CSV: the file of a picture, the row of other data, counted from 1. A
    /// picture that cannot be read is then an error
    #[arg(long)]
    ids: bool,

    /// Also write these columns of a table, such as a time or an identifier, as they stand there
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    keep: Vec<String>,

    /// Also write the label of each sample, as a last column of CSV; `enkoder decode` passes over all these columns
    #[arg(long)]
    labels: bool,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let output = options.output.open(None, &Inputs::new(options.of.inputs(&options.reading)?)?)?;
    let model = model::load(&options.of.model)?;
    if let (Some(option), Output::Npy(_)) = (options.beside.given(), &output) {
        return Err(Usage::new(format!("{option} is given, but an array of numbers has no place for it"))
            .with_hint("write CSV: a name with .csv, or no --out")
            .into());
    }
    let rows_of_a_table = (options.beside.ids || !options.beside.keep.is_empty()) && model.schema().is_some();
    let (codes, beside) = match options.of.data.as_slice() {
        [table] if rows_of_a_table => options.encode_table(&model, table, screen)?,
        _ => options.encode(&model, screen)?,
    };
    options.output.write_codes(&output, codes.view(), &beside)?;
    output.confirm(options.common.json, screen, codes.nrows(), &[codes.ncols()])?;
    Ok(ExitCode::SUCCESS)
}

impl BesideOptions {
    /// An option that was given.
    fn given(&self) -> Option<&'static str> {
        let given = [("--ids", self.ids), ("--keep", !self.keep.is_empty()), ("--labels", self.labels)];
        given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
    }
}

impl Options {
    /// Codes of samples that are read at once.
    fn encode(&self, model: &Autoencoder, screen: Screen) -> anyhow::Result<(Array2<f32>, Beside)> {
        if !self.beside.keep.is_empty() {
            return Err(Usage::new(
                "--keep is given, but only a table on which the model was trained has columns to keep",
            )
            .with_hint("leave it out, or give one table as DATA")
            .into());
        }
        // A picture that is left out would give its name to the next one.
        let strict = self.reading.strict || self.beside.ids;
        let data = DataOptions { strict, ..self.reading.clone() }.open_for(model, &self.of.data, screen)?;
        model::check(model, &self.of.model, &data)?;
        let mut beside = Beside { first: Vec::new(), labels: self.labels_of(&data)? };
        if self.beside.ids {
            beside.first.push(ids(&self.of.data, data.len())?);
        }
        Ok((model.encode(&data)?, beside))
    }

    /// Codes of the rows of a table, of which some columns are kept. A row that is dropped leaves a gap in the numbers.
    fn encode_table(
        &self,
        model: &Autoencoder,
        table: &DataName,
        screen: Screen,
    ) -> anyhow::Result<(Array2<f32>, Beside)> {
        let schema = model.schema().cloned();
        let columns = schema.iter().flat_map(|schema| &schema.columns);
        let features: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
        // What the model has learned from is read as a number or a category, and written as such.
        let keep = self.beside.keep.iter().filter(|name| !features.contains(&name.as_str())).cloned().collect();
        let options = TableOptions { schema: schema.clone(), keep, ..TableOptions::default() };
        let _busy = screen.busy(format!("encoding {table}"));
        let (mut codes, mut row) = (vec![Array2::zeros((0, model.architecture().latent()))], 0);
        let mut numbers = Vec::new();
        let mut kept = vec![Vec::new(); self.beside.keep.len()];
        let mut labels = self.beside.labels.then(Vec::new);
        for chunk in self.reading.chunks(table, options, ROWS, screen)? {
            let chunk = chunk?;
            if let Some(labels) = &mut labels {
                labels.extend(self.labels_of(&chunk.data)?.unwrap_or_default());
            }
            let mut values = vec![0.0; chunk.data.features()];
            for (text, place) in chunk.rows().enumerate() {
                row += 1;
                let Some(place) = place else { continue };
                numbers.push(row.to_string());
                chunk.data.copy_row(place, &mut values);
                let mut texts = chunk.kept.iter();
                for (name, cells) in self.beside.keep.iter().zip(&mut kept) {
                    let feature = features.iter().position(|feature| feature == name).zip(schema.as_ref());
                    cells.push(match feature {
                        Some((at, schema)) => {
                            schema.decode_row(&values).nth(at).map_or_else(String::new, |cell| cell.to_string())
                        }
                        None => texts.next().map_or_else(String::new, |texts| texts[text].clone()),
                    });
                }
            }
            if !chunk.data.is_empty() {
                model::check(model, &self.of.model, &chunk.data)?;
                codes.push(model.encode(&chunk.data)?);
            }
        }
        let views: Vec<_> = codes.iter().map(|codes| codes.view()).collect();
        let codes = concatenate(Axis(0), &views).context("the codes do not go together")?;
        let mut first = if self.beside.ids { vec![("row".to_owned(), numbers)] } else { Vec::new() };
        first.extend(self.beside.keep.iter().cloned().zip(kept));
        Ok((codes, Beside { first, labels }))
    }

    /// The labels of samples, where they are asked for.
    fn labels_of(&self, data: &Dataset) -> anyhow::Result<Option<Vec<String>>> {
        if !self.beside.labels {
            return Ok(None);
        }
        let Some(labels) = labels_of(data) else {
            return Err(Usage::new(format!("--labels is given, but {} has no labels", data.name()))
                .with_hint("name their column with --label, or leave --labels out")
                .into());
        };
        Ok(Some(labels.into_iter().map(str::to_owned).collect()))
    }
}

/// What so many samples are called, and the name of the column with it.
fn ids(data: &[DataName], samples: usize) -> anyhow::Result<(String, Vec<String>)> {
    if !pictures::are_pictures(data) {
        return Ok(("row".to_owned(), (1..=samples).map(|row| row.to_string()).collect()));
    }
    let mut names: Vec<String> = pictures::find(data)?.iter().map(|found| found.name.display().to_string()).collect();
    if names.len() < samples {
        return Err(Usage::new("--ids is given, but some of the files hold several pictures")
            .with_hint("leave it out: codes come in the order of the files and of their pages")
            .into());
    }
    names.truncate(samples);
    Ok(("file".to_owned(), names))
}
