//! Requests and their answers: which failures may pass, and bodies whose size is bounded.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use ureq::http::{HeaderMap, Response, header};
use ureq::{Agent, Body};

use super::error::OpenmlError;
use super::retry::Failure;
use crate::network::{Timeouts, asked_wait, error_may_pass, header_text, is_loopback, may_pass};

/// Sends requests.
#[derive(Clone, Debug)]
pub(super) struct Http {
    agent: Agent,
}

/// The bytes of an answer, decoded.
pub(super) struct BodyReader {
    reader: Box<dyn Read>,
    /// Whether the server compressed the bytes on the way, so that byte numbers mean nothing to a range request.
    pub(super) encoded: bool,
    /// The length that the server announced, of the bytes as they are sent.
    pub(super) length: Option<u64>,
}

impl Http {
    pub(super) fn new(timeouts: Timeouts) -> Self {
        Self { agent: timeouts.agent() }
    }

    /// The answer to a GET, whatever its status; redirects are followed.
    pub(super) fn get(&self, url: &str, headers: &[(header::HeaderName, String)]) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if is_loopback(url) {
            // A proxy set for the internet does not lead to this machine.
            request = request.config().proxy(None).build();
        }
        request.call().map_err(|error| {
            let passing = error_may_pass(&error);
            let error = network(url, error);
            if passing { Failure::passing(error) } else { Failure::Final(error) }
        })
    }

    /// All bytes of a small answer, and its status.
    pub(super) fn get_small(&self, url: &str, limit: u64) -> Result<(u16, Vec<u8>), Failure> {
        let response = self.get(url, &[])?;
        let status = response.status().as_u16();
        if may_pass(status) {
            return Err(status_failure(url, response.headers(), status));
        }
        let mut body = BodyReader::new(url, response)?;
        if body.length.is_some_and(|length| length > limit) {
            return Err(OpenmlError::TooLarge { url: url.into(), limit }.into());
        }
        let mut bytes = Vec::new();
        let read = body.by_ref().take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::passing(network(url, error)))?;
        if bytes.len() as u64 > limit {
            return Err(OpenmlError::TooLarge { url: url.into(), limit }.into());
        }
        Ok((status, bytes))
    }
}

impl BodyReader {
    pub(super) fn new(url: &str, response: Response<Body>) -> Result<Self, OpenmlError> {
        let encoding = header_text(response.headers(), header::CONTENT_ENCODING).unwrap_or_default();
        let encoding = encoding.to_ascii_lowercase();
        let body = response.into_body();
        let length = body.content_length();
        let reader = body.into_reader();
        match encoding.as_str() {
            "" | "identity" => Ok(Self { reader: Box::new(reader), encoded: false, length }),
            "gzip" | "x-gzip" => {
                Ok(Self { reader: Box::new(MultiGzDecoder::new(reader)), encoded: true, length: None })
            }
            _ => {
                let unknown = io::Error::new(io::ErrorKind::Unsupported, format!("content encoding `{encoding}`"));
                Err(network(url, unknown))
            }
        }
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// The failure that an answer without the thing asked for is.
pub(super) fn status_failure(url: &str, headers: &HeaderMap, status: u16) -> Failure {
    let error = OpenmlError::Status { url: url.into(), status };
    if !may_pass(status) {
        return Failure::Final(error);
    }
    Failure::Passing { error, retry_after: asked_wait(headers), advanced: false }
}

pub(super) fn network(url: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> OpenmlError {
    OpenmlError::Network { url: url.into(), source: source.into() }
}
