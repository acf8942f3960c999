//! What a compressed file keeps of the file that its arrays came from, so that they can come back as they were: types and orders of bytes
//! of NPY; names, attributes and coordinates of NetCDF and HDF5.

use std::io::Read;

use enkoder::codec::ElementType;

use super::contents::{ArrayEntry, Contents};
use super::joining;
use super::times;
use super::variable::{Origin, OriginalType, Variable};
use crate::byte_source::ByteSource;
use crate::error::{DataError, Place};
use crate::netcdf::{
    ArrayBeside, Classic, ClassicVariable, Kind, NOT_KEPT, NetcdfWriter, Numbers, Written, big_endian,
};
use crate::npy::{self, NpyForm};

/// Bytes of all coordinates together that are kept, and of what is unpacked again.
const MOST_KEPT: u64 = 256 << 20;
/// More than that of coordinates beside it, for the header.
const MOST_UNPACKED: u64 = MOST_KEPT + (64 << 20);
/// The level at which zstd packs what is small and what is large.
#[cfg(feature = "packed")]
const LEVEL: i32 = 19;
#[cfg(feature = "packed")]
const LEVEL_OF_LARGE: i32 = 9;
#[cfg(feature = "packed")]
const LARGE: usize = 4 << 20;
/// What attributes are called that are not kept.
const OTHER_ATTRIBUTE: &str = "an attribute that is neither text nor numbers";
/// What a description is called in messages.
const PLACE: &str = "the description";

/// Names of what could not be kept, with what it is.
pub type NotKept = Vec<String>;

/// What a compressed file says of the file that its arrays came from.
#[derive(Debug, Default)]
pub struct Description {
    /// How the arrays lie in NPY files; empty where they came from others.
    forms: Vec<NpyForm>,
    netcdf: Option<Classic>,
    not_kept: NotKept,
}

impl Description {
    /// The most bytes that one has, packed.
    pub const MOST_BYTES: u64 = MOST_UNPACKED;

    /// Reads what [`Arrays::description`](super::Arrays::description) gave.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn parse(packed: &[u8]) -> Result<Self, DataError> {
        if packed.is_empty() {
            return Ok(Self::default());
        }
        let mut bytes = Vec::new();
        let mut source = ByteSource::from_bytes(PLACE, packed)?;
        let read = source.by_ref().take(MOST_UNPACKED + 1).read_to_end(&mut bytes);
        read.map_err(|error| source.read_error(error))?;
        if bytes.len() as u64 > MOST_UNPACKED {
            let why = format!("it unpacks to more than {MOST_UNPACKED} bytes");
            return Err(DataError::malformed(Place::source(PLACE), why));
        }
        if !npy::is_npy(&bytes) {
            let (netcdf, not_kept) = Classic::from_bytes(&bytes)?;
            return Ok(Self { forms: Vec::new(), netcdf: Some(netcdf), not_kept });
        }
        let mut source = ByteSource::from_bytes(PLACE, &bytes)?;
        let mut forms = Vec::new();
        while source.offset() < bytes.len() as u64 {
            forms.push(npy::read_form(&mut source)?);
        }
        Ok(Self { forms, ..Self::default() })
    }

    /// What a file is to keep of arrays that lay in NPY files with these headers, one after the other; nothing of none.
    ///
    /// # Errors
    /// Where this program was built without what packs it.
    pub fn pack_forms(headers: &[u8]) -> Result<Vec<u8>, DataError> {
        if headers.is_empty() { Ok(Vec::new()) } else { pack(headers) }
    }

    /// How the array of this number, which a codec takes as of type `element`, lies in an NPY file.
    pub fn form(&self, array: usize, element: ElementType) -> NpyForm {
        let known = self.forms.get(array).and_then(|form| form.of(element));
        known.unwrap_or(NpyForm::plain(element))
    }

    /// The type that the numbers had in their file, where a codec took them as of another.
    fn original(&self, array: usize, element: ElementType) -> Option<OriginalType> {
        self.form(array, element).original()
    }

    /// The names of its arrays; NPY files keep none.
    pub fn names(&self) -> Vec<&str> {
        let all = self.netcdf.iter().flat_map(|file| &file.variables);
        all.filter(|variable| matches!(variable.numbers, Numbers::Later(_)))
            .map(|variable| &variable.name[..])
            .collect()
    }

    /// The little-endian bytes of the number that stands for a missing value in an array, which a codec takes as of type `element`; none where
    /// its attributes name none.
    pub fn fill(&self, array: usize, element: ElementType) -> Option<Vec<u8>> {
        let is_it = |variable: &&ClassicVariable| matches!(variable.numbers, Numbers::Later(number) if number == array);
        let attributes = &self.netcdf.as_ref()?.variables.iter().find(is_it)?.attributes;
        ["_FillValue", "missing_value"].into_iter().find_map(|name| attributes.bytes_as(name, element))
    }

    /// How many arrays it is of; none where it says nothing of them.
    pub fn arrays(&self) -> Option<usize> {
        let known = self.forms.len().max(self.names().len());
        (known > 0).then_some(known)
    }

    /// Keeps only arrays of these names, which become 0, 1 and so on; of NPY files, which have none, those of these numbers.
    pub fn only(&mut self, arrays: &[(usize, &str)]) {
        let forms = std::mem::take(&mut self.forms);
        self.forms = if forms.is_empty() {
            forms
        } else {
            arrays.iter().filter_map(|&(array, _)| forms.get(array).copied()).collect()
        };
        if let Some(file) = &mut self.netcdf {
            file.variables.retain_mut(|variable| match &mut variable.numbers {
                Numbers::Later(array) => match arrays.iter().position(|(_, name)| *name == variable.name) {
                    Some(number) => {
                        *array = number;
                        true
                    }
                    None => false,
                },
                Numbers::Here(_) => true,
            });
        }
    }

    /// What goes along with these arrays, which are the steps from `first` on of those described: coordinates, bounds and single numbers.
    /// Then the names of texts, which are no numbers.
    ///
    /// # Errors
    /// When the description is of other arrays.
    pub fn beside(&self, written: &[Written], first: u64) -> Result<(Vec<ArrayBeside>, Vec<String>), DataError> {
        if self.netcdf.is_none() {
            return Ok((Vec::new(), Vec::new()));
        }
        Ok(NetcdfWriter::new(self, written, first)?.into_beside())
    }

    /// What of the file that the arrays came from could not be kept.
    pub fn not_kept(&self) -> &[String] {
        &self.not_kept
    }

    pub(crate) fn netcdf(&self) -> Option<&Classic> {
        self.netcdf.as_ref()
    }

    /// The type that numbers have in a NetCDF file.
    pub(crate) fn netcdf_kind(&self, array: usize, element: ElementType) -> Kind {
        Kind::Number(match element {
            // Truth values have none there; the oldest type of bytes holds them.
            _ if self.original(array, element) == Some(OriginalType::Bool) => ElementType::I8,
            ElementType::F16 => ElementType::F32,
            element => element,
        })
    }
}

/// The description of variables, and what it does not hold; empty where there is nothing to say.
pub(super) fn of(variables: &[&Variable]) -> Result<(Vec<u8>, NotKept), DataError> {
    let (bytes, not_kept) = match &variables[0].origins[0].1 {
        Some(Origin::Npy(_)) => (of_npy(variables), Vec::new()),
        Some(Origin::Contents { all, .. }) => of_contents(variables, all)?,
        None => return Ok((Vec::new(), Vec::new())),
    };
    if bytes.is_empty() {
        return Ok((bytes, not_kept));
    }
    Ok((pack(&bytes)?, not_kept))
}

#[cfg(feature = "packed")]
fn pack(bytes: &[u8]) -> Result<Vec<u8>, DataError> {
    let level = if bytes.len() > LARGE { LEVEL_OF_LARGE } else { LEVEL };
    zstd::bulk::compress(bytes, level).map_err(|error| DataError::io("pack", PLACE, error))
}

#[cfg(not(feature = "packed"))]
fn pack(_: &[u8]) -> Result<Vec<u8>, DataError> {
    Err(DataError::not_built(Place::source(PLACE), "zstd, and writes none", "packed"))
}

fn of_npy(variables: &[&Variable]) -> Vec<u8> {
    let form = |variable: &Variable| match variable.origins[0].1 {
        Some(Origin::Npy(form)) => form,
        _ => NpyForm::plain(variable.element),
    };
    let mut bytes = Vec::new();
    if variables.iter().any(|&variable| !form(variable).is_plain()) {
        for &variable in variables {
            form(variable).write_header(&mut bytes, &[]).expect("memory takes a header without axes");
        }
    }
    bytes
}

fn of_contents(variables: &[&Variable], all: &Contents) -> Result<(Vec<u8>, NotKept), DataError> {
    let mut file = Classic { attributes: all.attributes.clone(), ..Classic::default() };
    let mut not_kept: NotKept =
        all.attributes.others.iter().map(|name| format!("{name} ({OTHER_ATTRIBUTE})")).collect();
    not_kept.extend(
        all.groups.iter().map(|group| format!("{group} (a group: its arrays and attributes go along without it)")),
    );
    let array_of = |entry: &ArrayEntry| {
        variables.iter().position(
            |variable| matches!(&variable.origins[0].1, Some(Origin::Contents { name, .. }) if *name == entry.name),
        )
    };
    // The axis along which files are put together, and an array along it.
    let entry_of = |variable: &Variable| match &variable.origins[0].1 {
        Some(Origin::Contents { name, .. }) => all.arrays.iter().find(|entry| entry.name == *name),
        _ => None,
    };
    let data = variables.iter().find(|variable| variable.origins.len() > 1).unwrap_or(&variables[0]);
    let leading = entry_of(data).and_then(|entry| entry.axes.first());
    let joined = joining::check(variables, leading)?;
    if !joined.attributes.is_empty() {
        let names = joined.attributes.join(", ");
        tracing::warn!(
            "attributes are those of {}; other files have others, which are not kept: {names}",
            data.origins[0].0
        );
    }
    let mut kept_bytes = 0;
    for entry in &all.arrays {
        let array = array_of(entry);
        if array.is_none() && entry.is_data() {
            continue;
        }
        if let Some((_, why)) = joined.left_out.iter().find(|(name, _)| *name == entry.name) {
            not_kept.push(format!("{} ({why})", entry.name));
            continue;
        }
        let (shape, numbers) = match array {
            Some(array) => (variables[array].shape.clone(), Numbers::Later(array)),
            None => match kept(entry, data, leading, &mut kept_bytes) {
                Ok((shape, numbers)) => (shape, Numbers::Here(numbers)),
                Err(why) => {
                    not_kept.push(format!("{} ({why})", entry.name));
                    continue;
                }
            },
        };
        let name = match array {
            Some(array) => variables[array].name.clone(),
            None => free_name(entry, all),
        };
        let named = entry.axes.len() == shape.len();
        let dimensions = if named {
            entry.axes.iter().zip(&shape).map(|(name, &length)| file.dimension(name, length)).collect()
        } else {
            file.nameless(&shape)
        };
        not_kept.extend(entry.attributes.others.iter().map(|other| format!("{name}:{other} ({OTHER_ATTRIBUTE})")));
        let attributes = entry.attributes.clone();
        let kind = entry.stored.map_or(Kind::Text, Kind::Number);
        file.variables.push(ClassicVariable { name, kind, dimensions, attributes, numbers });
    }
    for name in &all.unlimited {
        let Some(dimension) = file.dimensions.iter().position(|(known, _)| known == name) else { continue };
        let is_inner =
            file.variables.iter().any(|variable| variable.dimensions.iter().skip(1).any(|&inner| inner == dimension));
        if file.unlimited.is_none() && !is_inner {
            file.unlimited = Some(dimension);
        } else {
            not_kept.push(format!("{name} (an axis without a limit, which has one now)"));
        }
    }
    if !not_kept.is_empty() {
        let lines = not_kept.join("\n").into_bytes();
        file.attributes.add(NOT_KEPT.to_owned(), super::Attribute::Text(lines));
    }
    let too_large = || DataError::unsuitable(Place::source("the description"), "more bytes than can be counted");
    Ok((file.into_bytes().ok_or_else(too_large)?, not_kept))
}

/// A name that no other array of the file has without its groups, or one that says the groups.
fn free_name(entry: &ArrayEntry, all: &Contents) -> String {
    let alone = all.arrays.iter().filter(|other| other.leaf() == entry.leaf()).count() == 1;
    if alone { entry.leaf().to_owned() } else { entry.name.trim_start_matches('/').replace('/', ".") }
}

/// An array beside the data, along the axis on which files are put together that of all files.
pub(super) fn beside(entry: &ArrayEntry, data: &Variable, leading: Option<&String>) -> Result<Variable, String> {
    let along = leading.is_some() && entry.axes.first() == leading;
    let mut fields = Vec::new();
    for (file, origin) in data.origins.iter().take(if along { usize::MAX } else { 1 }) {
        let Some(Origin::Contents { all, .. }) = origin else { return Err("not in every file".to_owned()) };
        let same = all.arrays.iter().find(|other| other.name == entry.name);
        let mut field = match same.and_then(|other| other.field.as_ref().or(other.text.as_ref())) {
            Some(field) => field.clone(),
            None if fields.is_empty() => {
                return Err(entry.unreadable.clone().unwrap_or(format!("{}, which is not read", entry.type_name)));
            }
            None => return Err(format!("not in {file}")),
        };
        if field.shape.is_empty() {
            field.shape.push(1);
        }
        if let (Some(Origin::Contents { all: first, .. }), Some(same)) = (&data.origins[0].1, same)
            && !fields.is_empty()
        {
            field = times::in_times_of((first, entry), (all, same), field)?;
        }
        fields.push((file.clone(), field));
    }
    let mut variable = Variable::new(fields).map_err(|error| error.to_string())?;
    if along {
        variable.shape[0] = variable.shape[0].min(data.shape[0]);
    }
    Ok(variable)
}

/// The numbers of an array that goes along, big-endian.
fn kept(
    entry: &ArrayEntry,
    data: &Variable,
    leading: Option<&String>,
    kept_bytes: &mut u64,
) -> Result<(Vec<u64>, Vec<u8>), String> {
    let mut variable = beside(entry, data, leading)?;
    let width = variable.element.bytes();
    let bytes = variable.shape.iter().try_fold(width as u64, |bytes, &axis| bytes.checked_mul(axis));
    let bytes = bytes.filter(|bytes| *kept_bytes + bytes <= MOST_KEPT);
    let bytes = bytes.ok_or_else(|| format!("it has too many values to go along ({:?})", variable.shape))?;
    if bytes == 0 {
        return Err("it has no values".to_owned());
    }
    *kept_bytes += bytes;
    let mut numbers = vec![0; bytes as usize];
    variable.read(0, &mut numbers).map_err(|error| error.to_string())?;
    let shape = if entry.shape.is_empty() { Vec::new() } else { variable.shape };
    Ok((shape, big_endian(&numbers, width)))
}
