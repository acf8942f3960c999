//! One object at one version: its length and its marks are those of the first answer, and every later one is held to them. A server
//! that sends no parts is asked for the whole once, which is then read from a file that has no name.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::http::header;

use super::address::Request;
use super::blocks::{self, BLOCK};
use super::client::{Client, Reply, Trouble, Wanted, broken, cut_off};
use super::error::{Fault, RemoteError};
use super::sign::Header;
use crate::openml::default_cache_folder;

/// The most bytes that are fetched whole.
const MOST_WHOLE: u64 = 64 << 30;
/// For so long an object is what it was when it was looked at.
pub(super) const FRESH: Duration = Duration::from_secs(10);

/// An object on a server.
pub(crate) struct Object {
    /// A number of its own.
    pub(super) id: u64,
    client: Client,
    request: Request,
    version: Version,
    content: Content,
    /// When the version was looked at.
    checked: Mutex<Instant>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Object").field(&self.request.name).field(&self.version).finish()
    }
}

/// Where the bytes are.
enum Content {
    /// On the server.
    Remote,
    /// In a file without a name.
    Fetched(Mutex<File>),
}

/// What tells an object from what it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    length: u64,
    tag: Option<String>,
    modified: Option<String>,
}

impl Version {
    fn of(reply: &Reply, length: u64) -> Self {
        Self { length, tag: reply.header(header::ETAG), modified: reply.header(header::LAST_MODIFIED) }
    }

    /// What holds a server to this version.
    fn conditions(&self) -> Vec<Header> {
        match (&self.tag, &self.modified) {
            // A weak mark is not compared by servers.
            (Some(tag), _) if !tag.starts_with("W/") => vec![("if-match", tag.clone())],
            (_, Some(modified)) => vec![("if-unmodified-since", modified.clone())],
            _ => Vec::new(),
        }
    }

    /// What differs.
    fn change_to(&self, now: &Self) -> Option<String> {
        let changed = |what: &str, before: &Option<String>, now: &Option<String>| match (before, now) {
            (Some(before), Some(now)) if before != now => Some(format!("{what} was {before}, and is {now}")),
            _ => None,
        };
        if self.length != now.length {
            return Some(format!("it had {} bytes, and has {}", self.length, now.length));
        }
        changed("its ETag", &self.tag, &now.tag).or_else(|| changed("its date", &self.modified, &now.modified))
    }
}

/// What the first answer gives.
enum First {
    Part {
        bytes: Vec<u8>,
        version: Version,
    },
    Whole {
        file: File,
        version: Version,
    },
    /// A part that does not help: the whole is needed.
    Unusable,
}

impl Object {
    /// Asks for the first bytes, and so for the version.
    pub(super) fn open(client: &Client, request: Request) -> Result<Self, RemoteError> {
        let first = Wanted { range: Some(0..BLOCK), conditions: Vec::new() };
        match client.ask(&request, &first, |reply| first_of(&request, reply)) {
            Ok(First::Part { bytes, version }) => {
                let object = Self::new(client, request, version, Content::Remote);
                blocks::keep(&object, 0, bytes);
                Ok(object)
            }
            Ok(First::Whole { file, version }) => {
                Ok(Self::new(client, request, version, Content::Fetched(Mutex::new(file))))
            }
            Ok(First::Unusable) => {
                let (file, version) = client.ask(&request, &Wanted::default(), |reply| fetched(&request, reply))?;
                Ok(Self::new(client, request, version, Content::Fetched(Mutex::new(file))))
            }
            Err(error) => match error.region().and_then(|region| request.in_region(region)) {
                Some(request) => Self::open(client, request),
                None => Err(error),
            },
        }
    }

    fn new(client: &Client, request: Request, version: Version, content: Content) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { id, client: client.clone(), request, version, content, checked: Mutex::new(Instant::now()) }
    }

    /// Its bytes.
    pub(crate) fn length(&self) -> u64 {
        self.version.length
    }

    /// What tells its content from all others; none where the server does not say it.
    pub(crate) fn identity(&self) -> Option<String> {
        let Version { length, tag, modified } = &self.version;
        (tag.is_some() || modified.is_some()).then(|| format!("{tag:?} {modified:?} {length}"))
    }

    /// Whether the server still has this version, which it must have where it `is_read`.
    pub(super) fn is_current(&self, is_read: bool) -> Result<bool, RemoteError> {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.elapsed() < FRESH {
            return Ok(true);
        }
        let wanted = Wanted { range: Some(0..1), conditions: Vec::new() };
        let version = self.client.ask(&self.request, &wanted, |reply| Ok(self.version_of(&reply)))?;
        if let Some(change) = self.version.change_to(&version) {
            return if is_read { Err(self.changed(change)) } else { Ok(false) };
        }
        *checked = Instant::now();
        Ok(is_read || self.identity().is_some())
    }

    /// Reads bytes from `offset` on: all that are asked for, or fewer at the end.
    pub(crate) fn read_at(self: &Arc<Self>, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length().saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = bytes.len().min(left);
        let bytes = &mut bytes[..wanted];
        match &self.content {
            Content::Fetched(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(offset))?;
                file.read_exact(bytes)?;
            }
            Content::Remote => {
                let mut offset = offset;
                let mut rest = bytes;
                while !rest.is_empty() {
                    let block = blocks::get(self, offset / BLOCK, rest.len() as u64)?;
                    let from = &block[(offset % BLOCK) as usize..];
                    let (now, behind) = rest.split_at_mut(from.len().min(rest.len()));
                    now.copy_from_slice(&from[..now.len()]);
                    offset += now.len() as u64;
                    rest = behind;
                }
            }
        }
        Ok(wanted)
    }

    /// Asks for a block.
    pub(super) fn fetch(&self, block: u64) -> Result<Vec<u8>, RemoteError> {
        let start = block * BLOCK;
        let range = start..self.version.length.min(start.saturating_add(BLOCK));
        let wanted = Wanted { range: Some(range.clone()), conditions: self.version.conditions() };
        let asked = self.client.ask(&self.request, &wanted, |reply| self.part_of(reply, &range));
        asked.map_err(|error| match error.fault {
            Fault::Missing(_) => self.changed("it is gone".to_owned()),
            _ => error,
        })
    }

    fn part_of(&self, reply: Reply, range: &Range<u64>) -> Result<Vec<u8>, Trouble> {
        if let Some(change) = self.version.change_to(&self.version_of(&reply)) {
            return Err(self.changed(change).into());
        }
        let other = |what: String| Trouble::from(RemoteError::new(&self.request.name, Fault::Other(what)));
        match (reply.status, ContentRange::of(&reply)) {
            (206, Some(sent)) if sent.range == *range && reply.encoding().is_none() => {
                reply.bytes(range.end - range.start)
            }
            (206, sent) => {
                let sent = sent.map_or("bytes without their place".to_owned(), |sent| sent.in_words());
                Err(other(format!("{sent} for bytes {} to {}", range.start, range.end - 1)))
            }
            (412 | 416, _) => Err(self.changed("the server has another version".to_owned()).into()),
            _ => Err(other(format!("all of it for bytes {} to {}", range.start, range.end - 1))),
        }
    }

    /// The version that an answer is of, as far as it says it.
    fn version_of(&self, reply: &Reply) -> Version {
        let length = ContentRange::of(reply).and_then(|range| range.total);
        Version::of(reply, length.unwrap_or(self.version.length))
    }

    fn changed(&self, what: String) -> RemoteError {
        RemoteError::new(&self.request.name, Fault::Changed(what))
    }
}

/// What a part is of.
struct ContentRange {
    range: Range<u64>,
    total: Option<u64>,
}

impl ContentRange {
    /// As a header says it: `bytes 0-99/1000`.
    fn of(reply: &Reply) -> Option<Self> {
        let header = reply.header(header::CONTENT_RANGE)?;
        let (range, total) = header.strip_prefix("bytes")?.trim().split_once('/')?;
        let total = total.parse().ok();
        let Some((first, last)) = range.split_once('-') else { return Some(Self { range: 0..0, total }) };
        Some(Self { range: first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?, total })
    }

    fn in_words(&self) -> String {
        format!("bytes {} to {}", self.range.start, self.range.end.saturating_sub(1))
    }
}

fn first_of(request: &Request, reply: Reply) -> Result<First, Trouble> {
    let other = |what: String| Trouble::from(RemoteError::new(&request.name, Fault::Other(what)));
    match (reply.status, ContentRange::of(&reply)) {
        (200, _) => fetched(request, reply).map(|(file, version)| First::Whole { file, version }),
        (206, Some(ContentRange { total: Some(total), range })) if reply.encoding().is_none() => {
            let sent = 0..total.min(BLOCK);
            if range != sent {
                let in_words = ContentRange { range, total: None }.in_words();
                return Err(other(format!("{in_words} for the first {}", sent.end)));
            }
            let version = Version::of(&reply, total);
            let is_page = says_page(&reply);
            let bytes = reply.bytes(sent.end)?;
            if is_page && begins_as_page(&bytes) {
                return Err(RemoteError::new(&request.name, Fault::WebPage).into());
            }
            Ok(First::Part { bytes, version })
        }
        (206, _) => Ok(First::Unusable),
        (416, Some(ContentRange { total: Some(0), .. })) => {
            let version = Version::of(&reply, 0);
            Ok(First::Part { bytes: Vec::new(), version })
        }
        (416, _) => Ok(First::Unusable),
        (status, _) => Err(other(format!("status {status} without a condition"))),
    }
}

fn says_page(reply: &Reply) -> bool {
    reply.header(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html"))
}

fn begins_as_page(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'<')
}

/// Fetches the whole into a file that has no name, so that it goes with the process.
fn fetched(request: &Request, reply: Reply) -> Result<(File, Version), Trouble> {
    let name = &request.name;
    if reply.status != 200 {
        let what = format!("status {} where all of it was asked for", reply.status);
        return Err(RemoteError::new(name, Fault::Other(what)).into());
    }
    let announced = reply.length().filter(|_| reply.encoding().is_none());
    let too_large = |bytes| RemoteError::new(name, Fault::TooLarge { bytes, limit: MOST_WHOLE });
    if let Some(bytes) = announced.filter(|&bytes| bytes > MOST_WHOLE) {
        return Err(too_large(bytes).into());
    }
    let folder = default_cache_folder().map_err(|error| disk(name, "the cache folder", &error))?;
    let shown = folder.display().to_string();
    let why = if reply.encoding().is_some() { "it is packed on the way" } else { "its server sends no parts" };
    if announced.is_none_or(|bytes| bytes > BLOCK) {
        let size = announced.map_or(String::new(), |bytes| format!(" ({bytes} bytes)"));
        tracing::warn!("{name} is fetched whole{size} to a temporary file in {shown}, because {why}");
    }
    let mut version = Version::of(&reply, 0);
    let is_page = says_page(&reply);
    let mut reader = reply.into_reader()?;
    fs::create_dir_all(&folder).map_err(|error| disk(name, &shown, &error))?;
    let mut file = tempfile::tempfile_in(&folder).map_err(|error| disk(name, &shown, &error))?;
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(name, &error)),
        };
        if version.length == 0 && is_page && begins_as_page(&chunk[..read]) {
            return Err(RemoteError::new(name, Fault::WebPage).into());
        }
        version.length += read as u64;
        if version.length > MOST_WHOLE {
            return Err(too_large(version.length).into());
        }
        file.write_all(&chunk[..read]).map_err(|error| disk(name, &shown, &error))?;
    }
    match announced {
        Some(bytes) if bytes != version.length => Err(cut_off(name, version.length, bytes)),
        _ => Ok((file, version)),
    }
}

fn disk(name: &str, folder: &str, error: &dyn std::error::Error) -> RemoteError {
    RemoteError::new(name, Fault::Disk { folder: folder.to_owned(), why: error.to_string() })
}
