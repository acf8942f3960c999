//! What the page says of filling: errors of what was missing, and samples to look at.

use super::PAGE;
use crate::filling::FillingEvaluation;
use crate::number::{count, percent, significant};
use crate::picture::PictureError;

pub(super) struct FillingSection {
    pub(super) sentence: String,
    pub(super) finding: Option<String>,
    pub(super) drawing: Option<String>,
    pub(super) rows: Vec<(String, String)>,
}

impl FillingSection {
    pub(super) fn of(filling: &FillingEvaluation) -> Result<Self, PictureError> {
        let sentence = format!(
            "A random {} of the values of {} was taken away, {} in all, and filled again. Every method learned from the training samples. PCA has the number of components that does best here, which favours it.",
            percent(f64::from(filling.fraction())),
            count(filling.samples(), "sample", "samples"),
            count(filling.missing(), "value", "values"),
        );
        let rows = filling.results().iter().map(|filled| (filled.name.clone(), significant(filled.mse, 3))).collect();
        Ok(Self { sentence, finding: finding(filling), drawing: filling.draw_filled(PAGE)?, rows })
    }
}

/// How the model does beside the best of the other ways.
fn finding(filling: &FillingEvaluation) -> Option<String> {
    let (own, others) = filling.results().split_last()?;
    let best = others.iter().min_by(|a, b| a.mse.total_cmp(&b.mse))?;
    let [less, more] = [1.0 - own.mse / best.mse, own.mse / best.mse - 1.0];
    let best = &best.name;
    match less {
        less if !less.is_finite() => None,
        0.0 => Some(format!("The error of this model is that of the best other way ({best})")),
        less if less > 0.0 => {
            Some(format!("The error of this model is {} below that of the best other way ({best})", percent(less)))
        }
        _ => Some(format!("The error of this model is {} above that of the best other way ({best})", percent(more))),
    }
}
