//! Which columns of a series are readings, to be judged by their own windows, and which merely accompany them. A flag that is
//! mostly not set tells what was commanded and not how anything is: of many such columns one is always odd, and they would drown
//! the reading.

use super::choice::DetectorConfig;
use super::detector::Detector;
use super::error::AnomalyError;
use super::forecast::PAST;
use super::members::Members;
use super::preparation::{Preparation, value};
use super::threshold::CalibrationScores;
use super::timeline::SeriesColumns;
use super::voices::{FoldScores, Reading, Voices, readings_of};
use super::windows::{Windows, joined};
use crate::dataset::Dataset;

/// Parts of the series that calibrate at least.
const FEWEST_PARTS: usize = 2;

/// The numbers of the features that are readings: numbers other than flags, and flags only where they are not more than the other
/// columns. Those said to be readings are, and no other; those said to be context are none.
pub(super) fn readings(
    series: &Dataset,
    preparation: &Preparation,
    config: &DetectorConfig,
) -> Result<Vec<usize>, AnomalyError> {
    let columns = &preparation.columns;
    if let Some(unknown) = config.context.iter().find(|name| columns.iter().all(|column| column.name != **name)) {
        return Err(AnomalyError::NoColumn { column: unknown.clone() });
    }
    let known = |column: &&super::preparation::ColumnFeatures| {
        let range = preparation.ranges[column.first].as_ref();
        let usable = range.is_some_and(|range| config.unchanging > 0.0 || !range.is_constant());
        usable && column.categories.is_none() && !config.context.contains(&column.name)
    };
    let candidates: Vec<_> = columns.iter().filter(known).collect();
    let said = candidates.iter().filter(|column| config.readings.contains(&column.name));
    let said: Vec<usize> = said.map(|column| column.first).collect();
    if !said.is_empty() {
        return Ok(said);
    }
    let (flags, others): (Vec<usize>, Vec<usize>) =
        candidates.iter().map(|column| column.first).partition(|&feature| is_flag(series, feature));
    let readings = if flags.len() > others.len() && !others.is_empty() { others } else { [others, flags].concat() };
    if readings.is_empty() {
        return Err(AnomalyError::NothingVaries { features: series.features() });
    }
    Ok(readings)
}

/// The preparation of rows without their clocks, and which features are readings. Where only flags would be left, what grows is
/// the reading.
pub(super) fn prepared(
    rows: &Dataset,
    clocks: &[usize],
    config: &DetectorConfig,
) -> Result<(Preparation, Vec<usize>), AnomalyError> {
    let preparation = Preparation::fit(rows, clocks, &[]);
    let of_rows = readings(rows, &preparation, config);
    let only_flags = of_rows.as_ref().map_or(true, |features| features.iter().all(|&feature| is_flag(rows, feature)));
    if clocks.is_empty() || !only_flags {
        return Ok((preparation, of_rows?));
    }
    let preparation = Preparation::fit(rows, &[], &[]);
    let features = readings(rows, &preparation, config)?;
    Ok((preparation, features))
}

/// Only 0 and 1, and 0 most of the time.
fn is_flag(series: &Dataset, feature: usize) -> bool {
    let values = || (0..series.len()).map(|row| value(series, row, feature)).filter(|value| !value.is_nan());
    let set = values().filter(|&value| value == 1.0).count();
    values().all(|value| value == 0.0 || value == 1.0) && 2 * set < values().count()
}

/// The features of readings, and of all that vary and may let them be expected. Clocks do not.
fn varying(preparation: &Preparation, readings: &[usize]) -> Vec<usize> {
    let varies = |feature: &usize| preparation.inputs.iter().any(|input| input.feature == *feature && !input.absence);
    (0..preparation.ranges.len()).filter(|feature| readings.contains(feature) || varies(feature)).collect()
}

impl Detector {
    /// Learns from the readings of series that are no shorter than a window, each by its own windows.
    pub(super) fn fit_readings(
        series: &[Dataset],
        windows: Windows,
        clocks: &[usize],
        config: &DetectorConfig,
    ) -> Result<Self, AnomalyError> {
        let rows = joined(series)
            .map_err(|_| AnomalyError::ShortSeries { window: windows.length, needed: 2 * windows.length })?;
        let (preparation, features) = prepared(&rows, clocks, config)?;
        let columns = readings_of(&preparation, &varying(&preparation, &features));
        let by_column: Vec<Vec<Vec<f32>>> = series
            .iter()
            .map(|one| {
                let of = |column: &Reading| {
                    (0..one.len()).map(|row| column.prepare(value(one, row, column.feature))).collect()
                };
                columns.iter().map(of).collect()
            })
            .collect();
        let (voices, mut parts) = Voices::fit(&by_column, &columns, &features, windows, config)?;
        // One part may hold anomalies, which should not set the threshold for others.
        if config.trim() > 0.0 && parts.len() > FEWEST_PARTS {
            let mean = |part: &FoldScores| part.moments.iter().sum::<f32>() / part.moments.len() as f32;
            parts.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
            parts.pop();
        }
        let names: Vec<&str> =
            features.iter().map(|&feature| preparation.columns[preparation.column_of(feature)].name.as_str()).collect();
        let mut chosen = format!(
            "{} of {} columns judged by their own windows ({}): distance to the nearest normal windows, and residual of principal components",
            names.len(),
            preparation.columns.len(),
            names.join(", "),
        );
        let related = voices.readings.iter().filter(|reading| reading.relation.is_some());
        let related: Vec<&str> =
            related.map(|reading| preparation.columns[preparation.column_of(reading.feature)].name.as_str()).collect();
        if !related.is_empty() {
            chosen += &format!("; also by what the other columns predict: {}", related.join(", "));
        }
        let forecast = voices.readings.iter().filter_map(|reading| Some((reading, reading.forecast.as_ref()?)));
        let forecast: Vec<String> = forecast
            .map(|(reading, _)| {
                let name = &preparation.columns[preparation.column_of(reading.feature)].name;
                format!("{name} ({:.1} votes)", reading.votes)
            })
            .collect();
        if !voices.forecasts_tried {
            chosen += "; without forecasts of the readings, for which columns or rows are too many or too few";
        }
        if !forecast.is_empty() {
            chosen += &format!(
                "; also by what the last {PAST} rows predict, by regression and a convolutional network: {}",
                forecast.join(", ")
            );
        }
        let left_out = clocks.iter().map(|&column| &preparation.columns[column]);
        let left_out = left_out.filter(|column| !features.contains(&column.first));
        let left_out: Vec<&str> = left_out.map(|column| column.name.as_str()).collect();
        if !left_out.is_empty() {
            chosen += &format!("; without what only grows, as a clock does: {}", left_out.join(", "));
        }
        let mut detector = Self {
            config: config.clone(),
            features: rows.features(),
            schema: rows.schema().cloned(),
            rows_learned: rows.len(),
            rows_left_out: 0,
            rows_empty: 0,
            chosen,
            preparation,
            members: Members::default(),
            voices,
            calibration: CalibrationScores::new(vec![0.0]),
            calibration_of_ends: None,
            rows_apart: 1,
            judges_ends: false,
            windows: Some(windows),
            series: SeriesColumns::default(),
        };
        let of_values = parts.into_iter().map(|part| detector.without_empty(part, series));
        let (moments, ends): (Vec<_>, Vec<_>) = of_values.unzip();
        detector.calibrate_ends(ends.concat())?;
        detector.calibrate(moments.concat(), 1.0)?;
        Ok(detector)
    }

    /// The scores of moments that have something to judge, and of those that the longest windows end with.
    fn without_empty(&self, scores: FoldScores, series: &[Dataset]) -> (Vec<f32>, Vec<f32>) {
        let longest = self.windows.map_or(1, |windows| windows.length);
        let mut values = vec![0.0; self.features];
        let (mut judged, mut ends_judged) = (Vec::new(), Vec::new());
        for part in &scores.parts {
            let judges = part.rows.clone().map(|row| {
                series[part.series].copy_row(row, &mut values);
                self.judges(&values)
            });
            let first = judged.len();
            judged.extend(judges);
            ends_judged.extend(judged[first..].iter().skip(longest - 1));
        }
        let of = |scores: Vec<f32>, judged: &[bool]| {
            scores.into_iter().zip(judged).filter(|(_, judged)| **judged).map(|(score, _)| score).collect()
        };
        (of(scores.moments, &judged), of(scores.ends, &ends_judged))
    }
}
