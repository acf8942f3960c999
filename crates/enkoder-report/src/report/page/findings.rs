//! What charts show, each in one sentence: their titles.

use crate::evaluation::Evaluation;
use crate::number::{count, percent, significant};

/// How the loss fell.
pub(super) fn losses(evaluation: &Evaluation) -> Option<String> {
    let history = evaluation.record.history.as_ref()?;
    let (first, best) = (history.epochs.first()?, history.best()?);
    let times = first.validation_loss / best.validation_loss;
    if history.epochs.len() < 2 || !times.is_finite() || times <= 1.0 {
        return None;
    }
    let end = if best.epoch == history.epochs.len() {
        "and was lowest in the last".to_owned()
    } else {
        format!("and was lowest in epoch {}", best.epoch)
    };
    Some(format!(
        "The validation loss fell {} times over {} {end}",
        significant(times, 2),
        count(history.epochs.len(), "epoch", "epochs")
    ))
}

/// For how many samples the network does better than PCA.
pub(super) fn distribution(evaluation: &Evaluation) -> Option<String> {
    if evaluation.is_closed_form() {
        return None;
    }
    let pairs = || evaluation.network.per_sample.iter().zip(&evaluation.baseline.per_sample);
    let known = pairs().filter(|(own, baseline)| own.is_finite() && baseline.is_finite()).count();
    let better = pairs().filter(|(own, baseline)| own < baseline).count();
    (known > 0).then(|| format!("The network beats PCA on {} of the samples", percent(better as f64 / known as f64)))
}

/// On how many classes the network does better than PCA.
pub(super) fn classes(evaluation: &Evaluation) -> Option<String> {
    let classes = &evaluation.classes;
    if evaluation.is_closed_form() || classes.is_empty() {
        return None;
    }
    let better = classes.iter().filter(|class| class.mse < class.baseline_mse).count();
    Some(match better {
        0 => "PCA beats the network on every class".to_owned(),
        all if all == classes.len() => "The network beats PCA on every class".to_owned(),
        some => format!("The network beats PCA on {some} of {} classes", classes.len()),
    })
}
