//! Where data lies that is read at any place: in a file, or on a server, both by one name.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crate::error::DataError;
use crate::remote::{self, Object};

/// Whether a name is that of data on a server.
pub fn is_address(name: &Path) -> bool {
    let is_known = |scheme: &str| {
        is_web(scheme)
            || ["s3", "gs", "gcs", "az", "abfs", "abfss"].iter().any(|known| known.eq_ignore_ascii_case(scheme))
    };
    name.to_str().and_then(|name| name.split_once("://")).is_some_and(|(scheme, _)| is_known(scheme))
}

fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// A name in messages: without the passwords and signatures that an address may hold.
pub fn shown_name(name: &str) -> String {
    const LONGEST_SHOWN: usize = 24;
    const SECRET: [&str; 9] =
        ["sig", "signature", "token", "key", "secret", "password", "credential", "auth", "accesskeyid"];
    let Some((scheme, rest)) = name.split_once("://").filter(|(scheme, _)| is_web(scheme)) else {
        return name.to_owned();
    };
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    let end = place.find('/').unwrap_or(place.len());
    let host = place[..end].rsplit_once('@');
    let host = host.map_or(&place[..end], |(_, host)| host);
    let is_shown = |part: &&str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = name.to_ascii_lowercase().replace(['-', '_'], "");
        value.len() <= LONGEST_SHOWN && !SECRET.iter().any(|secret| name.contains(secret))
    };
    let query = query.map(|query| query.split('#').next().unwrap_or_default());
    let shown: Vec<&str> = query.into_iter().flat_map(|query| query.split('&')).filter(is_shown).collect();
    let mark = if shown.is_empty() { "" } else { "?" };
    format!("{scheme}://{host}{}{mark}{}", &place[end..], shown.join("&"))
}

/// Bytes in which %20 stands for a blank, and the like.
pub(crate) fn unescaped(path: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let code = behind.get(..2).filter(|code| byte == b'%' && code.iter().all(u8::is_ascii_hexdigit));
        match code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()) {
            Some(code) => {
                bytes.push(code);
                rest = &behind[2..];
            }
            None => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    bytes
}

/// Whether there is a file or an object of that name.
pub fn is_file(path: &Path) -> bool {
    if is_address(path) { remote::object(path).is_ok() } else { path.is_file() }
}

/// What tells the content under a name from all others; none where that cannot be said.
pub(crate) fn identity(path: &Path) -> io::Result<Option<String>> {
    if is_address(path) {
        return Ok(remote::object(path)?.identity().map(|version| format!("{version} {:?}", path.as_os_str())));
    }
    let file = fs::metadata(path)?;
    let changed = file.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Some(format!("{} {changed:?} {:?}", file.len(), fs::canonicalize(path)?.as_os_str())))
}

/// All bytes under a name.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let mut input = Input::open(path)?;
    input.read_to_end(&mut bytes).map_err(|source| DataError::io("read", path, source))?;
    Ok(bytes)
}

/// A file by its name, or an object at the version that it had.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    File(PathBuf),
    Remote(Arc<Object>),
}

impl Location {
    pub(crate) fn of(path: &Path) -> Result<Self, DataError> {
        if !is_address(path) {
            return Ok(Self::File(path.to_owned()));
        }
        remote::object(path).map(Self::Remote).map_err(|source| DataError::io("open", path, source))
    }

    pub(crate) fn open(&self) -> io::Result<Input> {
        Ok(Input(match self {
            Self::File(path) => Open::File(File::open(path)?),
            Self::Remote(object) => Open::Remote { object: object.clone(), position: 0 },
        }))
    }
}

/// A file or an object on a server, open to be read at any place.
#[derive(Debug)]
pub struct Input(Open);

#[derive(Debug)]
enum Open {
    File(File),
    /// An object, and the place of the next byte read.
    Remote {
        object: Arc<Object>,
        position: u64,
    },
}

impl Input {
    /// Opens a file, or an object by its address.
    ///
    /// # Errors
    /// When there is none, or it may not be read.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Location::of(path)?.open().map_err(|source| DataError::io("open", path, source))
    }

    /// Its bytes; none where that shows only at the end, as of a pipe.
    pub(crate) fn length(&self) -> io::Result<Option<u64>> {
        match &self.0 {
            Open::File(file) => {
                let metadata = file.metadata()?;
                Ok(metadata.is_file().then_some(metadata.len()))
            }
            Open::Remote { object, .. } => Ok(Some(object.length())),
        }
    }

    /// Another one of the same; of a file both go on where one of them stopped.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self(match &self.0 {
            Open::File(file) => Open::File(file.try_clone()?),
            Open::Remote { object, position } => Open::Remote { object: object.clone(), position: *position },
        }))
    }

    pub(crate) fn is_folder(&self) -> io::Result<bool> {
        if let Open::File(file) = &self.0 { Ok(file.metadata()?.is_dir()) } else { Ok(false) }
    }
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Open::File(file) => file.read(bytes),
            Open::Remote { object, position } => {
                let read = object.read_at(*position, bytes)?;
                *position += read as u64;
                Ok(read)
            }
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.0 {
            Open::File(file) => file.seek(to),
            Open::Remote { object, position } => {
                let to = match to {
                    SeekFrom::Start(to) => Some(to),
                    SeekFrom::End(by) => object.length().checked_add_signed(by),
                    SeekFrom::Current(by) => position.checked_add_signed(by),
                };
                *position = to.ok_or(io::ErrorKind::InvalidInput)?;
                Ok(*position)
            }
        }
    }
}
