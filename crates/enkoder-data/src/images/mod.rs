//! Images: PNG, JPEG, PGM and PPM, alone, by a pattern, or from a folder whose sub-folders name classes. Grey images become
//! samples of height × width bytes; as soon as one has colour, all become height × width × 3 (red, green, blue). Transparency
//! is ignored, 16-bit values are scaled to bytes, and photographs are turned upright as their EXIF data says.

mod decode;
mod files;
mod picture;
mod whole;
mod write;

use std::path::{Path, PathBuf};

use enkoder::{Dataset, Labels};
use ndarray::Array2;
use rayon::prelude::*;

use crate::error::{DataError, Place};
use decode::{Format, inspect, pixels};

pub use decode::is_image;
pub use files::is_image_name;
pub(crate) use files::{files_in, has_images, matching};
pub use picture::{Depth, Picture};
pub use whole::{WholeImages, image_paths, read_whole_images};
pub use write::write_images;

/// How images become samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageOptions {
    /// Height and width in pixels that all images are resized to; without it they must all be equally large.
    pub size: Option<(usize, usize)>,
    /// Whether images in colour become grey.
    pub grey: bool,
}

/// Reads all images of a folder in natural order (`2.png` before `10.png`). Where they lie one level deeper, the names of the
/// sub-folders are their classes.
pub fn read_image_folder(folder: &Path, options: &ImageOptions) -> Result<Dataset, DataError> {
    let found = files::in_folder(folder)?;
    let data = read(&folder.display().to_string(), &found.paths, options)?;
    match found.labels {
        None => Ok(data),
        Some(labels) => with_labels(data, labels, folder),
    }
}

/// Reads images in the order given, as one data set called `name`.
pub fn read_image_files(name: &str, paths: &[PathBuf], options: &ImageOptions) -> Result<Dataset, DataError> {
    read(name, paths, options)
}

/// Reads the bytes of one image file as a data set of one sample.
pub fn read_image(name: &str, bytes: &[u8], options: &ImageOptions) -> Result<Dataset, DataError> {
    let format = Common::new(&[inspect(name, bytes)?], |_| name.to_owned(), options)?;
    let mut values = vec![0; format.bytes];
    pixels(name, bytes, format.height, format.width, format.channels, &mut values)?;
    format.dataset(name, 1, values)
}

fn with_labels(data: Dataset, labels: Labels, folder: &Path) -> Result<Dataset, DataError> {
    data.with_labels(labels).map_err(|error| DataError::dataset(folder, error))
}

/// What all images of a data set are brought to.
struct Common {
    height: usize,
    width: usize,
    channels: usize,
    /// The bytes of one sample.
    bytes: usize,
}

impl Common {
    fn new(formats: &[Format], name: impl Fn(usize) -> String, options: &ImageOptions) -> Result<Self, DataError> {
        let first = formats.first().ok_or_else(|| DataError::empty(Place::default()))?;
        let (height, width) = match options.size {
            Some(size) => size,
            None => {
                let size = (first.height, first.width);
                if let Some(odd) = formats.iter().position(|format| (format.height, format.width) != size) {
                    let (height, width) = (formats[odd].height, formats[odd].width);
                    let why =
                        format!("{height}×{width} pixels (height × width), but {} has {}×{}", name(0), size.0, size.1);
                    return Err(DataError::unsuitable(Place::source(name(odd)), why)
                        .with_hint(format!("resize all images alike with --size {}x{}", size.0, size.1)));
                }
                size
            }
        };
        let channels = if !options.grey && formats.iter().any(|format| format.colour) { 3 } else { 1 };
        let bytes = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
        match bytes.filter(|&bytes| bytes > 0 && bytes as u64 <= decode::MOST_BYTES) {
            Some(bytes) => Ok(Self { height, width, channels, bytes }),
            None => Err(DataError::TooLarge {
                place: Place::source(name(0)),
                what: "an image size in bytes",
                claimed: bytes.unwrap_or(usize::MAX) as u64,
                limit: decode::MOST_BYTES,
            }),
        }
    }

    fn dataset(&self, name: &str, samples: usize, values: Vec<u8>) -> Result<Dataset, DataError> {
        let shape = if self.channels == 1 { vec![self.height, self.width] } else { vec![self.height, self.width, 3] };
        let values = Array2::from_shape_vec((samples, self.bytes), values).expect("one sample for each image");
        Dataset::from_u8(name, values)
            .and_then(|data| data.with_shape(shape))
            .map_err(|error| DataError::dataset(Place::source(name), error))
    }
}

fn read(name: &str, paths: &[PathBuf], options: &ImageOptions) -> Result<Dataset, DataError> {
    if paths.is_empty() {
        return Err(DataError::empty(Place::source(name)));
    }
    let formats: Vec<Result<Format, DataError>> =
        paths.par_iter().map(|path| inspect(&path.display().to_string(), &files::bytes(path)?)).collect();
    // The first fault in the order of the files, whichever thread found one first.
    let formats = formats.into_iter().collect::<Result<Vec<_>, _>>()?;
    let common = Common::new(&formats, |index| paths[index].display().to_string(), options)?;
    if let Some(deep) = formats.iter().position(|format| format.deep) {
        tracing::warn!("{}: 16-bit values are scaled to 8 bits", paths[deep].display());
    }
    let mut values = Vec::new();
    let total = paths.len().checked_mul(common.bytes);
    match total {
        Some(total) if values.try_reserve_exact(total).is_ok() => values.resize(total, 0),
        _ => {
            return Err(DataError::unsuitable(
                Place::source(name),
                format!("{} images of {} bytes each do not fit in memory", paths.len(), common.bytes),
            )
            .with_hint("make them smaller with --size HEIGHTxWIDTH, or take fewer"));
        }
    }
    let fault = values
        .par_chunks_exact_mut(common.bytes)
        .zip(paths)
        .map(|(sample, path)| {
            let bytes = files::bytes(path)?;
            pixels(&path.display().to_string(), &bytes, common.height, common.width, common.channels, sample)
        })
        .find_first(Result::is_err);
    fault.unwrap_or(Ok(()))?;
    common.dataset(name, paths.len(), values)
}
