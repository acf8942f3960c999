//! Writing files whole or not at all: everything goes to a temporary name in the same folder, which is renamed once it is
//! complete. A crash leaves no half file under a real name, and nothing is replaced unless that was asked for.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// Whether an output that is there already may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and writing fails with [`io::ErrorKind::AlreadyExists`].
    Never,
    /// It is replaced.
    Replace,
}

impl Overwrite {
    /// Replaces where `force` says so.
    pub fn replacing(force: bool) -> Self {
        if force { Self::Replace } else { Self::Never }
    }
}

/// Writes a file through `write`, whole or not at all. `write` gives the file back when all is in it, forced to the disk with
/// [`File::sync_all`] where it must outlast a power cut. When anything fails, the temporary file is removed and what stood under
/// the name before is unchanged.
///
/// # Errors
/// What the system or `write` said: an unwritable folder, a full disk, a file that is there already.
pub fn write_atomically(
    path: &Path,
    overwrite: Overwrite,
    write: impl FnOnce(File) -> io::Result<File>,
) -> io::Result<()> {
    if overwrite == Overwrite::Never && path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let (file, temporary) = temporary_beside(path)?.into_parts();
    let complete = NamedTempFile::from_parts(write(file)?, temporary);
    let renamed = match overwrite {
        Overwrite::Replace => complete.persist(path),
        Overwrite::Never => complete.persist_noclobber(path),
    };
    renamed.map(drop).map_err(|error| error.error)
}

/// Whether a file can be written, found before long work starts: it may be replaced or is not there, and its folder takes files.
///
/// # Errors
/// What writing would fail with.
pub fn check_writable(path: &Path, overwrite: Overwrite) -> io::Result<()> {
    if overwrite == Overwrite::Never && path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    temporary_beside(path).map(drop)
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
    use std::io::Write;

    fn write_bytes(path: &Path, overwrite: Overwrite, bytes: &[u8]) -> io::Result<()> {
        write_atomically(path, overwrite, |mut file| file.write_all(bytes).map(|()| file))
    }

    #[test]
    fn a_file_that_is_there_stays_unless_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        write_bytes(&path, Overwrite::Never, b"first").unwrap();
        let error = write_bytes(&path, Overwrite::Never, b"second").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write_bytes(&path, Overwrite::Replace, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
    }

    #[test]
    fn a_failure_while_writing_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::write(&path, b"old").unwrap();
        let failed = write_atomically(&path, Overwrite::Replace, |mut file| {
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
        assert!(check_writable(&folder.path().join("not/there"), Overwrite::Never).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [ours, plain] = ["ours", "plain"].map(|name| folder.path().join(name));
        write_bytes(&ours, Overwrite::Never, b"").unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
