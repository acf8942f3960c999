//! The rows of an ARFF file: dense, `5.1,'a b',?`, or sparse, `{0 5.1, 3 'a b'}`; either may end with a weight, `{0.5}`.

use super::header::Attribute;
use super::scanner::{Scanner, Word};
use crate::table::{Table, TableBuilder, parse_number};
use crate::{DataError, Place};

/// The most values of a table with sparse rows, in which a few bytes stand for many values (1 GiB as f32).
const MAX_SPARSE_VALUES: u64 = 1 << 28;

pub(super) struct RowReader {
    table: TableBuilder,
    attributes: Vec<Attribute>,
    /// What a sparse row holds where it says nothing; made for the first.
    zeros: Vec<f32>,
}

/// What is wrong with a row, and in which column, if in one.
pub(super) enum Fault {
    Row(String),
    Column(usize, String),
    Table(DataError),
}

impl Fault {
    pub(super) fn at(self, line: u64, table: &TableBuilder) -> DataError {
        let why = match self {
            Self::Row(why) => why,
            Self::Column(column, why) => format!("column {:?}: {why}", table.column_name(column)),
            Self::Table(error) => return error,
        };
        DataError::malformed(Place::line(line), why)
    }
}

impl RowReader {
    pub(super) fn new(table: TableBuilder, attributes: Vec<Attribute>) -> Self {
        Self { table, attributes, zeros: Vec::new() }
    }

    pub(super) fn table(&self) -> &TableBuilder {
        &self.table
    }

    pub(super) fn finish(self) -> Table {
        self.table.finish()
    }

    /// Reads a line that is no comment.
    pub(super) fn read(&mut self, line: &[u8]) -> Result<(), Fault> {
        if line.first() == Some(&b'{') {
            self.sparse(line)?;
        } else {
            self.dense(line)?;
        }
        self.table.end_row().map_err(Fault::Table)
    }

    fn dense(&mut self, line: &[u8]) -> Result<(), Fault> {
        // Commas divide the values; blanks do in files without commas, as Weka's own reader has it.
        let by_commas = self.attributes.len() == 1 || line.contains(&b',');
        let ends = |byte: u8| if by_commas { byte == b',' } else { byte.is_ascii_whitespace() };
        let mut scanner = Scanner::new(line);
        let declared = self.attributes.len();
        for column in 0..declared {
            let divided = column == 0 || if by_commas { scanner.skip(b',') } else { scanner.peek().is_some() };
            if !divided {
                return Err(match scanner.peek() {
                    None => Fault::Row(format!("the row has {column} values, but {declared} attributes are declared")),
                    Some(_) => Fault::Column(column - 1, format!("{} stands behind the closing quote", rest(&scanner))),
                });
            }
            if self.attributes[column] == Attribute::Number
                && let Some(number) = scanner.short_number()
            {
                self.table.row_mut()[column] = number;
                continue;
            }
            let word = scanner.word(ends).map_err(|why| Fault::Column(column, why))?;
            self.set(column, &word)?;
            scanner.skip_blanks();
        }
        weight(&mut scanner, declared)
    }

    fn sparse(&mut self, line: &[u8]) -> Result<(), Fault> {
        if self.zeros.is_empty() {
            self.table.limit_values(MAX_SPARSE_VALUES);
            let zero = |attribute: &Attribute| if *attribute == Attribute::Text { f32::NAN } else { 0.0 };
            self.zeros = self.attributes.iter().map(zero).collect();
        }
        self.table.row_mut().copy_from_slice(&self.zeros);
        let mut scanner = Scanner::new(line);
        scanner.skip(b'{');
        scanner.skip_blanks();
        let mut least = 0;
        while !scanner.skip(b'}') {
            let index =
                scanner.word(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b'}')).map_err(Fault::Row)?;
            let column = index.text().ok().and_then(|text| text.parse::<usize>().ok());
            let column =
                column.ok_or_else(|| Fault::Row(format!("{} is not the number of an attribute", index.shown())))?;
            let count = self.attributes.len();
            if column >= count {
                return Err(Fault::Row(format!(
                    "there is no attribute {column}: they are numbered from 0 to {}",
                    count - 1
                )));
            }
            if column < least {
                return Err(Fault::Column(column, "attributes of a sparse row must stand in order, each once".into()));
            }
            least = column + 1;
            let word = scanner.word(|byte| matches!(byte, b',' | b'}')).map_err(|why| Fault::Column(column, why))?;
            self.set(column, &word)?;
            scanner.skip_blanks();
            if scanner.skip(b',') {
                scanner.skip_blanks();
            } else if scanner.peek() != Some(b'}') {
                return Err(Fault::Row("the row has no closing }".into()));
            }
        }
        scanner.skip_blanks();
        weight(&mut scanner, self.attributes.len())
    }

    fn set(&mut self, column: usize, word: &Word<'_>) -> Result<(), Fault> {
        let fault = |why| Fault::Column(column, why);
        let value = match &self.attributes[column] {
            _ if word.is_missing() => f32::NAN,
            Attribute::Number => number(word).map_err(fault)?,
            Attribute::Date(format) => word.text().and_then(|text| format.seconds(text)).map_err(fault)? as f32,
            Attribute::Nominal(_) | Attribute::Text => {
                let text = word.text().map_err(fault)?;
                let number = self.table.word_number(column, text);
                number.ok_or_else(|| fault(format!("{} is none of the declared values", word.shown())))?
            }
        };
        self.table.row_mut()[column] = value;
        Ok(())
    }
}

fn number(word: &Word<'_>) -> Result<f32, String> {
    let bytes = word.bytes.trim_ascii();
    match parse_number(bytes) {
        Some(number) => Ok(number),
        None if bytes == b"?" || bytes.eq_ignore_ascii_case(b"nan") => Ok(f32::NAN),
        None => Err(format!("{} is not a number", word.shown())),
    }
}

fn rest(scanner: &Scanner<'_>) -> String {
    Word { bytes: scanner.rest().into(), quoted: true }.shown()
}

/// Goes over a weight, behind which the row must end.
fn weight(scanner: &mut Scanner<'_>, attributes: usize) -> Result<(), Fault> {
    if scanner.peek().is_none() {
        return Ok(());
    }
    scanner.skip(b',');
    scanner.skip_blanks();
    let inner = scanner.rest().strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    match inner.map(|weight| parse_number(weight.trim_ascii())) {
        Some(Some(_)) => Ok(()),
        _ => Err(Fault::Row(format!(
            "the row has more values than the {attributes} declared attributes: {}",
            rest(scanner)
        ))),
    }
}
