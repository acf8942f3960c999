//! The page about scored rows: every number already in words, every chart drawn. Of series the readings are drawn with the incidents.

mod incidents;
mod rows;
mod scores;

use askama::Template;
use enkoder::anomaly::{Detector, Guarantee};

use self::incidents::{Course, IncidentRow, course_of, drawn, incident_row};
use self::rows::{WorstRow, worst_row};
use super::collector::Collector;
use super::{Agreement, Event};
use crate::number::{count, grouped, last_part, name, percent, significant};
use crate::report::{Frame, ReportError, Tile};

/// Incidents in the table.
const INCIDENTS: usize = 200;
const LONGEST_NAME: usize = 60;
/// What is said of a figure that ranks, where there is nothing to rank.
const ONE_CLASS: &str = "undefined: all labels are of one class";

/// The report of a detector on rows: one file that is complete in itself and follows light and dark. It needs no script; with one, a
/// stretch of a series can be seen alone.
#[derive(Template)]
#[template(path = "detection.html")]
pub struct DetectionReport {
    frame: Frame,
    command_line: String,
    tiles: Vec<Tile>,
    course: String,
    course_finding: String,
    course_note: String,
    courses: Vec<Course>,
    courses_note: Option<String>,
    incidents: Vec<IncidentRow>,
    incidents_note: Option<String>,
    has_series: bool,
    has_nearest: bool,
    of_series: bool,
    /// What is scored, in the plural, and whether it has a place in time.
    many: &'static str,
    moments: bool,
    threshold_moves: bool,
    has_vus: bool,
    spans: Vec<[String; 3]>,
    spans_note: Option<String>,
    worst: Vec<WorstRow>,
    has_labels: bool,
    histogram: String,
    histogram_finding: Option<String>,
    histogram_note: String,
    agreement: Vec<(&'static str, String)>,
    facts: Vec<(&'static str, String)>,
}

impl DetectionReport {
    /// From what was collected.
    pub(super) fn new(
        of: Collector,
        detector: &Detector,
        data: &str,
        agreement: Option<Agreement>,
        incidents: &[Event],
        command_line: String,
    ) -> Self {
        let title = format!("{}: anomalies", name(last_part(data), LONGEST_NAME));
        let data = name(data, 4 * LONGEST_NAME);
        let moments = detector.windows().is_some();
        let (one, many) = if moments { ("moment", "moments") } else { ("row", "rows") };
        let flagged = grouped(of.flagged);
        let share = of.flagged as f64 / of.rows.max(1) as f64;
        let lead = format!(
            "{flagged} of {} flagged as unlike those that the detector learned from.",
            count(of.rows, one, many)
        );
        let mut tiles = vec![
            Tile {
                what: "Flagged",
                value: flagged,
                note: format!("{} of {}", percent(share), count(of.rows, one, many)),
            },
            Tile {
                what: "Threshold",
                value: significant(f64::from(of.threshold.score), 3),
                note: basis(&of, detector, many),
            },
            Tile {
                what: "Highest score",
                value: of.worst.first().map_or("–".into(), |worst| significant(f64::from(worst.score), 3)),
                note: of.worst.first().map_or(String::new(), |worst| format!("{one} {}", grouped(worst.number + 1))),
            },
        ];
        if of.of_series {
            let by_labels = agreement.and_then(|agreement| agreement.by_incident);
            let note = by_labels.map_or_else(
                || "moments that belong together".to_owned(),
                |by| {
                    let labelled = count(by.hit + by.missed, "labelled span", "labelled spans");
                    let alarms = count(by.false_alarms, "false alarm", "false alarms");
                    format!("{} of {labelled} hit, {} missed; {alarms}", grouped(by.hit), grouped(by.missed))
                },
            );
            tiles.insert(1, Tile { what: "Incidents", value: grouped(incidents.len()), note });
        }
        if let Some(agreement) = &agreement {
            let defined = "how often an anomaly scores higher than a usual one, by the labels given";
            tiles.push(Tile {
                what: "AUROC",
                value: agreement.auroc.map_or("–".into(), |area| significant(area, 3)),
                note: agreement.auroc.map_or(ONE_CLASS, |_| defined).into(),
            });
        }
        let drawn = drawn(&of, incidents);
        let shown = incidents.iter().enumerate().take(INCIDENTS);
        Self {
            courses: drawn.iter().map(|(series, along)| course_of(&of, series, along, incidents)).collect(),
            courses_note: (of.more_series || of.along.len() > drawn.len()).then(|| {
                let first = count(drawn.len(), "series", "series");
                format!("Drawn are {first} of more: those with the highest incidents.")
            }),
            incidents: shown.map(|(number, event)| incident_row(number + 1, event, &drawn)).collect(),
            incidents_note: (incidents.len() > INCIDENTS)
                .then(|| format!("The first {INCIDENTS} of {}.", count(incidents.len(), "incident", "incidents"))),
            has_series: incidents.iter().any(|event| event.series.is_some()),
            has_nearest: incidents.iter().any(|event| event.nearest.is_some()),
            of_series: of.of_series,
            many,
            moments,
            threshold_moves: of.threshold_moves,
            has_vus: agreement.is_some_and(|agreement| agreement.vus_pr.is_some()),
            frame: Frame::new(title, lead),
            command_line: name(&command_line, 1000),
            tiles,
            course: if of.of_series { String::new() } else { scores::course(&of) },
            course_finding: scores::course_finding(&of, incidents, [one, many]),
            course_note: scores::course_note(&of, !incidents.is_empty()),
            spans: if of.of_series { Vec::new() } else { scores::spans(&of, one) },
            spans_note: scores::spans_note(&of),
            worst: of.worst.iter().map(|shown| worst_row(shown, detector, &of, one)).collect(),
            has_labels: of.positives.is_some(),
            histogram: scores::histogram(&of, many),
            histogram_finding: scores::histogram_finding(&of, many),
            histogram_note: scores::histogram_note(&of, many),
            agreement: agreement.map(agreement_in_words).unwrap_or_default(),
            facts: facts(&of, detector, &data),
        }
    }

    /// The page, complete in itself.
    ///
    /// # Errors
    /// When the page cannot be filled in.
    pub fn to_html(&self) -> Result<String, ReportError> {
        self.render().map_err(ReportError::template)
    }
}

fn basis(of: &Collector, detector: &Detector, many: &str) -> String {
    let rate = percent(of.threshold.rate);
    let rows = grouped(detector.calibration().scores().len());
    if of.threshold_moves {
        let begins = format!("where it begins; it rises while more than {rate} of the {many} of a series is flagged");
        return format!("{begins}, and falls back");
    }
    match of.threshold.guarantee {
        Guarantee::Conformal => {
            format!("flags at most {rate} of normal {many} on average: guaranteed by {rows} held out")
        }
        Guarantee::OverTime => format!("flags about {rate} of normal {many} on average over time, in groups"),
        Guarantee::Tail => format!("{rate} of normal {many} by the fitted tail: an extrapolation from {rows}"),
        Guarantee::Discoveries => format!("of the flagged {many} at most {rate} are normal on average"),
        Guarantee::Quantile => format!("{rate} of {many} like the {rows} calibrated on lie above"),
        Guarantee::BestF1 => "chosen with labels for the best F1 on them".to_owned(),
    }
}

fn agreement_in_words(agreement: Agreement) -> Vec<(&'static str, String)> {
    let Agreement { auroc, average_precision, vus_pr, precision, recall, f1, by_incident: _ } = agreement;
    let mut rows = vec![("AUROC", auroc), ("Average precision", average_precision)];
    rows.extend(vus_pr.map(|volume| ("VUS-PR", Some(volume))));
    rows.extend([
        ("Precision at the threshold", Some(precision)),
        ("Recall at the threshold", Some(recall)),
        ("F1 at the threshold", Some(f1)),
    ]);
    let in_words = |value: Option<f64>| value.map_or(ONE_CLASS.to_owned(), |value| significant(value, 3));
    rows.into_iter().map(|(name, value)| (name, in_words(value))).collect()
}

fn facts(of: &Collector, detector: &Detector, data: &str) -> Vec<(&'static str, String)> {
    let windows = detector.windows();
    let learned = match windows {
        Some(_) => count(detector.rows_learned(), "window", "windows"),
        None => count(detector.rows_learned(), "row", "rows"),
    };
    let mut facts = vec![
        ("Data", data.to_owned()),
        ("Rows", grouped(of.rows)),
        ("Detector", name(detector.chosen(), 400)),
        ("Learned from", learned),
        ("Calibrated on", count(detector.calibration().scores().len(), "score", "scores")),
    ];
    facts.extend(windows.map(|windows| ("Window", count(windows.length, "row", "rows"))));
    if let Some(positives) = of.positives {
        facts.push(("Labelled as anomalies", grouped(positives)));
    }
    let ignored = detector.ignored_columns();
    if !ignored.is_empty() {
        facts.push(("Ignored columns", name(&ignored.join(", "), 400)));
    }
    facts
}
