//! Writing NetCDF of the classic format: CDF-1 where that suffices, CDF-2 for places beyond 2 GiB, and CDF-5 for the types and sizes that
//! only it has. The numbers of some variables come later, a piece at a time; those of the others are in memory.

use std::io::{self, Seek, SeekFrom, Write};

use enkoder::codec::ElementType;

use super::{ATTRIBUTE, DIMENSION, Header, Kind, VARIABLE};
use crate::arrays::{Attribute, Attributes, Description};
use crate::byte_source::ByteSource;
use crate::error::{DataError, Place};

/// Beyond so many bytes of a variable, or of one of its records, only CDF-5 can say its size.
const MOST_OF_CDF2: u64 = (1 << 32) - 4;

/// The attribute of the file that names the dimension without a limit, while the numbers of some variables lie elsewhere.
pub(crate) const UNLIMITED: &str = "_EnkoderUnlimited";
/// The attribute of the file that says what of its source it does not hold, a line each.
pub(crate) const NOT_KEPT: &str = "_EnkoderNotKept";

/// What a file says and, but for some variables, holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Classic {
    /// Names and lengths.
    pub dimensions: Vec<(String, u64)>,
    /// The one that can grow. It is the first of every variable that has it.
    pub unlimited: Option<usize>,
    pub attributes: Attributes,
    pub variables: Vec<ClassicVariable>,
}

/// A variable of such a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClassicVariable {
    pub name: String,
    pub kind: Kind,
    /// Numbers of its dimensions.
    pub dimensions: Vec<usize>,
    pub attributes: Attributes,
    pub numbers: Numbers,
}

/// The numbers of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Numbers {
    /// Big-endian, the last axis closest.
    Here(Vec<u8>),
    /// They come later, as those of the array of this number.
    Later(usize),
}

/// Where everything lies in a file.
#[derive(Debug, Default)]
struct Places {
    version: u8,
    /// Of each variable.
    starts: Vec<u64>,
    /// Bytes from one record to the next.
    stride: u64,
    end: u64,
}

impl Classic {
    /// The number of a dimension of this name and length, which is added where there is none; with another name where the file has one
    /// of this name and another length.
    pub fn dimension(&mut self, name: &str, length: u64) -> usize {
        let mut candidate = name.to_owned();
        for number in 2.. {
            match self.dimensions.iter().position(|(known, _)| *known == candidate) {
                Some(found) if self.dimensions[found].1 == length => return found,
                Some(_) => candidate = format!("{name}_{number}"),
                None => break,
            }
        }
        self.dimensions.push((candidate, length));
        self.dimensions.len() - 1
    }

    /// Dimensions for axes without names.
    pub fn nameless(&mut self, shape: &[u64]) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for &length in shape {
            let mut dimension = self.dimension(&format!("dim_{length}"), length);
            for number in 2.. {
                if !found.contains(&dimension) {
                    break;
                }
                dimension = self.dimension(&format!("dim_{length}_{number}"), length);
            }
            found.push(dimension);
        }
        found
    }

    fn shape(&self, variable: &ClassicVariable) -> Vec<u64> {
        variable.dimensions.iter().map(|&dimension| self.dimensions[dimension].1).collect()
    }

    fn is_record(&self, variable: &ClassicVariable) -> bool {
        self.unlimited.is_some() && variable.dimensions.first().copied() == self.unlimited
    }

    /// Bytes of a variable, or of one record of it.
    fn piece(&self, variable: &ClassicVariable) -> Option<u64> {
        let shape = self.shape(variable);
        let axes = if self.is_record(variable) { &shape[1..] } else { &shape[..] };
        axes.iter().try_fold(variable.kind.bytes(), |bytes, &axis| bytes.checked_mul(axis))
    }

    fn records(&self) -> u64 {
        self.unlimited.map_or(0, |dimension| self.dimensions[dimension].1)
    }

    /// Where everything lies in the least version that can hold it: in the order of the header, which the NetCDF library asks for, or
    /// with what comes later last.
    fn places(&self, later_last: bool) -> Option<Places> {
        let needs_five = self.variables.iter().any(|variable| variable.kind.is_of_cdf5())
            || self
                .all_attributes()
                .any(|attributes| attributes.all.iter().any(|(_, value)| kind_of(value).is_of_cdf5()))
            || self.dimensions.iter().any(|(_, length)| *length > i32::MAX as u64);
        let sizes = self.variables.iter().map(|variable| self.piece(variable)).collect::<Option<Vec<u64>>>()?;
        let is_large = sizes.iter().any(|&bytes| bytes > MOST_OF_CDF2);
        let version = if needs_five || is_large { 5 } else { 1 };
        let places = self.place(version, &sizes, later_last)?;
        if version == 1 && places.end > i32::MAX as u64 { self.place(2, &sizes, later_last) } else { Some(places) }
    }

    fn place(&self, version: u8, sizes: &[u64], later_last: bool) -> Option<Places> {
        let mut places = Places { version, starts: vec![0; sizes.len()], stride: 0, end: 0 };
        let mut at = self.header(&places, sizes).len() as u64;
        // Behind all that has no records come those of all others.
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by_key(|&index| match self.variables[index].numbers {
            Numbers::Later(array) if later_last => Some(array),
            _ => None,
        });
        let (records, whole): (Vec<usize>, Vec<usize>) =
            order.into_iter().partition(|&index| self.is_record(&self.variables[index]));
        for index in whole {
            places.starts[index] = at;
            at = at.checked_add(sizes[index])?.checked_next_multiple_of(4)?;
        }
        let single = records.len() == 1;
        for index in records {
            places.starts[index] = at.checked_add(places.stride)?;
            let bytes = if single { sizes[index] } else { sizes[index].checked_next_multiple_of(4)? };
            places.stride = places.stride.checked_add(bytes)?;
        }
        places.end = places.stride.checked_mul(self.records())?.checked_add(at)?;
        Some(places)
    }

    fn all_attributes(&self) -> impl Iterator<Item = &Attributes> {
        std::iter::once(&self.attributes).chain(self.variables.iter().map(|variable| &variable.attributes))
    }

    fn header(&self, places: &Places, sizes: &[u64]) -> Vec<u8> {
        let mut out = Encoder { bytes: vec![b'C', b'D', b'F', places.version], version: places.version };
        out.count(self.records());
        out.list(DIMENSION, self.dimensions.len());
        for (number, (name, length)) in self.dimensions.iter().enumerate() {
            out.name(name);
            out.count(if Some(number) == self.unlimited { 0 } else { *length });
        }
        out.attributes(&self.attributes);
        out.list(VARIABLE, self.variables.len());
        for (index, variable) in self.variables.iter().enumerate() {
            out.name(&variable.name);
            out.count(variable.dimensions.len() as u64);
            variable.dimensions.iter().for_each(|&dimension| out.count(dimension as u64));
            out.attributes(&variable.attributes);
            out.number(variable.kind.code());
            let size = sizes[index].checked_next_multiple_of(4).unwrap_or(u64::MAX);
            out.count(if places.version == 5 { size } else { size.min(u32::MAX.into()) });
            match places.version {
                1 => out.number(places.starts[index] as u32),
                _ => out.bytes.extend(places.starts[index].to_be_bytes()),
            }
        }
        out.bytes
    }

    /// The file up to where the numbers lie that come later. No dimension of it is without a limit: which one is stands in
    /// an attribute.
    pub fn into_bytes(mut self) -> Option<Vec<u8>> {
        if let Some(dimension) = self.unlimited.take() {
            let name = self.dimensions[dimension].0.clone().into_bytes();
            self.attributes.add(UNLIMITED.to_owned(), Attribute::Text(name));
        }
        let places = self.places(true)?;
        let sizes = self.variables.iter().map(|variable| self.piece(variable)).collect::<Option<Vec<u64>>>()?;
        let mut bytes = self.header(&places, &sizes);
        for variable in &self.variables {
            if let Numbers::Here(numbers) = &variable.numbers {
                bytes.extend(numbers);
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
        }
        Some(bytes)
    }

    /// The file again, and what stands in its attributes of what it does not hold.
    ///
    /// # Errors
    /// When bytes contradict themselves.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, Vec<String>), DataError> {
        let mut source = ByteSource::from_bytes("the description", bytes)?;
        let header = Header::read(&mut source, false)?;
        let malformed = |why: String| DataError::malformed(Place::source("the description"), why);
        let mut file = Self::default();
        for dimension in header.dimensions {
            let length = dimension.length.ok_or_else(|| malformed(format!("{:?} has no length", dimension.name)))?;
            file.dimensions.push((dimension.name, length));
        }
        let mut not_kept = Vec::new();
        for (name, value) in header.attributes.all {
            match (name.as_str(), &value) {
                (UNLIMITED, Attribute::Text(text)) => {
                    file.unlimited = file.dimensions.iter().position(|(name, _)| name.as_bytes() == text);
                }
                (NOT_KEPT, Attribute::Text(text)) => {
                    not_kept = String::from_utf8_lossy(text).lines().map(str::to_owned).collect();
                }
                _ => file.attributes.add(name, value),
            }
        }
        let mut later: Vec<u64> = header
            .variables
            .iter()
            .map(|variable| variable.start)
            .filter(|&start| start >= bytes.len() as u64)
            .collect();
        later.sort_unstable();
        for variable in header.variables {
            let unlimited = file.unlimited;
            let is_inner = variable.dimensions.iter().skip(1).any(|&dimension| Some(dimension) == unlimited);
            file.unlimited = unlimited.filter(|_| !is_inner);
            let length = variable.shape.iter().try_fold(variable.kind.bytes(), |bytes, &axis| bytes.checked_mul(axis));
            let numbers = match later.binary_search(&variable.start) {
                Ok(array) => Numbers::Later(array),
                Err(_) => {
                    let end = length.and_then(|length| variable.start.checked_add(length));
                    let here = end.and_then(|end| bytes.get(variable.start as usize..usize::try_from(end).ok()?));
                    let cut = || malformed(format!("{:?} reaches beyond the end", variable.name));
                    Numbers::Here(here.ok_or_else(cut)?.to_vec())
                }
            };
            file.variables.push(ClassicVariable {
                name: variable.name,
                kind: variable.kind,
                dimensions: variable.dimensions,
                attributes: variable.attributes,
                numbers,
            });
        }
        Ok((file, not_kept))
    }

    /// Takes only steps `first` to `first + count` of a dimension, and of what is here what lies along them.
    fn narrow(&mut self, dimension: usize, first: u64, count: u64) {
        let length = self.dimensions[dimension].1;
        if (first, count) == (0, length) {
            return;
        }
        let shapes: Vec<Vec<u64>> = self.variables.iter().map(|variable| self.shape(variable)).collect();
        for (variable, shape) in self.variables.iter_mut().zip(shapes) {
            let Some(axis) = variable.dimensions.iter().position(|&other| other == dimension) else { continue };
            let Numbers::Here(numbers) = &mut variable.numbers else { continue };
            if numbers.is_empty() {
                continue;
            }
            let step = shape[axis + 1..].iter().fold(variable.kind.bytes(), |bytes, &axis| bytes * axis) as usize;
            let wanted = first as usize * step..(first + count) as usize * step;
            *numbers =
                numbers.chunks_exact(length as usize * step).flat_map(|all| &all[wanted.clone()]).copied().collect();
        }
        self.dimensions[dimension].1 = count;
    }
}

impl Kind {
    /// The type as a header has it.
    fn code(self) -> u32 {
        match self {
            Self::Text => 2,
            Self::Number(element) => match element {
                ElementType::I8 => 1,
                ElementType::I16 => 3,
                ElementType::I32 => 4,
                // There are no shorter ones.
                ElementType::F16 | ElementType::F32 => 5,
                ElementType::F64 => 6,
                ElementType::U8 => 7,
                ElementType::U16 => 8,
                ElementType::U32 => 9,
                ElementType::I64 => 10,
                ElementType::U64 => 11,
            },
        }
    }

    /// Whether only CDF-5 has the type.
    fn is_of_cdf5(self) -> bool {
        self.code() > 6
    }
}

fn kind_of(value: &Attribute) -> Kind {
    match value {
        Attribute::Text(_) => Kind::Text,
        Attribute::Numbers { element, .. } => Kind::Number(*element),
    }
}

/// A header on its way into bytes.
struct Encoder {
    bytes: Vec<u8>,
    version: u8,
}

impl Encoder {
    fn number(&mut self, number: u32) {
        self.bytes.extend(number.to_be_bytes());
    }

    /// A length, or a number of things.
    fn count(&mut self, count: u64) {
        if self.version == 5 { self.bytes.extend(count.to_be_bytes()) } else { self.number(count as u32) }
    }

    fn list(&mut self, tag: u32, count: usize) {
        self.number(if count > 0 { tag } else { 0 });
        self.count(count as u64);
    }

    fn padded(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn name(&mut self, name: &str) {
        self.count(name.len() as u64);
        self.padded(name.as_bytes());
    }

    fn attributes(&mut self, attributes: &Attributes) {
        self.list(ATTRIBUTE, attributes.all.len());
        for (name, value) in &attributes.all {
            self.name(name);
            let kind = kind_of(value);
            self.number(kind.code());
            let bytes = match value {
                Attribute::Text(bytes) => bytes.clone(),
                Attribute::Numbers { element, bytes } => big_endian(bytes, element.bytes()),
            };
            self.count(bytes.len() as u64 / kind.bytes());
            self.padded(&bytes);
        }
    }
}

/// Numbers of `width` bytes turned from one order of bytes into the other.
pub(crate) fn big_endian(bytes: &[u8], width: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if width > 1 {
        bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    bytes
}

/// Arrays on their way to a NetCDF file, with the names, attributes and coordinates that a [`Description`] keeps.
#[derive(Debug)]
pub struct NetcdfWriter {
    file: Classic,
    places: Places,
    /// For each array its variable, how many bytes of it were written, and the type of its numbers.
    arrays: Vec<(usize, u64, ElementType)>,
    /// Where the next byte goes.
    at: u64,
}

impl NetcdfWriter {
    /// For these arrays, which are the steps from `first` on of those described. Without a description variables have what names there
    /// are.
    ///
    /// # Errors
    /// When the description is of other arrays, when a name cannot stand in such a file, and when a part of an axis is
    /// asked for that an array has twice.
    pub fn new(description: &Description, written: &[Written], first: u64) -> Result<Self, DataError> {
        let place = || Place::source("the NetCDF file");
        let mut file = match description.netcdf() {
            Some(file) => file.clone(),
            None => nameless(description, written)?,
        };
        let mut arrays: Vec<_> = written.iter().map(|array| (usize::MAX, 0, array.element)).collect();
        let mut leading: Vec<(usize, u64)> = Vec::new();
        for (index, variable) in file.variables.iter().enumerate() {
            let Numbers::Later(array) = variable.numbers else { continue };
            let other = || {
                DataError::malformed(place(), "the names and coordinates in the compressed file do not fit its arrays")
            };
            let Written { element, shape, .. } = written.get(array).ok_or_else(other)?;
            let own = file.shape(variable);
            let width = variable.kind == description.netcdf_kind(array, *element)
                || variable.kind.bytes() == element.bytes() as u64;
            let fits = width && own.len() == shape.len() && own.get(1..) == shape.get(1..);
            let end = shape.first().and_then(|&steps| steps.checked_add(first));
            if !fits || end.is_none_or(|end| own.first().is_none_or(|&length| end > length)) {
                return Err(other());
            }
            arrays[array].0 = index;
            if variable.dimensions[1..].contains(&variable.dimensions[0]) && own[0] != shape[0] {
                let why = format!("{:?} has the axis twice of which a part is asked for", variable.name);
                return Err(DataError::unsuitable(place(), why).with_hint("leave out --range, or name the output .npy"));
            }
            leading.push((variable.dimensions[0], shape[0]));
        }
        if arrays.iter().any(|&(variable, ..)| variable == usize::MAX) {
            return Err(DataError::malformed(
                place(),
                "the compressed file holds arrays that its names and coordinates leave out",
            ));
        }
        leading.sort_unstable();
        leading.dedup();
        leading.into_iter().for_each(|(dimension, steps)| file.narrow(dimension, first, steps));
        let places =
            file.places(false).ok_or_else(|| DataError::unsuitable(place(), "more bytes than can be counted"))?;
        Ok(Self { file, places, arrays, at: 0 })
    }

    /// The arrays of numbers that are known already, and the names of texts.
    pub(crate) fn into_beside(self) -> (Vec<ArrayBeside>, Vec<String>) {
        let shapes: Vec<_> = self.file.variables.iter().map(|variable| self.file.shape(variable)).collect();
        let (mut beside, mut texts) = (Vec::new(), Vec::new());
        for (ClassicVariable { name, kind, numbers, .. }, shape) in self.file.variables.into_iter().zip(shapes) {
            match (numbers, kind) {
                (Numbers::Here(bytes), Kind::Number(element)) => {
                    beside.push(ArrayBeside { name, element, shape, bytes: big_endian(&bytes, element.bytes()) });
                }
                (Numbers::Here(_), Kind::Text) => texts.push(name),
                (Numbers::Later(_), _) => {}
            }
        }
        (beside, texts)
    }

    /// Writes the header, and what is known already.
    ///
    /// # Errors
    /// What the system said.
    pub fn begin(&mut self, out: &mut (impl Write + Seek)) -> io::Result<()> {
        let too_large = || io::Error::other("more bytes than can be counted");
        let sizes = self.file.variables.iter().map(|variable| self.file.piece(variable)).collect::<Option<Vec<u64>>>();
        let header = self.file.header(&self.places, &sizes.ok_or_else(too_large)?);
        out.write_all(&header)?;
        self.at = header.len() as u64;
        for index in 0..self.file.variables.len() {
            if let Numbers::Here(numbers) = &mut self.file.variables[index].numbers {
                let numbers = std::mem::take(numbers);
                self.put(out, index, 0, &numbers)?;
            }
        }
        Ok(())
    }

    /// Writes the next numbers of the array of this number, little-endian.
    ///
    /// # Errors
    /// What the system said.
    pub fn write(&mut self, out: &mut (impl Write + Seek), array: usize, bytes: &[u8]) -> io::Result<()> {
        let (variable, done, element) = self.arrays[array];
        let bytes = match element {
            ElementType::F16 => {
                let mut numbers = Vec::with_capacity(bytes.len() / element.bytes());
                element.extend_f32(bytes, &mut numbers);
                numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
            }
            element => big_endian(bytes, element.bytes()),
        };
        self.put(out, variable, done, &bytes)?;
        self.arrays[array].1 = done + bytes.len() as u64;
        Ok(())
    }

    /// Writes the bytes of a variable from number `first` on.
    fn put(&mut self, out: &mut (impl Write + Seek), variable: usize, first: u64, bytes: &[u8]) -> io::Result<()> {
        let start = self.places.starts[variable];
        let described = &self.file.variables[variable];
        let record = self.file.piece(described).filter(|&bytes| bytes > 0 && self.file.is_record(described));
        let (mut first, mut bytes) = (first, bytes);
        while !bytes.is_empty() {
            let (at, most) = match record {
                None => (start + first, bytes.len() as u64),
                Some(record) => (start + first / record * self.places.stride + first % record, record - first % record),
            };
            let (now, rest) = bytes.split_at(bytes.len().min(most as usize));
            if self.at != at {
                out.seek(SeekFrom::Start(at))?;
            }
            out.write_all(now)?;
            self.at = at + now.len() as u64;
            first += now.len() as u64;
            bytes = rest;
        }
        Ok(())
    }

    /// Fills what is left of the last four bytes.
    ///
    /// # Errors
    /// What the system said.
    pub fn finish(self, out: &mut (impl Write + Seek)) -> io::Result<()> {
        let length = out.seek(SeekFrom::End(0))?;
        let missing = self.places.end.saturating_sub(length);
        out.write_all(&[0; 4][..missing.min(4) as usize])?;
        out.flush()
    }
}

/// An array that is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Its name; empty where it has none.
    pub name: String,
    /// The type under which a codec gives its numbers.
    pub element: ElementType,
    /// Its shape.
    pub shape: Vec<u64>,
}

/// An array that goes along with those that are written, and its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayBeside {
    /// Its name.
    pub name: String,
    /// The type of its numbers.
    pub element: ElementType,
    /// Its shape.
    pub shape: Vec<u64>,
    /// Its numbers, little-endian, the last axis closest.
    pub bytes: Vec<u8>,
}

/// A file of arrays of which no more is known.
fn nameless(description: &Description, written: &[Written]) -> Result<Classic, DataError> {
    let mut file = Classic::default();
    for (array, Written { name, element, shape }) in written.iter().enumerate() {
        let name = if name.is_empty() && written.len() == 1 { "data" } else { name };
        if name.is_empty() || name.contains(|c: char| c == '/' || c.is_control()) {
            let why = format!("a variable of NetCDF cannot be called {name:?}");
            return Err(DataError::unsuitable(Place::source("the NetCDF file"), why)
                .with_hint("name the output .npy, .npz or .raw"));
        }
        let (name, kind) = (name.to_owned(), description.netcdf_kind(array, *element));
        let dimensions = file.nameless(shape);
        let (attributes, numbers) = (Attributes::default(), Numbers::Later(array));
        file.variables.push(ClassicVariable { name, kind, dimensions, attributes, numbers });
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Classic {
        let mut file = Classic::default();
        let (time, x) = (file.dimension("time", 3), file.dimension("x", 5));
        file.unlimited = Some(time);
        file.attributes.add("title".into(), Attribute::Text(b"caf\xe9".to_vec()));
        let valid = Attribute::Numbers { element: ElementType::I64, bytes: i64::MAX.to_le_bytes().to_vec() };
        let mut attributes = Attributes::default();
        attributes.add("most".into(), valid);
        let here = |numbers: Vec<u8>| Numbers::Here(numbers);
        let days = [1.5f64, 2.5, 3.5].iter().flat_map(|day| day.to_be_bytes()).collect();
        let variable = |name: &str, kind, dimensions: Vec<usize>, numbers| ClassicVariable {
            name: name.into(),
            kind,
            dimensions,
            attributes: Attributes::default(),
            numbers,
        };
        file.variables = vec![
            ClassicVariable {
                attributes,
                ..variable("t", Kind::Number(ElementType::I16), vec![time, x], Numbers::Later(0))
            },
            variable("time", Kind::Number(ElementType::F64), vec![time], here(days)),
            variable("letters", Kind::Text, vec![x], here(b"abcde".to_vec())),
        ];
        file
    }

    #[test]
    fn a_description_comes_back_as_it_was() {
        let bytes = sample().into_bytes().unwrap();
        let (back, not_kept) = Classic::from_bytes(&bytes).unwrap();
        assert_eq!(back, sample());
        assert!(not_kept.is_empty());
        for length in 0..bytes.len() {
            // Cut off, it is refused, or what is missing counts as what comes later.
            let _ = Classic::from_bytes(&bytes[..length]);
        }
    }

    #[test]
    fn numbers_lie_in_the_order_of_the_header_as_the_netcdf_library_asks() {
        let places = sample().places(false).unwrap();
        assert!(places.starts[2] < places.starts[0] && places.starts[0] < places.starts[1], "{places:?}");
        assert_eq!(places.stride, 12 + 8);
    }

    #[test]
    fn a_part_of_an_axis_takes_what_lies_along_it() {
        let mut file = sample();
        file.narrow(0, 1, 2);
        let days: Vec<u8> = [2.5f64, 3.5].iter().flat_map(|day| day.to_be_bytes()).collect();
        assert_eq!(file.variables[1].numbers, Numbers::Here(days));
        file.narrow(1, 2, 1);
        assert_eq!(file.variables[2].numbers, Numbers::Here(b"c".to_vec()));
        let none = file.dimension("none", 0);
        file.variables[1].dimensions.push(none);
        file.variables[1].numbers = Numbers::Here(Vec::new());
        file.narrow(0, 0, 1);
        assert_eq!(file.variables[1].numbers, Numbers::Here(Vec::new()));
    }
}
