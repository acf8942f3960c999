//! What charts show, each in one sentence: their titles.

use crate::evaluation::{Codes, Evaluation, MOST_DIMENSIONS};
use crate::number::{count, part, percent, significant};

/// A loss that fell by this factor is told as a factor, one that fell by less as a part.
const MANY_TIMES: f64 = 10.0;

/// How the loss fell.
pub(super) fn losses(evaluation: &Evaluation) -> Option<String> {
    let history = evaluation.record.history.as_ref()?;
    let (first, best) = (history.epochs.first()?, history.best()?);
    let times = first.validation_loss / best.validation_loss;
    let epochs = count(history.epochs.len(), "epoch", "epochs");
    if history.epochs.len() < 2 || !times.is_finite() || times < 1.0 {
        return None;
    }
    if best.epoch == first.epoch {
        return Some(format!("The validation loss was lowest in the first of {epochs}"));
    }
    let fell = match times {
        MANY_TIMES.. => format!("became {} times smaller", significant(times, 2)),
        _ => format!("fell by {}", percent(1.0 - 1.0 / times)),
    };
    let lowest = history.epochs.last().is_some_and(|last| last.epoch == best.epoch);
    let when = if lowest { "the last".to_owned() } else { format!("epoch {}", best.epoch) };
    Some(format!("The validation loss {fell} over {epochs} and was lowest in {when}"))
}

/// For how many samples the network does better than PCA.
pub(super) fn distribution(evaluation: &Evaluation) -> Option<String> {
    let as_numbers = |errors: &[f32]| errors.iter().copied().map(f64::from).collect::<Vec<f64>>();
    let (own, baseline) = (as_numbers(&evaluation.network.per_sample), as_numbers(&evaluation.baseline.per_sample));
    beats(evaluation, own.into_iter().zip(baseline), ["on", "sample", "samples"])
}

/// On how many classes the network does better than PCA.
pub(super) fn classes(evaluation: &Evaluation) -> Option<String> {
    let pairs = evaluation.classes.iter().map(|class| (class.mse, class.baseline_mse));
    beats(evaluation, pairs, ["on", "class", "classes"])
}

/// At how many pixels or features, called so, the network does better than PCA.
pub(super) fn features(evaluation: &Evaluation, words: [&str; 3]) -> Option<String> {
    let pairs = evaluation.network.per_feature.iter().copied().zip(evaluation.baseline.per_feature.iter().copied());
    beats(evaluation, pairs, words)
}

/// Who has the smaller error more often, of pairs of the network's and PCA's; `words` are the preposition, one, and many of what they
/// belong to. Nothing where there are fewer than two.
fn beats(evaluation: &Evaluation, pairs: impl Iterator<Item = (f64, f64)>, words: [&str; 3]) -> Option<String> {
    let pairs = pairs.filter(|(own, baseline)| own.is_finite() && baseline.is_finite());
    let (mut better, mut worse, mut all) = (0, 0, 0);
    for (own, baseline) in pairs {
        better += usize::from(own < baseline);
        worse += usize::from(own > baseline);
        all += 1;
    }
    (all > 1 && !evaluation.is_closed_form()).then(|| in_words(better, worse, all, words))
}

/// Few are counted; of many the part is told.
fn in_words(better: usize, worse: usize, all: usize, [at, one, many]: [&str; 3]) -> String {
    const FEW: usize = 100;
    let (who, whom, wins) =
        if better >= worse { ("The network", "PCA", better) } else { ("PCA", "the network", worse) };
    match wins {
        0 => format!("The network and PCA are equally good {at} every {one}"),
        wins if wins == all => format!("{who} beats {whom} {at} every {one}"),
        wins if all <= FEW => format!("{who} beats {whom} {at} {wins} of {all} {many}"),
        wins => format!("{who} beats {whom} {at} {} of the {many}", part(wins, all)),
    }
}

/// What a plane of codes shows: whether neighbours belong together, or how much of the codes is seen.
pub(super) fn plane(codes: &Codes, which: usize) -> Option<String> {
    let projection = &codes.projections[which];
    match (projection.neighbours, projection.share) {
        (Some(neighbours), _) => Some(format!(
            "The nearest neighbour is of the same class for {} of the samples (by chance {})",
            percent(neighbours.same),
            percent(neighbours.by_chance)
        )),
        (None, Some(share)) => Some(format!("Two directions hold {} of the variance of the codes", percent(share))),
        (None, None) => None,
    }
}

/// Which number of the code changes the output most.
pub(super) fn traversals(evaluation: &Evaluation, codes: &Codes) -> Option<String> {
    let traversals = &codes.traversals[0].all;
    let by_change =
        |a: &&crate::evaluation::Traversal, b: &&crate::evaluation::Traversal| a.change.total_cmp(&b.change);
    let (most, least) = (traversals.iter().max_by(by_change)?, traversals.iter().min_by(by_change)?);
    let told = most.change > least.change && most.change.is_finite() && traversals.len() > 1;
    let all_shown = traversals.len() > 2 && traversals.len() < MOST_DIMENSIONS;
    let least = if all_shown { format!(", number {} the least", least.dimension + 1) } else { String::new() };
    let whose = if evaluation.is_closed_form() { "the code" } else { "the network's code" };
    told.then(|| format!("Number {} of {whose} changes the output the most{least}", most.dimension + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wins_losses_ties_and_mixtures_are_told_as_they_are() {
        let told = |better, worse, all| in_words(better, worse, all, ["on", "class", "classes"]).replace('\u{a0}', " ");
        assert_eq!(told(10, 0, 10), "The network beats PCA on every class");
        assert_eq!(told(0, 10, 10), "PCA beats the network on every class");
        assert_eq!(told(0, 0, 10), "The network and PCA are equally good on every class");
        assert_eq!(told(7, 2, 10), "The network beats PCA on 7 of 10 classes");
        assert_eq!(told(2, 7, 10), "PCA beats the network on 7 of 10 classes");
        assert_eq!(told(5, 5, 10), "The network beats PCA on 5 of 10 classes");
        assert_eq!(told(999, 1, 1000), "The network beats PCA on more than 99 % of the classes");
        assert_eq!(told(1, 0, 1000), "The network beats PCA on less than 1 % of the classes");
    }
}
