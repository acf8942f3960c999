//! What a watch remembers: the header, what was counted, and of each series what its next score needs.

use std::collections::BTreeMap;
use std::fmt;

use enkoder::anomaly::{Detector, Irregularities, RecentRows, Resampled, Resampler, Timeline};
use serde::{Deserialize, Serialize};

use crate::commands::detect::following::Following;
use crate::wording;

/// What a watch has to remember to go on.
#[derive(Serialize, Deserialize)]
pub struct Memory {
    pub header: Option<String>,
    pub counts: Counts,
    pub following: Following,
    pub series: BTreeMap<String, Series>,
}

impl Memory {
    pub fn new(following: Following) -> Self {
        Self { header: None, counts: Counts::default(), following, series: BTreeMap::new() }
    }

    /// What is irregular about the clocks of all series.
    pub fn irregularities(&self) -> Irregularities {
        let all = self.series.values().map(|series| series.timeline.irregularities().clone());
        all.fold(Irregularities::default(), Irregularities::and)
    }
}

/// Rows so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    pub rows: usize,
    /// Lines written: rows, or moments where these are made of rows.
    pub given: usize,
    pub scored: usize,
    pub flagged: usize,
    /// Rows that cannot be read, and rows that cannot be scored for a value or a time in them; the first of all these.
    pub unread: usize,
    pub unscorable: usize,
    pub first: Option<String>,
}

impl Counts {
    /// Whether there were rows, and none has a score.
    pub fn nothing_scored(&self) -> bool {
        self.rows > 0 && self.scored == 0
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} flagged", wording::grouped(self.flagged), wording::counted(self.rows, "row", "rows"))?;
        let waiting = self.given.saturating_sub(self.scored + self.unread + self.unscorable);
        if waiting > 0 {
            write!(f, "; {} have no score, at the beginning of a window", wording::grouped(waiting))?;
        }
        for (count, why) in [(self.unread, "read"), (self.unscorable, "scored")] {
            if count > 0 {
                write!(f, "; {} could not be {why} and have no score", wording::counted(count, "row", "rows"))?;
            }
        }
        self.first.as_ref().map_or(Ok(()), |first| write!(f, " (the first is {first})"))
    }
}

/// One series.
#[derive(Serialize, Deserialize)]
pub struct Series {
    pub timeline: Timeline,
    pub at: Position,
    /// Where it was before the last gap, which may turn out to be a wrong time.
    pub before_gap: Option<Box<Position>>,
    /// The number of its last row.
    pub last: usize,
}

/// What the next score of a series needs.
#[derive(Clone, Serialize, Deserialize)]
pub struct Position {
    pub recent: RecentRows,
    resampler: Option<Resampler>,
    /// The row that the interval began with, where moments are made of rows, and when the moment before it was.
    begun: Option<Held>,
    moment: Option<f64>,
}

/// A row, or moment, that has yet to be written.
#[derive(Clone, Serialize, Deserialize)]
pub struct Held {
    pub number: usize,
    pub time: Option<String>,
    pub group: Option<String>,
    pub kept: Vec<String>,
    pub after_gap: bool,
    /// Its window, by its number among those to be scored.
    pub window: Option<usize>,
    /// Why it has no score.
    pub why: Option<String>,
}

impl Series {
    pub fn new(detector: &Detector) -> Self {
        let columns = detector.series_columns();
        let resampler = columns.every.map(|every| Resampler::new(every, detector.schema()));
        let at = Position { recent: RecentRows::new(detector), resampler, begun: None, moment: None };
        Self { timeline: Timeline::new(columns.step), at, before_gap: None, last: 0 }
    }

    /// A gap, unless the time behind it turns out to be wrong. Where moments are made of rows, these tell what a gap is.
    pub fn begin(&mut self, clear: bool, held: &mut Held) {
        self.before_gap = Some(Box::new(self.at.clone()));
        if clear {
            self.at.clear();
            held.after_gap = true;
        }
    }
}

impl Position {
    pub fn clear(&mut self) {
        self.recent.clear();
        if let Some(resampler) = &mut self.resampler {
            resampler.clear();
        }
        (self.begun, self.moment) = (None, None);
    }

    pub fn width(&self, detector: &Detector) -> usize {
        detector.features() * detector.windows().map_or(1, |windows| windows.length)
    }

    /// A row becomes part of a moment; those that are complete by it are held.
    pub fn resample(
        &mut self,
        seconds: f64,
        row: &[f32],
        held: Held,
        all: &mut Vec<Held>,
        windows: &mut Vec<f32>,
        detector: &Detector,
    ) {
        let Some(resampler) = &mut self.resampler else { return };
        let moments = resampler.push(seconds, row);
        self.complete(moments, all, windows, detector);
        self.begun.get_or_insert(held);
    }

    pub fn finish(&mut self, all: &mut Vec<Held>, windows: &mut Vec<f32>, detector: &Detector) {
        let moments = self.resampler.as_mut().map(Resampler::finish).unwrap_or_default();
        self.complete(moments, all, windows, detector);
    }

    fn complete(&mut self, moments: Vec<Resampled>, all: &mut Vec<Held>, windows: &mut Vec<f32>, detector: &Detector) {
        let every = detector.series_columns().every.unwrap_or(f64::INFINITY);
        for moment in moments {
            let gap = self.moment.replace(moment.time).is_some_and(|before| moment.time - before > 1.5 * every);
            if gap {
                self.recent.clear();
            }
            let complete = self.recent.push(&moment.values, windows);
            let window = complete.then(|| windows.len() / self.width(detector) - 1);
            if moment.rows == 0 {
                // It has no line, and what it fills in is seen by the windows behind it.
                if complete {
                    windows.truncate(windows.len() - self.width(detector));
                }
                continue;
            }
            if let Some(begun) = self.begun.take() {
                all.push(Held { window, after_gap: gap, ..begun });
            }
        }
    }
}
