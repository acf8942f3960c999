//! Sums of outer products, `xᵀ·y`: the gradient of a layer's weights over the rows of a batch. Both factors are read where they lie,
//! and every block of sums is handed on while it is still in registers, so that an optimiser that takes it there needs no
//! gradient in memory at all.

use std::ops::Range;

use crate::network::vectorised::{Simd, WithSimd, vectors, vectors_mut, with_vectors};

/// Rows of both factors, side by side: `rows × inputs` and `rows × outputs`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) y: &'a [f32],
}

/// Takes sums as they are done, from position `at` of the row-major result on.
pub(crate) trait Receiver {
    /// `N` whole vectors.
    fn receive<S: Simd, const N: usize>(&mut self, simd: S, at: usize, sums: [S::f32s; N]);

    /// The first `length` lanes of a vector.
    fn receive_part<S: Simd>(&mut self, simd: S, at: usize, length: usize, sums: S::f32s);
}

/// Keeps the sums.
pub(crate) struct Store<'a>(pub(crate) &'a mut [f32]);

impl Receiver for Store<'_> {
    #[inline(always)]
    fn receive<S: Simd, const N: usize>(&mut self, _: S, at: usize, sums: [S::f32s; N]) {
        vectors_mut::<S, N>(&mut self.0[at..]).copy_from_slice(&sums);
    }

    #[inline(always)]
    fn receive_part<S: Simd>(&mut self, simd: S, at: usize, length: usize, sums: S::f32s) {
        simd.partial_store_f32s(&mut self.0[at..at + length], sums);
    }
}

/// Adds the sums to what is there.
pub(crate) struct Add<'a>(pub(crate) &'a mut [f32]);

impl Receiver for Add<'_> {
    #[inline(always)]
    fn receive<S: Simd, const N: usize>(&mut self, simd: S, at: usize, sums: [S::f32s; N]) {
        let there = vectors_mut::<S, N>(&mut self.0[at..]);
        for (there, sum) in there.iter_mut().zip(sums) {
            *there = simd.add_f32s(*there, sum);
        }
    }

    #[inline(always)]
    fn receive_part<S: Simd>(&mut self, simd: S, at: usize, length: usize, sums: S::f32s) {
        let there = &mut self.0[at..at + length];
        simd.partial_store_f32s(there, simd.add_f32s(simd.partial_load_f32s(there), sums));
    }
}

/// Hands on the sums, added to what is there.
pub(crate) struct Sum<'a, R>(pub(crate) &'a [f32], pub(crate) R);

impl<R: Receiver> Receiver for Sum<'_, R> {
    #[inline(always)]
    fn receive<S: Simd, const N: usize>(&mut self, simd: S, at: usize, sums: [S::f32s; N]) {
        let there = vectors::<S, N>(&self.0[at..]);
        self.1.receive::<S, N>(simd, at, std::array::from_fn(|vector| simd.add_f32s(there[vector], sums[vector])));
    }

    #[inline(always)]
    fn receive_part<S: Simd>(&mut self, simd: S, at: usize, length: usize, sums: S::f32s) {
        let there = simd.partial_load_f32s(&self.0[at..at + length]);
        self.1.receive_part(simd, at, length, simd.add_f32s(there, sums));
    }
}

/// Hands to `receiver` the elements of Σ xᵀ·y over all pairs, for these columns of x (`inputs` wide) and all of y (`outputs` wide).
pub(crate) fn transposed_times(
    pairs: &[Pair<'_>],
    inputs: usize,
    columns: Range<usize>,
    outputs: usize,
    receiver: &mut impl Receiver,
) {
    with_vectors(Product { pairs, inputs, columns, outputs, receiver });
}

/// Rows of the result that are computed together; parts of as many or a multiple are the fastest.
pub(crate) const ROWS: usize = 6;

/// Numbers of y that are used for all columns of x before the next ones: as many as stay in the second-level cache.
const CACHED: usize = 64 * 1024;
/// Outputs are taken together in multiples of this, which whole blocks divide.
const LINE: usize = 64;

struct Product<'a, R> {
    pairs: &'a [Pair<'a>],
    inputs: usize,
    columns: Range<usize>,
    outputs: usize,
    receiver: &'a mut R,
}

impl<R: Receiver> WithSimd for Product<'_, R> {
    type Output = ();

    /// Blocks of sums as large as the registers hold beside the factors: 32 of them, or 16 on older x86 machines.
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let rows: usize = self.pairs.iter().map(|pair| pair.x.len() / self.inputs).sum();
        let width = (CACHED / rows.max(1) / LINE * LINE).max(LINE);
        for start in (0..self.outputs).step_by(width) {
            let outputs = start..self.outputs.min(start + width);
            let mut column = self.columns.start;
            while column < self.columns.end {
                column += match self.columns.end - column {
                    ROWS.. if S::REGISTER_COUNT >= 32 => self.rows::<S, ROWS, 4>(simd, column, &outputs),
                    ROWS.. => self.rows::<S, ROWS, 2>(simd, column, &outputs),
                    4.. => self.rows::<S, 4, 4>(simd, column, &outputs),
                    3 => self.rows::<S, 3, 4>(simd, column, &outputs),
                    2 => self.rows::<S, 2, 4>(simd, column, &outputs),
                    _ => self.rows::<S, 1, 4>(simd, column, &outputs),
                };
            }
        }
    }
}

impl<R: Receiver> Product<'_, R> {
    /// `M` rows of the result, those of the columns of x from `column` on, as far as they belong to these outputs; returns `M`.
    #[inline(always)]
    fn rows<S: Simd, const M: usize, const N: usize>(
        &mut self,
        simd: S,
        column: usize,
        outputs: &Range<usize>,
    ) -> usize {
        let mut output = outputs.start;
        while output + N * S::F32_LANES <= outputs.end {
            self.block::<S, M, N>(simd, column, output);
            output += N * S::F32_LANES;
        }
        while output + S::F32_LANES <= outputs.end {
            self.block::<S, M, 1>(simd, column, output);
            output += S::F32_LANES;
        }
        if output < outputs.end {
            self.last_block::<S, M>(simd, column, output);
        }
        M
    }

    /// `M` rows of `N` whole vectors of the result.
    #[inline(always)]
    fn block<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, column: usize, output: usize) {
        let mut sums = [[simd.splat_f32s(0.0); N]; M];
        for Pair { x, y } in self.pairs {
            for (x, y) in x.chunks_exact(self.inputs).zip(y.chunks_exact(self.outputs)) {
                let x = &x[column..column + M];
                let y: [_; N] = *vectors::<S, N>(&y[output..]);
                for row in 0..M {
                    let x = simd.splat_f32s(x[row]);
                    for vector in 0..N {
                        sums[row][vector] = simd.mul_add_f32s(x, y[vector], sums[row][vector]);
                    }
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            self.receiver.receive(simd, self.position(column + row, output), sums);
        }
    }

    /// `M` rows of the result from `output` to their end, less than a vector.
    #[inline(always)]
    fn last_block<S: Simd, const M: usize>(&mut self, simd: S, column: usize, output: usize) {
        let mut sums = [simd.splat_f32s(0.0); M];
        for Pair { x, y } in self.pairs {
            for (row, x) in x.chunks_exact(self.inputs).enumerate() {
                // A load of a part is a call. A whole one also reads what follows in y, for sums that are never stored.
                let y = &y[row * self.outputs + output..];
                let y = match S::as_simd_f32s(y).0.first() {
                    Some(&y) => y,
                    None => simd.partial_load_f32s(&y[..self.outputs - output]),
                };
                for (sum, &x) in sums.iter_mut().zip(&x[column..column + M]) {
                    *sum = simd.mul_add_f32s(simd.splat_f32s(x), y, *sum);
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            self.receiver.receive_part(simd, self.position(column + row, output), self.outputs - output, sums);
        }
    }

    /// Where the element for a column of x and an output stands in the result.
    #[inline(always)]
    fn position(&self, column: usize, output: usize) -> usize {
        (column - self.columns.start) * self.outputs + output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::products::testing::{check, size, term_by_term, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_part_of_a_gradient_is_that_part_of_the_product_term_by_term(
            (rows, inputs, outputs) in (size(), size(), size()),
            (from, to) in (0.0..1.0f64, 0.0..1.0f64),
            salt: u64,
        ) {
            let (x, y) = (values(rows * inputs, salt), values(rows * outputs, !salt));
            let first = (from * inputs as f64) as usize;
            let columns = (1 + (to * (inputs - first) as f64) as usize).min(inputs - first);
            let product = term_by_term(|i, k| x[k * inputs + first + i], |k, j| y[k * outputs + j], rows);
            let pair = Pair { x: &x, y: &y };
            let mut gradient = vec![f32::NAN; columns * outputs];
            transposed_times(&[pair], inputs, first..first + columns, outputs, &mut Store(&mut gradient));
            check(&gradient, outputs, &product)?;
            transposed_times(&[pair, pair], inputs, first..first + columns, outputs, &mut Store(&mut gradient));
            check(&gradient, outputs, |i, j| 2.0 * product(i, j))?;
        }
    }

    #[test]
    fn a_batch_of_no_rows_has_no_gradient() {
        let mut gradient = [f32::NAN; 6];
        transposed_times(&[Pair { x: &[], y: &[] }], 2, 0..2, 3, &mut Store(&mut gradient));
        assert_eq!(gradient, [0.0; 6]);
    }
}
