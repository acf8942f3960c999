//! How long windows should be, by the series alone: its readings' periods, as their autocorrelation shows them.

use super::choice::DetectorConfig;
use super::preparation::value;
use super::readings::prepared;
use super::voices::readings_of;
use super::windows::{Windows, common_clocks};
use crate::dataset::Dataset;

/// Rows of a window where nothing repeats, the fewest and the most.
const USUAL: usize = 256;
const FEWEST: usize = 16;
const MOST: usize = 512;
/// Periods that a window holds.
const PERIODS: f64 = 2.0;
/// A series must have so many windows' rows, or windows are shorter.
const WINDOWS: usize = 12;
/// The correlation with itself by which a series repeats.
const REPEATS: f64 = 0.5;
/// And the part of the highest such correlation that the first period has.
const ALIKE: f64 = 0.9;

impl Windows {
    /// Windows that suit these series: two periods of the reading that repeats most slowly, or 256 rows where none does, from 16 to
    /// 512 and at most a twelfth of the longest series.
    pub fn suited_to(series: &[Dataset]) -> Self {
        let Some(longest) = series.iter().max_by_key(|one| one.len()) else {
            return Self { length: USUAL, stride: 1 };
        };
        let config = DetectorConfig::default();
        let clocks = common_clocks(std::slice::from_ref(longest), &config).unwrap_or_default();
        let Ok((preparation, features)) = prepared(longest, &clocks, &config) else {
            return Self { length: USUAL, stride: 1 };
        };
        let periods = readings_of(&preparation, &features).into_iter().filter_map(|reading| {
            let values: Vec<f64> = (0..longest.len())
                .map(|row| f64::from(reading.prepare(value(longest, row, reading.feature))))
                .collect();
            period(&values)
        });
        let wanted = periods.max().map_or(USUAL, |period| (PERIODS * period as f64) as usize).clamp(FEWEST, MOST);
        Self { length: wanted.min((longest.len() / WINDOWS).max(1)), stride: 1 }
    }
}

/// The first lag at which a series is about as much like itself as at any, of those behind the first at which it is no longer like itself at all.
fn period(values: &[f64]) -> Option<usize> {
    let count = values.len();
    let mean = values.iter().sum::<f64>() / count.max(1) as f64;
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let variance: f64 = centred.iter().map(|value| value * value).sum();
    let at = |lag: usize| {
        let products: f64 = centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum();
        products / variance * count as f64 / (count - lag) as f64
    };
    let correlations: Vec<f64> = (0..MOST.min(count / 3)).map(at).collect();
    let apart = correlations.iter().position(|&correlation| correlation <= 0.0)?;
    let highest = correlations[apart..].iter().copied().fold(0.0, f64::max);
    // A multiple of a period is as much like it as the period.
    let near = apart + correlations[apart..].iter().position(|&correlation| correlation >= ALIKE * highest)?;
    let rising = correlations[near..].windows(2).take_while(|pair| pair[1] > pair[0]).count();
    (highest > REPEATS).then_some(near + rising)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_window_holds_two_periods_of_what_repeats_and_no_more_than_a_twelfth_of_the_rows() {
        let wave = |rows: usize, period: f32| {
            let values =
                Array2::from_shape_fn((rows, 1), |(row, _)| (row as f32 / period * std::f32::consts::TAU).sin());
            Windows::suited_to(&[Dataset::from_f32("wave", values).unwrap()]).length
        };
        assert_eq!(wave(3000, 50.0), 100);
        assert_eq!((wave(3000, 5.0), wave(600, 50.0)), (16, 50));
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let noise = Array2::from_shape_fn((4000, 1), |_| random.random_range(0.0..1.0f32));
        assert_eq!(Windows::suited_to(&[Dataset::from_f32("noise", noise).unwrap()]).length, 256);
    }
}
