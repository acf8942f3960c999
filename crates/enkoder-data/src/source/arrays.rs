//! Which of the files that a name stands for hold arrays, and which arrays of them are asked for.

use std::path::{Path, PathBuf};

use super::format::is_zarr;
use super::reading::{must_be_file, open_with_length};
use super::{ArrayOptions, Format, ReadOptions, Source};
use enkoder::codec::SampleSource as _;

use crate::arrays::{Arrays, Contents, Field, only_in_others, raw_field, taken};
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

    /// The arrays that are asked for, or all that are data: in one where they have one shape and type, else each by itself. None where
    /// the data is of another kind.
    ///
    /// Of several files, arrays along the axis of the first are put together; others are taken once where they are the same in all files.
    /// A warning says what is left out.
    ///
    /// # Errors
    /// When a file cannot be read or is damaged, and when an array that is asked for cannot be taken of all files.
    pub fn open_all_arrays(&self, options: &ReadOptions) -> Result<Option<Vec<Arrays>>, DataError> {
        let Some(contents) = self.contents_of_files(&options.arrays)? else {
            return Ok(self.open_arrays(options)?.map(|arrays| vec![arrays]));
        };
        let (first, all) = &contents[0];
        let is_asked = !options.arrays.variables.is_empty();
        let names = match is_asked {
            true => options.arrays.variables.clone(),
            false => all.data().map(|array| array.name.clone()).collect(),
        };
        if names.is_empty() {
            return Ok(self.open_arrays(options)?.map(|arrays| vec![arrays]));
        }
        // What else NetCDF or HDF5 loses is known to its description.
        let unread = all.arrays.iter().filter(|array| all.format == npz::FORMAT && !names.contains(&array.name));
        let unread: Vec<String> = unread
            .map(|array| format!("{} ({})", array.name, array.unreadable.as_deref().unwrap_or("it is empty")))
            .collect();
        if !unread.is_empty() && !is_asked {
            tracing::warn!("of {first} is left out: {}", unread.join(", "));
        }
        let (taken, mut left_out) = taken(&contents, &names)?;
        if !is_asked {
            left_out.extend(only_in_others(&contents));
        }
        if !left_out.is_empty() {
            if is_asked {
                let why = format!("not all files have what is asked for: {}", left_out.join(", "));
                return Err(DataError::unsuitable(Place::source(self.to_string()), why).with_hint(
                    "compress the files one by one, or choose other arrays with `ArrayOptions::variables`",
                ));
            }
            tracing::warn!(
                "left out, because files are put together along one axis: {}; compress the files one by one to keep them",
                left_out.join(", ")
            );
        }
        let mut variables: Vec<Parts> = taken.iter().map(|_| Vec::new()).collect();
        for (number, ((file, contents), path)) in contents.iter().zip(self.array_files(&options.arrays)?).enumerate() {
            let here = || taken.iter().zip(0usize..).filter(|(array, _)| number == 0 || !array.once);
            let asked = ArrayOptions {
                variables: here().map(|(array, _)| array.name.clone()).collect(),
                ..options.arrays.clone()
            };
            if asked.variables.is_empty() {
                continue;
            }
            for ((_, index), mut field) in here().zip(fields_of(&path, None, &asked)?.unwrap_or_default()) {
                // A single number of an NPZ file is an array, too.
                if field.shape.is_empty() && contents.format == npz::FORMAT {
                    tracing::warn!("{}: a single number, which comes back as an array of one", field.name);
                    field.shape.push(1);
                }
                variables[index].push((file.clone(), field));
            }
        }
        let arrays = Arrays::together(&self.to_string(), variables, &options.arrays.block)?;
        Ok(Some(match <[Arrays; 1]>::try_from(arrays) {
            Ok([only]) => match image_of(options.size, only.shape()) {
                Some(shape) => vec![only.with_sample_shape(shape)],
                None => vec![only],
            },
            Err(several) => several,
        }))
    }

    /// What arrays are in each of the files; none where one of them has no arrays with names.
    fn contents_of_files(&self, asked: &ArrayOptions) -> Result<Option<Vec<(String, Contents)>>, DataError> {
        if asked.raw.is_some() || matches!(self, Self::File { part: Some(_), .. }) {
            return Ok(None);
        }
        let mut all = Vec::new();
        for path in self.array_files(asked)? {
            match contents_in(&path, false)? {
                Some(contents) => all.push((path.display().to_string(), contents)),
                None => return Ok(None),
            }
        }
        Ok(Some(all).filter(|all| !all.is_empty()))
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
        let path = match self {
            Self::Folder { path } if is_zarr(path) => path,
            Self::File { path, part: None } => path,
            _ => return Ok(None),
        };
        if options.arrays.raw.is_some() { Ok(None) } else { contents_in(path, true) }
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

/// What arrays with names are in a file, of an NPZ file with `to_choose` only where it is not clear which is the data.
fn contents_in(path: &Path, to_choose: bool) -> Result<Option<Contents>, DataError> {
    if is_zarr(path) {
        return zarr::contents(path).map(Some);
    }
    if !is_file(path) {
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
