//! Cells of the text formats: numbers, and the words that stand for a missing value.

/// The longest line or record accepted, in bytes (16 MiB).
pub(crate) const MAX_LINE: usize = 1 << 24;

/// Whether a cell, without the blanks around it, stands for a missing value.
pub(crate) fn is_missing(cell: &[u8]) -> bool {
    matches!(cell, b"" | b"NA" | b"N/A" | b"n/a" | b"NaN" | b"nan" | b"null" | b"NULL" | b"None" | b"?" | b"-")
}

/// The number that a cell holds, or none where it is not a number. `inf` and numbers beyond f32 are infinite. Blanks around the
/// number must have been taken off.
#[inline]
pub(crate) fn parse_number(cell: &[u8]) -> Option<f32> {
    // Most cells of most tables are short whole numbers, and f32 holds those of up to seven digits exactly.
    if (1..=7).contains(&cell.len()) && cell.iter().all(u8::is_ascii_digit) {
        return Some(cell.iter().fold(0u32, |number, digit| number * 10 + u32::from(digit - b'0')) as f32);
    }
    parse_any(cell)
}

/// The same, where the fraction may also stand behind a comma: `1,5`.
pub(crate) fn parse_number_with_comma(cell: &[u8]) -> Option<f32> {
    let number = parse_number(cell);
    if number.is_some() || cell.len() > 64 {
        return number;
    }
    let comma = cell.iter().position(|&byte| byte == b',')?;
    if cell.contains(&b'.') {
        return None;
    }
    let mut cell = cell.to_vec();
    cell[comma] = b'.';
    parse_number(&cell)
}

fn parse_any(cell: &[u8]) -> Option<f32> {
    let text = std::str::from_utf8(cell).ok()?;
    if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return text.parse().ok();
    }
    let (sign, word) = match text.strip_prefix('-') {
        Some(word) => (-1.0, word),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let infinite = ["inf", "infinity"].iter().any(|known| word.eq_ignore_ascii_case(known));
    infinite.then_some(sign * f32::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_told_from_words() {
        let numbers = ["0", "007", "255", "-1", "+2.5", ".5", "5.", "1e-3", "1E5", "12345678901"];
        for (text, value) in numbers.iter().zip([0.0, 7.0, 255.0, -1.0, 2.5, 0.5, 5.0, 1e-3, 1e5, 12345678901.0]) {
            assert_eq!(parse_number(text.as_bytes()), Some(value), "{text}");
        }
        for word in
            ["", "-", "+", ".", "e5", "1.2.3", "1,5", "0x10", "1_000", "nan", "infinite", "--inf", "\u{663}", "1 2"]
        {
            assert_eq!(parse_number(word.as_bytes()), None, "{word}");
        }
        assert_eq!(parse_number(b"\xff"), None);
        assert_eq!(parse_number(b"-Infinity"), Some(f32::NEG_INFINITY));
        assert_eq!(parse_number(b"1e39"), Some(f32::INFINITY));
    }

    #[test]
    fn a_comma_may_stand_before_the_fraction_where_that_is_asked_for() {
        assert_eq!(parse_number_with_comma(b"-1,25"), Some(-1.25));
        assert_eq!(parse_number_with_comma(b"1.25"), Some(1.25));
        assert_eq!(parse_number_with_comma(b"1.234,5"), None);
        assert_eq!(parse_number_with_comma(b"1,2,3"), None);
    }

    proptest! {
        #[test]
        fn every_finite_number_is_read_as_it_was_written(value in prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO) {
            prop_assert_eq!(parse_number(value.to_string().as_bytes()), Some(value));
            prop_assert_eq!(parse_number(format!("{value:e}").as_bytes()), Some(value));
        }
    }
}
