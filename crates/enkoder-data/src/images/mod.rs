//! Images: PNG, JPEG, TIFF, BMP, WebP, GIF (the first picture), PGM and PPM, alone, by a pattern, or from a folder whose sub-folders
//! name classes. Each page of a TIFF is a sample. Grey images become samples of height × width bytes; as soon as one has colour, all become height × width × 3 (red,
//! green, blue). As soon as one has 16-bit values, all become numbers from 0 to 65535; floating-point values stay as they are.
//! Transparency is ignored, and photographs are turned upright as their EXIF data says.

mod decode;
mod further;
mod picture;
mod tiff;
mod whole;
mod write;

use std::error::Error;
use std::path::{Path, PathBuf};

use enkoder::{Dataset, DatasetError, Labels};
use ndarray::Array2;
use rayon::prelude::*;

use crate::error::{DataError, Place};
use crate::image_files;
use crate::input;
use decode::{Format, Value, inspect, pixels};

pub use crate::image_files::{image_paths, is_image, is_image_name, is_read_name};
pub use picture::{Depth, Picture};
pub use whole::{WholeImages, read_whole_images};
pub use write::{write_image, write_images};

/// How images become samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageOptions {
    /// Height and width in pixels that all images are resized to; without it they must all be equally large.
    pub size: Option<(usize, usize)>,
    /// Whether images in colour become grey.
    pub grey: bool,
    /// Whether an image that cannot be read is an error; otherwise it is left out, and a warning names it.
    pub strict: bool,
}

/// Reads all images of a folder in natural order (`2.png` before `10.png`). Where they lie one level deeper, the names of the
/// sub-folders are their classes.
///
/// Files that are empty, cut off, damaged or of a format that is not read are left out and named, or are errors where strict.
pub fn read_image_folder(folder: &Path, options: &ImageOptions) -> Result<Dataset, DataError> {
    let found = image_files::in_folder(folder)?;
    let (data, kept) = read(&folder.display().to_string(), &found.paths, options)?;
    match found.labels {
        None => Ok(data),
        Some(Labels { classes, values }) => {
            let values = kept.into_iter().map(|index| values[index]).collect();
            with_labels(data, Labels { classes, values }, folder)
        }
    }
}

/// Reads images in the order given, as one data set called `name`. What cannot be read is left out as from a folder; a single image is
/// an error then.
pub fn read_image_files(name: &str, paths: &[PathBuf], options: &ImageOptions) -> Result<Dataset, DataError> {
    Ok(read(name, paths, options)?.0)
}

/// Reads the bytes of one image file as a data set of one sample, or of one for each page.
pub fn read_image(name: &str, bytes: &[u8], options: &ImageOptions) -> Result<Dataset, DataError> {
    let found = inspect(name, bytes)?;
    if found.others {
        tell_others(&[&PathBuf::from(name)], OF_SEVERAL);
    }
    let format = Common::new(&[found], |_| name.to_owned(), options)?;
    let Common { height, width, channels, values: length, .. } = format;
    let tell = |transparent: bool| tell_transparent(&[Path::new(name)][usize::from(!transparent)..]);
    if found.deep {
        let mut values = vec![0.0; length * found.pages];
        tell(pixels(name, bytes, height, width, channels, &mut values)?);
        return format.dataset(name, found.pages, values, Dataset::from_f32);
    }
    let mut values = vec![0; length * found.pages];
    tell(pixels(name, bytes, height, width, channels, &mut values)?);
    format.dataset(name, found.pages, values, Dataset::from_u8)
}

fn with_labels(data: Dataset, labels: Labels, folder: &Path) -> Result<Dataset, DataError> {
    data.with_labels(labels).map_err(|error| DataError::dataset(folder, error))
}

/// What all images of a data set are brought to.
struct Common {
    height: usize,
    width: usize,
    channels: usize,
    /// The values of one sample.
    values: usize,
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
                        .with_hint(format!("resize all images alike with `ReadOptions::size` {}x{}", size.0, size.1)));
                }
                size
            }
        };
        let channels = if !options.grey && formats.iter().any(|format| format.colour) { 3 } else { 1 };
        let bytes = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
        match bytes.filter(|&bytes| bytes > 0 && bytes as u64 <= decode::MOST_BYTES) {
            Some(values) => Ok(Self { height, width, channels, values }),
            None => Err(DataError::TooLarge {
                place: Place::source(name(0)),
                what: "an image size in bytes",
                claimed: bytes.unwrap_or(usize::MAX) as u64,
                limit: decode::MOST_BYTES,
            }),
        }
    }

    fn dataset<T>(
        &self,
        name: &str,
        samples: usize,
        values: Vec<T>,
        of: impl FnOnce(String, Array2<T>) -> Result<Dataset, DatasetError>,
    ) -> Result<Dataset, DataError> {
        let shape = if self.channels == 1 { vec![self.height, self.width] } else { vec![self.height, self.width, 3] };
        let values = Array2::from_shape_vec((samples, self.values), values).expect("one sample for each image");
        of(name.to_owned(), values)
            .and_then(|data| data.with_shape(shape))
            .map_err(|error| DataError::dataset(Place::source(name), error))
    }
}

/// The images that can be read, and for each the number of its file in `paths`.
fn read(name: &str, paths: &[PathBuf], options: &ImageOptions) -> Result<(Dataset, Vec<usize>), DataError> {
    if paths.is_empty() {
        return Err(DataError::empty(Place::source(name)));
    }
    let formats: Vec<Result<Format, DataError>> =
        paths.par_iter().map(|path| inspect(&path.display().to_string(), &input::bytes(path)?)).collect();
    let mut left_out = LeftOut::new(paths, options.strict);
    let (mut kept, mut sound) = (Vec::new(), Vec::new());
    for (index, format) in formats.into_iter().enumerate() {
        if let Some(format) = left_out.unless(format)? {
            kept.push((index, format.pages));
            sound.push(format);
        }
    }
    if kept.is_empty() {
        return Err(left_out.nothing_left());
    }
    let others: Vec<&PathBuf> =
        sound.iter().zip(&kept).filter(|(format, _)| format.others).map(|(_, &(index, _))| &paths[index]).collect();
    let common = Common::new(&sound, |index| paths[kept[index].0].display().to_string(), options)?;
    let float = sound.iter().find(|format| format.float);
    if let Some(odd) = float.and_then(|_| sound.iter().position(|format| !format.float)) {
        let why = "its values are whole numbers, but those of other images floating-point";
        return Err(DataError::unsuitable(paths[kept[odd].0].as_path(), why)
            .with_hint("values of both kinds mean different things: take images of one kind"));
    }
    let data = if sound.iter().any(|format| format.deep) {
        let values = read_pixels(name, paths, &mut kept, &common, &mut left_out)?;
        common.dataset(name, values.len() / common.values, values, Dataset::from_f32)?
    } else {
        let values = read_pixels(name, paths, &mut kept, &common, &mut left_out)?;
        common.dataset(name, values.len() / common.values, values, Dataset::from_u8)?
    };
    left_out.tell();
    tell_others(&others, OF_SEVERAL);
    Ok((data, kept.into_iter().flat_map(|(index, pages)| std::iter::repeat_n(index, pages)).collect()))
}

/// The pixels of the images that are kept, one image behind the other. Files that prove to be damaged are kept no more, with all their
/// pages.
fn read_pixels<'a, T: Value>(
    name: &str,
    paths: &'a [PathBuf],
    kept: &mut Vec<(usize, usize)>,
    common: &Common,
    left_out: &mut LeftOut<'a>,
) -> Result<Vec<T>, DataError> {
    let mut values = Vec::new();
    let images: usize = kept.iter().map(|&(_, pages)| pages).sum();
    let total = images.checked_mul(common.values);
    match total {
        Some(total) if values.try_reserve_exact(total).is_ok() => values.resize(total, T::default()),
        _ => {
            return Err(DataError::unsuitable(
                Place::source(name),
                format!("{images} images of {} values each do not fit in memory", common.values),
            )
            .with_hint("make them smaller with `ReadOptions::size`, or take fewer"));
        }
    }
    let mut rest = &mut values[..];
    let mut of_files = Vec::new();
    for &(index, pages) in &*kept {
        let (samples, others) = rest.split_at_mut(pages * common.values);
        of_files.push((index, samples));
        rest = others;
    }
    let read: Vec<Result<bool, DataError>> = of_files
        .into_par_iter()
        .map(|(index, samples)| {
            let (path, bytes) = (&paths[index], input::bytes(&paths[index])?);
            pixels(&path.display().to_string(), &bytes, common.height, common.width, common.channels, samples)
        })
        .collect();
    let (mut whole, mut from, mut to) = (0, 0, 0);
    for (at, read) in read.into_iter().enumerate() {
        let length = kept[at].1 * common.values;
        if let Some(transparent) = left_out.unless(read)? {
            left_out.transparent.extend(transparent.then_some(&*paths[kept[at].0]));
            // Samples close the gap that another file left.
            values.copy_within(from..from + length, to);
            kept[whole] = kept[at];
            whole += 1;
            to += length;
        }
        from += length;
    }
    if whole == 0 {
        return Err(left_out.nothing_left());
    }
    values.truncate(to);
    kept.truncate(whole);
    Ok(values)
}

/// What is not read.
struct LeftOut<'a> {
    strict: bool,
    /// The images there are.
    of: &'a [PathBuf],
    /// Why images cannot be read.
    faults: Vec<DataError>,
    /// Images that lose their transparency.
    transparent: Vec<&'a Path>,
}

impl<'a> LeftOut<'a> {
    fn new(of: &'a [PathBuf], strict: bool) -> Self {
        Self { strict, of, faults: Vec::new(), transparent: Vec::new() }
    }

    /// What was read of an image; nothing where it is left out, and its fault where nothing may be.
    fn unless<T>(&mut self, read: Result<T, DataError>) -> Result<Option<T>, DataError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(fault) if self.strict => Err(fault),
            Err(fault) => {
                self.faults.push(fault);
                Ok(None)
            }
        }
    }

    /// Names what was left out, and counts it.
    fn tell(&self) {
        for fault in &self.faults {
            let cause = fault.source().map_or_else(String::new, |cause| format!(": {cause}"));
            tracing::warn!("left out: {fault}{cause}");
        }
        tell_left_out(self.faults.len(), self.of.len());
        tell_transparent(&self.transparent);
    }

    /// The error where all were left out. Of a single file, what is wrong with it says all.
    fn nothing_left(&mut self) -> DataError {
        match (self.faults.pop(), self.of) {
            (Some(fault), [_]) => fault,
            (Some(_), [first, ..]) => {
                let why =
                    format!("neither this nor another of the {} files is an image that can be read", self.of.len());
                DataError::unsuitable(first.as_path(), why)
                    .with_hint("images are taken together, and arrays; tables are read one at a time")
            }
            _ => DataError::empty(Place::default()),
        }
    }
}

/// What is read of animations and TIFF files, where each picture is a sample.
const OF_SEVERAL: &str = "of an animation the first is read, of a TIFF the pages of the size and kind of its first";

/// Warns of files that hold more pictures than are read.
fn tell_others(files: &[&PathBuf], read: &str) {
    if let Some(files) = in_words(files, ["holds", "hold"]) {
        tracing::warn!("{files} further pictures, which are left out: {read}");
    }
}

/// Warns of files of which the colours are read and the transparency is not.
fn tell_transparent(files: &[&Path]) {
    if let Some(files) = in_words(files, ["has", "have"]) {
        tracing::warn!("{files} transparent pixels: their colours are read, and the transparency is left out");
    }
}

/// What files do, by the word for one and for several.
fn in_words(files: &[impl AsRef<Path>], [does, do_]: [&str; 2]) -> Option<String> {
    let first = files.first()?.as_ref().display();
    Some(if files.len() == 1 { format!("{first} {does}") } else { format!("{} files, as {first}, {do_}", files.len()) })
}

/// Warns of how many of so many images were left out, where any were.
pub fn tell_left_out(left_out: usize, of: usize) {
    if left_out > 0 {
        tracing::warn!("{left_out} of {of} images were left out; `ReadOptions::strict` makes that an error");
    }
}
