//! Crops of pictures: clean, noisy, and what each method made of them.

use crate::charts::{Anchor, Svg};
use crate::denoising::{DenoisingEvaluation, Method};
use crate::palette::{Ink, Theme};
use crate::picture::PictureError;

/// Side of a crop as it is drawn.
const SIDE: f64 = 144.0;
const GAP: f64 = 10.0;
/// Height of the line of headings, and of that under each row.
const HEADING: f64 = 22.0;
const CAPTION: f64 = 28.0;

impl DenoisingEvaluation {
    /// A row for each picture of which there are crops; `None` without any.
    pub(crate) fn draw_crops(&self, theme: Theme) -> Result<Option<String>, PictureError> {
        if self.crops.is_empty() {
            return Ok(None);
        }
        let columns = (1 + Method::ALL.len()) as f64;
        let scale = |width: usize, height: usize| SIDE / width.max(height) as f64;
        let row_height =
            |clean: &crate::picture::Picture| clean.height as f64 * scale(clean.width, clean.height) + CAPTION;
        let height = HEADING + self.crops.iter().map(|crops| row_height(&crops.clean)).sum::<f64>();
        let mut svg = Svg::new(columns * (SIDE + GAP) - GAP, height, theme);
        let middle = |column: usize| column as f64 * (SIDE + GAP) + SIDE / 2.0;
        svg.text((middle(0), 12.0), Anchor::Middle, 13.0, Ink::Text, "clean");
        for (column, method) in (1..).zip(Method::ALL) {
            match method {
                Method::Model => {
                    svg.bold_text((middle(column), 12.0), Anchor::Middle, 13.0, Ink::Network, method.name())
                }
                _ => svg.text((middle(column), 12.0), Anchor::Middle, 13.0, Ink::Text, method.name()),
            }
        }
        let mut top = HEADING;
        for crops in &self.crops {
            let scale = scale(crops.clean.width, crops.clean.height);
            let size = (crops.clean.width as f64 * scale, crops.clean.height as f64 * scale);
            let below = top + size.1 + 16.0;
            let best = crops.made.iter().map(|(_, psnr)| *psnr).fold(f64::NEG_INFINITY, f64::max);
            svg.image((middle(0) - size.0 / 2.0, top), size, &crops.clean.data_uri()?, None);
            svg.text((middle(0), below), Anchor::Middle, 12.0, Ink::Muted, &short(&crops.name));
            for (column, (picture, psnr)) in (1..).zip(&crops.made) {
                svg.image((middle(column) - size.0 / 2.0, top), size, &picture.data_uri()?, None);
                let text = if psnr.is_finite() { format!("{psnr:.2} dB") } else { "identical".to_owned() };
                match *psnr == best {
                    true => svg.bold_text((middle(column), below), Anchor::Middle, 12.0, Ink::Text, &text),
                    false => svg.text((middle(column), below), Anchor::Middle, 12.0, Ink::Muted, &text),
                }
            }
            top += size.1 + CAPTION;
        }
        let label = format!(
            "Crops of pictures with noise {}, and what is left of it; PSNR of the whole pictures",
            self.noise()
        );
        Ok(Some(svg.finish(&label)))
    }
}

/// A name that fits under a crop.
fn short(name: &str) -> String {
    const MOST: usize = 22;
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    let start: String = name.chars().take(MOST - 1).collect();
    start + "…"
}
