//! Weights that lie in a file beside the model, as PyTorch's exporter writes them where nothing else is said.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use crate::error::OnnxError;
use crate::proto::{GraphProto, TensorProto};

/// A file that holds weights.
struct Other {
    file: File,
    length: u64,
    /// Bytes that no tensor has asked for.
    unclaimed: u64,
}

/// Puts the numbers that lie in files of a folder, or of folders below, into the graph.
pub(super) fn read(graph: &mut GraphProto, folder: &Path) -> Result<(), OnnxError> {
    let mut files = HashMap::new();
    for tensor in graph.initializer.iter_mut().filter(|tensor| tensor.data_location() == 1) {
        let location = tensor.external("location").unwrap_or_default().to_owned();
        match numbers(tensor, &location, folder, &mut files) {
            Ok(bytes) => {
                tensor.raw_data = Some(bytes);
                tensor.data_location = None;
                tensor.external_data.clear();
            }
            Err(reason) => return Err(OnnxError::External { tensor: tensor.name().to_owned(), location, reason }),
        }
    }
    Ok(())
}

/// The bytes of a tensor. A file is not trusted to name others than those beside it, nor to know how long they are.
fn numbers(
    tensor: &TensorProto,
    location: &str,
    folder: &Path,
    files: &mut HashMap<String, Other>,
) -> Result<Vec<u8>, String> {
    let path = Path::new(location);
    if location.is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err("is no file beside the model".to_owned());
    }
    if !files.contains_key(location) {
        let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
        let path = folder.join(path);
        let about = path.metadata().map_err(unreadable)?;
        if !about.is_file() {
            return Err("is no file".to_owned());
        }
        let (file, length) = (File::open(path).map_err(unreadable)?, about.len());
        files.insert(location.to_owned(), Other { file, length, unclaimed: length });
    }
    let Other { file, length: whole, unclaimed } = files.get_mut(location).expect("it was just put there");
    let number =
        |key: &str| tensor.external(key).map(|text| text.parse::<u64>().map_err(|_| format!("has the {key} {text:?}")));
    let offset = number("offset").transpose()?.unwrap_or(0);
    let length = number("length").transpose()?.unwrap_or(whole.saturating_sub(offset));
    if offset.checked_add(length).is_none_or(|end| end > *whole) {
        return Err(format!("has {whole} bytes, and its numbers would end beyond them"));
    }
    // Many tensors must not ask for the same bytes.
    *unclaimed = unclaimed.checked_sub(length).ok_or_else(|| format!("has {whole} bytes, and tensors ask for more"))?;
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| "is too large".to_owned())?];
    let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes));
    read.map_err(|error| format!("cannot be read: {error}")).map(|()| bytes)
}
