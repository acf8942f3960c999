//! Rows at regular times, made of rows that come at any times: windows of a series mean the same everywhere only where their rows
//! are evenly apart.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::schema::Schema;

/// So many intervals without a row, one behind the other, are filled from the rows around them; more are a gap.
const FILLED: i64 = 3;

/// Brings the rows of one series to regular times: a moment is the mean of the rows in its interval, and has their last category. Up to
/// three intervals without a row are filled in proportion from those around them.
///
/// ```
/// use enkoder::anomaly::Resampler;
///
/// let mut resampler = Resampler::new(60.0, None);
/// let mut moments = Vec::new();
/// for (time, value) in [(3.0, 1.0f32), (40.0, 2.0), (61.0, 4.0), (185.0, 6.0), (9000.0, 7.0)] {
///     moments.extend(resampler.push(time, &[value]));
/// }
/// moments.extend(resampler.finish());
/// let values: Vec<(f64, f32, usize)> = moments.iter().map(|one| (one.time, one.values[0], one.rows)).collect();
/// assert_eq!(values, [(0.0, 1.5, 2), (60.0, 4.0, 1), (120.0, 5.0, 0), (180.0, 6.0, 1), (9000.0, 7.0, 1)]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resampler {
    every: f64,
    /// The features of each column of categories.
    categories: Vec<Range<usize>>,
    /// The interval that rows come in, and the sums of what they have there.
    open: Option<Interval>,
    /// The last interval with rows before it; as bits, for what is missing is NaN.
    last: Option<(i64, Vec<u32>)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Interval {
    number: i64,
    sums: Vec<f64>,
    known: Vec<u32>,
    rows: usize,
}

/// A moment at a regular time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Resampled {
    /// When its interval begins.
    pub time: f64,
    /// Its values; what no row of the interval has is NaN.
    pub values: Vec<f32>,
    /// How many rows it is made of; none where it is filled from those around it.
    pub rows: usize,
}

impl Resampler {
    /// With a moment every so many seconds, which are positive, for rows of these columns.
    pub fn new(every: f64, schema: Option<&Schema>) -> Self {
        let columns = schema.into_iter().flat_map(|schema| schema.columns.iter().zip(schema.ranges()));
        let categories = columns.filter(|(column, _)| column.categories().is_some()).map(|(_, range)| range).collect();
        Self { every, categories, open: None, last: None }
    }

    /// Whether moments every so many seconds are filled in between two rows that are `pause` seconds apart, so that no gap lies there.
    pub fn bridges(every: f64, pause: f64) -> bool {
        pause <= (FILLED + 1) as f64 * every
    }

    /// Takes the next row, which must not be older than the one before it, and gives the moments that are complete by it.
    pub fn push(&mut self, time: f64, row: &[f32]) -> Vec<Resampled> {
        let number = (time / self.every).floor() as i64;
        let complete = match &self.open {
            Some(open) if open.number != number => self.finish(),
            _ => Vec::new(),
        };
        let width = row.len();
        let empty = || Interval { number, sums: vec![0.0; width], known: vec![0; width], rows: 0 };
        self.open.get_or_insert_with(empty).add(row, &self.categories);
        complete
    }

    /// Gives the moments of the rows so far, and those filled in before them: the series is over, or what comes lies elsewhere.
    pub fn finish(&mut self) -> Vec<Resampled> {
        let Some(open) = self.open.take() else { return Vec::new() };
        let values = open.values();
        let mut moments = Vec::new();
        if let Some((last, before)) = &self.last {
            let between = open.number.saturating_sub(*last).saturating_sub(1);
            let filled = if between <= FILLED { between } else { 0 };
            for filled in 1..=filled {
                let part = filled as f32 / (between + 1) as f32;
                let before = before.iter().map(|&bits| f32::from_bits(bits));
                let mut row: Vec<f32> = before.clone().zip(&values).map(|(a, b)| a + part * (b - a)).collect();
                for range in self.categories.iter().cloned() {
                    row[range.clone()].iter_mut().zip(before.clone().skip(range.start)).for_each(|(to, a)| *to = a);
                }
                moments.push(Resampled { time: (last + filled) as f64 * self.every, values: row, rows: 0 });
            }
        }
        self.last = Some((open.number, values.iter().map(|value| value.to_bits()).collect()));
        moments.push(Resampled { time: open.number as f64 * self.every, values, rows: open.rows });
        moments
    }

    /// Forgets what came: the rows that follow are behind a gap.
    pub fn clear(&mut self) {
        (self.open, self.last) = (None, None);
    }
}

impl Interval {
    fn add(&mut self, row: &[f32], categories: &[Range<usize>]) {
        self.rows += 1;
        for range in categories.iter().filter(|range| !row[range.start].is_nan()) {
            self.sums[range.clone()].fill(0.0);
            self.known[range.clone()].fill(0);
        }
        for ((sum, known), &value) in self.sums.iter_mut().zip(&mut self.known).zip(row) {
            if !value.is_nan() {
                *sum += f64::from(value);
                *known += 1;
            }
        }
    }

    fn values(&self) -> Vec<f32> {
        let mean = |(&sum, &known): (&f64, &u32)| if known == 0 { f32::NAN } else { (sum / f64::from(known)) as f32 };
        self.sums.iter().zip(&self.known).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Column;
    use proptest::prelude::*;

    #[test]
    fn a_moment_has_the_last_category_and_knows_nothing_of_what_no_row_has() {
        let words = vec!["on".to_owned(), "off".to_owned()];
        let schema = Schema::new(vec![Column::numeric("a"), Column::categorical("state", words)]);
        let mut resampler = Resampler::new(10.0, Some(&schema));
        let none = f32::NAN;
        for (time, row) in [(0.0, [1.0, 1.0, 0.0]), (4.0, [none, 0.0, 1.0]), (9.0, [4.0, none, none])] {
            assert!(resampler.push(time, &row).is_empty());
        }
        let first = resampler.push(21.0, &[none, 1.0, 0.0]);
        assert_eq!(first, [Resampled { time: 0.0, values: vec![2.5, 0.0, 1.0], rows: 3 }]);
        let rest = resampler.finish();
        assert_eq!((rest[0].time, &rest[0].values[1..], rest[0].rows), (10.0, &[0.0, 1.0][..], 0));
        assert!(rest[0].values[0].is_nan() && rest[1].values[0].is_nan());
    }

    proptest! {
        #[test]
        fn regular_rows_stay_as_they_are(values in prop::collection::vec(-100.0f32..100.0, 1..40)) {
            let mut resampler = Resampler::new(2.0, None);
            let mut moments: Vec<Resampled> = (values.iter().enumerate())
                .flat_map(|(row, &value)| resampler.push(2.0 * row as f64, &[value]))
                .collect();
            moments.extend(resampler.finish());
            prop_assert_eq!(moments.len(), values.len());
            for (row, (moment, value)) in moments.iter().zip(values).enumerate() {
                prop_assert_eq!((moment.time, moment.values[0]), (2.0 * row as f64, value));
            }
        }
    }
}
