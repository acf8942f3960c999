//! One request: sent, sent again where that may help, and its answer checked as far as it says what went wrong.

use std::io::{self, Read};
use std::ops::Range;
use std::thread;
use std::time::{Duration, SystemTime};

use flate2::read::MultiGzDecoder;
use ureq::http::{HeaderMap, Response, header};
use ureq::{Agent, Body};

use super::address::Request;
use super::error::{Answer, Fault, RemoteError};
use super::sign::Header;
use crate::network::{RetryPolicy, Timeouts, asked_wait, error_may_pass, header_text, is_loopback, may_pass};

/// Bytes of an answer in which the server says what is wrong.
const MOST_OF_ERROR: u64 = 1 << 14;

/// Sends requests.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    retry: RetryPolicy,
}

/// What is asked for of an object.
#[derive(Clone, Default)]
pub(super) struct Wanted {
    /// Bytes; all where none are named.
    pub(super) range: Option<Range<u64>>,
    /// Headers that hold the server to a version.
    pub(super) conditions: Vec<Header>,
}

/// An answer that is none of an error.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    body: Body,
    name: String,
}

/// Why an attempt came to nothing.
pub(super) enum Trouble {
    Final(RemoteError),
    Passing { error: RemoteError, asked: Option<Duration> },
}

impl From<RemoteError> for Trouble {
    fn from(error: RemoteError) -> Self {
        Self::Final(error)
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new(Timeouts::default(), RetryPolicy::default())
    }
}

impl Client {
    pub(super) fn new(timeouts: Timeouts, retry: RetryPolicy) -> Self {
        Self { agent: timeouts.agent(), retry }
    }

    /// Asks until there is an answer of which `take` can make what is wanted, or until it is time to give up.
    pub(super) fn ask<T>(
        &self,
        request: &Request,
        wanted: &Wanted,
        mut take: impl FnMut(Reply) -> Result<T, Trouble>,
    ) -> Result<T, RemoteError> {
        let mut failures = 0;
        loop {
            let (error, asked) = match self.send(request, wanted).and_then(&mut take) {
                Ok(value) => return Ok(value),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Passing { error, asked }) => (error, asked),
            };
            failures += 1;
            let Some(wait) = self.retry.wait(failures, asked) else { return Err(error) };
            tracing::debug!("{error}; trying again in {wait:?}");
            thread::sleep(wait);
        }
    }

    /// Sends a request once.
    fn send(&self, request: &Request, wanted: &Wanted) -> Result<Reply, Trouble> {
        let mut headers = wanted.conditions.clone();
        if let Some(range) = &wanted.range {
            headers.push(("range", format!("bytes={}-{}", range.start, range.end.saturating_sub(1))));
        }
        let url = request.url();
        let mut built = self.agent.get(&url);
        for (name, value) in request.headers(headers, SystemTime::now()) {
            built = built.header(name, value);
        }
        let mut config = built.config();
        if is_loopback(&url) {
            config = config.proxy(None);
        }
        if !request.may_be_redirected() {
            config = config.max_redirects(0).max_redirects_will_error(false);
        }
        let response = config.build().call().map_err(|error| failed(request, error))?;
        checked(request, response)
    }
}

fn failed(request: &Request, error: ureq::Error) -> Trouble {
    let passing = error_may_pass(&error);
    let fault = match error {
        ureq::Error::Timeout(_) => Fault::Stalled,
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => Fault::Address("is no address of a server".to_owned()),
        // Words of an error may have an address in them, and in it a signature.
        error => Fault::Network(error.to_string().replace(&request.url(), &request.name)),
    };
    let error = RemoteError::new(&request.name, fault);
    if passing { Trouble::Passing { error, asked: None } } else { Trouble::Final(error) }
}

/// The answer, where it is not one of an error. That a condition or a range was not met is left to who asked.
fn checked(request: &Request, response: Response<Body>) -> Result<Reply, Trouble> {
    let status = response.status().as_u16();
    let (parts, body) = response.into_parts();
    let headers = parts.headers;
    if matches!(status, 200 | 206 | 412 | 416) {
        return Ok(Reply { status, headers, body, name: request.name.clone() });
    }
    let mut said = Vec::new();
    // What cannot be read of it is not missed.
    let _ = body.into_reader().take(MOST_OF_ERROR).read_to_end(&mut said);
    let region = headers.get("x-amz-bucket-region").and_then(|region| region.to_str().ok()).map(str::to_owned);
    let answer = Answer { status, code: code_in(&said), region };
    let fault = match status {
        404 | 410 => Fault::Missing(answer),
        401 | 403 => Fault::Denied { answer, variables: request.way_in() },
        // As Azure says that nothing of an account is public.
        409 if answer.code.as_deref() == Some("PublicAccessNotPermitted") => {
            Fault::Denied { answer, variables: request.way_in() }
        }
        301..=308 => Fault::Redirected(answer),
        _ => Fault::Status(answer),
    };
    let error = RemoteError::new(&request.name, fault);
    match may_pass(status) {
        true => Err(Trouble::Passing { error, asked: asked_wait(&headers) }),
        false => Err(Trouble::Final(error)),
    }
}

impl Reply {
    pub(super) fn header(&self, name: header::HeaderName) -> Option<String> {
        header_text(&self.headers, name)
    }

    /// The announced length of the body.
    pub(super) fn length(&self) -> Option<u64> {
        self.body.content_length()
    }

    /// How the body is packed on the way, if it is.
    pub(super) fn encoding(&self) -> Option<String> {
        let encoding = self.header(header::CONTENT_ENCODING)?.to_ascii_lowercase();
        (!matches!(&*encoding, "" | "identity" | "aws-chunked")).then_some(encoding)
    }

    /// The body, unpacked.
    pub(super) fn into_reader(self) -> Result<Box<dyn Read>, RemoteError> {
        match self.encoding().as_deref() {
            None => Ok(Box::new(self.body.into_reader())),
            Some("gzip" | "x-gzip") => Ok(Box::new(MultiGzDecoder::new(self.body.into_reader()))),
            Some(other) => Err(RemoteError::new(&self.name, Fault::Encoded(other.to_owned()))),
        }
    }

    /// The body, which must have so many bytes.
    pub(super) fn bytes(self, length: u64) -> Result<Vec<u8>, Trouble> {
        let name = self.name.clone();
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        let read = self.body.into_reader().take(length + 1).read_to_end(&mut bytes);
        read.map_err(|error| broken(&name, &error))?;
        match bytes.len() as u64 {
            came if came == length => Ok(bytes),
            came if came < length => Err(cut_off(&name, came, length)),
            _ => Err(RemoteError::new(&name, Fault::Other(format!("more than {length} bytes"))).into()),
        }
    }
}

/// A body that ended too early.
pub(super) fn cut_off(name: &str, came: u64, length: u64) -> Trouble {
    let fault = Fault::Network(format!("{came} of {length} bytes came"));
    Trouble::Passing { error: RemoteError::new(name, fault), asked: None }
}

/// A body that could not be read to its end.
pub(super) fn broken(name: &str, error: &io::Error) -> Trouble {
    let fault = match error.get_ref().and_then(|held| held.downcast_ref()) {
        Some(ureq::Error::Timeout(_)) => Fault::Stalled,
        _ => Fault::Network(error.to_string()),
    };
    Trouble::Passing { error: RemoteError::new(name, fault), asked: None }
}

/// The code of an error in the XML of S3, Google and Azure.
fn code_in(said: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(said);
    let code = said.split_once("<Code>")?.1.split_once("</Code>")?.0;
    let is_code = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_code.then(|| code.to_owned())
}
