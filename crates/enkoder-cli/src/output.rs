//! Writing arrays to where the user wants them: NPY, CSV, a folder of PNG files, or CSV on stdout, in pipes and on devices.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::ValueHint;
use enkoder::codec::ElementType;
use enkoder::{Autoencoder, Dataset, Schema};
use enkoder_data::DataError;
use enkoder_data::export::{Overwrite, check_output, write_atomically};
use enkoder_data::images::{write_image, write_images};
use enkoder_data::npy::{write_array_header, write_npy};
use ndarray::{Array2, ArrayView2};
use serde_json::json;

use crate::failure::Usage;
use crate::file_output::{is_stdout, is_stream};
use crate::inputs::Inputs;
use crate::model;
use crate::screen::{Screen, print, print_with};
use crate::wording;

/// What the columns of codes are called, before their numbers.
pub const CODE: &str = "code";
/// What the column of labels is called.
pub const LABEL: &str = "label";

/// What is written of samples beside their codes.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Columns before the codes: a name, and a cell for each sample.
    pub first: Vec<(String, Vec<String>)>,
    /// A last column.
    pub labels: Option<Vec<String>>,
}

/// Where arrays go.
#[derive(Clone, Debug, Args)]
pub struct OutputOptions {
    /// Where to write: a name with .npy or .csv, one with .png for one image, or a folder for PNG images [default: -, CSV on standard output]
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub out: Option<PathBuf>,

    /// Replace what is there already
    #[arg(long)]
    pub force: bool,
}

/// A place to write an array to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    Stdout,
    Npy(PathBuf),
    Csv(PathBuf),
    Images(PathBuf),
    /// One PNG file, of one sample.
    Image(PathBuf),
}

impl OutputOptions {
    /// The place that is meant, which is free, none of the `inputs`, and can be written to. `shape` is that of one sample, where there
    /// may be images.
    pub fn open(&self, shape: Option<&[usize]>, inputs: &Inputs) -> anyhow::Result<Output> {
        let Some(path) = self.out.as_ref().filter(|path| !is_stdout(path)) else { return Ok(Output::Stdout) };
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
        let is_image = shape.is_some_and(|shape| matches!(shape, [_, _] | [_, _, 1 | 3]));
        let output = match extension.as_deref() {
            Some("npy") => Output::Npy(path.clone()),
            Some("csv") => Output::Csv(path.clone()),
            Some("png") if is_image => Output::Image(path.clone()),
            _ if is_stream(path) => Output::Csv(path.clone()),
            None if is_image => Output::Images(path.clone()),
            _ => {
                let formats = if is_image {
                    ".npy, .csv, .png for one sample, or a folder for PNG images"
                } else {
                    ".npy or .csv"
                };
                let why = format!("cannot tell from {} how to write", path.display());
                return Err(Usage::new(why).with_hint(format!("name the output {formats}")).into());
            }
        };
        match &output {
            Output::Images(folder) => inputs.refuse_folder(folder)?,
            _ => inputs.refuse(path)?,
        }
        match &output {
            Output::Images(folder) if !self.force && !is_free(folder)? => {
                Err(DataError::Exists { path: folder.clone() }.into())
            }
            Output::Npy(path) | Output::Csv(path) | Output::Image(path) => {
                Ok(check_output(path, self.overwrite()).map(|()| output)?)
            }
            _ => Ok(output),
        }
    }

    fn overwrite(&self) -> Overwrite {
        Overwrite::replacing(self.force)
    }

    /// Writes codes, of CSV with what is beside them.
    pub fn write_codes(&self, output: &Output, codes: ArrayView2<'_, f32>, beside: &Beside) -> anyhow::Result<()> {
        let names = (1..=codes.ncols()).map(|number| format!("{CODE}{number}")).collect();
        let labels = beside.labels.as_ref().map(|labels| labels.iter().map(String::as_str).collect());
        let table = Table { names, values: codes, schema: None, first: &beside.first, labels };
        self.write(output, &table, &[codes.ncols()], (0.0, 1.0))
    }

    /// Writes samples as the model's own data looked: images, or a table with its columns.
    pub fn write_samples(
        &self,
        output: &Output,
        model: &Autoencoder,
        samples: ArrayView2<'_, f32>,
    ) -> anyhow::Result<()> {
        let shape = &model.architecture().input_shape;
        let names = match model.schema() {
            Some(schema) => schema.columns.iter().map(|column| column.name.clone()).collect(),
            None => value_names(samples.ncols(), shape),
        };
        let table = Table { names, values: samples, schema: model.schema(), first: &[], labels: None };
        self.write(output, &table, shape, range_of(model, samples))
    }

    /// The same for steps of a walk, which one PNG file shows beside each other.
    pub fn write_walk(&self, output: &Output, model: &Autoencoder, steps: ArrayView2<'_, f32>) -> anyhow::Result<()> {
        let (Output::Image(_), &[height, width, ..]) = (output, &*model.architecture().input_shape) else {
            return self.write_samples(output, model, steps);
        };
        let channels = steps.ncols() / (height * width);
        let (row, count) = (width * channels, steps.nrows());
        let beside = Array2::from_shape_fn((1, steps.len()), |(_, at)| {
            let (y, step, x) = (at / (count * row), at % (count * row) / row, at % row);
            steps[[step, y * row + x]]
        });
        let table = Table { names: Vec::new(), values: beside.view(), schema: None, first: &[], labels: None };
        let shape = [height, count * width, channels];
        self.write(output, &table, if channels == 1 { &shape[..2] } else { &shape }, range_of(model, steps))
    }

    /// Writes CSV through `write`, to standard output or a file.
    pub fn write_csv(
        &self,
        output: &Output,
        write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        match output {
            Output::Csv(path) => Ok(write_atomically(path, self.overwrite(), |out| write(out))?),
            _ => print_with(write),
        }
    }

    /// Writes samples of 64-bit numbers, to an array or as CSV.
    pub fn write_exact(&self, output: &Output, samples: ArrayView2<'_, f64>, shape: &[usize]) -> anyhow::Result<()> {
        if let Output::Npy(path) = output {
            let axes: Vec<u64> =
                std::iter::once(samples.nrows()).chain(shape.iter().copied()).map(|n| n as u64).collect();
            return Ok(write_atomically(path, self.overwrite(), |out| {
                write_array_header(out, ElementType::F64, &axes)?;
                samples.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
            })?);
        }
        self.write_csv(output, |out| {
            let mut writer = csv::Writer::from_writer(out);
            let mut write = |row: Vec<String>| writer.write_record(row).map_err(csv_error);
            write(value_names(samples.ncols(), shape))?;
            samples.rows().into_iter().try_for_each(|row| write(row.iter().map(f64::to_string).collect()))?;
            writer.flush()
        })
    }

    fn write(&self, output: &Output, table: &Table<'_>, shape: &[usize], range: (f32, f32)) -> anyhow::Result<()> {
        match output {
            Output::Stdout | Output::Csv(_) => self.write_csv(output, |out| table.write_csv(out)),
            Output::Npy(path) => {
                let axes: Vec<usize> = std::iter::once(table.values.nrows()).chain(shape.iter().copied()).collect();
                let values = table.values.to_shape(axes).expect("a sample has as many values as its shape says");
                Ok(write_npy(path, self.overwrite(), values.view())?)
            }
            Output::Images(folder) => {
                let data = Dataset::from_f32("images", table.values.to_owned())?.with_shape(shape)?;
                Ok(write_images(folder, self.overwrite(), &data, range)?)
            }
            Output::Image(path) => {
                let data = Dataset::from_f32("images", table.values.to_owned())?.with_shape(shape)?;
                Ok(write_image(path, self.overwrite(), &data, range)?)
            }
        }
    }
}

/// The names of values without columns.
fn value_names(values: usize, shape: &[usize]) -> Vec<String> {
    let word = if shape.len() > 1 { "pixel" } else { "feature" };
    (1..=values).map(|number| format!("{word}{number}")).collect()
}

impl Output {
    /// Says what was written, to a program on stdout and to a person on stderr.
    pub fn confirm(&self, json: bool, screen: Screen, samples: usize, shape: &[usize]) -> anyhow::Result<()> {
        let (format, path) = match self {
            Self::Stdout => return Ok(()),
            Self::Npy(path) => ("npy", path),
            Self::Csv(path) => ("csv", path),
            Self::Images(path) | Self::Image(path) => ("png", path),
        };
        if json {
            let path = path.display().to_string();
            return print(json!({ "out": path, "format": format, "samples": samples, "shape": shape }));
        }
        let (samples, each) = (wording::counted(samples, "row", "rows"), wording::sample(shape, 4));
        screen.note(format_args!("{}: {samples} of {each}", path.display()));
        Ok(())
    }
}

/// Writes data as CSV, a row for each sample, with its classes in a column called `label`.
pub fn write_dataset_csv(data: &Dataset, out: impl io::Write) -> io::Result<()> {
    let features = (1..=data.features()).map(|number| format!("feature{number}"));
    let names = data
        .schema()
        .map_or(features.collect(), |schema| schema.columns.iter().map(|column| column.name.clone()).collect());
    let values = data.to_array();
    Table { names, values: values.view(), schema: data.schema(), first: &[], labels: labels_of(data) }.write_csv(out)
}

/// The class of each sample, where they have classes; empty for a sample without one.
pub fn labels_of(data: &Dataset) -> Option<Vec<&str>> {
    let classes = data.classes()?;
    let label = |row| data.label(row).map_or("", |label| classes[label as usize].as_str());
    Some((0..data.len()).map(label).collect())
}

/// Whether a folder is not there or empty.
fn is_free(folder: &Path) -> Result<bool, DataError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(source) => Err(DataError::io("read the folder", folder, source)),
    }
}

/// What is black and what is white: as the training data had it.
fn range_of(model: &Autoencoder, samples: ArrayView2<'_, f32>) -> (f32, f32) {
    if let Some(range) = model::range(model) {
        return range;
    }
    let finite = || samples.iter().copied().filter(|value| value.is_finite());
    let (min, max) = (finite().fold(f32::INFINITY, f32::min), finite().fold(f32::NEG_INFINITY, f32::max));
    if min < max { (min, max) } else { (0.0, 1.0) }
}

/// What kept CSV from being written, as the system said it: a closed pipe must be known as one.
pub fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// An array with names for its columns.
struct Table<'a> {
    names: Vec<String>,
    values: ArrayView2<'a, f32>,
    /// Where it is given, features become the columns that they were made of: the category with the highest value.
    schema: Option<&'a Schema>,
    /// Columns before the values.
    first: &'a [(String, Vec<String>)],
    /// A last column.
    labels: Option<Vec<&'a str>>,
}

impl Table<'_> {
    fn write_csv(&self, out: impl io::Write) -> io::Result<()> {
        self.write_records(out).map_err(csv_error)
    }

    fn write_records(&self, out: impl io::Write) -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_writer(out);
        let label = self.labels.as_ref().map(|_| LABEL);
        let first = self.first.iter().map(|(name, _)| name.as_str());
        writer.write_record(first.chain(self.names.iter().map(String::as_str)).chain(label))?;
        let mut cells = Vec::new();
        for (number, row) in self.values.rows().into_iter().enumerate() {
            cells.clear();
            match self.schema {
                None => cells.extend(row.iter().map(f32::to_string)),
                Some(schema) => cells.extend(schema.decode_row(&row.to_vec()).map(|cell| cell.to_string())),
            }
            let label = self.labels.as_ref().map(|labels| labels[number]);
            let first = self.first.iter().map(|(_, cells)| cells[number].as_str());
            writer.write_record(first.chain(cells.iter().map(String::as_str)).chain(label))?;
        }
        Ok(writer.flush()?)
    }
}
