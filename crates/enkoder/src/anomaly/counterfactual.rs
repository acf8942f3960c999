//! The smallest change of a row that would not have been flagged (a counterfactual explanation; Wachter, Mittelstadt and Russell, Harvard
//! Journal of Law & Technology 31(2), 2018): found by a search that asks the detector itself, and so no proof that there is no smaller one.

use super::detector::Detector;
use super::error::AnomalyError;
use super::explanation::{Value, observed_of};
use super::preparation::ColumnFeatures;
use crate::dataset::Dataset;

/// The columns tried: those that contribute most.
const TRIED: usize = 16;
/// Values tried of a number, over the range that is usual, and words.
const VALUES: u16 = 13;
const WORDS: usize = 16;
/// Steps from what a row has to what it could have, twice: the second time between two of the first.
const STEPS: u16 = 32;
/// Digits tried behind the first that may count; float32 has no more than nine.
const PLACES: i32 = 9;

/// What a row would have to have instead, so that it were not flagged.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Counterfactual {
    /// The columns to change, those that contribute most to the row first.
    pub columns: Vec<Change>,
    /// The score that the row would have.
    pub score: f32,
}

/// A change of one column.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The column's name.
    pub column: String,
    /// What the row has.
    pub was: Value,
    /// What it would have.
    pub becomes: Value,
}

impl Detector {
    /// Few columns to change, and little, so that a row had a score below `limit`; none where it has one already, where no such change was
    /// found, and of a detector of series. First single columns are tried, then one after the other is added that helps most; those that
    /// turn out not to be needed are left as they were, and numbers are moved no farther than they have to, but for being rounded: a row
    /// with the numbers as they are displayed is below the limit.
    ///
    /// It is a search: there may be a smaller change.
    ///
    /// ```
    /// use enkoder::Dataset;
    /// use enkoder::anomaly::{Detector, DetectorConfig, Method, ThresholdRule};
    /// use ndarray::Array2;
    ///
    /// let usual = Array2::from_shape_fn((400, 2), |(row, column)| ((row * (3 + column * 4)) % 17) as f32);
    /// let config = DetectorConfig { method: Method::Linear, ..DetectorConfig::default() };
    /// let detector = Detector::fit(&Dataset::from_f32("usual", usual)?, &config)?;
    /// let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.01))?;
    ///
    /// let change = detector.counterfactual(&[60.0, 8.0], threshold.score)?.expect("the row is flagged");
    /// assert_eq!((change.columns.len(), change.columns[0].column.as_str()), (1, "feature1"));
    /// assert!(change.score < threshold.score);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`explain_end`](Self::explain_end).
    pub fn counterfactual(&self, row: &[f32], limit: f32) -> Result<Option<Counterfactual>, AnomalyError> {
        if self.windows().is_some() {
            return Ok(None);
        }
        let reasons = self.explain_end(row, TRIED)?;
        let columns = reasons
            .iter()
            .filter_map(|reason| self.preparation.columns.iter().find(|column| column.name == reason.column));
        Ok(Search { detector: self, limit, original: row.to_vec(), columns: columns.collect() }.run())
    }
}

struct Search<'a> {
    detector: &'a Detector,
    limit: f32,
    original: Vec<f32>,
    /// Those that may be changed.
    columns: Vec<&'a ColumnFeatures>,
}

impl Search<'_> {
    fn run(&self) -> Option<Counterfactual> {
        let mut row = self.original.clone();
        if self.scores(std::slice::from_ref(&row))[0] < self.limit {
            return None;
        }
        let mut changed: Vec<usize> = Vec::new();
        while self.scores(std::slice::from_ref(&row))[0] >= self.limit {
            let (column, next) = self.best(&row, &changed)?;
            changed.push(column);
            row = next;
        }
        // An earlier change may no longer be needed after a later one.
        for column in changed.clone() {
            if changed.len() > 1 {
                let mut without = row.clone();
                self.copy(column, &self.original, &mut without);
                if self.scores(std::slice::from_ref(&without))[0] < self.limit {
                    row = without;
                    changed.retain(|&kept| kept != column);
                }
            }
        }
        changed.iter().for_each(|&column| self.shorten(column, &mut row));
        changed.iter().for_each(|&column| self.round(column, &mut row));
        let score = self.scores(std::slice::from_ref(&row))[0];
        changed.sort_unstable();
        let change = |number: usize| {
            let column = self.columns[number];
            let (was, becomes) = (observed_of(column, &self.original), observed_of(column, &row));
            Change { column: column.name.clone(), was, becomes }
        };
        Some(Counterfactual { columns: changed.into_iter().map(change).collect(), score })
    }

    /// The change of one more column that is enough and moves least, or else gives the lowest score.
    fn best(&self, row: &[f32], changed: &[usize]) -> Option<(usize, Vec<f32>)> {
        let free = (0..self.columns.len()).filter(|column| !changed.contains(column));
        let tried: Vec<(usize, Vec<f32>)> =
            free.flat_map(|column| self.alternatives(column, row).into_iter().map(move |row| (column, row))).collect();
        let rows: Vec<Vec<f32>> = tried.iter().map(|(_, row)| row.clone()).collect();
        let scores = self.scores(&rows);
        let enough = scores.iter().any(|&score| score < self.limit);
        let cost = |place: usize| match (enough, scores[place] < self.limit) {
            (true, true) => self.distance(tried[place].0, &tried[place].1),
            (true, false) => f32::INFINITY,
            (false, _) => scores[place],
        };
        let best = (0..tried.len()).min_by(|&a, &b| cost(a).total_cmp(&cost(b)))?;
        tried.into_iter().nth(best)
    }

    /// The row with other values of a column.
    fn alternatives(&self, column: usize, row: &[f32]) -> Vec<Vec<f32>> {
        let ColumnFeatures { first, width, categories, .. } = self.columns[column];
        let with = |values: &[f32]| {
            let mut row = row.to_vec();
            row[*first..first + width].copy_from_slice(values);
            row
        };
        if categories.is_some() {
            let word = |word: usize| (0..*width).map(|at| f32::from(u8::from(at == word))).collect::<Vec<f32>>();
            return (0..(*width).min(WORDS)).map(|at| with(&word(at))).filter(|other| other != row).collect();
        }
        let Some(range) = &self.detector.preparation.ranges[*first] else { return Vec::new() };
        let over = |part: u16| range.low + (range.high - range.low) * f32::from(part) / f32::from(VALUES - 1);
        let mut values: Vec<f32> = (0..VALUES).map(over).chain([range.median]).collect();
        values.extend(self.expected(*first, row));
        values.into_iter().filter(|value| value.is_finite()).map(|value| with(&[value])).collect()
    }

    /// What the linear model lets expect of a feature, given all others.
    fn expected(&self, feature: usize, row: &[f32]) -> Option<f32> {
        let preparation = &self.detector.preparation;
        let (whitening, _) = self.detector.members.linear.as_ref()?;
        let mut prepared = vec![0.0; preparation.width()];
        preparation.prepare(row, &mut prepared);
        let (expected, _) = whitening.expected(&prepared);
        let place = preparation.inputs.iter().position(|input| input.feature == feature && !input.absence)?;
        Some(preparation.inputs[place].restore(expected[place]))
    }

    /// Brings a number as near to what the row has as the limit allows.
    fn shorten(&self, column: usize, row: &mut [f32]) {
        let ColumnFeatures { first, categories, .. } = self.columns[column];
        let was = self.original[*first];
        if categories.is_some() || was.is_nan() {
            return;
        }
        let (mut near, mut far) = (was, row[*first]);
        for _ in 0..2 {
            let values: Vec<f32> =
                (0..=STEPS).map(|step| near + (far - near) * f32::from(step) / f32::from(STEPS)).collect();
            let with = |&value: &f32| {
                let mut row = row.to_vec();
                row[*first] = value;
                row
            };
            let scores = self.scores(&values.iter().map(with).collect::<Vec<_>>());
            let Some(enough) = scores.iter().position(|&score| score < self.limit) else { return };
            (near, far) = (values[enough.saturating_sub(1)], values[enough]);
            row[*first] = far;
        }
    }

    /// Gives a number the fewest digits with which the row still is below the limit, and that change its move by at most a quarter.
    fn round(&self, column: usize, row: &mut [f32]) {
        let ColumnFeatures { first, categories, .. } = self.columns[column];
        let value = row[*first];
        if categories.is_some() || value == 0.0 {
            return;
        }
        let range = self.detector.preparation.ranges[*first].as_ref().map_or(0.0, |range| range.high - range.low);
        let moved = (value - self.original[*first]).abs();
        let moved = f64::from(if moved.is_nan() { range } else { moved });
        if !(moved > 0.0 && moved.is_finite()) {
            return;
        }
        let coarsest = (moved / 4.0).log10().floor() as i32;
        for places in -coarsest..PLACES - coarsest {
            // A power of ten is exact, and one part of it is not.
            let scaled = |part: f64| if places < 0 { part / 10f64.powi(-places) } else { part * 10f64.powi(places) };
            let whole = |part: f64| if places < 0 { part * 10f64.powi(-places) } else { part / 10f64.powi(places) };
            let part = scaled(f64::from(value));
            let mut rounded = [part.floor(), part.ceil()].map(|part| whole(part) as f32);
            rounded.sort_by(|a, b| (a - value).abs().total_cmp(&(b - value).abs()));
            let with = |&value: &f32| {
                let mut row = row.to_vec();
                row[*first] = value;
                row
            };
            let scores = self.scores(&rounded.iter().map(with).collect::<Vec<_>>());
            if let Some(enough) = scores.iter().position(|&score| score < self.limit) {
                row[*first] = rounded[enough];
                return;
            }
        }
    }

    fn copy(&self, column: usize, from: &[f32], to: &mut [f32]) {
        let ColumnFeatures { first, width, .. } = self.columns[column];
        to[*first..first + width].copy_from_slice(&from[*first..first + width]);
    }

    /// How far a column is moved, in widths of what is usual; another word, or a value for none, counts as one.
    fn distance(&self, column: usize, row: &[f32]) -> f32 {
        let ColumnFeatures { first, categories, .. } = self.columns[column];
        let range = self.detector.preparation.ranges[*first].as_ref().filter(|_| categories.is_none());
        let width = range.map_or(0.0, |range| range.high - range.low);
        let moved = (row[*first] - self.original[*first]).abs();
        if moved.is_finite() && width > 0.0 { moved / width } else { 1.0 }
    }

    fn scores(&self, rows: &[Vec<f32>]) -> Vec<f32> {
        let shape = (rows.len(), self.original.len());
        let values = ndarray::Array2::from_shape_vec(shape, rows.concat()).expect("rows of one width");
        let Ok(data) = Dataset::from_f32("rows", values) else { return Vec::new() };
        let mut scores = self.detector.members.score(&self.detector.preparation, &data);
        // What has no score is no way out.
        scores.iter_mut().filter(|score| score.is_nan()).for_each(|score| *score = f32::INFINITY);
        scores
    }
}
