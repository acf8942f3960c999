//! How `enkoder decompress` writes arrays: in which format, and whole or not at all.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use enkoder::codec::CodecError;
use enkoder_data::Description;
use enkoder_data::export::Overwrite;
use enkoder_data::netcdf::{ArrayBeside, NetcdfWriter, Written};
use enkoder_data::npy::NpyForm;
use enkoder_data::npz::NpzWriter;

use crate::failure::Usage;
use crate::file_output::is_stream;
use crate::whole_file::{Output, write_whole};

/// What NumPy calls an array without a name.
const NAMELESS: &str = "arr_0";

/// How arrays are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Npy,
    Npz,
    /// An NPY file for each.
    Folder,
    NetCdf,
    Raw,
}

impl Format {
    /// What a name says; a device or a pipe says nothing.
    pub fn of(path: &Path) -> Result<Option<Self>, Usage> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("npy") => Ok(Some(Self::Npy)),
            Some("npz") => Ok(Some(Self::Npz)),
            Some("nc") => Ok(Some(Self::NetCdf)),
            Some("raw") => Ok(Some(Self::Raw)),
            _ if is_stream(path) => Ok(None),
            None => Ok(Some(Self::Folder)),
            _ => Err(Usage::new(format!("cannot tell from {} how to write", path.display()))
                .with_hint("name the output .npy, .npz, .nc or .raw, or a new folder for an NPY file of each array")),
        }
    }
}

/// A folder is written whole or not at all, and so never into another.
pub fn check_folder(path: &Path) -> Result<(), Usage> {
    match path.exists() {
        true => Err(Usage::new(format!("{} is there already", path.display()))
            .with_hint("name a folder that does not exist yet")),
        false => Ok(()),
    }
}

/// Takes the next bytes of the array of this number.
pub type Emit<'a> = dyn FnMut(usize, &[u8]) -> io::Result<()> + 'a;

/// Arrays on their way to a file.
pub struct Writing<'a> {
    /// What they come from.
    pub file: &'a str,
    pub path: &'a Path,
    pub overwrite: Overwrite,
    pub format: Format,
    /// What is known of the file that they were compressed from.
    pub description: &'a Description,
    pub arrays: &'a [Written],
    /// The first step of the leading axis that is asked for.
    pub first: u64,
}

impl Writing<'_> {
    /// The type of an array's numbers in the file that is written.
    pub fn kind(&self, array: usize) -> &'static str {
        let element = self.arrays[array].element;
        match self.format {
            Format::Npy | Format::Npz | Format::Folder => self.description.form(array, element).type_name(),
            Format::NetCdf | Format::Raw => element.name(),
        }
    }

    /// Writes what `work` hands on, whole or not at all.
    pub fn run<T>(&self, work: impl FnOnce(&mut Emit<'_>) -> Result<T, CodecError>) -> anyhow::Result<T> {
        let cannot = || format!("{} cannot be decompressed", self.file);
        if self.format == Format::Folder {
            return self.write_folder(work).with_context(cannot);
        }
        let mut netcdf = match self.format {
            Format::NetCdf => Some(NetcdfWriter::new(self.description, self.arrays, self.first).with_context(cannot)?),
            _ => None,
        };
        write_whole(self.path, self.overwrite, cannot, |out| match self.format {
            Format::Npy | Format::Folder => self.write_npy(out, work),
            Format::Npz => self.write_npz(out, work),
            Format::NetCdf => {
                let mut arrays = netcdf.take().expect("made for this format");
                arrays.begin(out)?;
                let done = work(&mut |array, bytes| arrays.write(out, array, bytes))?;
                arrays.finish(out)?;
                Ok(done)
            }
            Format::Raw => work(&mut |_, bytes| out.write_all(bytes)),
        })
    }

    /// An NPY file for each array in a new folder, which gets its name when all are complete.
    fn write_folder<T>(&self, work: impl FnOnce(&mut Emit<'_>) -> Result<T, CodecError>) -> anyhow::Result<T> {
        check_folder(self.path)?;
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new().prefix(".enkoder-").tempdir_in(parent)?;
        let beside = self.beside();
        let mut files = NpzWriter::new(parent, self.forms(&beside))?;
        let done = work(&mut |array, bytes| files.write(array, bytes))?;
        write_beside(&mut files, self.arrays.len(), &beside)?;
        let shapes = self.shapes(&beside);
        files.finish_apart(&mut |name| File::create_new(folder.path().join(format!("{name}.npy"))), &shapes)?;
        std::fs::rename(folder.path(), self.path)?;
        let _ = folder.keep();
        Ok(done)
    }

    /// Coordinates, bounds and single numbers of the file that the arrays came from. A warning says what NPY cannot hold.
    fn beside(&self) -> Vec<ArrayBeside> {
        match self.description.beside(self.arrays, self.first) {
            Ok((beside, texts)) => {
                if !texts.is_empty() {
                    tracing::warn!(
                        "{} leaves out {}, which are text: an output named .nc holds them",
                        self.path.display(),
                        texts.join(", ")
                    );
                }
                beside
            }
            Err(error) => {
                tracing::warn!("coordinates are left out: {:#}", anyhow::Error::from(error));
                Vec::new()
            }
        }
    }

    /// The shapes of the arrays, and of those beside them.
    fn shapes(&self, beside: &[ArrayBeside]) -> Vec<Vec<u64>> {
        let arrays = self.arrays.iter().map(|array| array.shape.clone());
        arrays.chain(beside.iter().map(|array| array.shape.clone())).collect()
    }

    /// The name and the form of each array as NPY.
    fn forms(&self, beside: &[ArrayBeside]) -> Vec<(String, NpyForm)> {
        let arrays = self.arrays.iter().enumerate().map(|(number, array)| {
            let name = if array.name.is_empty() { NAMELESS.to_owned() } else { array.name.clone() };
            (name, self.description.form(number, array.element))
        });
        arrays.chain(beside.iter().map(|array| (array.name.clone(), NpyForm::plain(array.element)))).collect()
    }

    fn write_npy<T>(
        &self,
        out: &mut Output<'_>,
        work: impl FnOnce(&mut Emit<'_>) -> Result<T, CodecError>,
    ) -> Result<T, CodecError> {
        let Written { element, shape, .. } = &self.arrays[0];
        let form = self.description.form(0, *element);
        form.write_header(out, shape)?;
        if !form.is_turned(shape) {
            return work(&mut |_, bytes| out.write_all(&form.encoded(bytes)));
        }
        let mut all = Vec::new();
        let done = work(&mut |_, bytes| {
            all.extend_from_slice(&form.encoded(bytes));
            Ok(())
        })?;
        out.write_all(&form.turned(&all, shape))?;
        Ok(done)
    }

    fn write_npz<T>(
        &self,
        out: &mut Output<'_>,
        work: impl FnOnce(&mut Emit<'_>) -> Result<T, CodecError>,
    ) -> Result<T, CodecError> {
        let folder = match self.path.parent() {
            _ if is_stream(self.path) => env::temp_dir(),
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let beside = self.beside();
        let mut arrays = out.note(NpzWriter::new(&folder, self.forms(&beside)))?;
        let done = work(&mut |array, bytes| out.note(arrays.write(array, bytes)))?;
        out.note(write_beside(&mut arrays, self.arrays.len(), &beside))?;
        arrays.finish(out, &self.shapes(&beside))?;
        Ok(done)
    }
}

/// Writes the arrays that go along behind so many others.
fn write_beside(arrays: &mut NpzWriter, others: usize, beside: &[ArrayBeside]) -> io::Result<()> {
    beside.iter().enumerate().try_for_each(|(number, array)| arrays.write(others + number, &array.bytes))
}
