//! One file from a server into the cache: streamed into its part, continued where an earlier attempt ended, checked, and only
//! then given its name.

use std::io::{self, Read};
use std::path::Path;

use ureq::http::{HeaderMap, header};

use super::cache::{DataFormat, Verified};
use super::error::OpenmlError;
use super::http::{BodyReader, Http, network, status_failure};
use super::metadata::md5_digits;
use super::part::{Notes, Part, discard_part_of};
use super::retry::{Failure, tell};
use super::{DownloadEvent, Watcher};
use crate::network::{RetryPolicy, header_text};

const CHUNK: usize = 1 << 16;
/// An attempt that brought this much is progress on a bad line.
const ADVANCE: u64 = 1 << 20;

/// A file to download.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) url: &'a str,
    pub(super) format: DataFormat,
    /// The MD5 that the data set's description gives.
    pub(super) md5: Option<&'a str>,
    /// Where it goes.
    pub(super) path: &'a Path,
}

/// What is known of a file that has arrived.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) bytes: u64,
    pub(super) md5: String,
    pub(super) verified: Verified,
}

/// Downloads files.
#[derive(Clone, Debug)]
pub(super) struct Downloader {
    pub(super) http: Http,
    pub(super) retry: RetryPolicy,
    /// The largest file accepted, in bytes.
    pub(super) limit: u64,
}

impl Downloader {
    /// Downloads, checks and names the file. A damaged one is downloaded once more from the start.
    pub(super) fn download(&self, wanted: Wanted<'_>, watcher: &mut Watcher<'_>) -> Result<Arrived, OpenmlError> {
        let mut damaged_before = false;
        loop {
            let mut part = self.retry.run(watcher, |watcher| self.attempt(wanted, watcher))?;
            match check(wanted, &mut part)? {
                Ok(verified) => {
                    let (bytes, md5) = (part.bytes(), part.md5());
                    part.finish(wanted.path)?;
                    return Ok(Arrived { bytes, md5, verified });
                }
                Err(damage) => {
                    part.discard()?;
                    if damaged_before {
                        return Err(damage);
                    }
                    damaged_before = true;
                    tracing::warn!("{damage}; downloading it once more");
                }
            }
        }
    }

    /// One request, from where the last one ended. Gives the part once it is whole.
    fn attempt(&self, wanted: Wanted<'_>, watcher: &mut Watcher<'_>) -> Result<Part, Failure> {
        let mut part = Part::open(wanted.path, wanted.url)?;
        let headers = range_headers(&part, wanted);
        let response = self.http.get(wanted.url, &headers)?;
        let status = response.status().as_u16();
        let total = match status {
            200 => None,
            206 if !headers.is_empty() => {
                let range = header_text(response.headers(), header::CONTENT_RANGE).unwrap_or_default();
                let Some(total) = total_of_range(&range, &part) else {
                    return Err(start_over(wanted, format!("content range `{range}` does not continue the file")));
                };
                Some(total)
            }
            416 if !headers.is_empty() => {
                if part.notes().total == Some(part.bytes()) {
                    // All had come before the connection ended.
                    part.resume(part.bytes())?;
                    return Ok(part);
                }
                return Err(start_over(wanted, "the server has no bytes behind those that came".into()));
            }
            _ => return Err(status_failure(wanted.url, response.headers(), status)),
        };
        let mut notes = notes_of(wanted.url, response.headers());
        let body = BodyReader::new(wanted.url, response)?;
        if body.encoded && total.is_some() {
            return Err(start_over(wanted, "the rest of the file came compressed".into()));
        }
        if body.encoded {
            // Neither its tag nor its length is that of the file itself.
            notes = Notes::default();
        }
        notes.total = total.or(body.length);
        if notes.total.is_some_and(|total| total > self.limit) {
            return Err(self.too_large(wanted));
        }
        match total {
            Some(total) => part.resume(total)?,
            None => part.begin(notes)?,
        }
        self.receive(body, part, wanted, watcher)
    }

    fn receive(
        &self,
        mut body: BodyReader,
        mut part: Part,
        wanted: Wanted<'_>,
        watcher: &mut Watcher<'_>,
    ) -> Result<Part, Failure> {
        let start = part.bytes();
        let total = part.notes().total;
        let mut buffer = vec![0; CHUNK];
        loop {
            tell(watcher, DownloadEvent::Received { bytes: part.bytes(), total })?;
            let broken = match body.read(&mut buffer) {
                Ok(0) if total.is_none_or(|total| total == part.bytes()) => return Ok(part),
                Ok(0) => io::ErrorKind::UnexpectedEof.into(),
                Ok(count) => {
                    part.append(&buffer[..count])?;
                    if part.bytes() > self.limit {
                        return Err(self.too_large(wanted));
                    }
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            let advanced = part.bytes() - start >= ADVANCE;
            return Err(Failure::Passing { error: network(wanted.url, broken), retry_after: None, advanced });
        }
    }

    fn too_large(&self, wanted: Wanted<'_>) -> Failure {
        let error = discard_part_of(wanted.path).err();
        Failure::Final(error.unwrap_or_else(|| OpenmlError::TooLarge { url: wanted.url.into(), limit: self.limit }))
    }
}

/// Asks for what is missing, if only that is wanted.
fn range_headers(part: &Part, wanted: Wanted<'_>) -> Vec<(header::HeaderName, String)> {
    let validator = part.notes().validator.clone();
    // Without a validator only the checksum at the end tells a changed file from an unchanged one.
    if part.bytes() == 0 || (validator.is_none() && wanted.md5.is_none()) {
        return Vec::new();
    }
    let mut headers = vec![(header::RANGE, format!("bytes={}-", part.bytes()))];
    headers.extend(validator.map(|validator| (header::IF_RANGE, validator)));
    headers
}

/// The whole file's length from a `Content-Range` header (RFC 9110, section 14.4), when the range begins where the part ends and
/// the length is the one noted.
fn total_of_range(header: &str, part: &Part) -> Option<u64> {
    let (range, total) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, total): (u64, u64, u64) = (first.parse().ok()?, last.parse().ok()?, total.parse().ok()?);
    let fits = first == part.bytes() && last >= first && last < total;
    (fits && part.notes().total.is_none_or(|noted| noted == total)).then_some(total)
}

/// What the headers of a whole file say of it.
fn notes_of(url: &str, headers: &HeaderMap) -> Notes {
    let tag = header_text(headers, header::ETAG).filter(|tag| tag.starts_with('"'));
    let server_md5 = tag.as_deref().and_then(|tag| object_store_md5(tag, headers));
    let validator = tag.or_else(|| header_text(headers, header::LAST_MODIFIED));
    Notes { url: url.into(), validator, server_md5, total: None }
}

/// The MD5 in the entity tag of an object store. In the S3 protocol the tag of an object that was uploaded in one piece and is
/// not encrypted under a key of its own is its MD5; that of one uploaded in several has a `-`. Other servers make their tags of
/// something else, sometimes with as many digits, so the store's own headers must be there.
fn object_store_md5(tag: &str, headers: &HeaderMap) -> Option<String> {
    let names = || headers.keys().map(|name| name.as_str());
    let encrypted = names().any(|name| name.starts_with("x-amz-server-side-encryption-"))
        || headers.get("x-amz-server-side-encryption").is_some_and(|method| method != "AES256");
    if encrypted || !names().any(|name| name.starts_with("x-amz-")) {
        return None;
    }
    md5_digits(tag.trim_matches('"'))
}

/// Drops what has come, because the server does not continue it.
fn start_over(wanted: Wanted<'_>, why: String) -> Failure {
    match discard_part_of(wanted.path) {
        Ok(()) => Failure::passing(network(wanted.url, io::Error::new(io::ErrorKind::InvalidData, why))),
        Err(error) => error.into(),
    }
}

/// Compares a whole file with all that was promised of it; the inner error is damage.
fn check(wanted: Wanted<'_>, part: &mut Part) -> Result<Result<Verified, OpenmlError>, OpenmlError> {
    let actual = part.md5();
    let promised = match (wanted.md5, part.notes().server_md5.clone()) {
        (Some(md5), _) => Some((md5.to_owned(), Verified::Description)),
        (None, Some(md5)) => Some((md5, Verified::EntityTag)),
        (None, None) => None,
    };
    if let Some((expected, _)) = promised.as_ref().filter(|(expected, _)| *expected != actual) {
        let (url, expected) = (wanted.url.to_owned(), expected.clone());
        return Ok(Err(OpenmlError::Checksum { url, expected, actual }));
    }
    if wanted.format == DataFormat::Parquet
        && let Some(reason) = part.parquet_fault()?
    {
        return Ok(Err(OpenmlError::NotParquet { url: wanted.url.into(), reason }));
    }
    Ok(Ok(promised.map_or(Verified::Length, |(_, verified)| verified)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_the_tag_of_an_object_store_is_taken_for_an_md5() {
        const MD5: &str = "5eb63bbbe01eeed093cb22bb8f5acdc3";
        let tag = ("etag", "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"");
        let md5 = |pairs: &[_]| notes_of("u", &headers(pairs)).server_md5;
        let store = ("x-amz-request-id", "17A0");
        assert_eq!(md5(&[tag, store]).as_deref(), Some(MD5));
        assert_eq!(md5(&[tag]), None);
        assert_eq!(md5(&[("etag", "W/\"5eb63bbbe01eeed093cb22bb8f5acdc3\""), store]), None);
        assert_eq!(md5(&[("etag", "\"5eb63bbbe01eeed093cb22bb8f5acdc3-12\""), store]), None);
        assert_eq!(md5(&[tag, store, ("x-amz-server-side-encryption", "aws:kms")]), None);
        assert_eq!(md5(&[tag, store, ("x-amz-server-side-encryption", "AES256")]).as_deref(), Some(MD5));
    }

    #[test]
    fn a_range_must_begin_where_the_part_ends() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = Part::open(&folder.path().join("data.arff"), "u").unwrap();
        part.begin(Notes { url: "u".into(), total: Some(11), ..Notes::default() }).unwrap();
        part.append(b"hello ").unwrap();
        assert_eq!(total_of_range("bytes 6-10/11", &part), Some(11));
        for range in ["", "bytes 5-10/11", "bytes 6-10/*", "bytes 6-10/12", "bytes 6-11/11", "bytes 6-5/11", "6-10/11"]
        {
            assert_eq!(total_of_range(range, &part), None, "{range}");
        }
    }
}
