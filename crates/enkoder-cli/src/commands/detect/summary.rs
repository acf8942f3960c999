//! What scoring amounts to: how much was flagged, and how well that agrees with labels, where there are some.

use std::collections::BTreeMap;
use std::fmt;

use enkoder::anomaly::{Detector, NoScore, NormalLabels};
use enkoder::metrics::{Confusion, MetricError, auroc, average_precision, vus_pr};
use enkoder_report::detection::ByIncident;
use serde::Serialize;
use serde_json::{Value, json};

use super::following::Told;
use super::labels::named;
use super::scoring::ScoredRow;
use crate::wording;

/// More than so many times what was asked for is far more, where chance makes that with at most this probability.
const FAR_MORE: f64 = 5.0;
const CHANCE: f64 = 1e-3;

/// An area below this says that labels mean the opposite.
const REVERSED: f64 = 0.3;

/// Counts of the rows so far. Scores are kept only where labels are given, for ranking needs all of them.
pub struct Summary<'a> {
    labels: Option<&'a NormalLabels>,
    /// Rows whose label says normal, or an anomaly, and rows without a label.
    labelled: [usize; 2],
    pub unlabelled: usize,
    pub rows: usize,
    pub flagged: usize,
    /// Rows without a score: in stretches shorter than a window, and by themselves, of which the first is told.
    short: usize,
    pub unscorable: usize,
    first_unscorable: Option<String>,
    scores: Vec<f32>,
    /// Whether each of these was flagged: 1, or 0.
    flags: Vec<f32>,
    positive: Vec<bool>,
    of_series: bool,
    /// Labelled rows of each series that follow each other, by the numbers of the first and the last, and whether the next one may be
    /// part of the last span.
    spans: BTreeMap<String, Spans>,
    /// The features that no row had a value of so far.
    unseen: Vec<usize>,
    /// The longest buffer for VUS-PR: of series that are one.
    buffer: Option<usize>,
}

#[derive(Default)]
struct Spans {
    /// Rows labelled as anomalies.
    spans: Vec<(usize, usize)>,
    /// Rows without a label.
    unlabelled: Vec<(usize, usize)>,
    /// What the row before was.
    last: Option<Option<bool>>,
}

impl Spans {
    fn add(&mut self, number: usize, positive: Option<bool>) {
        let spans = match positive {
            Some(true) => Some(&mut self.spans),
            Some(false) => None,
            None => Some(&mut self.unlabelled),
        };
        if let Some(spans) = spans {
            match spans.last_mut() {
                Some(last) if self.last == Some(positive) => last.1 = number,
                _ => spans.push((number, number)),
            }
        }
        self.last = Some(positive);
    }
}

/// For each span whether any of the others overlaps it. Spans are apart from each other, in order, and so are the others.
fn overlapped(spans: &[(usize, usize)], others: &[(usize, usize)]) -> Vec<bool> {
    let overlapped = |&(first, last): &(usize, usize)| {
        let next = others.partition_point(|other| other.1 < first);
        others.get(next).is_some_and(|other| other.0 <= last)
    };
    spans.iter().map(overlapped).collect()
}

impl<'a> Summary<'a> {
    /// Of rows with these labels, where they have some.
    pub fn new(detector: &Detector, labels: Option<&'a NormalLabels>) -> Self {
        let one = detector.series_columns().group.is_none();
        let buffer = detector.windows().filter(|_| one).map(|windows| windows.length);
        Self {
            labels,
            labelled: [0; 2],
            unlabelled: 0,
            rows: 0,
            flagged: 0,
            short: 0,
            unscorable: 0,
            first_unscorable: None,
            scores: Vec::new(),
            flags: Vec::new(),
            positive: Vec::new(),
            of_series: detector.windows().is_some(),
            spans: BTreeMap::new(),
            unseen: (0..detector.features()).collect(),
            buffer,
        }
    }

    pub fn without_score(&self) -> usize {
        self.short + self.unscorable
    }

    /// Sees that something was scored.
    ///
    /// # Errors
    /// Where there were rows and none of them has a score.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.rows == 0 || self.without_score() < self.rows {
            return Ok(());
        }
        let hint = match self.short > 0 {
            true => "give more rows without a gap, or fit with a shorter --window",
            false => "look at the values that the message names",
        };
        anyhow::bail!("nothing could be scored: {self}\nhint: {hint}")
    }

    /// What the labels mean, and how many rows have them; nothing where there are none.
    pub fn labels(&self) -> Value {
        let [normal, anomalies] = self.labelled;
        self.labels.map_or(Value::Null, |labels| {
            json!({
                "normal": labels.normal(), "anomalies": labels.anomalies(),
                "rows_normal": normal, "rows_anomalies": anomalies, "rows_unlabelled": self.unlabelled,
            })
        })
    }

    /// The same in words.
    pub fn labels_in_words(&self) -> String {
        let Some(labels) = self.labels else { return String::new() };
        let by = |names: &[String]| if names.is_empty() { String::new() } else { format!(" ({})", named(names)) };
        let [normal, anomalies] = self.labelled;
        let mut text = format!(
            "labels: {} normal{}, and {} anomalous{} (--normal LABEL says otherwise)",
            wording::counted(normal, "row is", "rows are"),
            by(labels.normal()),
            wording::counted(anomalies, "is", "are"),
            by(labels.anomalies())
        );
        if self.unlabelled > 0 {
            let rows = wording::counted(self.unlabelled, "row has", "rows have");
            text += &format!("; {rows} no label, and the figures leave them out");
        }
        text
    }

    /// That labels seem to mean the opposite, by this area.
    pub fn reversed(&self, auroc: f64) -> Option<String> {
        let anomalies = self.labels?.anomalies();
        (auroc < REVERSED).then(|| {
            format!(
                "hint: what is labelled as an anomaly has the lower scores; if these labels mean normal rows, name them: --normal {}",
                anomalies.join(",")
            )
        })
    }

    /// That far more is flagged than this part of rows, and the way out. Rows labelled as anomalies should be flagged, and do not count. `window` is the rows of a window: moments that share one
    /// depend on each other, so that only so many as are apart count.
    pub fn far_more_than(&self, rate: f64, window: usize) -> Option<String> {
        let is_normal = |&place: &usize| !self.positive[place];
        let (scored, flagged, which) = match self.labels {
            None => (self.rows - self.without_score(), self.flagged, "rows"),
            Some(_) => {
                let normal = (0..self.positive.len()).filter(is_normal);
                (
                    normal.clone().count(),
                    normal.filter(|&place| self.flags[place] > 0.0).count(),
                    "rows labelled as normal",
                )
            }
        };
        let share = flagged as f64 / scored.max(1) as f64;
        // The bound of Chernoff: the probability of this share and more is at most exp(-n KL(share, rate)).
        let part = |share: f64, rate: f64| if share > 0.0 { share * (share / rate).ln() } else { 0.0 };
        let divergence = part(share, rate) + part(1.0 - share, 1.0 - rate);
        let far = share > FAR_MORE * rate && (scored / window) as f64 * divergence > -CHANCE.ln();
        far.then(|| {
            format!(
                "{:.0} % of the {which} are flagged, where {} was asked for: the data is unlike what the detector learned\n\
                 hint: fit again to newer rows, without columns that only tell time or count (--ignore COLUMN), or see what \
                 moved: --explain 3",
                100.0 * share,
                wording::percent(rate),
            )
        })
    }

    pub fn add(&mut self, row: &ScoredRow<'_>, flagged: bool) {
        self.rows += 1;
        self.unseen.retain(|&feature| row.values.get(feature).is_none_or(|value| value.is_nan()));
        match row.positive {
            Some(positive) => self.labelled[usize::from(positive)] += 1,
            None => self.unlabelled += 1,
        }
        if self.of_series && self.labels.is_some() {
            let group = row.beside.group.unwrap_or_default();
            if !self.spans.contains_key(group) {
                self.spans.insert(group.to_owned(), Spans::default());
            }
            self.spans.get_mut(group).into_iter().for_each(|spans| spans.add(row.number + 1, row.positive));
        }
        let Some(score) = row.score else {
            match row.no_score {
                Some(NoScore::ShortStretch { .. }) => self.short += 1,
                reason => {
                    self.unscorable += 1;
                    let why = || reason.map(NoScore::to_string).or(row.unread.map(str::to_owned)).unwrap_or_default();
                    let first = || format!("row {}: {}", row.number + 1, why());
                    self.first_unscorable.get_or_insert_with(first);
                }
            }
            return;
        };
        self.flagged += usize::from(flagged);
        if let Some(positive) = row.positive {
            self.scores.push(score);
            self.flags.push(f32::from(u8::from(flagged)));
            self.positive.push(positive);
        }
    }

    /// The columns that no row has a value of, in words.
    pub fn empty_columns(&self, detector: &Detector) -> Option<String> {
        let names: Vec<String> = match detector.schema() {
            Some(schema) => {
                let empty = schema.columns.iter().zip(schema.ranges());
                let empty = empty.filter(|(_, range)| range.clone().all(|feature| self.unseen.contains(&feature)));
                empty.map(|(column, _)| column.name.clone()).collect()
            }
            None => self.unseen.iter().map(|feature| format!("column {}", feature + 1)).collect(),
        };
        let ignored = detector.ignored_columns();
        let names: Vec<String> = names.into_iter().filter(|name| !ignored.contains(name)).collect();
        (!names.is_empty() && self.rows > 0)
            .then(|| format!("no row has a value of {}: the scores rest on the other columns", named(&names)))
    }

    /// Incidents against labelled spans, by overlap, and whether each incident has a labelled moment; none where there are no labels, or
    /// no series. Incidents that only overlap moments without a label are no false alarms.
    pub fn by_incident(&self, incidents: &[Told]) -> Option<(ByIncident, Vec<bool>)> {
        if self.spans.is_empty() {
            return None;
        }
        let (mut found, mut right) = (ByIncident::default(), vec![false; incidents.len()]);
        for (series, Spans { spans, unlabelled, .. }) in &self.spans {
            let of = |told: &&Told| told.series.as_deref().unwrap_or_default() == series;
            let places: Vec<usize> = (0..incidents.len()).filter(|&place| of(&&incidents[place])).collect();
            let told = |&place: &usize| (incidents[place].incident.start.row, incidents[place].incident.end.row);
            let told: Vec<(usize, usize)> = places.iter().map(told).collect();
            let hit = overlapped(spans, &told).into_iter().filter(|&hit| hit).count();
            found.hit += hit;
            found.missed += spans.len() - hit;
            let unknown = overlapped(&told, unlabelled);
            for ((place, labelled), unknown) in places.into_iter().zip(overlapped(&told, spans)).zip(unknown) {
                right[place] = labelled;
                found.false_alarms += usize::from(!labelled && !unknown);
            }
        }
        Some((found, right))
    }

    /// How well the scores tell the labels apart; none without labels.
    pub fn judgement(&self) -> anyhow::Result<Option<Judgement>> {
        if self.positive.is_empty() {
            return Ok(None);
        }
        let (scores, positive) = (&self.scores[..], &self.positive[..]);
        let counts = Confusion::at(&self.flags, positive, 1.0)?;
        // Labels of one class rank nothing; what can be counted still can.
        let ranked = |figure: Result<f64, MetricError>| match figure {
            Err(MetricError::OneClass { .. }) => Ok(None),
            figure => figure.map(Some),
        };
        Ok(Some(Judgement {
            auroc: ranked(auroc(scores, positive))?,
            average_precision: ranked(average_precision(scores, positive))?,
            vus_pr: self.buffer.map_or(Ok(None), |buffer| ranked(vus_pr(scores, positive, buffer)))?,
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
            by_incident: None,
        }))
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} flagged", wording::grouped(self.flagged), wording::counted(self.rows, "row", "rows"))?;
        if self.short > 0 {
            write!(f, "; {} have no score, in stretches shorter than a window", wording::grouped(self.short))?;
        }
        if let Some(first) = &self.first_unscorable {
            let count = wording::grouped(self.unscorable);
            write!(f, "; {count} have no score because they cannot be scored (the first is {first})")?;
        }
        Ok(())
    }
}

/// Agreement with labels. What ranks is undefined where all labels are of one class.
#[derive(Clone, Copy, Serialize)]
pub struct Judgement {
    pub auroc: Option<f64>,
    pub average_precision: Option<f64>,
    /// Of a series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vus_pr: Option<f64>,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    /// Of a series: incidents against labelled spans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_incident: Option<ByIncident>,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { auroc, average_precision, vus_pr, precision, recall, f1, by_incident } = self;
        match auroc.zip(*average_precision) {
            Some((auroc, average_precision)) => {
                write!(f, "against the labels: AUROC {auroc:.3}, average precision {average_precision:.3}")?;
            }
            None => write!(f, "against the labels: AUROC is undefined, for all of them are of one class")?,
        }
        if let Some(volume) = vus_pr {
            write!(f, ", VUS-PR {volume:.3}")?;
        }
        write!(f, "; at the threshold precision {precision:.3}, recall {recall:.3}, F1 {f1:.3}")?;
        let Some(ByIncident { hit, missed, false_alarms }) = by_incident else { return Ok(()) };
        let spans = wording::counted(hit + missed, "labelled span", "labelled spans");
        let alarms = wording::counted(*false_alarms, "incident", "incidents");
        write!(f, "\nincidents hit {} of {spans}; {alarms} outside of any", wording::grouped(*hit))
    }
}
