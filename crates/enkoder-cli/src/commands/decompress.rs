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
use enkoder_data::export::Overwrite;
use enkoder_data::netcdf::NetcdfWriter;
use enkoder_data::npz::NpzWriter;
use enkoder_data::{Assembly, Description, OriginalType};
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
use crate::whole_file::{Output, write_whole};
use crate::wording;

/// Values that are written at most for what the header of a damaged file claims.
const MOST_SALVAGED: u64 = 1 << 32;
/// What NumPy calls an array without a name.
const NAMELESS: &str = "arr_0";

/// Decompress an .enk file to the arrays that were compressed
///
/// They have the type and shape that they had, in NPY and NPZ also the order of bytes and axes. Blocks are put together again; several
/// variables become the arrays of an NPZ or NetCDF file. A NetCDF file (classic) has the names, dimensions, attributes and coordinates of the
/// NetCDF or HDF5 file that was compressed.
/// Only a few blocks are in memory at a time.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  enkoder decompress new.enk -o back.npy
  enkoder decompress climate.enk -o climate.npz              several variables
  enkoder decompress climate.enk -o climate.nc               with names, attributes and coordinates
  enkoder decompress new.enk -o part.npy --range 100..200    decodes only what it needs
  enkoder decompress damaged.enk -o rest.npy --salvage       NaN where samples are lost, exit code 1")]
pub struct Options {
    /// The file that `enkoder compress` wrote; - is standard input
    #[arg(value_name = "FILE.enk", value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// The file to write: .npy, .npz, .nc for NetCDF, or .raw for nothing but the numbers, little-endian; - is standard output, as NPY, or as NPZ of
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
    NetCdf,
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
    if layout.variables.len() > 1 && matches!(format, Format::Npy | Format::Raw) {
        let why = format!("{name} holds several variables ({}), which one array cannot", layout.variables.join(", "));
        return Err(Usage::new(why).with_hint("name the output .npz or .nc").into());
    }
    let (element, sample) = (file.element(), file.shape().to_vec());
    let mut assembly =
        Assembly::new(&layout, element, &sample, file.samples(), options.range.clone()).with_context(cannot)?;
    let shape = assembly.shape().to_vec();
    let description = describe(&mut file);
    if format == Format::NetCdf && !description.not_kept().is_empty() {
        let not_kept = description.not_kept().join("; ");
        tracing::warn!("{} is classic NetCDF and does not have {not_kept}", file_output::display(&options.out));
    }
    let first = options.range.as_ref().map_or(0, |range| range.start);
    let writing = Writing {
        file: &name,
        path: &options.out,
        overwrite,
        format,
        layout: &layout,
        description: &description,
        element,
        shape: &shape,
        first,
    };

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
        if let Some(damage) = file.index_damage().filter(|_| written.is_ok() && lost.is_empty()) {
            screen.note(format_args!("the end of {name} is damaged, and every block was found by its mark: {damage}"));
        }
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
    let kind = match format {
        Format::Npy | Format::Npz => description.original(element).map_or(element.name(), OriginalType::name),
        Format::NetCdf | Format::Raw => element.name(),
    };
    report(&options, &layout, kind, &shape, lost, screen)?;
    Ok(if lost > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Opens a compressed file; without its beginning it is lost.
pub fn open(input: File, cannot: impl FnOnce() -> String) -> anyhow::Result<EnkFile<File>> {
    EnkFile::open(input).map_err(|error| match error {
        CodecError::Damaged { .. } | CodecError::Truncated { .. } => {
            Failure::new(cannot(), "nothing can be decoded without its beginning: use an undamaged copy", error).into()
        }
        error => anyhow::Error::new(error).context(cannot()),
    })
}

/// What the file keeps of the one that was compressed. Where that is damaged, the arrays can still be had.
fn describe(file: &mut EnkFile<File>) -> Description {
    let read = file.description(Description::MOST_BYTES).map_err(anyhow::Error::from);
    read.and_then(|packed| Ok(Description::parse(&packed)?)).unwrap_or_else(|error| {
        tracing::warn!("what the file keeps beside the numbers (types, names, coordinates) is lost: {error:#}");
        Description::default()
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
    element: &str,
    shape: &[u64],
    lost: u64,
    screen: Screen,
) -> anyhow::Result<()> {
    if options.common.json {
        return print(json!({
            "out": options.out.display().to_string(),
            "shape": shape,
            "element": element,
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
            Some("nc") => Ok(Some(Self::NetCdf)),
            Some("raw") => Ok(Some(Self::Raw)),
            _ if is_stream(path) => Ok(None),
            _ => Err(Usage::new(format!("cannot tell from {} how to write", path.display()))
                .with_hint("name the output .npy, .npz, .nc or .raw")),
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
    /// What is known of the file that they were compressed from.
    description: &'a Description,
    element: ElementType,
    /// The shape of each array.
    shape: &'a [u64],
    /// The first step of the leading axis that is asked for.
    first: u64,
}

impl Writing<'_> {
    /// Writes what `work` hands on, whole or not at all.
    fn run(&self, work: impl FnOnce(&mut Emit<'_>) -> Result<(), CodecError>) -> anyhow::Result<()> {
        let cannot = || format!("{} cannot be decompressed", self.file);
        let mut netcdf = match self.format {
            Format::NetCdf => {
                let names = &self.layout.variables;
                Some(
                    NetcdfWriter::new(self.description, names, self.element, self.shape, self.first)
                        .with_context(cannot)?,
                )
            }
            _ => None,
        };
        write_whole(self.path, self.overwrite, cannot, |out| match self.format {
            Format::Npy => self.write_npy(out, work),
            Format::Npz => self.write_npz(out, work),
            Format::NetCdf => {
                let mut arrays = netcdf.take().expect("made for this format");
                arrays.begin(out)?;
                work(&mut |array, bytes| arrays.write(out, array, bytes))?;
                Ok(arrays.finish(out)?)
            }
            Format::Raw => work(&mut |_, bytes| out.write_all(bytes)),
        })
    }

    fn write_npy(
        &self,
        out: &mut Output<'_>,
        work: impl FnOnce(&mut Emit<'_>) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let form = self.description.form(0, self.element);
        form.write_header(out, self.shape)?;
        if !form.is_turned(self.shape) {
            return work(&mut |_, bytes| out.write_all(&form.encoded(bytes)));
        }
        let mut all = Vec::new();
        work(&mut |_, bytes| {
            all.extend_from_slice(&form.encoded(bytes));
            Ok(())
        })?;
        Ok(out.write_all(&form.turned(&all, self.shape))?)
    }

    fn write_npz(
        &self,
        out: &mut Output<'_>,
        work: impl FnOnce(&mut Emit<'_>) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let folder = match self.path.parent() {
            _ if is_stream(self.path) => env::temp_dir(),
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let names = match &self.layout.variables[..] {
            [] => vec![NAMELESS.to_owned()],
            names => names.to_vec(),
        };
        let form = |(array, name)| (name, self.description.form(array, self.element));
        let mut arrays = out.note(NpzWriter::new(&folder, names.into_iter().enumerate().map(form)))?;
        work(&mut |array, bytes| out.note(arrays.write(array, bytes)))?;
        Ok(arrays.finish(out, self.shape)?)
    }
}

fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let wrong = || "write FIRST..END, as in 100..200".to_owned();
    let (first, end) = text.split_once("..").ok_or_else(wrong)?;
    let range = first.parse().map_err(|_| wrong())?..end.parse().map_err(|_| wrong())?;
    if range.start < range.end { Ok(range) } else { Err("the end must lie after the first".to_owned()) }
}
