//! OpenML: a data set's number in, a checked file in the user's cache and a [`Dataset`](enkoder::Dataset) out. See
//! [`OpenmlClient`] for the way there, and for what is checked of which file.

#[cfg(feature = "http")]
mod cache;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
mod dataset;
#[cfg(feature = "http")]
mod download;
mod error;
mod folder;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod metadata;
#[cfg(feature = "http")]
mod part;
#[cfg(feature = "http")]
mod retry;

use std::ops::ControlFlow;
use std::time::Duration;

#[cfg(feature = "http")]
pub use cache::{CachedSet, DataFormat, Verified};
#[cfg(feature = "http")]
pub use client::OpenmlClient;
pub use error::OpenmlError;
pub use folder::default_cache_folder;
#[cfg(feature = "http")]
pub use metadata::DataSetDescription;

/// The number of MNIST on OpenML: 70,000 digits of 28×28, the 60,000 for training first.
pub const MNIST: u32 = 554;

/// What happens during a download.
#[derive(Debug)]
#[non_exhaustive]
pub enum DownloadEvent<'a> {
    /// So much of the file is there, including what an earlier download left.
    Received {
        /// Bytes there.
        bytes: u64,
        /// Bytes of the whole file, where the server says so.
        total: Option<u64>,
    },
    /// An attempt failed and will be repeated.
    Retrying {
        /// How it failed.
        error: &'a OpenmlError,
        /// The wait before the next attempt.
        wait: Duration,
    },
    /// The Parquet file cannot be had or read; the ARFF file will be fetched in its place.
    FallingBack {
        /// Why.
        error: &'a (dyn std::error::Error + 'static),
    },
    /// Another run is downloading the same data set; its end is awaited.
    WaitingForOther,
    /// Nothing new during a wait: a chance to stop, some ten times a second.
    Idle,
}

/// Told what happens; `Break` stops the download, and the next one continues where it ended.
pub type Watcher<'w> = dyn FnMut(DownloadEvent<'_>) -> ControlFlow<()> + 'w;
