//! The objects of a JSON text, wherever they stand: one a line, over several lines, several in a line, or in one array.

use std::fmt::Write as _;
use std::io::BufRead as _;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::table::MAX_LINE;
use crate::{ByteSource, DataError, Position};

/// The name of a column, and a value.
pub(super) type Cell = (String, Value);

/// The way out of JSON that is no table.
pub(super) const TABLE_OF_JSON: &str = "a table of JSON is an object a line, {\"column\": value, …}, or one array of such objects: pandas writes it by \
    `to_json(FILE, orient=\"records\", lines=True)`, and jq takes an array out of a document by `jq -c '.data[]'`";

/// The objects of a source, one after the other.
pub(super) struct Objects<'a> {
    source: ByteSource<'a>,
    /// The number of the line being read.
    line: u64,
    /// Whether they are the elements of an array.
    in_array: bool,
    /// The object being read, and the line in which it begins.
    text: Vec<u8>,
    begins: u64,
}

impl<'a> Objects<'a> {
    pub(super) fn new(source: ByteSource<'a>) -> Self {
        Self { source, line: 1, in_array: false, text: Vec::new(), begins: 1 }
    }

    /// The next object as cells, what is nested with a cell each, and the number of its first line; none at the end.
    pub(super) fn next(&mut self, cells: &mut Vec<Cell>) -> Result<Option<u64>, DataError> {
        if !self.find()? {
            return Ok(None);
        }
        cells.clear();
        let parsed = flatten(&self.text, cells).or_else(|error| {
            cells.clear();
            match in_strict_json(&self.text) {
                Some(text) => flatten(&text, cells),
                None => Err(error),
            }
        });
        parsed.map_err(|error| {
            let what = error.to_string();
            let what = what.rsplit_once(" at line ").map_or(&*what, |(what, _)| what);
            let line = self.begins + (error.line() as u64).saturating_sub(1);
            self.fault(line, format!("the line is no JSON at its byte {}: {what}", error.column()))
        })?;
        Ok(Some(self.begins))
    }

    fn fault(&self, line: u64, why: impl Into<String>) -> DataError {
        DataError::malformed(self.source.place(Position::Line(line)), why).with_hint(TABLE_OF_JSON)
    }

    /// Reads the text of the next object; false at the end.
    fn find(&mut self) -> Result<bool, DataError> {
        self.text.clear();
        let (mut depth, mut in_word, mut is_escaped) = (0usize, false, false);
        loop {
            let bytes = match self.source.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) => return Err(self.source.read_error(error)),
            };
            if bytes.is_empty() {
                return match depth {
                    0 => Ok(false),
                    _ => Err(self.fault(self.begins, "the object that begins here is not closed")),
                };
            }
            let (mut taken, mut stray) = (0, None);
            for &byte in bytes {
                taken += 1;
                self.line += u64::from(byte == b'\n');
                if depth == 0 {
                    match byte {
                        b'{' => (depth, self.begins) = (1, self.line),
                        b'[' if !self.in_array => self.in_array = true,
                        b']' if self.in_array => self.in_array = false,
                        // Among others the mark of a record (RFC 7464).
                        b' ' | b'\t' | b'\r' | b'\n' | b',' | 0x1e => {}
                        // The mark of UTF-8.
                        0xef | 0xbb | 0xbf if self.line == 1 => {}
                        _ => {
                            stray = Some(byte);
                            break;
                        }
                    }
                    continue;
                }
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' if in_word => is_escaped = true,
                    b'"' => in_word = !in_word,
                    b'{' | b'[' if !in_word => depth += 1,
                    b'}' | b']' if !in_word => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            // What stands before an object is no part of it.
            let from =
                if self.text.is_empty() { bytes[..taken].iter().position(|&byte| byte == b'{') } else { Some(0) };
            self.text.extend(from.map_or(&[][..], |from| &bytes[from..taken]));
            self.source.consume(taken);
            if let Some(byte) = stray {
                let found = char::from(byte);
                return Err(
                    self.fault(self.line, format!("the line is no JSON object: {found:?} stands where one begins"))
                );
            }
            if self.text.len() > MAX_LINE {
                let why = format!("the object that begins here is not closed within {MAX_LINE} bytes");
                return Err(self.fault(self.begins, why));
            }
            if depth == 0 && !self.text.is_empty() {
                return Ok(true);
            }
        }
    }
}

/// The members of an object, and those of objects and arrays in it.
fn flatten(text: &[u8], cells: &mut Vec<Cell>) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(text);
    Member { name: &mut String::new(), cells }.deserialize(&mut json)?;
    json.end()
}

/// A value under a name; `cells` takes it, or what is in it.
struct Member<'c> {
    name: &'c mut String,
    cells: &'c mut Vec<Cell>,
}

impl Member<'_> {
    fn take(self, value: impl Into<Value>) {
        self.cells.push((self.name.clone(), value.into()));
    }
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.take(Value::Null);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.take(value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.take(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.take(value);
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.take(Number::from_f64(value).ok_or_else(|| E::custom("a number that is not finite"))?);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.take(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let length = self.name.len();
        for index in 0.. {
            write!(self.name, "[{index}]").map_err(A::Error::custom)?;
            let element = elements.next_element_seed(Member { name: self.name, cells: self.cells })?;
            self.name.truncate(length);
            if element.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let length = self.name.len();
        while let Some(key) = members.next_key::<String>()? {
            if length > 0 {
                self.name.push('.');
            }
            self.name.push_str(&key);
            members.next_value_seed(Member { name: self.name, cells: self.cells })?;
            self.name.truncate(length);
        }
        Ok(())
    }
}

/// The text with what Python and others write for numbers that JSON does not have: `NaN` becomes `null`; `Infinity` and numbers beyond 64
/// bits become numbers that are infinite in 32. None where there are none.
fn in_strict_json(text: &[u8]) -> Option<Vec<u8>> {
    let is_of_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let (mut strict, mut is_other) = (Vec::with_capacity(text.len()), false);
    let (mut at, mut in_word) = (0, false);
    while let Some(&byte) = text.get(at) {
        let length = if in_word { 0 } else { text[at..].iter().take_while(|&&byte| is_of_word(byte)).count() };
        if length > 0 {
            let word = std::str::from_utf8(&text[at..at + length]).ok()?;
            let instead = match word {
                "NaN" | "nan" | "-NaN" | "-nan" => Some("null"),
                _ => match word.parse::<f64>() {
                    Ok(f64::INFINITY) => Some("1e300"),
                    Ok(f64::NEG_INFINITY) => Some("-1e300"),
                    _ => None,
                },
            };
            is_other |= instead.is_some();
            strict.extend(instead.unwrap_or(word).as_bytes());
            at += length;
            continue;
        }
        let escaped = if in_word && byte == b'\\' { 2 } else { 1 };
        in_word ^= byte == b'"';
        let end = text.len().min(at + escaped);
        strict.extend(&text[at..end]);
        at = end;
    }
    is_other.then_some(strict)
}
