//! Windows of an image as rows of a matrix, so that a convolution becomes a product of matrices (Chellapilla, Puri & Simard 2006):
//! `unfold` copies them out, `fold` adds them back where they came from. Images are height × width × channels; a few rows of windows
//! are unfolded at a time, so that they stay in a core's cache.

use std::ops::{Add, Range};

use crate::network::per_axis::PerAxis;
use crate::network::vectorised::vectorised;

/// Numbers that unfolded windows may take at a time: as many as stay in the second-level cache beside what they meet.
const CACHED: usize = 64 * 1024;

/// Windows over an image of zeros beyond its borders.
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
    pub(crate) kernel: PerAxis,
    /// From one window to the next.
    pub(crate) stride: PerAxis,
    /// How far the first window reaches beyond the border.
    pub(crate) padding: PerAxis,
}

impl Windows {
    /// The same windows over an image of one column, which is a series, as over one of one row: all values lie where they lie, and
    /// the pixels of a window lie side by side. A series that is too long to be unfolded at once stays as it is.
    pub(crate) fn along_the_width(self) -> Self {
        let column = (self.width, self.columns, self.kernel.width, self.padding.width) == (1, 1, 1, 0);
        if !column || self.count() * self.values() > CACHED {
            return self;
        }
        let turned = |PerAxis { height, width }| PerAxis { height: width, width: height };
        Self {
            height: 1,
            width: self.height,
            channels: self.channels,
            rows: 1,
            columns: self.rows,
            kernel: turned(self.kernel),
            stride: turned(self.stride),
            padding: turned(self.padding),
        }
    }

    /// Values of one window.
    pub(crate) fn values(&self) -> usize {
        self.kernel.area() * self.channels
    }

    /// How many windows there are.
    pub(crate) fn count(&self) -> usize {
        self.rows * self.columns
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

    /// Values of all windows in some rows.
    pub(crate) fn unfolded(&self, rows: &Range<usize>) -> usize {
        rows.len() * self.columns * self.values()
    }

    /// Values of the largest piece, which is the first.
    pub(crate) fn largest_piece(&self) -> usize {
        self.pieces().next().map_or(0, |rows| self.unfolded(&rows))
    }

    /// Writes the windows of some rows, `windows × values`.
    pub(crate) fn unfold<T: Copy + Default>(&self, image: &[T], rows: Range<usize>, windows: &mut [T]) {
        vectorised(
            #[inline(always)]
            || {
                self.each_run(rows, |run| match run {
                    Run::Beyond(range) => windows[range].fill(T::default()),
                    Run::Inside(steps) => steps.each(
                        #[inline(always)]
                        |at, from, to| at.copy(&image[from..], &mut windows[to..]),
                    ),
                });
            },
        );
    }

    /// Adds the windows of some rows to the image.
    pub(crate) fn fold<T: Copy + Add<Output = T>>(&self, windows: &[T], rows: Range<usize>, image: &mut [T]) {
        vectorised(
            #[inline(always)]
            || {
                self.each_run(rows, |run| {
                    if let Run::Inside(steps) = run {
                        steps.each(
                            #[inline(always)]
                            |at, to, from| at.add(&windows[from..], &mut image[to..]),
                        );
                    }
                });
            },
        );
    }

    /// Names everything that the windows of some rows consist of.
    #[inline(always)]
    fn each_run(&self, rows: Range<usize>, mut visit: impl FnMut(Run)) {
        let &Self { height, width, channels, columns, kernel, stride, padding, .. } = self;
        let (length, values) = (kernel.width * channels, self.values());
        // Columns whose windows lie within the image's width.
        let first = padding.width.div_ceil(stride.width).min(columns);
        let last = (width + padding.width).checked_sub(kernel.width).map_or(0, |last| last / stride.width + 1);
        let whole = first..last.clamp(first, columns);
        for (index, row) in rows.enumerate() {
            let start = index * columns * values;
            for line in 0..kernel.height {
                let at = |column: usize| start + column * values + line * length;
                let Some(y) = (row * stride.height + line).checked_sub(padding.height).filter(|&y| y < height) else {
                    (0..columns).for_each(|column| visit(Run::Beyond(at(column)..at(column) + length)));
                    continue;
                };
                for column in (0..whole.start).chain(whole.end..columns) {
                    // Values of the window's line before and behind those of the image.
                    let left = column * stride.width;
                    let before = padding.width.saturating_sub(left).min(kernel.width);
                    let behind = (left + kernel.width).saturating_sub(padding.width + width).min(kernel.width - before);
                    let inside = at(column) + before * channels..at(column) + length - behind * channels;
                    visit(Run::Beyond(at(column)..inside.start));
                    visit(Run::Beyond(inside.end..at(column) + length));
                    if !inside.is_empty() {
                        let image = (y * width + left + before - padding.width) * channels;
                        let (windows, length) = (inside.start, inside.len());
                        visit(Run::Inside(Steps { image, windows, count: 1, image_step: 0, windows_step: 0, length }));
                    }
                }
                if !whole.is_empty() {
                    let image = (y * width + whole.start * stride.width - padding.width) * channels;
                    let (image_step, windows_step) = (stride.width * channels, values);
                    let (windows, count) = (at(whole.start), whole.len());
                    visit(Run::Inside(Steps { image, windows, count, image_step, windows_step, length }));
                }
            }
        }
    }
}

/// Part of a row of windows.
enum Run {
    /// Beyond a border of the image.
    Beyond(Range<usize>),
    /// One line of each of some windows, which lies in the image.
    Inside(Steps),
}

/// Stretches of equal length, at equal distances in the image and among the windows.
struct Steps {
    image: usize,
    windows: usize,
    count: usize,
    image_step: usize,
    windows_step: usize,
    length: usize,
}

impl Steps {
    /// Calls `visit` with where each stretch begins in the image and among the windows. How long they are is told apart first, so
    /// that the loop over them has it at hand: short ones take no longer to move than to ask for.
    #[inline(always)]
    fn each(&self, mut visit: impl FnMut(Length, usize, usize)) {
        match self.length {
            3 => self.each_of(Length::Three, &mut visit),
            length if length % 16 == 0 => self.each_of(Length::Sixteens(length / 16), &mut visit),
            length => self.each_of(Length::Any(length), &mut visit),
        }
    }

    #[inline(always)]
    fn each_of(&self, length: Length, visit: &mut impl FnMut(Length, usize, usize)) {
        for index in 0..self.count {
            visit(length, self.image + index * self.image_step, self.windows + index * self.windows_step);
        }
    }
}

/// How many values a stretch has.
#[derive(Clone, Copy)]
enum Length {
    /// A window of three pixels in grey.
    Three,
    Sixteens(usize),
    Any(usize),
}

impl Length {
    #[inline(always)]
    fn copy<T: Copy>(self, from: &[T], to: &mut [T]) {
        self.apply(from, to, |from, _| from);
    }

    #[inline(always)]
    fn add<T: Copy + Add<Output = T>>(self, from: &[T], to: &mut [T]) {
        self.apply(from, to, |from, to| from + to);
    }

    #[inline(always)]
    fn apply<T: Copy>(self, from: &[T], to: &mut [T], result: impl Fn(T, T) -> T) {
        let length = match self {
            Self::Three => 3,
            Self::Sixteens(count) => 16 * count,
            Self::Any(length) => length,
        };
        let (from, to) = (&from[..length], &mut to[..length]);
        if let Self::Sixteens(_) = self {
            for (to, from) in to.as_chunks_mut::<16>().0.iter_mut().zip(from.as_chunks::<16>().0) {
                *to = std::array::from_fn(|lane| result(from[lane], to[lane]));
            }
        } else {
            for (to, &from) in to.iter_mut().zip(from) {
                *to = result(from, *to);
            }
        }
    }
}

/// What tests of convolutions choose from.
#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use proptest::prelude::*;

    /// Windows of all kinds of shapes, of which the image holds at least one.
    pub(in super::super) fn windows() -> impl Strategy<Value = Windows> {
        let per_axis =
            |range: Range<usize>| (range.clone(), range).prop_map(|(height, width)| PerAxis { height, width });
        let channels = proptest::sample::select(vec![1usize, 2, 3, 5, 16]);
        (per_axis(1..9), channels, per_axis(1..6), per_axis(1..4), per_axis(0..5)).prop_filter_map(
            "the image holds a window",
            |(size, channels, kernel, stride, padding)| {
                let count = |size: usize, kernel: usize, stride: usize, padding: usize| {
                    Some((size + 2 * padding).checked_sub(kernel)? / stride + 1)
                };
                let rows = count(size.height, kernel.height, stride.height, padding.height)?;
                let columns = count(size.width, kernel.width, stride.width, padding.width)?;
                let PerAxis { height, width } = size;
                Some(Windows { height, width, channels, rows, columns, kernel, stride, padding })
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::testing::windows;
    use super::*;
    use proptest::prelude::*;

    /// Where each value of each window lies in the image, if it does.
    fn places(windows: &Windows) -> Vec<Option<usize>> {
        let Windows { height, width, channels, kernel, stride, padding, .. } = *windows;
        let mut places = Vec::new();
        for (row, column) in (0..windows.rows).flat_map(|row| (0..windows.columns).map(move |column| (row, column))) {
            for (y, x) in (0..kernel.height).flat_map(|y| (0..kernel.width).map(move |x| (y, x))) {
                let y = (row * stride.height + y).checked_sub(padding.height).filter(|&y| y < height);
                let x = (column * stride.width + x).checked_sub(padding.width).filter(|&x| x < width);
                let pixel = y.zip(x).map(|(y, x)| y * width + x);
                places.extend((0..channels).map(|channel| pixel.map(|pixel| pixel * channels + channel)));
            }
        }
        places
    }

    proptest! {
        #[test]
        fn unfolding_copies_every_window_and_folding_adds_it_back(windows in windows()) {
            let places = places(&windows);
            let image: Vec<f32> = (1..=windows.image()).map(|value| value as f32).collect();
            let mut unfolded = vec![f32::NAN; places.len()];
            let mut folded = vec![0.5; image.len()];
            for rows in windows.pieces() {
                let each = windows.columns * windows.values();
                let piece = &mut unfolded[rows.start * each..rows.end * each];
                windows.unfold(&image, rows.clone(), piece);
                windows.fold(piece, rows, &mut folded);
            }
            let mut expected = vec![0.5; image.len()];
            for (value, place) in unfolded.iter().zip(&places) {
                prop_assert_eq!(*value, place.map_or(0.0, |place| image[place]));
                if let Some(place) = place {
                    expected[*place] += image[*place];
                }
            }
            prop_assert_eq!(folded, expected);
        }
    }
}
