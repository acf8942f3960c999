//! Signals that a stream is watched through: a reload, a question, and the end.

use std::sync::mpsc::SyncSender;

use super::Event;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: load the detector again.
    Reload,
    /// SIGUSR1: say what was counted.
    Tell,
    /// SIGINT and SIGTERM: come to an end.
    Stop,
}

/// Sends what signals ask for, from here on.
#[cfg(unix)]
pub fn listen(events: SyncSender<Event>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGUSR1, SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let signal = match signal {
                SIGHUP => Signal::Reload,
                SIGUSR1 => Signal::Tell,
                _ => Signal::Stop,
            };
            if events.send(Event::Signal(signal)).is_err() {
                break;
            }
        }
    });
    Ok(())
}

/// Elsewhere there is only the end, which needs no help.
#[cfg(not(unix))]
pub fn listen(_: SyncSender<Event>) -> std::io::Result<()> {
    Ok(())
}
