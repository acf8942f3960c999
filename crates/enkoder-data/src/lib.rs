//! Readers: bytes, files and servers in, a [`enkoder::Dataset`] out.

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
pub mod pump;
mod source;
pub mod strokes;
mod table;
mod timestamp;
mod zarr;

pub use arff::{parse_arff, read_arff};
pub use arrays::{
    ArrayEntry, ArraySummary, Arrays, Assembly, Contents, Description, NotKept, OriginalType, RawElement, RawFormat,
    UnknownRawElement,
};
pub use byte_source::ByteSource;
pub use chunks::{Chunk, Chunks};
pub use csv::{CsvLines, CsvText, parse_csv, read_csv};
pub use error::{Cause, DataError, Place, Position};
pub use guard::panic_is_caught;
pub use json_lines::{parse_json_lines, read_json_lines};
pub use parquet::{parse_parquet, read_parquet};
pub use source::{ArrayOptions, Builtin, Format, ReadOptions, Source, builtin, open};
pub use table::{
    BadCells, CellKind, MAX_CATEGORIES, MAX_COLUMNS, MAX_VALUES, MissingPolicy, Sample, Table, TableColumn,
    TableOptions, TextOptions,
};
pub use timestamp::{DateOrder, parse_timestamp, parse_timestamp_in};
pub use zarr::parse_zarr_metadata;
