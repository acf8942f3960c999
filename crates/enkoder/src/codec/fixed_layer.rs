//! A layer of the integer decoder, as exact as its sums: dense layers and convolutions are products of matrices, a convolution over
//! the windows of its input, a transposed one to the windows of its output.

use super::exact::Weights;
use super::exponential::exp_negative;
use crate::network::{Activation, PerAxis, Windows};

/// Fraction bits of activations.
pub(crate) const FRACTION: i32 = 16;
/// Activations stay within ±2³⁰.
pub(crate) const CEILING: i64 = 1 << 30;
/// With weights below 2¹⁵, inputs of at most 2³⁰ and as many of them, a sum stays below 2⁶¹.
pub(crate) const MAX_INPUTS: usize = 1 << 16;

/// What a layer does with the numbers that it gets. Images are height × width × channels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Form {
    /// Every output is a weighted sum of all inputs.
    Dense,
    /// Every output pixel is a weighted sum of a window of the input.
    Convolution(Windows),
    /// Every input pixel adds its window to the output.
    TransposedConvolution(Windows),
    /// The pixels of an image of this shape, each several times.
    Upsample { image: [usize; 3], factor: PerAxis },
    /// The channels of an image of this shape as blocks of pixels.
    PixelShuffle { image: [usize; 3], factor: PerAxis },
}

impl Form {
    /// How many terms a sum has, for so many inputs; 0 where nothing is added.
    pub(crate) fn terms(&self, inputs: usize) -> usize {
        match self {
            Self::Dense => inputs,
            Self::Convolution(windows) => windows.values(),
            // The windows of several pixels meet in one.
            Self::TransposedConvolution(windows) => (inputs / windows.count()).saturating_mul(windows.kernel.area()),
            Self::Upsample { .. } | Self::PixelShuffle { .. } => 0,
        }
    }
}

/// A layer in integers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FixedLayer {
    pub(crate) form: Form,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) activation: Activation,
    /// The weights that lead to channel j are their integers · 2^(−exponent j). Every output of a dense layer is a channel.
    pub(crate) weights: Weights,
    pub(crate) exponents: Vec<i8>,
    /// In the fraction bits of the layer's sums: [`FRACTION`], or the model's output bits for a last layer that is linear.
    pub(crate) bias: Vec<i64>,
}

impl FixedLayer {
    /// A layer without weights.
    pub(crate) fn moving(form: Form, inputs: usize, outputs: usize) -> Self {
        let (weights, activation) = (Weights::new(0, 0, &[]), Activation::Linear);
        Self { form, inputs, outputs, activation, weights, exponents: Vec::new(), bias: Vec::new() }
    }

    /// Whether it has weights, and does more than give numbers other places.
    pub(crate) fn has_weights(&self) -> bool {
        !self.exponents.is_empty()
    }

    /// The numbers of rows in their new places, where the layer does nothing else.
    pub(crate) fn moved(&self, input: &[i32]) -> Option<Vec<i32>> {
        let (&[height, width, channels], &factor, shuffles) = match &self.form {
            Form::Upsample { image, factor } => (image, factor, false),
            Form::PixelShuffle { image, factor } => (image, factor, true),
            _ => return None,
        };
        let each = if shuffles { channels / factor.area() } else { channels };
        let mut output = Vec::with_capacity(input.len() / self.inputs * self.outputs);
        for image in input.chunks_exact(self.inputs) {
            for (y, x) in (0..height * factor.height).flat_map(|y| (0..width * factor.width).map(move |x| (y, x))) {
                let block = y % factor.height * factor.width + x % factor.width;
                let pixel = (y / factor.height * width + x / factor.width) * channels;
                let start = pixel + if shuffles { block * each } else { 0 };
                output.extend_from_slice(&image[start..start + each]);
            }
        }
        Some(output)
    }

    /// Sums of rows, each `unit` times as large, in `bits` fraction bits and with the bias. Of a dense layer rows may have only the
    /// first `width` inputs, the others being 0.
    pub(crate) fn forward(
        &self,
        input: &[i32],
        [width, unit]: [usize; 2],
        fraction: i32,
        bits: i32,
        output: &mut [i64],
    ) {
        let scaling = self.scaling(unit as i64, fraction, bits);
        match &self.form {
            Form::Convolution(windows) => {
                let row = windows.columns * self.exponents.len();
                let mut unfolded = vec![0i32; windows.largest_piece()];
                for (input, output) in input.chunks_exact(self.inputs).zip(output.chunks_exact_mut(self.outputs)) {
                    for rows in windows.pieces() {
                        let unfolded = &mut unfolded[..windows.unfolded(&rows)];
                        windows.unfold(input, rows.clone(), unfolded);
                        scaling.product(unfolded, windows.values(), &mut output[rows.start * row..rows.end * row]);
                    }
                }
            }
            Form::TransposedConvolution(windows) => {
                let (channels, values) = (self.inputs / windows.count(), windows.values());
                let mut unfolded = vec![0i64; windows.largest_piece()];
                for (input, output) in input.chunks_exact(self.inputs).zip(output.chunks_exact_mut(self.outputs)) {
                    output.fill(0);
                    for rows in windows.pieces() {
                        let unfolded = &mut unfolded[..windows.unfolded(&rows)];
                        let pixels = rows.start * windows.columns..rows.end * windows.columns;
                        let input = &input[pixels.start * channels..pixels.end * channels];
                        self.weights.product(input, pixels.len(), channels, |pixel, start, sums| {
                            unfolded[pixel * values + start..][..sums.len()].copy_from_slice(sums);
                        });
                        windows.fold(unfolded, rows, output);
                    }
                    for pixel in output.chunks_exact_mut(self.exponents.len()) {
                        scaling.apply(0, pixel);
                    }
                }
            }
            _ => scaling.product(input, width, output),
        }
    }

    fn scaling(&self, unit: i64, fraction: i32, bits: i32) -> Scaling<'_> {
        let shifts: Vec<i32> = self.exponents.iter().map(|&exponent| i32::from(exponent) + fraction - bits).collect();
        let usual = shifts.iter().all(|shift| (1..=62).contains(shift));
        Scaling { layer: self, unit, shifts, usual }
    }
}

/// From sums of products to the numbers that they stand for.
struct Scaling<'a> {
    layer: &'a FixedLayer,
    unit: i64,
    /// For each channel, and whether all are by 1 to 62 bits to the right.
    shifts: Vec<i32>,
    usual: bool,
}

impl Scaling<'_> {
    /// Rows of the first `width` inputs times the weights: a channel is an output.
    fn product(&self, input: &[i32], width: usize, output: &mut [i64]) {
        let channels = self.shifts.len();
        let rows = output.len() / channels;
        self.layer.weights.product(
            input,
            rows,
            width,
            #[inline(always)]
            |row, start, sums| {
                let output = &mut output[row * channels + start..][..sums.len()];
                output.copy_from_slice(sums);
                self.apply(start, output);
            },
        );
    }

    /// Scales sums of the channels from a number on, and adds their biases.
    #[inline(always)]
    fn apply(&self, start: usize, sums: &mut [i64]) {
        let Self { unit, usual, .. } = *self;
        let range = start..start + sums.len();
        let terms = sums.iter_mut().zip(&self.shifts[range.clone()]).zip(&self.layer.bias[range]);
        if usual {
            terms.for_each(|((sum, &shift), &bias)| {
                *sum = ((((*sum * unit) >> (shift - 1)) + 1) >> 1).wrapping_add(bias);
            });
        } else {
            terms.for_each(|((sum, &shift), &bias)| *sum = shifted(*sum * unit, shift).saturating_add(bias));
        }
    }
}

/// `value · 2^(−shift)`, rounded half up; saturates for shifts to the left.
#[inline(always)]
pub(crate) fn shifted(value: i64, shift: i32) -> i64 {
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

/// The activation of a number with [`FRACTION`] bits, in as many.
pub(crate) fn activate(activation: Activation, x: i32) -> i32 {
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
