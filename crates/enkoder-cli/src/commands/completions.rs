//! `enkoder completions`: what lets a shell complete the command.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::screen::print_bytes;

/// Print what lets a shell complete `enkoder`
///
/// For example: enkoder completions bash > ~/.local/share/bash-completion/completions/enkoder
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// The shell
    shell: Shell,
}

/// The script for a whole `command`.
pub fn run(options: Options, command: &mut Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    generate(options.shell, command, "enkoder", &mut script);
    print_bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}
