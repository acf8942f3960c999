//! Patches of whole images: where each lies and how it is turned follows from a seed and its number, so that nothing is stored
//! but the images, and a patch is cut each time it is read.

use std::sync::Arc;

use ndarray::Array3;
use rand::RngExt;
use sha2::{Digest, Sha256};

use super::DatasetError;
use crate::random::{Purpose, stream};

/// An image of any size to cut patches from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeImage {
    /// What messages call it: its file, for example.
    pub name: String,
    /// Height × width × channels.
    pub pixels: Array3<u8>,
}

/// Patches of one size.
#[derive(Debug)]
pub(super) struct Patches {
    images: Arc<[WholeImage]>,
    /// For each image the number of places in it and in all before it.
    places: Vec<u64>,
    size: [usize; 2],
    count: usize,
    seed: u64,
}

/// Where a patch lies, as steps from its first pixel through the values of its image.
struct Cut<'a> {
    pixels: &'a [u8],
    /// The first value of the pixel that comes first in the patch.
    start: usize,
    /// From one row of the patch to the next.
    down: isize,
    /// From one pixel of a row to the next.
    right: isize,
}

impl Patches {
    pub(super) fn new(
        images: Arc<[WholeImage]>,
        size: [usize; 2],
        count: usize,
        seed: u64,
    ) -> Result<Self, DatasetError> {
        let nothing = DatasetError::NoPatch { images: images.len(), patch: size };
        let Some(first) = images.first().map(|image| image.pixels.dim().2) else { return Err(nothing) };
        if size.contains(&0) || first == 0 {
            return Err(nothing);
        }
        let mut places = Vec::with_capacity(images.len());
        let mut total = 0u64;
        for WholeImage { name, pixels } in images.iter() {
            let (height, width, channels) = pixels.dim();
            if channels != first {
                return Err(DatasetError::Channels { image: name.clone(), channels, expected: first });
            }
            if height < size[0] || width < size[1] {
                return Err(DatasetError::SmallImage { image: name.clone(), height, width, patch: size });
            }
            total += ((height - size[0] + 1) * (width - size[1] + 1)) as u64;
            places.push(total);
        }
        let images = if images.iter().all(|image| image.pixels.is_standard_layout()) {
            images
        } else {
            let by_rows = |image: &WholeImage| WholeImage {
                name: image.name.clone(),
                pixels: image.pixels.as_standard_layout().into_owned(),
            };
            images.iter().map(by_rows).collect()
        };
        Ok(Self { images, places, size, count, seed })
    }

    pub(super) fn channels(&self) -> usize {
        self.images[0].pixels.dim().2
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Writes values of patch `number` from feature `first` on, as many as `out` is long, each through `convert`.
    pub(super) fn cut<T>(&self, number: u32, first: usize, out: &mut [T], convert: impl Fn(u8) -> T) {
        let Cut { pixels, start, down, right } = self.find(number);
        let channels = self.channels();
        let row_values = self.size[1] * channels;
        let at = |row: usize, column: usize| start.wrapping_add_signed(row as isize * down + column as isize * right);
        let (mut rest, mut feature) = (out, first);
        while !rest.is_empty() {
            let (row, within) = (feature / row_values, feature % row_values);
            let (segment, after) = rest.split_at_mut(rest.len().min(row_values - within));
            feature += segment.len();
            rest = after;
            if right == channels as isize {
                let from = at(row, 0) + within;
                for (to, &byte) in segment.iter_mut().zip(&pixels[from..]) {
                    *to = convert(byte);
                }
            } else if channels == 1 {
                let mut from = at(row, within);
                for to in segment {
                    *to = convert(pixels[from]);
                    from = from.wrapping_add_signed(right);
                }
            } else {
                for (offset, to) in segment.iter_mut().enumerate() {
                    let value = within + offset;
                    *to = convert(pixels[at(row, value / channels) + value % channels]);
                }
            }
        }
    }

    /// What tells these patches from others, into a hash.
    pub(super) fn identify(&self, hash: &mut Sha256) {
        hash.update(b"patches");
        hash.update(self.seed.to_le_bytes());
        for image in self.images.iter() {
            for &length in image.pixels.shape() {
                hash.update((length as u64).to_le_bytes());
            }
            hash.update(image.pixels.as_slice().unwrap_or_default());
        }
    }

    fn find(&self, number: u32) -> Cut<'_> {
        let mut rng = stream(self.seed, Purpose::Patch, u64::from(number));
        let place = rng.random_range(0..self.places[self.places.len() - 1]);
        let image = self.places.partition_point(|&upto| upto <= place);
        let place = place - if image == 0 { 0 } else { self.places[image - 1] };
        let pixels = &self.images[image].pixels;
        let (_, width, channels) = pixels.dim();
        let [rows, columns] = self.size;
        let across = (width - columns + 1) as u64;
        let (top, left) = ((place / across) as usize, (place % across) as usize);
        let (one_down, one_right) = ((width * channels) as isize, channels as isize);
        let turn = rng.random_range(0..8u32);
        let (mut start, mut down, mut right) = ((top * width + left) * channels, one_down, one_right);
        if turn & 1 != 0 {
            start += (rows - 1) * width * channels;
            down = -one_down;
        }
        if turn & 2 != 0 {
            start += (columns - 1) * channels;
            right = -one_right;
        }
        // Rows and columns change places, which a patch that is not square cannot take.
        if turn & 4 != 0 && rows == columns {
            (down, right) = (right, down);
        }
        Cut { pixels: pixels.as_slice().unwrap_or_default(), start, down, right }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, Scaler, Scaling};
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn image(name: &str, height: usize, width: usize, channels: usize) -> WholeImage {
        let value = |(y, x, c): (usize, usize, usize)| (y * 31 + x * 7 + c * 3 + name.len() * 50) as u8;
        WholeImage { name: name.to_owned(), pixels: Array3::from_shape_fn((height, width, channels), value) }
    }

    fn patches(images: &[WholeImage], size: [usize; 2], seed: u64) -> Dataset {
        Dataset::from_patches("patches", images.to_vec(), size, 300, seed).unwrap()
    }

    /// Every part of an image in every turn and mirroring, as rows of values.
    fn all_parts(images: &[WholeImage], size: [usize; 2]) -> HashSet<Vec<u8>> {
        let [rows, columns] = size;
        let mut parts = HashSet::new();
        for WholeImage { pixels, .. } in images {
            let (height, width, channels) = pixels.dim();
            for (top, left) in (0..=height - rows).flat_map(|y| (0..=width - columns).map(move |x| (y, x))) {
                for turn in 0..if rows == columns { 8 } else { 4 } {
                    let mut part = Vec::new();
                    for (y, x, c) in ndarray::indices((rows, columns, channels)) {
                        let (mut y, mut x) = if turn & 4 != 0 { (x, y) } else { (y, x) };
                        y = if turn & 1 != 0 { rows - 1 - y } else { y };
                        x = if turn & 2 != 0 { columns - 1 - x } else { x };
                        part.push(pixels[[top + y, left + x, c]]);
                    }
                    parts.insert(part);
                }
            }
        }
        parts
    }

    fn bytes(data: &Dataset, index: usize) -> Vec<u8> {
        let mut row = vec![0; data.features()];
        assert!(data.copy_row_u8(index, &mut row));
        row
    }

    #[test]
    fn every_patch_is_a_part_of_an_image_and_every_part_comes_up() {
        for (channels, size) in [(1, [2, 2]), (3, [2, 2]), (1, [2, 3]), (1, [3, 1]), (3, [1, 2])] {
            let images = [image("a", 3, 4, channels), image("bb", 4, 3, channels)];
            let data = Dataset::from_patches("all", images.to_vec(), size, 3000, 4).unwrap();
            let found: HashSet<Vec<u8>> = (0..data.len()).map(|index| bytes(&data, index)).collect();
            assert_eq!(found, all_parts(&images, size), "{channels} channels, {size:?}");
        }
    }

    #[test]
    fn a_patch_is_the_same_each_time_and_another_for_another_seed() {
        let images = [image("a", 20, 30, 1), image("bb", 25, 16, 1)];
        let (data, again) = (patches(&images, [8, 8], 1), patches(&images, [8, 8], 1));
        assert_eq!(data.to_array(), again.to_array());
        assert_eq!(data.fingerprint(), again.fingerprint());
        let other = patches(&images, [8, 8], 2);
        assert_ne!(data.to_array(), other.to_array());
        assert_ne!(data.fingerprint(), other.fingerprint());
        assert_ne!(data.fingerprint(), data.select(&[1, 0]).fingerprint());
        assert_ne!(data.fingerprint(), patches(&images[..1], [8, 8], 1).fingerprint());
        let bytes = data.to_array().mapv(|value| value as u8);
        let stored = Dataset::from_u8("stored", bytes).unwrap().with_shape([8, 8]).unwrap();
        assert_ne!(data.fingerprint(), stored.fingerprint());
        // More patches of the same seed begin with the same ones.
        let more = Dataset::from_patches("more", images.to_vec(), [8, 8], 500, 1).unwrap();
        assert_eq!(more.head(300).to_array(), data.to_array());
    }

    #[test]
    fn patches_are_samples_as_any_others() {
        let data = patches(&[image("a", 20, 30, 3)], [8, 6], 1);
        assert_eq!((data.shape(), data.is_u8(), data.bytes_per_value()), (&[8, 6, 3][..], true, 1));
        assert_eq!((data.row_u8(0), data.row_f32(0)), (None, None));
        let stored = data.to_array();
        let copy = Dataset::from_u8("copy", stored.mapv(|value| value as u8)).unwrap().with_shape([8, 6, 3]).unwrap();
        assert_eq!(data.summary(), copy.summary());
        assert_eq!(data.first_infinite(), None);
        data.touch(&[0, 1]);
        let (train, validation) = data.split(0.25, 3).unwrap();
        let (same, others) = copy.split(0.25, 3).unwrap();
        assert_eq!((train.to_array(), validation.to_array()), (same.to_array(), others.to_array()));
        for scaling in [Scaling::Auto, Scaling::UnitRange, Scaling::Standard, Scaling::MinMax] {
            let scaler = Scaler::fit(scaling, &train).unwrap();
            assert_eq!(scaler, Scaler::fit(scaling, &same).unwrap());
            let (mut row, mut expected) = (vec![0.0; 144], vec![0.0; 144]);
            scaler.copy_scaled(&train, 7, &mut row);
            scaler.copy_scaled(&same, 7, &mut expected);
            assert_eq!(row, expected);
            scaler.copy_scaled_range(&train, 7, 50, &mut row[..70]);
            assert_eq!(row[..70], expected[50..120]);
        }
    }

    #[test]
    fn images_that_do_not_fit_are_named() {
        let made = |images: Vec<WholeImage>, patch| Dataset::from_patches("x", images, patch, 10, 0);
        let message = |images, patch| made(images, patch).unwrap_err().to_string();
        let small = message(vec![image("a", 9, 9, 1), image("small.png", 7, 9, 1)], [8, 8]);
        assert!(small.starts_with("image \"small.png\" of 7×9 pixels is smaller than a patch of 8×8"), "{small}");
        let odd = message(vec![image("a", 9, 9, 1), image("red.png", 9, 9, 3)], [8, 8]);
        assert!(odd.starts_with("image \"red.png\" has 3 channels, but the first image has 1"), "{odd}");
        assert_eq!(message(Vec::new(), [8, 8]), "patches of 8×8 pixels cannot be cut from 0 images");
        assert!(made(vec![image("a", 9, 9, 1)], [0, 8]).is_err() && made(vec![image("a", 9, 9, 0)], [1, 1]).is_err());
    }

    proptest! {
        #[test]
        fn a_range_of_a_patch_is_that_part_of_it(first in 0usize..48, length in 0usize..48, index in 0usize..300, seed: u64) {
            let data = patches(&[image("a", 9, 7, 3)], [4, 4], seed);
            let (mut row, mut part) = (vec![0.0; 48], vec![0.0; length.min(48 - first)]);
            data.copy_row(index, &mut row);
            data.copy_range(index, first, &mut part);
            prop_assert_eq!(&part[..], &row[first..first + part.len()]);
        }
    }
}
