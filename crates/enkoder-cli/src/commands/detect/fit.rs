//! `enkoder detect fit`: rows in, a detector out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::slice;
use std::time::Instant;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::anomaly::{Detector, DetectorConfig, Irregularities, Method, NoScore, SeriesColumns, Windows};
use enkoder::{Dataset, WhyLeftOut};
use enkoder_data::export::Overwrite;
use enkoder_data::{Sample, TableOptions};
use serde_json::json;

use super::clock::{Clock, ClockOptions, parse_duration};
use super::moments::{Stretches, in_words, kept_columns};
use super::ordering::{Changes, OrderOptions, Rows, times};
use super::parts;
use super::{RuleOptions, describe, threshold};
use crate::arguments::{DataName, DataOptions, Missing, RunOptions};
use crate::failure::Usage;
use crate::file_output;
use crate::inputs::Inputs;
use crate::interrupt;
use crate::screen::{HINT, Screen, print};
use crate::wording;

/// Rows read at once where only the columns beside the features are wanted.
const READ_AT_ONCE: usize = 1 << 16;
/// Rows that a detector is proved with, and as many more as a window has.
const PROVED_WITH: usize = 1000;

/// Fit a detector to rows that are mostly normal, without labels
///
/// A quarter of the rows is kept from learning and calibrates the thresholds; of a series the last quarter, or with --method auto each
/// fifth in turn. Tables may be larger than memory: of more than --sample rows as many are drawn evenly at random while the file is
/// read, and only these are kept. Series are read whole. Rows with a value that is infinite, or beyond ±3.4e38, are left out, and so are rows
/// of a table without any value. Before the detector is written, it is read again and tried.
#[derive(Debug, Args)]
pub struct Options {
    /// Built-in name, openml:ID, a path, or an address (https://, s3://, gs://, az://); - is standard input
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(super) data: DataName,

    /// Where to write the detector; - is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, default_value = "detector.safetensors")]
    pub(super) out: PathBuf,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    /// Write what these rows tell instead of a detector: a part, which `enkoder detect merge` puts together with those of other machines
    #[arg(long, conflicts_with_all = ["window", "time", "group"])]
    part: bool,

    /// auto, marginal, linear, autoencoder or ensemble [default: auto]
    #[arg(long, value_name = "METHOD", default_value_t = Method::Auto, hide_default_value = true)]
    method: Method,

    /// Layers of the autoencoder, from the first hidden one to the code; with --method autoencoder [default: by the columns]
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = parse_number)]
    layers: Option<Vec<usize>>,

    /// Times that the networks see every row [default: 10 to 50 for small ones, for the autoencoder as long as it gains]
    #[arg(long, value_name = "N", value_parser = parse_number)]
    epochs: Option<usize>,

    #[command(flatten)]
    rule: RuleOptions,

    /// Treat the rows as a series, seen through windows of N rows; auto chooses N by how the series repeats
    #[arg(long, value_name = "N|auto", value_parser = parse_window)]
    window: Option<WindowLength>,

    /// Rows between the starts of two windows [default: 1]
    #[arg(long, value_name = "N", value_parser = parse_number, requires = "window")]
    stride: Option<usize>,

    /// The column with the time of each row. Windows do not cross gaps in it, and it is not judged
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,

    /// The column that tells several series apart. Windows never mix them, and it is not judged
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,

    #[command(flatten)]
    clock: ClockOptions,

    #[command(flatten)]
    order: OrderOptions,

    /// Resample the rows to regular times, such as 1min: the mean of each interval. Scoring then does the same
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "time", requires = "window")]
    every: Option<f64>,

    /// Learn from at most N rows of a table, drawn at random, where --samples takes the first ones [default: 1000000, and 67 million values]
    #[arg(long, value_name = "N", default_value_t = 1_000_000, hide_default_value = true, conflicts_with = "window")]
    #[arg(value_parser = crate::arguments::parse_count)]
    pub(super) sample: usize,

    /// A column that is a reading whatever it looks like: one that only grows, as a clock does, is left out otherwise. Of a series
    /// with --method auto, no other column is judged then (may be given several times)
    #[arg(long = "reading", value_name = "COLUMN")]
    readings: Vec<String>,

    /// A column of a series that accompanies the readings and is not judged; with --method auto (may be given several times)
    #[arg(long, value_name = "COLUMN", requires = "window")]
    context: Vec<String>,

    /// How surprising it is when a column changes that never changed while learning; 0 ignores such columns [default: 10]
    #[arg(long, value_name = "SURPRISE", default_value_t = 10.0, hide_default_value = true)]
    unchanging: f32,

    /// About how many seconds of two cores fitting may take [default: 4]
    #[arg(long, value_name = "SECONDS", default_value_t = 4.0, hide_default_value = true)]
    budget: f64,

    /// Seed of everything random [default: 0]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    seed: u64,

    #[command(flatten)]
    pub(super) reading: DataOptions,

    #[command(flatten)]
    pub(super) common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let overwrite = Overwrite::replacing(options.force);
    let defaults = DetectorConfig::default();
    let config = DetectorConfig {
        method: options.method,
        budget: options.budget,
        unchanging: options.unchanging,
        readings: options.readings.clone(),
        context: options.context.clone(),
        seed: options.seed,
        layers: options.layers.clone(),
        epochs: options.epochs,
        rule: options.rule.rule().unwrap_or(defaults.rule),
        ..defaults
    };
    config.validate()?;
    let stride = options.stride.unwrap_or(1);
    let said = match options.window {
        Some(WindowLength::Rows(length)) => Some(Windows { length, stride }),
        Some(WindowLength::Auto) | None => None,
    };
    said.map_or(Ok(()), Windows::validate)?;
    anyhow::ensure!(
        options.layers.is_none() || options.method == Method::Autoencoder,
        Usage::new("--layers are those of one autoencoder").with_hint("add --method autoencoder")
    );
    if let Some(column) =
        options.readings.iter().chain(&options.context).find(|column| options.reading.ignore.contains(column))
    {
        let option = if options.readings.contains(column) { "--reading" } else { "--context" };
        return Err(Usage::new(format!("{option} {column:?} and --ignore {column:?} contradict each other"))
            .with_hint("leave one of them out")
            .into());
    }
    interrupt::end_with("interrupted: no detector was written")?;
    Inputs::new(options.reading.inputs(slice::from_ref(&options.data))?)?.refuse(&options.out)?;
    file_output::check_binary(&options.out, overwrite, &options.common)?;
    anyhow::ensure!(
        !options.order.sort_time || options.time.is_some() && options.window.is_some(),
        Usage::new("--sort-time sorts a series by its column of times")
            .with_hint("name the column with --time, and see the rows as a series with --window")
    );
    if options.part {
        return parts::fit(&options, &config, overwrite, screen);
    }
    let columns = SeriesColumns {
        time: options.time.clone(),
        group: options.group.clone(),
        every: options.every,
        ..SeriesColumns::default()
    };
    let beside = kept_columns(&columns);
    // Where rows follow each other, one that is dropped must leave a gap: they are all read, and dropped below.
    let drops = options.window.is_some() && options.reading.missing == Missing::Drop;
    let missing = if drops { Missing::Keep } else { options.reading.missing };
    let reading = DataOptions { missing, ..options.reading.clone() };
    let sample =
        options.window.is_none().then_some(Sample { rows: options.sample, seed: options.seed, for_columns: false });
    let table = TableOptions { ignore: beside.clone(), sample, keep_infinite: true, ..TableOptions::default() };
    let mut data = reading.read(&options.data, table, screen)?;
    for (option, column) in [("--time", &options.time), ("--group", &options.group)] {
        if let (None, Some(column)) = (options.window, column) {
            screen.loss(format_args!(
                "{option}: {column:?} is not judged, and the rows are a table, in which each stands alone; --window N judges them as a series"
            ));
        }
    }
    let (mut stretches, mut windows) = (None, None);
    let mut clock = Clock::new(&options.clock);
    if options.window.is_some() {
        let left_out = data.schema().map_or(&[][..], |schema| &schema.left_out);
        if let (None, Some(clock)) = (&options.time, left_out.iter().find(|column| column.why == WhyLeftOut::Clock)) {
            let what = "tells when each row was measured, so that gaps are seen and incidents have times";
            screen.note(format_args!("{HINT}hint:{HINT:#} --time {:?} {what}", clock.name));
        }
        let kept = read_kept(&options, &reading, &beside, &data, screen)?;
        let times = times(&mut clock, &columns, &kept, data.len())?;
        clock.tell(screen);
        let numbers = (0..data.len()).map(Some).collect();
        let rows = Rows { positive: vec![None; data.len()], data, kept, numbers, times };
        let (rows, changes) = rows.arrange(&columns, &options.order)?;
        if changes.wrong_times > 0 {
            screen.loss(&changes);
        } else if options.order.sort_time || changes != Changes::default() {
            screen.note(&changes);
        }
        let dropped = if drops { rows_that_miss_a_value(&rows.data) } else { vec![false; rows.data.len()] };
        let cut = Stretches::of(&columns, &rows, &dropped)?;
        let of = windows.insert(said.unwrap_or_else(|| suited_to(&rows.data, &cut, stride)));
        screen.note(series_in_words(&cut, *of, &options));
        if let Some(short) = cut.shorter_than(of.length, options.every.is_some()) {
            screen.loss(short);
        }
        let dropped = dropped.iter().filter(|&&dropped| dropped).count();
        if dropped > 0 {
            let dropped = wording::counted(dropped, "row", "rows");
            screen.loss(format_args!("left out because a value is missing: {dropped}; no window crosses their places"));
        }
        stretches = Some(cut);
        data = rows.data;
    }
    let start = Instant::now();
    let detector = {
        let _busy = screen.busy(format!("fitting a detector to {}", options.data));
        match windows.zip(stretches.as_ref()) {
            None => Detector::fit(&data, &config),
            Some((windows, stretches)) => {
                let series: Vec<Dataset> = stretches.rows.iter().map(|rows| data.select(rows)).collect();
                Detector::fit_series(&series, windows, &config)
            }
        }
        .with_context(|| format!("no detector can be fitted to {}", options.data))?
    };
    let step = stretches.as_ref().and_then(|stretches| stretches.step);
    let unit = columns.time.is_some().then(|| clock.unit());
    let detector = detector.with_series_columns(SeriesColumns { step, unit, ..columns });
    let seconds = start.elapsed().as_secs_f64();
    let longest = stretches.iter().flat_map(|stretches| &stretches.rows).max_by_key(|rows| rows.len());
    let rows = longest.map_or_else(|| data.clone(), |rows| data.select(rows));
    let bytes = proved(&detector, &rows)?;
    write(&options.out, overwrite, &bytes)?;
    // A detector of readings counts the rows of its series.
    let of_windows = windows.is_some() && options.method != Method::Auto;
    let irregularities = stretches.map(|stretches| stretches.irregularities);
    let told = Told { out: &options.out, seconds, of_windows, irregularities };
    told.tell(&detector, &options.common, screen)
}

/// Writes a file whole.
pub(super) fn write(out: &Path, overwrite: Overwrite, bytes: &[u8]) -> anyhow::Result<()> {
    // Who interrupts now is too late: the file is written in a moment, and whole.
    interrupt::work_begins();
    file_output::write_bytes(out, overwrite, bytes)?;
    interrupt::work_ended();
    Ok(())
}

/// What is told of a detector that was written.
pub(super) struct Told<'a> {
    pub(super) out: &'a Path,
    pub(super) seconds: f64,
    pub(super) of_windows: bool,
    pub(super) irregularities: Option<Irregularities>,
}

impl Told<'_> {
    pub(super) fn tell(self, detector: &Detector, common: &RunOptions, screen: Screen) -> anyhow::Result<ExitCode> {
        let Self { out, seconds, of_windows, irregularities } = self;
        let threshold = threshold(detector, None)?;
        let (ignored, unchanging) = (detector.ignored_columns(), detector.unchanging_columns());
        if common.json {
            print(json!({
                "out": out.display().to_string(), "rows_learned": detector.rows_learned(),
                "rows_left_out": detector.rows_left_out(), "rows_empty": detector.rows_empty(), "chosen": detector.chosen(),
                "ignored_columns": ignored, "unchanging_columns": unchanging, "threshold": threshold, "seconds": seconds,
                "calibration": detector.calibration().scores().len(), "irregularities": irregularities,
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let (one, many) = if of_windows { ("window", "windows") } else { ("row", "rows") };
        let learned = wording::counted(detector.rows_learned(), one, many);
        screen.note(format_args!("{}: learned from {learned} in {seconds:.1} s", file_output::display(out)));
        if detector.rows_left_out() > 0 {
            let rows = wording::counted(detector.rows_left_out(), "row", "rows");
            screen.loss(format_args!("left out because a value is infinite or beyond ±3.4e38: {rows}"));
        }
        if detector.rows_empty() > 0 {
            let rows = wording::counted(detector.rows_empty(), "row", "rows");
            let done = if detector.windows().is_some() { "in their places, and not scored" } else { "left out" };
            screen.loss(format_args!("without any value, and {done}: {rows}"));
        }
        screen.note(format_args!("chosen: {}", detector.chosen()));
        // What only grows is said with what was chosen.
        let grows = detector.chosen().rsplit_once("as a clock does: ").map_or("", |(_, names)| names);
        let ignored: Vec<String> =
            ignored.into_iter().filter(|name| grows.split(", ").all(|grows| grows != name)).collect();
        if !ignored.is_empty() {
            screen.note(format_args!("ignored because they are constant or empty: {}", ignored.join(", ")));
        }
        if !grows.is_empty() {
            screen.loss(format_args!(
                "not judged because they only grow, as a clock or a counter does: {grows} (--reading COLUMN judges one)"
            ));
        }
        if !unchanging.is_empty() {
            let unchanging = unchanging.join(", ");
            screen.note(format_args!("never changed, so that a change is an anomaly (--unchanging): {unchanging}"));
        }
        screen.note(describe(detector, &threshold));
        Ok(ExitCode::SUCCESS)
    }
}

/// The bytes of the detector's file, after the detector read from them has scored some of the rows as this one does.
pub(super) fn proved(detector: &Detector, rows: &Dataset) -> anyhow::Result<Vec<u8>> {
    let bytes = detector.to_bytes()?;
    let again =
        Detector::from_bytes(&bytes).context("the detector that was fitted cannot be used, and is not written")?;
    let window = detector.windows().map_or(0, |windows| windows.length);
    let rows = rows.head(window + PROVED_WITH);
    let (before, after) = (detector.score(&rows)?, again.score(&rows)?);
    let differs = before.iter().zip(&after[..]).any(|(before, after)| before.to_bits() != after.to_bits());
    let overflow = after.unscored().iter().any(|row| row.reason == NoScore::Overflow);
    anyhow::ensure!(
        !differs && !overflow,
        "the detector that was fitted does not score as it should, and is not written"
    );
    Ok(bytes)
}

fn rows_that_miss_a_value(data: &Dataset) -> Vec<bool> {
    let mut values = vec![0.0; data.features()];
    let misses = |row| {
        data.copy_row(row, &mut values);
        values.iter().any(|value| value.is_nan())
    };
    (0..data.len()).map(misses).collect()
}

/// The text of the columns beside the features, for every row.
fn read_kept(
    options: &Options,
    reading: &DataOptions,
    beside: &[String],
    data: &Dataset,
    screen: Screen,
) -> anyhow::Result<Vec<Vec<String>>> {
    if beside.is_empty() {
        return Ok(Vec::new());
    }
    let mut kept = vec![Vec::new(); beside.len()];
    let (schema, keep) = (data.schema().cloned(), beside.to_vec());
    let table = TableOptions { schema, keep, keep_infinite: true, ..TableOptions::default() };
    for chunk in reading.chunks(&options.data, table, READ_AT_ONCE, screen)? {
        kept.iter_mut().zip(chunk?.kept).for_each(|(all, some)| all.extend(some));
    }
    anyhow::ensure!(kept.iter().all(|texts| texts.len() == data.len()), "{} changed while it was read", options.data);
    Ok(kept)
}

fn series_in_words(cut: &Stretches, windows: Windows, options: &Options) -> String {
    let series = wording::counted(cut.series, "series", "series");
    let stretches = wording::counted(cut.rows.len(), "stretch", "stretches");
    let step = cut.step.map_or(String::new(), |step| format!(", a row every {}", wording::seconds(step)));
    let windows_of = if matches!(options.window, Some(WindowLength::Auto)) {
        format!("; windows of {} rows, by how the series repeats", windows.length)
    } else {
        String::new()
    };
    let text = format!("{}: {series} in {stretches} without a gap{step}{windows_of}", options.data);
    match in_words(&cut.irregularities) {
        Some(found) => format!("{text}\n{found}"),
        None => text,
    }
}

/// Rows of a window.
#[derive(Clone, Copy, Debug)]
enum WindowLength {
    Rows(usize),
    Auto,
}

fn parse_window(text: &str) -> Result<WindowLength, String> {
    if text == "auto" { Ok(WindowLength::Auto) } else { parse_number(text).map(WindowLength::Rows) }
}

/// Windows chosen by the stretches; a stride longer than they are is as long as they are.
fn suited_to(data: &Dataset, cut: &Stretches, stride: usize) -> Windows {
    let series: Vec<Dataset> = cut.rows.iter().map(|rows| data.select(rows)).collect();
    let Windows { length, .. } = Windows::suited_to(&series);
    Windows { length, stride: stride.min(length) }
}

fn parse_number(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=100_000) => Ok(count),
        Ok(_) => Err("it must be from 1 to 100000".into()),
        Err(error) => Err(format!("{error}")),
    }
}
