//! NPY, NumPy's format for one array: a magic string, a version, a header written as a Python dictionary, then the values
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, versions 1.0 to 3.0). The first axis counts samples
//! and the others are a sample's shape; a one-dimensional array is one feature. The header is parsed here and not by a library,
//! because its claims must be held against the length of the file before memory is taken.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use enkoder::Dataset;
use enkoder::codec::ElementType;
use ndarray::{Array2, ArrayD, ArrayViewD, IxDyn, ShapeBuilder};

use crate::arrays::{Conventions, Field, Origin, OriginalType, Stored, numpy_name};
use crate::byte_source::ByteSource;
use crate::element::{Element, Endian, check_finite, narrowed};
use crate::error::{DataError, Place, Position};
use crate::export::{Overwrite, write_atomically};
use crate::input::Location;

const MAGIC: &[u8] = b"\x93NUMPY";

/// NumPy itself refuses headers over 10,000 bytes; no array of numbers needs as many.
const MOST_HEADER: u32 = 64 << 10;

/// What the header of an NPY file says.
#[derive(Debug)]
pub(crate) struct Header {
    form: NpyForm,
    /// The array's axes.
    pub shape: Vec<usize>,
}

/// How the numbers of an array lie in an NPY file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NpyForm {
    element: Element,
    endian: Endian,
    fortran_order: bool,
    /// Whether a codec gives the numbers as of f32 that are of f16 in the file.
    was_wide: bool,
}

/// Whether content that begins so is NPY.
pub fn is_npy(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Reads NPY content: u8 stays u8; booleans, integers and floats of both byte orders become f32.
pub fn read_npy(source: &mut ByteSource) -> Result<Dataset, DataError> {
    read_whole(source, false)
}

/// The same, with infinite values where they are to be kept.
pub(crate) fn read_whole(source: &mut ByteSource, keep_infinite: bool) -> Result<Dataset, DataError> {
    let header = read_header(source)?;
    let dataset = header.read(source, keep_infinite)?;
    source.finish()?;
    Ok(dataset)
}

/// The array, to be read in pieces: out of the file at `path` where its numbers lie there as they are needed, and out of memory where
/// it is packed or they must be turned (Fortran's order). Booleans are taken as u8 and 16-bit floats as f32.
pub(crate) fn field(source: &mut ByteSource, path: Option<&Path>) -> Result<Field, DataError> {
    let header = read_header(source)?;
    let shape: Vec<u64> = header.shape.iter().map(|&axis| axis as u64).collect();
    let form = header.form;
    let (element, original) = element_type(form.element);
    let of = |stored| Field {
        name: String::new(),
        element,
        conventions: Conventions::default(),
        original,
        stored,
        origin: Some(Origin::Npy(NpyForm { fortran_order: form.is_turned(&shape), ..form })),
        shape: shape.clone(),
    };
    if let Some(path) = path.filter(|_| !form.is_turned(&shape) && source.length().is_some()) {
        let (at, start, endian) = (Location::of(path)?, source.offset(), form.endian);
        return Ok(of(Stored::File { at, start, records: None, endian }));
    }
    let mut bytes = Vec::new();
    let width = form.element.size() as usize;
    source.values::<1, u8>(header.shape.iter().product::<usize>() * width, &mut bytes, |[byte]| byte)?;
    source.finish()?;
    if form.endian == Endian::Big {
        bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    if form.is_turned(&shape) {
        bytes = turn(&bytes, &header.shape, width);
    }
    Ok(of(Stored::Held(bytes)))
}

/// The type under which a codec takes these numbers, and their own where it is another.
fn element_type(element: Element) -> (ElementType, Option<OriginalType>) {
    let same = match element {
        Element::Bool => return (ElementType::U8, Some(OriginalType::Bool)),
        Element::U8 => ElementType::U8,
        Element::I8 => ElementType::I8,
        Element::U16 => ElementType::U16,
        Element::I16 => ElementType::I16,
        Element::U32 => ElementType::U32,
        Element::I32 => ElementType::I32,
        Element::U64 => ElementType::U64,
        Element::I64 => ElementType::I64,
        Element::F16 => ElementType::F16,
        Element::F32 => ElementType::F32,
        Element::F64 => ElementType::F64,
    };
    (same, None)
}

impl NpyForm {
    /// Little-endian numbers of a type, the last axis closest.
    pub fn plain(element: ElementType) -> Self {
        let element = match element {
            ElementType::U8 => Element::U8,
            ElementType::I8 => Element::I8,
            ElementType::U16 => Element::U16,
            ElementType::I16 => Element::I16,
            ElementType::U32 => Element::U32,
            ElementType::I32 => Element::I32,
            ElementType::U64 => Element::U64,
            ElementType::I64 => Element::I64,
            ElementType::F16 => Element::F16,
            ElementType::F32 => Element::F32,
            ElementType::F64 => Element::F64,
        };
        Self { element, endian: Endian::Little, fortran_order: false, was_wide: false }
    }

    /// The type under which a codec takes the numbers.
    pub fn element(self) -> ElementType {
        if self.was_wide { ElementType::F32 } else { element_type(self.element).0 }
    }

    /// The form, where a codec gives the numbers as of this type: compressed files of before version 4 have floats of 16 bits as of 32.
    pub(crate) fn of(self, element: ElementType) -> Option<Self> {
        let was_wide = self.element == Element::F16 && element == ElementType::F32;
        let form = Self { was_wide, ..self };
        (form.element() == element).then_some(form)
    }

    /// The type of the numbers, where a codec knows it by another.
    pub fn original(self) -> Option<OriginalType> {
        element_type(self.element).1
    }

    /// The name of the type of the numbers in the file.
    pub fn type_name(self) -> &'static str {
        let (element, original) = element_type(self.element);
        original.map_or(element.name(), OriginalType::name)
    }

    /// Whether a reader of plain numbers would take them for others.
    pub(crate) fn is_plain(self) -> bool {
        self == Self::plain(self.element())
    }

    /// Whether an array of this shape lies with its first axis closest, which can only be written whole.
    pub fn is_turned(self, shape: &[u64]) -> bool {
        self.fortran_order && shape.len() > 1
    }

    /// Numbers as a codec gives them, in the type and order of bytes of the file.
    pub fn encoded(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let mut out = match self.element {
            Element::Bool => bytes.iter().map(|&byte| byte.min(1)).collect(),
            Element::F16 if self.was_wide => {
                let numbers = bytes.as_chunks::<4>().0.iter().map(|&number| f32::from_le_bytes(number));
                numbers.flat_map(|number| narrowed(number).to_le_bytes()).collect()
            }
            _ if self.endian == Endian::Little || self.element.size() == 1 => return Cow::Borrowed(bytes),
            _ => bytes.to_vec(),
        };
        if self.endian == Endian::Big {
            out.chunks_exact_mut(self.element.size() as usize).for_each(<[u8]>::reverse);
        }
        Cow::Owned(out)
    }

    /// All numbers of an array, encoded, as they lie where the first axis is closest.
    pub fn turned(self, bytes: &[u8], shape: &[u64]) -> Vec<u8> {
        let reversed: Vec<usize> = shape.iter().rev().map(|&axis| axis as usize).collect();
        turn(bytes, &reversed, self.element.size() as usize)
    }

    /// Writes the header of an array; its numbers follow.
    ///
    /// # Errors
    /// What the system said, and when there are more axes than a header holds.
    pub fn write_header(self, out: &mut dyn Write, shape: &[u64]) -> io::Result<()> {
        let axes: String = match shape {
            [one] => format!("{one},"),
            _ => shape.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
        };
        let order = match (self.element.size(), self.endian) {
            (1, _) => '|',
            (_, Endian::Little) => '<',
            (_, Endian::Big) => '>',
        };
        let kind = match self.element {
            Element::Bool => "b1",
            element => numpy_name(element_type(element).0),
        };
        let fortran = if self.fortran_order { "True" } else { "False" };
        let mut text = format!("{{'descr': '{order}{kind}', 'fortran_order': {fortran}, 'shape': ({axes}), }}");
        // Values begin at a multiple of 64 bytes, the last byte of the header being a line feed.
        let fixed = MAGIC.len() + 4;
        let padding = (fixed + text.len() + 1).next_multiple_of(64) - (fixed + text.len() + 1);
        text.extend(std::iter::repeat_n(' ', padding));
        text.push('\n');
        let length = u16::try_from(text.len()).map_err(|_| io::Error::other("the array has too many axes for NPY"))?;
        out.write_all(MAGIC)?;
        out.write_all(&[1, 0])?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(text.as_bytes())
    }
}

/// Numbers of `width` bytes whose first axis lies closest, as an array whose last axis does.
fn turn(bytes: &[u8], shape: &[usize], width: usize) -> Vec<u8> {
    fn turn_numbers<const WIDTH: usize>(bytes: &[u8], shape: &[usize]) -> Vec<u8> {
        let (numbers, _) = bytes.as_chunks::<WIDTH>();
        let array = ArrayViewD::from_shape(IxDyn(shape).f(), numbers).expect("as many values as the shape holds");
        array.iter().flatten().copied().collect()
    }
    match width {
        1 => turn_numbers::<1>(bytes, shape),
        2 => turn_numbers::<2>(bytes, shape),
        4 => turn_numbers::<4>(bytes, shape),
        _ => turn_numbers::<8>(bytes, shape),
    }
}

/// Reads what comes before the dictionary of a header, and gives its length.
fn header_length(source: &mut ByteSource) -> Result<u32, DataError> {
    let magic: [u8; 6] = source.array("the NPY magic string")?;
    if magic != MAGIC {
        return Err(source.malformed(0, "NPY begins with \\x93NUMPY; this does not"));
    }
    let [major, minor] = source.array("the NPY version")?;
    let length = match major {
        1 => u32::from(u16::from_le_bytes(source.array("the length of the NPY header")?)),
        2 | 3 => u32::from_le_bytes(source.array("the length of the NPY header")?),
        _ => return Err(source.malformed(6, format!("NPY version {major}.{minor} is not known; known are 1 to 3"))),
    };
    if length > MOST_HEADER {
        return Err(DataError::TooLarge {
            place: source.place(Position::Byte(8)),
            what: "an NPY header in bytes",
            claimed: length.into(),
            limit: MOST_HEADER.into(),
        });
    }
    Ok(length)
}

/// Reads the header and stays at the first value.
pub(crate) fn read_header(source: &mut ByteSource) -> Result<Header, DataError> {
    let length = header_length(source)?;
    let start = source.offset();
    let header = dictionary(source, length)?;
    let count = header.shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size as u64));
    // Axes of 0 hide how large the others are; so the largest product of any of them must fit too.
    let nonzero = header.shape.iter().filter(|&&size| size > 0);
    let fits = nonzero.copied().try_fold(1usize, usize::checked_mul).is_some_and(|n| isize::try_from(n).is_ok());
    let Some(count) = count.filter(|_| fits) else {
        let why = format!("the shape {:?} makes more values than can be counted", header.shape);
        return Err(source.malformed(start, why));
    };
    let bytes = source.claim(count, header.form.element.size(), "values")?;
    if let Some(length) = source.length().filter(|&length| length > source.offset() + bytes) {
        let end = source.offset() + bytes;
        return Err(source.malformed(end, format!("{} more bytes follow after the last value", length - end)));
    }
    Ok(header)
}

/// The form that a header tells whose numbers lie elsewhere.
pub(crate) fn read_form(source: &mut ByteSource) -> Result<NpyForm, DataError> {
    let length = header_length(source)?;
    dictionary(source, length).map(|header| header.form)
}

/// Reads the dictionary of a header.
fn dictionary(source: &mut ByteSource, length: u32) -> Result<Header, DataError> {
    let start = source.offset();
    let mut text = vec![0; length as usize];
    source.fill(&mut text, "the NPY header")?;
    Dictionary { text: &text, at: 0 }.header().map_err(|(at, why)| match why.split_once("\nhint: ") {
        Some((why, hint)) => source.malformed(start + at as u64, why).with_hint(hint),
        None => source.malformed(start + at as u64, why),
    })
}

impl Header {
    /// The values of one sample.
    fn sample_shape(&self) -> Vec<usize> {
        if self.shape.len() > 1 { self.shape[1..].to_vec() } else { vec![1] }
    }

    /// Reads the values as samples.
    fn read(&self, source: &mut ByteSource, keep_infinite: bool) -> Result<Dataset, DataError> {
        let name = source.name().to_owned();
        let Some(&samples) = self.shape.first() else {
            return Err(DataError::unsuitable(
                Place::source(name),
                "the array is a single number, not a list of samples",
            ));
        };
        let shape = self.sample_shape();
        let features: usize = shape.iter().product();
        if samples == 0 || features == 0 {
            return Err(DataError::empty(Place::source(name)));
        }
        let count = samples * features;
        let form = self.form;
        let dataset = if form.element == Element::U8 {
            let mut values = Vec::new();
            source.values::<1, u8>(count, &mut values, |[byte]| byte)?;
            Dataset::from_u8(&name, self.rows(values, samples, features))
        } else {
            let mut values = Vec::new();
            form.element.read_f32(source, form.endian, count, &mut values)?;
            let values = self.rows(values, samples, features);
            if !keep_infinite {
                check_finite(source, values.as_slice().unwrap_or_default(), features)?;
            }
            Dataset::from_f32(&name, values)
        };
        dataset.and_then(|data| data.with_shape(shape)).map_err(|error| DataError::dataset(Place::source(name), error))
    }

    /// Reads the values of a one-dimensional array, or a column.
    pub fn read_numbers(&self, source: &mut ByteSource) -> Result<Vec<f64>, DataError> {
        let mut values = Vec::new();
        let count = self.shape.iter().product();
        self.form.element.read_f64(source, self.form.endian, count, &mut values)?;
        Ok(values)
    }

    /// The values as one row a sample, turned where the first axis lies closest in the file.
    fn rows<T: Clone>(&self, values: Vec<T>, samples: usize, features: usize) -> Array2<T> {
        let values = if self.form.fortran_order && self.shape.len() > 1 {
            let array =
                ArrayD::from_shape_vec(IxDyn(&self.shape).f(), values).expect("as many values as the shape holds");
            array.iter().cloned().collect()
        } else {
            values
        };
        Array2::from_shape_vec((samples, features), values).expect("as many values as the shape holds")
    }
}

/// A parser of the three entries that the header's dictionary has; faults are a position in the text, and a reason with its way out.
struct Dictionary<'a> {
    text: &'a [u8],
    at: usize,
}

type Fault = (usize, String);

impl<'a> Dictionary<'a> {
    fn header(mut self) -> Result<Header, Fault> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect(b'{')?;
        while !self.accept(b'}') {
            let start = self.at;
            let key = self.string()?;
            self.expect(b':')?;
            match key {
                "descr" => descr = Some(self.element()?),
                "fortran_order" => fortran_order = Some(self.boolean()?),
                "shape" => shape = Some(self.shape()?),
                _ => return Err((start, format!("the header has an entry {key:?} that NPY does not know"))),
            }
            if !self.accept(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        if self.peek().is_some() {
            return Err((self.at, "more text follows after the header's dictionary".into()));
        }
        let missing = |name: &str| (0, format!("the header has no entry {name:?}"));
        let (element, endian) = descr.ok_or_else(|| missing("descr"))?;
        let fortran_order = fortran_order.ok_or_else(|| missing("fortran_order"))?;
        let form = NpyForm { element, endian, fortran_order, was_wide: false };
        Ok(Header { form, shape: shape.ok_or_else(|| missing("shape"))? })
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.accept(byte) { Ok(()) } else { Err(self.unexpected(&format!("{:?}", byte as char))) }
    }

    fn unexpected(&mut self, wanted: &str) -> Fault {
        let found = self.peek().map_or("the end of the header".into(), |byte| format!("{:?}", byte as char));
        (self.at, format!("{wanted} is needed here in the header, not {found}"))
    }

    fn string(&mut self) -> Result<&'a str, Fault> {
        let Some(quote @ (b'\'' | b'"')) = self.peek() else { return Err(self.unexpected("a quoted word")) };
        let rest = &self.text[self.at + 1..];
        let Some(length) = rest.iter().position(|&byte| byte == quote) else {
            return Err((self.at, "the quote that opens here is never closed".into()));
        };
        let word = std::str::from_utf8(&rest[..length]).map_err(|_| (self.at, "a word that is not UTF-8".into()))?;
        self.at += length + 2;
        Ok(word)
    }

    fn boolean(&mut self) -> Result<bool, Fault> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.unexpected("True or False"))
    }

    fn shape(&mut self) -> Result<Vec<usize>, Fault> {
        let mut shape = Vec::new();
        self.expect(b'(')?;
        while !self.accept(b')') {
            self.peek();
            let start = self.at;
            while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
                self.at += 1;
            }
            let digits = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
            if digits.is_empty() {
                return Err(self.unexpected("the length of an axis"));
            }
            let size =
                digits.parse().map_err(|_| (start, format!("an axis of {digits} is longer than can be counted")))?;
            shape.push(size);
            if self.text.get(self.at) == Some(&b'L') {
                // Python 2 wrote long integers so.
                self.at += 1;
            }
            if !self.accept(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn element(&mut self) -> Result<(Element, Endian), Fault> {
        if self.peek() == Some(b'[') {
            let rest = &self.text[self.at..];
            let end = rest.iter().position(|&byte| byte == b']').map_or(rest.len(), |end| end + 1).min(200);
            let fields = String::from_utf8_lossy(&rest[..end]);
            let why = "an array of records (a structured type) is not read, only plain numbers";
            return Err((self.at, format!("{why}: its fields are {fields}, each of which can be saved alone")));
        }
        let start = self.at;
        let word = self.string()?;
        let (order, kind) = word.split_at_checked(1).unwrap_or_default();
        let endian = match order {
            "<" | "|" => Endian::Little,
            ">" => Endian::Big,
            "=" if cfg!(target_endian = "big") => Endian::Big,
            "=" => Endian::Little,
            _ => return Err((start, format!("the type {word:?} has no byte order (one of < > | =)"))),
        };
        let element = match kind {
            "b1" => Element::Bool,
            "u1" => Element::U8,
            "i1" => Element::I8,
            "u2" => Element::U16,
            "i2" => Element::I16,
            "u4" => Element::U32,
            "i4" => Element::I32,
            "u8" => Element::U64,
            "i8" => Element::I64,
            "f2" => Element::F16,
            "f4" => Element::F32,
            "f8" => Element::F64,
            "c8" | "c16" => {
                let why = "complex numbers are not read: save their real and imaginary parts";
                return Err((start, format!("values of type {word:?}: {why}")));
            }
            _ => {
                let known = "booleans, integers and floats of up to 8 bytes";
                let more = match kind.chars().next() {
                    Some('O') => {
                        ": they are pickled objects of Python\nhint: save the numbers alone, array.astype(\"float32\")"
                    }
                    Some('U' | 'S' | 'a') => {
                        ": they are words\nhint: words belong into a table, as a column of CSV or Parquet"
                    }
                    Some('M' | 'm') => {
                        ": they are times\nhint: save them as numbers, array.astype(\"int64\"), or as a column of Parquet"
                    }
                    _ => "",
                };
                return Err((start, format!("values of type {word:?} are not read, only {known}{more}")));
            }
        };
        Ok((element, endian))
    }
}

/// A number that NPY files can be written of.
pub trait NpyNumber: Copy {
    /// The type.
    const ELEMENT: ElementType;

    /// Appends the number's bytes, least first.
    fn append(self, bytes: &mut Vec<u8>);
}

impl NpyNumber for u8 {
    const ELEMENT: ElementType = ElementType::U8;

    fn append(self, bytes: &mut Vec<u8>) {
        bytes.push(self);
    }
}

impl NpyNumber for f32 {
    const ELEMENT: ElementType = ElementType::F32;

    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }
}

/// Writes an array in C order as NPY version 1.0, whole or not at all.
pub fn write_npy<T: NpyNumber>(path: &Path, overwrite: Overwrite, array: ArrayViewD<T>) -> Result<(), DataError> {
    write_atomically(path, overwrite, |file| write_npy_to(file, array))
}

/// Writes an array in C order as NPY version 1.0.
pub fn write_npy_to<T: NpyNumber>(out: &mut impl Write, array: ArrayViewD<T>) -> io::Result<()> {
    write_array_header(out, T::ELEMENT, &axes(array.shape()))?;
    write_values(out, array.iter().copied())
}

/// Writes all samples of a data set as one array of samples × shape, bytes as bytes and numbers as f32.
pub fn write_npy_dataset(path: &Path, overwrite: Overwrite, data: &Dataset) -> Result<(), DataError> {
    let shape: Vec<usize> = std::iter::once(data.len()).chain(data.shape().iter().copied()).collect();
    write_atomically(path, overwrite, |file| {
        if data.is_u8() {
            write_array_header(file, ElementType::U8, &axes(&shape))?;
            let mut row = vec![0; data.features()];
            (0..data.len()).try_for_each(|i| {
                data.copy_row_u8(i, &mut row);
                file.write_all(&row)
            })
        } else {
            write_array_header(file, ElementType::F32, &axes(&shape))?;
            (0..data.len()).filter_map(|i| data.row_f32(i)).try_for_each(|row| write_values(file, row.iter().copied()))
        }
    })
}

/// Writes the header of an array in C order; its numbers follow, little-endian.
///
/// # Errors
/// What the system said, and when there are more axes than a header holds.
pub fn write_array_header(out: &mut dyn Write, element: ElementType, shape: &[u64]) -> io::Result<()> {
    NpyForm::plain(element).write_header(out, shape)
}

/// Lengths as a header has them.
fn axes(shape: &[usize]) -> Vec<u64> {
    shape.iter().map(|&axis| axis as u64).collect()
}

fn write_values<T: NpyNumber>(out: &mut impl Write, values: impl Iterator<Item = T>) -> io::Result<()> {
    const CHUNK: usize = 64 << 10;
    let mut bytes = Vec::with_capacity(CHUNK + 8);
    for value in values {
        value.append(&mut bytes);
        if bytes.len() >= CHUNK {
            out.write_all(&bytes)?;
            bytes.clear();
        }
    }
    out.write_all(&bytes)
}
