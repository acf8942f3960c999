//! The epoch loop: [`Trainer`] takes an architecture, options and data and returns the best epoch's [`Autoencoder`].

use std::fmt;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::time::Instant;

use super::batches::{Damage, Known, Samples, batches, shuffle};
use super::checkpoint::{Checkpoint, CheckpointError, State};
use super::config::{ConfigError, TrainingConfig};
use super::cycle::Cycle;
use super::evaluation::evaluate;
use super::gradient::{Engine, Position};
use super::history::{EpochRecord, History, Stopped};
use super::loss::Loss;
use super::shards::Sums;
use super::team::with_team;
use crate::autoencoder::{Autoencoder, DataRecord, TrainingRecord};
use crate::dataset::Dataset;
use crate::network::{Architecture, ArchitectureError, Network};
use crate::scaling::{Scaler, ScalerError, Scaling};

/// Why a training could not begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The architecture is impossible.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// An option is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The training samples cannot be scaled.
    #[error("the training samples cannot be scaled")]
    Scaler(#[from] ScalerError),
    /// There is nothing to learn from or to validate with.
    #[error("there are no {0} samples")]
    Empty(&'static str),
    /// The data has other values than the architecture takes.
    #[error("the {what} samples have {found} values each, but the network takes {expected}")]
    Features {
        /// Which samples.
        what: &'static str,
        /// What a sample has.
        found: usize,
        /// What the network takes.
        expected: usize,
    },
    /// Inputs and targets are not pairs.
    #[error("{inputs} {what} inputs cannot be paired with {targets} targets")]
    Pairs {
        /// Which samples.
        what: &'static str,
        /// The inputs there are.
        inputs: usize,
        /// The targets there are.
        targets: usize,
    },
    /// The network makes something else of its inputs, but of what is not given.
    #[error("the network makes {0} values that are no reconstruction, but no targets are given")]
    NoTargets(usize),
    /// A checkpoint holds one network's moments.
    #[error("a training with known codes writes no checkpoints and cannot be resumed")]
    NoCheckpoints,
    /// A value that no loss can be computed with.
    #[error("feature {feature} of {what} sample {sample} is infinite")]
    Infinite {
        /// Which samples.
        what: &'static str,
        /// The sample's number.
        sample: usize,
        /// The feature's number.
        feature: usize,
    },
    /// The loss became infinite or not a number before any epoch was complete.
    #[error(
        "the loss became {loss} in epoch {epoch}: the training diverged\nhint: a lower learning rate (now {learning_rate}), standard scaling, or a gradient clip may help"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The loss.
        loss: f64,
        /// The highest learning rate.
        learning_rate: f32,
    },
    /// The checkpoint was made with other data.
    #[error(
        "the {0} samples are not those that the checkpoint was made with\nhint: resume with the same data, split and seed"
    )]
    OtherData(&'static str),
    /// A checkpoint could not be written.
    #[error("the checkpoint could not be written")]
    Checkpoint(#[from] CheckpointError),
    /// The system gave no threads.
    #[error("cannot start {0} threads")]
    Threads(usize, #[source] rayon::ThreadPoolBuildError),
}

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

    /// Writes a [`Checkpoint`] to `path` after every `every` epochs (at least 1), replacing the one before.
    pub fn with_checkpoints(mut self, path: impl Into<PathBuf>, every: usize) -> Self {
        self.checkpoints = Some((path.into(), every.max(1)));
        self
    }

    /// Trains on `train`, validates on `validation` after every epoch, and returns the best epoch's model.
    ///
    /// # Errors
    /// Before training: when options, architecture and data do not fit together. Later: when the very first epoch diverges or a
    /// checkpoint cannot be written.
    pub fn fit(self, train: &Dataset, validation: &Dataset) -> Result<Autoencoder, TrainingError> {
        self.run(Pair::of(train), Pair::of(validation))
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

    fn run(self, train: Pair<'_>, validation: Pair<'_>) -> Result<Autoencoder, TrainingError> {
        self.architecture.validate()?;
        self.config.validate(&self.architecture)?;
        train.check("training", &self.architecture)?;
        validation.check("validation", &self.architecture)?;
        let threads = self.config.threads.unwrap_or(0);
        with_team(threads, || self.train(train, validation))
            .map_err(|source| TrainingError::Threads(threads, source))?
    }

    fn train(mut self, train: Pair<'_>, validation: Pair<'_>) -> Result<Autoencoder, TrainingError> {
        let start = Instant::now();
        let resumed = self.resume.take();
        let fingerprints = (train.inputs.fingerprint(), validation.inputs.fingerprint());
        let scaler = match &resumed {
            Some(checkpoint) => {
                if checkpoint.state.train_fingerprint != fingerprints.0 {
                    return Err(TrainingError::OtherData("training"));
                }
                if checkpoint.state.validation_fingerprint != fingerprints.1 {
                    return Err(TrainingError::OtherData("validation"));
                }
                checkpoint.state.scaler.clone()
            }
            None => Scaler::fit(self.config.scaling, train.inputs)?,
        };
        let target_scaler = match train.targets {
            Some(targets) if self.architecture.output_shape.is_some() => {
                Some(Scaler::fit(self.config.scaling, targets)?)
            }
            _ => None,
        };
        let code_scaler = train.codes.map(|codes| Scaler::fit(Scaling::None, codes)).transpose()?;
        let scalers = Scalers { inputs: &scaler, targets: target_scaler.as_ref(), codes: code_scaler.as_ref() };
        let samples = [train, validation].map(|pair| pair.samples(scalers));
        let mut run = Run::new(&self.architecture, &self.config, &samples, resumed)?;
        let stopped = self.epochs(&mut run, &samples, &fingerprints)?;
        let Run { mut engine, best_parameters, epochs, best_epoch, .. } = run;
        engine.network.parameters = best_parameters;
        let history = History { epochs, best_epoch, stopped };
        let best = history.best().expect("a training that ends without an error has a best epoch");
        let record = TrainingRecord {
            train_loss: best.train_loss,
            validation_loss: best.validation_loss,
            config: Some(self.config),
            history: Some(history),
            data: DataRecord::of(train.inputs, validation.inputs, fingerprints.0),
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
        [train, validation]: &[Samples<'_>; 2],
        fingerprints: &(String, String),
    ) -> Result<Stopped, TrainingError> {
        for epoch in run.epochs.len() + 1..=self.config.epochs {
            let end = self.epoch(run, epoch, train, validation)?;
            if let Some(stopped) = end {
                return Ok(stopped);
            }
            let best = run.best_epoch == epoch;
            let patience = self.config.patience.is_some_and(|patience| epoch - run.best_epoch >= patience);
            if let Some((path, every)) = &self.checkpoints
                && (epoch % every == 0 || epoch == self.config.epochs || patience)
            {
                run.checkpoint(&self.architecture, &self.config, train.scaler, fingerprints).save(path)?;
            }
            let record = &run.epochs[epoch - 1];
            let go_on = (self.on_progress)(Progress::Epoch { record, epochs: self.config.epochs, best });
            if patience {
                return Ok(Stopped::Early);
            }
            if go_on.is_break() && epoch < self.config.epochs {
                return Ok(Stopped::Interrupted);
            }
        }
        Ok(Stopped::Completed)
    }

    /// One epoch; an end where it is the last one before its time.
    fn epoch(
        &mut self,
        run: &mut Run<'_>,
        epoch: usize,
        train: &Samples<'_>,
        validation: &Samples<'_>,
    ) -> Result<Option<Stopped>, TrainingError> {
        let config = &self.config;
        let start = Instant::now();
        let steps = run.steps_per_epoch * config.epochs as u64;
        let mut sums = Sums::default();
        let mut seen = 0;
        let mut learning_rate = 0.0;
        let mut end = None;
        shuffle(&mut run.order, config.seed, epoch);
        for batch in batches(run.order.len(), config.batch_size) {
            learning_rate = config.optimizer.learning_rate * config.schedule.factor(run.step, steps);
            let at = Position { epoch, step: run.step, learning_rate };
            let of_batch = run.step(train, batch.clone(), at);
            seen = batch.end;
            sums.loss += of_batch.loss;
            sums.penalty += of_batch.penalty;
            if !(sums.loss + sums.penalty).is_finite() {
                end = Some(Stopped::Diverged);
                break;
            }
            let of = run.order.len();
            let progress = Progress::Step { epoch, epochs: config.epochs, samples: seen, of };
            if (self.on_progress)(progress).is_break() {
                end = Some(Stopped::Interrupted);
                break;
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        let values = seen as f64 * run.engine.network.outputs() as f64;
        let partial = seen < run.order.len();
        if !(end == Some(Stopped::Interrupted) && partial && run.best_epoch > 0) && end != Some(Stopped::Diverged) {
            run.engine.collect();
            // Damaged as the samples of the epoch before the first, so that every epoch is asked the same.
            let damage = config.corruption.map(|corruption| Damage { corruption, seed: config.seed, epoch: 0 });
            let validation_loss = run.validate(config.loss, validation, damage);
            // A ReLU makes 0 of NaN, so a finite loss alone does not show that all is well.
            let finite = run.engine.network.parameters.iter().all(|parameter| parameter.is_finite());
            if validation_loss.is_finite() && finite {
                let record = EpochRecord {
                    epoch,
                    train_loss: sums.loss / values,
                    penalty: sums.penalty / seen as f64,
                    validation_loss,
                    learning_rate,
                    seconds,
                    samples_per_second: seen as f64 / seconds.max(f64::MIN_POSITIVE),
                };
                run.keep(record);
                return Ok(end);
            }
            sums.loss = validation_loss;
            end = Some(Stopped::Diverged);
        }
        if end == Some(Stopped::Diverged) && run.best_epoch == 0 {
            let learning_rate = config.optimizer.learning_rate;
            return Err(TrainingError::Diverged { epoch, loss: sums.loss + sums.penalty, learning_rate });
        }
        Ok(end)
    }
}

/// Inputs, with targets where they are not the inputs themselves, and codes where they are known.
#[derive(Clone, Copy)]
struct Pair<'a> {
    inputs: &'a Dataset,
    targets: Option<&'a Dataset>,
    codes: Option<&'a Dataset>,
}

/// How each side of a pair is scaled; targets as inputs where nothing else is said.
#[derive(Clone, Copy)]
struct Scalers<'a> {
    inputs: &'a Scaler,
    targets: Option<&'a Scaler>,
    codes: Option<&'a Scaler>,
}

impl<'a> Pair<'a> {
    fn of(inputs: &'a Dataset) -> Self {
        Self { inputs, targets: None, codes: None }
    }

    fn samples(self, scalers: Scalers<'a>) -> Samples<'a> {
        Samples {
            inputs: self.inputs,
            targets: self.targets,
            scaler: scalers.inputs,
            target_scaler: scalers.targets.unwrap_or(scalers.inputs),
            codes: self.codes.zip(scalers.codes).map(|(data, scaler)| Known { data, scaler }),
        }
    }

    fn check(self, what: &'static str, architecture: &Architecture) -> Result<(), TrainingError> {
        let expected = architecture.features();
        if self.inputs.is_empty() {
            return Err(TrainingError::Empty(what));
        }
        let outputs = architecture.outputs();
        if self.targets.is_none() && (outputs != expected || architecture.output_shape.is_some()) {
            return Err(TrainingError::NoTargets(outputs));
        }
        let sides = [(Some(self.inputs), expected), (self.targets, outputs), (self.codes, architecture.latent())];
        for (data, expected) in sides.into_iter().filter_map(|(data, expected)| data.map(|data| (data, expected))) {
            if data.len() != self.inputs.len() {
                return Err(TrainingError::Pairs { what, inputs: self.inputs.len(), targets: data.len() });
            }
            if data.features() != expected {
                return Err(TrainingError::Features { what, found: data.features(), expected });
            }
            if let Some((sample, feature)) = data.first_infinite() {
                return Err(TrainingError::Infinite { what, sample, feature });
            }
        }
        Ok(())
    }
}

/// A training under way.
struct Run<'a> {
    engine: Engine,
    /// Where codes are known.
    cycle: Option<Cycle<'a>>,
    best_parameters: Vec<f32>,
    epochs: Vec<EpochRecord>,
    /// 0 before the first.
    best_epoch: usize,
    step: u64,
    steps_per_epoch: u64,
    order: Vec<u32>,
}

impl<'a> Run<'a> {
    fn new(
        architecture: &Architecture,
        config: &TrainingConfig,
        &[train, validation]: &[Samples<'a>; 2],
        resumed: Option<Checkpoint>,
    ) -> Result<Self, TrainingError> {
        let samples = train.len();
        let batch_size = config.batch_size.min(samples);
        let network = Network::initialised(architecture, config.seed)?;
        let known = train.codes.is_some();
        let cycle = known.then(|| Cycle::new(&network, config, batch_size, train, validation));
        // Noise on a sample would make its known code wrong; the cycle adds it to the codes.
        let undamaged = TrainingConfig { corruption: None, ..config.clone() };
        let engine = Engine::new(network, if known { &undamaged } else { config }, batch_size, &train);
        let best_parameters = engine.network.parameters.clone();
        let mut run = Self {
            best_parameters,
            epochs: Vec::new(),
            best_epoch: 0,
            step: 0,
            steps_per_epoch: samples.div_ceil(config.batch_size) as u64,
            order: vec![0; samples],
            engine,
            cycle,
        };
        if let Some(Checkpoint { state, parameters, first_moment, second_moment, best_parameters }) = resumed {
            run.engine.network.parameters = parameters;
            run.engine.first_moment = first_moment;
            run.engine.second_moment = second_moment;
            run.engine.distribute();
            run.best_parameters = best_parameters;
            run.epochs = state.epochs;
            run.best_epoch = state.best_epoch;
            run.step = state.step;
        }
        Ok(run)
    }

    /// Changes the parameters by the samples that stand at `batch` in the epoch's order.
    fn step(&mut self, train: &Samples<'_>, batch: Range<usize>, at: Position) -> Sums {
        let order = &self.order[batch.clone()];
        let mut sums = self.engine.step(train, order, batch.start, at);
        if let Some(cycle) = &mut self.cycle {
            sums.penalty += cycle.step(&mut self.engine.network, order, batch.start, at).penalty;
        }
        self.step += 1;
        sums
    }

    /// The loss over the validation samples.
    fn validate(&mut self, loss: Loss, validation: &Samples<'_>, damage: Option<Damage>) -> f64 {
        let network = &self.engine.network;
        let layers = 0..network.layers.len();
        match &mut self.cycle {
            None => evaluate(network, layers, loss, validation, damage),
            Some(cycle) => evaluate(network, layers, loss, validation, None) + cycle.validate(network, damage),
        }
    }

    /// Adds an epoch, and keeps its parameters when it is the best.
    fn keep(&mut self, record: EpochRecord) {
        let best = self.epochs.get(self.best_epoch.wrapping_sub(1)).map_or(f64::INFINITY, |best| best.validation_loss);
        if record.validation_loss < best {
            self.best_epoch = record.epoch;
            self.best_parameters.copy_from_slice(&self.engine.network.parameters);
        }
        self.epochs.push(record);
    }

    fn checkpoint(
        &self,
        architecture: &Architecture,
        config: &TrainingConfig,
        scaler: &Scaler,
        fingerprints: &(String, String),
    ) -> Checkpoint {
        Checkpoint {
            state: State {
                architecture: architecture.clone(),
                config: config.clone(),
                scaler: scaler.clone(),
                epochs: self.epochs.clone(),
                best_epoch: self.best_epoch,
                step: self.step,
                train_fingerprint: fingerprints.0.clone(),
                validation_fingerprint: fingerprints.1.clone(),
            },
            parameters: self.engine.network.parameters.clone(),
            first_moment: self.engine.first_moment.clone(),
            second_moment: self.engine.second_moment.clone(),
            best_parameters: self.best_parameters.clone(),
        }
    }
}
