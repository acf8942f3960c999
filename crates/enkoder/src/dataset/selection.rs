//! Which samples, in which order: selecting shares the values instead of copying them.

use rand::seq::SliceRandom;

use crate::random::{Purpose, stream};

use super::{Dataset, DatasetError};

impl Dataset {
    /// The samples with these numbers, in this order, sharing the values.
    ///
    /// # Panics
    /// When a number is not below [`len`](Self::len).
    pub fn select(&self, indices: &[usize]) -> Self {
        let rows = indices.iter().map(|&index| self.rows[index]).collect();
        Self { rows, ..self.clone() }
    }

    /// The first `count` samples, or all where there are fewer.
    pub fn head(&self, count: usize) -> Self {
        Self { rows: self.rows[..count.min(self.len())].into(), ..self.clone() }
    }

    /// The samples in the order in which they are stored.
    pub(crate) fn in_order(&self) -> Self {
        let mut rows = self.rows.to_vec();
        rows.sort_unstable();
        Self { rows: rows.into(), ..self.clone() }
    }

    /// Training and validation samples after a seeded shuffle; `fraction` (between 0 and 1) of them, and at least one, go to
    /// validation.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Self, Self), DatasetError> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(DatasetError::Fraction(fraction));
        }
        if self.len() < 2 {
            return Err(DatasetError::TooFew { samples: self.len() });
        }
        let mut rows = self.rows.to_vec();
        rows.shuffle(&mut stream(seed, Purpose::Split, 0));
        let validation = ((rows.len() as f64 * fraction).round() as usize).clamp(1, rows.len() - 1);
        let (train, validation) = rows.split_at(rows.len() - validation);
        Ok((Self { rows: train.into(), ..self.clone() }, Self { rows: validation.into(), ..self.clone() }))
    }
}
