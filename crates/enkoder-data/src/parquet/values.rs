//! The values of one stored column as numbers: what is missing, where lists begin, and what the bytes mean.

use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use ::parquet::errors::ParquetError;
use half::f16;

use super::columns::{Leaf, Meaning};
use crate::table::uneven_lists;
use crate::timestamp::{SECONDS_PER_DAY, day_text, moment_text};
use crate::{DataError, Place};

/// The day in the calendar of `INT96` (Julian days) that 1970-01-01 is.
const JULIAN_1970: i64 = 2_440_588;

/// Levels of the batch read last.
#[derive(Default)]
pub(super) struct Buffers {
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

/// Reads the next `rows` rows of a column into `out`, where those of a list stand element behind element, `rows` values each.
/// `out` must be NaN before.
pub(super) fn fill(
    reader: &mut ColumnReader,
    leaf: &Leaf,
    rows: usize,
    buffers: &mut Buffers,
    out: &mut [f32],
    mut word: impl FnMut(&str) -> f32,
) -> Result<(), DataError> {
    let meaning = leaf.meaning();
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |&value| Ok(f32::from(u8::from(value))))
        }
        ColumnReader::Int32ColumnReader(reader) => {
            let values = read(reader, leaf, rows, buffers)?;
            match meaning {
                Meaning::Unsigned => values.place(leaf, rows, buffers, out, |&value| Ok(value as u32 as f32)),
                Meaning::Plain => values.place(leaf, rows, buffers, out, |&value| Ok(value as f32)),
                _ => values.place(leaf, rows, buffers, out, |&value| Ok(meaning.number(f64::from(value)))),
            }
        }
        ColumnReader::Int64ColumnReader(reader) => {
            let values = read(reader, leaf, rows, buffers)?;
            match meaning {
                Meaning::Unsigned => values.place(leaf, rows, buffers, out, |&value| Ok(value as u64 as f32)),
                Meaning::Plain => values.place(leaf, rows, buffers, out, |&value| Ok(value as f32)),
                _ => values.place(leaf, rows, buffers, out, |&value| Ok(meaning.number(value as f64))),
            }
        }
        ColumnReader::Int96ColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |value| Ok(timestamp(value)))
        }
        ColumnReader::FloatColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |&value| Ok(value))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |&value| Ok(value as f32))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |value: &ByteArray| match meaning {
                Meaning::Word => std::str::from_utf8(value.data()).map(&mut word).map_err(|_| not_text(leaf)),
                _ => Ok(meaning.number(whole_number(value.data()))),
            })
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |value: &FixedLenByteArray| {
                match (meaning, value.data()) {
                    (Meaning::Half, &[low, high]) => Ok(f16::from_le_bytes([low, high]).to_f32()),
                    (Meaning::Half, other) => Err(wrong_length(leaf, other.len())),
                    (_, bytes) => Ok(meaning.number(whole_number(bytes))),
                }
            })
        }
    }
}

/// The next `rows` values of a column as text; nothing where one is missing.
pub(super) fn texts(
    reader: &mut ColumnReader,
    leaf: &Leaf,
    rows: usize,
    buffers: &mut Buffers,
) -> Result<Vec<String>, DataError> {
    let mut texts = Vec::new();
    let mut numbers = vec![f32::NAN; rows];
    // The number in a value's place is that of its text; a batch has far fewer rows than f32 can count.
    let mut note = |text: String| {
        texts.push(text);
        Ok((texts.len() - 1) as f32)
    };
    let out = &mut numbers[..];
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |value| note(value.to_string()))
        }
        ColumnReader::Int32ColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?
                .place(leaf, rows, buffers, out, |&value| note(leaf.text_of(i64::from(value))))
        }
        ColumnReader::Int64ColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |&value| note(leaf.text_of(value)))
        }
        ColumnReader::Int96ColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |value| note(int96_text(value)))
        }
        ColumnReader::FloatColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |value| note(value.to_string()))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |value| note(value.to_string()))
        }
        ColumnReader::ByteArrayColumnReader(reader) if leaf.holds_words() => {
            read(reader, leaf, rows, buffers)?.place(leaf, rows, buffers, out, |value: &ByteArray| {
                std::str::from_utf8(value.data()).map_err(|_| not_text(leaf)).and_then(|word| note(word.to_owned()))
            })
        }
        _ => {
            let why = format!("column {:?} cannot be kept as text", leaf.name());
            Err(DataError::unsuitable(Place::default(), why).with_hint("write it as numbers, timestamps or strings"))
        }
    }?;
    let text = |number: &f32| if number.is_nan() { String::new() } else { texts[*number as usize].clone() };
    Ok(numbers.iter().map(text).collect())
}

impl Leaf {
    /// A whole number as what it means: a point in time, a day, or a number.
    fn text_of(&self, value: i64) -> String {
        let point = match self.meaning() {
            Meaning::Divided(ticks) if self.is_clock() => moment_text(value, ticks as i64),
            Meaning::Divided(by) => Some((value as f64 / by).to_string()),
            Meaning::Days => day_text(value),
            Meaning::Unsigned => Some((value as u64).to_string()),
            Meaning::Plain | Meaning::Half | Meaning::Word => None,
        };
        point.unwrap_or_else(|| value.to_string())
    }
}

/// Whether the values in the next `rows` rows are text.
pub(super) fn are_texts(reader: &mut ColumnReader, leaf: &Leaf, rows: usize) -> Result<bool, DataError> {
    let ColumnReader::ByteArrayColumnReader(reader) = reader else { return Ok(true) };
    let Values(values) = read(reader, leaf, rows, &mut Buffers::default())?;
    let is_text = |value: &ByteArray| std::str::from_utf8(value.data()).is_ok_and(|text| !text.contains('\0'));
    Ok(values.iter().all(is_text))
}

/// The length of the first list within the next `rows` rows that is not missing.
pub(super) fn list_length(reader: &mut ColumnReader, leaf: &Leaf, rows: usize) -> Result<Option<usize>, DataError> {
    let mut buffers = Buffers::default();
    // One at a time: the first is long enough as a rule.
    for _ in 0..rows {
        match reader {
            ColumnReader::BoolColumnReader(reader) => read(reader, leaf, 1, &mut buffers).map(drop),
            ColumnReader::Int32ColumnReader(reader) => read(reader, leaf, 1, &mut buffers).map(drop),
            ColumnReader::Int64ColumnReader(reader) => read(reader, leaf, 1, &mut buffers).map(drop),
            ColumnReader::Int96ColumnReader(reader) => read(reader, leaf, 1, &mut buffers).map(drop),
            ColumnReader::FloatColumnReader(reader) => read(reader, leaf, 1, &mut buffers).map(drop),
            ColumnReader::DoubleColumnReader(reader) => read(reader, leaf, 1, &mut buffers).map(drop),
            ColumnReader::ByteArrayColumnReader(reader) => read(reader, leaf, 1, &mut buffers).map(drop),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => read(reader, leaf, 1, &mut buffers).map(drop),
        }?;
        let elements = buffers.definitions.iter().filter(|&&level| Some(level) >= leaf.element).count();
        if elements > 0 {
            return Ok(Some(elements));
        }
    }
    Ok(None)
}

impl Meaning {
    fn number(self, value: f64) -> f32 {
        match self {
            Self::Divided(by) => (value / by) as f32,
            Self::Days => (value * SECONDS_PER_DAY) as f32,
            Self::Plain | Self::Unsigned | Self::Half | Self::Word => value as f32,
        }
    }
}

/// The values of a batch that are not missing.
struct Values<T>(Vec<T>);

fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    leaf: &Leaf,
    rows: usize,
    buffers: &mut Buffers,
) -> Result<Values<T::T>, DataError> {
    let mut values = Vec::with_capacity(rows);
    buffers.definitions.clear();
    buffers.repetitions.clear();
    let read = reader.read_records(rows, Some(&mut buffers.definitions), Some(&mut buffers.repetitions), &mut values);
    let (records, _, _) = read.map_err(|error: ParquetError| {
        fault(leaf, "its values are damaged, or written in a way that is not supported".into()).with_cause(error)
    })?;
    if records != rows {
        return Err(fault(leaf, "it has fewer rows than the file claims".into()));
    }
    Ok(Values(values))
}

impl<T> Values<T> {
    fn place(
        &self,
        leaf: &Leaf,
        rows: usize,
        buffers: &Buffers,
        out: &mut [f32],
        mut number: impl FnMut(&T) -> Result<f32, DataError>,
    ) -> Result<(), DataError> {
        let mut values = self.0.iter();
        let mut next = || match values.next() {
            Some(value) => number(value),
            None => Err(fault(leaf, "it has fewer values than it claims".into())),
        };
        let Some(element) = leaf.element else {
            for (row, out) in out.iter_mut().enumerate() {
                if leaf.present == 0 || buffers.definitions.get(row) == Some(&leaf.present) {
                    *out = next()?;
                }
            }
            return Ok(());
        };
        let (mut row, mut elements, mut begun) = (0, 0, false);
        let full = |elements: usize| elements == 0 || elements == leaf.width();
        for (&definition, &repetition) in buffers.definitions.iter().zip(&buffers.repetitions) {
            if repetition == 0 {
                if !full(elements) {
                    return Err(uneven(leaf, elements));
                }
                row += usize::from(begun);
                (elements, begun) = (0, true);
            }
            if definition >= element {
                let value = if definition == leaf.present { next()? } else { f32::NAN };
                if elements >= leaf.width() || row >= rows {
                    return Err(uneven(leaf, elements + 1));
                }
                out[elements * rows + row] = value;
                elements += 1;
            }
        }
        if full(elements) { Ok(()) } else { Err(uneven(leaf, elements)) }
    }
}

fn fault(leaf: &Leaf, why: String) -> DataError {
    DataError::malformed(Place::default(), format!("column {:?}: {why}", leaf.name()))
        .with_hint("fetch the file again; if others read it, write it anew with them, unencrypted, or leave the column out with `TableOptions::ignore`")
}

fn uneven(leaf: &Leaf, elements: usize) -> DataError {
    uneven_lists(leaf.name(), leaf.width(), &format!("{elements} or more"))
}

fn not_text(leaf: &Leaf) -> DataError {
    let why = format!("column {:?} holds binary data, not text in UTF-8", leaf.name());
    DataError::unsuitable(Place::default(), why).with_hint("leave the column out with `TableOptions::ignore`")
}

fn wrong_length(leaf: &Leaf, length: usize) -> DataError {
    fault(leaf, format!("a half-precision number of {length} bytes instead of 2"))
}

/// The whole number that big-endian bytes in two's complement are.
fn whole_number(bytes: &[u8]) -> f64 {
    let negative = bytes.first().is_some_and(|&byte| byte >= 0x80);
    // All bits of a negative number inverted are one less than what it lacks to zero.
    let magnitude = bytes.iter().fold(0.0, |sum, &byte| sum * 256.0 + f64::from(if negative { !byte } else { byte }));
    if negative { -magnitude - 1.0 } else { magnitude }
}

/// The day since 1970 and the nanoseconds of the day: the Julian day is in the last four bytes, the nanoseconds are in those before.
fn day_and_nanoseconds(value: &Int96) -> (i64, u64) {
    let data = value.data();
    (i64::from(data[2]) - JULIAN_1970, u64::from(data[1]) << 32 | u64::from(data[0]))
}

/// Seconds since 1970.
fn timestamp(value: &Int96) -> f32 {
    let (day, nanoseconds) = day_and_nanoseconds(value);
    (day as f64 * SECONDS_PER_DAY + nanoseconds as f64 / 1e9) as f32
}

fn int96_text(value: &Int96) -> String {
    let (day, nanoseconds) = day_and_nanoseconds(value);
    // Not even the year 9999 has as many microseconds as an `i64`.
    let microseconds = day * SECONDS_PER_DAY as i64 * 1_000_000 + (nanoseconds / 1000) as i64;
    moment_text(microseconds, 1_000_000).unwrap_or_else(|| microseconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_two_s_complement() {
        assert_eq!(whole_number(&[]), 0.0);
        assert_eq!(whole_number(&[0xff]), -1.0);
        assert_eq!(whole_number(&[0x01, 0x00]), 256.0);
        assert_eq!(whole_number(&[0xff, 0x7f]), -129.0);
        assert_eq!(whole_number(&[0x00; 16]), 0.0);
    }

    #[test]
    fn int96_counts_from_1970() {
        let mut value = Int96::new();
        value.set_data(1_000_000_000, 0, 2_440_589);
        assert_eq!(timestamp(&value), 86_401.0);
    }
}
