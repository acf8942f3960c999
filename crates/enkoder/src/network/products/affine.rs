//! Rows times a matrix, `x·w + b`: a layer forward. A block of sums stays in registers while the rows of w pass.

use std::ops::Range;

use crate::network::vectorised::{Simd, WithSimd, vectors, vectors_mut, with_vectors};

/// Rows of w that are used at a time: a few columns of as many stay in the second-level cache while all rows of x pass.
const DEPTH: usize = 1024;

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
    with_vectors(Product { x, w, b, inputs, outputs, rows, leak, y });
}

struct Product<'a> {
    x: &'a [f32],
    w: &'a [f32],
    b: Option<&'a [f32]>,
    inputs: usize,
    outputs: usize,
    rows: usize,
    leak: Option<f32>,
    y: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut start = 0;
        // Once also without inputs: then y is b.
        while start == 0 || start < self.inputs {
            let depth = start..self.inputs.min(start + DEPTH);
            self.depth(simd, depth);
            start += DEPTH;
        }
    }
}

impl Product<'_> {
    /// Adds what some of the inputs contribute. Blocks of sums are as large as the registers hold beside the factors: 32 of
    /// them, or 16 on older x86 machines.
    #[inline(always)]
    fn depth<S: Simd>(&mut self, simd: S, depth: Range<usize>) {
        let mut output = 0;
        if self.rows == 1 {
            while output + 8 * S::F32_LANES <= self.outputs {
                self.block::<S, 1, 8>(simd, &depth, 0, output);
                output += 8 * S::F32_LANES;
            }
        }
        if S::REGISTER_COUNT >= 32 {
            output = self.columns::<S, 4>(simd, &depth, output);
        }
        output = self.columns::<S, 2>(simd, &depth, output);
        output = self.columns::<S, 1>(simd, &depth, output);
        if output < self.outputs {
            let mut row = 0;
            while row < self.rows {
                row += match self.rows - row {
                    8.. => self.last_block::<S, 8>(simd, &depth, row, output),
                    4.. => self.last_block::<S, 4>(simd, &depth, row, output),
                    2.. => self.last_block::<S, 2>(simd, &depth, row, output),
                    _ => self.last_block::<S, 1>(simd, &depth, row, output),
                };
            }
        }
    }

    /// Columns from `output` on as long as there are `N` vectors of them; returns where it ends.
    #[inline(always)]
    fn columns<S: Simd, const N: usize>(&mut self, simd: S, depth: &Range<usize>, mut output: usize) -> usize {
        while output + N * S::F32_LANES <= self.outputs {
            let mut row = 0;
            while row < self.rows {
                row += match self.rows - row {
                    6.. => self.block::<S, 6, N>(simd, depth, row, output),
                    4.. => self.block::<S, 4, N>(simd, depth, row, output),
                    2.. => self.block::<S, 2, N>(simd, depth, row, output),
                    _ => self.block::<S, 1, N>(simd, depth, row, output),
                };
            }
            output += N * S::F32_LANES;
        }
        output
    }

    /// `M` rows of `N` vectors; returns `M`.
    #[inline(always)]
    fn block<S: Simd, const M: usize, const N: usize>(
        &mut self,
        simd: S,
        depth: &Range<usize>,
        row: usize,
        output: usize,
    ) -> usize {
        let x: [&[f32]; M] = std::array::from_fn(|at| &self.x[(row + at) * self.inputs..][depth.clone()]);
        let mut sums = [[simd.splat_f32s(0.0); N]; M];
        if depth.start > 0 {
            for (at, sums) in sums.iter_mut().enumerate() {
                *sums = *vectors::<S, N>(&self.y[(row + at) * self.outputs + output..]);
            }
        } else if let Some(b) = self.b {
            sums = [*vectors::<S, N>(&b[output..]); M];
        }
        let w = self.w[depth.start * self.outputs..depth.end * self.outputs].chunks_exact(self.outputs);
        for (k, w) in w.enumerate() {
            let w: [_; N] = *vectors::<S, N>(&w[output..]);
            for at in 0..M {
                let x = simd.splat_f32s(x[at][k]);
                for vector in 0..N {
                    sums[at][vector] = simd.mul_add_f32s(x, w[vector], sums[at][vector]);
                }
            }
        }
        for (at, mut sums) in sums.into_iter().enumerate() {
            if depth.end == self.inputs
                && let Some(leak) = self.leak
            {
                for sum in &mut sums {
                    *sum = rectified(simd, *sum, leak);
                }
            }
            *vectors_mut::<S, N>(&mut self.y[(row + at) * self.outputs + output..]) = sums;
        }
        M
    }

    /// `M` rows of the columns from `output` to the end, less than a vector; returns `M`.
    #[inline(always)]
    fn last_block<S: Simd, const M: usize>(
        &mut self,
        simd: S,
        depth: &Range<usize>,
        row: usize,
        output: usize,
    ) -> usize {
        let x: [&[f32]; M] = std::array::from_fn(|at| &self.x[(row + at) * self.inputs..][depth.clone()]);
        let columns = |at: usize| (row + at) * self.outputs + output..(row + at + 1) * self.outputs;
        let mut sums = [simd.splat_f32s(0.0); M];
        if depth.start > 0 {
            for (at, sum) in sums.iter_mut().enumerate() {
                *sum = simd.partial_load_f32s(&self.y[columns(at)]);
            }
        } else if let Some(b) = self.b {
            sums = [simd.partial_load_f32s(&b[output..]); M];
        }
        for (k, input) in depth.clone().enumerate() {
            // A load of a part is a call. A whole one also reads what follows in w, for sums that are never stored.
            let w = &self.w[input * self.outputs + output..];
            let w = match S::as_simd_f32s(w).0.first() {
                Some(&w) => w,
                None => simd.partial_load_f32s(&w[..self.outputs - output]),
            };
            for at in 0..M {
                sums[at] = simd.mul_add_f32s(simd.splat_f32s(x[at][k]), w, sums[at]);
            }
        }
        for (at, mut sum) in sums.into_iter().enumerate() {
            if depth.end == self.inputs
                && let Some(leak) = self.leak
            {
                sum = rectified(simd, sum, leak);
            }
            simd.partial_store_f32s(&mut self.y[columns(at)], sum);
        }
        M
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
