//! NetCDF-3, classic and with 64-bit offsets: a header that names dimensions, attributes and variables, then the variables' numbers,
//! big-endian; those along the record dimension lie interleaved, record after record
//! (<https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html>). The header is parsed here and not by a
//! library, because its claims must be held against the length of the file before memory is taken, and numbers be read in pieces.

use std::path::Path;

use enkoder::codec::ElementType;

use crate::arrays::{Field, Records, Stored};
use crate::byte_source::ByteSource;
use crate::element::Endian;
use crate::error::{DataError, Place};

const DIMENSION: u32 = 0x0a;
const VARIABLE: u32 = 0x0b;
const ATTRIBUTE: u32 = 0x0c;
/// The number of records of a file that was still being written.
const STREAMING: u32 = u32::MAX;
/// What the NetCDF library fills floating-point variables with that say nothing else.
const DEFAULT_FILL: f64 = 9.969_209_968_386_869e36;
/// NetCDF itself allows 1,024 dimensions for a variable.
const MOST_AXES: u32 = 1024;

/// Whether content that begins so is NetCDF-3, or its successor CDF-5.
pub fn is_netcdf(head: &[u8]) -> bool {
    matches!(head, [b'C', b'D', b'F', 1 | 2 | 5, ..])
}

/// Whether content that begins so is HDF5, which NetCDF-4 is.
pub(crate) fn is_hdf5(head: &[u8]) -> bool {
    head.starts_with(b"\x89HDF\r\n\x1a\n")
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
    let found = Header::read(source)?.variables.into_iter();
    let public = |variable: Variable| NetcdfVariable {
        name: variable.name,
        element: variable.element,
        axes: variable.axes,
        shape: variable.shape,
    };
    Ok(found.map(public).collect())
}

/// The variables of these names, or, without names, the only one that is data and not a coordinate.
pub(crate) fn fields(path: &Path, names: &[String]) -> Result<Vec<Field>, DataError> {
    let mut source = ByteSource::open(path)?;
    if source.length().is_none() {
        return Err(DataError::unsuitable(path, "NetCDF is read in pieces, which a packed file cannot be")
            .with_hint("unpack it with gunzip"));
    }
    let Header { variables } = Header::read(&mut source)?;
    let to_field = |variable: &Variable| Field {
        name: variable.name.clone(),
        element: variable.element,
        shape: variable.shape.clone(),
        missing: variable.missing.clone(),
        stored: Stored::File {
            path: path.to_owned(),
            start: variable.start,
            records: variable.records,
            endian: Endian::Big,
        },
    };
    if names.is_empty() {
        return Ok(vec![to_field(choose(path, &variables)?)]);
    }
    let find = |name: &String| {
        let found = variables.iter().find(|variable| variable.name == *name);
        found.map(to_field).ok_or_else(|| {
            DataError::unknown_name("variable of numbers", name, variables.iter().map(|v| v.name.clone()))
        })
    };
    names.iter().map(find).collect()
}

/// The variable with most axes that no axis is called after, if there is one such.
fn choose<'a>(path: &Path, variables: &'a [Variable]) -> Result<&'a Variable, DataError> {
    let is_axis = |variable: &Variable| variables.iter().any(|other| other.axes.contains(&variable.name));
    let most = variables.iter().filter(|v| !is_axis(v)).map(|v| v.shape.len()).max().unwrap_or(0);
    let candidates: Vec<&Variable> = variables.iter().filter(|v| v.shape.len() == most && !is_axis(v)).collect();
    match candidates[..] {
        [only] if most > 0 => Ok(only),
        [] => Err(DataError::unsuitable(path, "there is no variable of numbers in it")),
        _ => {
            let names: Vec<&str> = candidates.iter().map(|variable| variable.name.as_str()).collect();
            Err(DataError::unsuitable(path, format!("which of its variables is the data? it has {}", names.join(", ")))
                .with_hint(format!("name it with `ArrayOptions::variables` {}", names[0])))
        }
    }
}

struct Header {
    variables: Vec<Variable>,
}

struct Variable {
    name: String,
    element: ElementType,
    axes: Vec<String>,
    shape: Vec<u64>,
    missing: Vec<f64>,
    start: u64,
    records: Option<Records>,
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
    missing: Vec<f64>,
    start: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
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
    fn read(source: &mut ByteSource) -> Result<Self, DataError> {
        let [c, d, f, version] = source.array("the NetCDF magic number")?;
        if !is_netcdf(&[c, d, f, version]) {
            return Err(source.malformed(0, "NetCDF-3 begins with CDF and version 1 or 2; this does not"));
        }
        if version == 5 {
            let why = "CDF-5 (NetCDF-3 with 64-bit data) is not read";
            return Err(
                DataError::unsuitable(Place::source(source.name()), why).with_hint("convert it with nccopy -k nc6")
            );
        }
        let mut parser = Parser { source, wide: version == 2 };
        let records = parser.number("the number of records")?;
        let dimensions = parser.dimensions()?;
        parser.attributes()?;
        let described = parser.variables(&dimensions)?;
        Self::place(source, records, &dimensions, described)
    }

    /// Counts records and bytes, and holds them against the length of the file.
    fn place(
        source: &ByteSource,
        records: u32,
        dimensions: &[Dimension],
        described: Vec<Described>,
    ) -> Result<Self, DataError> {
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
        let length = source.length();
        let records = match records {
            STREAMING => {
                let start = described.iter().filter(|v| is_record(v)).map(|v| v.start).min().unwrap_or(0);
                length.unwrap_or(0).saturating_sub(start).checked_div(stride).unwrap_or(0)
            }
            records => records.into(),
        };
        let mut variables = Vec::new();
        for variable in described {
            let Kind::Number(element) = variable.kind else { continue };
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
                return Err(source.malformed(length, why));
            }
            let axes = || variable.dimensions.iter().map(|&dimension| &dimensions[dimension]);
            variables.push(Variable {
                element,
                axes: axes().map(|dimension| dimension.name.clone()).collect(),
                shape: axes().map(|dimension| dimension.length.unwrap_or(records)).collect(),
                missing: variable.missing,
                start: variable.start,
                // Records without bytes hold nothing to be found apart.
                records: apart.filter(|records| records.bytes > 0),
                name: variable.name,
            });
        }
        Ok(Self { variables })
    }
}

struct Parser<'s, 'a> {
    source: &'s mut ByteSource<'a>,
    /// Whether offsets have 64 bits.
    wide: bool,
}

impl Parser<'_, '_> {
    fn number(&mut self, what: &str) -> Result<u32, DataError> {
        self.source.array(what).map(u32::from_be_bytes)
    }

    fn fault(&self, why: impl Into<String>) -> DataError {
        // The number that was read last is at fault.
        self.source.malformed(self.source.offset().saturating_sub(4), why)
    }

    /// The length of a list whose entries have at least `smallest` bytes; 0 where it is absent.
    fn list(&mut self, tag: u32, smallest: u64, what: &str) -> Result<u32, DataError> {
        let found = self.number(what)?;
        let count = self.number(what)?;
        if found != tag && (found, count) != (0, 0) {
            return Err(self.fault(format!("a list of {what} with the mark {found:#x} instead of {tag:#x}")));
        }
        self.source.claim(count.into(), smallest, what)?;
        Ok(count)
    }

    /// `length` bytes, and those that fill the last four.
    fn padded(&mut self, length: u64, what: &str) -> Result<Vec<u8>, DataError> {
        let padded = length.next_multiple_of(4);
        self.source.claim(padded, 1, what)?;
        let mut bytes = vec![0; padded as usize];
        self.source.fill(&mut bytes, what)?;
        bytes.truncate(length as usize);
        Ok(bytes)
    }

    fn name(&mut self, what: &str) -> Result<String, DataError> {
        let length = self.number(what)?;
        let start = self.source.offset();
        String::from_utf8(self.padded(length.into(), what)?)
            .map_err(|_| self.source.malformed(start, format!("{what} is not UTF-8")))
    }

    fn dimensions(&mut self) -> Result<Vec<Dimension>, DataError> {
        let count = self.list(DIMENSION, 8, "dimensions")?;
        let mut dimensions: Vec<Dimension> = Vec::new();
        for _ in 0..count {
            let name = self.name("the name of a dimension")?;
            let length = self.number("the length of a dimension")?;
            if length == 0 && dimensions.iter().any(|dimension| dimension.length.is_none()) {
                return Err(self.fault(format!("{name:?} is a second dimension without a length")));
            }
            dimensions.push(Dimension { name, length: (length > 0).then_some(length.into()) });
        }
        Ok(dimensions)
    }

    /// Reads attributes, and returns the values that stand for a missing one.
    fn attributes(&mut self) -> Result<Vec<f64>, DataError> {
        let count = self.list(ATTRIBUTE, 12, "attributes")?;
        let mut missing = Vec::new();
        for _ in 0..count {
            let name = self.name("the name of an attribute")?;
            let kind = self.kind()?;
            let count = self.number("the length of an attribute")?;
            let bytes = self.padded(u64::from(count) * kind.bytes(), "an attribute")?;
            if let ("_FillValue" | "missing_value", Kind::Number(element)) = (name.as_str(), kind) {
                missing.extend(bytes.chunks_exact(element.bytes()).map(|bytes| number(element, bytes)));
            }
        }
        Ok(missing)
    }

    fn kind(&mut self) -> Result<Kind, DataError> {
        Ok(match self.number("a type")? {
            1 => Kind::Number(ElementType::I8),
            2 => Kind::Text,
            3 => Kind::Number(ElementType::I16),
            4 => Kind::Number(ElementType::I32),
            5 => Kind::Number(ElementType::F32),
            6 => Kind::Number(ElementType::F64),
            other => return Err(self.fault(format!("the type {other} is not known; known are 1 to 6"))),
        })
    }

    fn variables(&mut self, dimensions: &[Dimension]) -> Result<Vec<Described>, DataError> {
        let count = self.list(VARIABLE, 28, "variables")?;
        let mut variables = Vec::new();
        for _ in 0..count {
            let at = self.source.offset();
            let name = self.name("the name of a variable")?;
            let axes = self.number("the number of axes")?;
            if axes > MOST_AXES {
                return Err(self.fault(format!("{name:?} has {axes} axes, over the limit of {MOST_AXES}")));
            }
            self.source.claim(axes.into(), 4, "axes")?;
            let mut of_variable = Vec::new();
            for place in 0..axes {
                let dimension = self.number("the dimension of an axis")? as usize;
                let known = dimensions.get(dimension);
                if known.is_none_or(|known| known.length.is_none() && place > 0) {
                    let why = format!("axis {place} of {name:?} is dimension {dimension}, which it cannot be");
                    return Err(self.fault(why));
                }
                of_variable.push(dimension);
            }
            let mut missing = self.attributes()?;
            let kind = self.kind()?;
            if missing.is_empty() && matches!(kind, Kind::Number(element) if element.is_float()) {
                missing.push(DEFAULT_FILL);
            }
            // The size of the variable, which follows from the rest and cannot hold that of a large one.
            self.number("the size of a variable")?;
            let start = if self.wide {
                self.source.array("the place of a variable").map(u64::from_be_bytes)?
            } else {
                self.number("the place of a variable")?.into()
            };
            variables.push(Described { at, name, kind, dimensions: of_variable, missing, start });
        }
        Ok(variables)
    }
}

/// A number of an attribute.
fn number(element: ElementType, bytes: &[u8]) -> f64 {
    let bits = bytes.iter().fold(0u64, |bits, &byte| bits << 8 | u64::from(byte));
    match element {
        ElementType::I8 => f64::from(bits as i8),
        ElementType::I16 => f64::from(bits as i16),
        ElementType::I32 => f64::from(bits as i32),
        ElementType::F32 => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    }
}
