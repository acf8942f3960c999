//! The worst rows in words: why they are odd, and what would have to be different.

use enkoder::anomaly::{Change, Detector, Reason, Value};

use super::LONGEST_NAME;
use crate::detection::collector::{Collector, Shown};
use crate::number::{grouped, name, percent, significant};

/// Reasons with a smaller share tell nothing.
const LEAST_SHARE: f32 = 0.01;

pub(super) struct WorstRow {
    pub(super) place: String,
    pub(super) beside: Option<String>,
    pub(super) score: String,
    pub(super) p_value: String,
    pub(super) verdict: &'static str,
    pub(super) label: &'static str,
    pub(super) reasons: Vec<[String; 5]>,
    pub(super) change: Option<String>,
}

pub(super) fn worst_row(shown: &Shown, detector: &Detector, of: &Collector, one: &str) -> WorstRow {
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
        format!("{} {} instead of {}", name(&change.column, LONGEST_NAME), exact(&change.becomes), exact(&change.was))
    };
    Some(found.map_or("No small change was found with which it would not have been flagged.".to_owned(), |found| {
        let changes: Vec<String> = found.columns.iter().map(one).collect();
        format!("Not flagged with {}.", changes.join(", "))
    }))
}

/// With all digits: what is said of a change is true of these values.
fn exact(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        other => self::value(other),
    }
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
        percent(f64::from(reason.share)),
        value(&reason.observed),
        match reason.spread {
            Some(spread) => format!("{} ± {}", value(&reason.expected), significant(f64::from(spread), 2)),
            None => value(&reason.expected),
        },
        reason.usual.map_or("–".into(), |(low, high)| format!("{} to {}", number(low), number(high))),
    ]
}
