//! The bytes of a file that have come so far, with notes on what they are the beginning of: kept when a download ends early, so
//! that the next one continues there.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::cache::{cache_error, remove_if_there, write_atomically};
use super::error::OpenmlError;

const CHUNK: usize = 1 << 16;
/// Notes are a few hundred bytes; longer ones are not ours.
const NOTES_LIMIT: u64 = 1 << 16;
/// What every Parquet file begins and ends with.
const PARQUET_MAGIC: &[u8; 4] = b"PAR1";

/// What a part is the beginning of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notes {
    /// Where it comes from.
    pub(super) url: String,
    /// The entity tag if it is a strong one, or else the time of the last change: says whether the file is still the same.
    pub(super) validator: Option<String>,
    /// The MD5 that the server itself gives.
    pub(super) server_md5: Option<String>,
    /// The whole file's length in bytes.
    pub(super) total: Option<u64>,
}

/// A file on its way.
pub(super) struct Part {
    file: File,
    path: PathBuf,
    notes_path: PathBuf,
    notes: Notes,
    bytes: u64,
    hash: Md5,
}

impl Part {
    /// The part that will become the file `data` once all of `url` has come; empty when what lies there is of something else.
    pub(super) fn open(data: &Path, url: &str) -> Result<Self, OpenmlError> {
        let (path, notes_path) = paths(data);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(cache_error("write", &path))?;
        let mut bytes = file.metadata().map_err(cache_error("read", &path))?.len();
        let mut notes = read_notes(&notes_path).unwrap_or_default();
        if notes.url != url || notes.total.is_some_and(|total| bytes > total) {
            (notes, bytes) = (Notes::default(), 0);
        }
        Ok(Self { file, path, notes_path, notes, bytes, hash: Md5::new() })
    }

    /// How many bytes have come.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Drops what was there and starts with these notes.
    pub(super) fn begin(&mut self, notes: Notes) -> Result<(), OpenmlError> {
        // Emptied before the notes change, so that a crash leaves no bytes under notes that are not their own.
        self.file.set_len(0).map_err(cache_error("write", &self.path))?;
        self.file.rewind().map_err(cache_error("write", &self.path))?;
        let json = serde_json::to_vec(&notes).map_err(io::Error::from);
        write_atomically(&self.notes_path, &json.map_err(cache_error("write", &self.notes_path))?)?;
        (self.notes, self.bytes, self.hash) = (notes, 0, Md5::new());
        Ok(())
    }

    /// Goes on behind the bytes that are there, of a whole of `total` bytes.
    pub(super) fn resume(&mut self, total: u64) -> Result<(), OpenmlError> {
        self.file.rewind().map_err(cache_error("read", &self.path))?;
        self.hash = Md5::new();
        self.bytes = hash_into(&mut self.hash, &mut self.file).map_err(cache_error("read", &self.path))?;
        self.notes.total = Some(total);
        Ok(())
    }

    /// Adds bytes at the end.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), OpenmlError> {
        self.file.write_all(bytes).map_err(cache_error("write", &self.path))?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// The MD5 of what has come.
    pub(super) fn md5(&self) -> String {
        hexadecimal(self.hash.clone())
    }

    /// What is wrong with the bytes as a Parquet file: it begins and ends with its magic number, and before the last one stands
    /// the length of the footer (<https://parquet.apache.org/docs/file-format/>).
    pub(super) fn parquet_fault(&mut self) -> Result<Option<&'static str>, OpenmlError> {
        if self.bytes < 12 {
            return Ok(Some("it is too short"));
        }
        let (mut head, mut tail) = ([0; 4], [0; 8]);
        let mut read = || -> io::Result<()> {
            self.file.rewind()?;
            self.file.read_exact(&mut head)?;
            self.file.seek(SeekFrom::End(-8))?;
            self.file.read_exact(&mut tail)
        };
        read().map_err(cache_error("read", &self.path))?;
        let [a, b, c, d, magic @ ..] = tail;
        Ok(if head != *PARQUET_MAGIC {
            Some("it does not begin with PAR1")
        } else if magic != *PARQUET_MAGIC {
            Some("it does not end with PAR1")
        } else if u64::from(u32::from_le_bytes([a, b, c, d])) > self.bytes - 12 {
            Some("its footer is longer than the file")
        } else {
            None
        })
    }

    /// Makes the part the file it is a part of.
    pub(super) fn finish(self, data: &Path) -> Result<(), OpenmlError> {
        self.file.sync_all().map_err(cache_error("write", &self.path))?;
        drop(self.file);
        fs::rename(&self.path, data).map_err(cache_error("write", data))?;
        remove_if_there(&self.notes_path)
    }

    /// Removes the part.
    pub(super) fn discard(self) -> Result<(), OpenmlError> {
        drop(self.file);
        remove_part(self.path, self.notes_path)
    }
}

/// Removes what has come of the file `data`.
pub(super) fn discard_part_of(data: &Path) -> Result<(), OpenmlError> {
    let (path, notes_path) = paths(data);
    remove_part(path, notes_path)
}

/// The MD5 of a file in hexadecimal.
pub(super) fn md5_of(path: &Path) -> io::Result<String> {
    let mut hash = Md5::new();
    hash_into(&mut hash, &mut File::open(path)?)?;
    Ok(hexadecimal(hash))
}

fn remove_part(path: PathBuf, notes_path: PathBuf) -> Result<(), OpenmlError> {
    remove_if_there(&notes_path)?;
    remove_if_there(&path)
}

fn paths(data: &Path) -> (PathBuf, PathBuf) {
    let with_suffix = |suffix: &str| {
        let mut name = data.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    (with_suffix(".part"), with_suffix(".part.json"))
}

fn read_notes(path: &Path) -> Option<Notes> {
    let mut json = Vec::new();
    File::open(path).ok()?.take(NOTES_LIMIT).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Hashes all that follows in a file; how many bytes that were.
fn hash_into(hash: &mut Md5, file: &mut File) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(bytes);
        }
        hash.update(&buffer[..count]);
        bytes += count as u64;
    }
}

fn hexadecimal(hash: Md5) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(url: &str, total: Option<u64>) -> Notes {
        Notes { url: url.into(), validator: Some("\"v1\"".into()), total, ..Notes::default() }
    }

    #[test]
    fn a_part_goes_on_where_it_ended_and_is_hashed_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.arff");
        let mut part = Part::open(&data, "http://a").unwrap();
        part.begin(notes("http://a", Some(11))).unwrap();
        part.append(b"hello ").unwrap();
        drop(part);
        let mut part = Part::open(&data, "http://a").unwrap();
        assert_eq!((part.bytes(), part.notes()), (6, &notes("http://a", Some(11))));
        part.resume(11).unwrap();
        part.append(b"world").unwrap();
        // The MD5 of "hello world".
        assert_eq!(part.md5(), "5eb63bbbe01eeed093cb22bb8f5acdc3");
        part.finish(&data).unwrap();
        assert_eq!(fs::read(&data).unwrap(), b"hello world");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_part_of_another_address_or_longer_than_its_whole_is_not_continued() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.arff");
        let mut part = Part::open(&data, "http://a").unwrap();
        part.begin(notes("http://a", Some(3))).unwrap();
        part.append(b"hello").unwrap();
        assert_eq!(Part::open(&data, "http://b").unwrap().bytes(), 0);
        assert_eq!(Part::open(&data, "http://a").unwrap().bytes(), 0);
    }

    #[test]
    fn the_frame_of_a_parquet_file_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = Part::open(&folder.path().join("data.parquet"), "http://a").unwrap();
        let mut fault = |bytes: &[u8]| {
            part.begin(Notes::default()).unwrap();
            part.append(bytes).unwrap();
            part.parquet_fault().unwrap()
        };
        assert_eq!(fault(b"PAR1footer\x06\0\0\0PAR1"), None);
        assert_eq!(fault(b"PAR1footer\x07\0\0\0PAR1"), Some("its footer is longer than the file"));
        assert_eq!(fault(b"PAR1footer\x06\0\0\0PAR"), Some("it does not end with PAR1"));
        assert_eq!(fault(b"<!DOCTYPE html><html>"), Some("it does not begin with PAR1"));
        assert_eq!(fault(b"PAR1PAR1"), Some("it is too short"));
    }
}
