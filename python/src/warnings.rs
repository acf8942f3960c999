//! Warnings of the library and the readers as Python's. They are kept while the interpreter is detached and given out behind the call.

use std::cell::RefCell;
use std::ffi::CString;
use std::fmt::{self, Write};

use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

thread_local! {
    static KEPT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps warnings from now on.
pub fn collect() {
    // Fails only where it was done before.
    let _ = tracing::subscriber::set_global_default(Warnings);
}

/// The warnings that were kept on this thread.
pub fn take() -> Vec<String> {
    KEPT.take()
}

/// Keeps warnings of another thread.
pub fn keep(warnings: Vec<String>) {
    KEPT.with_borrow_mut(|kept| kept.extend(warnings));
}

/// Gives out the warnings that were kept on this thread; an error where a filter makes one an exception.
pub fn give(py: Python<'_>) -> PyResult<()> {
    let kept = take();
    let category = py.get_type::<PyUserWarning>();
    kept.into_iter().try_for_each(|message| {
        let message = CString::new(message.replace('\0', " ")).unwrap_or_default();
        PyErr::warn(py, &category, &message, 2)
    })
}

struct Warnings;

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("enkoder") && metadata.is_event()
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        KEPT.with_borrow_mut(|kept| {
            // What is read in pieces gives the same warning for each.
            if kept.last() != Some(&message.0) {
                kept.push(message.0);
            }
        });
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
