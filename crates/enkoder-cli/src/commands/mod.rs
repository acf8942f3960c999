//! One file for each verb.

pub mod completions;
pub mod compress;
pub mod data;
pub mod decode;
pub mod decompress;
pub mod denoise;
pub mod detect;
pub mod encode;
pub mod eval;
pub mod explore;
pub mod export;
pub mod import;
pub mod info;
pub mod reconstruct;
pub mod train;
