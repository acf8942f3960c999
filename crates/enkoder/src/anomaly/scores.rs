//! What scoring gives: a number for each row, and for a row that cannot be scored the reason. One such row is no error of the
//! others.

use std::ops::Deref;

use crate::schema::Schema;

/// The scores of rows, in their order. As a slice of numbers, a row without a score is NaN; all others are finite.
///
/// ```
/// use enkoder::Dataset;
/// use enkoder::anomaly::{Detector, DetectorConfig, NoScore};
/// use ndarray::{Array2, array};
///
/// let usual = Array2::from_shape_fn((200, 2), |(row, column)| ((row * (3 + column * 4)) % 17) as f32);
/// let detector = Detector::fit(&Dataset::from_f32("usual", usual)?, &DetectorConfig::default())?;
///
/// let scores = detector.score(&Dataset::from_f32("new", array![[4.0, 9.0], [f32::INFINITY, 9.0]])?)?;
/// assert!(scores[0].is_finite() && scores[1].is_nan());
/// assert_eq!(scores.unscored()[0].row, 1);
/// assert_eq!(scores.unscored()[0].reason.to_string(), "feature 1 is infinite, or beyond ±3.4e38");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    values: Vec<f32>,
    unscored: Vec<Unscored>,
}

/// A row without a score.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Unscored {
    /// Its number among the rows scored with it, from 0.
    pub row: usize,
    /// Why it has none.
    pub reason: NoScore,
}

/// Why a row has no score.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoScore {
    /// It has a value that nothing can be computed with.
    #[error("{feature} is infinite, or beyond ±3.4e38")]
    Infinite {
        /// The feature's name or number.
        feature: String,
        /// +∞ or −∞.
        value: f32,
    },
    /// It has nothing to judge: of what the detector judges, all is missing. One value is enough for a score, which then says nothing
    /// of what is missing.
    #[error("it has no value in any column that the detector judges")]
    Empty,
    /// It lies in a stretch of a series that no window fits into.
    #[error("the rows without a gap around it are fewer than the {window} of a window")]
    ShortStretch {
        /// Rows of a window.
        window: usize,
    },
    /// Its score is beyond all 32-bit numbers, which the detector of a sound file never gives.
    #[error("its score is too large to be computed")]
    Overflow,
}

impl NoScore {
    /// The infinite value of a row of these columns; none where it has none.
    pub(super) fn infinite(row: &[f32], schema: Option<&Schema>) -> Option<Self> {
        let number = row.iter().position(|value| value.is_infinite())?;
        let names = schema.map(Schema::feature_names).unwrap_or_default();
        let feature = names.into_iter().nth(number).unwrap_or_else(|| format!("feature {}", number + 1));
        Some(Self::Infinite { feature, value: row[number] })
    }
}

impl Scores {
    pub(super) fn new(values: Vec<f32>, unscored: Vec<Unscored>) -> Self {
        Self { values, unscored }
    }

    /// The rows without a score, ascending.
    pub fn unscored(&self) -> &[Unscored] {
        &self.unscored
    }

    /// The numbers alone, NaN for a row without a score.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    pub(super) fn push(&mut self, score: f32) {
        if !score.is_finite() {
            return self.push_unscored(NoScore::Overflow);
        }
        self.values.push(score);
    }

    pub(super) fn push_unscored(&mut self, reason: NoScore) {
        self.unscored.push(Unscored { row: self.values.len(), reason });
        self.values.push(f32::NAN);
    }

    /// The numbers alone, of rows that have something to judge.
    pub(super) fn of_rows_with_values(self) -> Vec<f32> {
        let mut empty = self.unscored.iter().filter(|one| one.reason == NoScore::Empty).map(|one| one.row).peekable();
        let rows = self.values.into_iter().enumerate();
        rows.filter(|&(row, _)| empty.next_if_eq(&row).is_none()).map(|(_, score)| score).collect()
    }

    /// These, and those of the rows that follow.
    pub(super) fn and(mut self, next: Self) -> Self {
        let rows = self.values.len();
        self.unscored.extend(next.unscored.into_iter().map(|one| Unscored { row: rows + one.row, ..one }));
        self.values.extend(next.values);
        self
    }
}

impl Deref for Scores {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values
    }
}

/// Whether a row has an infinite value. Without a branch, so that it takes whole vectors of values.
#[inline]
pub(super) fn has_infinite(row: &[f32]) -> bool {
    row.iter().fold(false, |any, value| any | (value.abs() == f32::INFINITY))
}
