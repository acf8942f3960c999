//! Formats of files: told from the first bytes, and from the name where those say nothing.

use std::path::Path;

use super::refused::refused;
use crate::arrow::is_arrow;
use crate::byte_source::ByteSource;
use crate::error::DataError;
use crate::idx::is_idx;
use crate::image_files::{is_image, is_image_name};
use crate::input::is_address;
use crate::netcdf::{is_hdf5, is_netcdf};
use crate::npy::is_npy;
use crate::npz::is_zip;
use crate::remote;
use crate::zarr::is_zarr_zip;

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
    /// HDF5, which NetCDF-4 is: arrays with names, in groups.
    Hdf5,
    /// Zarr in a zip file: arrays with names, in groups.
    Zarr,
    /// A Parquet table.
    Parquet,
    /// An Arrow file or stream, or Feather of version 2.
    Arrow,
    /// A table of Weka and OpenML.
    Arff,
    /// A table with any separator between its cells.
    Csv,
    /// A table of JSON objects: one a line, or in an array.
    JsonLines,
    /// PNG, JPEG, PGM or PPM.
    Image,
}

impl Format {
    /// The format of a file: by its first bytes (unpacked where it is gzip), and where those could be anything, by its name.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        let source = ByteSource::open(path)?;
        if source.head().is_empty() {
            return Err(DataError::unsuitable(path, "the file is empty: there is no byte in it")
                .with_hint("it may still be being written, or was not fetched whole"));
        }
        if source.head().starts_with(b"FEA1") {
            return Err(DataError::unsuitable(path, "is Feather of version 1, which is not read")
                .with_hint("write it anew: `pandas.read_feather(path).to_feather(path)`"));
        }
        if source.head().starts_with(b"PARE") {
            return Err(DataError::unsuitable(path, "is encrypted Parquet, which is not read")
                .with_hint("write it anew without encryption, with who has the keys"));
        }
        if source.head().starts_with(b"\x89ENK") {
            return Err(DataError::unsuitable(path, "is a compressed file").with_hint("decompress it first"));
        }
        if let Some(error) = refused(path, source.head()) {
            return Err(error);
        }
        if is_zip(source.head()) && is_zarr_zip(path) {
            return Ok(Self::Zarr);
        }
        let (content, name) = (Self::of_content(source.head()), Self::of_name(path));
        // Any text could be a table, but not one called JSON.
        let format = if content == Some(Self::Csv) { name.filter(|name| *name == Self::JsonLines) } else { None };
        let format = format.or(content).or(name).ok_or_else(|| DataError::UnknownFormat { path: path.into() })?;
        if source.is_packed() && matches!(format, Self::Parquet | Self::Npz | Self::Image) {
            let why = format!("is {format:?} packed as a whole, which cannot be read: its parts lie in many places");
            return Err(DataError::unsuitable(path, why).with_hint("unpack it with gunzip, unzstd, bunzip2 or unxz"));
        }
        Ok(format)
    }

    fn of_content(head: &[u8]) -> Option<Self> {
        Some(match head {
            _ if is_npy(head) => Self::Npy,
            _ if is_zip(head) => Self::Npz,
            _ if is_netcdf(head) => Self::NetCdf,
            _ if is_hdf5(head) => Self::Hdf5,
            _ if head.starts_with(b"PAR1") => Self::Parquet,
            _ if is_arrow(head) => Self::Arrow,
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
        let text = text.trim_start();
        let begins =
            |with, then: &[char]| text.strip_prefix(with).is_some_and(|rest| rest.trim_start().starts_with(then));
        match () {
            () if arff => Self::Arff,
            () if begins('{', &['"', '}']) || begins('[', &['{', '[']) => Self::JsonLines,
            () => Self::Csv,
        }
    }

    fn of_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        let packed = [".gz", ".zst", ".bz2", ".xz"].into_iter().find_map(|packing| name.strip_suffix(packing));
        let name = packed.unwrap_or(&name);
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension {
            "npy" => Self::Npy,
            "npz" => Self::Npz,
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            "parquet" | "pq" => Self::Parquet,
            "idx" | "idx1-ubyte" | "idx3-ubyte" => Self::Idx,
            "arff" => Self::Arff,
            "csv" | "tsv" | "txt" => Self::Csv,
            "jsonl" | "ndjson" | "json" => Self::JsonLines,
            _ if is_image_name(path) => Self::Image,
            _ => return None,
        })
    }
}

/// Whether a folder is a Zarr array or group.
pub(crate) fn is_zarr(folder: &Path) -> bool {
    if is_address(folder) {
        return remote::folder(folder).is_some();
    }
    ["zarr.json", ".zarray", ".zgroup"].iter().any(|name| folder.join(name).is_file())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let of = Format::of_content;
        assert_eq!(of(b"\x93NUMPY\x01\x00"), Some(Format::Npy));
        assert_eq!(of(b"PK\x03\x04rest"), Some(Format::Npz));
        assert_eq!(of(b"PAR1\x15"), Some(Format::Parquet));
        assert_eq!(of(b"ARROW1\0\0"), Some(Format::Arrow));
        #[cfg(feature = "arrow")]
        assert_eq!(of(b"\xff\xff\xff\xff\x78\x02\0\0"), Some(Format::Arrow));
        assert_eq!(of(&[0, 0, 8, 1, 0, 0, 0, 1, 7]), Some(Format::Idx));
        assert_eq!(of(b"\xff\xd8\xff\xe0"), Some(Format::Image));
        assert_eq!(of(b"P5\n3 3"), Some(Format::Image));
        assert_eq!(of(b"% words\n\n  @RELATION iris"), Some(Format::Arff));
        assert_eq!(of(b"% a long preface"), Some(Format::Arff));
        assert_eq!(of(b"P5,P6\n1,2\n"), Some(Format::Csv));
        assert_eq!(of("\u{feff}länge;breite\n1,5;2\n".as_bytes()), Some(Format::Csv));
        for json in ["{\"a\": 1}\n", "{\n  \"a\": 1\n}", "[\n{\"a\": 1}]"] {
            assert_eq!(of(json.as_bytes()), Some(Format::JsonLines));
        }
        assert_eq!(of(b"[m],[s]\n1,2\n"), Some(Format::Csv));
        assert_eq!(of(b"\x00\x01\x02"), None);
        assert_eq!(Format::of_name(Path::new("a.b/train.ARFF.gz")), Some(Format::Arff));
    }
}
