//! The values of a batch: buffers, unpacked where they are packed, as numbers and words.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use half::f16;

use super::dictionaries::{Dictionaries, Dictionary};
use super::flatbuffer::{Table, damaged};
use super::messages::packing_beside;
use super::schema::{Field, Kind, Whole};
use crate::table::uneven_lists;
use crate::timestamp::{SECONDS_PER_DAY, day_text, moment_text};
use crate::{DataError, Place};

/// Bytes that a buffer may unpack to, and for each packed one beyond.
const MOST_OF_SMALL: u64 = 1 << 26;
const MOST_PER_BYTE: u64 = 1 << 12;

/// The values of a column, one for each row.
pub(super) enum Values {
    /// NaN is missing.
    Numbers(Vec<f32>),
    Words(Vec<Option<String>>),
    /// Places in a list of words.
    Places(Vec<Option<u32>>, Arc<Vec<Option<String>>>),
}

/// A batch of rows.
pub(super) struct Batch<'a> {
    pub rows: usize,
    body: &'a [u8],
    nodes: std::slice::Iter<'a, [u8; 16]>,
    buffers: std::slice::Iter<'a, [u8; 16]>,
    views: std::slice::Iter<'a, [u8; 8]>,
    packing: Option<u8>,
}

/// Truth values of a bit each; all are true where there is none.
#[derive(Clone)]
struct Bits<'a>(Cow<'a, [u8]>);

impl Bits<'_> {
    fn get(&self, index: usize) -> bool {
        self.0.is_empty() || self.0.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
    }
}

impl<'a> Batch<'a> {
    /// The batch that a part of a message describes, whose buffers lie in `body`.
    pub(super) fn new(message: Table<'a>, batch: Table<'a>, body: &'a [u8]) -> Result<Self, DataError> {
        let packing = match batch.table(3)? {
            Some(packing) => Some(packing.u8(0)?),
            None => packing_beside(message)?,
        };
        Ok(Self {
            rows: usize::try_from(batch.i64(0)?).map_err(|_| damaged())?,
            body,
            nodes: batch.structures(1)?.iter(),
            buffers: batch.structures(2)?.iter(),
            views: batch.structures(4)?.iter(),
            packing,
        })
    }

    /// The number of values that come next.
    fn node(&mut self) -> Result<usize, DataError> {
        let length = self.next_node();
        self.nodes.next();
        length
    }

    fn next_node(&self) -> Result<usize, DataError> {
        let node = self.nodes.as_slice().first().ok_or_else(damaged)?;
        let length = i64::from_le_bytes(*node.first_chunk().expect("16 bytes"));
        usize::try_from(length).map_err(|_| damaged())
    }

    fn skip(&mut self, buffers: usize) -> Result<(), DataError> {
        if buffers > 0 { self.buffers.nth(buffers - 1).map(drop).ok_or_else(damaged) } else { Ok(()) }
    }

    fn buffer(&mut self) -> Result<Cow<'a, [u8]>, DataError> {
        let place = self.buffers.next().ok_or_else(damaged)?;
        let half = |at: usize| place[at..].first_chunk().copied().map(i64::from_le_bytes);
        let (start, length) = (half(0).unwrap_or(-1), half(8).unwrap_or(-1));
        let (Ok(start), Ok(length)) = (usize::try_from(start), usize::try_from(length)) else { return Err(damaged()) };
        let end = start.checked_add(length).ok_or_else(damaged)?;
        let bytes = if length == 0 { &[] } else { self.body.get(start..end).ok_or_else(damaged)? };
        let Some(packing) = self.packing.filter(|_| length > 0) else { return Ok(Cow::Borrowed(bytes)) };
        let (claimed, packed) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let claimed = i64::from_le_bytes(*claimed);
        if claimed == -1 {
            return Ok(Cow::Borrowed(packed));
        }
        let claimed = u64::try_from(claimed).map_err(|_| damaged())?;
        let limit = MOST_OF_SMALL.max((packed.len() as u64).saturating_mul(MOST_PER_BYTE));
        if claimed > limit {
            return Err(DataError::TooLarge { place: Place::default(), what: "a buffer in bytes", claimed, limit });
        }
        let mut unpacked = Vec::new();
        let read = match packing {
            0 => lz4_flex::frame::FrameDecoder::new(packed).take(claimed + 1).read_to_end(&mut unpacked),
            1 => zstd::stream::read::Decoder::with_buffer(packed)
                .and_then(|decoder| decoder.take(claimed + 1).read_to_end(&mut unpacked)),
            _ => return Err(damaged()),
        };
        read.map_err(|error| damaged().with_cause(error))?;
        if unpacked.len() as u64 != claimed { Err(damaged()) } else { Ok(Cow::Owned(unpacked)) }
    }

    /// Passes over a field that is not read.
    pub(super) fn pass(&mut self, field: &Field) -> Result<(), DataError> {
        self.node()?;
        if field.dictionary.is_some() {
            return self.skip(2);
        }
        let (buffers, has_views) = match field.kind {
            Kind::Null => (0, false),
            Kind::Structure | Kind::List(_) => (1, false),
            Kind::Lists { .. } => (2, false),
            Kind::Text(_) => (3, false),
            Kind::Views => (2, true),
            Kind::Other { buffers, has_views, .. } => (buffers, has_views),
            _ => (2, false),
        };
        let views = if has_views { self.view_buffers()? } else { 0 };
        self.skip(buffers)?;
        self.skip(views)?;
        field.children.iter().try_for_each(|child| self.pass(child))
    }

    fn view_buffers(&mut self) -> Result<usize, DataError> {
        let count = self.views.next().map(|count| i64::from_le_bytes(*count)).ok_or_else(damaged)?;
        usize::try_from(count).map_err(|_| damaged())
    }

    /// Reads the validity of a structure, whose fields follow.
    pub(super) fn structure(&mut self, present: &Present<'a>) -> Result<Present<'a>, DataError> {
        self.node()?;
        let bits = Bits(self.buffer()?);
        Ok(Present { all: present.all.iter().cloned().chain([bits]).collect() })
    }

    /// Notes how long the lists of a field are, where this batch has one.
    pub(super) fn measure(&mut self, field: &mut Field) -> Result<(), DataError> {
        match &mut field.kind {
            Kind::Structure if field.dictionary.is_none() => {
                self.node()?;
                self.skip(1)?;
                field.children.iter_mut().try_for_each(|child| self.measure(child))
            }
            Kind::Lists { offset, length } if field.dictionary.is_none() && *length == 0 => {
                let rows = self.node()?;
                let (bits, offsets) = (Bits(self.buffer()?), self.buffer()?);
                let rows = 0..rows.min(offsets.len() / *offset);
                let lists = rows.filter(|&row| bits.get(row)).map_while(|row| range_at(&offsets, *offset, row));
                *length = lists.map(|list| list.len()).find(|&length| length > 0).unwrap_or(0);
                field.children.iter().try_for_each(|child| self.pass(child))
            }
            _ => self.pass(field),
        }
    }

    /// The values of lists of one length, behind one another.
    fn lists(
        &mut self,
        field: &Field,
        offset: usize,
        length: usize,
        present: &Present<'a>,
        known: &Dictionaries,
    ) -> Result<Values, DataError> {
        let (bits, offsets) = (Bits(self.buffer()?), self.buffer()?);
        let inner = self.next_node()?;
        let limit = MOST_OF_SMALL.max((self.body.len() as u64).saturating_mul(MOST_PER_BYTE));
        if inner as u64 > limit {
            let (what, claimed) = ("number of values in lists", inner as u64);
            return Err(DataError::TooLarge { place: Place::default(), what, claimed, limit });
        }
        let Values::Numbers(inner) = self.values(&field.children[0], &Present::default(), inner, known, false)? else {
            return Err(damaged());
        };
        let mut values = vec![f32::NAN; self.rows.checked_mul(length).ok_or_else(damaged)?];
        for (row, values) in values.chunks_exact_mut(length).enumerate() {
            if !(bits.get(row) && present.get(row)) {
                continue;
            }
            let list = range_at(&offsets, offset, row).and_then(|range| inner.get(range)).ok_or_else(damaged)?;
            match list.len() {
                0 => {}
                found if found == length => values.copy_from_slice(list),
                found => return Err(uneven_lists(&field.name, length, &found.to_string())),
            }
        }
        Ok(Values::Numbers(values))
    }

    /// Reads a column; one that is kept is read as text. A list of `n` values gives them behind one another.
    pub(super) fn values(
        &mut self,
        field: &Field,
        present: &Present<'a>,
        rows: usize,
        known: &Dictionaries,
        as_text: bool,
    ) -> Result<Values, DataError> {
        if self.node()? != rows {
            return Err(damaged());
        }
        if let Kind::Lists { offset, length } = field.kind {
            return self.lists(field, offset, length, present, known);
        }
        if let Kind::List(length) = field.kind {
            let bits = Bits(self.buffer()?);
            let inner = rows.checked_mul(length).ok_or_else(damaged)?;
            let mut values = self.values(&field.children[0], &Present::default(), inner, known, false)?;
            if let (Values::Numbers(values), true) = (&mut values, length > 0) {
                for (row, values) in values.chunks_exact_mut(length).enumerate() {
                    if !bits.get(row) || !present.get(row) {
                        values.fill(f32::NAN);
                    }
                }
            }
            return Ok(values);
        }
        if field.kind == Kind::Null && field.dictionary.is_none() {
            return Ok(if as_text { Values::Words(vec![None; rows]) } else { Values::Numbers(vec![f32::NAN; rows]) });
        }
        let bits = Bits(self.buffer()?);
        if !bits.0.is_empty() && bits.0.len() < rows.div_ceil(8) {
            return Err(damaged());
        }
        let there = |row: usize| bits.get(row) && present.get(row);
        if let Some((id, index)) = field.dictionary {
            let data = self.buffer()?;
            let places = wholes(&data, index, rows)?;
            let places = places.enumerate().map(|(row, place)| there(row).then_some(place));
            // A column without a value may come without a dictionary.
            let none = Dictionary::Numbers(Vec::new());
            return of_dictionary(places, known.get(id).unwrap_or(&none));
        }
        match field.kind {
            Kind::Text(width) => {
                let (offsets, data) = (self.buffer()?, self.buffer()?);
                let words = (0..rows).map(|row| match there(row) {
                    true => text_at(&offsets, width, row, &data).map(Some),
                    false => Ok(None),
                });
                Ok(Values::Words(words.collect::<Result<_, _>>()?))
            }
            Kind::Views => {
                let count = self.view_buffers()?;
                let views = self.buffer()?;
                let data = (0..count).map(|_| self.buffer()).collect::<Result<Vec<_>, _>>()?;
                let words = (0..rows).map(|row| match there(row) {
                    true => view_at(&views, row, &data).map(Some),
                    false => Ok(None),
                });
                Ok(Values::Words(words.collect::<Result<_, _>>()?))
            }
            kind => {
                let data = self.buffer()?;
                if as_text { texts(kind, &data, rows, there) } else { numbers(kind, &data, rows, there) }
            }
        }
    }
}

/// Which rows a structure around a column has.
#[derive(Clone, Default)]
pub(super) struct Present<'a> {
    all: Vec<Bits<'a>>,
}

impl Present<'_> {
    fn get(&self, row: usize) -> bool {
        self.all.iter().all(|bits| bits.get(row))
    }
}

/// What places in a dictionary stand for.
fn of_dictionary(places: impl Iterator<Item = Option<i64>>, dictionary: &Dictionary) -> Result<Values, DataError> {
    let length = match dictionary {
        Dictionary::Numbers(values) => values.len(),
        Dictionary::Words(words) => words.len(),
    };
    let checked = places.map(|place| match place.map(usize::try_from) {
        None => Ok(None),
        Some(Ok(place)) if place < length => Ok(Some(place as u32)),
        Some(_) => Err(damaged()),
    });
    let places = checked.collect::<Result<Vec<_>, _>>()?;
    Ok(match dictionary {
        Dictionary::Numbers(values) => {
            Values::Numbers(places.iter().map(|place| place.map_or(f32::NAN, |place| values[place as usize])).collect())
        }
        Dictionary::Words(words) => Values::Places(places, words.clone()),
    })
}

/// `rows` values of `N` bytes each.
fn chunks<const N: usize>(data: &[u8], rows: usize) -> Result<&[[u8; N]], DataError> {
    data.as_chunks().0.get(..rows).ok_or_else(damaged)
}

fn wholes<'a>(data: &'a [u8], kind: Whole, rows: usize) -> Result<Box<dyn Iterator<Item = i64> + 'a>, DataError> {
    Ok(match (kind.bytes, kind.signed) {
        (1, true) => Box::new(chunks::<1>(data, rows)?.iter().map(|bytes| i8::from_le_bytes(*bytes).into())),
        (1, false) => Box::new(chunks::<1>(data, rows)?.iter().map(|bytes| bytes[0].into())),
        (2, true) => Box::new(chunks::<2>(data, rows)?.iter().map(|bytes| i16::from_le_bytes(*bytes).into())),
        (2, false) => Box::new(chunks::<2>(data, rows)?.iter().map(|bytes| u16::from_le_bytes(*bytes).into())),
        (4, true) => Box::new(chunks::<4>(data, rows)?.iter().map(|bytes| i32::from_le_bytes(*bytes).into())),
        (4, false) => Box::new(chunks::<4>(data, rows)?.iter().map(|bytes| u32::from_le_bytes(*bytes).into())),
        _ => Box::new(chunks::<8>(data, rows)?.iter().map(|bytes| i64::from_le_bytes(*bytes))),
    })
}

/// A column that is not text as 32-bit numbers.
fn numbers(kind: Kind, data: &[u8], rows: usize, there: impl Fn(usize) -> bool) -> Result<Values, DataError> {
    let signed = |bytes| Whole { bytes, signed: true };
    let mut values: Vec<f32> = match kind {
        Kind::Bool if data.len() < rows.div_ceil(8) => return Err(damaged()),
        Kind::Bool => (0..rows).map(|row| f32::from(data[row / 8] >> (row % 8) & 1)).collect(),
        Kind::Float(2) => chunks::<2>(data, rows)?.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect(),
        Kind::Float(4) => chunks::<4>(data, rows)?.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Kind::Float(_) => chunks::<8>(data, rows)?.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect(),
        Kind::Whole(Whole { bytes: 8, signed: false }) => {
            chunks::<8>(data, rows)?.iter().map(|bytes| u64::from_le_bytes(*bytes) as f32).collect()
        }
        Kind::Whole(kind) => wholes(data, kind, rows)?.map(|value| value as f32).collect(),
        Kind::Days => wholes(data, signed(4), rows)?.map(|day| (day as f64 * SECONDS_PER_DAY) as f32).collect(),
        Kind::Ticks { bytes, per_second, .. } => {
            wholes(data, signed(bytes), rows)?.map(|ticks| (ticks as f64 / per_second as f64) as f32).collect()
        }
        Kind::Decimal { bytes, scale } => {
            let all = data.get(..rows.checked_mul(bytes).ok_or_else(damaged)?).ok_or_else(damaged)?;
            let by = 10f64.powi(scale);
            all.chunks_exact(bytes).map(|bytes| (whole_number(bytes) / by) as f32).collect()
        }
        _ => return Err(damaged()),
    };
    values.iter_mut().enumerate().filter(|(row, _)| !there(*row)).for_each(|(_, value)| *value = f32::NAN);
    Ok(Values::Numbers(values))
}

/// The number that bytes are in two's complement, the lowest first.
fn whole_number(bytes: &[u8]) -> f64 {
    let (last, lower) = bytes.split_last().expect("a number has bytes");
    lower.iter().rev().fold(f64::from(*last as i8), |number, &byte| number * 256.0 + f64::from(byte))
}

/// A column that is not text, as it is written.
fn texts(kind: Kind, data: &[u8], rows: usize, there: impl Fn(usize) -> bool) -> Result<Values, DataError> {
    let whole = |bytes, text: &dyn Fn(i64) -> String| -> Result<Vec<String>, DataError> {
        Ok(wholes(data, Whole { bytes, signed: true }, rows)?.map(text).collect())
    };
    let written = match kind {
        Kind::Whole(Whole { bytes: 8, signed: false }) => whole(8, &|value| (value as u64).to_string())?,
        Kind::Whole(kind) => wholes(data, kind, rows)?.map(|value| value.to_string()).collect(),
        Kind::Days => whole(4, &|day| day_text(day).unwrap_or_else(|| day.to_string()))?,
        Kind::Ticks { bytes, per_second, is_moment: true } => {
            whole(bytes, &|ticks| moment_text(ticks, per_second).unwrap_or_else(|| ticks.to_string()))?
        }
        Kind::Ticks { bytes, per_second, .. } => whole(bytes, &|ticks| (ticks as f64 / per_second as f64).to_string())?,
        Kind::Float(8) => chunks::<8>(data, rows)?.iter().map(|bytes| f64::from_le_bytes(*bytes).to_string()).collect(),
        kind => match numbers(kind, data, rows, |_| true)? {
            Values::Numbers(values) => values.iter().map(f32::to_string).collect(),
            _ => return Err(damaged()),
        },
    };
    Ok(Values::Words(written.into_iter().enumerate().map(|(row, text)| there(row).then_some(text)).collect()))
}

/// Where in the values of a column those of a row lie, by offsets of so many bytes.
fn range_at(offsets: &[u8], width: usize, row: usize) -> Option<Range<usize>> {
    let offset = |row: usize| match width {
        4 => offsets.as_chunks().0.get(row).and_then(|bytes| usize::try_from(i32::from_le_bytes(*bytes)).ok()),
        _ => offsets.as_chunks().0.get(row).and_then(|bytes| usize::try_from(i64::from_le_bytes(*bytes)).ok()),
    };
    offset(row).zip(offset(row + 1)).map(|(start, end)| start..end)
}

fn text_at(offsets: &[u8], width: usize, row: usize, data: &[u8]) -> Result<String, DataError> {
    let bytes = range_at(offsets, width, row).and_then(|range| data.get(range));
    text(bytes.ok_or_else(damaged)?)
}

/// The text of a view: within it up to 12 bytes, and beyond in one of the buffers.
fn view_at(views: &[u8], row: usize, data: &[Cow<'_, [u8]>]) -> Result<String, DataError> {
    let view = views.as_chunks::<16>().0.get(row).ok_or_else(damaged)?;
    let word = |at: usize| view[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize);
    let length = word(0);
    if length <= 12 {
        return text(&view[4..4 + length]);
    }
    let (buffer, start) = (word(8), word(12));
    let bytes = data.get(buffer).and_then(|data| data.get(start..start.checked_add(length)?));
    text(bytes.ok_or_else(damaged)?)
}

fn text(bytes: &[u8]) -> Result<String, DataError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| damaged().with_cause(error))
}

impl Values {
    /// What is kept of some rows of a column: its values as text, and nothing where one is missing.
    pub(super) fn texts(&self, rows: Range<usize>) -> Vec<String> {
        match self {
            Self::Numbers(values) => {
                let text = |value: &f32| if value.is_nan() { String::new() } else { value.to_string() };
                values[rows].iter().map(text).collect()
            }
            Self::Words(words) => words[rows].iter().map(|word| word.clone().unwrap_or_default()).collect(),
            Self::Places(places, words) => {
                let word = |place: &Option<u32>| words[(*place)? as usize].clone();
                places[rows].iter().map(|place| word(place).unwrap_or_default()).collect()
            }
        }
    }
}
