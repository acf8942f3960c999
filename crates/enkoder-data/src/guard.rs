//! Panics inside crates that parse files: caught as the last resort and reported like other damage.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{DataError, Place};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread would be caught and reported as a damaged file: a program's panic hook need not print it.
pub fn panic_is_caught() -> bool {
    GUARDED.get()
}

/// Crates check much, but not all of what a damaged file can hold before they index with it. Nothing that was being changed when
/// one panicked is used afterwards. `format` is what such a file is called in the message: "Parquet".
pub(crate) fn guarded<T>(format: &str, read: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    let before = GUARDED.replace(true);
    let read = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(before);
    read.unwrap_or_else(|_| Err(DataError::malformed(Place::default(), format!("the {format} file is damaged"))))
}
