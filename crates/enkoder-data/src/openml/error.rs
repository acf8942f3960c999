//! What can go wrong between a data set's number and a checked file in the cache, each with the way out.

use std::io;
use std::path::PathBuf;

#[cfg(feature = "http")]
use crate::network::may_pass;

/// Why an OpenML data set could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenmlError {
    /// The server's address is not one.
    #[error("openml address `{address}` is not of the form https://HOST or http://HOST:PORT")]
    Address {
        /// The address given.
        address: String,
    },
    /// The system names no folder for caches.
    #[error("no cache folder is known for this user")]
    NoCacheFolder(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server knows no such data set.
    #[error("openml has no data set {id} (asked {server})")]
    UnknownSet {
        /// The number asked for.
        id: u32,
        /// The server asked.
        server: String,
    },
    /// The server knows the data set and does not give it.
    #[error("openml refuses data set {id}: {message} (code {code})")]
    Refused {
        /// The number asked for.
        id: u32,
        /// OpenML's code.
        code: String,
        /// OpenML's words.
        message: String,
    },
    /// An answer that is neither the thing asked for nor OpenML's own error.
    #[error("{url} answered with HTTP status {status}")]
    Status {
        /// The address asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// No answer, or one that broke off.
    #[error("{url} could not be read")]
    Network {
        /// The address asked.
        url: String,
        /// What the connection said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The description is not the JSON that OpenML documents.
    #[error("the description of data set {id} is not what openml documents")]
    Description {
        /// The number asked for.
        id: u32,
        /// Where the JSON ends to make sense.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The description lacks something needed.
    #[error("the description of data set {id} has no usable `{field}`{}", found.as_ref().map(|found| format!(": `{found}`")).unwrap_or_default())]
    Field {
        /// The number asked for.
        id: u32,
        /// The field.
        field: &'static str,
        /// What stands there, if anything.
        found: Option<String>,
    },
    /// More bytes than are accepted.
    #[error("{url} is larger than the {limit} bytes accepted")]
    TooLarge {
        /// The address asked.
        url: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Twice the file came with another checksum.
    #[error("{url} arrived twice with MD5 {actual}, but {expected} was promised")]
    Checksum {
        /// The address of the file.
        url: String,
        /// The MD5 promised, in hexadecimal.
        expected: String,
        /// The MD5 of what came.
        actual: String,
    },
    /// Twice the file came and was no Parquet file.
    #[error("{url} arrived twice and is no parquet file: {reason}")]
    NotParquet {
        /// The address of the file.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The network may not be used, and the cache does not have it whole.
    #[error("openml data set {id} is {} in the cache {}, and the network may not be used", if *damaged { "damaged" } else { "not" }, folder.display())]
    Offline {
        /// The number asked for.
        id: u32,
        /// Whether it is there, but not as it came.
        damaged: bool,
        /// The cache folder.
        folder: PathBuf,
    },
    /// The cache folder cannot be used.
    #[error("cannot {action} {} in the cache", path.display())]
    Cache {
        /// What was tried: `create`, `write` and the like.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another run holds the data set.
    #[error("data set {id} is being downloaded by another run")]
    Busy {
        /// The data set's number.
        id: u32,
    },
    /// The caller stopped it.
    #[error("the download was stopped")]
    Cancelled,
}

impl OpenmlError {
    /// Whether the fault lies with one server or one file on it, so that another may do.
    pub(super) fn is_of_the_server(&self) -> bool {
        matches!(
            self,
            Self::Status { .. }
                | Self::Network { .. }
                | Self::Checksum { .. }
                | Self::NotParquet { .. }
                | Self::TooLarge { .. }
        )
    }

    /// The way out, where one is known: a sentence in lower case to print behind "hint: ".
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownSet { .. } => "https://www.openml.org/search?type=data lists the data sets",
            #[cfg(feature = "http")]
            Self::Status { status, .. } if may_pass(*status) => "the server is busy or in trouble; try again later",
            Self::Network { .. } => {
                "check the network; what was fetched before can be used with `OpenmlClient::with_offline`"
            }
            Self::Description { .. } => {
                "is the address that of an openml server, and does no login page stand before it?"
            }
            Self::Checksum { .. } | Self::NotParquet { .. } => {
                "the server or the way to it damages the file; save it yourself and give its path instead"
            }
            Self::Offline { .. } => "fetch it once without `OpenmlClient::with_offline`",
            Self::NoCacheFolder(_) | Self::Cache { .. } => {
                "choose another folder with `OpenmlClient::with_cache_folder` or ENKODER_CACHE"
            }
            Self::Busy { .. } => "wait for the other run, or stop it",
            Self::Cancelled => "the next download continues where this one ended",
            Self::Status { .. } => "is the address that of an openml server, and is the data set still there?",
            Self::Address { .. } | Self::Refused { .. } | Self::Field { .. } | Self::TooLarge { .. } => return None,
        };
        Some(hint.into())
    }
}
