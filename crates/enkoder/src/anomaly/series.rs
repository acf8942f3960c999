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
    /// Rows so far.
    rows: usize,
    /// Where the next window starts.
    next: usize,
    /// Moments whose scores were given.
    given: usize,
    /// From moment `given` on: the sum of the scores of windows that cover it, and how many these are.
    sums: VecDeque<(f64, u32)>,
}

impl<'a> SeriesScorer<'a> {
    /// For a detector of series; none where it is one of rows.
    pub fn new(detector: &'a Detector) -> Option<Self> {
        let windows = detector.windows()?;
        Some(Self { ended: Vec::new(), open: Stretch::new(detector, windows, 0) })
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
            match NoScore::of(&row, detector.schema()) {
                None => self.open.push(&row),
                Some(reason) => {
                    self.cut(&mut scores)?;
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
        self.cut(&mut scores)?;
        Ok(scores)
    }

    /// How many rows came so far.
    pub fn rows(&self) -> usize {
        self.open.origin + self.open.rows
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
        let around = stretch.windows.around(moment - stretch.origin, stretch.rows);
        stretch.detector.explain_window(&stretch.window(around.start), count)
    }

    /// Ends the stretch that goes on, and begins another.
    fn cut(&mut self, scores: &mut Scores) -> Result<(), AnomalyError> {
        self.open.score_known(scores)?;
        self.open.score_rest(scores)?;
        let next = Stretch::new(self.open.detector, self.open.windows, self.rows());
        self.ended.push(std::mem::replace(&mut self.open, next));
        Ok(())
    }
}

impl<'a> Stretch<'a> {
    fn new(detector: &'a Detector, windows: Windows, origin: usize) -> Self {
        let (values, sums) = (VecDeque::new(), VecDeque::new());
        Self { detector, windows, origin, values, first: 0, rows: 0, next: 0, given: 0, sums }
    }

    fn push(&mut self, row: &[f32]) {
        self.values.extend(row);
        self.sums.push_back((0.0, 0));
        self.rows += 1;
    }

    /// Drops the rows that neither a window nor the reasons of a moment to come reach back to.
    fn forget(&mut self) {
        let needed = self.given.saturating_sub(self.windows.length);
        self.values.drain(..(needed - self.first) * self.detector.features());
        self.first = needed;
    }

    /// Scores the windows that are complete, and gives the moments that are known by them.
    fn score_known(&mut self, scores: &mut Scores) -> Result<(), AnomalyError> {
        let Windows { length, stride } = self.windows;
        let batch = (BATCH_VALUES / (length * self.detector.features()).max(1)).max(1);
        while self.next + length <= self.rows {
            let count = ((self.rows - length - self.next) / stride + 1).min(batch);
            self.score_windows(self.next, count, stride)?;
            self.next += count * stride;
        }
        // A last window may still come that ends with the stretch.
        let known = self.next.min(self.rows.saturating_sub(length));
        self.give(known, scores);
        Ok(())
    }

    /// Scores the window that ends with the stretch, and gives the moments that are left.
    fn score_rest(&mut self, scores: &mut Scores) -> Result<(), AnomalyError> {
        let Windows { length, stride } = self.windows;
        if self.rows < length {
            (0..self.rows).for_each(|_| scores.push_unscored(NoScore::ShortStretch { window: length }));
            return Ok(());
        }
        let last = self.rows - length;
        if self.next < last + stride {
            self.score_windows(last, 1, stride)?;
            self.next = last + stride;
        }
        self.give(self.rows, scores);
        Ok(())
    }

    fn window(&self, start: usize) -> Vec<f32> {
        let features = self.detector.features();
        let from = (start - self.first) * features;
        self.values.range(from..from + self.windows.length * features).copied().collect()
    }

    fn score_windows(&mut self, start: usize, count: usize, stride: usize) -> Result<(), AnomalyError> {
        let Windows { length, .. } = self.windows;
        let width = length * self.detector.features();
        let mut values = Vec::with_capacity(count * width);
        (0..count).for_each(|number| values.extend(self.window(start + number * stride)));
        let windows = Array2::from_shape_vec((count, width), values).expect("all windows have one length");
        let scores = self.detector.score_windows(&Dataset::from_f32("windows", windows)?);
        for (number, score) in scores.into_iter().enumerate() {
            let start = start + number * stride;
            // Of moments that were given nothing is kept; the last window may begin before them only where they wait for it.
            for sum in self.sums.range_mut(start - self.given..start - self.given + length) {
                *sum = (sum.0 + f64::from(score), sum.1 + 1);
            }
        }
        Ok(())
    }

    fn give(&mut self, until: usize, scores: &mut Scores) {
        let known = until.saturating_sub(self.given);
        self.given += known;
        self.sums.drain(..known).for_each(|(sum, count)| scores.push((sum / f64::from(count)) as f32));
    }
}
