//! Short decimals, sixteen bytes at once: where they end, and what number they are.

/// Bytes that are looked at together.
pub(crate) const WORD: usize = 16;

const fn repeated(byte: u8) -> u128 {
    u128::from_ne_bytes([byte; WORD])
}

/// How many bytes stand before the first of this kind, [`WORD`] where there is none.
#[inline]
pub(crate) fn bytes_before(word: u128, byte: u8) -> usize {
    let zeros = word ^ repeated(byte);
    // The lowest of these bits is that of the first byte that is zero (Warren, Hacker's Delight, 6-1).
    let marks = zeros.wrapping_sub(repeated(1)) & !zeros & repeated(0x80);
    marks.trailing_zeros() as usize / 8
}

/// The number that the first `length` bytes are, of up to 15 digits, at most one sign `-` and one point; none where it is of another kind
/// or its rounding is in doubt. Bytes behind them may be anything.
///
/// The digits are a whole number that f64 holds (Clinger, How to Read Floating Point Numbers Accurately, PLDI 1990). A power of ten and
/// the product are rounded once each, so that the product is less than two of its last places off. Rounding it to f32 gives the nearest
/// number, unless it lies so close to the middle of two that it may belong to its other side.
#[inline]
pub(crate) fn parse_decimal(word: u128, length: usize) -> Option<f32> {
    const TENTHS: [f64; WORD] =
        [1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15];
    let negative = word as u8 == b'-';
    let sign = usize::from(negative);
    if length <= sign || length > WORD {
        return None;
    }
    let (word, length) = (word >> (8 * sign), length - sign);
    let point = bytes_before(word, b'.');
    let has_point = point < length;
    let digits = if has_point {
        // What stands behind the point moves to its place.
        let before = (1 << (8 * point)) - 1;
        (word & before) | ((word >> 8) & !before)
    } else {
        word
    };
    let (count, places) = if has_point { (length - 1, length - 1 - point) } else { (length, 0) };
    if !(1..WORD).contains(&count) {
        return None;
    }
    // Zeros come before, so that there are sixteen digits.
    let digits = (digits << (8 * (WORD - count))) | (repeated(b'0') >> (8 * count));
    let digits = digits ^ repeated(b'0');
    if (((digits & repeated(0x7f)) + repeated(0x76)) | digits) & repeated(0x80) != 0 {
        return None;
    }
    let whole = eight_digits(digits as u64) * 100_000_000 + eight_digits((digits >> 64) as u64);
    let value = whole as f64 * TENTHS[places];
    // The bits that f32 has no place for; numbers of at least 1e-15 have all of its places.
    const LOW: u64 = (1 << 29) - 1;
    const MIDDLE: u64 = 1 << 28;
    if (value.to_bits() & LOW).abs_diff(MIDDLE) <= 2 {
        return None;
    }
    let value = value as f32;
    Some(if negative { -value } else { value })
}

/// The number of eight digits from 0 to 9, a byte each, the first in the lowest: by pairs, by fours, all.
#[inline]
fn eight_digits(digits: u64) -> u64 {
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn word(text: &[u8], fill: u8) -> u128 {
        let mut bytes = [fill; WORD];
        bytes[..text.len()].copy_from_slice(text);
        u128::from_le_bytes(bytes)
    }

    #[test]
    fn the_first_byte_of_a_kind_is_found() {
        let word = word(b"\x01\x00,\x2d,\xac\xff", b';');
        assert_eq!((bytes_before(word, b','), bytes_before(word, b';'), bytes_before(word, b'.')), (2, 7, WORD));
        assert_eq!((bytes_before(word, 0), bytes_before(word, 0xff)), (1, 6));
    }

    proptest! {
        #[test]
        fn what_stands_behind_a_number_changes_nothing(digits in "-?[0-9]{0,8}\\.?[0-9]{0,6}", fill: u8) {
            let length = digits.len();
            prop_assert_eq!(parse_decimal(word(digits.as_bytes(), fill), length), parse_decimal(word(digits.as_bytes(), 0), length));
        }

        #[test]
        fn a_byte_that_belongs_to_no_decimal_makes_it_none(digits in "[0-9]{2,16}", at in 1..16usize, byte: u8) {
            prop_assume!(!byte.is_ascii_digit() && byte != b'.');
            let mut digits = digits.into_bytes();
            let at = 1 + at % (digits.len() - 1);
            digits[at] = byte;
            prop_assert_eq!(parse_decimal(word(&digits, b'0'), digits.len()), None);
        }
    }
}
