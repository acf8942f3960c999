//! The score in charts: of each row, and how it is distributed.

use super::LONGEST_NAME;
use crate::charts::{ScoreCourse, ScoreHistogram, ScorePoint};
use crate::detection::Event;
use crate::detection::collector::Collector;
use crate::number::{count, grouped, name, part, significant};
use crate::palette::Theme;

/// Bars of the histogram, about.
const BARS: usize = 70;
/// Flagged spans listed in words.
const SPANS_LISTED: usize = 40;

pub(super) fn course(of: &Collector) -> String {
    let rows = of.bin_rows as f64;
    let points = of.over_time.iter().enumerate().filter_map(|(bin, of)| {
        let row = (bin as f64 + 0.5) * rows;
        Some(ScorePoint { row, score: of.highest?.into(), flagged: of.flagged, labelled: of.positive })
    });
    ScoreCourse {
        label: "The score of all rows, with the threshold and what was flagged",
        size: (1080.0, 320.0),
        points: points.collect(),
        threshold: threshold_of(of),
        rows: of.over_time.len() as f64 * rows,
    }
    .draw(Theme::Page)
}

/// What was flagged, in a sentence.
pub(super) fn course_finding(of: &Collector, incidents: &[Event], [one, many]: [&str; 2]) -> String {
    if of.of_series {
        let highest = incidents.iter().enumerate().max_by(|a, b| a.1.score.total_cmp(&b.1.score));
        return match highest {
            None => "No incident".to_owned(),
            Some((_, event)) if incidents.len() == 1 => {
                format!("One incident, with a score of up to {}", significant(event.score.into(), 3))
            }
            Some((number, event)) => format!(
                "{} incidents; number {} has the highest score, {}",
                grouped(incidents.len()),
                grouped(number + 1),
                significant(event.score.into(), 3)
            ),
        };
    }
    let flagged = match of.flagged {
        0 => format!("None of {} is flagged", count(of.rows, one, many)),
        1 => format!("One of {} is flagged", count(of.rows, one, many)),
        some => format!("{} of {} are flagged", grouped(some), count(of.rows, one, many)),
    };
    let labelled = |positives: usize| {
        format!("{flagged}, among them {} of the {} labelled as anomalies", grouped(of.hits), grouped(positives))
    };
    of.positives.filter(|&positives| positives > 0).map_or_else(|| flagged.clone(), labelled)
}

/// A threshold beyond all scores is none to be drawn.
fn threshold_of(of: &Collector) -> f64 {
    if of.threshold.score.is_finite() { of.threshold.score.into() } else { f64::NAN }
}

pub(super) fn course_note(of: &Collector, has_incidents: bool) -> String {
    let labelled = of.positives.is_some_and(|positives| positives > 0);
    let mut note = match of.bin_rows {
        _ if of.of_series => {
            let shaded = "Incidents are shaded and numbered as in the table below. ";
            let bars = "Bars below the score are spans labelled as anomalies.";
            let parts = [(has_incidents, shaded), (labelled, bars)].into_iter().filter(|(said, _)| *said);
            parts.map(|(_, text)| text).collect::<String>().trim_end().to_owned()
        }
        1 => "A dot for each row.".to_owned(),
        rows => {
            let ringed = if labelled { ", ringed where one of them is labelled as an anomaly" } else { "" };
            format!("A dot for the highest score of every {} rows{ringed}.", grouped(rows))
        }
    };
    // Of a clock that counts, the axis says more.
    let dates =
        [&of.first_time, &of.last_time].map(|time| time.as_ref().filter(|time| time.trim().parse::<f64>().is_err()));
    if let [Some(first), Some(last)] = dates {
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

pub(super) fn spans(of: &Collector, one: &str) -> Vec<[String; 3]> {
    let long = of.spans.iter().filter(|span| span.last > span.first).take(SPANS_LISTED);
    long.map(|span| {
        [grouped(span.first + 1), grouped(span.last + 1), count(span.last - span.first + 1, one, &format!("{one}s"))]
    })
    .collect()
}

/// What the list of spans leaves out.
pub(super) fn spans_note(of: &Collector) -> Option<String> {
    let long = of.spans.iter().filter(|span| span.last > span.first).count();
    if long > SPANS_LISTED || of.spans_in_all > of.spans.len() {
        return Some(format!("The first {SPANS_LISTED} of many such spans."));
    }
    let single = of.spans.len() - long;
    (single > 0)
        .then(|| format!("{} beside them not next to another.", count(single, "flagged row is", "flagged rows are")))
}

pub(super) fn histogram(of: &Collector, many: &str) -> String {
    let joined = of.histogram.len().div_ceil(BARS).max(1);
    ScoreHistogram {
        label: &format!("How many {many} have which score"),
        size: (540.0, 290.0),
        many,
        counts: of.histogram.chunks(joined).map(|bins| bins.iter().sum()).collect(),
        width: of.bin_width * joined as f64,
        threshold: threshold_of(of),
        begins: of.threshold_moves,
    }
    .draw(Theme::Page)
}

/// How much lies below the threshold; nothing where nothing was scored.
pub(super) fn histogram_finding(of: &Collector, many: &str) -> Option<String> {
    let scored: usize = of.histogram.iter().sum();
    let threshold = threshold_of(of);
    let below = of.histogram.iter().enumerate().filter(|(bin, _)| (*bin as f64 + 0.5) * of.bin_width < threshold);
    let below = below.map(|(_, count)| count).sum();
    let what = if of.threshold_moves { "where the threshold begins" } else { "the threshold" };
    (scored > 0 && !threshold.is_nan())
        .then(|| format!("{} of the {many} score below {what}", capital(&part(below, scored))))
}

pub(super) fn histogram_note(of: &Collector, many: &str) -> String {
    let flagged = if of.threshold_moves {
        "The dotted line is where the threshold begins. It rises while more is flagged than was asked for, so not all to its right are flagged."
    } else {
        "Those to the right of the dotted line are flagged."
    };
    format!("How many {many} have which score, on a logarithmic axis. {flagged}")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
