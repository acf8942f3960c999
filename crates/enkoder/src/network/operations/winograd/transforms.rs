//! The transforms of minimal filtering F(4×4, 3×3), over the points 0, ±1, ±2 and infinity (Lavin & Gray 2016, section 4.3): each a
//! linear function along an axis, applied along both.

use super::{INPUTS, OUTPUTS};
use crate::network::vectorised::Simd;

/// A linear function of `A` values along an axis to `B` values.
pub(super) trait Transform<const A: usize, const B: usize>: Copy {
    fn along<S: Simd>(self, simd: S, from: [S::f32s; A]) -> [S::f32s; B];
}

/// Along both axes: `from` gives the value in a row and column, `to` takes one.
#[inline(always)]
pub(super) fn transform<S: Simd, const A: usize, const B: usize>(
    simd: S,
    way: impl Transform<A, B>,
    from: impl Fn(usize, usize) -> S::f32s,
    mut to: impl FnMut(usize, usize, S::f32s),
) {
    // Loops, not closures over arrays, which are not always inlined.
    let zero = simd.splat_f32s(0.0);
    let mut rows = [[zero; A]; B];
    for x in 0..A {
        let mut column = [zero; A];
        for (y, value) in column.iter_mut().enumerate() {
            *value = from(y, x);
        }
        for (row, value) in rows.iter_mut().zip(way.along(simd, column)) {
            row[x] = value;
        }
    }
    for (y, row) in rows.into_iter().enumerate() {
        for (x, value) in way.along(simd, row).into_iter().enumerate() {
            to(y, x, value);
        }
    }
}

/// factor · x + y.
#[inline(always)]
fn times<S: Simd>(simd: S, factor: f32, x: S::f32s, y: S::f32s) -> S::f32s {
    simd.mul_add_f32s(simd.splat_f32s(factor), x, y)
}

#[inline(always)]
fn scaled<S: Simd>(simd: S, factor: f32, x: S::f32s) -> S::f32s {
    simd.mul_f32s(simd.splat_f32s(factor), x)
}

/// Bᵀ: what a tile sees.
#[derive(Clone, Copy)]
pub(super) struct Seen;

impl Transform<INPUTS, INPUTS> for Seen {
    #[inline(always)]
    fn along<S: Simd>(self, simd: S, [a, b, c, d, e, f]: [S::f32s; 6]) -> [S::f32s; 6] {
        let (even, odd) = (times(simd, -4.0, c, e), times(simd, -4.0, b, d));
        let (outer, inner) = (simd.sub_f32s(e, c), simd.sub_f32s(d, b));
        [
            times(simd, 4.0, a, times(simd, -5.0, c, e)),
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            times(simd, 2.0, inner, outer),
            times(simd, -2.0, inner, outer),
            times(simd, 4.0, b, times(simd, -5.0, d, f)),
        ]
    }
}

/// Aᵀ: from products to the outputs of a tile.
#[derive(Clone, Copy)]
pub(super) struct Made;

impl Transform<INPUTS, OUTPUTS> for Made {
    #[inline(always)]
    fn along<S: Simd>(self, simd: S, [a, b, c, d, e, f]: [S::f32s; 6]) -> [S::f32s; 4] {
        let (sum, difference) = (simd.add_f32s(b, c), simd.sub_f32s(b, c));
        let (far_sum, far_difference) = (simd.add_f32s(d, e), simd.sub_f32s(d, e));
        [
            simd.add_f32s(simd.add_f32s(a, sum), far_sum),
            times(simd, 2.0, far_difference, difference),
            times(simd, 4.0, far_sum, sum),
            simd.add_f32s(times(simd, 8.0, far_difference, difference), f),
        ]
    }
}

/// A: from errors at the outputs of a tile to those of products.
#[derive(Clone, Copy)]
pub(super) struct Missed;

impl Transform<OUTPUTS, INPUTS> for Missed {
    #[inline(always)]
    fn along<S: Simd>(self, simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 6] {
        let (even, odd) = (simd.add_f32s(a, c), simd.add_f32s(b, d));
        let (far_even, far_odd) = (times(simd, 4.0, c, a), times(simd, 4.0, d, b));
        [
            a,
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            times(simd, 2.0, far_odd, far_even),
            times(simd, -2.0, far_odd, far_even),
            d,
        ]
    }
}

/// G: weights.
#[derive(Clone, Copy)]
pub(super) struct Weights;

impl Transform<3, INPUTS> for Weights {
    #[inline(always)]
    fn along<S: Simd>(self, simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 6] {
        let (even, odd) = (scaled(simd, -1.0 / 6.0, simd.add_f32s(a, c)), scaled(simd, -1.0 / 6.0, b));
        let far_even = times(simd, 1.0 / 24.0, a, scaled(simd, 1.0 / 6.0, c));
        let far_odd = scaled(simd, 1.0 / 12.0, b);
        [
            scaled(simd, 0.25, a),
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            simd.add_f32s(far_even, far_odd),
            simd.sub_f32s(far_even, far_odd),
            c,
        ]
    }
}

/// Gᵀ: the gradient of weights.
#[derive(Clone, Copy)]
pub(super) struct WeightsBack;

impl Transform<INPUTS, 3> for WeightsBack {
    #[inline(always)]
    fn along<S: Simd>(self, simd: S, [a, b, c, d, e, f]: [S::f32s; 6]) -> [S::f32s; 3] {
        let (sum, far_sum) = (scaled(simd, -1.0 / 6.0, simd.add_f32s(b, c)), simd.add_f32s(d, e));
        [
            times(simd, 0.25, a, times(simd, 1.0 / 24.0, far_sum, sum)),
            times(simd, 1.0 / 6.0, simd.sub_f32s(c, b), scaled(simd, 1.0 / 12.0, simd.sub_f32s(d, e))),
            times(simd, 1.0 / 6.0, far_sum, simd.add_f32s(sum, f)),
        ]
    }
}
