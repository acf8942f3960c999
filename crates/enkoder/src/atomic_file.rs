//! Writing files whole or not at all: everything goes to a temporary name in the same folder, which is renamed once it is
//! complete. A crash leaves no half file under a real name, and nothing is replaced unless that was asked for.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{Builder, NamedTempFile};

/// Names of temporary files begin and end so.
const PREFIX: &str = ".enkoder-";
const SUFFIX: &str = ".partial";
/// By then a new temporary file is locked.
const TIME_TO_LOCK: Duration = Duration::from_secs(60);

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
/// A symbolic link stays, and the file that it leads to is written. A file that is replaced keeps its permissions. A device or a pipe
/// is never replaced: what is complete is copied into it, and a reader who goes away early is no failure.
///
/// # Errors
/// What the system or `write` said: an unwritable folder, a full disk, a file that is there already.
pub fn write_atomically(
    path: &Path,
    overwrite: Overwrite,
    write: impl FnOnce(File) -> io::Result<File>,
) -> io::Result<()> {
    match Destination::find(path, overwrite)? {
        Destination::File { path, replaced } => {
            let (file, temporary) = temporary_beside(&path, replaced.as_ref())?.into_parts();
            let complete = NamedTempFile::from_parts(write(file)?, temporary);
            if let Some(permissions) = replaced {
                complete.as_file().set_permissions(permissions)?;
            }
            let renamed = match overwrite {
                Overwrite::Replace => complete.persist(path),
                Overwrite::Never => complete.persist_noclobber(path),
            };
            renamed.map(drop).map_err(|error| error.error)
        }
        Destination::Stream => {
            let mut complete = write(tempfile::tempfile()?)?;
            complete.rewind()?;
            match io::copy(&mut complete, &mut File::options().write(true).open(path)?) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
                _ => Ok(()),
            }
        }
    }
}

/// Whether a file can be written, found before long work starts: it may be replaced or is not there, and its folder takes files.
///
/// # Errors
/// What writing would fail with.
pub fn check_writable(path: &Path, overwrite: Overwrite) -> io::Result<()> {
    match Destination::find(path, overwrite)? {
        Destination::File { path, replaced } => {
            temporary_beside(&path, replaced.as_ref())?;
            tell_left_behind(folder_of(&path));
            Ok(())
        }
        // Whoever opens a pipe waits for its reader, who would take the first close for the end.
        Destination::Stream => Ok(()),
    }
}

/// What a name stands for to somebody who writes.
enum Destination {
    /// A file, no link any more, and the permissions of the one that it replaces.
    File { path: PathBuf, replaced: Option<Permissions> },
    /// A device or a pipe.
    Stream,
}

impl Destination {
    fn find(path: &Path, overwrite: Overwrite) -> io::Result<Self> {
        let found = match fs::metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::File { path: end_of_links(path), replaced: None });
            }
            Err(error) => return Err(error),
        };
        if holds_nothing(&found) {
            return Ok(Self::Stream);
        }
        match overwrite {
            Overwrite::Never => Err(io::ErrorKind::AlreadyExists.into()),
            Overwrite::Replace if found.is_file() => {
                Ok(Self::File { path: path.canonicalize()?, replaced: Some(found.permissions()) })
            }
            Overwrite::Replace if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Overwrite::Replace => Ok(Self::Stream),
        }
    }
}

/// Whether nothing is lost where it is written to: a pipe, or a device that is no disk.
#[cfg(unix)]
fn holds_nothing(found: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    kind.is_fifo() || kind.is_char_device() || kind.is_socket()
}

#[cfg(not(unix))]
fn holds_nothing(_: &Metadata) -> bool {
    false
}

/// What a name stands for under which nothing is: itself, or what symbolic links lead to.
fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    while let Ok(target) = fs::read_link(&path) {
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// A temporary file in the folder of `path`, which nobody can read who could not read the file that it replaces.
#[cfg_attr(not(unix), expect(unused_variables))]
fn temporary_beside(path: &Path, replaced: Option<&Permissions>) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no folder {}", folder.display())));
    }
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    {
        // As any new file: what the user's umask leaves of "all may read and write", not the privacy of temporary files.
        use std::os::unix::fs::PermissionsExt;
        let mode = replaced.map_or(0o666, |replaced| replaced.mode() & 0o777);
        builder.permissions(Permissions::from_mode(mode));
    }
    // Without the temporary file's own name, which says nothing to the user. Where a system says that the folder is not there, which it is,
    // it is one that takes no files, as /proc.
    let made = builder.tempfile_in(folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            io::Error::new(io::ErrorKind::PermissionDenied, format!("the folder {} takes no files", folder.display()))
        }
        kind => kind.into(),
    })?;
    // Whoever finds it can tell by the lock that it is in use. Disks without locks have none.
    let _ = made.as_file().try_lock();
    Ok(made)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Names temporary files in a folder that runs left behind which were killed. They are not removed: nobody may lose what might be of use.
fn tell_left_behind(folder: &Path) {
    let left = left_behind(folder);
    let Some(first) = left.first() else { return };
    let others = match left.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    tracing::warn!("{}{others} was left by a run that was killed, and can be removed", first.display());
}

/// Temporary files that are old enough to be locked by whoever writes them, and are not.
fn left_behind(folder: &Path) -> Vec<PathBuf> {
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(PREFIX) && name.ends_with(SUFFIX)
    };
    let is_old = |path: &PathBuf| {
        let modified =
            fs::symlink_metadata(path).ok().filter(Metadata::is_file).and_then(|found| found.modified().ok());
        modified.and_then(|modified| modified.elapsed().ok()).is_some_and(|age| age >= TIME_TO_LOCK)
    };
    let is_free = |path: &PathBuf| File::open(path).is_ok_and(|file| file.try_lock().is_ok());
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut left: Vec<PathBuf> = names.filter(is_ours).filter(is_old).filter(is_free).collect();
    left.sort();
    left
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
    fn what_a_killed_run_left_is_told_from_what_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let [left, used, new, other] =
            [".enkoder-aaaaaa.partial", ".enkoder-bbbbbb.partial", ".enkoder-cccccc.partial", "x.partial"]
                .map(|name| folder.path().join(name));
        let old = std::time::SystemTime::now() - 2 * TIME_TO_LOCK;
        let files = [&left, &used, &new, &other].map(|path| File::create(path).unwrap());
        [0, 1, 3].into_iter().for_each(|index: usize| files[index].set_modified(old).unwrap());
        files[1].try_lock().unwrap();
        assert_eq!(left_behind(folder.path()), [left]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_found_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_writable(&folder.path().join("not/there"), Overwrite::Never).is_err());
    }

    #[cfg(unix)]
    mod on_unix {
        use super::*;
        use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
        use std::process::Command;
        use std::thread;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o7777
        }

        #[test]
        fn a_new_file_has_the_permissions_of_any_new_file() {
            let folder = tempfile::tempdir().unwrap();
            let [ours, plain] = ["ours", "plain"].map(|name| folder.path().join(name));
            write_bytes(&ours, Overwrite::Never, b"").unwrap();
            fs::write(&plain, b"").unwrap();
            assert_eq!(mode(&ours), mode(&plain));
        }

        #[test]
        fn a_file_that_is_replaced_keeps_its_permissions() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("out");
            for permissions in [0o600, 0o444, 0o666, 0o755] {
                fs::write(&path, b"old").unwrap();
                fs::set_permissions(&path, Permissions::from_mode(permissions)).unwrap();
                write_bytes(&path, Overwrite::Replace, b"new").unwrap();
                assert_eq!((mode(&path), fs::read(&path).unwrap()), (permissions, b"new".to_vec()));
                fs::remove_file(&path).unwrap();
            }
        }

        #[test]
        fn a_link_stays_and_what_it_leads_to_is_written() {
            let folder = tempfile::tempdir().unwrap();
            let [link, second, target] = ["link", "second", "elsewhere/target"].map(|name| folder.path().join(name));
            fs::create_dir(folder.path().join("elsewhere")).unwrap();
            symlink("second", &link).unwrap();
            symlink("elsewhere/target", &second).unwrap();
            write_bytes(&link, Overwrite::Never, b"first").unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"first");
            assert!(write_bytes(&link, Overwrite::Never, b"second").is_err());
            write_bytes(&link, Overwrite::Replace, b"second").unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"second");
            assert!([link, second].iter().all(|link| link.is_symlink()) && !target.is_symlink());
            let circle = folder.path().join("circle");
            symlink("circle", &circle).unwrap();
            assert!(write_bytes(&circle, Overwrite::Replace, b"third").is_err());
        }

        #[test]
        fn a_device_is_written_into() {
            let folder = tempfile::tempdir().unwrap();
            let link = folder.path().join("link");
            symlink("/dev/null", &link).unwrap();
            for path in [Path::new("/dev/null"), &link] {
                check_writable(path, Overwrite::Never).unwrap();
                write_bytes(path, Overwrite::Replace, b"nothing is kept").unwrap();
            }
            assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device() && link.is_symlink());
            assert!(
                fs::metadata("/dev/full").is_err()
                    || write_bytes("/dev/full".as_ref(), Overwrite::Never, b"x").is_err()
            );
        }

        #[test]
        fn a_pipe_gets_all_bytes_and_a_reader_may_leave_early() {
            let folder = tempfile::tempdir().unwrap();
            let pipe = folder.path().join("pipe");
            if !Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
                return;
            }
            let bytes: Vec<u8> = (0..1_000_000u32).map(|i| i as u8).collect();
            for reads_all in [true, false] {
                let reader = {
                    let pipe = pipe.clone();
                    thread::spawn(move || {
                        if reads_all { fs::read(pipe).unwrap() } else { File::open(pipe).map(|_| vec![]).unwrap() }
                    })
                };
                check_writable(&pipe, Overwrite::Never).unwrap();
                write_bytes(&pipe, Overwrite::Never, &bytes).unwrap();
                assert!(reader.join().unwrap() == if reads_all { bytes.clone() } else { vec![] });
            }
            assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        }
    }
}
