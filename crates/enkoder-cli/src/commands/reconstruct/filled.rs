//! `enkoder reconstruct --fill`: the data as it was given, with what the model says only where something is missing.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;

use enkoder::codec::{ElementType, SampleArray, SampleSource};
use enkoder::{Autoencoder, Cell, Column, Dataset, Schema};
use enkoder_data::{CsvText, Format, Source, TableOptions, is_file};
use ndarray::{Array2, ArrayView2};

use super::Options;
use crate::arguments;
use crate::failure::Usage;
use crate::missing::Missing;
use crate::model;
use crate::output::Output;
use crate::screen::Screen;
use crate::wording;

/// Fills and writes; returns the number of samples.
pub fn run(options: &Options, output: &Output, model: &Autoencoder, screen: Screen) -> anyhow::Result<usize> {
    if options.reading.missing != arguments::Missing::Keep {
        return Err(Usage::new("--missing leaves no gaps that --fill could fill")
            .with_hint("leave --missing out")
            .into());
    }
    let as_text = matches!(output, Output::Stdout | Output::Csv(_));
    let known = TableOptions { schema: model.schema().cloned(), ..TableOptions::default() };
    let text = if as_text { options.csv()?.map(|path| CsvText::open(&path, &known)).transpose()? } else { None };
    let data = options.open(model, text.as_ref(), screen)?;
    model::check(model, &options.of.model, &data)?;
    let filled = model.fill(&data, options.filling.iterations(model))?;
    if let (Some(text), Some(schema)) = (text, data.schema()) {
        let cells = FilledCells::new(schema, &text, filled.view());
        let mut count = 0;
        options.output.write_csv(output, |out| {
            count = text.fill(data.len(), out, |row, column| cells.get(row, column))?;
            Ok(())
        })?;
        say(screen, count);
        return Ok(data.len());
    }
    say(screen, Missing::of(&data).missing);
    match exact(options, &data, filled.view())? {
        Some(exact) if !matches!(output, Output::Images(_)) => {
            options.output.write_exact(output, exact.view(), data.shape())?;
        }
        _ => {
            if as_text && data.schema().is_some() {
                tracing::warn!(
                    "only CSV comes back as it was: of this table, columns and words that the model does not know are left out, \
                     and numbers are rounded to 32 bits; save it as CSV first"
                );
            }
            options.output.write_samples(output, model, filled.view())?;
        }
    }
    Ok(data.len())
}

/// Says how much was filled.
pub fn say(screen: Screen, missing: usize) {
    match missing {
        0 => screen.note("nothing is missing"),
        missing => screen.note(format_args!("{} filled", wording::counted(missing, "missing value", "missing values"))),
    }
}

impl Options {
    /// The CSV file that is meant, where it is one.
    fn csv(&self) -> anyhow::Result<Option<PathBuf>> {
        Ok(match self.reading.source(&self.of.data)? {
            Source::File { path, part: None } if is_file(&path) && Format::of(&path)? == Format::Csv => Some(path),
            _ => None,
        })
    }

    /// The data. Columns that come back as they are need no word that the model does not know them.
    fn open(&self, model: &Autoencoder, text: Option<&CsvText>, screen: Screen) -> anyhow::Result<Dataset> {
        let schema = |text| model.schema().cloned().or_else(|| self.pixels(text, model));
        let (Some((text, schema)), [name]) = (text.and_then(|text| Some((text, schema(text)?))), &self.of.data[..])
        else {
            return self.reading.open_for(model, &self.of.data, screen);
        };
        let known: HashSet<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
        let ignore = text.columns().iter().filter(|name| !known.contains(name.as_str())).cloned().collect();
        let (schema, header) = (Some(schema), text.header());
        self.reading.read(name, TableOptions { ignore, schema, header, ..TableOptions::default() }, screen)
    }

    /// The columns of a file whose samples are images, of which a model keeps no names: all but that of the labels.
    fn pixels(&self, text: &CsvText, model: &Autoencoder) -> Option<Schema> {
        let label = self.reading.label.as_deref();
        let is_label = |(index, name): &(usize, &String)| {
            label.is_some_and(|label| label == *name || label.strip_prefix('#') == Some(&(index + 1).to_string()))
        };
        let columns = text.columns().iter().enumerate().filter(|column| !is_label(column));
        let schema = Schema::new(columns.map(|(_, name)| Column::numeric(name)).collect());
        (schema.features() == model.architecture().features()).then_some(schema)
    }
}

/// What a model makes of the gaps in the columns of a file.
struct FilledCells<'a> {
    /// For each column of the file that of the model, and its features.
    known: Vec<Option<(&'a Column, Range<usize>)>>,
    filled: ArrayView2<'a, f32>,
}

impl<'a> FilledCells<'a> {
    fn new(schema: &'a Schema, text: &CsvText, filled: ArrayView2<'a, f32>) -> Self {
        let columns: HashMap<&str, _> = schema
            .columns
            .iter()
            .zip(schema.ranges())
            .map(|(column, features)| (column.name.as_str(), (column, features)))
            .collect();
        Self { known: text.columns().iter().map(|name| columns.get(name.as_str()).cloned()).collect(), filled }
    }

    /// The cell for a row and a column of the file; missing where the model does not know the column.
    fn get(&self, row: usize, column: usize) -> Cell<'a> {
        let Some((column, features)) = &self.known[column] else { return Cell::Missing };
        let features: Vec<f32> = features.clone().map(|feature| self.filled[[row, feature]]).collect();
        column.decode(&features)
    }
}

/// The samples of arrays of 64-bit numbers, which samples to train on are rounded from, filled.
fn exact(options: &Options, data: &Dataset, filled: ArrayView2<'_, f32>) -> anyhow::Result<Option<Array2<f64>>> {
    let Some(mut arrays) = options.reading.open_arrays(&options.of.data)? else { return Ok(None) };
    if arrays.element() != ElementType::F64 || arrays.samples() < data.len() as u64 {
        return Ok(None);
    }
    let observed = SampleArray::from_bytes(ElementType::F64, data.shape(), arrays.read(0, data.len())?)?;
    let Some(mut observed) = observed.values::<f64>() else { return Ok(None) };
    let given = data.to_array();
    for ((observed, given), filled) in observed.iter_mut().zip(&given).zip(filled) {
        if given.is_nan() {
            *observed = f64::from(*filled);
        }
    }
    Ok(Some(Array2::from_shape_vec(given.dim(), observed)?))
}
