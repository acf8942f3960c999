//! The decoder network in integers. Weights are 8- or 16-bit, activations 32-bit with 16 fraction bits, sums 64-bit and exact,
//! so that no order of addition, vector width or thread count can change a prediction by one bit.

use sha2::{Digest, Sha256};

use super::error::CodecError;
use super::exact::Weights;
use super::fixed_layer::{CEILING, FRACTION, FixedLayer, Form, MAX_INPUTS, activate, shifted};
use crate::autoencoder::Autoencoder;
use crate::network::vectorised::vectorised;
use crate::network::{Activation, LayerSpec, Node, Program, image_shape};

/// Values of the windows of one row at most, which are held at once.
pub(crate) const MAX_WINDOWS: usize = 1 << 24;
/// The widest layer or sample, and how many times as many numbers as a sample a layer may make.
pub(crate) const MAX_WIDTH: usize = 1 << 26;
const MAX_GROWTH: usize = 1 << 10;
/// Numbers of the widest layer that are held at once, if a row has no more.
const MAX_TOGETHER: usize = 1 << 22;
/// Biases are held up to here.
const LARGEST_BIAS: f64 = (1u64 << 60) as f64;

/// The decoder of a model in integers, with what its model knows of where predictions err.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedDecoder {
    pub(crate) shape: Vec<usize>,
    pub(crate) weight_bits: u8,
    pub(crate) layers: Vec<FixedLayer>,
    /// Fraction bits of a prediction in the units of the data; negative where units are larger than 1.
    pub(crate) output_bits: i32,
    /// For an output that is not linear: factor and offset of each feature in output bits, or one for all.
    pub(crate) output_scale: Vec<(i64, i64)>,
    /// For each feature the class of its spread around the prediction, see [`spread_class`]; empty where unknown.
    pub(crate) spread: Vec<u8>,
    /// For each latent the class of its spread; empty where unknown.
    pub(crate) code_spread: Vec<u8>,
}

/// The codes of a block and what their integers mean.
pub(crate) struct Steps<'a> {
    /// Latents in use: the first so many of each code.
    pub(crate) active: usize,
    /// What one step of each active latent is, in units of 2^(−fraction).
    pub(crate) units: &'a [i32],
    /// Fraction bits of a latent.
    pub(crate) fraction: i32,
}

/// Four times the binary logarithm of a positive number, rounded down and moved by 512 so that it is positive; 0 for 0.
/// From the bits alone: no library decides it.
pub(crate) fn quarter_octaves(value: f64) -> i32 {
    if !(value > 0.0 && value.is_finite()) {
        return 0;
    }
    let bits = value.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    // The first bits of the mantissas of 2^¼, 2^½ and 2^¾.
    let mantissa = bits >> 20 & 0xffff_ffff;
    let quarter = [0x306f_e0a3, 0x6a09_e667, 0xae89_f995].iter().filter(|&&start| mantissa >= start).count() as i32;
    (4 * exponent + quarter + 512).max(1)
}

/// The class of a feature's spread (root mean square, in the units of the data): quarter octaves from 2⁻³² on, within 1..255.
pub(crate) fn spread_class(spread: f32) -> u8 {
    (quarter_octaves(f64::from(spread)) - 512 + 128).clamp(1, 255) as u8
}

fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent.clamp(-1022, 1023) + 1023) as u64) << 52)
}

/// The smallest e with |value| ≤ 2^e, for finite values.
fn ceiling_exponent(value: f64) -> i32 {
    let bits = value.abs().to_bits();
    ((bits >> 52) as i32 - 1023 + i32::from(bits & ((1 << 52) - 1) != 0)).max(-1000)
}

impl FixedDecoder {
    /// The integer decoder of `model`, with weights of 8 or 16 bits. Another machine derives the same from the same model.
    ///
    /// # Errors
    /// When a layer has more than 65,536 inputs, is of a kind that decoders in integers do not have, or a number is too large to be held.
    pub fn new(model: &Autoencoder, weight_bits: u32) -> Result<Self, CodecError> {
        let weight_bits = match weight_bits {
            8 => 8u8,
            16 => 16,
            other => return Err(CodecError::WeightBits(other)),
        };
        let architecture = model.architecture();
        if architecture.residual || !model.task().reconstructs() {
            return Err(CodecError::Unsupported("the model is no autoencoder".to_owned()));
        }
        let folded = model.program().folded(model.parameters());
        let (program, parameters) = folded.as_ref().map_or((model.program(), model.parameters()), |(a, b)| (a, b));
        let nodes = &program.nodes()[program.decoder()];
        let is_spatial = nodes.iter().any(|node| !node.is_dense());
        let affine: Vec<(f64, f64)> =
            (0..architecture.features()).map(|feature| model.scaler().inverse_of(feature)).collect();
        let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0f64, |most, value| most.max(value.abs()));
        let factor = largest(&mut affine.iter().map(|&(factor, _)| factor));
        let reach = largest(&mut affine.iter().map(|&(factor, offset)| offset.abs() + 16.0 * factor.abs()));
        let mut output_bits = (36 - ceiling_exponent(reach)).min(30 - ceiling_exponent(factor));

        let mut layers = Vec::new();
        for node in nodes {
            let Some(form) = form_of(node, program)? else { continue };
            let (inputs, outputs, activation) = (node.inputs(), node.outputs(), node.activation());
            if is_spatial && !is_held(outputs, architecture.features()) {
                let text = format!("layer {} makes {outputs} numbers of a sample, which are too many", node.name());
                return Err(CodecError::Unsupported(text));
            }
            let (rows, columns) = node.operation().matrix();
            if columns == 0 {
                layers.push(FixedLayer::moving(form, inputs, outputs));
                continue;
            }
            let of_node = node.parameters_in(parameters);
            let bias = of_node.bias;
            let folded = !is_spatial && node.writes() == program.output() && activation == Activation::Linear;
            let fold = |channel: usize| if folded { affine[channel] } else { (1.0, 0.0) };
            let channels = bias.len();
            let factors: Vec<f64> = (0..channels).map(|channel| fold(channel).0).collect();
            let mut largest = vec![0.0f64; channels];
            // The columns of a transposed convolution are those of its channels, pixel after pixel of the window.
            let chunks = || of_node.weight.chunks_exact(channels);
            for row in chunks() {
                vectorised(
                    #[inline(always)]
                    || {
                        for ((most, &weight), &factor) in largest.iter_mut().zip(row).zip(&factors) {
                            let size = (f64::from(weight) * factor).abs();
                            *most = if size > *most { size } else { *most };
                        }
                    },
                );
            }
            let exponents: Vec<i8> = largest
                .iter()
                .map(|&most| (i32::from(weight_bits) - 1 - ceiling_exponent(most)).clamp(-100, 60) as i8)
                .collect();
            let limit = f64::from((1i32 << (weight_bits - 1)) - 1);
            let scales =
                factors.iter().zip(&exponents).map(|(factor, &exponent)| factor * power_of_two(exponent.into()));
            let scales: Vec<f64> = scales.collect();
            let mut integers = vec![0i16; rows * columns];
            for (row, integers) in chunks().zip(integers.chunks_exact_mut(channels)) {
                vectorised(
                    #[inline(always)]
                    || {
                        for ((integer, &weight), &scale) in integers.iter_mut().zip(row).zip(&scales) {
                            *integer = (f64::from(weight) * scale).round_ties_even().clamp(-limit, limit) as i16;
                        }
                    },
                );
            }
            if folded {
                output_bits = exponents.iter().fold(output_bits, |bits, &exponent| bits.min(i32::from(exponent)));
            }
            let bits = if folded { output_bits } else { FRACTION };
            let bias = bias
                .iter()
                .enumerate()
                .map(|(channel, &bias)| {
                    let (factor, offset) = fold(channel);
                    let value = ((f64::from(bias) * factor + offset) * power_of_two(bits)).round();
                    value.clamp(-LARGEST_BIAS, LARGEST_BIAS) as i64
                })
                .collect();
            let weights = Weights::new(rows, columns, &integers);
            layers.push(FixedLayer { form, inputs, outputs, activation, weights, exponents, bias });
        }
        if !layers.iter().any(FixedLayer::has_weights) {
            return Err(CodecError::Unsupported("the model's decoder has no weights".to_owned()));
        }
        let linear = layers.last().is_some_and(|layer| layer.activation == Activation::Linear);
        let output_scale = if linear && !is_spatial {
            Vec::new()
        } else {
            let unit = power_of_two(output_bits);
            let mut scale: Vec<_> = affine
                .iter()
                .map(|&(factor, offset)| ((factor * unit).round() as i64, (offset * unit).round() as i64))
                .collect();
            if scale.iter().all(|&pair| pair == scale[0]) {
                scale.truncate(1);
            }
            scale
        };
        let classes = |spread: &[f32]| spread.iter().map(|&spread| spread_class(spread)).collect();
        let (spread, code_spread) = model.calibration().map_or_else(Default::default, |calibration| {
            (classes(&calibration.residual_spread), classes(&calibration.code_spread))
        });
        let shape = model.architecture().input_shape.clone();
        Ok(Self { shape, weight_bits, layers, output_bits, output_scale, spread, code_spread })
    }

    /// The numbers of a code.
    pub fn latent(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    /// Height, width and channels of a code that is an image.
    pub(crate) fn code_image(&self) -> Option<[usize; 3]> {
        match &self.layers.first()?.form {
            Form::Dense => None,
            Form::Convolution(windows) => Some([windows.height, windows.width, windows.channels]),
            Form::TransposedConvolution(windows) => {
                Some([windows.rows, windows.columns, self.latent() / windows.count()])
            }
            Form::Upsample { image, .. } | Form::PixelShuffle { image, .. } => Some(*image),
        }
    }

    /// The values of a sample.
    pub fn features(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// Whether it has layers other than dense ones.
    pub(crate) fn is_spatial(&self) -> bool {
        self.layers.iter().any(|layer| layer.form != Form::Dense)
    }

    /// Bits of a weight.
    pub fn weight_bits(&self) -> u32 {
        u32::from(self.weight_bits)
    }

    /// SHA-256 of the decoder's bytes, by which files name it.
    pub fn hash(&self) -> [u8; 32] {
        Self::hash_of(&self.to_bytes())
    }

    /// SHA-256 of the bytes of a decoder.
    pub(crate) fn hash_of(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    /// What one unit of a prediction is, in the units of the data: a power of two.
    pub(crate) fn unit(&self) -> f64 {
        power_of_two(-self.output_bits)
    }

    /// The mean magnitude that the integers of each latent in use usually have, in sixteenths; empty where that is unknown.
    pub(crate) fn usual_codes(&self, steps: &Steps<'_>) -> Vec<i64> {
        let mean = |(&class, &unit): (&u8, &i32)| {
            // Quarter octaves of the spread beside the step. A magnitude is on the average 0.8 of the spread.
            let step = quarter_octaves(f64::from(unit) * power_of_two(-steps.fraction)) - 512 + 128;
            let quarters = i32::from(class) - step;
            let mantissa = [13i64, 15, 18, 22][quarters.rem_euclid(4) as usize];
            match quarters.div_euclid(4) {
                right @ ..0 => mantissa >> (-right).min(62),
                left => mantissa << left.min(40),
            }
        };
        self.code_spread.iter().zip(steps.units).map(mean).collect()
    }

    /// Predictions of codes (`rows × active`), in units of [`unit`](Self::unit): `rows × features`.
    pub(crate) fn predict(&self, codes: &[i32], steps: &Steps<'_>, output: &mut [i64]) {
        let widest = self.layers.iter().map(|layer| layer.outputs).max().unwrap_or(1);
        let together = (MAX_TOGETHER / widest).max(1);
        for (index, output) in output.chunks_mut(together * self.features()).enumerate() {
            self.predict_together(&codes[index * together * steps.active..], steps, output);
        }
    }

    fn predict_together(&self, codes: &[i32], steps: &Steps<'_>, output: &mut [i64]) {
        let rows = output.len() / self.features();
        let mut width = steps.active;
        let codes = &codes[..rows * width];
        // One step for all latents multiplies the sums instead, which leaves the codes small; the result is the same.
        let shared = steps.units.first().copied().filter(|&first| {
            let largest = codes.iter().map(|code| i64::from(code.unsigned_abs())).max().unwrap_or(0);
            steps.units.iter().all(|&unit| unit == first) && largest * i64::from(first) <= CEILING
        });
        let mut unit = shared.unwrap_or(1);
        let mut input: Vec<i32> = match shared {
            Some(_) => codes.to_vec(),
            None => {
                let units = steps.units.iter().cycle();
                codes.iter().zip(units).map(|(&q, &unit)| clamp(i64::from(q) * i64::from(unit))).collect()
            }
        };
        if self.is_spatial() && width < self.latent() {
            let mut whole = vec![0; rows * self.latent()];
            for (whole, code) in whole.chunks_exact_mut(self.latent()).zip(input.chunks_exact(width.max(1))) {
                whole[..width].copy_from_slice(code);
            }
            (input, width) = (whole, self.latent());
        }
        let mut fraction = steps.fraction;
        for (index, layer) in self.layers.iter().enumerate() {
            if let Some(moved) = layer.moved(&input) {
                (input, width) = (moved, layer.outputs);
                continue;
            }
            let last = index + 1 == self.layers.len();
            let linear_output = last && self.output_scale.is_empty();
            let bits = if linear_output { self.output_bits } else { FRACTION };
            if linear_output {
                layer.forward(&input, [width, unit as usize], fraction, bits, output);
                return;
            }
            let mut sums = vec![0i64; rows * layer.outputs];
            layer.forward(&input, [width, unit as usize], fraction, bits, &mut sums);
            let activation = layer.activation;
            input.clear();
            input.extend(sums.iter().map(|&sum| activate(activation, clamp(sum))));
            (width, fraction, unit) = (layer.outputs, FRACTION, 1);
        }
        for (output, values) in output.chunks_exact_mut(width).zip(input.chunks_exact(width)) {
            for (feature, (output, &value)) in output.iter_mut().zip(values).enumerate() {
                let (factor, offset) = self.output_scale[feature.min(self.output_scale.len() - 1)];
                *output = shifted(i64::from(value) * factor, FRACTION) + offset;
            }
        }
    }
}

/// Whether a layer of a decoder may make so many numbers.
pub(crate) fn is_held(outputs: usize, features: usize) -> bool {
    outputs <= MAX_WIDTH && outputs <= features.saturating_mul(MAX_GROWTH)
}

/// What a node of a decoder does, in integers; none where it only gives its input another shape.
fn form_of(node: &Node, program: &Program) -> Result<Option<Form>, CodecError> {
    let refused = |why: String| Err(CodecError::Unsupported(format!("layer {} ({}) {why}", node.name(), node.kind())));
    let image = |value: usize| {
        let (height, width, channels) = image_shape(program.shape(value)).unwrap_or((1, 1, 1));
        [height, width, channels]
    };
    if node.reads() != [node.index()] {
        return refused("joins two values, and the codec takes chains of layers".to_owned());
    }
    let windows = node.operation().windows().cloned();
    let form = match (node.layer(), windows) {
        (Some(LayerSpec::Dense(_)), _) => Form::Dense,
        (Some(LayerSpec::Convolution(_)), Some(windows)) => Form::Convolution(windows),
        (Some(LayerSpec::TransposedConvolution(_)), Some(windows)) => Form::TransposedConvolution(windows),
        (Some(LayerSpec::Upsample(layer)), _) => Form::Upsample { image: image(node.reads()[0]), factor: layer.factor },
        (Some(LayerSpec::PixelShuffle(layer)), _) => {
            Form::PixelShuffle { image: image(node.reads()[0]), factor: layer.factor }
        }
        (Some(LayerSpec::Reshape(_)), _) => return Ok(None),
        _ => {
            return refused(
                "has no form in integers: a decoder may have dense, convolution, transposed_convolution, upsample, pixel_shuffle and reshape layers, and a batch_norm behind one of them that is linear".to_owned(),
            );
        }
    };
    let terms = form.terms(node.inputs());
    if terms > MAX_INPUTS {
        return refused(format!("adds up {terms} inputs, more than {MAX_INPUTS}"));
    }
    let windows = node.operation().windows();
    let of_a_row = windows.map_or(0, |windows| windows.columns * windows.values());
    if of_a_row > MAX_WINDOWS {
        return refused(format!("has {of_a_row} values in the windows of a row, more than {MAX_WINDOWS}"));
    }
    Ok(Some(form))
}

#[inline(always)]
fn clamp(value: i64) -> i32 {
    value.clamp(-CEILING, CEILING) as i32
}
