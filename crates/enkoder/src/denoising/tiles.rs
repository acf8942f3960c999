//! Running something local, such as a convolutional network, over a picture of any size in overlapping tiles of one size. What a
//! tile says near its cut edges is thrown away, as far as the edge can be felt, so that no seam is left: every value is that of
//! one pass over the whole picture, to the bit where the operation rounds alike wherever a tile begins.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{DenoisingError, extent, reflect};

/// How a picture is cut into tiles.
///
/// Pictures are first continued at the right and at the bottom, as in a mirror, to whole multiples of the step; the result is that of
/// one pass over this picture, for any size of the tiles. Tiles are a whole number of steps large and lie at whole steps, so that
/// strides and pools fall where they would fall in the whole picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    tile: usize,
    margin: usize,
    step: usize,
}

/// One axis of a picture in tiles.
#[derive(Clone, Copy, Debug)]
struct Axis {
    /// The picture's length.
    length: usize,
    /// Its length in whole steps.
    whole: usize,
    /// A tile's length.
    tile: usize,
    /// What is thrown away at a cut edge: the margin in whole steps.
    margin: usize,
}

impl Axis {
    /// How far a tile lies behind the one before.
    fn stride(&self) -> usize {
        // A tile that is all of a small picture may be smaller than its margins, which nobody cuts off.
        self.tile.saturating_sub(2 * self.margin).max(1)
    }

    fn tiles(&self) -> usize {
        1 + (self.whole - self.tile).div_ceil(self.stride())
    }

    /// Where tile `number` begins, and the pixels that are kept of it.
    fn tile(&self, number: usize) -> (usize, std::ops::Range<usize>) {
        // The last one is moved back to end with the picture.
        let start = (number * self.stride()).min(self.whole - self.tile);
        let kept_from = if number == 0 { 0 } else { number * self.stride() + self.margin };
        let last = number + 1 == self.tiles();
        let kept_to = if last { self.length } else { (number + 1) * self.stride() + self.margin };
        (start, kept_from.min(self.length)..kept_to.min(self.length))
    }
}

impl Tiling {
    /// Tiles of about `tile` × `tile` pixels for an operation of which an output pixel depends on input pixels up to `margin` away, and
    /// whose input must be a multiple of `step` in height and width. Tiles are made larger where they would be mostly margin.
    pub fn new(tile: usize, margin: usize, step: usize) -> Self {
        let step = step.max(1);
        let margin = margin.div_ceil(step) * step;
        let tile = tile.div_ceil(step).saturating_mul(step);
        Self { tile: tile.max(4 * margin).max(step), margin, step }
    }

    /// Height and width of the tiles of a picture of this size: those of the picture, in whole steps, where it is smaller than a
    /// tile.
    pub fn tile_size(&self, height: usize, width: usize) -> [usize; 2] {
        [self.axis(height).tile, self.axis(width).tile]
    }

    /// Into how many tiles a picture of this size is cut.
    pub fn tiles(&self, height: usize, width: usize) -> usize {
        self.axis(height).tiles() * self.axis(width).tiles()
    }

    fn axis(&self, length: usize) -> Axis {
        let whole = length.div_ceil(self.step) * self.step;
        let axis = Axis { length, whole, tile: self.tile.min(whole), margin: self.margin };
        // As many tiles that share the picture evenly overlap less.
        let tiles = axis.tiles();
        let even = (whole + 2 * self.margin * (tiles - 1)).div_ceil(tiles).next_multiple_of(self.step);
        Axis { tile: even.min(axis.tile), ..axis }
    }

    /// Runs an operation over a picture. Each thread gets one from `operation`, which is called with a tile and where to write the
    /// result, both of [`tile_size`](Self::tile_size) × channels. Beside the result, memory holds two tiles a thread, whatever the
    /// size of the picture.
    ///
    /// # Errors
    /// When the shape is not that of a picture of these values.
    pub fn run<F>(
        &self,
        values: &[f32],
        shape: &[usize],
        operation: impl Fn() -> F + Sync,
    ) -> Result<Vec<f32>, DenoisingError>
    where
        F: FnMut(&[f32], &mut [f32]),
    {
        let [height, width, channels] = extent(values.len(), shape)?;
        let (down, across) = (self.axis(height), self.axis(width));
        let tiles = down.tiles() * across.tiles();
        let result = Mutex::new(vec![0.0; values.len()]);
        let next = AtomicUsize::new(0);
        rayon::broadcast(|_| {
            let mut worker = None;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= tiles {
                    return;
                }
                let (run, tile, out) = worker.get_or_insert_with(|| {
                    let size = down.tile * across.tile * channels;
                    (operation(), vec![0.0; size], vec![0.0; size])
                });
                let (top, rows) = down.tile(number / across.tiles());
                let (left, columns) = across.tile(number % across.tiles());
                for (y, to) in tile.chunks_exact_mut(across.tile * channels).enumerate() {
                    let from = reflect((top + y) as isize, height) * width;
                    copy_row(&values[from * channels..][..width * channels], left, channels, to);
                }
                run(tile, out);
                let length = columns.len() * channels;
                let mut result = result.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                for y in rows {
                    let from = ((y - top) * across.tile + columns.start - left) * channels;
                    result[(y * width + columns.start) * channels..][..length].copy_from_slice(&out[from..][..length]);
                }
            }
        });
        Ok(result.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

/// Copies a part of a row that begins at column `left` and may go on beyond its end.
fn copy_row(row: &[f32], left: usize, channels: usize, to: &mut [f32]) {
    let within = (row.len() - left * channels).min(to.len());
    to[..within].copy_from_slice(&row[left * channels..][..within]);
    let width = row.len() / channels;
    for (column, to) in to[within..].chunks_exact_mut(channels).enumerate() {
        let from = reflect((left + within / channels + column) as isize, width) * channels;
        to.copy_from_slice(&row[from..][..channels]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a network does, without a network: pooled over step × step pixels, blurred with nothing beyond the edges, spread again,
    /// and added to the input.
    fn local(values: &[f32], [height, width, channels]: [usize; 3], radius: isize, step: usize) -> Vec<f32> {
        assert!(height % step == 0 && width % step == 0);
        let (rows, columns) = (height / step, width / step);
        let mut pooled = vec![0.0f32; rows * columns * channels];
        for (y, x, c) in ndarray::indices((height, width, channels)) {
            pooled[((y / step) * columns + x / step) * channels + c] += values[(y * width + x) * channels + c];
        }
        let blurred = |y: usize, x: usize, c: usize| {
            let mut sum = 0.0f32;
            for (dy, dx) in (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dy, dx))) {
                let (y, x) = (y as isize + dy, x as isize + dx);
                if (0..rows as isize).contains(&y) && (0..columns as isize).contains(&x) {
                    // Weights that are not symmetric, and rounding that depends on the order.
                    sum += pooled[(y as usize * columns + x as usize) * channels + c]
                        * (1.1 + (dy * 3 + dx) as f32 * 0.07);
                }
            }
            sum
        };
        ndarray::indices((height, width, channels))
            .into_iter()
            .map(|(y, x, c)| values[(y * width + x) * channels + c] - blurred(y / step, x / step, c))
            .collect()
    }

    fn whole(values: &[f32], [height, width, channels]: [usize; 3], radius: isize, step: usize) -> Vec<f32> {
        let (rows, columns) = (height.div_ceil(step) * step, width.div_ceil(step) * step);
        let continued: Vec<f32> = ndarray::indices((rows, columns, channels))
            .into_iter()
            .map(|(y, x, c)| values[(reflect(y as isize, height) * width + reflect(x as isize, width)) * channels + c])
            .collect();
        let result = local(&continued, [rows, columns, channels], radius, step);
        ndarray::indices((height, width, channels))
            .into_iter()
            .map(|(y, x, c)| result[(y * columns + x) * channels + c])
            .collect()
    }

    fn check(extent: [usize; 3], tile: usize, radius: usize, step: usize) {
        let [height, width, channels] = extent;
        let values: Vec<f32> = (0..height * width * channels).map(|i| ((i * i * 7 + i) % 251) as f32 * 0.37).collect();
        // A pixel feels the block of pixels in which it lies, and those blocks around.
        let tiling = Tiling::new(tile, radius * step + step - 1, step);
        let [rows, columns] = tiling.tile_size(height, width);
        let tiled = tiling.run(&values, &extent, || {
            |tile: &[f32], out: &mut [f32]| {
                out.copy_from_slice(&local(tile, [rows, columns, channels], radius as isize, step));
            }
        });
        assert!(tiled.unwrap() == whole(&values, extent, radius as isize, step), "{extent:?} in tiles of {tile}");
    }

    #[test]
    fn pictures_of_one_pixel_or_one_row_are_run_over() {
        for extent in [[1, 1, 1], [1, 1, 3], [1, 40, 1], [40, 1, 3], [3, 3, 1]] {
            check(extent, 8, 1, 4);
            check(extent, 8, 0, 1);
        }
    }

    #[test]
    fn a_large_picture_is_cut_into_tiles_of_one_size() {
        let tiling = Tiling::new(64, 9, 4);
        assert_eq!((tiling.tile_size(1000, 50), tiling.tiles(1000, 50)), ([64, 52], 25));
        check([203, 117, 1], 64, 2, 4);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let copy = || |tile: &[f32], out: &mut [f32]| out.copy_from_slice(tile);
        assert!(Tiling::new(8, 0, 1).run(&[1.0; 6], &[2, 2], copy).is_err());
        assert_eq!(Tiling::new(8, 0, 1).run(&[1.0; 6], &[2, 3], copy), Ok(vec![1.0; 6]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn tiles_give_the_bits_of_one_pass_over_the_whole_picture(
            height in 1usize..70, width in 1usize..70, channels in 1usize..3,
            tile in 1usize..40, radius in 0usize..4, step in 1usize..5,
        ) {
            check([height, width, channels], tile, radius, step);
        }
    }
}
