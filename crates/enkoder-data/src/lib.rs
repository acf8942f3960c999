//! Readers: bytes, files and servers in, a [`enkoder::Dataset`] out.

mod error;
pub mod strokes;

pub use error::{Cause, DataError, Place, Position};
