//! Requests and their answers: one agent with its timeouts, which failures may pass, and bodies whose size is bounded.

use std::io::{self, Read};
use std::time::{Duration, SystemTime};

use flate2::read::MultiGzDecoder;
use ureq::http::{HeaderMap, Response, Uri, header};
use ureq::{Agent, Body};

use super::error::{OpenmlError, may_pass};
use super::retry::{Failure, retry_after};

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For the name's address and the connection, each.
    pub(super) connect: Duration,
    /// For the first and for each further piece of the answer.
    pub(super) stall: Duration,
}

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
        let config = Agent::config_builder()
            .user_agent(concat!("enkoder/", env!("CARGO_PKG_VERSION")))
            // Ranges count the bytes of the file itself only when it is not compressed on the way.
            .accept_encoding("identity")
            .http_status_as_error(false)
            .timeout_resolve(Some(timeouts.connect))
            .timeout_connect(Some(timeouts.connect))
            .timeout_recv_response(Some(timeouts.stall))
            .timeout_per_read(Some(timeouts.stall))
            .timeout_per_write(Some(timeouts.stall))
            .build();
        Self { agent: config.new_agent() }
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
            let passing = matches!(
                error,
                ureq::Error::Io(_)
                    | ureq::Error::Timeout(_)
                    | ureq::Error::Protocol(_)
                    | ureq::Error::HostNotFound
                    | ureq::Error::ConnectionFailed
            );
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
    let wait = header_text(headers, header::RETRY_AFTER).and_then(|wait| retry_after(&wait, SystemTime::now()));
    Failure::Passing { error, retry_after: wait, advanced: false }
}

pub(super) fn network(url: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> OpenmlError {
    OpenmlError::Network { url: url.into(), source: source.into() }
}

pub(super) fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned())
}

fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_from_others() {
        for url in ["http://127.0.0.1:80/x", "http://localhost/x", "http://[::1]:9/x"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["https://www.openml.org/x", "http://127.0.0.1.example.org/", "nonsense"] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn only_statuses_that_may_pass_are_tried_again() {
        assert!([408, 429, 500, 502, 503, 504].into_iter().all(may_pass));
        assert!(![200, 400, 403, 404, 412, 416, 501, 505].into_iter().any(may_pass));
    }
}
