//! `enkoder detect score`: a detector and rows in, a line for each row out.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::slice;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::anomaly::Irregularities;
use enkoder_data::TableOptions;
use enkoder_data::export::{Overwrite, check_output, write_atomically};
use enkoder_report::detection::{Agreement, Collector, Row};
use serde_json::json;

use super::moments::{in_words, kept_columns};
use super::scored::ScoredWriter;
use super::scoring::{ScoredRow, chunk_rows, score_all};
use super::summary::{Judgement, Summary};
use super::{RuleOptions, describe, load, threshold};
use crate::arguments::{DataName, DataOptions, RunOptions};
use crate::comparison::command_line;
use crate::file_output::{self, is_stdout};
use crate::inputs::Inputs;
use crate::interrupt;
use crate::screen::{print, print_with};

/// Score rows: how odd each is, whether it is flagged, and why
///
/// Writes CSV with a line for each row: its number from 1, the score, the p-value, whether it is flagged (1 or 0), and with
/// --explain the columns that contribute most; before the score stand the columns of time and group that the detector was fitted
/// with. A row that cannot be scored, since a value of it is infinite, has an empty score. Files are read, scored and written some
/// rows at a time, however long they are, and the output appears only when it is complete. With labels (--label COLUMN) it also
/// says how well the scores tell them apart, for which it keeps all scores.
#[derive(Debug, Args)]
pub struct Options {
    /// What `enkoder detect fit` wrote
    #[arg(value_hint = ValueHint::FilePath)]
    detector: PathBuf,

    /// Built-in name, openml:ID, or a path, - being standard input
    #[arg(value_hint = ValueHint::AnyPath)]
    data: DataName,

    /// Where to write the scores [default: -, standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    /// Name the N columns that contribute most to each flagged row
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    explain: usize,

    /// Write a page with the worst rows and their reasons, the score over time, and its distribution
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    report: Option<PathBuf>,

    #[command(flatten)]
    rule: RuleOptions,

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
    let inputs = Inputs::new([data, vec![options.detector.clone()]].concat())?;
    out.into_iter().chain(options.report.as_deref()).try_for_each(|path| inputs.refuse(path))?;
    out.map_or(Ok(()), |out| check_output(out, overwrite))?;
    options.report.as_deref().map_or(Ok(()), |report| file_output::check_report(report, overwrite))?;
    let detector = load(&options.detector)?;
    let threshold = threshold(&detector, options.rule.rule())?;
    let keep = kept_columns(detector.series_columns());
    let schema = detector.schema().cloned();
    let table = TableOptions { schema, keep, keep_infinite: true, ..TableOptions::default() };
    let chunks = options.reading.chunks(&options.data, table, chunk_rows(&detector), screen)?;
    let mut summary = Summary::new(&detector, threshold);
    let mut page = options.report.as_ref().map(|_| Collector::new(threshold));
    let mut irregularities = Irregularities::default();
    let score = |out: Option<&mut dyn Write>| {
        let _busy = screen.busy(format!("scoring {}", options.data));
        let mut writer = out.map(|out| ScoredWriter::new(&detector, threshold, options.explain, out)).transpose()?;
        let give = &mut |row: &ScoredRow<'_>| {
            if interrupt::requested() {
                return Err(Interrupted.into());
            }
            summary.add(row);
            if let Some(page) = &mut page {
                page.add(&report_row(row))?;
            }
            writer.as_mut().map_or(Ok(()), |writer| writer.row(row))
        };
        irregularities = score_all(&detector, chunks, give)
            .with_context(|| format!("{} cannot be scored by {}", options.data, options.detector.display()))?;
        writer.map_or(Ok(()), |mut writer| Ok(writer.flush()?))
    };
    interrupt::listen()?;
    interrupt::work_begins();
    let scored = match out {
        Some(out) => whole(|write| Ok(write_atomically(out, overwrite, |file| write(file))?), score),
        None if options.common.json => score(None),
        None => whole(|write| print_with(write), score),
    };
    interrupt::work_ended();
    match scored {
        Err(error) if error.is::<Interrupted>() => {
            screen.note(Interrupted);
            return Ok(ExitCode::from(interrupt::EXIT_CODE));
        }
        other => other?,
    }
    let judged = summary.judgement()?;
    if let (Some(path), Some(page)) = (&options.report, page) {
        let html =
            page.finish(&detector, &options.data.to_string(), judged.map(figures_of), command_line()).to_html()?;
        write_atomically(path, overwrite, |file| file.write_all(html.as_bytes()))?;
    }
    if options.common.json {
        let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let mut found = json!({
            "out": text(&options.out), "report": text(&options.report), "rows": summary.rows, "flagged": summary.flagged,
            "without_score": summary.without_score(), "unscorable": summary.unscorable,
            "threshold": threshold, "irregularities": irregularities,
        });
        if let (Some(judged), Some(found)) = (judged, found.as_object_mut()) {
            found.extend(json!(judged).as_object().cloned().unwrap_or_default());
        }
        print(found)?;
        return Ok(ExitCode::SUCCESS);
    }
    screen.note(&summary);
    if let Some(found) = in_words(&irregularities) {
        screen.note(found);
    }
    screen.note(describe(&detector, &threshold));
    if let Some(judged) = judged {
        screen.note(judged);
    }
    Ok(ExitCode::SUCCESS)
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

fn report_row<'a>(row: &'a ScoredRow<'a>) -> Row<'a> {
    let ScoredRow { number, beside, score, positive, reasons, .. } = *row;
    Row { number, time: beside.time, group: beside.group, score, positive, reasons }
}

fn figures_of(judged: Judgement) -> Agreement {
    let Judgement { auroc, average_precision, vus_pr, precision, recall, f1 } = judged;
    Agreement { auroc, average_precision, vus_pr, precision, recall, f1 }
}
