//! How far apart the rows of a stream must be for their scores to tell nothing of each other. Readings that follow each other closely
//! are alike: ten odd rows in a row may then be one chance, where those who take them for ten would see a drift.

/// A correlation that harms nothing.
const HARMLESS: f64 = 0.1;
/// A correlation of independent scores stays within so many of its standard deviations.
const DEVIATIONS: f64 = 3.0;

/// The least of some distances at which the ranks of scores, given in the order of their rows, are no longer correlated; at most a quarter
/// of their number. 1 where the order means nothing.
pub(super) fn independent_after(scores: &[f32]) -> usize {
    let count = scores.len();
    let bound = HARMLESS.max(DEVIATIONS / (count as f64).sqrt());
    let ranks = centred_ranks(scores);
    let variance = ranks.iter().map(|rank| rank * rank).sum::<f64>() / count as f64;
    let most = (count / 4).max(1);
    let mut distance = 1;
    while distance < most {
        let products = ranks.iter().zip(&ranks[distance..]).map(|(a, b)| a * b).sum::<f64>();
        if products / (count - distance) as f64 <= bound * variance {
            break;
        }
        distance += distance.div_ceil(4);
    }
    distance.min(most)
}

/// The rank of each score less the mean rank; equal scores share their ranks.
fn centred_ranks(scores: &[f32]) -> Vec<f64> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f32::total_cmp);
    let place = |score: f32| {
        let below = sorted.partition_point(|known| known.total_cmp(&score).is_lt());
        let up_to = sorted.partition_point(|known| known.total_cmp(&score).is_le());
        (below + up_to) as f64 / 2.0 - scores.len() as f64 / 2.0
    };
    scores.iter().map(|&score| place(score)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn chance(seed: u64, count: usize) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| random.random()).collect()
    }

    #[test]
    fn the_order_of_independent_scores_means_nothing() {
        let apart = (0..500).filter(|&seed| independent_after(&chance(seed, [20, 100, 2000][seed as usize % 3])) > 1);
        assert!(apart.count() <= 5);
        assert_eq!(independent_after(&[1.0; 50]), 1);
        assert_eq!(independent_after(&[1.0]), 1);
    }

    #[test]
    fn scores_that_share_what_made_them_are_taken_apart() {
        // Each is a mean of forty numbers in a row.
        let chance = chance(1, 10_000);
        let scores: Vec<f32> = chance.windows(40).map(|shared| shared.iter().sum()).collect();
        let apart = independent_after(&scores);
        assert!((25..80).contains(&apart), "{apart}");
        let rising: Vec<f32> = (0..1000).map(|row| row as f32).collect();
        assert!(independent_after(&rising) > 100);
    }
}
