//! What the values are, counted once over all of them.

use super::Dataset;
use super::values::Values;

/// Counts over all values of a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ValueSummary {
    /// The smallest finite value; +∞ where there is none.
    pub min: f32,
    /// The largest finite value; −∞ where there is none.
    pub max: f32,
    /// How many values are missing (NaN).
    pub missing: usize,
    /// How many are infinite, or beyond ±3.4e38, which f32 has no number for.
    pub infinite: usize,
}

/// The share of values that are not missing, of which at least one counts as there.
pub(crate) fn share_observed(missing: usize, of: usize) -> f64 {
    let all = of.max(1);
    (all - missing.min(all - 1)) as f64 / all as f64
}

impl Dataset {
    /// Extremes and oddities over all values, in one pass.
    pub fn summary(&self) -> ValueSummary {
        let mut summary = ValueSummary { min: f32::INFINITY, max: f32::NEG_INFINITY, missing: 0, infinite: 0 };
        let mut patch = vec![0; if matches!(self.values, Values::Patches(_)) { self.features } else { 0 }];
        let of_bytes = |summary: &mut ValueSummary, row: &[u8]| {
            summary.min = row.iter().fold(summary.min, |min, &value| min.min(f32::from(value)));
            summary.max = row.iter().fold(summary.max, |max, &value| max.max(f32::from(value)));
        };
        for index in 0..self.len() {
            match &self.values {
                Values::U8(values) => of_bytes(&mut summary, self.stored(values, index)),
                Values::Patches(patches) => {
                    patches.cut(self.rows[index], 0, &mut patch, |byte| byte);
                    of_bytes(&mut summary, &patch);
                }
                Values::F32(values) => {
                    for &value in self.stored(values, index) {
                        if value.is_nan() {
                            summary.missing += 1;
                        } else if value.is_finite() {
                            summary.min = summary.min.min(value);
                            summary.max = summary.max.max(value);
                        } else {
                            summary.infinite += 1;
                        }
                    }
                }
            }
        }
        summary
    }

    /// The share of values that are not missing (NaN), from above 0 to 1: at least one counts as there.
    pub fn share_observed(&self) -> f64 {
        let Values::F32(values) = &self.values else { return 1.0 };
        let of_row = |index| self.stored(values, index).iter().filter(|value| value.is_nan()).count();
        share_observed((0..self.len()).map(of_row).sum(), self.len() * self.features())
    }

    /// Sample and feature of the first infinite value.
    pub fn first_infinite(&self) -> Option<(usize, usize)> {
        let Values::F32(values) = &self.values else { return None };
        (0..self.len()).find_map(|index| {
            let feature = self.stored(values, index).iter().position(|value| value.is_infinite())?;
            Some((index, feature))
        })
    }
}
