//! Points in time as they are written in tables.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime};
use enkoder::anomaly::TimeUnit;

pub(crate) const SECONDS_PER_DAY: f64 = 86_400.0;

/// Whether a text is a date with or without a time, and no mere number.
pub(crate) fn is_moment(text: &str) -> bool {
    text.trim().parse::<f64>().is_err() && parse_timestamp(text).is_some()
}

/// Whether a text is a time of day alone, as `23:59`, `23:59:59.5` or `1:05 PM`.
pub(crate) fn is_time_of_day(text: &str) -> bool {
    let text = text.trim().to_ascii_uppercase();
    let text = text.strip_suffix("AM").or_else(|| text.strip_suffix("PM")).unwrap_or(&text).trim_end();
    let parts: Vec<&str> = text.split(':').collect();
    let is_part = |(at, part): (usize, &&str)| {
        let part = if at == 2 { part.split_once('.').map_or(*part, |(whole, _)| whole) } else { part };
        let most = if at == 0 { 24 } else { 60 };
        (1..=2).contains(&part.len()) && part.parse::<u8>().is_ok_and(|number| number <= most)
    };
    (2..=3).contains(&parts.len()) && parts.iter().enumerate().all(is_part)
}

/// The order in which a date of numbers with its year last has its day and its month.
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
            let (first, _) = text.trim().split_once(['/', '-'])?;
            first.parse::<u32>().ok().map(|first| (13..=31).contains(&first))
        };
        if texts.into_iter().filter_map(day_first).any(|first| first) { Self::DayFirst } else { Self::MonthFirst }
    }
}

/// Forms of a date with its year first, in four digits.
const YEAR_FIRST: [&str; 6] = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y-%B-%d", "%Y %B %d"];
/// Forms of a date with its year last, and whether that may have two digits.
const YEAR_LAST: [(&str, bool); 8] = [
    ("%d.%m.%Y", true),
    ("%d-%B-%Y", true),
    ("%d %B %Y", true),
    ("%d/%B/%Y", true),
    ("%d%B%Y", true),
    ("%d. %B %Y", true),
    ("%B %d, %Y", true),
    ("%B %d %Y", false),
];
const MONTH_FIRST: [(&str, bool); 2] = [("%m/%d/%Y", true), ("%m-%d-%Y", false)];
const DAY_FIRST: [(&str, bool); 2] = [("%d/%m/%Y", true), ("%d-%m-%Y", false)];
/// Forms of a time of day; seconds may have fractions.
const TIMES: [&str; 5] = ["%H:%M:%S%.f", "%H:%M", "%H%M%S%.f", "%I:%M:%S%.f %p", "%I:%M %p"];
/// Two digits of a year from here on are of the last century.
const LAST_CENTURY: i32 = 70;

/// A point in time in seconds. A number is seconds of any beginning, or, where it is as large as milliseconds, microseconds or
/// nanoseconds since 1970 are between 1990 and 2100, such a point in time. A date with or without a time and offset is seconds since 1970
/// (UTC, where no offset is written). A month or a quarter of a year is its beginning. None where the text is neither.
///
/// A date such as `04/01/2014` has its month first, unless that makes no date; [`parse_timestamp_in`] is told.
///
/// ```
/// use enkoder_data::parse_timestamp;
///
/// assert_eq!(parse_timestamp("1970-01-02 00:00:01.5"), Some(86_401.5));
/// assert_eq!(parse_timestamp("1970-01-01T02:00:00+0100"), Some(3600.0));
/// assert_eq!(parse_timestamp("1396310700000"), Some(1_396_310_700.0));
/// assert_eq!(parse_timestamp("1 Jan 1970 01:00 AM"), Some(3600.0));
/// assert_eq!(parse_timestamp("1970-02"), Some(31.0 * 86_400.0));
/// assert_eq!(parse_timestamp("17.25"), Some(17.25));
/// assert_eq!(parse_timestamp("soon"), None);
/// ```
pub fn parse_timestamp(text: &str) -> Option<f64> {
    parse_timestamp_in(text, DateOrder::MonthFirst).or_else(|| parse_timestamp_in(text, DateOrder::DayFirst))
}

/// The same, for a column whose dates of numbers with the year last have their days and months in this order.
pub fn parse_timestamp_in(text: &str, order: DateOrder) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then(|| TimeUnit::of_size(number).seconds(number));
    }
    let (text, offset) = split_offset(text);
    let text = without_weekday(text);
    moment(text, order).or_else(|| month(text).map(midnight)).map(|time| seconds(time) - offset)
}

/// A date, and maybe a time of day.
fn moment(text: &str, order: DateOrder) -> Option<NaiveDateTime> {
    let by_order = if order == DateOrder::DayFirst { DAY_FIRST } else { MONTH_FIRST };
    let year_first = YEAR_FIRST.iter().map(|&form| (form, false));
    let year_last = by_order.into_iter().chain(YEAR_LAST);
    let dated = year_first.chain(year_last).find_map(|(form, may_be_short)| {
        let (date, rest) = NaiveDate::parse_and_remainder(text, form).ok()?;
        time_of(whole_year(date, &text[..text.len() - rest.len()], may_be_short)?, rest)
    });
    // As C writes it, with the year behind the time.
    dated.or_else(|| NaiveDateTime::parse_from_str(text, "%B %d %H:%M:%S %Y").ok())
}

/// The date, where its year has four digits, or, where that may be, the last two of its text, which are of this century or the last.
fn whole_year(date: NaiveDate, text: &str, may_be_short: bool) -> Option<NaiveDate> {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    match date.year() {
        1000..=9999 => Some(date),
        year @ 0..LAST_CENTURY if may_be_short && digits == 2 => date.with_year(2000 + year),
        year @ LAST_CENTURY..100 if may_be_short && digits == 2 => date.with_year(1900 + year),
        _ => None,
    }
}

/// The date with the time of day behind it; nothing is midnight.
fn time_of(date: NaiveDate, rest: &str) -> Option<NaiveDateTime> {
    if rest.is_empty() {
        return Some(midnight(date));
    }
    let time = rest.strip_prefix(['T', 't', ' ', ',', '_', ':'])?.trim();
    // The comma before a fraction is as good as the point, and the hour 24 is the end of the day (ISO 8601).
    let time = if time.len() <= 2 { format!("{time}:00") } else { time.replace(',', ".") };
    if matches!(&time[..], "24:00" | "24:00:00") {
        return date.checked_add_days(Days::new(1)).map(midnight);
    }
    TIMES.iter().find_map(|form| NaiveTime::parse_from_str(&time, form).ok()).map(|time| date.and_time(time))
}

/// The first day of a month, such as `1991-07`, `07/1991`, `Jul 1991` or `Jul-91`, or of a quarter, such as `1991 Q3`.
fn month(text: &str) -> Option<NaiveDate> {
    if let Some((year, quarter)) = text.split_once(['Q', 'q']) {
        let year = year.trim_end_matches([' ', '-']);
        let quarter: u32 = quarter.parse().ok().filter(|quarter| (1..=4).contains(quarter))?;
        return NaiveDate::from_ymd_opt(year.parse().ok().filter(|_| year.len() == 4)?, 3 * quarter - 2, 1);
    }
    let separator = text.chars().find(|&c| !c.is_alphanumeric()).filter(|c| matches!(c, '-' | '/' | ' '))?;
    let (first, last) = text.split_once(separator)?;
    let parsed = |form: &str, text: String| NaiveDate::parse_from_str(&text, form).ok();
    let year_first = || {
        let form = if last.starts_with(char::is_alphabetic) { "%Y %B %d" } else { "%Y %m %d" };
        parsed(form, format!("{first} {last} 1")).and_then(|date| whole_year(date, "", false))
    };
    let year_last = || {
        let form = if first.starts_with(char::is_alphabetic) { "%d %B %Y" } else { "%d %m %Y" };
        // Two numbers of two digits are no month.
        parsed(form, format!("1 {first} {last}"))
            .and_then(|date| whole_year(date, last, first.starts_with(char::is_alphabetic)))
    };
    year_first().or_else(year_last)
}

fn midnight(date: NaiveDate) -> NaiveDateTime {
    date.and_time(NaiveTime::MIN)
}

/// The text behind `Tue`, `Tuesday,` and their like.
fn without_weekday(text: &str) -> &str {
    let name = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let is_weekday = name.parse::<chrono::Weekday>().is_ok();
    if is_weekday { text[name.len()..].trim_start_matches([',', '.', ' ']) } else { text }
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
    fn times_of_day_are_no_moments() {
        for text in ["00:00", "23:59:59", "7:05 pm", "12:00:00.250", "24:00"] {
            assert!(is_time_of_day(text) && !is_moment(text), "{text}");
        }
        for text in ["2024-01-01 00:00", "10", "1:2:3:4", "25:00", "12:61", "a:b", ""] {
            assert!(!is_time_of_day(text), "{text}");
        }
    }

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
            "4/1/2014 12:05 AM",
            "04/01/2014 12:05:00.0 am",
            "04/01/14 00:05",
            "01.04.14 00:05",
            "2014.04.01 00:05",
            "20140401T000500",
            "20140401 000500",
            "04-01-2014 00:05",
            "1 Apr 2014 00:05",
            "01-Apr-2014 00:05:00",
            "01-APR-14 00:05:00",
            "01APR2014:00:05:00",
            "01/Apr/2014:02:05:00 +0200",
            "April 1, 2014, 00:05",
            "Tue Apr  1 00:05:00 2014",
            "Tue, 01 Apr 2014 00:05:00 GMT",
            "1396310700000",
            "1396310700000000",
            "1396310700000000000",
            "1396310700",
        ] {
            assert_eq!(parse_timestamp(text), Some(1_396_310_700.0), "{text}");
        }
        assert_eq!(parse_timestamp("2014-04-01"), Some(1_396_310_400.0));
        assert_eq!(parse_timestamp("2014-04-01T00:00:00.25+01:00"), Some(1_396_306_800.25));
        for text in ["2014-03-31 24:00", "2014-04-01 00", "2014-04-01T00"] {
            assert_eq!(parse_timestamp(text), Some(1_396_310_400.0), "{text}");
        }
        for text in
            ["2014-04", "04/2014", "2014 Apr", "Apr 2014", "Apr-14", "April 2014", "2014Q2", "2014-Q2", "2014 Q2"]
        {
            assert_eq!(parse_timestamp(text), Some(1_396_310_400.0), "{text}");
        }
        let no_moments = [
            "",
            "nan",
            "inf",
            "2014-13-01",
            "12:30",
            "1e999",
            "1.2.3",
            "1/2/3",
            "1-2-3",
            "10-12",
            "2014-4-1-7",
            "May",
            "Sun",
            "Mon 5",
            "2014-04-011",
            "2013-14",
            "Q2",
            "14Q2",
            "May 14th",
            "sensor-12",
            "192.168.10.12",
        ];
        for text in no_moments {
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
