//! Rows put in the order of their clock, and brought to regular times, before they are learned from or scored: `--sort-time` and
//! `--every`. All of them are in memory for that.

use std::collections::HashMap;
use std::fmt;

use clap::{Args, ValueEnum};
use enkoder::Dataset;
use enkoder::anomaly::{Passage, Resampler, SeriesColumns, Timeline};
use ndarray::Array2;
use serde::Serialize;

use super::clock::{Clock, of_row};
use super::moments::{Beside, backwards};
use crate::failure::Usage;
use crate::wording;

/// What becomes of rows of one series with the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Repeated {
    #[default]
    Mean,
    First,
    Keep,
}

/// How rows are put in order.
#[derive(Clone, Debug, Default, Args)]
pub struct OrderOptions {
    /// Put the rows of each series in the order of their times first
    #[arg(long)]
    pub sort_time: bool,

    /// What to do with rows of one series that have the same time: take their mean, the first, or keep all [default: mean]
    #[arg(long, value_enum, value_name = "mean|first|keep", hide_possible_values = true, requires = "sort_time")]
    pub repeated: Option<Repeated>,
}

/// Rows with what stands beside them.
pub struct Rows {
    pub data: Dataset,
    /// The texts of each column that is kept.
    pub kept: Vec<Vec<String>>,
    /// The number of each row in its file, from 0; none of one that is filled in.
    pub numbers: Vec<Option<usize>>,
    /// When each was measured, in seconds.
    pub times: Vec<Option<f64>>,
    /// Whether the label of each says that it is an anomaly; none of one without a label.
    pub positive: Vec<Option<bool>>,
}

/// What was changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Changes {
    /// Rows that came after later ones.
    pub late_rows: usize,
    /// Rows that had the time of another, and were put together with it or left out.
    pub repeated_rows: usize,
    /// Moments made of rows at other times, and of those how many fill a place where no row is.
    pub resampled: usize,
    pub filled: usize,
    /// Rows that were left out, for their times were in the future of the row behind them, and the number of the first, from 1.
    pub wrong_times: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_wrong_time: Option<usize>,
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.late_rows > 0 {
            parts.push(format!(
                "{} came after later ones and were sorted",
                wording::counted(self.late_rows, "row", "rows")
            ));
        }
        if self.repeated_rows > 0 {
            let rows = wording::counted(self.repeated_rows, "row", "rows");
            parts.push(format!("{rows} with the time of another were put together with it"));
        }
        if self.resampled > 0 {
            let (moments, filled) =
                (wording::counted(self.resampled, "moment", "moments"), wording::grouped(self.filled));
            parts.push(format!(
                "{moments} at regular times were made of them, {filled} of these filled in from those around"
            ));
        }
        if self.wrong_times > 0 {
            let rows = wording::counted(self.wrong_times, "row", "rows");
            let first = self.first_wrong_time.map_or(String::new(), |row| format!(" (the first is row {row})"));
            parts.push(format!("left out, because the rows after them have earlier times: {rows}{first}"));
        }
        if parts.is_empty() { f.write_str("the rows were in order") } else { f.write_str(&parts.join("; ")) }
    }
}

/// The times of rows, by what is kept beside them.
pub fn times(
    clock: &mut Clock,
    columns: &SeriesColumns,
    kept: &[Vec<String>],
    rows: usize,
) -> anyhow::Result<Vec<Option<f64>>> {
    if columns.time.is_none() {
        return Ok(vec![None; rows]);
    }
    (0..rows).map(|row| Ok(clock.seconds(Beside::of(columns, kept, row), row)?)).collect()
}

impl Rows {
    /// Puts the rows of each series in order, and to regular times where the columns say so.
    ///
    /// # Errors
    /// Where rows that are not to be sorted are out of order, and regular times are asked for.
    pub fn arrange(self, columns: &SeriesColumns, options: &OrderOptions) -> anyhow::Result<(Self, Changes)> {
        let mut changes = Changes::default();
        let mut rows = self;
        if options.sort_time {
            rows = rows.sorted(columns, options.repeated.unwrap_or_default(), &mut changes)?;
        } else {
            rows = rows.without_wrong_times(columns, &mut changes);
        }
        if let Some(every) = columns.every {
            rows = rows.resampled(columns, every, &mut changes)?;
        }
        Ok((rows, changes))
    }

    /// The rows of each series, in their order.
    pub fn series(&self, columns: &SeriesColumns) -> Vec<Vec<usize>> {
        let mut series: Vec<Vec<usize>> = Vec::new();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for row in 0..self.data.len() {
            let number = *numbers.entry(self.group(columns, row)).or_insert(series.len());
            if number == series.len() {
                series.push(Vec::new());
            }
            series[number].push(row);
        }
        series
    }

    /// The usual seconds between two rows: the median of those of all series.
    pub fn usual_step(&self, series: &[Vec<usize>]) -> Option<f64> {
        let steps = series.iter().filter_map(|rows| {
            let times: Vec<f64> = rows.iter().filter_map(|&row| self.times[row]).collect();
            Timeline::usual_step(&times)
        });
        let mut steps: Vec<f64> = steps.collect();
        steps.sort_by(f64::total_cmp);
        steps.get(steps.len() / 2).copied()
    }

    /// Moments so close that none follows another would make windows of one row each.
    fn refuse_what_is_finer(&self, series: &[Vec<usize>], every: f64) -> anyhow::Result<()> {
        let Some(step) = self.usual_step(series).filter(|&step| !Resampler::bridges(every, step)) else {
            return Ok(());
        };
        let [finer, usual] = [every, step].map(wording::seconds);
        let why = format!(
            "moments every {finer} are finer than the data, whose rows come every {usual}: each would stand alone, with a gap on both sides"
        );
        Err(Usage::new(why).with_hint(format!("choose --every {}s or more, or leave --every out", step.ceil())).into())
    }

    /// Leaves out rows with one time in the future: the next row goes on before it.
    fn without_wrong_times(self, columns: &SeriesColumns, changes: &mut Changes) -> Self {
        if columns.time.is_none() {
            return self;
        }
        let series = self.series(columns);
        let step = self.usual_step(&series);
        let mut wrong = vec![false; self.data.len()];
        for rows in &series {
            let mut timeline = Timeline::new(step);
            for (place, &row) in rows.iter().enumerate() {
                if let Passage::Returns { .. } = timeline.pass(row, self.times[row]) {
                    wrong[rows[place - 1]] = true;
                }
            }
        }
        let Some(first) = wrong.iter().position(|&wrong| wrong) else { return self };
        changes.first_wrong_time = self.numbers[first].map(|number| number + 1);
        let right: Vec<usize> = (0..wrong.len()).filter(|&row| !wrong[row]).collect();
        changes.wrong_times = wrong.len() - right.len();
        let places: Vec<Vec<usize>> = right.iter().map(|&row| vec![row]).collect();
        Self {
            times: right.iter().map(|&row| self.times[row]).collect(),
            ..self.beside(&places, self.data.select(&right))
        }
    }

    fn group(&self, columns: &SeriesColumns, row: usize) -> &str {
        Beside::of(columns, &self.kept, row).group.unwrap_or_default()
    }

    /// A row without a time stays behind the one before it.
    fn sorted(self, columns: &SeriesColumns, repeated: Repeated, changes: &mut Changes) -> anyhow::Result<Self> {
        let mut latest: HashMap<&str, (f64, f64)> = HashMap::new();
        let mut keys = Vec::with_capacity(self.data.len());
        for row in 0..self.data.len() {
            let (last, most) = latest.entry(self.group(columns, row)).or_insert((f64::NEG_INFINITY, f64::NEG_INFINITY));
            *last = self.times[row].unwrap_or(*last);
            changes.late_rows += usize::from(last < most);
            *most = most.max(*last);
            keys.push(*last);
        }
        let mut order: Vec<usize> = (0..self.data.len()).collect();
        order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
        // Of rows with one time the first has a place, and the others belong to it.
        let mut places: Vec<Vec<usize>> = Vec::with_capacity(order.len());
        let mut last: HashMap<&str, usize> = HashMap::new();
        for row in order {
            let group = self.group(columns, row);
            let same = last.get(group).copied().filter(|&place: &usize| {
                repeated != Repeated::Keep
                    && self.times[row].is_some()
                    && self.times[places[place][0]] == self.times[row]
            });
            match same {
                Some(place) => places[place].push(row),
                None => {
                    last.insert(group, places.len());
                    places.push(vec![row]);
                }
            }
        }
        changes.repeated_rows = self.data.len() - places.len();
        let firsts: Vec<usize> = places.iter().map(|rows| rows[0]).collect();
        if repeated != Repeated::Mean || changes.repeated_rows == 0 {
            return Ok(self.beside(&places, self.data.select(&firsts)));
        }
        let features = self.data.features();
        let mut values = Vec::with_capacity(places.len() * features);
        let mut row = vec![0.0; features];
        for place in &places {
            // All rows of a place lie within one interval, whatever its length.
            let mut together = Resampler::new(f64::INFINITY, self.data.schema());
            for &one in place {
                self.data.copy_row(one, &mut row);
                together.push(0.0, &row);
            }
            together.finish().into_iter().for_each(|moment| values.extend(moment.values));
        }
        Ok(self.beside(&places, self.data_of(places.len(), values)?))
    }

    fn resampled(self, columns: &SeriesColumns, every: f64, changes: &mut Changes) -> anyhow::Result<Self> {
        let series = self.series(columns);
        self.refuse_what_is_finer(&series, every)?;
        let (mut places, mut times, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let mut row_values = vec![0.0; self.data.features()];
        for rows in series {
            let mut resampler = Resampler::new(every, self.data.schema());
            let mut last = f64::NEG_INFINITY;
            let mut waiting: Vec<usize> = Vec::new();
            let mut take = |moments: Vec<enkoder::anomaly::Resampled>, waiting: &mut Vec<usize>| {
                for moment in moments {
                    changes.resampled += 1;
                    changes.filled += usize::from(moment.rows == 0);
                    // A place that is filled in belongs to the rows behind it, but has no number.
                    places.push(if moment.rows == 0 { vec![waiting[0], usize::MAX] } else { std::mem::take(waiting) });
                    times.push(Some(moment.time));
                    values.extend(moment.values);
                }
            };
            for row in rows {
                let Some(time) = self.times[row] else {
                    let number = self.numbers[row].unwrap_or(row);
                    return Err(of_row(number, "it has no time, which --every needs".to_owned())
                        .with_hint("fill in the times, or leave such rows out")
                        .into());
                };
                if time < last {
                    let beside = Beside::of(columns, &self.kept, row);
                    return Err(backwards(self.numbers[row].unwrap_or(row), beside).into());
                }
                last = time;
                self.data.copy_row(row, &mut row_values);
                take(resampler.push(time, &row_values), &mut waiting);
                waiting.push(row);
            }
            take(resampler.finish(), &mut waiting);
        }
        let data = self.data_of(places.len(), values)?;
        Ok(Self { times, ..self.beside(&places, data) })
    }

    fn data_of(&self, rows: usize, values: Vec<f32>) -> anyhow::Result<Dataset> {
        let values = Array2::from_shape_vec((rows, self.data.features()), values)?;
        let data = Dataset::from_f32(self.data.name(), values)?;
        Ok(match self.data.schema() {
            Some(schema) => data.with_schema(schema.clone())?,
            None => data,
        })
    }

    /// What stands beside the rows of each place: that of the first, and a label where any has it.
    fn beside(&self, places: &[Vec<usize>], data: Dataset) -> Self {
        let first = |place: &Vec<usize>| place[0];
        let filled = |place: &Vec<usize>| place.last() == Some(&usize::MAX);
        let kept = self.kept.iter().map(|texts| places.iter().map(|place| texts[first(place)].clone()).collect());
        let odd =
            |place: &Vec<usize>| place.iter().filter_map(|&row| *self.positive.get(row)?).reduce(|any, odd| any | odd);
        Self {
            data,
            kept: kept.collect(),
            numbers: places.iter().map(|place| self.numbers[first(place)].filter(|_| !filled(place))).collect(),
            times: places.iter().map(|place| self.times[first(place)]).collect(),
            positive: places.iter().map(odd).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(times: &[f64], values: &[f32]) -> Rows {
        let data = Dataset::from_f32("s", Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap()).unwrap();
        let data = data.with_schema(enkoder::Schema::new(vec![enkoder::Column::numeric("value")])).unwrap();
        let kept = vec![times.iter().map(f64::to_string).collect()];
        let times = times.iter().copied().map(Some).collect();
        Rows { data, kept, numbers: (0..values.len()).map(Some).collect(), times, positive: vec![None; values.len()] }
    }

    fn columns(every: Option<f64>) -> SeriesColumns {
        SeriesColumns { time: Some("t".into()), every, ..SeriesColumns::default() }
    }

    #[test]
    fn rows_are_sorted_and_those_with_one_time_put_together() {
        let options = OrderOptions { sort_time: true, repeated: None };
        let arrange =
            |options| rows(&[0.0, 2.0, 1.0, 2.0], &[1.0, 3.0, 2.0, 5.0]).arrange(&columns(None), &options).unwrap();
        let (mean, changes) = arrange(options.clone());
        assert_eq!(mean.data.to_array().into_raw_vec_and_offset().0, [1.0, 2.0, 4.0]);
        assert_eq!((mean.numbers, changes.late_rows, changes.repeated_rows), (vec![Some(0), Some(2), Some(1)], 1, 1));
        let first = arrange(OrderOptions { repeated: Some(Repeated::First), ..options.clone() }).0;
        assert_eq!(first.data.to_array().into_raw_vec_and_offset().0, [1.0, 2.0, 3.0]);
        let (all, changes) = arrange(OrderOptions { repeated: Some(Repeated::Keep), ..options });
        assert_eq!((all.numbers, changes.repeated_rows), (vec![Some(0), Some(2), Some(1), Some(3)], 0));
    }

    #[test]
    fn rows_at_any_times_become_moments_at_regular_ones() {
        let options = OrderOptions { sort_time: false, repeated: None };
        let irregular = || rows(&[0.0, 7.0, 12.0, 33.0], &[1.0, 3.0, 4.0, 6.0]);
        let (moments, changes) = irregular().arrange(&columns(Some(10.0)), &options).unwrap();
        assert_eq!(moments.data.to_array().into_raw_vec_and_offset().0, [2.0, 4.0, 5.0, 6.0]);
        assert_eq!(moments.numbers, [Some(0), Some(2), None, Some(3)]);
        assert_eq!(moments.times, [0.0, 10.0, 20.0, 30.0].map(Some));
        assert_eq!((changes.resampled, changes.filled), (4, 1));
        let backwards = rows(&[5.0, 3.0], &[1.0, 2.0]).arrange(&columns(Some(10.0)), &options);
        assert!(backwards.err().unwrap().to_string().contains("row 2"));
    }
}
