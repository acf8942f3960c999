//! Apache Parquet, through the column readers of the `parquet` crate. Arrow is left out: tables go straight into rows of f32, and
//! without it the build is a minute shorter and the program four megabytes smaller.

mod columns;
mod files;
mod values;

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::iter;
use std::path::Path;

use ::parquet::basic::CompressionCodec;
use ::parquet::column::reader::ColumnReader;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use ::parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use bytes::Bytes;

use crate::input::Input;
use crate::source::FolderValue;
use crate::table::{Cells, Table, TableBuilder, TableOptions};
use crate::{DataError, Place, guard};

pub(crate) use files::{ParquetChunks, column_names, read_parts};

use columns::{Constant, Leaf, Plan};
use values::{Buffers, fill, texts};

/// Values read at once, over all columns.
const BATCH_VALUES: usize = 1 << 18;

/// Memory taken at once on the word of a file.
const FIRST_ALLOCATION: usize = 64 << 20;

/// Values that any file may claim, and values for each of its bytes beyond: runs of equal values take next to no bytes, but a
/// small damaged file must not claim a large part of the memory.
const MAX_VALUES_OF_SMALL_FILE: u64 = 1 << 26;
const MAX_VALUES_PER_BYTE: u64 = 1 << 12;

/// Reads a Parquet file. The table is named after the file.
///
/// Numbers (also decimals and half precision), booleans (0 and 1), dates and times (seconds since 1970 or since midnight) become
/// columns of numbers, strings columns of words. The fields of a structure are columns of their own (`a.b`), and lists of
/// numbers, all of one length, as many columns as they are long (`a[0]`, `a[1]`, …). Binary columns and other nested ones are left
/// out with a warning. With [`TableOptions::schema`] only the
/// columns that the model knows are read, and columns to be ignored are not.
///
/// # Errors
/// When the file cannot be read, is damaged, encrypted or packed with Brotli or LZO, or a column that is asked for is binary or nested.
pub fn read_parquet(path: &Path, options: &TableOptions) -> Result<Table, DataError> {
    let file = Input::open(path)?;
    let name = path.file_stem().map_or_else(|| "table".into(), |name| name.to_string_lossy());
    guarded(|| read(&name, file, options)).map_err(|error| error.within(path.display().to_string()))
}

/// Reads Parquet in memory, like [`read_parquet`].
pub fn parse_parquet(name: &str, bytes: Vec<u8>, options: &TableOptions) -> Result<Table, DataError> {
    guarded(|| read(name, Bytes::from(bytes), options)).map_err(|error| error.within(name))
}

fn guarded<T>(read: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    guard::guarded("Parquet", read)
}

fn damaged(error: ParquetError) -> DataError {
    DataError::malformed(Place::default(), "the Parquet file is damaged or uses what is not supported")
        .with_cause(error)
        .with_hint("copy or fetch it again, for it may have been cut off; if others read it, write it anew with them")
}

impl Length for Input {
    fn len(&self) -> u64 {
        self.length().ok().flatten().unwrap_or(0)
    }
}

impl ChunkReader for Input {
    type T = BufReader<Self>;

    fn get_read(&self, start: u64) -> ::parquet::errors::Result<Self::T> {
        let mut input = self.try_clone()?;
        input.seek(SeekFrom::Start(start))?;
        Ok(BufReader::new(input))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ::parquet::errors::Result<Bytes> {
        let mut bytes = Vec::with_capacity(length.min(FIRST_ALLOCATION));
        self.get_read(start)?.take(length as u64).read_to_end(&mut bytes)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{} of {length} bytes from byte {start} on", bytes.len())));
        }
        Ok(Bytes::from(bytes))
    }
}

fn read<R: ChunkReader + 'static>(name: &str, file: R, options: &TableOptions) -> Result<Table, DataError> {
    let mut groups = open(file, &[], options)?;
    let mut table = groups.table(name)?;
    table.sample(options.sample);
    groups.fill(&mut table, &mut [], usize::MAX)?;
    Ok(table.finish())
}

fn open<R: ChunkReader + 'static>(
    file: R,
    values: &[FolderValue],
    options: &TableOptions,
) -> Result<Groups<R>, DataError> {
    let length = file.len();
    if length == 0 {
        return Err(DataError::empty(Place::default()));
    }
    let reader = SerializedFileReader::new(file).map_err(damaged)?;
    check_ranges(reader.metadata(), length)?;
    let Plan { leaves, constants, unread } = columns::plan(&reader, values, options)?;
    check_size(reader.metadata(), &leaves, length)?;
    let cells = columns::cells(&leaves, &constants, options);
    let batch = (BATCH_VALUES / cells.len().max(1)).clamp(1, 4096);
    let (readers, buffers, values) = (Vec::new(), Buffers::default(), Vec::new());
    Ok(Groups { reader, leaves, constants, unread, cells, batch, next: 0, readers, left: 0, buffers, values })
}

/// The rows of a file, group after group.
struct Groups<R: ChunkReader + 'static> {
    reader: SerializedFileReader<R>,
    leaves: Vec<Leaf>,
    constants: Vec<Constant>,
    unread: Vec<String>,
    cells: Vec<(String, Cells)>,
    /// Rows read at once.
    batch: usize,
    /// The group to be read next.
    next: usize,
    /// The columns of the group being read, and how many of its rows are left.
    readers: Vec<ColumnReader>,
    left: usize,
    buffers: Buffers,
    values: Vec<f32>,
}

impl<R: ChunkReader + 'static> Groups<R> {
    fn table(&self, name: &str) -> Result<TableBuilder, DataError> {
        let mut table = TableBuilder::new(name, self.cells.clone())?;
        table.set_unread(self.unread.clone());
        Ok(table)
    }

    /// Appends up to so many rows to the table, and what is kept as text to `kept`; gives how many there were.
    fn fill(&mut self, table: &mut TableBuilder, kept: &mut [Vec<String>], most: usize) -> Result<usize, DataError> {
        let mut read = 0;
        while read < most && self.begin_group()? {
            let rows = self.left.min(self.batch).min(most - read);
            // Column behind column; the table wants row behind row.
            self.values.clear();
            self.values.resize(rows * self.cells.len(), f32::NAN);
            let mut rest = self.values.as_mut_slice();
            let mut column = 0;
            for (reader, leaf) in self.readers.iter_mut().zip(&self.leaves) {
                if let Some(place) = leaf.kept {
                    kept[place].extend(texts(reader, leaf, rows, &mut self.buffers)?);
                    continue;
                }
                let (out, behind) = rest.split_at_mut(rows * leaf.width());
                let number = |word: &str| table.word_number(column, word).unwrap_or(f32::NAN);
                fill(reader, leaf, rows, &mut self.buffers, out, number)?;
                rest = behind;
                column += leaf.width();
            }
            for constant in &self.constants {
                if let Some(place) = constant.kept {
                    kept[place].extend(iter::repeat_n(constant.text.clone().unwrap_or_default(), rows));
                    continue;
                }
                let word = || constant.text.as_deref().and_then(|word| table.word_number(column, word));
                let (out, behind) = rest.split_at_mut(rows);
                out.fill(constant.number.or_else(word).unwrap_or(f32::NAN));
                rest = behind;
                column += 1;
            }
            for row in 0..rows {
                for (value, column) in table.row_mut().iter_mut().zip(self.values.chunks_exact(rows)) {
                    *value = column[row];
                }
                table.end_row()?;
            }
            self.left -= rows;
            read += rows;
        }
        Ok(read)
    }

    /// Opens the next group with rows where none are left of the last; false at the end.
    fn begin_group(&mut self) -> Result<bool, DataError> {
        while self.left == 0 {
            if self.next == self.reader.num_row_groups() {
                return Ok(false);
            }
            let group = self.reader.get_row_group(self.next).map_err(damaged)?;
            let readers = self.leaves.iter().map(|leaf| group.get_column_reader(leaf.index()));
            self.readers = readers.collect::<Result<_, _>>().map_err(damaged)?;
            self.left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            self.next += 1;
        }
        Ok(true)
    }
}

/// Refuses chunks that do not lie in the file, and those packed in a way that is not built in.
fn check_ranges(metadata: &ParquetMetaData, length: u64) -> Result<(), DataError> {
    for group in metadata.row_groups() {
        for chunk in group.columns() {
            check_range(chunk, length)?;
        }
    }
    Ok(())
}

fn check_range(chunk: &ColumnChunkMetaData, length: u64) -> Result<(), DataError> {
    let refused = |why: String| {
        DataError::malformed(Place::default(), format!("column {:?}: {why}", chunk.column_path().string()))
    };
    if let Some(file) = chunk.file_path() {
        let why =
            format!("it has no rows: those of column {:?} lie in the file {file:?}", chunk.column_path().string());
        return Err(DataError::unsuitable(Place::default(), why).with_hint("name that file, or the folder"));
    }
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let range = (u64::try_from(start), u64::try_from(chunk.compressed_size()), chunk.data_page_offset() >= 0);
    let (Ok(start), Ok(size), true) = range else {
        return Err(refused("the file gives a negative position or size".into()));
    };
    if start.checked_add(size).is_none_or(|end| end > length) {
        return Err(refused(format!("the file claims {size} bytes from byte {start} on, but ends at byte {length}")));
    }
    match chunk.compression_codec() {
        codec @ (CompressionCodec::BROTLI | CompressionCodec::LZO) => Err(DataError::unsuitable(
            Place::default(),
            format!("the columns are packed with {codec:?}, which is not supported"),
        )
        .with_hint("write the file with zstd, snappy, gzip, lz4 or no compression")),
        _ => Ok(()),
    }
}

/// Refuses claims of more values than a file of this length can be trusted with.
fn check_size(metadata: &ParquetMetaData, leaves: &[Leaf], length: u64) -> Result<(), DataError> {
    let mut rows = 0u64;
    for group in metadata.row_groups() {
        let claimed = u64::try_from(group.num_rows());
        let claimed =
            claimed.map_err(|_| DataError::malformed(Place::default(), "the file claims a negative number of rows"))?;
        rows = rows.saturating_add(claimed);
    }
    let columns: usize = leaves.iter().map(Leaf::width).sum();
    let claimed = rows.saturating_mul(columns as u64);
    let limit = MAX_VALUES_OF_SMALL_FILE.max(length.saturating_mul(MAX_VALUES_PER_BYTE));
    if claimed > limit {
        return Err(DataError::TooLarge { place: Place::default(), what: "number of values", claimed, limit });
    }
    Ok(())
}
