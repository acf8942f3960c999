//! Rows flagged together, so that of those flagged few are normal: the procedure of Benjamini and Hochberg (Journal of the Royal
//! Statistical Society B 57(1), 1995) on conformal p-values, which keeps its promise for them (Bates, Candès, Lei, Romano and Sesia,
//! "Testing for outliers with conformal p-values", Annals of Statistics 51(1), 2023).

use super::error::AnomalyError;
use super::threshold::CalibrationScores;

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
        if !(rate > 0.0 && rate < 1.0) {
            let option = "the false discovery rate";
            return Err(AnomalyError::Option { option, value: rate, range: "between 0 and 1" });
        }
        let p_value = |&score: &f32| if score.is_nan() { 1.0 } else { self.p_value(score) };
        let p_values: Vec<f64> = scores.iter().map(p_value).collect();
        let mut sorted = p_values.clone();
        sorted.sort_by(f64::total_cmp);
        let allowed = |rank: usize| rate * (rank + 1) as f64 / scores.len() as f64;
        let highest = sorted.iter().enumerate().rev().find(|&(rank, &p)| p <= allowed(rank));
        let limit = highest.map_or(-1.0, |(_, &p)| p);
        Ok(p_values.iter().map(|&p| p <= limit).collect())
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

    #[test]
    fn without_an_odd_row_or_enough_calibration_none_is_flagged() {
        let calibration = CalibrationScores::new((0..50).map(|score| score as f32).collect());
        assert_eq!(calibration.discoveries(&[10.0, 20.0, f32::NAN], 0.1).unwrap(), [false; 3]);
        assert_eq!(calibration.discoveries(&[99.0; 1], 0.01).unwrap(), [false]);
        assert!(calibration.discoveries(&[], 0.1).unwrap().is_empty());
        let message = calibration.discoveries(&[1.0], 1.0).unwrap_err().to_string();
        assert_eq!(message, "the false discovery rate is 1, but must be between 0 and 1");
    }
}
