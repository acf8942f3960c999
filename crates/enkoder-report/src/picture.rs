//! Samples as pictures: values become pixels, large images are averaged down to a readable size, and pixels become PNG.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::palette::{ColourMap, MISSING};

/// Why a picture could not be written.
#[derive(Debug, thiserror::Error)]
#[error("a picture of {width} × {height} pixels could not be written as png")]
pub struct PictureError {
    width: usize,
    height: usize,
    #[source]
    source: png::EncodingError,
}

/// How one sample is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// An image with one (grey) or three (red, green, blue) values for each pixel.
    Image { width: usize, height: usize, channels: usize },
    /// A row of values.
    Vector,
}

/// Images longer than this for their width (or the reverse) are better read as lines.
const EXTREME_ASPECT: usize = 64;

impl Layout {
    /// What the shape of a sample says: `[height, width]` and `[height, width, 1]` are grey images, `[height, width, 3]`
    /// colour images, all else is a row of values; so are images of one pixel's height or width.
    pub(crate) fn of(shape: &[usize]) -> Self {
        let (height, width, channels) = match *shape {
            [height, width] => (height, width, 1),
            [height, width, channels @ (1 | 3)] => (height, width, channels),
            _ => return Self::Vector,
        };
        let (short, long) = (height.min(width), height.max(width));
        if short < 2 || long / short > EXTREME_ASPECT { Self::Vector } else { Self::Image { width, height, channels } }
    }
}

/// Pixels by rows: grey, RGB, or, with four channels, RGB with what can be seen through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
    pub(crate) pixels: Vec<u8>,
}

impl Picture {
    /// One sample as a picture: values from `range.0` to `range.1` become 0..255, and sides longer than `most` are brought
    /// down by averaging blocks of pixels. `None` where the layout is no image or does not have as many values.
    pub(crate) fn of_sample(values: &[f32], layout: Layout, range: (f32, f32), most: usize) -> Option<Self> {
        let Layout::Image { width, height, channels } = layout else { return None };
        if values.len() != width * height * channels {
            return None;
        }
        let (width, height, values) = reduced(values.iter().map(|&v| f64::from(v)), width, height, channels, most);
        let (low, high) = (f64::from(range.0), f64::from(range.1));
        let span = if high > low { high - low } else { 1.0 };
        // Casting saturates, and turns NaN into 0.
        let pixels = values.iter().map(|value| ((value - low) / span * 255.0).round() as u8).collect();
        Some(Self { width, height, channels, pixels })
    }

    /// One field in colours from `range.0` to `range.1`, north up, brought down as [`of_sample`](Self::of_sample) does; missing values
    /// have a colour of their own. `None` where the layout has not one value a pixel.
    pub(crate) fn of_field(
        values: &[f32],
        layout: Layout,
        range: (f32, f32),
        south_first: bool,
        most: usize,
    ) -> Option<Self> {
        let (low, high) = (f64::from(range.0), f64::from(range.1));
        let span = if high > low { high - low } else { 1.0 };
        Self::of_map(values, layout, south_first, most, |value| ColourMap::Viridis.colour((value - low) / span))
    }

    /// The change of a field by at most `most` in either direction, drawn as [`of_field`](Self::of_field) does.
    pub(crate) fn of_change(values: &[f32], layout: Layout, most: f64, south_first: bool, side: usize) -> Option<Self> {
        let part = move |value: f64| if most > 0.0 { 0.5 + 0.5 * value / most } else { 0.5 };
        Self::of_map(values, layout, south_first, side, |value| ColourMap::Deviations.colour(part(value)))
    }

    fn of_map(
        values: &[f32],
        layout: Layout,
        south_first: bool,
        most: usize,
        colour: impl Fn(f64) -> [u8; 3],
    ) -> Option<Self> {
        let Layout::Image { width, height, channels: 1 } = layout else { return None };
        if values.len() != width * height {
            return None;
        }
        let (width, height, values) = reduced(values.iter().map(|&v| f64::from(v)), width, height, 1, most);
        let colour = |&value: &f64| if value.is_nan() { MISSING } else { colour(value) };
        let colours: Vec<[u8; 3]> = north_up(values, width, south_first).iter().map(colour).collect();
        Some(Self::from_colours(width, height, colours.into_iter()))
    }

    /// The picture with sides of at most `most` pixels.
    pub(crate) fn shrunk(&self, most: usize) -> Self {
        let values = self.pixels.iter().map(|&value| f64::from(value));
        let (width, height, values) = reduced(values, self.width, self.height, self.channels, most);
        Self {
            width,
            height,
            channels: self.channels,
            pixels: values.iter().map(|value| value.round() as u8).collect(),
        }
    }

    /// A picture of colours given by rows.
    pub(crate) fn from_colours(width: usize, height: usize, colours: impl Iterator<Item = [u8; 3]>) -> Self {
        let mut pixels: Vec<u8> = colours.take(width * height).flatten().collect();
        pixels.resize(width * height * 3, 0);
        Self { width, height, channels: 3, pixels }
    }

    /// The colour at a place; black outside.
    pub(crate) fn colour(&self, x: usize, y: usize) -> [u8; 3] {
        if x >= self.width || y >= self.height {
            return [0; 3];
        }
        let at = (y * self.width + x) * self.channels;
        match self.channels {
            3.. => [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2]],
            _ => [self.pixels[at]; 3],
        }
    }

    /// Pictures in rows, each magnified `zoom` times and `gap` pixels apart, with nothing between them, so that they lie on any ground.
    pub(crate) fn grid(rows: &[Vec<Self>], zoom: usize, gap: usize) -> Self {
        let zoom = zoom.max(1);
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let cell_width = rows.iter().flatten().map(|picture| picture.width * zoom).max().unwrap_or(0);
        let heights: Vec<usize> =
            rows.iter().map(|row| row.iter().map(|picture| picture.height * zoom).max().unwrap_or(0)).collect();
        let width = columns * (cell_width + gap) + gap;
        let height = heights.iter().map(|height| height + gap).sum::<usize>() + gap;
        let channels = 4;
        let mut pixels = vec![0; width.max(1) * height.max(1) * channels];
        let mut top = gap;
        for (row, row_height) in rows.iter().zip(&heights) {
            for (column, picture) in row.iter().enumerate() {
                let left = gap + column * (cell_width + gap);
                for y in 0..picture.height * zoom {
                    for x in 0..picture.width * zoom {
                        let [r, g, b] = picture.colour(x / zoom, y / zoom);
                        let at = ((top + y) * width + left + x) * channels;
                        pixels[at..at + channels].copy_from_slice(&[r, g, b, 255]);
                    }
                }
            }
            top += row_height + gap;
        }
        Self { width: width.max(1), height: height.max(1), channels, pixels }
    }

    /// The picture as a PNG file.
    pub(crate) fn to_png(&self) -> Result<Vec<u8>, PictureError> {
        let failed = |source| PictureError { width: self.width, height: self.height, source };
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(match self.channels {
            1 => png::ColorType::Grayscale,
            3 => png::ColorType::Rgb,
            _ => png::ColorType::Rgba,
        });
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.pixels).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }

    /// The picture as an address that holds it.
    pub(crate) fn data_uri(&self) -> Result<String, PictureError> {
        Ok(format!("data:image/png;base64,{}", STANDARD.encode(self.to_png()?)))
    }
}

/// Rows of `width` values with the north above.
pub(crate) fn north_up(values: Vec<f64>, width: usize, south_first: bool) -> Vec<f64> {
    if south_first { values.chunks(width.max(1)).rev().flatten().copied().collect() } else { values }
}

/// An image whose sides are at most `most`, each pixel the mean of the block it stands for; the mean of no number is NaN.
pub(crate) fn reduced(
    values: impl ExactSizeIterator<Item = f64>,
    width: usize,
    height: usize,
    channels: usize,
    most: usize,
) -> (usize, usize, Vec<f64>) {
    let block = width.max(height).div_ceil(most.max(1)).max(1);
    let (small_width, small_height) = (width.div_ceil(block), height.div_ceil(block));
    let mut sums = vec![(0.0, 0u32); small_width * small_height * channels];
    for (index, value) in values.enumerate().filter(|(_, value)| !value.is_nan()) {
        let (pixel, channel) = (index / channels, index % channels);
        let (x, y) = (pixel % width / block, pixel / width / block);
        let (sum, count) = &mut sums[(y * small_width + x) * channels + channel];
        *sum += value;
        *count += 1;
    }
    let means = sums.into_iter().map(|(sum, count)| sum / f64::from(count)).collect();
    (small_width, small_height, means)
}

/// An image whose sides are at most `most`, each pixel the value farthest from 0 of the block it stands for.
pub(crate) fn extremes(values: &[f64], width: usize, height: usize, most: usize) -> (usize, usize, Vec<f64>) {
    let block = width.max(height).div_ceil(most.max(1)).max(1);
    let (small_width, small_height) = (width.div_ceil(block), height.div_ceil(block));
    let mut farthest = vec![0.0f64; small_width * small_height];
    for (index, &value) in values.iter().enumerate() {
        let place = &mut farthest[index / width / block * small_width + index % width / block];
        if value.abs() > place.abs() {
            *place = value;
        }
    }
    (small_width, small_height, farthest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(png: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    #[test]
    fn shapes_say_what_is_an_image() {
        let image = |width, height, channels| Layout::Image { width, height, channels };
        assert_eq!(Layout::of(&[28, 20]), image(20, 28, 1));
        assert_eq!(Layout::of(&[28, 20, 1]), image(20, 28, 1));
        assert_eq!(Layout::of(&[28, 20, 3]), image(20, 28, 3));
        for vector in [&[784][..], &[1, 784], &[784, 1], &[2, 10_000], &[28, 20, 4], &[2, 3, 4, 5], &[]] {
            assert_eq!(Layout::of(vector), Layout::Vector, "{vector:?}");
        }
    }

    #[test]
    fn values_span_their_range_and_missing_ones_are_black() {
        let layout = Layout::of(&[2, 2]);
        let picture = Picture::of_sample(&[-1.0, 0.0, 3.0, f32::NAN], layout, (-1.0, 1.0), 8).unwrap();
        assert_eq!(picture.pixels, [0, 128, 255, 0]);
        assert_eq!(Picture::of_sample(&[1.0], layout, (0.0, 1.0), 8), None);
    }

    #[test]
    fn a_field_lies_north_up_in_colours_and_shows_what_is_missing() {
        let layout = Layout::of(&[2, 2]);
        let field = |south_first| Picture::of_field(&[1.0, f32::NAN, 2.0, 3.0], layout, (1.0, 3.0), south_first, 8);
        let [down, up] = [false, true].map(|south_first| field(south_first).unwrap());
        assert_eq!((down.colour(0, 0), down.colour(1, 0)), ([68, 1, 84], MISSING));
        assert_eq!((up.colour(0, 1), up.colour(1, 1), up.colour(1, 0)), ([68, 1, 84], MISSING, [253, 231, 37]));
        assert_eq!(Picture::of_field(&[0.0; 12], Layout::of(&[2, 2, 3]), (0.0, 1.0), false, 8), None);
    }

    #[test]
    fn a_large_image_is_averaged_block_by_block() {
        let (width, height, values) = reduced([0.0, 2.0, 4.0, 6.0, f64::NAN, 8.0].into_iter(), 3, 2, 1, 2);
        assert_eq!((width, height, values), (2, 1, vec![8.0 / 3.0, 6.0]));
    }

    #[test]
    fn extremes_survive_where_means_do_not() {
        let values = [0.0, -5.0, 1.0, 2.0, f64::NAN, 0.5];
        assert_eq!(extremes(&values, 3, 2, 2), (2, 1, vec![-5.0, 1.0]));
        assert_eq!(extremes(&values, 3, 2, 9), (3, 2, vec![0.0, -5.0, 1.0, 2.0, 0.0, 0.5]));
    }

    #[test]
    fn a_grid_sets_its_pictures_apart() {
        let dot = |grey| Picture { width: 1, height: 1, channels: 1, pixels: vec![grey] };
        let grid = Picture::grid(&[vec![dot(0), dot(7)], vec![dot(9)]], 1, 1);
        assert_eq!((grid.width, grid.height), (5, 5));
        let pixel = |at: usize| [grid.pixels[4 * at], grid.pixels[4 * at + 3]];
        assert_eq!([6, 8, 16, 18].map(pixel), [[0, 255], [7, 255], [9, 255], [0, 0]]);
        assert_eq!(Picture::grid(&[], 2, 0).to_png().unwrap()[1..4], *b"PNG");
    }

    proptest! {
        #[test]
        fn what_png_keeps_is_what_was_drawn(width in 1usize..9, height in 1usize..9, colour: bool, seed: u8) {
            let channels = if colour { 3 } else { 1 };
            let pixels = (0..width * height * channels).map(|at| (at as u8).wrapping_mul(seed)).collect::<Vec<u8>>();
            let picture = Picture { width, height, channels, pixels: pixels.clone() };
            prop_assert_eq!(decoded(&picture.to_png().unwrap()), (width as u32, height as u32, pixels));
        }
    }
}
