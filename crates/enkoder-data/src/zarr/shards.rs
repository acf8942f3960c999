//! Shards (<https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/>): a file of several chunks, and an index that says where
//! each begins and how many bytes it has.

use std::io::{self, Read};

use super::codecs::Codecs;
use super::place::{Layout, each};
use super::store::wrong;

/// How the chunks of a shard lie in it.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    /// The lengths of a chunk, which divide those of the shard.
    pub chunks: Vec<u64>,
    pub codecs: Codecs,
    /// Whether the index stands before the chunks, not behind them.
    pub index_first: bool,
    /// Whether a checksum stands behind the index.
    pub checked: bool,
}

impl Shard {
    /// The numbers of a shard of such lengths, each of so many bytes, in their order and little-endian. Chunks that are not there are full of
    /// the fill value.
    pub fn unfold(&self, file: &[u8], shape: &[u64], width: usize, fill: &[u8]) -> io::Result<Vec<u8>> {
        let damaged = || wrong("the index of a shard is damaged".to_owned());
        let counts: Vec<u64> = shape.iter().zip(&self.chunks).map(|(shard, chunk)| shard / chunk).collect();
        let count = counts.iter().product::<u64>() as usize;
        let length = count.checked_mul(16).ok_or_else(damaged)?;
        let all = length + if self.checked { 4 } else { 0 };
        let start = if self.index_first { 0 } else { file.len().checked_sub(all).ok_or_else(damaged)? };
        let index = file.get(start..start + all).ok_or_else(damaged)?;
        if self.checked && crc32c(&index[..length]).to_le_bytes() != index[length..] {
            return Err(damaged());
        }
        let values = shape.iter().product::<u64>() as usize;
        let mut out = fill.repeat(values);
        let layout = Layout { chunks: &self.chunks, order: &self.codecs.order, width };
        let from = vec![0; shape.len()];
        let mut entries = index[..length].as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let bytes_of_chunk = self.chunks.iter().product::<u64>() * width as u64;
        each(&from, &counts, |at| {
            let (offset, bytes) = entries.next().zip(entries.next()).ok_or_else(damaged)?;
            if (offset, bytes) == (u64::MAX, u64::MAX) {
                return Ok(());
            }
            let end = offset.checked_add(bytes).ok_or_else(damaged)?;
            let packed = file.get(offset as usize..end as usize).ok_or_else(damaged)?;
            let chunk = self.codecs.unpack(Box::new(packed), bytes_of_chunk, width)?;
            layout.place(at, &chunk, &from, shape, &mut out);
            Ok(())
        })?;
        Ok(out)
    }
}

/// Takes the checksum off that stands behind bytes.
pub(super) fn without_checksum(mut packed: Box<dyn Read + '_>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    packed.by_ref().take(most).read_to_end(&mut bytes)?;
    let length = bytes.len().checked_sub(4).ok_or_else(|| wrong("a checksum is cut off".to_owned()))?;
    if crc32c(&bytes[..length]).to_le_bytes() != bytes[length..] {
        return Err(wrong("a checksum does not match its bytes".to_owned()));
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// The checksum CRC-32C (RFC 3720, appendix B.4).
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let (mut rest, mut bit) = (byte as u32, 0);
            while bit < 8 {
                rest = rest >> 1 ^ if rest & 1 == 1 { 0x82f6_3b78 } else { 0 };
                bit += 1;
            }
            table[byte] = rest;
            byte += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |rest, &byte| rest >> 8 ^ TABLE[(rest as u8 ^ byte) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
