//! Values on a scale on which steps of one size are parts of one size: about the logarithm, of both signs, with 0 in the middle. It
//! is computed by IEEE additions, multiplications and square roots alone, so that every machine gets the same bits.

use super::super::element::{Element, ElementType};

/// What is added to the exponent of the smallest value of a type, so that all of one sign lie on one side of 0.
fn offset(element: ElementType) -> f64 {
    match element {
        ElementType::F16 => 26.0,
        ElementType::F32 => 151.0,
        _ => 1076.0,
    }
}

/// A step on the scale for errors of at most this part of a value; none where the type or the scale itself is too coarse.
pub(crate) fn step(part: f64, element: ElementType) -> Option<f64> {
    let rounding = f64::exp2(-f64::from(element.digits()?));
    // The scale rises by 4/3 and more for each e-fold of a value, and least of all at powers of two.
    let step = 2.0 * (4.0 / 3.0) * (part - rounding) * (1.0 - 0.5 * part);
    // Positions have 52 bits, up to 11 of them before the point.
    (step > f64::exp2(-36.0)).then_some(step)
}

/// Where a value lies on the scale: 0 for 0.
#[inline(always)]
pub(crate) fn position<T: Element>(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    (logarithm(value.abs()) + offset(T::TYPE)).copysign(value)
}

/// The value at a place on the scale.
#[inline(always)]
pub(crate) fn value<T: Element>(position: f64) -> T {
    // The smallest values lie 2 from 0.
    if position.abs() < 1.0 || position.is_nan() {
        return T::from_f64(0.0);
    }
    T::from_f64(power(position.abs() - offset(T::TYPE)).copysign(position))
}

/// Whether a value is off by at most this part of itself; 0, and what is not finite, by not one bit.
#[inline(always)]
pub(crate) fn is_within<T: Element>(value: T, decoded: T, part: f64) -> bool {
    if value.to_bits() == decoded.to_bits() {
        return true;
    }
    let (value, decoded) = (value.to_f64(), decoded.to_f64());
    value != 0.0 && value.is_finite() && decoded.is_finite() && (value - decoded).abs() <= part * value.abs()
}

const FRACTION_BITS: u32 = 52;
const BIAS: i64 = 1023;

/// The exponent of a positive number, and between powers of two x(4 − x)/3 for the fraction x: at most 0.01 from log₂, and as steep
/// on both sides of a power of two.
#[inline(always)]
fn logarithm(value: f64) -> f64 {
    // Numbers without a leading one get it.
    let (value, below) = if value < f64::MIN_POSITIVE { (value * POWER_OF_54, 54) } else { (value, 0) };
    let bits = value.to_bits();
    let exponent = (bits >> FRACTION_BITS) as i64 - BIAS - below;
    let fraction = f64::from_bits(bits & ((1 << FRACTION_BITS) - 1) | (BIAS as u64) << FRACTION_BITS) - 1.0;
    exponent as f64 + fraction * (4.0 - fraction) / 3.0
}

/// 2⁵⁴.
const POWER_OF_54: f64 = (1u64 << 54) as f64;

/// The number of a [`logarithm`]; infinite, or 0, where there is none.
#[inline(always)]
fn power(logarithm: f64) -> f64 {
    let logarithm = logarithm.clamp(-1100.0, 1100.0);
    let exponent = logarithm.floor();
    let number = 3.0 - (4.0 - 3.0 * (logarithm - exponent)).sqrt();
    let power_of = |exponent: i64| f64::from_bits(((exponent + BIAS).clamp(0, 2 * BIAS + 1) as u64) << FRACTION_BITS);
    let exponent = exponent as i64;
    if exponent < 1 - BIAS {
        number * power_of(exponent + 54 + 54) / POWER_OF_54 / POWER_OF_54
    } else {
        number * power_of(exponent)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_position_gives_its_value_back(bits: u32, wide: u64) {
            let narrow = f32::from_bits(bits);
            if narrow.is_finite() && narrow != 0.0 {
                prop_assert_eq!(value::<f32>(position::<f32>(f64::from(narrow))), narrow);
            }
            let wide = f64::from_bits(wide);
            if wide.is_finite() && wide.abs() >= f64::MIN_POSITIVE {
                let back = value::<f64>(position::<f64>(wide));
                prop_assert!((back - wide).abs() <= 1e-11 * wide.abs(), "{back:e} for {wide:e}");
            }
        }

        #[test]
        fn half_a_step_is_within_the_part(number in -1e30f64..1e30, part in 1e-9f64..0.9, shift in -1.0f64..1.0) {
            let step = step(part, ElementType::F64).unwrap();
            let moved: f64 = value::<f64>(position::<f64>(number) + 0.5 * shift * step);
            // Only coarse steps bend much: a writer looks whether the next step is nearer.
            prop_assert!((moved - number).abs() <= part * number.abs() * (1.0 + part), "{moved} for {number}");
        }

        #[test]
        fn positions_are_in_the_order_of_values(a: f64, b: f64) {
            if a < b {
                prop_assert!(position::<f64>(a) <= position::<f64>(b));
            }
        }
    }

    #[test]
    fn the_ends_of_the_types_have_positions() {
        for value in [f64::MIN_POSITIVE, 1.7e308, 5e-324, 1e-310] {
            let back: f64 = super::value(position::<f64>(value));
            assert!((back - value).abs() <= 1e-11 * value, "{back:e} for {value:e}");
        }
        assert_eq!(value::<f32>(position::<f32>(0.0)), 0.0);
        assert_eq!(step(1e-9, ElementType::F32), None);
        assert_eq!(step(1e-13, ElementType::F64), None);
    }
}
