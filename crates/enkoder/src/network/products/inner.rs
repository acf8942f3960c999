//! Products of rows with rows, `a·bᵀ`: every element is an inner product of two contiguous rows, so nothing needs packing. A
//! general matrix product first packs `bᵀ`, which takes longer than the product itself where `a` has few rows.

use crate::network::vectorised::{Simd, WithSimd, with_vectors};

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

    /// Four rows of `b` at a time stay in the first-level cache while all rows of `a` pass. Sixteen sums need as many
    /// registers, which older x86 machines do not have beside the factors.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { a, b, depth, n, c } = self;
        for first in (0..n).step_by(4) {
            match &b[first * depth..n.min(first + 4) * depth] {
                four if four.len() == 4 * depth => {
                    if S::REGISTER_COUNT >= 32 {
                        columns::<S, 4, 4>(simd, a, four, depth, n, first, c);
                    } else {
                        columns::<S, 2, 4>(simd, a, four, depth, n, first, c);
                    }
                }
                fewer => {
                    for (at, one) in fewer.chunks_exact(depth).enumerate() {
                        columns::<S, 4, 1>(simd, a, one, depth, n, first + at, c);
                    }
                }
            }
        }
    }
}

/// The columns of `c` from `first` on that belong to the `C` rows of `b` given, `R` rows of `a` at a time.
#[inline(always)]
fn columns<S: Simd, const R: usize, const C: usize>(
    simd: S,
    a: &[f32],
    b: &[f32],
    depth: usize,
    n: usize,
    first: usize,
    c: &mut [f32],
) {
    let rows = a.chunks(R * depth).zip(c.chunks_mut(R * n));
    for (a, c) in rows {
        if a.len() == R * depth {
            block::<S, R, C>(simd, a, b, depth, n, &mut c[first..]);
        } else {
            for (a, c) in a.chunks_exact(depth).zip(c.chunks_exact_mut(n)) {
                block::<S, 1, C>(simd, a, b, depth, n, &mut c[first..]);
            }
        }
    }
}

/// `R × C` inner products, whose sums stay in registers; rows of `c` begin `n` values apart.
#[inline(always)]
fn block<S: Simd, const R: usize, const C: usize>(
    simd: S,
    a: &[f32],
    b: &[f32],
    depth: usize,
    n: usize,
    c: &mut [f32],
) {
    let a: [_; R] = std::array::from_fn(|row| S::as_simd_f32s(&a[row * depth..(row + 1) * depth]));
    let b: [_; C] = std::array::from_fn(|row| S::as_simd_f32s(&b[row * depth..(row + 1) * depth]));
    // As long as the first, in so many words: then the loop below checks no bounds.
    let whole = a[0].0.len();
    let (a_vectors, b_vectors) = (a.map(|(vectors, _)| &vectors[..whole]), b.map(|(vectors, _)| &vectors[..whole]));
    let mut sums = [[simd.splat_f32s(0.0); C]; R];
    for k in 0..whole {
        let x: [_; R] = std::array::from_fn(|row| a_vectors[row][k]);
        for column in 0..C {
            let y = b_vectors[column][k];
            for row in 0..R {
                sums[row][column] = simd.mul_add_f32s(x[row], y, sums[row][column]);
            }
        }
    }
    if !a[0].1.is_empty() {
        let x: [_; R] = std::array::from_fn(|row| simd.partial_load_f32s(a[row].1));
        for column in 0..C {
            let y = simd.partial_load_f32s(b[column].1);
            for row in 0..R {
                sums[row][column] = simd.mul_add_f32s(x[row], y, sums[row][column]);
            }
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        let c = &mut c[row * n..row * n + C];
        for (c, sum) in c.iter_mut().zip(sums) {
            *c = simd.reduce_sum_f32s(sum);
        }
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
        fn rows_times_rows_is_the_product_term_by_term((m, n, depth) in (size(), size(), size()), salt: u64) {
            let (a, b) = (values(m * depth, salt), values(n * depth, !salt));
            let mut c = vec![f32::NAN; m * n];
            rows_times_rows(&a, &b, depth, &mut c);
            check(&c, n, term_by_term(|i, k| a[i * depth + k], |k, j| b[j * depth + k], depth))?;
        }
    }

    #[test]
    fn no_rows_give_none() {
        rows_times_rows(&[], &values(6, 1), 3, &mut []);
    }
}
