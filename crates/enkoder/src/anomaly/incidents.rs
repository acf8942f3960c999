//! Incidents: flagged moments that belong together. A fault lasts, is seen by many moments, and is one thing to look at. Moments come one
//! by one, and an incident is given as soon as it is over, so that streams and files have the same ones.

use serde::{Deserialize, Serialize};

use super::detector::Detector;
use super::error::AnomalyError;
use super::movement::Movement;
use super::threshold::{Threshold, ThresholdRule};

/// A moment belongs to an incident while it is as odd as so many times the asked-for part of normal moments.
const STAY: f64 = 5.0;
/// A fault that a window sees is seen by about as many moments as a window has; of these at least one in so many must be flagged.
const LEAST: usize = 8;
/// A threshold that moves rises over what lasts. By so many flagged moments it has risen by a quarter of its distance from the
/// usual score, which a single high moment cannot do.
const LEAST_MOVING: usize = 3;

/// Which moments make an incident.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentRule {
    /// A moment with this score and more begins an incident: it is flagged.
    pub begin: f32,
    /// A moment with this score and more belongs to an incident that goes on. At most [`begin`](Self::begin); in between one incident
    /// would else fall into many.
    pub stay: f32,
    /// The fewest flagged moments of an incident: with fewer it is none. At least 1.
    pub least: usize,
    /// So many moments below [`stay`](Self::stay) in a row, or without a score, do not end an incident.
    pub bridge: usize,
}

impl IncidentRule {
    /// What suits a detector and the threshold by which it flags. An incident goes on while moments are as odd as five times the
    /// rate flagged. Two moments of a series whose windows overlap belong together, so pauses up to a window are bridged; a fault is seen
    /// by about as many moments as a window has, so an eighth of that must be flagged. Of tables every flagged row counts, and rows
    /// that follow each other make one incident.
    ///
    /// # Errors
    /// As [`Detector::threshold`].
    pub fn of(detector: &Detector, threshold: &Threshold) -> Result<Self, AnomalyError> {
        let rate = (threshold.rate * STAY).clamp(f64::MIN_POSITIVE, 0.5);
        let stay = detector.threshold(ThresholdRule::FalseAlarm(rate))?.score.min(threshold.score);
        let window = detector.windows().map_or(1, |windows| windows.length);
        Ok(Self { begin: threshold.score, stay, least: (window / LEAST).max(1), bridge: window - 1 })
    }

    /// The same rule for a threshold that moves, which flags only the beginning of what lasts: no more than five moments must be
    /// flagged.
    pub fn of_moving(self) -> Self {
        Self { least: self.least.min(LEAST_MOVING), ..self }
    }

    /// The same rule where the threshold has moved: what begins an incident, and what belongs to one, move alike.
    pub fn at(self, begin: f32) -> Self {
        Self { begin, stay: self.stay + (begin - self.begin), ..self }
    }
}

/// Flagged moments that belong together. `T` is what the caller knows a moment by: its row, its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Incident<T> {
    /// The first moment, which is flagged.
    pub start: T,
    /// The last moment that belongs to it.
    pub end: T,
    /// The first of the moments with the highest score.
    pub peak: T,
    /// That score.
    pub score: f32,
    /// Moments from the first to the last.
    pub moments: usize,
    /// How many of them are flagged.
    pub flagged: usize,
    /// How the columns moved at the peak, the one that contributes most first.
    pub columns: Vec<Movement>,
}

/// Puts the moments of one series together.
///
/// ```
/// use enkoder::anomaly::{IncidentRule, Incidents};
///
/// let rule = IncidentRule { begin: 5.0, stay: 3.0, least: 1, bridge: 1 };
/// let mut incidents = Incidents::new(rule);
/// let scores = [1.0, 6.0, 4.0, 1.0, 9.0, 1.0, 1.0, 5.0];
/// let mut found: Vec<(usize, usize, usize)> = Vec::new();
/// for (moment, score) in scores.into_iter().enumerate() {
///     let over = incidents.push(moment, Some(score), || Ok::<_, ()>(Vec::new())).unwrap();
///     found.extend(over.map(|incident| (incident.start, incident.end, incident.peak)));
/// }
/// found.extend(incidents.end().map(|incident| (incident.start, incident.end, incident.peak)));
/// assert_eq!(found, [(1, 4, 4), (7, 7, 7)]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incidents<T> {
    rule: IncidentRule,
    open: Option<Incident<T>>,
    /// Moments behind the last one that belongs to the open incident.
    pause: usize,
}

impl<T: Clone> Incidents<T> {
    /// No moment so far.
    pub fn new(rule: IncidentRule) -> Self {
        Self { rule, open: None, pause: 0 }
    }

    /// From here on moments, also those of an incident that goes on, are judged by this rule.
    pub fn set_rule(&mut self, rule: IncidentRule) {
        self.rule = rule;
    }

    /// Takes the next moment, and gives the incident that is over by it. `columns` is asked how the columns moved, where the moment is the
    /// oddest of its incident so far.
    ///
    /// # Errors
    /// That of `columns`.
    pub fn push<E>(
        &mut self,
        moment: T,
        score: Option<f32>,
        columns: impl FnOnce() -> Result<Vec<Movement>, E>,
    ) -> Result<Option<Incident<T>>, E> {
        let flagged = score.is_some_and(|score| score >= self.rule.begin);
        let stays = score.is_some_and(|score| score >= self.rule.stay.min(self.rule.begin));
        let Some(open) = &mut self.open else {
            if let Some(score) = score.filter(|_| flagged) {
                let (start, peak, columns) = (moment.clone(), moment.clone(), columns()?);
                self.open = Some(Incident { start, end: moment, peak, score, moments: 1, flagged: 1, columns });
                self.pause = 0;
            }
            return Ok(None);
        };
        let Some(score) = score.filter(|_| stays) else {
            self.pause += 1;
            return Ok(if self.pause > self.rule.bridge { self.end() } else { None });
        };
        if score > open.score {
            (open.score, open.peak, open.columns) = (score, moment.clone(), columns()?);
        }
        open.end = moment;
        open.moments += std::mem::take(&mut self.pause) + 1;
        open.flagged += usize::from(flagged);
        Ok(None)
    }

    /// Ends the incident that goes on, and gives it: the series is over, or what comes is behind a gap.
    pub fn end(&mut self) -> Option<Incident<T>> {
        self.pause = 0;
        self.open.take().filter(|incident| incident.flagged >= self.rule.least)
    }

    /// The incident that goes on, where it has enough flagged moments to be one.
    pub fn open(&self) -> Option<&Incident<T>> {
        self.open.as_ref().filter(|incident| incident.flagged >= self.rule.least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules() -> impl Strategy<Value = IncidentRule> {
        let numbers = (1..8u8, 0..4u8, 1..4usize, 0..5usize);
        numbers.prop_map(|(begin, below, least, bridge)| {
            let (begin, stay) = (f32::from(begin), f32::from(begin.saturating_sub(below)));
            IncidentRule { begin, stay, least, bridge }
        })
    }

    fn scores() -> impl Strategy<Value = Vec<Option<f32>>> {
        let score = prop_oneof![1 => Just(None), 6 => (0..9u8).prop_map(|score| Some(f32::from(score)))];
        prop::collection::vec(score, 0..120)
    }

    fn streamed(rule: IncidentRule, scores: &[Option<f32>], saved_after: usize) -> Vec<Incident<usize>> {
        let (mut incidents, mut found) = (Incidents::new(rule), Vec::new());
        for (moment, &score) in scores.iter().enumerate() {
            found.extend(incidents.push(moment, score, || Ok::<_, ()>(Vec::new())).unwrap());
            if moment == saved_after {
                incidents = serde_json::from_str(&serde_json::to_string(&incidents).unwrap()).unwrap();
            }
        }
        found.extend(incidents.end());
        found
    }

    /// The same from all scores at once: runs of moments that stay, joined over short pauses, cut to begin with a flagged one.
    fn at_once(rule: IncidentRule, scores: &[Option<f32>]) -> Vec<(usize, usize, usize)> {
        let is = |moment: usize, level: f32| scores[moment].is_some_and(|score| score >= level);
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for moment in (0..scores.len()).filter(|&moment| is(moment, rule.stay)) {
            match groups.last_mut() {
                Some(group) if moment - group[group.len() - 1] <= rule.bridge + 1 => group.push(moment),
                _ => groups.push(vec![moment]),
            }
        }
        let cut = groups.iter().filter_map(|group| {
            let first = group.iter().position(|&moment| is(moment, rule.begin))?;
            let flagged = group.iter().filter(|&&moment| is(moment, rule.begin)).count();
            (flagged >= rule.least).then(|| (group[first], group[group.len() - 1], flagged))
        });
        cut.collect()
    }

    proptest! {
        #[test]
        fn a_stream_has_the_incidents_that_all_scores_at_once_have(
            rule in rules(), scores in scores(), saved_after in 0..120usize,
        ) {
            let found = streamed(rule, &scores, saved_after);
            let summary: Vec<_> = found.iter().map(|one| (one.start, one.end, one.flagged)).collect();
            prop_assert_eq!(summary, at_once(rule, &scores));
            for one in &found {
                prop_assert_eq!(one.moments, one.end - one.start + 1);
                prop_assert_eq!(Some(one.score), scores[one.peak]);
                let span = &scores[one.start..=one.end];
                prop_assert!(span.iter().flatten().all(|&score| score <= one.score));
            }
        }

        #[test]
        fn incidents_are_apart_in_order_and_hold_every_flagged_moment_that_is_part_of_enough(
            rule in rules(), scores in scores(),
        ) {
            let found = streamed(rule, &scores, 0);
            prop_assert!(found.windows(2).all(|pair| pair[0].end + rule.bridge < pair[1].start));
            let flagged = |moment: &usize| scores[*moment].is_some_and(|score| score >= rule.begin);
            let held = |moment: &usize| found.iter().any(|one| (one.start..=one.end).contains(moment));
            for moment in (0..scores.len()).filter(flagged) {
                // With as many flagged moments in a row as an incident needs, it is held.
                let run = (moment..scores.len()).take_while(flagged).count();
                prop_assert!(run < rule.least || held(&moment), "moment {moment}");
            }
            for one in &found {
                prop_assert!((one.start..=one.end).filter(flagged).count() == one.flagged && one.flagged >= rule.least);
            }
        }
    }

    #[test]
    fn the_columns_are_those_of_the_peak() {
        let mut incidents = Incidents::new(IncidentRule { begin: 2.0, stay: 1.0, least: 1, bridge: 0 });
        let mut asked = Vec::new();
        for (moment, score) in [2.0, 5.0, 3.0, 5.0, 1.0].into_iter().enumerate() {
            let columns = || {
                asked.push(moment);
                Ok::<_, ()>(Vec::new())
            };
            assert!(incidents.push(moment, Some(score), columns).unwrap().is_none());
        }
        assert_eq!(asked, [0, 1]);
        assert_eq!(incidents.open().unwrap().peak, 1);
        assert_eq!(incidents.push(5, None, || Err("none")).unwrap().unwrap().end, 4);
    }
}
