//! A preview for terminals: originals above their reconstructions, two pixels in each character cell where colours are
//! allowed, a ramp of ASCII characters otherwise; samples that are no images become lines of bars.

use std::fmt::Write;

use ndarray::{ArrayView1, ArrayView2};

use crate::evaluation::View;
use crate::picture::{Layout, Picture};

/// From dark to light on a dark terminal, after the usual ASCII ramps.
const RAMP: &[u8] = b" .:-=+*#%@";
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Images are brought down to at most this many pixels a side.
const MOST_PIXELS: usize = 28;
/// Images are brought down further until this many fit beside each other.
const WANTED: usize = 5;
/// Values wider than this are brought down by averaging.
const MOST_BARS: usize = 64;
/// Samples that are no images take at most this many lines.
const MOST_LINES: usize = 11;

/// Originals above their reconstructions (both `samples × features`, in the same units), for a terminal `width` characters
/// wide. `range` is what appears black and white. As many samples are shown as fit, images beside each other and others
/// below each other; `colour` allows 24-bit ANSI colours. Empty where nothing fits; every line ends with a line feed.
///
/// ```
/// use ndarray::array;
///
/// let (original, reconstruction) = (array![[0.0, 1.0, 1.0, 0.0]], array![[0.1, 0.9, 0.8, 0.0]]);
/// let shown = enkoder_report::preview(original.view(), reconstruction.view(), &[2, 2], (0.0, 1.0), 80, false);
/// assert_eq!(shown, "==\n\n==\n");
/// ```
pub fn preview(
    originals: ArrayView2<'_, f32>,
    reconstructions: ArrayView2<'_, f32>,
    shape: &[usize],
    range: (f32, f32),
    width: usize,
    colour: bool,
) -> String {
    let layout = Layout::of(shape);
    let view = |values: ArrayView1<'_, f32>| {
        let values = values.to_vec();
        match Picture::of_sample(&values, layout, range, MOST_PIXELS) {
            Some(picture) => View::Picture(picture),
            None => View::Values(values),
        }
    };
    // No more than could fit with a character for each.
    let pairs = originals.rows().into_iter().zip(reconstructions.rows()).take(width);
    let views: Vec<[View; 2]> = pairs.map(|(original, copy)| [view(original), view(copy)]).collect();
    of_views(views.iter().map(|views| views.each_ref()), width, colour)
}

/// The preview of samples that are already brought into view, several views of each below each other.
pub(crate) fn of_views<'a, const N: usize>(
    samples: impl Iterator<Item = [&'a View; N]>,
    width: usize,
    colour: bool,
) -> String {
    let mut rows: [Vec<Picture>; N] = std::array::from_fn(|_| Vec::new());
    let mut lines = String::new();
    let most = MOST_PIXELS.min(((width + 1) / WANTED).saturating_sub(1)).max(1);
    for views in samples {
        if views.iter().all(|view| matches!(view, View::Picture(_))) {
            for (row, view) in rows.iter_mut().zip(views) {
                row.extend(picture(view).map(|picture| picture.shrunk(most)));
            }
        } else if lines.lines().count() < MOST_LINES {
            let values = || views.into_iter().filter_map(values);
            if !lines.is_empty() {
                lines.push('\n');
            }
            let finite = || values().flatten().copied().filter(|value| value.is_finite());
            let range = (finite().fold(f32::INFINITY, f32::min), finite().fold(f32::NEG_INFINITY, f32::max));
            for values in values() {
                lines.push_str(&bars(values, range, width));
                lines.push('\n');
            }
        }
    }
    for (number, row) in rows.iter_mut().enumerate() {
        row.truncate(row.first().map_or(0, |picture| (width + 1) / (picture.width + 1)));
        if !row.is_empty() {
            if number > 0 && !colour {
                lines.push('\n');
            }
            draw(&mut lines, row, colour);
        }
    }
    lines
}

fn picture(view: &View) -> Option<&Picture> {
    if let View::Picture(picture) = view { Some(picture) } else { None }
}

fn values(view: &View) -> Option<&Vec<f32>> {
    if let View::Values(values) = view { Some(values) } else { None }
}

/// Pictures beside each other, two rows of pixels a line.
fn draw(out: &mut String, pictures: &[Picture], colour: bool) {
    let height = pictures.iter().map(|picture| picture.height).max().unwrap_or(0);
    for top in (0..height).step_by(2) {
        let mut line = String::new();
        for (index, picture) in pictures.iter().enumerate() {
            if index > 0 {
                line.push(' ');
            }
            for x in 0..picture.width {
                let [upper, lower] = [picture.colour(x, top), picture.colour(x, top + 1)];
                if colour {
                    let ([r, g, b], [r2, g2, b2]) = (upper, lower);
                    let _ = write!(line, "\x1b[38;2;{r};{g};{b};48;2;{r2};{g2};{b2}m▀");
                } else {
                    let grey =
                        |[r, g, b]: [u8; 3]| (u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114) / 1000;
                    let rows = if top + 1 < picture.height { 2 } else { 1 };
                    let mean = (grey(upper) + grey(lower) * (rows - 1)) / rows;
                    line.push(char::from(RAMP[mean as usize * (RAMP.len() - 1) / 255]));
                }
            }
            if colour {
                line.push_str("\x1b[0m");
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// Values as a line of bars; a missing value is a space.
fn bars(values: &[f32], (low, high): (f32, f32), width: usize) -> String {
    let block = values.len().div_ceil(MOST_BARS.min(width.max(1))).max(1);
    values
        .chunks(block)
        .map(|block| {
            let known = || block.iter().filter(|value| value.is_finite());
            let count = known().count();
            if count == 0 {
                return ' ';
            }
            let mean = known().map(|&value| f64::from(value)).sum::<f64>() / count as f64;
            let span = f64::from(high) - f64::from(low);
            let level = if span > 0.0 { (mean - f64::from(low)) / span * 7.0 } else { 0.0 };
            BARS[(level.round() as usize).min(7)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn with_colours_a_cell_holds_two_pixels() {
        let image = array![[0.0, 255.0, 128.0, 0.0]];
        let shown = preview(image.view(), image.view(), &[2, 2], (0.0, 255.0), 80, true);
        let line = "\x1b[38;2;0;0;0;48;2;128;128;128m▀\x1b[38;2;255;255;255;48;2;0;0;0m▀\x1b[0m\n";
        assert_eq!(shown, line.repeat(2));
    }

    #[test]
    fn as_many_images_are_shown_as_fit_the_width() {
        let images = Array2::from_elem((10, 28 * 28), 1.0);
        let shown = preview(images.view(), images.view(), &[28, 28], (0.0, 1.0), 80, false);
        assert_eq!(shown.lines().map(|line| line.chars().count()).max(), Some(14 * 5 + 4));
        assert_eq!(shown.lines().count(), 7 + 1 + 7);
    }

    #[test]
    fn series_become_lines_of_bars_with_gaps_where_values_are_missing() {
        let (original, reconstruction) = (array![[0.0, f32::NAN, 1.0]], array![[0.0, 0.5, 1.0]]);
        let shown = preview(original.view(), reconstruction.view(), &[3], (0.0, 1.0), 80, false);
        assert_eq!(shown, "▁ █\n▁▅█\n");
    }

    #[test]
    fn nothing_fits_into_no_width_and_no_samples_show_nothing() {
        let none = Array2::<f32>::zeros((0, 4));
        assert_eq!(preview(none.view(), none.view(), &[2, 2], (0.0, 1.0), 80, true), "");
        assert_eq!(preview(none.view(), none.view(), &[4], (0.0, 1.0), 80, true), "");
        let one = Array2::<f32>::zeros((1, 4));
        for width in [0, 1] {
            for shape in [&[2, 2][..], &[4]] {
                let shown = preview(one.view(), one.view(), shape, (0.0, 0.0), width, false);
                assert!(shown.lines().all(|line| line.chars().count() <= 1), "{shown:?}");
            }
        }
    }
}
