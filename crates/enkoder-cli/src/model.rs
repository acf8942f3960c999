//! Opening a model, by its file or by the folder that training wrote it to.

use std::path::{Path, PathBuf};

use anyhow::Context;
use enkoder::{Autoencoder, ModelFileError, TensorFileError};

/// The model's name in the folder that training writes.
pub const FILE_NAME: &str = "model.safetensors";

/// The file that a user means: itself, or the one in the folder named.
pub fn file_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() }
}

/// Loads a model.
pub fn load(path: &Path) -> anyhow::Result<Autoencoder> {
    let path = file_of(path);
    Autoencoder::load(&path).map_err(|error| match error {
        // It names the file itself.
        ModelFileError::File(TensorFileError::Read { .. }) => error.into(),
        _ => anyhow::Error::new(error).context(format!("{} cannot be used as a model", path.display())),
    })
}

/// Says that a model and some data do not belong together, before the reason.
pub fn check(model: &Autoencoder, path: &Path, data: &enkoder::Dataset) -> anyhow::Result<()> {
    model.check(data).with_context(|| format!("the model {} does not fit {}", path.display(), data.name()))
}
