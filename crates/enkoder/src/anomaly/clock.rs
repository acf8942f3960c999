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
/// A counter may begin again so many times. What falls more often may be a cycle, whose later values are no others.
const MOST_RESETS: usize = 3;
/// A fall is a new beginning where it ends at most this part of what was counted above where it began.
const RESET: f64 = 0.1;

/// Which columns of these rows, as they follow each other, grow as steadily as a clock and never fall, but for a few new beginnings: most
/// twentieths of the rows add between half and twice the usual one. Gaps, missing values and 32-bit numbers too coarse for every step do
/// not hide a clock.
pub(super) fn clocks(data: &Dataset, columns: &[ColumnFeatures]) -> Vec<usize> {
    let grows = |feature: usize| {
        let mut growth = Growth::default();
        let goes_on = (0..data.len()).all(|row| growth.see(value(data, row, feature)));
        goes_on && growth.is_clock() == Some(true)
    };
    let numeric = columns.iter().enumerate().filter(|(_, column)| column.categories.is_none());
    numeric.filter(|(_, column)| grows(column.first)).map(|(number, _)| number).collect()
}

/// Whether what grows adds about as much in most parts, by the values at their ends.
fn grows_evenly(at: impl Fn(usize) -> f64) -> bool {
    let growth: Vec<f64> = (0..PARTS).map(|part| at(part + 1) - at(part)).collect();
    let mut sorted = growth.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted[PARTS / 2];
    let even = growth.iter().filter(|&&growth| growth >= 0.5 * usual && growth <= 2.0 * usual);
    usual > 0.0 && even.count() >= EVEN
}

/// A column seen row by row: every so-many-th value, as if it had never begun again, while it only grows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Growth {
    /// Rows that have a value.
    rows: usize,
    falls: bool,
    resets: usize,
    /// Rows from one mark to the next are 2 to the power of this.
    step: u32,
    marks: Vec<f64>,
    last: f64,
    /// Where it began, the last time, and what it had counted before.
    begin: f64,
    before: f64,
}

impl Growth {
    /// Gives whether it may still be a clock.
    pub(super) fn see(&mut self, value: f32) -> bool {
        if value.is_nan() {
            return !self.falls;
        }
        let value = f64::from(value);
        if self.rows == 0 {
            self.begin = value;
        } else if value < self.last {
            self.resets += 1;
            self.falls |= self.resets > MOST_RESETS || value > self.begin + RESET * (self.last - self.begin);
            self.before += self.last - value;
            self.begin = value;
        }
        self.falls |= value.is_infinite();
        self.last = value;
        if !self.falls && self.rows.is_multiple_of(1 << self.step) {
            self.marks.push(self.before + value);
            if self.marks.len() == MOST_MARKS {
                let mut even = [true, false].into_iter().cycle();
                self.marks.retain(|_| even.next() == Some(true));
                self.step += 1;
            }
        }
        self.rows += 1;
        !self.falls
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
        let rows = Array2::from_shape_fn((400, 9), |(row, column)| {
            let wave = (row as f32 * 0.7).sin();
            match column {
                // 60 seconds a row, which 32-bit numbers tell no better than to 128.
                0 => (1_704_067_200.0 + 60.0 * row as f64) as f32,
                // The number of the row, with a gap.
                1 => (row + if row > 250 { 4000 } else { 0 }) as f32,
                2 => wave + 0.1 * row as f32,
                3 => 5.0,
                4 => f32::from(u8::from(row > 300)),
                // A number with missing cells, and one that begins again twice.
                5 => {
                    if row % 7 == 3 {
                        f32::NAN
                    } else {
                        row as f32
                    }
                }
                6 => (if row < 150 { 7000 + row } else { (row - 150) % 130 }) as f32,
                // A minute of an hour, and what falls by half.
                7 => (row % 60) as f32,
                _ => (if row < 200 { row } else { row - 100 }) as f32,
            }
        });
        for column in 0..9 {
            let mut growth = Growth::default();
            rows.column(column).iter().for_each(|&value| _ = growth.see(value));
            assert_eq!(growth.is_clock(), Some([0, 1, 5, 6].contains(&column)), "column {column}");
        }
        let data = Dataset::from_f32("rows", rows).unwrap();
        assert_eq!(clocks(&data, &super::super::preparation::columns_of(None, 9)), [0, 1, 5, 6]);
    }
}
