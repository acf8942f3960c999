//! The command as a user meets it: what it says, where its results go, and how it fails.

mod browser;
mod cloud;
mod codec;
mod data;
mod denoising;
mod detect;
mod documents;
mod errors;
mod exploring;
mod help;
mod labels;
mod mlflow;
mod onnx;
mod reproducible;
mod results;
mod salvage;
#[allow(dead_code)]
#[path = "../../../enkoder-data/tests/readers/server.rs"]
mod server;
mod streams;
mod training;
mod watching;
mod workplace;
