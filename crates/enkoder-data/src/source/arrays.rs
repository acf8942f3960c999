//! Which of the files that a name stands for hold arrays, and which arrays of them are asked for.

use std::path::{Path, PathBuf};

use super::format::is_zarr;
use super::reading::{must_be_file, open_with_length};
use super::{ArrayOptions, Format, ReadOptions, Source};
use enkoder::codec::SampleSource as _;

use crate::arrays::{Arrays, Contents, Field, raw_field};
use crate::byte_source::ByteSource;
use crate::error::{DataError, Place};
use crate::hdf5;
use crate::idx::IdxFolder;
use crate::image_files::{files_in, has_images, matching};
use crate::input::is_file;
use crate::netcdf;
use crate::npy;
use crate::npz;
use crate::table::image_of;
use crate::zarr;

/// Extensions of arrays in a folder.
const ARRAY_EXTENSIONS: [&str; 8] = ["npy", "npz", "nc", "cdf", "nc4", "h5", "hdf5", "he5"];

/// The arrays of one variable, with the names of their files.
type Parts = Vec<(String, Field)>;

impl Source {
    /// The data as arrays that keep their type and are read in pieces; none where it is of another kind.
    pub fn open_arrays(&self, options: &ReadOptions) -> Result<Option<Arrays>, DataError> {
        let variables = self.open_fields(options)?;
        let Some(variables) = variables else { return Ok(None) };
        let arrays = Arrays::new(&self.to_string(), variables, &options.arrays.block)?;
        Ok(Some(match image_of(options.size, arrays.shape()) {
            Some(shape) => arrays.with_sample_shape(shape),
            None => arrays,
        }))
    }

    /// The same, each variable by itself: they may be of any shapes and types.
    pub fn open_each_array(&self, options: &ReadOptions) -> Result<Vec<Arrays>, DataError> {
        let variables = self.open_fields(options)?.unwrap_or_default();
        let each = |variable| Arrays::new(&self.to_string(), vec![variable], &options.arrays.block);
        variables.into_iter().map(each).collect()
    }

    /// The arrays of each variable; none where the data is of another kind.
    fn open_fields(&self, options: &ReadOptions) -> Result<Option<Vec<Parts>>, DataError> {
        let asked = &options.arrays;
        let part = if let Self::File { part, .. } = self { part.as_deref() } else { None };
        let mut of_files = Vec::new();
        for path in self.array_files(asked)? {
            match fields_of(&path, part, asked)? {
                Some(fields) => of_files.push((path.display().to_string(), fields)),
                None if of_files.is_empty() => break,
                None => return Err(DataError::unsuitable(path.as_path(), "is no array, unlike the files before it")),
            }
        }
        let Some((_, first)) = of_files.first() else {
            return self.refuse_of_arrays(options).map(|()| None);
        };
        let mut variables: Vec<Parts> = first.iter().map(|_| Vec::new()).collect();
        for (file, fields) in of_files {
            variables.iter_mut().zip(fields).for_each(|(variable, field)| variable.push((file.clone(), field)));
        }
        Ok(Some(variables))
    }

    /// Refuses what only arrays, or images, can be asked for.
    pub(super) fn refuse_of_arrays(&self, options: &ReadOptions) -> Result<(), DataError> {
        let asked = &options.arrays;
        if asked.block.is_empty() && asked.variables.is_empty() && asked.raw.is_none() {
            return Ok(());
        }
        let why = "blocks and variables are of arrays, and this is other data";
        Err(DataError::unsuitable(Place::source(self.to_string()), why)
            .with_hint("arrays are NPY, NPZ, NetCDF and HDF5 files, and raw ones with `ArrayOptions::raw`"))
    }

    /// What arrays are in the file, where it is NetCDF or HDF5 and none of them is named, or NPZ and one must be chosen; none where
    /// it holds other data.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub fn contents(&self, options: &ReadOptions) -> Result<Option<Contents>, DataError> {
        self.contents_of(options, true)
    }

    /// The same, also of an NPZ file of which one array is the data by its name.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub fn all_contents(&self, options: &ReadOptions) -> Result<Option<Contents>, DataError> {
        self.contents_of(options, false)
    }

    fn contents_of(&self, options: &ReadOptions, to_choose: bool) -> Result<Option<Contents>, DataError> {
        let path = match self {
            Self::Folder { path } if is_zarr(path) => return zarr::contents(path).map(Some),
            Self::File { path, part: None } => path,
            _ => return Ok(None),
        };
        if options.arrays.raw.is_some() || !is_file(path) {
            return Ok(None);
        }
        Ok(match Format::of(path)? {
            Format::NetCdf => Some(netcdf::contents(path)?),
            Format::Hdf5 => Some(hdf5::contents(path)?),
            Format::Zarr => Some(zarr::contents(path)?),
            Format::Npz => {
                let (file, length) = open_with_length(path)?;
                npz::contents(&path.display().to_string(), file, length, to_choose)?
            }
            _ => None,
        })
    }

    /// The files that may hold arrays.
    pub(super) fn array_files(&self, asked: &ArrayOptions) -> Result<Vec<PathBuf>, DataError> {
        Ok(match self {
            Self::File { path, .. } => vec![path.clone()],
            Self::Folder { path } if is_zarr(path) => vec![path.clone()],
            Self::Folder { path } if IdxFolder::find(path)?.is_none() && !has_images(path)? => {
                files_in(path, if asked.raw.is_some() { &[] } else { &ARRAY_EXTENSIONS })?
            }
            Self::Pattern { pattern } => matching(pattern)?,
            Self::Files { paths } => paths.clone(),
            _ => Vec::new(),
        })
    }
}

/// The arrays of a file that are asked for; none where it holds other data.
fn fields_of(path: &Path, part: Option<&str>, asked: &ArrayOptions) -> Result<Option<Vec<Field>>, DataError> {
    let names = match part {
        Some(part) => &[part.to_owned()][..],
        None => &asked.variables[..],
    };
    if is_zarr(path) {
        return fields_in(path, zarr::contents(path)?, names);
    }
    must_be_file(path)?;
    let format = if asked.raw.is_some() { None } else { Some(Format::of(path)?) };
    let fields = match (format, &asked.raw) {
        (None, Some(raw)) => vec![raw_field(path, raw)?],
        (Some(Format::Npy), _) => vec![npy::field(&mut ByteSource::open(path)?, Some(path))?],
        (Some(Format::NetCdf), _) => return fields_in(path, netcdf::contents(path)?, names),
        (Some(Format::Hdf5), _) => return fields_in(path, hdf5::contents(path)?, names),
        (Some(Format::Zarr), _) => return fields_in(path, zarr::contents(path)?, names),
        (Some(Format::Npz), _) => {
            let (file, length) = open_with_length(path)?;
            return npz::read_fields(&path.display().to_string(), file, length, names).map(Some);
        }
        _ => return Ok(None),
    };
    match names {
        [] => Ok(Some(fields)),
        [name, ..] => Err(DataError::unsuitable(path, format!("has no array {name:?}: its only one has no name"))
            .with_hint("NetCDF, HDF5 and NPZ files have arrays with names")),
    }
}

/// The arrays asked for of those that a file has.
fn fields_in(path: &Path, contents: Contents, names: &[String]) -> Result<Option<Vec<Field>>, DataError> {
    contents.fields(&path.display().to_string(), names).map(Some)
}
