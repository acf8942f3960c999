//! The bytes of an integer decoder, as they lie in a file and as its hash is taken of them.

use super::bytes::{Reader, put_signed, put_unsigned};
use super::error::CodecError;
use super::exact::Weights;
use super::fixed_point::{FixedDecoder, FixedLayer};
use crate::network::Activation;

const VERSION: u8 = 1;
const MAX_DIMENSIONS: usize = 16;
const MAX_LAYERS: usize = 1024;
/// The widest layer or sample: a row of results is held for a few samples at a time.
const MAX_WIDTH: usize = 1 << 26;
const MAX_INPUTS: usize = 1 << 16;

impl FixedDecoder {
    /// The bytes of the decoder.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.weight_bits];
        put_signed(&mut bytes, i64::from(self.output_bits));
        put_unsigned(&mut bytes, self.shape.len() as u64);
        self.shape.iter().for_each(|&length| put_unsigned(&mut bytes, length as u64));
        put_unsigned(&mut bytes, self.latent() as u64);
        put_unsigned(&mut bytes, self.layers.len() as u64);
        for layer in &self.layers {
            put_unsigned(&mut bytes, layer.outputs as u64);
            bytes.push(number_of(layer.activation));
            bytes.extend(layer.exponents.iter().map(|&exponent| exponent as u8));
            layer.bias.iter().for_each(|&bias| put_signed(&mut bytes, bias));
            for weights in (0..layer.inputs).flat_map(|input| layer.weights.of_input(input)) {
                if self.weight_bits == 8 {
                    bytes.extend(weights.iter().map(|&weight| weight as u8));
                } else {
                    weights.iter().for_each(|weight| bytes.extend_from_slice(&weight.to_le_bytes()));
                }
            }
        }
        put_unsigned(&mut bytes, self.output_scale.len() as u64);
        for &(factor, offset) in &self.output_scale {
            put_signed(&mut bytes, factor);
            put_signed(&mut bytes, offset);
        }
        for spread in [&self.spread, &self.code_spread] {
            put_unsigned(&mut bytes, spread.len() as u64);
            bytes.extend(spread);
        }
        bytes
    }

    /// Reads a decoder that begins at byte `origin` of a file.
    pub(crate) fn from_bytes(bytes: &[u8], origin: u64) -> Result<Self, CodecError> {
        let mut reader = Reader::new(bytes, origin);
        let version = reader.u8("the decoder's version")?;
        if version != VERSION {
            return Err(CodecError::Version { found: u32::from(version), known: u32::from(VERSION) });
        }
        let weight_bits = reader.u8("the weights' width")?;
        if weight_bits != 8 && weight_bits != 16 {
            return Err(reader.damaged(format!("weights of {weight_bits} bits")));
        }
        let output_bits = reader.signed("the output bits")?;
        if !(-200..=60).contains(&output_bits) {
            return Err(reader.damaged(format!("{output_bits} output bits")));
        }
        let dimensions = reader.up_to(MAX_DIMENSIONS, "the number of dimensions")?;
        let mut shape = Vec::with_capacity(dimensions);
        for _ in 0..dimensions {
            shape.push(reader.up_to(MAX_WIDTH, "a dimension")?);
        }
        let elements = shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length));
        let features = elements.filter(|&features| (1..=MAX_WIDTH).contains(&features));
        let features = features.ok_or_else(|| reader.damaged(format!("samples of shape {shape:?}")))?;
        let mut inputs = reader.up_to(MAX_INPUTS, "the latent size")?;
        let count = reader.up_to(MAX_LAYERS, "the number of layers")?;
        let mut layers: Vec<FixedLayer> = Vec::new();
        for _ in 0..count {
            let outputs = reader.up_to(MAX_WIDTH, "a layer's outputs")?;
            if inputs == 0 || inputs > MAX_INPUTS || outputs == 0 {
                return Err(reader.damaged(format!("a layer from {inputs} to {outputs} numbers")));
            }
            let number = reader.u8("an activation")?;
            let activation = activation_of(number).ok_or_else(|| reader.damaged(format!("activation {number}")))?;
            let exponents: Vec<i8> = reader.take(outputs, "exponents")?.iter().map(|&byte| byte as i8).collect();
            let mut bias = Vec::with_capacity(outputs);
            for _ in 0..outputs {
                let value = reader.signed("a bias")?;
                if value.unsigned_abs() > 1 << 61 {
                    return Err(reader.damaged("a bias beyond 2^61"));
                }
                bias.push(value);
            }
            let length = inputs.checked_mul(outputs).and_then(|n| n.checked_mul(usize::from(weight_bits / 8)));
            let length = length.ok_or_else(|| reader.damaged("a layer beyond all memory"))?;
            let raw = reader.take(length, "weights")?;
            let weights: Vec<i16> = if weight_bits == 8 {
                raw.iter().map(|&byte| i16::from(byte as i8)).collect()
            } else {
                raw.as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect()
            };
            if weights.contains(&i16::MIN) {
                return Err(reader.damaged("a weight of -2^15"));
            }
            let weights = Weights::new(inputs, outputs, &weights);
            layers.push(FixedLayer { inputs, outputs, activation, weights, exponents, bias });
            inputs = outputs;
        }
        if layers.is_empty() || inputs != features {
            return Err(reader.damaged(format!("layers that end with {inputs} numbers for samples of {features}")));
        }
        let linear = layers.last().is_some_and(|layer| layer.activation == Activation::Linear);
        let scales = reader.up_to(features, "the number of output scales")?;
        if (linear && scales != 0) || (!linear && scales != 1 && scales != features) {
            return Err(reader.damaged(format!("{scales} output scales for {features} features")));
        }
        let mut output_scale = Vec::new();
        for _ in 0..scales {
            let (factor, offset) = (reader.signed("a scale")?, reader.signed("an offset")?);
            if factor.unsigned_abs() > 1 << 32 || offset.unsigned_abs() > 1 << 61 {
                return Err(reader.damaged("an output scale beyond its range"));
            }
            output_scale.push((factor, offset));
        }
        let mut spreads = |expected: usize| {
            let count = reader.up_to(expected, "the number of spreads")?;
            if count != 0 && count != expected {
                return Err(reader.damaged(format!("{count} spreads for {expected} numbers")));
            }
            Ok(reader.take(count, "spreads")?.to_vec())
        };
        let (spread, code_spread) = (spreads(features)?, spreads(layers[0].inputs)?);
        reader.finish("the decoder")?;
        Ok(Self { shape, weight_bits, layers, output_bits: output_bits as i32, output_scale, spread, code_spread })
    }
}

fn number_of(activation: Activation) -> u8 {
    match activation {
        Activation::Linear => 0,
        Activation::Relu => 1,
        Activation::LeakyRelu => 2,
        Activation::Elu => 3,
        Activation::Gelu => 4,
        Activation::Tanh => 5,
        Activation::Sigmoid => 6,
        Activation::GeluErf => 7,
        Activation::Silu => 8,
    }
}

fn activation_of(number: u8) -> Option<Activation> {
    Activation::ALL.into_iter().find(|&activation| number_of(activation) == number)
}
