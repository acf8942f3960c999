//! Blosc (<https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst>), in which Zarr packs chunks by default, and HDF5 where asked: blocks, each of one stream
//! or as many as a value has bytes, packed by LZ4, zstd, zlib or BloscLZ, of bytes or bits that were sorted by their places in a value.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

const HEADER: usize = 16;
/// Flags of the header.
const SORTED_BYTES: u8 = 1;
const NOT_PACKED: u8 = 2;
const SORTED_BITS: u8 = 4;
const ONE_STREAM: u8 = 0x10;
/// Blocks of larger values, or of fewer, are not split.
const MOST_STREAMS: usize = 16;
const LEAST_VALUES: usize = 128;
/// Beyond this distance BloscLZ writes two bytes more.
const NEAR: usize = 8191;

fn wrong(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn damaged() -> io::Error {
    wrong("the chunk is no sound Blosc".to_owned())
}

fn number(bytes: &[u8], at: usize) -> io::Result<usize> {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or_else(damaged)?;
    usize::try_from(i32::from_le_bytes(*bytes)).map_err(|_| damaged())
}

/// The bytes that were packed, of which there may be so many.
pub(crate) fn unpack(packed: &[u8], most: u64) -> io::Result<Vec<u8>> {
    let (flags, width) = match packed {
        [_, _, flags, width, ..] => (*flags, usize::from(*width).max(1)),
        _ => return Err(damaged()),
    };
    let (length, block, end) = (number(packed, 4)?, number(packed, 8)?, number(packed, 12)?);
    if length as u64 > most || end > packed.len() {
        return Err(damaged());
    }
    if flags & NOT_PACKED != 0 {
        return packed.get(HEADER..HEADER + length).map(<[u8]>::to_vec).ok_or_else(damaged);
    }
    if length > 0 && (block == 0 || block > length) {
        return Err(damaged());
    }
    let mut out = Vec::new();
    let mut streams = Vec::new();
    for (index, first) in (0..length).step_by(block.max(1)).enumerate() {
        let here = block.min(length - first);
        let splits = flags & ONE_STREAM == 0 && width <= MOST_STREAMS && block / width >= LEAST_VALUES && here == block;
        let count = if splits { width } else { 1 };
        let mut at = number(packed, HEADER + 4 * index)?;
        streams.clear();
        for _ in 0..count {
            let size = number(packed, at)?;
            let stream = at.checked_add(4 + size).and_then(|end| packed.get(at + 4..end)).ok_or_else(damaged)?;
            let whole = here / count;
            if size == whole {
                streams.extend_from_slice(stream);
            } else {
                unpack_stream(flags >> 5, stream, whole, &mut streams)?;
            }
            at += 4 + size;
        }
        if streams.len() != here {
            return Err(damaged());
        }
        if flags & SORTED_BYTES != 0 && width > 1 {
            unsort_bytes(&streams, width, &mut out);
        } else if flags & SORTED_BITS != 0 && here >= width {
            unsort_bits(&streams, width, &mut out);
        } else {
            out.extend_from_slice(&streams);
        }
    }
    Ok(out)
}

/// Appends the `length` bytes of a stream.
fn unpack_stream(kind: u8, stream: &[u8], length: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    let most = length as u64 + 1;
    match kind {
        0 => return unpack_blosclz(stream, length, out),
        1 => {
            out.resize(start + length, 0);
            let read = lz4_flex::block::decompress_into(stream, &mut out[start..]).map_err(|_| damaged())?;
            out.truncate(start + read);
        }
        2 => return Err(wrong("the chunk is packed with Blosc's snappy, which is not read".to_owned())),
        3 => drop(ZlibDecoder::new(stream).take(most).read_to_end(out)?),
        4 => drop(zstd::stream::read::Decoder::with_buffer(stream)?.take(most).read_to_end(out)?),
        _ => return Err(damaged()),
    }
    if out.len() - start == length { Ok(()) } else { Err(damaged()) }
}

/// BloscLZ, which descends from FastLZ: literals, and matches of three bytes and more.
fn unpack_blosclz(stream: &[u8], length: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    let mut bytes = stream.iter();
    let mut control = usize::from(bytes.next().ok_or_else(damaged)? & 31);
    loop {
        if control < 32 {
            let literals = bytes.as_slice().get(..control + 1).ok_or_else(damaged)?;
            out.extend_from_slice(literals);
            bytes = bytes.as_slice()[control + 1..].iter();
        } else {
            let mut next = || bytes.next().map(|&byte| usize::from(byte)).ok_or_else(damaged);
            let mut count = (control >> 5) + 2;
            if control >> 5 == 7 {
                loop {
                    let more = next()?;
                    count += more;
                    if more != 255 {
                        break;
                    }
                }
            }
            let (high, low) = ((control & 31) << 8, next()?);
            let far = low == 255 && high == 31 << 8;
            let distance = if far { (next()? << 8) + next()? + NEAR + 1 } else { high + low + 1 };
            if distance > out.len() - start || count > length - (out.len() - start).min(length) {
                return Err(damaged());
            }
            for _ in 0..count {
                let byte = out[out.len() - distance];
                out.push(byte);
            }
        }
        match bytes.next() {
            Some(&byte) => control = byte.into(),
            None if out.len() - start == length => return Ok(()),
            None => return Err(damaged()),
        }
        if out.len() - start > length {
            return Err(damaged());
        }
    }
}

/// Puts bytes that lie sorted by their place in a value, the first of all values first, where they were.
fn unsort_bytes(sorted: &[u8], width: usize, out: &mut Vec<u8>) {
    let (count, start) = (sorted.len() / width, out.len());
    out.extend_from_slice(sorted);
    let values = &mut out[start..start + count * width];
    for (place, column) in sorted.chunks_exact(count.max(1)).take(width).enumerate() {
        for (value, &byte) in values.chunks_exact_mut(width).zip(column) {
            value[place] = byte;
        }
    }
}

/// The same for bits, of as many values as eight divide; of another number they were left as they are.
pub(crate) fn unsort_bits(sorted: &[u8], width: usize, out: &mut Vec<u8>) {
    let (count, start) = (sorted.len() / width, out.len());
    out.extend_from_slice(sorted);
    if count % 8 != 0 {
        return;
    }
    let row = count / 8;
    let values = &mut out[start..start + count * width];
    for place in 0..width {
        for group in 0..row {
            let bits: [u8; 8] = std::array::from_fn(|bit| sorted[(place * 8 + bit) * row + group]);
            let bytes = transposed(u64::from_le_bytes(bits)).to_le_bytes();
            for (value, byte) in bytes.into_iter().enumerate() {
                values[(group * 8 + value) * width + place] = byte;
            }
        }
    }
}

/// Eight bytes as rows of a matrix of bits, turned (Hacker's Delight, 7-3).
fn transposed(rows: u64) -> u64 {
    [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)].iter().fold(
        rows,
        |rows, &(shift, mask)| {
            let swapped = (rows ^ rows >> shift) & mask;
            rows ^ swapped ^ swapped << shift
        },
    )
}
