//! Windows of an image as rows of a matrix, so that a convolution becomes a product of matrices (Chellapilla, Puri & Simard 2006):
//! `unfold` copies them out, `fold` adds them back where they came from. Images are height × width × channels; a few rows of windows
//! are unfolded at a time, so that they stay in a core's cache.

use std::ops::Range;

/// Numbers that unfolded windows may take at a time: as many as stay in the second-level cache beside what they meet.
const CACHED: usize = 64 * 1024;

/// Square windows over an image of zeros beyond its borders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Of the image.
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// How many windows there are below and beside each other.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Of a window, in pixels.
    pub(crate) kernel: usize,
    /// From one window to the next.
    pub(crate) stride: usize,
    /// How far the first window reaches beyond the border.
    pub(crate) padding: usize,
}

impl Windows {
    /// Values of one window.
    pub(crate) fn values(&self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    /// Values of the image.
    pub(crate) fn image(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// The rows of windows in pieces that are unfolded together.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (rows, each) = (self.rows, (CACHED / (self.columns * self.values())).clamp(1, self.rows));
        (0..rows).step_by(each).map(move |first| first..rows.min(first + each))
    }

    /// Most windows of a piece.
    pub(crate) fn piece_windows(&self) -> usize {
        self.pieces().next().map_or(0, |rows| rows.len() * self.columns)
    }

    /// Writes the windows of some rows, `windows × values`.
    pub(crate) fn unfold(&self, image: &[f32], rows: Range<usize>, windows: &mut [f32]) {
        self.each_stretch(rows, |stretch| match stretch {
            Stretch::Beyond { windows: range } => windows[range].fill(0.0),
            Stretch::Inside { windows: range, image: start } => {
                copy(&image[start..start + range.len()], &mut windows[range])
            }
        });
    }

    /// Adds the windows of some rows to the image.
    pub(crate) fn fold(&self, windows: &[f32], rows: Range<usize>, image: &mut [f32]) {
        self.each_stretch(rows, |stretch| {
            if let Stretch::Inside { windows: range, image: start } = stretch {
                add(&windows[range.clone()], &mut image[start..start + range.len()]);
            }
        });
    }

    /// Names, for every row of every window, the stretch of the image that it covers.
    #[inline(always)]
    fn each_stretch(&self, rows: Range<usize>, mut visit: impl FnMut(Stretch)) {
        let &Self { height, width, channels, columns, kernel, stride, padding, .. } = self;
        let (length, row_length) = (kernel * channels, width * channels);
        let mut start = 0;
        for row in rows {
            for column in 0..columns {
                let left = column * stride;
                // Pixels of a window's row that lie before and behind the image's.
                let before = padding.saturating_sub(left).min(kernel);
                let behind = (left + kernel).saturating_sub(padding + width).min(kernel - before);
                let inside = start + before * channels..start + length - behind * channels;
                let from = (left + before).saturating_sub(padding) * channels;
                for line in 0..kernel {
                    let offset = line * length;
                    let whole = start + offset..start + offset + length;
                    match (row * stride + line).checked_sub(padding).filter(|&y| y < height) {
                        Some(y) if !inside.is_empty() => {
                            let inside = inside.start + offset..inside.end + offset;
                            if before > 0 {
                                visit(Stretch::Beyond { windows: whole.start..inside.start });
                            }
                            if behind > 0 {
                                visit(Stretch::Beyond { windows: inside.end..whole.end });
                            }
                            visit(Stretch::Inside { windows: inside, image: y * row_length + from });
                        }
                        _ => visit(Stretch::Beyond { windows: whole }),
                    }
                }
                start += kernel * length;
            }
        }
    }
}

/// Part of one row of one window.
enum Stretch {
    /// It covers the image from this value on.
    Inside { windows: Range<usize>, image: usize },
    /// It lies beyond a border.
    Beyond { windows: Range<usize> },
}

/// Below this many values a loop is faster than a call.
const SHORT: usize = 16;

#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    if from.len() < SHORT {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
    } else {
        to.copy_from_slice(from);
    }
}

#[inline(always)]
fn add(from: &[f32], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
}
