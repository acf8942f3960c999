//! Rows times a matrix, `x·w + b`: a layer forward. A block of sums stays in registers while the rows of w pass.

use std::ops::Range;

use crate::network::vectorised::{Simd, WithSimd, vectors, vectors_mut, with_vectors};

/// Rows of w that are used at a time: a few columns of as many stay in the second-level cache while all rows of x pass.
const DEPTH: usize = 1024;
/// Rows of w between two looks at how far a block has come.
const STEP: usize = 4;

/// y ← x·w + b, with results that are not positive multiplied by `leak` where one is given: `rows × inputs` times
/// `inputs × outputs`. With a `leak` of 0, NaN becomes 0.
pub(crate) fn affine(x: &[f32], w: &[f32], b: &[f32], leak: Option<f32>, y: &mut [f32]) {
    product(x, w, Some(b), b.len(), leak, y);
}

/// y ← x·w: `rows × inputs` times `inputs × outputs`.
pub(crate) fn times(x: &[f32], w: &[f32], outputs: usize, y: &mut [f32]) {
    product(x, w, None, outputs, None, y);
}

fn product(x: &[f32], w: &[f32], b: Option<&[f32]>, outputs: usize, leak: Option<f32>, y: &mut [f32]) {
    let (inputs, rows) = (w.len() / outputs, y.len() / outputs);
    assert!(
        w.len() == inputs * outputs && y.len() == rows * outputs && x.len() == rows * inputs,
        "the shapes belong together"
    );
    with_vectors(Product { x, w, b, inputs, outputs, leak, y });
}

struct Product<'a> {
    x: &'a [f32],
    w: &'a [f32],
    b: Option<&'a [f32]>,
    inputs: usize,
    outputs: usize,
    leak: Option<f32>,
    y: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, w, b, inputs, outputs, leak, y } = self;
        let mut start = 0;
        // Once also without inputs: then y is b.
        while start == 0 || start < inputs {
            let end = inputs.min(start + DEPTH);
            let first = if start == 0 { First::Bias(b) } else { First::Add };
            let leak = if end == inputs { leak } else { None };
            let w = &w[start * outputs..end * outputs];
            Part { x, inputs, depth: start..end, w, width: outputs, y, outputs, columns: 0..outputs, first, leak }
                .add(simd);
            start += DEPTH;
        }
    }
}

/// What sums begin with.
#[derive(Clone, Copy)]
pub(super) enum First<'a> {
    /// A number for each column, or 0.
    Bias(Option<&'a [f32]>),
    /// What stands in y.
    Add,
}

/// What some of the inputs contribute to some columns of y.
pub(super) struct Part<'a> {
    /// Rows of `inputs` values, of which those in `depth` count.
    pub(super) x: &'a [f32],
    pub(super) inputs: usize,
    pub(super) depth: Range<usize>,
    /// A row of `width` values for each of these inputs: at least as many as there are columns.
    pub(super) w: &'a [f32],
    pub(super) width: usize,
    /// Rows of `outputs` values, of which those in `columns` change.
    pub(super) y: &'a mut [f32],
    pub(super) outputs: usize,
    pub(super) columns: Range<usize>,
    pub(super) first: First<'a>,
    pub(super) leak: Option<f32>,
}

impl Part<'_> {
    /// Blocks of sums are as large as the registers hold beside the factors: 32 of them, or 16 on older x86 machines.
    #[inline(always)]
    pub(super) fn add<S: Simd>(mut self, simd: S) {
        let (rows, columns) = (self.y.len() / self.outputs, self.columns.len());
        let mut column = 0;
        if rows == 1 {
            while column + 8 * S::F32_LANES <= columns {
                self.block::<S, 1, 8>(simd, 0, column);
                column += 8 * S::F32_LANES;
            }
        }
        if S::REGISTER_COUNT >= 32 {
            column = self.blocks::<S, 4>(simd, rows, column);
        }
        column = self.blocks::<S, 2>(simd, rows, column);
        column = self.blocks::<S, 1>(simd, rows, column);
        if column < columns {
            let mut row = 0;
            while row < rows {
                row += match rows - row {
                    8.. => self.last_block::<S, 8>(simd, row, column),
                    4.. => self.last_block::<S, 4>(simd, row, column),
                    2.. => self.last_block::<S, 2>(simd, row, column),
                    _ => self.last_block::<S, 1>(simd, row, column),
                };
            }
        }
    }

    /// Columns from `column` on as long as there are `N` vectors of them; returns where it ends.
    #[inline(always)]
    fn blocks<S: Simd, const N: usize>(&mut self, simd: S, rows: usize, mut column: usize) -> usize {
        while column + N * S::F32_LANES <= self.columns.len() {
            let mut row = 0;
            while row < rows {
                // The last rows in equal parts: the sums of very few would wait for each other.
                row += match rows - row {
                    5 | 9 | 10 => self.block::<S, 5, N>(simd, row, column),
                    4 | 7 | 8 => self.block::<S, 4, N>(simd, row, column),
                    6.. => self.block::<S, 6, N>(simd, row, column),
                    2.. => self.block::<S, 2, N>(simd, row, column),
                    _ => self.block::<S, 1, N>(simd, row, column),
                };
            }
            column += N * S::F32_LANES;
        }
        column
    }

    /// `M` rows of `N` vectors; returns `M`.
    #[inline(always)]
    fn block<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, row: usize, column: usize) -> usize {
        simd.vectorize(Block::<M, N> { part: self, row, column });
        M
    }

    /// `M` rows of the columns from `column` to the end, less than a vector; returns `M`.
    #[inline(always)]
    fn last_block<S: Simd, const M: usize>(&mut self, simd: S, row: usize, column: usize) -> usize {
        let Self { inputs, ref depth, width, outputs, .. } = *self;
        let output = self.columns.start + column;
        let places = |at: usize| (row + at) * outputs + output..(row + at) * outputs + self.columns.end;
        let mut sums: [_; M] = match self.first {
            First::Bias(Some(b)) => [simd.partial_load_f32s(&b[output..]); M],
            First::Bias(None) => [simd.splat_f32s(0.0); M],
            First::Add => std::array::from_fn(|at| simd.partial_load_f32s(&self.y[places(at)])),
        };
        let x: [&[f32]; M] = std::array::from_fn(|at| &self.x[(row + at) * inputs..][depth.clone()]);
        for (k, start) in (column..).step_by(width).take(depth.len()).enumerate() {
            // A load of a part is a call. A whole one also reads what follows in w, for sums that are never stored.
            let w = &self.w[start..];
            let w = match S::as_simd_f32s(w).0.first() {
                Some(&w) => w,
                None => simd.partial_load_f32s(&w[..self.columns.len() - column]),
            };
            for at in 0..M {
                sums[at] = simd.mul_add_f32s(simd.splat_f32s(x[at][k]), w, sums[at]);
            }
        }
        for (at, mut sum) in sums.into_iter().enumerate() {
            if let Some(leak) = self.leak {
                sum = rectified(simd, sum, leak);
            }
            simd.partial_store_f32s(&mut self.y[places(at)], sum);
        }
        M
    }
}

/// `M` rows of `N` vectors of a part: a function of its own, so that the compiler has registers for nothing else.
struct Block<'a, 'b, const M: usize, const N: usize> {
    part: &'b mut Part<'a>,
    row: usize,
    column: usize,
}

impl<const M: usize, const N: usize> WithSimd for Block<'_, '_, M, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { part, row, column } = self;
        let Part { x, inputs, ref depth, w, width, ref mut y, outputs, ref columns, first, leak } = *part;
        let output = columns.start + column;
        let place = |at: usize| (row + at) * outputs + output;
        let mut sums = match first {
            First::Bias(Some(b)) => [*vectors::<S, N>(&b[output..]); M],
            First::Bias(None) => [[simd.splat_f32s(0.0); N]; M],
            First::Add => std::array::from_fn(|at| *vectors::<S, N>(&y[place(at)..])),
        };
        let x: [&[f32]; M] = std::array::from_fn(|at| &x[(row + at) * inputs + depth.start..][..depth.len()]);
        let (steps, step) = (depth.len() / STEP, STEP * width);
        let x_steps: [&[[f32; STEP]]; M] = std::array::from_fn(|at| &x[at].as_chunks().0[..steps]);
        let starts: [usize; STEP] = std::array::from_fn(|at| at * width + column);
        // What is checked here is not checked in the loop.
        assert!(starts.iter().all(|&start| start <= step && step - start >= N * S::F32_LANES));
        for k in 0..steps {
            let w = &w[k * step..][..step];
            for at in 0..STEP {
                let w: [_; N] = *vectors::<S, N>(&w[starts[at]..]);
                for row in 0..M {
                    let x = simd.splat_f32s(x_steps[row][k][at]);
                    for vector in 0..N {
                        sums[row][vector] = simd.mul_add_f32s(x, w[vector], sums[row][vector]);
                    }
                }
            }
        }
        for k in steps * STEP..depth.len() {
            let w: [_; N] = *vectors::<S, N>(&w[k * width + column..]);
            for row in 0..M {
                let x = simd.splat_f32s(x[row][k]);
                for vector in 0..N {
                    sums[row][vector] = simd.mul_add_f32s(x, w[vector], sums[row][vector]);
                }
            }
        }
        for (at, mut sums) in sums.into_iter().enumerate() {
            if let Some(leak) = leak {
                for sum in &mut sums {
                    *sum = rectified(simd, *sum, leak);
                }
            }
            *vectors_mut::<S, N>(&mut y[place(at)..]) = sums;
        }
    }
}

/// Results that are not positive times `leak`.
#[inline(always)]
pub(crate) fn rectified<S: Simd>(simd: S, sum: S::f32s, leak: f32) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    // Not 0 · sum, which would be NaN for infinity.
    let other = if leak == 0.0 { zero } else { simd.mul_f32s(simd.splat_f32s(leak), sum) };
    simd.select_f32s(simd.less_than_f32s(zero, sum), sum, other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::products::testing::{check, size, term_by_term, values};
    use proptest::prelude::*;

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
            affine(&x, &w, &b, leak, &mut y);
            let product = term_by_term(|i, k| x[i * inputs + k], |k, j| w[k * outputs + j], inputs);
            check(&y, outputs, |i, j| {
                let sum = product(i, j) + f64::from(b[j]);
                if sum < 0.0 { sum * f64::from(leak.unwrap_or(1.0)) } else { sum }
            })?;
        }

        #[test]
        fn without_biases_it_is_the_product(
            (rows, outputs) in (size(), size()),
            inputs in proptest::sample::select(vec![1usize, 9, DEPTH - 1, DEPTH, DEPTH + 1, 2 * DEPTH + 3]),
            salt: u64,
        ) {
            let (x, w) = (values(rows * inputs, salt), values(inputs * outputs, !salt));
            let mut y = vec![f32::NAN; rows * outputs];
            times(&x, &w, outputs, &mut y);
            check(&y, outputs, term_by_term(|i, k| x[i * inputs + k], |k, j| w[k * outputs + j], inputs))?;
        }
    }

    #[test]
    fn no_rows_give_none() {
        affine(&[], &values(6, 1), &values(3, 2), None, &mut []);
    }

    /// The one thing that tells this rectifier from a comparison that passes NaN on: who looks for divergence must look at
    /// parameters too, because a loss can stay finite over hidden layers that are NaN.
    #[test]
    fn a_rectifier_turns_nan_into_0_and_other_layers_pass_it_on() {
        let run = |leak| {
            let mut y = [1.0; 40];
            affine(&[f32::NAN; 16], &[1.0; 40], &[0.0; 10], leak, &mut y);
            y
        };
        assert_eq!(run(Some(0.0)), [0.0; 40]);
        assert!(run(Some(0.01)).iter().chain(&run(None)).all(|y| y.is_nan()));
    }
}
