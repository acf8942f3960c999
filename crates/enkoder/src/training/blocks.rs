//! Training samples of which there may be more than memory holds. An epoch takes their blocks in random order, some of them at a
//! time: a window. The samples of a window are shuffled among each other, while the next window is read (`ahead.rs`).
//! Which samples make a window depends on the seed and the epoch alone.

use std::ops::Range;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, OnceLock};
use std::{mem, slice};

use ndarray::Array2;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::error::TrainingError;
use crate::dataset::{Dataset, DatasetError, Fingerprint, SampleBlock, StoredDataset, share_observed};
use crate::random::{Purpose, stream};
use crate::scaling::{Ranges, Sampled, Scaler, Scaling, Squares, infinite};

/// Bytes of a block, about: a disk reads so much in one piece as fast as it reads more.
const BLOCK_BYTES: usize = 1 << 20;

/// How training samples are taken from where they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockPlan {
    /// Samples of a block.
    samples: usize,
    /// Blocks in memory at a time; another such window is read meanwhile.
    window: usize,
}

impl BlockPlan {
    /// Blocks of whole batches, as many in a window as fit into a quarter of `memory` bytes.
    pub(crate) fn new(sample_bytes: usize, batch: usize, memory: u64) -> Self {
        let sample_bytes = sample_bytes.max(1);
        let batch = batch.max(1);
        let samples = (BLOCK_BYTES / sample_bytes).max(1).checked_next_multiple_of(batch).unwrap_or(batch);
        let window = memory / 4 / (samples as u64).saturating_mul(sample_bytes as u64).max(1);
        Self { samples, window: usize::try_from(window).unwrap_or(usize::MAX).max(1) }
    }
}

/// What is taken out of stored samples before a training.
pub(crate) struct HeldOut {
    /// How many validate.
    pub(crate) validation: usize,
    /// How many of the others are kept in memory to be looked at.
    pub(crate) sample: usize,
    pub(crate) seed: u64,
}

/// The samples of a [`StoredDataset`] that a model is trained on, which are all but those that validate. They are read in blocks.
#[derive(Clone, Debug)]
pub struct TrainingBlocks {
    data: StoredDataset,
    /// The samples that validate, in rising order.
    held_out: Arc<[u32]>,
    /// Some of the others, evenly drawn.
    sample: Dataset,
    plan: BlockPlan,
    ranges: Arc<Ranges>,
    /// Once a scaling has needed them.
    squares: Arc<OnceLock<Squares>>,
    fingerprint: String,
}

/// Draws some of the samples that pass by, each as likely as any other (Knuth, The Art of Computer Programming 3.4.2, algorithm S).
struct Draw {
    random: ChaCha8Rng,
    wanted: usize,
    left: usize,
}

impl Draw {
    fn takes_next(&mut self) -> bool {
        let takes = self.left > 0 && self.random.random_range(0..self.left as u64) < self.wanted as u64;
        self.left -= usize::from(self.left > 0);
        self.wanted -= usize::from(takes);
        takes
    }
}

impl TrainingBlocks {
    /// Passes over all samples once. Returns what is trained on, and the samples that validate.
    pub(crate) fn hold_out(
        data: &StoredDataset,
        held: HeldOut,
        plan: BlockPlan,
    ) -> Result<(Self, Dataset), TrainingError> {
        let (all, validation) = (data.len(), held.validation);
        let draw = |purpose, wanted, left| Draw { random: stream(held.seed, purpose, 0), wanted, left };
        let mut validates = draw(Purpose::Split, validation, all);
        let mut is_shown = draw(Purpose::Sample, held.sample.min(all - validation), all - validation);
        let mut kept = [validation, is_shown.wanted].map(|samples| data.block(samples));
        let mut held_out = Vec::with_capacity(validation);
        let mut ranges = Ranges::new(data.features());
        let mut fingerprint = Fingerprint::new(data.is_u8(), data.shape(), all - validation);
        let mut row = vec![0.0; data.features()];
        let mut block = data.block(piece(data));
        let refused = |sample, feature| infinite(sample, data.schema(), feature);
        for range in pieces(0..all, data) {
            block.clear();
            read(data, range.clone(), &mut block)?;
            for (position, sample) in range.enumerate() {
                let place = position * row.len()..(position + 1) * row.len();
                if validates.takes_next() {
                    held_out.push(sample as u32);
                    kept[0].extend(&block, place);
                    continue;
                }
                if is_shown.takes_next() {
                    kept[1].extend(&block, place.clone());
                }
                match &block {
                    SampleBlock::U8(values) => fingerprint.add_bytes(&values[place]),
                    SampleBlock::F32(values) => fingerprint.add_numbers(&values[place]),
                }
                block.copy_row(position, &mut row);
                ranges.add(&row).map_err(|feature| refused(sample, feature))?;
            }
        }
        let [validation, sample] = kept.map(|kept| data.dataset(kept, None));
        let blocks = Self {
            data: data.clone(),
            held_out: held_out.into(),
            sample: sample?,
            plan,
            ranges: Arc::new(ranges),
            squares: Arc::default(),
            fingerprint: fingerprint.finish(),
        };
        Ok((blocks, validation?))
    }

    /// The number of samples that are trained on.
    pub fn len(&self) -> usize {
        self.data.len() - self.held_out.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many samples are in memory at a time, beside as many that are read meanwhile.
    pub fn window(&self) -> usize {
        self.plan.samples.saturating_mul(self.plan.window).min(self.len())
    }

    /// How many values are missing.
    pub fn missing(&self) -> usize {
        self.len() * self.data.features() - self.ranges.values()
    }

    /// Some of the samples in memory, evenly drawn, to be looked at.
    pub(crate) fn sample(&self) -> &Dataset {
        &self.sample
    }

    pub(crate) fn plan(&self) -> BlockPlan {
        self.plan
    }

    /// As [`Dataset::fingerprint`] of these samples in their order.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// As [`Dataset::share_observed`].
    pub(crate) fn share_observed(&self) -> f64 {
        share_observed(self.missing(), self.len() * self.data.features())
    }

    /// The scaler that [`Scaler::fit`] would fit to these samples.
    pub(crate) fn scaler(&self, scaling: Scaling) -> Result<Scaler, TrainingError> {
        let (shape, schema) = (self.data.shape(), self.data.schema());
        let sampled = Sampled { samples: self.len(), shape, schema };
        sampled.check()?;
        // Small whole numbers of a table come as bytes too.
        let are_pixels = || shape.len() > 1 || (schema.is_none() && self.ranges.max.iter().any(|&max| max > 127.0));
        if self.data.is_u8() && (scaling == Scaling::UnitRange || scaling == Scaling::Auto && are_pixels()) {
            return Ok(Scaler::bytes_to_unit_range(self.data.features(), self.ranges.overall_mean()));
        }
        Scaler::of_ranges(scaling, sampled, &self.ranges, |means| self.squares(means))
    }

    /// Passes over the training samples again, unless it was done before.
    fn squares(&self, means: Vec<f64>) -> Result<Squares, TrainingError> {
        if let Some(known) = self.squares.get() {
            return Ok(known.clone());
        }
        let mut squares = Squares::around(means);
        let mut block = self.memory(piece(&self.data));
        let mut row = vec![0.0; self.data.features()];
        for range in pieces(0..self.len(), &self.data) {
            block.clear();
            self.read_training(slice::from_ref(&range), &mut block)?;
            for sample in 0..range.len() {
                block.copy_row(sample, &mut row);
                squares.add(&row);
            }
        }
        Ok(self.squares.get_or_init(|| squares).clone())
    }

    /// The smallest and the largest value of each feature, as two samples.
    pub(crate) fn extremes(&self) -> Result<Dataset, DatasetError> {
        let values = [&self.ranges.min[..], &self.ranges.max[..]].concat();
        let rows = Array2::from_shape_vec((2, self.data.features()), values).expect("two rows of all features");
        Dataset::from_f32(self.data.name(), rows)
    }

    /// The windows of an epoch: in each some blocks, which are ranges of training samples, in rising order.
    pub(super) fn windows(&self, seed: u64, epoch: usize) -> Vec<Vec<Range<usize>>> {
        let BlockPlan { samples, window } = self.plan;
        let mut blocks: Vec<usize> = (0..self.len().div_ceil(samples)).collect();
        if blocks.len() > window {
            blocks.shuffle(&mut stream(seed, Purpose::Blocks, epoch as u64));
        }
        let range = |&block: &usize| block * samples..((block + 1) * samples).min(self.len());
        let in_order = |blocks: &mut [usize]| {
            blocks.sort_unstable();
            blocks.iter().map(range).collect()
        };
        blocks.chunks_mut(window).map(in_order).collect()
    }

    /// A block with room for so many training samples while they are read.
    pub(super) fn memory(&self, samples: usize) -> SampleBlock {
        self.data.block(samples + piece(&self.data))
    }

    /// Appends the training samples in these ranges.
    fn read_training(&self, ranges: &[Range<usize>], block: &mut SampleBlock) -> Result<(), TrainingError> {
        let features = self.data.features();
        for range in ranges.iter().filter(|range| !range.is_empty()) {
            let stored = self.stored(range.start)..self.stored(range.end - 1) + 1;
            for piece in pieces(stored, &self.data) {
                let before = block.len();
                read(&self.data, piece.clone(), block)?;
                let first = self.held_out.partition_point(|&held| (held as usize) < piece.start);
                let held = self.held_out[first..].iter().map(|&held| held as usize);
                let mut start = piece.start;
                let between = held.take_while(|&held| held < piece.end).chain([piece.end]).map(|end| {
                    let place = |sample| before + (sample - piece.start) * features;
                    place(mem::replace(&mut start, end + 1))..place(end)
                });
                block.keep(before, between);
            }
        }
        Ok(())
    }

    /// The samples of a window in this memory, which goes `home` when they are dropped.
    pub(super) fn read_window(
        &self,
        window: &[Range<usize>],
        mut memory: SampleBlock,
        home: &SyncSender<SampleBlock>,
    ) -> Result<Dataset, TrainingError> {
        memory.clear();
        self.read_training(window, &mut memory)?;
        Ok(self.data.dataset(memory, Some(home.clone()))?)
    }

    /// Where a training sample stands among all that are stored.
    fn stored(&self, training: usize) -> usize {
        let (mut low, mut high) = (0, self.held_out.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.held_out[middle] as usize - middle <= training {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        training + low
    }
}

/// Samples that are read in one piece.
fn piece(data: &StoredDataset) -> usize {
    (BLOCK_BYTES / data.sample_bytes()).max(1)
}

/// Ranges of about as many samples as a block has bytes for.
fn pieces(samples: Range<usize>, data: &StoredDataset) -> impl Iterator<Item = Range<usize>> + use<> {
    let each = piece(data);
    let end = samples.end;
    samples.step_by(each).map(move |start| start..(start + each).min(end))
}

fn read(data: &StoredDataset, samples: Range<usize>, block: &mut SampleBlock) -> Result<(), TrainingError> {
    data.read(samples, block).map_err(|source| TrainingError::Read { name: data.name().to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::ControlFlow;

    use crate::network::{Architecture, Network};
    use crate::training::ahead::Ahead;
    use crate::training::batches::{Samples, shuffle};
    use crate::training::gradient::{Engine, Position};
    use crate::training::{Trainer, TrainingConfig};

    fn stored(samples: usize) -> StoredDataset {
        struct Counting;
        impl crate::dataset::SampleReader for Counting {
            fn read(
                &mut self,
                samples: Range<usize>,
                block: &mut SampleBlock,
            ) -> Result<(), crate::dataset::ReadError> {
                let SampleBlock::F32(values) = block else { panic!("the data set is of f32") };
                values.extend(samples.map(|sample| sample as f32));
                Ok(())
            }
        }
        StoredDataset::new("counting", samples, [1], false, Counting).unwrap()
    }

    fn blocks(samples: usize, validation: usize, plan: BlockPlan) -> (TrainingBlocks, Dataset) {
        let held = HeldOut { validation, sample: 5, seed: 3 };
        TrainingBlocks::hold_out(&stored(samples), held, plan).unwrap()
    }

    #[test]
    fn every_sample_validates_or_is_visited_once_in_an_epoch() {
        for (samples, validation) in [(1000, 200), (1000, 1), (17, 16), (2, 1), (64, 32)] {
            let (blocks, validation) = blocks(samples, validation, BlockPlan { samples: 32, window: 3 });
            let mut seen = validation.to_array().into_raw_vec_and_offset().0;
            assert!(seen.is_sorted());
            let mut windows = 0;
            let visit = |window: &Dataset, number| {
                assert_eq!(number, windows);
                windows += 1;
                // All but one window are whole batches.
                seen.extend(window.to_array());
                ControlFlow::Continue(())
            };
            let ahead = Ahead::new(&blocks, 1, 1).unwrap().visit(visit).unwrap();
            assert_eq!(ahead.map(|ahead| ahead.epoch()), Some(2));
            seen.sort_by(f32::total_cmp);
            assert_eq!(seen, (0..samples).map(|sample| sample as f32).collect::<Vec<_>>());
            assert_eq!(windows, blocks.len().div_ceil(96));
        }
    }

    #[test]
    fn an_epoch_takes_the_steps_of_samples_in_memory_in_the_same_order() {
        let (blocks, validation) = blocks(500, 60, BlockPlan { samples: 16, window: 5 });
        let rest = Dataset::from_f32("rest", training_samples(&blocks)).unwrap();
        let architecture = Architecture::dense([1], &[5], 1);
        let config = TrainingConfig { epochs: 1, batch_size: 16, seed: 4, ..TrainingConfig::default() };
        let trained = Trainer::new(architecture.clone(), config.clone()).fit_blocks(&blocks, &validation).unwrap();

        let scaler = Scaler::fit(config.scaling, &rest).unwrap();
        let samples = Samples::new(&rest, &scaler);
        let network = Network::initialised(&architecture, config.seed).unwrap();
        let mut engine = Engine::new(network, &config, config.batch_size, &samples);
        let steps = rest.len().div_ceil(config.batch_size) as u64;
        let mut step = 0;
        for (number, window) in blocks.windows(config.seed, 1).into_iter().enumerate() {
            let window: Vec<u32> = window.into_iter().flatten().map(|sample| sample as u32).collect();
            let mut order = vec![0; window.len()];
            shuffle(&mut order, config.seed, (number as u64) << 24 | 1);
            let order: Vec<u32> = order.into_iter().map(|at| window[at as usize]).collect();
            for batch in order.chunks(config.batch_size) {
                let learning_rate = config.optimizer.learning_rate * config.schedule.factor(step, steps);
                engine.step(&samples, batch, 0, Position { epoch: 1, step, learning_rate });
                step += 1;
            }
        }
        engine.collect();
        assert_eq!(trained.parameters(), engine.network.parameters);
    }

    fn training_samples(blocks: &TrainingBlocks) -> Array2<f32> {
        let whole = 0..blocks.len();
        let mut block = blocks.memory(whole.len());
        blocks.read_training(slice::from_ref(&whole), &mut block).unwrap();
        blocks.data.dataset(block, None).unwrap().to_array()
    }

    #[test]
    fn an_epoch_has_windows_of_its_own_that_the_seed_decides() {
        let (blocks, _) = blocks(10_000, 100, BlockPlan { samples: 32, window: 4 });
        assert_eq!(blocks.windows(1, 1), blocks.windows(1, 1));
        assert_ne!(blocks.windows(1, 1), blocks.windows(1, 2));
        assert_ne!(blocks.windows(1, 1), blocks.windows(2, 1));
    }

    #[test]
    fn fingerprint_scaling_and_sample_are_those_of_the_samples_in_memory() {
        let (blocks, validation) = blocks(1000, 200, BlockPlan { samples: 32, window: 3 });
        let held: Vec<usize> = validation.to_array().iter().map(|&value| value as usize).collect();
        let rest: Vec<usize> = (0..1000).filter(|sample| !held.contains(sample)).collect();
        let values = Array2::from_shape_fn((1000, 1), |(sample, _)| sample as f32);
        let memory = Dataset::from_f32("counting", values).unwrap().select(&rest);
        assert_eq!(blocks.fingerprint(), memory.fingerprint());
        for scaling in [Scaling::Auto, Scaling::MinMax, Scaling::UnitRange, Scaling::None] {
            assert_eq!(blocks.scaler(scaling).unwrap(), Scaler::fit(scaling, &memory).unwrap());
        }
        let shown = blocks.sample().to_array();
        assert!(shown.len() == 5 && shown.iter().all(|&value| rest.contains(&(value as usize))));
    }
}
