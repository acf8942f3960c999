//! What the page says of filling: errors of what was missing, and samples to look at.

use super::PAGE;
use crate::filling::FillingEvaluation;
use crate::number::{count, percent, significant};
use crate::picture::PictureError;

pub(super) struct FillingSection {
    pub(super) sentence: String,
    pub(super) drawing: Option<String>,
    pub(super) rows: Vec<(String, String)>,
}

impl FillingSection {
    pub(super) fn of(filling: &FillingEvaluation) -> Result<Self, PictureError> {
        let sentence = format!(
            "A random {} of the values of {} was taken away, {} in all, and filled again. Whatever fills learned from the training samples; of principal components it is the number that does best here, which favours them.",
            percent(f64::from(filling.fraction())),
            count(filling.samples(), "sample", "samples"),
            count(filling.missing(), "value", "values"),
        );
        let rows = filling.results().iter().map(|filled| (filled.name.clone(), significant(filled.mse, 3))).collect();
        Ok(Self { sentence, drawing: filling.draw_filled(PAGE)?, rows })
    }
}
