//! Columns that only grow, as the time of a row, its number or a meter does. What comes later is always beyond what was learned, so
//! such a column would make every later row odd.

use super::preparation::{ColumnFeatures, value};
use crate::dataset::Dataset;

/// Fewer rows than this do not show that a column only grows.
const FEWEST_ROWS: usize = 20;
/// Parts of the rows that are compared, and how many of them must grow by about as much as the usual one.
const PARTS: usize = 20;
const EVEN: usize = 17;
/// Values kept of a column that is seen row by row.
const MOST_MARKS: usize = 256;

/// Which columns of these rows, as they follow each other, never fall and grow as steadily as a clock: most twentieths of the rows
/// add between half and twice the usual one. Gaps and 32-bit numbers too coarse for every step do not hide a clock.
pub(super) fn clocks(data: &Dataset, columns: &[ColumnFeatures]) -> Vec<usize> {
    let numeric = columns.iter().enumerate().filter(|(_, column)| column.categories.is_none());
    numeric.filter(|(_, column)| is_clock(data, column.first)).map(|(number, _)| number).collect()
}

fn is_clock(data: &Dataset, feature: usize) -> bool {
    let rows = data.len();
    if rows < FEWEST_ROWS {
        return false;
    }
    let mut before = f32::NEG_INFINITY;
    for row in 0..rows {
        let now = value(data, row, feature);
        // Also where it is missing.
        if !(now >= before && now.is_finite()) {
            return false;
        }
        before = now;
    }
    grows_evenly(|part| value(data, part * (rows - 1) / PARTS, feature))
}

/// Whether what grows adds about as much in most parts, by the values at their ends.
fn grows_evenly(at: impl Fn(usize) -> f32) -> bool {
    let growth: Vec<f64> = (0..PARTS).map(|part| f64::from(at(part + 1)) - f64::from(at(part))).collect();
    let mut sorted = growth.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted[PARTS / 2];
    let even = growth.iter().filter(|&&growth| growth >= 0.5 * usual && growth <= 2.0 * usual);
    usual > 0.0 && even.count() >= EVEN
}

/// A column seen row by row: every so-many-th value, while it never falls.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Growth {
    rows: usize,
    falls: bool,
    /// Rows from one mark to the next are 2 to the power of this.
    step: u32,
    marks: Vec<f32>,
    last: f32,
}

impl Growth {
    pub(super) fn see(&mut self, value: f32) {
        let grows = value.is_finite() && (self.rows == 0 || value >= self.last);
        self.falls |= !grows;
        self.last = value;
        if !self.falls && self.rows.is_multiple_of(1 << self.step) {
            self.marks.push(value);
            if self.marks.len() == MOST_MARKS {
                let mut even = [true, false].into_iter().cycle();
                self.marks.retain(|_| even.next() == Some(true));
                self.step += 1;
            }
        }
        self.rows += 1;
    }

    /// Whether it grows as steadily as a clock; none where too few rows tell.
    pub(super) fn is_clock(&self) -> Option<bool> {
        let last = self.marks.len().saturating_sub(1);
        let even = || grows_evenly(|part| self.marks[part * last / PARTS]);
        (self.rows >= FEWEST_ROWS).then(|| !self.falls && even())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn what_only_grows_is_a_clock_and_what_drifts_is_none() {
        let rows = Array2::from_shape_fn((400, 5), |(row, column)| {
            let wave = (row as f32 * 0.7).sin();
            match column {
                // 60 seconds a row, which 32-bit numbers tell no better than to 128.
                0 => (1_704_067_200.0 + 60.0 * row as f64) as f32,
                // The number of the row, with a gap.
                1 => (row + if row > 250 { 4000 } else { 0 }) as f32,
                2 => wave + 0.1 * row as f32,
                3 => 5.0,
                _ => f32::from(u8::from(row > 300)),
            }
        });
        for column in 0..5 {
            let mut growth = Growth::default();
            rows.column(column).iter().for_each(|&value| growth.see(value));
            assert_eq!(growth.is_clock(), Some(column < 2), "column {column}");
        }
        let data = Dataset::from_f32("rows", rows).unwrap();
        assert_eq!(clocks(&data, &super::super::preparation::columns_of(None, 5)), [0, 1]);
    }
}
