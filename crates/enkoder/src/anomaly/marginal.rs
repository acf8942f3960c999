//! The detector without a code: how rare each value is among the values of its own column, by a histogram (Goldstein and
//! Dengel, "Histogram-based outlier score (HBOS)", KI 2012). It is what an autoencoder of latent size 0 can know, finds values
//! that are odd by themselves, and says the same of numbers, words and missing values.

use serde::{Deserialize, Serialize};

use super::coefficients::{ColumnCost, SeenCosts};
use super::preparation::{ColumnFeatures, Preparation, fold_features};
use crate::dataset::Dataset;

const BINS: usize = 10;
/// What is added to every count, so that what was never seen is rare instead of impossible.
const PRIOR: f64 = 0.5;

/// One cost for each column: the negative logarithm (base e) of how often its value's bin or word occurs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Marginal {
    columns: Vec<ColumnCosts>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ColumnCosts {
    /// The column's number.
    column: usize,
    first: usize,
    costs: Costs,
    missing: f32,
    unseen: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Costs {
    Bins { low: f32, high: f32, costs: Vec<f32> },
    Words(Vec<f32>),
}

impl Marginal {
    pub(super) fn fit(data: &Dataset, preparation: &Preparation) -> Self {
        // Of a word the highest bin tells that it is there.
        let bounds: Vec<_> = (0..data.features())
            .map(|feature| {
                let numeric = preparation.columns[preparation.column_of(feature)].categories.is_none();
                preparation.ranges[feature]
                    .as_ref()
                    .map_or((0.0, 0.0), |range| if numeric { range.bounds() } else { (0.0, 1.0) })
            })
            .collect();
        let begin = |feature| (bounds[feature], vec![0; BINS]);
        let bins =
            fold_features(&data.in_order(), begin, |((low, high), bins), value| match place(value, *low, *high) {
                Place::Bin(bin) if !value.is_nan() => bins[bin] += 1,
                Place::Bin(_) | Place::Outside(_) => {}
            });
        let bins: Vec<_> = bins.into_iter().map(|(_, bins)| bins).collect();
        let columns = 0..preparation.columns.len();
        Self {
            columns: columns.filter_map(|number| ColumnCosts::fit(preparation, number, data.len(), &bins)).collect(),
        }
    }

    /// The sum of the columns' costs.
    pub(super) fn score(&self, row: &[f32]) -> f32 {
        self.columns.iter().map(|column| column.cost(row)).sum()
    }

    /// Adds what each column's cost is above that of its commonest value.
    pub(super) fn add_contributions(&self, row: &[f32], contributions: &mut [f32]) {
        for column in &self.columns {
            contributions[column.column] += column.cost(row) - column.lowest();
        }
    }

    pub(super) fn coefficients(&self) -> Vec<ColumnCost<'_>> {
        self.columns.iter().map(ColumnCosts::coefficients).collect()
    }

    /// Checks what was read from a file against the columns there are.
    pub(super) fn is_sound(&self, columns: &[ColumnFeatures]) -> bool {
        self.columns.iter().all(|costs| {
            let Some(column) = columns.get(costs.column) else { return false };
            let (fits, of_values) = match &costs.costs {
                Costs::Bins { low, high, costs } => {
                    let range = low <= high && low.is_finite() && high.is_finite();
                    (column.categories.is_none() && range && costs.len() == BINS, costs)
                }
                Costs::Words(costs) => (column.categories.is_some() && costs.len() == column.width, costs),
            };
            let mut all = of_values.iter().chain([&costs.missing, &costs.unseen]);
            fits && costs.first == column.first && all.all(|cost| cost.is_finite())
        })
    }
}

impl ColumnCosts {
    /// From how often each bin of each of the column's features occurs.
    fn fit(preparation: &Preparation, number: usize, rows: usize, bins: &[Vec<usize>]) -> Option<Self> {
        let column = &preparation.columns[number];
        let first = column.first;
        let range = preparation.ranges[first].as_ref()?;
        let words = column.categories.is_some();
        if !words && range.is_constant() && range.missing == 0 {
            return None;
        }
        let counts: Vec<usize> = if words {
            bins[first..first + column.width].iter().map(|bins| bins[BINS - 1]).collect()
        } else {
            bins[first].clone()
        };
        if words && counts.iter().filter(|&&count| count > 0).count() + usize::from(range.missing > 0) < 2 {
            return None;
        }
        let total = rows as f64 + PRIOR * (counts.len() + 2) as f64;
        let cost = |count: usize| -((count as f64 + PRIOR) / total).ln() as f32;
        let costs: Vec<f32> = counts.iter().map(|&count| cost(count)).collect();
        let (low, high) = range.bounds();
        let costs = match (words, low < high) {
            (true, _) => Costs::Words(costs),
            (false, true) => Costs::Bins { low, high, costs },
            // One value, or none: all that can be odd is another one, or its absence.
            (false, false) => Costs::Bins { low, high: (low + low.abs().max(1.0)).min(f32::MAX), costs },
        };
        Some(Self { column: number, first, costs, missing: cost(range.missing), unseen: cost(0) })
    }

    fn coefficients(&self) -> ColumnCost<'_> {
        let seen = match &self.costs {
            Costs::Bins { low, high, costs } => SeenCosts::Bins { low: *low, width: high - low, costs },
            Costs::Words(costs) => SeenCosts::Words(costs),
        };
        ColumnCost { first: self.first, missing: self.missing, unseen: self.unseen, seen }
    }

    fn cost(&self, row: &[f32]) -> f32 {
        let value = row[self.first];
        if value.is_nan() {
            return self.missing;
        }
        match &self.costs {
            Costs::Words(costs) => {
                let values = &row[self.first..self.first + costs.len()];
                values.iter().position(|&value| value > 0.5).map_or(self.unseen, |word| costs[word])
            }
            Costs::Bins { low, high, costs } => match place(value, *low, *high) {
                Place::Bin(bin) => costs[bin],
                // Beyond all that was seen, a farther value is odder still.
                Place::Outside(distance) => self.unseen + distance.ln_1p(),
            },
        }
    }

    fn lowest(&self) -> f32 {
        let (Costs::Bins { costs, .. } | Costs::Words(costs)) = &self.costs;
        costs.iter().copied().fold(self.missing, f32::min)
    }
}

enum Place {
    Bin(usize),
    /// How many widths of the range beyond it.
    Outside(f32),
}

fn place(value: f32, low: f32, high: f32) -> Place {
    let width = high - low;
    let at = (value - low) / width;
    if (0.0..=1.0).contains(&at) {
        return Place::Bin(((at * BINS as f32) as usize).min(BINS - 1));
    }
    // NaN is also what a range of no width gives; nothing is outside of nothing.
    let distance = if at < 0.0 { -at } else { at - 1.0 };
    if distance.is_nan() { Place::Bin(0) } else { Place::Outside(distance.min(f32::MAX)) }
}
