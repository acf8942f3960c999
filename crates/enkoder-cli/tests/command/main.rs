//! The command as a user meets it: what it says, where its results go, and how it fails.

mod browser;
mod codec;
mod data;
mod denoising;
mod detect;
mod documents;
mod errors;
mod exploring;
mod help;
mod mlflow;
mod onnx;
mod reproducible;
mod results;
mod streams;
mod training;
mod watching;
mod workplace;
