//! Numbers that could be read in two ways.

use ::csv::ByteRecord;

use super::dialect::Dialect;

impl Dialect {
    /// Says where a comma stands before three digits in every number of a column, and nowhere else, so that fractions or thousands could stand
    /// there.
    pub(super) fn tell_ambiguous(&self, records: &[ByteRecord]) {
        let rows = records.get(1..).unwrap_or_default();
        let numbers = |column: usize| {
            let cells = rows.iter().filter_map(move |row| row.get(column)).map(<[u8]>::trim_ascii);
            cells.filter(|cell| self.number(cell).is_some())
        };
        let columns = || 0..records.first().map_or(0, ByteRecord::len);
        let with_commas = || columns().flat_map(numbers).filter(|cell| cell.contains(&b','));
        let is_ambiguous = |column: usize| numbers(column).count() > 1 && numbers(column).all(could_be_either);
        let Some(cell) = with_commas().next() else { return };
        if with_commas().all(could_be_either) && columns().any(is_ambiguous) {
            let shown = String::from_utf8_lossy(cell);
            let number = self.number(cell).unwrap_or(f32::NAN);
            tracing::warn!(
                "numbers such as {shown:?} are read as {number}; `TextOptions::decimal` or `TextOptions::thousands` says it otherwise"
            );
        }
    }
}

/// Whether a number is one to three digits, a comma and three digits.
fn could_be_either(cell: &[u8]) -> bool {
    let digits = cell.strip_prefix(b"-").unwrap_or(cell);
    let Some(at) = digits.iter().position(|&byte| byte == b',') else { return false };
    let (whole, fraction) = (&digits[..at], &digits[at + 1..]);
    (1..=3).contains(&whole.len())
        && fraction.len() == 3
        && whole[0] != b'0'
        && whole.iter().chain(fraction).all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_before_three_digits_is_ambiguous() {
        assert!(["1,234", "-71,256", "100,000"].iter().all(|cell| could_be_either(cell.as_bytes())));
        assert!(
            !["1,23", "0,234", "1,234,567", "1234", "1,234.5", "1234,567", ",234", "a,bcd"]
                .iter()
                .any(|cell| could_be_either(cell.as_bytes()))
        );
    }
}
