//! What is kept of one series for its drawing: the lowest and highest value of each reading, and the highest score, in bins that grow
//! wider as moments come.

use super::Row;

/// Bins; twice as many are halved.
const BINS: usize = 1500;

/// Some moments that follow each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bin {
    pub(super) highest: Option<f32>,
    pub(super) positive: bool,
}

/// One series along its axis: of seconds since 1970, or of row numbers.
#[derive(Clone, Debug)]
pub(super) struct Along {
    pub(super) is_time: bool,
    pub(super) origin: f64,
    /// What a bin is wide.
    pub(super) width: f64,
    pub(super) bins: Vec<Bin>,
    /// For each bin and each reading the lowest and highest value; the lowest is above the highest where there is none.
    values: Vec<(f32, f32)>,
    readings: usize,
}

impl Along {
    /// For a series that begins with this row. Rows that have a time usually come `step` seconds after each other.
    pub(super) fn new(first: &Row<'_>, step: Option<f64>, readings: usize) -> Self {
        let (is_time, origin) = first.seconds.map_or((false, first.number as f64), |seconds| (true, seconds));
        let width = step.filter(|_| is_time).unwrap_or(1.0);
        Self { is_time, origin, width, bins: Vec::new(), values: Vec::new(), readings }
    }

    /// Takes the next row; `features` are the places of the readings in it. One without a place on the axis is not drawn.
    pub(super) fn add(&mut self, row: &Row<'_>, features: impl Iterator<Item = usize>) {
        let place = if self.is_time { row.seconds } else { Some(row.number as f64) };
        let Some(at) = place.map(|place| place - self.origin).filter(|at| *at >= 0.0 && at.is_finite()) else { return };
        while at / self.width >= (2 * BINS) as f64 {
            self.halve();
        }
        let bin = (at / self.width) as usize;
        if bin >= self.bins.len() {
            self.bins.resize(bin + 1, Bin::default());
            self.values.resize((bin + 1) * self.readings, NONE);
        }
        let of = &mut self.bins[bin];
        of.positive |= row.positive == Some(true);
        // None is less than any.
        of.highest = if row.score > of.highest { row.score } else { of.highest };
        for (known, feature) in self.values[bin * self.readings..].iter_mut().zip(features) {
            if let Some(value) = row.values.get(feature).filter(|value| value.is_finite()) {
                *known = (known.0.min(*value), known.1.max(*value));
            }
        }
    }

    fn halve(&mut self) {
        self.width *= 2.0;
        let halved = self.bins.chunks(2).map(|pair| Bin {
            highest: pair.iter().fold(None, |high, bin| if bin.highest > high { bin.highest } else { high }),
            positive: pair.iter().any(|bin| bin.positive),
        });
        self.bins = halved.collect();
        let readings = self.readings;
        let values = self.values.chunks(2 * readings.max(1)).flat_map(|pair| {
            let both = move |reading: usize| {
                pair.iter()
                    .skip(reading)
                    .step_by(readings)
                    .fold(NONE, |(low, high), of| (low.min(of.0), high.max(of.1)))
            };
            (0..readings).map(both)
        });
        self.values = values.collect();
    }

    /// Where the axis ends.
    pub(super) fn end(&self) -> f64 {
        self.origin + self.bins.len().max(1) as f64 * self.width
    }

    /// Where a bin begins and ends.
    pub(super) fn span(&self, bin: usize) -> (f64, f64) {
        let from = self.origin + bin as f64 * self.width;
        (from, from + self.width)
    }

    /// The lowest and highest value of a reading in each bin. Between bins of regular moments none is empty but for a gap, so a bin that
    /// is empty by the way times are cut is none.
    pub(super) fn reading(&self, reading: usize) -> impl Iterator<Item = Option<(f64, f64)>> {
        let of = self.values.iter().skip(reading).step_by(self.readings.max(1));
        of.map(|&(low, high)| (low <= high).then(|| (low.into(), high.into())))
    }

    /// Bins labelled as anomalies, as places from and to.
    pub(super) fn labelled(&self) -> Vec<(f64, f64)> {
        let mut spans: Vec<(f64, f64)> = Vec::new();
        for (from, to) in (0..self.bins.len()).filter(|&bin| self.bins[bin].positive).map(|bin| self.span(bin)) {
            match spans.last_mut() {
                Some(last) if last.1 >= from => last.1 = to,
                _ => spans.push((from, to)),
            }
        }
        spans
    }
}

/// No value.
const NONE: (f32, f32) = (f32::INFINITY, f32::NEG_INFINITY);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_long_a_series_is_its_bins_are_few_and_no_extreme_is_lost() {
        let none = |_| Ok(Vec::new());
        let row = |number: usize, values: &'static [f32]| Row {
            number,
            time: None,
            seconds: Some(1e9 + 60.0 * number as f64),
            values,
            group: None,
            score: Some(if number == 77_777 { 9.0 } else { 1.0 }),
            flagged: false,
            positive: Some((50_000..50_300).contains(&number)),
            reasons: &none,
        };
        let mut along = Along::new(&row(0, &[]), Some(60.0), 2);
        for number in 0..100_000 {
            let values: &[f32] = if number == 12_345 { &[-5.0, 0.0, f32::NAN] } else { &[1.0, 0.0, 2.0] };
            along.add(&row(number, values), [0, 2].into_iter());
        }
        assert!(along.bins.len() <= 2 * BINS && along.values.len() == 2 * along.bins.len());
        assert_eq!(along.bins.iter().filter_map(|bin| bin.highest).fold(0.0, f32::max), 9.0);
        let lowest = along.reading(0).flatten().map(|(low, _)| low).fold(0.0, f64::min);
        assert_eq!(lowest, -5.0);
        assert!(along.reading(1).flatten().all(|span| span == (2.0, 2.0)));
        let [(from, to)] = along.labelled()[..] else { panic!("{:?}", along.labelled()) };
        assert!((from - (1e9 + 60.0 * 50_000.0)).abs() <= along.width && to - from >= 60.0 * 300.0);
        assert!(along.end() >= 1e9 + 60.0 * 99_999.0);
    }
}
