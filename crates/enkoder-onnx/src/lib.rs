//! Autoencoders and detectors of Enkoder as ONNX files, which every runtime and language computes, and autoencoders of other toolkits
//! taken over from ONNX files.
//!
//! Everything that belongs to a model is in the graph: scaling, the fill of missing values, and the way back to the units of the data.
//! `docs/onnx.md` says what is written and read.

mod detector;
mod error;
mod evaluation;
mod graph;
mod import;
mod model;
mod network;
mod proof;
mod proto;
mod tensor;

pub use detector::export_detector;
pub use error::{ExportError, ImportError, OnnxError};
pub use import::{ImportOptions, import_model};
pub use model::{Part, export_model};
