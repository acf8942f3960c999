//! Pictures in threes below each other: damaged, what a model made of them, and what they were.

use crate::charts::{Anchor, Svg};
use crate::palette::{Ink, Theme};
use crate::picture::{Picture, PictureError};

/// Longest side of a picture as it is drawn.
const SIDE: f64 = 64.0;
const GAP: f64 = 8.0;
/// Width of the names of the rows.
const NAMES: f64 = 104.0;

/// A column for each three; `None` without any. The rows are called by the names, of which the second is the network's.
pub(super) fn draw(
    names: [&str; 3],
    columns: &[[&Picture; 3]],
    label: &str,
    theme: Theme,
) -> Result<Option<String>, PictureError> {
    let Some([first, ..]) = columns.first() else { return Ok(None) };
    let scale = SIDE / first.width.max(first.height) as f64;
    let size = (first.width as f64 * scale, first.height as f64 * scale);
    let width = NAMES + columns.len() as f64 * (size.0 + GAP) - GAP;
    let mut svg = Svg::new(width, 3.0 * (size.1 + GAP) - GAP, theme);
    for (row, name) in names.into_iter().enumerate() {
        let top = row as f64 * (size.1 + GAP);
        let place = (NAMES - 12.0, top + size.1 / 2.0 + 4.0);
        match row {
            1 => svg.bold_text(place, Anchor::End, 13.0, Ink::Network, name),
            _ => svg.text(place, Anchor::End, 13.0, Ink::Text, name),
        }
        for (column, pictures) in columns.iter().enumerate() {
            let left = NAMES + column as f64 * (size.0 + GAP);
            svg.image((left, top), size, &pictures[row].data_uri()?, None);
        }
    }
    Ok(Some(svg.finish(label)))
}
