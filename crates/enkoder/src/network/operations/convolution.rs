//! Convolution, lowered to products of matrices over unfolded windows: a few rows of windows at a time, so that what is unfolded never
//! leaves the cache. Weights lie as `kernel height × kernel width × in × out`; those of a transposed convolution as `in × kernel height ×
//! kernel width × out`, which makes each the other's mirror: what one does forward, the other does backward. Where fewer
//! multiplications lead to the same, `winograd` does the work.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::windows::Windows;
use super::winograd::Winograd;
use super::{
    Backward, Forward, Operation, Plan, Reach, Specification, Way, Workspace, grown, image, image_shape, not_zero,
};
use crate::network::activation::Activation;
use crate::network::per_axis::PerAxis;
use crate::network::products::{self, Add, Pair, transposed_times};

/// Each output pixel is a weighted sum of the window of `kernel` pixels around it (cross-correlation, as in every deep-learning
/// library), plus a bias, then the activation. Along each axis n pixels become ⌊(n + 2·padding − kernel) / stride⌋ + 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convolution {
    /// The number of channels out.
    pub channels: usize,
    /// The window in pixels.
    pub kernel: PerAxis,
    /// Pixels from one window to the next. Default 1.
    #[serde(default = "PerAxis::one", skip_serializing_if = "PerAxis::is_one")]
    pub stride: PerAxis,
    /// Zeros around the image, in pixels on each side. Default ⌊(kernel − 1) / 2⌋, which keeps the size at stride 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding: Option<PerAxis>,
    /// The function applied to each output.
    #[serde(default)]
    pub activation: Activation,
}

impl Convolution {
    fn padding(&self) -> PerAxis {
        padding_of(self.kernel, self.padding)
    }
}

/// Zeros around an image, or pixels cut off.
pub(super) fn padding_of(kernel: PerAxis, padding: Option<PerAxis>) -> PerAxis {
    padding.unwrap_or(kernel.map(|kernel| kernel.saturating_sub(1) / 2))
}

/// The numbers of a convolution that must not be 0.
pub(super) fn check_sizes(channels: usize, kernel: PerAxis, stride: PerAxis) -> Result<(), String> {
    not_zero(&[
        ("channels", channels),
        ("pixels of kernel", kernel.height.min(kernel.width)),
        ("pixels of stride", stride.height.min(stride.width)),
    ])
}

impl Specification for Convolution {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        let Self { channels, kernel, stride, .. } = *self;
        check_sizes(channels, kernel, stride)?;
        let (height, width, channels_in) = image(inputs[0])?;
        let padding = self.padding();
        let out = |size: usize, kernel: usize, stride: usize, padding: usize| {
            Some((size.checked_add(padding.checked_mul(2)?)?.checked_sub(kernel)?) / stride + 1)
        };
        let rows = out(height, kernel.height, stride.height, padding.height);
        let columns = out(width, kernel.width, stride.width, padding.width);
        let (Some(rows), Some(columns)) = (rows, columns) else {
            return Err(format!("has a window of {kernel} pixels, but gets {height}×{width}"));
        };
        let weight = ("weight", vec![kernel.height, kernel.width, channels_in, channels]);
        Ok(Plan { output_shape: vec![rows, columns, channels], tensors: vec![weight, ("bias", vec![channels])] })
    }

    fn operation(&self, inputs: &[&[usize]], output: &[usize]) -> Arc<dyn Operation> {
        let (height, width, channels) = image_shape(inputs[0]).unwrap_or((1, 1, 1));
        let (rows, columns, channels_out) = image_shape(output).unwrap_or((1, 1, 1));
        let (kernel, stride, padding) = (self.kernel, self.stride, self.padding());
        let windows = Windows { height, width, channels, rows, columns, kernel, stride, padding };
        Arc::new(ConvolutionProduct::new(windows, channels_out))
    }

    fn resolved(&self, _: &[&[usize]]) -> Self {
        Self { padding: Some(self.padding()), ..self.clone() }
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn activation_mut(&mut self) -> Option<&mut Activation> {
        Some(&mut self.activation)
    }

    fn reach(&self) -> Reach {
        // As far as the window reaches beyond its middle, before or behind.
        let behind =
            self.kernel.zip_with(self.padding(), |kernel, padding| kernel.saturating_sub(padding.saturating_add(1)));
        Reach::Shrinks { factor: self.stride, reach: self.padding().zip_with(behind, usize::max) }
    }
}

/// A convolution of images of one size: from the image that the windows cover to one value a window and channel.
#[derive(Debug)]
pub(super) struct ConvolutionProduct {
    /// Over the input.
    windows: Windows,
    /// Channels out.
    channels: usize,
    winograd: Option<Winograd>,
}

impl ConvolutionProduct {
    pub(super) fn new(windows: Windows, channels: usize) -> Self {
        let windows = windows.along_the_width();
        Self { winograd: Winograd::of(&windows, channels), windows, channels }
    }

    pub(super) fn forward_unfolded(
        &self,
        weight: &[f32],
        bias: &[f32],
        leak: Option<f32>,
        x: &[f32],
        y: &mut [f32],
        work: &mut Workspace,
    ) {
        let Self { windows, channels, .. } = self;
        let unfolded = grown(&mut work.first, windows.largest_piece());
        let row = windows.columns * channels;
        for (x, y) in x.chunks_exact(windows.image()).zip(y.chunks_exact_mut(windows.rows * row)) {
            for rows in windows.pieces() {
                let unfolded = &mut unfolded[..windows.unfolded(&rows)];
                windows.unfold(x, rows.clone(), unfolded);
                products::affine(unfolded, weight, bias, leak, &mut y[rows.start * row..rows.end * row]);
            }
        }
    }

    /// With the weights `turned`, as rows for columns, adds to the gradient what the samples `x` with errors `error` say, and leaves
    /// the errors of `x` in `dx` unless it is empty.
    pub(super) fn backward_unfolded(
        &self,
        turned: &[f32],
        x: &[f32],
        error: &[f32],
        dx: &mut [f32],
        gradient: &mut [f32],
        work: &mut Workspace,
    ) {
        let Self { windows, channels, .. } = self;
        let row = windows.columns * channels;
        let image = windows.image();
        let unfolded = grown(&mut work.first, windows.largest_piece());
        let errors = grown(&mut work.second, windows.largest_piece());
        dx.fill(0.0);
        for (index, (x, error)) in x.chunks_exact(image).zip(error.chunks_exact(windows.rows * row)).enumerate() {
            for rows in windows.pieces() {
                let length = windows.unfolded(&rows);
                let error = &error[rows.start * row..rows.end * row];
                let unfolded = &mut unfolded[..length];
                windows.unfold(x, rows.clone(), unfolded);
                let pair = Pair { x: unfolded, y: error };
                let values = windows.values();
                transposed_times(&[pair], values, 0..values, *channels, &mut Add(gradient));
                if !dx.is_empty() {
                    let errors = &mut errors[..length];
                    products::times(error, turned, values, errors);
                    windows.fold(errors, rows, &mut dx[index * image..][..image]);
                }
            }
        }
    }
}

impl Operation for ConvolutionProduct {
    fn work(&self) -> usize {
        self.windows.count() * self.windows.values() * self.channels
    }

    fn forward(&self, Forward { parameters, prepared, leak, x: [x, _], y, work, .. }: Forward<'_>) {
        match &self.winograd {
            Some(winograd) => winograd.forward(prepared, parameters.bias, leak, x, y, work),
            None => self.forward_unfolded(parameters.weight, parameters.bias, leak, x, y, work),
        }
    }

    fn backward(&self, call: Backward<'_>) {
        let Backward { prepared, x: [x, _], error, errors: [dx, _], gradient: [weight, bias], work, .. } = call;
        add_rows(error, bias, &mut work.ones);
        match &self.winograd {
            Some(winograd) => winograd.backward(prepared, x, error, dx, weight, work),
            None => self.backward_unfolded(prepared, x, error, dx, weight, work),
        }
    }

    fn fans(&self) -> Option<[f32; 2]> {
        let Windows { kernel, stride, .. } = self.windows;
        let area = (kernel.area() * self.channels) as f32;
        Some([self.windows.values() as f32, area / stride.area() as f32])
    }

    fn rectifies(&self) -> bool {
        true
    }

    fn prepared(&self, way: Way) -> usize {
        match (&self.winograd, way) {
            (Some(winograd), way) => winograd.prepared(way),
            (None, Way::Forward) => 0,
            (None, Way::Back) => self.windows.values() * self.channels,
        }
    }

    fn prepare(&self, way: Way, weight: &[f32], prepared: &mut [f32]) {
        match (&self.winograd, way) {
            (Some(winograd), way) => winograd.prepare(way, weight, prepared),
            (None, Way::Forward) => {}
            (None, Way::Back) => turn(weight, self.channels, prepared),
        }
    }

    fn fold(&self, weight: &mut [f32], bias: &mut [f32], factor: &[f32], offset: &[f32]) -> bool {
        fold_columns(weight, bias, factor, offset);
        true
    }

    fn windows(&self) -> Option<&Windows> {
        Some(&self.windows)
    }

    fn matrix(&self) -> (usize, usize) {
        (self.windows.values(), self.channels)
    }
}

/// Turns weights for the way back, as rows for columns: inner products of rows as short as a window would spend their time adding up
/// lanes.
pub(super) fn turn(weight: &[f32], columns: usize, turned: &mut [f32]) {
    let rows = weight.len() / columns;
    for (row, weights) in weight.chunks_exact(columns).enumerate() {
        for (column, &weight) in weights.iter().enumerate() {
            turned[column * rows + row] = weight;
        }
    }
}

/// Makes `factor · output + offset` of each output channel part of weights, of which a channel's are a column, and biases.
pub(super) fn fold_columns(weight: &mut [f32], bias: &mut [f32], factor: &[f32], offset: &[f32]) {
    for row in weight.chunks_exact_mut(factor.len()) {
        row.iter_mut().zip(factor).for_each(|(weight, factor)| *weight *= factor);
    }
    for ((bias, factor), offset) in bias.iter_mut().zip(factor).zip(offset) {
        *bias = bias.mul_add(*factor, *offset);
    }
}

/// Adds all rows to one.
pub(super) fn add_rows(rows: &[f32], sum: &mut [f32], ones: &mut Vec<f32>) {
    let count = rows.len() / sum.len();
    if ones.len() < count {
        ones.resize(count, 1.0);
    }
    transposed_times(&[Pair { x: &ones[..count], y: rows }], 1, 0..1, sum.len(), &mut Add(sum));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::operations::transposed_convolution::TransposedProduct;
    use crate::network::operations::windows::testing::windows;
    use crate::network::operations::{Parameters, Workspace};
    use crate::network::products::testing::values;
    use proptest::prelude::*;

    /// A convolution and its transpose of the same numbers, with so many channels within the windows' image and beside them.
    fn both() -> impl Strategy<Value = (Windows, usize)> {
        (windows(), proptest::sample::select(vec![1usize, 4, 17]))
    }

    fn forward(operation: &dyn Operation, weight: &[f32], bias: &[f32], x: &[f32], y: &mut [f32]) {
        let mut prepared = vec![0.0; operation.prepared(Way::Forward)];
        operation.prepare(Way::Forward, weight, &mut prepared);
        let parameters = Parameters { weight, bias, statistics: &[] };
        let (work, prepared) = (&mut Workspace::default(), &prepared[..]);
        operation.forward(Forward { parameters, prepared, leak: None, measured: &mut [], x: [x, &[]], y, work });
    }

    /// Calls `visit` with a value of the image, one beside a window, and the weight between them: image, outside, `[y, x, inside,
    /// outside]`.
    fn each_weight(windows: &Windows, outside: usize, mut visit: impl FnMut(usize, usize, [usize; 4])) {
        let Windows { height, width, channels, rows, columns, kernel, stride, padding } = *windows;
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            for (y, x) in (0..kernel.height).flat_map(|y| (0..kernel.width).map(move |x| (y, x))) {
                let image_row = (row * stride.height + y).checked_sub(padding.height).filter(|&row| row < height);
                let image_column =
                    (column * stride.width + x).checked_sub(padding.width).filter(|&column| column < width);
                let Some((image_row, image_column)) = image_row.zip(image_column) else { continue };
                for (within, beside) in (0..channels).flat_map(|i| (0..outside).map(move |o| (i, o))) {
                    let image = (image_row * width + image_column) * channels + within;
                    visit(image, (row * columns + column) * outside + beside, [y, x, within, beside]);
                }
            }
        }
    }

    fn close(found: &[f32], expected: &[f64]) -> Result<(), TestCaseError> {
        for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            prop_assert!((f64::from(found) - expected).abs() < 1e-3, "{}: {} and {}", index, found, expected);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_convolution_is_the_sum_over_its_windows((windows, outside) in both(), salt: u64) {
            let (weights, count) = (windows.values() * outside, windows.rows * windows.columns * outside);
            let (x, w, b) = (values(2 * windows.image(), salt), values(weights, !salt), values(outside, salt ^ 5));
            let mut y = vec![f32::NAN; 2 * count];
            let mut expected: Vec<f64> = (0..2 * count).map(|at| f64::from(b[at % outside])).collect();
            for sample in 0..2 {
                each_weight(&windows, outside, |image, beside, [row, column, i, o]| {
                    let weight = w[((row * windows.kernel.width + column) * windows.channels + i) * outside + o];
                    expected[sample * count + beside] += f64::from(x[sample * windows.image() + image] * weight);
                });
            }
            forward(&ConvolutionProduct::new(windows, outside), &w, &b, &x, &mut y);
            close(&y, &expected)?;
        }

        #[test]
        fn a_transposed_convolution_adds_its_windows_up((windows, outside) in both(), salt: u64) {
            let (kernel, channels) = (windows.kernel, windows.channels);
            let count = windows.rows * windows.columns * outside;
            let (x, w, b) = (values(count, salt), values(windows.values() * outside, !salt), values(channels, salt ^ 5));
            let mut y = vec![f32::NAN; windows.image()];
            let mut expected: Vec<f64> = (0..y.len()).map(|at| f64::from(b[at % channels])).collect();
            each_weight(&windows, outside, |image, beside, [row, column, i, o]| {
                expected[image] += f64::from(x[beside] * w[((o * kernel.height + row) * kernel.width + column) * channels + i]);
            });
            forward(&TransposedProduct::new(windows, outside), &w, &b, &x, &mut y);
            close(&y, &expected)?;
        }
    }
}
