//! The clock of a series: whether each row follows the one before it directly, comes after a gap, or runs backwards.

use serde::{Deserialize, Serialize};

use super::error::AnomalyError;

/// After more than so many usual steps a row does not follow the one before it.
const GAP: f64 = 1.5;
/// A step shorter than this part of the usual one is irregular.
const EARLY: f64 = 0.5;
/// How many gaps are remembered one by one.
const GAPS_SHOWN: usize = 5;
/// So many rows that follow each other in the past show that the clock was set back.
const SET_BACK: usize = 3;

/// The columns that say when a row was measured, and in which series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeriesColumns {
    /// The column of times.
    pub time: Option<String>,
    /// The usual time between two rows, in seconds (or the unit that the column's numbers have).
    pub step: Option<f64>,
    /// The column whose value tells several series apart.
    pub group: Option<String>,
    /// What numbers in the column of times count; none where they are taken as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<TimeUnit>,
    /// The seconds between two moments where rows at any times were brought to regular ones, see [`Resampler`](super::Resampler).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<f64>,
}

/// What a time counts that is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Seconds, of any beginning.
    Second,
    /// Thousandths of a second.
    Millisecond,
    /// Millionths of a second.
    Microsecond,
    /// Billionths of a second.
    Nanosecond,
    /// Days, of any beginning, as spreadsheets count them.
    Day,
    /// Nothing: the digits are a date, `YYYYMMDD`, with or without `HH`, `HHMM` or `HHMMSS` behind it.
    Date,
}

impl TimeUnit {
    /// [`Date`](Self::Date) where the digits of a number are one between 1800 and 2199; or else the unit in which the number, seen as a time since
    /// 1970, lies between 1990 and 2100; seconds where there is none. The ranges are apart from each other, but that some seconds of the
    /// years from 2027 on are dates with an hour, too.
    ///
    /// ```
    /// use enkoder::anomaly::TimeUnit;
    ///
    /// assert_eq!(TimeUnit::of_size(1_711_839_600.0), TimeUnit::Second);
    /// assert_eq!(TimeUnit::of_size(1_711_839_600_000.0), TimeUnit::Millisecond);
    /// assert_eq!(TimeUnit::of_size(1.711_839_6e18), TimeUnit::Nanosecond);
    /// assert_eq!(TimeUnit::of_size(20_180_131.0), TimeUnit::Date);
    /// assert_eq!(TimeUnit::of_size(20_181_331.0), TimeUnit::Second);
    /// assert_eq!(TimeUnit::of_size(17.5), TimeUnit::Second);
    /// ```
    pub fn of_size(number: f64) -> Self {
        let is_date = Self::Date.seconds(number).is_finite();
        if is_date { Self::Date } else { Self::of_epoch(number).unwrap_or(Self::Second) }
    }

    /// The same; none where the number is a time between 1990 and 2100 in no unit.
    pub fn of_epoch(number: f64) -> Option<Self> {
        const YEARS: std::ops::Range<f64> = 631_152_000.0..4_102_444_800.0;
        let units = [Self::Second, Self::Millisecond, Self::Microsecond, Self::Nanosecond];
        units.into_iter().find(|unit| YEARS.contains(&unit.seconds(number)))
    }

    /// A number of this unit in seconds; NaN where it is no [`Date`](Self::Date).
    pub fn seconds(self, number: f64) -> f64 {
        match self {
            Self::Second => number,
            Self::Millisecond => number / 1e3,
            Self::Microsecond => number / 1e6,
            Self::Nanosecond => number / 1e9,
            Self::Day => number * 86_400.0,
            Self::Date => seconds_of_date(number).unwrap_or(f64::NAN),
        }
    }
}

/// The seconds since 1970 of a date that is written as one number, as `20180131` or `201801312359`.
fn seconds_of_date(number: f64) -> Option<f64> {
    if !(1.8e7..2.2e13).contains(&number) || number.fract() != 0.0 {
        return None;
    }
    let mut rest = number as i64;
    // The places behind the day, in pairs.
    let pairs = [(1.8e7, 0), (1.8e9, 1), (1.8e11, 2), (1.8e13, 3)];
    let (_, pairs) = pairs.into_iter().find(|&(least, _)| (least..least * 1.223).contains(&number))?;
    let mut time = [0; 3];
    for part in time[..pairs].iter_mut().rev() {
        (*part, rest) = (rest % 100, rest / 100);
    }
    let [hour, minute, second] = time;
    let (day, month, year) = (rest % 100, rest / 100 % 100, rest / 10_000);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1800..2200).contains(&year) || !(1..=days_of_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Years begin in March here, so that the day that leap years have more is their last one (Hinnant, chrono-compatible low-level date algorithms).
    let (shifted, year) = ((month + 9) % 12, if month < 3 { year - 1 } else { year });
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * shifted + 2) / 5 + day - 1 - 719_468;
    Some((days * 86_400 + hour * 3600 + minute * 60 + second) as f64)
}

impl SeriesColumns {
    /// Whether the steps, where there are any, are times that can pass.
    pub(super) fn is_sound(&self) -> bool {
        [self.step, self.every].into_iter().flatten().all(|step| step > 0.0 && step.is_finite())
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Timeline {
    step: Option<f64>,
    last: Option<f64>,
    begun: bool,
    /// The time before the last row, where that came after a gap and nothing has followed it yet.
    leapt_from: Option<f64>,
    /// The last of the rows refused one after the other since they lie in the past, and how many there are.
    refused: Option<(f64, usize)>,
    irregularities: Irregularities,
}

/// How a row stands to the rows before it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Passage {
    /// It follows the row before it directly.
    Follows,
    /// A new stretch of the series begins with it: it is the first, or comes after a gap.
    Begins,
    /// It goes on from where the clock stood before the last row, whose time was therefore wrong and lies in the future.
    Returns {
        /// The wrong time.
        wrong: f64,
        /// Whether there is a gap between it and the rows before that one.
        begins: bool,
    },
    /// It is older than the row before it and is not taken: the clock stays where it is.
    Backwards {
        /// The time of the row before it.
        before: f64,
    },
    /// It is the third row in a row that is older than those before, and these three follow each other: the clock was set back, and a
    /// new stretch begins.
    SetBack {
        /// The time from which the clock was set back.
        before: f64,
    },
}

/// What is not as regular as a clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
        let irregularities = Irregularities::default();
        Self { step, last: None, begun: false, leapt_from: None, refused: None, irregularities }
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
        let before = self.last;
        match self.pass(row, time) {
            Passage::Follows => Ok(false),
            Passage::Begins => Ok(true),
            Passage::Returns { .. } | Passage::Backwards { .. } | Passage::SetBack { .. } => {
                let (time, before) = (time.unwrap_or(f64::NAN), before.unwrap_or(f64::NAN));
                Err(AnomalyError::Backwards { row, time, before })
            }
        }
    }

    /// The same for rows that come as a stream, which goes on whatever one row's time is: a single time in the future or in the past is
    /// told, and a clock that is set back is followed.
    ///
    /// ```
    /// use enkoder::anomaly::{Passage, Timeline};
    ///
    /// let mut timeline = Timeline::new(Some(1.0));
    /// let passages = [0.0, 1.0, 900.0, 2.0, 1.0, 3.0].map(|time| timeline.pass(0, Some(time)));
    /// assert_eq!(passages[2..4], [Passage::Begins, Passage::Returns { wrong: 900.0, begins: false }]);
    /// assert_eq!(passages[4..], [Passage::Backwards { before: 2.0 }, Passage::Follows]);
    /// ```
    pub fn pass(&mut self, row: usize, time: Option<f64>) -> Passage {
        let first = !std::mem::replace(&mut self.begun, true);
        let Some(time) = time else {
            self.irregularities.rows_without_time += 1;
            self.last = self.last.map(|last| last + self.step.unwrap_or(0.0));
            return if first { Passage::Begins } else { Passage::Follows };
        };
        let Some(before) = self.last else {
            self.last = Some(time);
            return if first { Passage::Begins } else { Passage::Follows };
        };
        if time < before {
            return self.go_back(row, time, before);
        }
        self.refused = None;
        self.last = Some(time);
        if self.go_on(row, time - before) {
            self.leapt_from = Some(before);
            return Passage::Begins;
        }
        self.leapt_from = None;
        Passage::Follows
    }

    /// A row that is older than the one before it.
    fn go_back(&mut self, row: usize, time: f64, before: f64) -> Passage {
        if let Some(leapt_from) = self.leapt_from.take_if(|leapt_from| *leapt_from <= time) {
            self.last = Some(time);
            self.forget_gap(before - leapt_from);
            let begins = self.go_on(row, time - leapt_from);
            self.leapt_from = begins.then_some(leapt_from);
            return Passage::Returns { wrong: before, begins };
        }
        let step = self.step.unwrap_or(f64::INFINITY);
        let follow = self.refused.filter(|&(last, _)| time >= last && time - last <= GAP * step);
        let refused = follow.map_or(1, |(_, count)| count + 1);
        if refused < SET_BACK {
            self.refused = Some((time, refused));
            return Passage::Backwards { before };
        }
        (self.refused, self.leapt_from, self.last) = (None, None, Some(time));
        Passage::SetBack { before }
    }

    /// Counts what is irregular about a row so long after the one before it; whether it comes after a gap.
    fn go_on(&mut self, row: usize, passed: f64) -> bool {
        let found = &mut self.irregularities;
        let step = self.step.unwrap_or(f64::INFINITY);
        let gap = passed > GAP * step;
        if gap {
            found.gaps += 1;
            found.missing_rows = found.missing_rows.saturating_add(missing_rows(passed, step));
            if found.first_gaps.len() < GAPS_SHOWN {
                found.first_gaps.push((row, passed));
            }
        }
        found.repeated_times += usize::from(passed == 0.0);
        found.early_rows += usize::from(self.step.is_some() && passed > 0.0 && passed < EARLY * step);
        gap
    }

    /// Takes back the last gap, which a wrong time made.
    fn forget_gap(&mut self, passed: f64) {
        let found = &mut self.irregularities;
        found.gaps -= 1;
        let missing = missing_rows(passed, self.step.unwrap_or(f64::INFINITY));
        found.missing_rows = found.missing_rows.saturating_sub(missing);
        found.first_gaps.pop_if(|&mut (_, seconds)| seconds == passed);
    }

    /// What was not regular so far.
    pub fn irregularities(&self) -> &Irregularities {
        &self.irregularities
    }
}

/// About how many rows would fit into a gap.
fn missing_rows(passed: f64, step: f64) -> usize {
    ((passed / step).round() as usize).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_dates() {
        let seconds = |number: f64| TimeUnit::Date.seconds(number);
        assert_eq!(seconds(19_700_101.0), 0.0);
        assert_eq!(seconds(20_000_229.0), 951_782_400.0);
        assert_eq!(seconds(18_000_101.0), -5_364_662_400.0);
        assert_eq!(seconds(2_018_010_107.0), seconds(20_180_101.0) + 7.0 * 3600.0);
        assert_eq!(seconds(201_801_010_730.0), seconds(2_018_010_107.0) + 1800.0);
        assert_eq!(seconds(20_180_101_073_059.0), seconds(201_801_010_730.0) + 59.0);
        for none in [
            20_190_229.0,
            20_180_100.0,
            20_181_301.0,
            2_018_010_124.0,
            20_180_101.5,
            17_991_231.0,
            22_000_101.0,
            2018.0,
            -20_180_101.0,
            f64::NAN,
        ] {
            assert!(seconds(none).is_nan(), "{none}");
        }
        assert_eq!(TimeUnit::Day.seconds(45_292.5) - TimeUnit::Day.seconds(45_292.0), 43_200.0);
    }

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

    #[test]
    fn one_wrong_time_moves_no_clock_and_a_clock_that_is_set_back_is_followed() {
        let mut timeline = Timeline::new(Some(10.0));
        let mut pass = |time: f64| timeline.pass(7, Some(time));
        assert_eq!([0.0, 10.0, 20.0].map(&mut pass), [Passage::Begins, Passage::Follows, Passage::Follows]);
        // The future, and back; then the past, and on.
        assert_eq!(pass(9e9), Passage::Begins);
        assert_eq!(pass(30.0), Passage::Returns { wrong: 9e9, begins: false });
        assert_eq!(pass(5.0), Passage::Backwards { before: 30.0 });
        assert_eq!(pass(40.0), Passage::Follows);
        // A gap that rows follow stays one.
        assert_eq!([900.0, 910.0].map(&mut pass), [Passage::Begins, Passage::Follows]);
        assert_eq!(pass(905.0), Passage::Backwards { before: 910.0 });
        // Set back: two rows are lost, the third begins anew.
        assert_eq!([100.0, 110.0].map(&mut pass), [Passage::Backwards { before: 910.0 }; 2]);
        assert_eq!([120.0, 130.0].map(&mut pass), [Passage::SetBack { before: 910.0 }, Passage::Follows]);
        assert_eq!((timeline.irregularities().gaps, timeline.irregularities().missing_rows), (1, 85));
    }

    #[test]
    fn a_wrong_time_within_a_gap_hides_no_gap() {
        let mut timeline = Timeline::new(Some(1.0));
        let passages = [0.0, 1.0, 9e9, 50.0, 51.0].map(|time| timeline.pass(0, Some(time)));
        assert_eq!(passages[3], Passage::Returns { wrong: 9e9, begins: true });
        assert_eq!((timeline.irregularities().gaps, timeline.irregularities().missing_rows), (1, 48));
    }
}
