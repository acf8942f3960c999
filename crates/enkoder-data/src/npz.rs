//! NPZ, NumPy's zip file of named NPY arrays. One array is the data: the one asked for, or the one with a usual name (`X`, `x`,
//! `data`, `arr_0`), or the only one with two or more axes. An array of one number for each sample, named `y` or `labels`, is
//! its labels.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::Path;

use enkoder::Dataset;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, ZipArchive};

use crate::arrays::{ArrayEntry, Attributes, Contents, Described, Field, OriginalType};
use crate::byte_source::{ByteSource, MOST_UNPACKED_PER_BYTE};
use crate::error::{DataError, Place};
use crate::labels;
use crate::npy::{self, NpyForm};
use crate::source::refused_archive;

/// What the format is called.
pub(crate) const FORMAT: &str = "NPZ";

/// More arrays than anyone names; a directory that claims more is refused.
const MOST_MEMBERS: usize = 100_000;

/// The names under which the data is looked for, in this order.
const DATA_NAMES: [&str; 4] = ["X", "x", "data", "arr_0"];

/// The names under which labels are looked for, in this order.
const LABEL_NAMES: [&str; 4] = ["y", "Y", "labels", "label"];

/// Whether content that begins so is a zip file.
pub fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Which arrays of the file to take; what is not given is found by the usual names.
#[derive(Clone, Copy, Debug, Default)]
pub struct NpzOptions<'a> {
    /// The name of the array with the samples.
    pub array: Option<&'a str>,
    /// The name of the array with the labels.
    pub label: Option<&'a str>,
    /// Whether infinite values, and numbers beyond f32, are read as they are; otherwise the first is an error that names its row.
    pub keep_infinite: bool,
}

/// Reads one array of an NPZ file, and its labels. `length` is the number of bytes of `reader`.
pub fn read_npz<R: Read + Seek + Send>(
    name: &str,
    reader: R,
    length: u64,
    options: &NpzOptions,
) -> Result<Dataset, DataError> {
    let archive = ZipArchive::new(reader).map_err(|error| zip_error(name, error))?;
    let mut npz = Npz { name, archive, length, arrays: Vec::new() };
    npz.list()?;
    let chosen = match options.array {
        Some(array) => npz.find(array)?,
        None => npz.choose()?,
    };
    let data_name = npz.arrays[chosen].0.clone();
    let data = npz
        .with(chosen, |source| npy::read_whole(source, options.keep_infinite))
        .map_err(|error| npz.other_than(chosen, error))?;
    let labels = match options.label {
        Some(label) => Some(npz.find(label)?),
        None => npz.labels_of(&data_name, data.len())?,
    };
    let Some(labels) = labels else { return Ok(data) };
    if labels == chosen {
        let why = format!("the array {data_name:?} is the data, and cannot be its labels too");
        return Err(DataError::unsuitable(Place::source(name), why));
    }
    let label_name = format!("{name}:{}", npz.arrays[labels].0);
    let numbers = npz.with(labels, |source| {
        let header = npy::read_header(source)?;
        if header.shape.iter().skip(1).product::<usize>() != 1 || header.shape.is_empty() {
            let why = format!("labels must be one number for each sample, not an array of shape {:?}", header.shape);
            return Err(DataError::unsuitable(Place::source(source.name()), why));
        }
        let numbers = header.read_numbers(source)?;
        source.finish()?;
        Ok(numbers)
    })?;
    let labels = labels::from_numbers(&numbers, &label_name)?;
    data.with_labels(labels).map_err(|error| DataError::dataset(Place::source(label_name), error))
}

/// Reads arrays of an NPZ file as they are: those of these names, or, without names, the one that is the data.
pub(crate) fn read_fields<R: Read + Seek + Send>(
    name: &str,
    reader: R,
    length: u64,
    names: &[String],
) -> Result<Vec<Field>, DataError> {
    let archive = ZipArchive::new(reader).map_err(|error| zip_error(name, error))?;
    let mut npz = Npz { name, archive, length, arrays: Vec::new() };
    npz.list()?;
    let chosen = match names {
        [] => vec![npz.choose()?],
        names => names.iter().map(|name| npz.find(name)).collect::<Result<_, _>>()?,
    };
    let read = |index: usize| {
        let field = npz.with(index, |source| npy::field(source, None)).map_err(|error| npz.other_than(index, error))?;
        Ok(Field { name: npz.arrays[index].0.clone(), ..field })
    };
    chosen.into_iter().map(read).collect()
}

/// What arrays are in an NPZ file; with `to_choose` only where it is not clear which of them is the data.
pub(crate) fn contents<R: Read + Seek + Send>(
    name: &str,
    reader: R,
    length: u64,
    to_choose: bool,
) -> Result<Option<Contents>, DataError> {
    let archive = ZipArchive::new(reader).map_err(|error| zip_error(name, error))?;
    let mut npz = Npz { name, archive, length, arrays: Vec::new() };
    npz.list()?;
    if to_choose && npz.choose().is_ok() {
        return Ok(None);
    }
    let mut arrays = Vec::new();
    for index in 0..npz.arrays.len() {
        arrays.push(npz.entry(index));
    }
    Ok(Some(Contents::new(FORMAT, Vec::new(), arrays)))
}

/// Several arrays that are written side by side, of which each must lie whole in the file: they wait in files without a name until
/// all are complete.
pub struct NpzWriter {
    arrays: Vec<(String, NpyForm, BufWriter<File>)>,
}

impl NpzWriter {
    /// Arrays of these names and forms; what waits does so in `folder`.
    ///
    /// # Errors
    /// What the system said, and when a name would be that of a file elsewhere once the archive is unpacked.
    pub fn new(folder: &Path, arrays: impl IntoIterator<Item = (String, NpyForm)>) -> io::Result<Self> {
        let waiting = |(name, form): (String, NpyForm)| {
            if name.is_empty() || name.contains(['/', '\\', ':', '\0']) {
                return Err(io::Error::other(format!("{name:?} cannot be the name of an array in a file")));
            }
            Ok((name, form, BufWriter::new(tempfile::tempfile_in(folder)?)))
        };
        Ok(Self { arrays: arrays.into_iter().map(waiting).collect::<io::Result<_>>()? })
    }

    /// Appends numbers, as a codec gives them, to the array of this number.
    ///
    /// # Errors
    /// What the system said.
    pub fn write(&mut self, array: usize, bytes: &[u8]) -> io::Result<()> {
        let (_, form, waiting) = &mut self.arrays[array];
        waiting.write_all(&form.encoded(bytes))
    }

    /// Writes the file: every array is complete, and has the shape of its number.
    ///
    /// # Errors
    /// What the system said.
    pub fn finish(self, out: impl Write + Seek, shapes: &[Vec<u64>]) -> io::Result<()> {
        let mut zip = ZipWriter::new(out);
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
        for ((name, form, bytes), shape) in self.arrays.into_iter().zip(shapes) {
            zip.start_file(format!("{name}.npy"), options)?;
            finish(form, bytes, shape, &mut zip)?;
        }
        zip.finish()?.flush()
    }

    /// Writes each array as an NPY file of its own, which `create` makes by its name.
    ///
    /// # Errors
    /// What the system said.
    pub fn finish_apart(self, create: &mut dyn FnMut(&str) -> io::Result<File>, shapes: &[Vec<u64>]) -> io::Result<()> {
        for ((name, form, bytes), shape) in self.arrays.into_iter().zip(shapes) {
            let mut out = BufWriter::new(create(&name)?);
            finish(form, bytes, shape, &mut out)?;
            out.flush()?;
        }
        Ok(())
    }
}

/// Writes an array whose numbers have waited.
fn finish(form: NpyForm, bytes: BufWriter<File>, shape: &[u64], out: &mut dyn Write) -> io::Result<()> {
    let mut bytes = bytes.into_inner().map_err(io::IntoInnerError::into_error)?;
    bytes.rewind()?;
    form.write_header(out, shape)?;
    if form.is_turned(shape) {
        let mut all = Vec::new();
        bytes.read_to_end(&mut all)?;
        return out.write_all(&form.turned(&all, shape));
    }
    io::copy(&mut bytes, out).map(|_| ())
}

struct Npz<'a, R> {
    name: &'a str,
    archive: ZipArchive<R>,
    length: u64,
    /// The arrays' names and their numbers in the archive.
    arrays: Vec<(String, usize)>,
}

impl<R: Read + Seek + Send> Npz<'_, R> {
    fn list(&mut self) -> Result<(), DataError> {
        let count = self.archive.len();
        if count > MOST_MEMBERS {
            return Err(DataError::TooLarge {
                place: Place::source(self.name),
                what: "a number of arrays",
                claimed: count as u64,
                limit: MOST_MEMBERS as u64,
            });
        }
        for (index, member) in self.archive.file_names().enumerate() {
            let member = member.map_err(|error| zip_error(self.name, error))?;
            if let Some(array) = member.strip_suffix(".npy") {
                self.arrays.push((array.to_owned(), index));
            }
        }
        if self.arrays.is_empty() {
            return Err(refused_archive(Place::source(self.name), self.archive.file_names().flatten()));
        }
        Ok(())
    }

    /// The number in `arrays` of the array of this name.
    fn find(&self, name: &str) -> Result<usize, DataError> {
        let found = self.arrays.iter().position(|(array, _)| array == name);
        found.ok_or_else(|| DataError::unknown_name("array", name, self.arrays.iter().map(|(array, _)| array.clone())))
    }

    fn choose(&mut self) -> Result<usize, DataError> {
        if let Some(found) = DATA_NAMES.iter().find_map(|name| self.find(name).ok()) {
            return Ok(found);
        }
        // What is no array of numbers, such as the names of columns, is not the data where another array can be.
        let (mut with_axes, mut names, mut refused) = (Vec::new(), Vec::new(), None);
        for index in 0..self.arrays.len() {
            match self.shape(index) {
                Ok(shape) => {
                    names.push(self.arrays[index].0.clone());
                    with_axes.extend((shape.len() >= 2).then_some(index));
                }
                Err(error) => refused = refused.or(Some((index, error))),
            }
        }
        match (&with_axes[..], refused) {
            (&[only], _) => Ok(only),
            ([], Some((index, error))) => Err(self.other_than(index, error)),
            _ if self.arrays.len() == 1 => Ok(0),
            _ => {
                let why = format!("which of its arrays is the data? it has {}", names.join(", "));
                let example = self.arrays[with_axes.first().copied().unwrap_or(0)].0.as_str();
                Err(DataError::unsuitable(Place::source(self.name), why)
                    .with_hint(format!("name it behind a colon: {}:{example}", self.name)))
            }
        }
    }

    /// The array with one number for each sample that has a usual name for labels: also `y_train` for `x_train`.
    fn labels_of(&mut self, data: &str, samples: usize) -> Result<Option<usize>, DataError> {
        let beside = match data.as_bytes() {
            [b'x', rest @ ..] if !rest.is_empty() => Some(format!("y{}", &data[1..])),
            [b'X', rest @ ..] if !rest.is_empty() => Some(format!("y{}", &data[1..])),
            _ => None,
        };
        for name in beside.as_deref().into_iter().chain(LABEL_NAMES) {
            if let Ok(found) = self.find(name)
                && name != data
                && let Ok(shape) = self.shape(found)
                && shape.first() == Some(&samples)
                && shape[1..].iter().all(|&size| size == 1)
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// An error of one array, with the first of the others that could be read as the way out; where there is none, with what the others are.
    fn other_than(&mut self, wrong: usize, error: DataError) -> DataError {
        let count = self.arrays.len();
        let readable = |&index: &usize| index != wrong && self.shape(index).is_ok_and(|shape| !shape.is_empty());
        match (0..count).find(readable) {
            Some(other) => {
                error.with_hint(format!("name another with `ArrayOptions::variables` {}", self.arrays[other].0))
            }
            None if count > 1 => {
                let names: Vec<&str> = self.arrays.iter().map(|(array, _)| array.as_str()).collect();
                let hint = error.hint().map_or(String::new(), |hint| format!("; {hint}"));
                error.with_hint(format!("no array of the file can be read as samples, of {}{hint}", names.join(", ")))
            }
            None => error,
        }
    }

    fn shape(&mut self, index: usize) -> Result<Vec<usize>, DataError> {
        self.with(index, |source| npy::read_header(source).map(|header| header.shape))
    }

    fn entry(&mut self, index: usize) -> ArrayEntry {
        let described = |shape: &[u64]| {
            let (axes, attributes) = (Vec::new(), Attributes::default());
            Described { name: String::new(), axes, shape: shape.to_vec(), attributes }
        };
        let mut entry = match self.with(index, |source| npy::field(source, None)) {
            Ok(field) => {
                let kind = field.original.map_or(field.element.name(), OriginalType::name).to_owned();
                ArrayEntry::new(described(&field.shape), kind).with_field(field)
            }
            Err(error) => {
                let mut entry = ArrayEntry::new(described(&[]), "unknown".to_owned());
                entry.unreadable = Some(error.to_string());
                entry
            }
        };
        entry.name.clone_from(&self.arrays[index].0);
        entry
    }

    /// Lets `read` read an array.
    fn with<T>(
        &mut self,
        index: usize,
        read: impl FnOnce(&mut ByteSource) -> Result<T, DataError>,
    ) -> Result<T, DataError> {
        let (array, member) = &self.arrays[index];
        let name = format!("{}:{array}", self.name);
        let file = self.archive.by_index(*member).map_err(|error| zip_error(&name, error))?;
        // The sizes in the directory are claims too: what lies packed in the file can become so much and no more.
        let most = file.compressed_size().min(self.length).saturating_mul(MOST_UNPACKED_PER_BYTE).min(file.size());
        let mut source = ByteSource::member(name, file, most)?;
        read(&mut source)
    }
}

fn zip_error(name: &str, error: ZipError) -> DataError {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => DataError::io("read", name, error),
        ZipError::InvalidPassword => DataError::unsuitable(Place::source(name), "the zip file is encrypted"),
        error => DataError::malformed(Place::source(name), "the zip file cannot be read")
            .with_cause(error)
            .with_hint("copy or fetch it again, for it may have been cut off"),
    }
}
