//! Dates as Java's `SimpleDateFormat` writes them, which is how ARFF declares their form.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{NaiveDate, NaiveTime};

/// How the dates of a column are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DateFormat {
    pattern: String,
    items: Vec<Item<'static>>,
}

impl DateFormat {
    /// The pattern of ISO 8601, which holds where none is declared.
    pub(super) const DEFAULT: &'static str = "yyyy-MM-dd'T'HH:mm:ss";

    /// A pattern of Java's letters; the reason where it has one that cannot be read.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let format = strftime(pattern)?;
        let items = StrftimeItems::new(&format).parse_to_owned();
        Ok(Self {
            pattern: pattern.to_owned(),
            items: items.map_err(|error| format!("date format {pattern:?}: {error}"))?,
        })
    }

    /// Seconds since 1970 (UTC). Parts that the pattern lacks are those of 1970-01-01 00:00; without a zone the time is UTC.
    pub(super) fn seconds(&self, text: &str) -> Result<f64, String> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text.trim(), self.items.iter())
            .and_then(|()| seconds(&mut parsed))
            .map_err(|error| format!("{text:?} is not a date written as {:?}: {error}", self.pattern))
    }
}

fn seconds(parsed: &mut Parsed) -> chrono::format::ParseResult<f64> {
    // Each part that is still unknown takes its first value; one that contradicts another stays an error.
    if parsed.year().is_none() && parsed.year_mod_100().is_none() {
        parsed.set_year(1970)?;
    }
    if parsed.ordinal().is_none() {
        if parsed.month().is_none() {
            parsed.set_month(1)?;
        }
        if parsed.day().is_none() {
            parsed.set_day(1)?;
        }
    }
    if parsed.hour_div_12().is_none() {
        parsed.set_ampm(false)?;
    }
    if parsed.hour_mod_12().is_none() {
        parsed.set_hour12(12)?;
    }
    if parsed.minute().is_none() {
        parsed.set_minute(0)?;
    }
    let date: NaiveDate = parsed.to_naive_date()?;
    let time: NaiveTime = parsed.to_naive_time()?;
    let local = date.and_time(time).and_utc();
    let zone = parsed.offset().unwrap_or(0);
    Ok(local.timestamp() as f64 + f64::from(local.timestamp_subsec_nanos()) / 1e9 - f64::from(zone))
}

/// Java's pattern in the letters of `strftime`.
fn strftime(pattern: &str) -> Result<String, String> {
    let mut format = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        let run = rest.chars().take_while(|&other| other == letter).count();
        let mut taken = run * letter.len_utf8();
        let item = match (letter, run) {
            ('y' | 'u', 2) => "%y",
            ('y' | 'u', _) => "%Y",
            ('M' | 'L', 1 | 2) => "%m",
            ('M' | 'L', 3) => "%b",
            ('M' | 'L', _) => "%B",
            ('d', _) => "%d",
            ('D', _) => "%j",
            ('H', _) => "%H",
            ('h', _) => "%I",
            ('m', _) => "%M",
            ('s', _) => "%S",
            ('S', 1..=3) => "%3f",
            ('S', 4..=6) => "%6f",
            ('S', _) => "%9f",
            ('a', _) => "%p",
            ('E', 1..=3) => "%a",
            ('E', _) => "%A",
            ('Z' | 'X' | 'x', _) => "%#z",
            ('\'', _) => {
                let (text, length) =
                    quoted(&rest[1..]).ok_or_else(|| format!("date format {pattern:?}: a quote is not closed"))?;
                format += &text.replace('%', "%%");
                taken = 1 + length;
                ""
            }
            ('%', _) => {
                format += &"%%".repeat(run);
                ""
            }
            _ if letter.is_ascii_alphabetic() => {
                return Err(format!("date format {pattern:?}: the letter {letter} is not supported"));
            }
            _ => {
                format += &rest[..taken];
                ""
            }
        };
        format += item;
        rest = &rest[taken..];
    }
    Ok(format)
}

/// The text up to a closing quote, and how long it is with the quote. Two quotes are one that is meant, inside or alone.
fn quoted(rest: &str) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut letters = rest.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != '\'' {
            text.push(letter);
        } else if at > 0 && letters.next_if(|&(_, next)| next == '\'').is_some() {
            text.push('\'');
        } else {
            return Some((if at == 0 { "'".into() } else { text }, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(pattern: &str, text: &str) -> Result<f64, String> {
        DateFormat::new(pattern)?.seconds(text)
    }

    #[test]
    fn dates_are_seconds_since_1970() {
        assert_eq!(seconds(DateFormat::DEFAULT, "1970-01-02T00:00:01"), Ok(86_401.0));
        assert_eq!(seconds("yyyy-MM-dd HH:mm:ss", "2001-04-03 12:12:12"), Ok(986_299_932.0));
        assert_eq!(seconds("yyyy-MM-dd", "1969-12-31"), Ok(-86_400.0));
        assert_eq!(seconds("dd/MM/yy", "02/01/70"), Ok(86_400.0));
        assert_eq!(seconds("yyyy", "1971"), Ok(365.0 * 86_400.0));
        assert_eq!(seconds("HH:mm", "01:30"), Ok(5_400.0));
        assert_eq!(seconds("h a", "1 PM"), Ok(13.0 * 3_600.0));
        assert_eq!(seconds("MMM d, yyyy", "Jan 3, 1970"), Ok(2.0 * 86_400.0));
        assert_eq!(seconds("yyyy-MM-dd'T'HH:mm:ss.SSSZ", "1970-01-01T01:00:00.250+0100"), Ok(0.25));
        assert_eq!(seconds("'o''clock' HH", "o'clock 02"), Ok(7_200.0));
        assert_eq!(seconds("yyyy''", "1970'"), Ok(0.0));
    }

    #[test]
    fn what_is_no_date_is_an_error() {
        assert!(seconds("yyyy-MM-dd", "2001-02-30").is_err());
        assert!(seconds("yyyy-MM-dd", "yesterday").is_err());
        assert!(seconds("yyyy-MM-dd", "2001-02-03 04:05").is_err());
        assert!(seconds("yyyy 'T", "2001").is_err());
        assert!(seconds("yyyy w", "2001 5").is_err());
    }
}
