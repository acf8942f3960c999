//! How well the scores of a series tell its anomalies, where a score a little beside one is worth a little less: the volume under
//! the surface of precision and recall over all thresholds and all widths of a buffer around anomalies.

use super::MetricError;
use super::ranking::check;

/// VUS-PR (Paparrizos et al., "Volume under the surface: a new accuracy evaluation measure for time-series anomaly detection",
/// VLDB 2022): the mean over buffers of 0 to `longest` moments of the area under precision and recall, from 0 to 1. With a
/// buffer of l moments, a label reaches l/2 moments beyond either end of each run of positive moments and falls there as
/// √(1 − distance/l); recall counts half of that, and only the share of runs that are met at all. The areas are sums over all
/// distinct scores, without interpolation; a random score has about the share of positive moments.
///
/// Give about the length of an anomaly, or of a detector's window, as `longest`.
///
/// ```
/// use enkoder::metrics::vus_pr;
///
/// let positive = [false, false, true, true, false, false];
/// assert_eq!(vus_pr(&[0.0, 0.1, 0.9, 0.8, 0.2, 0.1], &positive, 0)?, 1.0);
/// // A moment late is nearly as good.
/// assert!(vus_pr(&[0.0, 0.1, 0.2, 0.8, 0.9, 0.1], &positive, 4)? > 0.6);
/// # Ok::<(), enkoder::metrics::MetricError>(())
/// ```
///
/// # Errors
/// When the lengths differ, a score is NaN, or all moments are of one kind.
pub fn vus_pr(scores: &[f32], positive: &[bool], longest: usize) -> Result<f64, MetricError> {
    check(scores, positive)?;
    let positives = positive.iter().filter(|&&positive| positive).count();
    if positives == 0 || positives == scores.len() {
        return Err(MetricError::OneClass { positives, samples: scores.len() });
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let areas = (0..=longest).map(|buffer| area(scores, &order, &softened(positive, buffer), positives));
    Ok(areas.sum::<f64>() / (longest + 1) as f64)
}

/// The labels with a buffer of so many moments around each run.
fn softened(positive: &[bool], buffer: usize) -> Vec<f64> {
    let mut labels: Vec<f64> = positive.iter().map(|&positive| f64::from(u8::from(positive))).collect();
    let weight = |distance: usize| (1.0 - distance as f64 / buffer as f64).sqrt();
    for (first, last) in runs(&labels) {
        for distance in 1..=buffer / 2 {
            if let Some(after) = labels.get_mut(last + distance) {
                *after += weight(distance);
            }
            if let Some(before) = first.checked_sub(distance) {
                labels[before] += weight(distance);
            }
        }
    }
    labels.iter().map(|label| label.min(1.0)).collect()
}

/// First and last moment of each run of labels above 0.
fn runs(labels: &[f64]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for moment in (0..labels.len()).filter(|&moment| labels[moment] > 0.0) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == moment => *last = moment,
            _ => runs.push((moment, moment)),
        }
    }
    runs
}

/// The area under precision and recall, for moments in the order of falling scores.
fn area(scores: &[f32], order: &[usize], labels: &[f64], positives: usize) -> f64 {
    let runs = runs(labels);
    let mut run_of = vec![usize::MAX; labels.len()];
    for (number, &(first, last)) in runs.iter().enumerate() {
        run_of[first..=last].fill(number);
    }
    let whole = (positives as f64 + labels.iter().sum::<f64>()) / 2.0;
    let mut met = vec![false; runs.len()];
    let (mut runs_met, mut found, mut recall, mut area) = (0, 0.0, 0.0, 0.0);
    for (rank, &moment) in order.iter().enumerate() {
        found += labels[moment];
        if let Some(met) = met.get_mut(run_of[moment])
            && !std::mem::replace(met, true)
        {
            runs_met += 1;
        }
        if order.get(rank + 1).is_none_or(|&next| scores[next] != scores[moment]) {
            let now = (found / whole).min(1.0) * runs_met as f64 / runs.len() as f64;
            area += (now - recall) * found / (rank + 1) as f64;
            recall = now;
        }
    }
    area
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::average_precision;
    use proptest::prelude::*;

    /// The definition of the authors' package `vus` 0.0.6 (`extend_postive_range`, `TPR_FPR_RangeAUC`), over all distinct scores.
    #[test]
    fn volumes_are_those_of_the_authors_definition() {
        let scores: Vec<f32> = (0..200u32).map(|i| ((7 * i * i + 3 * i) % 37) as f32 / 8.0).collect();
        let positive: Vec<bool> = (0..200).map(|i| (i / 10) % 7 == 3 || (90..95).contains(&i)).collect();
        for (longest, expected) in [(0, 0.17266714033669067), (5, 0.19902500046848573), (20, 0.30879113961853877)] {
            let found = vus_pr(&scores, &positive, longest).unwrap();
            assert!((found - expected).abs() < 1e-12, "{longest}: {found} is not {expected}");
        }
    }

    /// Buffers of 0, 1 and 2: without one, the second rank finds the anomaly with precision ½; one of 1 reaches nowhere; with one
    /// of 2 its neighbours count √½, so that P = (1 + 1 + √2)/2, and the ranks find √½, 1 + √½ and, by the last score of its
    /// neighbours, all of P.
    #[test]
    fn a_volume_computed_by_hand() {
        let half = 0.5f64.sqrt();
        let whole = 1.0 + half;
        let third = half / whole * half + (1.0 - half / whole) * whole / 2.0;
        let expected = (0.5 + 0.5 + third) / 3.0;
        let found = vus_pr(&[0.1, 0.9, 0.8, 0.2, 0.3], &[false, false, true, false, false], 2).unwrap();
        assert!((found - expected).abs() < 1e-12 && (found - 0.5976310729378175).abs() < 1e-12, "{found}");
    }

    #[test]
    fn labels_of_one_kind_are_refused() {
        assert_eq!(vus_pr(&[0.1, 0.2], &[true, true], 3), Err(MetricError::OneClass { positives: 2, samples: 2 }));
    }

    proptest! {
        #[test]
        fn a_volume_lies_between_0_and_1_and_of_one_run_without_a_buffer_is_average_precision(
            moments in proptest::collection::vec((0u8..9, any::<bool>()), 2..60), longest in 0usize..12,
        ) {
            let (scores, positive): (Vec<f32>, Vec<bool>) = moments.iter().map(|&(s, p)| (f32::from(s), p)).unzip();
            if let Ok(volume) = vus_pr(&scores, &positive, longest) {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&volume), "{}", volume);
                let perfect: Vec<f32> = positive.iter().map(|&positive| f32::from(u8::from(positive))).collect();
                prop_assert!((vus_pr(&perfect, &positive, 0).unwrap() - 1.0).abs() < 1e-12);
                let average = average_precision(&scores, &positive).unwrap();
                prop_assert!(runs(&softened(&positive, 0)).len() > 1
                    || (vus_pr(&scores, &positive, 0).unwrap() - average).abs() < 1e-12);
            }
        }
    }
}
