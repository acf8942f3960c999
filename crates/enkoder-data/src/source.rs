//! One door for all data: a name in, a [`Dataset`] out, or [`Arrays`] that keep their type. A name is that of built-in data, a data
//! set on OpenML, a file, a folder, or a pattern of files. A file's format is told from its first bytes, and from its name where
//! those say nothing.

mod arrays;
mod files;

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use enkoder::Dataset;

use crate::arff::read_arff;
use crate::arrays::RawFormat;
use crate::byte_source::ByteSource;
use crate::chunks::Chunks;
use crate::csv::{CsvChunks, read_csv};
use crate::error::{DataError, Place};
use crate::fields;
use crate::idx::{IdxFolder, is_idx, read_idx_file};
use crate::images::{ImageOptions, is_image, is_image_name, matching, read_image_files, read_image_folder};
use crate::netcdf::{is_hdf5, is_netcdf};
use crate::npy::is_npy;
use crate::npz::{NpzOptions, is_zip, read_npz};
use crate::openml::{MNIST, OpenmlClient, Watcher};
use crate::parquet::{ParquetChunks, read_parquet};
use crate::pump;
use crate::strokes;
use crate::table::TableOptions;

/// How data is read. What does not concern a format is ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// How tables are read. Its `label` also names the array of labels in an NPZ file.
    pub table: TableOptions,
    /// Height and width that images are resized to.
    pub size: Option<(usize, usize)>,
    /// Whether images in colour become grey.
    pub grey: bool,
    /// Whether an image that cannot be read is an error; otherwise it is left out, and a warning names it.
    pub strict: bool,
    /// How arrays are read.
    pub arrays: ArrayOptions,
    /// How many samples to take from the start at most, or to draw of `strokes`.
    pub samples: Option<usize>,
    /// The seed of generated data.
    pub seed: u64,
}

/// How arrays become samples: those of NPY, NPZ, NetCDF and raw files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArrayOptions {
    /// The arrays to take of a file in which they have names; several lie one after the other in each sample. Without a name the
    /// file must leave no choice.
    pub variables: Vec<String>,
    /// Lengths of the blocks to cut along the last axes; empty to cut the leading axis.
    pub block: Vec<usize>,
    /// What is in files that are nothing but numbers; files are then not asked for their format.
    pub raw: Option<RawFormat>,
}

impl ReadOptions {
    fn images(&self) -> ImageOptions {
        ImageOptions { size: self.size, grey: self.grey, strict: self.strict }
    }
}

/// Data that needs no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The name to open it by.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
}

/// The built-in names.
pub fn builtin() -> &'static [Builtin] {
    &[
        Builtin {
            name: "strokes",
            about: "12,000 handwriting-like digits of 28×28, drawn here from a seed; strokes:N draws N",
        },
        Builtin {
            name: "pump",
            about: "8,000 normal rows of a pump's sensors, made here from a seed; pump:faults has 4,000 with 100 faults",
        },
        Builtin {
            name: "fields",
            about: "240 temperature fields of 48×96, made here from a seed, which is a run; fields:N makes N",
        },
        Builtin {
            name: "mnist", about: "70,000 handwritten digits of 28×28, fetched once from OpenML (data set 554)"
        },
    ]
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Generated digits; see [`strokes`](crate::strokes).
    Strokes {
        /// How many, where the name says so.
        count: Option<usize>,
    },
    /// Generated readings of a pump; see [`pump`](crate::pump).
    Pump {
        /// Whether some of them are faults.
        faults: bool,
    },
    /// Generated fields; see [`fields`](crate::fields).
    Fields {
        /// How many, where the name says so.
        count: Option<usize>,
    },
    /// A data set on OpenML.
    Openml {
        /// Its number there.
        id: u32,
    },
    /// A folder.
    Folder {
        /// Where it lies.
        path: PathBuf,
    },
    /// A file.
    File {
        /// Where it lies.
        path: PathBuf,
        /// The array in it, for a name like `file.npz:NAME`.
        part: Option<String>,
    },
    /// Files by a pattern: images, or arrays that are put together along the leading axis.
    Pattern {
        /// The pattern.
        pattern: String,
    },
    /// Several files: images, or arrays that are put together along the leading axis.
    Files {
        /// Where they lie.
        paths: Vec<PathBuf>,
    },
}

/// The most digits drawn at once: 7.8 GB of pixels.
const MOST_STROKES: usize = 10_000_000;
/// The most fields made at once: 18 GB.
const MOST_FIELDS: usize = 1_000_000;

impl Source {
    /// What `name` stands for. A file called like built-in data is opened as `./NAME`.
    pub fn find(name: impl AsRef<OsStr>) -> Result<Self, DataError> {
        let path = Path::new(name.as_ref());
        // What is not UTF-8 can only be a path.
        let Some(name) = path.to_str() else { return files::of_path(path) };
        match name.split_once(':') {
            None if name == "strokes" => return Ok(Self::Strokes { count: None }),
            None if name == "pump" => return Ok(Self::Pump { faults: false }),
            None if name == "mnist" => return Ok(Self::Openml { id: MNIST }),
            None if name == "fields" => return Ok(Self::Fields { count: None }),
            Some((kind @ ("strokes" | "fields"), count)) => {
                let (what, most) = if kind == "strokes" { ("digits", MOST_STROKES) } else { ("fields", MOST_FIELDS) };
                let count = count.parse().ok().filter(|count| (1..=most).contains(count)).ok_or_else(|| {
                    let why = format!("{count:?} is not a number of {what} from 1 to {most}");
                    DataError::unsuitable(Place::source(name), why).with_hint(format!("write for example {kind}:5000"))
                })?;
                let count = Some(count);
                return Ok(if kind == "strokes" { Self::Strokes { count } } else { Self::Fields { count } });
            }
            Some(("pump", "faults")) => return Ok(Self::Pump { faults: true }),
            Some(("openml", id)) => {
                let id = id.parse().map_err(|_| {
                    let why = format!("{id:?} is not the number of a data set on OpenML");
                    DataError::unsuitable(Place::source(name), why).with_hint("write for example openml:554")
                })?;
                return Ok(Self::Openml { id });
            }
            _ => {}
        }
        if path.is_dir() {
            return Ok(Self::Folder { path: path.into() });
        }
        if path.exists() {
            return Ok(Self::File { path: path.into(), part: None });
        }
        if let Some((file, part)) = name.rsplit_once(':')
            && Path::new(file).is_file()
        {
            return Ok(Self::File { path: file.into(), part: Some(part.into()) });
        }
        if name.contains(['*', '?', '[']) {
            return Ok(Self::Pattern { pattern: name.into() });
        }
        if name.contains(['/', '\\', '.']) {
            let error = fs::metadata(path).err().unwrap_or_else(|| std::io::ErrorKind::NotFound.into());
            return Err(DataError::io("open", path, error));
        }
        let known = builtin().iter().map(|data| data.name.to_owned()).chain(["openml:ID".into(), "a path".into()]);
        Err(DataError::unknown_name("file or built-in data", name, known))
    }

    /// What several names stand for together: one is what [`find`](Self::find) says; more must be files, all images or all arrays.
    pub fn find_all<N: AsRef<OsStr>>(names: &[N]) -> Result<Self, DataError> {
        if let [name] = names {
            return Self::find(name);
        }
        let mut paths = Vec::new();
        for name in names {
            match Self::find(name)? {
                Self::File { path, part: None } => paths.push(path),
                Self::Pattern { pattern } => paths.extend(matching(&pattern)?),
                _ => {
                    let why = "only files, of images or of arrays, can be taken together";
                    return Err(DataError::unsuitable(Path::new(name), why).with_hint("give it alone"));
                }
            }
        }
        Ok(Self::Files { paths })
    }

    /// Reads the data; what is on OpenML with a client made by [`OpenmlClient::new`], silently.
    pub fn open(&self, options: &ReadOptions) -> Result<Dataset, DataError> {
        self.read(options, |id| OpenmlClient::new()?.open(id, &options.table, &mut |_| ControlFlow::Continue(())))
    }

    /// Reads the data; what is on OpenML with this client, which tells what it does.
    pub fn open_with(
        &self,
        options: &ReadOptions,
        client: &OpenmlClient,
        watcher: &mut Watcher<'_>,
    ) -> Result<Dataset, DataError> {
        self.read(options, |id| client.open(id, &options.table, watcher))
    }

    /// The rows of the data some at a time, up to `rows` of them: those of CSV and Parquet files as they are read, so that a file
    /// may be larger than memory; all else is read whole first. The columns are those of [`TableOptions::schema`], found by
    /// name, which must be given for such files.
    ///
    /// ```
    /// use enkoder_data::{ReadOptions, Source};
    ///
    /// let chunks = Source::find("pump:faults")?.chunks(&ReadOptions::default(), 1500)?;
    /// let rows = chunks.map(|chunk| Ok(chunk?.data.len())).collect::<Result<Vec<_>, enkoder_data::DataError>>()?;
    /// assert_eq!(rows, [1500, 1500, 1000]);
    /// # Ok::<(), enkoder_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// Where the source cannot be opened, or a column is missing. Each chunk says what is wrong with its rows, and in which line
    /// or row.
    pub fn chunks(&self, options: &ReadOptions, rows: usize) -> Result<Chunks, DataError> {
        self.chunks_of(options, rows, || self.open(options))
    }

    /// The same, where what is on OpenML is read with this client, which tells what it does.
    pub fn chunks_with(
        &self,
        options: &ReadOptions,
        rows: usize,
        client: &OpenmlClient,
        watcher: &mut Watcher<'_>,
    ) -> Result<Chunks, DataError> {
        self.chunks_of(options, rows, || self.open_with(options, client, watcher))
    }

    fn chunks_of(
        &self,
        options: &ReadOptions,
        rows: usize,
        open: impl FnOnce() -> Result<Dataset, DataError>,
    ) -> Result<Chunks, DataError> {
        let table = &options.table;
        let streamed = match self {
            Self::File { path, part: None } if table.schema.is_some() && path.is_file() => {
                Some((path, Format::of(path)?))
            }
            _ => None,
        };
        let chunks = match streamed {
            Some((path, Format::Csv)) => {
                let chunks = CsvChunks::open(path, table)?;
                let label = chunks.label().map(str::to_owned);
                Chunks::of_csv(chunks, label, table, rows).named(self.short_name(), options.samples)
            }
            Some((path, Format::Parquet)) => {
                let chunks = ParquetChunks::open(path, table)?;
                Chunks::of_parquet(chunks, table, rows).named(self.short_name(), options.samples)
            }
            _ => {
                let data = open()?;
                let name = data.name().to_owned();
                Chunks::of_memory(data, table, rows)?.named(name, options.samples)
            }
        };
        Ok(chunks)
    }

    fn read(
        &self,
        options: &ReadOptions,
        fetch: impl FnOnce(u32) -> Result<Dataset, DataError>,
    ) -> Result<Dataset, DataError> {
        let images = options.images();
        // An NPZ file may hold labels too, which arrays alone do not have.
        let with_labels = options.arrays == ArrayOptions::default()
            && matches!(self, Self::File { path, .. } if path.is_file() && Format::of(path)? == Format::Npz);
        if !with_labels && let Some(arrays) = self.open_arrays(options)? {
            return Ok(arrays.into_dataset(options.samples)?.with_name(self.short_name()));
        }
        let data = match self {
            Self::Strokes { count } => {
                let count = count.or(options.samples).unwrap_or(strokes::DEFAULT_COUNT);
                strokes::strokes(within("strokes", count, "digits", MOST_STROKES)?, options.seed)
            }
            Self::Fields { count } => {
                let count = count.or(options.samples).unwrap_or(fields::DEFAULT_STEPS);
                fields::fields(within("fields", count, "fields", MOST_FIELDS)?, options.seed)
            }
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

impl Source {
    /// What the data is called in reports.
    fn short_name(&self) -> String {
        match self {
            Self::File { path, part } => file_name(path, part.as_deref()),
            Self::Folder { path } => stem(path),
            Self::Files { paths } if !paths.is_empty() => {
                let more = paths.len() - 1;
                stem(&paths[0]) + &if more > 0 { format!(" and {more} more") } else { String::new() }
            }
            _ => self.to_string(),
        }
    }
}

/// The name to open it by; of several files that of the first.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strokes { count: None } => f.write_str("strokes"),
            Self::Strokes { count: Some(count) } => write!(f, "strokes:{count}"),
            Self::Fields { count: None } => f.write_str("fields"),
            Self::Fields { count: Some(count) } => write!(f, "fields:{count}"),
            Self::Pump { faults } => f.write_str(if *faults { "pump:faults" } else { "pump" }),
            Self::Openml { id } => write!(f, "openml:{id}"),
            Self::Folder { path } | Self::File { path, part: None } => path.display().fmt(f),
            Self::File { path, part: Some(part) } => write!(f, "{}:{part}", path.display()),
            Self::Pattern { pattern } => f.write_str(pattern),
            Self::Files { paths } => {
                let first = paths.first().map_or_else(String::new, |path| path.display().to_string());
                write!(f, "{first} and {} more", paths.len().saturating_sub(1))
            }
        }
    }
}

/// A number of generated samples that memory can hold.
fn within(name: &str, count: usize, what: &str, most: usize) -> Result<usize, DataError> {
    if (1..=most).contains(&count) {
        return Ok(count);
    }
    Err(DataError::unsuitable(Place::source(name), format!("{count} is not a number of {what} from 1 to {most}")))
}

fn open_with_length(path: &Path) -> Result<(BufReader<File>, u64), DataError> {
    let failed = |source| DataError::io("open", path, source);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    Ok((BufReader::new(file), length))
}

fn must_be_file(path: &Path) -> Result<(), DataError> {
    if path.is_file() {
        return Ok(());
    }
    Err(DataError::unsuitable(path, "is a pipe or device, and a file is read more than once")
        .with_hint("save it to a file first"))
}

/// Opens the data that `name` stands for: `strokes`, `strokes:5000`, `mnist`, `openml:61`, a path, `arrays.npz:NAME`, or a
/// pattern of image files such as `photos/*.png`.
///
/// ```
/// use enkoder_data::{ReadOptions, open};
///
/// let digits = open("strokes:100", &ReadOptions::default())?;
/// assert_eq!((digits.len(), digits.shape()), (100, &[28, 28][..]));
/// # Ok::<(), enkoder_data::DataError>(())
/// ```
pub fn open(name: impl AsRef<OsStr>, options: &ReadOptions) -> Result<Dataset, DataError> {
    Source::find(name)?.open(options)
}

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// IDX, as of MNIST.
    Idx,
    /// One NumPy array.
    Npy,
    /// Several NumPy arrays.
    Npz,
    /// NetCDF-3: arrays with names.
    NetCdf,
    /// A Parquet table.
    Parquet,
    /// A table of Weka and OpenML.
    Arff,
    /// A table with any separator between its cells.
    Csv,
    /// PNG, JPEG, PGM or PPM.
    Image,
}

impl Format {
    /// The format of a file: by its first bytes (unpacked where it is gzip), and where those could be anything, by its name.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        let source = ByteSource::open(path)?;
        if source.head().is_empty() {
            return Err(DataError::empty(Place::path(path)));
        }
        if source.head().starts_with(b"\x89ENK") {
            return Err(DataError::unsuitable(path, "is a compressed file").with_hint("`enkoder decompress` it first"));
        }
        if is_hdf5(source.head()) {
            return Err(DataError::unsuitable(path, "is HDF5 or NetCDF-4, which is not read")
                .with_hint("convert it with `nccopy -k nc6` to NetCDF-3, or save the array as NPY"));
        }
        Self::of_content(source.head())
            .or_else(|| Self::of_name(path))
            .ok_or_else(|| DataError::UnknownFormat { path: path.into() })
    }

    fn of_content(head: &[u8]) -> Option<Self> {
        Some(match head {
            _ if is_npy(head) => Self::Npy,
            _ if is_zip(head) => Self::Npz,
            _ if is_netcdf(head) => Self::NetCdf,
            _ if head.starts_with(b"PAR1") => Self::Parquet,
            _ if is_image(head) => Self::Image,
            _ if is_idx(head) => Self::Idx,
            _ => Self::of_text(text(head)?),
        })
    }

    /// ARFF begins with comments after `%` and then `@relation`; all other text is a table.
    fn of_text(text: &str) -> Self {
        let first = text.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with('%'));
        let arff = match first {
            Some(line) => line.get(..9).is_some_and(|word| word.eq_ignore_ascii_case("@relation")),
            None => text.trim_start().starts_with('%'),
        };
        if arff { Self::Arff } else { Self::Csv }
    }

    fn of_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension {
            "npy" => Self::Npy,
            "npz" => Self::Npz,
            "parquet" | "pq" => Self::Parquet,
            "idx" | "idx1-ubyte" | "idx3-ubyte" => Self::Idx,
            "arff" => Self::Arff,
            "csv" | "tsv" | "txt" => Self::Csv,
            _ if is_image_name(path) => Self::Image,
            _ => return None,
        })
    }
}

/// The start of a file as text, if it can be that: UTF-8 without control characters but white space.
fn text(head: &[u8]) -> Option<&str> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut in two.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    text.chars().all(|c| !c.is_control() || c.is_whitespace()).then_some(text)
}

fn open_file(path: &Path, part: Option<&str>, options: &ReadOptions) -> Result<Dataset, DataError> {
    must_be_file(path)?;
    let format = Format::of(path)?;
    if let Some(part) = part.filter(|_| format != Format::Npz) {
        let why = format!("has no array {part:?}: only NPZ and NetCDF files have arrays with names");
        return Err(DataError::unsuitable(path, why));
    }
    let data = match format {
        Format::Csv => return read_csv(path, &options.table)?.into_dataset(&options.table),
        Format::Arff => return read_arff(path, &options.table)?.into_dataset(&options.table),
        Format::Parquet => return read_parquet(path, &options.table)?.into_dataset(&options.table),
        Format::Idx => read_idx_file(path)?,
        Format::Npz => {
            let (file, length) = open_with_length(path)?;
            let npz = NpzOptions { array: part, label: options.table.label.as_deref() };
            read_npz(&path.display().to_string(), file, length, &npz)?
        }
        // Those were opened before, as arrays.
        Format::Npy | Format::NetCdf => return Err(DataError::UnknownFormat { path: path.into() }),
        Format::Image => read_image_files(&path.display().to_string(), &[path.to_owned()], &options.images())?,
    };
    Ok(data.with_name(file_name(path, part)))
}

/// What data of a file is called in reports.
fn file_name(path: &Path, part: Option<&str>) -> String {
    part.map_or_else(|| stem(path), |part| format!("{}:{part}", stem(path)))
}

/// The name of a file or folder up to its first dot.
fn stem(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    match name.split_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => name.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        assert_eq!(Source::find("strokes").unwrap(), Source::Strokes { count: None });
        assert_eq!(Source::find("strokes:50").unwrap(), Source::Strokes { count: Some(50) });
        assert_eq!(Source::find("mnist").unwrap(), Source::Openml { id: 554 });
        assert_eq!(Source::find("openml:61").unwrap(), Source::Openml { id: 61 });
        assert_eq!(Source::find("photos/*.png").unwrap(), Source::Pattern { pattern: "photos/*.png".into() });
        assert!(matches!(Source::find("src").unwrap(), Source::Folder { .. }));
        let part = Source::File { path: "Cargo.toml".into(), part: Some("x".into()) };
        assert_eq!(Source::find("Cargo.toml:x").unwrap(), part);
        assert!(matches!(Source::find("not/there.csv"), Err(DataError::Io { .. })));
        for wrong in ["strokes:0", "strokes:many", "strokes:99999999999999999999", "openml:mnist", "openml:-1"] {
            assert!(matches!(Source::find(wrong), Err(DataError::Unsuitable { .. })), "{wrong}");
        }
        assert_eq!(Source::find("stroke").unwrap_err().hint().as_deref(), Some("did you mean \"strokes\"?"));
    }

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let of = Format::of_content;
        assert_eq!(of(b"\x93NUMPY\x01\x00"), Some(Format::Npy));
        assert_eq!(of(b"PK\x03\x04rest"), Some(Format::Npz));
        assert_eq!(of(b"PAR1\x15"), Some(Format::Parquet));
        assert_eq!(of(&[0, 0, 8, 1, 0, 0, 0, 1, 7]), Some(Format::Idx));
        assert_eq!(of(b"\xff\xd8\xff\xe0"), Some(Format::Image));
        assert_eq!(of(b"P5\n3 3"), Some(Format::Image));
        assert_eq!(of(b"% words\n\n  @RELATION iris"), Some(Format::Arff));
        assert_eq!(of(b"% a long preface"), Some(Format::Arff));
        assert_eq!(of(b"P5,P6\n1,2\n"), Some(Format::Csv));
        assert_eq!(of("\u{feff}länge;breite\n1,5;2\n".as_bytes()), Some(Format::Csv));
        assert_eq!(of(b"\x00\x01\x02"), None);
        assert_eq!(Format::of_name(Path::new("a.b/train.ARFF.gz")), Some(Format::Arff));
    }
}
