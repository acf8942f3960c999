//! The bytes of an integer decoder, as they lie in a file and as its hash is taken of them.

use super::bytes::{Reader, put_signed, put_unsigned};
use super::error::CodecError;
use super::exact::Weights;
use super::fixed_layer::{FixedLayer, Form, MAX_INPUTS};
use super::fixed_point::{FixedDecoder, MAX_WIDTH, MAX_WINDOWS, is_held};
use crate::network::{Activation, PerAxis, Windows};

/// Decoders of dense layers alone.
const DENSE: u8 = 1;
/// Each layer says first what it does.
const SPATIAL: u8 = 2;
const MAX_DIMENSIONS: usize = 16;
const MAX_LAYERS: usize = 1024;

impl FixedDecoder {
    /// The bytes of the decoder.
    pub fn to_bytes(&self) -> Vec<u8> {
        let is_spatial = self.is_spatial();
        let mut bytes = vec![if is_spatial { SPATIAL } else { DENSE }, self.weight_bits];
        put_signed(&mut bytes, i64::from(self.output_bits));
        put_unsigned(&mut bytes, self.shape.len() as u64);
        self.shape.iter().for_each(|&length| put_unsigned(&mut bytes, length as u64));
        put_unsigned(&mut bytes, self.latent() as u64);
        put_unsigned(&mut bytes, self.layers.len() as u64);
        for layer in &self.layers {
            if is_spatial {
                put_form(&mut bytes, &layer.form);
            }
            if !layer.has_weights() {
                continue;
            }
            put_unsigned(&mut bytes, layer.exponents.len() as u64);
            bytes.push(number_of(layer.activation));
            bytes.extend(layer.exponents.iter().map(|&exponent| exponent as u8));
            layer.bias.iter().for_each(|&bias| put_signed(&mut bytes, bias));
            for weights in layer.weights.rows() {
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
        if ![DENSE, SPATIAL].contains(&version) {
            return Err(CodecError::Version { found: u32::from(version), known: u32::from(SPATIAL) });
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
            let form = if version == SPATIAL { read_form(&mut reader, inputs)? } else { Form::Dense };
            let layer = match moved(&form) {
                Some(outputs) => FixedLayer::moving(form, inputs, outputs),
                None => read_weights(&mut reader, form, inputs, weight_bits)?,
            };
            inputs = layer.outputs;
            if version == SPATIAL && !is_held(inputs, features) {
                return Err(reader.damaged(format!("a layer of {inputs} numbers for samples of {features}")));
            }
            layers.push(layer);
        }
        if layers.is_empty() || inputs != features {
            return Err(reader.damaged(format!("layers that end with {inputs} numbers for samples of {features}")));
        }
        if !layers.iter().any(FixedLayer::has_weights) {
            return Err(reader.damaged("a decoder without weights"));
        }
        let linear = version == DENSE && layers.last().is_some_and(|layer| layer.activation == Activation::Linear);
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

fn put_form(bytes: &mut Vec<u8>, form: &Form) {
    let mut put = |number: u8, values: &[usize]| {
        bytes.push(number);
        values.iter().for_each(|&value| put_unsigned(bytes, value as u64));
    };
    match form {
        Form::Dense => put(0, &[]),
        Form::Convolution(windows) => put(1, &numbers_of(windows)),
        Form::TransposedConvolution(windows) => put(2, &numbers_of(windows)),
        Form::Upsample { image: [h, w, c], factor } => put(3, &[*h, *w, *c, factor.height, factor.width]),
        Form::PixelShuffle { image: [h, w, c], factor } => put(4, &[*h, *w, *c, factor.height, factor.width]),
    }
}

fn numbers_of(windows: &Windows) -> [usize; 11] {
    let Windows { height, width, channels, rows, columns, kernel, stride, padding } = *windows;
    let pairs = [kernel, stride, padding].map(|pair| [pair.height, pair.width]);
    let [[a, b], [c, d], [e, f]] = pairs;
    [height, width, channels, rows, columns, a, b, c, d, e, f]
}

/// What a layer does with so many numbers.
fn read_form(reader: &mut Reader<'_>, inputs: usize) -> Result<Form, CodecError> {
    let number = reader.u8("the form of a layer")?;
    let product = |sizes: &[usize]| sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    match number {
        0 => Ok(Form::Dense),
        1 | 2 => {
            let [height, width, channels, rows, columns, a, b, c, d, e, f] = sizes(reader, 2)?;
            let pair = |height, width| PerAxis { height, width };
            let (kernel, stride, padding) = (pair(a, b), pair(c, d), pair(e, f));
            let windows = Windows { height, width, channels, rows, columns, kernel, stride, padding };
            let image = product(&[height, width, channels]).filter(|&values| values <= MAX_WIDTH);
            let of_a_row = product(&[a, b, channels, columns]).filter(|&values| values <= MAX_WINDOWS);
            let count = product(&[rows, columns]).filter(|&count| count <= MAX_WIDTH);
            let (Some(image), Some(_), Some(count)) = (image, of_a_row, count) else {
                return Err(reader.damaged("windows beyond all memory"));
            };
            let (form, fits) = if number == 1 {
                (Form::Convolution(windows), image == inputs)
            } else {
                (Form::TransposedConvolution(windows), inputs.is_multiple_of(count))
            };
            if !fits || form.terms(inputs) > MAX_INPUTS {
                return Err(reader.damaged(format!("windows that do not fit {inputs} numbers")));
            }
            Ok(form)
        }
        3 | 4 => {
            let [height, width, channels, a, b] = sizes(reader, 0)?;
            let (image, factor) = ([height, width, channels], PerAxis { height: a, width: b });
            let is_divided = number == 3 || channels % factor.area() == 0;
            let larger = product(&[inputs, a, b]).filter(|&values| values <= MAX_WIDTH);
            if product(&image) != Some(inputs) || !is_divided || larger.is_none() {
                return Err(reader.damaged(format!("an image that does not fit {inputs} numbers")));
            }
            Ok(if number == 3 { Form::Upsample { image, factor } } else { Form::PixelShuffle { image, factor } })
        }
        other => Err(reader.damaged(format!("a layer of form {other}"))),
    }
}

/// Sizes, of which only the last so many may be 0.
fn sizes<const N: usize>(reader: &mut Reader<'_>, zeros: usize) -> Result<[usize; N], CodecError> {
    let mut sizes = [0; N];
    for size in &mut sizes {
        *size = reader.up_to(MAX_WIDTH, "a size")?;
    }
    if sizes[..N - zeros].contains(&0) { Err(reader.damaged("a size of 0")) } else { Ok(sizes) }
}

/// How many numbers a layer without weights makes.
fn moved(form: &Form) -> Option<usize> {
    match form {
        Form::Upsample { image, factor } => Some(image.iter().product::<usize>() * factor.area()),
        Form::PixelShuffle { image, .. } => Some(image.iter().product()),
        _ => None,
    }
}

fn read_weights(reader: &mut Reader<'_>, form: Form, inputs: usize, weight_bits: u8) -> Result<FixedLayer, CodecError> {
    let channels = reader.up_to(MAX_WIDTH, "a layer's outputs")?;
    // The weights as a matrix, and the numbers that come out.
    let (rows, columns, outputs) = match &form {
        Form::Convolution(windows) => (windows.values(), channels, windows.count().saturating_mul(channels)),
        Form::TransposedConvolution(windows) if windows.channels == channels => {
            (inputs / windows.count(), windows.values(), windows.image())
        }
        Form::TransposedConvolution(_) => return Err(reader.damaged(format!("{channels} channels"))),
        _ => (inputs, channels, channels),
    };
    if rows == 0 || rows > MAX_INPUTS || outputs == 0 || outputs > MAX_WIDTH {
        return Err(reader.damaged(format!("a layer from {inputs} to {outputs} numbers")));
    }
    let number = reader.u8("an activation")?;
    let activation = activation_of(number).ok_or_else(|| reader.damaged(format!("activation {number}")))?;
    let exponents: Vec<i8> = reader.take(channels, "exponents")?.iter().map(|&byte| byte as i8).collect();
    let mut bias = Vec::with_capacity(channels);
    for _ in 0..channels {
        let value = reader.signed("a bias")?;
        if value.unsigned_abs() > 1 << 61 {
            return Err(reader.damaged("a bias beyond 2^61"));
        }
        bias.push(value);
    }
    let length = rows.checked_mul(columns).and_then(|n| n.checked_mul(usize::from(weight_bits / 8)));
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
    let weights = Weights::new(rows, columns, &weights);
    Ok(FixedLayer { form, inputs, outputs, activation, weights, exponents, bias })
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
