//! Images of any sizes as they are, to cut patches from: a folder of photographs, of which damaged files are left out and named.

use std::path::{Path, PathBuf};

use enkoder::WholeImage;
use ndarray::Array3;
use rayon::prelude::*;

use super::decode::{Format, inspect, pixels};
use super::{LeftOut, tell_others};
use crate::error::{DataError, Place};
use crate::input;

/// The images of a source, and what was left out.
#[derive(Debug, Default)]
pub struct WholeImages {
    /// The images in the order of their files, each called by its path. All have one channel (grey), or all three.
    pub images: Vec<WholeImage>,
    /// Why files were left out, in their order; each error names its file.
    pub skipped: Vec<DataError>,
    /// The first image of which 16-bit or floating-point values were scaled to bytes, where there is one.
    pub scaled: Option<PathBuf>,
}

/// Reads whole images of any sizes. As soon as one has colour all are red, green and blue, unless `grey` makes all of them grey.
/// Files that are empty, cut off, damaged or no images are left out and named in warnings, or are errors where `strict`.
///
/// # Errors
/// The first fault where `strict`; otherwise only when no image is left.
pub fn read_whole_images(paths: &[PathBuf], grey: bool, strict: bool) -> Result<WholeImages, DataError> {
    let name = |path: &Path| path.display().to_string();
    let formats: Vec<Result<Format, DataError>> =
        paths.par_iter().map(|path| inspect(&name(path), &input::bytes(path)?)).collect();
    let coloured = !grey && formats.iter().flatten().any(|format| format.colour);
    let channels = if coloured { 3 } else { 1 };
    let scaled = paths.iter().zip(&formats).find(|(_, format)| format.as_ref().is_ok_and(|format| format.deep));
    let scaled = scaled.map(|(path, _)| path.clone());
    let has_others =
        |format: &Result<Format, DataError>| format.as_ref().is_ok_and(|format| format.others || format.pages > 1);
    let others = paths.iter().zip(&formats).filter(|(_, format)| has_others(format));
    tell_others(&others.map(|(path, _)| path).collect::<Vec<_>>(), "the first of a file is read");
    let images: Vec<Result<(WholeImage, Option<&Path>), DataError>> = paths
        .par_iter()
        .zip(formats)
        .map(|(path, format)| {
            let Format { height, width, .. } = format?;
            let name = name(path);
            let mut values = Vec::new();
            let length = height * width * channels;
            if values.try_reserve_exact(length).is_err() {
                let why = format!("{height}×{width} pixels do not fit in memory beside the images before");
                return Err(DataError::unsuitable(Place::source(name), why).with_hint("take fewer images"));
            }
            values.resize(length, 0);
            let transparent = pixels(&name, &input::bytes(path)?, height, width, channels, &mut values)?;
            let pixels = Array3::from_shape_vec((height, width, channels), values).expect("as many as the shape holds");
            Ok((WholeImage { name, pixels }, transparent.then_some(&**path)))
        })
        .collect();
    let mut left_out = LeftOut::new(paths, strict);
    let mut whole = Vec::new();
    for image in images {
        if let Some((image, transparent)) = left_out.unless(image)? {
            whole.push(image);
            left_out.transparent.extend(transparent);
        }
    }
    if whole.is_empty() {
        return Err(left_out.nothing_left());
    }
    left_out.tell();
    Ok(WholeImages { images: whole, skipped: left_out.faults, scaled })
}
