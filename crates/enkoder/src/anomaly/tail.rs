//! Peaks over threshold: the highest scores beyond a high quantile follow a generalised Pareto distribution (Pickands 1975;
//! Siffer et al., "Anomaly detection in streams with extreme value theory", KDD 2017), whose quantiles reach beyond the data.
//! Fitted by probability-weighted moments (Hosking and Wallis, Technometrics 29(3), 1987), which are stable for few peaks.
//!
//! Few peaks do not tell the shape of a tail, nor its scale: taken as known, they flag 7 times as much as promised of normal rows after 6
//! scores, and twice as much after 40. So the shape is drawn to that of an exponential tail, and what is given is the tail that the next
//! score has as far as the peaks tell: of an exponential tail a Pareto one of shape 1/peaks, which holds for any scale.

/// The part of the scores seen as peaks, and the fewest of them.
const PEAKS: f64 = 0.1;
const FEWEST: usize = 10;
/// So many peaks tell as much of the shape as is taken for known before.
const KNOWN: f64 = 10.0;
/// Shapes beyond this have no mean, and are never what bounded data shows: they come from too few peaks.
const HEAVIEST: f64 = 0.9;

/// P(score > x) = share · (1 + shape · (x − start) / scale)^(−1/shape) of the next score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ParetoTail {
    start: f64,
    share: f64,
    shape: f64,
    scale: f64,
    highest: f64,
}

impl ParetoTail {
    /// Fits to scores in ascending order.
    pub(super) fn fit(scores: &[f32]) -> Self {
        let count = scores.len();
        let peaks = ((count as f64 * PEAKS) as usize).max(FEWEST).min(count - 1);
        let highest = f64::from(scores[count - 1]);
        let start = f64::from(scores[count - 1 - peaks]);
        let excesses = || scores[count - peaks..].iter().map(|&score| f64::from(score) - start);
        let mean = excesses().sum::<f64>() / peaks as f64;
        // The mean of excess times the share of excesses above it.
        let weighted: f64 = excesses()
            .enumerate()
            .map(|(rank, excess)| (peaks - 1 - rank) as f64 / (peaks.max(2) - 1) as f64 * excess)
            .sum::<f64>()
            / peaks as f64;
        let difference = mean - 2.0 * weighted;
        let (share, peaks) = (peaks as f64 / count as f64, peaks as f64);
        let shape = if difference > 0.0 { (2.0 - mean / difference).min(HEAVIEST) } else { 0.0 };
        let shape = shape * peaks / (peaks + KNOWN);
        Self { start, share, shape: shape + 1.0 / peaks, scale: mean * (1.0 - shape), highest }
    }

    /// The score exceeded with this probability, and never less than the highest score seen.
    pub(super) fn quantile(&self, rate: f64) -> f32 {
        let ratio = self.share / rate;
        let excess = if self.shape.abs() < 1e-6 {
            self.scale * ratio.ln()
        } else {
            self.scale / self.shape * (ratio.powf(self.shape) - 1.0)
        };
        let score = (self.start + excess).max(self.highest);
        if score.is_finite() { score as f32 } else { self.highest as f32 }
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::random::{Purpose, stream};

    /// Evenly spaced quantiles of a distribution, ascending.
    fn quantiles(count: usize, inverse: impl Fn(f64) -> f64) -> Vec<f32> {
        (0..count).map(|rank| inverse((rank as f64 + 0.5) / count as f64) as f32).collect()
    }

    #[test]
    fn the_tail_of_an_exponential_distribution_is_extrapolated() {
        let tail = ParetoTail::fit(&quantiles(2000, |p| -(1.0 - p).ln()));
        let expected = -(1e-5f64.ln());
        assert!((f64::from(tail.quantile(1e-5)) / expected - 1.0).abs() < 0.1, "{tail:?}");
    }

    #[test]
    fn a_heavy_tail_reaches_farther_than_a_bounded_one() {
        let heavy = ParetoTail::fit(&quantiles(2000, |p| (1.0 - p).powf(-0.5)));
        let bounded = ParetoTail::fit(&quantiles(2000, |p| p));
        assert!((heavy.shape - 0.5).abs() < 0.1, "{heavy:?}");
        assert!((bounded.shape + 1.0).abs() < 0.1 && bounded.quantile(1e-6) < 1.05, "{bounded:?}");
    }

    #[test]
    fn few_scores_promise_no_more_than_they_hold() {
        type Curve = fn(f64) -> f64;
        // The part above the threshold for 1 %, over many draws: of an exponential and of a heavier and a lighter tail.
        let mut random = stream(0, Purpose::Sample, 0);
        let tails: [(Curve, Curve); 3] = [
            (|u| -u.ln(), |x| (-x).exp()),
            (|u| u.powf(-0.3) - 1.0, |x| (x + 1.0).powf(-1.0 / 0.3)),
            (|u| 1.0 - u, |x| (1.0 - x).max(0.0)),
        ];
        for (draw, above) in tails {
            for count in [6, 20, 60] {
                let flagged = |_| {
                    let mut scores: Vec<f32> = (0..count).map(|_| draw(1.0 - random.random::<f64>()) as f32).collect();
                    scores.sort_by(f32::total_cmp);
                    above(ParetoTail::fit(&scores).quantile(0.01).into())
                };
                let mean = (0..2000).map(flagged).sum::<f64>() / 2000.0;
                let most = 0.01 * (1.0 + 24.0 / f64::from(count));
                assert!(mean < most, "{mean} of {count}");
            }
        }
    }

    #[test]
    fn equal_scores_give_themselves() {
        assert_eq!(ParetoTail::fit(&[3.0; 40]).quantile(1e-4), 3.0);
        assert_eq!(
            ParetoTail::fit(&[3.0, 4.0]).quantile(0.01),
            4.0f32.max(ParetoTail::fit(&[3.0, 4.0]).quantile(0.01))
        );
    }
}
