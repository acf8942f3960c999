//! Products of rows with rows, `a·bᵀ`: the error at a layer's inputs from the error behind it, with the weights as they lie. A few
//! columns of `bᵀ` at a time are turned into memory that stays in the first-level cache while all rows of `a` pass; inner products of
//! rows where they lie would spend much of their time adding up lanes.

use std::ops::Range;

use super::affine::{First, Part};
use crate::network::vectorised::{LANES, Simd, WithSimd, four_columns, vectors_mut, with_vectors};

/// Values that are turned at a time, for as many columns as a block has: no more than a first-level cache holds.
const TURNED: usize = 8 * 1024;
/// Values of a row that are turned at a time, at most.
const DEPTH: usize = 256;

/// c ← a·bᵀ, the error at a layer's inputs with its weights as b: for `m × depth` and `n × depth`, all row-major; `m` is what `c` has room for.
///
/// # Panics
/// When the lengths do not belong together, or `depth` or `n` is 0.
pub(crate) fn rows_times_rows(a: &[f32], b: &[f32], depth: usize, c: &mut [f32]) {
    let n = b.len() / depth;
    assert!(b.len() == n * depth && c.len() * depth == a.len() * n, "the shapes belong together");
    with_vectors(Product { a, b, depth, n, c });
}

struct Product<'a> {
    a: &'a [f32],
    b: &'a [f32],
    depth: usize,
    n: usize,
    c: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { a, b, depth, n, c } = self;
        let mut turned = [0.0; TURNED];
        let width = S::F32_LANES * if S::REGISTER_COUNT >= 32 { 4 } else { 2 };
        let deep = DEPTH.min(TURNED / width);
        for start in (0..n).step_by(width) {
            let columns = start..n.min(start + width);
            let rows = &b[columns.start * depth..columns.end * depth];
            for start in (0..depth).step_by(deep) {
                let part = start..depth.min(start + deep);
                let w = &mut turned[..part.len() * width];
                simd.vectorize(Turn { rows, depth, part: part.clone(), width, turned: w });
                let first = if start == 0 { First::Bias(None) } else { First::Add };
                let y = &mut *c;
                Part {
                    x: a,
                    inputs: depth,
                    depth: part,
                    w,
                    width,
                    y,
                    outputs: n,
                    columns: columns.clone(),
                    first,
                    leak: None,
                }
                .add(simd);
            }
        }
    }
}

/// Turns a part of each row into a column of `turned`, whose rows have `width` values.
struct Turn<'a> {
    rows: &'a [f32],
    depth: usize,
    part: Range<usize>,
    width: usize,
    turned: &'a mut [f32],
}

impl WithSimd for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { rows, depth, part, width, turned } = self;
        let lanes = S::F32_LANES;
        let mut column = 0;
        for rows in rows.chunks(lanes * depth) {
            let whole = if rows.len() == lanes * depth { part.len() / 4 } else { 0 };
            if whole > 0 {
                let pieces: [&[[f32; 4]]; LANES] = std::array::from_fn(|row| {
                    let row = &rows[row.min(lanes - 1) * depth..][part.clone()];
                    &row.as_chunks().0[..whole]
                });
                for (k, turned) in (0..whole).zip(turned.chunks_exact_mut(4 * width)) {
                    let columns = four_columns(
                        simd,
                        #[inline(always)]
                        |row| pieces[row][k],
                    );
                    for at in 0..4 {
                        *vectors_mut::<S, 1>(&mut turned[at * width + column..]) = [columns[at]];
                    }
                }
            }
            for row in rows.chunks_exact(depth) {
                let rest = turned[4 * whole * width..].chunks_exact_mut(width);
                for (turned, &value) in rest.zip(&row[part.start + 4 * whole..part.end]) {
                    turned[column] = value;
                }
                column += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::products::testing::{check, size, term_by_term, values};
    use crate::network::vectorised::machines;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn rows_times_rows_is_the_product_term_by_term((m, n, depth) in (size(), size(), size()), salt: u64) {
            let (a, b) = (values(m * depth, salt), values(n * depth, !salt));
            let mut c = vec![f32::NAN; m * n];
            rows_times_rows(&a, &b, depth, &mut c);
            check(&c, n, term_by_term(|i, k| a[i * depth + k], |k, j| b[j * depth + k], depth))?;
        }
    }

    #[test]
    fn every_vector_width_gives_the_same_bits() {
        let (m, n, depth) = (11, 83, 301);
        let values = |count: usize| (0..count).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<f32>>();
        let (a, b) = (values(m * depth), values(n * depth));
        let products = machines().into_iter().map(|machine| {
            let mut c = vec![f32::NAN; m * n];
            machine.dispatch(Product { a: &a, b: &b, depth, n, c: &mut c });
            c
        });
        let products: Vec<_> = products.collect();
        assert!(products.iter().all(|product| *product == products[0]));
    }

    #[test]
    fn no_rows_give_none() {
        rows_times_rows(&[], &values(6, 1), 3, &mut []);
    }
}
