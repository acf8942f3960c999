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
    let Some((height, width)) = size(height).zip(size(width)) else {
        return Err(DataError::unsuitable(Place::source(data.name()), "an image cannot be as large, or as small"));
    };
    fs::create_dir_all(folder).map_err(|source| DataError::io("make the folder", folder, source))?;
    let digits = data.len().saturating_sub(1).to_string().len().max(4);
    let path = |index: usize| folder.join(format!("{index:0digits$}.png"));
    if overwrite == Overwrite::Never
        && let Some(path) = (0..data.len()).map(path).find(|path| path.exists())
    {
        return Err(DataError::Exists { path });
    }
    let scale = 255.0 / (range.1 - range.0);
    let mut values = vec![0.0; data.features()];
    let mut pixels = vec![0; data.features()];
    let mut png = Vec::new();
    for index in 0..data.len() {
        data.copy_row(index, &mut values);
        for (pixel, value) in pixels.iter_mut().zip(&values) {
            // The conversion to u8 clips, and makes 0 of NaN.
            *pixel = ((value - range.0) * scale).round() as u8;
        }
        png.clear();
        let path = path(index);
        PngEncoder::new(Cursor::new(&mut png))
            .write_image(&pixels, width, height, colour)
            .map_err(|error| DataError::unsuitable(path.as_path(), format!("the image cannot be packed: {error}")))?;
        write_small(&path, overwrite, &png)?;
    }
    Ok(())
}
