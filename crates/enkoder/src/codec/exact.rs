//! Exact products of integers: rows of up to 31 bits with weights of up to 16. They are computed in f64, which holds every sum of a
//! few hundred products exactly; beyond that sums are collected in i64. Being exact, they depend on no order of addition, vector
//! width or thread count.

use crate::network::vectorised::{Simd, WithSimd, with_vectors};

/// Outputs of a panel.
const PANEL: usize = 16;
/// Rows that share a pass over a panel.
const ROWS: usize = 4;
/// Products that are summed in f64: with inputs within 2³⁰ and weights within 2¹⁵ their sum stays within 2⁵³.
const DEPTH: usize = 256;

/// A matrix of weights, `inputs × outputs`, cut into panels of 16 outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Weights {
    inputs: usize,
    outputs: usize,
    /// Panel after panel, in each a row for every input; beyond the last output 0.
    panels: Vec<[i16; PANEL]>,
}

impl Weights {
    /// From `inputs × outputs` numbers.
    pub(crate) fn new(inputs: usize, outputs: usize, weights: &[i16]) -> Self {
        let mut panels = vec![[0; PANEL]; inputs * outputs.div_ceil(PANEL)];
        for (input, weights) in weights.chunks_exact(outputs.max(1)).enumerate() {
            for (panel, weights) in weights.chunks(PANEL).enumerate() {
                panels[panel * inputs + input][..weights.len()].copy_from_slice(weights);
            }
        }
        Self { inputs, outputs, panels }
    }

    /// The weights of an input, output after output, a few at a time.
    pub(crate) fn of_input(&self, input: usize) -> impl Iterator<Item = &[i16]> {
        let starts = (0..self.outputs).step_by(PANEL).enumerate();
        starts.map(move |(panel, start)| &self.panels[panel * self.inputs + input][..PANEL.min(self.outputs - start)])
    }

    /// The weights, input after input, a few at a time.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[i16]> {
        (0..self.inputs).flat_map(|input| self.of_input(input))
    }

    /// Hands on sums of `x` times the weights: `x` has `rows` of `width` numbers within ±2³⁰, the first so many inputs; the others
    /// are 0. `take` is told the row, the first of a few outputs, and their sums; it runs in vectors where it is inlined.
    pub(crate) fn product(&self, x: &[i32], rows: usize, width: usize, take: impl FnMut(usize, usize, &[i64])) {
        let x = x[..rows * width].iter().map(|&x| f64::from(x)).collect();
        with_vectors(Product { weights: self, x, rows, width, take });
    }
}

struct Product<'a, F> {
    weights: &'a Weights,
    x: Vec<f64>,
    rows: usize,
    width: usize,
    take: F,
}

impl<F: FnMut(usize, usize, &[i64])> WithSimd for Product<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (rows, width) = (self.rows, self.width);
        let Weights { inputs, outputs, ref panels } = *self.weights;
        let mut weights = vec![[0.0; PANEL]; width];
        for (panel, start) in (0..outputs).step_by(PANEL).enumerate() {
            let integers = &panels[panel * inputs..][..width];
            weights.iter_mut().zip(integers).for_each(|(to, integers)| *to = integers.map(f64::from));
            let length = PANEL.min(outputs - start);
            for first in (0..rows).step_by(ROWS) {
                let x: [_; ROWS] = std::array::from_fn(|at| &self.x[(first + at).min(rows - 1) * width..][..width]);
                let mut sums = [[0i64; PANEL]; ROWS];
                for depth in (0..width).step_by(DEPTH) {
                    let depth = depth..width.min(depth + DEPTH);
                    let part = products(simd, x.map(|x| &x[depth.clone()]), &weights[depth]);
                    for (sums, part) in sums.iter_mut().zip(part) {
                        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part as i64);
                    }
                }
                for (at, sums) in sums[..ROWS.min(rows - first)].iter().enumerate() {
                    (self.take)(first + at, start, &sums[..length]);
                }
            }
        }
    }
}

/// Sums of a few rows times at most [`DEPTH`] weights of a panel.
#[inline(always)]
fn products<S: Simd>(simd: S, x: [&[f64]; ROWS], weights: &[[f64; PANEL]]) -> [[f64; PANEL]; ROWS] {
    const VECTORS: usize = 2;
    let lanes = VECTORS * S::F64_LANES;
    let mut result = [[0.0; PANEL]; ROWS];
    for start in (0..PANEL).step_by(lanes) {
        let mut sums = [[simd.splat_f64s(0.0); VECTORS]; ROWS];
        for (k, weights) in weights.iter().enumerate() {
            let weights = S::as_simd_f64s(&weights[start..start + lanes]).0;
            for (sums, x) in sums.iter_mut().zip(x) {
                let x = simd.splat_f64s(x[k]);
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum = simd.mul_add_e_f64s(x, weight, *sum);
                }
            }
        }
        for (to, sums) in result.iter_mut().zip(sums) {
            S::as_mut_simd_f64s(&mut to[start..start + lanes]).0.copy_from_slice(&sums);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_are_those_of_plain_arithmetic(
            (inputs, outputs, width, bits, rows) in (1usize..600, 1usize..70, 0usize..600, any::<bool>(), 0usize..7),
            seed: u64,
        ) {
            let width = width.min(inputs);
            let mut state = seed;
            let mut next = |magnitude: i64| {
                state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
                // Often the extremes, where sums could overflow.
                match state >> 60 {
                    0..4 => magnitude,
                    4..8 => -magnitude,
                    8..11 => 0,
                    _ => (state >> 20) as i64 % (2 * magnitude + 1) - magnitude,
                }
            };
            let limit = if bits { 127 } else { 32_767 };
            let weights: Vec<i16> = (0..inputs * outputs).map(|_| next(limit) as i16).collect();
            let x: Vec<i32> = (0..rows * width).map(|_| next(1 << 30) as i32).collect();
            let exact = Weights::new(inputs, outputs, &weights);
            for input in 0..inputs {
                prop_assert_eq!(exact.of_input(input).flatten().copied().collect::<Vec<_>>(), &weights[input * outputs..(input + 1) * outputs]);
            }
            let mut found = vec![1; rows * outputs];
            exact.product(&x, rows, width, |row, start, sums| {
                found[row * outputs + start..][..sums.len()].copy_from_slice(sums);
            });
            for (row, found) in found.chunks_exact(outputs).enumerate() {
                for (output, &found) in found.iter().enumerate() {
                    let sum: i64 = (0..width)
                        .map(|input| i64::from(x[row * width + input]) * i64::from(weights[input * outputs + output]))
                        .sum();
                    prop_assert_eq!(found, sum);
                }
            }
        }
    }
}
