//! What the JSON of a Zarr folder says: `.zgroup`, `.zarray` and `.zattrs` of version 2, `zarr.json` of version 3.

use enkoder::codec::ElementType;
use half::f16;
use serde_json::{Map, Value};

use super::Packing;
use super::codecs::{Codecs, codecs_of};
use crate::arrays::{Attribute, Attributes, numpy_name};
use crate::error::{DataError, Place};

/// More axes than an array has.
const MOST_AXES: usize = 64;

/// What a folder is.
pub(super) enum Node {
    Group(Attributes),
    Array(Box<Description>),
}

/// An array.
#[derive(Clone, Debug)]
pub(super) struct Description {
    pub version: u8,
    /// The names of its axes, as far as it has such.
    pub axes: Vec<String>,
    pub shape: Vec<u64>,
    /// As many as the shape has.
    pub chunks: Vec<u64>,
    pub type_name: String,
    /// None where it holds no numbers that are read.
    pub element: Option<ElementType>,
    /// How chunks are stored.
    pub codecs: Codecs,
    /// All codecs by their names.
    pub filters: Vec<String>,
    /// The value of chunks that are not there, little-endian.
    pub fill: Vec<u8>,
    pub attributes: Attributes,
    /// Why it cannot be read, where it cannot.
    pub unreadable: Option<String>,
    keys: Keys,
}

/// How chunks are called.
#[derive(Clone, Copy, Debug)]
struct Keys {
    /// Whether names begin with `c`, as those of version 3.
    prefix: bool,
    separator: char,
}

impl Description {
    /// The file of a chunk within the folder of its array.
    pub fn key(&self, index: &[u64]) -> String {
        let separator = self.keys.separator.to_string();
        let numbers: Vec<String> = index.iter().map(u64::to_string).collect();
        match (self.keys.prefix, numbers.is_empty()) {
            (true, true) => "c".to_owned(),
            (true, false) => format!("c{separator}{}", numbers.join(&separator)),
            (false, true) => "0".to_owned(),
            (false, false) => numbers.join(&separator),
        }
    }
}

/// Gives a file of a folder by its name; none where there is none.
type ReadFile<'a> = dyn Fn(&str) -> Result<Option<Vec<u8>>, DataError> + 'a;

/// What a folder is of which `read` gives files by their names; none where it is no Zarr.
pub(super) fn node_of(read: &ReadFile<'_>) -> Result<Option<Node>, DataError> {
    if let Some(bytes) = read("zarr.json")? {
        return node_of_version_3(&bytes).map(Some);
    }
    let is_array = read(".zarray")?;
    if is_array.is_none() && read(".zgroup")?.is_none() {
        return Ok(None);
    }
    let attributes = read(".zattrs")?.map_or(Ok(Map::new()), |bytes| object(&bytes, ".zattrs"))?;
    match is_array {
        Some(bytes) => {
            array_of_version_2(&object(&bytes, ".zarray")?, &attributes).map(|array| Some(Node::Array(Box::new(array))))
        }
        None => Ok(Some(Node::Group(attributes_of(&attributes)))),
    }
}

/// Reads the JSON of an array or a group: that of version 3, or of an array of version 2 without its attributes.
///
/// # Errors
/// When it is damaged, or no such description.
pub fn parse_zarr_metadata(bytes: &[u8]) -> Result<(), DataError> {
    let json = object(bytes, "the description")?;
    match json.get("zarr_format").and_then(Value::as_u64) {
        Some(2) => array_of_version_2(&json, &Map::new()).map(drop),
        _ => node_of_version_3(bytes).map(drop),
    }
}

pub(super) fn malformed(why: impl Into<String>) -> DataError {
    DataError::malformed(Place::default(), why)
}

fn object(bytes: &[u8], name: &str) -> Result<Map<String, Value>, DataError> {
    serde_json::from_slice(bytes).map_err(|error| malformed(format!("{name} is no JSON object")).with_cause(error))
}

pub(super) fn lengths(json: &Map<String, Value>, name: &str) -> Result<Vec<u64>, DataError> {
    let wrong = || malformed(format!("{name:?} is no list of lengths"));
    let list = json.get(name).and_then(Value::as_array).ok_or_else(wrong)?;
    if list.len() > MOST_AXES {
        return Err(malformed(format!("{} axes, over the limit of {MOST_AXES}", list.len())));
    }
    list.iter().map(|length| length.as_u64().ok_or_else(wrong)).collect()
}

fn array_of_version_2(json: &Map<String, Value>, attributes: &Map<String, Value>) -> Result<Description, DataError> {
    let (shape, chunks) = (lengths(json, "shape")?, lengths(json, "chunks")?);
    let dtype = json.get("dtype").cloned().unwrap_or_default();
    let word = dtype.as_str().unwrap_or_default();
    let (order, kind) = word.split_at_checked(1).unwrap_or_default();
    let element = match kind {
        "b1" => Some(ElementType::U8),
        kind => ElementType::ALL.into_iter().find(|&element| numpy_name(element) == kind),
    };
    let mut unreadable = None;
    let mut filters = Vec::new();
    let list = json.get("filters").and_then(Value::as_array).map_or(&[][..], |list| &list[..]);
    let compressor = json.get("compressor").filter(|compressor| !compressor.is_null());
    let mut packings = Vec::new();
    for codec in list.iter().chain(compressor) {
        let id = codec.get("id").and_then(Value::as_str).unwrap_or("without a name").to_owned();
        match Packing::of(&id) {
            Some(packing) => packings.insert(0, packing),
            None => unreadable = Some(format!("it is packed with {id}, which is not read")),
        }
        filters.push(id);
    }
    let is_fortran = json.get("order").and_then(Value::as_str) == Some("F");
    let axes = (0..shape.len()).collect::<Vec<_>>();
    let separator = json.get("dimension_separator").and_then(Value::as_str).and_then(|text| text.chars().next());
    let mut description = Description {
        version: 2,
        axes: names(attributes.get("_ARRAY_DIMENSIONS"), shape.len()),
        type_name: match (element, kind.chars().next()) {
            (Some(element), _) => element.to_string(),
            (None, Some('S' | 'U' | 'O')) => "text".to_owned(),
            _ => dtype.as_str().map_or_else(|| "structure".to_owned(), str::to_owned),
        },
        element,
        codecs: Codecs {
            is_big_endian: order == ">",
            order: if is_fortran { axes.into_iter().rev().collect() } else { axes },
            packings,
            shard: None,
        },
        filters,
        fill: Vec::new(),
        attributes: attributes_of(attributes),
        unreadable,
        keys: Keys { prefix: false, separator: separator.filter(|&separator| separator == '/').unwrap_or('.') },
        shape,
        chunks,
    };
    description.finish(json.get("fill_value"))?;
    // What version 2 calls the fill value stands for a missing one where axes have names, as writers of NetCDF conventions use it. Of all
    // others it is that of chunks which are not there: 0, mostly.
    if let Some(element) = description.element
        && attributes.contains_key("_ARRAY_DIMENSIONS")
        && json.get("fill_value").is_some_and(|value| !value.is_null())
    {
        let bytes = description.fill.clone();
        description.attributes.add("_FillValue".to_owned(), Attribute::Numbers { element, bytes });
    }
    Ok(description)
}

/// The name of an extension of version 3, and how it is configured.
pub(super) fn part(value: Option<&Value>) -> (String, Map<String, Value>) {
    let name = value.and_then(|value| value.get("name").unwrap_or(value).as_str()).unwrap_or_default().to_owned();
    let options = value.and_then(|value| value.get("configuration")).and_then(Value::as_object);
    (name, options.cloned().unwrap_or_default())
}

fn node_of_version_3(bytes: &[u8]) -> Result<Node, DataError> {
    let json = object(bytes, "zarr.json")?;
    match json.get("zarr_format").and_then(Value::as_u64) {
        Some(3) => {}
        other => return Err(malformed(format!("version {other:?} of Zarr is not known; known are 2 and 3"))),
    }
    let none = Map::new();
    let attributes = json.get("attributes").and_then(Value::as_object).unwrap_or(&none);
    if json.get("node_type").and_then(Value::as_str) == Some("group") {
        return Ok(Node::Group(attributes_of(attributes)));
    }
    let shape = lengths(&json, "shape")?;
    let (grid, options) = part(json.get("chunk_grid"));
    if grid != "regular" {
        return Err(malformed(format!("a grid of chunks {grid:?} is not read, only regular ones")));
    }
    let chunks = lengths(&options, "chunk_shape")?;
    let data_type = json.get("data_type").and_then(Value::as_str).unwrap_or("structure");
    let element = match data_type {
        "bool" => Some(ElementType::U8),
        "int8" => Some(ElementType::I8),
        "uint8" => Some(ElementType::U8),
        "int16" => Some(ElementType::I16),
        "uint16" => Some(ElementType::U16),
        "int32" => Some(ElementType::I32),
        "uint32" => Some(ElementType::U32),
        "int64" => Some(ElementType::I64),
        "uint64" => Some(ElementType::U64),
        "float16" => Some(ElementType::F16),
        "float32" => Some(ElementType::F32),
        "float64" => Some(ElementType::F64),
        _ => None,
    };
    let (codecs, filters, mut unreadable) = codecs_of(json.get("codecs"), &chunks)?;
    if json.get("storage_transformers").and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
        unreadable = Some("it has storage transformers, which are not read".to_owned());
    }
    let (encoding, options) = part(json.get("chunk_key_encoding"));
    let prefix = encoding != "v2";
    let usual = if prefix { '/' } else { '.' };
    let separator = options.get("separator").and_then(Value::as_str).and_then(|text| text.chars().next());
    let mut description = Description {
        version: 3,
        axes: names(json.get("dimension_names"), shape.len()),
        type_name: match (element, data_type) {
            (Some(element), _) => element.to_string(),
            (None, "string") => "text".to_owned(),
            (None, other) => other.to_owned(),
        },
        element,
        codecs,
        filters,
        fill: Vec::new(),
        attributes: attributes_of(attributes),
        unreadable,
        keys: Keys { prefix, separator: separator.filter(|&c| matches!(c, '/' | '.')).unwrap_or(usual) },
        shape,
        chunks,
    };
    description.finish(json.get("fill_value"))?;
    Ok(Node::Array(Box::new(description)))
}

impl Description {
    /// Checks what belongs together, and takes the fill value.
    fn finish(&mut self, fill: Option<&Value>) -> Result<(), DataError> {
        if self.chunks.len() != self.shape.len() || self.chunks.contains(&0) {
            let why = format!("chunks of {:?} do not belong to an array of {:?}", self.chunks, self.shape);
            return Err(malformed(why));
        }
        match self.element {
            Some(element) => {
                let wrong = || malformed(format!("{:?} is no fill value of {element}", fill.unwrap_or(&Value::Null)));
                self.fill = fill_of(element, fill.unwrap_or(&Value::Null)).ok_or_else(wrong)?;
            }
            None if self.type_name != "text" => {
                self.unreadable = Some(format!("values of type {} are not read", self.type_name));
            }
            None => {}
        }
        Ok(())
    }
}

/// A fill value as a number of the type, little-endian.
fn fill_of(element: ElementType, value: &Value) -> Option<Vec<u8>> {
    let width = element.bytes();
    let float = |number: f64| match element {
        ElementType::F16 => f16::from_f64(number).to_le_bytes().to_vec(),
        ElementType::F32 => (number as f32).to_le_bytes().to_vec(),
        _ => number.to_le_bytes().to_vec(),
    };
    let whole = |bits: u64| bits.to_le_bytes()[..width].to_vec();
    Some(match value {
        Value::Null => vec![0; width],
        Value::Bool(truth) => whole((*truth).into()),
        Value::Number(number) if element.is_float() => float(number.as_f64()?),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), _, _) => whole(number),
            (_, Some(number), _) => whole(number as u64),
            (_, _, Some(number)) if number.fract() == 0.0 => whole(number as i64 as u64),
            _ => return None,
        },
        Value::String(word) if element.is_float() => match word.as_str() {
            "NaN" => float(f64::NAN),
            "Infinity" => float(f64::INFINITY),
            "-Infinity" => float(f64::NEG_INFINITY),
            word => whole(u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()?),
        },
        _ => return None,
    })
}

/// Names of all axes, or of none.
fn names(value: Option<&Value>, axes: usize) -> Vec<String> {
    let list = value.and_then(Value::as_array).map_or(&[][..], |list| &list[..]);
    let names: Vec<String> = list.iter().map_while(|name| name.as_str().map(str::to_owned)).collect();
    if names.len() == axes { names } else { Vec::new() }
}

fn attributes_of(json: &Map<String, Value>) -> Attributes {
    let mut attributes = Attributes::default();
    for (name, value) in json.iter().filter(|(name, _)| *name != "_ARRAY_DIMENSIONS") {
        let numbers = |list: &[Value]| -> Option<Attribute> {
            if !list.is_empty() && list.iter().all(Value::is_i64) {
                let bytes = list.iter().filter_map(Value::as_i64).flat_map(i64::to_le_bytes).collect();
                return Some(Attribute::Numbers { element: ElementType::I64, bytes });
            }
            let numbers: Option<Vec<f64>> = list.iter().map(Value::as_f64).collect();
            let bytes = numbers.filter(|list| !list.is_empty())?.into_iter().flat_map(f64::to_le_bytes).collect();
            Some(Attribute::Numbers { element: ElementType::F64, bytes })
        };
        let value = match value {
            Value::String(text) => Some(Attribute::Text(text.clone().into_bytes())),
            Value::Array(list) => numbers(list),
            other => numbers(std::slice::from_ref(other)),
        };
        match value {
            Some(value) => attributes.add(name.clone(), value),
            None => attributes.others.push(name.clone()),
        }
    }
    attributes
}
