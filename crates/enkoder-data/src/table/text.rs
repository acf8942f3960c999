//! Cells of the text formats: numbers, and the words that stand for a missing value.

use std::sync::atomic::{AtomicBool, Ordering};

use super::decimal::{WORD, parse_decimal};

/// The longest line or record accepted, in bytes (16 MiB).
pub(crate) const MAX_LINE: usize = 1 << 24;

/// Whether a cell, without the blanks around it, is one of the usual words for a missing value: those of pandas, of loggers and of
/// spreadsheets.
pub(crate) fn is_missing(cell: &[u8]) -> bool {
    const WORDS: [&[u8]; 34] = [
        b"",
        b"?",
        b"-",
        b"--",
        b".",
        b"NA",
        b"N/A",
        b"n/a",
        b"na",
        b"<NA>",
        b"#N/A",
        b"#N/A N/A",
        b"#NA",
        b"NaN",
        b"nan",
        b"NAN",
        b"-NaN",
        b"-nan",
        b"1.#IND",
        b"-1.#IND",
        b"1.#QNAN",
        b"-1.#QNAN",
        b"null",
        b"NULL",
        b"Null",
        b"None",
        b"none",
        b"#VALUE!",
        b"#DIV/0!",
        b"#REF!",
        b"#NUM!",
        b"#NAME?",
        b"#NULL!",
        b"#N/A!",
    ];
    WORDS.contains(&cell)
}

/// The words that stand for a missing value beside the usual ones, and which of them were met.
#[derive(Debug, Default)]
pub(crate) struct MissingWords(Vec<MissingWord>);

#[derive(Debug)]
struct MissingWord {
    word: Vec<u8>,
    /// The number that it is; -999 is also -999.0.
    number: Option<f32>,
    is_met: AtomicBool,
}

impl MissingWords {
    pub fn new(options: &TextOptions, notation: Notation) -> Self {
        let new = |word: &String| {
            let word = word.trim().as_bytes().to_vec();
            MissingWord { number: notation.parse(&word), word, is_met: AtomicBool::new(false) }
        };
        Self(options.missing_words.iter().map(new).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a cell is one of them, or the same number.
    pub fn has(&self, cell: &[u8], number: Option<f32>) -> bool {
        let mut has = false;
        for word in &self.0 {
            if word.word == cell || number.is_some() && word.number == number {
                has = true;
                if !word.is_met.load(Ordering::Relaxed) {
                    word.is_met.store(true, Ordering::Relaxed);
                }
            }
        }
        has
    }

    /// Says which of them were never met, once all cells were read.
    pub fn tell_unmet(&self) {
        let unmet = self.0.iter().filter(|word| !word.is_met.load(Ordering::Relaxed));
        let unmet: Vec<String> = unmet.map(|word| format!("{:?}", String::from_utf8_lossy(&word.word))).collect();
        if !unmet.is_empty() {
            tracing::warn!(
                "no cell holds {}, which `TextOptions::missing_words` counts as missing",
                unmet.join(" or ")
            );
        }
    }
}

/// How the text of a table is read where that is not found out, or is found out wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextOptions {
    /// Words that stand for a missing value, beside the usual ones. One that is a number stands for all cells with that number.
    pub missing_words: Vec<String>,
    /// What lines begin with that are no rows. Lines before the first row that begin with `#` are none in any case.
    pub comment: Option<u8>,
    /// Lines before the table.
    pub skip_lines: usize,
    /// What stands before the fraction of a number; a point or a comma.
    pub decimal: Option<u8>,
    /// What stands between the thousands of a number.
    pub thousands: Option<u8>,
    /// What becomes of words in a column of numbers.
    pub bad_cells: BadCells,
    /// Whether a row with fewer cells than there are columns is an error; otherwise its last cells are missing.
    pub strict: bool,
}

/// What becomes of cells that are no numbers, where more than 95 % of their column are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadCells {
    /// They are an error that names some of them.
    #[default]
    Error,
    /// They count as missing values.
    Missing,
    /// The whole column is one of words.
    Words,
}

/// How numbers are written in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notation {
    pub decimal: u8,
    pub thousands: Option<u8>,
}

impl Notation {
    pub const PLAIN: Self = Self { decimal: b'.', thousands: None };

    /// The number that a cell holds; a percentage is the number before its sign. Blanks around the cell must have been taken off.
    #[inline]
    pub fn parse(self, cell: &[u8]) -> Option<f32> {
        if self.thousands != Some(b'.')
            && let Some(number) = parse_number(cell)
        {
            return Some(number);
        }
        if cell.len() > 64 || !cell.iter().any(u8::is_ascii_digit) {
            return None;
        }
        self.parse_written(cell)
    }

    fn parse_written(self, cell: &[u8]) -> Option<f32> {
        let cell = cell.strip_suffix(b"%").map_or(cell, <[u8]>::trim_ascii_end);
        let end = cell.iter().position(|&byte| byte == self.decimal).unwrap_or(cell.len());
        let (whole, fraction) = cell.split_at(end);
        let mut text = match self.thousands {
            Some(separator) if whole.contains(&separator) => {
                let digits = whole.strip_prefix(b"-").or_else(|| whole.strip_prefix(b"+")).unwrap_or(whole);
                let mut groups = digits.split(|&byte| byte == separator);
                let first = groups.next().is_some_and(|group| is_group(group, 1));
                if !first || !groups.all(|group| is_group(group, 3)) {
                    return None;
                }
                whole.iter().copied().filter(|&byte| byte != separator).collect()
            }
            _ => whole.to_vec(),
        };
        if let Some(digits) = fraction.get(1..) {
            text.push(b'.');
            text.extend_from_slice(digits);
        }
        // What is left of another sign makes no number.
        parse_number(&text)
    }

    /// How numbers seem to be written, by cells of the first rows. Fractions behind a comma are usual between semicolons.
    pub fn of<'a>(cells: impl Iterator<Item = &'a [u8]> + Clone, separator: u8) -> Self {
        const CANDIDATES: [Notation; 3] = [
            Notation { decimal: b',', thousands: None },
            Notation { decimal: b'.', thousands: Some(b',') },
            Notation { decimal: b',', thousands: Some(b'.') },
        ];
        let written = cells.filter(|cell| cell.contains(&b',') && cell.iter().any(u8::is_ascii_digit));
        let fits = |notation: Notation| {
            let (mut fits, mut all) = (0usize, 0usize);
            for cell in written.clone() {
                all += 1;
                fits += usize::from(notation.parse(cell).is_some());
            }
            (fits, all)
        };
        let usual = if separator == b';' { CANDIDATES[0] } else { CANDIDATES[1] };
        let (fitting, all) = fits(usual);
        if all == 0 {
            return if separator == b';' { usual } else { Self::PLAIN };
        }
        let best = CANDIDATES.into_iter().map(|notation| (notation, fits(notation).0)).fold(
            (usual, fitting),
            // Of those that fit as many cells, the usual one.
            |best, other| if other.1 > best.1 { other } else { best },
        );
        best.0
    }
}

/// Whether a group of digits between two thousands separators can be that: one to three digits, or just as many.
fn is_group(group: &[u8], least: usize) -> bool {
    (least..=3).contains(&group.len()) && group.iter().all(u8::is_ascii_digit)
}

/// The number that a cell holds, or none where it is not a number. `inf` and numbers beyond f32 are infinite. Blanks around the
/// number must have been taken off.
#[inline]
pub(crate) fn parse_number(cell: &[u8]) -> Option<f32> {
    // Most cells of most tables are short whole numbers, and f32 holds those of up to seven digits exactly.
    if (1..=7).contains(&cell.len()) && cell.iter().all(u8::is_ascii_digit) {
        return Some(cell.iter().fold(0u32, |number, digit| number * 10 + u32::from(digit - b'0')) as f32);
    }
    let mut word = [0; WORD];
    if cell.len() <= WORD {
        word[..cell.len()].copy_from_slice(cell);
    }
    parse_decimal(u128::from_le_bytes(word), cell.len()).or_else(|| parse_any(cell))
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

    /// The middle of two numbers, and decimals to either side of it that f64 cannot tell from it or just can.
    #[test]
    fn decimals_close_to_the_middle_of_two_numbers_are_rounded_once() {
        for value in (0..20_000u32).map(|step| f32::from_bits(0x3f00_0000 + step * 2311)) {
            let middle = (f64::from(value) + f64::from(value.next_up())) / 2.0;
            for text in [format!("{middle:.14}"), format!("{middle:.13}"), format!("{middle:.8}"), middle.to_string()] {
                assert_eq!(parse_number(text.as_bytes()), text.parse().ok(), "{text}");
            }
        }
    }

    #[test]
    fn numbers_are_read_in_the_notation_of_their_table() {
        let comma = Notation { decimal: b',', thousands: None };
        let english = Notation { decimal: b'.', thousands: Some(b',') };
        let german = Notation { decimal: b',', thousands: Some(b'.') };
        assert_eq!((comma.parse(b"-1,25"), comma.parse(b"1.25")), (Some(-1.25), Some(1.25)));
        assert_eq!((comma.parse(b"1.234,5"), comma.parse(b"1,2,3")), (None, None));
        assert_eq!((english.parse(b"-35,460.7"), english.parse(b"1,234,567")), (Some(-35460.7), Some(1234567.0)));
        assert_eq!((english.parse(b"1,5"), english.parse(b"12,3456")), (None, None));
        assert_eq!(
            (german.parse(b"1.234,5"), german.parse(b"1.234"), german.parse(b"1,5")),
            (Some(1234.5), Some(1234.0), Some(1.5))
        );
        assert_eq!((Notation::PLAIN.parse(b"12.5 %"), Notation::PLAIN.parse(b"%")), (Some(12.5), None));
        let of = |cells: &[&str], separator| Notation::of(cells.iter().map(|cell| cell.as_bytes()), separator);
        assert_eq!(of(&["-35,460.7", "1,234"], b','), english);
        assert_eq!(of(&["1,5", "0,25"], b','), comma);
        assert_eq!(of(&["1.234,5", "2,5"], b';'), german);
        assert_eq!(of(&["1,234", "2,5"], b';'), comma);
        assert_eq!(of(&["Rome, IT 3"], b','), english);
        assert_eq!(of(&["1.5"], b','), Notation::PLAIN);
    }

    proptest! {
        #[test]
        fn every_finite_number_is_read_as_it_was_written(value in prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO) {
            prop_assert_eq!(parse_number(value.to_string().as_bytes()), Some(value));
            prop_assert_eq!(parse_number(format!("{value:e}").as_bytes()), Some(value));
        }

        #[test]
        fn a_decimal_is_the_number_that_rust_reads(digits in "-?[0-9]{0,17}\\.?[0-9]{0,17}") {
            let found = parse_number(digits.as_bytes()).map(f32::to_bits);
            prop_assert_eq!(found, digits.parse().ok().map(f32::to_bits));
        }
    }
}
