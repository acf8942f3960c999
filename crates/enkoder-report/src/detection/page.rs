//! The page about scored rows: every number already in words, every chart drawn.

use askama::Template;
use enkoder::anomaly::{Detector, Guarantee, Reason, Value};

use super::Agreement;
use super::collector::{Collector, Shown};
use crate::charts::{ScoreCourse, ScoreHistogram};
use crate::number::{count, grouped, name, significant};
use crate::palette::Theme;
use crate::report::{Frame, ReportError, Tile};

/// Bars of the histogram, about.
const BARS: usize = 70;
/// Flagged spans listed in words.
const SPANS_LISTED: usize = 40;
const LONGEST_NAME: usize = 60;
const LEAST_SHARE: f32 = 0.01;
/// What is said of a figure that ranks, where there is nothing to rank.
const ONE_CLASS: &str = "undefined: all labels are of one class";

/// The report of a detector on rows: one file that is complete in itself, follows light and dark, and needs no script.
#[derive(Template)]
#[template(path = "detection.html")]
pub struct DetectionReport {
    frame: Frame,
    command_line: String,
    tiles: Vec<Tile>,
    course: String,
    course_note: String,
    spans: Vec<[String; 3]>,
    spans_note: Option<String>,
    worst: Vec<WorstRow>,
    has_labels: bool,
    histogram: String,
    agreement: Vec<(&'static str, String)>,
    facts: Vec<(&'static str, String)>,
}

struct WorstRow {
    place: String,
    beside: Option<String>,
    score: String,
    p_value: String,
    verdict: &'static str,
    label: &'static str,
    reasons: Vec<[String; 5]>,
}

impl DetectionReport {
    /// From what was collected.
    pub(super) fn new(
        of: Collector,
        detector: &Detector,
        data: &str,
        agreement: Option<Agreement>,
        command_line: String,
    ) -> Self {
        let data = name(data, LONGEST_NAME);
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
                note: format!("{} % of {}", significant(100.0 * share, 2), count(of.rows, one, many)),
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
        if let Some(agreement) = &agreement {
            let defined = "how often an anomaly scores higher than a usual one, by the labels given";
            tiles.push(Tile {
                what: "AUROC",
                value: agreement.auroc.map_or("–".into(), |area| significant(area, 3)),
                note: agreement.auroc.map_or(ONE_CLASS, |_| defined).into(),
            });
        }
        Self {
            frame: Frame::new(format_args!("{data}: anomalies"), lead),
            command_line: name(&command_line, 1000),
            tiles,
            course: course(&of),
            course_note: course_note(&of),
            spans: spans(&of, one),
            spans_note: (of.spans_in_all > SPANS_LISTED)
                .then(|| format!("The first {SPANS_LISTED} of {} flagged spans.", grouped(of.spans_in_all))),
            worst: of.worst.iter().map(|shown| worst_row(shown, detector, one)).collect(),
            has_labels: of.positives.is_some(),
            histogram: histogram(&of),
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
    let rate = significant(100.0 * of.threshold.rate, 3);
    let rows = grouped(detector.calibration().scores().len());
    if of.threshold_moves {
        let begins = format!("where it begins; it rises while more than {rate} % of the {many} of a series is flagged");
        return format!("{begins}, and falls back");
    }
    match of.threshold.guarantee {
        Guarantee::Conformal => format!("flags at most {rate} % of normal {many}: a promise by {rows} held out"),
        Guarantee::OverTime => format!("flags about {rate} % of normal {many} on the average over time, in groups"),
        Guarantee::Tail => format!("{rate} % of normal {many} by the fitted tail: an extrapolation from {rows}"),
        Guarantee::Quantile => format!("{rate} % of {many} like the {rows} calibrated on lie above"),
        Guarantee::BestF1 => "chosen with labels for the best F1 on them".to_owned(),
    }
}

fn course(of: &Collector) -> String {
    let rows = of.bin_rows as f64;
    let bins = || of.over_time.iter().enumerate();
    ScoreCourse {
        label: "The score over all rows, with the threshold and what was flagged",
        size: (1080.0, 320.0),
        points: bins().map(|(bin, of)| ((bin as f64 + 0.5) * rows, of.highest.map(f64::from))).collect(),
        threshold: f64::from(of.threshold.score),
        flagged: of.spans.iter().map(|span| (span.first as f64, span.last as f64)).collect(),
        labelled: bins()
            .filter(|(_, bin)| bin.positive)
            .map(|(bin, _)| (bin as f64 * rows, (bin + 1) as f64 * rows - 1.0))
            .collect(),
        rows: of.over_time.len() as f64 * rows,
    }
    .draw(Theme::Page)
}

fn course_note(of: &Collector) -> String {
    let mut note = match of.bin_rows {
        1 => "The score of each row.".to_owned(),
        rows => format!("The highest score of every {} rows.", grouped(rows)),
    };
    if let (Some(first), Some(last)) = (&of.first_time, &of.last_time) {
        note += &format!(" From {} to {}.", name(first, LONGEST_NAME), name(last, LONGEST_NAME));
    }
    if of.without_score > 0 {
        let rows = count(of.without_score, "row", "rows");
        note += &format!(" {rows} have no score: a value is infinite, or no window fits around them.");
    }
    note
}

fn spans(of: &Collector, one: &str) -> Vec<[String; 3]> {
    // Spans of a single row are in the chart; a list of them says nothing more.
    let long = of.spans.iter().filter(|span| span.last > span.first).take(SPANS_LISTED);
    long.map(|span| {
        [grouped(span.first + 1), grouped(span.last + 1), count(span.last - span.first + 1, one, &format!("{one}s"))]
    })
    .collect()
}

fn histogram(of: &Collector) -> String {
    let joined = of.histogram.len().div_ceil(BARS).max(1);
    ScoreHistogram {
        label: "How many rows have which score",
        size: (620.0, 300.0),
        counts: of.histogram.chunks(joined).map(|bins| bins.iter().sum()).collect(),
        width: of.bin_width * joined as f64,
        threshold: f64::from(of.threshold.score),
    }
    .draw(Theme::Page)
}

fn worst_row(shown: &Shown, detector: &Detector, one: &str) -> WorstRow {
    let beside: Vec<String> =
        [&shown.group, &shown.time].into_iter().flatten().map(|text| name(text, LONGEST_NAME)).collect();
    WorstRow {
        place: format!("{one} {}", grouped(shown.number + 1)),
        beside: (!beside.is_empty()).then(|| beside.join(", ")),
        score: significant(f64::from(shown.score), 3),
        p_value: significant(detector.calibration().p_value(shown.score), 2),
        verdict: if shown.flagged { "flagged" } else { "not flagged" },
        label: match shown.positive {
            Some(true) => "anomaly",
            Some(false) => "usual",
            None => "",
        },
        reasons: telling(&shown.reasons).map(reason).collect(),
    }
}

/// The reasons that tell something: the first, and others with a share worth a look.
fn telling(reasons: &[Reason]) -> impl Iterator<Item = &Reason> {
    reasons
        .iter()
        .enumerate()
        .filter(|(place, reason)| *place == 0 || reason.share >= LEAST_SHARE)
        .map(|(_, reason)| reason)
}

fn reason(reason: &Reason) -> [String; 5] {
    let value = |value: &Value| match value {
        Value::Number(number) => significant(f64::from(*number), 4),
        Value::Word(word) => name(word, LONGEST_NAME),
        Value::Missing => "missing".to_owned(),
    };
    let number = |value: f32| significant(f64::from(value), 4);
    [
        name(&reason.column, LONGEST_NAME),
        format!("{} %", significant(100.0 * f64::from(reason.share), 2)),
        value(&reason.observed),
        value(&reason.expected),
        reason.usual.map_or("–".into(), |(low, high)| format!("{} to {}", number(low), number(high))),
    ]
}

fn agreement_in_words(agreement: Agreement) -> Vec<(&'static str, String)> {
    let Agreement { auroc, average_precision, vus_pr, precision, recall, f1 } = agreement;
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
