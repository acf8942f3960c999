//! How the numbers of a chunk become the bytes of a file, as the codecs of its description say.

use std::io::{self, Read};

use serde_json::{Map, Value};

use super::metadata::{lengths, malformed, part};
use super::shards::Shard;
use super::store::wrong;
use super::{MOST_REGION, Packing};
use crate::error::DataError;

/// The codecs of an array.
#[derive(Clone, Debug, Default)]
pub(super) struct Codecs {
    pub is_big_endian: bool,
    /// The axes in the order in which they lie in a chunk, the outermost first.
    pub order: Vec<usize>,
    /// How chunks are packed, what is unpacked first coming first.
    pub packings: Vec<Packing>,
    /// How the chunks of a shard lie in it, where chunks of the array are shards.
    pub shard: Option<Box<Shard>>,
}

impl Codecs {
    /// The numbers of a chunk of so many bytes, little-endian, each of `width`.
    pub fn unpack(&self, packed: Box<dyn Read + '_>, length: u64, width: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader(packed, length)?.take(length + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(wrong(format!("a chunk of {} bytes instead of {length}", bytes.len())));
        }
        if self.is_big_endian && width > 1 {
            bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        Ok(bytes)
    }

    /// All that was packed.
    pub fn unpack_all(&self, packed: Box<dyn Read + '_>) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader(packed, 2 * MOST_REGION)?.take(2 * MOST_REGION).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn reader<'a>(&self, packed: Box<dyn Read + 'a>, length: u64) -> io::Result<Box<dyn Read + 'a>> {
        let mut reader = packed;
        for (place, packing) in self.packings.iter().enumerate() {
            let is_last = place + 1 == self.packings.len();
            reader = packing.unpack(reader, if is_last { length } else { MOST_REGION })?;
        }
        Ok(reader)
    }
}

/// The codecs of a list of version 3 for chunks of these lengths, their names, and why they cannot be read where they cannot.
pub(super) fn codecs_of(
    list: Option<&Value>,
    chunks: &[u64],
) -> Result<(Codecs, Vec<String>, Option<String>), DataError> {
    let mut codecs = Codecs { order: (0..chunks.len()).collect(), ..Codecs::default() };
    let (mut filters, mut unreadable) = (Vec::new(), None);
    for codec in list.and_then(Value::as_array).map_or(&[][..], |list| &list[..]) {
        let (name, options) = part(Some(codec));
        match name.as_str() {
            "bytes" => codecs.is_big_endian = options.get("endian").and_then(Value::as_str) == Some("big"),
            "transpose" => {
                let turn = lengths(&options, "order")?.into_iter().map(|axis| axis as usize).collect::<Vec<_>>();
                let mut sorted = turn.clone();
                sorted.sort_unstable();
                if sorted != (0..chunks.len()).collect::<Vec<_>>() {
                    return Err(malformed(format!("an order of axes {turn:?} of an array with {}", chunks.len())));
                }
                codecs.order = turn.into_iter().map(|axis| codecs.order[axis]).collect();
                filters.push(name);
            }
            "sharding_indexed" => {
                let (shard, of_chunks, why) = shard_of(&options, chunks)?;
                filters.push(name);
                filters.extend(of_chunks);
                unreadable = unreadable.or(why);
                if codecs.order.iter().enumerate().any(|(place, &axis)| place != axis) {
                    unreadable = Some("its shards have another order of axes, which is not read".to_owned());
                }
                codecs.shard = Some(Box::new(shard));
            }
            _ => {
                match Packing::of(&name) {
                    Some(packing) => codecs.packings.insert(0, packing),
                    None => unreadable = Some(format!("it is packed with {name}, which is not read")),
                }
                filters.push(name);
            }
        }
    }
    Ok((codecs, filters, unreadable))
}

/// The chunks of a shard of these lengths, as [`codecs_of`] gives codecs.
fn shard_of(options: &Map<String, Value>, shard: &[u64]) -> Result<(Shard, Vec<String>, Option<String>), DataError> {
    let chunks = lengths(options, "chunk_shape")?;
    let divide = |(shard, chunk): (&u64, &u64)| *chunk > 0 && shard.is_multiple_of(*chunk);
    if chunks.len() != shard.len() || !shard.iter().zip(&chunks).all(divide) {
        return Err(malformed(format!("chunks of {chunks:?} do not divide a shard of {shard:?}")));
    }
    let (codecs, filters, mut unreadable) = codecs_of(options.get("codecs"), &chunks)?;
    if codecs.shard.is_some() {
        unreadable = Some("it has shards within shards, which are not read".to_owned());
    }
    let index = options.get("index_codecs").and_then(Value::as_array).map_or(&[][..], |list| &list[..]);
    let index: Vec<_> = index.iter().map(|codec| part(Some(codec))).collect();
    let is_little = |(name, options): &(String, Map<String, Value>)| {
        name == "bytes" && options.get("endian").and_then(Value::as_str) != Some("big")
    };
    let checked = match &index[..] {
        [bytes] if is_little(bytes) => false,
        [bytes, (check, _)] if is_little(bytes) && check == "crc32c" => true,
        _ => {
            unreadable = Some("the index of its shards is packed, which is not read".to_owned());
            false
        }
    };
    let index_first = options.get("index_location").and_then(Value::as_str) == Some("start");
    // A single value is read as one of an axis of length 1.
    let chunks = if chunks.is_empty() { vec![1] } else { chunks };
    Ok((Shard { chunks, codecs, index_first, checked }, filters, unreadable))
}
