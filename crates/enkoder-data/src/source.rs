//! One door for all data: a name in, a [`Dataset`] out, or [`Arrays`](crate::Arrays) that keep their type. A name is that of built-in data,
//! a data set on OpenML, a file, a folder, a pattern of files, or data on a server by its address.

mod arrays;
mod blocks;
mod builtin;
mod converted;
mod files;
mod format;
mod names;
mod options;
mod parts;
mod reading;
mod refused;
mod streaming;

use std::ffi::OsStr;
use std::path::PathBuf;

use enkoder::Dataset;

use crate::DataError;

pub use self::blocks::InBlocks;
pub use self::builtin::{Builtin, builtin};
pub use self::converted::Converted;
pub use self::format::Format;
pub use self::options::{ArrayOptions, ReadOptions};
#[cfg(feature = "parquet")]
pub(crate) use self::parts::FolderValue;
pub(crate) use self::parts::PartFile;
pub(crate) use self::refused::refused_archive;

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
    /// A generated series; see [`plant`](crate::plant).
    Plant {
        /// Whether it is the part with faults.
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
    /// Files by a pattern: images, arrays that are put together along the leading axis, or Parquet files that are one table.
    Pattern {
        /// The pattern.
        pattern: String,
    },
    /// Several files: images, arrays that are put together along the leading axis, or Parquet files that are one table.
    Files {
        /// Where they lie.
        paths: Vec<PathBuf>,
    },
}

/// Opens the data that `name` stands for: `strokes`, `strokes:5000`, `mnist`, `openml:61`, a path, `arrays.npz:NAME`, a
/// pattern of image files such as `photos/*.png`, or an address such as `s3://bucket/key.nc`.
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
