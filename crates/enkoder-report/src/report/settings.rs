//! The settings of a run in words, for the table that tells how to repeat it.

use enkoder::{Corruption, Loss, NoiseLevel, Penalty, Schedule, Stopped, TrainingConfig};

use crate::number::{grouped, short, significant};

pub(super) fn loss(loss: &Loss) -> String {
    match loss {
        Loss::MeanSquared => "mean squared error".to_owned(),
        Loss::MeanAbsolute => "mean absolute error".to_owned(),
        Loss::Huber { delta } => format!("Huber, delta {}", short(*delta)),
        Loss::BinaryCrossEntropy => "binary cross-entropy".to_owned(),
        other => format!("{other:?}"),
    }
}

fn schedule(schedule: &Schedule) -> String {
    let (name, rise) = match schedule {
        Schedule::Constant { .. } => ("constant", "warm-up over the first"),
        Schedule::Cosine { .. } => ("half a cosine down to zero", "warm-up over the first"),
        Schedule::OneCycle { .. } => ("one cycle", "rising over the first"),
        other => return format!("{other:?}"),
    };
    match schedule.warmup() {
        warmup if warmup > 0.0 => {
            format!("{name}, {rise} {}\u{a0}% of the steps", significant(f64::from(warmup) * 100.0, 2))
        }
        _ => name.to_owned(),
    }
}

/// A corruption, of values that were bytes or not: where they were, people think of a standard deviation in 255ths.
pub(crate) fn corruption(corruption: &Corruption, of_bytes: bool) -> String {
    match corruption {
        Corruption::Gaussian { sigma } if of_bytes => {
            let of_white = sigma.map(|sigma| significant(f64::from(sigma) * 255.0, 4).parse().unwrap_or(sigma * 255.0));
            format!("Gaussian noise, sigma {} (of 255)", level(of_white))
        }
        Corruption::Gaussian { sigma } => format!("Gaussian noise, sigma {} in scaled units", level(*sigma)),
        Corruption::Poisson { peak } => format!("Poisson noise, {} counts at value 1", level(*peak)),
        Corruption::Masking { fraction } => format!("masking, fraction {}", level(*fraction)),
        Corruption::SaltAndPepper { fraction } => format!("salt and pepper, fraction {}", level(*fraction)),
        Corruption::Missing { fraction } => format!("missing values, fraction {}", level(*fraction)),
        Corruption::BlindSpots { fraction } => format!("blind spots, fraction {}", level(*fraction)),
        other => other.to_string(),
    }
}

fn level(level: NoiseLevel) -> String {
    match level {
        NoiseLevel::Fixed(level) => short(level),
        NoiseLevel::Range([low, high]) => format!("{} to {}, drawn for each sample", short(low), short(high)),
    }
}

fn penalty(penalty: &Penalty) -> String {
    match penalty {
        Penalty::L1 { weight } => format!("L1 of the code, weight {}", short(*weight)),
        Penalty::KullbackLeibler { weight, target } => {
            format!("Kullback–Leibler divergence of the code from {}, weight {}", short(*target), short(*weight))
        }
        Penalty::Contractive { weight } => format!("contractive, weight {}", short(*weight)),
        other => format!("{other:?}"),
    }
}

pub(super) fn stopped(stopped: Stopped) -> &'static str {
    match stopped {
        Stopped::Completed => "completed all epochs",
        Stopped::Early => "stopped early: the validation loss no longer improved",
        Stopped::Interrupted => "interrupted on request",
        Stopped::Diverged => "stopped when the loss diverged",
    }
}

/// Name and value of every setting that has one, of a training on bytes or not.
pub(crate) fn rows(config: &TrainingConfig, of_bytes: bool) -> Vec<(&'static str, String)> {
    let optimizer = &config.optimizer;
    let mut rows = vec![
        ("Seed", config.seed.to_string()),
        ("Epochs", grouped(config.epochs)),
        ("Batch size", grouped(config.batch_size)),
        ("Loss", loss(&config.loss)),
        (
            "Optimizer",
            format!(
                "Adam, learning rate {}, betas {} and {}, epsilon {}",
                short(optimizer.learning_rate),
                short(optimizer.beta1),
                short(optimizer.beta2),
                significant(optimizer.epsilon.into(), 1)
            ),
        ),
        ("Learning rate", schedule(&config.schedule)),
    ];
    let optional = [
        ("Task", config.task.map(|task| task.to_string().replace('_', " "))),
        ("Weight decay", (optimizer.weight_decay > 0.0).then(|| short(optimizer.weight_decay))),
        ("Gradient clip", config.gradient_clip.map(short)),
        ("Corruption of the inputs", config.corruption.as_ref().map(|damage| corruption(damage, of_bytes))),
        ("Penalty", config.penalty.as_ref().map(penalty)),
        ("Patience", config.patience.map(|patience| crate::number::count(patience, "epoch", "epochs"))),
    ];
    rows.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    rows
}
