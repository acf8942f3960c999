//! Tables as arrays of 32-bit numbers in the cache folder: text is read once, and an epoch then takes no longer than its numbers.
//! Each has a folder of its own, which is complete exactly when its record is there.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use enkoder::codec::ElementType;
use enkoder::{Schema, StoredDataset};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::{Format, ReadOptions, Source};
use crate::arrays::{Arrays, RawElement, RawFormat, raw_field};
use crate::arrow::read_arrow;
use crate::csv::read_csv;
use crate::element::Endian;
use crate::error::{DataError, Place};
use crate::export::{Overwrite, write_atomically, write_small};
use crate::input::identity;
use crate::openml::default_cache_folder;
use crate::parquet::{read_parquet, read_parts};
use crate::table::{Sample, TableOptions};

const RECORD: &str = "table.json";
const NUMBERS: &str = "numbers.f32";
/// A record has the names of columns and categories; a longer one is not ours.
const RECORD_LIMIT: u64 = 1 << 28;

/// Rows that are kept while the columns are learned.
const SAMPLE: usize = 10_000;
/// Rows that are converted together.
const ROWS: usize = 4096;

/// The numbers of a table, in the cache folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Converted {
    /// The folder that holds nothing else; the numbers are converted again when it was removed.
    pub folder: PathBuf,
    /// Bytes that they take.
    pub bytes: u64,
    /// Whether they were converted just now.
    pub is_new: bool,
}

/// What the numbers are.
#[derive(Serialize, Deserialize)]
struct Record {
    samples: u64,
    shape: Vec<usize>,
    schema: Option<Schema>,
}

impl Record {
    fn features(&self) -> Option<u64> {
        self.shape.iter().try_fold(1u64, |product, &axis| product.checked_mul(axis as u64))
    }

    /// The bytes of all numbers.
    fn bytes(&self) -> Option<u64> {
        self.features()?.checked_mul(self.samples)?.checked_mul(4)
    }
}

/// The numbers of a table: those that lie in the cache, or converted now.
pub(super) fn convert(source: &Source, options: &ReadOptions) -> Result<(StoredDataset, Converted), DataError> {
    let folder = default_cache_folder()?.join("tables").join(key(source, options)?);
    let known = find(&folder);
    let is_new = known.is_none();
    let record = match known {
        Some(record) => record,
        None => write(source, options, &folder).inspect_err(|_| {
            // Goes only where nothing was written.
            let _ = fs::remove_dir(&folder);
        })?,
    };
    let bytes = record.bytes().unwrap_or(u64::MAX);
    let data = open(source.short_name(), &folder, record)?;
    Ok((data, Converted { folder, bytes, is_new }))
}

/// What tells this table, as these options read it, from all others.
fn key(source: &Source, options: &ReadOptions) -> Result<String, DataError> {
    let files = match (source, source.parts()?) {
        (_, Some(parts)) => parts.into_iter().map(|part| part.path).collect(),
        (Source::File { path, .. }, None) => vec![path.clone()],
        _ => Vec::new(),
    };
    let mut hash = Md5::new();
    hash.update(format!("{} {:?} {:?}", env!("CARGO_PKG_VERSION"), options.samples, options.table));
    for path in &files {
        let content = identity(path).map_err(|source| DataError::io("read", path, source))?;
        // What cannot be told apart is converted each time.
        hash.update(content.unwrap_or_else(|| format!("{:?} {}", SystemTime::now(), std::process::id())));
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What lies in a folder, where it is complete.
fn find(folder: &Path) -> Option<Record> {
    let mut json = Vec::new();
    File::open(folder.join(RECORD)).ok()?.take(RECORD_LIMIT).read_to_end(&mut json).ok()?;
    let record: Record = serde_json::from_slice(&json).ok()?;
    let length = fs::metadata(folder.join(NUMBERS)).ok()?.len();
    (record.bytes() == Some(length)).then_some(record)
}

fn write(source: &Source, options: &ReadOptions, folder: &Path) -> Result<Record, DataError> {
    fs::create_dir_all(folder).map_err(|source| DataError::io("create", folder, source))?;
    let Learned { schema, shape, left_out } = learn(source, options)?;
    // The names are needed to find the columns, also where these are pixels. Labels are not learned.
    let table = TableOptions { schema: Some(schema.clone()), label: None, ignore: left_out, ..options.table.clone() };
    let chunks = source.chunks(&ReadOptions { table, ..options.clone() }, ROWS)?;
    let mut samples = 0;
    let mut failure = None;
    let written = write_atomically(&folder.join(NUMBERS), Overwrite::Replace, |file| {
        let mut row = vec![0.0; schema.features()];
        for chunk in chunks {
            let chunk = match chunk {
                Ok(chunk) => chunk.data,
                Err(error) => {
                    failure = Some(error);
                    return Err(io::ErrorKind::InvalidData.into());
                }
            };
            for index in 0..chunk.len() {
                chunk.copy_row(index, &mut row);
                row.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))?;
            }
            samples += chunk.len() as u64;
        }
        Ok(())
    });
    if let Some(error) = failure {
        return Err(error);
    }
    written?;
    let is_image = shape.len() > 1;
    let record = Record { samples, shape, schema: (!is_image).then_some(schema) };
    let json = serde_json::to_vec(&record)
        .map_err(|error| DataError::io("write", folder.join(RECORD), io::Error::from(error)))?;
    write_small(&folder.join(RECORD), Overwrite::Replace, &json)?;
    Ok(record)
}

/// What a table that is trained on offers.
struct Learned {
    schema: Schema,
    /// Of a sample.
    shape: Vec<usize>,
    /// The other columns.
    left_out: Vec<String>,
}

/// Learns the columns of a table from some rows of it, and their categories from all.
fn learn(source: &Source, options: &ReadOptions) -> Result<Learned, DataError> {
    let sample = Some(Sample { rows: SAMPLE, seed: options.seed, for_columns: true });
    let table = TableOptions { sample, ..options.table.clone() };
    let read = match (source, source.parts()?) {
        (_, Some(parts)) => read_parts(&source.short_name(), parts, &table)?,
        (Source::File { path, .. }, None) => match Format::of(path)? {
            Format::Arrow => read_arrow(path, &table)?,
            Format::Parquet => read_parquet(path, &table)?,
            _ => read_csv(path, &table)?,
        },
        _ => return Err(DataError::empty(Place::source(source.to_string()))),
    };
    let (schema, shape) = read.learned(&table).map_err(|error| error.within(source.to_string()))?;
    let names = read.columns().iter().map(|column| column.name().to_owned()).chain(read.unread().iter().cloned());
    let left_out = names.filter(|name| schema.columns.iter().all(|column| column.name != *name)).collect();
    Ok(Learned { schema, shape, left_out })
}

fn open(name: String, folder: &Path, record: Record) -> Result<StoredDataset, DataError> {
    let features = record.features().unwrap_or(u64::MAX);
    let element = RawElement { element: ElementType::F32, endian: Endian::Little };
    let numbers = folder.join(NUMBERS);
    let field = raw_field(&numbers, &RawFormat { shape: vec![record.samples, features], element })?;
    let arrays = Arrays::new(&name, vec![vec![(numbers.display().to_string(), field)]], &[])?;
    let failed = |error| DataError::dataset(Place::source(&name), error);
    let data = arrays.with_sample_shape(record.shape).into_stored(None)?;
    match record.schema {
        Some(schema) => data.with_schema(schema).map_err(failed),
        None => Ok(data),
    }
}
