//! The first rows cut into cells in several ways: by which separator, and what stands before the table.

use std::io::Read;

use ::csv::ByteRecord;

use super::blanks::Blanks;
use super::heads::are_numbered_names;
use super::records::Form;
use crate::table::{is_missing, parse_number};

/// Records that are looked at, at most.
const SAMPLE_RECORDS: usize = 100;

/// Records before a table, at most, and rows of it that must be looked at.
pub(super) const MOST_BEFORE: usize = 60;
const FEWEST_ROWS: usize = 2;

/// Rows by which the number of columns is told, at most.
const LAST_ROWS: usize = 5;

/// The separators looked for, those first that are seldom anything else.
pub(super) const SEPARATORS: [u8; 4] = [b'\t', b';', b'|', b','];

/// A sample cut into records in one way.
pub(super) struct Cut {
    pub form: Form,
    /// The whole ones at its start.
    pub records: Vec<ByteRecord>,
}

impl Cut {
    pub fn new(sample: &[u8], form: Form, complete: bool) -> Self {
        let text: Box<dyn Read> = if form.blanks { Box::new(Blanks::new(sample)) } else { Box::new(sample) };
        let mut reader = form.builder().from_reader(text);
        let mut records: Vec<ByteRecord> =
            reader.byte_records().take(SAMPLE_RECORDS + 1).map_while(Result::ok).collect();
        if records.len() > 1 && (!complete || records.len() > SAMPLE_RECORDS) {
            records.pop();
        }
        Self { form, records }
    }

    /// By each separator, or by the one that is known.
    pub fn each(sample: &[u8], form: Form, separator: Option<u8>, complete: bool) -> Vec<Self> {
        let separators = separator.map_or(SEPARATORS.to_vec(), |separator| vec![separator]);
        let by = |separator| Self::new(sample, Form { separator, blanks: separator == b' ', ..form }, complete);
        separators.into_iter().map(by).collect()
    }

    /// The cells of most of the last records, for a few may be short, and the first record that has as many.
    fn usual(&self) -> (usize, usize) {
        let last = &self.records[self.records.len().saturating_sub(LAST_ROWS)..];
        let count = |width: usize| last.iter().filter(|record| record.len() == width).count();
        let width = last.iter().map(ByteRecord::len).max_by_key(|&width| (count(width), width)).unwrap_or(0);
        (width, self.records.iter().position(|record| record.len() == width).unwrap_or(0))
    }
}

/// The row of names as long as all rows below it, where it is one cell shorter or longer: names of rows have no name themselves, and some
/// writers end rows, or names, with a separator.
pub(super) fn aligned(records: &[ByteRecord]) -> Option<ByteRecord> {
    let (first, rest) = records.split_first().filter(|(_, rest)| rest.len() >= FEWEST_ROWS)?;
    let width = rest[0].len();
    let ends_empty = |record: &ByteRecord| record.iter().next_back().is_some_and(|cell| cell.trim_ascii().is_empty());
    if rest.iter().any(|record| record.len() != width)
        || first.iter().any(|cell| parse_number(cell.trim_ascii()).is_some())
    {
        return None;
    }
    let nothing: &[u8] = b"";
    if first.len() + 1 == width && width > 2 {
        let is_first = !rest.iter().all(ends_empty);
        let (before, behind) = if is_first { (Some(nothing), None) } else { (None, Some(nothing)) };
        return Some(before.into_iter().chain(first).chain(behind).collect());
    }
    (first.len() == width + 1 && ends_empty(first)).then(|| first.iter().take(width).collect())
}

/// The lines and bytes before a table whose rows, names first, are longer than all that stands before them, as loggers and offices write it.
pub(super) fn before_table(sample: &[u8], cuts: &[Cut]) -> Option<(usize, usize)> {
    let is_number = |cell: &[u8]| parse_number(cell.trim_ascii()).is_some();
    let mut found = None;
    // The places of cells between blanks are not those of the sample.
    for cut in cuts.iter().filter(|cut| !cut.form.blanks) {
        let (width, mut from) = cut.usual();
        if from > 0 && aligned(&cut.records[from - 1..]).is_some() {
            from -= 1;
        }
        if from == 0 && width > 1 {
            return None;
        }
        let (before, table) = cut.records.split_at(from);
        let is_before = |record: &ByteRecord| record.len() < width && !record.iter().all(is_number);
        let are_names = |(first, rest): (&ByteRecord, &[ByteRecord])| {
            !first.iter().any(is_number) || are_numbered_names(first, rest)
        };
        let is_table = table.len() > FEWEST_ROWS && table.split_first().is_some_and(are_names);
        // Of some rows nothing may be known.
        let with_numbers = || table[1..].iter().filter(|row| row.iter().any(is_number)).count();
        let has_numbers = || with_numbers() * 10 >= (table.len() - 1) * 9;
        let are_whole = || table.iter().filter(|row| row.len() < width).count() * 4 <= table.len();
        if (1..=MOST_BEFORE).contains(&from)
            && before.iter().all(is_before)
            && is_table
            && has_numbers()
            && are_whole()
            && found.is_none_or(|(most, _)| width > most)
        {
            found = Some((width, table[0].position()?.byte() as usize));
        }
    }
    let (_, mut bytes) = found?;
    let is_end = |byte: &&u8| matches!(byte, b'\n' | b'\r');
    bytes += sample[bytes..].iter().take_while(is_end).count();
    Some((sample[..bytes].iter().filter(|&&byte| byte == b'\n').count(), bytes))
}

/// The first separator that cuts all rows in the same number of cells, or else the one that cuts the first row in the most.
pub(super) fn find_separator(sample: &[u8], cuts: Vec<Cut>, complete: bool) -> Cut {
    let width = |cut: &Cut| cut.records.first().map_or(0, ByteRecord::len);
    let is_even = |cut: &Cut| width(cut) > 1 && cut.records.iter().all(|record| record.len() == width(cut));
    let best = cuts.iter().position(is_even);
    // Of several that cut it in as many, the last.
    let widest = || cuts.iter().enumerate().max_by_key(|(_, cut)| width(cut)).map_or(0, |(at, _)| at);
    let at = best.unwrap_or_else(widest);
    if best.is_none() {
        let blanks = Cut::new(sample, Form { separator: b' ', blanks: true, ..cuts[at].form }, complete);
        if is_table_of_numbers(&blanks.records) {
            return blanks;
        }
    }
    cuts.into_iter().nth(at).expect("there are separators")
}

/// Whether blanks cut rows alike, and numbers come of it: words stand beside each other in any text.
fn is_table_of_numbers(records: &[ByteRecord]) -> bool {
    let width = records.get(1).map_or(0, ByteRecord::len);
    let numbers =
        |record: &ByteRecord| record.iter().filter(|cell| parse_number(cell).is_some() || is_missing(cell)).count();
    width > 1
        && records.len() > 1
        && records[1..].iter().all(|record| record.len() == width)
        && (records[0].len() == width || aligned(records).is_some())
        && records[1..].iter().filter(|record| numbers(record) * 2 >= width).count() * 10 >= (records.len() - 1) * 9
}
