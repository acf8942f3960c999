//! An axis of time: where its marks lie, and what they say. Times are seconds since 1970; what lies before 1980 is a clock that counts
//! from somewhere else, and is shown as numbers of a fitting unit. `templates/course.js` does the same for a part of the axis.

/// Seconds between marks that people read easily.
const STEPS: [f64; 21] = [
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    900.0,
    1800.0,
    3600.0,
    7200.0,
    10_800.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    604_800.0,
    1_209_600.0,
];
/// Months between marks further apart.
const MONTHS: [i64; 11] = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200];
const DAY: f64 = 86_400.0;
const MONTH: f64 = 365.2425 * DAY / 12.0;
/// The most marks on an axis.
const MARKS: f64 = 9.0;
/// 1980.
const DATES: f64 = 315_532_800.0;
/// Units of clocks that count from somewhere else, and from which length of an axis on they are used.
const UNITS: [(f64, &str, &str, f64); 3] =
    [(DAY, "days", "d", 3.0 * DAY), (3600.0, "hours", "h", 3.0 * 3600.0), (60.0, "minutes", "min", 300.0)];

/// The marks of an axis.
pub(super) struct Ticks {
    from: f64,
    to: f64,
    step: Step,
    pub(super) dates: bool,
    /// The length of the unit in which places are told, its name, and in short.
    unit: (f64, &'static str, &'static str),
}

enum Step {
    Even(f64),
    Months(i64),
}

impl Ticks {
    pub(super) fn of(from: f64, to: f64, is_time: bool) -> Self {
        let dates = is_time && from >= DATES && to < 1e11;
        let least = (to - from).abs() / MARKS;
        let long = |unit: &&(f64, &str, &str, f64)| is_time && !dates && to - from >= unit.3;
        let unit =
            UNITS.iter().find(long).map_or((1.0, "seconds", "s"), |&(length, name, short, _)| (length, name, short));
        let even = STEPS.into_iter().find(|&step| dates && step >= least).map(Step::Even);
        let months =
            MONTHS.into_iter().find(|&months| dates && months as f64 * MONTH >= least * 0.98).map(Step::Months);
        let step = even.or(months).unwrap_or_else(|| {
            // 1, 2 or 5 times a power of ten.
            let power = 10f64.powf((least / unit.0).log10().floor());
            let round = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power * unit.0);
            Step::Even(round.into_iter().find(|&step| step >= least).unwrap_or(least))
        });
        Self { from, to, step, dates, unit }
    }

    pub(super) fn places(&self) -> Vec<f64> {
        let place = |mark: f64| match self.step {
            Step::Even(step) => mark * step,
            Step::Months(months) => beginning(mark as i64 * months),
        };
        let length = match self.step {
            Step::Even(step) => step,
            Step::Months(months) => months as f64 * MONTH,
        };
        if !(length > 0.0 && length.is_finite() && self.from.is_finite() && self.to.is_finite()) {
            return Vec::new();
        }
        // Months are of different lengths: begin before the first.
        let first = (self.from / length).ceil() - 1.0;
        let marks = (0..3 * MARKS as usize).map(|mark| place(first + mark as f64));
        marks.filter(|place| (self.from..=self.to).contains(place)).collect()
    }

    pub(super) fn title(&self) -> String {
        if self.dates { "time (UTC)".to_owned() } else { format!("time ({})", self.unit.1) }
    }

    /// What a unit of the axis is in seconds.
    pub(super) fn unit(&self) -> f64 {
        self.unit.0
    }

    /// A place on an axis that counts in a unit other than seconds.
    pub(super) fn place(&self, seconds: f64) -> Option<String> {
        let of_unit = (!self.dates && self.unit.0 > 1.0).then(|| seconds / self.unit.0)?;
        Some(format!("{} {}", crate::number::significant(of_unit, 4), self.unit.2))
    }
}

/// What a mark says.
pub(super) fn label(place: f64, ticks: &Ticks) -> String {
    if !ticks.dates {
        let text = format!("{:.6}", place / ticks.unit.0);
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let (date, time) = date_and_time(place);
    let midnight = place.rem_euclid(DAY) == 0.0;
    match ticks.step {
        Step::Months(months) if months % 12 == 0 => date[..4].to_owned(),
        Step::Months(_) => date[..7].to_owned(),
        Step::Even(step) if step >= DAY || midnight => date,
        Step::Even(step) if step < 60.0 => time,
        Step::Even(_) => time[..5].to_owned(),
    }
}

/// When a month begins, counted from January 1970: the inverse of [`date`].
fn beginning(month: i64) -> f64 {
    let (year, month) = (1970 + month.div_euclid(12), month.rem_euclid(12) + 1);
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    days as f64 * DAY
}

/// A time in UTC in one text; none of a clock that counts from somewhere else.
pub(super) fn shown(seconds: f64) -> Option<String> {
    let (date, time) = date_and_time(seconds);
    (DATES..1e11).contains(&seconds).then(|| format!("{date} {time}"))
}

/// A time in UTC, as `2026-11-28` and `12:00:00`.
pub(super) fn date_and_time(seconds: f64) -> (String, String) {
    let days = (seconds / DAY).floor();
    let of_day = (seconds - days * DAY) as u32;
    let (year, month, day) = date(days as i64);
    let time = format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60);
    (format!("{year:04}-{month:02}-{day:02}"), time)
}

/// The date so many days after 1970-01-01, by eras of 400 years (Hinnant, "chrono-compatible low-level date algorithms", 2013).
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Years begin with March here, so that a leap day is the last.
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_utc() {
        let told = |seconds| {
            let (date, time) = date_and_time(seconds);
            format!("{date} {time}")
        };
        assert_eq!(told(0.0), "1970-01-01 00:00:00");
        assert_eq!(told(951_782_399.0), "2000-02-28 23:59:59");
        assert_eq!(told(951_782_400.0), "2000-02-29 00:00:00");
        assert_eq!(told(1_767_225_600.5), "2026-01-01 00:00:00");
        assert_eq!(told(-1.0), "1969-12-31 23:59:59");
    }

    #[test]
    fn months_begin_where_their_dates_say() {
        for month in [-1, 0, 1, 2, 361, 600, 12_000] {
            let (date, time) = date_and_time(beginning(month));
            let of_date = (date[..4].parse::<i64>().unwrap() - 1970) * 12 + date[5..7].parse::<i64>().unwrap() - 1;
            assert_eq!((of_date, &date[8..], time.as_str()), (month, "01", "00:00:00"));
        }
    }

    #[test]
    fn marks_are_few_and_lie_at_round_times() {
        let marks = |from: f64, to: f64, is_time| {
            let ticks = Ticks::of(from, to, is_time);
            ticks.places().into_iter().map(|place| label(place, &ticks)).collect::<Vec<_>>()
        };
        let day = marks(1_767_225_600.0, 1_767_225_600.0 + 2.0 * 86_400.0, true);
        assert_eq!(
            day,
            ["2026-01-01", "06:00", "12:00", "18:00", "2026-01-02", "06:00", "12:00", "18:00", "2026-01-03"]
        );
        assert_eq!(marks(0.0, 3000.0, false), ["0", "500", "1000", "1500", "2000", "2500", "3000"]);
        let half_a_year = marks(1_404_172_800.0, 1_422_747_000.0, true);
        assert_eq!(half_a_year, ["2014-07", "2014-08", "2014-09", "2014-10", "2014-11", "2014-12", "2015-01"]);
        assert_eq!(
            marks(1_000_000_000.0, 1_200_000_000.0, true),
            ["2002", "2003", "2004", "2005", "2006", "2007", "2008"]
        );
        assert_eq!(marks(2_592_000.0, 3_888_000.0, true), ["30", "32", "34", "36", "38", "40", "42", "44"]);
        let ticks = Ticks::of(2_592_000.0, 3_888_000.0, true);
        assert_eq!((ticks.title(), ticks.place(2_708_100.0)), ("time (days)".to_owned(), Some("31.34 d".to_owned())));
        for (from, to) in [(0.0, 0.0), (f64::NAN, 1.0), (3e8, 4e8), (4e8, 9e9), (1e300, 2e300), (-5.0, f64::INFINITY)] {
            assert!(marks(from, to, true).len() <= 18, "{from} {to}");
        }
    }
}
