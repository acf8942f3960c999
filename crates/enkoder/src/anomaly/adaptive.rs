//! A threshold for series whose normal drifts. Adaptive conformal inference (Gibbs and Candès, NeurIPS 2021) moves the rate by what
//! was flagged so far; here the threshold itself is moved, as its successors do (Angelopoulos, Candès and Tibshirani, "Conformal PID
//! control for time series prediction", NeurIPS 2023), for beyond all calibration scores every rate is one threshold.

use super::threshold::{CalibrationScores, Threshold};

/// Flagged moments after which the threshold has risen by its distance from the usual score, or by 1 where it is less. With twenty, one
/// long anomaly hid those of the next weeks.
const FLAGGED: f64 = 10.0;
/// How many times as much may be flagged as was asked for, where the data never stays as it was: a threshold that falls back sooner
/// finds the next anomaly sooner.
const EXCESS: f64 = 2.0;

/// A threshold that rises while more is flagged than the rate allows. In moments that are usual by the calibration it falls again to
/// where it was calibrated, never below; a level that lasts is not flagged anew.
///
/// Where the data is like the calibration's, it flags no more than the calibrated threshold does, so at most the rate on average.
/// Whatever the scores are, of T moments it flags at most 2 · rate · T + (highest score − calibrated threshold) / step + 1. So what
/// is flagged is bounded over a long time, even if the data is no longer like what was learned. An anomaly is not flagged for as long as it
/// lasts: one that lasts long is a drift to it.
///
/// ```
/// use enkoder::anomaly::{AdaptiveThreshold, CalibrationScores, ThresholdRule};
///
/// let calibration = CalibrationScores::new((1..=999).map(|score| score as f32 / 200.0).collect());
/// let threshold = calibration.threshold(ThresholdRule::FalseAlarm(0.01))?;
/// let mut adaptive = AdaptiveThreshold::new(threshold, &calibration);
/// // A level that lasts is told at once, and is usual by and by.
/// let flagged = (0..10_000).filter(|_| adaptive.flags(9.0)).count();
/// assert!((10..40).contains(&flagged), "{flagged}");
/// # Ok::<(), enkoder::anomaly::AnomalyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AdaptiveThreshold {
    calibrated: Threshold,
    now: f64,
    step: f64,
}

impl AdaptiveThreshold {
    /// Begins where the scores for calibration put the threshold.
    pub fn new(calibrated: Threshold, calibration: &CalibrationScores) -> Self {
        let scores = calibration.scores();
        let distance = f64::from(calibrated.score) - f64::from(scores[scores.len() / 2]);
        Self { calibrated, now: f64::from(calibrated.score), step: distance.max(1.0) / FLAGGED }
    }

    /// Whether the next moment, which has this score, is flagged. A moment without a score, NaN, is not, and moves nothing.
    pub fn flags(&mut self, score: f32) -> bool {
        if score.is_nan() {
            return false;
        }
        let flagged = score >= self.score();
        let rate = self.calibrated.rate;
        if flagged {
            self.now += self.step * (1.0 - rate);
        } else if !self.calibrated.flags(score) {
            self.now = (self.now - self.step * self.bound_rate()).max(f64::from(self.calibrated.score));
        }
        flagged
    }

    /// Where it is now.
    pub fn score(&self) -> f32 {
        self.now as f32
    }

    /// The part of all moments that it flags at most over a long time, whatever the scores are.
    pub fn bound_rate(&self) -> f64 {
        EXCESS * self.calibrated.rate
    }

    /// Where it began, which it never falls below.
    pub fn calibrated(&self) -> Threshold {
        self.calibrated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::ThresholdRule;
    use proptest::prelude::*;

    fn begun() -> AdaptiveThreshold {
        let calibration = CalibrationScores::new((1..=400).map(|score| score as f32 / 100.0).collect());
        AdaptiveThreshold::new(calibration.threshold(ThresholdRule::FalseAlarm(0.02)).unwrap(), &calibration)
    }

    #[test]
    fn while_no_more_is_flagged_than_allowed_it_stays_where_it_was_calibrated() {
        let mut adaptive = begun();
        let calibrated = adaptive.calibrated();
        for moment in 0..5000 {
            let score = if moment % 100 == 0 { 5.0 } else { 1.0 };
            assert_eq!(adaptive.flags(score), calibrated.flags(score), "{moment}");
        }
    }

    proptest! {
        #[test]
        fn what_is_flagged_is_bounded_whatever_the_scores_are(
            parts in prop::collection::vec((0f32..30.0, 0f32..3.0, 1usize..900), 1..12),
        ) {
            let mut adaptive = begun();
            let (mut flagged, mut moments, mut highest) = (0, 0, 0.0);
            for (level, noise, length) in parts {
                for moment in 0..length {
                    let score = level + noise * ((moment * 37) % 11) as f32 / 11.0;
                    highest = f64::from(score).max(highest);
                    flagged += usize::from(adaptive.flags(score));
                    moments += 1;
                }
            }
            let room = (highest - f64::from(adaptive.calibrated.score)).max(0.0) / adaptive.step + 1.0;
            prop_assert!(flagged as f64 <= EXCESS * 0.02 * moments as f64 + room + 1e-6, "{flagged} of {moments}");
        }
    }
}
