//! What is around a value that is coded next: the values before it in its picture, the picture before, the mean of all so far.

use super::Raster;
use super::calm::Calm;
use super::classes::Classes;

/// Places beside and above a picture that count as known.
const MARGIN: usize = 3;
/// Lengths of runs that are told apart.
const LONGEST: u8 = 40;

/// The values before, and what is kept of them: with `ALL` also means, runs and counts.
pub(super) struct Surroundings<const ALL: bool> {
    raster: Raster,
    tables: [[u8; 256]; 3],
    /// The picture and the one before, with margins.
    now: Vec<u8>,
    before: Vec<u8>,
    /// Values in a row with margins.
    stride: usize,
    /// What [`Near::about`] says of each row, and of each value of one.
    about: [Vec<u16>; 2],
    /// For each place of a picture the mean so far, in 256ths.
    mean: Vec<u16>,
    /// How fast it changes, in 2^−14: 1/n for the n-th picture, at least 1/16.
    pictures: i32,
    rate: i32,
    row: usize,
    column: usize,
    /// How long a value's class of two has been the same: to the left, of this row and the one before; to the right, of the two rows
    /// before; upwards; and towards the upper left.
    left: [Vec<u8>; 2],
    right: [Vec<u8>; 2],
    up: Vec<u8>,
    diagonal: [Vec<u8>; 2],
    /// Values of the upper class in this row, in the row before, and in the rows of the picture before this one; rows before the first.
    upper: [usize; 3],
    empty_rows: usize,
}

/// What is around a value.
#[derive(Clone, Copy, Default)]
pub(super) struct Near {
    pub(super) channel: u32,
    pub(super) row: u32,
    /// The place in a picture, and about where it is: below 1024.
    pub(super) place: u32,
    pub(super) about: u32,
    pub(super) w: u8,
    pub(super) ww: u8,
    pub(super) n: u8,
    pub(super) nn: u8,
    pub(super) nw: u8,
    pub(super) ne: u8,
    pub(super) nee: u8,
    pub(super) nww: u8,
    pub(super) nnw: u8,
    pub(super) nne: u8,
    /// The value of the channel before, or of the picture before where there is none; and that one's neighbours.
    pub(super) p: u8,
    pub(super) pw: u8,
    pub(super) pn: u8,
    pub(super) pnw: u8,
    /// The value of two channels before, or of the picture before.
    pub(super) pp: u8,
    pub(super) mean: u8,
    /// Bits of the class of two of the values around, the nearest lowest.
    pub(super) wide: u32,
    pub(super) run: u8,
    pub(super) up: u8,
    pub(super) diagonal: u8,
    /// Runs from the value above to its left and right, and from the one above that to its right.
    pub(super) left_above: u8,
    pub(super) right_above: u8,
    pub(super) right_above_that: u8,
    pub(super) upper: [usize; 3],
    pub(super) empty_rows: usize,
}

impl<const ALL: bool> Surroundings<ALL> {
    pub(super) fn new(raster: Raster, classes: &Classes) -> Self {
        let Raster { rows, columns, channels } = raster;
        let (stride, width) = ((columns + 2 * MARGIN) * channels, columns * channels);
        let picture = vec![0; (rows + MARGIN) * stride];
        let runs = || [vec![0; width], vec![0; width]];
        Self {
            raster,
            tables: classes.tables(),
            now: picture.clone(),
            before: picture,
            stride,
            about: [about(rows, 32, 1), about(columns, 1, channels)],
            mean: vec![0; rows * width],
            pictures: 1,
            rate: 1 << 14,
            row: 0,
            column: 0,
            left: runs(),
            right: runs(),
            up: vec![0; width],
            diagonal: runs(),
            upper: [0; 3],
            empty_rows: 0,
        }
    }

    /// Of eight classes.
    #[inline(always)]
    pub(super) fn bin(&self, value: u8) -> u32 {
        u32::from(self.tables[2][usize::from(value)])
    }

    /// Of four classes.
    #[inline(always)]
    pub(super) fn part(&self, value: u8) -> u32 {
        u32::from(self.tables[1][usize::from(value)])
    }

    /// Of two classes.
    #[inline(always)]
    pub(super) fn side(&self, value: u8) -> u32 {
        u32::from(self.tables[0][usize::from(value)])
    }

    /// Where the value that comes next lies with its margins.
    #[inline(always)]
    fn at(&self) -> usize {
        (self.row + MARGIN) * self.stride + MARGIN * self.raster.channels + self.column
    }

    /// The value that comes next, where those around it are all alike.
    #[inline(always)]
    pub(super) fn calm(&self) -> Option<Calm> {
        let Raster { columns, channels, .. } = self.raster;
        let (at, j) = (self.at(), self.column);
        let value = self.now[at - channels];
        let is_like = |up: usize, right: isize| {
            let at = at - up * self.stride;
            self.now[at.wrapping_add_signed(right * channels as isize)] == value
        };
        let mut is_calm = is_like(0, -2);
        for right in -2..=2 {
            is_calm &= is_like(1, right);
        }
        for right in -1..=1 {
            is_calm &= is_like(2, right);
        }
        if !is_calm {
            return None;
        }
        let [p, pw, ..] = self.before_it();
        let further = [is_like(2, -2), is_like(2, 2), is_like(1, 3), is_like(3, 0), p == pw];
        let kind = further.iter().fold(self.bin(value) as usize, |kind, &is_like| 2 * kind + usize::from(is_like));
        Some(Calm { value, place: self.row * columns * channels + j, kind })
    }

    /// The value of the channel before, or of the picture before where there is none, and those left, above, and above left of it.
    #[inline(always)]
    fn before_it(&self) -> [u8; 4] {
        let Raster { channels, .. } = self.raster;
        let (at, stride) = (self.at(), self.stride);
        let is_first = channels == 1 || self.column.is_multiple_of(channels);
        let (from, at) = if is_first { (&self.before, at) } else { (&self.now, at - 1) };
        [from[at], from[at - channels], from[at - stride], from[at - stride - channels]]
    }

    #[inline(always)]
    pub(super) fn near(&self) -> Near {
        let Raster { columns, channels, .. } = self.raster;
        let (at, stride, j) = (self.at(), self.stride, self.column);
        let now = &self.now[at - 3 * stride - 3 * channels..=at];
        let value = |up: usize, left: usize| now[now.len() - 1 - up * stride - left * channels];
        let right = |up: usize, right: usize| now[now.len() - 1 - up * stride + right * channels];
        let channel = if channels == 1 { 0 } else { j % channels };
        let (w, ww, n, nn, nw) = (value(0, 1), value(0, 2), value(1, 0), value(2, 0), value(1, 1));
        let (ne, nee, nww, nnw, nne) = (right(1, 1), right(1, 2), value(1, 2), value(2, 1), right(2, 1));
        let [a, b, c, d, e, f, g] =
            [right(2, 2), value(2, 2), value(3, 0), value(0, 3), right(1, 3), right(3, 1), value(3, 1)];
        let around = [w, n, ne, nw, ww, nn, nee, nww, nnw, nne, a, b, c, d, e, f, g];
        let mut wide = 0;
        for (bit, value) in around.into_iter().enumerate() {
            wide |= self.side(value) << bit;
        }
        let [p, pw, pn, pnw] = self.before_it();
        let pp = if channel > 1 { self.now[at - 2] } else { self.before[at] };
        let place = self.row * columns * channels + j;
        Near {
            channel: channel as u32,
            row: self.row as u32,
            place: place as u32,
            about: u32::from(self.about[0][self.row] + self.about[1][j]),
            w,
            ww,
            n,
            nn,
            nw,
            ne,
            nee,
            nww,
            nnw,
            nne,
            p,
            pw,
            pn,
            pnw,
            pp,
            mean: (self.mean[place] >> 8) as u8,
            wide,
            run: if j >= channels { self.left[0][j - channels] } else { 0 },
            up: self.up[j],
            diagonal: if j >= channels { self.diagonal[1][j - channels] } else { 0 },
            left_above: self.left[1][j],
            right_above: self.right[0][j],
            right_above_that: self.right[1][j],
            upper: self.upper,
            empty_rows: self.empty_rows,
        }
    }

    /// Goes on behind a value.
    #[inline(always)]
    pub(super) fn put(&mut self, value: u8) {
        let Raster { rows, columns, channels } = self.raster;
        let (at, stride) = (self.at(), self.stride);
        self.now[at] = value;
        if ALL {
            self.keep(value);
        }
        self.column += 1;
        if self.column < columns * channels {
            return;
        }
        for beyond in at + 1..at + 1 + MARGIN * channels {
            self.now[beyond] = self.now[beyond - channels];
        }
        if ALL {
            self.finish_row();
        }
        (self.row, self.column) = (self.row + 1, 0);
        if self.row == rows {
            std::mem::swap(&mut self.now, &mut self.before);
            self.row = 0;
            self.pictures = (self.pictures + 1).min(16);
            self.rate = (1 << 14) / self.pictures;
            (self.upper, self.empty_rows) = ([0; 3], 0);
            let runs = [&mut self.left, &mut self.right, &mut self.diagonal].into_iter().flatten();
            runs.chain([&mut self.up]).for_each(|runs| runs.fill(0));
        }
        // What lies before a row is like what lies above its first value.
        if self.row > 0 {
            let at = self.at();
            for before in 1..=MARGIN * channels {
                self.now[at - before] = self.now[at - stride + (MARGIN * channels - before) % channels];
            }
        }
    }

    /// Keeps what a value adds to means, runs and counts.
    #[inline(always)]
    fn keep(&mut self, value: u8) {
        let Raster { columns, channels, .. } = self.raster;
        let (at, j, stride) = (self.at(), self.column, self.stride);
        let place = self.row * columns * channels + j;
        let mean = i32::from(self.mean[place]);
        let change = (((i32::from(value) << 8) - mean) * self.rate) >> 14;
        self.mean[place] = (mean + change) as u16;
        let side = self.side(value);
        let is_like = |back: usize| self.side(self.now[at - back]) == side;
        let run = if j >= channels { longer(is_like(channels), self.left[0][j - channels]) } else { 1 };
        let up = longer(self.row > 0 && is_like(stride), self.up[j]);
        let diagonal =
            if j >= channels { longer(is_like(stride + channels), self.diagonal[1][j - channels]) } else { 1 };
        (self.left[0][j], self.up[j], self.diagonal[0][j]) = (run, up, diagonal);
        self.upper[0] += side as usize;
    }

    /// Runs to the right are known when a row is.
    fn finish_row(&mut self) {
        let Raster { columns, channels, .. } = self.raster;
        let end = self.at();
        self.right.swap(0, 1);
        for j in (0..columns * channels).rev() {
            let at = end + j - columns * channels;
            let is_like = self.side(self.now[at]) == self.side(self.now[at + channels]);
            let next = self.right[0].get(j + channels).copied();
            self.right[0][j] = next.map_or(1, |length| longer(is_like, length));
        }
        self.left.swap(0, 1);
        self.diagonal.swap(0, 1);
        self.upper = [0, self.upper[0], self.upper[2] + self.upper[0]];
        self.empty_rows += usize::from(self.upper[2] == 0);
    }
}

/// About where in 32 parts of a length, each place so many times as often.
fn about(length: usize, factor: usize, times: usize) -> Vec<u16> {
    let part = |place: usize| if length <= 32 { place } else { place * 32 / length };
    (0..length * times).map(|place| (factor * part(place / times)) as u16).collect()
}

/// The length of a run behind another value.
#[inline(always)]
fn longer(is_same: bool, length: u8) -> u8 {
    if is_same { (length + 1).min(LONGEST) } else { 1 }
}
