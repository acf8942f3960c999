//! Scoring a series as it comes, some rows at a time: a moment's score is given once every window that covers it is known, and
//! rows that no window needs any more are forgotten. However the rows are cut, the scores are the same.

use std::collections::VecDeque;

use ndarray::Array2;

use super::detector::Detector;
use super::error::AnomalyError;
use super::explanation::Reason;
use super::scores::{NoScore, Scores};
use super::windows::Windows;
use crate::dataset::Dataset;

/// Values of windows that are scored at once.
const BATCH_VALUES: usize = 1 << 20;

/// Scores one series. A row that cannot be scored cuts it in two: no window crosses it.
#[derive(Debug)]
pub struct SeriesScorer<'a> {
    /// Stretches that the last call ended, of which it may be asked why a moment is odd.
    ended: Vec<Stretch<'a>>,
    /// The one that goes on.
    open: Stretch<'a>,
    /// Features that are judged.
    judged: Vec<usize>,
    /// Rows without a value of these behind it, until it shows whether they are a gap.
    empty: Vec<f32>,
}

/// Rows of a series without a gap.
#[derive(Debug)]
struct Stretch<'a> {
    detector: &'a Detector,
    windows: Windows,
    /// The moment of its first row.
    origin: usize,
    /// The rows kept, of which the first is row `first` of the stretch.
    values: VecDeque<f32>,
    first: usize,
    /// What is judged of them, for each reading: of all rows that were there when windows were last seen.
    readings: Vec<VecDeque<f32>>,
    /// Rows so far.
    rows: usize,
    /// Moments whose scores were given.
    given: usize,
    /// One for each voice of the detector, or one for all members where it has none.
    tracks: Vec<Track>,
}

/// Windows of one length that slide along.
#[derive(Debug)]
struct Track {
    windows: Windows,
    /// Where the next window starts.
    next: usize,
    /// From the first moment without a score on: the sums of what the windows that cover it say, and how many these are.
    sums: VecDeque<f64>,
    counts: VecDeque<u32>,
}

impl<'a> SeriesScorer<'a> {
    /// For a detector of series; none where it is one of rows.
    pub fn new(detector: &'a Detector) -> Option<Self> {
        let windows = detector.windows()?;
        let judged = detector.judged();
        Some(Self { ended: Vec::new(), open: Stretch::new(detector, windows, 0), judged, empty: Vec::new() })
    }

    /// Takes the next rows, and gives the scores of the next moments that are known now. The last ones of the series only are
    /// with [`finish`](Self::finish).
    ///
    /// # Errors
    /// As [`Detector::score`].
    pub fn push(&mut self, rows: &Dataset) -> Result<Scores, AnomalyError> {
        let detector = self.open.detector;
        detector.check(rows)?;
        self.ended.clear();
        self.open.forget();
        let mut scores = Scores::default();
        let mut row = vec![0.0; rows.features()];
        for index in 0..rows.len() {
            rows.copy_row(index, &mut row);
            match NoScore::infinite(&row, detector.schema()) {
                None if self.judged.iter().all(|&feature| row[feature].is_nan()) => {
                    self.empty.extend_from_slice(&row);
                    // Windows see over few such rows, and more are a gap.
                    if self.open.rows == 0 || self.empty.len() / row.len() > self.open.windows.bridged() {
                        self.end_stretch(&mut scores)?;
                    }
                }
                None => {
                    let empty = std::mem::take(&mut self.empty);
                    empty.chunks_exact(row.len()).for_each(|row| self.open.push(row));
                    self.open.push(&row);
                }
                Some(reason) => {
                    self.end_stretch(&mut scores)?;
                    scores.push_unscored(reason);
                    self.open.origin += 1;
                }
            }
        }
        self.open.score_known(&mut scores)?;
        Ok(scores)
    }

    /// Gives the scores of the moments that are left, and ends the stretch: rows that are pushed afterwards come after a gap, which
    /// no window crosses. The moments of a stretch shorter than a window have no score.
    ///
    /// # Errors
    /// As [`Detector::score`].
    pub fn finish(&mut self) -> Result<Scores, AnomalyError> {
        self.ended.clear();
        let mut scores = Scores::default();
        self.end_stretch(&mut scores)?;
        Ok(scores)
    }

    /// The number of values of a row.
    pub fn features(&self) -> usize {
        self.open.detector.features()
    }

    /// How many rows came so far.
    pub fn rows(&self) -> usize {
        self.open.origin + self.open.rows + self.empty.len() / self.features()
    }

    /// Why a moment is odd, as [`Detector::explain`]: of one whose score the last call gave.
    ///
    /// # Errors
    /// As [`Detector::score`].
    ///
    /// # Panics
    /// When the moment is not there yet or not any more, or has no score.
    pub fn explain(&self, moment: usize, count: usize) -> Result<Vec<Reason>, AnomalyError> {
        let mut stretches = [&self.open].into_iter().chain(self.ended.iter().rev());
        let stretch = stretches.find(|stretch| stretch.origin <= moment).expect("the moment is kept");
        let moment = moment - stretch.origin;
        let around = stretch.windows.around(moment, stretch.rows);
        stretch.detector.explain_window(&stretch.window(around.start), moment - around.start, count)
    }

    /// Ends the stretch, and passes over the rows without a value behind it.
    fn end_stretch(&mut self, scores: &mut Scores) -> Result<(), AnomalyError> {
        let rows = std::mem::take(&mut self.empty).len() / self.features();
        if self.open.rows > 0 {
            self.cut(scores)?;
        }
        (0..rows).for_each(|_| scores.push_unscored(NoScore::Empty));
        self.open.origin += rows;
        Ok(())
    }

    /// Ends the stretch that goes on, and begins another.
    fn cut(&mut self, scores: &mut Scores) -> Result<(), AnomalyError> {
        self.open.score_known(scores)?;
        self.open.score_rest(scores)?;
        let next = Stretch::new(self.open.detector, self.open.windows, self.open.origin + self.open.rows);
        self.ended.push(std::mem::replace(&mut self.open, next));
        Ok(())
    }
}

impl<'a> Stretch<'a> {
    fn new(detector: &'a Detector, windows: Windows, origin: usize) -> Self {
        let track = |length| {
            let windows = Windows { length, stride: windows.stride.min(length) };
            Track { windows, next: 0, sums: VecDeque::new(), counts: VecDeque::new() }
        };
        let tracks = match &detector.voices.voices[..] {
            [] => vec![track(windows.length)],
            voices => voices.iter().map(|voice| track(voice.outline.length)).collect(),
        };
        let readings = detector.voices.readings.iter().map(|_| VecDeque::new()).collect();
        Self { detector, windows, origin, values: VecDeque::new(), first: 0, readings, rows: 0, given: 0, tracks }
    }

    fn push(&mut self, row: &[f32]) {
        self.values.extend(row);
        for track in &mut self.tracks {
            track.sums.push_back(0.0);
            track.counts.push_back(0);
        }
        self.rows += 1;
    }

    /// Drops the rows that neither a window nor the reasons of a moment to come reach back to.
    fn forget(&mut self) {
        let needed = self.given.saturating_sub(self.windows.length);
        let more = needed - self.first;
        self.values.drain(..more * self.detector.features());
        self.readings.iter_mut().for_each(|values| drop(values.drain(..more)));
        self.first = needed;
    }

    /// Brings what is judged of the rows up to the last row.
    fn prepare(&mut self) {
        let features = self.detector.features();
        for (reading, prepared) in self.detector.voices.readings.iter().zip(&mut self.readings) {
            let past = reading.past().min(prepared.len());
            let rows = self.values.range((prepared.len() - past) * features..);
            prepared.extend(reading.values(rows, features).into_iter().skip(past));
        }
    }

    /// Scores the windows that are complete, and gives the moments that are known by them.
    fn score_known(&mut self, scores: &mut Scores) -> Result<(), AnomalyError> {
        self.prepare();
        let mut known = self.rows;
        for number in 0..self.tracks.len() {
            let Track { windows: Windows { length, stride }, next, .. } = self.tracks[number];
            if next + length <= self.rows {
                let count = (self.rows - length - next) / stride + 1;
                self.see(number, next, count)?;
                self.tracks[number].next += count * stride;
            }
            // A last window may still come that ends with the stretch.
            known = known.min(self.tracks[number].next).min(self.rows.saturating_sub(length));
        }
        self.give(known, scores);
        Ok(())
    }

    /// Scores the windows that end with the stretch, and gives the moments that are left.
    fn score_rest(&mut self, scores: &mut Scores) -> Result<(), AnomalyError> {
        let Windows { length, .. } = self.windows;
        if self.rows < length {
            (0..self.rows).for_each(|_| scores.push_unscored(NoScore::ShortStretch { window: length }));
            return Ok(());
        }
        for number in 0..self.tracks.len() {
            let Track { windows: Windows { length, stride }, next, .. } = self.tracks[number];
            let last = self.rows - length;
            if next < last + stride {
                self.see(number, last, 1)?;
                self.tracks[number].next = last + stride;
            }
        }
        self.give(self.rows, scores);
        Ok(())
    }

    fn window(&self, start: usize) -> Vec<f32> {
        let features = self.detector.features();
        let from = (start - self.first) * features;
        self.values.range(from..from + self.windows.length * features).copied().collect()
    }

    /// Adds what so many windows of a track say to the moments that they cover.
    fn see(&mut self, number: usize, start: usize, count: usize) -> Result<(), AnomalyError> {
        let Windows { length, stride } = self.tracks[number].windows;
        let said = match self.detector.voices.voices.get(number) {
            Some(voice) => {
                let from = start - self.first;
                let rows = from..from + (count - 1) * stride + length;
                let values: Vec<f32> = self.readings[voice.reading].range(rows).copied().collect();
                voice.distances(&values, stride)
            }
            None => self.scores_of_windows(start, count, stride)?,
        };
        let Track { sums, counts, .. } = &mut self.tracks[number];
        for (window, said) in said.into_iter().enumerate().filter(|(_, said)| !said.is_nan()) {
            // Of moments that were given nothing is kept; the last window may begin before them only where they wait for it.
            let first = start + window * stride - self.given;
            let said = f64::from(said);
            sums.range_mut(first..first + length).for_each(|sum| *sum += said);
            counts.range_mut(first..first + length).for_each(|count| *count += 1);
        }
        Ok(())
    }

    /// The scores of windows by a detector that sees whole windows.
    fn scores_of_windows(&self, start: usize, count: usize, stride: usize) -> Result<Vec<f32>, AnomalyError> {
        let width = self.windows.length * self.detector.features();
        let batch = (BATCH_VALUES / width.max(1)).max(1);
        let mut scores = Vec::with_capacity(count);
        for first in (0..count).step_by(batch) {
            let some = first..count.min(first + batch);
            let windows = Array2::from_shape_vec(
                (some.len(), width),
                some.flat_map(|number| self.window(start + number * stride)).collect(),
            );
            let windows = Dataset::from_f32("windows", windows.expect("all windows have one length"))?;
            scores.extend(self.detector.score_windows(&windows));
        }
        Ok(scores)
    }

    fn give(&mut self, until: usize, scores: &mut Scores) {
        let (detector, features) = (self.detector, self.detector.features());
        let voices = &detector.voices;
        let mut said = vec![0.0; self.tracks.len()];
        let mut row = vec![0.0; features];
        for moment in self.given..until {
            for (track, said) in self.tracks.iter_mut().zip(&mut said) {
                // As many as there are moments that were not given.
                let sum = track.sums.pop_front().unwrap_or(0.0);
                *said = (sum / f64::from(track.counts.pop_front().unwrap_or(1))) as f32;
            }
            let from = (moment - self.first) * features;
            row.iter_mut().zip(self.values.range(from..from + features)).for_each(|(to, &value)| *to = value);
            if !detector.judges(&row) {
                scores.push_unscored(NoScore::Empty);
                continue;
            }
            scores.push(if voices.is_empty() { said[0] } else { voices.score(&said) });
        }
        self.given = self.given.max(until);
    }
}
