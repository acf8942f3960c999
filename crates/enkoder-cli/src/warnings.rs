//! Warnings of the library and the readers, as lines on stderr.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use enkoder::workspace::hear_warnings;

use crate::flags::in_flags;
use crate::screen::{WARNING, tell};

/// Prints warnings from now on, on a quiet screen too: they tell what is lost.
pub fn show() {
    hear_warnings(print);
}

/// The warnings that were printed last, of which there are no more than so many.
static LAST: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());
const REMEMBERED: usize = 8;

fn print(message: String) {
    let message = in_flags(&message);
    // What is read in pieces, or twice, gives the same warnings each time.
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if !last.contains(&message) {
        tell(format_args!("{WARNING}warning:{WARNING:#} {message}"));
        last.truncate(REMEMBERED - 1);
        last.push_front(message);
    }
}
