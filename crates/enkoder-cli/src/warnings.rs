//! Warnings of the library and the readers, as lines on stderr.

use std::fmt::{self, Write};
use std::sync::{Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::flags::in_flags;
use crate::screen::{WARNING, tell};

/// Prints warnings from now on, on a quiet screen too: they tell what is lost.
pub fn show() {
    // Fails only where it was done before.
    let _ = tracing::subscriber::set_global_default(Warnings);
}

struct Warnings;

/// The warning that was printed last.
static LAST: Mutex<String> = Mutex::new(String::new());

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("enkoder") && metadata.is_event()
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        let message = in_flags(&message.0);
        // What is read in pieces gives the same warning for each.
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != message {
            tell(format_args!("{WARNING}warning:{WARNING:#} {message}"));
            *last = message;
        }
    }

    // Spans are never enabled, and so never entered.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let separator = if self.0.is_empty() { "" } else { ", " };
        let _ = match field.name() {
            "message" => write!(self.0, "{separator}{value:?}"),
            name => write!(self.0, "{separator}{name}: {value:?}"),
        };
    }
}
