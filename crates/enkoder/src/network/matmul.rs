//! Matrix products over slices: the only file that names the crate which computes them, so that it can be exchanged. All
//! matrices are row-major; every product runs on the calling thread, and who calls decides what runs in parallel.

use std::fmt;
use std::ops::Range;

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

/// A matrix of f64 in a slice: element (i, j) lies at `i * row_step + j * column_step`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) values: &'a [f64],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row_step: usize,
    pub(crate) column_step: usize,
}

impl<'a> View<'a> {
    /// Rows one after the other.
    pub(crate) fn row_major(values: &'a [f64], rows: usize, columns: usize) -> Self {
        Self { values, rows, columns, row_step: columns, column_step: 1 }
    }

    /// The transpose, of the same values.
    pub(crate) fn transposed(self) -> Self {
        let Self { values, rows, columns, row_step, column_step } = self;
        Self { values, rows: columns, columns: rows, row_step: column_step, column_step: row_step }
    }

    /// These rows, of the same values.
    pub(crate) fn take_rows(self, range: Range<usize>) -> Self {
        Self { values: &self.values[range.start * self.row_step..], rows: range.len(), ..self }
    }

    fn as_operand(self) -> MatRef<'a, f64> {
        MatRef::new(self.values, self.rows, self.columns, self.row_step as isize, self.column_step as isize)
    }
}

/// c ← c + a·b in f64; rows of c begin `row_step` values apart.
pub(crate) fn add_product(a: View<'_>, b: View<'_>, c: &mut [f64], row_step: usize) {
    gemmkit::gemm(
        1.0,
        a.as_operand(),
        b.as_operand(),
        1.0,
        MatMut::new(c, a.rows, b.columns, row_step as isize, 1),
        Parallelism::Serial,
    );
}
