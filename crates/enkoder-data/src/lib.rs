//! Readers: bytes, files and servers in, a [`enkoder::Dataset`] out.

mod byte_source;
mod element;
mod error;
pub mod export;
pub mod idx;
pub mod images;
mod labels;
pub mod npy;
pub mod npz;
pub mod strokes;

pub use byte_source::ByteSource;
pub use error::{Cause, DataError, Place, Position};
