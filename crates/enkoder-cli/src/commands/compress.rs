//! `enkoder compress`: data in, with a model or without one, and an .enk file out that is proved before it gets its name.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use enkoder::codec::{
    AloneOptions, Bound, CodecError, CompressOptions, CompressSummary, ElementType, Layout, SampleSource, compress,
    compress_alone,
};
use enkoder_data::export::Overwrite;
use serde_json::{Value, json};

use crate::arguments::{DataName, DataOptions, ModelAndData, RunOptions, parse_count};
use crate::failure::Usage;
use crate::file_output;
use crate::input::Compressible;
use crate::inputs::Inputs;
use crate::interrupt;
use crate::model;
use crate::progress::ByteProgress;
use crate::screen::FAINT;
use crate::standard_input;
use crate::whole_file::write_whole;
use crate::wording;

/// Compress arrays or other data, within a bound that is checked for every value
///
/// Without a model, predictions are learned on the data itself and stored with it. A model that was trained on other data of the
/// kind, named before the data, can make files much smaller still. The first of several names is taken for the model where it is
/// the file or the folder of one.
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
  enkoder compress runs/a new.npy -o new.enk --bound rel:1e-3     a part of the range, with a model
  enkoder compress runs/a run.nc --variable ts -o ts.enk --bound abs:0.05
  enkoder compress runs/a field.raw --shape 110x64x128 --dtype f32 -o field.enk --bound psnr:60
  enkoder compress runs/mnist digits/ -o digits.enk --bound lossless")]
pub struct Options {
    /// A model, its file or the folder that `enkoder train` wrote, where there is one; then the data: built-in name, openml:ID, or
    /// a path, - being standard input; several files of images or arrays are taken together
    #[arg(required = true, value_name = "DATA", value_hint = ValueHint::AnyPath)]
    names: Vec<DataName>,

    /// The file to write; - is standard output
    #[arg(short, long, value_name = "FILE.enk", value_hint = ValueHint::FilePath)]
    out: PathBuf,

    /// What is promised of the decoded values: abs:NUMBER or rel:FRACTION of the range (no value is off by more), prel:FRACTION of
    /// each value or bits:SIGNIFICANT (signs and zeros are kept; without a model), psnr:DECIBELS (on the average), lossless (every
    /// bit), or none (what the model makes of its codes). Without a model, variables may have bounds of their own:
    /// t=abs:0.05,q=prel:1e-3, and one without a name for all others
    #[arg(short, long, value_name = "BOUND")]
    bound: Bounds,

    /// Bits of a weight of the decoder in the file: 8 makes it half as large and predicts a little worse
    #[arg(long, value_name = "8|16", default_value_t = 16)]
    weight_bits: u32,

    /// Leave the model out: decompressing then needs it, and the file names it by its SHA-256
    #[arg(long)]
    without_model: bool,

    /// Samples that are decoded together, the unit of random access and of damage [default: 1 MiB of values at most, of bytes 4;
    /// without a model 4]
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

/// One bound, or bounds of single variables and perhaps one for all others: `t=abs:0.05,q=rel:1e-3,lossless`.
#[derive(Clone, Debug)]
struct Bounds {
    others: Option<Bound>,
    of_variables: Vec<(String, Bound)>,
}

impl FromStr for Bounds {
    type Err = CodecError;

    fn from_str(text: &str) -> Result<Self, CodecError> {
        let mut bounds = Self { others: None, of_variables: Vec::new() };
        for part in text.split(',') {
            match part.rsplit_once('=') {
                Some((variable, bound)) => {
                    bounds.of_variables.push((variable.trim().to_owned(), bound.trim().parse()?))
                }
                // Of two bounds for all others one would be lost.
                None if bounds.others.is_some() => return Err(CodecError::Bound(text.to_owned())),
                None => bounds.others = Some(part.trim().parse()?),
            }
        }
        Ok(bounds)
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_variables = self.of_variables.iter().map(|(variable, bound)| format!("{variable}={bound}"));
        let all: Vec<String> = of_variables.chain(self.others.map(|bound| bound.to_string())).collect();
        f.write_str(&all.join(","))
    }
}

impl Bounds {
    /// The bound of all variables that have none of their own.
    fn for_others(&self, data: &Compressible, with_model: bool) -> Result<Bound, Usage> {
        if with_model && !self.of_variables.is_empty() {
            return Err(Usage::new(format!(
                "{self} bounds single variables, but with a model all have the same bound"
            ))
            .with_hint("give one bound, or leave out the model"));
        }
        if let Some(bound) = self.others {
            return Ok(bound);
        }
        let variables = data.source.layout().variables;
        let is_bound = |variable: &String| self.of_variables.iter().any(|(of, _)| of == variable);
        match variables.iter().find(|variable| !is_bound(variable)) {
            Some(variable) => Err(Usage::new(format!("{self} says nothing of the variable {variable}"))
                .with_hint(format!("give it a bound, {variable}=BOUND, or all others one: {self},BOUND"))),
            // It is asked of no variable.
            None => Ok(Bound::Lossless),
        }
    }
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
    let mut data = match (model.as_ref(), model_path) {
        (Some(model), Some(path)) => {
            let of = ModelAndData { model: path.to_owned(), data: data.to_vec() };
            options.reading.open_to_compress(model, &of, screen)?
        }
        _ => options.reading.open_to_compress_alone(data, screen)?,
    };
    if options.without_model && data.is_packed() {
        return Err(Usage::new(format!(
            "the numbers of {} are packed, and the model must go along with how",
            data.name
        ))
        .with_hint("leave out --without-model")
        .into());
    }
    let model = model.map(|model| data.model(model)).transpose()?;
    let bound = data.bound(options.bound.for_others(&data, model.is_some())?)?;
    let of_variables = data.bounds_of_variables(&options.bound.of_variables);
    if data.is_table && matches!(bound, Bound::Relative(_) | Bound::Psnr(_)) {
        tracing::warn!(
            "{} is a table, and the bound is a part of the range of all columns together: columns of small numbers lose the most; \
             a bound of abs: is the same for each, and lossless keeps every bit",
            data.name
        );
    }
    interrupt::listen()?;
    interrupt::work_begins();
    let start = Instant::now();
    let progress = ByteProgress::new(screen, format!("compressing {}", data.name), data.bytes());
    let sample_bytes = data.sample_bytes();
    let cannot = || format!("{} cannot be compressed", data.name);
    let written = write_whole(&options.out, overwrite, cannot, |out| {
        let source = &mut Interruptible(data.source.as_mut(), &data.description);
        let update = &mut |samples| progress.update(samples * sample_bytes);
        match &model {
            Some(model) => compress(model, source, &options.with_model(bound), out, update),
            None => compress_alone(source, &options.alone(bound, of_variables), out, update),
        }
    });
    drop(progress);
    if interrupt::requested() && written.is_err() {
        screen.note(format_args!("interrupted: {} was not written", file_output::display(&options.out)));
        return Ok(ExitCode::from(interrupt::EXIT_CODE));
    }
    let summary = written?;
    let took = start.elapsed();
    interrupt::work_ended();
    let summary = data.in_its_units(summary);
    let text = if options.common.json {
        to_json(&options, &summary, took).to_string()
    } else {
        to_text(&options, &summary, took, model.is_some())
    };
    file_output::print_beside(&options.out, text, screen)?;
    Ok(ExitCode::SUCCESS)
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

    fn alone(&self, bound: Bound, of_variables: Vec<(String, Bound)>) -> AloneOptions {
        let options = AloneOptions::new(bound);
        let effort = self.effort.unwrap_or(options.effort);
        AloneOptions { of_variables, effort, block_samples: self.chunk, ..options }
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

    fn description(&self) -> Vec<u8> {
        self.1.to_vec()
    }
}

fn to_text(options: &Options, summary: &CompressSummary, took: Duration, with_model: bool) -> String {
    let ratio = |bytes: u64| wording::times(summary.original_bytes as f64 / bytes.max(1) as f64);
    let without = summary.file_bytes - summary.model_bytes;
    let mut text = format!(
        "{}: {} → {}, {}×",
        file_output::display(&options.out),
        wording::bytes(summary.original_bytes),
        wording::bytes(summary.file_bytes),
        ratio(summary.file_bytes)
    );
    if summary.model_bytes > 0 {
        text += &format!(" ({}× without the model)", ratio(without));
    }
    let mut line = |heading: &str, what: String| text += &format!("\n  {FAINT}{heading:<9}{FAINT:#} {what}");
    if with_model {
        line("model", wording::bytes(summary.model_bytes));
        let latents = wording::counted(summary.active_latents, "latent", "latents");
        line("codes", format!("{} of {latents}", wording::bytes(summary.code_bytes)));
    } else {
        line("learned", wording::bytes(summary.code_bytes));
    }
    line("residual", wording::bytes(summary.residual_bytes));
    line("framing", wording::bytes(summary.header_bytes + summary.framing_bytes));
    line(
        "error",
        format!(
            "largest {}, mean squared {}",
            wording::error(summary.largest_error),
            wording::error(summary.mean_squared_error)
        ),
    );
    let rate = summary.original_bytes as f64 / took.as_secs_f64().max(1e-9);
    line("time", format!("{} ({}/s)", wording::seconds(took.as_secs_f64()), wording::bytes(rate as u64)));
    text
}

fn to_json(options: &Options, summary: &CompressSummary, took: Duration) -> Value {
    let stages = &summary.stages;
    json!({
        "out": options.out.display().to_string(),
        "bound": options.bound.to_string(),
        "samples": summary.samples,
        "original_bytes": summary.original_bytes,
        "file_bytes": summary.file_bytes,
        "header_bytes": summary.header_bytes,
        "model_bytes": summary.model_bytes,
        "code_bytes": summary.code_bytes,
        "residual_bytes": summary.residual_bytes,
        "framing_bytes": summary.framing_bytes,
        "active_latents": summary.active_latents,
        "largest_error": summary.largest_error,
        "mean_squared_error": summary.mean_squared_error,
        "range": summary.range,
        "seconds": took.as_secs_f64(),
        "stages": {
            "plan": stages.plan.as_secs_f64(),
            "encode": stages.encode.as_secs_f64(),
            "write": stages.write.as_secs_f64(),
            "verify": stages.verify.as_secs_f64(),
        },
    })
}
