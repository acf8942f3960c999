//! The samples of an NPY file piece by piece, each number in the type that it has there: what a codec needs that must give every
//! bit back, and that works on more than fits into memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use enkoder::codec::{ElementType, Source};

use crate::byte_source::ByteSource;
use crate::error::DataError;
use crate::npy::{Layout, is_npy, layout};

/// An NPY file that is read in pieces.
#[derive(Debug)]
pub struct NpySamples {
    file: File,
    element: ElementType,
    shape: Vec<usize>,
    samples: u64,
    start: u64,
}

impl NpySamples {
    /// Opens an NPY file; none where `path` is no file or no plain NPY, or its numbers are not in the order and of the types that
    /// pieces can be taken of: little-endian integers and f32 or f64, the first axis outermost.
    ///
    /// # Errors
    /// When the file cannot be read or its header is damaged.
    pub fn open(path: &Path) -> Result<Option<Self>, DataError> {
        if !path.is_file() {
            return Ok(None);
        }
        let failed = |source| DataError::io("read", path, source);
        let mut file = File::open(path).map_err(failed)?;
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(6).read_to_end(&mut head).map_err(failed)?;
        if !is_npy(&head) {
            return Ok(None);
        }
        let mut source = ByteSource::open(path)?;
        let Some(Layout { element, shape }) = layout(&mut source)? else { return Ok(None) };
        let start = source.offset();
        let Some((&samples, shape)) = shape.split_first() else { return Ok(None) };
        let shape = if shape.is_empty() { vec![1] } else { shape.to_vec() };
        Ok(Some(Self { file, element, shape, samples: samples as u64, start }))
    }
}

impl Source for NpySamples {
    fn element(&self) -> ElementType {
        self.element
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn samples(&self) -> u64 {
        self.samples
    }

    fn read(&mut self, first: u64, count: usize) -> io::Result<Vec<u8>> {
        let width = (self.shape.iter().product::<usize>() * self.element.bytes()) as u64;
        self.file.seek(SeekFrom::Start(self.start + first * width))?;
        let mut bytes = vec![0; count * width as usize];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Writes the header of an array of samples of this shape; their little-endian bytes follow.
///
/// # Errors
/// What the system said.
pub fn write_array_header(out: &mut dyn Write, element: ElementType, samples: u64, shape: &[usize]) -> io::Result<()> {
    let kind = match element {
        ElementType::U8 => "|u1",
        ElementType::I8 => "|i1",
        ElementType::U16 => "<u2",
        ElementType::I16 => "<i2",
        ElementType::U32 => "<u4",
        ElementType::I32 => "<i4",
        ElementType::U64 => "<u8",
        ElementType::I64 => "<i8",
        ElementType::F32 => "<f4",
        ElementType::F64 => "<f8",
    };
    let axes: String = shape.iter().map(|length| format!(" {length},")).collect();
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({samples},{axes}), }}");
    // The values begin at a multiple of 64 bytes.
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    text.push_str(&" ".repeat(length - 1 - text.len()));
    text.push('\n');
    let length = u16::try_from(text.len()).map_err(|_| io::Error::other("a shape too long for NPY"))?;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(text.as_bytes())
}
