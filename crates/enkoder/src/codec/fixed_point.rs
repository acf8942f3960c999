//! The decoder network in integers. Weights are 8- or 16-bit, activations 32-bit with 16 fraction bits, sums 64-bit and exact,
//! so that no order of addition, vector width or thread count can change a prediction by one bit.

use sha2::{Digest, Sha256};

use super::error::CodecError;
use super::exact::Weights;
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

/// A dense layer in integers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FixedLayer {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) activation: Activation,
    /// The weight of output j is its integer · 2^(−exponent j).
    pub(crate) weights: Weights,
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
    /// When a layer has more than 65,536 inputs, or a number is too large to be held.
    pub fn new(model: &Autoencoder, weight_bits: u32) -> Result<Self, CodecError> {
        let weight_bits = match weight_bits {
            8 => 8u8,
            16 => 16,
            other => return Err(CodecError::WeightBits(other)),
        };
        let architecture = model.architecture();
        if !architecture.is_dense() || architecture.residual || !model.task().reconstructs() {
            let text = "the model is no autoencoder of dense layers alone".to_owned();
            return Err(CodecError::Unsupported(text));
        }
        let (program, features) = (model.program(), architecture.features());
        let affine: Vec<(f64, f64)> = (0..features).map(|feature| model.scaler().inverse_of(feature)).collect();
        let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0f64, |most, value| most.max(value.abs()));
        let factor = largest(&mut affine.iter().map(|&(factor, _)| factor));
        let reach = largest(&mut affine.iter().map(|&(factor, offset)| offset.abs() + 16.0 * factor.abs()));
        let mut output_bits = (36 - ceiling_exponent(reach)).min(30 - ceiling_exponent(factor));

        let mut layers = Vec::new();
        for node in &program.nodes()[program.decoder()] {
            let (inputs, outputs, activation) = (node.inputs(), node.outputs(), node.activation());
            if inputs > MAX_INPUTS {
                let text = format!("layer {} has {inputs} inputs, more than {MAX_INPUTS}", node.name());
                return Err(CodecError::Unsupported(text));
            }
            let (weights, bias) = model.weights(node.index());
            let folded = node.writes() == program.output() && activation == Activation::Linear;
            let fold = |output: usize| if folded { affine[output] } else { (1.0, 0.0) };
            let factors: Vec<f64> = (0..outputs).map(|output| fold(output).0).collect();
            let mut largest = vec![0.0f64; outputs];
            for row in weights.rows() {
                let row = row.to_slice().expect("a row is contiguous");
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
            let mut integers = vec![0i16; inputs * outputs];
            for (row, integers) in weights.rows().into_iter().zip(integers.chunks_exact_mut(outputs)) {
                let row = row.to_slice().expect("a row is contiguous");
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
                .map(|(output, &bias)| {
                    let (factor, offset) = fold(output);
                    let value = ((f64::from(bias) * factor + offset) * power_of_two(bits)).round();
                    value.clamp(-LARGEST_BIAS, LARGEST_BIAS) as i64
                })
                .collect();
            let weights = Weights::new(inputs, outputs, &integers);
            layers.push(FixedLayer { inputs, outputs, activation, weights, exponents, bias });
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
        let mut fraction = steps.fraction;
        for (index, layer) in self.layers.iter().enumerate() {
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

impl FixedLayer {
    /// Sums of rows (`width` of the inputs each, the rest being 0), each `unit` times as large, in `bits` fraction bits and with the
    /// bias.
    fn forward(&self, input: &[i32], [width, unit]: [usize; 2], fraction: i32, bits: i32, output: &mut [i64]) {
        let outputs = self.outputs;
        let unit = unit as i64;
        let shifts: Vec<i32> = self.exponents.iter().map(|&exponent| i32::from(exponent) + fraction - bits).collect();
        let usual = shifts.iter().all(|shift| (1..=62).contains(shift));
        let rows = output.len() / outputs;
        self.weights.product(
            input,
            rows,
            width,
            #[inline(always)]
            |row, start, sums| {
                let range = start..start + sums.len();
                let output = output[row * outputs..][range.clone()].iter_mut();
                let terms = output.zip(sums).zip(&shifts[range.clone()]).zip(&self.bias[range]);
                if usual {
                    terms.for_each(|(((output, &sum), &shift), &bias)| {
                        *output = ((((sum * unit) >> (shift - 1)) + 1) >> 1).wrapping_add(bias);
                    });
                } else {
                    terms.for_each(|(((output, &sum), &shift), &bias)| {
                        *output = shifted(sum * unit, shift).saturating_add(bias);
                    });
                }
            },
        );
    }
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
        // Beyond 8 these functions are x or 0 to more digits than are kept.
        Activation::Gelu | Activation::GeluErf if x.abs() >= 8 * ONE => x.max(0),
        Activation::Gelu => {
            let square = (x * x) >> FRACTION;
            let cube = (square * x) >> FRACTION;
            // 2·√(2/π)·(x + 0.044715·x³), with 16 fraction bits in the constants.
            let inner = x + ((cube * 2930) >> 16);
            shifted(x * sigmoid((inner * 104_582) >> 16), FRACTION)
        }
        // As `normal_below` of the network computes Φ, with 30 fraction bits.
        Activation::GeluErf => {
            let t = (1i64 << 60) / ((1 << 30) + ((x.abs() * 248_723_584) >> FRACTION));
            let series = [1_139_675_401, -1_560_310_108, 1_526_231_383, -305_476_044, 273_621_191i64]
                .into_iter()
                .fold(0, |sum, coefficient| ((sum + coefficient) * t) >> 30);
            let beyond = (series * exponential((x * x) >> (FRACTION + 1))) >> 31;
            shifted(x * if x > 0 { (1 << 30) - beyond } else { beyond }, 30)
        }
        Activation::Silu => shifted(x * sigmoid(x), FRACTION),
    };
    y as i32
}
