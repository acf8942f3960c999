//! Samples of which a part was taken away, what a model made of them, and what they were.

use super::triples::draw;
use crate::filling::FillingEvaluation;
use crate::palette::Theme;
use crate::picture::{Picture, PictureError};

impl FillingEvaluation {
    /// A column for each sample shown; `None` without any.
    pub(crate) fn draw_filled(&self, theme: Theme) -> Result<Option<String>, PictureError> {
        let missing = format!("{} missing", crate::number::percent(f64::from(self.fraction())));
        let label = format!("Samples with {missing}, what the model fills in, and the whole samples");
        let columns: Vec<[&Picture; 3]> = self.shown.iter().map(|pictures| pictures.each_ref()).collect();
        draw([&missing, "filled", "whole"], &columns, &label, theme)
    }
}
