//! CSV that comes line by line and never ends: a model's columns, found by name in a header. Each line is a row, and one that cannot be
//! read is that line's error alone.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use enkoder::{Cell, Column, Encoded, Schema};

use super::blanks::Blanks;
use super::cuts::{MOST_BEFORE, SEPARATORS};
use super::dialect::NOT_UTF8;
use super::heads::station_line;
use super::ragged::in_cells;
use super::records::Form;
use crate::table::{
    BadCells, MissingWords, Notation, TableOptions, check_column_count, is_missing, missing_column, parse_number,
    unique_names,
};
use crate::{DataError, Place};

/// Reads the rows of a stream.
///
/// ```
/// use enkoder::{Column, Schema};
/// use enkoder_data::{CsvLines, TableOptions};
///
/// let schema = Some(Schema::new(vec![Column::numeric("b"), Column::categorical("state", vec!["on".into(), "off".into()])]));
/// let mut lines = CsvLines::new(b"a;state;b", &TableOptions { schema, ..TableOptions::default() })?;
/// let mut row = Vec::new();
/// lines.read(b"x;off;1,5", &mut row)?;
/// assert_eq!(row, [1.5, 0.0, 1.0]);
/// assert_eq!(lines.cell(0), "x");
/// assert!(lines.read(b"x;off", &mut row).is_err() && row.is_empty());
/// # Ok::<(), enkoder_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct CsvLines {
    form: Form,
    /// How numbers are written.
    notation: Notation,
    missing_words: MissingWords,
    bad_cells: BadCells,
    names: Vec<String>,
    /// The columns of the model, and where each stands in a line.
    columns: Vec<(usize, Column, Range<usize>)>,
    features: usize,
    /// The line read last, and where its cells lie; those of a line with quotes are copied out of it.
    line: Vec<u8>,
    cells: Vec<Range<usize>>,
}

impl CsvLines {
    /// For lines below this header, which are read as [`TableOptions::schema`] says; where it says nothing, all columns are numbers.
    /// The separator is the one that the model's columns are found with, or blanks; the header may stand in a comment, as `# time a b`. Numbers and missing values are written as
    /// [`TableOptions::text`] says; without a word there, fractions stand behind a comma between semicolons and behind a point elsewhere.
    ///
    /// # Errors
    /// When the header is no text, or lacks a column of the model.
    pub fn new(header: &[u8], options: &TableOptions) -> Result<Self, DataError> {
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let mark = options.text.comment.unwrap_or(b'#');
        let in_comment = header.strip_prefix(&[mark]);
        let comment = options.text.comment.or(in_comment.map(|_| mark));
        let cut_from = |header: &[u8], separator| {
            let mut lines = Self::empty(separator, comment);
            lines.cut(header);
            lines
        };
        let cut = |separator| cut_from(header, separator);
        let needed = |column: &Column| column.name.as_bytes().to_vec();
        let needed: Vec<Vec<u8>> = options.schema.iter().flat_map(|schema| &schema.columns).map(needed).collect();
        let holds_all =
            |lines: &Self| needed.iter().all(|name| (0..lines.cells.len()).any(|at| lines.bytes(at) == name));
        let separators = || SEPARATORS.into_iter().chain([b' ']);
        let usual = || separators().map(cut).find(|lines| lines.cells.len() > 1 && holds_all(lines));
        let of_comment = |header: &[u8]| separators().map(|by| cut_from(header, by)).find(|lines| holds_all(lines));
        let found = in_comment.filter(|_| !needed.is_empty()).and_then(of_comment).or_else(usual);
        let in_line = || SEPARATORS.into_iter().find(|separator| header.contains(separator)).unwrap_or(b',');
        let mut lines = match options.separator {
            Some(separator) => cut_from(in_comment.unwrap_or(header), separator),
            None => found.unwrap_or_else(|| cut(in_line())),
        };
        let usual = if lines.form.separator == b';' { b',' } else { b'.' };
        let decimal = options.text.decimal.unwrap_or(usual);
        let thousands = options.text.thousands.filter(|&thousands| thousands != decimal);
        lines.notation = Notation { decimal, thousands };
        lines.missing_words = MissingWords::new(&options.text, lines.notation);
        lines.bad_cells = options.text.bad_cells;
        check_column_count(lines.cells.len())?;
        let names: Result<Vec<&str>, _> =
            (0..lines.cells.len()).map(|at| std::str::from_utf8(lines.bytes(at))).collect();
        let names = names.map_err(|_| {
            DataError::malformed(Place::line(1), "the names of the columns are not text in UTF-8").with_hint(NOT_UTF8)
        })?;
        lines.names = unique_names(names.into_iter());
        let schema = match &options.schema {
            Some(schema) => schema.clone(),
            None => Schema::new(lines.names.iter().map(Column::numeric).collect()),
        };
        lines.features = schema.features();
        for (column, range) in schema.columns.iter().zip(schema.ranges()) {
            let at = lines.names.iter().position(|name| *name == column.name);
            let at = at.ok_or_else(|| missing_column(&column.name, lines.names.iter().cloned()))?;
            lines.columns.push((at, column.clone(), range));
        }
        Ok(lines)
    }

    fn empty(separator: u8, comment: Option<u8>) -> Self {
        let form = Form { separator, blanks: separator == b' ', comment, skipped: 0, line_end: b'\n' };
        let (names, columns) = (Vec::new(), Vec::new());
        let (notation, missing_words, bad_cells) = (Notation::PLAIN, MissingWords::default(), BadCells::Error);
        let (line, cells) = (Vec::new(), Vec::new());
        Self { form, notation, missing_words, bad_cells, names, columns, features: 0, line, cells }
    }

    /// The header of a stream that begins with this row and has none, as what the model learned from had none: its columns are all called
    /// by their places, as `column3`, and the row holds what they do there.
    pub fn header_of_places(row: &[u8], options: &TableOptions) -> Option<Vec<u8>> {
        let columns = &options.schema.as_ref()?.columns;
        let place = |column: &Column| column.name.strip_prefix("column")?.parse::<usize>().ok()?.checked_sub(1);
        let places: Vec<usize> = columns.iter().map(place).collect::<Option<_>>()?;
        let separators =
            options.separator.map_or_else(|| [&SEPARATORS[..], b" "].concat(), |separator| vec![separator]);
        separators.into_iter().find_map(|separator| {
            let mut cut = Self::empty(separator, None);
            cut.cut(row);
            let names: Vec<String> = (1..=cut.cells.len()).map(|place| format!("column{place}")).collect();
            let header = names.join(&char::from(separator).to_string()).into_bytes();
            let mut lines = Self::new(&header, &TableOptions { separator: Some(separator), ..options.clone() }).ok()?;
            let is_row = lines.read(row, &mut Vec::new()).is_ok();
            let is_header = columns.iter().zip(&places).any(|(column, &at)| lines.bytes(at) == column.name.as_bytes());
            (is_row && !is_header).then_some(header)
        })
    }

    /// Whether a line can stand before the header, behind so many others, as what loggers write of themselves: it is a comment, has fewer cells
    /// than the model has columns, or names none of them and holds no number.
    pub fn is_before_header(line: &[u8], before: usize, options: &TableOptions) -> bool {
        let columns = options.schema.as_ref().map_or(&[][..], |schema| &schema.columns);
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let says_nothing = |separator| {
            let mut lines = Self::empty(separator, None);
            lines.cut(line);
            let is_known = |cell: &[u8]| {
                parse_number(cell).is_some() || columns.iter().any(|column| column.name.as_bytes() == cell)
            };
            lines.cells.len() < columns.len() || !(0..lines.cells.len()).any(|at| is_known(lines.bytes(at)))
        };
        let is_comment = line.first() == Some(&options.text.comment.unwrap_or(b'#'));
        let is_station = || station_line(line).is_some();
        before < MOST_BEFORE && (is_comment || is_station() || SEPARATORS.into_iter().all(says_nothing))
    }

    /// Whether a line below the header is a comment.
    pub fn is_comment(&self, line: &[u8]) -> bool {
        self.form.comment.is_some() && line.first() == self.form.comment.as_ref()
    }

    /// The names of all columns of the stream.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads a line, without its end, and gives the features of the row. A word that the model does not know is none of its categories, and
    /// infinite numbers are given as they are.
    ///
    /// # Errors
    /// When the line has more or fewer cells than the header, or a cell of the model's is not what it should be; `row` is then empty.
    pub fn read(&mut self, line: &[u8], row: &mut Vec<f32>) -> Result<(), DataError> {
        row.clear();
        self.cut(line);
        if self.cells.len() != self.names.len() {
            let why = format!("the row has {}, but the header has {}", in_cells(self.cells.len()), self.names.len());
            return Err(DataError::malformed(Place::default(), why)
                .with_hint("look for a line that is torn, or for two that became one"));
        }
        row.resize(self.features, f32::NAN);
        let filled = self.fill(row);
        if filled.is_err() {
            row.clear();
        }
        filled
    }

    fn fill(&self, row: &mut [f32]) -> Result<(), DataError> {
        for (at, column, range) in &self.columns {
            let cell = self.bytes(*at);
            if !self.missing_words.is_empty() && self.missing_words.has(cell, self.notation.parse(cell)) {
                continue;
            }
            let features = &mut row[range.clone()];
            // Most cells are numbers, and comparing each with all words for missing values takes longer than reading it.
            let is_number = column.categories().is_none();
            if let Some(number) = is_number.then(|| self.notation.parse(cell)).flatten() {
                features[0] = number;
                continue;
            }
            if is_missing(cell) {
                continue;
            }
            if is_number && self.bad_cells == BadCells::Missing {
                continue;
            }
            if is_number {
                return Err(no_number(column, cell));
            }
            let text = std::str::from_utf8(cell)
                .map_err(|_| DataError::malformed(Place::default(), not_text(column)).with_hint("write UTF-8"))?;
            match find(column, text) {
                Some(encoded) => encoded.write(features),
                None => features.fill(0.0),
            }
        }
        Ok(())
    }

    /// The text of a cell of the line read last; empty where it has no such cell.
    pub fn cell(&self, column: usize) -> Cow<'_, str> {
        if column < self.cells.len() { String::from_utf8_lossy(self.bytes(column)) } else { Cow::Borrowed("") }
    }

    fn bytes(&self, cell: usize) -> &[u8] {
        self.line[self.cells[cell].clone()].trim_ascii()
    }

    /// Finds the cells of a line.
    fn cut(&mut self, line: &[u8]) {
        self.line.clear();
        self.cells.clear();
        if !line.contains(&b'"') {
            self.line.extend_from_slice(line);
            let mut start = 0;
            let (separator, blanks) = (self.form.separator, self.form.blanks);
            for cell in line.split(|&byte| byte == separator || blanks && byte == b'\t') {
                if !blanks || !cell.is_empty() {
                    self.cells.push(start..start + cell.len());
                }
                start += cell.len() + 1;
            }
            return;
        }
        let text: Box<dyn Read + '_> = if self.form.blanks { Box::new(Blanks::new(line)) } else { Box::new(line) };
        let mut reader = Form { comment: None, ..self.form }.builder().from_reader(text);
        if let Some(Ok(record)) = reader.byte_records().next() {
            for cell in &record {
                let start = self.line.len();
                self.line.extend_from_slice(cell);
                self.cells.push(start..self.line.len());
            }
        }
    }
}

/// Which category a text is: that of this name, or of the same number.
fn find(column: &Column, text: &str) -> Option<Encoded> {
    let categories = column.categories().unwrap_or_default();
    if let Some(place) = categories.iter().position(|category| category == text) {
        return Some(Encoded::Category(place));
    }
    let number = Cell::Word(text).number()?;
    categories.iter().position(|category| Cell::Word(category).number() == Some(number)).map(Encoded::Category)
}

fn no_number(column: &Column, cell: &[u8]) -> DataError {
    let Ok(word) = std::str::from_utf8(cell) else {
        return DataError::malformed(Place::default(), not_text(column)).with_hint("write UTF-8");
    };
    let word: String = word.chars().take(40).collect();
    let why = format!("column {:?} holds {word:?}, but the model was trained on numbers there", column.name);
    DataError::unsuitable(Place::default(), why)
}

fn not_text(column: &Column) -> String {
    format!("column {:?} is not text in UTF-8", column.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::TextOptions;
    use proptest::prelude::*;

    fn options() -> TableOptions {
        let words = vec!["on".to_owned(), "1".to_owned()];
        let schema = Some(Schema::new(vec![Column::numeric("a"), Column::categorical("state", words)]));
        TableOptions { schema, ..TableOptions::default() }
    }

    #[test]
    fn cells_are_found_by_name_whatever_separates_and_quotes_them() {
        for (header, line) in [
            ("id,state,a", "7,on,2.5"),
            ("\u{feff}a\tstate", "2.5\ton"),
            ("\"state\",\"a\"", "\"on\",\" 2.5 \""),
            ("a;state;note, of it", "2,5;on;x, y"),
            ("  state   a", "on\t 2.5"),
            ("# a state", "2.5 \"on\""),
        ] {
            let mut lines = CsvLines::new(header.as_bytes(), &options()).unwrap();
            let mut row = Vec::new();
            lines.read(line.as_bytes(), &mut row).unwrap();
            assert_eq!(row, [2.5, 1.0, 0.0], "{header}");
        }
    }

    #[test]
    fn what_a_logger_says_of_itself_may_stand_before_the_header_and_rows_may_not() {
        let options = options();
        let is_before = |line: &[u8], before| CsvLines::is_before_header(line, before, &options);
        assert!(is_before(b"Station;;", 0) && !is_before(b"state,A", 0) && !is_before(b"2.5;off", 0));
        assert!(!is_before("\u{feff}a,b".as_bytes(), 0));
        assert!(is_before(b"\"TOA5\",\"CR1000\",\"CR1000\",\"12345\"", 0));
        assert!(is_before(b"Logger X7", 0) && is_before(b"# a, b, c", 3) && !is_before(b"1,on", 0));
        assert!(!is_before(b"Logger X7", MOST_BEFORE));
        assert!(CsvLines::new(b"#a,state", &options).unwrap().is_comment(b"# battery low"));
        assert!(!CsvLines::new(b"a,state", &options).unwrap().is_comment(b"#1,on"));
    }

    #[test]
    fn columns_without_names_are_found_by_their_places() {
        let words = vec!["on".to_owned(), "off".to_owned()];
        let columns = vec![Column::categorical("column3", words), Column::numeric("column2")];
        let options = TableOptions { schema: Some(Schema::new(columns)), ..TableOptions::default() };
        let header =
            |row: &str| CsvLines::header_of_places(row.as_bytes(), &options).map(String::from_utf8).transpose();
        assert_eq!(header("7;0,5;on;x").unwrap().as_deref(), Some("column1;column2;column3;column4"));
        assert_eq!(header(" 7  0.5 on").unwrap().as_deref(), Some("column1 column2 column3"));
        for no_row in ["7,on,0.5", "0.5,on", "column1,column2,column3", "a,b,c", ""] {
            assert_eq!(header(no_row).unwrap(), None, "{no_row}");
        }
        let named = self::options();
        assert_eq!(CsvLines::header_of_places(b"1,on", &named), None);
    }

    #[test]
    fn numbers_and_missing_values_are_written_as_the_options_say() {
        let text = TextOptions {
            missing_words: vec!["-999".into()],
            decimal: Some(b','),
            thousands: Some(b'.'),
            ..TextOptions::default()
        };
        let mut lines = CsvLines::new(b"a\tstate", &TableOptions { text, ..options() }).unwrap();
        let mut row = Vec::new();
        lines.read(b"1.234,5\ton", &mut row).unwrap();
        assert_eq!(row, [1234.5, 1.0, 0.0]);
        for missing in [&b"-999\ton"[..], b"-999,0\ton"] {
            lines.read(missing, &mut row).unwrap();
            assert!(row[0].is_nan());
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_says_why_and_the_next_one_is_read() {
        let mut lines = CsvLines::new(b"a,state", &options()).unwrap();
        let mut row = Vec::new();
        for (line, expected) in [
            (&b"hot,on"[..], "column \"a\" holds \"hot\""),
            (b"1,K\xfcche", "column \"state\" is not text in UTF-8"),
            (b"1\xff,on", "column \"a\" is not text in UTF-8"),
            (b"1", "the row has 1 cell, but the header has 2"),
            (b"1,on,1,on", "the row has 4 cells"),
        ] {
            let error = lines.read(line, &mut row).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            lines.read(b"-1e300, 1.0", &mut row).unwrap();
            assert_eq!(row, [f32::NEG_INFINITY, 0.0, 1.0]);
        }
        lines.read(b"NA,unknown", &mut row).unwrap();
        assert!(row[0].is_nan() && row[1..] == [0.0, 0.0]);
    }

    #[test]
    fn a_header_without_the_columns_of_the_model_is_refused() {
        let error = CsvLines::new(b"0.0126,0.8673,kitchen", &options()).unwrap_err().to_string();
        assert!(error.contains("column \"a\", which was learned from, is missing"), "{error}");
        assert!(CsvLines::new(b"a,state,\xff", &options()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(header in prop::collection::vec(any::<u8>(), 0..60), line in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut row = Vec::new();
            for options in [options(), TableOptions::default()] {
                if let Ok(mut lines) = CsvLines::new(&header, &options) {
                    let read = lines.read(&line, &mut row);
                    prop_assert_eq!(read.is_err(), row.is_empty());
                    lines.cell(3);
                }
            }
        }
    }
}
