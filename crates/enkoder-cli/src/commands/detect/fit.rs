//! `enkoder detect fit`: rows in, a detector out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::anomaly::{Detector, DetectorConfig, Method, Windows};
use enkoder_data::TableOptions;
use enkoder_data::export::{Overwrite, check_output};
use serde_json::json;

use super::{RuleOptions, describe, threshold};
use crate::arguments::{DataOptions, RunOptions};
use crate::screen::print;
use crate::wording;

/// Fit a detector to rows that are mostly normal, without labels
///
/// A quarter of the rows is kept from learning and calibrates the thresholds; of a series the last quarter.
#[derive(Debug, Args)]
pub struct Options {
    /// Built-in name, openml:ID, or a path
    #[arg(value_hint = ValueHint::AnyPath)]
    data: String,

    /// Where to write the detector
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, default_value = "detector.safetensors")]
    out: PathBuf,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    /// auto, marginal, linear, autoencoder or ensemble [default: auto]
    #[arg(long, value_name = "METHOD", default_value_t = Method::Auto, hide_default_value = true)]
    method: Method,

    /// Layers of the autoencoder, from the first hidden one to the code; with --method autoencoder [default: by the columns]
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = parse_number)]
    layers: Option<Vec<usize>>,

    /// Times that the networks see every row [default: 10 to 50, by the rows]
    #[arg(long, value_name = "N", value_parser = parse_number)]
    epochs: Option<usize>,

    #[command(flatten)]
    rule: RuleOptions,

    /// See the rows as a series through windows of N rows
    #[arg(long, value_name = "N", value_parser = parse_number)]
    window: Option<usize>,

    /// Rows between the starts of two windows [default: 1]
    #[arg(long, value_name = "N", value_parser = parse_number, requires = "window")]
    stride: Option<usize>,

    /// A column that is not looked at, by name or by number as #3 (may be given several times)
    #[arg(long, value_name = "COLUMN")]
    ignore: Vec<String>,

    /// About how many seconds of two cores fitting may take [default: 4]
    #[arg(long, value_name = "SECONDS", default_value_t = 4.0, hide_default_value = true)]
    budget: f64,

    /// Seed of everything random [default: 0]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    seed: u64,

    #[command(flatten)]
    reading: DataOptions,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let overwrite = Overwrite::replacing(options.force);
    check_output(&options.out, overwrite)?;
    let defaults = DetectorConfig::default();
    let config = DetectorConfig {
        method: options.method,
        budget: options.budget,
        seed: options.seed,
        layers: options.layers.clone(),
        epochs: options.epochs,
        rule: options.rule.rule().unwrap_or(defaults.rule),
        ..defaults
    };
    config.rule.validate()?;
    anyhow::ensure!(
        options.layers.is_none() || options.method == Method::Autoencoder,
        "--layers are those of one autoencoder\nhint: add --method autoencoder"
    );
    let table = TableOptions { ignore: options.ignore.clone(), ..TableOptions::default() };
    let data = options.reading.read(&options.data, table, screen)?;
    let start = Instant::now();
    let detector = {
        let _busy = screen.busy(format!("fitting a detector to {}", options.data));
        match options.window {
            None => Detector::fit(&data, &config),
            Some(length) => {
                let windows = Windows { length, stride: options.stride.unwrap_or(1) };
                Detector::fit_series(std::slice::from_ref(&data), windows, &config)
            }
        }
        .with_context(|| format!("no detector can be fitted to {}", options.data))?
    };
    let seconds = start.elapsed().as_secs_f64();
    let threshold = threshold(&detector, None)?;
    detector.save(&options.out)?;
    let ignored = detector.ignored_columns();
    if options.common.json {
        print(json!({
            "out": options.out, "rows_learned": detector.rows_learned(), "chosen": detector.chosen(),
            "ignored_columns": ignored, "threshold": threshold, "seconds": seconds,
            "calibration": detector.calibration().scores().len(),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let learned = wording::counted(detector.rows_learned(), "sample", "samples");
    screen.note(format_args!("{}: learned from {learned} in {seconds:.1} s", options.out.display()));
    screen.note(format_args!("chosen: {}", detector.chosen()));
    if !ignored.is_empty() {
        screen.note(format_args!("ignored, since constant or empty: {}", ignored.join(", ")));
    }
    screen.note(describe(&detector, &threshold));
    Ok(ExitCode::SUCCESS)
}

fn parse_number(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=100_000) => Ok(count),
        Ok(_) => Err("it must be from 1 to 100000".into()),
        Err(error) => Err(format!("{error}")),
    }
}
