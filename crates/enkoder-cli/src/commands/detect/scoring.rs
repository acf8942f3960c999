//! Rows or moments scored as they are read: a reader on one thread, the detector on the others, and nothing kept but what the
//! windows of series still need. Rows that have to be put in order first are all in memory.

use std::collections::{HashMap, VecDeque};
use std::iter::Peekable;
use std::mem;
use std::sync::mpsc::sync_channel;
use std::thread;

use enkoder::Dataset;
use enkoder::anomaly::{
    AnomalyError, Detector, Irregularities, NoScore, NormalLabels, Passage, Reason, Scores, SeriesScorer, Timeline,
};
use enkoder_data::{Chunk, Chunks, DataError};
use ndarray::Array2;

use super::clock::Clock;
use super::keeping::Keeping;
use super::moments::{Beside, follow};
use super::ordering::{Changes, OrderOptions, Rows};

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
    /// When it was measured, in seconds, where the clock is read.
    pub seconds: Option<f64>,
    /// Its values, where it has a place in a series or table.
    pub values: &'a [f32],
    /// The cells of the columns that are kept.
    pub kept: &'a [String],
    /// Whether the row before it in its series lies behind a gap.
    pub after_gap: bool,
    pub score: Option<f32>,
    /// Why it has none, where the detector says so.
    pub no_score: Option<&'a NoScore>,
    /// Why it has none, where it could not even be given to the detector.
    pub unread: Option<&'a str>,
    /// Whether its label says that it is an anomaly; none where it has no label.
    pub positive: Option<bool>,
    /// The columns that contribute most, so many of them.
    pub reasons: &'a dyn Fn(usize) -> Result<Vec<Reason>, AnomalyError>,
}

/// Where scored rows go.
pub type Give<'a> = dyn FnMut(&ScoredRow<'_>) -> anyhow::Result<()> + 'a;

/// What was irregular, and what was changed.
pub type Found = (Irregularities, Option<Changes>);

/// Scores all chunks while the next ones are read.
pub fn score_all(
    mut scoring: Scoring<'_>,
    chunks: Peekable<Chunks>,
    give: &mut Give<'_>,
) -> anyhow::Result<Irregularities> {
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
        for chunk in receiver {
            scoring.chunk(&chunk?, give)?;
        }
        scoring.finish(give)
    })
}

/// Reads all chunks, puts their rows in order, and scores them.
pub fn score_in_order(
    mut scoring: Scoring<'_>,
    chunks: Peekable<Chunks>,
    options: &OrderOptions,
    give: &mut Give<'_>,
) -> anyhow::Result<Found> {
    let rows = scoring.gather(chunks)?;
    let (rows, changes) = rows.arrange(scoring.detector.series_columns(), options)?;
    // The data changes its rows here; what is kept of the columns themselves is that of the moments.
    let entries: Vec<Entry> = (0..rows.data.len())
        .map(|row| Entry { number: rows.numbers[row], row, place: Some(row), time: rows.times[row] })
        .collect();
    scoring.take(&rows.data, &rows.kept, &rows.positive, &entries, give)?;
    Ok((scoring.finish(give)?, Some(changes)))
}

/// Scores of rows so far, and what is waiting.
pub struct Scoring<'a> {
    detector: &'a Detector,
    keeping: &'a Keeping,
    labels: Option<&'a NormalLabels>,
    clock: Clock,
    /// Whether times are needed: of series, and to sort.
    reads_clock: bool,
    rows: usize,
    numbers: HashMap<String, usize>,
    series: Vec<Series<'a>>,
}

/// A row to be scored.
struct Entry {
    /// Its number in the file; none where it was filled in.
    number: Option<usize>,
    /// Its number among the texts, and among the data, where it is not dropped.
    row: usize,
    place: Option<usize>,
    time: Option<f64>,
}

/// One series.
struct Series<'a> {
    scorer: SeriesScorer<'a>,
    timeline: Timeline,
    /// The values of rows that the scorer has yet to take.
    pending: Vec<f32>,
    /// A row behind a gap, until the next one shows that its time is right.
    doubted: Option<(Vec<f32>, Held)>,
    /// Rows that wait for their score, and the moment that the first of them is.
    held: VecDeque<Held>,
    moment: usize,
    /// Whether the next row comes after a gap.
    after_gap: bool,
}

struct Held {
    number: Option<usize>,
    seconds: Option<f64>,
    values: Vec<f32>,
    time: Option<String>,
    group: Option<String>,
    kept: Vec<String>,
    after_gap: bool,
    positive: Option<bool>,
    /// Why it is passed over.
    why: Option<String>,
}

impl<'a> Scoring<'a> {
    pub fn new(detector: &'a Detector, keeping: &'a Keeping, labels: Option<&'a NormalLabels>, clock: Clock) -> Self {
        let reads_clock = detector.windows().is_some();
        Self { detector, keeping, labels, clock, reads_clock, rows: 0, numbers: HashMap::new(), series: Vec::new() }
    }

    /// Scores the next rows.
    fn chunk(&mut self, chunk: &Chunk, give: &mut Give<'_>) -> anyhow::Result<()> {
        let entries = self.entries(chunk)?;
        self.take(&chunk.data, &chunk.kept, &self.positives(&chunk.data), &entries, give)
    }

    /// For each row whether its label says that it is an anomaly.
    fn positives(&self, data: &Dataset) -> Vec<Option<bool>> {
        let of = |class: &String| Some(!self.labels?.is_normal(class)?);
        let positive: Vec<Option<bool>> = data.classes().unwrap_or_default().iter().map(of).collect();
        (0..data.len()).map(|row| data.label(row).and_then(|label| positive[label as usize])).collect()
    }

    fn entries(&mut self, chunk: &Chunk) -> anyhow::Result<Vec<Entry>> {
        let first = self.rows;
        self.rows += chunk.data.len() + chunk.dropped.len();
        let columns = self.detector.series_columns();
        let entry = |(row, place)| {
            let beside = Beside::of(columns, &chunk.kept, row);
            let time = if self.reads_clock { self.clock.seconds(beside, first + row)? } else { None };
            Ok(Entry { number: Some(first + row), row, place, time })
        };
        chunk.rows().enumerate().map(entry).collect()
    }

    /// All rows that are not dropped.
    fn gather(&mut self, chunks: Peekable<Chunks>) -> anyhow::Result<Rows> {
        let (mut values, mut numbers, mut times, mut positive) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut kept, mut labels, mut name) = (Vec::new(), Vec::new(), String::new());
        self.reads_clock = true;
        let mut row_values = vec![0.0; self.detector.features()];
        for chunk in chunks {
            let chunk = chunk?;
            self.detector.check(&chunk.data)?;
            name = chunk.data.name().to_owned();
            let entries = self.entries(&chunk)?;
            let positives = self.positives(&chunk.data);
            kept.resize(chunk.kept.len(), Vec::<String>::new());
            for Entry { number, row, place, time } in entries {
                let Some(place) = place else { continue };
                positive.push(positives[place]);
                chunk.data.copy_row(place, &mut row_values);
                values.extend_from_slice(&row_values);
                numbers.push(number);
                times.push(time);
                labels.push(self.keeping.label(&chunk.data, place));
                kept.iter_mut().zip(&chunk.kept).for_each(|(all, texts)| all.push(texts[row].clone()));
            }
        }
        // What labels say is kept as one more text.
        kept.push(labels);
        let data = Dataset::from_f32(name, Array2::from_shape_vec((numbers.len(), row_values.len()), values)?)?;
        let data = match self.detector.schema() {
            Some(schema) => data.with_schema(schema.clone())?,
            None => data,
        };
        Ok(Rows { data, kept, numbers, times, positive })
    }

    fn take(
        &mut self,
        data: &Dataset,
        kept: &[Vec<String>],
        positive: &[Option<bool>],
        entries: &[Entry],
        give: &mut Give<'_>,
    ) -> anyhow::Result<()> {
        let (detector, keeping) = (self.detector, self.keeping);
        let columns = detector.series_columns();
        detector.check(data)?;
        let cells = |entry: &Entry, place| keeping.cells(data, detector.schema(), place, kept, entry.row);
        if detector.windows().is_none() {
            let scores = detector.score(data)?;
            let there = entries.iter().filter_map(|entry| Some((entry, entry.place?)));
            let mut values = vec![0.0; data.features()];
            for ((entry, place), (score, no_score)) in there.zip(each(&scores)) {
                let Some(number) = entry.number else { continue };
                data.copy_row(place, &mut values);
                give(&ScoredRow {
                    number,
                    beside: Beside::of(columns, kept, entry.row),
                    seconds: entry.time,
                    values: &values,
                    kept: &cells(entry, place),
                    after_gap: false,
                    score,
                    no_score,
                    unread: None,
                    positive: positive[place],
                    reasons: &|count| detector.explain(data, place, count),
                })?;
            }
            return Ok(());
        }
        for entry in entries {
            let beside = Beside::of(columns, kept, entry.row);
            let number = self.series_of(beside.group.unwrap_or_default());
            let series = &mut self.series[number];
            let after_gap = match follow(&mut series.timeline, entry.number.unwrap_or(entry.row), entry.time, beside)? {
                Passage::Returns { begins, .. } => {
                    series.pass_over(beside.time.unwrap_or_default());
                    begins
                }
                passage => {
                    series.believe(give)?;
                    passage != Passage::Follows
                }
            };
            let Some(place) = entry.place else {
                // A row that is dropped leaves a gap, whatever the clock says.
                series.end(give)?;
                series.after_gap = true;
                continue;
            };
            let mut values = vec![0.0; data.features()];
            data.copy_row(place, &mut values);
            let held = Held {
                number: entry.number,
                seconds: entry.time,
                values: values.clone(),
                time: beside.time.map(str::to_owned),
                group: beside.group.map(str::to_owned),
                kept: cells(entry, place),
                after_gap: mem::take(&mut series.after_gap) || after_gap,
                positive: positive[place],
                why: None,
            };
            if after_gap {
                series.doubted = Some((values, held));
            } else {
                series.pending.extend(values);
                series.held.push_back(held);
            }
        }
        self.series.iter_mut().try_for_each(|series| series.take(give))
    }

    /// Scores what is left. Gives what was irregular.
    fn finish(mut self, give: &mut Give<'_>) -> anyhow::Result<Irregularities> {
        let mut irregularities = Irregularities::default();
        for series in &mut self.series {
            series.believe(give)?;
            series.end(give)?;
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
            doubted: None,
            held: VecDeque::new(),
            moment: 0,
            after_gap: false,
        });
        self.series.len() - 1
    }
}

impl Series<'_> {
    /// The time of the row that was doubted is right: it is behind a gap.
    fn believe(&mut self, give: &mut Give<'_>) -> anyhow::Result<()> {
        let Some((values, held)) = self.doubted.take() else { return Ok(()) };
        self.end(give)?;
        self.pending = values;
        self.held.push_back(held);
        Ok(())
    }

    /// The time of the row that was doubted is wrong, for a row with this time is behind it.
    fn pass_over(&mut self, time: &str) {
        if let Some((_, held)) = self.doubted.take() {
            let why = format!("its time lies in the future of {time:?} behind it; it is passed over");
            self.held.push_back(Held { why: Some(why), after_gap: false, seconds: None, ..held });
        }
    }

    /// Hands the scorer the rows that it has yet to take.
    fn take(&mut self, give: &mut Give<'_>) -> anyhow::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let values = mem::take(&mut self.pending);
        let features = self.scorer.features();
        let rows = Array2::from_shape_vec((values.len() / features, features), values)?;
        let scores = self.scorer.push(&Dataset::from_f32("rows", rows)?)?;
        self.give(&scores, give)
    }

    /// Ends a stretch: what comes is behind a gap.
    fn end(&mut self, give: &mut Give<'_>) -> anyhow::Result<()> {
        self.take(give)?;
        let scores = self.scorer.finish()?;
        self.give(&scores, give)
    }

    fn give(&mut self, scores: &Scores, give: &mut Give<'_>) -> anyhow::Result<()> {
        let mut scores = each(scores);
        while let Some(held) = self.held.front() {
            let (score, no_score) = match &held.why {
                Some(_) => (None, None),
                None => match scores.next() {
                    Some(scored) => scored,
                    None => break,
                },
            };
            let Some(held) = self.held.pop_front() else { break };
            let moment = self.moment;
            self.moment += usize::from(held.why.is_none());
            let Some(number) = held.number else { continue };
            give(&ScoredRow {
                number,
                beside: Beside { time: held.time.as_deref(), group: held.group.as_deref() },
                seconds: held.seconds,
                values: &held.values,
                kept: &held.kept,
                after_gap: held.after_gap,
                score,
                no_score,
                unread: held.why.as_deref(),
                positive: held.positive,
                reasons: &|count| self.scorer.explain(moment, count),
            })?;
        }
        Ok(())
    }
}

/// Each row's score, or why it has none.
pub fn each(scores: &Scores) -> impl Iterator<Item = (Option<f32>, Option<&NoScore>)> {
    let mut unscored = scores.unscored().iter().peekable();
    scores.iter().enumerate().map(move |(row, &score)| match unscored.next_if(|one| one.row == row) {
        Some(one) => (None, Some(&one.reason)),
        None => (Some(score), None),
    })
}
