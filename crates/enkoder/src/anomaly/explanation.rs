//! Why a row is odd: the columns that contribute most, each with what was observed, what was to be expected by the other columns,
//! and what is usual.

use super::detector::Detector;
use super::error::AnomalyError;
use super::nearest::NearestWindow;
use super::preparation::ColumnFeatures;
use super::residuals::in_sight;
use super::scores::NoScore;
use super::voices::Reading;
use super::windows::Windows;
use crate::dataset::Dataset;
use crate::schema::likeliest;

/// What is observed where a word did not occur in the rows learned from.
const UNKNOWN_WORD: &str = "unknown word";

/// A value of a column.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A number, in the column's own units.
    Number(f32),
    /// A word; one that did not occur in the rows learned from, which rows do not keep, is `unknown word`.
    Word(String),
    /// No value.
    Missing,
}

/// What one column contributes to the score of a row.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Reason {
    /// The column's name.
    pub column: String,
    /// Its part of the row's oddness, from 0 to 1; those of all columns sum to 1.
    pub share: f32,
    /// What the row has.
    pub observed: Value,
    /// What the other columns let expect, by the linear model; what the autoencoder makes of the row where there is only that;
    /// and otherwise what is commonest.
    pub expected: Value,
    /// How far a number usually is from what is expected: a standard deviation, by the linear model, or of a reading that is judged by its
    /// own windows by the nearest usual ones. None where neither says so.
    pub spread: Option<f32>,
    /// The central 98 % of the numbers learned from; none for words.
    pub usual: Option<(f32, f32)>,
    /// Of a reading that is judged by its own windows: the stretch around the moment, beside the most similar normal one.
    #[serde(skip)]
    pub nearest: Option<NearestWindow>,
}

/// What a row or a moment is explained by.
struct Shares {
    /// Of each column.
    shares: Vec<f32>,
    /// Of each feature, and how far it usually is from that.
    expected: Vec<f32>,
    spreads: Vec<Option<f32>>,
}

impl Detector {
    /// The `count` columns that contribute most to the score of row `row`, the largest first. Columns that contribute nothing
    /// are left out. In a series, those of the window around the row: where readings are judged one by one the
    /// readings, and otherwise the columns `x[-k]`, which are x, k rows before the window's last.
    ///
    /// # Errors
    /// As [`score`](Self::score), and when the row has no score.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn explain(&self, data: &Dataset, row: usize, count: usize) -> Result<Vec<Reason>, AnomalyError> {
        self.check(data)?;
        let mut values = vec![0.0; data.features()];
        let mut no_score = |row| {
            data.copy_row(row, &mut values);
            self.no_score(&values)
        };
        if let Some(reason) = no_score(row) {
            return Err(AnomalyError::Unscored { row, reason });
        }
        let mut is_usable = |row| !matches!(no_score(row), Some(NoScore::Infinite { .. }));
        let mut at = 0;
        let data = match self.windows {
            None => data.select(&[row]),
            Some(windows) => {
                // A row with an infinite value ends the series on its side.
                let reach = windows.length;
                let back = (row.saturating_sub(reach)..row).rev().take_while(|&row| is_usable(row)).count();
                let on = (row..data.len().min(row + reach)).take_while(|&row| is_usable(row)).count();
                let around = windows.around(back, back + on);
                at = back - around.start;
                let rows: Vec<usize> = around.map(|at| row - back + at).collect();
                windows.of(&data.select(&rows))?
            }
        };
        let mut values = vec![0.0; data.features()];
        data.copy_row(0, &mut values);
        self.explain_window(&values, at, count)
    }

    /// The same of a whole window, or a row where there are no windows. Where readings are judged one by one, `at` is the row of
    /// the window that is told of.
    pub(super) fn explain_window(&self, values: &[f32], at: usize, count: usize) -> Result<Vec<Reason>, AnomalyError> {
        let Shares { shares, expected, spreads } = match self.windows {
            Some(windows) if !self.voices.is_empty() => self.shares_of_readings(values, windows.length, at),
            _ => self.shares(values),
        };
        let window = values;
        let nearest =
            |feature| self.windows.and_then(|Windows { length, .. }| self.nearest_window(window, length, at, feature));
        let values = if self.voices.is_empty() { values } else { &values[at * self.features..][..self.features] };
        let mut order: Vec<usize> = (0..shares.len()).filter(|&column| shares[column] > 0.0).collect();
        order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
        order.truncate(count);
        let reason = |number: usize| {
            let column = &self.preparation.columns[number];
            let range = self.preparation.ranges[column.first].as_ref();
            Reason {
                column: column.name.clone(),
                share: shares[number],
                observed: observed_of(column, values),
                expected: value_of(column, &expected),
                spread: spreads[column.first].filter(|spread| column.categories.is_none() && spread.is_finite()),
                usual: range.filter(|_| column.categories.is_none()).map(|range| (range.low, range.high)),
                nearest: nearest(column.first),
            }
        };
        Ok(order.into_iter().map(reason).collect())
    }

    /// The share of each reading in the surprise of a window of so many rows, and what its nearest usual windows have in row `at`.
    fn shares_of_readings(&self, window: &[f32], rows: usize, at: usize) -> Shares {
        let preparation = &self.preparation;
        let mut shares = vec![0.0; preparation.columns.len()];
        let mut expected = vec![f32::NAN; self.features];
        let mut spreads = vec![None; self.features];
        let mut usuals = vec![None; self.voices.readings.len()];
        let of_window = |reading: &Reading| reading.values(window.iter(), self.features);
        let all_prepared: Vec<Vec<f32>> = self.voices.readings.iter().map(of_window).collect();
        let mut said = Vec::new();
        for voice in &self.voices.voices {
            let reading = &self.voices.readings[voice.reading];
            let length = voice.outline.length;
            // As near to the middle of the shorter window as the ends of the longer one allow.
            let start = at.saturating_sub(length / 2).min(rows - length);
            let prepared = &all_prepared[voice.reading][start..start + length];
            said.extend(voice.distances(prepared, 1));
            if at < reading.past() {
                continue;
            }
            let row = &window[at * self.features..][..self.features];
            let (usual, spread) = match (&reading.relation, &reading.forecast) {
                (Some(relation), _) => (relation.expected(|feature| row[feature]), None),
                (None, Some(forecast)) => {
                    let left = all_prepared[voice.reading][at] / forecast.scale;
                    let usual = reading.prepare(row[reading.feature]) - left;
                    (usual, Some(1.0 / (forecast.scale * reading.scale)))
                }
                (None, None) => {
                    let outline = voice.outline.of(prepared, 1);
                    let usual = voice.shapes.expected(&outline);
                    let part = voice.outline.part_of(at - start).min(usual.len() - 1);
                    (usual[part], voice.shapes.spread(&outline, part).map(|spread| spread / reading.scale))
                }
            };
            // The first voice of a reading knows the nearest windows.
            usuals[voice.reading].get_or_insert((reading.restore(usual), spread));
        }
        let surprises = self.voices.surprises(&said);
        let highest = surprises.iter().copied().fold(0.0, f32::max);
        let mut most = vec![f32::NEG_INFINITY; self.features];
        for ((reading, surprise), usual) in self.voices.readings.iter().zip(surprises).zip(usuals) {
            shares[preparation.column_of(reading.feature)] += reading.votes * (surprise - highest).exp();
            // Of a column that is judged in two ways, what makes it odder is told.
            if let Some((usual, spread)) = usual.filter(|_| surprise > most[reading.feature]) {
                (most[reading.feature], expected[reading.feature]) = (surprise, usual);
                spreads[reading.feature] = spread;
            }
        }
        let sum: f32 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
        Shares { shares, expected, spreads }
    }

    /// The share of each column, and what is expected of each feature.
    fn shares(&self, row: &[f32]) -> Shares {
        let preparation = &self.preparation;
        let mut prepared = vec![0.0; preparation.width()];
        preparation.prepare(row, &mut prepared);
        let medians = preparation.ranges.iter().map(|range| range.as_ref().map_or(f32::NAN, |range| range.median));
        let mut expected: Vec<f32> = medians.collect();
        let mut spreads = vec![None; expected.len()];
        let mut total = vec![0.0; preparation.columns.len()];
        let mut add = |contributions: &[f32], weight: f32| {
            let sum: f32 = contributions.iter().sum();
            if sum > 0.0 {
                total.iter_mut().zip(contributions).for_each(|(to, part)| *to += weight * part / sum);
            }
        };
        let by_column = |of_inputs: &[f32]| {
            let mut contributions = vec![0.0; preparation.columns.len()];
            for (input, part) in preparation.inputs.iter().zip(of_inputs) {
                contributions[preparation.column_of(input.feature)] += part;
            }
            contributions
        };
        let mut scratch = super::residuals::ResidualScratch::default();
        let mut score = [0.0];
        if let Some((marginal, reference)) = &self.members.marginal {
            let mut contributions = vec![0.0; preparation.columns.len()];
            marginal.add_contributions(row, &mut contributions);
            add(&contributions, reference.surprise(marginal.score(row)));
        }
        let mut expect = |expectation: Vec<f32>| {
            for (input, expectation) in preparation.inputs.iter().zip(expectation).filter(|(input, _)| !input.absence) {
                expected[input.feature] = input.restore(expectation);
            }
        };
        if let Some((network, _)) = &self.members.autoencoder {
            expect(network.expected(&prepared));
        }
        if let Some((whitening, reference)) = &self.members.linear {
            let (expectation, surprise) = whitening.expected(&prepared);
            expect(expectation);
            for (input, spread) in
                preparation.inputs.iter().zip(whitening.spreads()).filter(|(input, _)| !input.absence)
            {
                spreads[input.feature] = Some(spread / input.center_and_scale().1);
            }
            whitening.scores(&mut prepared.clone(), &mut score, &mut scratch.whitening);
            add(&by_column(&surprise), reference.surprise(score[0]));
        }
        let seen = in_sight(&prepared);
        for (weight, network, reference) in self.members.networks() {
            let mut contributions = vec![0.0; prepared.len()];
            network.add_contributions(&prepared, &mut contributions);
            network.scores(&prepared, &seen, &mut score, &mut scratch);
            add(&by_column(&contributions), weight * reference.surprise(score[0]));
        }
        if let Some((rows, reference)) = &self.members.neighbours {
            let distance = rows.distances(&seen)[0];
            let apart = rows.expected(&seen).into_iter().zip(&seen).map(|(usual, value)| (value - usual).powi(2));
            add(&by_column(&apart.collect::<Vec<_>>()), reference.surprise(distance));
        }
        // What is added to a mean weighs as much as all that the mean is of.
        let votes = self.members.votes();
        self.members.unchanging.add_contributions(preparation, row, votes, &mut total);
        let sum: f32 = total.iter().sum();
        if sum > 0.0 {
            total.iter_mut().for_each(|share| *share /= sum);
        }
        Shares { shares: total, expected, spreads }
    }
}

/// What a row has. A word that is none of the known ones has no feature set, and one that is missing has none known.
pub(super) fn observed_of(column: &ColumnFeatures, row: &[f32]) -> Value {
    let values = &row[column.first..column.first + column.width];
    let unknown = column.categories.is_some() && values.iter().all(|&value| value == 0.0);
    if unknown { Value::Word(UNKNOWN_WORD.to_owned()) } else { value_of(column, row) }
}

fn value_of(column: &ColumnFeatures, row: &[f32]) -> Value {
    let values = &row[column.first..column.first + column.width];
    let Some(categories) = &column.categories else {
        return if values[0].is_nan() { Value::Missing } else { Value::Number(values[0]) };
    };
    likeliest(values).map_or(Value::Missing, |category| Value::Word(categories[category].clone()))
}
