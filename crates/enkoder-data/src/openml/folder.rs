//! Where what was fetched or converted is kept.

use std::path::PathBuf;

use etcetera::BaseStrategy;

use super::error::OpenmlError;

/// Names the folder in place of the system's.
const CACHE_VARIABLE: &str = "ENKODER_CACHE";

/// The folder for caches: `ENKODER_CACHE`, or else `enkoder` in the system's own (`$XDG_CACHE_HOME` or `~/.cache`,
/// `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows).
///
/// # Errors
/// [`OpenmlError::NoCacheFolder`] when the system names none.
pub fn default_cache_folder() -> Result<PathBuf, OpenmlError> {
    if let Some(folder) = std::env::var_os(CACHE_VARIABLE).filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let strategy =
        etcetera::base_strategy::choose_native_strategy().map_err(|error| OpenmlError::NoCacheFolder(error.into()))?;
    Ok(strategy.cache_dir().join("enkoder"))
}
