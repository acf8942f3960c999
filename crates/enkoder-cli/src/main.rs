//! The command `enkoder`, which `lib.rs` is.

use std::process::ExitCode;

fn main() -> ExitCode {
    enkoder_cli::run(std::env::args_os())
}
