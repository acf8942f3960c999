//! Series: rows that follow each other in time, seen through windows of several rows that slide along, so that an order or a
//! rhythm can be odd where no single row is. A moment's score is the mean over the windows that cover it.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::choice::{DetectorConfig, Method};
use super::detector::{Beforehand, Detector, Usable, check_count, clocks, warn_of_coarse_columns};
use super::error::AnomalyError;
use super::preparation::columns_of;
use super::scores::has_infinite;
use crate::autoencoder::ModelError;
use crate::dataset::Dataset;
use crate::schema::{Column, Schema};

/// The most values of windows that are learned from: 512 MiB.
const MOST_VALUES: usize = 1 << 27;

/// The part of a window that may be rows without any value in a row. Longer runs are gaps: what would be seen in their place is no
/// shape that anything had.
const BRIDGED: usize = 8;

/// How windows slide over a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// Rows of a window, at least 1.
    pub length: usize,
    /// Rows between the starts of two windows, from 1 to `length`.
    pub stride: usize,
}

impl Windows {
    /// Checks length and stride.
    ///
    /// # Errors
    /// For the one out of its range.
    pub fn validate(self) -> Result<(), AnomalyError> {
        let Self { length, stride } = self;
        let error = |option, value: usize, range| Err(AnomalyError::Option { option, value: value as f64, range });
        if length == 0 {
            return error("the window", length, "at least 1 row");
        }
        if !(1..=length).contains(&stride) {
            return error("the stride", stride, "from 1 to the rows of a window");
        }
        Ok(())
    }

    /// How many rows in a row may be without any value so that windows see over them.
    pub(super) fn bridged(self) -> usize {
        self.length / BRIDGED
    }

    /// The first rows of the windows over a series of so many rows; the last window ends with the series.
    fn starts(self, rows: usize) -> Result<Vec<usize>, AnomalyError> {
        let Self { length, stride } = self;
        if length == 0 || stride == 0 || stride > length || rows < length {
            return Err(AnomalyError::Window { window: length, stride, rows });
        }
        let last = rows - length;
        let mut starts: Vec<usize> = (0..=last).step_by(stride).collect();
        if starts.last() != Some(&last) {
            starts.push(last);
        }
        Ok(starts)
    }

    /// The rows of the window around a moment, as near to its middle as the ends of the series allow.
    pub(super) fn around(self, moment: usize, rows: usize) -> std::ops::Range<usize> {
        let start = moment.saturating_sub(self.length / 2).min(rows.saturating_sub(self.length));
        start..rows.min(start + self.length)
    }

    /// The windows over a series as samples: `windows × (length · features)`, row after row. Feature `x` of the row k before the
    /// last is called `x[-k]`.
    ///
    /// # Errors
    /// When the series is shorter than one window.
    pub fn of(self, series: &Dataset) -> Result<Dataset, AnomalyError> {
        let starts = self.starts(series.len())?;
        let features = series.features();
        let mut values = Array2::zeros((starts.len(), self.length * features));
        for (mut window, start) in values.rows_mut().into_iter().zip(starts) {
            let window = window.as_slice_mut().expect("rows of a new array are contiguous");
            for (offset, row) in window.chunks_exact_mut(features).enumerate() {
                series.copy_row(start + offset, row);
            }
        }
        let data = Dataset::from_f32(series.name(), values)?;
        let Some(schema) = series.schema() else { return Ok(data) };
        let names = schema.feature_names();
        let columns = (0..self.length).flat_map(|offset| {
            let back = self.length - 1 - offset;
            names.iter().map(move |name| Column::numeric(format!("{name}[-{back}]")))
        });
        Ok(data.with_schema(Schema::new(columns.collect()))?)
    }
}

impl Detector {
    /// Learns from windows over one or several series, without labels, mostly normal; cut a series at its gaps to have no window
    /// cross one. It is cut here at rows with an infinite value, which are left out and [counted](Self::rows_left_out), and where more rows in a
    /// row than an eighth of a window are [without any value](Self::rows_empty). The last part of each series calibrates,
    /// by the scores of its moments. Neighbouring moments share windows, so the calibration scores of a series depend on each
    /// other: the false-alarm rate holds on the average over time, but false alarms come in groups.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and when no series is long enough to learn from one window and calibrate on another. Series
    /// shorter than a window are left out.
    pub fn fit_series(series: &[Dataset], windows: Windows, config: &DetectorConfig) -> Result<Self, AnomalyError> {
        config.validate()?;
        windows.validate()?;
        let stretches: Vec<Dataset> = series.iter().flat_map(|one| stretches_of(one, windows)).collect();
        let rows = |parts: &[Dataset]| parts.iter().map(Dataset::len).sum::<usize>();
        let counts = series.iter().map(Usable::of).map(|usable| (usable.infinite, usable.empty));
        let (infinite, empty) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        if empty > 0 && stretches.is_empty() {
            return Err(AnomalyError::NothingVaries { features: series[0].features() });
        }
        check_count(rows(&stretches))?;
        for one in &stretches {
            if one.features() != series[0].features() {
                let (found, expected) = (one.features(), series[0].features());
                return Err(ModelError::Features { found, expected }.into());
            }
        }
        let long: Vec<Dataset> = stretches.into_iter().filter(|one| one.len() >= windows.length).collect();
        let clocks = common_clocks(&long, config)?;
        warn_of_coarse_columns(&long, &clocks);
        if config.method == Method::Auto {
            let mut detector = Self::fit_readings(&long, windows, &clocks, config)?;
            (detector.rows_left_out, detector.rows_empty) = (infinite, empty);
            return Ok(detector);
        }
        let Windows { length, .. } = windows;
        let (mut learned, mut held_out) = (Vec::new(), Vec::new());
        let mut whole = 0;
        for one in &long {
            let rows: Vec<usize> = (0..one.len()).collect();
            let held = ((one.len() as f64 * config.calibration) as usize).max(length);
            if one.len() >= held + length {
                let (first, last) = rows.split_at(one.len() - held);
                learned.push(one.select(first));
                held_out.push(one.select(last));
            } else {
                // Too short to cut: as many of these as the part says calibrate.
                whole += 1;
                let calibrates = (f64::from(whole) * config.calibration).fract() < config.calibration;
                if calibrates { &mut held_out } else { &mut learned }.push(one.clone());
            }
        }
        if learned.is_empty() || held_out.is_empty() {
            return Err(AnomalyError::ShortSeries { window: length, needed: 2 * length });
        }
        // Of more windows than memory should hold every so-many-th is learned from.
        let values: usize = learned.iter().map(|one| (one.len() / windows.stride + 1) * length * one.features()).sum();
        let sparse = windows.stride.saturating_mul(values.div_ceil(MOST_VALUES)).clamp(1, length.max(1));
        let sparse = Windows { stride: sparse.max(windows.stride), ..windows };
        let learned = learned.iter().map(|one| sparse.of(one)).collect::<Result<Vec<_>, _>>()?;
        let clocks = of_windows(&clocks, &series[0], windows);
        let known = Beforehand { clocks, ..Beforehand::default() };
        let mut detector = Self::learn(&joined(&learned)?, &known, config)?;
        detector.schema = series[0].schema().cloned();
        detector.windows = Some(windows);
        (detector.rows_left_out, detector.rows_empty) = (infinite, empty);
        let (mut scores, mut ends) = (Vec::new(), Vec::new());
        for one in &held_out {
            scores.extend(detector.score(one)?.of_rows_with_values());
            ends.extend(detector.scores_of_ends(one)?);
        }
        detector.calibrate_ends(ends)?;
        detector.calibrate(scores, 1.0)?;
        Ok(detector)
    }
}

/// The columns that only grow in every series.
pub(super) fn common_clocks(series: &[Dataset], config: &DetectorConfig) -> Result<Vec<usize>, AnomalyError> {
    let mut common: Option<Vec<usize>> = None;
    for one in series {
        let found = clocks(one, config)?;
        common = Some(match common {
            None => found,
            Some(known) => known.into_iter().filter(|column| found.contains(column)).collect(),
        });
    }
    Ok(common.unwrap_or_default())
}

/// The columns of windows that come from columns of a series: each feature of a window's rows is a column of its own.
fn of_windows(clocks: &[usize], series: &Dataset, windows: Windows) -> Vec<usize> {
    let (features, columns) = (series.features(), columns_of(series.schema(), series.features()));
    let everywhere = |&column: &usize| {
        let feature = columns[column].first;
        (0..windows.length).map(move |row| row * features + feature)
    };
    clocks.iter().flat_map(everywhere).collect()
}

/// A series cut at its rows with an infinite value, and at long runs of rows without any, which belong to no part.
fn stretches_of(series: &Dataset, windows: Windows) -> Vec<Dataset> {
    let (mut values, mut run) = (vec![0.0; series.features()], 0);
    let mut apart = vec![false; series.len()];
    for row in 0..series.len() {
        series.copy_row(row, &mut values);
        let empty = values.iter().all(|value| value.is_nan());
        run = if empty { run + 1 } else { 0 };
        apart[row] = has_infinite(&values);
        if run > windows.bridged() {
            apart[row + 1 - run..=row].fill(true);
        }
    }
    if !apart.contains(&true) {
        return vec![series.clone()];
    }
    let rows: Vec<usize> = (0..series.len()).collect();
    let parts = rows.split(|&row| apart[row]).filter(|part| !part.is_empty());
    parts.map(|part| series.select(part)).collect()
}

pub(super) fn joined(parts: &[Dataset]) -> Result<Dataset, AnomalyError> {
    let [first, ..] = parts else { return Err(AnomalyError::TooFew { rows: 0, needed: 1 }) };
    let mut values = Vec::new();
    for part in parts {
        values.extend(part.to_array());
    }
    let rows: usize = parts.iter().map(Dataset::len).sum();
    let values =
        Array2::from_shape_vec((rows, first.features()), values).expect("all parts have the first one's features");
    let data = Dataset::from_f32(first.name(), values)?;
    Ok(match first.schema() {
        Some(schema) => data.with_schema(schema.clone())?,
        None => data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_last_window_ends_with_the_series() {
        let windows = Windows { length: 3, stride: 2 };
        // Windows at 0, 2 and, to reach the end, 3.
        assert_eq!(windows.starts(6).unwrap(), [0, 2, 3]);
        assert_eq!(windows.starts(7).unwrap(), [0, 2, 4]);
    }

    #[test]
    fn windows_are_rows_one_after_the_other_with_names() {
        let schema = Schema::new(vec![Column::numeric("a"), Column::numeric("b")]);
        let series = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let series = Dataset::from_f32("s", series).unwrap().with_schema(schema).unwrap();
        let windows = Windows { length: 2, stride: 1 }.of(&series).unwrap();
        assert_eq!(windows.to_array(), array![[1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0]]);
        assert_eq!(windows.schema().unwrap().feature_names(), ["a[-1]", "b[-1]", "a[-0]", "b[-0]"]);
    }

    #[test]
    fn a_series_shorter_than_a_window_is_refused() {
        let series = Dataset::from_f32("s", array![[1.0], [2.0]]).unwrap();
        let message = Windows { length: 3, stride: 1 }.of(&series).unwrap_err().to_string();
        assert_eq!(message, "a window of 3 rows with a stride of 1 does not fit a series of 2 rows");
    }
}
