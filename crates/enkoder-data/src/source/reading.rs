//! Reading a source whole: each kind by its own reader, and a file by its format.

use std::io::BufReader;
use std::path::Path;

use enkoder::Dataset;

use super::builtin::{read_fields, read_strokes};
use super::names::file_name;
use super::{ArrayOptions, Format, ReadOptions, Source};
use crate::arff::read_arff;
use crate::arrow::read_arrow;
use crate::csv::read_csv;
use crate::error::{DataError, Place};
use crate::idx::{IdxFolder, read_idx_file};
use crate::image_files::matching;
use crate::images::{read_image_files, read_image_folder};
use crate::input::{Input, is_file};
use crate::json_lines::read_json_lines;
use crate::npz::{NpzOptions, read_npz};
#[cfg(feature = "http")]
use crate::openml::{OpenmlClient, Watcher};
use crate::parquet::{read_parquet, read_parts};
use crate::plant;
use crate::pump;
use crate::table::Table;

impl Source {
    /// Reads the data; what is on OpenML with a client of its own, silently.
    pub fn open(&self, options: &ReadOptions) -> Result<Dataset, DataError> {
        self.read(options, |id| fetch(id, options))
    }

    /// Reads the data; what is on OpenML with this client, which tells what it does.
    #[cfg(feature = "http")]
    pub fn open_with(
        &self,
        options: &ReadOptions,
        client: &OpenmlClient,
        watcher: &mut Watcher<'_>,
    ) -> Result<Dataset, DataError> {
        self.read(options, |id| client.open(id, &options.table, watcher))
    }

    fn read(
        &self,
        options: &ReadOptions,
        fetch: impl FnOnce(u32) -> Result<Dataset, DataError>,
    ) -> Result<Dataset, DataError> {
        let images = options.images();
        // An NPZ file may hold labels too, which arrays alone do not have.
        let with_labels = options.arrays == ArrayOptions::default()
            && matches!(self, Self::File { path, .. } if is_file(path) && Format::of(path)? == Format::Npz);
        if !with_labels && let Some(arrays) = self.open_arrays(options)? {
            let arrays = arrays.keeping_infinite(options.table.keep_infinite);
            return Ok(arrays.into_dataset(options.samples)?.with_name(self.short_name()));
        }
        if let Some(parts) = self.parts()? {
            let table = read_parts(&self.short_name(), parts, &options.table)?;
            return table.into_dataset(&options.of_table()).map_err(|error| error.within(self.to_string()));
        }
        let data = match self {
            Self::Strokes { count } => read_strokes(*count, options)?,
            Self::Fields { count } => read_fields(*count, options)?,
            Self::Plant { faults: false } => plant::normal(plant::NORMAL_ROWS, options.seed),
            Self::Plant { faults: true } => plant::faulty(plant::FAULTY_ROWS, options.seed),
            Self::Pump { faults: false } => pump::normal(pump::NORMAL_ROWS, options.seed),
            Self::Pump { faults: true } => pump::faulty(pump::FAULTY_ROWS, options.seed),
            Self::Openml { id } => fetch(*id)?,
            Self::Folder { path } => {
                let data = match IdxFolder::find(path)? {
                    Some(folder) => folder.read()?,
                    None => read_image_folder(path, &images)?,
                };
                data.with_name(self.short_name())
            }
            Self::File { path, part } => open_file(path, part.as_deref(), options)?,
            Self::Pattern { pattern } => {
                let paths = matching(pattern)?;
                if paths.is_empty() {
                    return Err(DataError::unsuitable(Place::source(pattern), "no file matches the pattern"));
                }
                read_image_files(pattern, &paths, &images)?
            }
            Self::Files { paths } => read_image_files(&self.to_string(), paths, &images)?,
        };
        if data.is_empty() {
            return Err(DataError::empty(Place::source(data.name())));
        }
        Ok(match options.samples {
            Some(samples) if samples < data.len() => data.head(samples),
            _ => data,
        })
    }
}

#[cfg(feature = "http")]
fn fetch(id: u32, options: &ReadOptions) -> Result<Dataset, DataError> {
    OpenmlClient::new()?.open(id, &options.table, &mut |_| std::ops::ControlFlow::Continue(()))
}

#[cfg(not(feature = "http"))]
fn fetch(id: u32, _: &ReadOptions) -> Result<Dataset, DataError> {
    Err(DataError::not_built(Place::source(format!("openml:{id}")), "OpenML", "http"))
}

fn open_file(path: &Path, part: Option<&str>, options: &ReadOptions) -> Result<Dataset, DataError> {
    must_be_file(path)?;
    let format = Format::of(path)?;
    if let Some(part) = part.filter(|_| format != Format::Npz) {
        let why = format!("has no array {part:?}: only NPZ, NetCDF and HDF5 files have arrays with names");
        return Err(DataError::unsuitable(path, why));
    }
    let table = |table: Result<Table, DataError>| {
        table.and_then(|table| table.into_dataset(&options.of_table())).map_err(|error| error.of_file(path))
    };
    let data = match format {
        Format::Csv => return table(read_csv(path, &options.table)),
        Format::Arrow => return table(read_arrow(path, &options.table)),
        Format::Arff => return table(read_arff(path, &options.table)),
        Format::JsonLines => return table(read_json_lines(path, &options.table)),
        Format::Parquet => return table(read_parquet(path, &options.table)),
        Format::Idx => read_idx_file(path)?,
        Format::Npz => {
            let (file, length) = open_with_length(path)?;
            let (label, keep_infinite) = (options.table.label.as_deref(), options.table.keep_infinite);
            let npz = NpzOptions { array: part, label, keep_infinite };
            read_npz(&path.display().to_string(), file, length, &npz)?
        }
        // Those were opened before, as arrays.
        Format::Npy | Format::NetCdf | Format::Hdf5 | Format::Zarr => {
            return Err(DataError::UnknownFormat { path: path.into() });
        }
        Format::Image => read_image_files(&path.display().to_string(), &[path.to_owned()], &options.images())?,
    };
    Ok(data.with_name(file_name(path, part)))
}

pub(super) fn open_with_length(path: &Path) -> Result<(BufReader<Input>, u64), DataError> {
    let input = Input::open(path)?;
    let length = input.length().map_err(|source| DataError::io("open", path, source))?;
    Ok((BufReader::new(input), length.unwrap_or(0)))
}

pub(super) fn must_be_file(path: &Path) -> Result<(), DataError> {
    if is_file(path) {
        return Ok(());
    }
    Err(DataError::unsuitable(path, "is a pipe or device, and a file is read more than once")
        .with_hint("save it to a file first"))
}
