//! Readers: bytes, files and servers in, a [`enkoder::Dataset`] out.
//!
//! ```toml
//! [dependencies]
//! enkoder = "0.1"
//! enkoder-data = "0.1"
//! ```
//!
//! [`open`] takes what the command takes: a built-in name, `openml:ID`, or a path. It recognises the format by the content.
//!
//! ```
//! use enkoder_data::{ReadOptions, open};
//!
//! let folder = std::env::temp_dir().join("enkoder-data-example");
//! std::fs::create_dir_all(&folder)?;
//! let path = folder.join("readings.csv");
//! std::fs::write(&path, "speed,flow\n10.5,8.4\n11.0,\n")?;
//!
//! let readings = open(&path, &ReadOptions::default())?;
//! assert_eq!((readings.len(), readings.shape()), (2, &[2][..]));
//! // The empty cell is a missing value.
//! assert_eq!(readings.summary().missing, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Source`] is the same door in steps: what a name stands for, what is in it, whole or some rows at a time ([`Chunks`]), typed for the
//! codec ([`Arrays`]) or as a data set. Generated data needs no file: [`strokes`] draws digits, [`pump`] and [`plant`] make up sensors, [`fields`] a
//! climate. Each parser can be used by itself: [`parse_csv`], [`idx`], [`npy`], [`netcdf`].

mod arff;
mod arrays;
mod byte_source;
mod chunks;
mod csv;
mod element;
mod error;
pub mod export;
pub mod fields;
mod guard;
#[cfg(feature = "hdf5")]
pub mod hdf5;
pub mod idx;
pub mod images;
mod json_lines;
mod labels;
pub mod netcdf;
mod noise;
pub mod npy;
pub mod npz;
pub mod openml;
mod parquet;
pub mod plant;
pub mod pump;
mod source;
pub mod strokes;
mod table;
mod timestamp;
mod zarr;

pub use arff::{parse_arff, read_arff};
pub use arrays::{
    ArrayEntry, ArraySummary, Arrays, Assembly, Beside, Contents, Description, NotKept, OriginalType, RawElement,
    RawFormat, UnknownRawElement,
};
pub use byte_source::ByteSource;
pub use chunks::{Chunk, Chunks};
pub use csv::{CsvLines, CsvText, parse_csv, read_csv};
pub use error::{Cause, DataError, Place, Position};
pub use guard::panic_is_caught;
pub use json_lines::{parse_json_lines, read_json_lines};
pub use parquet::{parse_parquet, read_parquet};
pub use source::{ArrayOptions, Builtin, Converted, Format, InBlocks, ReadOptions, Source, builtin, open};
pub use table::{
    BadCells, CellKind, ColumnValues, MAX_CATEGORIES, MAX_COLUMNS, MAX_VALUES, MissingPolicy, Sample, Table,
    TableColumn, TableOptions, TextOptions,
};
pub use timestamp::{DateOrder, parse_timestamp, parse_timestamp_in};
pub use zarr::parse_zarr_metadata;
