//! Numbers that stand for a missing value without saying so, as -999 and 1e20 do.

use super::{CellKind, Table};

/// Columns that are named, at most.
const NAMED: usize = 5;

/// Values that are looked at, about.
const MOST_VALUES: usize = 1 << 24;

/// The least values of a column, or the greatest of it with another sign.
#[derive(Clone, Copy)]
struct End {
    /// The least, and how often it stands there.
    value: f32,
    times: u64,
    /// The least of the others.
    next: f32,
}

impl End {
    const NONE: Self = Self { value: f32::INFINITY, times: 0, next: f32::INFINITY };

    #[inline]
    fn add(&mut self, value: f32) {
        if value < self.next {
            if value < self.value {
                *self = Self { value, times: 1, next: self.value };
            } else if value == self.value {
                self.times += 1;
            } else {
                self.next = value;
            }
        }
    }
}

/// Says which columns hold one of the usual numbers of that kind more than once, farther from all other values than these are from each other.
pub(crate) fn warn_of_placeholders(table: &Table) {
    let is_asked =
        |at: &usize| matches!(table.columns[*at].kind, CellKind::Numbers) && table.columns[*at].left_out.is_none();
    let columns: Vec<usize> =
        (0..table.columns.len()).filter(is_asked).filter(|&at| !table.rows.is_bytes(at)).collect();
    let mut ends = vec![[End::NONE; 2]; columns.len()];
    let step = table.len() * columns.len() / MOST_VALUES + 1;
    for at in (0..table.len()).step_by(step) {
        for (&column, [least, greatest]) in columns.iter().zip(&mut ends) {
            let value = table.rows.get(at, column);
            if value.is_finite() {
                least.add(value);
                greatest.add(-value);
            }
        }
    }
    let mut found = Vec::new();
    for (&column, [least, greatest]) in columns.iter().zip(&ends) {
        for (end, other, sign) in [(least, greatest, 1.0), (greatest, least, -1.0)] {
            let value = sign * end.value;
            // What stands at the other end may be such a number, too.
            let most = if is_placeholder(-sign * other.value) { other.next } else { other.value };
            let range = -most - end.next;
            if end.times > 1 && is_placeholder(value) && range > 0.0 && end.next - end.value > range {
                found.push(format!("{value} in {:?}", table.columns[column].name));
            }
        }
    }
    if found.is_empty() {
        return;
    }
    let more = found.len().saturating_sub(NAMED);
    found.truncate(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    tracing::warn!(
        "a number that repeats and is far from all others may stand for a missing value: {}{more}; it is read as a number, and \
         `TextOptions::missing_words` makes it a missing value",
        found.join(", ")
    );
}

/// Whether a number is usual for a missing value: nines, a high power of ten, the fill value of NetCDF, or the limit of an integer type.
fn is_placeholder(value: f32) -> bool {
    const OTHERS: [f32; 4] = [9.969_21e36, -32768.0, -2_147_483_648.0, 2_147_483_648.0];
    let text = value.abs().to_string();
    let digits = || text.bytes().filter(|&byte| byte != b'.');
    let nines = digits().count() >= 3 && digits().all(|digit| digit == b'9');
    let power = value.abs() >= 1e10 && (value.abs().log10().round() - value.abs().log10()).abs() < 1e-6;
    nines || power || OTHERS.iter().any(|other| (value - other).abs() <= 1e-5 * other.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_numbers_are_known() {
        for value in [-999.0, -9999.0, 9999.0, 999.9, -99999.0, 1e20, -1e30, 9.969_21e36, -32768.0] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in [0.0, 9.0, 99.0, 998.0, 1000.0, 32767.0, 3e20, f32::MAX] {
            assert!(!is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn ends_are_counted() {
        let mut end = End::NONE;
        [3.0, -9.0, 2.0, -9.0, 7.0].into_iter().for_each(|value| end.add(value));
        assert_eq!((end.value, end.times, end.next), (-9.0, 2, 2.0));
    }
}
