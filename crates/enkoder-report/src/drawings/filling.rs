//! Samples of which a part was taken away, what a model made of them, and what they were.

use crate::charts::{Anchor, Svg};
use crate::filling::FillingEvaluation;
use crate::palette::{Ink, Theme};
use crate::picture::PictureError;

/// Longest side of a picture as it is drawn.
const SIDE: f64 = 64.0;
const GAP: f64 = 8.0;
/// Width of the names of the rows.
const NAMES: f64 = 104.0;

impl FillingEvaluation {
    /// A column for each sample shown; `None` without any.
    pub(crate) fn draw_filled(&self, theme: Theme) -> Result<Option<String>, PictureError> {
        let Some([first, ..]) = self.shown.first() else { return Ok(None) };
        let scale = SIDE / first.width.max(first.height) as f64;
        let size = (first.width as f64 * scale, first.height as f64 * scale);
        let width = NAMES + self.shown.len() as f64 * (size.0 + GAP) - GAP;
        let mut svg = Svg::new(width, 3.0 * (size.1 + GAP) - GAP, theme);
        let missing = format!("{} missing", crate::number::percent(f64::from(self.fraction())));
        for (row, (name, ink)) in
            [(missing.as_str(), Ink::Text), ("filled", Ink::Network), ("whole", Ink::Text)].into_iter().enumerate()
        {
            let top = row as f64 * (size.1 + GAP);
            let place = (NAMES - 12.0, top + size.1 / 2.0 + 4.0);
            match ink {
                Ink::Network => svg.bold_text(place, Anchor::End, 13.0, ink, name),
                _ => svg.text(place, Anchor::End, 13.0, ink, name),
            }
            for (column, pictures) in self.shown.iter().enumerate() {
                let left = NAMES + column as f64 * (size.0 + GAP);
                svg.image((left, top), size, &pictures[row].data_uri()?, None);
            }
        }
        Ok(Some(svg.finish(&format!("Samples with {missing}, what the model fills in, and the whole samples"))))
    }
}
