//! What the other columns let expect of a reading at the same moment, by linear regression: a pressure is usual by itself and wrong
//! for a pump that stands still. What is left of the reading is judged as a reading of its own.

use super::voices::{Fold, Reading};
use crate::least_squares::solve;

/// The regressions take time by the cube of the columns.
const MOST_COLUMNS: usize = 128;
/// Added to the variance of each column, for which deviations are the unit: weights of columns that go together stay small.
const RIDGE: f64 = 1e-3;
/// The part of a reading's variance that must be explained in rows not learned from: less is no relation to rely on. With half
/// of it, telemetry whose commands come and go gave four times as many false incidents.
const LEAST_EXPLAINED: f64 = 0.8;

/// A regression of a prepared reading on others.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Relation {
    pub(super) offset: f32,
    pub(super) terms: Vec<Term>,
    /// One over the standard deviation of what is left.
    pub(super) scale: f32,
}

/// A prepared column and its weight.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Term {
    #[serde(flatten)]
    pub(super) column: Reading,
    pub(super) weight: f32,
}

impl Relation {
    /// Checks what was read from a file of so many features.
    pub(super) fn is_sound(&self, features: usize) -> bool {
        let term = |term: &Term| {
            let column = &term.column;
            column.feature < features
                && column.relation.is_none()
                && column.is_sound(features)
                && term.weight.is_finite()
        };
        self.offset.is_finite() && self.scale.is_finite() && self.scale > 0.0 && self.terms.iter().all(term)
    }

    /// What the others let expect of the reading, which is prepared as they are.
    pub(super) fn expected(&self, value: impl Fn(usize) -> f32) -> f32 {
        let term = |Term { column, weight }: &Term| weight * column.prepare(value(column.feature));
        self.offset + self.terms.iter().map(term).sum::<f32>()
    }
}

/// The readings of which the others explain most, as readings of what is left, each with what is left in each row of each series by what was
/// learned in other parts. `columns` are all that vary, `values` the prepared rows of each series by column.
pub(super) fn related(
    readings: &[Reading],
    columns: &[Reading],
    values: &[Vec<Vec<f32>>],
    folds: &[Vec<Fold>],
) -> Vec<(Reading, Vec<Vec<f32>>)> {
    if columns.len() < 2 || columns.len() > MOST_COLUMNS {
        return Vec::new();
    }
    let grams: Vec<Vec<f64>> = folds.iter().map(|fold| gram(columns.len(), values, fold)).collect();
    let total: Vec<f64> = (0..grams[0].len()).map(|at| grams.iter().map(|gram| gram[at]).sum()).collect();
    let without_each: Vec<Vec<f64>> =
        grams.iter().map(|gram| total.iter().zip(gram).map(|(all, part)| all - part).collect()).collect();
    let of = |reading: &Reading| {
        let target = columns.iter().position(|column| column.feature == reading.feature)?;
        let (weights, without) = (weights_of(&total, target), without_each.iter().map(|gram| weights_of(gram, target)));
        let mut left: Vec<Vec<f32>> = values.iter().map(|series| vec![0.0; series[target].len()]).collect();
        let (mut squares, mut sum, mut own, mut rows) = (0.0, 0.0, 0.0, 0.0);
        for (fold, weights) in folds.iter().zip(without) {
            for Fold { series, rows: part } in fold {
                for row in part.clone() {
                    let seen = |column: usize| f64::from(values[*series][column][row]);
                    let expected: f64 = weights[columns.len()]
                        + (0..columns.len()).map(|column| weights[column] * seen(column)).sum::<f64>();
                    let error = seen(target) - expected;
                    left[*series][row] = error as f32;
                    squares += error * error;
                    own += seen(target).powi(2);
                    sum += seen(target);
                    rows += 1.0;
                }
            }
        }
        let variance = own - sum * sum / rows;
        let spread = (squares / rows).sqrt().max(f64::from(f32::EPSILON));
        // What never varied has nothing to explain.
        if variance <= 0.0 || squares > (1.0 - LEAST_EXPLAINED) * variance {
            return None;
        }
        let scale = (1.0 / spread) as f32;
        left.iter_mut().flatten().for_each(|value| *value *= scale);
        let term = |(column, &weight): (&Reading, &f64)| {
            (weight != 0.0).then(|| Term { column: column.clone(), weight: weight as f32 })
        };
        let terms = columns.iter().zip(&weights).filter_map(term).collect();
        let relation = Relation { offset: weights[columns.len()] as f32, terms, scale };
        Some((Reading { relation: Some(relation), ..reading.clone() }, left))
    };
    readings.iter().filter_map(of).collect()
}

/// Sums of products of columns, with a column of ones behind them, over the rows of a fold.
fn gram(columns: usize, values: &[Vec<Vec<f32>>], fold: &[Fold]) -> Vec<f64> {
    let width = columns + 1;
    let mut sums = vec![0.0; width * width];
    let mut row = vec![1.0; width];
    for Fold { series, rows } in fold {
        for at in rows.clone() {
            row.iter_mut().zip(&values[*series]).for_each(|(to, column)| *to = f64::from(column[at]));
            for (first, sums) in row.iter().zip(sums.chunks_exact_mut(width)) {
                sums.iter_mut().zip(&row).for_each(|(sum, second)| *sum += first * second);
            }
        }
    }
    sums
}

/// The weight of each column and the offset behind them; that of the target itself is 0.
fn weights_of(gram: &[f64], target: usize) -> Vec<f64> {
    let width = gram.len().isqrt();
    let rows = gram[width * width - 1].max(1.0);
    let others: Vec<usize> = (0..width).filter(|&column| column != target).collect();
    let equations = others.iter().map(|&row| {
        let products = others.iter().map(|&column| {
            let held = if row == column && row + 1 < width { RIDGE * rows } else { 0.0 };
            gram[row * width + column] + held
        });
        products.chain([gram[row * width + target]]).collect()
    });
    let solution = solve(equations.collect());
    let mut weights = vec![0.0; width];
    others.iter().zip(solution).for_each(|(&column, weight)| weights[column] = weight);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(feature: usize) -> Reading {
        Reading { feature, center: 0.0, scale: 1.0, ..Reading::default() }
    }

    /// Pairs of which the second is twice the first and one more, and a third column that goes its own way.
    fn columns(rows: usize) -> Vec<Vec<Vec<f32>>> {
        let first = |row: usize| ((row * 37) % 101) as f32 / 50.0 - 1.0;
        let third = |row: usize| ((row * row) % 97) as f32 / 50.0 - 1.0;
        let of = |value: &dyn Fn(usize) -> f32| (0..rows).map(value).collect();
        vec![vec![of(&first), of(&|row| 2.0 * first(row) + 1.0), of(&third)]]
    }

    fn folds(rows: usize) -> Vec<Vec<Fold>> {
        let half = |rows| vec![Fold { series: 0, rows }];
        vec![half(0..rows / 2), half(rows / 2..rows)]
    }

    #[test]
    fn a_column_that_others_tell_is_judged_by_what_is_left_of_it_and_one_of_its_own_is_not() {
        let readings: Vec<Reading> = (0..3).map(column).collect();
        let related = related(&readings, &readings, &columns(400), &folds(400));
        let features: Vec<usize> = related.iter().map(|(reading, _)| reading.feature).collect();
        assert_eq!(features, [0, 1]);
        let (second, _) = &related[1];
        let left = second.values([0.5f32, 2.0, 0.0, 0.5, 0.0, 0.0, 0.5, f32::NAN, 0.0].iter(), 3);
        assert!(left[0].abs() < 3.0 && left[1] < -100.0, "{left:?}");
        // What is missing is as usual.
        assert_eq!(left[2], 0.0);
        let expected = second.relation.as_ref().unwrap().expected(|feature| [0.5, 0.0, 0.0][feature]);
        assert!((expected - 2.0).abs() < 0.02, "{expected}");
    }

    #[test]
    fn a_column_alone_has_no_relation() {
        let rows = vec![vec![columns(100)[0][0].clone()]];
        assert!(related(&[column(0)], &[column(0)], &rows, &folds(100)).is_empty());
    }
}
