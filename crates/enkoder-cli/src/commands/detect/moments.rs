//! The columns beside the features of a series: when a row was measured, and in which series. They are read as they are written.

use anyhow::Context;
use enkoder::anomaly::{Irregularities, Passage, SeriesColumns, Timeline};
use enkoder_data::DataError;

use super::clock::of_row;
use super::ordering::Rows;
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
}

/// What a clock that runs backwards is told with: the rows as the file has them.
pub fn backwards(row: usize, beside: Beside<'_>) -> DataError {
    let group = beside.group.map_or(String::new(), |group| format!(" of {group:?}"));
    let time = beside.time.unwrap_or_default();
    of_row(row, format!("the clock{group} runs backwards: {time:?} comes after a later time"))
        .with_hint("sort the rows with --sort-time; rows of several series need --group")
}

/// How the next row of a series follows the one before it.
///
/// # Errors
/// When the clock runs backwards, by more than the one row before it, whose time was in the future.
pub fn follow(timeline: &mut Timeline, row: usize, time: Option<f64>, beside: Beside<'_>) -> anyhow::Result<Passage> {
    if beside.time.is_none() {
        // Without a column of times there is no clock that could be irregular.
        return Ok(Passage::Follows);
    }
    match timeline.pass(row, time) {
        Passage::Backwards { .. } | Passage::SetBack { .. } => Err(backwards(row, beside).into()),
        passage => Ok(passage),
    }
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
    pub fn of(columns: &SeriesColumns, table: &Rows, left_out: &[bool]) -> anyhow::Result<Self> {
        let series = table.series(columns);
        let step = columns.every.or_else(|| table.usual_step(&series));
        let (mut rows, mut irregularities) = (Vec::new(), Irregularities::default());
        for one in &series {
            let mut timeline = Timeline::new(step);
            let mut begins = true;
            for &row in one {
                let number = table.numbers[row].unwrap_or(row);
                let passage = follow(&mut timeline, number, table.times[row], Beside::of(columns, &table.kept, row))?;
                begins |= passage != Passage::Follows;
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

    /// What is not learned from because it is shorter than a window, in words, and the way out where that is much.
    pub fn shorter_than(&self, window: usize, is_regular: bool) -> Option<String> {
        let short: Vec<usize> = self.rows.iter().map(Vec::len).filter(|&rows| rows < window).collect();
        let (rows, all) = (short.iter().sum::<usize>(), self.rows.iter().map(Vec::len).sum::<usize>());
        let mut text = format!(
            "left out because they are shorter than a window: {} with {} of the {}",
            wording::counted(short.len(), "stretch", "stretches"),
            wording::grouped(rows),
            wording::counted(all, "row", "rows")
        );
        if 10 * rows > all && !is_regular {
            text += "\nhint: rows that come at irregular times become moments at regular ones with --every DURATION, such as \
                     --every 1min; a shorter --window loses fewer rows, too";
        }
        (!short.is_empty()).then_some(text)
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
