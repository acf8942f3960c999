//! What is kept of scored rows: the worst with their reasons, the course of the score in bins that grow wider as rows come, the
//! spans that were flagged, and a histogram.

use std::collections::BTreeMap;

use enkoder::anomaly::{AnomalyError, Detector, Reason, Threshold};

use super::along::Along;
use super::page::DetectionReport;
use super::{Agreement, Event, Row};

/// Rows that are shown with their reasons, and columns for each.
const WORST: usize = 20;
const REASONS: usize = 3;
/// Bins over time and over scores; twice as many are halved.
const BINS: usize = 600;
/// Flagged spans that are kept; of more only the number.
const SPANS: usize = 2000;
/// Readings of a series that are kept to be drawn, and series.
const READINGS: usize = 64;
const SERIES: usize = 16;
/// Score that one bin of the histogram is wide at first.
const FINEST: f64 = 0.01;

/// A row that is shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) number: usize,
    pub(super) time: Option<String>,
    pub(super) group: Option<String>,
    pub(super) score: f32,
    pub(super) flagged: bool,
    pub(super) positive: Option<bool>,
    pub(super) reasons: Vec<Reason>,
    /// Of a table.
    pub(super) values: Vec<f32>,
}

/// Some rows that follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bin {
    /// The highest score; none where no row has one.
    pub(super) highest: Option<f32>,
    pub(super) flagged: bool,
    pub(super) positive: bool,
}

/// Flagged rows that follow each other directly, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: usize,
    pub(super) last: usize,
}

/// Takes scored rows.
#[derive(Clone, Debug)]
pub struct Collector {
    pub(super) threshold: Threshold,
    pub(super) threshold_moves: bool,
    pub(super) rows: usize,
    pub(super) flagged: usize,
    pub(super) without_score: usize,
    pub(super) positives: Option<usize>,
    /// Of these, flagged ones.
    pub(super) hits: usize,
    /// From the worst on.
    pub(super) worst: Vec<Shown>,
    pub(super) over_time: Vec<Bin>,
    /// Rows of a bin.
    pub(super) bin_rows: usize,
    pub(super) spans: Vec<Span>,
    pub(super) spans_in_all: usize,
    pub(super) histogram: Vec<usize>,
    /// Score that a bin of the histogram is wide.
    pub(super) bin_width: f64,
    pub(super) first_time: Option<String>,
    pub(super) last_time: Option<String>,
    /// The readings that can be drawn, by name and place among a row's values; none where rows are no moments of a series.
    pub(super) readings: Vec<(String, usize)>,
    /// Seconds between two moments.
    step: Option<f64>,
    /// Whether rows are moments of series; what is kept of each, and whether there are more.
    pub(super) of_series: bool,
    /// Of moments nearer to each other than so many rows, only the worst is shown; 0 where rows do not follow each other.
    apart: usize,
    pub(super) along: BTreeMap<String, Along>,
    pub(super) more_series: bool,
}

impl Collector {
    /// For rows of this threshold.
    pub fn new(threshold: Threshold) -> Self {
        Self {
            threshold,
            threshold_moves: false,
            rows: 0,
            flagged: 0,
            without_score: 0,
            positives: None,
            hits: 0,
            worst: Vec::new(),
            over_time: Vec::new(),
            bin_rows: 1,
            spans: Vec::new(),
            spans_in_all: 0,
            histogram: Vec::new(),
            bin_width: FINEST,
            first_time: None,
            last_time: None,
            readings: Vec::new(),
            step: None,
            of_series: false,
            apart: 0,
            along: BTreeMap::new(),
            more_series: false,
        }
    }

    /// The same, which keeps the course of each series of a detector of series, to draw it.
    pub fn with_series_of(mut self, detector: &Detector) -> Self {
        self.of_series = detector.windows().is_some();
        self.apart = detector.windows().map_or(0, |windows| windows.length);
        let (columns, schema) = (detector.series_columns(), detector.schema());
        self.step = columns.every.or(columns.step);
        let named = schema.into_iter().flat_map(|schema| schema.columns.iter().zip(schema.ranges()));
        let numbers = named.filter(|(column, _)| column.categories().is_none());
        self.readings = match schema {
            Some(_) => numbers.map(|(column, range)| (column.name.clone(), range.start)).take(READINGS).collect(),
            None => (0..detector.features().min(READINGS)).map(|at| (format!("feature{}", at + 1), at)).collect(),
        };
        self
    }

    /// The same, where the threshold rises from there while more is flagged than was asked for, and falls back.
    pub fn with_moving_threshold(self, moves: bool) -> Self {
        Self { threshold_moves: moves, ..self }
    }

    /// Takes a row, in any order.
    ///
    /// # Errors
    /// When the row's reasons cannot be found.
    pub fn add(&mut self, row: &Row<'_>) -> Result<(), AnomalyError> {
        self.rows += 1;
        if let Some(time) = row.time {
            self.first_time.get_or_insert_with(|| time.to_owned());
            let last = self.last_time.get_or_insert_default();
            last.clear();
            last.push_str(time);
        }
        if self.of_series {
            self.draw(row);
        }
        if let Some(positive) = row.positive {
            *self.positives.get_or_insert(0) += usize::from(positive);
        }
        let bin = self.bin_of(row.number);
        bin.positive |= row.positive == Some(true);
        bin.flagged |= row.flagged;
        let Some(score) = row.score else {
            self.without_score += 1;
            return Ok(());
        };
        bin.highest = Some(bin.highest.map_or(score, |highest| highest.max(score)));
        self.count(score);
        if row.flagged {
            self.flagged += 1;
            self.hits += usize::from(row.positive == Some(true));
            self.span(row.number);
        }
        let apart = self.apart;
        let near = |shown: &Shown| shown.number.abs_diff(row.number) < apart && shown.group.as_deref() == row.group;
        let among_worst = self.worst.len() < WORST || self.worst.last().is_some_and(|last| score > last.score);
        if among_worst && !self.worst.iter().any(|shown| near(shown) && shown.score >= score) {
            self.worst.retain(|shown| !near(shown));
            let place = self.worst.partition_point(|shown| shown.score >= score);
            let shown = Shown {
                number: row.number,
                time: row.time.map(str::to_owned),
                group: row.group.map(str::to_owned),
                score,
                flagged: row.flagged,
                positive: row.positive,
                reasons: (row.reasons)(REASONS)?,
                values: if self.of_series { Vec::new() } else { row.values.to_vec() },
            };
            self.worst.insert(place, shown);
            self.worst.truncate(WORST);
        }
        Ok(())
    }

    /// The report of all rows that came.
    pub fn finish(
        self,
        detector: &Detector,
        data: &str,
        agreement: Option<Agreement>,
        incidents: &[Event],
        command_line: String,
    ) -> DetectionReport {
        DetectionReport::new(self, detector, data, agreement, incidents, command_line)
    }

    fn draw(&mut self, row: &Row<'_>) {
        let group = row.group.unwrap_or_default();
        if !self.along.contains_key(group) {
            self.more_series |= self.along.len() == SERIES;
            if self.more_series {
                return;
            }
            self.along.insert(group.to_owned(), Along::new(row, self.step, self.readings.len()));
        }
        if let Some(along) = self.along.get_mut(group) {
            along.add(row, self.readings.iter().map(|reading| reading.1));
        }
    }

    fn bin_of(&mut self, number: usize) -> &mut Bin {
        while number / self.bin_rows >= 2 * BINS {
            self.bin_rows *= 2;
            let halved = self.over_time.chunks(2).map(|pair| {
                pair.iter().fold(Bin::default(), |sum, bin| Bin {
                    // None is less than any.
                    highest: if sum.highest > bin.highest { sum.highest } else { bin.highest },
                    flagged: sum.flagged | bin.flagged,
                    positive: sum.positive | bin.positive,
                })
            });
            self.over_time = halved.collect();
        }
        let at = number / self.bin_rows;
        if at >= self.over_time.len() {
            self.over_time.resize(at + 1, Bin::default());
        }
        &mut self.over_time[at]
    }

    fn count(&mut self, score: f32) {
        let score = f64::from(score).max(0.0);
        while score / self.bin_width >= (2 * BINS) as f64 {
            self.bin_width *= 2.0;
            self.histogram = self.histogram.chunks(2).map(|pair| pair.iter().sum()).collect();
        }
        let at = (score / self.bin_width) as usize;
        if at >= self.histogram.len() {
            self.histogram.resize(at + 1, 0);
        }
        self.histogram[at] += 1;
    }

    fn span(&mut self, number: usize) {
        match self.spans.last_mut() {
            Some(span) if number == span.last + 1 => span.last = number,
            _ => {
                self.spans_in_all += 1;
                if self.spans.len() < SPANS {
                    self.spans.push(Span { first: number, last: number });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enkoder::anomaly::Guarantee;

    fn empty() -> Collector {
        Collector::new(Threshold { score: 5.0, rate: 0.01, guarantee: Guarantee::Conformal })
    }

    fn collected(scores: impl IntoIterator<Item = f32>) -> Collector {
        collected_into(empty(), scores)
    }

    fn collected_into(mut collector: Collector, scores: impl IntoIterator<Item = f32>) -> Collector {
        for (number, score) in scores.into_iter().enumerate() {
            let none = |_| Ok(Vec::new());
            let row = Row {
                number,
                time: None,
                seconds: None,
                values: &[],
                group: None,
                score: Some(score),
                flagged: score >= 5.0,
                positive: None,
                reasons: &none,
            };
            collector.add(&row).unwrap();
        }
        collector
    }

    #[test]
    fn what_is_kept_is_bounded_and_nothing_high_is_lost() {
        let rows = 50_000;
        let collector = collected((0..rows).map(|row| if row % 10 == 9 { 6.0 + row as f32 / 1e3 } else { 1.0 }));
        assert!(collector.over_time.len() < 2 * BINS && collector.histogram.len() <= 2 * BINS);
        assert_eq!(collector.histogram.iter().sum::<usize>(), rows);
        assert_eq!((collector.flagged, collector.spans_in_all, collector.spans.len()), (5000, 5000, SPANS));
        assert_eq!(collector.worst.len(), WORST);
        assert_eq!(collector.worst[0].number, rows - 1);
        assert!(collector.worst.windows(2).all(|pair| pair[0].score >= pair[1].score));
        assert_eq!(collector.over_time.iter().filter_map(|bin| bin.highest).fold(0.0, f32::max), 55.999);
    }

    #[test]
    fn of_moments_near_to_each_other_the_worst_is_shown() {
        let scores = [1.0, 7.0, 9.0, 9.0, 8.0, 1.0, 6.0];
        let shown = |collector: Collector| -> Vec<usize> { collector.worst.iter().map(|shown| shown.number).collect() };
        assert_eq!(shown(collected(scores)), [2, 3, 4, 1, 6, 0, 5]);
        assert_eq!(shown(collected_into(Collector { apart: 3, ..empty() }, scores)), [2, 6]);
    }

    #[test]
    fn rows_flagged_one_after_the_other_are_one_span() {
        let collector = collected([1.0, 9.0, 9.0, 1.0, 9.0]);
        assert_eq!(collector.spans, [Span { first: 1, last: 2 }, Span { first: 4, last: 4 }]);
    }
}
