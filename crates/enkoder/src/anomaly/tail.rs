//! Peaks over threshold: the highest scores beyond a high quantile follow a generalised Pareto distribution (Pickands 1975;
//! Siffer et al., "Anomaly detection in streams with extreme value theory", KDD 2017), whose quantiles reach beyond the data.
//! Fitted by probability-weighted moments (Hosking and Wallis, Technometrics 29(3), 1987), which are stable for few peaks.

/// The part of the scores seen as peaks, and the fewest of them.
const PEAKS: f64 = 0.1;
const FEWEST: usize = 10;
/// Shapes beyond this have no mean, and are never what bounded data shows: they come from too few peaks.
const HEAVIEST: f64 = 0.9;

/// P(score > x) = share · (1 + shape · (x − start) / scale)^(−1/shape).
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
        let share = peaks as f64 / count as f64;
        if difference <= 0.0 || !difference.is_finite() {
            return Self { start, share, shape: 0.0, scale: mean.max(0.0), highest };
        }
        let shape = (2.0 - mean / difference).min(HEAVIEST);
        Self { start, share, shape, scale: mean * (1.0 - shape), highest }
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
    use super::*;

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
    fn equal_scores_give_themselves() {
        assert_eq!(ParetoTail::fit(&[3.0; 40]).quantile(1e-4), 3.0);
        assert_eq!(
            ParetoTail::fit(&[3.0, 4.0]).quantile(0.01),
            4.0f32.max(ParetoTail::fit(&[3.0, 4.0]).quantile(0.01))
        );
    }
}
