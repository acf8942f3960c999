//! TensorBoard's event files: records (TensorFlow's `record_writer.cc`) of `Event` messages (`event.proto`, `summary.proto`), of which a
//! training needs three fields and two kinds of value.

use std::io::{self, Write};

/// The first event says which format follows.
const VERSION: &[u8] = b"brain.Event:2";
/// The width and height of a PNG stand here, 32 bits each, big-endian.
const PNG_SIZE: std::ops::Range<usize> = 16..24;

/// A file of events.
pub struct EventFile<W> {
    out: W,
}

/// What an event says.
pub enum Value<'a> {
    /// A number.
    Scalar { tag: &'a str, value: f32 },
    /// A picture in PNG.
    Picture { tag: &'a str, png: &'a [u8] },
}

impl<W: Write> EventFile<W> {
    /// A file that begins at `time`, in seconds since 1970.
    pub fn new(out: W, time: f64) -> io::Result<Self> {
        let mut file = Self { out };
        let mut event = Message::default();
        event.double(1, time);
        event.bytes(3, VERSION);
        file.record(&event.0)?;
        Ok(file)
    }

    /// Adds an event of some values.
    pub fn write(&mut self, time: f64, step: u64, values: &[Value<'_>]) -> io::Result<()> {
        let mut summary = Message::default();
        for value in values {
            summary.bytes(1, &value.message().0);
        }
        let mut event = Message::default();
        event.double(1, time);
        event.integer(2, step);
        event.bytes(5, &summary.0);
        self.record(&event.0)
    }

    /// Length, its checksum, the bytes and theirs, in one call, so that whoever reads meanwhile sees whole records.
    fn record(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = (bytes.len() as u64).to_le_bytes();
        let mut record = Vec::with_capacity(bytes.len() + 16);
        record.extend(length);
        record.extend(masked_checksum(&length).to_le_bytes());
        record.extend(bytes);
        record.extend(masked_checksum(bytes).to_le_bytes());
        self.out.write_all(&record)?;
        self.out.flush()
    }
}

impl Value<'_> {
    fn message(&self) -> Message {
        let mut message = Message::default();
        match self {
            Self::Scalar { tag, value } => {
                message.bytes(1, tag.as_bytes());
                message.float(2, *value);
            }
            Self::Picture { tag, png } => {
                let size = png.get(PNG_SIZE).unwrap_or(&[0; 8]);
                let number = |bytes: &[u8]| bytes.iter().fold(0u64, |number, &byte| number << 8 | u64::from(byte));
                let mut image = Message::default();
                image.integer(1, number(&size[4..]));
                image.integer(2, number(&size[..4]));
                // Colours: red, green and blue.
                image.integer(3, 3);
                image.bytes(4, png);
                message.bytes(1, tag.as_bytes());
                message.bytes(4, &image.0);
            }
        }
        message
    }
}

/// A protobuf message: fields behind each other, each with its number and kind.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn integer(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.varint(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }
}

/// CRC-32C (Castagnoli), rotated and shifted as records want it.
fn masked_checksum(bytes: &[u8]) -> u32 {
    let checksum = !bytes.iter().fold(!0u32, |checksum, &byte| {
        let low = (checksum ^ u32::from(byte)) & 0xff;
        let table = (0..8).fold(low, |rest, _| if rest & 1 == 1 { rest >> 1 ^ 0x82f6_3b78 } else { rest >> 1 });
        checksum >> 8 ^ table
    });
    checksum.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_castagnoli_and_masked() {
        // RFC 3720, B.4: 32 bytes of zeros.
        let unmasked = masked_checksum(&[0; 32]).wrapping_sub(0xa282_ead8).rotate_left(15);
        assert_eq!(unmasked, 0x8a91_36aa);
    }

    #[test]
    fn an_event_has_the_bytes_that_tensorboard_reads() {
        let mut bytes = Vec::new();
        let mut file = EventFile::new(&mut bytes, 1.5).unwrap();
        file.write(2.0, 300, &[Value::Scalar { tag: "loss", value: 0.25 }]).unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        assert_eq!(&bytes[12..12 + length], b"\x09\0\0\0\0\0\0\xf8\x3f\x1a\x0dbrain.Event:2");
        let second = &bytes[length + 16..];
        let length = u64::from_le_bytes(second[..8].try_into().unwrap()) as usize;
        let value = b"\x0a\x04loss\x15\0\0\x80\x3e";
        let mut event = b"\x09\0\0\0\0\0\0\0\x40\x10\xac\x02\x2a\x0d\x0a\x0b".to_vec();
        event.extend(value);
        assert_eq!(&second[12..12 + length], event);
        assert_eq!(second.len(), length + 16);
    }
}
