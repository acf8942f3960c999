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
pub mod idx;
pub mod images;
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

pub use arff::{parse_arff, read_arff};
pub use arrays::{Arrays, Assembly, RawElement, RawFormat, UnknownRawElement};
pub use byte_source::ByteSource;
pub use chunks::{Chunk, Chunks};
pub use csv::{CsvLines, CsvText, parse_csv, read_csv};
pub use error::{Cause, DataError, Place, Position};
pub use parquet::{panic_is_caught, parse_parquet, read_parquet};
pub use source::{ArrayOptions, Builtin, Format, ReadOptions, Source, builtin, open};
pub use table::{
    CellKind, MAX_CATEGORIES, MAX_COLUMNS, MAX_VALUES, MissingPolicy, Sample, Table, TableColumn, TableOptions,
};
pub use timestamp::parse_timestamp;
