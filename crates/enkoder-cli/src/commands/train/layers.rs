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
use enkoder::{Architecture, LayerSpec};
use serde::Deserialize;

use crate::failure::Usage;
use crate::standard_input;

/// Longer files describe no network.
const MOST_BYTES: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layers {
    encoder: Vec<LayerSpec>,
    decoder: Vec<LayerSpec>,
    #[serde(default)]
    residual: bool,
}

/// The network of a file, for samples of any shape.
pub fn read(path: &Path) -> anyhow::Result<Architecture> {
    let of_file = || format!("{} does not describe a network", path.display());
    let path = &standard_input::file(path)?;
    let length = std::fs::metadata(path).with_context(of_file)?.len();
    if length > MOST_BYTES {
        return Err(Usage::new(format!("{}: it has {length} bytes, more than {MOST_BYTES}", of_file())).into());
    }
    let text = std::fs::read_to_string(path).with_context(of_file)?;
    let Layers { encoder, decoder, residual } = toml::from_str(&text).with_context(of_file)?;
    check_names(&encoder, &decoder).with_context(of_file)?;
    Ok(Architecture { input_shape: Vec::new(), encoder, decoder, output_shape: None, residual })
}

/// Sees that what a layer reads beside the one before it is there, and says what is where it is not.
fn check_names(encoder: &[LayerSpec], decoder: &[LayerSpec]) -> Result<(), Usage> {
    let mut known = vec!["input".to_owned()];
    let parts = [("encoder", encoder), ("decoder", decoder)];
    let layers = parts.iter().flat_map(|(part, layers)| layers.iter().enumerate().map(move |place| (part, place)));
    for (part, (index, layer)) in layers {
        let name = format!("{part}.{index}");
        if let Some(from) = layer.other().filter(|from| !known.iter().any(|known| known == from)) {
            return Err(Usage::new(format!(
                "layer {name} ({}) reads {from:?}, which is no layer before it",
                layer.kind()
            ))
            .with_hint(format!("it can read {}", known.join(", "))));
        }
        known.push(name);
    }
    Ok(())
}
