//! Tables in several Parquet files: a folder as Spark, Dask, DuckDB and pandas write it, whose sub-folders may be values of columns
//! (`year=2020/`); a pattern; or files one by one.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::Source;
use super::format::is_zarr;
use crate::error::DataError;
use crate::image_files::{has_extension, list_files, matching};
use crate::input::unescaped;
use crate::table::parse_number;

const EXTENSIONS: [&str; 3] = ["parquet", "parq", "pq"];

/// Folders within folders; deeper ones are refused.
const MOST_DEPTH: usize = 32;

/// What the folder of rows without a value is called.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Tables of which a log says which files belong to them: what they have in their folder, what they are called, and the way out.
const WITH_LOG: [(&str, &str, &str); 3] = [
    ("_delta_log", "a Delta table", "`deltalake.DeltaTable(folder).to_pandas().to_parquet(new)`"),
    (".hoodie", "a Hudi table", "`spark.read.format(\"hudi\").load(folder).write.parquet(new)`"),
    ("metadata/version-hint.text", "an Iceberg table", "`pyiceberg`'s `table.scan().to_pandas().to_parquet(new)`"),
];

/// A file of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartFile {
    pub(crate) path: PathBuf,
    pub(crate) values: Vec<FolderValue>,
}

/// The value of a column that all rows of a file have, by the name of a folder around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FolderValue {
    pub(crate) column: String,
    /// None is missing.
    pub(crate) text: Option<String>,
    /// Whether the column holds numbers in all files.
    pub(crate) is_number: bool,
}

impl From<&Path> for PartFile {
    fn from(path: &Path) -> Self {
        Self { path: path.to_owned(), values: Vec::new() }
    }
}

impl Source {
    /// The Parquet files that are one table, where this is several of them.
    pub(super) fn parts(&self) -> Result<Option<Vec<PartFile>>, DataError> {
        let paths = match self {
            Self::Folder { path } if path.is_dir() && !is_zarr(path) => {
                let mut parts = Vec::new();
                list(path, 0, &[], &mut parts)?;
                tell_numbers(&mut parts);
                return Ok(Some(parts).filter(|parts| !parts.is_empty()));
            }
            Self::Pattern { pattern } => matching(pattern)?,
            Self::Files { paths } => paths.clone(),
            _ => return Ok(None),
        };
        let are_parts = !paths.is_empty() && paths.iter().all(|path| has_extension(path, &EXTENSIONS));
        Ok(are_parts.then(|| paths.iter().map(|path| path.as_path().into()).collect()))
    }
}

fn refuse_with_log(folder: &Path) -> Result<(), DataError> {
    match WITH_LOG.iter().find(|(log, ..)| folder.join(log).exists()) {
        None => Ok(()),
        Some((log, what, way)) => {
            let why = format!("is {what}: {log} says which of its files count, and is not read");
            Err(DataError::unsuitable(folder, why).with_hint(format!("write what counts: {way}")))
        }
    }
}

/// The Parquet files in a folder and its sub-folders, without links to folders, and without what is called as if it were hidden.
fn list(folder: &Path, depth: usize, values: &[FolderValue], parts: &mut Vec<PartFile>) -> Result<(), DataError> {
    if depth > MOST_DEPTH {
        return Err(DataError::unsuitable(folder, format!("lies deeper than {MOST_DEPTH} folders")));
    }
    refuse_with_log(folder)?;
    let is_visible = |path: &Path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('_'));
    let (files, folders) = list_files(folder, |path| has_extension(path, &EXTENSIONS) && is_visible(path))?;
    parts.extend(files.into_iter().map(|path| PartFile { path, values: values.to_vec() }));
    for folder in folders.iter().filter(|path| is_visible(path) && !path.is_symlink()) {
        let values: Vec<FolderValue> = values.iter().cloned().chain(FolderValue::of(folder)).collect();
        list(folder, depth + 1, &values, parts)?;
    }
    Ok(())
}

impl FolderValue {
    fn of(folder: &Path) -> Option<Self> {
        let (column, text) = folder.file_name()?.to_str()?.split_once('=')?;
        let text = (text != NO_VALUE).then(|| String::from_utf8_lossy(&unescaped(text)).into_owned());
        Some(Self { column: column.to_owned(), text, is_number: true })
    }
}

/// Notes which columns hold more than numbers.
fn tell_numbers(parts: &mut [PartFile]) {
    let texts =
        parts.iter().flat_map(|part| &part.values).filter_map(|value| Some((&value.column, value.text.as_ref()?)));
    let words = texts.filter(|(_, text)| parse_number(text.as_bytes()).is_none());
    let words: HashSet<String> = words.map(|(column, _)| column.clone()).collect();
    for value in parts.iter_mut().flat_map(|part| &mut part.values) {
        value.is_number = !words.contains(&value.column);
    }
}
