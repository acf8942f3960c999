//! One scale for the scores of different members: how rare a score at least as high is among the rows learned from, as the
//! negative logarithm (base e) of its share. Beyond the highest score seen it goes on growing, slowly.

use std::hint::select_unpredictable;

/// Most scores kept: the highest ones all, the rest evenly.
const TOP: usize = 2048;
const BELOW: usize = 1024;
/// Scores that are looked up side by side: each look waits for the one before it, and not for those of other scores.
const ABREAST: usize = 16;

/// Scores with the surprise of each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reference {
    /// Ascending and distinct.
    pub(super) scores: Vec<f32>,
    pub(super) surprises: Vec<f32>,
}

impl Reference {
    pub(super) fn of(mut scores: Vec<f32>) -> Self {
        scores.sort_by(f32::total_cmp);
        let count = scores.len();
        let below = count.saturating_sub(TOP);
        let step = below.div_ceil(BELOW).max(1);
        let ranks = (0..below).step_by(step).chain(below..count);
        let (mut kept, mut surprises) = (Vec::new(), Vec::new());
        for rank in ranks {
            let score = scores[rank];
            if kept.last() == Some(&score) {
                continue;
            }
            // Equal scores share the rank of their first.
            let first = scores.partition_point(|&other| other < score);
            kept.push(score);
            surprises.push(-((count - first) as f64 / (count + 1) as f64).ln() as f32);
        }
        Self { scores: kept, surprises }
    }

    pub(super) fn is_sound(&self) -> bool {
        let rising = |values: &[f32]| values.windows(2).all(|pair| pair[0] < pair[1]);
        let surprises = self.surprises.is_sorted() && self.surprises.first().is_some_and(|&least| least >= 0.0);
        self.scores.len() == self.surprises.len() && rising(&self.scores) && surprises
    }

    /// The lowest score with this surprise or more; the highest where none has.
    pub(super) fn score_of(&self, surprise: f32) -> f32 {
        let at = self.surprises.partition_point(|&known| known < surprise);
        self.scores[at.min(self.scores.len() - 1)]
    }

    pub(super) fn surprise(&self, score: f32) -> f32 {
        self.between(score, self.scores.partition_point(|&known| known <= score))
    }

    /// Adds to each of `sums` the surprise of its score, times `weight`.
    pub(super) fn add_surprises(&self, scores: &[f32], weight: f32, sums: &mut [f32]) {
        let known = &self.scores[..];
        for (scores, sums) in scores.chunks(ABREAST).zip(sums.chunks_mut(ABREAST)) {
            let mut at = [0; ABREAST];
            let mut left = known.len();
            while left > 1 {
                let half = left / 2;
                for (at, score) in at.iter_mut().zip(scores) {
                    *at += select_unpredictable(known[*at + half] <= *score, half, 0);
                }
                left -= half;
            }
            for ((sum, &score), at) in sums.iter_mut().zip(scores).zip(at) {
                *sum += weight * self.between(score, at + usize::from(known[at] <= score));
            }
        }
    }

    /// What a score beyond the highest is farther away in units of.
    #[inline]
    pub(super) fn width_beyond(&self) -> f32 {
        let last = self.scores.len() - 1;
        let (highest, middle) = (self.scores[last], self.scores[last / 2]);
        (highest - middle).max(highest.abs() * 1e-3).max(f32::MIN_POSITIVE)
    }

    /// The surprise of a score, `above` scores of the reference being no higher.
    #[inline]
    fn between(&self, score: f32, above: usize) -> f32 {
        let last = self.scores.len() - 1;
        if above == 0 {
            return 0.0;
        }
        if above > last {
            return self.surprises[last] + ((score - self.scores[last]) / self.width_beyond()).ln_1p();
        }
        let (low, high) = (self.scores[above - 1], self.scores[above]);
        let part = (score - low) / (high - low);
        self.surprises[above - 1] + part * (self.surprises[above] - self.surprises[above - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_score_as_high_as_one_in_ten_has_the_surprise_of_one_in_ten() {
        let reference = Reference::of((0..10_000).map(|score| score as f32).collect());
        assert!((reference.surprise(9000.0) - 10f32.ln()).abs() < 1e-3);
        assert!((reference.surprise(2500.0) - (4f32 / 3.0).ln()).abs() < 1e-3);
        assert!((reference.score_of(10f32.ln()) - 9000.0).abs() < 20.0);
        assert_eq!(reference.score_of(100.0), 9999.0);
    }

    proptest! {
        #[test]
        fn a_higher_score_is_never_less_surprising(
            seen in proptest::collection::vec(-5f32..5.0, 1..400), a in -9f32..90.0, b in -9f32..90.0,
        ) {
            let reference = Reference::of(seen);
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(reference.surprise(low) <= reference.surprise(high));
            prop_assert!(reference.surprise(high).is_finite());
        }

        #[test]
        fn scores_looked_up_side_by_side_are_as_surprising_as_alone(
            seen in proptest::collection::vec(-5f32..5.0, 1..400),
            mut scores in proptest::collection::vec(-9f32..9.0, 0..70),
        ) {
            let reference = Reference::of(seen.clone());
            scores.extend([f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
            scores.extend(seen);
            let mut sums = vec![1.0; scores.len()];
            reference.add_surprises(&scores, 0.25, &mut sums);
            for (score, sum) in scores.into_iter().zip(sums) {
                prop_assert_eq!(sum.to_bits(), (1.0 + 0.25 * reference.surprise(score)).to_bits());
            }
        }
    }
}
