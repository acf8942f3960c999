//! One picture of any size, to be changed and written back as it was: its numbers, and what is needed to make the same kind of file
//! of others. Depth, colours and transparency stay.

use std::io::Cursor;
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageBuffer, ImageResult, Luma, LumaA, Pixel, PixelWithColorType, Rgb, Rgba};

use super::decode::{decode, inspect};
use crate::error::{DataError, Place};
use crate::export::{Overwrite, write_small};
use crate::input;

/// The bits of a value in a picture's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 0 to 255.
    Eight,
    /// 0 to 65535.
    Sixteen,
}

impl Depth {
    /// The value of white.
    pub fn peak(self) -> f32 {
        match self {
            Self::Eight => u8::MAX.into(),
            Self::Sixteen => u16::MAX.into(),
        }
    }
}

/// A picture in memory: grey or red, green, blue.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    height: usize,
    width: usize,
    channels: usize,
    depth: Depth,
    values: Vec<f32>,
    /// How opaque each pixel is, in the picture's depth, where the file says so.
    alpha: Option<Vec<u16>>,
}

impl Picture {
    /// Reads a PNG, JPEG, PGM or PPM file. Fewer than 8 bits become 8, 9 to 15 become 16; photographs are turned upright as their EXIF
    /// data says.
    ///
    /// # Errors
    /// When the file cannot be read, is none of these, is damaged or cut off, or is over the limits of images.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::from_bytes(&path.display().to_string(), &input::bytes(path)?)
    }

    /// The picture in the bytes of a file, which errors call `name`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, DataError> {
        inspect(name, bytes)?;
        Ok(match decode(name, bytes)? {
            DynamicImage::ImageLuma8(image) => Self::new(&image, Depth::Eight),
            DynamicImage::ImageLumaA8(image) => Self::new(&image, Depth::Eight),
            DynamicImage::ImageRgb8(image) => Self::new(&image, Depth::Eight),
            DynamicImage::ImageRgba8(image) => Self::new(&image, Depth::Eight),
            DynamicImage::ImageLuma16(image) => Self::new(&image, Depth::Sixteen),
            DynamicImage::ImageLumaA16(image) => Self::new(&image, Depth::Sixteen),
            DynamicImage::ImageRgb16(image) => Self::new(&image, Depth::Sixteen),
            image => Self::new(&image.to_rgba16(), Depth::Sixteen),
        })
    }

    fn new<P, T>(image: &ImageBuffer<P, Vec<T>>, depth: Depth) -> Self
    where
        P: Pixel<Subpixel = T>,
        T: image::Primitive + Into<u16>,
    {
        let stored = usize::from(P::CHANNEL_COUNT);
        // Two and four channels are one and three with transparency.
        let (channels, transparent) = (stored - (stored + 1) % 2, stored.is_multiple_of(2));
        let pixels = || image.as_raw().chunks_exact(stored);
        let number = |value: &T| -> u16 { (*value).into() };
        Self {
            height: image.height() as usize,
            width: image.width() as usize,
            channels,
            depth,
            values: pixels().flat_map(|pixel| pixel[..channels].iter().map(|value| number(value).into())).collect(),
            alpha: transparent.then(|| pixels().map(|pixel| number(&pixel[channels])).collect()),
        }
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// 1 (grey) or 3 (red, green, blue).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The shape of the values: `[height, width]`, or `[height, width, 3]` in colour.
    pub fn shape(&self) -> Vec<usize> {
        if self.channels == 1 { vec![self.height, self.width] } else { vec![self.height, self.width, self.channels] }
    }

    /// The bits of a value.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// The value of white: 255 or 65535.
    pub fn peak(&self) -> f32 {
        self.depth.peak()
    }

    /// Whether the file says how opaque pixels are.
    pub fn is_transparent(&self) -> bool {
        self.alpha.is_some()
    }

    /// The values from 0 to [`peak`](Self::peak), in rows from the top, the colours of a pixel side by side.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The same kind of picture with other values; its transparency stays.
    ///
    /// # Panics
    /// When there are not as many values.
    pub fn with_values(mut self, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), self.values.len(), "a picture keeps its number of values");
        self.values = values;
        self
    }

    /// Writes the picture as PNG of its depth, whole or not at all. Values are rounded, and clipped to 0 and the peak; what is
    /// missing (NaN) is black.
    ///
    /// # Errors
    /// When the file is there already and may not be replaced, or cannot be written.
    pub fn write_png(&self, path: &Path, overwrite: Overwrite) -> Result<(), DataError> {
        let png = self.to_png().map_err(|error| error.within(path.display().to_string()))?;
        write_small(path, overwrite, &png)
    }

    /// The bytes that [`write_png`](Self::write_png) writes.
    ///
    /// # Errors
    /// When the picture cannot be packed.
    pub fn to_png(&self) -> Result<Vec<u8>, DataError> {
        let mut png = Vec::new();
        self.pack(&mut png).map_err(|error| {
            DataError::unsuitable(Place::default(), format!("the picture cannot be packed: {error}"))
        })?;
        Ok(png)
    }

    fn pack(&self, png: &mut Vec<u8>) -> ImageResult<()> {
        // The conversion of a number to an integer clips, and makes 0 of NaN.
        match (self.depth, self.channels, self.alpha.is_some()) {
            (Depth::Eight, 1, false) => self.pack_as::<Luma<u8>>(png, |value| value.round() as u8),
            (Depth::Eight, 1, true) => self.pack_as::<LumaA<u8>>(png, |value| value.round() as u8),
            (Depth::Eight, _, false) => self.pack_as::<Rgb<u8>>(png, |value| value.round() as u8),
            (Depth::Eight, _, true) => self.pack_as::<Rgba<u8>>(png, |value| value.round() as u8),
            (Depth::Sixteen, 1, false) => self.pack_as::<Luma<u16>>(png, |value| value.round() as u16),
            (Depth::Sixteen, 1, true) => self.pack_as::<LumaA<u16>>(png, |value| value.round() as u16),
            (Depth::Sixteen, _, false) => self.pack_as::<Rgb<u16>>(png, |value| value.round() as u16),
            (Depth::Sixteen, _, true) => self.pack_as::<Rgba<u16>>(png, |value| value.round() as u16),
        }
    }

    fn pack_as<P>(&self, png: &mut Vec<u8>, convert: impl Fn(f32) -> P::Subpixel) -> ImageResult<()>
    where
        P: Pixel + PixelWithColorType,
        [P::Subpixel]: image::EncodableLayout,
    {
        let mut raw = Vec::with_capacity(self.height * self.width * usize::from(P::CHANNEL_COUNT));
        for (index, pixel) in self.values.chunks_exact(self.channels).enumerate() {
            raw.extend(pixel.iter().map(|&value| convert(value)));
            raw.extend(self.alpha.iter().map(|alpha| convert(alpha[index].into())));
        }
        ImageBuffer::<P, _>::from_raw(self.width as u32, self.height as u32, raw)
            .expect("as many values as the size and colours need")
            .write_with_encoder(PngEncoder::new(Cursor::new(png)))
    }
}
