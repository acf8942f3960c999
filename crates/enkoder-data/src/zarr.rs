//! Zarr of versions 2 and 3 (<https://zarr-specs.readthedocs.io>): a folder for each group and array, with JSON that describes it and a file for
//! each chunk; in a folder, or all in a zip file. Chunks that are not there are full of the fill value. Codecs are shards, Blosc, gzip, zlib, bzip2,
//! zstd and checksums, beside both orders of bytes and any of axes; others are refused by their names. No link is followed out of the folder.

mod codecs;
mod metadata;
mod place;
mod shards;
mod store;

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use enkoder::codec::ElementType;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use rayon::prelude::*;

use crate::arrays::{ArrayEntry, Attributes, Contents, Conventions, Described, Field, Slab, Stored};
use crate::blosc;
use crate::error::{DataError, Place};
use crate::remote::RemoteError;
use metadata::{Description, Node, node_of};
use place::{Layout, each};
use store::{Store, wrong};

pub use metadata::parse_zarr_metadata;
pub(crate) use store::is_zarr_zip;

/// Bytes of a region that is read at once, and of a chunk.
const MOST_REGION: u64 = 256 << 20;
/// Bytes that are read together where a row of chunks has fewer.
const USUAL_REGION: u64 = 16 << 20;
/// Chunks that a server is asked for at once, of a region.
const MOST_ASKED: u64 = 16;
/// Chunks of a region: each is looked for in the folder.
const MOST_CHUNKS: u64 = 1 << 20;
/// Groups and arrays, and how deep they lie.
const MOST_NODES: usize = 100_000;
const MOST_DEPTH: usize = 64;
/// Bytes that any array may claim, and for each byte of its chunks beyond: chunks that are not there take none.
const MOST_OF_SMALL: u64 = 1 << 30;
const MOST_PER_BYTE: u64 = 1 << 12;
/// Chunks that any array may claim, and for each file beyond: each is looked for.
const MOST_CHUNKS_PER_FILE: u64 = 1 << 6;
/// Bytes of a description.
const MOST_METADATA: u64 = 16 << 20;

/// What is in a folder or a zip file.
pub(crate) fn contents(path: &Path) -> Result<Contents, DataError> {
    let store = Store::open(path).map_err(|error| DataError::io("open", path, error))?;
    let (arrays, groups, attributes) = (Vec::new(), Vec::new(), Attributes::default());
    let mut walk = Walk { store: Arc::new(store), arrays, groups, attributes, version: 0 };
    let mut attributes = match walk.node("")? {
        Some(Node::Group(attributes)) => {
            walk.visit("", 0)?;
            attributes
        }
        Some(Node::Array(description)) => {
            let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
            walk.add(String::new(), name, *description);
            Default::default()
        }
        None => return Err(DataError::unsuitable(path, "is no Zarr array or group")),
    };
    attributes.all.extend(walk.attributes.all);
    attributes.others.extend(walk.attributes.others);
    let format = if walk.version == 2 { "Zarr 2" } else { "Zarr 3" };
    Ok(Contents { attributes, ..Contents::new(format, walk.groups, walk.arrays) })
}

struct Walk {
    store: Arc<Store>,
    arrays: Vec<ArrayEntry>,
    groups: Vec<String>,
    /// Of the groups.
    attributes: Attributes,
    /// Of the format, as the first description says.
    version: u8,
}

/// The key of a file or folder in a folder.
fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

impl Walk {
    /// What a folder is described as; none where it is neither array nor group.
    fn node(&self, folder: &str) -> Result<Option<Node>, DataError> {
        let read = |name: &str| -> Result<Option<Vec<u8>>, DataError> {
            let key = joined(folder, name);
            let failed = |error| DataError::io("read", self.store.name(&key), error);
            let Some(file) = self.store.get(&key).map_err(failed)? else { return Ok(None) };
            let mut bytes = Vec::new();
            file.take(MOST_METADATA + 1).read_to_end(&mut bytes).map_err(failed)?;
            if bytes.len() as u64 > MOST_METADATA {
                let place = Place::source(self.store.name(&key));
                return Err(DataError::malformed(place, format!("more than {MOST_METADATA} bytes")));
            }
            Ok(Some(bytes))
        };
        node_of(&read).map_err(|error| error.within(self.store.name(folder)))
    }

    fn visit(&mut self, folder: &str, depth: usize) -> Result<(), DataError> {
        if depth > MOST_DEPTH {
            return Ok(());
        }
        let inside = self.store.folders(folder);
        for name in inside.map_err(|error| DataError::io("read", self.store.name(folder), error))? {
            let below = joined(folder, &name);
            match self.node(&below)? {
                // Outside of a group an array has its name alone.
                Some(Node::Array(description)) => {
                    let name = if depth == 0 { name } else { format!("/{below}") };
                    self.add(below, name, *description);
                }
                Some(Node::Group(attributes)) => {
                    self.attributes.extend_of_group(&below, attributes);
                    self.groups.push(format!("/{below}"));
                    self.visit(&below, depth + 1)?;
                }
                None => {}
            }
            let nodes = self.arrays.len() + self.groups.len();
            if nodes > MOST_NODES {
                return Err(DataError::TooLarge {
                    place: Place::source(self.store.name(folder)),
                    what: "a number of Zarr arrays and groups",
                    claimed: nodes as u64,
                    limit: MOST_NODES as u64,
                });
            }
        }
        Ok(())
    }

    fn add(&mut self, folder: String, name: String, description: Description) {
        if self.version == 0 {
            self.version = description.version;
        }
        let Description { axes, shape, chunks, attributes, type_name, .. } = description.clone();
        let described = Described { name, axes, shape, attributes };
        let mut entry = ArrayEntry::new(described, type_name);
        entry.chunks = chunks;
        entry.filters.clone_from(&description.filters);
        self.arrays.push(match ZarrArray::new(self.store.clone(), folder, description) {
            Ok(array) => {
                let stored = array.element;
                let (element, conventions) = Conventions::of(stored, &entry.attributes, |_| None);
                let field = Field {
                    name: entry.name.trim_start_matches('/').replace('/', "."),
                    element,
                    shape: entry.shape.clone(),
                    conventions,
                    original: None,
                    stored: Stored::Zarr(Arc::new(array)),
                    origin: None,
                };
                ArrayEntry { stored: Some(stored), ..entry.with_field(field) }
            }
            Err(why) => ArrayEntry { unreadable: why, ..entry },
        });
    }
}

/// An array that is read region by region.
#[derive(Debug)]
pub(crate) struct ZarrArray {
    store: Arc<Store>,
    folder: String,
    element: ElementType,
    /// At least one axis.
    shape: Vec<u64>,
    chunks: Vec<u64>,
    description: Description,
    /// A region is so many steps of this axis, at one place along those before it, with all that lies behind.
    axis: usize,
    steps: u64,
}

impl ZarrArray {
    /// An array whose numbers can be read, or why not; nothing where it holds texts.
    fn new(store: Arc<Store>, folder: String, description: Description) -> Result<Self, Option<String>> {
        let Some(element) = description.element else { return Err(description.unreadable) };
        if let Some(why) = description.unreadable {
            return Err(Some(why));
        }
        let alone = description.shape.is_empty();
        let shape = if alone { vec![1] } else { description.shape.clone() };
        let chunks = if alone { vec![1] } else { description.chunks.clone() };
        let width = element.bytes() as u64;
        let product = |axes: &[u64]| axes.iter().try_fold(width, |bytes, &axis| bytes.checked_mul(axis));
        let chunk = product(&chunks).filter(|&bytes| bytes <= MOST_REGION);
        let Some(_) = chunk else { return Err(Some(format!("its chunks of {chunks:?} are over {MOST_REGION} bytes"))) };
        let (files, held) = store.held(&folder);
        let most = MOST_OF_SMALL.max(held.saturating_mul(MOST_PER_BYTE));
        match product(&shape) {
            Some(bytes) if bytes <= most => {}
            Some(bytes) => return Err(Some(format!("it claims {bytes} bytes, which its chunks cannot hold"))),
            None => return Err(Some("it claims more bytes than can be counted".to_owned())),
        }
        let counts = shape.iter().zip(&chunks).map(|(length, chunk)| length.div_ceil(*chunk));
        let count = counts.fold(1u64, u64::saturating_mul);
        if count > MOST_CHUNKS.max(files.saturating_mul(MOST_CHUNKS_PER_FILE)) {
            return Err(Some(format!("it claims {count} chunks, of which only {files} are there")));
        }
        // The outermost axis of which a row of chunks is not too large, or the last.
        let row = |axis: usize| {
            let inner = shape[axis + 1..].iter().zip(&chunks[axis + 1..]);
            let count = inner.fold(1u64, |count, (&length, &chunk)| count.saturating_mul(length.div_ceil(chunk)));
            (product(&shape[axis + 1..]).unwrap_or(u64::MAX).saturating_mul(chunks[axis]), count)
        };
        let fits = |&axis: &usize| row(axis).0 <= MOST_REGION && row(axis).1 <= MOST_CHUNKS;
        let Some(axis) = (0..shape.len()).find(fits) else {
            return Err(Some(format!("a row of its chunks of {chunks:?} is over {MOST_REGION} bytes")));
        };
        let (bytes, count) = row(axis);
        let rows = (USUAL_REGION / bytes.max(1)).min(MOST_CHUNKS / count.max(1)).max(1);
        let steps = chunks[axis].saturating_mul(rows).min(shape[axis].max(1));
        Ok(Self { store, folder, element, shape, chunks, description, axis, steps })
    }

    /// Fills `bytes` with those of the array from number `first` on, little-endian.
    pub fn read(&self, region: &mut Slab, first: u64, bytes: &mut [u8]) -> io::Result<()> {
        region.read(first, bytes, |first| self.region(first))
    }

    /// The region with the byte `first` in it.
    fn region(&self, first: u64) -> io::Result<Slab> {
        let width = self.element.bytes() as u64;
        let step = self.shape[self.axis + 1..].iter().product::<u64>() * width;
        let (outer, at) = (first / step / self.shape[self.axis], first / step % self.shape[self.axis]);
        let start = at / self.steps * self.steps;
        let mut from = vec![0; self.shape.len()];
        let mut to = self.shape.clone();
        (from[self.axis], to[self.axis]) = (start, (start + self.steps).min(self.shape[self.axis]));
        let mut left = outer;
        for axis in (0..self.axis).rev() {
            from[axis] = left % self.shape[axis];
            to[axis] = from[axis] + 1;
            left /= self.shape[axis];
        }
        let count: u64 = from.iter().zip(&to).map(|(from, to)| to - from).product();
        let mut bytes = self.description.fill.repeat(count as usize);
        // The chunks that the region touches.
        let grid: Vec<(u64, u64)> = (0..from.len())
            .map(|axis| (from[axis] / self.chunks[axis], (to[axis] - 1) / self.chunks[axis] + 1))
            .collect();
        let (first_index, end): (Vec<u64>, Vec<u64>) = grid.into_iter().unzip();
        let mut all = Vec::new();
        each(&first_index, &end, |index| {
            all.push(index.to_vec());
            Ok(())
        })?;
        let layout =
            Layout { chunks: &self.chunks, order: &self.description.codecs.order, width: self.element.bytes() };
        let chunk = self.chunks.iter().product::<u64>() * width;
        let at_once = match self.store.is_remote() {
            true => (USUAL_REGION / chunk.max(1)).clamp(1, MOST_ASKED),
            false => rayon::current_num_threads().max(1) as u64,
        };
        for some in all.chunks(at_once as usize) {
            for (index, chunk) in some.iter().zip(self.chunks_of(some)) {
                if let Some(chunk) = chunk? {
                    layout.place(index, &chunk, &from, &to, &mut bytes);
                }
            }
        }
        let first = (outer * self.shape[self.axis] + start) * step;
        Ok(Slab { first, bytes })
    }

    /// Some chunks: with the threads that there are, or with one for each where each is waited for.
    fn chunks_of(&self, some: &[Vec<u64>]) -> Vec<io::Result<Option<Vec<u8>>>> {
        if !self.store.is_remote() {
            return some.par_iter().map(|index| self.chunk(index)).collect();
        }
        thread::scope(|scope| {
            let asked: Vec<_> = some.iter().map(|index| scope.spawn(|| self.chunk(index))).collect();
            let failed = |_| Err(wrong("a chunk could not be read".to_owned()));
            asked.into_iter().map(|thread| thread.join().unwrap_or_else(failed)).collect()
        })
    }

    /// A chunk, unpacked and little-endian; none where it is not there.
    fn chunk(&self, index: &[u64]) -> io::Result<Option<Vec<u8>>> {
        let index = if self.description.shape.is_empty() { &[] } else { index };
        let key = joined(&self.folder, &self.description.key(index));
        let wrong = |why: String| wrong(format!("{}: {why}", self.store.name(&key)));
        let file = self.store.get(&key).map_err(|error| match RemoteError::behind(&error) {
            // It says itself where it was.
            Some(_) => error,
            None => wrong(error.to_string()),
        })?;
        let Some(file) = file else { return Ok(None) };
        let width = self.element.bytes();
        let codecs = &self.description.codecs;
        let bytes = match &codecs.shard {
            None => codecs.unpack(file, self.chunks.iter().product::<u64>() * width as u64, width),
            Some(shard) => codecs
                .unpack_all(file)
                .and_then(|file| shard.unfold(&file, &self.chunks, width, &self.description.fill)),
        };
        let bytes = bytes.map_err(|error| wrong(error.to_string()))?;
        Ok(Some(bytes))
    }
}

/// How bytes of a chunk are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Blosc,
    Gzip,
    Zlib,
    Zstd,
    Bzip2,
    Checksum,
}

impl Packing {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "blosc" | "numcodecs.blosc" => Self::Blosc,
            "gzip" => Self::Gzip,
            "zlib" | "numcodecs.zlib" => Self::Zlib,
            "zstd" | "numcodecs.zstd" => Self::Zstd,
            "bz2" | "numcodecs.bz2" => Self::Bzip2,
            "crc32c" => Self::Checksum,
            _ => return None,
        })
    }

    /// What is unpacked, of which `most` bytes are wanted.
    fn unpack<'a>(self, packed: Box<dyn Read + 'a>, most: u64) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Blosc => {
                let mut bytes = Vec::new();
                packed.take(2 * MOST_REGION).read_to_end(&mut bytes)?;
                Box::new(io::Cursor::new(blosc::unpack(&bytes, most)?))
            }
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Zlib => Box::new(ZlibDecoder::new(packed)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::new(packed)?),
            Self::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(packed)),
            Self::Checksum => Box::new(io::Cursor::new(shards::without_checksum(packed, 2 * MOST_REGION)?)),
        })
    }
}
