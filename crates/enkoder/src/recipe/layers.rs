//! Layers as a user writes them, for networks that no option describes.

use serde::Deserialize;

use crate::network::{Architecture, LayerSpec};

/// All layers of a network for samples of any shape, as TOML, JSON or anything else that serde reads:
///
/// ```
/// let layers: enkoder::Layers = serde_json::from_str(r#"{
///     "encoder": [{"kind": "dense", "units": 8, "activation": "gelu"}, {"kind": "dense", "units": 2, "activation": "linear"}],
///     "decoder": [{"kind": "dense", "units": 8, "activation": "gelu"}, {"kind": "dense", "units": 3, "activation": "linear"}]
/// }"#)?;
/// assert_eq!(layers.architecture()?.encoder.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layers {
    encoder: Vec<LayerSpec>,
    decoder: Vec<LayerSpec>,
    #[serde(default)]
    residual: bool,
}

/// A layer that reads what there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("layer {layer} ({kind}) reads {from:?}, which is no layer before it\nhint: it can read {}", known.join(", "))]
pub struct UnknownLayer {
    /// Its name: `decoder.1`.
    pub layer: String,
    /// What it is.
    pub kind: &'static str,
    /// What it asks for.
    pub from: String,
    /// What it can read.
    pub known: Vec<String>,
}

impl Layers {
    /// The network.
    ///
    /// # Errors
    /// When a layer reads another one, beside the one before it, that is not there.
    pub fn architecture(self) -> Result<Architecture, UnknownLayer> {
        let mut known = vec!["input".to_owned()];
        let parts = [("encoder", &self.encoder), ("decoder", &self.decoder)];
        let layers = parts.iter().flat_map(|(part, layers)| layers.iter().enumerate().map(move |place| (part, place)));
        for (part, (index, layer)) in layers {
            let name = format!("{part}.{index}");
            if let Some(from) = layer.other().filter(|from| !known.iter().any(|known| known == from)) {
                return Err(UnknownLayer { layer: name, kind: layer.kind(), from: from.to_owned(), known });
            }
            known.push(name);
        }
        let Self { encoder, decoder, residual } = self;
        Ok(Architecture { input_shape: Vec::new(), encoder, decoder, output_shape: None, residual })
    }
}
