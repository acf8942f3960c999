//! The messages of a file or stream: each its length, what it describes, and the buffers behind it.

use std::io::BufRead as _;

use super::flatbuffer::{Table as Message, damaged};
use super::schema::Field;
use crate::byte_source::ByteSource;
use crate::{DataError, Place};

const MAGIC: &[u8] = b"ARROW1\0\0";
/// What stands before the length of each message.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Bytes of a message without its buffers.
const MOST_METADATA: u64 = 256 << 20;

/// Kinds of messages.
pub(super) const SCHEMA: u8 = 1;
pub(super) const DICTIONARY: u8 = 2;
pub(super) const BATCH: u8 = 3;

/// Whether content that begins so is an Arrow file or stream.
pub(crate) fn is_arrow(head: &[u8]) -> bool {
    let of_stream = |length: &[u8; 4]| {
        let length = i32::from_le_bytes(*length);
        length > 0 && length % 8 == 0 && u64::from(length.unsigned_abs()) <= MOST_METADATA
    };
    head.starts_with(b"ARROW1") || head.strip_prefix(&CONTINUATION).and_then(<[u8]>::first_chunk).is_some_and(of_stream)
}

/// A message and its buffers.
type MessageWithBody = (Vec<u8>, Vec<u8>);

/// The messages behind the schema.
pub(super) struct Messages<'a> {
    source: ByteSource<'a>,
    is_file: bool,
    /// The length of the next message, where it is read already.
    length: Option<u32>,
    ended: bool,
}

impl<'a> Messages<'a> {
    /// Reads the schema, which comes first.
    pub(super) fn open(mut source: ByteSource<'a>) -> Result<(Self, Vec<Field>), DataError> {
        if source.head().is_empty() {
            return Err(DataError::empty(Place::default()));
        }
        let is_file = source.head().starts_with(MAGIC);
        if is_file {
            source.array::<8>("the mark of the format")?;
        }
        let mut messages = Self { source, is_file, length: None, ended: false };
        let metadata = match messages.next_length()? {
            // The offset with which a message begins, for no message is as short.
            Some(word @ 1..=4) if is_file => messages.without_length(word)?,
            Some(length) => messages.read(length)?.0,
            None => return Err(damaged()),
        };
        let message = Message::root(&metadata)?;
        let schema = message.table(2)?.filter(|_| matches!(message.u8(1), Ok(SCHEMA))).ok_or_else(damaged)?;
        if schema.i16(0, 0)? != 0 {
            let why = "its numbers are big-endian, which is not read";
            return Err(DataError::unsuitable(Place::default(), why).with_hint("write it on another machine"));
        }
        let fields = Field::all_of(schema)?;
        Ok((messages, fields))
    }

    pub(super) fn is_file(&self) -> bool {
        self.is_file
    }

    /// The next message and its buffers; none at the end. Behind its end a file has a list of what was in it.
    pub(super) fn next(&mut self) -> Result<Option<MessageWithBody>, DataError> {
        let length = match self.length.take() {
            _ if self.ended => None,
            None => self.next_length()?,
            length => length.filter(|&length| length > 0),
        };
        self.ended = length.is_none();
        length.map(|length| self.read(length)).transpose()
    }

    fn next_length(&mut self) -> Result<Option<u32>, DataError> {
        // A stream may end without its mark, a file not.
        let ended = self.source.fill_buf().map(<[u8]>::is_empty);
        if !self.is_file && ended.map_err(|error| self.source.read_error(error))? {
            return Ok(None);
        }
        let mut length = self.source.array::<4>("the length of a message")?;
        // The first versions wrote the length alone.
        if length == CONTINUATION {
            length = self.source.array("the length of a message")?;
        }
        Ok(Some(u32::from_le_bytes(length)).filter(|&length| length > 0))
    }

    fn read(&mut self, length: u32) -> Result<MessageWithBody, DataError> {
        let (source, what) = (&mut self.source, "a message");
        source.claim(u64::from(length), 1, what)?;
        if u64::from(length) > MOST_METADATA {
            let why = format!("a message of {length} bytes is over {MOST_METADATA}");
            return Err(source.malformed(source.offset(), why));
        }
        let mut metadata = Vec::new();
        source.values(length as usize, &mut metadata, |[byte]| byte)?;
        let bytes = u64::try_from(Message::root(&metadata)?.i64(3)?).map_err(|_| damaged())?;
        source.claim(bytes, 1, what)?;
        let mut body = Vec::new();
        source.values(usize::try_from(bytes).map_err(|_| damaged())?, &mut body, |[byte]| byte)?;
        Ok((metadata, body))
    }

    /// The schema of a file by Polars, which writes no length before it: it ends where the next message begins.
    fn without_length(&mut self, first: u32) -> Result<Vec<u8>, DataError> {
        let mut metadata = first.to_le_bytes().to_vec();
        let mut word = [0; 4];
        while metadata.len() as u64 <= MOST_METADATA {
            self.source.fill(&mut word, "the schema")?;
            if word == CONTINUATION && metadata.len().is_multiple_of(8) {
                self.length = Some(u32::from_le_bytes(self.source.array("the length of a message")?));
                return Ok(metadata);
            }
            metadata.extend(word);
        }
        Err(damaged())
    }
}

/// How the buffers of a message are packed where only the text beside it says so, as Arrow 0.17 wrote.
pub(super) fn packing_beside(message: Message<'_>) -> Result<Option<u8>, DataError> {
    for pair in message.tables(4)? {
        if pair.text(0)? == "ARROW:experimental_compression" {
            return match pair.text(1)?.to_ascii_lowercase().as_str() {
                "lz4" => Ok(Some(0)),
                "zstd" => Ok(Some(1)),
                _ => Err(damaged()),
            };
        }
    }
    Ok(None)
}
