//! The clock of a series as the command reads it: texts and numbers become seconds.

use clap::{Args, ValueEnum};
use enkoder::anomaly::{Detector, SeriesColumns, TimeUnit};
use enkoder_data::{DataError, Place, parse_timestamp};

use super::moments::Beside;
use crate::screen::{HINT, Screen};

/// What times that are numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unit {
    S,
    Ms,
    Us,
    Ns,
    D,
    Date,
}

impl From<Unit> for TimeUnit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::S => Self::Second,
            Unit::Ms => Self::Millisecond,
            Unit::Us => Self::Microsecond,
            Unit::Ns => Self::Nanosecond,
            Unit::D => Self::Day,
            Unit::Date => Self::Date,
        }
    }
}

/// How times are read.
#[derive(Clone, Debug, Default, Args)]
pub struct ClockOptions {
    /// Unit of times that are numbers: s, ms, us, ns, d for days, or date for digits such as 20180131 or 201801312359 [default: by the first
    /// number, as a date or a time since 1970]
    #[arg(long, value_enum, value_name = "s|ms|us|ns|d|date", hide_possible_values = true)]
    time_unit: Option<Unit>,
}

/// Reads the times of one stream or file.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// What numbers count, once it is known.
    unit: Option<TimeUnit>,
    /// The last number with a fraction, or else any, where the unit was not given.
    some: Option<f64>,
}

impl Clock {
    /// To learn from.
    pub fn new(options: &ClockOptions) -> Self {
        Self { unit: options.time_unit.map(TimeUnit::from), some: None }
    }

    /// For a detector. One that knows nothing of units was fitted to numbers as they are.
    pub fn of(options: &ClockOptions, detector: &Detector) -> Self {
        let SeriesColumns { time, unit, .. } = detector.series_columns();
        let fixed = match unit {
            None => time.is_some().then_some(TimeUnit::Second),
            // No number shows that it counts days.
            Some(TimeUnit::Day) => Some(TimeUnit::Day),
            Some(_) => None,
        };
        Self { unit: Self::new(options).unit.or(fixed), some: None }
    }

    /// What numbers count; seconds where none was met.
    pub fn unit(&self) -> TimeUnit {
        self.unit.unwrap_or(TimeUnit::Second)
    }

    /// Says what numbers are taken for, where they are not seconds; and that they may be days, where they could be those of a spreadsheet.
    pub fn tell(&self, screen: Screen) {
        // Days of the years from 1954 to 2064 since 1900, with a time.
        let may_be_days = |number: f64| (20_000.0..60_000.0).contains(&number) && number.fract() != 0.0;
        match self.unit {
            Some(TimeUnit::Second) if self.some.is_some_and(may_be_days) => screen.note(format_args!(
                "{HINT}hint:{HINT:#} times are numbers, taken to count seconds; where they are days, as spreadsheets write them: --time-unit d"
            )),
            None | Some(TimeUnit::Second) => {}
            Some(TimeUnit::Day) => screen.note("times are numbers that count days"),
            Some(TimeUnit::Date) => screen.note(
                "times are numbers, taken for dates such as 20180131 or 201801312359; --time-unit says what they count otherwise",
            ),
            Some(unit) => {
                screen.note(format!("times are numbers, taken to count {unit:?}s since 1970").to_lowercase())
            }
        }
    }

    /// When a row was measured, in seconds; none where its cell is empty.
    ///
    /// # Errors
    /// When the text is no time. `row` counts from 0.
    pub fn seconds(&mut self, beside: Beside<'_>, row: usize) -> Result<Option<f64>, DataError> {
        let text = match beside.time.map(str::trim) {
            None | Some("" | "NA" | "NaN" | "nan" | "null" | "None") => return Ok(None),
            Some(text) => text,
        };
        if let Some(number) = text.parse().ok().filter(|number: &f64| number.is_finite()) {
            let is_free = self.unit.is_none() || self.some.is_some();
            let unit = *self.unit.get_or_insert_with(|| TimeUnit::of_size(number));
            if is_free && (self.some.is_none() || number.fract() != 0.0) {
                self.some = Some(number);
            }
            let seconds = Some(unit.seconds(number)).filter(|seconds| seconds.is_finite());
            return seconds.map(Some).ok_or_else(|| {
                let hint = "say what times count that are no dates such as 20180131: --time-unit s, for one";
                of_row(row, format!("{text:?} is no date")).with_hint(hint)
            });
        }
        parse_timestamp(text).map(Some).ok_or_else(|| {
            let hint = "write times as 2026-11-24 12:00:00, as RFC 3339, or as numbers; leave unknown ones empty";
            of_row(row, format!("{text:?} is no time")).with_hint(hint)
        })
    }
}

/// An error of a row, which counts from 0.
pub fn of_row(row: usize, why: String) -> DataError {
    DataError::unsuitable(Place::source(format!("row {}", row + 1)), why)
}

/// A number of seconds as it is typed: `1min`, `500ms`, `2h`, `1d`; a number alone is seconds.
pub fn parse_duration(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].trim() {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err("write a number and s, ms, min, h or d, as 1min".into()),
    };
    let seconds = digits.trim().parse::<f64>().map_err(|error| format!("{error}: write it as 1min"))? * unit;
    if seconds > 0.0 && seconds.is_finite() { Ok(seconds) } else { Err("it must be more than nothing".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_unit_of_the_first_number() {
        let at = |text| Beside { time: Some(text), group: None };
        let mut clock = Clock::new(&ClockOptions::default());
        assert_eq!(clock.seconds(at("2024-03-31T00:00:00+0100"), 0).unwrap(), Some(1_711_839_600.0));
        assert_eq!(clock.seconds(at("1711839600000"), 0).unwrap(), Some(1_711_839_600.0));
        assert_eq!(clock.seconds(at("1711839600500"), 0).unwrap(), Some(1_711_839_600.5));
        assert_eq!((clock.seconds(at(" "), 0).unwrap(), clock.unit()), (None, TimeUnit::Millisecond));
        let message = clock.seconds(at("soon"), 6).unwrap_err().to_string();
        assert_eq!(message, "row 7: \"soon\" is no time");
        let mut dates = Clock::new(&ClockOptions::default());
        assert_eq!(dates.seconds(at("201801010030"), 0).unwrap(), Some(1_514_766_600.0));
        assert_eq!(dates.seconds(at("201801010060"), 1).unwrap_err().to_string(), "row 2: \"201801010060\" is no date");
        let mut forced = Clock::new(&ClockOptions { time_unit: Some(Unit::Ns) });
        assert_eq!(forced.seconds(at("5000000000"), 0).unwrap(), Some(5.0));
    }

    #[test]
    fn durations_are_typed_with_their_unit() {
        assert_eq!(
            ["1min", "500 ms", "2h", "1d", "7"].map(|text| parse_duration(text).unwrap()),
            [60.0, 0.5, 7200.0, 86_400.0, 7.0]
        );
        for text in ["", "min", "0s", "-1s", "1week", "inf", "1e999"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
