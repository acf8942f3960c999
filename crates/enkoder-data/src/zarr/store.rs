//! Where the files of a Zarr array or group lie: in a folder, out of which no link is followed, or in a zip file. Each has a key, as
//! `group/t/0.0`.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use zip::ZipArchive;

use super::{MOST_CHUNKS, MOST_DEPTH, MOST_REGION};
use crate::input::{Input, Location};
use crate::remote::{self, Folder};

/// Names of the files of which one is in every array and group.
pub(super) const DESCRIPTIONS: [&str; 3] = ["zarr.json", ".zarray", ".zgroup"];

/// Files of a zip file; each takes some memory.
const MOST_FILES: usize = 1 << 24;

#[derive(Debug)]
pub(super) enum Store {
    /// A folder, as the system calls it in full.
    Folder(PathBuf),
    Zip(Box<ZipStore>),
    /// A folder on a server.
    Remote(Arc<Folder>),
}

#[derive(Debug)]
pub(super) struct ZipStore {
    path: PathBuf,
    archive: Mutex<ZipArchive<BufReader<Input>>>,
    /// The number in the archive of each file, and its bytes there.
    files: HashMap<String, (usize, u64)>,
}

impl Store {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = remote::folder(path) {
            Ok(Self::Remote(folder))
        } else if path.is_dir() {
            path.canonicalize().map(Self::Folder)
        } else {
            ZipStore::open(path).map(Box::new).map(Self::Zip)
        }
    }

    pub(super) fn is_remote(&self) -> bool {
        matches!(self, Self::Remote(_))
    }

    /// A file; none where it is not there.
    pub(super) fn get(&self, key: &str) -> io::Result<Option<Box<dyn Read>>> {
        match self {
            Self::Folder(root) => match within(root, &root.join(key)).and_then(File::open) {
                Ok(file) => Ok(Some(Box::new(file))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
            Self::Zip(zip) => zip.get(key),
            Self::Remote(folder) => {
                let bytes = folder.get(key, 2 * MOST_REGION)?;
                Ok(bytes.map(|bytes| Box::new(io::Cursor::new(bytes)) as Box<dyn Read>))
            }
        }
    }

    /// The names of the folders in a folder, in their order.
    pub(super) fn folders(&self, key: &str) -> io::Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        match self {
            Self::Folder(root) => {
                for entry in fs::read_dir(root.join(key))? {
                    let entry = entry?;
                    // A link is no folder of this one.
                    if entry.file_type()?.is_dir() {
                        names.extend(entry.file_name().into_string());
                    }
                }
            }
            Self::Zip(zip) => {
                let folder = |name: &String| Some(below(name, key)?.split_once('/')?.0.to_owned());
                names.extend(zip.files.keys().filter_map(folder));
            }
            Self::Remote(folder) => names.extend(folder.folders(key)?),
        }
        Ok(names)
    }

    /// How many files are in a folder and those below it, and their bytes.
    pub(super) fn held(&self, key: &str) -> (u64, u64) {
        match self {
            Self::Folder(root) => held_in(&root.join(key), 0),
            Self::Zip(zip) => {
                let files = zip.files.iter().filter(|(name, _)| below(name, key).is_some());
                files.fold((0, 0), |(count, bytes), (_, (_, more))| (count + 1, bytes.saturating_add(*more)))
            }
            // Counting them would take as long as reading them.
            Self::Remote(_) => (MOST_CHUNKS, u64::MAX),
        }
    }

    /// What a file is called in messages.
    pub(super) fn name(&self, key: &str) -> String {
        match self {
            Self::Folder(root) => root.join(key).display().to_string(),
            Self::Zip(zip) => format!("{}:{key}", zip.path.display()),
            Self::Remote(folder) => folder.name(key),
        }
    }
}

/// The rest of a name behind that of a folder; the outermost has none.
fn below<'a>(name: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() { Some(name) } else { name.strip_prefix(folder)?.strip_prefix('/') }
}

impl ZipStore {
    fn open(path: &Path) -> io::Result<Self> {
        let mut archive = ZipArchive::new(BufReader::new(Location::of(path).map_err(io::Error::other)?.open()?))?;
        if archive.len() > MOST_FILES {
            return Err(wrong(format!("{} files are over the limit of {MOST_FILES}", archive.len())));
        }
        let mut files = HashMap::new();
        for index in 0..archive.len() {
            let file = archive.by_index_raw(index)?;
            if file.is_file() {
                files.insert(file.name()?.into_owned(), (index, file.compressed_size()));
            }
        }
        // All may lie in one folder of the archive.
        let is_described = |name: &&String| DESCRIPTIONS.iter().any(|end| name.rsplit('/').next() == Some(end));
        let outermost = files.keys().filter(is_described).min_by_key(|name| (name.matches('/').count(), name.len()));
        let root = outermost.and_then(|name| name.rsplit_once('/')).map_or(String::new(), |(root, _)| root.to_owned());
        if !root.is_empty() && files.keys().all(|name| below(name, &root).is_some()) {
            let inside = files.into_iter().filter_map(|(name, file)| Some((below(&name, &root)?.to_owned(), file)));
            files = inside.collect();
        }
        Ok(Self { path: path.into(), archive: Mutex::new(archive), files })
    }

    fn get(&self, key: &str) -> io::Result<Option<Box<dyn Read>>> {
        let Some(&(index, _)) = self.files.get(key) else { return Ok(None) };
        let mut archive = self.archive.lock().map_err(|_| wrong("the zip file could not be read".to_owned()))?;
        let mut bytes = Vec::new();
        archive.by_index(index)?.take(2 * MOST_REGION).read_to_end(&mut bytes)?;
        Ok(Some(Box::new(io::Cursor::new(bytes))))
    }
}

/// Whether a zip file holds Zarr.
pub(crate) fn is_zarr_zip(path: &Path) -> bool {
    let open = || ZipArchive::new(BufReader::new(Input::open(path).ok()?)).ok();
    let Some(archive) = open() else { return false };
    archive.file_names().flatten().any(|name| {
        let last = name.rsplit('/').next();
        name.matches('/').count() <= 1 && DESCRIPTIONS.iter().any(|description| last == Some(description))
    })
}

pub(super) fn wrong(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// A path that leads to no other place than below `root`.
fn within(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let real = path.canonicalize()?;
    if real.starts_with(root) && !path.components().any(|part| part == Component::ParentDir) {
        return Ok(real);
    }
    Err(wrong("a link that leads out of the folder".to_owned()))
}

fn held_in(folder: &Path, depth: usize) -> (u64, u64) {
    let Ok(entries) = fs::read_dir(folder) else { return (0, 0) };
    let of_entry = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() && depth < MOST_DEPTH => held_in(&entry.path(), depth + 1),
        Ok(kind) if kind.is_file() => (1, entry.metadata().map_or(0, |metadata| metadata.len())),
        _ => (0, 0),
    };
    let add = |sum: (u64, u64), one: (u64, u64)| (sum.0 + one.0, sum.1.saturating_add(one.1));
    entries.flatten().map(of_entry).fold((0, 0), add)
}
