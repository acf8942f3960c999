//! Rows flagged together, so that of those flagged few are normal: the procedure of Benjamini and Hochberg (Journal of the Royal
//! Statistical Society B 57(1), 1995) on conformal p-values, which keeps its promise for them (Bates, Candès, Lei, Romano and Sesia,
//! "Testing for outliers with conformal p-values", Annals of Statistics 51(1), 2023).

use super::error::AnomalyError;
use super::threshold::{CalibrationScores, Guarantee, Threshold};

impl CalibrationScores {
    /// Which of these rows are flagged so that on the average at most the part `rate` of those flagged is normal, for normal rows
    /// exchangeable with those that calibrated. A row without a score, NaN, is not flagged. The more rows there are, the more
    /// calibration rows are needed before any can be: one odd row of m needs m / rate of them.
    ///
    /// ```
    /// use enkoder::anomaly::CalibrationScores;
    ///
    /// let calibration = CalibrationScores::new((1..=99).map(|score| score as f32).collect());
    /// let flagged = calibration.discoveries(&[120.0, 50.0, 110.0, 97.0, 3.0], 0.1)?;
    /// assert_eq!(flagged, [true, false, true, true, false]);
    /// # Ok::<(), enkoder::anomaly::AnomalyError>(())
    /// ```
    ///
    /// # Errors
    /// When the rate is not between 0 and 1.
    pub fn discoveries(&self, scores: &[f32], rate: f64) -> Result<Vec<bool>, AnomalyError> {
        let mut discoveries = Discoveries::new(self, rate)?;
        scores.iter().for_each(|&score| discoveries.add(score));
        let threshold = discoveries.threshold();
        Ok(scores.iter().map(|&score| threshold.flags(score)).collect())
    }
}

/// Rows that come one by one, of which it is to be found how many can be flagged together, as
/// [`CalibrationScores::discoveries`] does. However many they are, it takes no more memory than the calibration.
#[derive(Clone, Debug)]
pub struct Discoveries<'a> {
    calibration: &'a CalibrationScores,
    rate: f64,
    /// Rows by how many scores for calibration are at least as high.
    counts: Vec<usize>,
    rows: usize,
}

impl<'a> Discoveries<'a> {
    /// Of those flagged at most the part `rate` is to be normal, on the average.
    ///
    /// # Errors
    /// When the rate is not between 0 and 1.
    pub fn new(calibration: &'a CalibrationScores, rate: f64) -> Result<Self, AnomalyError> {
        if !(rate > 0.0 && rate < 1.0) {
            let option = "the false discovery rate";
            return Err(AnomalyError::Option { option, value: rate, range: "more than 0 and less than 1" });
        }
        Ok(Self { calibration, rate, counts: vec![0; calibration.scores().len() + 1], rows: 0 })
    }

    /// Takes the score of a row; one that is NaN, of a row without a score, is as usual as can be.
    pub fn add(&mut self, score: f32) {
        let known = self.calibration.scores();
        let below = if score.is_nan() { 0 } else { known.partition_point(|&known| known < score) };
        self.counts[known.len() - below] += 1;
        self.rows += 1;
    }

    /// Where flagging begins for the rows that came; beyond all scores where none of them can be flagged.
    pub fn threshold(&self) -> Threshold {
        let known = self.calibration.scores();
        let (mut flagged, mut most) = (0, None);
        for (above, count) in self.counts.iter().enumerate() {
            flagged += count;
            // The p-value of these rows is (1 + above) / (n + 1).
            let p_value = (above + 1) as f64 / (known.len() + 1) as f64;
            if flagged > 0 && p_value <= self.rate * flagged as f64 / self.rows as f64 {
                most = Some(above);
            }
        }
        let score = match most {
            None => f32::INFINITY,
            Some(above) if above == known.len() => f32::MIN,
            Some(above) => known[known.len() - 1 - above].next_up(),
        };
        Threshold { score, rate: self.rate, guarantee: Guarantee::Discoveries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// The promise: the mean over many simulations of the part of flagged rows that is normal.
    #[test]
    fn of_the_rows_flagged_at_most_the_part_asked_for_is_normal_on_the_average() {
        for rate in [0.1, 0.3] {
            let (mut false_part, mut found) = (0.0, 0.0);
            for seed in 0..500 {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                let mut normal = || -random.random_range(f32::MIN_POSITIVE..1.0).ln();
                let calibration = CalibrationScores::new((0..1000).map(|_| normal()).collect());
                // 200 rows, of which 20 are anomalies, some of them hard to tell.
                let scores: Vec<f32> = (0..200).map(|row| normal() + if row < 20 { 6.0 } else { 0.0 }).collect();
                let flagged = calibration.discoveries(&scores, rate).unwrap();
                let all = flagged.iter().filter(|&&flag| flag).count();
                let right = flagged[..20].iter().filter(|&&flag| flag).count();
                false_part += (all - right) as f64 / all.max(1) as f64 / 500.0;
                found += right as f64 / 20.0 / 500.0;
            }
            assert!(false_part <= rate && false_part > 0.6 * rate, "{false_part} for {rate}");
            assert!(found > 0.8, "{found}");
        }
    }

    /// By the definition: p-values in order, and the last that is below its line.
    fn by_definition(calibration: &CalibrationScores, scores: &[f32], rate: f64) -> Vec<bool> {
        let p_values: Vec<f64> = scores.iter().map(|&score| calibration.p_value(score)).collect();
        let mut sorted = p_values.clone();
        sorted.sort_by(f64::total_cmp);
        let allowed = |rank: usize| rate * (rank + 1) as f64 / scores.len() as f64;
        let highest = sorted.iter().enumerate().rev().find(|&(rank, &p)| p <= allowed(rank));
        let limit = highest.map_or(-1.0, |(_, &p)| p);
        p_values.iter().map(|&p| p <= limit).collect()
    }

    proptest::proptest! {
        #[test]
        fn rows_that_come_one_by_one_are_flagged_as_the_definition_says(
            known in proptest::collection::vec(0u8..40, 1..60),
            scores in proptest::collection::vec(0u8..60, 0..60),
            rate in 0.01f64..0.99,
        ) {
            let of = |scores: Vec<u8>| scores.into_iter().map(f32::from).collect::<Vec<f32>>();
            let (calibration, scores) = (CalibrationScores::new(of(known)), of(scores));
            let flagged = calibration.discoveries(&scores, rate).unwrap();
            proptest::prop_assert_eq!(flagged, by_definition(&calibration, &scores, rate));
        }
    }

    #[test]
    fn without_an_odd_row_or_enough_calibration_none_is_flagged() {
        let calibration = CalibrationScores::new((0..50).map(|score| score as f32).collect());
        assert_eq!(calibration.discoveries(&[10.0, 20.0, f32::NAN], 0.1).unwrap(), [false; 3]);
        assert_eq!(calibration.discoveries(&[99.0; 1], 0.01).unwrap(), [false]);
        assert!(calibration.discoveries(&[], 0.1).unwrap().is_empty());
        let message = calibration.discoveries(&[1.0], 1.0).unwrap_err().to_string();
        assert_eq!(message, "the false discovery rate is 1, but must be more than 0 and less than 1");
    }
}
