//! The command `enkoder`: reads arguments, calls the library, prints. [`run`] → [`Arguments::run`] → exit code; nothing heavy happens
//! before the arguments are understood. It is a library so that `python -m enkoder` is the same command.

mod arguments;
mod commands;
mod comparison;
mod compressible;
mod failure;
mod file_output;
mod flags;
mod input;
mod inputs;
mod interrupt;
mod measured;
mod missing;
mod model;
mod output;
mod pictures;
mod progress;
mod run_folder;
mod screen;
mod standard_input;
mod verbs;
mod warnings;
mod whole_file;
mod wording;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::FromArgMatches;

use verbs::Arguments;

/// What was typed behind the command's name.
static TYPED: OnceLock<Vec<OsString>> = OnceLock::new();

/// Does what was typed; the first of the arguments is the command's name. Call it once, at the end of a process: it listens to signals, and
/// says on stderr what goes wrong.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !enkoder_data::panic_is_caught() {
            print(panic);
        }
    }));
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let typed = TYPED.get_or_init(|| arguments.get(1..).unwrap_or_default().to_vec());
    let name = arguments.first().map_or("enkoder".into(), OsString::clone);
    let matches = verbs::command().try_get_matches_from(std::iter::once(&name).chain(typed));
    let done = match matches.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments.run(),
        Err(told) => tell(&told),
    };
    let code = done.unwrap_or_else(|error| failure::report(&error));
    standard_input::remove();
    code
}

/// Help and version are results, which have to arrive; what is wrong with the arguments goes to stderr.
fn tell(told: &clap::Error) -> anyhow::Result<ExitCode> {
    match told.print() {
        Err(error) if !told.use_stderr() => screen::closed_is_no_error(Err(error))?,
        _ => {}
    }
    Ok(ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2)))
}
