//! What a CSV file does not say about itself, found out from its first rows: the separator, how numbers are written, and whether
//! comments, names or units come first.

use std::io::Read;

use ::csv::ByteRecord;

use super::cuts::{Cut, aligned, before_table, find_separator};
use super::heads::{Heads, binary_station_line, is_time, station_line};
use super::records::{Form, Records, line_end, skip_lines, with_line_feeds};
use crate::table::{
    MAX_LINE, MissingWords, Notation, TableOptions, check_column_count, is_missing, parse_number, unique_names,
};
use crate::{ByteSource, DataError, Place, Position};

/// Bytes and ends of lines that are looked at, at least, where there are so many.
const SAMPLE: u64 = 1 << 16;
const SAMPLE_LINES: usize = 3;

/// The way out of text in another encoding.
pub(super) const NOT_UTF8: &str =
    "save the file as UTF-8; of Windows or Latin-1 with `iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW`";

pub(super) struct Dialect {
    pub(super) form: Form,
    pub(super) notation: Notation,
    /// Words that stand for a missing value beside the usual ones.
    pub(super) missing_words: MissingWords,
    /// Rows before the first with values: of names, and of units.
    pub(super) heads: usize,
    /// Whether the names stand in a comment.
    pub(super) commented: bool,
    /// A name for each column, unlike all others.
    pub(super) names: Vec<String>,
    /// Whether rows with fewer cells are errors.
    pub(super) strict: bool,
}

impl Dialect {
    /// Looks at the first rows.
    pub(super) fn find(mut source: ByteSource<'_>, options: &TableOptions) -> Result<Self, DataError> {
        let (skipped, line_end) = (options.text.skip_lines, line_end(source.head()));
        skip_lines(&mut source, skipped, line_end)?;
        let (mut sample, complete) = sample(&mut source, line_end)?;
        check_text(&source, &sample)?;
        let station = (skipped == 0).then(|| station_line(without_mark(&sample))).flatten();
        with_line_feeds(&mut sample, line_end);
        let comment = options.text.comment.or_else(|| without_mark(&sample).starts_with(b"#").then_some(b'#'));
        let separator = options.separator;
        let mut form = Form { separator: b',', blanks: false, comment, skipped, line_end };
        if let Some(name) = station {
            tracing::warn!("the first line says that this is a table of {name}, and of which station: passed over");
            let end = sample.iter().position(|&byte| byte == b'\n').map_or(sample.len(), |end| end + 1);
            sample.drain(..end);
            form.skipped = 1;
        }
        let mut cuts = Cut::each(&sample, form, separator, complete);
        if form.skipped == 0
            && let Some((lines, bytes)) = before_table(&sample, &cuts)
        {
            tracing::warn!("{} before the table: passed over; --skip-lines says how many there are", in_words(lines));
            sample.drain(..bytes);
            form.skipped = lines;
            cuts = Cut::each(&sample, form, separator, complete);
        }
        let text = without_mark(&sample);
        let Cut { form, mut records } = match separator {
            Some(_) => cuts.swap_remove(0),
            None => find_separator(text, cuts, complete),
        };
        // Names can stand in the last of the comments.
        let commented = (options.text.comment.is_none() && options.header.is_none())
            .then(|| names_in_comment(text, form, &records))
            .flatten();
        let as_written = records.first().cloned().ok_or_else(|| DataError::empty(Place::default()))?;
        let aligned = aligned(&records).filter(|_| options.header != Some(false));
        if let Some(first) = &aligned {
            records[0] = first.clone();
        }
        let first = &records[0];
        let cells = records.iter().flat_map(|record| record.iter().map(|cell| cell.trim_ascii()));
        let found = Notation::of(cells, form.separator);
        let decimal = options.text.decimal.unwrap_or(found.decimal);
        let thousands = options.text.thousands.or(found.thousands).filter(|&separator| separator != decimal);
        let notation = Notation { decimal, thousands };
        let missing_words = MissingWords::new(&options.text, notation);
        let commented_names = commented.is_some();
        let strict = options.text.strict;
        let mut dialect =
            Self { form, notation, missing_words, heads: 0, commented: commented_names, names: Vec::new(), strict };
        check_column_count(first.len())?;
        if options.text.decimal.is_none() && options.text.thousands.is_none() {
            dialect.tell_ambiguous(&records);
        }
        let known = options.header.or_else(|| names_known(first, options).then_some(true));
        let heads = Heads::find(&records, &dialect, known, commented.is_some());
        let names = match &commented {
            Some(record) => names(record)?,
            None if heads.names => names(&records[heads.groups])?,
            None => vec![""; as_written.len()],
        };
        if heads.names && first.len() > as_written.len() {
            tracing::warn!(
                "rows have one cell more than there are names: the {} cell of a row has no name",
                unnamed(first)
            );
        }
        let is_word = |cell: &[u8]| dialect.is_word(cell.trim_ascii()) && !is_time(cell.trim_ascii());
        if !heads.names
            && commented.is_none()
            && known.is_none()
            && options.schema.is_none()
            && first.iter().any(is_word)
        {
            tracing::warn!(
                "no row of names was found: the first row is read as values, and columns are called \"column1\", …; \
                 `TableOptions::header` says that the first row holds the names"
            );
        }
        dialect.names = unique_names(names.into_iter());
        dialect.heads = heads.groups + usize::from(heads.names);
        let row = |at: usize| {
            let cells: Vec<_> = records[at].iter().map(|unit| String::from_utf8_lossy(unit.trim_ascii())).collect();
            cells.join(", ")
        };
        if heads.groups > 0 {
            tracing::warn!("the row above the names is taken for titles of several columns: {}", row(0));
        }
        match heads.units {
            0 => {}
            1 => tracing::warn!("the row below the names is taken for units: {}", row(dialect.heads)),
            rows => {
                let rows: Vec<String> = (dialect.heads..dialect.heads + rows).map(row).collect();
                tracing::warn!(
                    "{} rows below the names are words above numbers, such as units, and no values: {}",
                    rows.len(),
                    rows.join("; ")
                );
            }
        }
        dialect.heads += heads.units;
        Ok(dialect)
    }

    /// The rows with values.
    pub(super) fn rows<'a>(&self, source: ByteSource<'a>) -> Result<Records<'a>, DataError> {
        let mut records = Records::new(source, self.form)?.of_columns(self.names.len());
        for _ in 0..self.heads {
            records.next(&mut ByteRecord::new())?;
        }
        Ok(records)
    }

    /// The number that a cell holds, which has no blanks around it.
    #[inline]
    pub(super) fn number(&self, cell: &[u8]) -> Option<f32> {
        let number = self.notation.parse(cell)?;
        // Loggers write -999 and the like.
        let is_value = self.missing_words.is_empty() || !self.missing_words.has(cell, Some(number));
        is_value.then_some(number)
    }

    /// Whether a decimal with a point is a number whatever else its table holds.
    pub(super) fn has_plain_decimals(&self) -> bool {
        self.missing_words.is_empty() && self.notation.thousands != Some(b'.')
    }

    /// Whether a cell, without blanks around it, stands for a missing value.
    pub(super) fn is_missing(&self, cell: &[u8]) -> bool {
        is_missing(cell) || !self.missing_words.is_empty() && self.missing_words.has(cell, self.notation.parse(cell))
    }
}

/// The first bytes, and whether they are all.
fn sample(source: &mut ByteSource<'_>, line_end: u8) -> Result<(Vec<u8>, bool), DataError> {
    let mut sample = Vec::new();
    loop {
        let before = sample.len();
        let read = source.by_ref().take(SAMPLE).read_to_end(&mut sample);
        read.map_err(|error| source.read_error(error))?;
        if (sample.len() - before) < SAMPLE as usize {
            return Ok((sample, true));
        }
        let lines = sample.iter().filter(|&&byte| byte == line_end).take(SAMPLE_LINES).count();
        if lines == SAMPLE_LINES || sample.len() > MAX_LINE {
            return Ok((sample, false));
        }
    }
}

fn check_text(source: &ByteSource<'_>, sample: &[u8]) -> Result<(), DataError> {
    let hint = "save the file as text in UTF-8";
    if let Some(name) = binary_station_line(sample) {
        let why = format!("is a table of {name}, whose rows are no text");
        return Err(DataError::unsuitable(source.place(Position::Whole), why)
            .with_hint("write it as TOA5, as LoggerNet's CardConvert does, or as CSV"));
    }
    if sample.starts_with(&[0xff, 0xfe]) || sample.starts_with(&[0xfe, 0xff]) {
        return Err(DataError::malformed(source.place(Position::Whole), "the text is UTF-16").with_hint(hint));
    }
    match sample.iter().position(|&byte| byte == 0) {
        Some(at) if is_utf16(sample) => {
            let place = source.place(Position::Byte(at as u64));
            Err(DataError::malformed(place, "every other byte is zero, so the text seems to be UTF-16 without a mark")
                .with_hint("write it as UTF-8: `iconv -f UTF-16LE -t UTF-8 FILE > NEW`, or with UTF-16BE"))
        }
        Some(at) => {
            let place = source.place(Position::Byte(at as u64));
            Err(DataError::malformed(place, "a zero byte stands here, so this is no text").with_hint(hint))
        }
        None => Ok(()),
    }
}

/// Whether one byte of most pairs of bytes is zero, and the other is not.
fn is_utf16(text: &[u8]) -> bool {
    let zeros = |from: usize| text.iter().skip(from).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), text.len() / 2);
    pairs > 1 && even.max(odd) * 10 >= pairs * 8 && even.min(odd) * 10 <= pairs
}

fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Which cell of a row of names is empty, in words.
fn unnamed(names: &ByteRecord) -> &'static str {
    if names.get(0).is_some_and(<[u8]>::is_empty) { "first" } else { "last" }
}

fn in_words(lines: usize) -> String {
    if lines == 1 { "a line".to_owned() } else { format!("{lines} lines") }
}

/// The names in the last comment before the first row, as `# time a b`: as many cells as the rows have, above numbers.
fn names_in_comment(text: &[u8], form: Form, records: &[ByteRecord]) -> Option<ByteRecord> {
    let comment = form.comment?;
    let line = text.split(|&byte| byte == b'\n').take_while(|line| line.first() == Some(&comment)).last()?;
    let cells = Cut::new(&line[1..], Form { comment: None, ..form }, true).records.into_iter().next()?;
    let first = records.first()?;
    let is_row = |record: &ByteRecord| record.iter().any(|cell| parse_number(cell.trim_ascii()).is_some());
    (cells.len() == first.len() && first.len() > 1 && is_row(first) && !is_row(&cells)).then_some(cells)
}

/// Whether the first row has the name of a column that is asked for, other than those given to columns without a name.
fn names_known(first: &ByteRecord, options: &TableOptions) -> bool {
    let column = options.schema.as_ref().and_then(|schema| schema.columns.first()).map(|column| column.name.as_str());
    let made =
        |name: &str| name.strip_prefix("column").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let asked = || [column, options.label.as_deref()].into_iter().flatten().filter(|name| !made(name));
    first.iter().any(|cell| asked().any(|name| cell.trim_ascii() == name.as_bytes()))
}

fn names(first: &ByteRecord) -> Result<Vec<&str>, DataError> {
    first.iter().map(|cell| std::str::from_utf8(cell.trim_ascii())).collect::<Result<_, _>>().map_err(|_| {
        DataError::malformed(Place::line(1), "the names of the columns are not text in UTF-8").with_hint(NOT_UTF8)
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
        assert_eq!(dialect("a,b,c\n1,2,3\n").form.separator, b',');
        assert_eq!(dialect("a;b\n1,5;2,5\n").form.separator, b';');
        assert_eq!(dialect("1,5;2,5\n3,5;4,5\n").form.separator, b';');
        assert_eq!(dialect("a\tb\nx, y\tz\n").form.separator, b'\t');
        assert_eq!(dialect("a|b\n1|2\n").form.separator, b'|');
        assert_eq!(dialect("name;age\nsmith, john;3\n1, 2, 3;4").form.separator, b';');
        assert_eq!(dialect("\"a;b\",c\n\"d;e;f\",g\n").form.separator, b',');
        assert_eq!(dialect("only\n1\n2\n").form.separator, b',');
    }

    #[test]
    fn names_are_as_many_as_the_cells_of_a_row() {
        assert_eq!(dialect("a,b\nx,1,2\ny,3,4\n").names, ["column1", "a", "b"]);
        assert_eq!(dialect("a,b\n1,2,\n3,4,\n").names, ["a", "b", "column3"]);
        assert_eq!(dialect("a,b,\n1,2\n3,4\n").names, ["a", "b"]);
        let r = dialect("\"a b\" \"c\"\n\"x y\" 1.5 NA\n\"z\" 2.5 3\n");
        assert_eq!((r.form.blanks, &r.names[..]), (true, &["column1".to_owned(), "a b".into(), "c".into()][..]));
        assert_eq!(dialect("1,2\n1,2,3\n1,2,3\n").names.len(), 2);
        assert_eq!(dialect("a,b\n1,2,3\n1,2\n").names.len(), 2);
    }

    #[test]
    fn lines_before_a_table_are_passed_over() {
        let logger = "Logger: X7\nSerial, 12\n\nTime,T (C),RH\n1,20.5,40\n2,20.6,41\n";
        let found = dialect(logger);
        assert_eq!((found.form.skipped, found.heads, &found.names[1][..]), (3, 1, "T (C)"));
        assert_eq!(dialect("Series: a\nid,year,value,\nx,1959,1\nx,1960,2\n").names, ["id", "year", "value"]);
        for table in
            ["value\n1,5\n2,5\n", "1\n2\na,b\n1,2\n3,4\n", "a,b\n1,2\n3,4\n5,6,7\n", "a b\n1 2\n3 4\n", "a\n1\n"]
        {
            assert_eq!(dialect(table).form.skipped, 0, "{table}");
        }
    }

    #[test]
    fn a_ragged_file_is_cut_as_its_first_row_is() {
        assert_eq!(dialect("a,b,c\n1,2\n").form.separator, b',');
    }

    #[test]
    fn names_are_words_above_numbers() {
        assert_eq!(dialect("age,city\n3,Rome\n4,Oslo\n").names, ["age", "city"]);
        assert!(dialect("id,2019,2020\n1,2,3\n").heads > 0);
        assert!(dialect("1,2\n3,4\n").heads == 0);
        assert!(dialect("5,Rome\n3,Oslo\n").heads == 0);
        assert!(dialect(",x\n0,1.5\n").heads > 0);
    }

    #[test]
    fn names_above_words_only_differ_from_all_of_them() {
        assert!(dialect("outlook,windy\nsunny,yes\nrainy,no\nsunny,no\n").heads > 0);
        assert!(dialect("sunny,yes\nrainy,no\nsunny,no\n").heads == 0);
        assert!(dialect("a,b\n").heads > 0);
        assert!(dialect("a,b,3\n").heads == 0);
    }

    #[test]
    fn a_column_that_is_asked_for_shows_that_names_come_first() {
        let options = TableOptions { label: Some("2020".into()), ..Default::default() };
        let source = ByteSource::from_bytes("t", b"2019,2020\n1,2\n").unwrap();
        assert!(Dialect::find(source, &options).unwrap().heads > 0);
    }
}
