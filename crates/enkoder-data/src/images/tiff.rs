//! TIFF of one or more pages, of whole numbers and of floating-point ones: what microscopes, satellites and cameras write. What is not
//! grey or red, green, blue is left to the crate that reads other images, which takes the first page.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::{SampleFormat, Tag};
use tiff::{ColorType, TiffError};

use super::decode::{CONVERT, Format, MOST_BYTES, MOST_DECODED_PER_BYTE, MOST_PIXELS, REPLACE, turns};
use crate::error::{DataError, Place};

/// More pages than a stack has.
const MOST_PAGES: usize = 1 << 16;

type Pages<'a> = Decoder<Cursor<&'a [u8]>>;

/// What is alike in all pages that are samples.
#[derive(PartialEq)]
struct Kind {
    size: (u32, u32),
    colour: ColorType,
    format: u16,
}

impl Kind {
    /// That of a page; none where pages of its kind are not read here.
    fn of(pages: &mut Pages<'_>) -> Result<Option<Self>, TiffError> {
        let colour = pages.colortype()?;
        let is_known = matches!(
            colour,
            ColorType::Gray(8 | 16 | 32 | 64)
                | ColorType::GrayA(8 | 16 | 32 | 64)
                | ColorType::RGB(8 | 16 | 32 | 64)
                | ColorType::RGBA(8 | 16 | 32 | 64)
        );
        let planes = pages.find_tag_unsigned::<u16>(Tag::PlanarConfiguration)?.unwrap_or(1);
        let formats = pages.find_tag_unsigned_vec::<u16>(Tag::SampleFormat)?.unwrap_or_default();
        let format = formats.first().copied().unwrap_or(SampleFormat::Uint.to_u16());
        let size = pages.dimensions()?;
        Ok((is_known && planes == 1).then_some(Self { size, colour, format }))
    }

    /// Whether values are neither bytes nor numbers of 16 bits without a sign.
    fn is_float(&self) -> bool {
        self.format != SampleFormat::Uint.to_u16() || self.bits() > 16
    }

    fn bits(&self) -> u8 {
        match self.colour {
            ColorType::Gray(bits) | ColorType::GrayA(bits) | ColorType::RGB(bits) | ColorType::RGBA(bits) => bits,
            _ => 0,
        }
    }

    /// With that of transparency, if there is one.
    fn channels(&self) -> usize {
        match self.colour {
            ColorType::RGBA(_) => 4,
            ColorType::RGB(_) => 3,
            ColorType::GrayA(_) => 2,
            _ => 1,
        }
    }
}

fn open<'a>(name: &str, bytes: &'a [u8]) -> Result<Option<Pages<'a>>, DataError> {
    if !matches!(bytes, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..]) {
        return Ok(None);
    }
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MOST_BYTES as usize;
    limits.intermediate_buffer_size = MOST_BYTES as usize;
    let damaged = |error| damaged(name, error);
    let mut pages = Decoder::new(Cursor::new(bytes)).map_err(damaged)?.with_limits(limits);
    let mut number = |tag| pages.find_tag_unsigned::<u16>(tag).map_err(damaged);
    let separate_planes = number(Tag::PlanarConfiguration)? == Some(2);
    // Both are read wrong by the crate.
    let why = if number(Tag::FillOrder)? == Some(2) {
        "the lowest bit of its bytes comes first"
    } else if separate_planes && pages.find_tag(Tag::TileWidth).map_err(damaged)?.is_some() {
        "its colours lie apart, in tiles"
    } else {
        return Ok(Some(pages));
    };
    Err(DataError::unsuitable(Place::source(name), format!("this kind of TIFF is not read ({why})")).with_hint(CONVERT))
}

/// What a page is like that is not the first; none where it is not read.
fn other_kind(name: &str, pages: &mut Pages<'_>) -> Result<Option<Kind>, DataError> {
    match Kind::of(pages) {
        Err(TiffError::UnsupportedError(_)) => Ok(None),
        kind => kind.map_err(|error| damaged(name, error)),
    }
}

/// Goes to the next page; false where there is none that can be opened.
fn next(name: &str, pages: &mut Pages<'_>) -> Result<bool, DataError> {
    match pages.next_image() {
        Err(TiffError::UnsupportedError(_)) => Ok(false),
        moved => moved.map(|()| true).map_err(|error| damaged(name, error)),
    }
}

/// Whether there are pages behind the first.
pub(super) fn has_pages(bytes: &[u8]) -> bool {
    open("", bytes).ok().flatten().is_some_and(|pages| pages.more_images())
}

/// What the pages are like, and how many of them are of the size and kind of the first; none where it is no TIFF that is read here.
pub(super) fn inspect(name: &str, bytes: &[u8]) -> Result<Option<Format>, DataError> {
    let Some(mut pages) = open(name, bytes)? else { return Ok(None) };
    let damaged = |error| damaged(name, error);
    let Some(kind) = Kind::of(&mut pages).map_err(damaged)? else { return Ok(None) };
    let (mut width, mut height) = kind.size;
    let malformed = |why: String| Err(DataError::malformed(Place::source(name), why));
    if width == 0 || height == 0 || width > MOST_PIXELS || height > MOST_PIXELS {
        return malformed(format!("an image of {height}×{width} pixels: 1 to {MOST_PIXELS} a side are read"));
    }
    let turned = turns(orientation(&mut pages));
    let (mut alike, mut all) = (1, 1);
    for number in 1.. {
        if !pages.more_images() {
            break;
        }
        all += 1;
        if number >= MOST_PAGES {
            return malformed(format!("more than {MOST_PAGES} pages"));
        }
        if !next(name, &mut pages)? {
            break;
        }
        let same = other_kind(name, &mut pages)?.is_some_and(|other| other == kind);
        alike += usize::from(same && turns(orientation(&mut pages)) == turned);
    }
    let values = u64::from(width) * u64::from(height) * kind.channels() as u64;
    let claimed = (values * u64::from(kind.bits() / 8)).saturating_mul(alike as u64);
    if claimed > (bytes.len() as u64).saturating_mul(MOST_DECODED_PER_BYTE) {
        return malformed(format!("{} bytes cannot hold {alike} pages of {height}×{width} pixels", bytes.len()));
    }
    if turned {
        (width, height) = (height, width);
    }
    let deep = kind.is_float() || kind.bits() > 8;
    Ok(Some(Format {
        height: height as usize,
        width: width as usize,
        colour: kind.channels() >= 3,
        deep,
        float: kind.is_float(),
        pages: alike,
        others: alike < all,
    }))
}

/// Hands on the pages of the size and kind of the first, upright, until `take` wants no more. Whether the file is one that is read here.
pub(super) fn each_page(
    name: &str,
    bytes: &[u8],
    take: &mut dyn FnMut(DynamicImage) -> Result<bool, DataError>,
) -> Result<bool, DataError> {
    let Some(mut pages) = open(name, bytes)? else { return Ok(false) };
    let damaged = |error| damaged(name, error);
    let Some(kind) = Kind::of(&mut pages).map_err(damaged)? else { return Ok(false) };
    let turned = turns(orientation(&mut pages));
    loop {
        let upright = orientation(&mut pages);
        if other_kind(name, &mut pages)?.is_some_and(|other| other == kind) && turns(upright) == turned {
            let values = pages.read_image().map_err(damaged)?;
            let missing = || DataError::malformed(Place::source(name), "a page has fewer pixels than it claims");
            let mut image = picture(values, &kind).ok_or_else(missing)?;
            image.apply_orientation(upright);
            if !take(image)? {
                return Ok(true);
            }
        }
        if !pages.more_images() || !next(name, &mut pages)? {
            return Ok(true);
        }
    }
}

/// The pixels of a page. Numbers that are neither bytes nor of 16 bits without a sign stay as they are, as f32.
fn picture(values: DecodingResult, kind: &Kind) -> Option<DynamicImage> {
    let (width, height) = kind.size;
    let channels = kind.channels();
    let floats: Vec<f32> = match values {
        DecodingResult::U8(values) => {
            return Some(match channels {
                1 => DynamicImage::ImageLuma8(ImageBuffer::from_raw(width, height, values)?),
                2 => DynamicImage::ImageLumaA8(ImageBuffer::from_raw(width, height, values)?),
                3 => DynamicImage::ImageRgb8(ImageBuffer::from_raw(width, height, values)?),
                _ => DynamicImage::ImageRgba8(ImageBuffer::from_raw(width, height, values)?),
            });
        }
        DecodingResult::U16(values) => {
            return Some(match channels {
                1 => DynamicImage::ImageLuma16(ImageBuffer::from_raw(width, height, values)?),
                2 => DynamicImage::ImageLumaA16(ImageBuffer::from_raw(width, height, values)?),
                3 => DynamicImage::ImageRgb16(ImageBuffer::from_raw(width, height, values)?),
                _ => DynamicImage::ImageRgba16(ImageBuffer::from_raw(width, height, values)?),
            });
        }
        DecodingResult::U32(values) => values.into_iter().map(|value| value as f32).collect(),
        DecodingResult::U64(values) => values.into_iter().map(|value| value as f32).collect(),
        DecodingResult::F16(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::F32(values) => values,
        DecodingResult::F64(values) => values.into_iter().map(|value| value as f32).collect(),
        DecodingResult::I8(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::I16(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::I32(values) => values.into_iter().map(|value| value as f32).collect(),
        DecodingResult::I64(values) => values.into_iter().map(|value| value as f32).collect(),
    };
    let colours = |pixel: &[f32]| if channels < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
    let floats = floats.chunks_exact(channels).flat_map(colours).collect();
    ImageBuffer::from_raw(width, height, floats).map(DynamicImage::ImageRgb32F)
}

/// How a page lies; what is damaged of it is no reason to refuse the picture.
fn orientation(pages: &mut Pages<'_>) -> Orientation {
    let found = pages.find_tag_unsigned::<u16>(Tag::Orientation).ok().flatten();
    found.and_then(|value| Orientation::from_exif(value.try_into().ok()?)).unwrap_or(Orientation::NoTransforms)
}

fn damaged(name: &str, error: TiffError) -> DataError {
    let place = Place::source(name);
    match error {
        TiffError::UnsupportedError(error) => {
            DataError::unsuitable(place, format!("this kind of TIFF is not read ({error})")).with_hint(CONVERT)
        }
        error => DataError::malformed(place, "the image is damaged or cut off").with_cause(error).with_hint(REPLACE),
    }
}
