//! `enkoder detect score`: a detector and rows in, a line for each row out.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::Dataset;
use enkoder::anomaly::{Detector, Reason, Threshold, Value};
use enkoder::metrics::{Confusion, auroc, average_precision};
use enkoder_data::TableOptions;
use enkoder_data::export::{Overwrite, check_output, write_atomically};
use serde_json::json;

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
    let overwrite = if options.force { Overwrite::Replace } else { Overwrite::Never };
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
    let scored = Scored { detector: &detector, data: &data, scores: &scores, threshold, explain: options.explain };
    match &options.out {
        Some(out) => write_atomically(out, overwrite, |file| scored.write(file))?,
        None if options.common.json => {}
        None => print_with(|out| scored.write(out))?,
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

struct Scored<'a> {
    detector: &'a Detector,
    data: &'a Dataset,
    scores: &'a [f32],
    threshold: Threshold,
    explain: usize,
}

impl Scored<'_> {
    fn write(&self, out: impl Write) -> io::Result<()> {
        self.write_records(out).map_err(|error| match error.into_kind() {
            // As the system said it: a closed pipe must be known as one.
            csv::ErrorKind::Io(error) => error,
            other => io::Error::other(format!("{other:?}")),
        })
    }

    fn write_records(&self, out: impl Write) -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_writer(out);
        let explained = self.explain > 0;
        let names = ["row", "score", "p_value", "flagged", "reasons"];
        writer.write_record(&names[..if explained { 5 } else { 4 }])?;
        for (row, &score) in self.scores.iter().enumerate() {
            let flagged = self.threshold.flags(score);
            let p_value = self.detector.calibration().p_value(score);
            let mut record =
                vec![(row + 1).to_string(), score.to_string(), format!("{p_value:.6}"), u8::from(flagged).to_string()];
            if explained {
                let reasons = if flagged {
                    let reasons = self.detector.explain(self.data, row, self.explain);
                    reasons.map_err(io::Error::other)?
                } else {
                    Vec::new()
                };
                record.push(reasons.iter().map(reason_in_words).collect::<Vec<_>>().join("; "));
            }
            writer.write_record(&record)?;
        }
        Ok(writer.flush()?)
    }
}

/// `pressure 63 %: 9.1, expected 4.2, usual 3.8 to 4.6`
fn reason_in_words(reason: &Reason) -> String {
    let value = |value: &Value| match value {
        Value::Number(number) => format!("{number:.4}"),
        Value::Word(word) => word.clone(),
        Value::Missing => "missing".to_owned(),
    };
    let Reason { column, share, observed, expected, usual } = reason;
    let usual = usual.map_or(String::new(), |(low, high)| format!(", usual {low:.4} to {high:.4}"));
    format!("{column} {:.0} %: {}, expected {}{usual}", share * 100.0, value(observed), value(expected))
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
