//! `enkoder completions`: what lets a shell complete the command.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::arguments::Arguments;
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

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    generate(options.shell, &mut Arguments::command(), "enkoder", &mut script);
    print_bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}
