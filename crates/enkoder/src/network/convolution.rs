//! Convolution and its transpose, lowered to products of matrices over unfolded windows: a few rows of windows at a time, so that
//! what is unfolded never leaves the cache. Weights lie as `kernel × kernel × in × out`; those of a transposed convolution as `in ×
//! kernel × kernel × out`, which makes each the other's mirror: what one does forward, the other does backward.

use super::products::{self, Add, Pair, transposed_times};
use super::windows::Windows;

/// Unfolded windows, kept from pass to pass.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    windows: Vec<f32>,
    errors: Vec<f32>,
    ones: Vec<f32>,
}

impl Workspace {
    fn windows(&mut self, windows: &Windows) -> &mut [f32] {
        grown(&mut self.windows, windows.piece_windows() * windows.values())
    }

    fn both(&mut self, windows: &Windows) -> [&mut [f32]; 2] {
        let length = windows.piece_windows() * windows.values();
        [grown(&mut self.windows, length), grown(&mut self.errors, length)]
    }
}

fn grown(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
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
        let Self { windows, channels } = self;
        let unfolded = work.windows(windows);
        let row = windows.columns * channels;
        for (x, y) in x.chunks_exact(windows.image()).zip(y.chunks_exact_mut(windows.rows * row)) {
            for rows in windows.pieces() {
                let unfolded = &mut unfolded[..rows.len() * windows.columns * windows.values()];
                windows.unfold(x, rows.clone(), unfolded);
                products::affine(unfolded, weight, bias, leak, &mut y[rows.start * row..rows.end * row]);
            }
        }
    }

    /// With the weights `turned`, as rows for columns, adds to the gradient what the samples `x` with errors `delta` say, and leaves the errors of `x` in `dx` unless it is empty.
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
        let image = windows.image();
        let [unfolded, errors] = work.both(windows);
        dx.fill(0.0);
        for (index, (x, delta)) in x.chunks_exact(image).zip(delta.chunks_exact(windows.rows * row)).enumerate() {
            for rows in windows.pieces() {
                let length = rows.len() * windows.columns * windows.values();
                let delta = &delta[rows.start * row..rows.end * row];
                let unfolded = &mut unfolded[..length];
                windows.unfold(x, rows.clone(), unfolded);
                let pair = Pair { x: unfolded, y: delta };
                let values = windows.values();
                transposed_times(&[pair], values, 0..values, *channels, &mut Add(gradient.weight));
                if !dx.is_empty() {
                    let errors = &mut errors[..length];
                    products::times(delta, turned, values, errors);
                    windows.fold(errors, rows, &mut dx[index * image..][..image]);
                }
            }
        }
        add_rows(delta, gradient.bias, &mut work.ones);
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
                let unfolded = &mut unfolded[..rows.len() * windows.columns * windows.values()];
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
                let unfolded = &mut unfolded[..rows.len() * windows.columns * windows.values()];
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
