//! Files behind names: which ones would be read, and those whose names are not UTF-8.

use std::fs;
use std::path::{Path, PathBuf};

use super::format::is_zarr;
use super::{ReadOptions, Source};
use crate::error::DataError;
use crate::idx::IdxFolder;
use crate::image_files::{has_images, image_paths};

impl Source {
    /// The files that would be read; none of built-in data and data on OpenML.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn files(&self, options: &ReadOptions) -> Result<Vec<PathBuf>, DataError> {
        if let Some(parts) = self.parts()? {
            return Ok(parts.into_iter().map(|part| part.path).collect());
        }
        if let Self::Folder { path } = self
            && !is_zarr(path)
        {
            if let Some(folder) = IdxFolder::find(path)? {
                return Ok(folder.files().to_vec());
            }
            if has_images(path)? {
                return image_paths(path);
            }
        }
        self.array_files(&options.arrays)
    }
}

/// What a path stands for whose name is not UTF-8.
pub(super) fn of_path(path: &Path) -> Result<Source, DataError> {
    let error = match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Ok(Source::Folder { path: path.into() }),
        Ok(_) => return Ok(Source::File { path: path.into(), part: None }),
        Err(error) => error,
    };
    match file_and_part(path) {
        Some((path, part)) if path.is_file() => Ok(Source::File { path, part: Some(part) }),
        _ => Err(DataError::io("open", path, error)),
    }
}

/// A file and the array in it, for a name such as `file.npz:NAME` of which the array's name is UTF-8.
#[cfg(unix)]
fn file_and_part(path: &Path) -> Option<(PathBuf, String)> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    let colon = bytes.iter().rposition(|&byte| byte == b':')?;
    let part = std::str::from_utf8(&bytes[colon + 1..]).ok()?;
    Some((OsStr::from_bytes(&bytes[..colon]).into(), part.to_owned()))
}

#[cfg(not(unix))]
fn file_and_part(_: &Path) -> Option<(PathBuf, String)> {
    None
}
