//! One variable: an array in one file or, one after the other along the leading axis, in several. It is read in pieces, as
//! little-endian bytes in the order of its axes, wherever they lie.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use enkoder::codec::ElementType;

use super::contents::Contents;
use super::conventions::Conventions;
use super::slab::Slab;
use crate::element::Endian;
use crate::error::DataError;
use crate::hdf5::Hdf5Array;
use crate::input::{Input, Location};
use crate::npy::NpyForm;
use crate::zarr::ZarrArray;

/// An array in one file.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Its name; empty where the format has none.
    pub name: String,
    pub element: ElementType,
    pub shape: Vec<u64>,
    /// How its numbers become values.
    pub conventions: Conventions,
    /// The type that they have in the file, where it is none of a codec.
    pub original: Option<OriginalType>,
    pub stored: Stored,
    /// What the file says beside the numbers.
    pub origin: Option<Origin>,
}

/// A type of numbers that a codec knows by another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginalType {
    /// Truth values, which a codec takes as u8.
    Bool,
}

impl OriginalType {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
        }
    }
}

/// What a file says of an array beside its numbers.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// How numbers lie in an NPY file.
    Npy(NpyForm),
    /// All that is in the file, and the name of the array there.
    Contents { all: Arc<Contents>, name: String },
}

/// Where the numbers of an array lie.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    /// In a file from byte `start` on, the last axis closest.
    File { at: Location, start: u64, records: Option<Records>, endian: Endian },
    /// In an HDF5 file.
    Hdf5(Arc<Hdf5Array>),
    /// In a Zarr folder.
    Zarr(Arc<ZarrArray>),
    /// In memory, little-endian, the last axis closest.
    Held(Vec<u8>),
}

/// How the records of an array lie apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records {
    /// Bytes of one record of this array.
    pub bytes: u64,
    /// Bytes from one record to the next.
    pub stride: u64,
}

/// Arrays of one variable as one.
#[derive(Debug)]
pub(super) struct Variable {
    pub name: String,
    pub element: ElementType,
    pub shape: Vec<u64>,
    pub conventions: Conventions,
    pub original: Option<OriginalType>,
    /// The file of each array, and what it says beside the numbers.
    pub origins: Vec<(String, Option<Origin>)>,
    /// Each array with the number of the byte that its first is of all.
    parts: Vec<(u64, Stored)>,
    /// What was read last, and its part's number.
    open: Option<(usize, Open)>,
}

/// What stays open between two reads.
#[derive(Debug)]
enum Open {
    File(Input),
    Slab(Slab),
}

impl Variable {
    /// The arrays one after the other along the leading axis; each comes with the name of its file.
    pub fn new(fields: Vec<(String, Field)>) -> Result<Self, DataError> {
        let mut fields = fields.into_iter();
        let Some((first_file, first)) = fields.next() else { return Err(DataError::empty(crate::Place::default())) };
        let Some((&leading, inner)) = first.shape.split_first() else {
            let why = "the array is a single number, not a list of samples";
            return Err(DataError::unsuitable(crate::Place::source(first_file), why));
        };
        let mut variable = Self {
            name: first.name,
            element: first.element,
            shape: Vec::new(),
            conventions: first.conventions,
            original: first.original,
            origins: vec![(first_file.clone(), first.origin)],
            parts: vec![(0, first.stored)],
            open: None,
        };
        let mut leading = leading;
        for (file, field) in fields {
            let alike = (field.element, field.original) == (first.element, first.original);
            if !alike || field.shape.get(1..) != Some(inner) {
                let why = format!(
                    "it holds {} of {:?} a step of the leading axis, but {first_file} holds {} of {inner:?}",
                    field.element,
                    field.shape.get(1..).unwrap_or_default(),
                    first.element,
                );
                return Err(DataError::unsuitable(crate::Place::source(file), why)
                    .with_hint("arrays are put together along the leading axis: all else must be alike"));
            }
            let bytes = bytes_of(variable.element, leading, inner)
                .ok_or_else(|| DataError::unsuitable(crate::Place::source(&file), TOO_LARGE))?;
            variable.parts.push((bytes, field.stored));
            variable.origins.push((file.clone(), field.origin));
            leading = leading
                .checked_add(field.shape[0])
                .ok_or_else(|| DataError::unsuitable(crate::Place::source(&file), TOO_LARGE))?;
            variable.conventions.join(field.conventions).map_err(|why| {
                DataError::unsuitable(crate::Place::source(&file), format!("{why}, unlike {first_file}"))
                    .with_hint("take one file at a time, or unpack them to numbers that mean what they say")
            })?;
        }
        bytes_of(variable.element, leading, inner)
            .ok_or_else(|| DataError::unsuitable(crate::Place::source(&first_file), TOO_LARGE))?;
        variable.shape = std::iter::once(leading).chain(inner.iter().copied()).collect();
        Ok(variable)
    }

    /// What variables must have alike to be taken together.
    pub fn kind(&self) -> (&[u64], ElementType, Option<OriginalType>) {
        (&self.shape, self.element, self.original)
    }

    /// Fills `bytes` with those from number `first` on; both at the border of a number.
    pub fn read(&mut self, first: u64, bytes: &mut [u8]) -> io::Result<()> {
        let (mut first, mut bytes) = (first, bytes);
        while !bytes.is_empty() {
            let part = self.parts.partition_point(|(start, _)| *start <= first) - 1;
            let end = self.parts.get(part + 1).map_or(u64::MAX, |(start, _)| *start);
            let here = usize::try_from(end - first).unwrap_or(usize::MAX).min(bytes.len());
            let (now, rest) = bytes.split_at_mut(here);
            self.read_part(part, first - self.parts[part].0, now)?;
            bytes = rest;
            first += here as u64;
        }
        Ok(())
    }

    fn read_part(&mut self, part: usize, first: u64, bytes: &mut [u8]) -> io::Result<()> {
        match &self.parts[part].1 {
            Stored::Held(all) => {
                let start = usize::try_from(first).unwrap_or(usize::MAX);
                let end = start.saturating_add(bytes.len());
                let from = all.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?;
                bytes.copy_from_slice(from);
            }
            Stored::Hdf5(array) => array.read(slab_of(&mut self.open, part), first, bytes)?,
            Stored::Zarr(array) => array.read(slab_of(&mut self.open, part), first, bytes)?,
            Stored::File { at, start, records, endian } => {
                let file = match &mut self.open {
                    Some((open, Open::File(file))) if *open == part => file,
                    other => {
                        let (_, Open::File(file)) = other.insert((part, Open::File(at.open()?))) else {
                            unreachable!("a file was inserted");
                        };
                        file
                    }
                };
                match records {
                    None => read_at(file, *start + first, bytes)?,
                    Some(records) => {
                        let (mut first, mut bytes) = (first, &mut *bytes);
                        while !bytes.is_empty() {
                            let (record, within) = (first / records.bytes, first % records.bytes);
                            let here = ((records.bytes - within).min(bytes.len() as u64)) as usize;
                            let (now, rest) = bytes.split_at_mut(here);
                            read_at(file, *start + record * records.stride + within, now)?;
                            bytes = rest;
                            first += here as u64;
                        }
                    }
                }
                let width = self.element.bytes();
                if *endian == Endian::Big && width > 1 {
                    bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
                }
            }
        }
        Ok(())
    }
}

/// The slab of a part that was read last, or an empty one in its place.
fn slab_of(open: &mut Option<(usize, Open)>, part: usize) -> &mut Slab {
    if !matches!(open, Some((open, Open::Slab(_))) if *open == part) {
        *open = Some((part, Open::Slab(Slab::default())));
    }
    let Some((_, Open::Slab(slab))) = open else { unreachable!("a slab is open") };
    slab
}

const TOO_LARGE: &str = "the arrays together have more bytes than can be counted";

fn bytes_of(element: ElementType, leading: u64, inner: &[u64]) -> Option<u64> {
    inner.iter().try_fold(leading.checked_mul(element.bytes() as u64)?, |bytes, &axis| bytes.checked_mul(axis))
}

fn read_at(file: &mut Input, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}
