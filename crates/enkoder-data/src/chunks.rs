//! Data some rows at a time, for files larger than memory. The columns are known, so that every chunk has the same features and
//! nothing has to be read twice.

use enkoder::Dataset;

use crate::csv::CsvChunks;
use crate::error::{DataError, Place};
use crate::parquet::ParquetChunks;
use crate::table::{Table, TableOptions};

/// Some rows of a source.
#[derive(Debug)]
#[non_exhaustive]
pub struct Chunk {
    /// The features, and the labels where a column of them is named; their classes are those of this chunk.
    pub data: Dataset,
    /// For each of [`TableOptions::keep`] the text of every row.
    pub kept: Vec<Vec<String>>,
}

/// The rows of a source from the first to the last, some at a time: see [`Source::chunks`](crate::Source::chunks). Ends after
/// an error.
pub struct Chunks {
    name: String,
    options: TableOptions,
    rows: usize,
    from: Reader,
    /// Rows given so far, and the most that are to be given.
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
    Csv(CsvChunks),
    Parquet(ParquetChunks),
    /// What lies in memory anyway.
    Memory(Dataset),
}

impl Chunks {
    pub(crate) fn of_csv(chunks: CsvChunks, label: Option<String>, options: &TableOptions, rows: usize) -> Self {
        Self::new(Reader::Csv(chunks), TableOptions { label, ..options.clone() }, rows)
    }

    pub(crate) fn of_parquet(chunks: ParquetChunks, options: &TableOptions, rows: usize) -> Self {
        Self::new(Reader::Parquet(chunks), options.clone(), rows)
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
        let options = TableOptions { ignore: Vec::new(), ..options };
        Self { name: String::new(), options, rows: rows.max(1), from, given: 0, most: usize::MAX, ended: false }
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
        let Part { table, kept } = match &mut self.from {
            Reader::Memory(data) => {
                let end = data.len().min(self.given + rows);
                let data = data.select(&(self.given..end).collect::<Vec<_>>());
                return Ok((!data.is_empty()).then(|| Chunk { data, kept: Vec::new() }));
            }
            Reader::Csv(chunks) => match chunks.next(rows)? {
                Some(read) => read,
                None => return Ok(None),
            },
            Reader::Parquet(chunks) => match chunks.next(rows)? {
                Some(read) => read,
                None => return Ok(None),
            },
        };
        let data = table.into_dataset(&self.options).map_err(|error| error.behind(self.given as u64))?;
        Ok(Some(Chunk { data: data.with_name(self.name.as_str()), kept }))
    }
}

impl Iterator for Chunks {
    type Item = Result<Chunk, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let chunk = match self.read() {
            Ok(None) if self.given == 0 => Err(DataError::empty(Place::source(self.name.as_str()))),
            Ok(None) => return None,
            Ok(Some(chunk)) => Ok(chunk),
            Err(error) => Err(error),
        };
        self.ended = chunk.is_err();
        self.given += chunk.as_ref().map_or(0, |chunk| chunk.data.len());
        Some(chunk)
    }
}
