//! The report of a detector on rows: the worst of them with their reasons, the score over time, and its distribution. A
//! [`Collector`] takes scored rows one by one and keeps a bounded part of what they say, however many they are.

mod collector;
mod page;

use enkoder::anomaly::{AnomalyError, Reason};

pub use collector::Collector;
pub use page::DetectionReport;

/// A scored row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Its number in the data, from 0.
    pub number: usize,
    /// When it was measured, as it is written.
    pub time: Option<&'a str>,
    /// The series that it belongs to.
    pub group: Option<&'a str>,
    /// Its score; none where it has none.
    pub score: Option<f32>,
    /// Whether it is flagged.
    pub flagged: bool,
    /// Whether its label says that it is an anomaly.
    pub positive: Option<bool>,
    /// The columns that contribute most, so many of them; asked only of the worst rows.
    pub reasons: &'a dyn Fn(usize) -> Result<Vec<Reason>, AnomalyError>,
}

/// How well scores agree with labels; each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// The area under the ROC curve; none where all labels are of one class.
    pub auroc: Option<f64>,
    /// The average precision; none where all labels are of one class.
    pub average_precision: Option<f64>,
    /// The volume under the surface of precision and recall, of a series.
    pub vus_pr: Option<f64>,
    /// The part of the flagged rows that are anomalies.
    pub precision: f64,
    /// The part of the anomalies that are flagged.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
}
