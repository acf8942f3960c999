//! Writing files whole or not at all: everything goes to a temporary name in the same folder, which is renamed once it is
//! complete. A crash leaves no half file under a real name, and nothing is replaced unless that was asked for.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::error::DataError;

/// Whether an output that is there already may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and writing fails with [`DataError::Exists`].
    Never,
    /// It is replaced.
    Replace,
}

/// Writes a file through `write`, whole or not at all.
pub fn write_atomically(
    path: &Path,
    overwrite: Overwrite,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), DataError> {
    write_and_rename(path, overwrite, |file| {
        let mut writer = BufWriter::with_capacity(1 << 18, file);
        write(&mut writer)?;
        let file = writer.into_inner().map_err(|error| error.into_error())?;
        file.sync_all()?;
        Ok(file)
    })
}

/// Writes bytes to a file, whole or not at all. It is not forced to the disk, which takes long for each of many small files.
pub(crate) fn write_small(path: &Path, overwrite: Overwrite, bytes: &[u8]) -> Result<(), DataError> {
    write_and_rename(path, overwrite, |mut file| file.write_all(bytes).map(|()| file))
}

fn write_and_rename(
    path: &Path,
    overwrite: Overwrite,
    write: impl FnOnce(File) -> io::Result<File>,
) -> Result<(), DataError> {
    let failed = |source| DataError::io("write", path, source);
    if overwrite == Overwrite::Never && path.symlink_metadata().is_ok() {
        return Err(DataError::Exists { path: path.into() });
    }
    let (file, temporary) = temporary_beside(path).map_err(failed)?.into_parts();
    let file = write(file).map_err(failed)?;
    let complete = NamedTempFile::from_parts(file, temporary);
    let renamed = match overwrite {
        Overwrite::Replace => complete.persist(path),
        Overwrite::Never => complete.persist_noclobber(path),
    };
    match renamed {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(DataError::Exists { path: path.into() })
        }
        Err(error) => Err(failed(error.error)),
    }
}

/// Whether an output can be written, found before long work starts: it may be replaced or is not there, and its folder is.
pub fn check_output(path: &Path, overwrite: Overwrite) -> Result<(), DataError> {
    if overwrite == Overwrite::Never && path.symlink_metadata().is_ok() {
        return Err(DataError::Exists { path: path.into() });
    }
    if path.is_dir() {
        return Err(DataError::unsuitable(path, "is a folder, but a file is to be written"));
    }
    temporary_beside(path).map(drop).map_err(|source| DataError::io("write", path, source))
}

fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no folder {}", folder.display())));
    }
    let mut builder = Builder::new();
    builder.prefix(".enkoder-").suffix(".partial");
    #[cfg(unix)]
    {
        // As any new file: what the user's umask leaves of "all may read and write", not the privacy of temporary files.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    // Without the temporary file's own name, which says nothing to the user.
    builder.tempfile_in(folder).map_err(|error| error.kind().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_that_is_there_stays_unless_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        write_small(&path, Overwrite::Never, b"first").unwrap();
        let error = write_small(&path, Overwrite::Never, b"second").unwrap_err();
        assert!(matches!(error, DataError::Exists { .. }));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write_small(&path, Overwrite::Replace, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
    }

    #[test]
    fn a_failure_while_writing_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::write(&path, b"old").unwrap();
        let failed = write_atomically(&path, Overwrite::Replace, |file| {
            file.write_all(b"half of the ne")?;
            Err(io::Error::other("the disk is full"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_found_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_output(&folder.path().join("not/there"), Overwrite::Never).is_err());
        assert!(check_output(folder.path(), Overwrite::Replace).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [ours, plain] = ["ours", "plain"].map(|name| folder.path().join(name));
        write_small(&ours, Overwrite::Never, b"").unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
