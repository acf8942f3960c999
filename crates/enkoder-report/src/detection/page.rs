//! The page about scored rows: every number already in words, every chart drawn. Of series the readings are drawn with the incidents.

use askama::Template;
use enkoder::anomaly::{Change, Detector, Guarantee, Reason, Value};

use super::along::Along;
use super::clock;
use super::collector::{Collector, Shown};
use super::course::{Drawing, Panel};
use super::stretch;
use super::{Agreement, Event, Moment};
use crate::charts::{ScoreCourse, ScoreHistogram};
use crate::number::{count, duration, grouped, name, significant};
use crate::palette::Theme;
use crate::report::{Frame, ReportError, Tile};

/// Bars of the histogram, about.
const BARS: usize = 70;
/// Flagged spans listed in words.
const SPANS_LISTED: usize = 40;
/// Series that are drawn, readings of each, and incidents in the table.
const DRAWN: usize = 4;
const READINGS_DRAWN: usize = 5;
/// Where fewer readings are named by incidents, others are drawn beside them.
const READINGS_AT_LEAST: usize = 3;
const INCIDENTS: usize = 200;
/// Incidents drawn beside a normal window.
const INCIDENTS_DRAWN: usize = 40;
const LONGEST_NAME: usize = 60;
const LEAST_SHARE: f32 = 0.01;
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
    course_note: String,
    courses: Vec<Course>,
    courses_note: Option<String>,
    incidents: Vec<IncidentRow>,
    incidents_note: Option<String>,
    has_series: bool,
    has_nearest: bool,
    of_series: bool,
    spans: Vec<[String; 3]>,
    spans_note: Option<String>,
    worst: Vec<WorstRow>,
    has_labels: bool,
    histogram: String,
    agreement: Vec<(&'static str, String)>,
    facts: Vec<(&'static str, String)>,
}

/// A series that is drawn.
struct Course {
    series: Option<String>,
    drawing: String,
}

struct IncidentRow {
    number: usize,
    series: String,
    start: String,
    end: String,
    lasted: String,
    score: String,
    reason: String,
    /// The reading that moved most, beside its nearest normal window.
    beside: Option<String>,
    verdict: &'static str,
    /// The drawing that it is in, and its part of the axis there.
    place: Option<(usize, f64, f64)>,
}

struct WorstRow {
    place: String,
    beside: Option<String>,
    score: String,
    p_value: String,
    verdict: &'static str,
    label: &'static str,
    reasons: Vec<[String; 5]>,
    change: Option<String>,
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
            frame: Frame::new(format_args!("{data}: anomalies"), lead),
            command_line: name(&command_line, 1000),
            tiles,
            course: if of.of_series { String::new() } else { course(&of) },
            course_note: course_note(&of),
            spans: if of.of_series { Vec::new() } else { spans(&of, one) },
            spans_note: (of.spans_in_all > SPANS_LISTED)
                .then(|| format!("The first {SPANS_LISTED} of {} flagged spans.", grouped(of.spans_in_all))),
            worst: of.worst.iter().map(|shown| worst_row(shown, detector, &of, one)).collect(),
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
        Guarantee::Discoveries => format!("of the flagged {many} at most {rate} % are normal, on the average"),
        Guarantee::Quantile => format!("{rate} % of {many} like the {rows} calibrated on lie above"),
        Guarantee::BestF1 => "chosen with labels for the best F1 on them".to_owned(),
    }
}

/// The series that are drawn: those with the highest incidents first.
fn drawn<'a>(of: &'a Collector, incidents: &[Event]) -> Vec<(&'a str, &'a Along)> {
    let highest = |series: &str| {
        let of = incidents.iter().filter(|event| event.series.as_deref().unwrap_or_default() == series);
        of.map(|event| event.score).fold(f32::NEG_INFINITY, f32::max)
    };
    let mut all: Vec<(f32, &str, &Along)> =
        of.along.iter().map(|(series, along)| (highest(series), series.as_str(), along)).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.into_iter().take(DRAWN).map(|(_, series, along)| (series, along)).collect()
}

/// The readings that are drawn of a series: those that its incidents name, the highest first, and then others.
fn readings_of(of: &Collector, events: &[&Event]) -> Vec<usize> {
    let mut by_score: Vec<&&Event> = events.iter().collect();
    by_score.sort_by(|a, b| b.score.total_cmp(&a.score));
    let place = |column: &String| of.readings.iter().position(|reading| reading.0 == *column);
    let mut named: Vec<usize> = Vec::new();
    // The first column of each incident, before any second one.
    let most = events.iter().map(|event| event.columns.len()).max().unwrap_or(0);
    for rank in 0..most {
        for place in by_score.iter().filter_map(|event| place(event.columns.get(rank)?)) {
            if named.len() < READINGS_DRAWN && !named.contains(&place) {
                named.push(place);
            }
        }
    }
    for other in 0..of.readings.len() {
        if named.len() < READINGS_AT_LEAST && !named.contains(&other) {
            named.push(other);
        }
    }
    named
}

fn course_of(of: &Collector, series: &str, along: &Along, incidents: &[Event]) -> Course {
    let numbered =
        incidents.iter().enumerate().filter(|(_, event)| event.series.as_deref().unwrap_or_default() == series);
    let (numbers, events): (Vec<usize>, Vec<&Event>) = numbered.map(|(number, event)| (number + 1, event)).unzip();
    let names: Vec<String> = of.readings.iter().map(|(reading, _)| name(reading, LONGEST_NAME)).collect();
    let panel = |reading: usize| {
        let bins = along.reading(reading).enumerate().map(|(bin, value)| {
            let (from, to) = along.span(bin);
            (from, to, value)
        });
        Panel { name: &names[reading], bins: bins.collect() }
    };
    let score = along.bins.iter().enumerate().map(|(bin, of)| {
        let (from, to) = along.span(bin);
        (from, to, of.highest.map(|high| (high.into(), high.into())))
    });
    let threshold = if of.threshold_moves { "score, and where the threshold begins" } else { "score and threshold" };
    let places = events.iter().map(|event| place_of(event, along));
    let drawing = Drawing {
        label: "Readings over time with the incidents shaded, and the score below",
        from: along.origin,
        to: along.end(),
        is_time: along.is_time,
        readings: readings_of(of, &events).into_iter().map(panel).collect(),
        score: Panel { name: threshold, bins: score.collect() },
        threshold: f64::from(of.threshold.score),
        incidents: numbers.into_iter().zip(places).map(|(number, (from, to))| (number, from, to)).collect(),
        labelled: along.labelled(),
    };
    Course { series: (!series.is_empty()).then(|| name(series, LONGEST_NAME)), drawing: drawing.draw() }
}

/// Where an incident is on the axis of its series: to the end of its last moment.
fn place_of(event: &Event, along: &Along) -> (f64, f64) {
    let at = |moment: &Moment| match (along.is_time, moment.seconds) {
        (true, Some(seconds)) => seconds,
        (true, None) => f64::NAN,
        (false, _) => moment.row as f64 - 1.0,
    };
    let (from, to) = (at(&event.start), at(&event.end));
    (from, to + if along.is_time { 0.0 } else { 1.0 })
}

fn incident_row(number: usize, event: &Event, drawn: &[(&str, &Along)]) -> IncidentRow {
    let shown = |moment: &Moment| match &moment.time {
        // Seconds since 1970 are read by nobody.
        Some(time) if time.trim().parse::<f64>().is_ok() => {
            moment.seconds.and_then(clock::shown).unwrap_or_else(|| name(time, LONGEST_NAME))
        }
        Some(time) => name(time, LONGEST_NAME),
        None => format!("row {}", grouped(moment.row)),
    };
    let seconds = event.end.seconds.zip(event.start.seconds).map(|(end, start)| duration(end - start));
    let series = event.series.as_deref().unwrap_or_default();
    let place = drawn.iter().position(|(name, _)| *name == series).and_then(|course| {
        let along = drawn[course].1;
        let part = |place: f64| (place - along.origin) / (along.end() - along.origin);
        let (from, to) = place_of(event, along);
        let (from, to) = (part(from), part(to));
        (from.is_finite() && to.is_finite()).then_some((course, from, to))
    });
    IncidentRow {
        number,
        series: name(series, LONGEST_NAME),
        start: shown(&event.start),
        end: shown(&event.end),
        lasted: seconds.unwrap_or_else(|| count(event.end.row + 1 - event.start.row, "row", "rows")),
        score: significant(f64::from(event.score), 3),
        reason: name(&event.reason, 600),
        beside: event
            .nearest
            .as_ref()
            .filter(|_| number <= INCIDENTS_DRAWN)
            .map(|nearest| stretch::draw(event, nearest)),
        verdict: match event.right {
            Some(true) => "hit",
            Some(false) => "false alarm",
            None => "",
        },
        place,
    }
}

fn course(of: &Collector) -> String {
    let rows = of.bin_rows as f64;
    let bins = || of.over_time.iter().enumerate();
    ScoreCourse {
        label: "The score over all rows, with the threshold and what was flagged",
        size: (1080.0, 320.0),
        points: bins().map(|(bin, of)| ((bin as f64 + 0.5) * rows, of.highest.map(f64::from))).collect(),
        threshold: threshold_of(of),
        flagged: of.spans.iter().map(|span| (span.first as f64, span.last as f64)).collect(),
        labelled: bins()
            .filter(|(_, bin)| bin.positive)
            .map(|(bin, _)| (bin as f64 * rows, (bin + 1) as f64 * rows - 1.0))
            .collect(),
        rows: of.over_time.len() as f64 * rows,
    }
    .draw(Theme::Page)
}

/// A threshold beyond all scores is none to be drawn.
fn threshold_of(of: &Collector) -> f64 {
    if of.threshold.score.is_finite() { of.threshold.score.into() } else { f64::NAN }
}

fn course_note(of: &Collector) -> String {
    let mut note = match of.bin_rows {
        _ if of.of_series => {
            let bars = " Bars below the score are spans labelled as anomalies.";
            let labelled = if of.positives.is_some_and(|positives| positives > 0) { bars } else { "" };
            format!("Incidents are shaded and numbered as in the table below.{labelled}")
        }
        1 => "The score of each row.".to_owned(),
        rows => format!("The highest score of every {} rows.", grouped(rows)),
    };
    if let (Some(first), Some(last)) = (&of.first_time, &of.last_time) {
        note += &format!(" From {} to {}.", name(first, LONGEST_NAME), name(last, LONGEST_NAME));
    }
    if of.without_score > 0 {
        let rows = count(of.without_score, "row", "rows");
        note += &format!(
            " {rows} have no score: a value is infinite, all values are missing, or no window fits around them."
        );
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
        threshold: threshold_of(of),
    }
    .draw(Theme::Page)
}

fn worst_row(shown: &Shown, detector: &Detector, of: &Collector, one: &str) -> WorstRow {
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
        change: change(shown, detector, of.threshold.score),
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

/// The smallest change found with which a row of a table would not have been flagged.
fn change(shown: &Shown, detector: &Detector, limit: f32) -> Option<String> {
    let flagged = shown.flagged && !shown.values.is_empty();
    let found = flagged.then(|| detector.counterfactual(&shown.values, limit).ok().flatten())?;
    let one = |change: &Change| {
        format!("{} {} instead of {}", name(&change.column, LONGEST_NAME), value(&change.becomes), value(&change.was))
    };
    Some(found.map_or("No small change was found with which it would not have been flagged.".to_owned(), |found| {
        let changes: Vec<String> = found.columns.iter().map(one).collect();
        format!("Not flagged with {}.", changes.join(", "))
    }))
}

fn value(value: &Value) -> String {
    match value {
        Value::Number(number) => significant(f64::from(*number), 4),
        Value::Word(word) => name(word, LONGEST_NAME),
        Value::Missing => "missing".to_owned(),
    }
}

fn reason(reason: &Reason) -> [String; 5] {
    let number = |value: f32| significant(f64::from(value), 4);
    [
        name(&reason.column, LONGEST_NAME),
        format!("{} %", significant(100.0 * f64::from(reason.share), 2)),
        value(&reason.observed),
        match reason.spread {
            Some(spread) => format!("{} ± {}", value(&reason.expected), significant(f64::from(spread), 2)),
            None => value(&reason.expected),
        },
        reason.usual.map_or("–".into(), |(low, high)| format!("{} to {}", number(low), number(high))),
    ]
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
