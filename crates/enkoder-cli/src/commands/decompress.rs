//! `enkoder decompress`: an .enk file in; out come the arrays that were compressed, in their type and shape.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::codec::{CodecError, ElementType, EnkFile, Layout};
use enkoder_data::Assembly;
use enkoder_data::export::Overwrite;
use enkoder_data::npy::write_array_header;
use enkoder_data::npz::NpzWriter;
use serde_json::json;

use crate::arguments::RunOptions;
use crate::failure::{Failure, Usage};
use crate::file_output::{self, is_stream};
use crate::inputs::Inputs;
use crate::interrupt;
use crate::model;
use crate::progress::ByteProgress;
use crate::screen::{Screen, print};
use crate::standard_input;
use crate::whole_file::write_whole;
use crate::wording;

/// Values that are written at most for what the header of a damaged file claims.
const MOST_SALVAGED: u64 = 1 << 32;
/// What NumPy calls an array without a name.
const NAMELESS: &str = "arr_0";

/// Decompress an .enk file to the arrays that were compressed
///
/// They have the type and shape that they had. Blocks are put together again; several variables become the arrays of an NPZ file.
/// Only a few blocks are in memory at a time.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  enkoder decompress new.enk -o back.npy
  enkoder decompress climate.enk -o climate.npz              several variables
  enkoder decompress new.enk -o part.npy --range 100..200    decodes only what it needs
  enkoder decompress damaged.enk -o rest.npy --salvage       NaN where samples are lost, exit code 1")]
pub struct Options {
    /// The file that `enkoder compress` wrote; - is standard input
    #[arg(value_name = "FILE.enk", value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// The file to write: .npy, .npz, or .raw for nothing but the numbers, little-endian; - is standard output, as NPY, or as NPZ of
    /// several variables
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: PathBuf,

    /// The model, for a file that only names it, or in which it is damaged
    #[arg(short, long, value_name = "MODEL", value_hint = ValueHint::AnyPath)]
    model: Option<PathBuf>,

    /// Only these steps of the leading axis, counted from 0; the end is not included
    #[arg(long, value_name = "FIRST..END", value_parser = parse_range)]
    range: Option<Range<u64>>,

    /// Decode what a damaged file still holds; lost values become NaN, or 0 where the type has none
    #[arg(long, conflicts_with = "range")]
    salvage: bool,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    common: RunOptions,
}

/// How arrays are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Npy,
    Npz,
    Raw,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let format = Format::of(&options.out)?;
    let overwrite = Overwrite::replacing(options.force);
    let inputs = [&options.file].into_iter().chain(&options.model);
    Inputs::new(inputs.cloned().collect())?.refuse(&options.out)?;
    file_output::check_binary(&options.out, overwrite, &options.common)?;
    let name = standard_input::display(&options.file);
    let cannot = || format!("{name} cannot be decompressed");
    let input = File::open(standard_input::file(&options.file)?).with_context(cannot)?;
    let mut file = open(input, cannot)?;
    if let Some(path) = &options.model {
        file = file.with_model(&model::load(path)?).with_context(cannot)?;
    }
    let layout = file.layout().clone();
    let format = format.unwrap_or(if layout.variables.len() > 1 { Format::Npz } else { Format::Npy });
    if layout.variables.len() > 1 && format != Format::Npz {
        let why = format!("{name} holds several variables ({}), which one array cannot", layout.variables.join(", "));
        return Err(Usage::new(why).with_hint("name the output .npz").into());
    }
    let (element, sample) = (file.element(), file.shape().to_vec());
    let mut assembly =
        Assembly::new(&layout, element, &sample, file.samples(), options.range.clone()).with_context(cannot)?;
    let shape = assembly.shape().to_vec();
    let writing =
        Writing { file: &name, path: &options.out, overwrite, format, layout: &layout, element, shape: &shape };

    interrupt::listen()?;
    interrupt::work_begins();
    let written = if options.salvage {
        let busy = screen.busy(format!("salvaging {name}"));
        let mut lost = Vec::new();
        let written = writing.run(|emit| {
            lost = file.salvage(MOST_SALVAGED, &mut |bytes| Ok(assembly.take(bytes, emit)?))?;
            Ok(())
        });
        drop(busy);
        for lost in &lost {
            screen.note(format_args!("lost: {}", lost.cause.to_string().lines().next().unwrap_or_default()));
        }
        written.map(|()| lost.iter().map(|lost| lost.samples).sum())
    } else {
        decode(&mut file, &mut assembly, &writing, screen).map(|()| 0)
    };
    if interrupt::requested() && written.is_err() {
        screen.note(format_args!("interrupted: {} was not written", file_output::display(&options.out)));
        return Ok(ExitCode::from(interrupt::EXIT_CODE));
    }
    let lost: u64 = written?;
    interrupt::work_ended();
    report(&options, &layout, element, &shape, lost, screen)?;
    Ok(if lost > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Opens a compressed file; without its beginning it is lost.
pub fn open(input: File, cannot: impl FnOnce() -> String) -> anyhow::Result<EnkFile<File>> {
    EnkFile::open(input).map_err(|error| match error {
        CodecError::Damaged { .. } | CodecError::Truncated { .. } => Failure::new(
            cannot(),
            "without its beginning nothing of it can be decoded: take a copy that is whole",
            error,
        )
        .into(),
        error => anyhow::Error::new(error).context(cannot()),
    })
}

/// Decodes block by block; only a few are held.
fn decode(
    file: &mut EnkFile<File>,
    assembly: &mut Assembly,
    writing: &Writing<'_>,
    screen: Screen,
) -> anyhow::Result<()> {
    let samples = assembly.samples();
    let sample_bytes = (file.shape().iter().product::<usize>() * file.element().bytes()) as u64;
    let total = (samples.end - samples.start) * sample_bytes;
    let progress = ByteProgress::new(screen, format!("decompressing {}", writing.file), total);
    let mut done = 0;
    writing.run(|emit| {
        file.each(samples.start, samples.end, &mut |bytes| {
            assembly.take(bytes, emit)?;
            done += bytes.len() as u64;
            match progress.update(done) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(CodecError::Io(io::ErrorKind::Interrupted.into())),
            }
        })
    })
}

fn report(
    options: &Options,
    layout: &Layout,
    element: ElementType,
    shape: &[u64],
    lost: u64,
    screen: Screen,
) -> anyhow::Result<()> {
    if options.common.json {
        return print(json!({
            "out": options.out.display().to_string(),
            "shape": shape,
            "element": element.name(),
            "variables": layout.variables,
            "lost": lost,
        }));
    }
    let of = match &layout.variables[..] {
        [] => String::new(),
        names => format!("{}: ", names.join(", ")),
    };
    let shape = shape.iter().map(|&axis| wording::grouped(axis as usize)).collect::<Vec<_>>().join("×");
    screen.note(format_args!("{}: {of}{shape} of {element}", file_output::display(&options.out)));
    Ok(())
}

impl Format {
    /// What a name says; a device or a pipe says nothing.
    fn of(path: &Path) -> Result<Option<Self>, Usage> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("npy") => Ok(Some(Self::Npy)),
            Some("npz") => Ok(Some(Self::Npz)),
            Some("raw") => Ok(Some(Self::Raw)),
            _ if is_stream(path) => Ok(None),
            _ => Err(Usage::new(format!("cannot tell from {} how to write", path.display()))
                .with_hint("name the output .npy, .npz or .raw")),
        }
    }
}

/// Takes the next bytes of the array of this number.
type Emit<'a> = dyn FnMut(usize, &[u8]) -> io::Result<()> + 'a;

/// Arrays on their way to a file.
struct Writing<'a> {
    /// What they come from.
    file: &'a str,
    path: &'a Path,
    overwrite: Overwrite,
    format: Format,
    layout: &'a Layout,
    element: ElementType,
    /// The shape of each array.
    shape: &'a [u64],
}

impl Writing<'_> {
    /// Writes what `work` hands on, whole or not at all.
    fn run(&self, work: impl FnOnce(&mut Emit<'_>) -> Result<(), CodecError>) -> anyhow::Result<()> {
        let cannot = || format!("{} cannot be decompressed", self.file);
        write_whole(self.path, self.overwrite, cannot, |out| {
            if self.format != Format::Npz {
                if self.format == Format::Npy {
                    write_array_header(out, self.element, self.shape)?;
                }
                return work(&mut |_, bytes| out.write_all(bytes));
            }
            let folder = match self.path.parent() {
                _ if is_stream(self.path) => env::temp_dir(),
                Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
                _ => PathBuf::from("."),
            };
            let names = match &self.layout.variables[..] {
                [] => vec![NAMELESS.to_owned()],
                names => names.to_vec(),
            };
            let mut arrays = out.note(NpzWriter::new(&folder, names))?;
            work(&mut |array, bytes| out.note(arrays.write(array, bytes)))?;
            Ok(arrays.finish(out, self.element, self.shape)?)
        })
    }
}

fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let wrong = || "write FIRST..END, as in 100..200".to_owned();
    let (first, end) = text.split_once("..").ok_or_else(wrong)?;
    let range = first.parse().map_err(|_| wrong())?..end.parse().map_err(|_| wrong())?;
    if range.start < range.end { Ok(range) } else { Err("the end must lie after the first".to_owned()) }
}
