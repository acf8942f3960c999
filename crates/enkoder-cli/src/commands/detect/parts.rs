//! `enkoder detect fit --part` and `enkoder detect merge`: a detector of rows that lie on several machines.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::TensorFileError;
use enkoder::anomaly::{DetectorConfig, DetectorFileError, DetectorPart};
use enkoder_data::export::Overwrite;
use enkoder_data::{Sample, TableOptions};
use serde_json::json;

use super::fit::{self, Told, proved, write};
use crate::arguments::RunOptions;
use crate::failure::{Failure, Usage};
use crate::file_output;
use crate::inputs::Inputs;
use crate::interrupt;
use crate::screen::{Screen, print};
use crate::wording;

/// Rows read at once.
const READ_AT_ONCE: usize = 1 << 15;
/// Rows kept of a first reading, which only tells what the columns are.
const GLANCE: usize = 100;

/// Put parts together that machines saw apart, and fit the detector of all their rows
///
/// Each part is what `enkoder detect fit DATA --part -o FILE` wrote. The detector is the one that a single part of all rows would
/// have given, whatever the order of the parts and the division of the rows.
#[derive(Debug, Args)]
pub struct Options {
    /// What `enkoder detect fit --part` wrote, one or more
    #[arg(value_name = "PART", required = true, value_hint = ValueHint::FilePath)]
    parts: Vec<PathBuf>,

    /// Where to write the detector; - is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, default_value = "detector.safetensors")]
    out: PathBuf,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    common: RunOptions,
}

/// Writes a part. The data is read twice: what the columns are is known only at its end.
pub fn fit(
    options: &fit::Options,
    config: &DetectorConfig,
    overwrite: Overwrite,
    screen: Screen,
) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let glance = Some(Sample { rows: GLANCE, seed: config.seed, for_columns: true });
    let table = |schema, sample| TableOptions { schema, sample, keep_infinite: true, ..TableOptions::default() };
    let seen = options.reading.read(&options.data, table(None, glance), screen)?;
    let mut part = DetectorPart::new(config, options.sample)?;
    {
        let _busy = screen.busy(format!("seeing {}", options.data));
        let table = table(seen.schema().cloned(), None);
        for chunk in options.reading.chunks(&options.data, table, READ_AT_ONCE, screen)? {
            let chunk = chunk?;
            part.add(&chunk.data).with_context(|| format!("{} cannot be a part", options.data))?;
        }
    }
    part.warn_of_coarse();
    let bytes = part.to_bytes()?;
    DetectorPart::from_bytes(&bytes).context("the part cannot be used, and is not written")?;
    write(&options.out, overwrite, &bytes)?;
    let seconds = start.elapsed().as_secs_f64();
    if options.common.json {
        print(json!({
            "out": options.out.display().to_string(), "rows": part.rows(), "rows_kept": part.rows_kept(),
            "rows_left_out": part.rows_left_out(), "rows_empty": part.rows_empty(), "seconds": seconds,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let out = file_output::display(&options.out);
    let rows = wording::counted(part.rows(), "row", "rows");
    let kept = wording::grouped(part.rows_kept());
    screen.note(format_args!("{out}: a part that saw {rows} and keeps {kept} of them, in {seconds:.1} s"));
    for (count, why) in [
        (part.rows_left_out(), "because a value is infinite or beyond ±3.4e38"),
        (part.rows_empty(), "for want of any value"),
    ] {
        if count > 0 {
            screen.loss(format_args!("left out {why}: {}", wording::counted(count, "row", "rows")));
        }
    }
    screen.note("hint: `enkoder detect merge PART… -o FILE` makes the detector of this part and others");
    Ok(ExitCode::SUCCESS)
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let overwrite = Overwrite::replacing(options.force);
    interrupt::end_with("interrupted: no detector was written")?;
    Inputs::new(options.parts.clone())?.refuse(&options.out)?;
    file_output::check_binary(&options.out, overwrite, &options.common)?;
    let start = Instant::now();
    let mut merged: Option<DetectorPart> = None;
    let mut seen = HashMap::<(u32, usize), &Path>::new();
    for path in &options.parts {
        let part = load(path)?;
        let bytes = fs::read(path)?;
        if let Some(before) = seen.insert((crc32fast::hash(&bytes), bytes.len()), path).filter(|_| part.rows() > 0) {
            let (path, before) = (path.display(), before.display());
            return Err(Usage::new(format!("{path} is the same part as {before}, and its rows would count twice"))
                .with_hint("name each part once")
                .into());
        }
        merged = Some(match merged {
            None => part,
            Some(merged) => merged
                .merge(&part)
                .with_context(|| format!("{} cannot be merged with those before it", path.display()))?,
        });
    }
    let merged = merged.context("there is no part")?;
    let detector = {
        let _busy = screen.busy("fitting a detector to what the parts saw".to_owned());
        merged.fit().context("no detector can be fitted to these parts")?
    };
    write(&options.out, overwrite, &proved(&detector, &merged.sample()?)?)?;
    let seconds = start.elapsed().as_secs_f64();
    if !options.common.json {
        let parts = wording::counted(options.parts.len(), "part", "parts");
        let rows = wording::counted(merged.rows(), "row", "rows");
        screen
            .note(format_args!("{parts} that saw {rows}, of which {} were kept", wording::grouped(merged.rows_kept())));
    }
    Told { out: &options.out, seconds, of_windows: false, irregularities: None }.tell(
        &detector,
        &options.common,
        screen,
    )
}

pub fn load(path: &Path) -> anyhow::Result<DetectorPart> {
    DetectorPart::load(path).map_err(|error| {
        let hint = "PART is a file that `enkoder detect fit DATA --part -o FILE` wrote";
        match error {
            DetectorFileError::File(error @ TensorFileError::Read { .. }) => {
                Failure::new(error.to_string(), hint, error).into()
            }
            DetectorFileError::File(error @ TensorFileError::Kind { .. }) => {
                Failure::new(format!("{} cannot be merged", path.display()), hint, error).into()
            }
            error => anyhow::Error::new(error).context(format!("{} cannot be used as a part", path.display())),
        }
    })
}
