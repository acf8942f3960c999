//! The matrix products of a network. All matrices are row-major and read where they lie: at the shapes of layers and batches,
//! packing them first, as a general product does, takes longer than it saves; only rows that are multiplied with rows are turned,
//! a few at a time. Every product runs on the calling thread, and who calls decides what runs in parallel. Each sum is over its terms
//! in their order, whatever the vector width.

mod affine;
mod inner;
mod outer;

pub(crate) use affine::{affine, rectified, times};
pub(crate) use inner::rows_times_rows;
pub(crate) use outer::{Add, Pair, ROWS, Receiver, Store, Sum, transposed_times};

/// What tests of products compare with.
#[cfg(test)]
pub(crate) mod testing {
    use proptest::prelude::*;

    /// Around the widths of vectors, tiles and blocks, and the sizes of real layers.
    const SIZES: [usize; 14] = [1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 65, 127, 200, 784];

    pub(crate) fn size() -> impl Strategy<Value = usize> {
        proptest::sample::select(&SIZES[..])
    }

    /// Whole eighths within −2..2, other ones for every `salt`.
    pub(crate) fn values(length: usize, salt: u64) -> Vec<f32> {
        let mut state = salt.wrapping_mul(2).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 59) as f32 / 8.0 - 2.0
        };
        (0..length).map(|_| next()).collect()
    }

    /// The element (i, j) of a product in f64, term by term.
    pub(crate) fn term_by_term(
        a: impl Fn(usize, usize) -> f32,
        b: impl Fn(usize, usize) -> f32,
        depth: usize,
    ) -> impl Fn(usize, usize) -> f64 {
        move |i, j| (0..depth).map(|k| f64::from(a(i, k)) * f64::from(b(k, j))).sum()
    }

    /// Sums of products of whole eighths below this size are exact in f32 in any order, so nothing may differ at all.
    pub(crate) fn check(
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
