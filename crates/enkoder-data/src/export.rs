//! Writing files whole or not at all, with this crate's errors: see [`write_atomically`].

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

#[doc(inline)]
pub use enkoder::workspace::Overwrite;
use enkoder::workspace::{self, check_writable};

use crate::error::DataError;

/// Writes a file through `write`, whole or not at all, and forces it to the disk.
pub fn write_atomically(
    path: &Path,
    overwrite: Overwrite,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), DataError> {
    let buffered = |file| {
        let mut writer = BufWriter::with_capacity(1 << 18, file);
        write(&mut writer)?;
        let file = writer.into_inner().map_err(|error| error.into_error())?;
        file.sync_all()?;
        Ok(file)
    };
    workspace::write_atomically(path, overwrite, buffered).map_err(|error| failed(path, error))
}

/// Writes bytes to a file, whole or not at all. It is not forced to the disk, which takes long for each of many small files.
pub(crate) fn write_small(path: &Path, overwrite: Overwrite, bytes: &[u8]) -> Result<(), DataError> {
    workspace::write_atomically(path, overwrite, |mut file| file.write_all(bytes).map(|()| file))
        .map_err(|error| failed(path, error))
}

/// Whether an output can be written, found before long work starts: it may be replaced or is not there, and its folder is.
pub fn check_output(path: &Path, overwrite: Overwrite) -> Result<(), DataError> {
    if path.is_dir() && overwrite == Overwrite::Replace {
        return Err(DataError::unsuitable(path, "is a folder, but a file is to be written"));
    }
    check_writable(path, overwrite).map_err(|error| failed(path, error))
}

fn failed(path: &Path, error: io::Error) -> DataError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => DataError::Exists { path: path.into() },
        _ => DataError::io("write", path, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn an_output_that_is_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        write_small(&path, Overwrite::Never, b"first").unwrap();
        let error = write_small(&path, Overwrite::Never, b"second").unwrap_err();
        assert!(matches!(error, DataError::Exists { path: of } if of == path));
        assert!(matches!(check_output(&path, Overwrite::Never), Err(DataError::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }

    #[test]
    fn a_folder_is_no_output_and_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_output(&folder.path().join("not/there"), Overwrite::Never).is_err());
        assert!(check_output(folder.path(), Overwrite::Replace).is_err());
    }
}
