//! `enkoder compress`: samples and a model in, an .enk file out that is proved before it gets its name.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::codec::{Bound, CodecError, CompressOptions, CompressSummary, Samples, Source, compress};
use enkoder_data::export::{Overwrite, check_output, write_atomically};
use enkoder_data::npy::NpySamples;
use serde_json::json;

use crate::arguments::{DataOptions, RunOptions};
use crate::model;
use crate::screen::print;
use crate::wording;

/// Compress samples with a model, within a bound that is checked for every value
///
/// NPY arrays keep their type (u8 to i64, f32, f64), NaN and infinities included, and are read piece by piece; other data is
/// taken as `enkoder data` shows it, as bytes or 32-bit numbers.
#[derive(Debug, Args)]
pub struct Options {
    /// The model file, or the folder that `enkoder train` wrote
    #[arg(value_hint = ValueHint::AnyPath)]
    model: PathBuf,

    /// Built-in name, openml:ID, or a path
    #[arg(value_hint = ValueHint::AnyPath)]
    data: String,

    /// The file to write
    #[arg(short, long, value_name = "FILE.enk", value_hint = ValueHint::FilePath)]
    out: PathBuf,

    /// What decoded values must satisfy: abs:NUMBER, rel:FRACTION of the range, psnr:DECIBELS, lossless or none
    #[arg(short, long, value_name = "BOUND")]
    bound: Bound,

    /// Bits of a weight of the decoder in the file
    #[arg(long, value_name = "8|16", default_value_t = 16)]
    weight_bits: u32,

    /// Leave the model out: decompressing then needs it, and the file names it by its SHA-256
    #[arg(long)]
    without_model: bool,

    /// Samples of a block, the unit of random access and of damage [default: about 4 MiB of values]
    #[arg(long, value_name = "N")]
    block_samples: Option<usize>,

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
    let model = model::load(&options.model)?;
    let overwrite = Overwrite::replacing(options.force);
    check_output(&options.out, overwrite)?;
    let mut source: Box<dyn Source> = match NpySamples::open(Path::new(&options.data))? {
        Some(samples) => Box::new(samples),
        None => {
            let data = options.reading.open_for(&model, &options.data, screen)?;
            model::check(&model, &options.model, &data)?;
            Box::new(Samples::from_dataset(&data))
        }
    };
    let codec = CompressOptions {
        bound: options.bound,
        weight_bits: options.weight_bits,
        embed_model: !options.without_model,
        block_samples: options.block_samples,
    };
    let busy = screen.busy(format!("compressing {}", options.data));
    let summary = write(&options.out, overwrite, |out| {
        compress(&model, &mut *source, &codec, out, &mut |_| ControlFlow::Continue(()))
    })
    .with_context(|| format!("{} cannot be compressed", options.data))?;
    drop(busy);
    print(if options.common.json { to_json(&options, &summary) } else { to_text(&options, &summary) })?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a file under its name once it is complete.
fn write(
    path: &Path,
    overwrite: Overwrite,
    work: impl FnOnce(&mut dyn Write) -> Result<CompressSummary, CodecError>,
) -> anyhow::Result<CompressSummary> {
    let mut result = Err(CodecError::Empty);
    let written = write_atomically(path, overwrite, |file| {
        let mut out = io::BufWriter::with_capacity(1 << 18, file);
        result = work(&mut out);
        if result.is_ok() { out.flush() } else { Err(io::Error::other("the file is incomplete")) }
    });
    let summary = result?;
    written?;
    Ok(summary)
}

fn to_text(options: &Options, summary: &CompressSummary) -> String {
    let ratio = |bytes: u64| wording::times(summary.original_bytes as f64 / bytes.max(1) as f64);
    let without = summary.file_bytes - summary.model_bytes;
    let mut text = format!(
        "{}: {} → {}, {}×",
        options.out.display(),
        wording::bytes(summary.original_bytes),
        wording::bytes(summary.file_bytes),
        ratio(summary.file_bytes)
    );
    if summary.model_bytes > 0 {
        text += &format!(" ({}× without the model)", ratio(without));
    }
    text += &format!("\n  model {}", wording::bytes(summary.model_bytes));
    text += &format!("\n  codes {} of {} latents", wording::bytes(summary.code_bytes), summary.active_latents);
    text += &format!("\n  residual {}", wording::bytes(summary.residual_bytes));
    text += &format!("\n  header, blocks, index {}", wording::bytes(summary.header_bytes + summary.framing_bytes));
    text + &format!(
        "\n  largest error {}, mean squared error {}",
        wording::error(summary.largest_error),
        wording::error(summary.mean_squared_error)
    )
}

fn to_json(options: &Options, summary: &CompressSummary) -> String {
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
    })
    .to_string()
}
