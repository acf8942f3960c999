//! What a user asks for: the shape of a sample and the layers of encoder and decoder. It is plain data, stored in the model file,
//! and says nothing of what computes it.

use serde::{Deserialize, Serialize};

use super::activation::Activation;

/// Limits that keep a hostile or mistaken architecture from asking for absurd amounts of memory.
const MAX_PARAMETERS: usize = 1 << 31;
const MAX_LAYERS: usize = 1024;

/// Why an [`Architecture`] cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// A sample has no values.
    #[error("input shape {0:?} holds no values")]
    EmptyInput(Vec<usize>),
    /// A layer has no outputs.
    #[error("layer {layer} has 0 units: each layer needs at least 1")]
    EmptyLayer {
        /// The layer's name, such as `encoder.0`.
        layer: String,
    },
    /// Encoder or decoder has no layers.
    #[error("the {0} has no layers")]
    NoLayers(&'static str),
    /// The decoder does not end with as many outputs as a sample has values.
    #[error("the decoder ends with {outputs} outputs, but a sample has {features} values")]
    Output {
        /// The outputs of the last layer.
        outputs: usize,
        /// The values of a sample.
        features: usize,
    },
    /// The network is larger than can be meant.
    #[error(
        "the network would have more than {MAX_PARAMETERS} parameters or {MAX_LAYERS} layers: use narrower or fewer layers"
    )]
    TooLarge,
}

/// One layer as a user asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LayerSpec {
    /// Every output is a weighted sum of all inputs plus a bias, then the activation.
    Dense {
        /// The number of outputs.
        units: usize,
        /// The function applied to each output.
        activation: Activation,
    },
}

/// An autoencoder's layers: an encoder from a sample to its code and a decoder back.
///
/// ```
/// use enkoder::Architecture;
///
/// let architecture = Architecture::dense([28, 28], &[128, 64], 10);
/// assert_eq!(architecture.summary(), "784-128-64-10-64-128-784");
/// assert_eq!(architecture.parameters(), 219_546);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// The shape of one sample.
    pub input_shape: Vec<usize>,
    /// From the sample to the code; the last layer's outputs are the code.
    pub encoder: Vec<LayerSpec>,
    /// From the code to the sample.
    pub decoder: Vec<LayerSpec>,
}

/// What is known of one layer before it is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSummary {
    /// Where it stands: `encoder.0`, `decoder.2`.
    pub name: String,
    /// What kind of layer it is: `dense`.
    pub kind: &'static str,
    /// Values in.
    pub inputs: usize,
    /// Values out.
    pub outputs: usize,
    /// The function applied to each output.
    pub activation: Activation,
    /// Weights and biases.
    pub parameters: usize,
}

impl Architecture {
    /// A dense autoencoder: hidden layers of these widths with ReLU, a linear code of `latent` numbers, the decoder mirrored, the
    /// output linear.
    pub fn dense(input_shape: impl Into<Vec<usize>>, hidden: &[usize], latent: usize) -> Self {
        let input_shape = input_shape.into();
        let features = features_of(&input_shape);
        let layer = |units, activation| LayerSpec::Dense { units, activation };
        let hidden_layer = |&units| layer(units, Activation::Relu);
        let encoder = hidden.iter().map(hidden_layer).chain([layer(latent, Activation::Linear)]).collect();
        let decoder = hidden.iter().rev().map(hidden_layer).chain([layer(features, Activation::Linear)]).collect();
        Self { input_shape, encoder, decoder }
    }

    /// One linear layer each way: the shape of principal component analysis.
    pub fn linear(input_shape: impl Into<Vec<usize>>, latent: usize) -> Self {
        Self::dense(input_shape, &[], latent)
    }

    /// The same layers with this activation in all hidden ones.
    pub fn with_activation(mut self, activation: Activation) -> Self {
        let hidden = |layers: &mut Vec<LayerSpec>| {
            let last = layers.len().saturating_sub(1);
            for LayerSpec::Dense { activation: of_layer, .. } in &mut layers[..last] {
                *of_layer = activation;
            }
        };
        hidden(&mut self.encoder);
        hidden(&mut self.decoder);
        self
    }

    /// The same layers with this activation on the code.
    pub fn with_latent_activation(mut self, activation: Activation) -> Self {
        set_last_activation(&mut self.encoder, activation);
        self
    }

    /// The same layers with this activation on the output: sigmoid where the scaled data lies in 0..1.
    pub fn with_output_activation(mut self, activation: Activation) -> Self {
        set_last_activation(&mut self.decoder, activation);
        self
    }

    /// Checks that the layers fit together and are of a size that can be meant.
    pub fn validate(&self) -> Result<(), ArchitectureError> {
        if self.encoder.len() > MAX_LAYERS || self.decoder.len() > MAX_LAYERS {
            return Err(ArchitectureError::TooLarge);
        }
        let features = self.input_shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
        match features {
            None => return Err(ArchitectureError::TooLarge),
            Some(0) => return Err(ArchitectureError::EmptyInput(self.input_shape.clone())),
            Some(_) => {}
        }
        for (part, layers) in [("encoder", &self.encoder), ("decoder", &self.decoder)] {
            if layers.is_empty() {
                return Err(ArchitectureError::NoLayers(part));
            }
        }
        let mut parameters = 0usize;
        for layer in self.layers() {
            if layer.outputs == 0 {
                return Err(ArchitectureError::EmptyLayer { layer: layer.name });
            }
            parameters = parameters.saturating_add(layer.parameters);
        }
        if parameters > MAX_PARAMETERS {
            return Err(ArchitectureError::TooLarge);
        }
        let (outputs, features) = (self.decoder.last().map_or(0, |layer| layer.units()), self.features());
        if outputs != features {
            return Err(ArchitectureError::Output { outputs, features });
        }
        Ok(())
    }

    /// The values of one sample.
    pub fn features(&self) -> usize {
        features_of(&self.input_shape)
    }

    /// The numbers of one code.
    pub fn latent(&self) -> usize {
        self.encoder.last().map_or(0, LayerSpec::units)
    }

    /// Weights and biases of all layers.
    pub fn parameters(&self) -> usize {
        self.layers().iter().fold(0, |sum: usize, layer| sum.saturating_add(layer.parameters))
    }

    /// The layers in the order in which a sample passes them.
    pub fn layers(&self) -> Vec<LayerSummary> {
        let mut inputs = self.features();
        let encoder = self.encoder.iter().enumerate().map(|(index, layer)| (format!("encoder.{index}"), layer));
        let decoder = self.decoder.iter().enumerate().map(|(index, layer)| (format!("decoder.{index}"), layer));
        encoder
            .chain(decoder)
            .map(|(name, &LayerSpec::Dense { units: outputs, activation })| {
                let parameters = inputs.saturating_mul(outputs).saturating_add(outputs);
                let summary = LayerSummary { name, kind: "dense", inputs, outputs, activation, parameters };
                inputs = outputs;
                summary
            })
            .collect()
    }

    /// The widths from sample to sample: `784-128-64-10-64-128-784`.
    pub fn summary(&self) -> String {
        let mut text = self.features().to_string();
        for layer in self.layers() {
            text.push('-');
            text.push_str(&layer.outputs.to_string());
        }
        text
    }
}

impl LayerSpec {
    /// The number of outputs.
    pub fn units(&self) -> usize {
        let Self::Dense { units, .. } = *self;
        units
    }
}

fn features_of(shape: &[usize]) -> usize {
    shape.iter().fold(1, |product: usize, &n| product.saturating_mul(n))
}

fn set_last_activation(layers: &mut [LayerSpec], activation: Activation) {
    if let Some(LayerSpec::Dense { activation: of_layer, .. }) = layers.last_mut() {
        *of_layer = activation;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decoder_mirrors_the_encoder() {
        let layers = Architecture::dense([4], &[3, 2], 1).with_output_activation(Activation::Sigmoid).layers();
        let shape: Vec<_> = layers.iter().map(|layer| (layer.inputs, layer.outputs, layer.activation)).collect();
        use Activation::{Linear, Relu, Sigmoid};
        let expected = [(4, 3, Relu), (3, 2, Relu), (2, 1, Linear), (1, 2, Relu), (2, 3, Relu), (3, 4, Sigmoid)];
        assert_eq!(shape, expected);
    }

    #[test]
    fn impossible_architectures_are_refused() {
        let error = |architecture: Architecture| architecture.validate().unwrap_err();
        assert_eq!(error(Architecture::dense([0, 3], &[2], 1)), ArchitectureError::EmptyInput(vec![0, 3]));
        assert_eq!(
            error(Architecture::dense([3], &[0], 1)),
            ArchitectureError::EmptyLayer { layer: "encoder.0".into() }
        );
        assert_eq!(error(Architecture::dense([usize::MAX, 3], &[2], 1)), ArchitectureError::TooLarge);
        assert_eq!(error(Architecture::dense([1 << 20], &[1 << 20], 1)), ArchitectureError::TooLarge);
        let mut broken = Architecture::dense([3], &[2], 1);
        broken.input_shape = vec![4];
        assert_eq!(error(broken), ArchitectureError::Output { outputs: 3, features: 4 });
    }

    #[test]
    fn an_architecture_reads_back_from_json() {
        let architecture = Architecture::dense([28, 28], &[128], 10).with_activation(Activation::LeakyRelu);
        let text = serde_json::to_string(&architecture).unwrap();
        assert!(text.contains(r#"{"kind":"dense","units":128,"activation":"leaky-relu"}"#), "{text}");
        assert_eq!(serde_json::from_str::<Architecture>(&text).unwrap(), architecture);
    }
}
