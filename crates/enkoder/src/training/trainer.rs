//! Training from the outside: [`Trainer`] takes an architecture, options and data and returns the best epoch's [`Autoencoder`].

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use super::batches::Samples;
use super::blocks::TrainingBlocks;
use super::checkpoint::{Checkpoint, CheckpointError, Origin};
use super::config::TrainingConfig;
use super::error::TrainingError;
use super::history::{EpochRecord, History, Stopped};
use super::objective::Loss;
use super::pairs::{Pair, Scalers};
use super::run::Run;
use super::task::Task;
use super::team::with_team;
use crate::autoencoder::{Autoencoder, TrainingRecord};
use crate::dataset::Dataset;
use crate::network::Architecture;
use crate::scaling::{Scaler, Scaling};

/// What a training tells its caller while it goes on.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A step is done.
    Step {
        /// The epoch, from 1.
        epoch: usize,
        /// Epochs in all.
        epochs: usize,
        /// Training samples seen in this epoch.
        samples: usize,
        /// Training samples in an epoch.
        of: usize,
    },
    /// An epoch is done and validated.
    Epoch {
        /// Its record.
        record: &'a EpochRecord,
        /// Epochs in all.
        epochs: usize,
        /// Whether it is the best so far.
        best: bool,
    },
    /// A checkpoint could not be written. The training goes on; the one written before, if any, still stands.
    NoCheckpoint {
        /// The epoch, from 1.
        epoch: usize,
        /// Why.
        error: &'a CheckpointError,
    },
}

type OnProgress<'a> = Box<dyn FnMut(Progress<'_>) -> ControlFlow<()> + Send + 'a>;

/// Trains an autoencoder.
///
/// ```
/// use enkoder::{Architecture, Dataset, Trainer, TrainingConfig};
/// use ndarray::Array2;
///
/// // Points on a circle, which one number can tell apart.
/// let circle = Array2::from_shape_fn((500, 2), |(i, j)| if j == 0 { (i as f32).cos() } else { (i as f32).sin() });
/// let (train, validation) = Dataset::from_f32("circle", circle)?.split(0.2, 0)?;
/// let config = TrainingConfig { epochs: 10, batch_size: 32, ..TrainingConfig::default() };
/// let model = Trainer::new(Architecture::dense([2], &[16], 1), config).fit(&train, &validation)?;
/// assert_eq!(model.encode(&validation)?.dim(), (100, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer<'a> {
    architecture: Architecture,
    config: TrainingConfig,
    on_progress: OnProgress<'a>,
    checkpoints: Option<(PathBuf, usize)>,
    resume: Option<Checkpoint>,
}

impl fmt::Debug for Trainer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer")
            .field("architecture", &self.architecture)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl<'a> Trainer<'a> {
    /// A training of this architecture with these options.
    pub fn new(architecture: Architecture, config: TrainingConfig) -> Self {
        let on_progress: OnProgress<'a> = Box::new(|_| ControlFlow::Continue(()));
        Self { architecture, config, on_progress, checkpoints: None, resume: None }
    }

    /// Goes on where a checkpoint ended, to the same bits as if it had never stopped. `threads` may differ.
    pub fn resume(checkpoint: Checkpoint, threads: Option<usize>) -> Self {
        let config = TrainingConfig { threads, ..checkpoint.state.config.clone() };
        Self { resume: Some(checkpoint.clone()), ..Self::new(checkpoint.state.architecture, config) }
    }

    /// Calls `on_progress` after every step and every epoch. When it breaks, training stops and returns the best epoch's model,
    /// or the model as it is where no epoch is complete.
    pub fn with_progress(mut self, on_progress: impl FnMut(Progress<'_>) -> ControlFlow<()> + Send + 'a) -> Self {
        self.on_progress = Box::new(on_progress);
        self
    }

    /// Trains for so many epochs in all. A resumed training may be given more than it began with: it goes on longer, with the learning rate
    /// that the schedule has for a run of that length. It cannot be given fewer than are done.
    pub fn with_epochs(mut self, epochs: usize) -> Self {
        self.config.epochs = epochs;
        self
    }

    /// Writes a [`Checkpoint`] to `path` after every `every` epochs (at least 1), replacing the one before.
    pub fn with_checkpoints(mut self, path: impl Into<PathBuf>, every: usize) -> Self {
        self.checkpoints = Some((path.into(), every.max(1)));
        self
    }

    /// Trains on `train`, validates on `validation` after every epoch, and returns the best epoch's model.
    ///
    /// # Errors
    /// Before training: when options, architecture and data do not fit together. Later: when the very first epoch diverges.
    pub fn fit(self, train: &Dataset, validation: &Dataset) -> Result<Autoencoder, TrainingError> {
        self.run(Pair::of(train), Pair::of(validation))
    }

    /// Trains on samples that are read in blocks, of which memory need not hold all: as [`fit`](Self::fit), and to the same bits
    /// where all of them make one window.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and when samples cannot be read.
    pub fn fit_blocks(self, train: &TrainingBlocks, validation: &Dataset) -> Result<Autoencoder, TrainingError> {
        self.run(Pair::of_blocks(train), Pair::of(validation))
    }

    /// Trains to produce `targets` from `inputs`, sample by sample: pairs of training and of validation. Both sides are
    /// scaled as the training inputs are; where the architecture has an [output shape](Architecture::output_shape), the targets by a
    /// scaling of their own.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and when the two sides have different numbers of samples.
    pub fn fit_pairs(
        self,
        train: (&Dataset, &Dataset),
        validation: (&Dataset, &Dataset),
    ) -> Result<Autoencoder, TrainingError> {
        let pair = |(inputs, targets)| Pair { targets: Some(targets), ..Pair::of(inputs) };
        self.run(pair(train), pair(validation))
    }

    /// Trains an autoencoder whose codes are known: pairs of samples and of their codes, in training and in validation. The encoder
    /// learns to give the code of a sample and the decoder the sample of a code, both together: minimised is |E(x) − c|² + |D(c) −
    /// x|² + |D(E(x)) − x|² + |E(D(c)) − c|², each part a mean over values (Zheng & Peng 2018, for images and what a tomographic
    /// sensor measures of them). Codes are not scaled; noise, where the options have some, is added to the codes that are decoded.
    /// The loss of the options is that of D(E(x)); in the history the other parts are the penalty of training, and are part of
    /// the validation loss.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), when codes have another length than the network's, and when checkpoints are asked for, which cannot hold
    /// such a training.
    pub fn fit_known_codes(
        self,
        train: (&Dataset, &Dataset),
        validation: (&Dataset, &Dataset),
    ) -> Result<Autoencoder, TrainingError> {
        if self.checkpoints.is_some() || self.resume.is_some() {
            return Err(TrainingError::NoCheckpoints);
        }
        let pair = |(inputs, codes)| Pair { codes: Some(codes), ..Pair::of(inputs) };
        self.run(pair(train), pair(validation))
    }

    fn run(mut self, train: Pair<'_>, validation: Pair<'_>) -> Result<Autoencoder, TrainingError> {
        self.architecture.validate()?;
        self.config.validate(&self.architecture)?;
        let given = Task::of(self.config.corruption, train.targets.is_some(), train.codes.is_some());
        match self.config.task.replace(given) {
            Some(asked) if asked != given => return Err(TrainingError::Task { asked, given }),
            _ => {}
        }
        if given == Task::KnownCodes
            && let Some(layer) = self.architecture.first_join()
        {
            return Err(TrainingError::NoChain(layer));
        }
        if let Some(done) = self.resume.as_ref().map(Checkpoint::epoch)
            && done > self.config.epochs
        {
            return Err(TrainingError::Done { done, asked: self.config.epochs });
        }
        train.check("training", &self.architecture)?;
        validation.check("validation", &self.architecture)?;
        train.check_columns(validation)?;
        let threads = self.config.threads.unwrap_or(0);
        with_team(threads, || self.train(train, validation))
            .map_err(|source| TrainingError::Threads(threads, source.into()))?
    }

    fn train(mut self, train: Pair<'_>, validation: Pair<'_>) -> Result<Autoencoder, TrainingError> {
        let start = Instant::now();
        let resumed = self.resume.take();
        let origin = Origin::of(train, validation);
        let scaler = match &resumed {
            Some(checkpoint) => {
                checkpoint.state.origin.check(&origin)?;
                checkpoint.state.scaler.clone()
            }
            None => train.scaler(self.config.scaling)?,
        };
        let target_scaler = match train.targets {
            Some(targets) if self.architecture.output_shape.is_some() => {
                Some(Scaler::fit(self.config.scaling, targets)?)
            }
            _ => None,
        };
        if self.config.loss == Loss::BinaryCrossEntropy {
            train.check_unit_interval(target_scaler.as_ref().unwrap_or(&scaler))?;
        }
        let code_scaler = train.codes.map(|codes| Scaler::fit(Scaling::None, codes)).transpose()?;
        let scalers = Scalers { inputs: &scaler, targets: target_scaler.as_ref(), codes: code_scaler.as_ref() };
        let samples = [train, validation].map(|pair| pair.samples(scalers));
        let mut run = Run::new(&self.architecture, &self.config, &samples, resumed)?;
        let stopped = self.epochs(&mut run, &samples, &origin)?;
        let Run { mut engine, best_parameters, epochs, best_epoch, .. } = run;
        engine.network.parameters = best_parameters;
        let history = History { epochs, best_epoch, stopped };
        let best = history.best().expect("a training that ends without an error has a best epoch");
        let record = TrainingRecord {
            train_loss: best.train_loss,
            validation_loss: best.validation_loss,
            config: Some(self.config),
            history: Some(history),
            data: train.record(validation, origin.train_fingerprint),
            results: None,
            seconds: start.elapsed().as_secs_f64(),
        };
        let schema = train.inputs.schema().cloned();
        let model = Autoencoder::new(self.architecture, engine.network, scaler, schema, record);
        Ok(model.with_output_scaler(target_scaler))
    }

    /// Trains epoch after epoch and says how it ended.
    fn epochs(
        &mut self,
        run: &mut Run<'_>,
        samples: &[Samples<'_>; 2],
        origin: &Origin,
    ) -> Result<Stopped, TrainingError> {
        for epoch in run.epochs.len() + 1..=self.config.epochs {
            let end = run.epoch(&self.config, samples, &mut self.on_progress)?;
            if let Some(stopped) = end {
                return Ok(stopped);
            }
            let best = run.best_epoch == epoch;
            let stalled = run.has_stalled(&self.config);
            if let Some((path, every)) = &self.checkpoints
                && (epoch % every == 0 || epoch == self.config.epochs || stalled)
            {
                let checkpoint = run.checkpoint(&self.architecture, &self.config, samples[0].scaler, origin, *every);
                // What was learned so far is worth more than a file.
                if let Err(error) = checkpoint.save(path) {
                    let _ = (self.on_progress)(Progress::NoCheckpoint { epoch, error: &error });
                }
            }
            let record = &run.epochs[epoch - 1];
            let go_on = (self.on_progress)(Progress::Epoch { record, epochs: self.config.epochs, best });
            if stalled {
                return Ok(Stopped::Early);
            }
            if go_on.is_break() && epoch < self.config.epochs {
                return Ok(Stopped::Interrupted);
            }
        }
        Ok(Stopped::Completed)
    }
}
