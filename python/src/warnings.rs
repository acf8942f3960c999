//! Warnings of the library and the readers as Python's. They are kept while the interpreter is detached and given out behind the call.

use std::cell::RefCell;
use std::ffi::CString;

use enkoder::workspace::hear_warnings;
use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;

thread_local! {
    static KEPT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps warnings from now on. The command, which prints them, never comes here.
pub fn collect() {
    hear_warnings(|message| {
        KEPT.with_borrow_mut(|kept| {
            // What is read in pieces gives the same warning for each.
            if kept.last() != Some(&message) {
                kept.push(message);
            }
        });
    });
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
    take().into_iter().try_for_each(|message| warn(py, message))
}

/// Gives out a warning.
pub fn warn(py: Python<'_>, message: String) -> PyResult<()> {
    let message = CString::new(message.replace('\0', " ")).unwrap_or_default();
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), &message, 2)
}
