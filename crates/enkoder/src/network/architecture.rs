//! What a user asks for: the shape of a sample and the layers of encoder and decoder. It is plain data, stored in the model file,
//! and says nothing of what computes it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::layer_spec::LayerSpec;
use super::operations::{Plan, image_shape, values_of};

/// Limits that keep a hostile or mistaken architecture from asking for absurd amounts of memory.
const MAX_PARAMETERS: usize = 1 << 31;
const MAX_LAYERS: usize = 1024;
const MAX_VALUES: usize = 1 << 26;

/// Why an [`Architecture`] cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// A sample has no values.
    #[error("input shape {0:?} holds no values")]
    EmptyInput(Vec<usize>),
    /// A layer cannot do its work on what it gets.
    #[error("layer {layer} ({kind}) {reason}")]
    Layer {
        /// The layer's name, such as `encoder.0`.
        layer: String,
        /// Its kind, such as `dense`.
        kind: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// Encoder or decoder has no layers.
    #[error("the {0} has no layers")]
    NoLayers(&'static str),
    /// The decoder does not end with a sample.
    #[error("the decoder ends with {}, but should with {}", Shape(found), Shape(expected))]
    Output {
        /// The shape that the last layer makes.
        found: Vec<usize>,
        /// The shape of a sample.
        expected: Vec<usize>,
    },
    /// What the network computes cannot be taken from the input.
    #[error("a residual network ends with a linear layer, but this one with {0}")]
    Residual(Activation),
    /// A layer reads a value that is not there.
    #[error(
        "layer {layer} reads {from:?}, which is no layer before it\nhint: write a name such as encoder.0, or input for the sample"
    )]
    NoSuchLayer {
        /// The layer's name, such as `decoder.1`.
        layer: String,
        /// What it reads.
        from: String,
    },
    /// A network with dense layers has one size of samples for ever.
    #[error("layer {0} sees the whole sample, so the network takes samples of one size alone")]
    FixedSize(String),
    /// Another number of channels needs other weights.
    #[error("the network takes images of as many channels as {}, not as {}", Shape(expected), Shape(found))]
    Channels {
        /// The shape asked for.
        found: Vec<usize>,
        /// The shape of a sample.
        expected: Vec<usize>,
    },
    /// The network is larger than can be meant.
    #[error(
        "the network would have more than {MAX_PARAMETERS} parameters, {MAX_VALUES} values in a layer or {MAX_LAYERS} layers: use narrower or fewer layers"
    )]
    TooLarge,
}

/// A shape in words: `28×28×1`, or `784 values`.
pub(crate) struct Shape<'a>(pub &'a [usize]);

impl Shape<'_> {
    /// Without a unit: `28×28×1`, `784`.
    pub fn size(&self) -> String {
        self.0.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
    }
}

impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size();
        if self.0.len() == 1 { write!(f, "{size} values") } else { f.write_str(&size) }
    }
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
    /// The shape of what the decoder makes, where that is no sample: an image of measurements. `None` for an autoencoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_shape: Option<Vec<usize>>,
    /// Whether the network computes what is to be taken from its input, as denoisers do (Zhang et al. 2017): output = input −
    /// network(input).
    #[serde(default, skip_serializing_if = "is_false")]
    pub residual: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// What is known of one layer before it is built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerSummary {
    /// Where it stands: `encoder.0`, `decoder.2`.
    pub name: String,
    /// What kind of layer it is: `dense`.
    pub kind: &'static str,
    /// The values it reads: 0 is the sample, `n + 1` what layer `n` makes. One, or two of a layer that joins them.
    pub reads: Vec<usize>,
    /// Shape of the first value it reads.
    pub input_shape: Vec<usize>,
    /// Shape of what comes out.
    pub output_shape: Vec<usize>,
    /// Values in.
    pub inputs: usize,
    /// Values out.
    pub outputs: usize,
    /// The function applied to each output.
    pub activation: Activation,
    /// Weights and biases.
    pub parameters: usize,
    /// Names and shapes of its tensors in the order of the flat parameters.
    pub tensors: Vec<(&'static str, Vec<usize>)>,
}

impl Architecture {
    /// A dense autoencoder: hidden layers of these widths with ReLU, a linear code of `latent` numbers, the decoder mirrored, the
    /// output linear.
    pub fn dense(input_shape: impl Into<Vec<usize>>, hidden: &[usize], latent: usize) -> Self {
        let input_shape = input_shape.into();
        let features = values_of(&input_shape);
        let layer = LayerSpec::dense;
        let hidden_layer = |&units| layer(units, Activation::Relu);
        let encoder = hidden.iter().map(hidden_layer).chain([layer(latent, Activation::Linear)]).collect();
        let decoder = hidden.iter().rev().map(hidden_layer).chain([layer(features, Activation::Linear)]).collect();
        Self { input_shape, encoder, decoder, output_shape: None, residual: false }
    }

    /// One linear layer each way: the shape of principal component analysis.
    pub fn linear(input_shape: impl Into<Vec<usize>>, latent: usize) -> Self {
        Self::dense(input_shape, &[], latent)
    }

    /// The same layers with this activation in all hidden ones that have one.
    pub fn with_activation(mut self, activation: Activation) -> Self {
        for layers in [&mut self.encoder, &mut self.decoder] {
            let normalised: Vec<bool> =
                (1..=layers.len()).map(|next| layers.get(next).is_some_and(LayerSpec::is_normalisation)).collect();
            // What a normalisation follows leaves the activation to it. The last that has one makes the code or the output, also
            // where shuffles follow.
            let of_layers = layers.iter_mut().zip(normalised).filter(|(_, normalised)| !normalised);
            let mut activations: Vec<_> = of_layers.filter_map(|(layer, _)| layer.activation_mut()).collect();
            activations.pop();
            activations.into_iter().for_each(|of_layer| *of_layer = activation);
        }
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

    /// The same layers, of which the last makes something of this shape: for pairs of different kinds, such as measurements and images.
    /// A last layer that is dense gets as many outputs.
    pub fn with_output_shape(mut self, shape: impl Into<Vec<usize>>) -> Self {
        let shape = shape.into();
        if let Some(LayerSpec::Dense(last)) = self.decoder.last_mut() {
            last.units = values_of(&shape);
        }
        self.output_shape = Some(shape);
        self
    }

    /// Checks that the layers fit together and are of a size that can be meant.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn validate(&self) -> Result<(), ArchitectureError> {
        self.validated().map(drop)
    }

    /// The layers, when they fit together.
    pub(super) fn validated(&self) -> Result<Vec<LayerSummary>, ArchitectureError> {
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
        let layers = self.walk()?;
        let parameters = layers.iter().fold(0usize, |sum, layer| sum.saturating_add(layer.parameters));
        if parameters > MAX_PARAMETERS || layers.iter().any(|layer| layer.outputs > MAX_VALUES) {
            return Err(ArchitectureError::TooLarge);
        }
        let output = layers.last().expect("there are layers");
        let wanted = self.output_shape.as_ref().unwrap_or(&self.input_shape);
        let same_size = match (image_shape(&output.output_shape), image_shape(wanted)) {
            (Some(found), Some(expected)) => found == expected,
            _ => output.outputs == values_of(wanted),
        };
        if !same_size {
            let (found, expected) = (output.output_shape.clone(), wanted.clone());
            return Err(ArchitectureError::Output { found, expected });
        }
        if self.residual && output.activation != Activation::Linear {
            return Err(ArchitectureError::Residual(output.activation));
        }
        if self.residual && output.outputs != self.features() {
            let (found, expected) = (output.output_shape.clone(), self.input_shape.clone());
            return Err(ArchitectureError::Output { found, expected });
        }
        Ok(layers)
    }

    /// The first layer that keeps a code alone from being decoded: it reads what only the sample has, `output` where the output is the
    /// sample less what the layers compute. `None` of an autoencoder that decodes.
    pub fn needs_sample(&self) -> Option<String> {
        let encoder = self.encoder.len();
        let reads_sample = |layer: &LayerSummary| layer.reads.iter().any(|&value| value < encoder);
        let decoder = self.layers().into_iter().skip(encoder).find(reads_sample).map(|layer| layer.name);
        decoder.or_else(|| self.residual.then(|| "output".to_owned()))
    }

    /// The first layer that reads more than the one before it; `None` of a chain.
    pub(crate) fn first_join(&self) -> Option<String> {
        let joined = self.layers().into_iter().find(|layer| layer.reads.len() > 1).map(|layer| layer.name);
        joined.or_else(|| self.residual.then(|| "output".to_owned()))
    }

    /// The values of one sample.
    pub fn features(&self) -> usize {
        values_of(&self.input_shape)
    }

    /// The values that the decoder makes: those of a sample, unless there is an [output shape](Self::output_shape).
    pub fn outputs(&self) -> usize {
        self.output_shape.as_deref().map_or_else(|| self.features(), values_of)
    }

    /// The numbers of one code.
    pub fn latent(&self) -> usize {
        self.encoder
            .len()
            .checked_sub(1)
            .and_then(|last| self.layers().get(last).map(|layer| layer.outputs))
            .unwrap_or(0)
    }

    /// Weights, biases and what else of the layers is stored.
    pub fn parameters(&self) -> usize {
        self.layers().iter().fold(0, |sum: usize, layer| sum.saturating_add(layer.parameters))
    }

    /// The layers in the order in which a sample passes them; of an [invalid](Self::validate) architecture none.
    pub fn layers(&self) -> Vec<LayerSummary> {
        self.walk().unwrap_or_default()
    }

    /// Names and shapes of all tensors in the order of the flat parameters: `encoder.0.weight`.
    pub(crate) fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let named = |layer: LayerSummary| {
            let LayerSummary { name, tensors, .. } = layer;
            tensors.into_iter().map(move |(tensor, shape)| (format!("{name}.{tensor}"), shape))
        };
        self.layers().into_iter().flat_map(named).collect()
    }

    /// Whether every layer is dense.
    pub fn is_dense(&self) -> bool {
        self.encoder.iter().chain(&self.decoder).all(|layer| matches!(layer, LayerSpec::Dense(_)))
    }

    /// The layers in their order, as far as shapes go.
    fn walk(&self) -> Result<Vec<LayerSummary>, ArchitectureError> {
        let parts = [("encoder", &self.encoder), ("decoder", &self.decoder)];
        let named = parts.into_iter().flat_map(|(part, layers)| {
            layers.iter().enumerate().map(move |(index, layer)| (format!("{part}.{index}"), layer))
        });
        let mut layers: Vec<LayerSummary> = Vec::new();
        for (name, spec) in named {
            let mut reads = vec![layers.len()];
            if let Some(from) = spec.other() {
                let position = layers.iter().position(|layer| layer.name == from).map(|index| index + 1);
                let value = if from == "input" { Some(0) } else { position };
                let missing = || ArchitectureError::NoSuchLayer { layer: name.clone(), from: from.to_owned() };
                reads.push(value.ok_or_else(missing)?);
            }
            let shape = |&value: &usize| match value.checked_sub(1) {
                None => &self.input_shape[..],
                Some(layer) => &layers[layer].output_shape,
            };
            let inputs: Vec<&[usize]> = reads.iter().map(shape).collect();
            let kind = spec.kind();
            let Plan { output_shape, tensors } =
                spec.plan(&inputs).map_err(|reason| ArchitectureError::Layer { layer: name.clone(), kind, reason })?;
            let count = |sum: usize, shape: &Vec<usize>| sum.saturating_add(values_of(shape));
            layers.push(LayerSummary {
                name,
                kind,
                inputs: values_of(inputs[0]),
                outputs: values_of(&output_shape),
                input_shape: inputs[0].to_vec(),
                output_shape,
                activation: spec.activation(),
                parameters: tensors.iter().map(|(_, shape)| shape).fold(0, count),
                tensors,
                reads,
            });
        }
        Ok(layers)
    }

    /// The sizes from sample to sample: `784-128-64-10-64-128-784`, or with images on the way `28×28-14×14×16-…`.
    pub fn summary(&self) -> String {
        let name = |shape: &[usize]| {
            if self.is_dense() { values_of(shape).to_string() } else { Shape(shape).size() }
        };
        let mut text = name(&self.input_shape);
        for layer in self.layers().iter().filter(|layer| layer.kind != "batch_norm") {
            text.push('-');
            text.push_str(&name(&layer.output_shape));
        }
        text
    }
}

fn set_last_activation(layers: &mut [LayerSpec], activation: Activation) {
    if let Some(of_layer) = layers.iter_mut().rev().find_map(LayerSpec::activation_mut) {
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
    fn an_output_that_is_shuffled_stays_linear() {
        let architecture = Architecture::denoiser([8, 8], 3, 4).with_activation(Activation::Elu);
        let activations: Vec<_> = architecture.layers().iter().map(|layer| layer.activation).collect();
        use Activation::{Elu, Linear, Relu};
        // Of the code, too, which is hidden in a denoiser but not in other networks.
        assert_eq!(activations, [Linear, Elu, Linear, Relu, Linear, Elu, Linear, Linear]);
    }

    #[test]
    fn impossible_architectures_are_refused() {
        let error = |architecture: Architecture| architecture.validate().unwrap_err();
        assert_eq!(error(Architecture::dense([0, 3], &[2], 1)), ArchitectureError::EmptyInput(vec![0, 3]));
        assert_eq!(
            error(Architecture::dense([3], &[0], 1)),
            ArchitectureError::Layer {
                layer: "encoder.0".into(),
                kind: "dense",
                reason: "has 0 units: at least 1 is needed".into()
            }
        );
        assert_eq!(error(Architecture::dense([usize::MAX, 3], &[2], 1)), ArchitectureError::TooLarge);
        assert_eq!(error(Architecture::dense([1 << 20], &[1 << 20], 1)), ArchitectureError::TooLarge);
        let mut broken = Architecture::dense([3], &[2], 1);
        broken.input_shape = vec![4];
        assert_eq!(error(broken), ArchitectureError::Output { found: vec![3], expected: vec![4] });
    }

    #[test]
    fn an_architecture_reads_back_from_json() {
        let architecture = Architecture::dense([28, 28], &[128], 10).with_activation(Activation::LeakyRelu);
        let text = serde_json::to_string(&architecture).unwrap();
        assert!(text.contains(r#"{"kind":"dense","units":128,"activation":"leaky-relu"}"#), "{text}");
        assert_eq!(serde_json::from_str::<Architecture>(&text).unwrap(), architecture);
    }
}
