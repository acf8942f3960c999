//! [`Detector`]: what is usual in a table, learned from rows that are mostly normal, and how far other rows are from it.

use std::ops::Range;

use rayon::prelude::*;

use super::choice::{DetectorConfig, Plan};
use super::error::AnomalyError;
use super::marginal::Marginal;
use super::preparation::Preparation;
use super::residuals::{ResidualNetwork, ResidualScratch, SIGHT};
use super::surprise::Reference;
use super::threshold::{Calibration, Threshold, ThresholdRule};
use super::whitening::Whitening;
use super::windows::Windows;
use crate::autoencoder::ModelError;
use crate::dataset::Dataset;
use crate::scaling::Scaling;
use crate::schema::Schema;
use crate::training::{Adam, Trainer, TrainingConfig};

/// Rows scored together: whole blocks keep matrix products fast, and small ones give every thread some.
const BLOCK_ROWS: usize = 256;
const FEWEST_ROWS: usize = 20;
/// More calibration rows than this make no promise sharper that anybody asks for.
const MOST_CALIBRATION_ROWS: usize = 100_000;

/// A fitted detector of anomalies: scores rows, says which are flagged, and which columns are to blame.
///
/// ```
/// use enkoder::Dataset;
/// use enkoder::anomaly::{Detector, DetectorConfig, ThresholdRule};
/// use ndarray::Array2;
///
/// // Two sensors that go together, and a third on its own.
/// let usual = Array2::from_shape_fn((2000, 3), |(row, column)| {
///     let (a, b) = ((row as f32 * 0.7).sin(), (row as f32 * 1.3).cos());
///     [a, 2.0 * a + 0.05 * b, b][column]
/// });
/// let detector = Detector::fit(&Dataset::from_f32("usual", usual)?, &DetectorConfig::default())?;
/// let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.01))?;
///
/// // Each value of the second row occurs, but never together.
/// let rows = Dataset::from_f32("new", ndarray::array![[0.5, 1.0, 0.1], [0.9, -1.8, 0.1]])?;
/// let scores = detector.score(&rows)?;
/// assert!(!threshold.flags(scores[0]) && threshold.flags(scores[1]));
///
/// let reasons = detector.explain(&rows, 1, 2)?;
/// assert_ne!(reasons[0].column, "feature3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Detector {
    pub(super) config: DetectorConfig,
    /// Of what the members learn from: a row, or a whole window.
    pub(super) features: usize,
    /// Of a row.
    pub(super) schema: Option<Schema>,
    pub(super) rows_learned: usize,
    pub(super) chosen: String,
    pub(super) preparation: Preparation,
    pub(super) members: Members,
    pub(super) calibration: Calibration,
    pub(super) windows: Option<Windows>,
}

/// What the detector consists of, each with the scores of the rows it learned from.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    pub(super) marginal: Option<(Marginal, Reference)>,
    pub(super) linear: Option<(Whitening, Reference)>,
    pub(super) networks: Vec<(ResidualNetwork, Reference)>,
}

impl Detector {
    /// Learns from rows without labels, mostly normal ones: 20 or more. Keeps a part of them for calibration, see
    /// [`DetectorConfig::calibration`].
    ///
    /// # Errors
    /// When an option is out of range, there are too few rows, a value is infinite, or no column varies.
    pub fn fit(data: &Dataset, config: &DetectorConfig) -> Result<Self, AnomalyError> {
        config.validate()?;
        check_learnable(data)?;
        let (learned, calibration) = if config.ordered {
            let held_out = ((data.len() as f64 * config.calibration) as usize).max(1);
            let rows: Vec<usize> = (0..data.len()).collect();
            let (first, last) = rows.split_at(data.len() - held_out);
            (data.select(first), data.select(last))
        } else {
            data.split(config.calibration, config.seed)?
        };
        let mut detector = Self::learn(&learned, config)?;
        let calibration = calibration.head(MOST_CALIBRATION_ROWS);
        detector.calibration = Calibration::new(detector.members.score(&detector.preparation, &calibration));
        Ok(detector)
    }

    /// Learns from all of these rows. The calibration is by the same rows, which promises nothing: the caller replaces it.
    pub(super) fn learn(learned: &Dataset, config: &DetectorConfig) -> Result<Self, AnomalyError> {
        let (preparation, members, plan) = fit_members(learned, config)?;
        let scores = members.score(&preparation, learned);
        Ok(Self {
            config: config.clone(),
            features: learned.features(),
            schema: learned.schema().cloned(),
            rows_learned: learned.len(),
            chosen: plan.words(),
            preparation,
            members,
            calibration: Calibration::new(scores),
            windows: None,
        })
    }

    /// For each row how surprising it is: the mean over the detector's members of the negative logarithm (base e) of the share
    /// of learned rows that are as odd. 0 is as usual as can be; 4.6 is as odd as one row in a hundred for every member. A
    /// detector of series takes the rows as one series and gives each moment the mean over the windows that cover it.
    ///
    /// # Errors
    /// When the rows have other columns, an infinite value, or are fewer than a window of a detector of series.
    pub fn score(&self, data: &Dataset) -> Result<Vec<f32>, AnomalyError> {
        self.check(data)?;
        match self.windows {
            None => Ok(self.members.score(&self.preparation, data)),
            Some(windows) => {
                let scores = self.members.score(&self.preparation, &windows.of(data)?);
                windows.to_moments(&scores, data.len())
            }
        }
    }

    /// Checks that the rows can be scored: columns, and that all values are finite or missing.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, data: &Dataset) -> Result<(), AnomalyError> {
        if data.features() != self.features() {
            return Err(ModelError::Features { found: data.features(), expected: self.features() }.into());
        }
        if let (Some(known), Some(given)) = (&self.schema, data.schema())
            && let Some((position, expected, found)) = known.first_difference(given)
        {
            return Err(ModelError::Columns { position, found, expected }.into());
        }
        check_finite(data)
    }

    /// Where flagging begins by a rule.
    ///
    /// # Errors
    /// When the rule's number is out of range.
    pub fn threshold(&self, rule: ThresholdRule) -> Result<Threshold, AnomalyError> {
        self.calibration.threshold(rule)
    }

    /// The scores of the rows kept from learning.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// How it was fitted.
    pub fn config(&self) -> &DetectorConfig {
        &self.config
    }

    /// The columns of the table it was fitted to, where it was one.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// The number of values of a row.
    pub fn features(&self) -> usize {
        self.features / self.windows.map_or(1, |windows| windows.length)
    }

    /// The windows it was fitted to, where it was fitted to series.
    pub fn windows(&self) -> Option<Windows> {
        self.windows
    }

    /// How many rows it learned from: those kept for calibration do not count.
    pub fn rows_learned(&self) -> usize {
        self.rows_learned
    }

    /// What it consists of, in words.
    pub fn chosen(&self) -> &str {
        &self.chosen
    }

    /// Columns that it ignores, since they were constant or empty in the rows learned from.
    pub fn ignored_columns(&self) -> Vec<String> {
        self.preparation.ignored()
    }
}

/// Refuses rows that nothing can be learned from.
pub(super) fn check_learnable(data: &Dataset) -> Result<(), AnomalyError> {
    if data.len() < FEWEST_ROWS {
        return Err(AnomalyError::TooFew { rows: data.len(), needed: FEWEST_ROWS });
    }
    check_finite(data)
}

fn check_finite(data: &Dataset) -> Result<(), AnomalyError> {
    match data.first_infinite() {
        Some((row, feature)) => Err(AnomalyError::Infinite { row, feature: name_of(data.schema(), feature) }),
        None => Ok(()),
    }
}

fn name_of(schema: Option<&Schema>, feature: usize) -> String {
    let names = schema.map(Schema::feature_names).unwrap_or_default();
    names.into_iter().nth(feature).unwrap_or_else(|| format!("feature {}", feature + 1))
}

fn fit_members(learned: &Dataset, config: &DetectorConfig) -> Result<(Preparation, Members, Plan), AnomalyError> {
    let preparation = Preparation::fit(learned);
    let width = preparation.width();
    if width == 0 {
        return Err(AnomalyError::NothingVaries { features: learned.features() });
    }
    let plan = Plan::of(config, learned.len(), width);
    let mut members = Members::default();
    if plan.marginal {
        let marginal = Marginal::fit(learned, &preparation);
        let mut row = vec![0.0; learned.features()];
        let scores = (0..learned.len()).map(|index| {
            learned.copy_row(index, &mut row);
            marginal.score(&row)
        });
        let reference = Reference::of(scores.collect());
        members.marginal = Some((marginal, reference));
    }
    if plan.linear || !plan.networks.is_empty() {
        let prepared = prepare(learned, &preparation);
        // What is odd by closed form alone is not learned: a network would otherwise make room for it in its code.
        let mut closed_form = members.clone();
        closed_form.linear = Some(linear_member(&prepared, &prepared)?);
        let trusted = if config.trim > 0.0 {
            prepared.select(&least_odd(&closed_form.score(&preparation, learned), 1.0 - config.trim))
        } else {
            prepared.clone()
        };
        if plan.linear {
            members.linear = Some(linear_member(&trusted, &prepared)?);
        }
        members.networks = fit_networks(&trusted, &prepared, &plan, config)?;
    }
    Ok((preparation, members, plan))
}

/// The rows with the lowest scores, this part of all of them and at least two, in their order.
fn least_odd(scores: &[f32], part: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    order.truncate(((part * scores.len() as f64).ceil() as usize).max(2));
    order.sort_unstable();
    order
}

fn linear_member(trusted: &Dataset, prepared: &Dataset) -> Result<(Whitening, Reference), AnomalyError> {
    let whitening = Whitening::fit(trusted)?;
    let reference = reference(prepared, |rows, scores, scratch| {
        whitening.scores(rows, scores, &mut scratch.whitening);
    });
    Ok((whitening, reference))
}

fn prepare(data: &Dataset, preparation: &Preparation) -> Dataset {
    let width = preparation.width();
    let mut prepared = ndarray::Array2::zeros((data.len(), width));
    let values: &mut [f32] = prepared.as_slice_mut().expect("a new array is contiguous");
    values.par_chunks_mut(BLOCK_ROWS * width).enumerate().for_each_init(
        || vec![0.0; data.features()],
        |row, (block, prepared)| {
            for (index, prepared) in prepared.chunks_exact_mut(width).enumerate() {
                data.copy_row(block * BLOCK_ROWS + index, row);
                preparation.prepare(row, prepared);
            }
        },
    );
    Dataset::from_f32(data.name(), prepared).expect("as many rows as before")
}

fn fit_networks(
    trusted: &Dataset,
    prepared: &Dataset,
    plan: &Plan,
    config: &DetectorConfig,
) -> Result<Vec<(ResidualNetwork, Reference)>, AnomalyError> {
    if plan.networks.is_empty() {
        return Ok(Vec::new());
    }
    let seen = Dataset::from_f32(trusted.name(), trusted.to_array().mapv_into(|value| value.clamp(-SIGHT, SIGHT)))?;
    let fitted = plan.networks.par_iter().enumerate().map(|(number, architecture)| {
        let seed = config.seed.wrapping_add(number as u64);
        // Every network is held to other rows.
        let (train, validation) = seen.split(0.2, seed)?;
        let (_, held_out) = trusted.split(0.2, seed)?;
        let training = TrainingConfig {
            epochs: plan.epochs,
            batch_size: 64,
            optimizer: Adam { learning_rate: 3e-3, ..Adam::default() },
            gradient_clip: Some(5.0),
            scaling: Scaling::None,
            seed,
            threads: Some(1),
            ..TrainingConfig::default()
        };
        let model = Trainer::new(architecture.clone(), training).fit(&train, &validation)?;
        let member = ResidualNetwork::fit(architecture.clone(), model.network, &held_out)?;
        let reference = reference(prepared, |rows, scores, scratch| member.scores(rows, scores, scratch));
        Ok((member, reference))
    });
    fitted.collect()
}

/// The scores that a member gives the rows it learned from.
fn reference(prepared: &Dataset, score: impl Fn(&mut [f32], &mut [f32], &mut ResidualScratch) + Sync) -> Reference {
    let width = prepared.features();
    let mut scores = vec![0.0; prepared.len()];
    scores.par_chunks_mut(BLOCK_ROWS).enumerate().for_each_init(
        ResidualScratch::default,
        |scratch, (block, scores)| {
            let first = block * BLOCK_ROWS;
            let mut rows = prepared.rows(first..first + scores.len());
            let rows = rows.as_slice_mut().expect("a new array is contiguous");
            debug_assert_eq!(rows.len(), scores.len() * width);
            score(rows, scores, scratch);
        },
    );
    Reference::of(scores)
}

/// Buffers of one thread that scores.
#[derive(Default)]
struct ScoreScratch {
    row: Vec<f32>,
    prepared: Vec<f32>,
    work: Vec<f32>,
    raw: Vec<f32>,
    residuals: ResidualScratch,
}

impl Members {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn count(&self) -> usize {
        usize::from(self.marginal.is_some())
            + usize::from(self.linear.is_some())
            + usize::from(!self.networks.is_empty())
    }

    fn score(&self, preparation: &Preparation, data: &Dataset) -> Vec<f32> {
        let mut scores = vec![0.0; data.len()];
        scores.par_chunks_mut(BLOCK_ROWS).enumerate().for_each_init(
            ScoreScratch::default,
            |scratch, (block, scores)| {
                let first = block * BLOCK_ROWS;
                self.score_block(preparation, data, first..first + scores.len(), scores, scratch);
            },
        );
        scores
    }

    fn score_block(
        &self,
        preparation: &Preparation,
        data: &Dataset,
        rows: Range<usize>,
        scores: &mut [f32],
        scratch: &mut ScoreScratch,
    ) {
        let width = preparation.width();
        // Always a whole block, so that a row's score does not depend on how many others are scored with it.
        scratch.prepared.clear();
        scratch.prepared.resize(BLOCK_ROWS * width, 0.0);
        scratch.row.resize(data.features(), 0.0);
        scratch.raw.resize(BLOCK_ROWS, 0.0);
        for ((index, prepared), score) in rows.zip(scratch.prepared.chunks_exact_mut(width)).zip(&mut *scores) {
            data.copy_row(index, &mut scratch.row);
            preparation.prepare(&scratch.row, prepared);
            *score = match &self.marginal {
                Some((marginal, reference)) => reference.surprise(marginal.score(&scratch.row)),
                None => 0.0,
            };
        }
        if let Some((whitening, reference)) = &self.linear {
            scratch.work.clone_from(&scratch.prepared);
            whitening.scores(&mut scratch.work, &mut scratch.raw, &mut scratch.residuals.whitening);
            scores.iter_mut().zip(&scratch.raw).for_each(|(score, &raw)| *score += reference.surprise(raw));
        }
        // All networks together weigh as much as one other member.
        let weight = 1.0 / self.networks.len().max(1) as f32;
        for (network, reference) in &self.networks {
            scratch.work.clone_from(&scratch.prepared);
            network.scores(&mut scratch.work, &mut scratch.raw, &mut scratch.residuals);
            scores.iter_mut().zip(&scratch.raw).for_each(|(score, &raw)| *score += weight * reference.surprise(raw));
        }
        let count = self.count() as f32;
        scores.iter_mut().for_each(|score| *score /= count);
    }
}
