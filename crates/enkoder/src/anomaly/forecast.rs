//! What the last rows of all columns let expect of a reading: linear regression, and for what that leaves a small network of convolutions
//! along time. It knows what windows do not show: a level that follows its valve late, a pendulum, a map that is chaos to a straight line.
//! What is left of the reading is judged as a reading of its own, with votes by what is known beyond the reading's own straight past.

use ndarray::Array2;
use rayon::prelude::*;

use super::choice::{DetectorConfig, WORK_PER_SECOND};
use super::error::AnomalyError;
use super::residuals::{SIGHT, trusted_root};
use super::voices::{Fold, Reading};
use crate::dataset::Dataset;
use crate::least_squares::solve;
use crate::network::{Activation, Architecture, LayerSpec, LayerSummary, PerAxis, Runner, Scratch};
use crate::scaling::Scaling;
use crate::training::{Adam, Trainer, TrainingConfig};

/// Rows that a forecast sees.
pub(super) const PAST: usize = 16;
/// The regression takes time by the cube of the columns.
pub(super) const MOST_COLUMNS: usize = 32;
/// Fewer votes are none: the straight past must leave twice the variance. Telemetry whose normal changes has forecasts that gain less, and
/// false incidents by them.
const FEWEST_VOTES: f64 = 1.0;
/// The part of the rows in which a reading changes, or it is a state that commands switch, and no motion to be forecast.
const MOVES: f64 = 0.5;
const MOST_VOTES: f64 = 50.0;
/// What a straight past leaves less of than this, in standard deviations of the reading, is known well enough.
const LEAST_LEFT: f64 = 1e-3;
/// Added to the variance of each input, for which deviations are the unit.
const RIDGE: f64 = 1e-3;
/// The parts of which each is forecast by what was learned from the others.
const GROUPS: usize = 3;
/// More rows than this teach the regression nothing, and the network little.
const MOST_ROWS: usize = 4096;
const MOST_ROWS_OF_NETWORK: usize = 3000;
/// Fits that a reading takes on the average: most gain nothing on the first part.
const FITS: f64 = 2.0;
const EPOCHS: usize = 20;
const PATIENCE: usize = 10;
/// Of so many stretches of so many rows one is held out.
const HELD_OUT: usize = 5;
const STRETCH: usize = 50;
/// Rows passed through the network at once: always so many, so that a row's forecast does not depend on how many others come with it.
const BLOCK: usize = 64;

/// A regression and a network over the last rows.
#[derive(Clone, Debug)]
pub(super) struct Forecast {
    pub(super) columns: Vec<Reading>,
    /// The number of the reading's own column: of it the row that is forecast is not seen.
    pub(super) own: usize,
    /// `rows × columns`, the oldest row first, and the offset.
    pub(super) weights: Vec<f32>,
    /// What the network counts in: the root mean square of what the regression leaves.
    pub(super) unit: f32,
    /// One over the usual size of what is left in the end.
    pub(super) scale: f32,
    pub(super) network: Runner,
}

impl Forecast {
    /// Two convolutions with a stride, which see as much as dilated ones that give one value.
    pub(super) fn architecture(columns: usize) -> Architecture {
        let axis = |height| PerAxis { height, width: 1 };
        let convolution = || LayerSpec::convolution(16, axis(3), axis(2), Activation::Tanh);
        Architecture {
            input_shape: vec![PAST, 1, columns],
            encoder: vec![convolution(), convolution()],
            decoder: vec![LayerSpec::dense(16, Activation::Tanh), LayerSpec::dense(1, Activation::Linear)],
            output_shape: Some(vec![1]),
            residual: false,
        }
    }

    /// What is left of each row of the reading, whose columns these are, prepared. Of the first rows nothing is expected.
    pub(super) fn left(&self, columns: &[Vec<f32>]) -> Vec<f32> {
        let rows = columns[self.own].len();
        let mut left = vec![0.0; rows.min(PAST)];
        let at: Vec<usize> = (left.len()..rows).collect();
        for block in at.chunks(BLOCK) {
            let expected = self.expected(columns, block);
            left.extend(
                block.iter().zip(expected).map(|(&row, expected)| (columns[self.own][row] - expected) * self.scale),
            );
        }
        left
    }

    /// What is expected of at most a block of rows, none of them among the first.
    pub(super) fn expected(&self, columns: &[Vec<f32>], rows: &[usize]) -> Vec<f32> {
        let width = PAST * columns.len();
        let mut inputs = Vec::with_capacity(BLOCK * width);
        rows.iter().for_each(|&row| inputs.extend(self::inputs(columns, self.own, row, false)));
        let regression: Vec<f32> = inputs.chunks_exact(width).map(|inputs| times(&self.weights, inputs)).collect();
        inputs.resize(BLOCK * width, 0.0);
        let mut bend = [0.0; BLOCK];
        self.network.forward(self.network.program().all(), &inputs, &mut bend, &mut Scratch::default());
        regression.iter().zip(bend).map(|(straight, bend)| straight + self.unit * bend).collect()
    }
}

/// Of all columns but the reading's own the rows up to this one, and of its own, which may be all that is asked for, those before it.
fn inputs(columns: &[Vec<f32>], own: usize, row: usize, by_own: bool) -> impl Iterator<Item = f32> {
    let asked = if by_own { own..own + 1 } else { 0..columns.len() };
    (row + 1 - PAST..=row).flat_map(move |row| {
        let value = move |column: usize| columns[column][row - usize::from(column == own)];
        asked.clone().map(value).map(|value| value.clamp(-SIGHT, SIGHT))
    })
}

fn times(weights: &[f32], inputs: &[f32]) -> f32 {
    let offset = weights[inputs.len()];
    offset + weights.iter().zip(inputs).map(|(weight, input)| weight * input).sum::<f32>()
}

/// What forecasts are learned from.
struct Forecasting<'a> {
    columns: &'a [Reading],
    /// Prepared rows by column.
    series: &'a [Vec<Vec<f32>>],
    /// For each group its rows, by number of the series.
    groups: Vec<Vec<(usize, usize)>>,
    /// The most rows for a network.
    rows: usize,
    config: &'a DetectorConfig,
}

/// A reading with what is left of it in each row of each series.
type Left = (Reading, Vec<Vec<f32>>);

/// The readings of which forecasts know more than their own straight past does, as readings of what is left, each with what is left in each row of each
/// series by what was learned in other parts; none where columns, readings or rows are too many or too few to try. `columns` are all that vary,
/// `series` the prepared rows of each series by column.
pub(super) fn forecast(
    readings: &[Reading],
    columns: &[Reading],
    series: &[Vec<Vec<f32>>],
    folds: &[Vec<Fold>],
    config: &DetectorConfig,
) -> Result<Option<Vec<Left>>, AnomalyError> {
    let moving = |reading: &&Reading| {
        let own = columns.iter().position(|column| column.feature == reading.feature);
        own.is_some_and(|own| moves(series, own))
    };
    let readings: Vec<&Reading> = readings.iter().filter(moving).collect();
    let affordable = config.budget * WORK_PER_SECOND / (FITS * readings.len() as f64);
    let rows = (affordable / (EPOCHS as f64 * work(columns.len()))).min(MOST_ROWS_OF_NETWORK as f64) as usize;
    let fewest = 2 * PAST * columns.len();
    if columns.len() > MOST_COLUMNS || rows < fewest {
        return Ok(readings.is_empty().then(Vec::new));
    }
    let mut groups = vec![Vec::new(); folds.len().min(GROUPS)];
    let count = groups.len();
    for (number, part) in
        folds.iter().enumerate().flat_map(|(number, fold)| fold.iter().map(move |part| (number, part)))
    {
        let rows = part.rows.clone().filter(|&row| row >= PAST);
        groups[number % count].extend(rows.map(|row| (part.series, row)));
    }
    if groups.iter().any(|group| group.len() < fewest) {
        return Ok(readings.is_empty().then(Vec::new));
    }
    let forecasting = Forecasting { columns, series, groups, rows, config };
    let fitted = readings.into_par_iter().map(|reading| forecasting.fit(reading));
    Ok(Some(fitted.collect::<Result<Vec<_>, AnomalyError>>()?.into_iter().flatten().collect()))
}

/// Multiplications and additions to learn from one row once.
fn work(columns: usize) -> f64 {
    let architecture = Forecast::architecture(columns);
    let layer = |layer: &LayerSummary| {
        let outputs = *layer.output_shape.last().expect("layers have a shape");
        layer.parameters * layer.outputs / outputs
    };
    3.0 * architecture.layers().iter().map(layer).sum::<usize>() as f64
}

/// Whether a column changes in most rows.
fn moves(series: &[Vec<Vec<f32>>], own: usize) -> bool {
    let pairs = || series.iter().flat_map(|columns| columns[own].windows(2));
    pairs().filter(|pair| pair[0] != pair[1]).count() as f64 > MOVES * pairs().count() as f64
}

impl Forecasting<'_> {
    fn fit(&self, reading: &Reading) -> Result<Option<Left>, AnomalyError> {
        let own = self.columns.iter().position(|column| column.feature == reading.feature).expect("all vary");
        let mut left: Vec<Vec<f32>> = self.series.iter().map(|series| vec![0.0; series[own].len()]).collect();
        let (mut squares, mut votes) = (Vec::new(), MOST_VOTES);
        for group in 0..self.groups.len() {
            let learned: Vec<(usize, usize)> = self
                .groups
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != group)
                .flat_map(|(_, rows)| rows.clone())
                .collect();
            let past = self.regression(own, &learned, true);
            let forecast = self.learn(own, &learned)?;
            let (mut sum, mut sum_of_past) = (0.0, 0.0);
            for rows in self.groups[group].chunk_by(|a, b| a.0 == b.0) {
                let series = rows[0].0;
                let columns = &self.series[series];
                for block in rows.chunks(BLOCK) {
                    let at: Vec<usize> = block.iter().map(|&(_, row)| row).collect();
                    for (&row, expected) in at.iter().zip(forecast.expected(columns, &at)) {
                        let value = columns[own][row];
                        let square = (value - expected).powi(2);
                        let inputs: Vec<f32> = inputs(columns, own, row, true).collect();
                        left[series][row] = value - expected;
                        sum += f64::from(square);
                        sum_of_past += f64::from((value - times(&past, &inputs)).powi(2));
                        squares.push(square);
                    }
                }
            }
            // How many times what is left the reading's own past leaves more: in every part, for commands come and go. What gains nothing
            // on one costs no more time.
            let least = self.groups[group].len() as f64 * LEAST_LEFT.powi(2);
            votes = (sum_of_past.max(least) / sum.max(least) - 1.0).min(votes);
            if votes < FEWEST_VOTES {
                return Ok(None);
            }
        }
        let usual = trusted_root(squares).max(LEAST_LEFT) as f32;
        left.iter_mut().flatten().for_each(|value| *value /= usual);
        let everything = self.groups.concat();
        let forecast = Forecast { scale: 1.0 / usual, ..self.learn(own, &everything)? };
        let reading = Reading { forecast: Some(forecast.into()), votes: votes as f32, ..reading.clone() };
        Ok(Some((reading, left)))
    }

    /// The weights and the offset, by all columns or by the reading's own.
    fn regression(&self, own: usize, rows: &[(usize, usize)], by_own: bool) -> Vec<f32> {
        let columns = if by_own { 1 } else { self.series[0].len() };
        let width = PAST * columns + 1;
        let mut sums = vec![vec![0.0; width + 1]; width];
        let step = rows.len().div_ceil(MOST_ROWS);
        let mut seen = 0.0;
        for &(series, row) in rows.iter().step_by(step) {
            let values = &self.series[series];
            let inputs: Vec<f64> =
                inputs(values, own, row, by_own).map(f64::from).chain([1.0, f64::from(values[own][row])]).collect();
            for (sums, &first) in sums.iter_mut().zip(&inputs).filter(|(_, first)| **first != 0.0) {
                sums.iter_mut().zip(&inputs).for_each(|(sum, second)| *sum += first * second);
            }
            seen += 1.0;
        }
        sums.iter_mut().take(width - 1).enumerate().for_each(|(at, sums)| sums[at] += RIDGE * seen);
        solve(sums).into_iter().map(|weight| weight as f32).collect()
    }

    fn learn(&self, own: usize, rows: &[(usize, usize)]) -> Result<Forecast, AnomalyError> {
        let weights = self.regression(own, rows, false);
        let step = rows.len().div_ceil(self.rows);
        let rows: Vec<(usize, usize)> = rows.iter().copied().step_by(step).collect();
        let pairs = rows.iter().map(|&(series, row)| {
            let inputs: Vec<f32> = inputs(&self.series[series], own, row, false).collect();
            let left = self.series[series][own][row] - times(&weights, &inputs);
            (inputs, left)
        });
        let pairs: Vec<(Vec<f32>, f32)> = pairs.collect();
        let unit = trusted_root(pairs.iter().map(|(_, left)| left * left).collect()).max(LEAST_LEFT) as f32;
        let architecture = Forecast::architecture(self.series[0].len());
        let side = |held_out: bool| {
            let is_held_out = |at: usize| at / STRETCH % HELD_OUT == HELD_OUT - 1;
            let of = pairs.iter().enumerate().filter(|(at, _)| is_held_out(*at) == held_out).map(|(_, pair)| pair);
            let rows = of.clone().count();
            let inputs: Vec<f32> = of.clone().flat_map(|(inputs, _)| inputs).copied().collect();
            let targets: Vec<f32> = of.map(|(_, left)| (left / unit).clamp(-SIGHT, SIGHT)).collect();
            let of_shape = |values: Vec<f32>, width| {
                Dataset::from_f32("forecast", Array2::from_shape_vec((rows, width), values).expect("whole rows"))
            };
            let inputs = of_shape(inputs, architecture.features())?.with_shape(architecture.input_shape.clone())?;
            Ok::<_, AnomalyError>((inputs, of_shape(targets, 1)?))
        };
        let ((inputs, targets), (held_out, targets_held_out)) = (side(false)?, side(true)?);
        let training = TrainingConfig {
            epochs: EPOCHS,
            patience: Some(PATIENCE),
            batch_size: 64,
            optimizer: Adam { learning_rate: 5e-3, ..Adam::default() },
            gradient_clip: Some(5.0),
            scaling: Scaling::None,
            seed: self.config.seed,
            threads: Some(1),
            ..TrainingConfig::default()
        };
        let stop = &self.config.stop;
        let trainer = Trainer::new(architecture, training).with_progress(|news| stop.after(news));
        let model = trainer.fit_pairs((&inputs, &targets), (&held_out, &targets_held_out));
        stop.check()?;
        let model = model?;
        let columns = self.columns.to_vec();
        Ok(Forecast { columns, own, weights, unit, scale: 1.0, network: model.network.runner() })
    }
}
