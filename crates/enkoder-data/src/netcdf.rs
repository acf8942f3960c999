//! NetCDF-3, classic, with 64-bit offsets and with 64-bit data (CDF-5): a header that names dimensions, attributes and variables, then the variables' numbers,
//! big-endian; those along the record dimension lie interleaved, record after record
//! (<https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html>). The header is parsed here and not by a
//! library, because its claims must be held against the length of the file before memory is taken, and numbers be read in pieces.

mod classic;

use std::path::Path;

use enkoder::codec::ElementType;

use crate::arrays::netcdf_fill;
use crate::arrays::{
    ArrayEntry, Attribute, Attributes, Contents, Conventions, Described as Naming, Field, Records, Stored,
};
use crate::byte_source::ByteSource;
use crate::element::Endian;
use crate::error::DataError;
use crate::input::Location;

pub(crate) use classic::{Classic, ClassicVariable, NOT_KEPT, Numbers, big_endian};

pub use classic::{ArrayBeside, NetcdfWriter, Written};

const DIMENSION: u32 = 0x0a;
const VARIABLE: u32 = 0x0b;
const ATTRIBUTE: u32 = 0x0c;
/// The number of records of a file that was still being written.
const STREAMING: u64 = u64::MAX;
/// NetCDF itself allows 1,024 dimensions for a variable.
const MOST_AXES: u64 = 1024;

/// Whether content that begins so is NetCDF-3, of which CDF-5 is the latest kind.
pub fn is_netcdf(head: &[u8]) -> bool {
    matches!(head, [b'C', b'D', b'F', 1 | 2 | 5, ..])
}

/// Whether content that begins so is HDF5, which NetCDF-4 is.
pub(crate) fn is_hdf5(head: &[u8]) -> bool {
    // MATLAB writes 512 bytes of its own before it.
    [0, 512].iter().any(|&at| head.get(at..).is_some_and(|rest| rest.starts_with(b"\x89HDF\r\n\x1a\n")))
}

/// A variable of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetcdfVariable {
    /// Its name.
    pub name: String,
    /// The type of its numbers.
    pub element: ElementType,
    /// The names of its axes, the outermost first.
    pub axes: Vec<String>,
    /// Their lengths.
    pub shape: Vec<u64>,
}

/// Reads the header: the variables of numbers, in the order of the file. Text is left out.
///
/// # Errors
/// When the content is not NetCDF-3 or contradicts itself, with the byte where that was found.
pub fn read_netcdf_header(source: &mut ByteSource) -> Result<Vec<NetcdfVariable>, DataError> {
    let found = Header::read(source, true)?.variables.into_iter();
    let public = |variable: Variable| {
        let Kind::Number(element) = variable.kind else { return None };
        Some(NetcdfVariable { name: variable.name, element, axes: variable.axes, shape: variable.shape })
    };
    Ok(found.filter_map(public).collect())
}

/// What is in a file.
pub(crate) fn contents(path: &Path) -> Result<Contents, DataError> {
    let mut source = ByteSource::open(path)?;
    if source.length().is_none() {
        return Err(DataError::unsuitable(path, "NetCDF is read in pieces, which a packed file cannot be")
            .with_hint("unpack it with gunzip"));
    }
    let header = Header::read(&mut source, true)?;
    let unlimited = header.dimensions.into_iter().filter(|dimension| dimension.length.is_none());
    let unlimited = unlimited.map(|dimension| dimension.name).collect();
    let at = Location::of(path)?;
    let arrays = header.variables.into_iter().map(|variable| variable.entry(&at)).collect();
    Ok(Contents { attributes: header.attributes, unlimited, ..Contents::new("NetCDF-3", Vec::new(), arrays) })
}

struct Header {
    dimensions: Vec<Dimension>,
    attributes: Attributes,
    variables: Vec<Variable>,
}

struct Variable {
    name: String,
    kind: Kind,
    /// The numbers of its dimensions, and their names.
    dimensions: Vec<usize>,
    axes: Vec<String>,
    shape: Vec<u64>,
    attributes: Attributes,
    start: u64,
    records: Option<Records>,
}

impl Variable {
    fn entry(self, at: &Location) -> ArrayEntry {
        let Self { name, kind, axes, shape, attributes, start, records, .. } = self;
        let (stored, element, conventions) = match kind {
            Kind::Text => (None, ElementType::U8, Conventions::default()),
            Kind::Number(stored) => {
                let (element, conventions) = Conventions::of(stored, &attributes, netcdf_fill);
                (Some(stored), element, conventions)
            }
        };
        let naming = Naming { name, axes, shape, attributes };
        let field = Field {
            name: naming.name.clone(),
            element,
            shape: naming.shape.clone(),
            conventions,
            original: None,
            stored: Stored::File { at: at.clone(), start, records, endian: Endian::Big },
            origin: None,
        };
        match stored {
            None => ArrayEntry { text: Some(field), ..ArrayEntry::new(naming, "text".to_owned()) },
            Some(stored) => {
                ArrayEntry { stored: Some(stored), ..ArrayEntry::new(naming, stored.to_string()).with_field(field) }
            }
        }
    }
}

struct Dimension {
    name: String,
    /// `None` for the record dimension.
    length: Option<u64>,
}

/// What the header says of a variable, before the records are counted.
struct Described {
    at: u64,
    name: String,
    kind: Kind,
    dimensions: Vec<usize>,
    attributes: Attributes,
    start: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number(ElementType),
}

impl Kind {
    fn bytes(self) -> u64 {
        match self {
            Self::Text => 1,
            Self::Number(element) => element.bytes() as u64,
        }
    }
}

impl Header {
    /// Reads a header; where the file `is_whole`, all numbers must lie in it.
    fn read(source: &mut ByteSource, is_whole: bool) -> Result<Self, DataError> {
        let [c, d, f, version] = source.array("the NetCDF magic number")?;
        if !is_netcdf(&[c, d, f, version]) {
            return Err(source.malformed(0, "NetCDF-3 begins with CDF and version 1, 2 or 5; this does not"));
        }
        let mut parser = Parser { source, wide_offsets: version != 1, wide: version == 5 };
        let records = parser.record_count()?;
        let dimensions = parser.dimensions()?;
        let attributes = parser.attributes()?;
        let described = parser.variables(&dimensions)?;
        let length = source.length().filter(|_| is_whole);
        let variables = Self::place(source, length, records, &dimensions, described)?;
        Ok(Self { dimensions, attributes, variables })
    }

    /// Counts records and bytes, and holds them against the length of the file.
    fn place(
        source: &ByteSource,
        length: Option<u64>,
        records: u64,
        dimensions: &[Dimension],
        described: Vec<Described>,
    ) -> Result<Vec<Variable>, DataError> {
        let is_record = |variable: &Described| {
            variable.dimensions.first().is_some_and(|&dimension| dimensions[dimension].length.is_none())
        };
        // Bytes of one record of a variable, or of all of one without records.
        let bytes = |variable: &Described| -> Option<u64> {
            let axes = variable.dimensions.iter().filter_map(|&dimension| dimensions[dimension].length);
            axes.into_iter().try_fold(variable.kind.bytes(), |bytes, axis| bytes.checked_mul(axis))
        };
        let too_large = |variable: &Described| {
            source.malformed(variable.at, format!("{:?} has more bytes than can be counted", variable.name))
        };
        let with_records = described.iter().filter(|variable| is_record(variable)).count();
        let mut stride = 0u64;
        for variable in described.iter().filter(|variable| is_record(variable)) {
            // Records of a variable that shares them with none are not padded to 4 bytes.
            let bytes =
                bytes(variable).and_then(|n| if with_records > 1 { n.checked_next_multiple_of(4) } else { Some(n) });
            stride = bytes.and_then(|bytes| stride.checked_add(bytes)).ok_or_else(|| too_large(variable))?;
        }
        let records = match records {
            STREAMING => {
                let start = described.iter().filter(|v| is_record(v)).map(|v| v.start).min().unwrap_or(0);
                length.unwrap_or(0).saturating_sub(start).checked_div(stride).unwrap_or(0)
            }
            records => records,
        };
        let mut variables = Vec::new();
        for variable in described {
            let record = bytes(&variable).ok_or_else(|| too_large(&variable))?;
            let apart = is_record(&variable).then_some(Records { bytes: record, stride });
            let end = match apart {
                Some(_) if records == 0 => Some(0),
                Some(_) => (records - 1).checked_mul(stride).and_then(|before| before.checked_add(record)),
                None => Some(record),
            };
            let end = end.and_then(|end| end.checked_add(variable.start)).ok_or_else(|| too_large(&variable))?;
            if let Some(length) = length.filter(|&length| length < end) {
                let why = format!(
                    "{:?} reaches to byte {end}, but the file ends at byte {length}: it was cut off",
                    variable.name
                );
                return Err(source.malformed(length, why).with_hint("copy or fetch the file again"));
            }
            let axes = || variable.dimensions.iter().map(|&dimension| &dimensions[dimension]);
            variables.push(Variable {
                kind: variable.kind,
                axes: axes().map(|dimension| dimension.name.clone()).collect(),
                shape: axes().map(|dimension| dimension.length.unwrap_or(records)).collect(),
                dimensions: variable.dimensions,
                attributes: variable.attributes,
                start: variable.start,
                // Records without bytes hold nothing to be found apart.
                records: apart.filter(|records| records.bytes > 0),
                name: variable.name,
            });
        }
        Ok(variables)
    }
}

struct Parser<'s, 'a> {
    source: &'s mut ByteSource<'a>,
    /// Whether offsets have 64 bits.
    wide_offsets: bool,
    /// Whether lengths and counts have 64 bits.
    wide: bool,
}

impl Parser<'_, '_> {
    fn number(&mut self, what: &str) -> Result<u32, DataError> {
        self.source.array(what).map(u32::from_be_bytes)
    }

    /// A length, or a number of things.
    fn count(&mut self, what: &str) -> Result<u64, DataError> {
        if self.wide { self.source.array(what).map(u64::from_be_bytes) } else { self.number(what).map(u64::from) }
    }

    fn record_count(&mut self) -> Result<u64, DataError> {
        let count = self.count("the number of records")?;
        Ok(if !self.wide && count == u64::from(u32::MAX) { STREAMING } else { count })
    }

    fn fault(&self, why: impl Into<String>) -> DataError {
        // The number that was read last is at fault.
        self.source.malformed(self.source.offset().saturating_sub(4), why)
    }

    /// The length of a list whose entries have at least `smallest` bytes; 0 where it is absent.
    fn list(&mut self, tag: u32, smallest: u64, what: &str) -> Result<u64, DataError> {
        let found = self.number(what)?;
        let count = self.count(what)?;
        if found != tag && (found, count) != (0, 0) {
            return Err(self.fault(format!("a list of {what} with the mark {found:#x} instead of {tag:#x}")));
        }
        self.source.claim(count, smallest, what)?;
        Ok(count)
    }

    /// `length` bytes, and those that fill the last four.
    fn padded(&mut self, length: u64, what: &str) -> Result<Vec<u8>, DataError> {
        let padded = length.checked_next_multiple_of(4).unwrap_or(u64::MAX);
        self.source.claim(padded, 1, what)?;
        let mut bytes = vec![0; padded as usize];
        self.source.fill(&mut bytes, what)?;
        bytes.truncate(length as usize);
        Ok(bytes)
    }

    fn name(&mut self, what: &str) -> Result<String, DataError> {
        let length = self.count(what)?;
        let start = self.source.offset();
        String::from_utf8(self.padded(length, what)?)
            .map_err(|_| self.source.malformed(start, format!("{what} is not UTF-8")))
    }

    fn dimensions(&mut self) -> Result<Vec<Dimension>, DataError> {
        let count = self.list(DIMENSION, 8, "dimensions")?;
        let mut dimensions: Vec<Dimension> = Vec::new();
        for _ in 0..count {
            let name = self.name("the name of a dimension")?;
            let length = self.count("the length of a dimension")?;
            if length == 0 && dimensions.iter().any(|dimension| dimension.length.is_none()) {
                return Err(self.fault(format!("{name:?} is a second dimension without a length")));
            }
            dimensions.push(Dimension { name, length: (length > 0).then_some(length) });
        }
        Ok(dimensions)
    }

    fn attributes(&mut self) -> Result<Attributes, DataError> {
        let count = self.list(ATTRIBUTE, 12, "attributes")?;
        let mut attributes = Attributes::default();
        for _ in 0..count {
            let name = self.name("the name of an attribute")?;
            let kind = self.kind()?;
            let count = self.count("the length of an attribute")?;
            let mut bytes = self.padded(count.saturating_mul(kind.bytes()), "an attribute")?;
            let value = match kind {
                Kind::Text => Attribute::Text(bytes),
                Kind::Number(element) => {
                    bytes.chunks_exact_mut(element.bytes()).for_each(<[u8]>::reverse);
                    Attribute::Numbers { element, bytes }
                }
            };
            attributes.add(name, value);
        }
        Ok(attributes)
    }

    fn kind(&mut self) -> Result<Kind, DataError> {
        Ok(match self.number("a type")? {
            1 => Kind::Number(ElementType::I8),
            2 => Kind::Text,
            3 => Kind::Number(ElementType::I16),
            4 => Kind::Number(ElementType::I32),
            5 => Kind::Number(ElementType::F32),
            6 => Kind::Number(ElementType::F64),
            7 => Kind::Number(ElementType::U8),
            8 => Kind::Number(ElementType::U16),
            9 => Kind::Number(ElementType::U32),
            10 => Kind::Number(ElementType::I64),
            11 => Kind::Number(ElementType::U64),
            other => return Err(self.fault(format!("the type {other} is not known; known are 1 to 11"))),
        })
    }

    fn variables(&mut self, dimensions: &[Dimension]) -> Result<Vec<Described>, DataError> {
        let count = self.list(VARIABLE, 28, "variables")?;
        let mut variables = Vec::new();
        for _ in 0..count {
            let at = self.source.offset();
            let name = self.name("the name of a variable")?;
            let axes = self.count("the number of axes")?;
            if axes > MOST_AXES {
                return Err(self.fault(format!("{name:?} has {axes} axes, over the limit of {MOST_AXES}")));
            }
            self.source.claim(axes, 4, "axes")?;
            let mut of_variable = Vec::new();
            for place in 0..axes {
                let dimension = usize::try_from(self.count("the dimension of an axis")?).unwrap_or(usize::MAX);
                let known = dimensions.get(dimension);
                if known.is_none_or(|known| known.length.is_none() && place > 0) {
                    let why = format!("axis {place} of {name:?} is dimension {dimension}, which it cannot be");
                    return Err(self.fault(why));
                }
                of_variable.push(dimension);
            }
            let attributes = self.attributes()?;
            let kind = self.kind()?;
            // The size of the variable, which follows from the rest and cannot hold that of a large one.
            self.count("the size of a variable")?;
            let start = if self.wide_offsets {
                self.source.array("the place of a variable").map(u64::from_be_bytes)?
            } else {
                self.number("the place of a variable")?.into()
            };
            variables.push(Described { at, name, kind, dimensions: of_variable, attributes, start });
        }
        Ok(variables)
    }
}
