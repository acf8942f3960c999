//! `enkoder detect watch`: a line in, a scored line out.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::Dataset;
use enkoder::anomaly::Detector;
use enkoder_data::{TableOptions, parse_csv};

use super::scored::ScoredWriter;
use super::{RuleOptions, describe, load, threshold};
use crate::arguments::RunOptions;
use crate::screen::print_with;

/// Score lines of CSV as they come: one in, one out
///
/// Reads CSV with a header from standard input and writes a line for each row at once, with what `enkoder detect score` writes. A
/// detector of series scores each moment by the window that ends with it, so its first moments have no score. A row that
/// cannot be read is reported, has no score, and ends nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tail -n +1 -f sensors.csv | enkoder detect watch pump.safetensors")]
pub struct Options {
    /// What `enkoder detect fit` wrote
    #[arg(value_hint = ValueHint::FilePath)]
    detector: PathBuf,

    /// Name the N columns that contribute most to each flagged row
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    explain: usize,

    #[command(flatten)]
    rule: RuleOptions,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let detector = load(&options.detector)?;
    let threshold = threshold(&detector, options.rule.rule())?;
    screen.note(describe(&detector, &threshold));
    let mut lines = io::stdin().lock().lines().map(|line| line.context("standard input cannot be read"));
    let header = lines.next().transpose()?;
    let header = header.context("there is nothing on standard input: a header with the columns' names is needed")?;
    let mut recent = Recent::new(&detector, header);
    print_with(|out| {
        let mut writer = ScoredWriter::new(&detector, threshold, options.explain, out)?;
        writer.flush()?;
        for (row, line) in lines.enumerate() {
            let scored = recent.score(line.map_err(io::Error::other)?).unwrap_or_else(|error| {
                screen.note(format_args!("row {}: {error:#}", row + 1));
                None
            });
            match scored {
                Some((data, score)) => writer.row(row, &data, data.len() - 1, score)?,
                None => writer.row_without_score(row)?,
            }
            writer.flush()?;
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The rows that the next score needs.
struct Recent<'a> {
    detector: &'a Detector,
    header: String,
    rows: VecDeque<String>,
    options: TableOptions,
}

impl<'a> Recent<'a> {
    fn new(detector: &'a Detector, header: String) -> Self {
        let options =
            TableOptions { schema: detector.schema().cloned(), header: Some(true), ..TableOptions::default() };
        Self { detector, header, rows: VecDeque::new(), options }
    }

    /// Takes a row, and scores it once there are enough of them. A row that cannot be read is forgotten.
    fn score(&mut self, line: String) -> anyhow::Result<Option<(Dataset, f32)>> {
        self.rows.push_back(line);
        if self.rows.len() > self.rows_needed() {
            self.rows.pop_front();
        }
        let scored = self.score_last();
        if scored.is_err() {
            self.rows.pop_back();
        }
        let (data, scores) = scored?;
        Ok(scores.last().map(|&score| (data, score)))
    }

    fn rows_needed(&self) -> usize {
        self.detector.windows().map_or(1, |windows| windows.length)
    }

    fn score_last(&self) -> anyhow::Result<(Dataset, Vec<f32>)> {
        let mut text = self.header.clone();
        for row in &self.rows {
            text.push('\n');
            text.push_str(row);
        }
        let data = parse_csv("standard input", text.as_bytes(), &self.options)?.into_dataset(&self.options)?;
        anyhow::ensure!(data.len() == self.rows.len(), "the line is not one row of the table");
        if data.len() < self.rows_needed() {
            self.detector.check(&data)?;
            return Ok((data, Vec::new()));
        }
        let scores = self.detector.score(&data)?;
        Ok((data, scores))
    }
}
