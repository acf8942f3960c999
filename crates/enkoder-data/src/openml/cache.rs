//! The cache folder: one folder for each data set of each server, complete exactly when its record is there. Files appear by
//! renaming, and a lock beside the folder lets one run download while others wait for it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;

use enkoder::workspace::{self, Overwrite};
use serde::{Deserialize, Serialize};

use super::error::OpenmlError;
use super::metadata::{DataSetDescription, md5_digits};
use super::part::discard_part_of;
use super::retry::{HEARTBEAT, tell};
use super::{DownloadEvent, Watcher};

const RECORD: &str = "metadata.json";
/// A record is a few hundred bytes; a larger one is not ours.
const RECORD_LIMIT: u64 = 1 << 20;

/// How a data file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DataFormat {
    /// Apache Parquet.
    Parquet,
    /// Attribute-Relation File Format.
    Arff,
}

impl DataFormat {
    fn file_name(self) -> &'static str {
        match self {
            Self::Parquet => "data.parquet",
            Self::Arff => "data.arff",
        }
    }
}

/// What says that a file is the one the server means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// Its MD5 is the one in OpenML's description (ARFF only).
    Description,
    /// Its MD5 is the one that the object store gives as its entity tag.
    EntityTag,
    /// Only its length, and for Parquet its frame: no checksum was offered.
    Length,
}

/// A data set in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachedSet {
    /// What OpenML says of it.
    pub description: DataSetDescription,
    /// The data file.
    pub path: PathBuf,
    /// How the file is written.
    pub format: DataFormat,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its MD5 as it arrived, 32 lower-case hexadecimal digits.
    pub md5: String,
    /// What that was checked against.
    pub verified: Verified,
    /// Where it came from.
    pub url: String,
}

/// What is written beside a complete data file.
#[derive(Serialize, Deserialize)]
struct Record {
    description: DataSetDescription,
    format: DataFormat,
    bytes: u64,
    md5: String,
    verified: Verified,
    url: String,
}

/// The data sets of one server.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// Held while a data set is written.
pub(super) struct SetLock {
    /// The lock lasts as long as the file is open.
    _file: Option<File>,
}

impl Cache {
    /// The part of the cache under `root` that belongs to this server.
    pub(super) fn new(root: &Path, server: &str) -> Self {
        let host = server.split_once("://").map_or(server, |(_, rest)| rest).trim_end_matches('/');
        let host = host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '_' });
        let host = host.collect::<String>();
        // A name of dots alone would be another folder.
        let host = if host.starts_with('.') { format!("_{host}") } else { host };
        Self { folder: root.join("openml").join(host) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn set_folder(&self, id: u32) -> PathBuf {
        self.folder.join(id.to_string())
    }

    pub(super) fn data_path(&self, id: u32, format: DataFormat) -> PathBuf {
        self.set_folder(id).join(format.file_name())
    }

    /// The data set when its record is there and its file has the length recorded.
    pub(super) fn find(&self, id: u32) -> Option<CachedSet> {
        let mut json = Vec::new();
        let record = File::open(self.set_folder(id).join(RECORD)).ok()?;
        record.take(RECORD_LIMIT).read_to_end(&mut json).ok()?;
        let Record { description, format, bytes, md5, verified, url } = serde_json::from_slice(&json).ok()?;
        let path = self.data_path(id, format);
        let intact = description.id == id
            && md5_digits(&md5).is_some()
            && fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() == bytes);
        intact.then_some(CachedSet { description, path, format, bytes, md5, verified, url })
    }

    /// All complete data sets, by number.
    pub(super) fn list(&self) -> Result<Vec<CachedSet>, OpenmlError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(cache_error("read", &self.folder)(source)),
        };
        let mut sets = Vec::new();
        for entry in entries {
            let entry = entry.map_err(cache_error("read", &self.folder))?;
            let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
            sets.extend(id.and_then(|id| self.find(id)));
        }
        sets.sort_by_key(|set: &CachedSet| set.description.id);
        Ok(sets)
    }

    /// Writes the record that makes a data set complete, and removes what an earlier download left in another format.
    pub(super) fn complete(&self, set: &CachedSet) -> Result<(), OpenmlError> {
        let record = Record {
            description: set.description.clone(),
            format: set.format,
            bytes: set.bytes,
            md5: set.md5.clone(),
            verified: set.verified,
            url: set.url.clone(),
        };
        let id = set.description.id;
        let path = self.set_folder(id).join(RECORD);
        let json = serde_json::to_vec_pretty(&record).map_err(io::Error::from).map_err(cache_error("write", &path))?;
        write_atomically(&path, &json)?;
        for format in [DataFormat::Parquet, DataFormat::Arff].into_iter().filter(|&format| format != set.format) {
            let other = self.data_path(id, format);
            discard_part_of(&other)?;
            remove_if_there(&other)?;
        }
        Ok(())
    }

    /// Removes a data set with all that was downloaded of it. Whether there was anything.
    pub(super) fn remove(&self, id: u32) -> Result<bool, OpenmlError> {
        let folder = self.set_folder(id);
        if !folder.exists() {
            return Ok(false);
        }
        let Some(_lock) = self.try_lock(id)? else { return Err(OpenmlError::Busy { id }) };
        // The record goes first: what is half removed must not look complete.
        remove_if_there(&folder.join(RECORD))?;
        fs::remove_dir_all(&folder).map_err(cache_error("remove", &folder))?;
        Ok(true)
    }

    /// Makes the folder of a data set and waits until no other run writes there.
    pub(super) fn lock(&self, id: u32, watcher: &mut Watcher<'_>) -> Result<SetLock, OpenmlError> {
        let folder = self.set_folder(id);
        fs::create_dir_all(&folder).map_err(cache_error("create", &folder))?;
        if let Some(lock) = self.try_lock(id)? {
            return Ok(lock);
        }
        tell(watcher, DownloadEvent::WaitingForOther)?;
        loop {
            thread::sleep(HEARTBEAT);
            if let Some(lock) = self.try_lock(id)? {
                return Ok(lock);
            }
            tell(watcher, DownloadEvent::Idle)?;
        }
    }

    fn try_lock(&self, id: u32) -> Result<Option<SetLock>, OpenmlError> {
        // Beside the folder, so that the folder can be removed under the lock on every system.
        let path = self.folder.join(format!("{id}.lock"));
        let file = File::options().create(true).write(true).truncate(false).open(&path);
        let file = file.map_err(cache_error("write", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(SetLock { _file: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            // Some network file systems have no locks. Two runs at once are then kept apart by nothing but the checks at the end.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Some(SetLock { _file: None }))
            }
            Err(TryLockError::Error(source)) => Err(cache_error("lock", &path)(source)),
        }
    }
}

pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), OpenmlError> {
    let write = |mut file: File| {
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(file)
    };
    workspace::write_atomically(path, Overwrite::Replace, write).map_err(cache_error("write", path))
}

pub(super) fn remove_if_there(path: &Path) -> Result<(), OpenmlError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(cache_error("remove", path)(source)),
        _ => Ok(()),
    }
}

pub(super) fn cache_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenmlError {
    let path = path.to_owned();
    move |source| OpenmlError::Cache { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_a_folder_whose_name_every_system_takes() {
        let folder = |server| Cache::new(Path::new("c"), server).folder;
        assert_eq!(folder("https://www.openml.org/"), Path::new("c/openml/www.openml.org"));
        assert_eq!(folder("http://127.0.0.1:8080"), Path::new("c/openml/127.0.0.1_8080"));
        assert_eq!(folder("http://host/../x"), Path::new("c/openml/host_.._x"));
        assert_eq!(folder("http://.."), Path::new("c/openml/_.."));
    }
}
