//! Scaled and centred samples in f64, one block at a time: whole samples to sum over samples, or a range of features of every
//! sample to sum over features. How blocks are cut depends on the data alone, so that no sum depends on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::scaling::Scaler;

/// Values of one block; 8 bytes each.
const BLOCK_VALUES: usize = 1 << 20;
/// Into how many parts the samples are cut to sum them.
const MEAN_PARTS: usize = 16;

/// A data set as its scaler shows it, around its mean.
pub(super) struct Centred<'a> {
    data: &'a Dataset,
    scaler: &'a Scaler,
    mean: Vec<f64>,
}

impl<'a> Centred<'a> {
    /// Sums the samples for their mean.
    pub(super) fn new(data: &'a Dataset, scaler: &'a Scaler) -> Self {
        let (count, features) = (data.len(), data.features());
        let part = count.div_ceil(MEAN_PARTS).max(1);
        let sums: Vec<Vec<f64>> = (0..count.div_ceil(part))
            .into_par_iter()
            .map(|index| {
                let (mut row, mut sum) = (vec![0.0; features], vec![0.0; features]);
                for sample in index * part..count.min((index + 1) * part) {
                    scaler.copy_scaled(data, sample, &mut row);
                    sum.iter_mut().zip(&row).for_each(|(sum, &value)| *sum += f64::from(value));
                }
                sum
            })
            .collect();
        let mut mean = vec![0.0; features];
        for sum in sums {
            mean.iter_mut().zip(sum).for_each(|(mean, sum)| *mean += sum);
        }
        mean.iter_mut().for_each(|mean| *mean /= count as f64);
        Self { data, scaler, mean }
    }

    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    pub(super) fn features(&self) -> usize {
        self.data.features()
    }

    pub(super) fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Calls `work` with blocks of whole samples, `samples × features`, in order.
    pub(super) fn by_samples(&self, mut work: impl FnMut(&[f64])) {
        let features = self.features();
        let most = (BLOCK_VALUES / features).clamp(8, self.len().max(8));
        let mut block = vec![0.0; most * features];
        for first in (0..self.len()).step_by(most) {
            let samples = most.min(self.len() - first);
            let block = &mut block[..samples * features];
            self.fill(block, first, 0..features);
            work(block);
        }
    }

    /// Calls `work` with a range of features and their block of all samples, `samples × range`, in order.
    pub(super) fn by_features(&self, mut work: impl FnMut(Range<usize>, &[f64])) {
        let most = (BLOCK_VALUES / self.len()).clamp(8, self.features().max(8));
        let mut block = vec![0.0; most * self.len()];
        for first in (0..self.features()).step_by(most) {
            let range = first..self.features().min(first + most);
            let block = &mut block[..range.len() * self.len()];
            self.fill(block, 0, range.clone());
            work(range, block);
        }
    }

    fn fill(&self, block: &mut [f64], first: usize, range: Range<usize>) {
        let mean = &self.mean[range.clone()];
        block.par_chunks_mut(range.len()).enumerate().for_each_init(
            || vec![0.0; range.len()],
            |row, (index, centred)| {
                self.scaler.copy_scaled_range(self.data, first + index, range.start, row);
                for ((centred, &value), mean) in centred.iter_mut().zip(&*row).zip(mean) {
                    *centred = f64::from(value) - mean;
                }
            },
        );
    }
}
