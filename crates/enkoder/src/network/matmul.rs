//! Matrix products over slices: the only file that names the crate which computes them, so that it can be exchanged. All
//! matrices are row-major; every product runs on the calling thread, and who calls decides what runs in parallel.

use std::fmt;
use std::ops::Range;

use gemmkit::{Activation, Bias, MatMut, MatRef, Parallelism, Workspace};

use super::inner_products::rows_times_rows;

/// Buffers into which blocks of the operands are packed; one for each thread, kept from product to product.
#[derive(Default)]
pub(crate) struct Packing(Workspace);

impl fmt::Debug for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Packing")
    }
}

/// y ← x·w + b, with negative results multiplied by `leak` where one is given: `rows × inputs` times `inputs × outputs`.
/// With a `leak`, also one of 0, NaN becomes 0.
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
    // Measured on AVX-512: packing wᵀ takes longer than the product where there are few rows, and sums over short rows are
    // lost in adding up their lanes.
    if outputs >= 2 * rows.clamp(1, 64) {
        return rows_times_rows(y, w, outputs, x);
    }
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

/// What tests of products compare with.
#[cfg(test)]
pub(super) mod testing {
    use proptest::prelude::*;

    /// Around the widths of vectors, tiles and blocks, and the sizes of real layers.
    const SIZES: [usize; 14] = [1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 65, 127, 200, 784];

    pub(in crate::network) fn size() -> impl Strategy<Value = usize> {
        proptest::sample::select(&SIZES[..])
    }

    /// Whole eighths within −2..2, other ones for every `salt`.
    pub(in crate::network) fn values(length: usize, salt: u64) -> Vec<f32> {
        let mut state = salt.wrapping_mul(2).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 59) as f32 / 8.0 - 2.0
        };
        (0..length).map(|_| next()).collect()
    }

    /// The element (i, j) of a product in f64, term by term.
    pub(in crate::network) fn term_by_term(
        a: impl Fn(usize, usize) -> f32,
        b: impl Fn(usize, usize) -> f32,
        depth: usize,
    ) -> impl Fn(usize, usize) -> f64 {
        move |i, j| (0..depth).map(|k| f64::from(a(i, k)) * f64::from(b(k, j))).sum()
    }

    /// Sums of products of whole eighths below this size are exact in f32 in any order, so nothing may differ at all.
    pub(in crate::network) fn check(
        values: &[f32],
        columns: usize,
        expected: impl Fn(usize, usize) -> f64,
    ) -> Result<(), TestCaseError> {
        for (at, &value) in values.iter().enumerate() {
            let (i, j) = (at / columns, at % columns);
            prop_assert_eq!(f64::from(value), expected(i, j), "row {}, column {}", i, j);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{check, size, term_by_term, values};
    use super::*;
    use proptest::prelude::*;
    use rayon::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn an_affine_layer_is_the_product_term_by_term(
            (rows, inputs, outputs) in (size(), size(), size()),
            leak in proptest::sample::select(vec![None, Some(0.0f32), Some(0.25)]),
            salt: u64,
        ) {
            let (x, w, b) = (values(rows * inputs, salt), values(inputs * outputs, !salt), values(outputs, salt ^ 9));
            let mut y = vec![f32::NAN; rows * outputs];
            affine(&mut Packing::default(), &x, &w, &b, leak, &mut y);
            let product = term_by_term(|i, k| x[i * inputs + k], |k, j| w[k * outputs + j], inputs);
            check(&y, outputs, |i, j| {
                let sum = product(i, j) + f64::from(b[j]);
                if sum < 0.0 { sum * f64::from(leak.unwrap_or(1.0)) } else { sum }
            })?;
        }

        #[test]
        fn products_with_either_side_transposed_are_those_term_by_term(
            (rows, inputs, outputs) in (size(), size(), size()),
            salt: u64,
        ) {
            let (x, y, w) = (values(rows * inputs, salt), values(rows * outputs, !salt), values(inputs * outputs, salt ^ 9));
            let mut packing = Packing::default();
            let mut forward = vec![f32::NAN; rows * outputs];
            times(&mut packing, &x, &w, inputs, outputs, &mut forward);
            check(&forward, outputs, term_by_term(|i, k| x[i * inputs + k], |k, j| w[k * outputs + j], inputs))?;
            let mut back = vec![f32::NAN; rows * inputs];
            times_transposed(&mut packing, &y, &w, inputs, outputs, &mut back);
            check(&back, inputs, term_by_term(|i, k| y[i * outputs + k], |k, j| w[j * outputs + k], outputs))?;
        }

        #[test]
        fn a_product_in_f64_adds_to_what_is_there_from_any_layout(
            (rows, depth, columns) in (size(), size(), size()),
            (turn_left, turn_right) in any::<(bool, bool)>(),
            (start, gap) in (0usize..3, 0usize..4),
            salt: u64,
        ) {
            let wide = |values: Vec<f32>| -> Vec<f64> { values.into_iter().map(f64::from).collect() };
            let (a, b) = (wide(values((rows + start) * depth, salt)), wide(values(depth * columns, !salt)));
            // With a turned side the same values are read as a matrix stored by columns.
            let left = if turn_left {
                View { values: &a, rows: rows + start, columns: depth, row_step: 1, column_step: rows + start }
            } else {
                View::row_major(&a, rows + start, depth)
            };
            let left = left.take_rows(start..start + rows);
            let right = if turn_right { View::row_major(&b, columns, depth).transposed() } else { View::row_major(&b, depth, columns) };
            let at = |view: &View<'_>, i: usize, j: usize| view.values[i * view.row_step + j * view.column_step] as f32;
            let expected = term_by_term(|i, k| at(&left, i, k), |k, j| at(&right, k, j), depth);
            let step = columns + gap;
            let mut c = vec![0.5; rows * step];
            add_product(left, right, &mut c, step);
            for (at, &value) in c.iter().enumerate() {
                let (i, j) = (at / step, at % step);
                prop_assert_eq!(value, if j < columns { 0.5 + expected(i, j) } else { 0.5 });
            }
        }

        #[test]
        fn neither_other_threads_nor_earlier_products_change_a_bit(
            (rows, inputs, outputs) in (size(), size(), size()),
            salt: u64,
        ) {
            // Roots, so that sums are rounded.
            let irrational = |length, salt| -> Vec<f32> { values(length, salt).iter().map(|v| (v + 2.1).sqrt()).collect() };
            let (x, w, b) = (irrational(rows * inputs, salt), irrational(inputs * outputs, !salt), values(outputs, salt));
            let run = |packing: &mut Packing| {
                let mut y = vec![f32::NAN; rows * outputs];
                affine(packing, &x, &w, &b, Some(0.0), &mut y);
                y
            };
            let expected = run(&mut Packing::default());
            let mut used = Packing::default();
            times(&mut used, &irrational(70 * 300, 1), &irrational(300 * 130, 2), 300, 130, &mut vec![0.0; 70 * 130]);
            prop_assert!(run(&mut used) == expected);
            let all: Vec<Vec<f32>> = (0..8).into_par_iter().map_init(Packing::default, |packing, _| run(packing)).collect();
            prop_assert!(all.iter().all(|y| *y == expected));
        }
    }

    #[test]
    fn a_batch_of_no_rows_has_no_outputs() {
        let (w, b) = (values(6, 1), values(3, 2));
        affine(&mut Packing::default(), &[], &w, &b, None, &mut []);
        times_transposed(&mut Packing::default(), &[], &w, 2, 3, &mut []);
    }

    /// The one thing that tells this rectifier from a comparison that passes NaN on: who looks for divergence must look at
    /// parameters too, because a loss can stay finite over hidden layers that are NaN.
    #[test]
    fn a_rectifier_turns_nan_into_0_and_a_linear_layer_passes_it_on() {
        let run = |leak| {
            let mut y = [1.0; 40];
            affine(&mut Packing::default(), &[f32::NAN; 16], &[1.0; 40], &[0.0; 10], leak, &mut y);
            y
        };
        assert_eq!(run(Some(0.0)), [0.0; 40]);
        assert_eq!(run(Some(0.01)), [0.0; 40]);
        assert!(run(None).iter().all(|y| y.is_nan()));
    }
}
