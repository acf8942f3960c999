//! The decoder network in integers. Weights are 8- or 16-bit, activations 32-bit with 16 fraction bits, sums 64-bit and exact,
//! so that no order of addition, vector width or thread count can change a prediction by one bit.

use sha2::{Digest, Sha256};

use super::error::CodecError;
use super::exponential::exp_negative;
use crate::autoencoder::Autoencoder;
use crate::network::Activation;
use crate::network::vectorised::vectorised;

/// Fraction bits of activations.
const FRACTION: i32 = 16;
/// Activations stay within ±2³⁰.
const CEILING: i64 = 1 << 30;
/// With weights below 2¹⁵, inputs of at most 2³⁰ and as many of them, a sum stays below 2⁶¹.
const MAX_INPUTS: usize = 1 << 16;
/// Biases are held up to here.
const LARGEST_BIAS: f64 = (1u64 << 60) as f64;
/// Outputs that are summed at a time, and rows that share a pass over their weights.
const TILE: usize = 512;
const ROWS: usize = 4;

/// A dense layer in integers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FixedLayer {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) activation: Activation,
    /// `inputs × outputs`; the weight of output j is its integer · 2^(−exponent j).
    pub(crate) weights: Vec<i16>,
    pub(crate) exponents: Vec<i8>,
    /// In the fraction bits of the layer's sums: [`FRACTION`], or the model's output bits for a last layer that is linear.
    pub(crate) bias: Vec<i64>,
}

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
    /// When a layer has more than 65,536 inputs, or a number is too large to be held.
    pub fn new(model: &Autoencoder, weight_bits: u32) -> Result<Self, CodecError> {
        let weight_bits = match weight_bits {
            8 => 8u8,
            16 => 16,
            other => return Err(CodecError::WeightBits(other)),
        };
        let summaries = model.architecture().layers();
        let features = model.architecture().features();
        let decoder = summaries.len() - model.architecture().decoder.len()..summaries.len();
        let affine: Vec<(f64, f64)> = (0..features).map(|feature| model.scaler().inverse_of(feature)).collect();
        let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0f64, |most, value| most.max(value.abs()));
        let factor = largest(&mut affine.iter().map(|&(factor, _)| factor));
        let reach = largest(&mut affine.iter().map(|&(factor, offset)| offset.abs() + 16.0 * factor.abs()));
        let mut output_bits = (36 - ceiling_exponent(reach)).min(30 - ceiling_exponent(factor));

        let mut layers = Vec::new();
        for index in decoder.clone() {
            let summary = &summaries[index];
            if summary.inputs > MAX_INPUTS {
                let text = format!("layer {} has {} inputs, more than {MAX_INPUTS}", summary.name, summary.inputs);
                return Err(CodecError::Unsupported(text));
            }
            let (weights, bias) = model.weights(index);
            let folded = index + 1 == decoder.end && summary.activation == Activation::Linear;
            let fold = |output: usize| if folded { affine[output] } else { (1.0, 0.0) };
            let mut largest = vec![0.0f64; summary.outputs];
            for row in weights.rows() {
                for (output, (most, &weight)) in largest.iter_mut().zip(row).enumerate() {
                    *most = most.max((f64::from(weight) * fold(output).0).abs());
                }
            }
            let exponents: Vec<i8> = largest
                .iter()
                .map(|&most| (i32::from(weight_bits) - 1 - ceiling_exponent(most)).clamp(-100, 60) as i8)
                .collect();
            let limit = f64::from((1i32 << (weight_bits - 1)) - 1);
            let mut integers = Vec::with_capacity(summary.inputs * summary.outputs);
            for row in weights.rows() {
                integers.extend(row.iter().enumerate().map(|(output, &weight)| {
                    let value = f64::from(weight) * fold(output).0 * power_of_two(i32::from(exponents[output]));
                    value.round().clamp(-limit, limit) as i16
                }));
            }
            if folded {
                output_bits = exponents.iter().fold(output_bits, |bits, &exponent| bits.min(i32::from(exponent)));
            }
            let bits = if folded { output_bits } else { FRACTION };
            let bias = bias
                .iter()
                .enumerate()
                .map(|(output, &bias)| {
                    let (factor, offset) = fold(output);
                    let value = ((f64::from(bias) * factor + offset) * power_of_two(bits)).round();
                    value.clamp(-LARGEST_BIAS, LARGEST_BIAS) as i64
                })
                .collect();
            let (inputs, outputs, activation) = (summary.inputs, summary.outputs, summary.activation);
            layers.push(FixedLayer { inputs, outputs, activation, weights: integers, exponents, bias });
        }
        let linear = layers.last().is_some_and(|layer| layer.activation == Activation::Linear);
        let output_scale = if linear {
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
        let spread = model.calibration().map_or_else(Vec::new, |calibration| {
            calibration.residual_spread.iter().map(|&spread| spread_class(spread)).collect()
        });
        let shape = model.architecture().input_shape.clone();
        Ok(Self { shape, weight_bits, layers, output_bits, output_scale, spread })
    }

    /// The numbers of a code.
    pub fn latent(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    /// The values of a sample.
    pub fn features(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// Bits of a weight.
    pub fn weight_bits(&self) -> u32 {
        u32::from(self.weight_bits)
    }

    /// SHA-256 of the decoder's bytes, by which files name it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }

    /// What one unit of a prediction is, in the units of the data: a power of two.
    pub(crate) fn unit(&self) -> f64 {
        power_of_two(-self.output_bits)
    }

    /// Predictions of codes (`rows × active`), in units of [`unit`](Self::unit): `rows × features`.
    pub(crate) fn predict(&self, codes: &[i32], steps: &Steps<'_>, output: &mut [i64]) {
        let rows = output.len() / self.features();
        let mut input: Vec<i32> = Vec::with_capacity(rows * steps.active);
        for code in codes.chunks_exact(steps.active.max(1)).take(rows) {
            input.extend(code.iter().zip(steps.units).map(|(&q, &unit)| clamp(i64::from(q) * i64::from(unit))));
        }
        let mut width = steps.active;
        let mut fraction = steps.fraction;
        for (index, layer) in self.layers.iter().enumerate() {
            let last = index + 1 == self.layers.len();
            let linear_output = last && self.output_scale.is_empty();
            let bits = if linear_output { self.output_bits } else { FRACTION };
            if linear_output {
                layer.forward(&input, width, fraction, bits, output);
                return;
            }
            let mut sums = vec![0i64; rows * layer.outputs];
            layer.forward(&input, width, fraction, bits, &mut sums);
            let activation = layer.activation;
            input.clear();
            input.extend(sums.iter().map(|&sum| activate(activation, clamp(sum))));
            (width, fraction) = (layer.outputs, FRACTION);
        }
        for (output, values) in output.chunks_exact_mut(width).zip(input.chunks_exact(width)) {
            for (feature, (output, &value)) in output.iter_mut().zip(values).enumerate() {
                let (factor, offset) = self.output_scale[feature.min(self.output_scale.len() - 1)];
                *output = shifted(i64::from(value) * factor, FRACTION) + offset;
            }
        }
    }
}

impl FixedLayer {
    /// Sums of rows (`width` of the inputs each, the rest being 0) in `bits` fraction bits, bias included.
    fn forward(&self, input: &[i32], width: usize, fraction: i32, bits: i32, output: &mut [i64]) {
        let outputs = self.outputs;
        let mut sums = [[0i64; TILE]; ROWS];
        for (group, output) in output.chunks_mut(ROWS * outputs).enumerate() {
            let rows = output.len() / outputs;
            for start in (0..outputs).step_by(TILE) {
                let length = TILE.min(outputs - start);
                sums.iter_mut().for_each(|sums| sums[..length].fill(0));
                for index in 0..width {
                    let x: [i32; ROWS] =
                        std::array::from_fn(
                            |row| {
                                if row < rows { input[(group * ROWS + row) * width + index] } else { 0 }
                            },
                        );
                    if x != [0; ROWS] {
                        accumulate(x, &self.weights[index * outputs + start..][..length], &mut sums);
                    }
                }
                let exponents = &self.exponents[start..start + length];
                let bias = &self.bias[start..start + length];
                for (row, sums) in sums.iter().enumerate().take(rows) {
                    let output = &mut output[row * outputs + start..][..length];
                    for (((output, &sum), &exponent), &bias) in output.iter_mut().zip(sums).zip(exponents).zip(bias) {
                        *output = shifted(sum, i32::from(exponent) + fraction - bits).saturating_add(bias);
                    }
                }
            }
        }
    }
}

/// Adds `x[row] · weight` to the sums of every row.
fn accumulate(x: [i32; ROWS], weights: &[i16], sums: &mut [[i64; TILE]; ROWS]) {
    vectorised(
        #[inline(always)]
        || {
            let [a, b, c, d] = sums;
            let [xa, xb, xc, xd] = x.map(i64::from);
            let length = weights.len();
            let (a, b, c, d) = (&mut a[..length], &mut b[..length], &mut c[..length], &mut d[..length]);
            for j in 0..length {
                let weight = i64::from(weights[j]);
                a[j] += xa * weight;
                b[j] += xb * weight;
                c[j] += xc * weight;
                d[j] += xd * weight;
            }
        },
    );
}

/// `value · 2^(−shift)`, rounded half up; saturates for shifts to the left.
#[inline(always)]
fn shifted(value: i64, shift: i32) -> i64 {
    match shift {
        0 => value,
        1..=62 => ((value >> (shift - 1)) + 1) >> 1,
        63.. => 0,
        _ => {
            let limit = i64::MAX >> (-shift).min(62);
            value.clamp(-limit, limit) << (-shift).min(62)
        }
    }
}

#[inline(always)]
fn clamp(value: i64) -> i32 {
    value.clamp(-CEILING, CEILING) as i32
}

/// The activation of a number with [`FRACTION`] bits, in as many.
fn activate(activation: Activation, x: i32) -> i32 {
    const ONE: i64 = 1 << FRACTION;
    // e^(−|x|) with 30 fraction bits.
    let exponential = |x: i64| exp_negative(x.unsigned_abs() << 4) as i64;
    let sigmoid = |x: i64| {
        let e = exponential(x);
        let upper = (((1i64 << 46) << 1) / ((1 << 30) + e) + 1) >> 1;
        if x < 0 { ONE - upper } else { upper }
    };
    let x = i64::from(x);
    let y = match activation {
        Activation::Linear => x,
        Activation::Relu => x.max(0),
        Activation::LeakyRelu => x.max(shifted(x * 655, 16)),
        Activation::Elu if x >= 0 => x,
        Activation::Elu => shifted(exponential(x), 14) - ONE,
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => 2 * sigmoid(2 * x) - ONE,
        // Beyond 8 the function is x or 0 to more digits than are kept.
        Activation::Gelu if x.abs() >= 8 * ONE => x.max(0),
        Activation::Gelu => {
            let square = (x * x) >> FRACTION;
            let cube = (square * x) >> FRACTION;
            // 2·√(2/π)·(x + 0.044715·x³), with 16 fraction bits in the constants.
            let inner = x + ((cube * 2930) >> 16);
            shifted(x * sigmoid((inner * 104_582) >> 16), FRACTION)
        }
    };
    y as i32
}
