//! Layers from a TOML file, for networks that no option describes:
//!
//! ```toml
//! [[encoder]]
//! kind = "convolution"
//! channels = 16
//! kernel = 3
//! stride = 2
//! activation = "gelu"
//! ```

use std::path::Path;

use anyhow::Context;
use enkoder::{Architecture, Layers};

use crate::failure::Usage;
use crate::standard_input;

/// Longer files describe no network.
const MOST_BYTES: u64 = 1 << 20;

/// The network of a file, for samples of any shape.
pub fn read(path: &Path) -> anyhow::Result<Architecture> {
    let of_file = || format!("{} does not describe a network", path.display());
    let path = &standard_input::file(path)?;
    let length = std::fs::metadata(path).with_context(of_file)?.len();
    if length > MOST_BYTES {
        return Err(Usage::new(format!("{}: it has {length} bytes, more than {MOST_BYTES}", of_file())).into());
    }
    let text = std::fs::read_to_string(path).with_context(of_file)?;
    let layers: Layers = toml::from_str(&text).with_context(of_file)?;
    layers.architecture().with_context(of_file)
}
