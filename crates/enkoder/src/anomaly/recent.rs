//! Moments scored as they come: each by the window that ends with it, at once, while [`SeriesScorer`](super::SeriesScorer) waits for
//! every window that covers it. The windows of several series can be scored together.

use std::collections::VecDeque;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::detector::Detector;
use super::error::AnomalyError;
use super::explanation::Reason;
use super::scores::{NoScore, Scores};
use super::windows::Windows;
use crate::autoencoder::ModelError;
use crate::dataset::Dataset;

/// Values of windows that are scored at once.
const BATCH_VALUES: usize = 1 << 20;

/// The last rows of one series, as many as a window has; of a detector of rows the last one.
///
/// ```
/// use enkoder::Dataset;
/// use enkoder::anomaly::{Detector, DetectorConfig, Method, RecentRows, Windows};
/// use ndarray::Array2;
///
/// let wave = Array2::from_shape_fn((300, 1), |(row, _)| (row as f32 * 0.4).sin());
/// let series = Dataset::from_f32("wave", wave)?;
/// let config = DetectorConfig { method: Method::Linear, ..DetectorConfig::default() };
/// let detector = Detector::fit_series(&[series], Windows { length: 3, stride: 1 }, &config)?;
///
/// let (mut recent, mut windows) = (RecentRows::new(&detector), Vec::new());
/// let complete = [0.0f32, 0.4, 0.8, 1.2].map(|at| recent.push(&[at.sin()], &mut windows));
/// assert_eq!(complete, [false, false, true, true]);
/// assert_eq!(detector.score_ends(&windows)?.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecentRows {
    /// Values of a window.
    width: usize,
    /// As bits: what is missing is NaN, which not every format can hold.
    values: VecDeque<u32>,
    /// Features that are judged, and how many rows in a row were without a value of these.
    #[serde(default)]
    judged: Vec<usize>,
    #[serde(default)]
    empty: usize,
}

impl RecentRows {
    /// For one series that this detector watches.
    pub fn new(detector: &Detector) -> Self {
        Self { width: detector.window_values(), values: VecDeque::new(), judged: detector.judged(), empty: 0 }
    }

    /// Whether windows of this detector are as long as those that these rows were kept for.
    pub fn suit(&self, detector: &Detector) -> bool {
        self.width == detector.window_values() && self.values.len() <= self.width
    }

    /// Takes the next row. Where a window ends with it, that is put at the end of `windows`. More rows without a value of what is judged than
    /// an eighth of a window are a gap.
    pub fn push(&mut self, row: &[f32], windows: &mut Vec<f32>) -> bool {
        let is_empty = !self.judged.is_empty() && self.judged.iter().all(|&feature| row[feature].is_nan());
        self.empty = if is_empty { self.empty + 1 } else { 0 };
        let windows_of = Windows { length: self.width / row.len().max(1), stride: 1 };
        if is_empty && windows_of.length > 1 && (self.empty > windows_of.bridged() || self.values.is_empty()) {
            self.clear();
            return false;
        }
        self.values.extend(row.iter().map(|value| value.to_bits()));
        let superfluous = self.values.len().saturating_sub(self.width);
        self.values.drain(..superfluous);
        let complete = self.values.len() == self.width;
        if complete {
            windows.extend(self.values.iter().map(|&bits| f32::from_bits(bits)));
        }
        complete
    }

    /// Forgets all rows: what comes is behind a gap, which no window crosses.
    pub fn clear(&mut self) {
        self.values.clear();
    }
}

impl Detector {
    /// Values of a window; of a row where there are no windows.
    fn window_values(&self) -> usize {
        self.features() * self.windows().map_or(1, |windows| windows.length)
    }

    /// The same detector, to judge moments by [`score_ends`](Self::score_ends): its thresholds and [`calibration`](Self::calibration) are
    /// by such moments then. A detector of rows, or of a file that does not [have](Self::calibrates_ends) them, stays as it is.
    pub fn judging_ends(self) -> Self {
        Self { judges_ends: true, ..self }
    }

    /// Whether it knows the scores of moments of usual series by [`score_ends`](Self::score_ends). Files written by earlier versions do not.
    pub fn calibrates_ends(&self) -> bool {
        self.calibration_of_ends.is_some()
    }

    /// The scores of all moments of a series that a window ends with.
    pub(super) fn scores_of_ends(&self, series: &Dataset) -> Result<Vec<f32>, AnomalyError> {
        let (mut recent, mut windows, mut scores) = (RecentRows::new(self), Vec::new(), Vec::new());
        let mut row = vec![0.0; series.features()];
        for index in 0..series.len() {
            series.copy_row(index, &mut row);
            recent.push(&row, &mut windows);
            if windows.len() >= BATCH_VALUES {
                scores.extend(self.score_ends(&windows)?.of_rows_with_values());
                windows.clear();
            }
        }
        scores.extend(self.score_ends(&windows)?.of_rows_with_values());
        Ok(scores)
    }

    /// Why a window has no score, where one of its rows is a reason.
    fn no_score_of(&self, window: &[f32]) -> Option<NoScore> {
        let mut rows = window.chunks_exact(self.features());
        let last = rows.clone().next_back();
        rows.find_map(|row| NoScore::infinite(row, self.schema())).or_else(|| self.no_score(last?))
    }

    /// The scores of the moments that windows end with, one window behind the other as [`RecentRows::push`] gives them. Each is that of
    /// one window alone, and so varies more than the mean over all windows that cover a moment: [`judging_ends`](Self::judging_ends).
    ///
    /// # Errors
    /// When the values are not those of whole windows.
    pub fn score_ends(&self, windows: &[f32]) -> Result<Scores, AnomalyError> {
        let width = self.window_values();
        if !windows.len().is_multiple_of(width) {
            return Err(ModelError::Features { found: windows.len() % width, expected: width }.into());
        }
        let mut scores = Scores::default();
        if windows.is_empty() {
            return Ok(scores);
        }
        let by_readings = !self.voices.is_empty();
        let values = if by_readings {
            self.voices.score_ends(windows, self.features(), width / self.features())
        } else {
            let all =
                Array2::from_shape_vec((windows.len() / width, width), windows.to_vec()).expect("windows are whole");
            self.score_windows(&Dataset::from_f32("windows", all)?)
        };
        for (score, window) in values.into_iter().zip(windows.chunks_exact(width)) {
            // Readings see what is infinite as very far away, and what is missing as usual.
            let last = &window[width - self.features()..];
            match if score.is_finite() && !by_readings && self.judges(last) { None } else { self.no_score_of(window) } {
                Some(reason) => scores.push_unscored(reason),
                None => scores.push(score),
            }
        }
        Ok(scores)
    }

    /// Why the moment is odd that a window ends with, as [`explain`](Self::explain).
    ///
    /// # Errors
    /// When the values are not those of one window, or it has no score.
    pub fn explain_end(&self, window: &[f32], count: usize) -> Result<Vec<Reason>, AnomalyError> {
        if window.len() != self.window_values() {
            return Err(ModelError::Features { found: window.len(), expected: self.window_values() }.into());
        }
        if let Some(reason) = self.no_score_of(window) {
            return Err(AnomalyError::Unscored { row: 0, reason });
        }
        let last = self.windows().map_or(0, |windows| windows.length - 1);
        self.explain_window(window, last, count)
    }
}
