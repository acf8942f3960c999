//! Objects below a name, as Zarr has them: each by its key. What groups and arrays there are stands in descriptions that were
//! consolidated, for a server of files does not list them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::time::Instant;

use serde_json::Value;

use super::address::Request;
use super::client::{Client, Reply, Trouble, Wanted, broken};
use super::error::{Fault, RemoteError};
use super::object::FRESH;

/// Bytes of a description.
const MOST_OF_DESCRIPTION: u64 = 256 << 20;

/// Objects below a name.
pub(crate) struct Folder {
    client: Client,
    request: Request,
    /// Descriptions by their keys, where they are consolidated.
    descriptions: Option<BTreeMap<String, Vec<u8>>>,
    found: Instant,
}

impl std::fmt::Debug for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Folder").field(&self.request.name).finish()
    }
}

impl Folder {
    /// The Zarr group or array of that name; none where there is none.
    pub(super) fn open(client: &Client, request: Request) -> Result<Option<Self>, RemoteError> {
        let mut folder = Self { client: client.clone(), request, descriptions: None, found: Instant::now() };
        let mut refused = None;
        for name in ["zarr.json", ".zmetadata", ".zgroup", ".zarray"] {
            match folder.fetch(name, MOST_OF_DESCRIPTION) {
                Ok(Some(bytes)) => {
                    if let Ok(description @ Value::Object(_)) = serde_json::from_slice(&bytes) {
                        folder.descriptions = consolidated(name, &bytes, &description);
                        return Ok(Some(folder));
                    }
                }
                Ok(None) => {}
                // Who may not list a bucket is refused what is not there.
                Err(error) if error.may_be_missing() => refused = Some(error),
                Err(error) => return Err(error),
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// Whether it was looked at just now.
    pub(super) fn is_fresh(&self) -> bool {
        self.found.elapsed() < FRESH
    }

    /// An object; none where it is not there.
    pub(crate) fn get(&self, key: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
        let is_description = matches!(key.rsplit('/').next(), Some("zarr.json" | ".zgroup" | ".zarray" | ".zattrs"));
        match &self.descriptions {
            Some(descriptions) if is_description => Ok(descriptions.get(key).cloned()),
            _ => Ok(self.fetch(key, most)?),
        }
    }

    /// The names of the groups and arrays in a group.
    pub(crate) fn folders(&self, key: &str) -> io::Result<BTreeSet<String>> {
        let not_consolidated = || RemoteError::new(&self.request.name, Fault::NotConsolidated);
        let descriptions = self.descriptions.as_ref().ok_or_else(not_consolidated)?;
        let inside = |name: &String| {
            let name = if key.is_empty() { name } else { name.strip_prefix(key)?.strip_prefix('/')? };
            Some(name.split_once('/')?.0.to_owned())
        };
        Ok(descriptions.keys().filter_map(inside).collect())
    }

    /// What an object is called in messages.
    pub(crate) fn name(&self, key: &str) -> String {
        if key.is_empty() { self.request.name.clone() } else { self.request.below(key).name }
    }

    fn fetch(&self, key: &str, most: u64) -> Result<Option<Vec<u8>>, RemoteError> {
        let request = self.request.below(key);
        let whole = |reply: Reply| whole(&request, reply, most);
        match self.client.ask(&request, &Wanted::default(), whole) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(RemoteError { fault: Fault::Missing(_), .. }) => Ok(None),
            Err(error) => match error.region().and_then(|region| self.request.in_region(region)) {
                Some(request) => {
                    let client = self.client.clone();
                    Self { client, request, descriptions: None, found: self.found }.fetch(key, most)
                }
                None => Err(error),
            },
        }
    }
}

fn whole(request: &Request, reply: Reply, most: u64) -> Result<Vec<u8>, Trouble> {
    let length = reply.length().filter(|_| reply.encoding().is_none());
    let too_large = |bytes| RemoteError::new(&request.name, Fault::TooLarge { bytes, limit: most });
    if let Some(length) = length {
        if length > most {
            return Err(too_large(length).into());
        }
        return reply.bytes(length);
    }
    let mut bytes = Vec::new();
    let read = reply.into_reader()?.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| broken(&request.name, &error))?;
    match bytes.len() as u64 {
        length if length > most => Err(too_large(length).into()),
        _ => Ok(bytes),
    }
}

/// All descriptions by their keys, where the one of the root has them.
fn consolidated(name: &str, bytes: &[u8], root: &Value) -> Option<BTreeMap<String, Vec<u8>>> {
    let write = |description: &Value| serde_json::to_vec(description).ok();
    match name {
        ".zmetadata" => {
            let all = root.get("metadata")?.as_object()?;
            Some(all.iter().filter_map(|(key, description)| Some((key.clone(), write(description)?))).collect())
        }
        "zarr.json" => {
            let all = root.get("consolidated_metadata")?.get("metadata")?.as_object()?;
            let below =
                all.iter().filter_map(|(key, description)| Some((format!("{key}/zarr.json"), write(description)?)));
            Some(below.chain([("zarr.json".to_owned(), bytes.to_vec())]).collect())
        }
        _ => None,
    }
}
