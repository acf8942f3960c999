//! What a CSV file does not say about itself, found out from its first rows: the separator, how numbers are written, and whether
//! comments, names or units come first.

use std::collections::HashSet;
use std::io::Read;

use ::csv::ByteRecord;

use super::blanks::Blanks;
use super::records::{Form, Records, skip_lines};
use crate::table::{MAX_LINE, Notation, TableOptions, check_column_count, is_missing, parse_number, unique_names};
use crate::{ByteSource, DataError, Place, Position};

/// Bytes and ends of lines that are looked at, at least, where there are so many.
const SAMPLE: u64 = 1 << 16;
const SAMPLE_LINES: usize = 3;

/// Records that are looked at, at most.
const SAMPLE_RECORDS: usize = 100;

/// Records before a table, at most, and rows of it that must be looked at.
const MOST_BEFORE: usize = 60;
const FEWEST_ROWS: usize = 2;

/// The way out of text in another encoding.
pub(super) const NOT_UTF8: &str =
    "save the file as UTF-8; of Windows or Latin-1 with `iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW`";

/// The separators looked for, those first that are seldom anything else.
pub(super) const SEPARATORS: [u8; 4] = [b'\t', b';', b'|', b','];

pub(super) struct Dialect {
    pub(super) form: Form,
    pub(super) notation: Notation,
    /// Words that stand for a missing value beside the usual ones.
    missing_words: Vec<Vec<u8>>,
    /// Rows before the first with values: of names, and of units.
    pub(super) heads: usize,
    /// Whether the names stand in a comment.
    pub(super) commented: bool,
    /// A name for each column, unlike all others.
    pub(super) names: Vec<String>,
}

impl Dialect {
    /// Looks at the first rows.
    pub(super) fn find(mut source: ByteSource<'_>, options: &TableOptions) -> Result<Self, DataError> {
        let mut skipped = options.text.skip_lines;
        skip_lines(&mut source, skipped)?;
        let (mut sample, complete) = sample(&mut source)?;
        check_text(&source, &sample)?;
        let comment = options.text.comment.or_else(|| without_mark(&sample).starts_with(b"#").then_some(b'#'));
        if skipped == 0
            && let Some((lines, bytes)) = before_table(&sample, comment, options.separator, complete)
        {
            tracing::warn!("{} before the table: passed over; --skip-lines says how many there are", in_words(lines));
            sample.drain(..bytes);
            skipped = lines;
        }
        let text = without_mark(&sample);
        let form = Form { separator: b',', blanks: false, comment, skipped };
        let (form, mut records) = match options.separator {
            Some(separator) => {
                let form = Form { separator, blanks: separator == b' ', ..form };
                (form, records(&sample, form, complete))
            }
            None => find_separator(&sample, form, complete),
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
        let missing_words = missing_words(options);
        let notation = Notation { decimal, thousands };
        let (heads, commented_names) = (0, commented.is_some());
        let mut dialect = Self { form, notation, missing_words, heads, commented: commented_names, names: Vec::new() };
        check_column_count(first.len())?;
        let header = commented.is_none()
            && options.header.unwrap_or_else(|| names_known(first, options) || dialect.is_header(&records));
        let names = match &commented {
            Some(record) => names(record)?,
            None if header => names(first)?,
            None => vec![""; as_written.len()],
        };
        if header && first.len() > as_written.len() {
            tracing::warn!(
                "rows have one cell more than there are names: the {} cell of a row has no name",
                unnamed(first)
            );
        }
        dialect.names = unique_names(names.into_iter());
        dialect.heads = usize::from(header);
        if let Some(units) = records.get(dialect.heads).filter(|_| header || commented.is_some())
            && dialect.is_units(&records[dialect.heads..])
        {
            let units: Vec<_> = units.iter().map(|unit| String::from_utf8_lossy(unit.trim_ascii())).collect();
            tracing::warn!("the row below the names is taken for units: {}", units.join(", "));
            dialect.heads += 1;
        }
        Ok(dialect)
    }

    /// The rows with values.
    pub(super) fn rows<'a>(&self, source: ByteSource<'a>) -> Result<Records<'a>, DataError> {
        let mut records = Records::new(source, self.form)?;
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
        let is_value = self.missing_words.is_empty() || !self.missing_words.iter().any(|word| word == cell);
        is_value.then_some(number)
    }

    /// Whether a cell, without blanks around it, stands for a missing value.
    pub(super) fn is_missing(&self, cell: &[u8]) -> bool {
        is_missing(cell) || self.missing_words.iter().any(|word| word == cell)
    }

    /// Whether the first row looks like names: a word above numbers, or, where no column holds numbers, words that differ from each
    /// other and from all below them.
    fn is_header(&self, records: &[ByteRecord]) -> bool {
        let is_word = |cell: &[u8]| self.number(cell.trim_ascii()).is_none() && !self.is_missing(cell.trim_ascii());
        let Some((first, rest)) = records.split_first() else { return false };
        let mut numbers = false;
        let mut repeated = false;
        for (column, name) in first.iter().enumerate() {
            let below = || self.below(rest, column);
            // A few words among many numbers, as of units or of slips, do not hide that they are numbers.
            let (mut all, mut numeric) = (0, 0);
            for cell in below() {
                all += 1;
                numeric += usize::from(self.number(cell).is_some());
            }
            let numeric = all > 0 && (numeric == all || (all > 2 && numeric + 1 + all / 20 >= all));
            if numeric && is_word(name) {
                return true;
            }
            numbers |= numeric;
            repeated |= below().any(|cell| cell == name.trim_ascii());
        }
        let different = first.iter().collect::<HashSet<_>>().len() == first.len();
        !numbers && !repeated && different && first.iter().all(is_word)
    }

    /// Whether the first of these rows holds units: words, or nothing, in every column, above numbers in at least one, where a row of
    /// values would have numbers.
    fn is_units(&self, rows: &[ByteRecord]) -> bool {
        let Some((first, rest)) = rows.split_first().filter(|(_, rest)| rest.len() > 1) else { return false };
        let mut above_numbers = 0;
        for (column, cell) in first.iter().enumerate() {
            let cell = cell.trim_ascii();
            if self.number(cell).is_some() {
                return false;
            }
            let mut below = self.below(rest, column).peekable();
            let numeric = below.peek().is_some() && below.all(|cell| self.number(cell).is_some());
            above_numbers += usize::from(numeric && !self.is_missing(cell));
        }
        above_numbers > 0
    }

    /// The cells of a column that are not missing.
    fn below<'r>(&'r self, rows: &'r [ByteRecord], column: usize) -> impl Iterator<Item = &'r [u8]> {
        let cells = rows.iter().filter_map(move |record| record.get(column)).map(<[u8]>::trim_ascii);
        cells.filter(|cell| !self.is_missing(cell))
    }
}

/// The words that stand for a missing value beside the usual ones.
pub(super) fn missing_words(options: &TableOptions) -> Vec<Vec<u8>> {
    options.text.missing_words.iter().map(|word| word.trim().as_bytes().to_vec()).collect()
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
fn records(sample: &[u8], form: Form, complete: bool) -> Vec<ByteRecord> {
    let text: Box<dyn Read> = if form.blanks { Box::new(Blanks::new(sample)) } else { Box::new(sample) };
    let mut reader = form.builder().from_reader(text);
    let mut records: Vec<ByteRecord> = reader.byte_records().take(SAMPLE_RECORDS + 1).map_while(Result::ok).collect();
    if records.len() > 1 && (!complete || records.len() > SAMPLE_RECORDS) {
        records.pop();
    }
    records
}

fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// The row of names as long as all rows below it, where it is one cell shorter or longer: names of rows have no name themselves, and some
/// writers end rows, or names, with a separator.
fn aligned(records: &[ByteRecord]) -> Option<ByteRecord> {
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

/// Which cell of a row of names is empty, in words.
fn unnamed(names: &ByteRecord) -> &'static str {
    if names.get(0).is_some_and(<[u8]>::is_empty) { "first" } else { "last" }
}

/// The lines and bytes before a table whose rows, names first, are longer than all that stands before them, as loggers and offices write it.
fn before_table(sample: &[u8], comment: Option<u8>, separator: Option<u8>, complete: bool) -> Option<(usize, usize)> {
    let is_number = |cell: &[u8]| parse_number(cell.trim_ascii()).is_some();
    let mut found = None;
    for separator in separator.map_or(SEPARATORS.to_vec(), |separator| vec![separator]) {
        let form = Form { separator, blanks: false, comment, skipped: 0 };
        let records = records(sample, form, complete);
        let width = records.last().map_or(0, ByteRecord::len);
        let mut from = records.iter().rposition(|record| record.len() != width).map_or(0, |last| last + 1);
        if from > 0 && aligned(&records[from - 1..]).is_some() {
            from -= 1;
        }
        if from == 0 && width > 1 {
            return None;
        }
        let (before, table) = records.split_at(from);
        let is_before = |record: &ByteRecord| record.len() < width && !record.iter().all(is_number);
        let is_table = table.len() > FEWEST_ROWS && !table[0].iter().any(is_number);
        let has_numbers = || table[1..].iter().all(|row| row.iter().any(is_number));
        if (1..=MOST_BEFORE).contains(&from)
            && before.iter().all(is_before)
            && is_table
            && has_numbers()
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

fn in_words(lines: usize) -> String {
    if lines == 1 { "a line".to_owned() } else { format!("{lines} lines") }
}

/// The first separator that cuts all rows in the same number of cells, or else the one that cuts the first row in the most.
fn find_separator(sample: &[u8], form: Form, complete: bool) -> (Form, Vec<ByteRecord>) {
    let mut best: Option<(Form, Vec<ByteRecord>)> = None;
    for separator in SEPARATORS {
        let form = Form { separator, ..form };
        let records = records(sample, form, complete);
        let width = records.first().map_or(0, ByteRecord::len);
        if width > 1 && records.iter().all(|record| record.len() == width) {
            return (form, records);
        }
        if best.as_ref().is_none_or(|(_, best)| width >= best.first().map_or(0, ByteRecord::len)) {
            best = Some((form, records));
        }
    }
    let blanks = Form { separator: b' ', blanks: true, ..form };
    let cut = records(sample, blanks, complete);
    if is_table_of_numbers(&cut) {
        return (blanks, cut);
    }
    best.unwrap_or_else(|| (form, records(sample, form, complete)))
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

/// The names in the last comment before the first row, as `# time a b`: as many cells as the rows have, above numbers.
fn names_in_comment(text: &[u8], form: Form, records: &[ByteRecord]) -> Option<ByteRecord> {
    let comment = form.comment?;
    let line = text.split(|&byte| byte == b'\n').take_while(|line| line.first() == Some(&comment)).last()?;
    let cells = self::records(&line[1..], Form { comment: None, ..form }, true).into_iter().next()?;
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
