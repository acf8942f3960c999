//! `enkoder detect score`: a detector and rows in, a line for each row out.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::Dataset;
use enkoder::anomaly::Threshold;
use enkoder::metrics::{Confusion, auroc, average_precision};
use enkoder_data::TableOptions;
use enkoder_data::export::{Overwrite, check_output, write_atomically};
use serde_json::json;

use super::scored::ScoredWriter;
use super::{RuleOptions, describe, load, threshold};
use crate::arguments::{DataOptions, RunOptions};
use crate::screen::{print, print_with};
use crate::wording;

/// Score rows: how odd each is, whether it is flagged, and why
///
/// Writes CSV with a line for each row: its number from 1, the score, the p-value, whether it is flagged (1 or 0), and with
/// --explain the columns that contribute most. With labels (--label COLUMN)
/// it also says how well the scores tell them apart.
#[derive(Debug, Args)]
pub struct Options {
    /// What `enkoder detect fit` wrote
    #[arg(value_hint = ValueHint::FilePath)]
    detector: PathBuf,

    /// Built-in name, openml:ID, or a path
    #[arg(value_hint = ValueHint::AnyPath)]
    data: String,

    /// Where to write the scores [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    /// Name the N columns that contribute most to each flagged row
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    explain: usize,

    #[command(flatten)]
    rule: RuleOptions,

    #[command(flatten)]
    reading: DataOptions,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let overwrite = Overwrite::replacing(options.force);
    if let Some(out) = &options.out {
        check_output(out, overwrite)?;
    }
    let detector = load(&options.detector)?;
    let threshold = threshold(&detector, options.rule.rule())?;
    let table = TableOptions { schema: detector.schema().cloned(), ..TableOptions::default() };
    let data = options.reading.read(&options.data, table, screen)?;
    let scores = {
        let _busy = screen.busy(format!("scoring {}", options.data));
        let fits = || format!("the detector {} does not fit {}", options.detector.display(), options.data);
        detector.score(&data).with_context(fits)?
    };
    let write = |out: &mut dyn Write| {
        let mut writer = ScoredWriter::new(&detector, threshold, options.explain, out)?;
        scores.iter().enumerate().try_for_each(|(row, &score)| writer.row(row, &data, row, score))?;
        writer.flush()
    };
    match &options.out {
        Some(out) => write_atomically(out, overwrite, |mut file| write(&mut file))?,
        None if options.common.json => {}
        None => print_with(write)?,
    }
    let flagged = scores.iter().filter(|&&score| threshold.flags(score)).count();
    let judged = data.classes().map(|_| Judgement::of(&data, &scores, &threshold)).transpose()?;
    if options.common.json {
        print(json!({
            "out": options.out, "rows": scores.len(), "flagged": flagged, "threshold": threshold,
            "auroc": judged.map(|judged| judged.auroc),
            "average_precision": judged.map(|judged| judged.average_precision),
            "precision": judged.map(|judged| judged.counts.precision()),
            "recall": judged.map(|judged| judged.counts.recall()),
            "f1": judged.map(|judged| judged.counts.f1()),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    screen.note(format_args!("{flagged} of {} flagged", wording::counted(scores.len(), "row", "rows")));
    screen.note(describe(&detector, &threshold));
    if let Some(Judgement { auroc, average_precision, counts }) = judged {
        screen.note(format_args!(
            "against the labels: AUROC {auroc:.3}, average precision {average_precision:.3}; at the threshold precision {:.3}, recall {:.3}, F1 {:.3}",
            counts.precision(), counts.recall(), counts.f1()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Clone, Copy)]
struct Judgement {
    auroc: f64,
    average_precision: f64,
    counts: Confusion,
}

impl Judgement {
    /// Against labels, of which 0, false, no and normal mean a usual row, and all others an anomaly.
    fn of(data: &Dataset, scores: &[f32], threshold: &Threshold) -> anyhow::Result<Self> {
        let classes = data.classes().context("the label column holds no classes")?;
        let usual = |class: &str| ["0", "0.0", "false", "no", "normal"].contains(&class.to_lowercase().as_str());
        let odd: Vec<bool> = classes.iter().map(|class| !usual(class)).collect();
        let positive: Vec<bool> =
            (0..data.len()).map(|row| data.label(row).is_some_and(|label| odd[label as usize])).collect();
        Ok(Self {
            auroc: auroc(scores, &positive).context("the scores cannot be judged by the labels")?,
            average_precision: average_precision(scores, &positive)?,
            counts: Confusion::at(scores, &positive, threshold.score)?,
        })
    }
}
