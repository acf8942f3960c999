//! The command `enkoder` as a function.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use pyo3::prelude::*;

/// Runs the command with these arguments, of which the first is its name, and gives its exit code. It is the last thing that a process does.
#[pyfunction]
pub fn command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| {
        let code = enkoder_cli::run(arguments);
        // A program of Rust does this when it ends.
        let _ = std::io::stdout().flush();
        // An exit code does not say its number, but is equal to that of the same number.
        (0..=u8::MAX).find(|&number| ExitCode::from(number) == code).unwrap_or(1)
    })
}
