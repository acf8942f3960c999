//! The columns beside the features of a series: when a row was measured, and in which series. They are read as they are written.

use std::collections::HashMap;

use anyhow::Context;
use enkoder::Dataset;
use enkoder::anomaly::{AnomalyError, Irregularities, SeriesColumns, Timeline};
use enkoder_data::{DataError, Place, parse_timestamp};

use crate::wording;

/// The columns to be kept as text: time, then group.
pub fn kept_columns(columns: &SeriesColumns) -> Vec<String> {
    columns.time.iter().chain(&columns.group).cloned().collect()
}

/// The texts of a row in these columns.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    pub time: Option<&'a str>,
    pub group: Option<&'a str>,
}

impl<'a> Beside<'a> {
    /// Of a row, from the columns that were kept.
    pub fn of(columns: &SeriesColumns, kept: &'a [Vec<String>], row: usize) -> Self {
        let mut texts = kept.iter().map(|texts| texts[row].as_str());
        let time = columns.time.as_ref().and_then(|_| texts.next());
        Self { time, group: columns.group.as_ref().and_then(|_| texts.next()) }
    }

    /// When the row was measured; none where its cell is empty.
    ///
    /// # Errors
    /// When the text is no time. `row` counts from 0.
    pub fn seconds(&self, row: usize) -> anyhow::Result<Option<f64>> {
        match self.time.map(str::trim) {
            None | Some("" | "NA" | "NaN" | "nan" | "null" | "None") => Ok(None),
            Some(text) => match parse_timestamp(text) {
                Some(seconds) => Ok(Some(seconds)),
                None => {
                    let hint =
                        "write times as 2026-11-24 12:00:00, as RFC 3339, or as numbers; leave unknown ones empty";
                    Err(of_row(row, format!("{text:?} is no time")).with_hint(hint).into())
                }
            },
        }
    }
}

/// What a clock that runs backwards is told with: the rows as the file has them.
pub fn clock_error(error: AnomalyError, row: usize, beside: Beside<'_>) -> anyhow::Error {
    if !matches!(error, AnomalyError::Backwards { .. }) {
        return error.into();
    }
    let group = beside.group.map_or(String::new(), |group| format!(" of {group:?}"));
    let time = beside.time.unwrap_or_default();
    of_row(row, format!("the clock{group} runs backwards: {time:?} comes after a later time"))
        .with_hint("sort the rows by time; rows of several series need --group")
        .into()
}

fn of_row(row: usize, why: String) -> DataError {
    DataError::unsuitable(Place::source(format!("row {}", row + 1)), why)
}

/// The rows of data cut into stretches of one series each, without a gap.
pub struct Stretches {
    pub rows: Vec<Vec<usize>>,
    pub series: usize,
    pub step: Option<f64>,
    pub irregularities: Irregularities,
}

impl Stretches {
    /// Cuts rows by what stands beside them, and where one is left out.
    pub fn of(
        data: &Dataset,
        columns: &SeriesColumns,
        kept: &[Vec<String>],
        left_out: &[bool],
    ) -> anyhow::Result<Self> {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut series: Vec<Vec<(usize, Option<f64>)>> = Vec::new();
        for row in 0..data.len() {
            let beside = Beside::of(columns, kept, row);
            let number = *numbers.entry(beside.group.unwrap_or_default()).or_insert(series.len());
            if number == series.len() {
                series.push(Vec::new());
            }
            series[number].push((row, beside.seconds(row)?));
        }
        let steps = series.iter().filter_map(|rows| {
            let times: Vec<f64> = rows.iter().filter_map(|&(_, time)| time).collect();
            Timeline::usual_step(&times)
        });
        let mut steps: Vec<f64> = steps.collect();
        steps.sort_by(f64::total_cmp);
        let step = steps.get(steps.len() / 2).copied();
        let (mut rows, mut irregularities) = (Vec::new(), Irregularities::default());
        for one in &series {
            let mut timeline = Timeline::new(step);
            let mut begins = true;
            for &(row, time) in one {
                let after_gap = timeline.next(row, time);
                begins |= after_gap.map_err(|error| clock_error(error, row, Beside::of(columns, kept, row)))?;
                if left_out[row] {
                    begins = true;
                    continue;
                }
                if std::mem::take(&mut begins) {
                    rows.push(Vec::new());
                }
                rows.last_mut().context("a series begins with its first row")?.push(row);
            }
            irregularities = irregularities.and(timeline.irregularities().clone());
        }
        Ok(Self { rows, series: series.len(), step, irregularities })
    }
}

/// What was not regular, in a line; none where all was.
pub fn in_words(found: &Irregularities) -> Option<String> {
    let mut parts = Vec::new();
    if found.gaps > 0 {
        let missing = wording::counted(found.missing_rows, "row", "rows");
        let first: Vec<String> = found
            .first_gaps
            .iter()
            .map(|(row, seconds)| format!("{} before row {}", wording::seconds(*seconds), row + 1))
            .collect();
        let more = if found.gaps > first.len() { ", …" } else { "" };
        let gaps = wording::counted(found.gaps, "gap", "gaps");
        parts.push(format!("{gaps} where about {missing} are missing ({}{more})", first.join(", ")));
    }
    for (count, what) in [
        (found.early_rows, "early"),
        (found.repeated_times, "with the time of the row before"),
        (found.rows_without_time, "without a time"),
    ] {
        if count > 0 {
            parts.push(format!("{} {what}", wording::counted(count, "row", "rows")));
        }
    }
    (!parts.is_empty()).then(|| format!("the clock is not regular: {}; no window crosses a gap", parts.join("; ")))
}
