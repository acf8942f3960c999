//! Asking a server: the one kind of agent with its timeouts, which failures may pass, and how long to wait before the next try:
//! exponential backoff with jitter, and the server's own `Retry-After` before anything else.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use ureq::Agent;
use ureq::http::{HeaderMap, Uri, header};

/// No single wait is longer, whatever the server asks for.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For the name's address and the connection, each.
    pub(crate) connect: Duration,
    /// For the first and for each further piece of the answer.
    pub(crate) stall: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), stall: Duration::from_secs(30) }
    }
}

impl Timeouts {
    /// An agent that waits so long, gives answers of any status, and follows redirects without the credentials.
    pub(crate) fn agent(self) -> Agent {
        let config = Agent::config_builder()
            .user_agent(concat!("enkoder/", env!("CARGO_PKG_VERSION")))
            // Ranges count the bytes of the file itself only when it is not compressed on the way.
            .accept_encoding("identity")
            .http_status_as_error(false)
            .max_idle_connections_per_host(8)
            .timeout_resolve(Some(self.connect))
            .timeout_connect(Some(self.connect))
            .timeout_recv_response(Some(self.stall))
            .timeout_per_read(Some(self.stall))
            .timeout_per_write(Some(self.stall))
            .build();
        config.new_agent()
    }
}

/// How often and how patiently to try again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryPolicy {
    /// Tries after the first.
    pub(crate) retries: u32,
    /// The wait before the first of them; each further one is twice as long.
    pub(crate) first_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { retries: 4, first_wait: Duration::from_millis(500) }
    }
}

impl RetryPolicy {
    /// How long to wait after so many failures in a row (from 1), where the server may have asked for a wait; none where it is time to
    /// give up.
    pub(crate) fn wait(self, failures: u32, asked: Option<Duration>) -> Option<Duration> {
        if failures > self.retries || asked.is_some_and(|wait| wait > LONGEST_WAIT) {
            return None;
        }
        Some(asked.unwrap_or_else(|| self.backoff(failures, jitter())))
    }

    /// The wait after so many failures in a row (from 1): twice the one before, less a random part of up to half, so that many
    /// clients do not return at the same moment.
    fn backoff(self, failures: u32, jitter: f64) -> Duration {
        let doubled = self.first_wait.saturating_mul(2u32.saturating_pow(failures - 1)).min(LONGEST_WAIT);
        doubled.mul_f64(1.0 - jitter / 2.0)
    }
}

/// A number in 0..1 that differs from run to run. The standard library keys its hashers at random, which is random enough here.
fn jitter() -> f64 {
    (RandomState::new().hash_one(Instant::now()) >> 11) as f64 / (1u64 << 53) as f64
}

/// The wait that an answer asks for.
pub(crate) fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    retry_after(&header_text(headers, header::RETRY_AFTER)?, SystemTime::now())
}

/// The wait that a `Retry-After` header asks for: seconds or a date (RFC 9110, section 10.2.3).
fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(httpdate::parse_http_date(header).ok()?.duration_since(now).unwrap_or_default())
}

/// Whether an answer with this status may be another one later.
pub(crate) fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 506..=599)
}

/// Whether what kept an answer away may be gone later.
pub(crate) fn error_may_pass(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::Protocol(_)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
    )
}

pub(crate) fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned())
}

/// Whether an address is of this machine, to which a proxy set for the internet does not lead.
pub(crate) fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
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

    #[test]
    fn a_wait_doubles_and_loses_at_most_half_to_jitter() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.backoff(1, 0.0), Duration::from_millis(500));
        assert_eq!(policy.backoff(4, 0.0), Duration::from_secs(4));
        assert_eq!(policy.backoff(4, 1.0), Duration::from_secs(2));
        assert_eq!(policy.backoff(u32::MAX, 0.0), LONGEST_WAIT);
        assert!((0.0..1.0).contains(&jitter()));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), Some(Duration::from_secs(10)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:27 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
