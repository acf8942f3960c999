//! `enkoder decompress`: an .enk file in; out come the arrays that were compressed, in their type and shape.

mod writing;

use std::io;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::Autoencoder;
use enkoder::codec::{CodecError, EnkArchive, EnkFile, Lost, Part};
use enkoder_data::export::Overwrite;
use enkoder_data::netcdf::Written;
use enkoder_data::{Assembly, Description, Input};
use serde_json::json;

use self::writing::{Emit, Format, Writing, check_folder};
use crate::arguments::{Names, RunOptions, parse_names};
use crate::failure::{Failure, Usage};
use crate::file_output;
use crate::inputs::Inputs;
use crate::interrupt;
use crate::model;
use crate::progress::ByteProgress;
use crate::screen::{Screen, print};
use crate::standard_input;
use crate::wording;

/// Values that are written at most for what the header of a damaged file claims.
const MOST_SALVAGED: u64 = 1 << 32;
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
  enkoder decompress damaged.enk -o rest.npy --salvage       _FillValue or NaN for lost samples")]
pub struct Options {
    /// The file that `enkoder compress` wrote; - is standard input
    #[arg(value_name = "FILE.enk", value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// The file to write: .npy, .npz, .nc for NetCDF, or .raw for nothing but the numbers, little-endian; without an ending a new folder
    /// with an NPY file for each array; - is standard output, as NPY, or as NPZ of
    /// several variables
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: PathBuf,

    /// The model, for a file that only names it, or in which it is damaged
    #[arg(short, long, value_name = "MODEL", value_hint = ValueHint::AnyPath)]
    model: Option<PathBuf>,

    /// Only these steps of the leading axis, counted from 0; the end is not included; 100.. is all from 100 on, and ..100 the first 100
    #[arg(long, value_name = "FIRST..END", value_parser = parse_range)]
    range: Option<Range<u64>>,

    /// Only these variables of a file that holds arrays of several shapes; a comma within a name is written \,
    #[arg(long = "variable", value_name = "NAME,…", value_parser = parse_names)]
    variables: Option<Vec<Names>>,

    /// Decode what a damaged file still holds; lost values become the variable's _FillValue, where it has none NaN, or 0 where the type has no NaN
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
    let format = Format::of(&options.out)?;
    let overwrite = Overwrite::replacing(options.force);
    let inputs = [&options.file].into_iter().chain(&options.model);
    Inputs::new(inputs.cloned().collect())?.refuse(&options.out)?;
    if format == Some(Format::Folder) {
        check_folder(&options.out)?;
    } else {
        file_output::check_binary(&options.out, overwrite, &options.common)?;
    }
    let name = standard_input::display(&options.file);
    let cannot = || format!("{name} cannot be decompressed");
    let mut archive = open(Input::open(&standard_input::file(&options.file)?).with_context(cannot)?, cannot)?;
    let model = options.model.as_deref().map(model::load).transpose()?;
    let mut description = match description_of(&mut archive) {
        // What was asked for is more than numbers.
        Err(error) if format == Some(Format::NetCdf) && !options.salvage => {
            let hint = "--salvage writes the numbers without it; or name the output .npz";
            let why = format!("{name} cannot be decompressed to NetCDF: names, attributes and coordinates are damaged");
            return Err(Failure::new(why, hint, io::Error::other(format!("{error:#}"))).into());
        }
        read => read_or_lost(read),
    };
    let (mut arrays, mut members, mut kept, mut lengths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut fills = Vec::new();
    let (mut before, mut gone, is_several) = (0, Vec::new(), archive.is_several());
    for number in 0..archive.len() {
        let file = match member(&mut archive, number, model.as_ref(), cannot) {
            Ok(file) => file,
            // What is left of a file of several is what the others are.
            Err(error) if options.salvage && is_several => {
                gone.push(format!("lost: array {number}, whose beginning is damaged: {}", error.root_cause()));
                before += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        let layout = file.layout().clone();
        let count = layout.variables.len().max(1);
        let is_wanted = |name| options.asked().is_none_or(|mut asked| asked.any(|asked| asked == name));
        if layout.variables.iter().all(is_wanted) {
            let (element, sample) = (file.element(), file.shape());
            let steps = layout.array.first().copied().unwrap_or(file.samples());
            let range = options.range.clone().map(|range| range.start..open_end(range.end, steps));
            let assembly = Assembly::new(&layout, element, sample, file.samples(), range).with_context(cannot)?;
            let shape = assembly.shape().to_vec();
            let names = if layout.variables.is_empty() { vec![String::new()] } else { layout.variables };
            let first = arrays.len();
            lengths.resize(first + names.len(), file.samples());
            arrays.extend(names.into_iter().map(|name| Written { name, element, shape: shape.clone() }));
            members.push((number, first, assembly));
            let kinds = (before..before + count).map(|array| description.fill(array, element));
            fills.push(kinds.collect::<Vec<_>>());
            kept.extend(before..before + count);
        }
        before += count;
    }
    options.check_variables(&mut archive, &arrays, cannot)?;
    if arrays.is_empty() {
        let none = CodecError::Damaged { offset: 0, what: "no array is left that is not damaged".to_owned() };
        return Err(anyhow::Error::new(none).context(cannot()));
    }
    if is_several {
        if let Some(missing) =
            description.arrays().and_then(|described| described.checked_sub(before)).filter(|&missing| missing > 0)
        {
            gone.push(format!("lost: {}, whose beginning is damaged", wording::counted(missing, "array", "arrays")));
            if description.names().is_empty() {
                tracing::warn!(
                    "{name} does not say which arrays are left: types and orders of bytes are those of plain NPY"
                );
                description = Description::default();
            }
        }
        let kept: Vec<_> = kept.into_iter().zip(arrays.iter().map(|array| &array.name[..])).collect();
        description.only(&kept);
        options.check_range(&lengths, &arrays, &name)?;
    }
    let several = arrays.len() > 1;
    let format = format.unwrap_or(if several { Format::Npz } else { Format::Npy });
    if several && matches!(format, Format::Npy | Format::Raw) {
        let names: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
        let why = format!("{name} holds several variables ({}), which one array cannot", names.join(", "));
        return Err(Usage::new(why)
            .with_hint("name the output .npz or .nc, a folder that does not exist yet, or choose by --variable")
            .into());
    }
    if format == Format::NetCdf && !description.not_kept().is_empty() {
        let not_kept = description.not_kept().join("; ");
        tracing::warn!("{} is classic NetCDF, which leaves out {not_kept}", file_output::display(&options.out));
    }
    let first = options.range.as_ref().map_or(0, |range| range.start);
    let writing = Writing {
        file: &name,
        path: &options.out,
        overwrite,
        format,
        description: &description,
        arrays: &arrays,
        first,
    };

    interrupt::listen()?;
    interrupt::work_begins();
    let written = if options.salvage {
        let busy = screen.busy(format!("salvaging {name}"));
        let (mut said, arrays_lost) = (gone.clone(), gone.len() as u64);
        let written = writing.run(|emit| {
            let mut samples = arrays_lost;
            for ((number, first, assembly), fills) in members.iter_mut().zip(&fills) {
                let mut file = archive.file(*number)?.with_fills(fills.clone());
                if let Some(model) = &model {
                    file = file.with_model(model)?;
                }
                let emit: &mut Emit<'_> = &mut |array, bytes| emit(*first + array, bytes);
                let mut any = false;
                let mut take = |bytes: &[u8]| {
                    any = true;
                    Ok(assembly.take(bytes, emit)?)
                };
                let lost = match file.salvage(MOST_SALVAGED, &mut take) {
                    Err(CodecError::Damaged { .. }) if is_several && !any => {
                        vec![file.lose_all(MOST_SALVAGED, &mut |bytes| Ok(assembly.take(bytes, emit)?))?]
                    }
                    lost => lost?,
                };
                if let Some(damage) = file.index_damage().filter(|_| lost.is_empty()) {
                    said.push(format!("the end of {name} is damaged, and every block was found by its mark: {damage}"));
                }
                let first_line = |lost: &Lost| lost.cause.to_string().lines().next().unwrap_or_default().to_owned();
                said.extend(lost.iter().map(|lost| format!("lost: {}", first_line(lost))));
                samples += lost.iter().map(|lost| lost.samples).sum::<u64>();
            }
            Ok(samples)
        });
        drop(busy);
        if let Some(damage) = archive.index_damage() {
            said.push(format!("the end of {name} is damaged, and its arrays were found by how they begin: {damage}"));
        }
        said.iter().for_each(|line| screen.note(line));
        written
    } else {
        archive.check_index().map_err(|damage| {
            let hint = format!("`enkoder decompress {name} -o FILE --salvage` decodes what is whole");
            Failure::new(cannot(), hint, damage)
        })?;
        decode(&mut archive, (&mut members, model.as_ref()), &writing, screen).map(|()| 0)
    };
    if interrupt::requested() && written.is_err() {
        screen.note(format_args!("interrupted: {} was not written", file_output::display(&options.out)));
        return Ok(ExitCode::from(interrupt::EXIT_CODE));
    }
    let lost: u64 = written?;
    interrupt::work_ended();
    report(&options, &writing, lost, screen)?;
    Ok(if lost > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// One of the files of an archive, with its model.
fn member<'a>(
    archive: &'a mut EnkArchive<Input>,
    number: usize,
    model: Option<&Autoencoder>,
    cannot: impl Fn() -> String,
) -> anyhow::Result<EnkFile<Part<'a, Input>>> {
    let file = archive.file(number).map_err(|error| without_beginning(error, &cannot))?;
    match model {
        Some(model) => file.with_model(model).with_context(cannot),
        None => Ok(file),
    }
}

/// Opens a compressed file; without its beginning it is lost.
pub fn open(input: Input, cannot: impl FnOnce() -> String) -> anyhow::Result<EnkArchive<Input>> {
    EnkArchive::open(input).map_err(|error| without_beginning(error, cannot))
}

/// What is said where a file, or an array of several, cannot be opened.
pub fn without_beginning(error: CodecError, cannot: impl FnOnce() -> String) -> anyhow::Error {
    match error {
        CodecError::Damaged { .. } | CodecError::Truncated { .. } => {
            Failure::new(cannot(), "nothing can be decoded without its beginning: use an undamaged copy", error).into()
        }
        error => anyhow::Error::new(error).context(cannot()),
    }
}

/// What the file keeps of the one that was compressed. Where that is damaged, the arrays can still be had.
pub fn describe(file: &mut EnkArchive<Input>) -> Description {
    read_or_lost(description_of(file))
}

fn description_of(file: &mut EnkArchive<Input>) -> anyhow::Result<Description> {
    Ok(Description::parse(&file.description(Description::MOST_BYTES)?)?)
}

fn read_or_lost(read: anyhow::Result<Description>) -> Description {
    read.unwrap_or_else(|error| {
        tracing::warn!("what the file keeps beside the numbers (types, names, coordinates) is lost: {error:#}");
        Description::default()
    })
}

/// Decodes block by block; only a few are held.
fn decode(
    archive: &mut EnkArchive<Input>,
    (members, model): (&mut [(usize, usize, Assembly)], Option<&Autoencoder>),
    writing: &Writing<'_>,
    screen: Screen,
) -> anyhow::Result<()> {
    let values = |array: &Written| array.shape.iter().product::<u64>() * array.element.bytes() as u64;
    let total = writing.arrays.iter().map(values).sum();
    let progress = ByteProgress::new(screen, format!("decompressing {}", writing.file), total);
    let mut done = 0;
    writing.run(|emit| {
        for (number, first, assembly) in members {
            let mut file = archive.file(*number)?;
            if let Some(model) = model {
                file = file.with_model(model)?;
            }
            let samples = assembly.samples();
            let emit: &mut Emit<'_> = &mut |array, bytes| emit(*first + array, bytes);
            file.each(samples.start, samples.end, &mut |bytes| {
                assembly.take(bytes, emit)?;
                done += bytes.len() as u64;
                match progress.update(done) {
                    ControlFlow::Continue(()) => Ok(()),
                    ControlFlow::Break(()) => Err(CodecError::Io(io::ErrorKind::Interrupted.into())),
                }
            })?;
        }
        Ok(())
    })
}

fn report(options: &Options, writing: &Writing<'_>, lost: u64, screen: Screen) -> anyhow::Result<()> {
    let kind = |array: usize| writing.kind(array);
    let names: Vec<&str> =
        writing.arrays.iter().map(|array| array.name.as_str()).filter(|name| !name.is_empty()).collect();
    if options.common.json {
        let arrays = writing.arrays.iter().enumerate();
        let arrays =
            arrays.map(|(number, array)| json!({ "name": array.name, "shape": array.shape, "element": kind(number) }));
        return print(json!({
            "out": options.out.display().to_string(),
            "shape": writing.arrays[0].shape,
            "element": kind(0),
            "variables": names,
            "arrays": arrays.collect::<Vec<_>>(),
            "lost": lost,
        }));
    }
    let in_words = |array: usize| {
        let Written { shape, .. } = &writing.arrays[array];
        let shape = shape.iter().map(|&axis| wording::grouped(axis as usize)).collect::<Vec<_>>().join("×");
        format!("{shape} of {}", kind(array))
    };
    let same = writing
        .arrays
        .iter()
        .all(|array| (&array.shape, array.element) == (&writing.arrays[0].shape, writing.arrays[0].element));
    let out = file_output::display(&options.out);
    if same {
        let of = if names.is_empty() { String::new() } else { format!("{}: ", names.join(", ")) };
        screen.note(format_args!("{out}: {of}{}", in_words(0)));
    } else {
        let each: Vec<String> =
            names.iter().enumerate().map(|(array, name)| format!("{name} {}", in_words(array))).collect();
        screen.note(format_args!("{out}: {}", each.join(", ")));
    }
    Ok(())
}

impl Options {
    /// The variables that are asked for; none where all are.
    fn asked(&self) -> Option<impl Iterator<Item = &String>> {
        self.variables.as_ref().map(|variables| variables.iter().flat_map(|names| &names.0))
    }

    /// Refuses a part of a leading axis that not all arrays have.
    fn check_range(&self, lengths: &[u64], arrays: &[Written], name: &str) -> Result<(), Usage> {
        let Some(other) = lengths.iter().position(|length| *length != lengths[0]).filter(|_| self.range.is_some())
        else {
            return Ok(());
        };
        let same = arrays.iter().zip(lengths).filter(|(_, length)| **length == lengths[0]);
        let same: Vec<&str> = same.map(|(array, _)| &array.name[..]).collect();
        let [first, second] = [&arrays[0].name, &arrays[other].name];
        let why = format!(
            "--range is a part of one leading axis, and those of {name} differ: {first} has {} steps, {second} has {}",
            lengths[0], lengths[other]
        );
        Err(Usage::new(why).with_hint(format!("choose by --variable, as in --variable {}", same.join(","))))
    }

    /// Refuses variables that the file does not have.
    fn check_variables(
        &self,
        archive: &mut EnkArchive<Input>,
        arrays: &[Written],
        cannot: impl Fn() -> String,
    ) -> anyhow::Result<()> {
        let Some(mut asked) = self.asked() else { return Ok(()) };
        if let Some(missing) = asked.find(|name| arrays.iter().all(|array| array.name != **name)) {
            let mut names = Vec::new();
            for number in 0..archive.len() {
                names.extend(archive.file(number).with_context(&cannot)?.layout().variables.clone());
            }
            let why = format!("{missing:?} is no variable that can be decoded by itself");
            return Err(Usage::new(why).with_hint(format!("the variables are {}", names.join(", "))).into());
        }
        Ok(())
    }
}

/// The end of a range of so many steps.
fn open_end(end: u64, steps: u64) -> u64 {
    if end == u64::MAX { steps } else { end }
}

/// Without its first step a range begins with 0, and without its end it has no limit.
fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let wrong = || "write FIRST..END, as in 100..200, or an open end: 100.. or ..200".to_owned();
    let (first, end) = text.split_once("..").filter(|ends| *ends != ("", "")).ok_or_else(wrong)?;
    let number = |text: &str, open| if text.is_empty() { Ok(open) } else { text.parse().map_err(|_| wrong()) };
    let range = number(first, 0)?..number(end, u64::MAX)?;
    if range.start < range.end { Ok(range) } else { Err("the end must lie after the first".to_owned()) }
}
