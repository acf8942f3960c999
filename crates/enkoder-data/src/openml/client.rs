//! The client: from a data set's number to a checked file in the cache and its samples, with the network only where the cache does
//! not have the file.

use std::path::PathBuf;
use std::time::Duration;

use enkoder::Dataset;
use ureq::http::Uri;

use super::cache::{Cache, CachedSet, DataFormat};
use super::dataset::{into_dataset, read_table};
use super::download::{Arrived, Downloader, Wanted};
use super::error::OpenmlError;
use super::folder::default_cache_folder;
use super::http::Http;
use super::metadata::{DataSetDescription, ServerError};
use super::part::md5_of;
use super::retry::{Failure, tell};
use super::{DownloadEvent, Watcher};
use crate::network::{RetryPolicy, Timeouts};
use crate::{DataError, TableOptions};

/// What is asked for, in this order: Parquet is smaller and quicker to read.
const WANTED: &[DataFormat] =
    if cfg!(feature = "parquet") { &[DataFormat::Parquet, DataFormat::Arff] } else { &[DataFormat::Arff] };
const OPENML: &str = "https://www.openml.org";
/// A description is a few kilobytes, most of it prose; some name thousands of columns.
const DESCRIPTION_LIMIT: u64 = 4 << 20;
/// The largest data set on OpenML is some gigabytes.
const FILE_LIMIT: u64 = 16 << 30;

/// Fetches data sets from an OpenML server into the user's cache, once each.
///
/// A data set's description (`GET /api/v1/json/data/ID`) names a Parquet file, an ARFF file, or both. Parquet is taken where it
/// is offered, because it is smaller and quicker to read; when it cannot be had, ARFF is taken in its place.
///
/// What is checked: the description gives the MD5 of the **ARFF** file, and an ARFF file with another one is refused. OpenML gives
/// no checksum for the **Parquet** file, and its own Python client checks none. Here its MD5 is compared with the entity tag
/// where that is one (object stores such as OpenML's make it so for files uploaded in one piece); otherwise its length and its
/// frame are checked, and that it can be read shows when it is. [`CachedSet::verified`] says which it was. MD5 guards against
/// accidents; against forgery only the https of the server does.
///
/// Downloads that break off are continued, by later runs too. Proxies are taken from the environment (`HTTPS_PROXY`,
/// `ALL_PROXY`, `NO_PROXY`), except for addresses of this machine. Certificates are checked against Mozilla's list of
/// authorities, not against the system's.
///
/// ```no_run
/// use enkoder_data::openml::{MNIST, OpenmlClient};
/// use enkoder_data::{DataError, TableOptions};
/// use std::ops::ControlFlow;
///
/// let client = OpenmlClient::new()?;
/// let digits = client.open(MNIST, &TableOptions::default(), &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!((digits.len(), digits.shape()), (70_000, &[28, 28][..]));
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenmlClient {
    server: String,
    cache_root: PathBuf,
    offline: bool,
    timeouts: Timeouts,
    retry: RetryPolicy,
    limit: u64,
}

impl OpenmlClient {
    /// A client of <https://www.openml.org> with the user's own cache folder ([`default_cache_folder`]).
    ///
    /// # Errors
    /// [`OpenmlError::NoCacheFolder`] when the system names no cache folder.
    pub fn new() -> Result<Self, OpenmlError> {
        Ok(Self::with_cache_folder(default_cache_folder()?))
    }

    /// A client of <https://www.openml.org> with this cache folder; it is made when first needed.
    pub fn with_cache_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            server: OPENML.into(),
            cache_root: folder.into(),
            offline: false,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            limit: FILE_LIMIT,
        }
    }

    /// Another server that speaks as OpenML does: `https://HOST`, `http://HOST:PORT`, with a path or without.
    ///
    /// # Errors
    /// [`OpenmlError::Address`] when the address is none.
    pub fn with_server(mut self, address: impl Into<String>) -> Result<Self, OpenmlError> {
        let address = address.into();
        let uri = address.parse::<Uri>().ok().filter(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && uri.query().is_none()
        });
        if uri.is_none() {
            return Err(OpenmlError::Address { address });
        }
        self.server = address.trim_end_matches('/').into();
        Ok(self)
    }

    /// Whether only the cache may be used.
    pub fn with_offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// How long to wait for a connection (15 s), and for each further piece of an answer (30 s).
    pub fn with_timeouts(mut self, connect: Duration, stall: Duration) -> Self {
        self.timeouts = Timeouts { connect, stall };
        self
    }

    /// How often in a row to try again after a failure that may pass (4), and the wait before the first of these tries (0.5 s),
    /// doubled for each further one. What a server asks for with `Retry-After` goes before.
    pub fn with_retries(mut self, retries: u32, first_wait: Duration) -> Self {
        self.retry = RetryPolicy { retries, first_wait };
        self
    }

    /// The largest data file accepted, in bytes (16 GiB).
    pub fn with_limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// The server's address.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The folder with what was fetched from this server.
    pub fn folder(&self) -> PathBuf {
        self.cache().folder().to_owned()
    }

    /// The data set from the cache if it is there and its file has the right length, or else from the server.
    ///
    /// # Errors
    /// All of [`OpenmlError`]; [`OpenmlError::Offline`] when the network would be needed and may not be used.
    pub fn find_or_fetch(&self, id: u32, watcher: &mut Watcher<'_>) -> Result<CachedSet, OpenmlError> {
        match self.cache().find(id) {
            Some(set) => Ok(set),
            None => self.obtain(id, WANTED, |_| true, watcher),
        }
    }

    /// The same, but a file in the cache is read and its MD5 compared with that recorded when it came; a damaged one is fetched
    /// again.
    ///
    /// # Errors
    /// As for [`find_or_fetch`](Self::find_or_fetch).
    pub fn fetch(&self, id: u32, watcher: &mut Watcher<'_>) -> Result<CachedSet, OpenmlError> {
        match self.cache().find(id).filter(is_intact) {
            Some(set) => Ok(set),
            None => self.obtain(id, WANTED, is_intact, watcher),
        }
    }

    /// The samples of a data set, from the cache or from the server. The first column to predict becomes the label, unless the
    /// options name another, and further ones are left out; so are the columns that OpenML marks as numbering the rows or not to
    /// be learned from.
    ///
    /// A file in the cache that turns out to be damaged is fetched again, and an ARFF file is fetched in place of a Parquet file
    /// that cannot be read.
    ///
    /// # Errors
    /// As for [`find_or_fetch`](Self::find_or_fetch), and those of [`read_parquet`](crate::read_parquet),
    /// [`read_arff`](crate::read_arff) and [`Table::into_dataset`](crate::Table::into_dataset).
    pub fn open(&self, id: u32, options: &TableOptions, watcher: &mut Watcher<'_>) -> Result<Dataset, DataError> {
        let mut set = self.find_or_fetch(id, watcher)?;
        let table = match read_table(&set, options) {
            Err(_) if !is_intact(&set) => {
                set = self.fetch(id, watcher)?;
                read_table(&set, options)?
            }
            Err(error @ DataError::Malformed { .. })
                if set.format == DataFormat::Parquet && set.description.arff_url.is_some() && !self.offline =>
            {
                tell(watcher, DownloadEvent::FallingBack { error: &error })?;
                let is_arff = |set: &CachedSet| set.format == DataFormat::Arff;
                set = self.obtain(id, &[DataFormat::Arff], is_arff, watcher)?;
                read_table(&set, options)?
            }
            table => table?,
        };
        into_dataset(table, &set.description, options)
    }

    /// The complete data sets in the cache, by number.
    ///
    /// # Errors
    /// [`OpenmlError::Cache`] when the cache folder cannot be read.
    pub fn cached(&self) -> Result<Vec<CachedSet>, OpenmlError> {
        self.cache().list()
    }

    /// Removes a data set from the cache, with what was downloaded of it; whether there was anything.
    ///
    /// # Errors
    /// [`OpenmlError::Busy`] while another run downloads it, [`OpenmlError::Cache`] when it cannot be removed.
    pub fn remove(&self, id: u32) -> Result<bool, OpenmlError> {
        self.cache().remove(id)
    }

    fn cache(&self) -> Cache {
        Cache::new(&self.cache_root, &self.server)
    }

    /// Downloads a data set in the first of these formats that can be had, unless another run puts a set that will do into the
    /// cache first.
    fn obtain(
        &self,
        id: u32,
        formats: &[DataFormat],
        will_do: impl Fn(&CachedSet) -> bool,
        watcher: &mut Watcher<'_>,
    ) -> Result<CachedSet, OpenmlError> {
        let cache = self.cache();
        if self.offline {
            return Err(OpenmlError::Offline {
                id,
                damaged: cache.find(id).is_some(),
                folder: cache.folder().to_owned(),
            });
        }
        let _lock = cache.lock(id, watcher)?;
        if let Some(set) = cache.find(id).filter(will_do) {
            return Ok(set);
        }
        let downloader = Downloader { http: Http::new(self.timeouts), retry: self.retry, limit: self.limit };
        let description = self.describe(id, &downloader.http, watcher)?;
        let set = download_first(&cache, &downloader, description, formats, watcher)?;
        cache.complete(&set)?;
        Ok(set)
    }

    fn describe(&self, id: u32, http: &Http, watcher: &mut Watcher<'_>) -> Result<DataSetDescription, OpenmlError> {
        let url = format!("{}/api/v1/json/data/{id}", self.server);
        self.retry.run(watcher, |_| {
            let (status, json) = http.get_small(&url, DESCRIPTION_LIMIT)?;
            if status == 200 {
                return Ok(DataSetDescription::from_json(id, &self.server, &json)?);
            }
            // OpenML answers its own errors with 412, and codes from its documentation: 111 is an unknown data set.
            Err(Failure::Final(match ServerError::from_json(&json) {
                Some(error) if error.code == "111" => OpenmlError::UnknownSet { id, server: self.server.clone() },
                Some(ServerError { code, message }) => OpenmlError::Refused { id, code, message },
                None => OpenmlError::Status { url: url.clone(), status },
            }))
        })
    }
}

/// The file in the first of these formats that the server has and that arrives whole.
fn download_first(
    cache: &Cache,
    downloader: &Downloader,
    description: DataSetDescription,
    formats: &[DataFormat],
    watcher: &mut Watcher<'_>,
) -> Result<CachedSet, OpenmlError> {
    let mut failure = None;
    for &format in formats {
        let (url, md5) = match format {
            DataFormat::Parquet => (&description.parquet_url, None),
            DataFormat::Arff => (&description.arff_url, description.md5.as_deref()),
        };
        let Some(url) = url else { continue };
        if let Some(error) = &failure {
            tell(watcher, DownloadEvent::FallingBack { error })?;
        }
        let path = cache.data_path(description.id, format);
        match downloader.download(Wanted { url, format, md5, path: &path }, watcher) {
            Ok(Arrived { bytes, md5, verified }) => {
                let url = url.clone();
                return Ok(CachedSet { description, path, format, bytes, md5, verified, url });
            }
            Err(error) if error.is_of_the_server() => failure = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(failure.unwrap_or(OpenmlError::Field { id: description.id, field: "url", found: None }))
}

/// Whether the file is still as it came.
fn is_intact(set: &CachedSet) -> bool {
    md5_of(&set.path).is_ok_and(|md5| md5 == set.md5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_http_address() {
        let server = |address| OpenmlClient::with_cache_folder("c").with_server(address).map(|client| client.server);
        assert_eq!(server("http://127.0.0.1:80/").unwrap(), "http://127.0.0.1:80");
        assert_eq!(server("https://host/openml/").unwrap(), "https://host/openml");
        for address in ["", "www.openml.org", "ftp://host", "http://", "https://host/?q", "https://a b"] {
            assert!(matches!(server(address), Err(OpenmlError::Address { .. })), "{address}");
        }
    }
}
