//! The table of verbs: what can be typed, and which file does it.

use std::process::ExitCode;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Style};
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{
    completions, compress, data, decode, decompress, denoise, detect, encode, eval, explore, export, import, info,
    reconstruct, train,
};

const STYLES: Styles = Styles::styled()
    .header(Style::new().bold())
    .usage(Style::new().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default().dimmed());

/// Learn the structure of data by copying it through a narrow code.
///
/// `enkoder train` trains an autoencoder on built-in digits and writes a model and a report. Give it your own data, then encode,
/// decode and reconstruct with the model.
#[derive(Debug, Parser)]
#[command(name = "enkoder", version, styles = STYLES, max_term_width = 100, arg_required_else_help = true)]
#[command(subcommand_required = true, infer_subcommands = false, propagate_version = false)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<train::Options>),
    Eval(eval::Options),
    Explore(explore::Options),
    Encode(encode::Options),
    Decode(decode::Options),
    Reconstruct(reconstruct::Options),
    Denoise(denoise::Options),
    Detect(detect::Options),
    Compress(compress::Options),
    Decompress(decompress::Options),
    Export(export::Options),
    Import(import::Options),
    Info(info::Options),
    Data(data::Options),
    Completions(completions::Options),
}

/// The command as it is typed: a number that is negative is a value, and what it may be is said by whoever takes it.
pub fn command() -> clap::Command {
    with_negative_numbers(Arguments::command())
}

fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let takes_values = |argument: &clap::Arg| argument.get_long().is_some() && argument.get_action().takes_values();
    command
        .mut_args(|argument| if takes_values(&argument) { argument.allow_negative_numbers(true) } else { argument })
        .mut_subcommands(with_negative_numbers)
}

impl Arguments {
    /// Does what was typed.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Train(options) => train::run(*options),
            Command::Eval(options) => eval::run(options),
            Command::Explore(options) => explore::run(options),
            Command::Encode(options) => encode::run(options),
            Command::Decode(options) => decode::run(options),
            Command::Reconstruct(options) => reconstruct::run(options),
            Command::Denoise(options) => denoise::run(options),
            Command::Compress(options) => compress::run(options),
            Command::Decompress(options) => decompress::run(options),
            Command::Detect(options) => detect::run(options),
            Command::Export(options) => export::run(options),
            Command::Import(options) => import::run(options),
            Command::Info(options) => info::run(options),
            Command::Data(options) => data::run(options),
            Command::Completions(options) => completions::run(options, &mut Self::command()),
        }
    }
}
