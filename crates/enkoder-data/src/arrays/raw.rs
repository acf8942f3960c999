//! Raw files: nothing but numbers. Their shape and type are told by the user, and must account for every byte of the file.

use std::path::Path;
use std::str::FromStr;

use enkoder::codec::ElementType;

use super::conventions::Conventions;
use super::variable::{Field, Stored};
use crate::element::Endian;
use crate::error::DataError;
use crate::input::Location;

/// What is in a raw file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFormat {
    /// The array's axes, the outermost first.
    pub shape: Vec<u64>,
    /// The type of its numbers.
    pub element: RawElement,
}

/// A type of numbers and the order of their bytes.
///
/// ```
/// use enkoder_data::RawElement;
///
/// assert_eq!(">f4".parse::<RawElement>()?, "f32be".parse()?);
/// assert_eq!("i16".parse::<RawElement>()?, "<i2".parse()?);
/// assert!("f128".parse::<RawElement>().is_err());
/// # Ok::<(), enkoder_data::UnknownRawElement>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawElement {
    pub(crate) element: ElementType,
    pub(crate) endian: Endian,
}

/// Not a type of numbers in raw files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no type of numbers: use u8, i8, u16, i16, u32, i32, u64, i64, f16, f32 or f64, or NumPy's names as <f4 and >f4"
)]
pub struct UnknownRawElement(String);

impl FromStr for RawElement {
    type Err = UnknownRawElement;

    fn from_str(name: &str) -> Result<Self, UnknownRawElement> {
        let unknown = || UnknownRawElement(name.to_owned());
        let (endian, numpy) = match name.as_bytes().first() {
            Some(b'<' | b'|') => (Endian::Little, true),
            Some(b'>') => (Endian::Big, true),
            _ => (Endian::Little, false),
        };
        if numpy {
            let element = ElementType::ALL.into_iter().find(|element| numpy_name(*element) == &name[1..]);
            return element.map(|element| Self { element, endian }).ok_or_else(unknown);
        }
        let (name, endian) = match name.strip_suffix("be") {
            Some(name) => (name, Endian::Big),
            None => (name, endian),
        };
        name.parse().map(|element| Self { element, endian }).map_err(|_| unknown())
    }
}

/// The type as NumPy names it, without the order of bytes.
pub(crate) fn numpy_name(element: ElementType) -> &'static str {
    match element {
        ElementType::U8 => "u1",
        ElementType::I8 => "i1",
        ElementType::U16 => "u2",
        ElementType::I16 => "i2",
        ElementType::U32 => "u4",
        ElementType::I32 => "i4",
        ElementType::U64 => "u8",
        ElementType::I64 => "i8",
        ElementType::F16 => "f2",
        ElementType::F32 => "f4",
        ElementType::F64 => "f8",
    }
}

/// The one array of a raw file.
pub(crate) fn field(path: &Path, format: &RawFormat) -> Result<Field, DataError> {
    let at = Location::of(path)?;
    let length = at.open().and_then(|input| input.length()).map_err(|source| DataError::io("read", path, source))?;
    let length = length.unwrap_or(0);
    let RawElement { element, endian } = format.element;
    let claimed = format.shape.iter().try_fold(element.bytes() as u64, |bytes, &axis| bytes.checked_mul(axis));
    if claimed != Some(length) {
        let shape = format.shape.iter().map(u64::to_string).collect::<Vec<_>>().join("x");
        let claimed = claimed.map_or("more bytes than can be counted".to_owned(), |bytes| format!("{bytes} bytes"));
        let error =
            DataError::unsuitable(path, format!("{shape} numbers of {element} are {claimed}, but it has {length}"));
        let inner =
            format.shape.iter().skip(1).try_fold(element.bytes() as u64, |bytes, &axis| bytes.checked_mul(axis));
        return Err(match inner.filter(|&inner| inner > 0 && length > 0 && length.is_multiple_of(inner)) {
            Some(inner) => {
                error.with_hint(format!("with the other axes as given, the leading one has {}", length / inner))
            }
            None => error,
        });
    }
    Ok(Field {
        name: String::new(),
        element,
        shape: format.shape.clone(),
        conventions: Conventions::default(),
        original: None,
        stored: Stored::File { at, start: 0, records: None, endian },
        origin: None,
    })
}
