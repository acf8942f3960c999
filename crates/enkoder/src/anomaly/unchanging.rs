//! Columns that never changed in the rows learned from. Nothing can be learned of them but that, and a change of one is the first
//! suspect: no other column could say more.

use super::coefficients::Unchanged;
use super::preparation::{ColumnFeatures, FeatureRange, Preparation};
use crate::dataset::is_coarse;

impl Preparation {
    /// The numbers of the columns that had one value in all rows learned from, as far as float32 can tell: large ones may have
    /// differed before they were rounded.
    pub(super) fn unchanging(&self) -> impl Iterator<Item = usize> {
        let constant = |column: &ColumnFeatures| {
            let ranges = &self.ranges[column.first..column.first + column.width];
            let is_constant = |range: &FeatureRange| range.is_constant() && !is_coarse((range.min, range.max));
            ranges.iter().all(|range| range.as_ref().is_some_and(is_constant))
        };
        let columns = self.columns.iter().enumerate();
        columns.filter(move |(_, column)| constant(column)).map(|(number, _)| number)
    }

    /// How surprising it is that a column which never changed has this row's value: 0 where it has the value learned or none, and
    /// otherwise `strength` and more, the more the farther it is from that value.
    pub(super) fn surprise_of_change(&self, column: usize, row: &[f32], strength: f32) -> f32 {
        let column = &self.columns[column];
        let features = column.first..column.first + column.width;
        let changes = features.filter_map(|feature| {
            let (value, usual) = (row[feature], self.ranges[feature].as_ref()?.median);
            (value != usual && !value.is_nan()).then(|| (value - usual).abs() / usual.abs().max(1.0))
        });
        let farthest = changes.reduce(f32::max);
        farthest.map_or(0.0, |distance| strength + distance.min(f32::MAX).ln_1p())
    }
}

/// What watches the unchanging columns of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Unchanging {
    columns: Vec<usize>,
    strength: f32,
}

impl Unchanging {
    /// Watches nothing where the strength is 0.
    pub(super) fn of(preparation: &Preparation, strength: f32) -> Self {
        let columns = if strength > 0.0 { preparation.unchanging().collect() } else { Vec::new() };
        Self { columns, strength }
    }

    pub(super) fn names(&self, preparation: &Preparation) -> Vec<String> {
        self.columns.iter().map(|&column| preparation.columns[column].name.clone()).collect()
    }

    pub(super) fn coefficients(&self, preparation: &Preparation) -> Unchanged {
        let features = self.features(preparation);
        let usual = |feature: usize| preparation.ranges[feature].as_ref().map(|range| (feature, range.median));
        Unchanged { usual: features.filter_map(usual).collect(), strength: self.strength }
    }

    /// The features of the columns.
    pub(super) fn features<'a>(&'a self, preparation: &'a Preparation) -> impl Iterator<Item = usize> + 'a {
        self.columns.iter().flat_map(|&column| {
            let column = &preparation.columns[column];
            column.first..column.first + column.width
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The highest surprise of a change: the rows of a window are columns, too, and one change lasts for many of them.
    pub(super) fn surprise(&self, preparation: &Preparation, row: &[f32]) -> f32 {
        let changes = self.columns.iter().map(|&column| preparation.surprise_of_change(column, row, self.strength));
        changes.fold(0.0, f32::max)
    }

    /// Adds the surprise of each column, times `weight`.
    pub(super) fn add_contributions(
        &self,
        preparation: &Preparation,
        row: &[f32],
        weight: f32,
        contributions: &mut [f32],
    ) {
        for &column in &self.columns {
            contributions[column] += weight * preparation.surprise_of_change(column, row, self.strength);
        }
    }
}
