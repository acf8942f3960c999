//! Rows or moments scored as they are read: a reader on one thread, the detector on the others, and nothing kept but what the
//! windows of series still need.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::sync_channel;
use std::thread;

use enkoder::Dataset;
use enkoder::anomaly::{AnomalyError, Detector, Irregularities, NoScore, Reason, Scores, SeriesScorer, Timeline};
use enkoder_data::{Chunk, Chunks, DataError};

use super::moments::{Beside, clock_error};

/// Chunks that wait to be scored.
const WAITING: usize = 2;
/// Values of a chunk.
const CHUNK_VALUES: usize = 1 << 20;

/// How many rows are read at once.
pub fn chunk_rows(detector: &Detector) -> usize {
    (CHUNK_VALUES / detector.features()).clamp(256, 1 << 16)
}

/// A row with its score, or without one.
pub struct ScoredRow<'a> {
    /// Its number in the data, from 0.
    pub number: usize,
    pub beside: Beside<'a>,
    pub score: Option<f32>,
    /// Why it has none, where the detector says so.
    pub no_score: Option<&'a NoScore>,
    /// Whether its label says that it is an anomaly; none where there are no labels.
    pub positive: Option<bool>,
    /// The columns that contribute most, so many of them.
    pub reasons: &'a dyn Fn(usize) -> Result<Vec<Reason>, AnomalyError>,
}

/// Where scored rows go.
pub type Give<'a> = dyn FnMut(&ScoredRow<'_>) -> anyhow::Result<()> + 'a;

/// Scores all chunks while the next ones are read. Gives what was irregular.
pub fn score_all(detector: &Detector, chunks: Chunks, give: &mut Give<'_>) -> anyhow::Result<Irregularities> {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Result<Chunk, DataError>>(WAITING);
        scope.spawn(move || {
            for chunk in chunks {
                if sender.send(chunk).is_err() {
                    // The scoring has failed, and says why.
                    break;
                }
            }
        });
        let mut scoring = Scoring::new(detector);
        for chunk in receiver {
            scoring.chunk(&chunk?, give)?;
        }
        scoring.finish(give)
    })
}

/// Scores of rows so far, and what is waiting.
pub struct Scoring<'a> {
    detector: &'a Detector,
    rows: usize,
    numbers: HashMap<String, usize>,
    series: Vec<Series<'a>>,
}

/// One series.
struct Series<'a> {
    scorer: SeriesScorer<'a>,
    timeline: Timeline,
    /// Rows of the chunk that the scorer has yet to take.
    pending: Vec<usize>,
    /// Rows that wait for their score, and the moment that the first of them is.
    held: VecDeque<Held>,
    moment: usize,
}

struct Held {
    number: usize,
    time: Option<String>,
    group: Option<String>,
    positive: Option<bool>,
}

impl<'a> Scoring<'a> {
    pub fn new(detector: &'a Detector) -> Self {
        Self { detector, rows: 0, numbers: HashMap::new(), series: Vec::new() }
    }

    /// Scores the next rows.
    pub fn chunk(&mut self, chunk: &Chunk, give: &mut Give<'_>) -> anyhow::Result<()> {
        let first = self.rows;
        self.rows += chunk.data.len() + chunk.dropped.len();
        let positive = positives(&chunk.data);
        let columns = self.detector.series_columns();
        if self.detector.windows().is_none() {
            let scores = self.detector.score(&chunk.data)?;
            let rows = chunk.rows().enumerate().filter_map(|(row, place)| Some((row, place?)));
            for ((row, index), (score, no_score)) in rows.zip(each(&scores)) {
                give(&ScoredRow {
                    number: first + row,
                    beside: Beside::of(columns, &chunk.kept, row),
                    score,
                    no_score,
                    positive: positive.as_ref().map(|positive| positive[index]),
                    reasons: &|count| self.detector.explain(&chunk.data, index, count),
                })?;
            }
            return Ok(());
        }
        for (row, place) in chunk.rows().enumerate() {
            let beside = Beside::of(columns, &chunk.kept, row);
            let number = self.series_of(beside.group.unwrap_or_default());
            let series = &mut self.series[number];
            let time = beside.seconds(first + row)?;
            let begins = series.timeline.next(first + row, time);
            let after_gap = begins.map_err(|error| clock_error(error, first + row, beside))?;
            // A row that is dropped leaves a gap, whatever the clock says.
            if after_gap || place.is_none() {
                series.end(&chunk.data, give)?;
            }
            let Some(index) = place else { continue };
            series.pending.push(index);
            series.held.push_back(Held {
                number: first + row,
                time: beside.time.map(str::to_owned),
                group: beside.group.map(str::to_owned),
                positive: positive.as_ref().map(|positive| positive[index]),
            });
        }
        self.series.iter_mut().try_for_each(|series| series.take(&chunk.data, give))
    }

    /// Scores what is left.
    pub fn finish(mut self, give: &mut Give<'_>) -> anyhow::Result<Irregularities> {
        let mut irregularities = Irregularities::default();
        for series in &mut self.series {
            series.finish(give)?;
            irregularities = irregularities.and(series.timeline.irregularities().clone());
        }
        Ok(irregularities)
    }

    fn series_of(&mut self, group: &str) -> usize {
        if let Some(&number) = self.numbers.get(group) {
            return number;
        }
        self.numbers.insert(group.to_owned(), self.series.len());
        self.series.push(Series {
            scorer: SeriesScorer::new(self.detector).expect("it is a detector of series"),
            timeline: Timeline::new(self.detector.series_columns().step),
            pending: Vec::new(),
            held: VecDeque::new(),
            moment: 0,
        });
        self.series.len() - 1
    }
}

impl Series<'_> {
    /// Hands the scorer the rows that it has yet to take.
    fn take(&mut self, data: &Dataset, give: &mut Give<'_>) -> anyhow::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let scores = self.scorer.push(&data.select(&self.pending))?;
        self.pending.clear();
        self.give(&scores, give)
    }

    /// Ends a stretch: what comes is behind a gap.
    fn end(&mut self, data: &Dataset, give: &mut Give<'_>) -> anyhow::Result<()> {
        self.take(data, give)?;
        self.finish(give)
    }

    fn finish(&mut self, give: &mut Give<'_>) -> anyhow::Result<()> {
        let scores = self.scorer.finish()?;
        self.give(&scores, give)
    }

    fn give(&mut self, scores: &Scores, give: &mut Give<'_>) -> anyhow::Result<()> {
        for (held, (score, no_score)) in self.held.drain(..scores.len()).zip(each(scores)) {
            let moment = self.moment;
            give(&ScoredRow {
                number: held.number,
                beside: Beside { time: held.time.as_deref(), group: held.group.as_deref() },
                score,
                no_score,
                positive: held.positive,
                reasons: &|count| self.scorer.explain(moment, count),
            })?;
            self.moment += 1;
        }
        Ok(())
    }
}

/// Each row's score, or why it has none.
fn each(scores: &Scores) -> impl Iterator<Item = (Option<f32>, Option<&NoScore>)> {
    let mut unscored = scores.unscored().iter().peekable();
    scores.iter().enumerate().map(move |(row, &score)| match unscored.next_if(|one| one.row == row) {
        Some(one) => (None, Some(&one.reason)),
        None => (Some(score), None),
    })
}

/// For labelled rows, whether each is an anomaly: 0, false, no and normal mean a usual row, and all else an anomaly.
fn positives(data: &Dataset) -> Option<Vec<bool>> {
    let usual = |class: &String| ["0", "0.0", "false", "no", "normal"].contains(&class.to_lowercase().as_str());
    let odd: Vec<bool> = data.classes()?.iter().map(|class| !usual(class)).collect();
    Some((0..data.len()).map(|row| data.label(row).is_some_and(|label| odd[label as usize])).collect())
}
