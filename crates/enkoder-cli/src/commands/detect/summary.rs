//! What scoring amounts to: how much was flagged, and how well that agrees with labels, where there are some.

use std::fmt;

use anyhow::Context;
use enkoder::anomaly::{Detector, Threshold};
use enkoder::metrics::{Confusion, auroc, average_precision, vus_pr};
use serde::Serialize;

use super::scoring::ScoredRow;
use crate::wording;

/// Counts of the rows so far. Scores are kept only where labels are given, for ranking needs all of them.
pub struct Summary {
    threshold: Threshold,
    pub rows: usize,
    pub flagged: usize,
    pub without_score: usize,
    scores: Vec<f32>,
    positive: Vec<bool>,
    /// The longest buffer for VUS-PR: of series that are one.
    buffer: Option<usize>,
}

impl Summary {
    pub fn new(detector: &Detector, threshold: Threshold) -> Self {
        let one = detector.series_columns().group.is_none();
        let buffer = detector.windows().filter(|_| one).map(|windows| windows.length);
        let (scores, positive) = (Vec::new(), Vec::new());
        Self { threshold, rows: 0, flagged: 0, without_score: 0, scores, positive, buffer }
    }

    pub fn add(&mut self, row: &ScoredRow<'_>) {
        self.rows += 1;
        let Some(score) = row.score else {
            self.without_score += 1;
            return;
        };
        self.flagged += usize::from(self.threshold.flags(score));
        if let Some(positive) = row.positive {
            self.scores.push(score);
            self.positive.push(positive);
        }
    }

    /// How well the scores tell the labels apart; none without labels.
    pub fn judgement(&self) -> anyhow::Result<Option<Judgement>> {
        if self.positive.is_empty() {
            return Ok(None);
        }
        let (scores, positive) = (&self.scores[..], &self.positive[..]);
        let counts = Confusion::at(scores, positive, self.threshold.score)?;
        Ok(Some(Judgement {
            auroc: auroc(scores, positive).context("the scores cannot be judged by the labels")?,
            average_precision: average_precision(scores, positive)?,
            vus_pr: self.buffer.map(|buffer| vus_pr(scores, positive, buffer)).transpose()?,
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
        }))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} flagged", wording::grouped(self.flagged), wording::counted(self.rows, "row", "rows"))?;
        if self.without_score > 0 {
            let count = wording::grouped(self.without_score);
            write!(f, "; {count} have no score, in stretches shorter than a window")?;
        }
        Ok(())
    }
}

/// Agreement with labels.
#[derive(Clone, Copy, Serialize)]
pub struct Judgement {
    pub auroc: f64,
    pub average_precision: f64,
    /// Of a series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vus_pr: Option<f64>,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { auroc, average_precision, vus_pr, precision, recall, f1 } = self;
        write!(f, "against the labels: AUROC {auroc:.3}, average precision {average_precision:.3}")?;
        if let Some(volume) = vus_pr {
            write!(f, ", VUS-PR {volume:.3}")?;
        }
        write!(f, "; at the threshold precision {precision:.3}, recall {recall:.3}, F1 {f1:.3}")
    }
}
