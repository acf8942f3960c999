//! Data some rows at a time, for files larger than memory. The columns are known, so that every chunk has the same features and
//! nothing has to be read twice.

use enkoder::Dataset;

use crate::arrow::ArrowChunks;
use crate::csv::CsvChunks;
use crate::error::{DataError, Place};
use crate::parquet::ParquetChunks;
use crate::table::{MissingPolicy, Table, TableOptions, nothing_left, warn_of_dropped};

/// Some rows of a source.
#[derive(Debug)]
#[non_exhaustive]
pub struct Chunk {
    /// The features of the rows that are not dropped, which may be none; and the labels where a column of them is named, with the
    /// classes of this chunk.
    pub data: Dataset,
    /// For each of [`TableOptions::keep`] the text of every row that was read, dropped ones too.
    pub kept: Vec<Vec<String>>,
    /// Which of the rows that were read are dropped since they miss a value ([`MissingPolicy::Drop`]), ascending from 0.
    pub dropped: Vec<usize>,
}

impl Chunk {
    /// Every row that was read, in order: its place in [`data`](Self::data), or none where it is dropped.
    pub fn rows(&self) -> impl Iterator<Item = Option<usize>> {
        let mut dropped = self.dropped.iter().copied().peekable();
        let mut place = 0..;
        (0..self.data.len() + self.dropped.len()).map(move |row| match dropped.next_if_eq(&row) {
            Some(_) => None,
            None => place.next(),
        })
    }

    /// Drops the rows that miss a value.
    fn without_missing(self) -> Self {
        let mut values = vec![0.0; self.data.features()];
        let (dropped, left): (Vec<usize>, Vec<usize>) = (0..self.data.len()).partition(|&row| {
            self.data.copy_row(row, &mut values);
            values.iter().any(|value| value.is_nan())
        });
        if dropped.is_empty() {
            return self;
        }
        Self { data: self.data.select(&left), dropped, ..self }
    }
}

/// The rows of a source from the first to the last, some at a time: see [`Source::chunks`](crate::Source::chunks). Ends after
/// an error.
pub struct Chunks {
    name: String,
    options: TableOptions,
    /// Whether rows that miss a value are dropped, here: the readers keep them, for each row has its number, and what is kept
    /// beside it.
    drops: bool,
    rows: usize,
    from: Reader,
    /// Rows read and given so far, and the most that are to be given.
    read: usize,
    given: usize,
    most: usize,
    ended: bool,
}

/// Some rows of a file as its format reads them.
pub(crate) struct Part {
    pub(crate) table: Table,
    pub(crate) kept: Vec<Vec<String>>,
}

enum Reader {
    Csv(Box<CsvChunks>),
    Parquet(Box<ParquetChunks>),
    Arrow(Box<ArrowChunks>),
    /// What lies in memory anyway.
    Memory(Dataset),
}

impl Chunks {
    pub(crate) fn of_csv(chunks: CsvChunks, label: Option<String>, options: &TableOptions, rows: usize) -> Self {
        Self::new(Reader::Csv(Box::new(chunks)), TableOptions { label, ..options.clone() }, rows)
    }

    pub(crate) fn of_parquet(chunks: ParquetChunks, options: &TableOptions, rows: usize) -> Self {
        Self::new(Reader::Parquet(Box::new(chunks)), options.clone(), rows)
    }

    pub(crate) fn of_arrow(chunks: ArrowChunks, options: &TableOptions, rows: usize) -> Self {
        Self::new(Reader::Arrow(Box::new(chunks)), options.clone(), rows)
    }

    pub(crate) fn of_memory(data: Dataset, options: &TableOptions, rows: usize) -> Result<Self, DataError> {
        if let Some(keep) = options.keep.first() {
            let why = format!("column {keep:?} cannot be read beside the features from this format");
            let error = DataError::unsuitable(Place::source(data.name()), why);
            return Err(error.with_hint("write the data as CSV or Parquet"));
        }
        Ok(Self::new(Reader::Memory(data), options.clone(), rows))
    }

    fn new(from: Reader, options: TableOptions, rows: usize) -> Self {
        // What is to be ignored was not read.
        let drops = options.missing == MissingPolicy::Drop;
        let missing = if drops { MissingPolicy::Keep } else { options.missing };
        let options = TableOptions { ignore: Vec::new(), missing, ..options };
        let (name, rows, most) = (String::new(), rows.max(1), usize::MAX);
        Self { name, options, drops, rows, from, read: 0, given: 0, most, ended: false }
    }

    /// The same with a name for the data, and at most so many rows of it.
    pub(crate) fn named(self, name: String, most: Option<usize>) -> Self {
        Self { name, most: most.unwrap_or(usize::MAX), ..self }
    }

    fn read(&mut self) -> Result<Option<Chunk>, DataError> {
        let rows = self.rows.min(self.most - self.given);
        if rows == 0 {
            return Ok(None);
        }
        let part = match &mut self.from {
            Reader::Memory(data) => {
                let end = data.len().min(self.read + rows);
                let data = data.select(&(self.read..end).collect::<Vec<_>>());
                return Ok((!data.is_empty()).then(|| Chunk { data, kept: Vec::new(), dropped: Vec::new() }));
            }
            Reader::Csv(chunks) => chunks.next(rows)?,
            Reader::Parquet(chunks) => chunks.next(rows)?,
            Reader::Arrow(chunks) => chunks.next(rows)?,
        };
        let Some(Part { table, kept }) = part else { return Ok(None) };
        let data = table.into_dataset(&self.options).map_err(|error| error.behind(self.read as u64))?;
        Ok(Some(Chunk { data: data.with_name(self.name.as_str()), kept, dropped: Vec::new() }))
    }
}

impl Iterator for Chunks {
    type Item = Result<Chunk, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read();
        self.ended = !matches!(read, Ok(Some(_)));
        match read {
            Ok(Some(chunk)) => {
                self.read += chunk.data.len();
                let chunk = if self.drops { chunk.without_missing() } else { chunk };
                self.given += chunk.data.len();
                Some(Ok(chunk))
            }
            Ok(None) if self.read == 0 => Some(Err(DataError::empty(Place::source(self.name.as_str())))),
            Ok(None) if self.given == 0 => Some(Err(nothing_left(self.read as u64).within(self.name.clone()))),
            Ok(None) => {
                warn_of_dropped((self.read - self.given) as u64, self.read as u64);
                None
            }
            Err(error) => Some(Err(error)),
        }
    }
}
