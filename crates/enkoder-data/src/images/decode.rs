//! One image file: what it holds, and its pixels as bytes in the size and colours asked for.

use std::io::Cursor;

use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::further::is_animation;
use super::tiff;
use crate::byte_source::MOST_UNPACKED_PER_BYTE;
use crate::error::{DataError, Place};
use crate::guard::guarded;
use crate::image_files::is_image;

/// The most bytes that one decoded image may take: a file of a few bytes can claim any size.
pub(super) const MOST_BYTES: u64 = 512 << 20;

/// The longest side of an image in pixels.
pub(super) const MOST_PIXELS: u32 = 1 << 16;

/// No file is packed tighter: deflate's 1032, and 24 where PNG unfolds a bit to a colour. (JPEG spends a bit for 192 values.)
pub(super) const MOST_DECODED_PER_BYTE: u64 = MOST_UNPACKED_PER_BYTE * 24;

pub(super) const REPLACE: &str = "remove the file or replace it by a sound one";
pub(super) const CONVERT: &str = "convert it to PNG";

/// What the header of an image file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub height: usize,
    pub width: usize,
    pub colour: bool,
    /// Whether values have 16 bits, or are floating point.
    pub deep: bool,
    /// Whether values are floating point.
    pub float: bool,
    /// How many images of this kind are in the file.
    pub pages: usize,
    /// Whether there are others, which are left out: frames of an animation, or pages of another kind.
    pub others: bool,
}

/// Reads the header.
pub(super) fn inspect(name: &str, bytes: &[u8]) -> Result<Format, DataError> {
    guarded("image", || read_header(name, bytes)).map_err(|error| error.within(name))
}

fn read_header(name: &str, bytes: &[u8]) -> Result<Format, DataError> {
    if let Some(format) = tiff::inspect(name, bytes)? {
        return Ok(format);
    }
    let mut decoder = decoder(name, bytes)?;
    let (mut width, mut height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(DataError::malformed(Place::source(name), format!("an image of {height}×{width} pixels")));
    }
    if turns(orientation(&mut decoder)) {
        (width, height) = (height, width);
    }
    let most = (bytes.len() as u64).saturating_mul(MOST_DECODED_PER_BYTE);
    if decoder.total_bytes() > most {
        let why = format!("{} bytes cannot hold the {height}×{width} pixels that the header claims", bytes.len());
        return Err(DataError::malformed(Place::source(name), why));
    }
    let colour = decoder.color_type();
    let deep = !matches!(colour, ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8);
    let float = is_float(colour);
    let others = is_animation(bytes) || tiff::has_pages(bytes);
    let (height, width) = (height as usize, width as usize);
    Ok(Format { height, width, colour: colour.has_color(), deep, float, pages: 1, others })
}

/// How the values of a pixel are stored in samples.
pub(super) trait Value: Copy + Default + Send {
    /// The pixels of an image, in grey or in colours.
    fn of(image: DynamicImage, grey: bool) -> DynamicImage;
    /// Copies them.
    fn copy(image: &DynamicImage, out: &mut [Self]);
}

impl Value for u8 {
    fn of(image: DynamicImage, grey: bool) -> DynamicImage {
        if grey { image.to_luma8().into() } else { image.to_rgb8().into() }
    }

    fn copy(image: &DynamicImage, out: &mut [Self]) {
        out.copy_from_slice(image.as_bytes());
    }
}

/// Values of 16 bits from 0 to 65535, those of 8 bits among them brought to the same range; those of floating point as they are.
impl Value for f32 {
    fn of(image: DynamicImage, grey: bool) -> DynamicImage {
        match (is_float(image.color()), grey) {
            (true, _) => image.to_rgb32f().into(),
            (false, true) => image.to_luma16().into(),
            (false, false) => image.to_rgb16().into(),
        }
    }

    fn copy(image: &DynamicImage, out: &mut [Self]) {
        match image {
            DynamicImage::ImageLuma16(image) => {
                out.iter_mut().zip(image.as_raw()).for_each(|(out, &value)| *out = value.into());
            }
            DynamicImage::ImageRgb16(image) => {
                out.iter_mut().zip(image.as_raw()).for_each(|(out, &value)| *out = value.into());
            }
            DynamicImage::ImageRgb32F(image) if out.len() == image.as_raw().len() => {
                out.copy_from_slice(image.as_raw())
            }
            DynamicImage::ImageRgb32F(image) => {
                for (out, pixel) in out.iter_mut().zip(image.pixels()) {
                    // The weights of ITU-R BT.709, as for integers.
                    let [r, g, b] = pixel.0;
                    *out = if r == g && g == b { r } else { 0.2126 * r + 0.7152 * g + 0.0722 * b };
                }
            }
            _ => unreachable!("converted to one of these"),
        }
    }
}

fn is_float(colour: ColorType) -> bool {
    matches!(colour, ColorType::Rgb32F | ColorType::Rgba32F)
}

/// Writes the pixels of an image, or of as many pages as `out` has room for, resized where they have another size, in rows from the
/// top with `channels` of 1 (grey) or 3 (red, green, blue) to a pixel. Gives whether some are transparent, which is not kept.
pub(super) fn pixels<T: Value>(
    name: &str,
    bytes: &[u8],
    height: usize,
    width: usize,
    channels: usize,
    out: &mut [T],
) -> Result<bool, DataError> {
    let mut transparent = false;
    let mut samples = out.chunks_exact_mut(height * width * channels);
    let mut take = |image: DynamicImage| {
        let Some(sample) = samples.next() else { return Ok(false) };
        transparent |= is_transparent(&image);
        let mut image = T::of(image, channels == 1);
        if (image.height() as usize, image.width() as usize) != (height, width) {
            if is_float(image.color()) {
                // The crate would clip values to 0..1.
                let why = format!(
                    "images of floating-point values are not resized, and it has {}×{}",
                    image.height(),
                    image.width()
                );
                return Err(DataError::unsuitable(Place::source(name), why).with_hint("resize them before"));
            }
            // Linear interpolation averages over what a smaller pixel covers and never leaves the range of its neighbours.
            image = image.resize_exact(width as u32, height as u32, FilterType::Triangle);
        }
        T::copy(&image, sample);
        Ok(true)
    };
    guarded("image", || {
        if !tiff::each_page(name, bytes, &mut take)? {
            take(decode_other(name, bytes)?)?;
        }
        Ok(())
    })
    .map_err(|error| error.within(name))?;
    Ok(transparent)
}

fn is_transparent(image: &DynamicImage) -> bool {
    match image {
        DynamicImage::ImageLumaA8(image) => image.pixels().any(|pixel| pixel.0[1] < u8::MAX),
        DynamicImage::ImageRgba8(image) => image.pixels().any(|pixel| pixel.0[3] < u8::MAX),
        DynamicImage::ImageLumaA16(image) => image.pixels().any(|pixel| pixel.0[1] < u16::MAX),
        DynamicImage::ImageRgba16(image) => image.pixels().any(|pixel| pixel.0[3] < u16::MAX),
        DynamicImage::ImageRgba32F(image) => image.pixels().any(|pixel| pixel.0[3] < 1.0),
        _ => false,
    }
}

/// Unpacks an image whose header was [inspected](inspect), or its first page, and turns it upright.
pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<DynamicImage, DataError> {
    let decoded = guarded("image", || {
        let mut first = None;
        tiff::each_page(name, bytes, &mut |image| {
            first = Some(image);
            Ok(false)
        })?;
        first.map_or_else(|| decode_other(name, bytes), Ok)
    });
    decoded.map_err(|error| error.within(name))
}

fn decode_other(name: &str, bytes: &[u8]) -> Result<DynamicImage, DataError> {
    let mut decoder = decoder(name, bytes)?;
    // The JPEG decoder fills what is missing with grey.
    if bytes.starts_with(b"\xff\xd8") && !jpeg_ends(bytes) {
        let why = "the JPEG image is cut off: its end is not marked";
        return Err(DataError::malformed(Place::source(name), why).with_hint(REPLACE));
    }
    let orientation = orientation(&mut decoder);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| failure(name, error))?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn decoder<'a>(name: &str, bytes: &'a [u8]) -> Result<impl ImageDecoder + 'a, DataError> {
    if bytes.is_empty() {
        return Err(DataError::malformed(Place::source(name), "the file is empty"));
    }
    if !is_image(bytes) {
        let place = Place::source(name);
        return Err(match image::guess_format(bytes) {
            Ok(ImageFormat::Bmp) => {
                DataError::malformed(place, "the header of the BMP image is not sound").with_hint(REPLACE)
            }
            Ok(other) => {
                DataError::unsuitable(place, format!("{} images are not read", extension_of(other))).with_hint(CONVERT)
            }
            Err(_) => DataError::malformed(
                place,
                "the first bytes are not those of PNG, JPEG, TIFF, BMP, WebP, GIF, PGM or PPM",
            ),
        });
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| failure(name, ImageError::IoError(error)))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_PIXELS);
    limits.max_image_height = Some(MOST_PIXELS);
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    reader.into_decoder().map_err(|error| failure(name, error))
}

/// What files of a format are called, as TIFF.
fn extension_of(format: ImageFormat) -> String {
    format.extensions_str().first().map_or_else(String::new, |extension| extension.to_uppercase())
}

/// A photograph's orientation; damaged EXIF data is no reason to refuse the picture.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    // In WebP many write what JPEG has before the data, where the crate does not look for it.
    let behind_mark = |exif: Vec<u8>| Orientation::from_exif_chunk(exif.strip_prefix(b"Exif\0\0")?);
    let marked = decoder.exif_metadata().ok().flatten().and_then(behind_mark);
    marked.or_else(|| decoder.orientation().ok()).unwrap_or(Orientation::NoTransforms)
}

pub(super) fn turns(orientation: Orientation) -> bool {
    use Orientation::*;
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// Whether the end-of-image marker stands at the level of the image itself, not only in a preview inside its metadata
/// (ITU-T T.81, B.1.1: a marker is 0xff and a code; most have a length; scan data holds 0xff only before 0 or a restart code).
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == 0xff)) else {
            return false;
        };
        at += found + 1;
        match bytes.get(at) {
            None => return false,
            Some(0xd9) => return true,
            // Scan data, restarts, a byte of padding: look on from here.
            Some(0x00 | 0x01 | 0xd0..=0xd8) => at += 1,
            Some(0xff) => {}
            Some(_) => match bytes.get(at + 1..at + 3) {
                Some(length) => at += 1 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2),
                None => return false,
            },
        }
    }
}

fn failure(name: &str, error: ImageError) -> DataError {
    let place = Place::source(name);
    match error {
        ImageError::Limits(_) => DataError::malformed(
            place,
            format!("the image is over the limits of {MOST_PIXELS} pixels a side and {MOST_BYTES} bytes"),
        )
        .with_cause(error),
        ImageError::Unsupported(_) => {
            DataError::unsuitable(place, format!("this kind of image is not read ({error})").to_lowercase())
                .with_hint(CONVERT)
        }
        error => DataError::malformed(place, "the image is damaged or cut off").with_cause(error).with_hint(REPLACE),
    }
}
