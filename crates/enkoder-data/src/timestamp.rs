//! Points in time as they are written in tables.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// Forms of a date with a time; all of them may have fractions of a second.
const FORMS: [&str; 8] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S%.f",
    "%d.%m.%Y %H:%M:%S%.f",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %H:%M:%S%.f",
];

/// Forms with an offset, beside those of RFC 3339: its hours and minutes may stand together.
const WITH_OFFSET: [&str; 3] = ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z"];

/// A point in time in seconds: a number as it is (seconds of any beginning), a date with or without a time and offset as seconds
/// since 1970 (UTC, where no offset is written; an offset is written `+01:00`, `+0100` or `Z`). None where the text is neither.
///
/// ```
/// use enkoder_data::parse_timestamp;
///
/// assert_eq!(parse_timestamp("1970-01-02 00:00:01.5"), Some(86_401.5));
/// assert_eq!(parse_timestamp("1970-01-01T02:00:00+01:00"), Some(3600.0));
/// assert_eq!(parse_timestamp("17.25"), Some(17.25));
/// assert_eq!(parse_timestamp("soon"), None);
/// ```
pub fn parse_timestamp(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    let with_offset = || WITH_OFFSET.iter().find_map(|form| DateTime::parse_from_str(text, form).ok());
    if let Some(time) = DateTime::parse_from_rfc3339(text).ok().or_else(with_offset) {
        return Some(seconds(time.naive_utc()));
    }
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix(" UTC")).unwrap_or(text);
    let time = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    time.or_else(date).map(seconds)
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
            "1396310700",
        ] {
            assert_eq!(parse_timestamp(text), Some(1_396_310_700.0), "{text}");
        }
        assert_eq!(parse_timestamp("2014-04-01"), Some(1_396_310_400.0));
        for text in ["", "nan", "inf", "2014-13-01", "12:30", "1e999"] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }
}
