//! `enkoder decompress`: an .enk file in, an NPY array of the type that was compressed out.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::codec::{CodecError, EnkFile};
use enkoder_data::export::{Overwrite, check_output, write_atomically};
use enkoder_data::npy::write_array_header;
use serde_json::json;

use crate::arguments::RunOptions;
use crate::failure::Usage;
use crate::model;
use crate::screen::{Screen, print};
use crate::wording;

/// Values that are held at once to salvage a damaged file.
const MOST_SALVAGED: u64 = 1 << 32;

/// Decompress an .enk file to an NPY array
#[derive(Debug, Args)]
pub struct Options {
    /// The file that `enkoder compress` wrote
    #[arg(value_name = "FILE.enk", value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// The array to write
    #[arg(short, long, value_name = "FILE.npy", value_hint = ValueHint::FilePath)]
    out: PathBuf,

    /// The model, for a file that only names it
    #[arg(short, long, value_name = "MODEL", value_hint = ValueHint::AnyPath)]
    model: Option<PathBuf>,

    /// Only these samples, counted from 0; the end is not included
    #[arg(long, value_name = "FIRST..END", value_parser = parse_range)]
    range: Option<Range<u64>>,

    /// Decode what a damaged file still holds; lost samples become NaN, or 0 where the type has none
    #[arg(long, conflicts_with = "range")]
    salvage: bool,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    if options.out.extension().is_none_or(|extension| extension != "npy") {
        let why = format!("cannot write {}: samples are written as NPY", options.out.display());
        return Err(Usage::new(why).with_hint("name the output .npy").into());
    }
    let overwrite = Overwrite::replacing(options.force);
    check_output(&options.out, overwrite)?;
    let cannot = || format!("{} cannot be decompressed", options.file.display());
    let input = File::open(&options.file).with_context(cannot)?;
    let mut file = EnkFile::open(input).with_context(cannot)?;
    if let Some(path) = &options.model {
        file = file.with_model(&model::load(path)?).with_context(cannot)?;
    }
    let _busy = screen.busy(format!("decompressing {}", options.file.display()));
    let lost = if options.salvage {
        salvage(&options, &mut file, overwrite, screen)?
    } else {
        decode(&options, &mut file, overwrite).with_context(cannot)?;
        0
    };
    let samples = options.range.as_ref().map_or(file.samples(), |range| range.end - range.start);
    if options.common.json {
        let (out, shape) = (options.out.display().to_string(), file.shape());
        print(
            json!({ "out": out, "samples": samples, "shape": shape, "element": file.element().name(), "lost": lost }),
        )?;
    } else {
        let each = wording::sample(file.shape(), file.element().bytes());
        let samples = wording::counted(samples as usize, "sample", "samples");
        screen.note(format_args!("{}: {samples} of {each}", options.out.display()));
    }
    Ok(if lost > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Decodes block by block; only a few are held.
fn decode(options: &Options, file: &mut EnkFile<File>, overwrite: Overwrite) -> anyhow::Result<()> {
    let range = options.range.clone().unwrap_or(0..file.samples());
    if range.start > range.end || range.end > file.samples() {
        let (first, end, samples) = (range.start, range.end, file.samples());
        return Err(CodecError::Range { first, end, samples }.into());
    }
    let (element, shape) = (file.element(), file.shape().to_vec());
    let mut failure = None;
    let written = write_atomically(&options.out, overwrite, |out| {
        write_array_header(out, element, range.end - range.start, &shape)?;
        let result = file.each(range.start, range.end, &mut |bytes| Ok(out.write_all(bytes)?));
        result.or_else(|error| match error {
            CodecError::Io(error) => Err(error),
            other => {
                failure = Some(other);
                Err(io::Error::other("the file cannot be decoded"))
            }
        })
    });
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(written?),
    }
}

/// Decodes what is left and says what is lost: how many samples.
fn salvage(options: &Options, file: &mut EnkFile<File>, overwrite: Overwrite, screen: Screen) -> anyhow::Result<u64> {
    let (samples, lost) = file.salvage(MOST_SALVAGED)?;
    write_atomically(&options.out, overwrite, |out| {
        write_array_header(out, samples.element(), samples.len() as u64, samples.shape())?;
        out.write_all(samples.as_bytes())
    })?;
    for lost in &lost {
        screen.note(format_args!("lost: {}", lost.cause.to_string().lines().next().unwrap_or_default()));
    }
    Ok(lost.iter().map(|lost| lost.samples).sum())
}

fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let wrong = || "write FIRST..END, as in 100..200".to_owned();
    let (first, end) = text.split_once("..").ok_or_else(wrong)?;
    let range = first.parse().map_err(|_| wrong())?..end.parse().map_err(|_| wrong())?;
    if range.start < range.end { Ok(range) } else { Err("the end must lie after the first".to_owned()) }
}
