//! What can be wrong between here and a server, each with the way out. Names are without what is secret in them.

use std::error::Error;
use std::io;

/// Why an object on a server could not be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{name}: {fault}")]
pub struct RemoteError {
    name: String,
    pub(super) fault: Fault,
}

#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Address(String),
    #[error("{variable} is not set to {expected}")]
    Variable { variable: &'static str, expected: &'static str },
    #[error("the server cannot be reached or broke off: {0}")]
    Network(String),
    #[error("the server stopped sending")]
    Stalled,
    #[error("there is no such object ({0})")]
    Missing(Answer),
    #[error("the server refuses access ({answer})")]
    Denied { answer: Answer, variables: &'static str },
    #[error("the server sends one elsewhere ({0})")]
    Redirected(Answer),
    #[error("the server answers with {0}")]
    Status(Answer),
    #[error("it changed while it was read: {0}")]
    Changed(String),
    #[error("the server sends something else than it was asked for: {0}")]
    Other(String),
    #[error("the server answers with a web page")]
    WebPage,
    #[error("it is packed by {0:?} on the way, which is not read")]
    Encoded(String),
    #[error("it has to be fetched whole, and its {bytes} bytes are over the limit of {limit}")]
    TooLarge { bytes: u64, limit: u64 },
    #[error("it cannot be kept in {folder}: {why}")]
    Disk { folder: String, why: String },
    #[error("only what is secret in its address tells it from another that was read before")]
    Ambiguous,
    #[error("it lists no arrays, for its descriptions are not consolidated")]
    NotConsolidated,
}

/// The status of an answer, and the server's own word for what is wrong.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) code: Option<String>,
    /// The region that the bucket lies in, where the server says it.
    pub(super) region: Option<String>,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{}, {code}", self.status),
            None => write!(f, "status {}", self.status),
        }
    }
}

impl RemoteError {
    pub(super) fn new(name: &str, fault: Fault) -> Self {
        Self { name: name.to_owned(), fault }
    }

    /// The region that the bucket lies in, where the server says it.
    pub(super) fn region(&self) -> Option<&str> {
        match &self.fault {
            Fault::Redirected(answer) | Fault::Status(answer) | Fault::Denied { answer, .. } => {
                answer.region.as_deref()
            }
            _ => None,
        }
    }

    /// Whether there may be something else of that name. Who may not list a bucket of S3 is not told what is missing.
    pub(super) fn may_be_missing(&self) -> bool {
        matches!(self.fault, Fault::Missing(_) | Fault::Denied { .. } | Fault::WebPage)
    }

    /// The one that an error comes from, if there is one.
    pub fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut error = Some(error);
        while let Some(now) = error {
            if let Some(found) = now.downcast_ref() {
                return Some(found);
            }
            // Such an error has the source of what it holds, not what it holds.
            let held = now.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            error = held.map(|held| held as &(dyn Error + 'static)).or_else(|| now.source());
        }
        None
    }

    /// The way out, where one is known: a sentence in lower case to print behind "hint: ".
    pub fn hint(&self) -> Option<String> {
        Some(match &self.fault {
            Fault::Address(_) => {
                "addresses are s3://BUCKET/KEY, gs://BUCKET/KEY, az://CONTAINER/KEY, https://HOST/PATH and file:///PATH".into()
            }
            Fault::Variable { variable, expected } => format!("set {variable} to {expected}"),
            Fault::Network(_) | Fault::Stalled => {
                "check the network and the address; a proxy is taken from HTTPS_PROXY, and other servers from AWS_ENDPOINT_URL, STORAGE_EMULATOR_HOST and AZURE_STORAGE_ENDPOINT".into()
            }
            Fault::Missing(_) if self.name.contains('*') => {
                "patterns are not looked up on servers: name the objects one by one".into()
            }
            Fault::Missing(_) => "check the name, in which upper and lower case differ".into(),
            Fault::Denied { answer, variables } => match answer.code.as_deref() {
                Some("ExpiredToken") => "the session has ended: log in again, and set AWS_SESSION_TOKEN with its keys".into(),
                Some("RequestTimeTooSkewed") => "the clock of this machine is wrong: set it".into(),
                Some("InvalidAccessKeyId" | "SignatureDoesNotMatch") => {
                    "the keys are not those of this server: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL".into()
                }
                _ => (*variables).to_owned(),
            },
            Fault::Redirected(_) => "set AWS_REGION to the bucket's region, or AWS_ENDPOINT_URL to its server".into(),
            Fault::Status(answer) if answer.status >= 500 || answer.status == 429 => {
                "the server is busy or in trouble; try again later".into()
            }
            Fault::Changed(_) => "read it again when nobody writes to it, or fetch it to a file first".into(),
            Fault::Other(_) => "something on the way changes answers, as a proxy may; fetch it to a file first".into(),
            Fault::WebPage => "open the address in a browser: a login may be asked for, or the data have another address".into(),
            Fault::Encoded(_) => "fetch it to a file first, for example with `curl -L --compressed -O ADDRESS`".into(),
            Fault::TooLarge { .. } | Fault::Ambiguous => "fetch it to a file first".into(),
            Fault::Disk { .. } => "free some space, or name another folder by ENKODER_CACHE".into(),
            Fault::NotConsolidated => {
                "name one array, as NAME.zarr/ARRAY, or consolidate them with `zarr.consolidate_metadata` of Python".into()
            }
            Fault::Status(_) => return None,
        })
    }
}

impl From<RemoteError> for io::Error {
    fn from(error: RemoteError) -> Self {
        let kind = match error.fault {
            Fault::Missing(_) => io::ErrorKind::NotFound,
            Fault::Denied { .. } => io::ErrorKind::PermissionDenied,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
