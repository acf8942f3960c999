//! Reading a source some rows at a time.

use enkoder::Dataset;

use super::{Format, ReadOptions, Source};
use crate::arrow::ArrowChunks;
use crate::chunks::Chunks;
use crate::csv::CsvChunks;
use crate::error::DataError;
use crate::input::is_file;
#[cfg(feature = "http")]
use crate::openml::{OpenmlClient, Watcher};
use crate::parquet::ParquetChunks;

impl Source {
    /// The rows of the data some at a time, up to `rows` of them: those of CSV, Parquet and Arrow files as they are read, so that a file
    /// may be larger than memory; all else is read whole first. The columns are those of
    /// [`TableOptions::schema`](crate::TableOptions::schema), found by name, which must be given for such files.
    ///
    /// ```
    /// use enkoder_data::{ReadOptions, Source};
    ///
    /// let chunks = Source::find("pump:faults")?.chunks(&ReadOptions::default(), 1500)?;
    /// let rows = chunks.map(|chunk| Ok(chunk?.data.len())).collect::<Result<Vec<_>, enkoder_data::DataError>>()?;
    /// assert_eq!(rows, [1500, 1500, 1000]);
    /// # Ok::<(), enkoder_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// Where the source cannot be opened, or a column is missing. Each chunk says what is wrong with its rows, and in which line
    /// or row.
    pub fn chunks(&self, options: &ReadOptions, rows: usize) -> Result<Chunks, DataError> {
        self.chunks_of(options, rows, || self.open(&options.keeping_missing()))
    }

    /// The same, where what is on OpenML is read with this client, which tells what it does.
    #[cfg(feature = "http")]
    pub fn chunks_with(
        &self,
        options: &ReadOptions,
        rows: usize,
        client: &OpenmlClient,
        watcher: &mut Watcher<'_>,
    ) -> Result<Chunks, DataError> {
        self.chunks_of(options, rows, || self.open_with(&options.keeping_missing(), client, watcher))
    }

    /// The names of all columns of a CSV, Parquet or Arrow file, or of a table in several Parquet files; none of other sources.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn column_names(&self, options: &ReadOptions) -> Result<Option<Vec<String>>, DataError> {
        if let Some(parts) = self.parts()? {
            return crate::parquet::column_names(&parts[0]).map(Some);
        }
        let Self::File { path, part: None } = self else { return Ok(None) };
        match if is_file(path) { Format::of(path)? } else { return Ok(None) } {
            Format::Csv => crate::csv::column_names(path, &options.table).map(Some),
            Format::Arrow => crate::arrow::column_names(path).map(Some),
            Format::Parquet => crate::parquet::column_names(&path.as_path().into()).map(Some),
            _ => Ok(None),
        }
    }

    fn chunks_of(
        &self,
        options: &ReadOptions,
        rows: usize,
        open: impl FnOnce() -> Result<Dataset, DataError>,
    ) -> Result<Chunks, DataError> {
        let table = &options.table;
        if let (Some(_), Some(parts)) = (&table.schema, self.parts()?) {
            let chunks = ParquetChunks::open(parts, table)?;
            return Ok(Chunks::of_parquet(chunks, table, rows).named(self.short_name(), options.samples));
        }
        let streamed = match self {
            Self::File { path, part: None } if table.schema.is_some() && is_file(path) => {
                Some((path, Format::of(path)?))
            }
            _ => None,
        };
        if streamed.is_some() {
            self.refuse_of_arrays(options)?;
        }
        let chunks = match streamed {
            Some((path, Format::Csv)) => {
                let chunks = CsvChunks::open(path, table)?;
                let label = chunks.label().map(str::to_owned);
                Chunks::of_csv(chunks, label, table, rows).named(self.short_name(), options.samples)
            }
            Some((path, Format::Parquet)) => {
                let chunks = ParquetChunks::open(vec![path.as_path().into()], table)?;
                Chunks::of_parquet(chunks, table, rows).named(self.short_name(), options.samples)
            }
            Some((path, Format::Arrow)) => {
                let chunks = ArrowChunks::open(path, table)?;
                Chunks::of_arrow(chunks, table, rows).named(self.short_name(), options.samples)
            }
            _ => {
                let data = open()?;
                let name = data.name().to_owned();
                Chunks::of_memory(data, table, rows)?.named(name, options.samples)
            }
        };
        Ok(chunks)
    }
}
