//! Elementwise loops compiled for every vector width and chosen at run time, so that a portable release build uses AVX2 or
//! AVX-512 where the machine has them. A fused multiply-add happens where `mul_add` stands and nowhere else, and our loops fix
//! their own order of summation, so the width changes the speed and not one bit of the result.
//!
//! The variable `ENKODER_INSTRUCTIONS` forbids the wider ones: `scalar`, or on x86 `avx2`.

use std::sync::OnceLock;

use pulp::{Arch, bytemuck};
pub(crate) use pulp::{Simd, WithSimd};

fn machine() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(|| match std::env::var("ENKODER_INSTRUCTIONS").as_deref() {
        Ok("scalar") => Arch::Scalar,
        #[cfg(target_arch = "x86_64")]
        Ok("avx2") => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
        _ => Arch::new(),
    })
}

/// Runs `work` compiled for the widest vectors that this machine has. What it calls must be inlined to profit.
#[inline(always)]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    machine().dispatch(work)
}

/// Runs work that is written in vectors with the widest that this machine has.
#[inline(always)]
pub(crate) fn with_vectors<W: WithSimd>(work: W) -> W::Output {
    machine().dispatch(work)
}

/// The first `N` vectors of a slice.
#[inline(always)]
pub(crate) fn vectors<S: Simd, const N: usize>(slice: &[f32]) -> &[S::f32s; N] {
    S::as_simd_f32s(slice).0.first_chunk().expect("the slice holds as many")
}

/// The first `N` vectors of a slice, to be changed.
#[inline(always)]
pub(crate) fn vectors_mut<S: Simd, const N: usize>(slice: &mut [f32]) -> &mut [S::f32s; N] {
    S::as_mut_simd_f32s(slice).0.first_chunk_mut().expect("the slice holds as many")
}

/// The columns of as many rows of four values as a vector has lanes: a vector each.
#[inline(always)]
pub(crate) fn four_columns<S: Simd>(simd: S, row: impl Fn(usize) -> [f32; 4]) -> [S::f32s; 4] {
    if S::F32_LANES < 4 {
        return row(0).map(|value| simd.splat_f32s(value));
    }
    let mut columns = [simd.splat_f32s(0.0); 4];
    for (index, column) in columns.iter_mut().enumerate() {
        let fours: &mut [[f32; 4]] = bytemuck::cast_slice_mut(std::slice::from_mut(column));
        for (group, four) in fours.iter_mut().enumerate() {
            *four = row(4 * group + index);
        }
    }
    simd.deinterleave_shfl_f32s(columns)
}

/// How many partial sums a reduction keeps: as many as the widest vector has lanes.
pub(crate) const LANES: usize = 16;

/// The sum of the partial sums, by halves: the same order of additions for every vector width.
#[inline(always)]
pub(crate) fn sum_lanes(partial: [f32; LANES]) -> f32 {
    let mut sums = partial;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Changes each value of rows by the number of its column. Vectors pass over the ends of rows, which are mostly short.
pub(crate) fn change_columns(rows: &mut [f32], columns: &[f32], change: impl Fn(f32, f32) -> f32) {
    let columns_of = |at: usize| columns.iter().cycle().skip(at % columns.len());
    // Those of a vector that begins with any column.
    let repeated: Vec<f32> = columns_of(0).take(columns.len() + LANES).copied().collect();
    let (blocks, rest) = rows.as_chunks_mut::<LANES>();
    let passed = blocks.len() * LANES;
    vectorised(
        #[inline(always)]
        || {
            let mut column = 0;
            for block in blocks {
                // By value: what lies behind two references could be the same, which keeps loops from vectors.
                let (values, numbers) = (*block, *repeated[column..].first_chunk::<LANES>().expect("a whole vector"));
                *block = std::array::from_fn(|lane| change(values[lane], numbers[lane]));
                column += LANES;
                while column >= columns.len() {
                    column -= columns.len();
                }
            }
        },
    );
    rest.iter_mut().zip(columns_of(passed)).for_each(|(value, &number)| *value = change(*value, number));
}

/// Whether no value is infinite or NaN.
pub(crate) fn all_finite(values: &[f32]) -> bool {
    vectorised(
        #[inline(always)]
        || values.iter().fold(true, |finite, value| finite & value.is_finite()),
    )
}

/// Σ(x − y)² over two slices of equal length.
pub(crate) fn squared_distance(x: &[f32], y: &[f32]) -> f32 {
    vectorised(
        #[inline(always)]
        || {
            let mut partial = [0.0f32; LANES];
            let (x_blocks, x_rest) = x.as_chunks::<LANES>();
            let (y_blocks, y_rest) = y.as_chunks::<LANES>();
            for (x, y) in x_blocks.iter().zip(y_blocks) {
                for lane in 0..LANES {
                    partial[lane] += (x[lane] - y[lane]) * (x[lane] - y[lane]);
                }
            }
            for (lane, (&x, &y)) in x_rest.iter().zip(y_rest).enumerate() {
                partial[lane] += (x - y) * (x - y);
            }
            sum_lanes(partial)
        },
    )
}

/// Every vector width that this machine has, for tests that compare them.
#[cfg(test)]
pub(crate) fn machines() -> Vec<Arch> {
    let mut machines = vec![Arch::Scalar, Arch::new()];
    #[cfg(target_arch = "x86_64")]
    machines.extend(pulp::x86::V3::try_new().map(Arch::V3));
    machines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four columns of rows that hold their own places, as scalars.
    struct FourColumns;

    impl WithSimd for FourColumns {
        type Output = (usize, Vec<f32>);

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let columns = four_columns(simd, |row| std::array::from_fn(|column| (row * 4 + column) as f32));
            (S::F32_LANES, bytemuck::cast_slice(&columns).to_vec())
        }
    }

    #[test]
    fn every_value_is_changed_by_the_number_of_its_column() {
        for (rows, columns) in [(1, 1), (5, 1), (3, 7), (9, 16), (40, 30), (2, 100)] {
            let numbers: Vec<f32> = (0..columns).map(|column| column as f32).collect();
            let mut values: Vec<f32> = (0..rows * columns).map(|at| 1000.0 * at as f32).collect();
            change_columns(&mut values, &numbers, |value, number| value + number);
            let expected = |at: usize| 1000.0 * at as f32 + (at % columns) as f32;
            assert_eq!(values, (0..rows * columns).map(expected).collect::<Vec<_>>(), "{rows} of {columns}");
        }
    }

    #[test]
    fn four_columns_are_those_of_the_rows_for_every_width() {
        for machine in machines() {
            let (lanes, columns) = machine.dispatch(FourColumns);
            let expected = (0..4).flat_map(|column| (0..lanes).map(move |row| (row * 4 + column) as f32));
            assert_eq!(columns, expected.collect::<Vec<_>>(), "{lanes} lanes");
        }
    }
}
