//! What a detector of readings consists of: for each reading some *voices*, which see its windows at one length
//! in one way. What a voice says of a moment is compared with what it says of moments that it did not learn from, so that all voices
//! count alike. The surprise of a reading is the mean over its voices, with what short windows add that only *accuse* (of what is left of it where others let expect it, that counts as a
//! reading of its own), and a moment's score is the negative logarithm of the
//! harmonic mean of the readings' shares (Wilson, "The harmonic mean p-value for combining dependent tests", PNAS 116(4), 2019): one
//! reading's fault is not averaged away among many, and many readings' noise adds up to none.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::choice::DetectorConfig;
use super::error::AnomalyError;
use super::forecast::{Forecast, PAST, forecast};
use super::outline::Outline;
use super::preparation::{FeatureRange, Preparation};
use super::relation::{Relation, Term, related};
use super::shapes::{Shapes, Way};
use super::surprise::Reference;
use super::windows::Windows;

/// Windows seen at once by a thread.
const BLOCK_WINDOWS: usize = 256;
/// The parts that the rows are cut into: what a voice says of one is by what it learned from the others.
const FOLDS: usize = 5;
/// Rows over which what is left of a reading is judged together.
const WHILE: usize = 32;
/// Deviations beyond this, in standard deviations, are no longer told apart.
const FARTHEST: f32 = 1e6;
/// The surprise beyond which a voice that accuses is heard: that of one moment in seven.
const ACCUSED: f32 = 2.0;

/// A column that is judged, or what is left of it where others let expect it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Reading {
    pub(super) feature: usize,
    pub(super) center: f32,
    pub(super) scale: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) relation: Option<Relation>,
    /// In a file it has tensors of its own.
    #[serde(skip)]
    pub(super) forecast: Option<Arc<Forecast>>,
    /// How much it counts beside the others.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub(super) votes: f32,
}

fn one() -> f32 {
    1.0
}

fn is_one(votes: &f32) -> bool {
    *votes == 1.0
}

impl Default for Reading {
    fn default() -> Self {
        Self { feature: 0, center: 0.0, scale: 1.0, relation: None, forecast: None, votes: 1.0 }
    }
}

impl Reading {
    fn of(feature: usize, preparation: &Preparation, range: &FeatureRange) -> Self {
        let input = preparation.inputs.iter().find(|input| input.feature == feature && !input.absence);
        let (center, scale) = match input {
            Some(input) => input.center_and_scale(),
            // In units of the one value that it ever had.
            None => (range.median, 1.0 / range.median.abs().max(1.0)),
        };
        Self { feature, center, scale, ..Self::default() }
    }

    /// Checks what was read from a file of so many features.
    pub(super) fn is_sound(&self, features: usize) -> bool {
        let related = self.relation.as_ref().is_none_or(|relation| relation.is_sound(features));
        let forecast = self.forecast.as_ref().is_none_or(|forecast| {
            let own = &forecast.columns[forecast.own];
            let plain =
                |column: &Self| column.relation.is_none() && column.forecast.is_none() && column.is_sound(features);
            own.feature == self.feature && self.relation.is_none() && forecast.columns.iter().all(plain)
        });
        let counts = self.votes > 0.0 && self.votes.is_finite();
        self.feature < features
            && self.center.is_finite()
            && self.scale.is_finite()
            && self.scale > 0.0
            && related
            && forecast
            && counts
    }

    /// How many rows before a row must be known, or nothing is expected of it.
    pub(super) fn past(&self) -> usize {
        if self.forecast.is_some() { PAST } else { 0 }
    }

    /// What is judged of rows of so many features, one behind the other, of which the first are the [past](Self::past).
    pub(super) fn values<'v>(&self, rows: impl Iterator<Item = &'v f32> + Clone, features: usize) -> Vec<f32> {
        let column = |feature| rows.clone().skip(feature).step_by(features);
        if let Some(forecast) = &self.forecast {
            let prepared = |of: &Self| column(of.feature).map(|&value| of.prepare(value)).collect();
            let columns: Vec<Vec<f32>> = forecast.columns.iter().map(prepared).collect();
            let mut left = forecast.left(&columns);
            let missing = column(self.feature).map(|value| value.is_nan());
            left.iter_mut().zip(missing).filter(|(_, missing)| *missing).for_each(|(left, _)| *left = 0.0);
            return left;
        }
        let mut values: Vec<f32> = column(self.feature).map(|&value| self.prepare(value)).collect();
        if let Some(Relation { offset, terms, scale }) = &self.relation {
            values.iter_mut().for_each(|value| *value -= offset);
            for Term { column: other, weight } in terms {
                let others = column(other.feature).map(|&value| other.prepare(value));
                values.iter_mut().zip(others).for_each(|(value, other)| *value -= weight * other);
            }
            let known = column(self.feature).map(|value| if value.is_nan() { 0.0 } else { *scale });
            values.iter_mut().zip(known).for_each(|(value, scale)| *value *= scale);
        }
        values
    }

    /// What is missing is taken to be as usual.
    pub(super) fn prepare(&self, value: f32) -> f32 {
        if value.is_nan() { 0.0 } else { ((value - self.center) * self.scale).clamp(-FARTHEST, FARTHEST) }
    }

    pub(super) fn restore(&self, prepared: f32) -> f32 {
        prepared / self.scale + self.center
    }
}

/// One reading at one length of windows, seen in one way.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    /// The reading's number.
    pub(super) reading: usize,
    pub(super) outline: Outline,
    pub(super) shapes: Shapes,
    pub(super) reference: Reference,
    /// Whether it only adds to what the others say, and never takes away from it: short windows occur everywhere, so a usual one says
    /// nothing for the whole, while an odd one is lost in the mean of long windows.
    pub(super) accuses: bool,
}

impl Voice {
    /// What it says of the windows that start at each `stride`-th row of a prepared reading.
    pub(super) fn distances(&self, reading: &[f32], stride: usize) -> Vec<f32> {
        said_of(self.outline, &self.shapes, reading, stride)
    }
}

fn said_of(outline: Outline, shapes: &Shapes, reading: &[f32], stride: usize) -> Vec<f32> {
    let Some(last) = reading.len().checked_sub(outline.length) else { return Vec::new() };
    let starts = last / stride + 1;
    let blocks = (0..starts.div_ceil(BLOCK_WINDOWS)).into_par_iter().flat_map_iter(|block| {
        let first = block * BLOCK_WINDOWS * stride;
        let until = (first + (BLOCK_WINDOWS - 1) * stride + outline.length).min(reading.len());
        shapes.distances(&outline.of(&reading[first..until], stride))
    });
    blocks.collect()
}

/// The voices of all readings, those of one reading together, and how they are heard.
#[derive(Clone, Debug, Default)]
pub(super) struct Voices {
    pub(super) readings: Vec<Reading>,
    pub(super) voices: Vec<Voice>,
    /// Whether it was tried if forecasts of the readings know more; what was loaded does not tell.
    pub(super) forecasts_tried: bool,
}

impl Voices {
    /// Learns from series, each with its prepared rows by column, of which some are readings, and gives for each of a few parts of
    /// them the scores of its moments by what was learned from the other parts.
    pub(super) fn fit(
        series: &[Vec<Vec<f32>>],
        columns: &[Reading],
        features: &[usize],
        windows: Windows,
        config: &DetectorConfig,
    ) -> Result<(Self, Vec<FoldScores>), AnomalyError> {
        let folds = folds(series, windows.length);
        if folds.len() < 2 {
            return Err(AnomalyError::ShortSeries { window: windows.length, needed: 2 * windows.length });
        }
        let (mut readings, mut values): (Vec<Reading>, Vec<Vec<&[f32]>>) = columns
            .iter()
            .enumerate()
            .filter(|(_, column)| features.contains(&column.feature))
            .map(|(at, column)| (column.clone(), series.iter().map(|one| &one[at][..]).collect()))
            .unzip();
        let mut left = related(&readings, columns, series, &folds);
        // Of what ends with a window enough must be known.
        let forecasts =
            if windows.length > PAST { forecast(&readings, columns, series, &folds, config)? } else { None };
        let forecasts_tried = forecasts.is_some();
        left.extend(forecasts.into_iter().flatten());
        for (reading, left) in &left {
            readings.push(reading.clone());
            values.push(left.iter().map(|left| &left[..]).collect());
        }
        let kinds: Vec<(usize, Kind)> = (0..readings.len())
            .flat_map(|reading| {
                let Reading { relation, forecast, .. } = &readings[reading];
                let kinds = match (relation, forecast) {
                    (None, None) => kinds(windows.length),
                    _ => kinds_of_left(windows.length - readings[reading].past()),
                };
                kinds.into_iter().map(move |kind| (reading, kind))
            })
            .collect();
        let fitted = kinds.into_par_iter().map(|(reading, kind)| {
            config.stop.check()?;
            fit_voice(reading, kind, &values[reading], &folds, windows.length)
        });
        let (voices, said): (Vec<Voice>, Vec<Said>) =
            fitted.collect::<Result<Vec<_>, AnomalyError>>()?.into_iter().unzip();
        let (said, ends): (Vec<Vec<f32>>, Vec<Vec<f32>>) =
            said.into_iter().map(|Said { moments, ends }| (moments, ends)).unzip();
        let voices = Self { readings, voices, forecasts_tried };
        let (mut scores, mut ends) = (voices.scores(&said).into_iter(), voices.scores(&ends).into_iter());
        let of_folds = folds.into_iter().map(|fold| {
            let rows = fold.iter().map(|part| part.rows.len()).sum();
            let windows = fold.iter().map(|part| ends_of(part, windows.length)).sum();
            let (moments, ends) = (scores.by_ref().take(rows).collect(), ends.by_ref().take(windows).collect());
            FoldScores { parts: fold, moments, ends }
        });
        let of_folds = of_folds.collect();
        Ok((voices, of_folds))
    }

    /// Whether all that they compute with is finite.
    pub(super) fn are_sound(&self, features: usize) -> bool {
        self.readings.iter().all(|reading| reading.is_sound(features))
            && self.voices.iter().all(|voice| voice.reference.is_sound())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.voices.is_empty()
    }

    /// The scores of the moments that windows of rows end with, one window behind the other, each by the windows that end there alone.
    pub(super) fn score_ends(&self, windows: &[f32], features: usize, rows: usize) -> Vec<f32> {
        let said: Vec<Vec<f32>> =
            self.voices.iter().map(|voice| self.said_of_ends(voice, windows, features, rows)).collect();
        self.scores(&said)
    }

    fn said_of_ends(&self, voice: &Voice, windows: &[f32], features: usize, rows: usize) -> Vec<f32> {
        let (reading, Voice { outline, shapes, .. }) = (&self.readings[voice.reading], voice);
        let past = reading.past();
        let blocks = windows.par_chunks(BLOCK_WINDOWS * features * rows).flat_map_iter(|windows| {
            let mut outlines = Vec::with_capacity(BLOCK_WINDOWS * shapes.parts());
            for window in windows.chunks_exact(features * rows) {
                let rows = &window[(rows - outline.length - past) * features..];
                outlines.extend(outline.of(&reading.values(rows.iter(), features)[past..], 1));
            }
            shapes.distances(&outlines)
        });
        blocks.collect()
    }

    /// The surprise of each reading, by what each voice says of a moment.
    pub(super) fn surprises(&self, said: &[f32]) -> Vec<f32> {
        let mut sums = vec![(0.0, 0.0); self.readings.len()];
        for (voice, &said) in self.voices.iter().zip(said) {
            let of = &mut sums[voice.reading];
            let surprise = voice.reference.surprise(said);
            *of = if voice.accuses {
                (of.0 + (surprise - ACCUSED).max(0.0), of.1)
            } else {
                (of.0 + surprise, of.1 + 1.0)
            };
        }
        sums.into_iter().map(|(sum, count): (f32, f32)| sum / count.max(1.0)).collect()
    }

    /// The scores of moments, by what each voice says of all of them.
    fn scores(&self, said: &[Vec<f32>]) -> Vec<f32> {
        let mut of_moment = vec![0.0; said.len()];
        let score = |moment: usize| {
            of_moment.iter_mut().zip(said).for_each(|(to, said)| *to = said[moment]);
            self.score(&of_moment)
        };
        (0..said.first().map_or(0, Vec::len)).map(score).collect()
    }

    /// The score of a moment, by what each voice says of it.
    pub(super) fn score(&self, said: &[f32]) -> f32 {
        let surprises = self.surprises(said);
        let highest = surprises.iter().copied().fold(0.0, f32::max);
        let weighted = surprises.iter().zip(&self.readings).map(|(surprise, of)| of.votes * (surprise - highest).exp());
        let votes: f32 = self.readings.iter().map(|reading| reading.votes).sum();
        highest + (weighted.sum::<f32>() / votes).ln()
    }
}

pub(super) fn readings_of(preparation: &Preparation, features: &[usize]) -> Vec<Reading> {
    let known = |&feature: &usize| Some(Reading::of(feature, preparation, preparation.ranges[feature].as_ref()?));
    features.iter().filter_map(known).collect()
}

/// A voice before it is fitted.
#[derive(Clone, Copy)]
struct Kind {
    length: usize,
    way: Way,
    accuses: bool,
}

/// Lengths and ways: whole windows in both, since over many rows a shape is told from others, and for what is short a quarter of
/// them by principal components, since short shapes occur everywhere. What is odd in an eighth of a window accuses.
fn kinds(longest: usize) -> Vec<Kind> {
    let part = |parts: usize| (longest / parts).max(1);
    let judge = |length, way| Kind { length, way, accuses: false };
    let mut kinds = vec![judge(longest, Way::Nearest), judge(longest, Way::Linear)];
    if part(4) < longest {
        kinds.push(judge(part(4), Way::Linear));
        kinds.push(Kind { length: part(8), way: Way::Nearest, accuses: true });
    }
    kinds
}

/// What is left of a reading has no shape: it is judged moment by moment, and over a while.
fn kinds_of_left(longest: usize) -> Vec<Kind> {
    let mut lengths = vec![1, longest.min(WHILE)];
    lengths.dedup();
    lengths.into_iter().map(|length| Kind { length, way: Way::Nearest, accuses: false }).collect()
}

/// What a voice says of the moments of all folds.
struct Said {
    moments: Vec<f32>,
    ends: Vec<f32>,
}

/// The scores of a fold.
pub(super) struct FoldScores {
    pub(super) parts: Vec<Fold>,
    /// Of its moments, each by all windows that cover it.
    pub(super) moments: Vec<f32>,
    /// Of those that the longest windows end with, each by the windows that end there alone.
    pub(super) ends: Vec<f32>,
}

/// How many windows of so many rows end in a part.
fn ends_of(part: &Fold, longest: usize) -> usize {
    (part.rows.len() + 1).saturating_sub(longest)
}

/// A part of a series.
pub(super) struct Fold {
    pub(super) series: usize,
    pub(super) rows: Range<usize>,
}

/// The parts of the series, each at least a window long; several of a fold may lie in one series.
fn folds(series: &[Vec<Vec<f32>>], window: usize) -> Vec<Vec<Fold>> {
    let mut folds: Vec<Vec<Fold>> = (0..FOLDS).map(|_| Vec::new()).collect();
    let mut next = 0;
    for (number, one) in series.iter().enumerate() {
        let rows = one.first().map_or(0, Vec::len);
        let parts = (rows / window).clamp(1, FOLDS);
        for part in 0..parts {
            let rows = part * rows / parts..(part + 1) * rows / parts;
            folds[next % FOLDS].push(Fold { series: number, rows });
            next += 1;
        }
    }
    folds.retain(|fold| !fold.is_empty());
    folds
}

/// The voice, and what it says of each moment of the folds by what it learned from the others.
fn fit_voice(
    reading: usize,
    Kind { length, way, accuses }: Kind,
    series: &[&[f32]],
    folds: &[Vec<Fold>],
    longest: usize,
) -> Result<(Voice, Said), AnomalyError> {
    let outline = Outline::new(length);
    let parts = outline.parts();
    let outlines: Vec<Vec<f32>> = series.iter().map(|one| outline.of(one, 1)).collect();
    let mut said = Said { moments: Vec::new(), ends: Vec::new() };
    for fold in folds {
        let apart = |number: usize, start: usize| {
            fold.iter().all(|part| {
                part.series != number || start + outline.length <= part.rows.start || start >= part.rows.end
            })
        };
        let mut learned = Vec::new();
        for (number, windows) in outlines.iter().enumerate() {
            let windows = windows.chunks_exact(parts).enumerate();
            learned.extend(windows.filter(|(start, _)| apart(number, *start)).flat_map(|(_, window)| window));
        }
        let shapes = Shapes::fit(way, &learned, parts)?;
        for part in fold {
            let rows = &series[part.series][part.rows.clone()];
            let windows = said_of(outline, &shapes, rows, 1);
            said.moments.extend(covering(&windows, rows.len(), outline.length));
            said.ends.extend_from_slice(&windows[windows.len() - ends_of(part, longest)..]);
        }
    }
    let shapes = Shapes::fit(way, &outlines.concat(), parts)?;
    let reference = Reference::of(said.moments.clone());
    Ok((Voice { reading, outline, shapes, reference, accuses }, said))
}

/// For each moment the mean over the windows that cover it.
fn covering(windows: &[f32], moments: usize, length: usize) -> Vec<f32> {
    let mut sums = vec![(0.0f64, 0u32); moments];
    for (start, &said) in windows.iter().enumerate() {
        for (sum, count) in &mut sums[start..start + length] {
            *sum += f64::from(said);
            *count += 1;
        }
    }
    sums.into_iter().map(|(sum, count)| (sum / f64::from(count.max(1))) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_that_accuses_adds_what_is_odd_and_takes_nothing_away() {
        let voice = |accuses| Voice {
            reading: 0,
            outline: Outline::new(1),
            shapes: Shapes::new(Way::Nearest, vec![0.0], vec![0.0]),
            reference: Reference::of((0..1000).map(|said| said as f32).collect()),
            accuses,
        };
        let voices = Voices {
            readings: vec![Reading::default()],
            voices: vec![voice(false), voice(false), voice(true)],
            ..Voices::default()
        };
        let alone = voices.surprises(&[900.0, 990.0, 0.0])[0];
        assert!((alone - (10f32.ln() + 100f32.ln()) / 2.0).abs() < 0.1, "{alone}");
        assert_eq!(voices.surprises(&[900.0, 990.0, 800.0]), [alone]);
        let accused = voices.surprises(&[900.0, 990.0, 990.0])[0];
        assert!((accused - alone - (100f32.ln() - ACCUSED) / 2.0).abs() < 0.1, "{accused} after {alone}");
    }
}
