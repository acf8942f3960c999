//! Warnings of the library and the readers, as lines on stderr.

use std::sync::{Mutex, PoisonError};

use enkoder::workspace::hear_warnings;

use crate::flags::in_flags;
use crate::screen::{WARNING, tell};

/// Prints warnings from now on, on a quiet screen too: they tell what is lost.
pub fn show() {
    hear_warnings(print);
}

/// The warning that was printed last.
static LAST: Mutex<String> = Mutex::new(String::new());

fn print(message: String) {
    let message = in_flags(&message);
    // What is read in pieces gives the same warning for each.
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if *last != message {
        tell(format_args!("{WARNING}warning:{WARNING:#} {message}"));
        *last = message;
    }
}
