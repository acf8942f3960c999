//! Columns that only grow, as the time of a row, its number or a meter does. What comes later is always beyond what was learned, so
//! such a column would make every later row odd.

use super::preparation::{ColumnFeatures, value};
use crate::dataset::Dataset;

/// Fewer rows than this do not show that a column only grows.
const FEWEST_ROWS: usize = 20;
/// Parts of the rows that are compared, and how many of them must grow by about as much as the usual one.
const PARTS: usize = 20;
const EVEN: usize = 17;

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
    let at = |part: usize| f64::from(value(data, part * (rows - 1) / PARTS, feature));
    let growth: Vec<f64> = (0..PARTS).map(|part| at(part + 1) - at(part)).collect();
    let mut sorted = growth.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted[PARTS / 2];
    let even = growth.iter().filter(|&&growth| growth >= 0.5 * usual && growth <= 2.0 * usual);
    usual > 0.0 && even.count() >= EVEN
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
        let data = Dataset::from_f32("rows", rows).unwrap();
        assert_eq!(clocks(&data, &super::super::preparation::columns_of(None, 5)), [0, 1]);
    }
}
