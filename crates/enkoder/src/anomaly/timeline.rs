//! The clock of a series: whether each row follows the one before it directly, comes after a gap, or runs backwards.

use serde::{Deserialize, Serialize};

use super::error::AnomalyError;

/// After more than so many usual steps a row does not follow the one before it.
const GAP: f64 = 1.5;
/// A step shorter than this part of the usual one is irregular.
const EARLY: f64 = 0.5;
/// How many gaps are remembered one by one.
const GAPS_SHOWN: usize = 5;

/// The columns that say when a row was measured, and in which series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeriesColumns {
    /// The column of times.
    pub time: Option<String>,
    /// The usual time between two rows, in seconds (or the unit that the column's numbers have).
    pub step: Option<f64>,
    /// The column whose value tells several series apart.
    pub group: Option<String>,
}

impl SeriesColumns {
    /// Whether the step, where there is one, is a time that can pass.
    pub(super) fn is_sound(&self) -> bool {
        self.step.is_none_or(|step| step > 0.0 && step.is_finite())
    }
}

/// Follows the times of one series.
///
/// ```
/// use enkoder::anomaly::Timeline;
///
/// let times = [0.0, 10.0, 20.0, 60.0, 70.0];
/// let mut timeline = Timeline::new(Timeline::usual_step(&times));
/// let mut row = 0..;
/// let begins = times.map(|time| timeline.next(row.next().unwrap(), Some(time)).unwrap());
/// assert_eq!(begins, [true, false, false, true, false]);
/// assert_eq!((timeline.irregularities().gaps, timeline.irregularities().missing_rows), (1, 3));
/// ```
#[derive(Clone, Debug)]
pub struct Timeline {
    step: Option<f64>,
    last: Option<f64>,
    begun: bool,
    irregularities: Irregularities,
}

/// What is not as regular as a clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Irregularities {
    /// Places where a row comes more than one and a half usual steps after the one before.
    pub gaps: usize,
    /// About how many rows would fit into them.
    pub missing_rows: usize,
    /// Rows less than half a usual step after the one before.
    pub early_rows: usize,
    /// Rows with the same time as the one before.
    pub repeated_times: usize,
    /// Rows without a time, which are taken to be one usual step after the one before.
    pub rows_without_time: usize,
    /// The first gaps: the row behind each (from 0), and how long it is.
    pub first_gaps: Vec<(usize, f64)>,
}

impl Irregularities {
    /// Whether there is anything to report.
    pub fn is_empty(&self) -> bool {
        self.gaps + self.early_rows + self.repeated_times + self.rows_without_time == 0
    }

    /// These and those of another series.
    pub fn and(mut self, other: Self) -> Self {
        self.gaps += other.gaps;
        self.missing_rows = self.missing_rows.saturating_add(other.missing_rows);
        self.early_rows += other.early_rows;
        self.repeated_times += other.repeated_times;
        self.rows_without_time += other.rows_without_time;
        self.first_gaps.extend(other.first_gaps);
        self.first_gaps.truncate(GAPS_SHOWN);
        self
    }
}

impl Timeline {
    /// A clock with this usual step; without one nothing is a gap.
    pub fn new(step: Option<f64>) -> Self {
        Self { step, last: None, begun: false, irregularities: Irregularities::default() }
    }

    /// The median of the steps forward; none where there is none.
    pub fn usual_step(times: &[f64]) -> Option<f64> {
        let steps = times.windows(2).map(|pair| pair[1] - pair[0]);
        let mut steps: Vec<f64> = steps.filter(|&step| step > 0.0 && step.is_finite()).collect();
        steps.sort_by(f64::total_cmp);
        steps.get(steps.len() / 2).copied()
    }

    /// Takes the time of the next row, whose number (from 0) is for messages, and says whether a new stretch of the series begins with it: it is the first, or comes
    /// after a gap.
    ///
    /// # Errors
    /// When the time is before that of the row before.
    pub fn next(&mut self, row: usize, time: Option<f64>) -> Result<bool, AnomalyError> {
        let first = !std::mem::replace(&mut self.begun, true);
        let found = &mut self.irregularities;
        let Some(time) = time else {
            found.rows_without_time += 1;
            self.last = self.last.map(|last| last + self.step.unwrap_or(0.0));
            return Ok(first);
        };
        let Some(before) = self.last.replace(time) else { return Ok(first) };
        let passed = time - before;
        if passed < 0.0 {
            return Err(AnomalyError::Backwards { row, time, before });
        }
        let step = self.step.unwrap_or(f64::INFINITY);
        let gap = passed > GAP * step;
        if gap {
            found.gaps += 1;
            let missing = ((passed / step).round() as usize).saturating_sub(1);
            found.missing_rows = found.missing_rows.saturating_add(missing);
            if found.first_gaps.len() < GAPS_SHOWN {
                found.first_gaps.push((row, passed));
            }
        }
        found.repeated_times += usize::from(passed == 0.0);
        found.early_rows += usize::from(self.step.is_some() && passed > 0.0 && passed < EARLY * step);
        Ok(gap)
    }

    /// What was not regular so far.
    pub fn irregularities(&self) -> &Irregularities {
        &self.irregularities
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_irregular_is_counted_and_a_clock_that_runs_backwards_is_refused() {
        let mut timeline = Timeline::new(Some(10.0));
        let times = [Some(0.0), Some(10.0), None, Some(31.0), Some(31.0), Some(33.0), Some(43.0), Some(200.0)];
        let begins: Vec<bool> =
            times.into_iter().enumerate().map(|(row, time)| timeline.next(row, time).unwrap()).collect();
        assert_eq!(begins, [true, false, false, false, false, false, false, true]);
        let expected = Irregularities {
            gaps: 1,
            missing_rows: 15,
            early_rows: 1,
            repeated_times: 1,
            rows_without_time: 1,
            first_gaps: vec![(7, 157.0)],
        };
        assert_eq!(*timeline.irregularities(), expected);
        let message = timeline.next(8, Some(190.0)).unwrap_err().to_string();
        assert!(message.contains("190") && message.contains("200"), "{message}");
    }

    #[test]
    fn the_usual_step_is_the_median_of_those_forward() {
        assert_eq!(Timeline::usual_step(&[0.0, 5.0, 10.0, 15.0, 900.0, 900.0, 905.0]), Some(5.0));
        assert_eq!(Timeline::usual_step(&[3.0, 3.0]), None);
    }
}
