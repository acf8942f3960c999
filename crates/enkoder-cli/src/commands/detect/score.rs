//! `enkoder detect score`: a detector and rows in, a line for each row out.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::slice;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::anomaly::{Detector, Discoveries, Incident, Irregularities, Threshold};
use enkoder_data::export::{Overwrite, check_output, write_atomically};
use enkoder_data::{Chunks, TableOptions};
use enkoder_report::detection::{Agreement, Collector, Event, Moment, Row};
use serde_json::json;

use super::clock::Clock;
use super::following::{Following, News, Stamp, Told};
use super::incident_file::IncidentFile;
use super::keeping::{self, Keeping};
use super::labels;
use super::moments::in_words;
use super::ordering::OrderOptions;
use super::reasons::sentence;
use super::scored::{Layout, ScoredFormat};
use super::scoring::{ScoredRow, Scoring, chunk_rows, score_all, score_in_order};
use super::summary::{Judgement, Summary};
use super::{JudgeOptions, describe, describe_moving, load};
use crate::arguments::{DataName, DataOptions, RunOptions};
use crate::comparison::command_line;
use crate::failure::Usage;
use crate::file_output::{self, is_stdout};
use crate::inputs::{self, Inputs};
use crate::interrupt;
use crate::screen::{Screen, print, print_with};
use crate::wording;

/// Series whose drift is told one by one.
const DRIFTS_TOLD: usize = 5;

/// Score rows: how odd each is, whether it is flagged, and why
///
/// Writes CSV with a line for each row: its number from 1, the score, the p-value, whether it is flagged (1 or 0), and with
/// --explain the columns that contribute most; before the score stand the columns of time and group that the detector was fitted
/// with, and those of --keep. A file named .jsonl has a JSON object for each row instead. A row that cannot be scored, since a value of
/// it is infinite or all are missing, has an empty score and is counted; where no row has one the exit code is 1. Files are read, scored and written some rows at a time,
/// however long they are, unless they are to be sorted, and the output appears only when it is complete. Flagged moments that belong
/// together are one incident. With labels (--label COLUMN) it also says how well the scores tell them apart, for which it reads the data
/// twice and keeps all scores. Labels that mean a normal row are normal, ok, good, none, nominal, healthy, benign, inlier, no, false and
/// 0, whatever their case, and 1 where the only other label is -1; --normal names others. All other labels are anomalies, and rows
/// without a label are left out of the figures.
#[derive(Debug, Args)]
pub struct Options {
    /// What `enkoder detect fit` wrote
    #[arg(value_hint = ValueHint::FilePath)]
    detector: PathBuf,

    /// Built-in name, openml:ID, a path, or an address (https://, s3://, gs://, az://); - is standard input
    #[arg(value_hint = ValueHint::AnyPath)]
    data: DataName,

    /// Where to write the scores [default: -, standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    /// Write a page with the worst rows and their reasons, the score over time, and its distribution
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    report: Option<PathBuf>,

    /// Write the incidents to a file: .csv, .json, or .jsonl
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    incidents: Option<PathBuf>,

    /// Flag so many rows of a table that of those flagged at most this part is normal, on the average; reads the data twice
    #[arg(long, value_name = "PART", conflicts_with_all = ["false_alarm", "contamination", "fixed_threshold"])]
    fdr: Option<f64>,

    /// Labels of normal rows; all others are anomalies [default: normal, ok, good, 0 and the like]
    #[arg(long, value_name = "LABEL,…", value_delimiter = ',', allow_hyphen_values = true)]
    normal: Vec<String>,

    #[command(flatten)]
    judge: JudgeOptions,

    #[command(flatten)]
    order: OrderOptions,

    #[command(flatten)]
    reading: DataOptions,

    #[command(flatten)]
    common: RunOptions,
}

/// Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: no file was written")]
struct Interrupted;

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let overwrite = Overwrite::replacing(options.force);
    let out = options.out.as_deref().filter(|out| !is_stdout(out));
    let data = options.reading.inputs(slice::from_ref(&options.data))?;
    let read = Inputs::new([data, vec![options.detector.clone()]].concat())?;
    let mut paths = out.into_iter().chain(options.report.as_deref()).chain(options.incidents.as_deref());
    inputs::refuse_same(paths.clone())?;
    paths.try_for_each(|path| read.refuse(path))?;
    options.judge.follow.check()?;
    let incident_file = options.incidents.as_deref().map(IncidentFile::new).transpose()?;
    options.incidents.as_deref().map_or(Ok(()), |path| check_output(path, overwrite))?;
    out.map_or(Ok(()), |out| file_output::check_table(out, overwrite))?;
    options.report.as_deref().map_or(Ok(()), |report| file_output::check_report(report, overwrite))?;
    let detector = load(&options.detector)?;
    anyhow::ensure!(
        options.fdr.is_none() || detector.windows().is_none(),
        Usage::new("--fdr is for rows of a table: the moments of a series depend on each other")
            .with_hint("flag moments with --false-alarm RATE")
    );
    anyhow::ensure!(
        !options.order.sort_time || detector.series_columns().time.is_some(),
        Usage::new("--sort-time sorts by the column of times, and the detector was fitted without one")
            .with_hint("fit it with --time COLUMN")
    );
    let all_columns = || options.reading.column_names(&options.data, detector.schema(), screen);
    let names = keeping::names(&options.judge.keep, all_columns)?;
    let (keeping, keep) = Keeping::new(names, &detector, options.reading.label.as_deref());
    let schema = detector.schema().cloned();
    let table = TableOptions { schema, keep, keep_infinite: true, ..TableOptions::default() };
    let chunks = || options.reading.chunks(&options.data, table.clone(), chunk_rows(&detector), screen);
    interrupt::listen()?;
    interrupt::work_begins();
    // Labels that stand in a column are those of all rows; other data has them with the first.
    let of_column =
        options.reading.label.as_ref().map(|_| labels::of(chunks()?, &options.normal)).transpose()?.flatten();
    let thresholds = match options.fdr {
        None => options.judge.flag.threshold(&detector),
        Some(rate) => discovered(&detector, chunks()?, rate, &options).map(|threshold| (threshold, None)),
    };
    let (threshold, moving) = match thresholds {
        Err(error) if error.is::<Interrupted>() => return Ok(interrupted(screen)),
        thresholds => thresholds?,
    };
    let rule = options.judge.follow.rule(&detector, &threshold, moving.is_some())?;
    let mut chunks = chunks()?.peekable();
    let labels = match options.reading.label {
        Some(_) => of_column,
        None => labels::of_whole(chunks.peek(), &options.normal, screen)?,
    };
    let without_labels = Usage::new("--normal says which labels are of normal rows, but there are no labels")
        .with_hint("name their column: --label COLUMN");
    anyhow::ensure!(options.normal.is_empty() || labels.is_some() || interrupt::requested(), without_labels);
    let mut summary = Summary::new(&detector, labels.as_ref());
    let collector = || Collector::new(threshold).with_moving_threshold(moving.is_some()).with_series_of(&detector);
    let mut page = options.report.as_ref().map(|_| collector());
    let mut following = Following::new(&options.judge.follow, rule, &detector, false);
    following.flag_by(rule, moving, &detector);
    // Without a file, a page or labels their number is all that is told.
    let of_series = detector.windows().is_some();
    let on_page = page.is_some() && of_series;
    let keeps_incidents = incident_file.is_some() || on_page || of_series && options.reading.label.is_some();
    following.explain(incident_file.is_some() || on_page);
    let (mut incidents, mut drifts) = (Vec::new(), Vec::new());
    let mut news = |news| {
        match news {
            News::Incident(told) if keeps_incidents => incidents.push(told),
            News::Incident(_) => {}
            News::Drift(drifted) => drifts.push(drifted),
        }
        Ok(())
    };
    let (mut irregularities, mut changes) = (Irregularities::default(), None);
    let format = match out.and_then(|out| out.extension()).is_some_and(|name| name == "jsonl" || name == "ndjson") {
        true => ScoredFormat::JsonLines,
        false => ScoredFormat::Csv,
    };
    let counterfactual = options.judge.limit(&detector, &threshold)?;
    let layout = Layout { format, explain: options.judge.explain(&detector), counterfactual, keeping };
    let score = |mut out: Option<&mut dyn Write>| {
        let _busy = screen.busy(format!("scoring {}", options.data));
        if let Some(out) = &mut out {
            layout.write_header(&detector, *out)?;
        }
        let give = &mut |row: &ScoredRow<'_>| {
            if interrupt::requested() {
                return Err(Interrupted.into());
            }
            let flagged = following.row(row, &detector, &mut news)?;
            summary.add(row, flagged);
            if let Some(page) = &mut page {
                page.add(&report_row(row, flagged))?;
            }
            out.as_mut().map_or(Ok(()), |out| layout.write_row(&detector, row, flagged, *out))
        };
        let scoring =
            Scoring::new(&detector, &layout.keeping, labels.as_ref(), Clock::of(&options.judge.clock, &detector));
        let found = if options.order.sort_time || detector.series_columns().every.is_some() {
            score_in_order(scoring, chunks, &options.order, give)
        } else {
            score_all(scoring, chunks, give).map(|irregularities| (irregularities, None))
        };
        (irregularities, changes) =
            found.with_context(|| format!("{} cannot be scored by {}", options.data, options.detector.display()))?;
        following.end(&mut news)
    };
    let scored = match out {
        Some(out) => whole(|write| Ok(write_atomically(out, overwrite, |file| write(file))?), score),
        None if options.common.json => score(None),
        None => whole(|write| print_with(write), score),
    };
    interrupt::work_ended();
    match scored {
        Err(error) if error.is::<Interrupted>() => return Ok(interrupted(screen)),
        other => other?,
    }
    let by_incident = summary.by_incident(&incidents);
    let counts = by_incident.as_ref().map(|(counts, _)| *counts);
    let judged = summary.judgement()?.map(|judged| Judgement { by_incident: counts, ..judged });
    if let Some(file) = &incident_file {
        file.write(overwrite, &incidents)?;
    }
    if let (Some(path), Some(page)) = (&options.report, page) {
        let right = by_incident.map(|(_, right)| right);
        let event = |(place, told): (usize, &Told)| event_of(told, right.as_ref().map(|right| right[place]));
        let events: Vec<Event> = incidents.iter().enumerate().map(event).collect();
        let html = page
            .finish(&detector, &options.data.to_string(), judged.map(figures_of), &events, command_line())
            .to_html()?;
        write_atomically(path, overwrite, |file| file.write_all(html.as_bytes()))?;
    }
    if options.common.json {
        let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let mut found = json!({
            "out": text(&options.out), "report": text(&options.report), "rows": summary.rows, "flagged": summary.flagged,
            "without_score": summary.without_score(), "unscorable": summary.unscorable,
            "threshold": threshold, "threshold_moves": moving.is_some(), "irregularities": irregularities, "changes": changes,
            "incidents": following.incidents, "drift": drifts,
        });
        if let (Some(judged), Some(found)) = (judged, found.as_object_mut()) {
            found.insert("labels".to_owned(), summary.labels());
            found.extend(json!(judged).as_object().cloned().unwrap_or_default());
        }
        print(found)?;
        summary.check()?;
        return Ok(ExitCode::SUCCESS);
    }
    summary.check()?;
    match summary.without_score() {
        0 => screen.note(&summary),
        _ => screen.loss(&summary),
    }
    if let Some(empty) = summary.empty_columns(&detector) {
        screen.loss(empty);
    }
    let told = incident_file.as_ref().map_or(String::new(), |file| format!(", in {}", file.path().display()));
    screen.note(format_args!("{}{told}", wording::counted(following.incidents, "incident", "incidents")));
    if let Some(changes) = &changes {
        screen.note(changes);
    }
    if let Some(found) = in_words(&irregularities) {
        screen.note(found);
    }
    screen.note(describe(&detector, &threshold));
    if let Some(moving) = &moving {
        screen.note(describe_moving(moving));
    }
    let window = detector.windows().map_or(1, |windows| windows.length);
    let reversed = judged.and_then(|judged| summary.reversed(judged.auroc?));
    if options.fdr.is_none()
        && reversed.is_none()
        && let Some(far_more) = summary.far_more_than(threshold.rate, window)
    {
        screen.note(far_more);
    }
    if let Some(judged) = judged {
        screen.note(judged);
        match summary.unlabelled {
            0 => screen.note(summary.labels_in_words()),
            _ => screen.loss(summary.labels_in_words()),
        }
        if let Some(reversed) = reversed {
            screen.note(reversed);
        }
    }
    for drifted in drifts.iter().take(DRIFTS_TOLD) {
        screen.note(drifted);
    }
    if let Some(more) = drifts.len().checked_sub(DRIFTS_TOLD).filter(|&more| more > 0) {
        screen.note(format_args!("{} have drifted, too", wording::counted(more, "series", "series")));
    }
    Ok(ExitCode::SUCCESS)
}

fn interrupted(screen: Screen) -> ExitCode {
    screen.note(Interrupted);
    ExitCode::from(interrupt::EXIT_CODE)
}

/// Where flagging begins so that of the flagged rows few are normal, for which all of them have to be scored first.
fn discovered(detector: &Detector, chunks: Chunks, rate: f64, options: &Options) -> anyhow::Result<Threshold> {
    let mut discoveries = Discoveries::new(detector.calibration(), rate)?;
    let cannot = || format!("{} cannot be scored by {}", options.data, options.detector.display());
    for chunk in chunks {
        if interrupt::requested() {
            return Err(Interrupted.into());
        }
        let scores = detector.score(&chunk.with_context(cannot)?.data).with_context(cannot)?;
        scores.iter().for_each(|&score| discoveries.add(score));
    }
    Ok(discoveries.threshold())
}

/// Runs `score` within `write`, which knows only errors of writing: those of scoring come back as they are.
fn whole(
    write: impl FnOnce(&mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()>,
    score: impl FnOnce(Option<&mut dyn Write>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut score = Some(score);
    let mut failure = None;
    let written = write(&mut |out| {
        let Some(score) = score.take() else { return Ok(()) };
        score(Some(out)).map_err(|error| match error.downcast::<io::Error>() {
            Ok(error) => error,
            Err(error) => {
                failure = Some(error);
                io::Error::other("the scoring failed")
            }
        })
    });
    failure.map_or(written, Err)
}

fn report_row<'a>(row: &'a ScoredRow<'a>, flagged: bool) -> Row<'a> {
    let ScoredRow { number, beside, seconds, values, score, positive, reasons, .. } = *row;
    Row { number, time: beside.time, seconds, values, group: beside.group, score, flagged, positive, reasons }
}

fn event_of(told: &Told, right: Option<bool>) -> Event {
    let moment = |stamp: &Stamp| Moment { row: stamp.row, time: stamp.time.clone(), seconds: stamp.seconds };
    let Incident { start, end, score, columns, .. } = &told.incident;
    Event {
        series: told.series.clone(),
        start: moment(start),
        end: moment(end),
        score: *score,
        columns: columns.iter().map(|movement| movement.column.clone()).collect(),
        reason: columns.first().map(sentence).unwrap_or_default(),
        nearest: columns.first().and_then(|movement| movement.nearest.clone()),
        right,
    }
}

fn figures_of(judged: Judgement) -> Agreement {
    let Judgement { auroc, average_precision, vus_pr, precision, recall, f1, by_incident } = judged;
    Agreement { auroc, average_precision, vus_pr, precision, recall, f1, by_incident }
}
