//! Noisy samples, what a model made of them, and what they were.

use super::triples::draw;
use crate::evaluation::View;
use crate::noise::NoiseEvaluation;
use crate::palette::Theme;
use crate::picture::{Picture, PictureError};

impl NoiseEvaluation {
    /// A column for each picture shown; `None` where samples are no pictures.
    pub(crate) fn draw_noise(&self, theme: Theme) -> Result<Option<String>, PictureError> {
        let columns: Vec<[&Picture; 3]> = self.shown.iter().filter_map(pictures).collect();
        let label = "Noisy samples, what the model makes of them, and the clean samples";
        draw(["noisy", "model", "clean"], &columns, label, theme)
    }
}

/// The views of a sample as pictures.
fn pictures(views: &[View; 3]) -> Option<[&Picture; 3]> {
    match views {
        [View::Picture(noisy), View::Picture(out), View::Picture(clean)] => Some([noisy, out, clean]),
        _ => None,
    }
}
