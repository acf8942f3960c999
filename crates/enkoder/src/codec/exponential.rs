//! Exponentials in integers: powers of two by bits of the exponent, each factor an integer square root of the one before. No
//! floating point and no library is involved, so every machine gets the same bits.

use std::sync::OnceLock;

/// Fraction bits of the results.
pub(crate) const ONE_BITS: u32 = 30;
const TABLE_BITS: u32 = 10;

/// ⌊√n⌋.
fn square_root(n: u128) -> u128 {
    let (mut root, mut bit) = (0u128, 1u128 << ((127 - n.leading_zeros().min(127)) & !1));
    let mut rest = n;
    while bit != 0 {
        if rest >= root + bit {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
        bit >>= 2;
    }
    root
}

/// 2^(−i/1024) for i in 0..1024, with 62 fraction bits.
fn table() -> &'static [u64; 1 << TABLE_BITS] {
    static TABLE: OnceLock<[u64; 1 << TABLE_BITS]> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut factors = [0u64; TABLE_BITS as usize];
        let mut power = 1u128 << 61;
        for factor in &mut factors {
            power = square_root(power << 62);
            *factor = power as u64;
        }
        std::array::from_fn(|index| {
            let mut product = 1u128 << 62;
            for (bit, &factor) in factors.iter().enumerate() {
                if index >> (TABLE_BITS as usize - 1 - bit) & 1 == 1 {
                    product = (product * u128::from(factor)) >> 62;
                }
            }
            product as u64
        })
    })
}

/// 2^(−x) with 30 fraction bits, for x ≥ 0 with 20 fraction bits.
pub(crate) fn exp2_negative(x: u64) -> u64 {
    let whole = x >> 20;
    if whole >= 62 {
        return 0;
    }
    let head = table()[(x >> (20 - TABLE_BITS)) as usize & ((1 << TABLE_BITS) - 1)];
    // The rest of the exponent is below 1/1024: 2^(−d) = 1 − d·ln 2 up to (d·ln 2)²/2 < 2.3e-7, which the square takes away.
    let d = x & ((1 << (20 - TABLE_BITS)) - 1);
    let linear = (d * 744_261_118) >> 20;
    let square = (linear * linear) >> (ONE_BITS + 1);
    let rest = (1u64 << ONE_BITS) - linear + square;
    let product = (u128::from(head) * u128::from(rest)) >> 62;
    ((product >> whole) as u64).min(1 << ONE_BITS)
}

/// e^(−x) with 30 fraction bits, for x ≥ 0 with 20 fraction bits (below 2⁴⁰).
pub(crate) fn exp_negative(x: u64) -> u64 {
    // log₂ e with 30 fraction bits.
    exp2_negative(((u128::from(x) * 1_549_082_005) >> 30) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_right_to_six_digits() {
        for step in 0..20_000u64 {
            let x = step * 1013;
            let exact = (-(x as f64) / f64::from(1 << 20)).exp();
            let found = exp_negative(x) as f64 / f64::from(1 << ONE_BITS);
            assert!((exact - found).abs() < 1e-6, "e^-{x}: {found}, not {exact}");
        }
    }

    #[test]
    fn square_roots_are_exact() {
        for n in [0u128, 1, 2, 3, 4, 15, 16, 17, 1 << 60, (1 << 62) - 1, 1 << 123] {
            let root = square_root(n);
            assert!(root * root <= n && (root + 1) * (root + 1) > n, "{n}");
        }
    }
}
