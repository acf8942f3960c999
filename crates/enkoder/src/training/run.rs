//! A training under way: its state from epoch to epoch.

use std::mem;
use std::ops::ControlFlow;
use std::time::Instant;

use super::batches::{Damage, Reading, Samples, batches};
use super::checkpoint::{Checkpoint, Origin, State};
use super::config::TrainingConfig;
use super::cycle::Cycle;
use super::error::TrainingError;
use super::evaluation::evaluate;
use super::gradient::{Engine, Position};
use super::history::{EpochRecord, Stopped};
use super::objective::Loss;
use super::shards::Sums;
use super::trainer::Progress;
use crate::network::{Architecture, Network};
use crate::scaling::Scaler;

/// A training under way.
pub(super) struct Run<'a> {
    pub(super) engine: Engine,
    /// Where codes are known.
    cycle: Option<Cycle<'a>>,
    pub(super) best_parameters: Vec<f32>,
    pub(super) epochs: Vec<EpochRecord>,
    /// 0 before the first.
    pub(super) best_epoch: usize,
    step: u64,
    samples: usize,
    steps_per_epoch: u64,
    reading: Reading,
}

impl<'a> Run<'a> {
    pub(super) fn new(
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
            samples,
            reading: Reading::default(),
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

    /// Whether the best epoch is as long ago as the options bear.
    pub(super) fn has_stalled(&self, config: &TrainingConfig) -> bool {
        self.best_epoch > 0 && config.patience.is_some_and(|patience| self.epochs.len() - self.best_epoch >= patience)
    }

    /// One epoch; an end where it is the last one before its time, or where a resumed training had come to it before.
    pub(super) fn epoch(
        &mut self,
        config: &TrainingConfig,
        [train, validation]: &[Samples<'_>; 2],
        mut on_step: impl FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Option<Stopped>, TrainingError> {
        if self.has_stalled(config) {
            return Ok(Some(Stopped::Early));
        }
        let epoch = self.epochs.len() + 1;
        let start = Instant::now();
        let steps = self.steps_per_epoch.saturating_mul(config.epochs as u64);
        let mut sums = Sums::default();
        let mut seen = 0;
        let mut learning_rate = 0.0;
        let mut end = None;
        let mut reading = mem::take(&mut self.reading);
        train.visit(config.seed, epoch, &mut reading, |samples, order, first| {
            for batch in batches(order.len(), config.batch_size) {
                learning_rate = config.optimizer.learning_rate * config.schedule.factor(self.step, steps);
                let at = Position { epoch, step: self.step, learning_rate };
                let of_batch = self.step(samples, &order[batch.clone()], first + batch.start, at);
                seen = first + batch.end;
                sums.loss += of_batch.loss;
                sums.penalty += of_batch.penalty;
                if !(sums.loss + sums.penalty).is_finite() {
                    end = Some(Stopped::Diverged);
                    return ControlFlow::Break(());
                }
                let progress = Progress::Step { epoch, epochs: config.epochs, samples: seen, of: self.samples };
                if on_step(progress).is_break() {
                    end = Some(Stopped::Interrupted);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        self.reading = reading;
        let seconds = start.elapsed().as_secs_f64();
        let values = seen as f64 * self.engine.outputs() as f64;
        let partial = seen < self.samples;
        if !(end == Some(Stopped::Interrupted) && partial && self.best_epoch > 0) && end != Some(Stopped::Diverged) {
            self.engine.collect();
            // Damaged as the samples of the epoch before the first, so that every epoch is asked the same.
            let damage = config.corruption.map(|corruption| Damage { corruption, seed: config.seed, epoch: 0 });
            let validation_loss = self.validate(config.loss, validation, damage);
            // A ReLU makes 0 of NaN, so a finite loss alone does not show that all is well.
            let finite = self.engine.network.parameters.iter().all(|parameter| parameter.is_finite());
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
                self.keep(record);
                return Ok(end);
            }
            sums.loss = validation_loss;
            end = Some(Stopped::Diverged);
        }
        if end == Some(Stopped::Diverged) && self.best_epoch == 0 {
            let learning_rate = config.optimizer.learning_rate;
            return Err(TrainingError::Diverged { epoch, loss: sums.loss + sums.penalty, learning_rate });
        }
        Ok(end)
    }

    /// Changes the parameters by the samples that `order` names, the first of which stands at `first` in the epoch's order.
    fn step(&mut self, train: &Samples<'_>, order: &[u32], first: usize, at: Position) -> Sums {
        let mut sums = self.engine.step(train, order, first, at);
        if let Some(cycle) = &mut self.cycle {
            sums.penalty += cycle.step(&mut self.engine.network, order, first, at).penalty;
        }
        self.step += 1;
        sums
    }

    /// The loss over the validation samples.
    fn validate(&mut self, loss: Loss, validation: &Samples<'_>, damage: Option<Damage>) -> f64 {
        let network = &self.engine.network;
        let layers = network.program.all();
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

    pub(super) fn checkpoint(
        &self,
        architecture: &Architecture,
        config: &TrainingConfig,
        scaler: &Scaler,
        origin: &Origin,
        every: usize,
    ) -> Checkpoint {
        Checkpoint {
            state: State {
                architecture: architecture.clone(),
                config: config.clone(),
                scaler: scaler.clone(),
                epochs: self.epochs.clone(),
                best_epoch: self.best_epoch,
                step: self.step,
                every: Some(every),
                origin: origin.clone(),
            },
            parameters: self.engine.network.parameters.clone(),
            first_moment: self.engine.first_moment.clone(),
            second_moment: self.engine.second_moment.clone(),
            best_parameters: self.best_parameters.clone(),
        }
    }
}
