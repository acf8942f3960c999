//! From scores to decisions. A [`CalibrationScores`] holds the scores of rows that the detector learned nothing from; what they allow
//! to promise is said with each [`Threshold`]. A threshold always lies above at least half of the calibration scores, so that
//! calibration data without any anomaly, even with all scores equal, never ends in flagging everything.

use serde::{Deserialize, Serialize};

use super::error::AnomalyError;
use super::tail::ParetoTail;
use crate::metrics::Confusion;

/// How to choose a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ThresholdRule {
    /// At most this part of normal rows is flagged, between 0 and 1. Conformal while the calibration rows suffice, which is
    /// down to 1/(n + 1) for n of them; below, by the fitted tail.
    FalseAlarm(f64),
    /// This part of the calibration rows is taken to be anomalous, between 0 and ½.
    Contamination(f64),
}

impl ThresholdRule {
    /// Checks that the rate is in range.
    ///
    /// # Errors
    /// When it is not.
    pub fn validate(self) -> Result<(), AnomalyError> {
        match self {
            Self::FalseAlarm(rate) => check("the false-alarm rate", rate, 1.0),
            Self::Contamination(rate) => check("the contamination", rate, 0.5),
        }
    }
}

/// What a threshold rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guarantee {
    /// A row exchangeable with the calibration rows is flagged with at most the stated probability, whatever the distribution
    /// (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005).
    Conformal,
    /// The same of moments of a series, which share windows and depend on each other: the stated part of the moments is flagged
    /// on the average over time while the series goes on as it was, but they come in groups, and no number of calibration
    /// moments makes it a promise for a short time.
    OverTime,
    /// The stated probability follows from a generalised Pareto tail fitted to the highest calibration scores: an extrapolation,
    /// no promise.
    Tail,
    /// The stated part of the calibration rows lies above it; nothing more.
    Quantile,
    /// Of the rows flagged together at most the stated part is normal, on the average, while normal rows are exchangeable with those
    /// calibrated on: [`Discoveries`](super::Discoveries).
    Discoveries,
    /// It was chosen with labels to give the highest F1 on them, so the F1 on other rows will be lower.
    BestF1,
}

/// Where flagging begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Scores of this and more are flagged.
    pub score: f32,
    /// The part of normal rows above it: what was asked for; for the best F1 the part of the negative rows given, and of
    /// discoveries the part of the flagged rows that is normal.
    pub rate: f64,
    /// What that rests on.
    pub guarantee: Guarantee,
}

impl Threshold {
    /// Whether a row with this score is flagged.
    pub fn flags(&self, score: f32) -> bool {
        score >= self.score
    }

    /// The threshold with the highest F1 on labelled rows; of equal ones the highest. For looking at what would be possible:
    /// labels that chose a threshold cannot also judge it.
    ///
    /// # Errors
    /// When the lengths differ, a score is NaN, or no row is positive or none negative.
    pub fn best_f1(scores: &[f32], positive: &[bool]) -> Result<Self, AnomalyError> {
        // Refuses what cannot be ranked.
        crate::metrics::auroc(scores, positive)?;
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let positives = positive.iter().filter(|&&positive| positive).count();
        let (mut found, mut best) = (0, (0.0, f32::INFINITY));
        for (rank, &row) in order.iter().enumerate() {
            found += usize::from(positive[row]);
            let is_last_of_equals = order.get(rank + 1).is_none_or(|&next| scores[next] < scores[row]);
            let f1 = 2.0 * found as f64 / (rank + 1 + positives) as f64;
            if is_last_of_equals && f1 > best.0 {
                best = (f1, scores[row]);
            }
        }
        let counts = Confusion::at(scores, positive, best.1)?;
        let negatives = counts.false_positives + counts.true_negatives;
        let rate = counts.false_positives as f64 / negatives as f64;
        Ok(Self { score: best.1, rate, guarantee: Guarantee::BestF1 })
    }
}

/// The scores of held-out rows.
///
/// ```
/// use enkoder::anomaly::{CalibrationScores, Guarantee, ThresholdRule};
///
/// let calibration = CalibrationScores::new((1..=99).map(|score| score as f32).collect());
/// assert_eq!(calibration.p_value(99.0), 0.02);
/// let threshold = calibration.threshold(ThresholdRule::FalseAlarm(0.05))?;
/// assert!(threshold.flags(95.5) && !threshold.flags(95.0));
/// assert_eq!(threshold.guarantee, Guarantee::Conformal);
/// # Ok::<(), enkoder::anomaly::AnomalyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CalibrationScores {
    /// Ascending.
    scores: Vec<f32>,
}

impl CalibrationScores {
    /// A calibration by these scores, of rows that are as those to come and that the detector learned nothing from.
    ///
    /// # Panics
    /// When there is no score.
    pub fn new(mut scores: Vec<f32>) -> Self {
        assert!(!scores.is_empty(), "a calibration needs at least one score");
        scores.sort_by(f32::total_cmp);
        Self { scores }
    }

    /// The scores in ascending order.
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// The smallest false-alarm rate that can be promised: 1/(n + 1).
    pub fn least_rate(&self) -> f64 {
        1.0 / (self.scores.len() + 1) as f64
    }

    /// The conformal p-value (1 + number of calibration scores at least as high) / (n + 1), from 1/(n + 1) to 1. For a row
    /// exchangeable with the calibration rows, P(p ≤ α) ≤ α for every α.
    pub fn p_value(&self, score: f32) -> f64 {
        let below = self.scores.partition_point(|&known| known < score);
        (1 + self.scores.len() - below) as f64 / (self.scores.len() + 1) as f64
    }

    /// The threshold that a rule asks for.
    ///
    /// # Errors
    /// When the rule's number is out of range.
    pub fn threshold(&self, rule: ThresholdRule) -> Result<Threshold, AnomalyError> {
        rule.validate()?;
        let count = self.scores.len();
        match rule {
            ThresholdRule::FalseAlarm(rate) => {
                // What rounding may have taken from a rate like 0.29 of 99 + 1.
                let allowed = (rate * (count + 1) as f64 * (1.0 + 1e-12)).floor() as usize;
                if allowed == 0 {
                    let score = ParetoTail::fit(&self.scores).quantile(rate);
                    return Ok(Threshold { score: score.next_up(), rate, guarantee: Guarantee::Tail });
                }
                Ok(Threshold { score: self.above(allowed), rate, guarantee: Guarantee::Conformal })
            }
            ThresholdRule::Contamination(rate) => {
                let flagged = (rate * count as f64).round() as usize;
                Ok(Threshold { score: self.above(flagged + 1), rate, guarantee: Guarantee::Quantile })
            }
        }
    }

    /// Just above the `rank`-th highest score, and never below the median.
    fn above(&self, rank: usize) -> f32 {
        let count = self.scores.len();
        self.scores[count.saturating_sub(rank).max(count / 2)].next_up()
    }
}

fn check(option: &'static str, value: f64, limit: f64) -> Result<(), AnomalyError> {
    if value > 0.0 && value < limit {
        return Ok(());
    }
    let range = if limit == 1.0 { "more than 0 and less than 1" } else { "more than 0 and less than 0.5" };
    Err(AnomalyError::Option { option, value, range })
}
