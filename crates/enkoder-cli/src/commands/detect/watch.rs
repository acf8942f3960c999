//! `enkoder detect watch`: a line in, a scored line out.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::Dataset;
use enkoder::anomaly::{Detector, Timeline};
use enkoder_data::{TableOptions, parse_csv};

use super::moments::{Beside, clock_error};
use super::scored::ScoredWriter;
use super::scoring::ScoredRow;
use super::{RuleOptions, describe, load, threshold};
use crate::arguments::RunOptions;
use crate::screen::print_with;
use crate::wording;

/// Score lines of CSV as they come: one in, one out
///
/// Reads CSV with a header from standard input and writes a line for each row at once, with what `enkoder detect score` writes. A
/// detector of series scores each moment by the window that ends with it, so its first moments have no score. A row that
/// cannot be read is reported, has no score, and ends nothing; at the end they are counted. Series of several groups are told
/// apart, and begin anew after a gap, where the detector was fitted with --group and --time.
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
    let mut watched = Watched::new(&detector, header)?;
    let mut unread = 0;
    let written = print_with(|out| {
        let mut writer = ScoredWriter::new(&detector, threshold, options.explain, out)?;
        writer.flush()?;
        for (number, line) in lines.enumerate() {
            let line = line.map_err(io::Error::other)?;
            let beside = watched.beside(&line);
            let beside = Beside { time: beside[0].as_deref(), group: beside[1].as_deref() };
            let scored = watched.score(number, &line, beside).unwrap_or_else(|error| {
                unread += 1;
                screen.note(format_args!("row {}: {}", number + 1, one_line(&error)));
                None
            });
            let reasons = |count| match &scored {
                Some((data, _)) => detector.explain(data, data.len() - 1, count),
                None => Ok(Vec::new()),
            };
            let score = scored.as_ref().map(|&(_, score)| score);
            let row = ScoredRow { number, beside, score, no_score: None, positive: None, reasons: &reasons };
            writer.row(&row).map_err(|error| error.downcast().unwrap_or_else(io::Error::other))?;
            writer.flush()?;
        }
        Ok(())
    });
    if unread > 0 {
        screen.note(format_args!("{} could not be read and have no score", wording::counted(unread, "row", "rows")));
    }
    written?;
    Ok(ExitCode::SUCCESS)
}

/// An error without its hints: a line in, a line out.
fn one_line(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    let message = text.split("\nhint: ").next().unwrap_or_default();
    message
        .trim_start_matches("row ")
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start_matches(": ")
        .to_owned()
}

/// Series that are watched, each with the rows that its next score needs.
struct Watched<'a> {
    detector: &'a Detector,
    header: String,
    options: TableOptions,
    separator: u8,
    /// Where time and group stand in a line.
    places: [Option<usize>; 2],
    series: HashMap<String, Recent>,
}

/// The rows of one series, and its clock.
struct Recent {
    rows: VecDeque<String>,
    timeline: Timeline,
}

impl<'a> Watched<'a> {
    fn new(detector: &'a Detector, header: String) -> anyhow::Result<Self> {
        let separator = [b'\t', b';', b'|'].into_iter().find(|&byte| header.as_bytes().contains(&byte)).unwrap_or(b',');
        let columns = detector.series_columns();
        let names = cells(&header, separator);
        let place = |column: &Option<String>| {
            let Some(column) = column else { return Ok(None) };
            let by_number = || column.strip_prefix('#')?.parse::<usize>().ok()?.checked_sub(1);
            let place = names.iter().position(|name| name.trim() == column).or_else(by_number);
            let missing = || format!("standard input has no column {column:?}, which the detector was fitted with");
            place.with_context(missing).map(Some)
        };
        let places = [place(&columns.time)?, place(&columns.group)?];
        let schema = detector.schema().cloned();
        let options =
            TableOptions { schema, header: Some(true), separator: Some(separator), ..TableOptions::default() };
        Ok(Self { detector, header, options, separator, places, series: HashMap::new() })
    }

    /// The texts of time and group in a line.
    fn beside(&self, line: &str) -> [Option<String>; 2] {
        if self.places == [None, None] {
            return [None, None];
        }
        let cells = cells(line, self.separator);
        self.places.map(|place| cells.get(place?).cloned())
    }

    /// Takes a row, and scores it once its series has enough of them since its last gap. A row that cannot be read is a gap.
    fn score(&mut self, number: usize, line: &str, beside: Beside<'_>) -> anyhow::Result<Option<(Dataset, f32)>> {
        let needed = self.detector.windows().map_or(1, |windows| windows.length);
        let step = self.detector.series_columns().step;
        let group = beside.group.unwrap_or_default().to_owned();
        let series =
            self.series.entry(group).or_insert_with(|| Recent { rows: VecDeque::new(), timeline: Timeline::new(step) });
        let time = beside.seconds(number)?;
        let mut timeline = series.timeline.clone();
        let begins = timeline.next(number, time).map_err(|error| clock_error(error, number, beside))?;
        if begins {
            series.rows.clear();
        }
        series.rows.push_back(line.to_owned());
        if series.rows.len() > needed {
            series.rows.pop_front();
        }
        let mut text = self.header.clone();
        for row in &series.rows {
            text.push('\n');
            text.push_str(row);
        }
        let rows = series.rows.len();
        let scored = score_last(self.detector, &self.options, text.as_bytes(), rows, needed);
        if scored.is_err() {
            // No window may span the row that is missing now.
            series.rows.clear();
        } else {
            series.timeline = timeline;
        }
        let (data, scores) = scored?;
        Ok(scores.last().map(|&score| (data, score)))
    }
}

fn cells(line: &str, separator: u8) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).has_headers(false).from_reader(line.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(str::to_owned).collect()
}

fn score_last(
    detector: &Detector,
    options: &TableOptions,
    text: &[u8],
    rows: usize,
    needed: usize,
) -> anyhow::Result<(Dataset, Vec<f32>)> {
    let data = parse_csv("standard input", text, options)?.into_dataset(options)?;
    anyhow::ensure!(data.len() == rows, "the line is not one row of the table");
    if rows < needed {
        detector.check(&data)?;
        return Ok((data, Vec::new()));
    }
    let scores = detector.score(&data)?;
    if let Some(unscored) = scores.unscored().last() {
        return Err(unscored.reason.clone().into());
    }
    Ok((data, scores.into_values()))
}
