//! When a failed request is tried again and how long to wait before: exponential backoff with jitter, the server's own
//! `Retry-After` before anything else, and a chance to stop while waiting.

use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::error::OpenmlError;
use super::{DownloadEvent, Watcher};

/// No single wait is longer, whatever the server asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// How often the caller may stop a wait.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(100);

/// How often and how patiently to try again.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryPolicy {
    /// Tries after the first.
    pub(super) retries: u32,
    /// The wait before the first of them; each further one is twice as long.
    pub(super) first_wait: Duration,
}

/// How an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Trying again will not help.
    Final(OpenmlError),
    /// Trying again may help.
    Passing {
        error: OpenmlError,
        /// The wait that the server asked for.
        retry_after: Option<Duration>,
        /// Whether enough came before the failure that the count of tries starts anew: a bad line is no dead line.
        advanced: bool,
    },
}

impl From<OpenmlError> for Failure {
    fn from(error: OpenmlError) -> Self {
        Self::Final(error)
    }
}

impl Failure {
    pub(super) fn passing(error: OpenmlError) -> Self {
        Self::Passing { error, retry_after: None, advanced: false }
    }
}

impl RetryPolicy {
    /// Runs `attempt` until it succeeds, fails for good, or has failed too often in a row.
    pub(super) fn run<T>(
        self,
        watcher: &mut Watcher<'_>,
        mut attempt: impl FnMut(&mut Watcher<'_>) -> Result<T, Failure>,
    ) -> Result<T, OpenmlError> {
        let mut failures = 0;
        loop {
            let (error, retry_after, advanced) = match attempt(watcher) {
                Ok(value) => return Ok(value),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { error, retry_after, advanced }) => (error, retry_after, advanced),
            };
            failures = if advanced { 1 } else { failures + 1 };
            if failures > self.retries || retry_after.is_some_and(|wait| wait > LONGEST_WAIT) {
                return Err(error);
            }
            let wait = retry_after.unwrap_or_else(|| self.backoff(failures, jitter()));
            tell(watcher, DownloadEvent::Retrying { error: &error, wait })?;
            sleep(watcher, wait)?;
        }
    }

    /// The wait after so many failures in a row (from 1): twice the one before, less a random part of up to half, so that many
    /// clients do not return at the same moment.
    fn backoff(self, failures: u32, jitter: f64) -> Duration {
        let doubled = self.first_wait.saturating_mul(2u32.saturating_pow(failures - 1)).min(LONGEST_WAIT);
        doubled.mul_f64(1.0 - jitter / 2.0)
    }
}

/// Passes an event on; an error when the caller wants to stop.
pub(super) fn tell(watcher: &mut Watcher<'_>, event: DownloadEvent<'_>) -> Result<(), OpenmlError> {
    match watcher(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(OpenmlError::Cancelled),
    }
}

fn sleep(watcher: &mut Watcher<'_>, wait: Duration) -> Result<(), OpenmlError> {
    let end = Instant::now() + wait;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(HEARTBEAT));
        tell(watcher, DownloadEvent::Idle)?;
    }
}

/// A number in 0..1 that differs from run to run. The standard library keys its hashers at random, which is random enough here.
fn jitter() -> f64 {
    (RandomState::new().hash_one(Instant::now()) >> 11) as f64 / (1u64 << 53) as f64
}

/// The wait that a `Retry-After` header asks for: seconds or a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(httpdate::parse_http_date(header).ok()?.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_doubles_and_loses_at_most_half_to_jitter() {
        let policy = RetryPolicy { retries: 4, first_wait: Duration::from_millis(500) };
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

    #[test]
    fn a_server_that_asks_for_hours_is_not_waited_for() {
        let policy = RetryPolicy { retries: 4, first_wait: Duration::ZERO };
        let mut tries = 0;
        let result = policy.run(&mut |_| ControlFlow::Continue(()), |_| {
            tries += 1;
            let error = OpenmlError::Status { url: "http://host".into(), status: 429 };
            Err::<(), _>(Failure::Passing { error, retry_after: Some(Duration::from_secs(7200)), advanced: false })
        });
        assert!(matches!(result, Err(OpenmlError::Status { status: 429, .. })));
        assert_eq!(tries, 1);
    }

    #[test]
    fn progress_between_failures_starts_the_count_anew() {
        let policy = RetryPolicy { retries: 1, first_wait: Duration::ZERO };
        let mut tries = 0;
        let result = policy.run(&mut |_| ControlFlow::Continue(()), |_| {
            tries += 1;
            let error = OpenmlError::Status { url: "http://host".into(), status: 500 };
            if tries == 5 { Ok(tries) } else { Err(Failure::Passing { error, retry_after: None, advanced: true }) }
        });
        assert_eq!(result.unwrap(), 5);
    }
}
