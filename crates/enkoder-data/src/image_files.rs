//! Which files are meant by a folder or a pattern, and in which order: images first of all, whether or not this build reads them.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use enkoder::Labels;

use crate::error::{DataError, Place};
use crate::input::is_address;
use crate::remote::{self, Found as OnServer};

const READ: [&str; 13] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "dib", "webp", "gif", "pgm", "ppm", "pnm", "pbm"];
/// Images as well: they are found with the others, so that who leaves them out says so.
const NOT_READ: [&str; 10] = ["avif", "heic", "heif", "jp2", "jxl", "tga", "ico", "exr", "hdr", "psd"];

/// The images found in a folder.
pub(crate) struct Found {
    pub paths: Vec<PathBuf>,
    pub labels: Option<Labels>,
}

/// The images in a folder, or else those in its sub-folders, whose names are classes; with those of formats that are not read.
pub(crate) fn in_folder(folder: &Path) -> Result<Found, DataError> {
    let (images, folders) = list(folder)?;
    let mut classes = Vec::new();
    for folder in folders {
        let (images, _) = list(&folder)?;
        if !images.is_empty() {
            classes.push((name(&folder), images));
        }
    }
    let is_read = |images: &Vec<PathBuf>| images.iter().any(|path| is_read_name(path));
    match (is_read(&images), classes.iter().any(|(_, images)| is_read(images))) {
        (false, false) => {
            let found = images.first().or_else(|| classes.first()?.1.first());
            let why = match found {
                Some(path) => format!("no image that can be read in the folder or its sub-folders, but {}", name(path)),
                None => "no image in the folder or its sub-folders".to_owned(),
            };
            let hint = "images are files named .png, .jpg, .jpeg, .tif, .tiff, .bmp, .webp, .gif, .pgm, .ppm, .pnm or .pbm; the files of a \
                        table are named .parquet; other tables are named one at a time";
            Err(DataError::unsuitable(folder, why).with_hint(hint))
        }
        (true, false) => {
            let below = classes.into_iter().flat_map(|(_, images)| images);
            Ok(Found { paths: images.into_iter().chain(below).collect(), labels: None })
        }
        (true, true) => Err(DataError::unsuitable(
            folder,
            format!("images lie both in the folder and in sub-folders such as {:?}: are those classes?", classes[0].0),
        )
        .with_hint(format!("take only the upper ones with the pattern '{}'", folder.join("*").display()))),
        (false, true) => {
            // Those above are of no class; they are in the list to be left out.
            let mut labels = Labels { classes: Vec::new(), values: vec![u32::MAX; images.len()] };
            let mut found = Found { paths: images, labels: None };
            for (number, (class, images)) in classes.into_iter().enumerate() {
                labels.classes.push(class);
                labels.values.extend(std::iter::repeat_n(number as u32, images.len()));
                found.paths.extend(images);
            }
            found.labels = Some(labels);
            Ok(found)
        }
    }
}

/// The files of images that a path names: itself, those in a folder or in its sub-folders, or those that a pattern such as
/// `photos/*.png` matches; or the one of an address. In natural order.
///
/// # Errors
/// When there is none, or a folder cannot be read.
pub fn image_paths(source: impl AsRef<OsStr>) -> Result<Vec<PathBuf>, DataError> {
    let source = source.as_ref();
    let path = Path::new(source);
    let paths = if path.is_dir() {
        in_folder(path)?.paths
    } else if path.exists() {
        vec![path.to_owned()]
    } else if let Some(name) = source.to_str().filter(|_| is_address(path)) {
        match remote::find(name)? {
            OnServer::Object { path, .. } => vec![path],
            OnServer::Folder { .. } => Vec::new(),
        }
    } else {
        source.to_str().map_or(Ok(Vec::new()), matching)?
    };
    if paths.is_empty() {
        let known = std::iter::empty();
        return Err(DataError::unknown_name("image, folder or pattern", source.to_string_lossy(), known));
    }
    Ok(paths)
}

/// The files that a pattern with `*`, `?`, `[…]` or `**` matches: only the images among them where there are any.
pub(crate) fn matching(pattern: &str) -> Result<Vec<PathBuf>, DataError> {
    let matches = glob::glob(pattern).map_err(|error| {
        DataError::malformed(Place::source(pattern), "the pattern cannot be read").with_cause(error)
    })?;
    let mut paths = Vec::new();
    for path in matches {
        let path = path.map_err(|error| {
            let path = error.path().to_owned();
            DataError::io("read", path, error.into())
        })?;
        if path.is_file() {
            paths.push(path);
        }
    }
    paths.extend(matching_without_text(Path::new(pattern)));
    if paths.iter().any(|path| is_image_name(path)) {
        paths.retain(|path| is_image_name(path));
    }
    paths.sort_by(|a, b| natural_order(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(paths)
}

/// The files whose names are not UTF-8 and match the last part of a pattern: those the crate passes over.
fn matching_without_text(pattern: &Path) -> Vec<PathBuf> {
    let folder = match pattern.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let last = pattern.file_name().and_then(OsStr::to_str).and_then(|last| glob::Pattern::new(last).ok());
    let (Some(last), Ok(entries)) = (last, fs::read_dir(folder)) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| folder.join(entry.file_name()));
    paths.filter(|path| path.to_str().is_none() && last.matches(&name(path)) && path.is_file()).collect()
}

/// The files in a folder whose names end in one of these extensions (all files without extensions), in natural order and without
/// hidden ones.
pub(crate) fn files_in(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, DataError> {
    Ok(list_files(folder, |path| extensions.is_empty() || has_extension(path, extensions))?.0)
}

/// Whether there are images that can be read in a folder or its sub-folders.
pub(crate) fn has_images(folder: &Path) -> Result<bool, DataError> {
    let (images, folders) = list_files(folder, is_read_name)?;
    let mut found = !images.is_empty();
    for folder in folders {
        found = found || !list_files(&folder, is_read_name)?.0.is_empty();
    }
    Ok(found)
}

/// The images and the folders in a folder, in natural order and without hidden ones.
fn list(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    list_files(folder, is_image_name)
}

/// The files that are wanted and the folders in a folder, in natural order and without hidden ones.
pub(crate) fn list_files(
    folder: &Path,
    wanted: impl Fn(&Path) -> bool,
) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    let failed = |source| DataError::io("read", folder, source);
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if name(&path).starts_with('.') {
            continue;
        }
        if path.is_dir() {
            folders.push(path);
        } else if wanted(&path) {
            files.push(path);
        }
    }
    for paths in [&mut files, &mut folders] {
        paths.sort_by(|a, b| natural_order(&name(a), &name(b)));
    }
    Ok((files, folders))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether content that begins so is an image that can be read.
pub fn is_image(head: &[u8]) -> bool {
    match head {
        [b'P', b'1'..=b'7', b' ' | b'\t' | b'\n' | b'\r' | b'#', ..] => true,
        // TIFF of both orders of bytes, and BigTIFF.
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => true,
        // The size of the file, then four bytes that are reserved, or the size of one of the headers that there are.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => true,
        [b'B', b'M', _, _, _, _, _, _, _, _, _, _, _, _, 12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0, ..] => true,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => true,
        _ => head.starts_with(b"\x89PNG\r\n\x1a\n") || head.starts_with(b"\xff\xd8\xff") || head.starts_with(b"GIF8"),
    }
}

/// Whether a file's name ends as those of images do, whatever is in it, and whether or not such images are read.
pub fn is_image_name(path: &Path) -> bool {
    is_read_name(path) || has_extension(path, &NOT_READ)
}

/// Whether a file's name ends as those of the images do that are read.
pub fn is_read_name(path: &Path) -> bool {
    has_extension(path, &READ)
}

pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    extensions.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// Numbers in names count as numbers: `image2` stands before `image10`. Names that differ only in leading zeros keep the order
/// of their bytes.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (x, y) = (digits(&mut left), digits(&mut right));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            (left, right) = (&left[x.len_utf8()..], &right[y.len_utf8()..]);
            x.cmp(&y)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Takes the digits at the start of a text, and returns them without leading zeros.
fn digits<'a>(text: &mut &'a str) -> &'a str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    digits.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_in_names_are_ordered_by_their_value() {
        let mut names = ["b1", "a10", "a2", "a", "a02", "é3", "a2b", "a10b1", "99999999999999999999999"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(names, ["99999999999999999999999", "a", "a02", "a2", "a2b", "a10", "a10b1", "b1", "é3"]);
    }

    proptest! {
        #[test]
        fn the_order_is_total(names in prop::collection::vec("[a0-2é]{0,5}", 3)) {
            let [a, b, c] = [&names[0], &names[1], &names[2]];
            prop_assert_eq!(natural_order(a, b), natural_order(b, a).reverse());
            prop_assert_eq!(natural_order(a, b) == Ordering::Equal, a == b);
            if natural_order(a, b).is_le() && natural_order(b, c).is_le() {
                prop_assert!(natural_order(a, c).is_le());
            }
        }
    }
}
