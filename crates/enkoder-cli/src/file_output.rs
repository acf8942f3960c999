//! One file that goes out: whole or not at all under its name, or to standard output, for which `-` stands.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Seek, Write};
use std::path::Path;

use anyhow::Context;
use enkoder_data::export::{self, Overwrite, check_output};

use crate::arguments::RunOptions;
use crate::failure::Usage;
use crate::screen::{Screen, print, print_with};

/// Endings of names that promise something else than text in lines.
const OTHER_FORMATS: [&str; 22] = [
    "gz",
    "bz2",
    "xz",
    "zst",
    "lz4",
    "zip",
    "parquet",
    "feather",
    "arrow",
    "arrows",
    "ipc",
    "npy",
    "npz",
    "h5",
    "nc",
    "json",
    "tsv",
    "arff",
    "xlsx",
    "xls",
    "png",
    "safetensors",
];

/// Whether an output is standard output.
pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Whether an output is a device or a pipe, standard output being one: its name says nothing of a format.
pub fn is_stream(path: &Path) -> bool {
    is_stdout(path) || path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// An output in messages.
pub fn display(path: &Path) -> String {
    if is_stdout(path) { "standard output".to_owned() } else { path.display().to_string() }
}

/// Sees, before long work starts, that a file of text can be written.
pub fn check(path: &Path, overwrite: Overwrite, common: &RunOptions) -> anyhow::Result<()> {
    match is_stdout(path) {
        true if common.json => Err(Usage::new("standard output cannot hold both the file and what --json prints")
            .with_hint("leave out --json, or name a file with --out")
            .into()),
        true => Ok(()),
        false => Ok(check_output(path, overwrite)?),
    }
}

/// The same for a table, which is written as CSV or JSON lines and under no name of another format.
pub fn check_table(path: &Path, overwrite: Overwrite) -> anyhow::Result<()> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    if let Some(extension) = extension.filter(|extension| OTHER_FORMATS.contains(&&**extension) && !is_stream(path)) {
        return Err(Usage::new(format!("{}: a table is not written as .{extension} here", path.display()))
            .with_hint("name the output .csv or .jsonl; - is standard output, which can be packed by a pipe")
            .into());
    }
    Ok(check_output(path, overwrite)?)
}

/// The same for a file that no terminal can show.
pub fn check_binary(path: &Path, overwrite: Overwrite, common: &RunOptions) -> anyhow::Result<()> {
    if is_stdout(path) && io::stdout().is_terminal() {
        let why = "standard output is a terminal, which cannot show this kind of file";
        return Err(Usage::new(why)
            .with_hint("name a file with --out, or lead the output into a file or a pipe")
            .into());
    }
    check(path, overwrite, common)
}

/// The same for a report, which never goes to standard output: the results do.
pub fn check_report(path: &Path, overwrite: Overwrite) -> anyhow::Result<()> {
    if is_stdout(path) {
        let why = "standard output is for the results, not for the report";
        return Err(Usage::new(why).with_hint("name a file with --report").into());
    }
    Ok(check_output(path, overwrite)?)
}

/// Writes a file through `write`. What goes to standard output is complete before the first byte of it goes.
pub fn write(
    path: &Path,
    overwrite: Overwrite,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> anyhow::Result<()> {
    if !is_stdout(path) {
        return Ok(export::write_atomically(path, overwrite, write)?);
    }
    let whole = || -> io::Result<File> {
        let mut out = BufWriter::new(tempfile::tempfile()?);
        write(&mut out)?;
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    };
    let mut file = whole().context("the output cannot be kept in a temporary file")?;
    print_with(|out| io::copy(&mut file, out).map(drop))
}

/// Writes the bytes of a file.
pub fn write_bytes(path: &Path, overwrite: Overwrite, bytes: &[u8]) -> anyhow::Result<()> {
    write(path, overwrite, |file| file.write_all(bytes))
}

/// Prints a result beside an output: as a note where standard output is taken.
pub fn print_beside(path: &Path, text: impl std::fmt::Display, screen: Screen) -> anyhow::Result<()> {
    if is_stdout(path) {
        screen.note(text);
        return Ok(());
    }
    print(text)
}
