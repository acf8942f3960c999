//! Convolution and its transpose, lowered to products of matrices over unfolded windows: a few rows of windows at a time, so that
//! what is unfolded never leaves the cache. Weights lie as `kernel × kernel × in × out`; those of a transposed convolution as `in ×
//! kernel × kernel × out`, which makes each the other's mirror: what one does forward, the other does backward. Where fewer
//! multiplications lead to the same, `winograd` does the work.

use super::products::{self, Add, Pair, transposed_times};
use super::windows::Windows;
use super::winograd::{self, Winograd};

/// Unfolded windows, kept from pass to pass.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    windows: Vec<f32>,
    errors: Vec<f32>,
    ones: Vec<f32>,
    winograd: winograd::Workspace,
}

impl Workspace {
    fn windows(&mut self, windows: &Windows) -> &mut [f32] {
        grown(&mut self.windows, windows.largest_piece())
    }

    fn both(&mut self, windows: &Windows) -> [&mut [f32]; 2] {
        let length = windows.largest_piece();
        [grown(&mut self.windows, length), grown(&mut self.errors, length)]
    }
}

/// The first values of a buffer, which grows where it has fewer.
pub(crate) fn grown(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    &mut buffer[..length]
}

/// What a layer adds to the gradient of its weights and biases.
pub(crate) struct Gradient<'a> {
    pub(crate) weight: &'a mut [f32],
    pub(crate) bias: &'a mut [f32],
}

/// A convolution: from the image that the windows cover to one value a window and channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Convolution {
    /// Over the input.
    pub(crate) windows: Windows,
    /// Channels out.
    pub(crate) channels: usize,
}

impl Convolution {
    pub(crate) fn forward(
        &self,
        weight: &[f32],
        bias: &[f32],
        leak: Option<f32>,
        x: &[f32],
        y: &mut [f32],
        work: &mut Workspace,
    ) {
        match Winograd::of(&self.windows, self.channels) {
            Some(winograd) => winograd.forward(weight, bias, leak, x, y, &mut work.winograd),
            None => self.forward_unfolded(weight, bias, leak, x, y, work),
        }
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
        let Self { windows, channels } = self;
        let unfolded = work.windows(windows);
        let row = windows.columns * channels;
        for (x, y) in x.chunks_exact(windows.image()).zip(y.chunks_exact_mut(windows.rows * row)) {
            for rows in windows.pieces() {
                let unfolded = &mut unfolded[..windows.unfolded(&rows)];
                windows.unfold(x, rows.clone(), unfolded);
                products::affine(unfolded, weight, bias, leak, &mut y[rows.start * row..rows.end * row]);
            }
        }
    }

    /// With the weights `turned`, as rows for columns, adds to the gradient what the samples `x` with errors `delta` say, and leaves
    /// the errors of `x` in `dx` unless it is empty.
    pub(crate) fn backward(
        &self,
        turned: &[f32],
        x: &[f32],
        delta: &[f32],
        dx: &mut [f32],
        gradient: Gradient<'_>,
        work: &mut Workspace,
    ) {
        add_rows(delta, gradient.bias, &mut work.ones);
        match Winograd::of(&self.windows, self.channels) {
            Some(winograd) => winograd.backward(turned, x, delta, dx, gradient.weight, &mut work.winograd),
            None => self.backward_unfolded(turned, x, delta, dx, gradient.weight, work),
        }
    }

    pub(super) fn backward_unfolded(
        &self,
        turned: &[f32],
        x: &[f32],
        delta: &[f32],
        dx: &mut [f32],
        gradient: &mut [f32],
        work: &mut Workspace,
    ) {
        let Self { windows, channels } = self;
        let row = windows.columns * channels;
        let image = windows.image();
        let [unfolded, errors] = work.both(windows);
        dx.fill(0.0);
        for (index, (x, delta)) in x.chunks_exact(image).zip(delta.chunks_exact(windows.rows * row)).enumerate() {
            for rows in windows.pieces() {
                let length = windows.unfolded(&rows);
                let delta = &delta[rows.start * row..rows.end * row];
                let unfolded = &mut unfolded[..length];
                windows.unfold(x, rows.clone(), unfolded);
                let pair = Pair { x: unfolded, y: delta };
                let values = windows.values();
                transposed_times(&[pair], values, 0..values, *channels, &mut Add(gradient));
                if !dx.is_empty() {
                    let errors = &mut errors[..length];
                    products::times(delta, turned, values, errors);
                    windows.fold(errors, rows, &mut dx[index * image..][..image]);
                }
            }
        }
    }
}

/// A transposed convolution: from one value a window and channel to the image that the windows cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TransposedConvolution {
    /// Over the output.
    pub(crate) windows: Windows,
    /// Channels in.
    pub(crate) channels: usize,
}

impl TransposedConvolution {
    pub(crate) fn forward(&self, weight: &[f32], bias: &[f32], x: &[f32], y: &mut [f32], work: &mut Workspace) {
        let Self { windows, channels } = self;
        let row = windows.columns * channels;
        y.chunks_exact_mut(bias.len()).for_each(|pixel| pixel.copy_from_slice(bias));
        let unfolded = work.windows(windows);
        for (x, y) in x.chunks_exact(windows.rows * row).zip(y.chunks_exact_mut(windows.image())) {
            for rows in windows.pieces() {
                let unfolded = &mut unfolded[..windows.unfolded(&rows)];
                products::times(&x[rows.start * row..rows.end * row], weight, windows.values(), unfolded);
                windows.fold(unfolded, rows, y);
            }
        }
    }

    /// As [`Convolution::backward`].
    pub(crate) fn backward(
        &self,
        turned: &[f32],
        x: &[f32],
        delta: &[f32],
        dx: &mut [f32],
        gradient: Gradient<'_>,
        work: &mut Workspace,
    ) {
        let Self { windows, channels } = self;
        let row = windows.columns * channels;
        let unfolded = work.windows(windows);
        for (index, (x, delta)) in
            x.chunks_exact(windows.rows * row).zip(delta.chunks_exact(windows.image())).enumerate()
        {
            for rows in windows.pieces() {
                let unfolded = &mut unfolded[..windows.unfolded(&rows)];
                let of_rows = rows.start * row..rows.end * row;
                windows.unfold(delta, rows, unfolded);
                let pair = Pair { x: &x[of_rows.clone()], y: unfolded };
                transposed_times(&[pair], *channels, 0..*channels, windows.values(), &mut Add(gradient.weight));
                if !dx.is_empty() {
                    let dx = &mut dx[index * windows.rows * row..][of_rows];
                    products::times(unfolded, turned, *channels, dx);
                }
            }
        }
        add_rows(delta, gradient.bias, &mut work.ones);
    }
}

/// Adds all rows to one.
fn add_rows(rows: &[f32], sum: &mut [f32], ones: &mut Vec<f32>) {
    let count = rows.len() / sum.len();
    if ones.len() < count {
        ones.resize(count, 1.0);
    }
    transposed_times(&[Pair { x: &ones[..count], y: rows }], 1, 0..1, sum.len(), &mut Add(sum));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::products::testing::values;
    use proptest::prelude::*;

    /// A convolution and its transpose of the same numbers, with `inside` channels within the windows' image and `outside` beside them.
    fn both() -> impl Strategy<Value = (Windows, usize)> {
        let sizes = (1usize..7, 1usize..7, proptest::sample::select(vec![1usize, 3, 16]));
        (sizes, 1usize..5, 1usize..4, 0usize..3, proptest::sample::select(vec![1usize, 4, 17])).prop_filter_map(
            "the image holds a window",
            |((height, width, channels), kernel, stride, padding, outside)| {
                let count = |size: usize| Some((size + 2 * padding).checked_sub(kernel)? / stride + 1);
                let (rows, columns) = (count(height)?, count(width)?);
                Some((Windows { height, width, channels, rows, columns, kernel, stride, padding }, outside))
            },
        )
    }

    /// Calls `visit` with a value of the image, one beside a window, and the weight between them: image, outside, `[y, x, inside,
    /// outside]`.
    fn each_weight(windows: &Windows, outside: usize, mut visit: impl FnMut(usize, usize, [usize; 4])) {
        let Windows { height, width, channels, rows, columns, kernel, stride, padding } = *windows;
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            for (y, x) in (0..kernel).flat_map(|y| (0..kernel).map(move |x| (y, x))) {
                let image_row = (row * stride + y).checked_sub(padding).filter(|&row| row < height);
                let image_column = (column * stride + x).checked_sub(padding).filter(|&column| column < width);
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
                    let weight = w[((row * windows.kernel + column) * windows.channels + i) * outside + o];
                    expected[sample * count + beside] += f64::from(x[sample * windows.image() + image] * weight);
                });
            }
            let convolution = Convolution { windows, channels: outside };
            convolution.forward(&w, &b, None, &x, &mut y, &mut Workspace::default());
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
                expected[image] += f64::from(x[beside] * w[((o * kernel + row) * kernel + column) * channels + i]);
            });
            let transposed = TransposedConvolution { windows, channels: outside };
            transposed.forward(&w, &b, &x, &mut y, &mut Workspace::default());
            close(&y, &expected)?;
        }
    }
}
