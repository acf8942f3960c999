//! The report of a detector on rows: the worst of them with their reasons, the score over time, and its distribution. A
//! [`Collector`] takes scored rows one by one and keeps a bounded part of what they say, however many they are.

mod along;
mod clock;
mod collector;
mod course;
mod page;
mod stretch;

use enkoder::anomaly::{AnomalyError, NearestWindow, Reason};

pub use collector::Collector;
pub use page::DetectionReport;

/// A scored row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Its number in the data, from 0.
    pub number: usize,
    /// When it was measured, as it is written.
    pub time: Option<&'a str>,
    /// The same in seconds since 1970, where that is known.
    pub seconds: Option<f64>,
    /// Its values as the detector sees them; of a series, to be drawn.
    pub values: &'a [f32],
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
    /// The same of incidents, of series.
    pub by_incident: Option<ByIncident>,
}

/// Labelled spans and incidents against each other: one is found where any moment of it belongs to the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ByIncident {
    /// Labelled spans that an incident overlaps.
    pub hit: usize,
    /// Those that none does.
    pub missed: usize,
    /// Incidents that overlap no labelled span.
    pub false_alarms: usize,
}

/// Moments that belong together and are unlike the usual ones.
#[derive(Clone, Debug)]
pub struct Event {
    /// The series it is of.
    pub series: Option<String>,
    /// Its first moment.
    pub start: Moment,
    /// Its last moment.
    pub end: Moment,
    /// The highest score.
    pub score: f32,
    /// The columns that moved, from the first on.
    pub columns: Vec<String>,
    /// How they moved, in a sentence.
    pub reason: String,
    /// The first of these columns around the incident's peak, beside the most similar normal window; none where the detector keeps none.
    pub nearest: Option<NearestWindow>,
    /// Whether a labelled span overlaps it; none without labels.
    pub right: Option<bool>,
}

/// Where a moment is.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The number of its row, from 1.
    pub row: usize,
    /// Its time, as it is written.
    pub time: Option<String>,
    /// The same in seconds since 1970.
    pub seconds: Option<f64>,
}
