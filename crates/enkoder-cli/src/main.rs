//! The command `enkoder`: reads arguments, calls the library, prints. `main` → [`run`] → exit code; nothing heavy happens
//! before the arguments are understood.

mod arguments;
mod commands;
mod comparison;
mod failure;
mod file_output;
mod flags;
mod input;
mod inputs;
mod interrupt;
mod model;
mod output;
mod pictures;
mod progress;
mod run_folder;
mod screen;
mod standard_input;
mod warnings;
mod whole_file;
mod wording;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !enkoder_data::panic_is_caught() {
            print(panic);
        }
    }));
    let code = run(Arguments::parse()).unwrap_or_else(|error| failure::report(&error));
    standard_input::remove();
    code
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Train(options) => commands::train::run(*options),
        Command::Eval(options) => commands::eval::run(options),
        Command::Encode(options) => commands::encode::run(options),
        Command::Decode(options) => commands::decode::run(options),
        Command::Reconstruct(options) => commands::reconstruct::run(options),
        Command::Denoise(options) => commands::denoise::run(options),
        Command::Compress(options) => commands::compress::run(options),
        Command::Decompress(options) => commands::decompress::run(options),
        Command::Detect(options) => commands::detect::run(options),
        Command::Info(options) => commands::info::run(options),
        Command::Data(options) => commands::data::run(options),
        Command::Completions(options) => commands::completions::run(options),
    }
}
