//! Models and detectors as ONNX files, and back.

mod detectors;
mod exported;
mod imported;
mod networks;
mod runtime;
