//! What a CSV file does not say about itself, found out from its first rows: the separator, and whether names come first.

use std::collections::HashSet;
use std::io::Read;

use ::csv::ByteRecord;

use super::records::builder;
use crate::table::{
    MAX_LINE, TableOptions, check_column_count, is_missing, parse_number, parse_number_with_comma, unique_names,
};
use crate::{ByteSource, DataError, Place, Position};

/// Bytes and ends of lines that are looked at, at least, where there are so many.
const SAMPLE: u64 = 1 << 16;
const SAMPLE_LINES: usize = 3;

/// Records that are looked at, at most.
const SAMPLE_RECORDS: usize = 100;

/// The separators looked for, those first that are seldom anything else.
pub(super) const SEPARATORS: [u8; 4] = [b'\t', b';', b'|', b','];

pub(super) struct Dialect {
    pub(super) separator: u8,
    /// Whether the first row holds the columns' names.
    pub(super) header: bool,
    /// A name for each column, unlike all others.
    pub(super) names: Vec<String>,
}

impl Dialect {
    /// Looks at the first rows.
    pub(super) fn find(mut source: ByteSource<'_>, options: &TableOptions) -> Result<Self, DataError> {
        let (sample, complete) = sample(&mut source)?;
        check_text(&source, &sample)?;
        let (separator, records) = match options.separator {
            Some(separator) => (separator, records(&sample, separator, complete)),
            None => find_separator(&sample, complete),
        };
        let Some(first) = records.first() else { return Err(DataError::empty(Place::default())) };
        let header = options.header.unwrap_or_else(|| names_known(first, options) || is_header(&records, separator));
        check_column_count(first.len())?;
        let names = if header { names(first)? } else { vec![""; first.len()] };
        Ok(Self { separator, header, names: unique_names(names.into_iter()) })
    }
}

/// The first bytes, and whether they are all.
fn sample(source: &mut ByteSource<'_>) -> Result<(Vec<u8>, bool), DataError> {
    let mut sample = Vec::new();
    loop {
        let before = sample.len();
        let read = source.by_ref().take(SAMPLE).read_to_end(&mut sample);
        read.map_err(|error| source.read_error(error))?;
        if (sample.len() - before) < SAMPLE as usize {
            return Ok((sample, true));
        }
        let lines = sample.iter().filter(|&&byte| byte == b'\n').take(SAMPLE_LINES).count();
        if lines == SAMPLE_LINES || sample.len() > MAX_LINE {
            return Ok((sample, false));
        }
    }
}

fn check_text(source: &ByteSource<'_>, sample: &[u8]) -> Result<(), DataError> {
    let hint = "save the file as text in UTF-8";
    if sample.starts_with(&[0xff, 0xfe]) || sample.starts_with(&[0xfe, 0xff]) {
        return Err(DataError::malformed(source.place(Position::Whole), "the text is UTF-16").with_hint(hint));
    }
    match sample.iter().position(|&byte| byte == 0) {
        Some(at) => {
            let place = source.place(Position::Byte(at as u64));
            Err(DataError::malformed(place, "a zero byte stands here, so this is no text").with_hint(hint))
        }
        None => Ok(()),
    }
}

/// The whole records at the start of the sample.
fn records(sample: &[u8], separator: u8, complete: bool) -> Vec<ByteRecord> {
    let mut reader = builder(separator).from_reader(sample);
    let mut records: Vec<ByteRecord> = reader.byte_records().take(SAMPLE_RECORDS + 1).map_while(Result::ok).collect();
    if records.len() > 1 && (!complete || records.len() > SAMPLE_RECORDS) {
        records.pop();
    }
    records
}

/// The first separator that cuts all rows in the same number of cells, or else the one that cuts the first row in the most.
fn find_separator(sample: &[u8], complete: bool) -> (u8, Vec<ByteRecord>) {
    let mut best: Option<(u8, Vec<ByteRecord>)> = None;
    for separator in SEPARATORS {
        let records = records(sample, separator, complete);
        let width = records.first().map_or(0, ByteRecord::len);
        if width > 1 && records.iter().all(|record| record.len() == width) {
            return (separator, records);
        }
        if best.as_ref().is_none_or(|(_, best)| width >= best.first().map_or(0, ByteRecord::len)) {
            best = Some((separator, records));
        }
    }
    best.unwrap_or_else(|| (b',', records(sample, b',', complete)))
}

/// Whether the first row has the name of a column that is asked for, other than those given to columns without a name.
fn names_known(first: &ByteRecord, options: &TableOptions) -> bool {
    let column = options.schema.as_ref().and_then(|schema| schema.columns.first()).map(|column| column.name.as_str());
    let made =
        |name: &str| name.strip_prefix("column").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let asked = || [column, options.label.as_deref()].into_iter().flatten().filter(|name| !made(name));
    first.iter().any(|cell| asked().any(|name| cell.trim_ascii() == name.as_bytes()))
}

/// Whether the first row looks like names: a word above numbers, or, where no column holds numbers, words that differ from each
/// other and from all below them.
fn is_header(records: &[ByteRecord], separator: u8) -> bool {
    let parse = if separator == b';' { parse_number_with_comma } else { parse_number };
    let is_word = |cell: &[u8]| parse(cell.trim_ascii()).is_none() && !is_missing(cell.trim_ascii());
    let Some((first, rest)) = records.split_first() else { return false };
    let mut numbers = false;
    let mut repeated = false;
    for (column, name) in first.iter().enumerate() {
        let below =
            || rest.iter().filter_map(|record| record.get(column)).filter(|cell| !is_missing(cell.trim_ascii()));
        let numeric = below().next().is_some() && below().all(|cell| parse(cell.trim_ascii()).is_some());
        if numeric && is_word(name) {
            return true;
        }
        numbers |= numeric;
        repeated |= below().any(|cell| cell.trim_ascii() == name.trim_ascii());
    }
    let different = first.iter().collect::<HashSet<_>>().len() == first.len();
    !numbers && !repeated && different && first.iter().all(is_word)
}

fn names(first: &ByteRecord) -> Result<Vec<&str>, DataError> {
    first.iter().map(|cell| std::str::from_utf8(cell.trim_ascii())).collect::<Result<_, _>>().map_err(|_| {
        DataError::malformed(Place::line(1), "the names of the columns are not text in UTF-8")
            .with_hint("save the file as UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(text: &str) -> Dialect {
        Dialect::find(ByteSource::from_bytes("t", text.as_bytes()).unwrap(), &TableOptions::default()).unwrap()
    }

    #[test]
    fn the_separator_is_the_one_that_cuts_all_rows_alike() {
        assert_eq!(dialect("a,b,c\n1,2,3\n").separator, b',');
        assert_eq!(dialect("a;b\n1,5;2,5\n").separator, b';');
        assert_eq!(dialect("1,5;2,5\n3,5;4,5\n").separator, b';');
        assert_eq!(dialect("a\tb\nx, y\tz\n").separator, b'\t');
        assert_eq!(dialect("a|b\n1|2\n").separator, b'|');
        assert_eq!(dialect("name;age\nsmith, john;3\n1, 2, 3;4").separator, b';');
        assert_eq!(dialect("\"a;b\",c\n\"d;e;f\",g\n").separator, b',');
        assert_eq!(dialect("only\n1\n2\n").separator, b',');
    }

    #[test]
    fn a_ragged_file_is_cut_as_its_first_row_is() {
        assert_eq!(dialect("a,b,c\n1,2\n").separator, b',');
    }

    #[test]
    fn names_are_words_above_numbers() {
        assert_eq!(dialect("age,city\n3,Rome\n4,Oslo\n").names, ["age", "city"]);
        assert!(dialect("id,2019,2020\n1,2,3\n").header);
        assert!(!dialect("1,2\n3,4\n").header);
        assert!(!dialect("5,Rome\n3,Oslo\n").header);
        assert!(dialect(",x\n0,1.5\n").header);
    }

    #[test]
    fn names_above_words_only_differ_from_all_of_them() {
        assert!(dialect("outlook,windy\nsunny,yes\nrainy,no\nsunny,no\n").header);
        assert!(!dialect("sunny,yes\nrainy,no\nsunny,no\n").header);
        assert!(dialect("a,b\n").header);
        assert!(!dialect("a,b,3\n").header);
    }

    #[test]
    fn a_column_that_is_asked_for_shows_that_names_come_first() {
        let options = TableOptions { label: Some("2020".into()), ..Default::default() };
        let source = ByteSource::from_bytes("t", b"2019,2020\n1,2\n").unwrap();
        assert!(Dialect::find(source, &options).unwrap().header);
    }
}
