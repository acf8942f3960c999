//! Trying a failed request again, with a chance to stop while waiting.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use super::error::OpenmlError;
use super::{DownloadEvent, Watcher};
use crate::network::RetryPolicy;

/// How often the caller may stop a wait.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(100);

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
            let Some(wait) = self.wait(failures, retry_after) else { return Err(error) };
            tell(watcher, DownloadEvent::Retrying { error: &error, wait })?;
            sleep(watcher, wait)?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

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
