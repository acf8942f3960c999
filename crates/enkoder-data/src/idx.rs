//! IDX, the format of MNIST: two zero bytes, the type of the values, the number of dimensions, each dimension as a big-endian
//! u32, then the values in row-major order, big-endian (<http://yann.lecun.com/exdb/mnist>). The first dimension counts samples.
//! Images are joined with the labels that lie beside them, and a folder with training and test set is one data set.

use std::fs;
use std::path::{Path, PathBuf};

use enkoder::{Dataset, Labels};
use ndarray::Array2;

use crate::byte_source::ByteSource;
use crate::element::{Element, Endian, check_finite};
use crate::error::{DataError, Place};
use crate::labels;

struct Header {
    element: Element,
    samples: usize,
    shape: Vec<usize>,
    features: usize,
}

/// Whether content that begins so is IDX.
pub fn is_idx(head: &[u8]) -> bool {
    matches!(head, [0, 0, kind, dimensions, ..] if element(*kind).is_some() && *dimensions > 0)
}

/// Reads an IDX file; where its name says that it holds images and the labels of the same name lie beside it, with them.
pub fn read_idx_file(path: &Path) -> Result<Dataset, DataError> {
    let data = read_idx(&mut ByteSource::open(path)?)?;
    match labels_beside(path) {
        None => Ok(data),
        Some(beside) => {
            let values = read_label_values(&beside)?;
            with_labels(data, &values, &beside)
        }
    }
}

/// Reads IDX content: u8 stays u8, the other types become f32.
pub fn read_idx(source: &mut ByteSource) -> Result<Dataset, DataError> {
    let header = read_header(source)?;
    let name = source.name().to_owned();
    let dataset = if header.element == Element::U8 {
        let mut pixels = Vec::new();
        source.values::<1, u8>(header.samples * header.features, &mut pixels, |[byte]| byte)?;
        from_pixels(&name, pixels, &header)
    } else {
        let mut values = Vec::new();
        let count = header.samples * header.features;
        header.element.read_f32(source, Endian::Big, count, &mut values)?;
        check_finite(source, &values, header.features)?;
        let values = Array2::from_shape_vec((header.samples, header.features), values).expect("as many as counted");
        Dataset::from_f32(&name, values).and_then(|data| data.with_shape(header.shape))
    };
    source.finish()?;
    dataset.map_err(|error| DataError::dataset(Place::source(name), error))
}

/// The training set and the test set in a folder with files named as those of MNIST.
pub struct IdxFolder {
    /// The images, training set first.
    images: Vec<PathBuf>,
    folder: PathBuf,
}

impl IdxFolder {
    /// Finds the images in a folder: one file with a name like `train-images-idx3-ubyte.gz`, and at most one of a test set.
    pub fn find(folder: &Path) -> Result<Option<Self>, DataError> {
        let entries = fs::read_dir(folder).map_err(|source| DataError::io("read", folder, source))?;
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for entry in entries {
            let path = entry.map_err(|source| DataError::io("read", folder, source))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let name = name.strip_suffix(".gz").unwrap_or(name);
            let Some(set) = name.strip_suffix("idx3-ubyte").and_then(|name| name.strip_suffix(['-', '.'])) else {
                continue;
            };
            if set.ends_with("train-images") {
                train.push(path);
            } else if set.ends_with("t10k-images") || set.ends_with("test-images") {
                test.push(path);
            }
        }
        let both = [train, test].map(one_of_plain_and_packed);
        let [Some(train), test] = both else { return Ok(None) };
        let images = std::iter::once(train).chain(test).collect();
        Ok(Some(Self { images, folder: folder.to_owned() }))
    }

    /// The files of the images.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.images
    }

    /// Reads all images into one data set, and the labels where every image file has them beside it.
    pub fn read(&self) -> Result<Dataset, DataError> {
        let mut sources = self.images.iter().map(|path| ByteSource::open(path)).collect::<Result<Vec<_>, _>>()?;
        let mut headers = sources.iter_mut().map(read_header).collect::<Result<Vec<_>, _>>()?;
        let mut whole = headers.remove(0);
        for (header, source) in headers.iter().zip(&sources[1..]) {
            if header.shape != whole.shape || header.element != whole.element {
                let (have, first) = (&header.shape, &whole.shape);
                let why = format!("samples of shape {have:?}, but {} has {first:?} values of", sources[0].name());
                return Err(
                    DataError::unsuitable(Place::source(source.name()), why).with_hint("open each file by itself")
                );
            }
        }
        if whole.element != Element::U8 {
            return Err(DataError::unsuitable(self.folder.as_path(), "the images are not bytes")
                .with_hint("open each file by itself"));
        }
        let first = whole.samples;
        whole.samples += headers.iter().map(|header| header.samples).sum::<usize>();
        let mut pixels = Vec::new();
        if sources.iter().all(|source| source.length().is_some()) || whole.samples * whole.features <= 1 << 28 {
            // One allocation for both sets.
            pixels.reserve_exact(whole.samples * whole.features);
        }
        let counts = std::iter::once(first).chain(headers.iter().map(|header| header.samples));
        for (source, samples) in sources.iter_mut().zip(counts) {
            source.values::<1, u8>(samples * whole.features, &mut pixels, |[byte]| byte)?;
            source.finish()?;
        }
        let name = self.folder.display().to_string();
        let data =
            from_pixels(&name, pixels, &whole).map_err(|error| DataError::dataset(Place::path(&self.folder), error))?;
        let beside: Option<Vec<PathBuf>> = self.images.iter().map(|path| labels_beside(path)).collect();
        let Some(beside) = beside else { return Ok(data) };
        let mut values = Vec::new();
        for path in &beside {
            values.extend(read_label_values(path)?);
        }
        with_labels(data, &values, &self.folder)
    }
}

/// The one file of a set; where it lies there packed and unpacked, the unpacked one.
fn one_of_plain_and_packed(mut paths: Vec<PathBuf>) -> Option<PathBuf> {
    paths.sort();
    match &paths[..] {
        [path] => Some(path.clone()),
        [plain, packed]
            if packed.as_os_str().to_str() == plain.to_str().map(|name| format!("{name}.gz")).as_deref() =>
        {
            Some(plain.clone())
        }
        _ => None,
    }
}

fn from_pixels(name: &str, pixels: Vec<u8>, header: &Header) -> Result<Dataset, enkoder::DatasetError> {
    let pixels = Array2::from_shape_vec((header.samples, header.features), pixels).expect("as many as counted");
    Dataset::from_u8(name, pixels)?.with_shape(header.shape.clone())
}

fn element(kind: u8) -> Option<Element> {
    Some(match kind {
        0x08 => Element::U8,
        0x09 => Element::I8,
        0x0b => Element::I16,
        0x0c => Element::I32,
        0x0d => Element::F32,
        0x0e => Element::F64,
        _ => return None,
    })
}

fn read_header(source: &mut ByteSource) -> Result<Header, DataError> {
    let [zero, also_zero, kind, dimensions] = source.array("the IDX header")?;
    if zero != 0 || also_zero != 0 {
        return Err(
            source.malformed(0, format!("IDX begins with two zero bytes, not with {zero:#04x} {also_zero:#04x}"))
        );
    }
    let Some(element) = element(kind) else {
        return Err(source.malformed(2, format!("IDX has no value type {kind:#04x}")));
    };
    if dimensions == 0 {
        return Err(source.malformed(3, "an IDX array of 0 dimensions has no samples"));
    }
    let mut sizes = Vec::new();
    for dimension in 0..dimensions {
        let size = u32::from_be_bytes(source.array("the IDX dimensions")?);
        if size == 0 && dimension == 0 {
            return Err(DataError::empty(Place::source(source.name())));
        }
        if size == 0 {
            return Err(source.malformed(source.offset() - 4, format!("dimension {dimension} of the IDX array is 0")));
        }
        sizes.push(size as usize);
    }
    let count = sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(size as u64));
    let Some(count) = count else {
        return Err(source.malformed(4, format!("the IDX dimensions {sizes:?} make more values than can be counted")));
    };
    let bytes = source.claim(count, element.size(), "values")?;
    if let Some(length) = source.length().filter(|&length| length > source.offset() + bytes) {
        let end = source.offset() + bytes;
        return Err(source.malformed(end, format!("{} more bytes follow after the last value", length - end)));
    }
    let (samples, shape) = (sizes[0], sizes[1..].to_vec());
    let features = shape.iter().product();
    let shape = if shape.is_empty() { vec![1] } else { shape };
    Ok(Header { element, samples, shape, features })
}

/// The labels file that belongs to a file of images by its name, if it is there, packed or not.
fn labels_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    if !name.contains("images") || !name.contains("idx3") {
        return None;
    }
    let name = name.replace("images", "labels").replace("idx3", "idx1");
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    [name.clone(), plain.to_owned(), format!("{plain}.gz")]
        .into_iter()
        .map(|name| images.with_file_name(name))
        .find(|path| path.is_file())
}

fn read_label_values(path: &Path) -> Result<Vec<f64>, DataError> {
    let mut source = ByteSource::open(path)?;
    let header = read_header(&mut source)?;
    if header.features != 1 {
        let why = format!("labels must be one number for each sample, not {} ", header.features);
        return Err(DataError::unsuitable(path, why.trim_end()));
    }
    let mut values = Vec::new();
    header.element.read_f64(&mut source, Endian::Big, header.samples, &mut values)?;
    source.finish()?;
    Ok(values)
}

fn with_labels(data: Dataset, values: &[f64], source: &Path) -> Result<Dataset, DataError> {
    let labels: Labels = labels::from_numbers(values, &source.display().to_string())?;
    data.with_labels(labels).map_err(|error| DataError::dataset(Place::path(source), error))
}
