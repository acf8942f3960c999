//! Calls of the library from Python: without the interpreter's lock, on as many threads as asked for, and never to the end of the
//! process.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{errors, warnings};

/// The process that first worked with threads: one forked from it has none of them.
static FIRST: OnceLock<u32> = OnceLock::new();

/// Does some work on `threads` threads, by default all there are, and raises what it fails with.
pub fn call<T: Send, E: Into<Box<dyn Error + Send + Sync>> + Send>(
    py: Python<'_>,
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    warnings::collect();
    let forked = *FIRST.get_or_init(process::id) != process::id();
    let pool = match (threads, forked) {
        (None, false) => None,
        (threads, _) => Some(pool(threads)?),
    };
    let done = py.detach(|| {
        // Nothing that was half changed is looked at again: what the work owns goes with it.
        catch_unwind(AssertUnwindSafe(|| match &pool {
            Some(pool) => {
                // Warnings are kept by threads, and given out on this one.
                let (result, kept) = pool.install(|| (work(), warnings::take()));
                warnings::keep(kept);
                result
            }
            None => work(),
        }))
    });
    warnings::give(py)?;
    match done {
        Ok(result) => result.map_err(|error| errors::raised(&*error.into())),
        Err(panic) => {
            let why = panic.downcast_ref::<String>().map(String::as_str);
            let why = why.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason is known");
            Err(PyRuntimeError::new_err(format!(
                "this is a fault of Enkoder itself: {why}\nhint: please report it, with what it was called with"
            )))
        }
    }
}

fn pool(threads: Option<usize>) -> PyResult<ThreadPool> {
    let pool = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build();
    pool.map_err(|error| PyRuntimeError::new_err(format!("cannot start threads: {error}")))
}
