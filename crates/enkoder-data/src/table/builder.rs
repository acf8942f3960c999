//! A table being read: cell by cell into a row, row by row into the table, with the words of each column numbered as they come.

use std::collections::{HashMap, HashSet};

use enkoder::WhyLeftOut;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::clocks::Clocks;
use super::rows::Rows;
use super::{CellKind, MAX_CATEGORIES, MAX_COLUMNS, MAX_VALUES, Sample, Table, TableColumn};
use crate::DataError;

/// The longest word, in bytes, that is seen as a category; longer ones are text.
const MAX_WORD: usize = 1024;

/// The most values of a sample of rows.
const MOST_SAMPLED_VALUES: usize = 1 << 26;

/// What a column to be read holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cells {
    Numbers,
    /// Numbers that are points in time.
    Times,
    /// Only these words.
    Nominal(Vec<String>),
    /// These words, and any others.
    Words(Vec<String>),
}

#[derive(Debug)]
pub(crate) struct TableBuilder {
    name: String,
    columns: Vec<Column>,
    /// The columns of words.
    dictionaries: Vec<usize>,
    row: Vec<f32>,
    rows: Rows,
    max_values: u64,
    unread: Vec<String>,
    sample: Option<Reservoir>,
    /// How many rows were read, kept or not.
    read: u64,
    /// The line of the row being read, where an error may have to name it.
    line: Option<u64>,
    lines: HashMap<u64, u64>,
    clocks: Clocks,
}

/// Which rows stay when there may be more than can be kept: each row read is as likely as any other (Vitter's algorithm R, ACM
/// Transactions on Mathematical Software 11(1), 1985).
#[derive(Debug)]
struct Reservoir {
    rows: usize,
    random: ChaCha8Rng,
}

impl Reservoir {
    fn new(sample: Sample, columns: usize) -> Self {
        let rows = sample.rows.min(MOST_SAMPLED_VALUES / columns.max(1)).max(1);
        Self { rows, random: ChaCha8Rng::seed_from_u64(sample.seed) }
    }

    /// The kept row in whose place the row with this number comes, if it stays at all.
    fn place(&mut self, number: u64) -> Option<usize> {
        // A 64-bit number modulo a count far below 2^64 is even for all that matters here.
        let at = self.random.next_u64() % (number + 1);
        usize::try_from(at).ok().filter(|&at| at < self.rows)
    }
}

#[derive(Debug)]
struct Column {
    name: String,
    dictionary: Option<Dictionary>,
    missing: u64,
    left_out: Option<WhyLeftOut>,
}

#[derive(Debug)]
struct Dictionary {
    numbers: HashMap<String, u32>,
    seen: Vec<bool>,
    declared: bool,
    /// How many words there may be, beyond those known before; others have the number behind the last.
    limit: usize,
}

impl Dictionary {
    fn new(known: Vec<String>, declared: bool) -> Self {
        let mut numbers = HashMap::new();
        for word in known {
            let number = numbers.len() as u32;
            numbers.entry(word).or_insert(number);
        }
        let limit = if declared { numbers.len() } else { numbers.len() + MAX_CATEGORIES };
        Self { seen: vec![false; numbers.len()], numbers, declared, limit }
    }

    /// The number of a word; the limit where it is one too many.
    fn number(&mut self, word: &str) -> u32 {
        if let Some(&number) = self.numbers.get(word) {
            return number;
        }
        if self.numbers.len() >= self.limit || word.len() > MAX_WORD {
            return self.limit as u32;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(word.to_owned(), number);
        number
    }

    fn see(&mut self, number: f32) {
        let number = number as usize;
        if number >= self.seen.len() {
            self.seen.resize(number + 1, false);
        }
        self.seen[number] = true;
    }

    fn finish(mut self) -> CellKind {
        let more = self.seen.len() > self.limit;
        let mut words = vec![String::new(); self.numbers.len()];
        for (word, number) in self.numbers {
            words[number as usize] = word;
        }
        self.seen.resize(words.len(), false);
        CellKind::Words { words, seen: self.seen, declared: self.declared, more }
    }
}

impl TableBuilder {
    pub(crate) fn new(name: impl Into<String>, columns: Vec<(String, Cells)>) -> Result<Self, DataError> {
        check_column_count(columns.len())?;
        let width = columns.len();
        let names = unique_names(columns.iter().map(|(name, _)| name.as_str()));
        let mut builder = Self {
            name: name.into(),
            columns: Vec::with_capacity(width),
            dictionaries: Vec::new(),
            row: vec![f32::NAN; width],
            rows: Rows::new(width),
            max_values: MAX_VALUES,
            unread: Vec::new(),
            sample: None,
            read: 0,
            line: None,
            lines: HashMap::new(),
            clocks: Clocks::default(),
        };
        for (index, (name, (_, cells))) in names.into_iter().zip(columns).enumerate() {
            let left_out = (cells == Cells::Times).then_some(WhyLeftOut::Clock);
            let dictionary = match cells {
                Cells::Numbers | Cells::Times => None,
                Cells::Nominal(words) => Some(Dictionary::new(words, true)),
                Cells::Words(words) => Some(Dictionary::new(words, false)),
            };
            if dictionary.is_some() {
                builder.dictionaries.push(index);
            }
            builder.columns.push(Column { name, dictionary, missing: 0, left_out });
        }
        Ok(builder)
    }

    /// The same with fewer values allowed, for formats in which a few bytes can stand for many values.
    pub(crate) fn limit_values(&mut self, max_values: u64) {
        self.max_values = self.max_values.min(max_values);
    }

    /// Keeps only so many of the rows, drawn at random.
    pub(crate) fn sample(&mut self, sample: Option<Sample>) {
        self.sample = sample.map(|sample| Reservoir::new(sample, self.row.len()));
    }

    /// Notes the line of the row being read.
    pub(crate) fn note_line(&mut self, line: Option<u64>) {
        self.line = line;
    }

    /// Notes columns that the file has, but that were not asked for.
    pub(crate) fn set_unread(&mut self, names: Vec<String>) {
        self.unread = names;
    }

    /// Sees a column that holds no value so far as one of words.
    pub(crate) fn make_words(&mut self, column: usize) {
        if self.columns[column].dictionary.is_none() {
            self.columns[column].dictionary = Some(Dictionary::new(Vec::new(), false));
            self.dictionaries.push(column);
        }
    }

    /// The name of a column, unique in the table.
    pub(crate) fn column_name(&self, column: usize) -> &str {
        &self.columns[column].name
    }

    /// The row being read: a number for each column, or the number of its word. NaN, which is what it starts with, is missing.
    pub(crate) fn row_mut(&mut self) -> &mut [f32] {
        &mut self.row
    }

    /// The number of a word in a column of words; none where the column's words were declared without it.
    pub(crate) fn word_number(&mut self, column: usize, word: &str) -> Option<f32> {
        let dictionary = self.columns[column].dictionary.as_mut()?;
        let number = dictionary.number(word);
        // Numbers of words stay far below 2^24, up to which f32 is exact: a line of a declaration is at most 16 MiB long.
        (!dictionary.declared || (number as usize) < dictionary.limit).then_some(number as f32)
    }

    /// Appends the row to the table and starts the next.
    pub(crate) fn end_row(&mut self) -> Result<(), DataError> {
        for &index in &self.dictionaries {
            if let (value, Some(dictionary)) = (self.row[index], &mut self.columns[index].dictionary)
                && !value.is_nan()
            {
                dictionary.see(value);
            }
        }
        let number = self.read;
        self.read += 1;
        let numbers = self.columns.iter().map(|column| column.dictionary.is_none().then_some(&*column.name));
        self.clocks.see(&self.row, numbers);
        let full = self.sample.as_mut().filter(|sample| number >= sample.rows as u64);
        match full.map(|sample| sample.place(number)) {
            None => self.push()?,
            Some(Some(place)) => self.replace(place),
            Some(None) => self.line = None,
        }
        self.row.fill(f32::NAN);
        Ok(())
    }

    fn push(&mut self) -> Result<(), DataError> {
        let values = (self.rows.len() as u64 + 1) * self.row.len() as u64;
        if values > self.max_values {
            return Err(DataError::TooLarge {
                place: Default::default(),
                what: "number of values",
                claimed: values,
                limit: self.max_values,
            });
        }
        for (column, value) in self.columns.iter_mut().zip(&self.row) {
            column.missing += u64::from(value.is_nan());
        }
        let line = self.line.take();
        self.lines.extend(line.map(|line| (self.rows.len() as u64, line)));
        self.rows.push(&self.row);
        Ok(())
    }

    fn replace(&mut self, place: usize) {
        for (index, (column, value)) in self.columns.iter_mut().zip(&self.row).enumerate() {
            column.missing -= u64::from(self.rows.get(place, index).is_nan());
            column.missing += u64::from(value.is_nan());
        }
        self.lines.remove(&(place as u64));
        let line = self.line.take();
        self.lines.extend(line.map(|line| (place as u64, line)));
        self.rows.replace(place, &self.row);
    }

    pub(crate) fn finish(mut self) -> Table {
        for (column, why) in self.clocks.found() {
            let column = &mut self.columns[column];
            column.left_out = column.dictionary.is_none().then_some(why);
        }
        let columns = self.columns.into_iter().map(|column| TableColumn {
            name: column.name,
            kind: column.dictionary.map_or(CellKind::Numbers, Dictionary::finish),
            missing: column.missing,
            left_out: column.left_out,
        });
        let (columns, read) = (columns.collect(), self.read);
        Table { name: self.name, columns, rows: self.rows, read, unread: self.unread, lines: self.lines }
    }
}

/// An error where there are more columns than a table may have, or none.
pub(crate) fn check_column_count(columns: usize) -> Result<(), DataError> {
    match columns {
        0 => Err(DataError::malformed(crate::Place::default(), "there is no column")),
        1..=MAX_COLUMNS => Ok(()),
        _ => Err(DataError::TooLarge {
            place: Default::default(),
            what: "number of columns",
            claimed: columns as u64,
            limit: MAX_COLUMNS as u64,
        }),
    }
}

/// The names as a table has them: with `.2`, `.3`, … behind those that occurred before, and `column5` for an empty one.
pub(crate) fn unique_names<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let mut taken: HashSet<String> = names.clone().map(str::to_owned).collect();
    let mut used: HashMap<String, usize> = HashMap::new();
    let (mut unique, mut renamed) = (Vec::new(), Vec::new());
    for (index, name) in names.enumerate() {
        let name = if name.is_empty() { format!("column{}", index + 1) } else { name.to_owned() };
        let count = used.entry(name.clone()).or_insert(0);
        *count += 1;
        if *count == 1 {
            taken.insert(name.clone());
            unique.push(name);
            continue;
        }
        let mut candidate = format!("{name}.{count}");
        while !taken.insert(candidate.clone()) {
            *count += 1;
            candidate = format!("{name}.{count}");
        }
        renamed.push(format!("column {} is named {name:?} as one before it; it is read as {candidate:?}", index + 1));
        unique.push(candidate);
    }
    match &renamed[..] {
        [] => {}
        [only] => tracing::warn!("{only}"),
        [first, ..] => tracing::warn!("{first} ({} such columns in all)", renamed.len()),
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_unique() {
        let names = ["a", "", "a", "a.2", "b", "a", "column2"];
        assert_eq!(unique_names(names.into_iter()), ["a", "column2", "a.3", "a.2", "b", "a.4", "column2.2"]);
    }

    #[test]
    fn words_are_numbered_as_they_come_up_to_the_limit() {
        let mut dictionary = Dictionary::new(Vec::new(), false);
        assert_eq!((dictionary.number("b"), dictionary.number("a"), dictionary.number("b")), (0, 1, 0));
        for index in 2..MAX_CATEGORIES {
            dictionary.number(&index.to_string());
        }
        assert_eq!(dictionary.number("one too many"), MAX_CATEGORIES as u32);
        assert_eq!(dictionary.number("a"), 1);
        dictionary.see(MAX_CATEGORIES as f32);
        let CellKind::Words { words, seen, more, .. } = dictionary.finish() else { panic!("words") };
        assert_eq!((words.len(), seen.len(), more), (MAX_CATEGORIES, MAX_CATEGORIES, true));
    }

    #[test]
    fn every_row_is_as_likely_to_be_sampled_as_any_other() {
        let mut times = [0u32; 40];
        for seed in 0..500 {
            let mut table = TableBuilder::new("t", vec![("a".into(), Cells::Numbers)]).unwrap();
            table.sample(Some(Sample { rows: 10, seed, for_columns: false }));
            for row in 0..40 {
                table.row_mut()[0] = if row == 7 { f32::NAN } else { row as f32 };
                table.end_row().unwrap();
            }
            let table = table.finish();
            assert_eq!(table.len(), 10);
            let kept: Vec<f32> = (0..10).map(|row| table.rows.get(row, 0)).collect();
            assert_eq!(table.columns[0].missing, kept.iter().filter(|value| value.is_nan()).count() as u64);
            kept.iter().for_each(|value| times[if value.is_nan() { 7 } else { *value as usize }] += 1);
        }
        // Each is expected 125 times, with a standard deviation of 9.7.
        assert!(times.iter().all(|&times| (85..=165).contains(&times)), "{times:?}");
    }

    #[test]
    fn a_row_beyond_the_limit_of_values_is_refused() {
        let columns = vec![("a".into(), Cells::Numbers), ("b".into(), Cells::Numbers)];
        let mut table = TableBuilder::new("t", columns).unwrap();
        table.limit_values(5);
        assert!(table.end_row().is_ok() && table.end_row().is_ok());
        assert!(matches!(table.end_row(), Err(DataError::TooLarge { claimed: 6, limit: 5, .. })));
    }
}
