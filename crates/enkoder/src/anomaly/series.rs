//! Scoring a series as it comes, some rows at a time: a moment's score is given once every window that covers it is known, and
//! rows that no window needs any more are forgotten. However the rows are cut, the scores are the same.

use std::collections::VecDeque;

use ndarray::Array2;

use super::detector::Detector;
use super::error::AnomalyError;
use super::explanation::Reason;
use super::windows::Windows;
use crate::dataset::Dataset;

/// Values of windows that are scored at once.
const BATCH_VALUES: usize = 1 << 20;

/// Scores one series, or one stretch of it without a gap.
#[derive(Debug)]
pub struct SeriesScorer<'a> {
    detector: &'a Detector,
    windows: Windows,
    /// The rows kept, of which the first is row `first` of the series.
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
        let (values, sums) = (VecDeque::new(), VecDeque::new());
        Some(Self { detector, windows, values, first: 0, rows: 0, next: 0, given: 0, sums })
    }

    /// Takes the next rows, and gives the scores of the next moments that are known now. The last ones of the series only are
    /// with [`finish`](Self::finish).
    ///
    /// # Errors
    /// As [`Detector::score`].
    pub fn push(&mut self, rows: &Dataset) -> Result<Vec<f32>, AnomalyError> {
        self.detector.check(rows)?;
        self.forget();
        let mut row = vec![0.0; rows.features()];
        for index in 0..rows.len() {
            rows.copy_row(index, &mut row);
            self.values.extend(&row);
            self.sums.push_back((0.0, 0));
        }
        self.rows += rows.len();
        let Windows { length, stride } = self.windows;
        let batch = (BATCH_VALUES / (length * row.len()).max(1)).max(1);
        while self.next + length <= self.rows {
            let count = ((self.rows - length - self.next) / stride + 1).min(batch);
            self.score_windows(self.next, count, stride)?;
            self.next += count * stride;
        }
        // A last window may still come that ends with the series.
        let known = self.next.min(self.rows.saturating_sub(length));
        Ok(self.give(known))
    }

    /// Gives the scores of the moments that are left. Of a series shorter than a window there is none.
    ///
    /// # Errors
    /// As [`Detector::score`].
    pub fn finish(&mut self) -> Result<Vec<f32>, AnomalyError> {
        let Windows { length, stride } = self.windows;
        if self.rows < length {
            return Ok(Vec::new());
        }
        let last = self.rows - length;
        if self.next < last + stride {
            self.score_windows(last, 1, stride)?;
            self.next = last + stride;
        }
        Ok(self.give(self.rows))
    }

    /// How many rows came so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Why a moment is odd, as [`Detector::explain`]: of one whose score the last call gave.
    ///
    /// # Errors
    /// As [`Detector::score`], and where the series is shorter than a window.
    ///
    /// # Panics
    /// When the moment is not there yet, or not any more.
    pub fn explain(&self, moment: usize, count: usize) -> Result<Vec<Reason>, AnomalyError> {
        let around = self.windows.around(moment, self.rows);
        self.detector.explain_window(&self.window(around.start), count)
    }

    /// Drops the rows that neither a window nor the reasons of a moment to come reach back to.
    fn forget(&mut self) {
        let needed = self.given.saturating_sub(self.windows.length);
        self.values.drain(..(needed - self.first) * self.detector.features());
        self.first = needed;
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

    fn give(&mut self, until: usize) -> Vec<f32> {
        let known = until.saturating_sub(self.given);
        self.given += known;
        self.sums.drain(..known).map(|(sum, count)| (sum / f64::from(count)) as f32).collect()
    }
}
