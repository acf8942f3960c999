//! Columns of numbers that tell when a row was or where it stands, and nothing of what it holds.

use enkoder::WhyLeftOut;
use enkoder::anomaly::TimeUnit;

/// The fewest rows that show a column to be one.
const FEWEST_ROWS: u64 = 8;

/// Columns that may be such, while the rows pass.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    rows: u64,
    clocks: Vec<Clock>,
    counts: Vec<Count>,
}

impl Clocks {
    /// Sees the next row. `names` are the names of the columns of numbers, none of other columns.
    pub(super) fn see<'a>(&mut self, row: &[f32], names: impl Iterator<Item = Option<&'a str>>) {
        if self.rows == 0 {
            for (column, name) in names.enumerate() {
                let Some(name) = name else { continue };
                self.clocks.push(Clock::new(column));
                self.counts.extend(Count::begin(column, name, row[column]));
            }
        } else {
            self.counts.retain(|count| count.goes_on(self.rows, row[count.column]));
        }
        self.clocks.retain_mut(|clock| clock.goes_on(row[clock.column]));
        self.rows += 1;
    }

    /// The columns that are such, and what they are.
    pub(super) fn found(&self) -> impl Iterator<Item = (usize, WhyLeftOut)> {
        let clocks = self.clocks.iter().filter(|clock| !clock.last.is_nan());
        let clocks = clocks.map(|clock| (clock.column, WhyLeftOut::Clock));
        let counts = self.counts.iter().map(|count| (count.column, WhyLeftOut::RowNumber));
        clocks.chain(counts).filter(|_| self.rows >= FEWEST_ROWS)
    }
}

/// Numbers that may be seconds, or parts of them, since 1970: of the years 1990 to 2100, and from row to row not smaller. Of steps that
/// float32 is too coarse for, all may be alike.
#[derive(Debug)]
struct Clock {
    column: usize,
    /// NaN before the first value.
    last: f32,
    until: f32,
}

impl Clock {
    fn new(column: usize) -> Self {
        Self { column, last: f32::NAN, until: f32::INFINITY }
    }

    /// Whether it still may be one.
    fn goes_on(&mut self, value: f32) -> bool {
        if value.is_nan() {
            return true;
        }
        let goes_on = if self.last.is_nan() {
            self.until = value * 4.0;
            TimeUnit::of_epoch(f64::from(value)).is_some()
        } else {
            value >= self.last && value < self.until
        };
        self.last = value;
        goes_on
    }
}

/// Whole numbers that grow by one from row to row in a first column without a name, as R and pandas write them, or in one that pandas has
/// read from there.
#[derive(Debug)]
struct Count {
    column: usize,
    first: f64,
}

impl Count {
    fn begin(column: usize, name: &str, value: f32) -> Option<Self> {
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let unnamed = (column == 0 && name == "column1") || name.strip_prefix("Unnamed: ").is_some_and(is_number);
        (unnamed && value >= 0.0 && value.fract() == 0.0).then(|| Self { column, first: value.into() })
    }

    /// Whether it still counts in a row that so many others stand before.
    fn goes_on(&self, before: u64, value: f32) -> bool {
        value == (self.first + before as f64) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, values: impl Iterator<Item = f32>) -> Vec<(usize, WhyLeftOut)> {
        let mut clocks = Clocks::default();
        values.for_each(|value| clocks.see(&[value, 0.5], [Some(name), Some("a")].into_iter()));
        clocks.found().collect()
    }

    #[test]
    fn a_column_without_a_name_that_counts_the_rows_is_no_reading() {
        let count = |from: u32| (from..from + 9).map(|value| value as f32);
        let row_number = [(0, WhyLeftOut::RowNumber)];
        assert_eq!(found("column1", count(1)), row_number);
        assert_eq!(found("Unnamed: 0", count(700)), row_number);
        // Beyond 2^24 an f32 has no longer every whole number.
        assert_eq!(found("column1", count((1 << 24) - 3)), row_number);
        assert!(found("dose", count(1)).is_empty());
        assert!(found("column2", count(1)).is_empty());
        assert!(found("column1", count(1).map(|value| value * 2.0)).is_empty());
        assert!(found("column1", count(1).chain([f32::NAN])).is_empty());
        assert!(found("column1", count(1).take(7)).is_empty());
    }
    #[test]
    fn a_clock_may_miss_its_first_value_and_be_finer_than_float32() {
        let clock = [(0, WhyLeftOut::Clock)];
        let tenths = (0..50).map(|row| (1_700_000_000.0 + 0.1 * f64::from(row)) as f32);
        assert_eq!(found("ts", tenths.clone()), clock);
        assert_eq!(found("ts", [f32::NAN].into_iter().chain(tenths)), clock);
        assert!(found("ts", (0..50).map(|row| row as f32)).is_empty());
        assert!(found("ts", [f32::NAN; 50].into_iter()).is_empty());
    }
}
