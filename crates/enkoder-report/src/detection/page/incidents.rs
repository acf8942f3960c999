//! Incidents in words, and the series that they are in as drawings.

use super::LONGEST_NAME;
use crate::detection::along::Along;
use crate::detection::clock::{self, Ticks};
use crate::detection::collector::Collector;
use crate::detection::course::{Drawing, Panel};
use crate::detection::{Event, Moment, stretch};
use crate::number::{count, duration, grouped, name, significant};

/// Series that are drawn, and readings of each.
const DRAWN: usize = 4;
const READINGS_DRAWN: usize = 5;
/// Where fewer readings are named by incidents, others are drawn beside them.
const READINGS_AT_LEAST: usize = 3;
/// Incidents drawn beside a normal window.
const INCIDENTS_DRAWN: usize = 40;

/// A series that is drawn.
pub(super) struct Course {
    pub(super) series: Option<String>,
    pub(super) drawing: String,
}

pub(super) struct IncidentRow {
    pub(super) number: usize,
    pub(super) series: String,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) lasted: String,
    pub(super) score: String,
    pub(super) reason: String,
    /// The reading that moved most, beside its nearest normal window.
    pub(super) beside: Option<String>,
    pub(super) verdict: &'static str,
    /// The drawing that it is in, and its part of the axis there.
    pub(super) place: Option<(usize, f64, f64)>,
}

/// The series that are drawn: those with the highest incidents first.
pub(super) fn drawn<'a>(of: &'a Collector, incidents: &[Event]) -> Vec<(&'a str, &'a Along)> {
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

pub(super) fn course_of(of: &Collector, series: &str, along: &Along, incidents: &[Event]) -> Course {
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

pub(super) fn incident_row(number: usize, event: &Event, drawn: &[(&str, &Along)]) -> IncidentRow {
    let series = event.series.as_deref().unwrap_or_default();
    let axis = drawn.iter().find(|(name, _)| *name == series);
    let axis = axis.map(|(_, along)| Ticks::of(along.origin, along.end(), along.is_time));
    let shown = |moment: &Moment| match &moment.time {
        // Seconds since 1970 are read by nobody, and others beside their place on the axis.
        Some(time) if time.trim().parse::<f64>().is_ok() => {
            let beside = || Some(format!("{} ({})", name(time, LONGEST_NAME), axis.as_ref()?.place(moment.seconds?)?));
            let told = moment.seconds.and_then(clock::shown).or_else(beside);
            told.unwrap_or_else(|| name(time, LONGEST_NAME))
        }
        Some(time) => name(time, LONGEST_NAME),
        None => format!("row {}", grouped(moment.row)),
    };
    let seconds = event.end.seconds.zip(event.start.seconds).map(|(end, start)| duration(end - start));
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
