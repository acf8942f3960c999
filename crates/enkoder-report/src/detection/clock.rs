//! An axis of time: where its marks lie, and what they say. Times are seconds since 1970; what lies before 1980 is a clock that counts
//! from somewhere else, and is shown as numbers.

/// Seconds between marks that people read easily.
const STEPS: [f64; 24] = [
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
    2_419_200.0,
    7_862_400.0,
    31_449_600.0,
];
const DAY: f64 = 86_400.0;
/// The most marks on an axis.
const MARKS: f64 = 9.0;
/// 1980.
const DATES: f64 = 315_532_800.0;

/// The marks of an axis.
pub(super) struct Ticks {
    from: f64,
    to: f64,
    step: f64,
    pub(super) dates: bool,
}

impl Ticks {
    pub(super) fn of(from: f64, to: f64, is_time: bool) -> Self {
        let dates = is_time && from >= DATES && to < 1e11;
        let least = (to - from).abs() / MARKS;
        let known = STEPS.into_iter().find(|&step| dates && step >= least);
        let step = known.unwrap_or_else(|| {
            // 1, 2 or 5 times a power of ten; of dates, years.
            let unit = if dates { 31_557_600.0 } else { 1.0 };
            let power = 10f64.powf((least / unit).log10().floor());
            [1.0, 2.0, 5.0, 10.0]
                .into_iter()
                .map(|times| times * power * unit)
                .find(|&step| step >= least)
                .unwrap_or(least)
        });
        Self { from, to, step, dates }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = f64> {
        let sound = self.step > 0.0 && self.step.is_finite() && self.from.is_finite() && self.to.is_finite();
        let first = (self.from / self.step).ceil();
        let count =
            if sound { ((self.to / self.step).floor() - first + 1.0).clamp(0.0, 2.0 * MARKS) as usize } else { 0 };
        (0..count).map(move |mark| (first + mark as f64) * self.step)
    }

    pub(super) fn title(&self) -> &'static str {
        if self.dates { "time (UTC)" } else { "time in seconds" }
    }
}

/// What a mark says.
pub(super) fn label(place: f64, ticks: &Ticks) -> String {
    if !ticks.dates {
        let text = format!("{place:.6}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let (date, time) = date_and_time(place);
    let midnight = place.rem_euclid(DAY) == 0.0;
    match ticks.step {
        step if step >= DAY || midnight => date,
        step if step < 60.0 => time,
        _ => time[..5].to_owned(),
    }
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
    fn marks_are_few_and_lie_at_round_times() {
        let marks = |from: f64, to: f64, is_time| {
            let ticks = Ticks::of(from, to, is_time);
            ticks.places().map(|place| label(place, &ticks)).collect::<Vec<_>>()
        };
        let day = marks(1_767_225_600.0, 1_767_225_600.0 + 2.0 * 86_400.0, true);
        assert_eq!(
            day,
            ["2026-01-01", "06:00", "12:00", "18:00", "2026-01-02", "06:00", "12:00", "18:00", "2026-01-03"]
        );
        assert_eq!(marks(0.0, 3000.0, false), ["0", "500", "1000", "1500", "2000", "2500", "3000"]);
        for (from, to) in [(0.0, 0.0), (f64::NAN, 1.0), (3e8, 4e8), (4e8, 9e9), (1e300, 2e300), (-5.0, f64::INFINITY)] {
            assert!(marks(from, to, true).len() <= 18, "{from} {to}");
        }
    }
}
