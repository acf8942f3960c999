//! Data on servers (`s3://`, `gs://`, `az://`, `http(s)://`), read where it lies: only the parts that are needed, and those of one
//! version. `address.rs` is how a name becomes requests, `credentials.rs` and `sign.rs` are who asks, `client.rs` asks and asks again, `object.rs`
//! is one object at one version, `blocks.rs` keeps what was read of all of them and reads ahead, `folder.rs` is objects below a name.
//!
//! A name is found once; all later reads of this process are of the version found then.

mod address;
mod blocks;
mod client;
mod credentials;
mod error;
mod folder;
mod object;
mod sign;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use address::Request;
use client::Client;
use error::Fault;

pub use error::RemoteError;
pub(crate) use folder::Folder;
pub(crate) use object::Object;

/// What a name on a server stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// An object, and the array in it that the name asks for.
    Object { path: PathBuf, part: Option<String> },
    /// Objects below a name, which are a Zarr array or group.
    Folder { path: PathBuf },
}

/// What was found before, by the name in messages.
static KNOWN: LazyLock<Mutex<HashMap<PathBuf, Known>>> = LazyLock::new(Mutex::default);

#[derive(Clone)]
struct Known {
    /// Where it was found, with what is secret.
    url: String,
    what: What,
}

#[derive(Clone)]
enum What {
    Object(Arc<Object>),
    Folder(Arc<Folder>),
}

fn known() -> MutexGuard<'static, HashMap<PathBuf, Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn client() -> &'static Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(Client::default);
    &CLIENT
}

/// Looks a name up, and asks the server where it was not found before or may have changed since.
///
/// # Errors
/// When there is nothing, it may not be read, the server cannot be reached, or does not answer as it should.
pub(crate) fn find(name: &str) -> Result<Found, RemoteError> {
    let request = Request::of(name, &credentials::from_environment)?;
    let path = PathBuf::from(&request.name);
    let url = request.url();
    let before = known().get(&path).cloned();
    match before.as_ref().filter(|before| before.url == url).map(|before| &before.what) {
        Some(What::Folder(folder)) if folder.is_fresh() => return Ok(Found::Folder { path }),
        // The map and this function have it, and who else has it reads.
        Some(What::Object(object)) if object.is_current(Arc::strong_count(object) > 2)? => {
            return Ok(Found::Object { path, part: None });
        }
        _ => {}
    }
    // A server of files may answer with a page that lists a folder.
    let is_named_folder = name.ends_with('/') || path.extension().is_some_and(|extension| extension == "zarr");
    if is_named_folder && let Some(found) = find_folder(&request, &path)? {
        return Ok(found);
    }
    let error = match Object::open(client(), request.clone()) {
        Ok(object) => {
            if let Some(Known { url: other, what: What::Object(before) }) = before
                && other != url
                && (before.identity().is_none() || before.identity() != object.identity())
            {
                return Err(RemoteError::new(&request.name, Fault::Ambiguous));
            }
            known().insert(path.clone(), Known { url, what: What::Object(Arc::new(object)) });
            return Ok(Found::Object { path, part: None });
        }
        Err(error) => error,
    };
    if error.may_be_missing() {
        if let Some((file, part)) = name.rsplit_once(':')
            // A colon before the path is that of a port.
            && file.matches('/').count() > 2
            && !part.contains('/')
            && let Ok(Found::Object { path, part: None }) = find(file)
        {
            return Ok(Found::Object { path, part: Some(part.to_owned()) });
        }
        if !is_named_folder && let Ok(Some(found)) = find_folder(&request, &path) {
            return Ok(found);
        }
    }
    Err(error)
}

fn find_folder(request: &Request, path: &Path) -> Result<Option<Found>, RemoteError> {
    let Some(folder) = Folder::open(client(), request.clone())? else { return Ok(None) };
    let what = What::Folder(Arc::new(folder));
    known().insert(path.to_owned(), Known { url: request.url(), what });
    Ok(Some(Found::Folder { path: path.to_owned() }))
}

/// The object of a name that was found, or that is looked up now.
pub(crate) fn object(path: &Path) -> io::Result<Arc<Object>> {
    if let Some(Known { what: What::Object(object), .. }) = known().get(path) {
        return Ok(object.clone());
    }
    let name = path.to_str().ok_or(io::ErrorKind::NotFound)?;
    match find(name)? {
        Found::Object { path: shown, .. } => match known().get(&shown) {
            Some(Known { what: What::Object(object), .. }) => Ok(object.clone()),
            _ => Err(io::ErrorKind::NotFound.into()),
        },
        Found::Folder { .. } => Err(io::ErrorKind::IsADirectory.into()),
    }
}

/// The folder of a name, where it was found to be one.
pub(crate) fn folder(path: &Path) -> Option<Arc<Folder>> {
    match known().get(path) {
        Some(Known { what: What::Folder(folder), .. }) => Some(folder.clone()),
        _ => None,
    }
}
