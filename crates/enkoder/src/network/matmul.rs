//! Matrix products over slices: the only file that names the crate which computes them, so that it can be exchanged. All
//! matrices are row-major; every product runs on the calling thread, and who calls decides what runs in parallel.

use std::fmt;

use gemmkit::{Activation, Bias, MatMut, MatRef, Parallelism, Workspace};

/// Buffers into which blocks of the operands are packed; one for each thread, kept from product to product.
#[derive(Default)]
pub(crate) struct Packing(Workspace);

impl fmt::Debug for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Packing")
    }
}

/// y ← x·w + b, with negative results multiplied by `leak` where one is given: `rows × inputs` times `inputs × outputs`.
pub(crate) fn affine(packing: &mut Packing, x: &[f32], w: &[f32], b: &[f32], leak: Option<f32>, y: &mut [f32]) {
    let outputs = b.len();
    let (rows, inputs) = (y.len() / outputs, w.len() / outputs);
    let activation = leak.map(|leak| if leak == 0.0 { Activation::Relu } else { Activation::LeakyRelu(leak) });
    gemmkit::gemm_fused_with(
        &mut packing.0,
        1.0,
        MatRef::from_row_major(x, rows, inputs),
        MatRef::from_row_major(w, inputs, outputs),
        0.0,
        MatMut::from_row_major(y, rows, outputs),
        Some(Bias::PerCol(b)),
        activation,
        Parallelism::Serial,
    );
}

/// y ← x·w: `rows × inputs` times `inputs × outputs`.
pub(crate) fn times(packing: &mut Packing, x: &[f32], w: &[f32], inputs: usize, outputs: usize, y: &mut [f32]) {
    let rows = y.len() / outputs;
    gemmkit::gemm_with(
        &mut packing.0,
        1.0,
        MatRef::from_row_major(x, rows, inputs),
        MatRef::from_row_major(w, inputs, outputs),
        0.0,
        MatMut::from_row_major(y, rows, outputs),
        Parallelism::Serial,
    );
}

/// x ← y·wᵀ: `rows × outputs` times the transpose of `inputs × outputs`.
pub(crate) fn times_transposed(
    packing: &mut Packing,
    y: &[f32],
    w: &[f32],
    inputs: usize,
    outputs: usize,
    x: &mut [f32],
) {
    let rows = x.len() / inputs;
    gemmkit::gemm_with(
        &mut packing.0,
        1.0,
        MatRef::from_row_major(y, rows, outputs),
        MatRef::from_col_major(w, outputs, inputs),
        0.0,
        MatMut::from_row_major(x, rows, inputs),
        Parallelism::Serial,
    );
}

/// g ← xᵀ·y (or g + xᵀ·y) for the columns of x from `first` on, as many as g has rows: of `rows × inputs` and
/// `rows × outputs`.
#[allow(clippy::too_many_arguments)]
pub(crate) fn transposed_times(
    packing: &mut Packing,
    x: &[f32],
    inputs: usize,
    first: usize,
    y: &[f32],
    outputs: usize,
    accumulate: bool,
    g: &mut [f32],
) {
    let rows = y.len() / outputs;
    let columns = g.len() / outputs;
    gemmkit::gemm_with(
        &mut packing.0,
        1.0,
        MatRef::new(&x[first..], columns, rows, 1, inputs as isize),
        MatRef::from_row_major(y, rows, outputs),
        if accumulate { 1.0 } else { 0.0 },
        MatMut::from_row_major(g, columns, outputs),
        Parallelism::Serial,
    );
}
