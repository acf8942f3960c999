//! `enkoder compress`: data in, with a model or without one, and an .enk file out that is proved before it gets its name.

mod bounds;
mod said;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, ValueHint};
use enkoder::codec::{
    AloneOptions, Bound, CompressOptions, CompressSummary, ElementType, Exact, Layout, Member, SampleSource, compress,
    compress_alone, compress_several,
};
use enkoder_data::export::Overwrite;

use crate::arguments::{DataName, DataOptions, ModelAndData, RunOptions, parse_count};
use crate::compressible::{Collection, Compressible};
use crate::failure::Usage;
use crate::file_output;
use crate::inputs::Inputs;
use crate::interrupt;
use crate::model;
use crate::progress::ByteProgress;
use crate::screen::Screen;
use crate::standard_input;
use crate::whole_file::write_whole;
use bounds::{Bounds, RegionBound};
use said::{to_json, to_text};

/// Compress arrays or other data, within a bound that is checked for every value
///
/// Without a model, predictions are learned on the data itself and stored with it. A model that was trained on other data of the
/// kind, named before the data, can make files much smaller still. The first of several names is taken for the model where it is
/// the file or the folder of one.
///
/// Of a NetCDF, HDF5, NPZ or Zarr file all variables are taken, each in its own shape and type and within its own bound; --variable
/// chooses. Coordinates go along as they are.
///
/// Arrays (NPY, NPZ, NetCDF, HDF5, raw files) keep their type, NaN, infinities and fill values included, and are read piece by piece:
/// they may be larger than memory. A bound is in the units of the data, also where numbers are packed with scale_factor. Other data is taken as `enkoder data info` shows it, as bytes or 32-bit numbers.
///
/// Before the file gets its name it has been decoded and compared with the original, value by value.
#[derive(Debug, Args)]
#[command(override_usage = "enkoder compress [OPTIONS] --out <FILE.enk> --bound <BOUND> [MODEL] <DATA>...")]
#[command(after_long_help = "Examples:
  enkoder compress data.nc -o data.enk --bound rel:1e-3           no value off by more than a thousandth of the range
  enkoder compress data.nc -o data.enk --bound prel:1e-3          within a thousandth of each value
  enkoder compress data.nc -o data.enk --bound t=abs:0.05,q=prel:1e-3,lossless        bounds of single variables
  enkoder compress data.nc -o data.enk --bound rel:1e-2 --region lat=35:60,lon=-10:30=abs:0.01
  enkoder compress rain.nc -o rain.enk --bound abs:0.1 --exact zeros,signs
  enkoder compress runs/a new.npy -o new.enk --bound rel:1e-3     a part of the range, with a model
  enkoder compress runs/a run.nc --variable ts -o ts.enk --bound abs:0.05
  enkoder compress runs/a field.raw --shape 110x64x128 --dtype f32 -o field.enk --bound psnr:60
  enkoder compress runs/mnist digits/ -o digits.enk --bound lossless")]
pub struct Options {
    /// A model, its file or the folder that `enkoder train` wrote, where there is one; then the data: built-in name, openml:ID, a path, or
    /// an address (https://, s3://, gs://, az://); - is standard input; several files of images or arrays are taken together
    #[arg(required = true, value_name = "DATA", value_hint = ValueHint::AnyPath)]
    names: Vec<DataName>,

    /// The file to write; - is standard output
    #[arg(short, long, value_name = "FILE.enk", value_hint = ValueHint::FilePath)]
    out: PathBuf,

    /// What is promised of the decoded values: abs:NUMBER or rel:FRACTION of the range (no value is off by more), prel:FRACTION of
    /// each value or bits:SIGNIFICANT (signs and zeros are kept; without a model), psnr:DECIBELS (on the average, of the range; of bytes, of 255), lossless (every
    /// bit), or none (what the model makes of its codes). Without a model, variables may have bounds of their own:
    /// t=abs:0.05,q=prel:1e-3, and one without a name for all others
    #[arg(short, long, value_name = "BOUND")]
    bound: Bounds,

    /// Without a model: cells with a bound of their own, by coordinates (lat=35:60,lon=-10:30=abs:0.01), by a variable of the file that
    /// is not 0 there (land=abs:0.01), or by a file with such a mask (land.npy=abs:0.01); where several overlap, the last holds
    #[arg(long = "region", value_name = "CELLS=BOUND", allow_hyphen_values = true)]
    regions: Vec<RegionBound>,

    /// Without a model: what comes back exactly, whatever the bound: zeros, signs (and 0 stays 0),
    /// extremes (the least and the largest value of each variable)
    #[arg(long, value_name = "zeros,signs,extremes")]
    exact: Option<Exact>,

    /// Bits of a weight of the decoder in the file: 8 makes it half as large and predicts a little worse
    #[arg(long, value_name = "8|16", default_value_t = 16)]
    weight_bits: u32,

    /// Leave the model out: decompressing then needs it, and the file names it by its SHA-256
    #[arg(long)]
    without_model: bool,

    /// Samples that are decoded together, the unit of random access and of damage [default: 1 MiB of values at most, of bytes 4;
    /// without a model 4, and of large samples 8 of them up to 32]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    chunk: Option<usize>,

    /// Without a model, how much is tried to make the file small, from 1 to 9; more takes longer [default: 5]
    #[arg(long, value_name = "1..9", value_parser = clap::value_parser!(u8).range(1..=9))]
    effort: Option<u8>,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    reading: DataOptions,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let (model_path, data) = tell_apart(&options.names)?;
    let mut inputs = options.reading.inputs(data)?;
    inputs.extend(model_path.map(model::file_of));
    Inputs::new(inputs)?.refuse(&options.out)?;
    check(&options, model_path.is_some())?;
    let model = model_path.map(model::load).transpose()?;
    let overwrite = Overwrite::replacing(options.force);
    file_output::check_binary(&options.out, overwrite, &options.common)?;
    let mut data: Collection = match (model.as_ref(), model_path) {
        (Some(model), Some(path)) => {
            let of = ModelAndData { model: path.to_owned(), data: data.to_vec() };
            options.reading.open_to_compress(model, &of, screen)?.into()
        }
        _ => options.reading.open_to_compress_alone(data, screen)?,
    };
    let data_description = std::mem::take(&mut data.description);
    let model = match model {
        Some(model) => {
            let data = &data.members[0];
            if options.without_model && data.is_packed() {
                let why = format!("the numbers of {} are packed, and the model must go along with how", data.name);
                return Err(Usage::new(why).with_hint("leave out --without-model").into());
            }
            Some(data.model(model)?)
        }
        None => None,
    };
    let plans = options.plans(&data, model.is_some(), screen)?;
    interrupt::listen()?;
    interrupt::work_begins();
    let start = Instant::now();
    let total = data.members.iter().map(Compressible::bytes).sum();
    let progress = ByteProgress::new(screen, format!("compressing {}", data.name), total);
    let cannot = || format!("{} cannot be compressed", data.name);
    let written = write_whole(&options.out, overwrite, cannot, |out| match &mut data.members[..] {
        [data] => {
            let sample_bytes = data.sample_bytes();
            let update = &mut |samples| progress.update(samples * sample_bytes);
            let source = &mut Interruptible(data.source(), &data_description);
            let summary = match &model {
                Some(model) => compress(model, source, &options.with_model(plans[0].options.bound), out, update)?,
                None => compress_alone(source, &plans[0].options, out, update)?,
            };
            Ok((vec![summary], None))
        }
        members => {
            let sizes: Vec<(u64, u64)> = members.iter().map(|data| (data.bytes(), data.sample_bytes())).collect();
            let update = &mut |member: usize, samples| {
                let before: u64 = sizes[..member].iter().map(|(bytes, _)| bytes).sum();
                progress.update(before + samples * sizes[member].1)
            };
            let mut sources: Vec<_> = members.iter_mut().map(|data| Interruptible(data.source(), &[])).collect();
            let mut members: Vec<_> = sources
                .iter_mut()
                .zip(&plans)
                .map(|(source, plan)| Member { source, options: plan.options.clone() })
                .collect();
            let archive = compress_several(&mut members, &data_description, out, update)?;
            Ok((archive.members, Some((archive.file_bytes, archive.framing_bytes))))
        }
    });
    drop(progress);
    if interrupt::requested() && written.is_err() {
        screen.note(format_args!("interrupted: {} was not written", file_output::display(&options.out)));
        return Ok(ExitCode::from(interrupt::EXIT_CODE));
    }
    let (summaries, archive) = written?;
    let took = start.elapsed();
    interrupt::work_ended();
    let named =
        data.members.iter().zip(&plans).zip(summaries).map(|((data, plan), summary)| {
            (data.variables().join(", "), plan.asked.clone(), data.in_its_units(summary))
        });
    let written = Written { members: named.collect(), archive };
    let text = if options.common.json {
        to_json(&options, &written, took).to_string()
    } else {
        to_text(&options, &written, took, model.is_some())
    };
    file_output::print_beside(&options.out, text, screen)?;
    Ok(ExitCode::SUCCESS)
}

/// What was written.
struct Written {
    /// Of each member its name, its bound as it was asked for, and what it takes.
    members: Vec<(String, String, CompressSummary)>,
    /// Of several: the bytes of the file, and those around the members.
    archive: Option<(u64, u64)>,
}

impl Written {
    /// All members together.
    fn total(&self) -> CompressSummary {
        let Some((file_bytes, framing)) = self.archive else { return self.members[0].2.clone() };
        let mut total = CompressSummary::default();
        (total.file_bytes, total.framing_bytes) = (file_bytes, framing);
        for (_, _, member) in &self.members {
            total.samples += member.samples;
            total.original_bytes += member.original_bytes;
            total.header_bytes += member.header_bytes;
            total.code_bytes += member.code_bytes;
            total.residual_bytes += member.residual_bytes;
            total.framing_bytes += member.framing_bytes;
            total.largest_error = total.largest_error.max(member.largest_error);
            total.range = total.range.max(member.range);
            total.stages.plan += member.stages.plan;
            total.stages.write += member.stages.write;
            total.stages.verify += member.stages.verify;
        }
        total
    }
}

/// How a member is compressed.
struct Plan {
    options: AloneOptions,
    /// Its bound as it was asked for.
    asked: String,
}

/// The model, where the first of several names is one, and the data.
fn tell_apart(names: &[DataName]) -> anyhow::Result<(Option<&Path>, &[DataName])> {
    let Some((first, data)) = names.split_first() else { return Ok((None, names)) };
    let path = first.as_ref();
    if !model::is_tensor_file(&standard_input::file(&model::file_of(path))?) {
        return Ok((None, names));
    }
    if data.is_empty() {
        let why = format!("{first} is a model, but no data was named");
        return Err(Usage::new(why).with_hint("name the data after the model").into());
    }
    Ok((Some(path), data))
}

/// Refuses options that mean nothing with a model, or nothing without one.
fn check(options: &Options, with_model: bool) -> Result<(), Usage> {
    if with_model && options.effort.is_some() {
        return Err(Usage::new("--effort says how much is tried without a model, but one was given")
            .with_hint("leave out --effort, or the model"));
    }
    if with_model && (!options.regions.is_empty() || options.exact.is_some()) {
        return Err(Usage::new("--region and --exact are for data without a model, but one was given")
            .with_hint("leave out the model, or these options"));
    }
    if !with_model && options.without_model {
        return Err(Usage::new("--without-model leaves a model out of the file, but none was given")
            .with_hint("name the model before the data, or leave out --without-model"));
    }
    if !with_model && options.reading.arrays.block.is_some() {
        return Err(Usage::new("--block cuts arrays into samples for a model, but none was given")
            .with_hint("leave out --block: without a model arrays are taken whole"));
    }
    Ok(())
}

impl Options {
    fn with_model(&self, bound: Bound) -> CompressOptions {
        CompressOptions {
            bound,
            weight_bits: self.weight_bits,
            embed_model: !self.without_model,
            block_samples: self.chunk,
        }
    }

    /// How each member is compressed.
    fn plans(&self, data: &Collection, with_model: bool, screen: Screen) -> anyhow::Result<Vec<Plan>> {
        if data.members.len() > 1 {
            let names: Vec<String> = data.members.iter().flat_map(Compressible::variables).collect();
            let is_beside = |name: &str| data.members[0].arrays().is_some_and(|arrays| arrays.is_beside(name));
            self.bound.check(&names, is_beside)?;
        }
        let mut without: Vec<(&RegionBound, Vec<String>, anyhow::Error)> = Vec::new();
        let mut plans = Vec::with_capacity(data.members.len());
        let (mut kept, mut applied) = (Vec::new(), vec![false; self.regions.len()]);
        for member in &data.members {
            let own = member.variables().first().and_then(|name| self.bound.of(name));
            let is_one_of_several = data.members.len() > 1;
            let asked = match own {
                Some(bound) if is_one_of_several => bound,
                None if is_one_of_several && member.is_auxiliary => {
                    kept.extend(member.variables());
                    Bound::Lossless
                }
                _ => self.bound.for_others(member, with_model)?,
            };
            member.check_shape()?;
            member.check_type(asked, own.is_some())?;
            let bound = member.bound(asked)?;
            if member.is_table && matches!(bound, Bound::Relative(_) | Bound::Psnr(_)) {
                tracing::warn!(
                    "{} is a table, and the bound is a part of the range of all columns together: columns of small numbers lose \
                     the most; a bound of abs: is the same for each, and lossless keeps every bit",
                    member.name
                );
            }
            let own = if is_one_of_several { &[][..] } else { &self.bound.of_variables[..] };
            let mut options = AloneOptions::new(bound);
            options.of_variables = member.bounds_of_variables(own);
            options.effort = self.effort.unwrap_or(options.effort);
            options.block_samples = self.chunk;
            options.exact = self.exact.unwrap_or_default();
            if asked != Bound::Lossless || !is_one_of_several {
                for (region, applied) in self.regions.iter().zip(&mut applied) {
                    match region.of(member, &self.reading) {
                        Ok(region) => {
                            *applied = true;
                            options.regions.push(region);
                        }
                        Err(error) if !is_one_of_several => return Err(error),
                        Err(error) => match without.iter_mut().find(|(other, ..)| other.name() == region.name()) {
                            Some((_, names, _)) => names.extend(member.variables()),
                            None => without.push((region, member.variables(), error)),
                        },
                    }
                }
            }
            let asked = if own.is_empty() { asked.to_string() } else { self.bound.to_string() };
            plans.push(Plan { options, asked });
        }
        if let Some((region, _)) = self.regions.iter().zip(&applied).find(|(_, applied)| !**applied) {
            let cause = without.into_iter().find(|(other, ..)| other.name() == region.name()).map(|(.., cause)| cause);
            let why = format!("no variable of {} has the region {}", data.name, region.name());
            return Err(cause.map_or_else(|| Usage::new(&why).into(), |cause| cause.context(why.clone())));
        }
        for (region, names, cause) in without {
            let (region, names) = (region.name(), names.join(", "));
            tracing::warn!("the region {region} does not apply to {names}: one bound holds for all cells ({cause:#})");
        }
        if !kept.is_empty() {
            screen.note(format_args!(
                "every bit is kept of integers, and of arrays of one axis beside larger ones: {}. To bound one, name it: --bound {}=BOUND,…",
                kept.join(", "),
                kept[0]
            ));
        }
        Ok(plans)
    }
}

/// Samples with what goes along with them, that end as soon as they are not wanted any more: a bound may need to see all of them before the first is written.
struct Interruptible<'a>(&'a mut dyn SampleSource, &'a [u8]);

impl SampleSource for Interruptible<'_> {
    fn element(&self) -> ElementType {
        self.0.element()
    }

    fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn samples(&self) -> u64 {
        self.0.samples()
    }

    fn read(&mut self, first: u64, count: usize) -> io::Result<Vec<u8>> {
        if interrupt::requested() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.0.read(first, count)
    }

    fn layout(&self) -> Layout {
        self.0.layout()
    }

    fn missing(&self) -> Vec<f64> {
        self.0.missing()
    }

    fn valid(&self) -> Vec<Option<(f64, f64)>> {
        self.0.valid()
    }

    fn packing(&self) -> Vec<(f64, f64)> {
        self.0.packing()
    }

    fn description(&self) -> Vec<u8> {
        self.1.to_vec()
    }
}
