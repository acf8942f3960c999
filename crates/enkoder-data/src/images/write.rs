//! Samples as PNG files, one each, numbered in their order.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use enkoder::Dataset;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::error::{DataError, Place};
use crate::export::{Overwrite, write_small};

/// Writes every sample as `0000.png`, `0001.png`, … into a folder, which is made where it is not there. Samples must have the
/// shape height × width, height × width × 1 (both grey) or height × width × 3 (red, green, blue). The first number of `range`
/// becomes black, the second white; what lies outside is clipped and what is missing (NaN) is black. Bytes have the range
/// `(0.0, 255.0)`.
pub fn write_images(folder: &Path, overwrite: Overwrite, data: &Dataset, range: (f32, f32)) -> Result<(), DataError> {
    let packing = Packing::of(data, range)?;
    fs::create_dir_all(folder).map_err(|source| DataError::io("make the folder", folder, source))?;
    let digits = data.len().saturating_sub(1).to_string().len().max(4);
    let path = |index: usize| folder.join(format!("{index:0digits$}.png"));
    if overwrite == Overwrite::Never
        && let Some(path) = (0..data.len()).map(path).find(|path| path.exists())
    {
        return Err(DataError::Exists { path });
    }
    (0..data.len()).try_for_each(|index| packing.write(data, index, &path(index), overwrite))
}

/// Writes one sample as a PNG file, as [`write_images`] does many.
///
/// # Errors
/// When the samples are no images, when there is not exactly one, and when the file cannot be written.
pub fn write_image(path: &Path, overwrite: Overwrite, data: &Dataset, range: (f32, f32)) -> Result<(), DataError> {
    if data.len() != 1 {
        let why = format!("a PNG file holds one image, but there are {} samples", data.len());
        return Err(DataError::unsuitable(path, why).with_hint("name a folder without an extension for several"));
    }
    Packing::of(data, range)?.write(data, 0, path, overwrite)
}

/// How samples become the pixels of PNG files.
struct Packing {
    height: u32,
    width: u32,
    colour: ExtendedColorType,
    range: (f32, f32),
}

impl Packing {
    fn of(data: &Dataset, range: (f32, f32)) -> Result<Self, DataError> {
        let (height, width, colour) = match *data.shape() {
            [height, width] | [height, width, 1] => (height, width, ExtendedColorType::L8),
            [height, width, 3] => (height, width, ExtendedColorType::Rgb8),
            _ => {
                let why = format!("samples of shape {:?} are no images", data.shape());
                return Err(DataError::unsuitable(Place::source(data.name()), why).with_hint(
                    "images are height × width or height × width × 3; write an array with a name that ends in .npy",
                ));
            }
        };
        let size = |side: usize| u32::try_from(side).ok().filter(|&side| side > 0);
        match size(height).zip(size(width)) {
            Some((height, width)) => Ok(Self { height, width, colour, range }),
            None => Err(DataError::unsuitable(Place::source(data.name()), "an image cannot be as large, or as small")),
        }
    }

    fn write(&self, data: &Dataset, index: usize, path: &Path, overwrite: Overwrite) -> Result<(), DataError> {
        let (black, white) = self.range;
        let mut values = vec![0.0; data.features()];
        data.copy_row(index, &mut values);
        // The conversion to u8 clips, and makes 0 of NaN.
        let pixels: Vec<u8> =
            values.iter().map(|value| ((value - black) * (255.0 / (white - black))).round() as u8).collect();
        let mut png = Vec::new();
        PngEncoder::new(Cursor::new(&mut png))
            .write_image(&pixels, self.width, self.height, self.colour)
            .map_err(|error| DataError::unsuitable(path, format!("the image cannot be packed: {error}")))?;
        write_small(path, overwrite, &png)
    }
}
