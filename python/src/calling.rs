//! Calls of the library from Python: without the interpreter's lock, on as many threads as asked for, and never to the end of the
//! process.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{errors, warnings};

/// The process that first worked with threads: one forked from it has none of them.
static FIRST: OnceLock<u32> = OnceLock::new();

/// How often it is looked whether Ctrl-C was pressed.
const LOOKS: Duration = Duration::from_millis(50);

/// Does some work on `threads` threads, by default all there are, and raises what it fails with.
pub fn call<T: Send, E: Into<Box<dyn Error + Send + Sync>> + Send>(
    py: Python<'_>,
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    let pool = begin(threads)?;
    let done = py.detach(|| on(pool.as_ref(), work));
    end(py, done)
}

/// Does some work on a thread of its own, while this one looks for signals: Python runs their handlers on its main thread alone. Where
/// one of them raises, as Ctrl-C does, `stop` is called, and the exception comes beside what the work still gives.
pub fn call_watched<T: Send, E: Into<Box<dyn Error + Send + Sync>> + Send>(
    py: Python<'_>,
    stop: impl Fn() + Sync,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> (PyResult<T>, Option<PyErr>) {
    let pool = match begin(None) {
        Ok(pool) => pool,
        Err(error) => return (Err(error), None),
    };
    let mut raised = None;
    let stop = &stop;
    let done = py.detach(|| {
        thread::scope(|scope| {
            let (done, is_done) = channel::<()>();
            let pool = pool.as_ref();
            let working = scope.spawn(move || {
                // The channel closes when the thread ends, in whatever way.
                let _done = done;
                (on(pool, work), warnings::take())
            });
            while let Err(RecvTimeoutError::Timeout) = is_done.recv_timeout(LOOKS) {
                if let Err(error) = Python::attach(|py| py.check_signals()) {
                    raised = Some(error);
                    stop();
                }
            }
            let (done, kept) = working.join()?;
            warnings::keep(kept);
            done
        })
    });
    (end(py, done), raised)
}

/// The threads to work on where they are not those that all work shares.
fn begin(threads: Option<usize>) -> PyResult<Option<ThreadPool>> {
    warnings::collect();
    let forked = *FIRST.get_or_init(process::id) != process::id();
    match (threads, forked) {
        (None, false) => Ok(None),
        (threads, _) => pool(threads).map(Some),
    }
}

/// Does some work, and catches where it panics.
fn on<T: Send>(pool: Option<&ThreadPool>, work: impl FnOnce() -> T + Send) -> thread::Result<T> {
    // Nothing that was half changed is looked at again: what the work owns goes with it.
    catch_unwind(AssertUnwindSafe(|| match pool {
        Some(pool) => {
            // Warnings are kept by threads, and given out on this one.
            let (result, kept) = pool.install(|| (work(), warnings::take()));
            warnings::keep(kept);
            result
        }
        None => work(),
    }))
}

/// Gives out warnings, and raises what the work failed with.
fn end<T, E: Into<Box<dyn Error + Send + Sync>>>(py: Python<'_>, done: thread::Result<Result<T, E>>) -> PyResult<T> {
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
