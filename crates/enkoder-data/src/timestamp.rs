//! Points in time as they are written in tables.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use enkoder::anomaly::TimeUnit;

pub(crate) const SECONDS_PER_DAY: f64 = 86_400.0;

/// Whether a text is a date with or without a time, and no mere number.
pub(crate) fn is_moment(text: &str) -> bool {
    text.trim().parse::<f64>().is_err() && parse_timestamp(text).is_some()
}

/// The order in which a date between slashes has its day and its month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// `12/31/2024`.
    #[default]
    MonthFirst,
    /// `31/12/2024`.
    DayFirst,
}

impl DateOrder {
    /// The order that a whole column of dates shows: the one in which all of them are dates. Month first where both are possible.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let day_first = |text: &str| {
            let (first, _) = text.trim().split_once('/')?;
            first.parse::<u32>().ok().map(|first| (13..=31).contains(&first))
        };
        if texts.into_iter().filter_map(day_first).any(|first| first) { Self::DayFirst } else { Self::MonthFirst }
    }
}

/// Forms of a date with a time, whose seconds may have fractions; and of a date alone.
const FORMS: [&str; 9] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M:%S%.f",
    "%d.%m.%Y %H:%M",
    "%Y%m%dT%H%M%S%.f",
];
const MONTH_FIRST: [&str; 2] = ["%m/%d/%Y %H:%M:%S%.f", "%m/%d/%Y %H:%M"];
const DAY_FIRST: [&str; 2] = ["%d/%m/%Y %H:%M:%S%.f", "%d/%m/%Y %H:%M"];
const DATES: [&str; 3] = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y"];

/// A point in time in seconds. A number is seconds of any beginning, or, where it is as large as milliseconds, microseconds or
/// nanoseconds since 1970 are between 1990 and 2100, such a point in time. A date with or without a time and offset is seconds since 1970
/// (UTC, where no offset is written). None where the text is neither.
///
/// A date between slashes has its month first, unless that makes no date; [`parse_timestamp_in`] is told.
///
/// ```
/// use enkoder_data::parse_timestamp;
///
/// assert_eq!(parse_timestamp("1970-01-02 00:00:01.5"), Some(86_401.5));
/// assert_eq!(parse_timestamp("1970-01-01T02:00:00+0100"), Some(3600.0));
/// assert_eq!(parse_timestamp("1396310700000"), Some(1_396_310_700.0));
/// assert_eq!(parse_timestamp("17.25"), Some(17.25));
/// assert_eq!(parse_timestamp("soon"), None);
/// ```
pub fn parse_timestamp(text: &str) -> Option<f64> {
    parse_timestamp_in(text, DateOrder::MonthFirst).or_else(|| parse_timestamp_in(text, DateOrder::DayFirst))
}

/// The same, for a column whose dates between slashes have their days and months in this order.
pub fn parse_timestamp_in(text: &str, order: DateOrder) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then(|| TimeUnit::of_size(number).seconds(number));
    }
    let (text, offset) = split_offset(text);
    // The comma before a fraction is as good as the point (ISO 8601).
    let text = text.replace(',', ".");
    let slashes = if order == DateOrder::DayFirst { DAY_FIRST } else { MONTH_FIRST };
    let time = FORMS.iter().chain(&slashes).find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok());
    let slashed = if order == DateOrder::DayFirst { "%d/%m/%Y" } else { "%m/%d/%Y" };
    let date = || {
        let found = DATES.iter().chain([&slashed]).find_map(|form| NaiveDate::parse_from_str(&text, form).ok());
        found.and_then(|date| date.and_hms_opt(0, 0, 0))
    };
    time.or_else(date).map(|time| seconds(time) - offset)
}

/// The text before `Z`, `UTC`, `+01:00`, `+0100` or `+01`, and the seconds by which such a clock is ahead of UTC.
fn split_offset(text: &str) -> (&str, f64) {
    for word in ["Z", "z", "UTC", "GMT"] {
        if let Some(before) = text.strip_suffix(word) {
            return (before.trim_end(), 0.0);
        }
    }
    let parsed = || {
        let at = text.rfind(['+', '-', '\u{2212}'])?;
        let (before, offset) = text.split_at(at);
        // The hyphens of a date are no signs: a time comes first.
        if !before.contains(':') && !before.contains('T') {
            return None;
        }
        let sign = if offset.starts_with('+') { 1.0 } else { -1.0 };
        let digits: String = offset.chars().skip(1).filter(|&c| c != ':').collect();
        if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let hours: f64 = digits[..2].parse().ok()?;
        let minutes: f64 =
            digits.get(2..).filter(|rest| !rest.is_empty()).map_or(Some(0.0), |rest| rest.parse().ok())?;
        Some((before.trim_end(), sign * (hours * 3600.0 + minutes * 60.0)))
    };
    parsed().unwrap_or((text, 0.0))
}

/// A moment so many ticks after 1970, of which a second has so many (up to 10⁹), as text; none where no calendar has it.
pub(crate) fn moment_text(value: i64, ticks: i64) -> Option<String> {
    let nanoseconds = value.rem_euclid(ticks) * (1_000_000_000 / ticks);
    let time = DateTime::from_timestamp(value.div_euclid(ticks), nanoseconds as u32)?;
    Some(time.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string())
}

/// The day so many days after 1970-01-01 as text.
pub(crate) fn day_text(day: i64) -> Option<String> {
    let time = DateTime::from_timestamp(day.checked_mul(SECONDS_PER_DAY as i64)?, 0)?;
    Some(time.format("%Y-%m-%d").to_string())
}

fn seconds(time: NaiveDateTime) -> f64 {
    let time = time.and_utc();
    time.timestamp() as f64 + f64::from(time.timestamp_subsec_nanos()) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_found_in_practice() {
        for text in [
            "2014-04-01 00:05:00",
            "2014-04-01T00:05:00Z",
            "2014-04-01T00:05:00.000Z",
            "2014-04-01 00:05",
            "2014/04/01 00:05:00",
            "01.04.2014 00:05:00",
            "04/01/2014 00:05:00",
            "2014-04-01 02:05:00+02:00",
            "2014-04-01T02:05:00+0200",
            "2014-04-01T02:05:00.000+02",
            "2014-04-01 02:05:00 +0200",
            "2014-04-01T02:05:00.000 +02",
            "2014-03-31T19:05:00-0500",
            "2014-04-01 00:05:00,000 UTC",
            "20140401T000500Z",
            "04/01/2014 00:05",
            "1396310700000",
            "1396310700000000",
            "1396310700000000000",
            "1396310700",
        ] {
            assert_eq!(parse_timestamp(text), Some(1_396_310_700.0), "{text}");
        }
        assert_eq!(parse_timestamp("2014-04-01"), Some(1_396_310_400.0));
        assert_eq!(parse_timestamp("2014-04-01T00:00:00.25+01:00"), Some(1_396_306_800.25));
        for text in ["", "nan", "inf", "2014-13-01", "12:30", "1e999"] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn days_and_months_are_told_apart_by_the_whole_column() {
        let texts = ["04/01/2014 00:05:00", "31/01/2014 00:05:00"];
        let order = DateOrder::of(texts);
        assert_eq!(order, DateOrder::DayFirst);
        assert_eq!(parse_timestamp_in(texts[0], order), Some(1_388_793_900.0));
        assert_eq!(DateOrder::of(["04/01/2014 00:05:00", "01/31/2014 00:05:00"]), DateOrder::MonthFirst);
    }

    #[test]
    fn small_numbers_are_seconds_of_any_beginning() {
        for number in [0.0, 17.25, 1e9, 5e11, 1e16] {
            assert_eq!(parse_timestamp(&number.to_string()), Some(number));
        }
    }
}
