//! Elementary functions in plain arithmetic, so that loops over them vectorise and give the same bits on every machine: the
//! standard library's call the platform's, which differ from one to the next. Accurate to a few units in the last place of the
//! quantity that matters to a network (stated at each).

/// eˣ with a relative error below 3·10⁻⁷; clamped to the range where neither the result nor its reciprocal overflows.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2; eʳ by its Taylor series to r⁷ and 2ⁿ written into the exponent.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding 1.5·2²³ rounds to the nearest integer, which then stands in the low bits; taking it away leaves its value.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first with so few digits that n times it is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x));
    let series = polynomial(r, [1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0]);
    f32::from_bits(shifted.to_bits().wrapping_add(127) << 23) * series
}

/// c₀ + c₁·x + … + c₇·x⁷ by Horner's rule, each step a fused multiply-add: exact everywhere, so the same bits everywhere.
#[inline(always)]
fn polynomial(x: f32, c: [f32; 8]) -> f32 {
    let mut sum = c[7];
    for index in (0..7).rev() {
        sum = sum.mul_add(x, c[index]);
    }
    sum
}

/// 1 / (1 + e⁻ˣ), with an absolute error below 2·10⁻⁷.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// tanh x, with an absolute error below 3·10⁻⁷.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

/// Φ(x), the part of a normal distribution below x, with an absolute error below 3·10⁻⁷.
///
/// 1 − Φ(|x|) = ½·(a₁t + … + a₅t⁵)·e^(−x²/2) with t = 1 / (1 + p·|x|/√2) (Abramowitz & Stegun 1964, 7.1.26).
#[inline(always)]
pub(crate) fn normal_below(x: f32) -> f32 {
    // p/√2.
    let t = 1.0 / (0.231_641_89f32.mul_add(x.abs(), 1.0));
    let series = polynomial(t, [0.0, 0.254_829_6, -0.284_496_74, 1.421_413_7, -1.453_152, 1.061_405_4, 0.0, 0.0]);
    let beyond = 0.5 * series * exp(-0.5 * x * x);
    if x > 0.0 { 1.0 - beyond } else { beyond }
}

/// ln(1 + eˣ), with an absolute error below 10⁻⁶.
///
/// max(x, 0) + ln(1 + p) with p = e^−|x|, and ln(1 + p) = 2 artanh(p / (2 + p)) by its series.
#[inline(always)]
pub(crate) fn softplus(x: f32) -> f32 {
    let p = exp(-x.abs());
    let s = p / (2.0 + p);
    let t = s * s;
    let series = polynomial(t, [1.0, 1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0, 1.0 / 11.0, 1.0 / 13.0, 1.0 / 15.0]);
    x.max(0.0) + 2.0 * s * series
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> impl Iterator<Item = f32> {
        (-86_000..=86_000).map(|i| i as f32 / 1000.0)
    }

    #[test]
    fn exp_is_within_3e_7_of_the_exact_value() {
        for x in grid() {
            let exact = f64::from(x).exp();
            assert!(((f64::from(exp(x)) - exact) / exact).abs() < 3e-7, "x = {x}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(1000.0).is_finite() && exp(-1000.0) > 0.0);
    }

    #[test]
    fn the_part_below_of_a_normal_distribution_is_that_of_tables() {
        // Φ(x) to nine digits.
        let known =
            [(0.0, 0.5), (0.5, 0.691_462_461), (1.0, 0.841_344_746), (1.96, 0.975_002_105), (3.0, 0.998_650_102)];
        for (x, exact) in known {
            assert!((f64::from(normal_below(x)) - exact).abs() < 3e-7, "x = {x}");
            assert!((f64::from(normal_below(-x)) - (1.0 - exact)).abs() < 3e-7, "x = −{x}");
        }
        assert!(normal_below(-40.0) < 1e-30 && normal_below(40.0) == 1.0);
    }

    #[test]
    fn sigmoid_and_tanh_are_within_their_stated_errors() {
        for x in grid() {
            let exact = f64::from(x);
            assert!((f64::from(sigmoid(x)) - 1.0 / (1.0 + (-exact).exp())).abs() < 2e-7, "x = {x}");
            assert!((f64::from(tanh(x)) - exact.tanh()).abs() < 3e-7, "x = {x}");
        }
    }

    #[test]
    fn softplus_is_within_1e_6_of_the_exact_value() {
        for x in grid().filter(|x| x.abs() < 15.0) {
            assert!((f64::from(softplus(x)) - f64::from(x).exp().ln_1p()).abs() < 1.5e-6, "x = {x}");
        }
    }
}
