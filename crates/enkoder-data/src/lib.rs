//! Readers: bytes, files and servers in, a [`enkoder::Dataset`] out.
//!
//! ```toml
//! [dependencies]
//! enkoder = "0.1"
//! enkoder-data = "0.1"
//! ```
//!
//! What a program does not read it need not build. Features, all on by default: `arrow` (with Feather), `cloud` (data on servers), `hdf5` (with NetCDF-4), `http` (OpenML), `images`, `packed`
//! (zstd, bzip2, xz), `parquet` and `zarr`. Without them `open` refuses such data with [`DataError::NotBuilt`], which names the feature.
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

// What several readers share is checked for use where all of them are built.
#![cfg_attr(
    not(all(
        feature = "arrow",
        feature = "cloud",
        feature = "hdf5",
        feature = "http",
        feature = "images",
        feature = "parquet",
        feature = "zarr"
    )),
    allow(dead_code)
)]

mod arff;
mod arrays;
#[cfg(feature = "arrow")]
mod arrow;
#[cfg(any(feature = "hdf5", feature = "zarr"))]
mod blosc;
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
mod image_files;
#[cfg(feature = "images")]
pub mod images;
mod input;
mod json_lines;
mod labels;
pub mod netcdf;
#[cfg(any(feature = "cloud", feature = "http"))]
mod network;
mod noise;
mod not_built;
pub mod npy;
pub mod npz;
pub mod openml;
#[cfg(feature = "parquet")]
mod parquet;
pub mod plant;
pub mod pump;
#[cfg(feature = "cloud")]
mod remote;
mod source;
pub mod strokes;
mod table;
mod timestamp;
#[cfg(feature = "zarr")]
mod zarr;

#[cfg(not(feature = "arrow"))]
use not_built::arrow;
#[cfg(not(feature = "hdf5"))]
use not_built::hdf5;
#[cfg(not(feature = "images"))]
use not_built::images;
#[cfg(not(feature = "parquet"))]
use not_built::parquet;
#[cfg(not(feature = "cloud"))]
use not_built::remote;
#[cfg(not(feature = "zarr"))]
use not_built::zarr;

pub use arff::{parse_arff, read_arff};
pub use arrays::{
    ArrayEntry, ArraySummary, Arrays, Assembly, Beside, Contents, Description, NotKept, OriginalType, RawElement,
    RawFormat, UnknownRawElement,
};
#[cfg(feature = "arrow")]
pub use arrow::{parse_arrow, read_arrow};
pub use byte_source::ByteSource;
pub use chunks::{Chunk, Chunks};
pub use csv::{CsvLines, CsvText, parse_csv, read_csv};
pub use error::{Cause, DataError, Place, Position};
pub use guard::panic_is_caught;
pub use input::{Input, is_address, is_file, shown_name};
pub use json_lines::{parse_json_lines, read_json_lines};
#[cfg(feature = "parquet")]
pub use parquet::{parse_parquet, read_parquet};
pub use remote::RemoteError;
pub use source::{ArrayOptions, Builtin, Converted, Format, InBlocks, ReadOptions, Source, builtin, open};
pub use table::{
    BadCells, CellKind, ColumnValues, MAX_CATEGORIES, MAX_COLUMNS, MAX_VALUES, MissingPolicy, Sample, Table,
    TableColumn, TableOptions, TextOptions,
};
pub use timestamp::{DateOrder, parse_timestamp, parse_timestamp_in};
#[cfg(feature = "zarr")]
pub use zarr::parse_zarr_metadata;
