//! HDF5, and NetCDF-4, which is HDF5 with conventions. The only file that names the crate that parses it, so that this can be
//! exchanged: out of here come [`Contents`] and arrays that are read in slabs.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use enkoder::codec::ElementType;
use hdf5_reader::error::Error;
use hdf5_reader::group::Group;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::dataspace::DataspaceType;
use hdf5_reader::messages::datatype::{Datatype, VarLenKind};
use hdf5_reader::messages::layout::{DataLayout, DataLayoutMessage};
use hdf5_reader::reference::read_object_references;
use hdf5_reader::storage::{Storage, StorageBuffer};
use hdf5_reader::{Attribute as Hdf5Attribute, Dataset, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem};

mod filters;
mod flags;
mod numbers;

use crate::arrays::{
    ArrayEntry, Attribute, Attributes, Contents, Conventions, Described, Field, Slab, Stored, netcdf_fill,
};
use crate::error::{DataError, Place};
use crate::guard::guarded;
use crate::input::Location;
use crate::remote::Object;

use flags::{add_flags, number_of};
use numbers::{array_to_le, is_big_endian, to_le, with_width};

/// Bytes of a slab: as many as one row of chunks has, up to this.
const MOST_SLAB: u64 = 256 << 20;

/// Bytes that are read together where the chunks are smaller.
const USUAL_SLAB: u64 = 4 << 20;

/// The most bytes of what can only be read whole.
const MOST_WHOLE: u64 = 1 << 30;

/// Objects and nested groups: more than anyone has, and a limit for what a damaged file makes one walk through.
const MOST_OBJECTS: usize = 100_000;
const MOST_DEPTH: usize = 64;

/// Values that any file may claim, and bytes for each of its bytes beyond: packed twice, or never written, they take next to none,
/// but a small damaged file must not claim a large part of the memory.
const MOST_OF_SMALL_FILE: u64 = 1 << 30;
const MOST_PER_BYTE: u64 = 1 << 12;

/// What is in a file.
pub(crate) fn contents(path: &Path) -> Result<Contents, DataError> {
    let at = Location::of(path)?;
    let length = at.open().and_then(|input| input.length()).map_err(|error| DataError::io("read", path, error))?;
    let length = length.unwrap_or(0);
    guarded("HDF5", || {
        let file = match at {
            Location::File(path) => Hdf5File::open_with_options(path, options()),
            Location::Remote(object) => Hdf5File::from_storage_with_options(Arc::new(RemoteStorage(object)), options()),
        };
        let file = file.map_err(damaged)?;
        contents_of(&file, length)
    })
    .map_err(|error| error.within(path.display().to_string()))
}

/// What is in a file whose bytes are in memory.
///
/// # Errors
/// When it is not HDF5, or is damaged.
pub fn parse_hdf5(bytes: &[u8]) -> Result<Contents, DataError> {
    guarded("HDF5", || {
        let file = Hdf5File::from_bytes_with_options(bytes, options()).map_err(damaged)?;
        contents_of(&file, bytes.len() as u64)
    })
}

/// Files elsewhere, which a file may name, are never opened.
fn options() -> OpenOptions {
    let options =
        OpenOptions::default().with_max_chunk_bytes(MOST_SLAB as usize).with_max_read_bytes(MOST_WHOLE as usize);
    options.with_filter_registry(filters::registry())
}

/// A file on a server.
struct RemoteStorage(Arc<Object>);

impl Storage for RemoteStorage {
    fn len(&self) -> u64 {
        self.0.length()
    }

    fn read_range(&self, offset: u64, len: usize) -> Result<StorageBuffer, Error> {
        let available = self.0.length().saturating_sub(offset);
        if available < len as u64 {
            return Err(Error::UnexpectedEof { offset, needed: len as u64, available });
        }
        let mut bytes = vec![0; len];
        self.0.read_at(offset, &mut bytes)?;
        Ok(StorageBuffer::from_vec(bytes))
    }
}

fn damaged(error: Error) -> DataError {
    let place = Place::default();
    match error {
        Error::Io(error) => DataError::malformed(place, "the HDF5 file cannot be read").with_cause(error),
        error => DataError::malformed(place, "the HDF5 file is damaged or uses what is not read").with_cause(error),
    }
    .with_hint("copy or fetch it again, for it may have been cut off; if others read it, write it anew with h5repack or nccopy")
}

fn contents_of(file: &Hdf5File, length: u64) -> Result<Contents, DataError> {
    let root = file.root_group().map_err(damaged)?;
    let mut walk = Walk::default();
    walk.visit(&root, "", 0)?;
    let is_netcdf = root.attribute("_NCProperties").is_ok() || !walk.scales.is_empty();
    // An axis without a limit is as long as the longest of the arrays along it.
    for found in &walk.found {
        for (address, &length) in found.axes.iter().zip(found.dataset.shape()) {
            if let Some(scale) = walk.scales.get_mut(address).filter(|scale| scale.is_unlimited) {
                scale.length = scale.length.max(length);
            }
        }
    }
    let kind = FileKind { is_netcdf, length };
    let readable = walk.found.into_iter().map(|found| found.entry(file, &walk.scales, &kind));
    let unreadable = walk.unreadable.into_iter().map(|(name, why)| {
        let described = Described { name, axes: Vec::new(), shape: Vec::new(), attributes: Attributes::default() };
        ArrayEntry { unreadable: Some(why), ..ArrayEntry::new(described, "unknown".to_owned()) }
    });
    let arrays = readable.chain(unreadable).collect();
    let unlimited = walk.scales.values().filter(|scale| scale.is_unlimited).map(|scale| scale.name.clone()).collect();
    let format = if is_netcdf { "NetCDF-4" } else { "HDF5" };
    let mut attributes = attributes_of(root.attributes().unwrap_or_default());
    attributes.all.extend(walk.attributes.all);
    attributes.others.extend(walk.attributes.others);
    Ok(Contents { attributes, unlimited, ..Contents::new(format, walk.groups, arrays) })
}

struct FileKind {
    is_netcdf: bool,
    /// Bytes of the file.
    length: u64,
}

/// An axis that arrays share.
struct Scale {
    name: String,
    length: u64,
    is_unlimited: bool,
}

/// A data set on the way to become an entry.
struct Found {
    path: String,
    dataset: Dataset,
    attributes: Attributes,
    /// Addresses of the scales of its axes, as far as they have any.
    axes: Vec<u64>,
}

/// What a walk through the groups of a file finds.
#[derive(Default)]
struct Walk {
    found: Vec<Found>,
    /// Paths of what cannot be opened, and why.
    unreadable: Vec<(String, String)>,
    groups: Vec<String>,
    /// Of the groups.
    attributes: Attributes,
    /// By the address of their data set.
    scales: HashMap<u64, Scale>,
    /// Addresses of scales by their number in NetCDF-4.
    numbers: HashMap<i32, u64>,
    visited: HashSet<u64>,
}

impl Walk {
    fn visit(&mut self, group: &Group, path: &str, depth: usize) -> Result<(), DataError> {
        // Links can lead in circles.
        if depth > MOST_DEPTH || !self.visited.insert(group.address()) {
            return Ok(());
        }
        let (groups, datasets) = group.member_names().map_err(damaged)?;
        if self.found.len() + self.unreadable.len() + self.groups.len() + groups.len() + datasets.len() > MOST_OBJECTS {
            let what = "the number of objects of an HDF5 file";
            let claimed = (groups.len() + datasets.len()) as u64;
            return Err(DataError::TooLarge { place: Place::default(), what, claimed, limit: MOST_OBJECTS as u64 });
        }
        let inside = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let inside_group = |name: &str| if path.is_empty() { format!("/{name}") } else { format!("{path}/{name}") };
        let mut here = Vec::new();
        for name in datasets {
            match group.dataset(&name) {
                Ok(dataset) => here.push((inside(&name), dataset)),
                Err(error) => self.unreadable.push((inside(&name), error.to_string())),
            }
        }
        // Scales first: the others refer to them.
        for (path, dataset) in &here {
            self.note_scale(path, dataset);
        }
        for (path, dataset) in here {
            let is_scale = self.scales.contains_key(&dataset.address());
            let is_mere_axis = is_scale
                && text(&dataset, "NAME").is_some_and(|name| name.starts_with("This is a netCDF dimension but not"));
            if !is_mere_axis {
                let axes = self.axes_of(&dataset, group, is_scale);
                let mut attributes = attributes_of(dataset.attributes());
                add_flags(&mut attributes, dataset.dtype());
                self.found.push(Found { path, attributes, axes, dataset });
            }
        }
        for name in groups {
            let child = group.group(&name).map_err(damaged)?;
            let inside = inside_group(&name);
            self.attributes.extend_of_group(&inside, attributes_of(child.attributes().unwrap_or_default()));
            self.groups.push(inside);
            self.visit(&child, &inside_group(&name), depth + 1)?;
        }
        Ok(())
    }

    fn note_scale(&mut self, path: &str, dataset: &Dataset) {
        if text(dataset, "CLASS").as_deref() != Some("DIMENSION_SCALE") {
            return;
        }
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let length = dataset.shape().first().copied().unwrap_or(0);
        let is_unlimited = dataset.max_dims().is_some_and(|most| most.first() == Some(&u64::MAX));
        self.scales.insert(dataset.address(), Scale { name, length, is_unlimited });
        if let Some(number) = dataset.attribute("_Netcdf4Dimid").ok().and_then(|id| id.read_scalar().ok()) {
            self.numbers.insert(number, dataset.address());
        }
    }

    /// Addresses of the scales of the axes of a data set; of a scale that is itself.
    fn axes_of(&self, dataset: &Dataset, group: &Group, is_scale: bool) -> Vec<u64> {
        if is_scale {
            if dataset.ndim() == 1 {
                return vec![dataset.address()];
            }
            let numbers: Vec<i32> =
                dataset.attribute("_Netcdf4Coordinates").ok().and_then(|list| list.read_1d().ok()).unwrap_or_default();
            return numbers.iter().map_while(|number| self.numbers.get(number).copied()).collect();
        }
        let Ok(list) = dataset.attribute("DIMENSION_LIST") else { return Vec::new() };
        let entry = 4 + usize::from(group.offset_size()) + 4;
        let first_scale = |entry: &[u8]| {
            let bytes = dataset.resolve_vlen_reference_bytes(entry, group.offset_size().into()).ok()?;
            read_object_references(&bytes, group.offset_size()).ok()?.first().copied()
        };
        list.raw_data.chunks_exact(entry).take(dataset.ndim()).map_while(first_scale).collect()
    }
}

impl Found {
    fn entry(self, file: &Hdf5File, scales: &HashMap<u64, Scale>, kind: &FileKind) -> ArrayEntry {
        let of_axes: Vec<Option<&Scale>> = self.axes.iter().map(|address| scales.get(address)).collect();
        let named = of_axes.len() == self.dataset.ndim() && of_axes.iter().all(Option::is_some);
        let axes = if named { of_axes.iter().flatten().map(|scale| scale.name.clone()).collect() } else { Vec::new() };
        let mut shape = self.dataset.shape().to_vec();
        if named {
            for (length, scale) in shape.iter_mut().zip(of_axes.iter().flatten()) {
                *length = if scale.is_unlimited { scale.length.max(*length) } else { *length };
            }
        }
        let dataset = match self.dataset.clone().with_padded_shape(&shape) {
            Ok(padded) => padded,
            Err(_) => {
                shape = self.dataset.shape().to_vec();
                self.dataset
            }
        };
        let described = Described { name: self.path, axes, shape: shape.clone(), attributes: self.attributes.clone() };
        let mut entry = ArrayEntry::new(described, type_name(dataset.dtype()));
        entry.chunks = dataset.chunks().unwrap_or_default().into_iter().map(u64::from).collect();
        // The size of a number can stand behind the lengths.
        entry.chunks.truncate(shape.len());
        let packed_by = filters_of(file, &dataset);
        entry.filters = packed_by.iter().map(|&id| filters::name(id)).collect();
        if has_no_space(file, &dataset) {
            entry.unreadable = Some("it has a null dataspace, and so no values".to_owned());
            return entry;
        }
        let Some((number, is_enumeration)) = element_of(dataset.dtype()) else {
            if !is_text(dataset.dtype()) {
                entry.unreadable = Some(format!("values of type {} are not read", entry.type_name));
            }
            return entry;
        };
        if number.is_float() && !is_ieee(&dataset) {
            entry.unreadable =
                Some(format!("its {}-bit floats are none of IEEE 754, and not read", 8 * number.bytes()));
            return entry;
        }
        let bytes = shape.iter().try_fold(number.bytes() as u64, |bytes, &axis| bytes.checked_mul(axis));
        let most = MOST_OF_SMALL_FILE.max(kind.length.saturating_mul(MOST_PER_BYTE));
        let unreadable = match bytes {
            _ if let Some(&id) = packed_by.iter().find(|&&id| !filters::is_known(id)) => {
                Some(format!("it is packed with {}, which is not read", filters::name(id)))
            }
            Some(bytes) if bytes <= most && (bytes <= MOST_WHOLE || !is_enumeration) => None,
            Some(bytes) => Some(format!("it claims {bytes} bytes, which a file of {} cannot hold", kind.length)),
            None => Some("it claims more bytes than can be counted".to_owned()),
        };
        if unreadable.is_some() {
            entry.unreadable = unreadable;
            return entry;
        }
        let fill = |element: ElementType| {
            if kind.is_netcdf { netcdf_fill(element) } else { netcdf_fill(element).filter(|_| element.is_float()) }
        };
        let (element, conventions) = Conventions::of(number, &self.attributes, fill);
        let stored = match old_contiguous(file, &dataset, bytes.unwrap_or(0)) {
            Some(bytes) => Stored::Held(in_little_endian(bytes, dataset.dtype(), number)),
            None => {
                let array = Hdf5Array::new(dataset, number, is_enumeration, &shape, &entry.chunks);
                Stored::Hdf5(Arc::new(array))
            }
        };
        let field = Field {
            name: entry.name.trim_start_matches('/').replace('/', "."),
            element,
            shape,
            conventions,
            original: None,
            stored,
            origin: None,
        };
        ArrayEntry { stored: Some(number), ..entry.with_field(field) }
    }
}

/// The bytes of an array in one piece whose layout is of version 2, as files of before 2005 have it. The crate passes over three bytes
/// of it that are reserved, where there are five: so its address and lengths are those that are meant, shifted by two bytes.
fn old_contiguous(file: &Hdf5File, dataset: &Dataset, bytes: u64) -> Option<Vec<u8>> {
    let lengths = u32::try_from(dataset.ndim()).ok()? + 1;
    let shifted = (1u64 << 16).wrapping_pow(lengths).wrapping_mul(bytes);
    let header = file.get_or_parse_header(dataset.address()).ok()?;
    let address = header.messages.iter().find_map(|message| match message {
        HdfMessage::DataLayout(DataLayoutMessage { layout: DataLayout::Contiguous { address, size } })
            if *size == shifted && shifted != bytes =>
        {
            Some(*address >> 16)
        }
        _ => None,
    })?;
    let length = usize::try_from(bytes).ok().filter(|_| bytes <= MOST_WHOLE)?;
    file.storage().read_range(address, length).ok().map(|bytes| bytes.to_vec())
}

/// Whether an array was made without any values, as `h5py.Empty`.
fn has_no_space(file: &Hdf5File, dataset: &Dataset) -> bool {
    let Ok(header) = file.get_or_parse_header(dataset.address()) else { return false };
    let is_null = |message: &HdfMessage| matches!(message, HdfMessage::Dataspace(space) if space.dataspace_type == DataspaceType::Null);
    header.messages.iter().any(is_null)
}

fn in_little_endian(mut bytes: Vec<u8>, kind: &Datatype, element: ElementType) -> Vec<u8> {
    if is_big_endian(kind) {
        bytes.chunks_exact_mut(element.bytes()).for_each(<[u8]>::reverse);
    }
    bytes
}

/// An array that is read in slabs.
pub(crate) struct Hdf5Array {
    dataset: Dataset,
    element: ElementType,
    shape: Vec<u64>,
    /// A slab is so many steps of axis `axis` at one place along those before it, with all that lies behind; without an axis it is
    /// all there is.
    axis: Option<usize>,
    steps: u64,
}

impl fmt::Debug for Hdf5Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hdf5Array({:?}, {} of {:?})", self.dataset.name(), self.element, self.shape)
    }
}

impl Hdf5Array {
    fn new(dataset: Dataset, element: ElementType, whole: bool, shape: &[u64], chunks: &[u64]) -> Self {
        let width = element.bytes() as u64;
        let all = shape.iter().fold(width, |bytes, &axis| bytes.saturating_mul(axis));
        let inner = |axis: usize| shape[axis + 1..].iter().fold(width, |bytes, &axis| bytes.saturating_mul(axis));
        let chunk = |axis: usize| chunks.get(axis).copied().unwrap_or(1).clamp(1, shape[axis].max(1));
        let (axis, steps) = if whole || all <= USUAL_SLAB {
            (None, 0)
        } else {
            // The outermost axis of which a row of chunks is not too large, or the last.
            let fits = |axis: &usize| inner(*axis).saturating_mul(chunk(*axis)) <= MOST_SLAB;
            let axis = (0..shape.len()).find(fits).unwrap_or(shape.len() - 1);
            let chunk_bytes = inner(axis).saturating_mul(chunk(axis)).max(1);
            let most = (MOST_SLAB / inner(axis).max(1)).max(1);
            (Some(axis), (chunk(axis) * (USUAL_SLAB / chunk_bytes).max(1)).min(most))
        };
        Self { dataset, element, shape: shape.to_vec(), axis, steps }
    }

    /// Fills `bytes` with those of the array from number `first` on, little-endian.
    pub fn read(&self, slab: &mut Slab, first: u64, bytes: &mut [u8]) -> io::Result<()> {
        slab.read(first, bytes, |first| {
            guarded("HDF5", || self.slab(first).map_err(damaged))
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        })
    }

    /// The slab with the byte `first` in it.
    fn slab(&self, first: u64) -> Result<Slab, Error> {
        let Some(axis) = self.axis else { return Ok(Slab { first: 0, bytes: self.whole()? }) };
        let step: u64 = self.shape[axis + 1..].iter().product::<u64>() * self.element.bytes() as u64;
        let (outer, at) = (first / step / self.shape[axis], first / step % self.shape[axis]);
        let start = at / self.steps * self.steps;
        let end = (start + self.steps).min(self.shape[axis]);
        let mut left = outer;
        let mut selections = vec![SliceInfoElem::Slice { start, end, step: 1 }];
        for &length in self.shape[..axis].iter().rev() {
            let index = left % length;
            selections.insert(0, SliceInfoElem::Slice { start: index, end: index + 1, step: 1 });
            left /= length;
        }
        selections.extend(self.shape[axis + 1..].iter().map(|&end| SliceInfoElem::Slice { start: 0, end, step: 1 }));
        let selection = SliceInfo { selections };
        let bytes = with_width!(self.element, T => array_to_le(&self.dataset.read_slice::<T>(&selection)?));
        Ok(Slab { first: (outer * self.shape[axis] + start) * step, bytes })
    }

    fn whole(&self) -> Result<Vec<u8>, Error> {
        let kind = self.dataset.dtype();
        let kind = if let Datatype::Enum { base, .. } = kind { base } else { kind };
        Ok(in_little_endian(self.dataset.read_raw_bytes()?, kind, self.element))
    }
}

/// The type of numbers, and whether they are those of an enumeration.
fn element_of(kind: &Datatype) -> Option<(ElementType, bool)> {
    Some(match kind {
        Datatype::FixedPoint { size, signed, .. } => {
            let element = match (size, signed) {
                (1, false) => ElementType::U8,
                (1, true) => ElementType::I8,
                (2, false) => ElementType::U16,
                (2, true) => ElementType::I16,
                (4, false) => ElementType::U32,
                (4, true) => ElementType::I32,
                (8, false) => ElementType::U64,
                (8, true) => ElementType::I64,
                _ => return None,
            };
            (element, false)
        }
        Datatype::FloatingPoint { size: 2, .. } => (ElementType::F16, false),
        Datatype::FloatingPoint { size: 4, .. } => (ElementType::F32, false),
        Datatype::FloatingPoint { size: 8, .. } => (ElementType::F64, false),
        Datatype::Enum { base, .. } => (element_of(base)?.0, true),
        _ => return None,
    })
}

/// Whether the bits of floats lie as those of IEEE 754, of which the crate says nothing (HDF5 File Format, IV.A.2.d): `bfloat16` is none.
fn is_ieee(dataset: &Dataset) -> bool {
    let Ok(raw) = dataset.raw_datatype() else { return false };
    let usual = match raw.get(4) {
        Some(2) => [10, 5, 0, 10],
        Some(4) => [23, 8, 0, 23],
        _ => [52, 11, 0, 52],
    };
    raw.get(12..16) == Some(&usual)
}

fn is_text(kind: &Datatype) -> bool {
    matches!(kind, Datatype::String { .. } | Datatype::VarLen { kind: VarLenKind::String, .. })
}

/// A type in words.
fn type_name(kind: &Datatype) -> String {
    match kind {
        Datatype::Enum { base, members } => {
            let names: Vec<String> = members
                .iter()
                .take(6)
                .map(|member| format!("{} {}", number_of(base, &member.value), member.name))
                .collect();
            let more = if members.len() > names.len() { ", …" } else { "" };
            format!("enumeration of {} ({}{more})", type_name(base), names.join(", "))
        }
        Datatype::FixedPoint { size, signed, .. } => match element_of(kind) {
            Some((element, _)) => element.to_string(),
            None => format!("{}-bit {}integer", u32::from(*size) * 8, if *signed { "" } else { "unsigned " }),
        },
        Datatype::FloatingPoint { size, .. } => match element_of(kind) {
            Some((element, _)) => element.to_string(),
            None => format!("{}-bit float", u32::from(*size) * 8),
        },
        _ if is_text(kind) => "text".to_owned(),
        Datatype::Compound { fields, .. } => {
            let fields: Vec<String> =
                fields.iter().take(8).map(|field| format!("{}: {}", field.name, type_name(&field.datatype))).collect();
            format!("structure ({})", fields.join(", "))
        }
        Datatype::Array { base, dims } => format!("array of {} {dims:?}", type_name(base)),
        Datatype::VarLen { base, .. } => format!("lists of {}", type_name(base)),
        Datatype::Opaque { .. } => "opaque".to_owned(),
        Datatype::Reference { .. } => "references".to_owned(),
        Datatype::Bitfield { .. } => "bits".to_owned(),
        _ => "unknown".to_owned(),
    }
}

fn text(dataset: &Dataset, name: &str) -> Option<String> {
    dataset.attribute(name).ok()?.read_string().ok()
}

/// What NetCDF-4 and the dimension scales of HDF5 say of themselves by attributes.
const OF_THE_FORMAT: [&str; 10] = [
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "DIMENSION_LABELS",
    "REFERENCE_LIST",
    "_NCProperties",
    "_Netcdf4Coordinates",
    "_Netcdf4Dimid",
    "_NCCOPY",
    "_nc3_strict",
];

fn attributes_of(all: Vec<Hdf5Attribute>) -> Attributes {
    let mut attributes = Attributes::default();
    for attribute in all.into_iter().filter(|attribute| !OF_THE_FORMAT.contains(&attribute.name.as_str())) {
        match value_of(&attribute) {
            Some(value) => attributes.add(attribute.name, value),
            None => attributes.others.push(attribute.name),
        }
    }
    attributes
}

fn value_of(attribute: &Hdf5Attribute) -> Option<Attribute> {
    if is_text(&attribute.datatype) {
        return attribute.read_string().ok().map(|text| Attribute::Text(text.into_bytes()));
    }
    let (element, false) = element_of(&attribute.datatype)? else { return None };
    let bytes = with_width!(element, T => to_le(&attribute.read_1d::<T>().ok()?));
    Some(Attribute::Numbers { element, bytes })
}

/// The numbers of the filters of a data set, in the order in which they were applied.
fn filters_of(file: &Hdf5File, dataset: &Dataset) -> Vec<u16> {
    let Ok(header) = file.get_or_parse_header(dataset.address()) else { return Vec::new() };
    let pipelines = header.messages.iter().filter_map(|message| match message {
        HdfMessage::FilterPipeline(pipeline) => Some(&pipeline.filters),
        _ => None,
    });
    pipelines.flatten().map(|filter| filter.id).collect()
}
