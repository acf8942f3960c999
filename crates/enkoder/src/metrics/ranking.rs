//! How well scores tell positive samples (anomalies, say) from negative ones: over all thresholds as areas under the ROC and
//! precision-recall curves, or at one threshold by counting.

use super::MetricError;

/// The area under the ROC curve: the probability that a positive sample scores higher than a negative one, ties counting
/// half (the Mann–Whitney statistic; Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27, 2006).
///
/// # Errors
/// When the lengths differ, a score is NaN, or all samples are of one kind.
pub fn auroc(scores: &[f32], positive: &[bool]) -> Result<f64, MetricError> {
    let ranking = Ranking::of(scores, positive)?;
    // Twice the statistic is a whole number, so nothing is rounded before the division.
    let (mut twice, mut positives_above) = (0u128, 0u64);
    for group in &ranking.groups {
        twice += u128::from(group.negatives) * (2 * u128::from(positives_above) + u128::from(group.positives));
        positives_above += group.positives;
    }
    Ok(twice as f64 / (2.0 * ranking.positives as f64 * ranking.negatives as f64))
}

/// The average precision `Σ (Rₙ − Rₙ₋₁) Pₙ` over the distinct scores as thresholds, without interpolation, as scikit-learn's
/// `average_precision_score`.
///
/// # Errors
/// When the lengths differ, a score is NaN, or all samples are of one kind.
pub fn average_precision(scores: &[f32], positive: &[bool]) -> Result<f64, MetricError> {
    let ranking = Ranking::of(scores, positive)?;
    let (mut sum, mut true_positives, mut flagged) = (0.0, 0u64, 0u64);
    for group in &ranking.groups {
        true_positives += group.positives;
        flagged += group.positives + group.negatives;
        sum += group.positives as f64 * (true_positives as f64 / flagged as f64);
    }
    Ok(sum / ranking.positives as f64)
}

/// The four counts of a decision at one threshold.
///
/// ```
/// use enkoder::metrics::Confusion;
///
/// let found = Confusion::at(&[0.9, 0.8, 0.3, 0.1], &[true, false, true, false], 0.5)?;
/// assert_eq!((found.precision(), found.recall(), found.f1()), (0.5, 0.5, 0.5));
/// # Ok::<(), enkoder::metrics::MetricError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confusion {
    /// Positive samples at or above the threshold.
    pub true_positives: usize,
    /// Negative samples at or above the threshold.
    pub false_positives: usize,
    /// Positive samples below the threshold.
    pub false_negatives: usize,
    /// Negative samples below the threshold.
    pub true_negatives: usize,
}

impl Confusion {
    /// Counts with every score of `threshold` and more taken as positive.
    ///
    /// # Errors
    /// When the lengths differ, there is no score, or a score is NaN.
    pub fn at(scores: &[f32], positive: &[bool], threshold: f32) -> Result<Self, MetricError> {
        check(scores, positive)?;
        let mut counts = Self::default();
        for (&score, &positive) in scores.iter().zip(positive) {
            *match (score >= threshold, positive) {
                (true, true) => &mut counts.true_positives,
                (true, false) => &mut counts.false_positives,
                (false, true) => &mut counts.false_negatives,
                (false, false) => &mut counts.true_negatives,
            } += 1;
        }
        Ok(counts)
    }

    /// The part of the samples taken as positive that are positive; 0 where none is.
    pub fn precision(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// The part of the positive samples taken as positive; 0 where there is none.
    pub fn recall(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// The harmonic mean of precision and recall; 0 where both are.
    pub fn f1(&self) -> f64 {
        ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Samples of equal score.
struct Group {
    positives: u64,
    negatives: u64,
}

struct Ranking {
    /// From the highest score to the lowest.
    groups: Vec<Group>,
    positives: u64,
    negatives: u64,
}

impl Ranking {
    fn of(scores: &[f32], positive: &[bool]) -> Result<Self, MetricError> {
        check(scores, positive)?;
        let positives = positive.iter().filter(|&&positive| positive).count();
        if positives == 0 || positives == scores.len() {
            return Err(MetricError::OneClass { positives, samples: scores.len() });
        }
        let mut pairs: Vec<(f32, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
        pairs.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        // Compared by value, not by order: −0 and 0 are the same score.
        let groups = pairs.chunk_by(|a, b| a.0 == b.0).map(|group| {
            let positives = group.iter().filter(|(_, positive)| *positive).count();
            Group { positives: positives as u64, negatives: (group.len() - positives) as u64 }
        });
        let negatives = scores.len() - positives;
        Ok(Self { groups: groups.collect(), positives: positives as u64, negatives: negatives as u64 })
    }
}

pub(super) fn check(scores: &[f32], positive: &[bool]) -> Result<(), MetricError> {
    if scores.len() != positive.len() {
        return Err(MetricError::Labels { scores: scores.len(), labels: positive.len() });
    }
    if scores.is_empty() {
        return Err(MetricError::Empty);
    }
    match scores.iter().position(|score| score.is_nan()) {
        Some(index) => Err(MetricError::NotFinite { index, value: scores[index] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 200 scores with many ties, 82 of them positive, by a formula that any language computes alike.
    fn tied() -> (Vec<f32>, Vec<bool>) {
        let scores: Vec<f32> = (0..200u32).map(|i| ((7 * i * i + 3 * i) % 37) as f32 / 8.0).collect();
        let noise = (0..200u32).map(|i| ((5 * i * i + 11 * i) % 23) as f32);
        let positive = scores.iter().zip(noise).map(|(score, noise)| noise + score * 2.0 > 19.0).collect();
        (scores, positive)
    }

    fn close(value: Result<f64, MetricError>, expected: f64) {
        assert!((value.clone().unwrap() - expected).abs() < 1e-14, "{value:?} is not {expected}");
    }

    /// scikit-learn 1.9.1: `roc_auc_score`, `average_precision_score`; the small case is from its documentation.
    #[test]
    fn areas_are_those_of_scikit_learn() {
        let (scores, positive) = tied();
        close(auroc(&scores, &positive), 0.6466515088879702);
        close(average_precision(&scores, &positive), 0.5381677825741761);
        let (scores, positive) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
        close(auroc(&scores, &positive), 0.75);
        close(average_precision(&scores, &positive), 0.8333333333333333);
    }

    /// scikit-learn 1.9.1: `confusion_matrix`, `precision_score`, `recall_score`, `f1_score`.
    #[test]
    fn counts_at_a_threshold_are_those_of_scikit_learn() {
        let (scores, positive) = tied();
        let found = Confusion::at(&scores, &positive, 2.5).unwrap();
        let counts = Confusion { true_positives: 46, false_positives: 40, false_negatives: 36, true_negatives: 78 };
        assert_eq!(found, counts);
        close(Ok(found.precision()), 0.5348837209302325);
        close(Ok(found.recall()), 0.5609756097560976);
        close(Ok(found.f1()), 0.5476190476190477);
    }

    #[test]
    fn flagging_nothing_has_precision_recall_and_f1_of_0() {
        let found = Confusion::at(&[0.1, 0.2], &[true, false], 1.0).unwrap();
        assert_eq!((found.precision(), found.recall(), found.f1()), (0.0, 0.0, 0.0));
    }

    #[test]
    fn zero_and_negative_zero_are_a_tie_and_infinity_is_a_score() {
        assert_eq!(auroc(&[0.0, -0.0], &[true, false]), Ok(0.5));
        assert_eq!(auroc(&[f32::INFINITY, 3.0], &[true, false]), Ok(1.0));
    }

    #[test]
    fn what_cannot_be_ranked_is_refused_with_the_reason() {
        let message = auroc(&[0.1, 0.2], &[true, true]).unwrap_err().to_string();
        assert_eq!(message, "ranking needs samples of both kinds, but 2 of 2 are positive");
        assert_eq!(average_precision(&[0.1], &[false]), Err(MetricError::OneClass { positives: 0, samples: 1 }));
        assert_eq!(auroc(&[0.1], &[]), Err(MetricError::Labels { scores: 1, labels: 0 }));
        assert_eq!(Confusion::at(&[], &[], 0.0), Err(MetricError::Empty));
        assert!(matches!(auroc(&[0.1, f32::NAN], &[true, false]), Err(MetricError::NotFinite { index: 1, .. })));
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_rightly_ordered_pairs(
            samples in proptest::collection::vec((0u8..6, any::<bool>()), 2..60),
        ) {
            let (scores, positive): (Vec<f32>, Vec<bool>) = samples.iter().map(|&(s, p)| (f32::from(s), p)).unzip();
            let mut pairs = (0.0, 0.0);
            for (a, _) in samples.iter().filter(|(_, positive)| *positive) {
                for (b, _) in samples.iter().filter(|(_, positive)| !positive) {
                    pairs.0 += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
                    pairs.1 += 1.0;
                }
            }
            if pairs.1 > 0.0 {
                prop_assert!((auroc(&scores, &positive).unwrap() - pairs.0 / pairs.1).abs() < 1e-12);
                let reversed: Vec<f32> = scores.iter().map(|score| -score).collect();
                prop_assert!((auroc(&reversed, &positive).unwrap() - (1.0 - pairs.0 / pairs.1)).abs() < 1e-12);
            } else {
                prop_assert!(auroc(&scores, &positive).is_err());
            }
        }
    }
}
