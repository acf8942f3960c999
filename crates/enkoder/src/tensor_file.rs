//! The one container of everything we write about networks: a safetensors file of f32 tensors whose metadata has a single entry,
//! `enkoder`, with JSON. A single entry, because the order of several is not fixed and the same content must give the same bytes.
//! The metadata has a checksum of the whole file, so that no damage is taken for a trained number. Files are read as hostile and
//! written under a temporary name in the same folder, then renamed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::atomic_file::{Overwrite, write_atomically};

const KEY: &str = "enkoder";
/// What leads to the digits of the checksum in a file: metadata is a string, so that its quotes have a backslash.
const CHECKSUM: &[u8] = br#"\"checksum\":\""#;
/// What stands in the place of the digits while the checksum is computed.
const NO_DIGITS: [u8; 8] = *b"00000000";
/// The largest file that can hold a network of the largest allowed size with both its moments and its best epoch.
const MAX_BYTES: u64 = 4 * 4 * (1 << 31) + (1 << 27);

/// Why a file of tensors could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorFileError {
    /// It cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be written; what stood under its name before is unchanged.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is larger than any file of ours.
    #[error("the file has {0} bytes, more than any network of the largest allowed size")]
    TooLarge(u64),
    /// It is no safetensors file, or a damaged one.
    #[error("not a safetensors file, or a damaged one")]
    Container(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It is one of ours, but not as it was written.
    #[error("the file is damaged: it has changed since it was written (its checksum is wrong)")]
    Checksum,
    /// It is a safetensors file of something else.
    #[error("a safetensors file, but not of the kind {expected}: its metadata says {found}")]
    Kind {
        /// The kind that was asked for.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A newer version of the format, or one that there never was.
    #[error(
        "version {found} of the format, but this program reads versions 1 to {known}{}",
        if found > known { ": a newer enkoder wrote it" } else { "" }
    )]
    Version {
        /// The file's version.
        found: u32,
        /// The newest version that can be read.
        known: u32,
    },
    /// The metadata is not what it should be.
    #[error("its metadata is damaged")]
    Metadata(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A tensor is missing, has another shape or type, or holds a number that it cannot.
    #[error("tensor {name:?} {fault}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What is wrong with it.
        fault: String,
    },
}

/// The crates that find these faults stay out of sight.
fn container_error(error: SafeTensorError) -> TensorFileError {
    TensorFileError::Container(error.into())
}

fn metadata_error(error: serde_json::Error) -> TensorFileError {
    TensorFileError::Metadata(error.into())
}

#[derive(Serialize, serde::Deserialize)]
struct Envelope<T> {
    kind: String,
    version: u32,
    /// CRC-32 of the whole file, in hexadecimal, with zeros in the place of these digits. Older files do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
    #[serde(flatten)]
    content: T,
}

/// Where the digits of the checksum stand in a file.
fn place_of_checksum(bytes: &[u8]) -> Option<Range<usize>> {
    let start = bytes.windows(CHECKSUM.len()).position(|text| text == CHECKSUM)? + CHECKSUM.len();
    let end = start + NO_DIGITS.len();
    (end <= bytes.len()).then_some(start..end)
}

/// The digits that belong there.
fn checksum(bytes: &[u8], place: &Range<usize>) -> String {
    let mut hasher = crc32fast::Hasher::new();
    for part in [&bytes[..place.start], &NO_DIGITS, &bytes[place.end..]] {
        hasher.update(part);
    }
    format!("{:08x}", hasher.finalize())
}

/// Whether a file is as it was written. Fuzzing takes any: it would never get past them.
fn is_sound(bytes: &[u8]) -> bool {
    let sound = |place: Range<usize>| checksum(bytes, &place).as_bytes() == &bytes[place];
    cfg!(fuzzing) || place_of_checksum(bytes).is_some_and(sound)
}

/// The tensors of a file that has been read, and its metadata.
pub(crate) struct TensorFile {
    metadata: String,
    tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
}

impl TensorFile {
    pub(crate) fn load(path: &Path, kind: &'static str, version: u32) -> Result<Self, TensorFileError> {
        let read = |source| TensorFileError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read)?;
        let length = file.metadata().map_err(read)?.len();
        if length > MAX_BYTES {
            return Err(TensorFileError::TooLarge(length));
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(read)?;
        Self::from_bytes(&bytes, kind, version)
    }

    pub(crate) fn from_bytes(bytes: &[u8], kind: &'static str, version: u32) -> Result<Self, TensorFileError> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(container_error)?;
        let file = SafeTensors::deserialize(bytes).map_err(container_error)?;
        let metadata = header.metadata().as_ref().and_then(|entries| entries.get(KEY));
        let unknown = || TensorFileError::Kind { expected: kind, found: "nothing of enkoder".to_owned() };
        let metadata = metadata.ok_or_else(unknown)?;
        let envelope: Envelope<serde::de::IgnoredAny> = serde_json::from_str(metadata).map_err(metadata_error)?;
        if envelope.kind != kind {
            return Err(TensorFileError::Kind { expected: kind, found: envelope.kind });
        }
        if !(1..=version).contains(&envelope.version) {
            return Err(TensorFileError::Version { found: envelope.version, known: version });
        }
        if envelope.checksum.is_some() && !is_sound(bytes) {
            return Err(TensorFileError::Checksum);
        }
        let mut tensors = HashMap::new();
        for (name, view) in file.iter() {
            if view.dtype() != Dtype::F32 {
                let fault = format!("is of type {:?}, not F32", view.dtype());
                return Err(TensorFileError::Tensor { name: name.to_owned(), fault });
            }
            let (values, _) = view.data().as_chunks::<4>();
            let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            tensors.insert(name.to_owned(), (view.shape().to_vec(), values));
        }
        Ok(Self { metadata: metadata.clone(), tensors })
    }

    pub(crate) fn metadata<T: DeserializeOwned>(&self) -> Result<T, TensorFileError> {
        let envelope: Envelope<T> = serde_json::from_str(&self.metadata).map_err(metadata_error)?;
        Ok(envelope.content)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Takes a tensor out, which must have this shape and finite numbers.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, TensorFileError> {
        self.take_where(name, shape, f32::is_finite)
    }

    /// Takes a tensor out, which must have this shape and only numbers that are `allowed`.
    pub(crate) fn take_where(
        &mut self,
        name: &str,
        shape: &[usize],
        allowed: impl Fn(f32) -> bool,
    ) -> Result<Vec<f32>, TensorFileError> {
        let fail = |fault| TensorFileError::Tensor { name: name.to_owned(), fault };
        let (found, values) = self.tensors.remove(name).ok_or_else(|| fail("is missing".to_owned()))?;
        if found != shape {
            return Err(fail(format!("has the shape {found:?}, not {shape:?}")));
        }
        if let Some(index) = values.iter().position(|&value| !allowed(value)) {
            return Err(fail(format!("holds {} at index {index}", values[index])));
        }
        Ok(values)
    }

    pub(crate) fn to_bytes<'a>(
        kind: &str,
        version: u32,
        content: &impl Serialize,
        tensors: impl IntoIterator<Item = (String, Vec<usize>, &'a [f32])>,
    ) -> Result<Vec<u8>, TensorFileError> {
        let digits = String::from_utf8_lossy(&NO_DIGITS).into_owned();
        let envelope = Envelope { kind: kind.to_owned(), version, checksum: Some(digits), content };
        let metadata = serde_json::to_string(&envelope).map_err(metadata_error)?;
        let tensors: Vec<_> = tensors
            .into_iter()
            .map(|(name, shape, values)| {
                (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
            })
            .collect();
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(container_error)?;
        let metadata = HashMap::from([(KEY.to_owned(), metadata)]);
        let mut bytes = safetensors::serialize(views, Some(metadata)).map_err(container_error)?;
        if let Some(place) = place_of_checksum(&bytes) {
            let digits = checksum(&bytes, &place);
            bytes[place].copy_from_slice(digits.as_bytes());
        }
        Ok(bytes)
    }

    pub(crate) fn save<'a>(
        path: &Path,
        kind: &str,
        version: u32,
        content: &impl Serialize,
        tensors: impl IntoIterator<Item = (String, Vec<usize>, &'a [f32])>,
    ) -> Result<(), TensorFileError> {
        let bytes = Self::to_bytes(kind, version, content, tensors)?;
        write_atomically(path, Overwrite::Replace, |mut file| {
            file.write_all(&bytes)?;
            file.sync_all()?;
            Ok(file)
        })
        .map_err(|source| TensorFileError::Write { path: path.to_owned(), source })
    }
}
