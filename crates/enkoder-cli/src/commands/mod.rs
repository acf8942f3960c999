//! One file for each verb.

pub mod completions;
pub mod data;
pub mod decode;
pub mod detect;
pub mod encode;
pub mod eval;
pub mod info;
pub mod reconstruct;
pub mod train;
