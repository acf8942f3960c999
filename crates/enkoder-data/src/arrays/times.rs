//! Times as the CF conventions write them, `UNIT since REFERENCE` in a calendar (CF 1.11, 4.4), and numbers of one turned into those of
//! another.

use enkoder::codec::ElementType;
use half::f16;

use super::contents::{ArrayEntry, Contents};
use super::joining::bytes_of;
use super::variable::{Field, Stored};

/// Seconds by which a time may be off where its type cannot hold it in the units of the first file.
const MOST_SECONDS_OFF: f64 = 1e-3;

/// A time axis: what a number on it means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TimeUnits {
    /// Seconds of one unit.
    unit: f64,
    calendar: Calendar,
    /// The reference, as days since the beginning of the calendar, and seconds of that day.
    day: i64,
    second: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Calendar {
    /// Julian up to 4 October 1582, Gregorian from the day after, 15 October, on.
    Standard,
    ProlepticGregorian,
    Julian,
    /// Years of 365, 366 or 360 days.
    Constant(i64),
}

/// The first day on which the standard calendar is Gregorian.
const GREGORIAN: (i64, i64, i64) = (1582, 10, 15);

impl TimeUnits {
    /// What attributes say; none where they are no such units. Months and years are not: they have no one length.
    pub fn of(units: &str, calendar: Option<&str>) -> Option<Self> {
        let mut words = units.split_whitespace();
        let unit = match &words.next()?.to_ascii_lowercase()[..] {
            "day" | "days" | "d" => 86_400.0,
            "hour" | "hours" | "hr" | "hrs" | "h" => 3_600.0,
            "minute" | "minutes" | "min" | "mins" => 60.0,
            "second" | "seconds" | "sec" | "secs" | "s" => 1.0,
            "millisecond" | "milliseconds" | "msec" | "msecs" | "ms" => 1e-3,
            "microsecond" | "microseconds" => 1e-6,
            _ => return None,
        };
        words.next().filter(|word| word.eq_ignore_ascii_case("since"))?;
        let reference = words.collect::<Vec<_>>().join(" ");
        let (date, time) = reference.split_once([' ', 'T']).unwrap_or((&reference, ""));
        let (is_negative, date) = date.strip_prefix('-').map_or((false, date), |date| (true, date));
        let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
        let (year, month, date) = (parts.next()??, parts.next()??, parts.next()??);
        let is_date = parts.next().is_none() && (0..100_000).contains(&year) && (1..=12).contains(&month);
        if !is_date || !(1..=31).contains(&date) {
            return None;
        }
        let year = if is_negative { -year } else { year };
        let calendar = match &calendar.unwrap_or("standard").to_ascii_lowercase()[..] {
            "standard" | "gregorian" => Calendar::Standard,
            "proleptic_gregorian" => Calendar::ProlepticGregorian,
            "julian" => Calendar::Julian,
            "noleap" | "365_day" => Calendar::Constant(365),
            "all_leap" | "366_day" => Calendar::Constant(366),
            "360_day" => Calendar::Constant(360),
            _ => return None,
        };
        // From 1583 on both are the same.
        let calendar = match calendar {
            Calendar::Standard if year > GREGORIAN.0 => Calendar::ProlepticGregorian,
            other => other,
        };
        Some(Self { unit, calendar, day: calendar.day(year, month, date), second: second_of_day(time)? })
    }

    /// A number of these units as one of others in the same calendar.
    pub fn convert(self, number: f64, to: Self) -> f64 {
        // Days and seconds apart, so that whole days stay whole.
        let days = (self.day - to.day) as f64 * (86_400.0 / to.unit);
        number * (self.unit / to.unit) + (days + (self.second - to.second) / to.unit)
    }

    /// Seconds of one unit.
    pub fn seconds(self) -> f64 {
        self.unit
    }

    /// Whether numbers of these can be told in others.
    pub fn has_calendar_of(self, other: Self) -> bool {
        self.calendar == other.calendar
    }
}

impl Calendar {
    /// The number of a day.
    fn day(self, year: i64, month: i64, date: i64) -> i64 {
        let (before, lengths) = match self {
            Self::Standard if (year, month, date) >= GREGORIAN => {
                return Self::ProlepticGregorian.day(year, month, date);
            }
            // Its last day is the one before the first that is Gregorian.
            Self::Standard => {
                let last = Self::Julian.day(1582, 10, 4);
                return Self::Julian.day(year, month, date) - last + Self::ProlepticGregorian.day(1582, 10, 14);
            }
            Self::Constant(360) => return (year * 12 + month - 1) * 30 + date - 1,
            Self::Constant(days) => (year * days, if days == 366 { 29 } else { 28 }),
            Self::Julian => (year * 365 + (year - 1).div_euclid(4), if year % 4 == 0 { 29 } else { 28 }),
            Self::ProlepticGregorian => {
                let leaps = |every| (year - 1).div_euclid(every);
                let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
                (year * 365 + leaps(4) - leaps(100) + leaps(400), if is_leap { 29 } else { 28 })
            }
        };
        let months = [31, lengths, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        before + months[..month as usize - 1].iter().sum::<i64>() + date - 1
    }
}

/// Seconds since midnight in UTC; none where the text is no time of day.
fn second_of_day(text: &str) -> Option<f64> {
    let text = text.trim();
    let text = text.strip_suffix("UTC").or_else(|| text.strip_suffix(['Z', 'z'])).unwrap_or(text).trim();
    // An offset stands behind a blank or the time: `00:00:00 +01:00`.
    let (time, offset) = match text.rfind(['+', '-']) {
        Some(at) => (text[..at].trim(), offset(&text[at..])?),
        None => (text, 0.0),
    };
    if time.is_empty() {
        return Some(-offset);
    }
    let mut seconds = 0.0;
    let mut worth = 3_600.0;
    for (number, part) in time.split(':').enumerate() {
        let part: f64 = part.parse().ok().filter(|part| (0.0..=60.0).contains(part) && number < 3)?;
        seconds += part * worth;
        worth /= 60.0;
    }
    Some(seconds - offset)
}

/// Seconds that a place is ahead of UTC: `+1`, `+01:00`, `-0130`.
fn offset(text: &str) -> Option<f64> {
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let digits = &text[1..];
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    Some(sign * (hours.parse::<u8>().ok()? as f64 * 3_600.0 + minutes.parse::<u8>().ok()? as f64 * 60.0))
}

/// Units and calendar of an array; bounds have those of the coordinate that names them (CF 1.11, 7.1).
pub(super) fn units_of(all: &Contents, entry: &ArrayEntry) -> Option<(String, Option<String>)> {
    let names = |other: &&ArrayEntry| {
        ["bounds", "climatology"]
            .iter()
            .any(|name| other.attributes.text(name).is_some_and(|name| name == entry.leaf()))
    };
    let of = |entry: &ArrayEntry| Some((entry.units.clone()?, entry.attributes.text("calendar")));
    of(entry).or_else(|| all.arrays.iter().find(names).and_then(of))
}

/// An array of another file along the axis of the files with its times as the first file counts them.
pub(super) fn in_times_of(
    first: (&Contents, &ArrayEntry),
    other: (&Contents, &ArrayEntry),
    field: Field,
) -> Result<Field, String> {
    let (Some(to), Some(from)) = (units_of(first.0, first.1), units_of(other.0, other.1)) else { return Ok(field) };
    if to == from {
        return Ok(field);
    }
    let time = |(units, calendar): (String, Option<String>)| TimeUnits::of(&units, calendar.as_deref());
    let (Some(to), Some(from)) = (time(to), time(from)) else { return Ok(field) };
    let conventions = &field.conventions;
    if (conventions.scale, conventions.offset) != (1.0, 0.0) {
        return Err("it has other units of time elsewhere, and is packed".to_owned());
    }
    let fill = first.1.field.as_ref().and_then(|field| field.conventions.missing.first().copied());
    let bytes = bytes_of(&field).map_err(|error| error.to_string())?;
    let mut held = Vec::with_capacity(bytes.len());
    for number in field.element.to_f64(&bytes) {
        let is_missing = conventions.is_missing(number);
        let wanted = if is_missing { fill.unwrap_or(number) } else { from.convert(number, to) };
        let stored = stored_as(field.element, wanted);
        let off = field.element.to_f64(&stored)[0];
        if !(is_missing || (to.convert(off, from) - number).abs() * from.seconds() <= MOST_SECONDS_OFF) {
            let why =
                format!("{number} of another file cannot be a number of {} in these units of time", field.element);
            return Err(why);
        }
        held.extend(stored);
    }
    Ok(Field { stored: Stored::Held(held), ..field })
}

/// A number as a type holds it, little-endian.
fn stored_as(element: ElementType, number: f64) -> Vec<u8> {
    match element {
        ElementType::U8 => (number.round() as u8).to_le_bytes().to_vec(),
        ElementType::I8 => (number.round() as i8).to_le_bytes().to_vec(),
        ElementType::U16 => (number.round() as u16).to_le_bytes().to_vec(),
        ElementType::I16 => (number.round() as i16).to_le_bytes().to_vec(),
        ElementType::U32 => (number.round() as u32).to_le_bytes().to_vec(),
        ElementType::I32 => (number.round() as i32).to_le_bytes().to_vec(),
        ElementType::U64 => (number.round() as u64).to_le_bytes().to_vec(),
        ElementType::I64 => (number.round() as i64).to_le_bytes().to_vec(),
        ElementType::F16 => f16::from_f64(number).to_le_bytes().to_vec(),
        ElementType::F32 => (number as f32).to_le_bytes().to_vec(),
        ElementType::F64 => number.to_le_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(number: f64, from: &str, to: &str, calendar: Option<&str>) -> f64 {
        let [from, to] = [from, to].map(|units| TimeUnits::of(units, calendar).unwrap());
        assert!(from.has_calendar_of(to));
        from.convert(number, to)
    }

    #[test]
    fn numbers_of_one_reference_become_those_of_another_in_each_calendar() {
        // The differences are those of cftime 1.6.
        for (calendar, days) in [
            (None, 36_890.0),
            (Some("proleptic_gregorian"), 36_890.0),
            (Some("julian"), 36_891.0),
            (Some("noleap"), 36_865.0),
            (Some("366_day"), 36_966.0),
            (Some("360_day"), 36_360.0),
        ] {
            let found = converted(0.0, "days since 2001-01-01", "days since 1900-01-01", calendar);
            assert_eq!(found, days, "{calendar:?}");
        }
        assert_eq!(converted(0.0, "days since 1582-10-15", "days since 1582-10-4", None), 1.0);
        assert_eq!(converted(1.5, "days since 2000-03-01 12:00", "hours since 2000-02-28T00:00:00Z", None), 96.0);
        assert_eq!(converted(0.0, "hours since 2000-1-1 0:0:0 +1:00", "minutes since 2000-01-01", None), -60.0);
        assert_eq!(converted(0.0, "days since 0001-01-01", "days since 0000-12-31", Some("365_day")), 1.0);
    }

    #[test]
    fn what_has_no_one_length_or_no_reference_is_no_unit_of_time() {
        for units in [
            "months since 2000-01-01",
            "days",
            "days since then",
            "days since 2000-13-01",
            "K",
            "day since 2000-01-01 25:61",
        ] {
            assert_eq!(TimeUnits::of(units, None), None, "{units}");
        }
        assert_eq!(TimeUnits::of("days since 2000-01-01", Some("none")), None);
        let [one, other] =
            [None, Some("noleap")].map(|calendar| TimeUnits::of("days since 2000-01-01", calendar).unwrap());
        assert!(!one.has_calendar_of(other));
    }
}
