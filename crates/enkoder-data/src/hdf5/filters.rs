//! Filters that files of HDF5 are packed with and the crate that parses them does not unpack
//! (<https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md>).

use std::io::{self, Read};

use hdf5_reader::error::Error;
use hdf5_reader::filters::FilterRegistry;
use hdf5_reader::messages::filter_pipeline::FilterDescription;

use super::MOST_SLAB;
use crate::blosc::{self, unsort_bits};

const BZIP2: u16 = 307;
const LZF: u16 = 32000;
const BLOSC: u16 = 32001;
const LZ4: u16 = 32004;
const BITSHUFFLE: u16 = 32008;
const ZSTANDARD: u16 = 32015;

/// All filters that are unpacked.
pub(super) fn registry() -> FilterRegistry {
    let mut registry = FilterRegistry::new();
    registry.register(BZIP2, filter(|_, packed, _| all_of(bzip2::read::MultiBzDecoder::new(packed))));
    registry.register(LZF, filter(|_, packed, _| unpack_lzf(packed)));
    registry.register(BLOSC, filter(|_, packed, _| blosc::unpack(packed, MOST_SLAB)));
    registry
        .register(BITSHUFFLE, filter(|filter, packed, width| unpack_bitshuffle(&filter.client_data, packed, width)));
    registry.register(ZSTANDARD, filter(|_, packed, _| all_of(zstd::stream::read::Decoder::new(packed)?)));
    registry
}

/// Whether a filter is unpacked, here or by the crate.
pub(super) fn is_known(id: u16) -> bool {
    matches!(id, 1..=6 | BZIP2 | LZF | BLOSC | LZ4 | BITSHUFFLE | ZSTANDARD)
}

/// The name of a filter.
pub(super) fn name(id: u16) -> String {
    let name = match id {
        1 => "deflate",
        2 => "shuffle",
        3 => "fletcher32",
        4 => "szip",
        5 => "nbit",
        6 => "scaleoffset",
        305 => "LZO",
        BZIP2 => "bzip2",
        LZF => "LZF",
        BLOSC => "Blosc",
        LZ4 => "LZ4",
        BITSHUFFLE => "Bitshuffle",
        32013 => "ZFP",
        ZSTANDARD => "Zstandard",
        32017 => "SZ",
        32018 => "FCIDECOMP",
        32022 => "BitGroom",
        32023 => "Granular BitRound",
        32024 => "SZ3",
        32026 => "Blosc2",
        _ => return format!("filter {id}"),
    };
    name.to_owned()
}

type Unpack = fn(&FilterDescription, &[u8], usize) -> io::Result<Vec<u8>>;

fn filter(unpack: Unpack) -> hdf5_reader::filters::FilterFn {
    Box::new(move |filter, packed, width| unpack(filter, packed, width).map_err(Error::Io))
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a packed chunk is damaged")
}

fn all_of(unpacked: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    unpacked.take(MOST_SLAB + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_SLAB { Err(damaged()) } else { Ok(bytes) }
}

/// LZF (<http://oldhome.schmorp.de/marc/liblzf.html>): literals, and matches of three bytes and more.
fn unpack_lzf(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = packed.iter();
    while let Some(&control) = bytes.next() {
        let control = usize::from(control);
        if control < 32 {
            let literals = bytes.as_slice().get(..control + 1).ok_or_else(damaged)?;
            out.extend_from_slice(literals);
            bytes = bytes.as_slice()[control + 1..].iter();
        } else {
            let mut next = || bytes.next().map(|&byte| usize::from(byte)).ok_or_else(damaged);
            let count = 2 + if control >> 5 == 7 { 7 + next()? } else { control >> 5 };
            let distance = ((control & 31) << 8) + next()? + 1;
            let from = out.len().checked_sub(distance).ok_or_else(damaged)?;
            (from..from + count).for_each(|at| out.push(out[at]));
        }
        if out.len() as u64 > MOST_SLAB {
            return Err(damaged());
        }
    }
    Ok(out)
}

/// Bitshuffle (<https://github.com/kiyo-masui/bitshuffle>): bits sorted by their place in a value, block by block, each packed by LZ4 or zstd
/// or not at all. What does not fill eight values stands behind as it is.
fn unpack_bitshuffle(settings: &[u32], packed: &[u8], width: usize) -> io::Result<Vec<u8>> {
    const LARGEST_BLOCK: usize = 8192;
    let packing = settings.get(4).copied().unwrap_or(0);
    let width = settings.get(2).map_or(width, |&width| width as usize).max(1);
    let (length, block, mut rest) = if packing == 0 {
        let values = settings.get(3).map_or(0, |&values| values as usize);
        let usual = (LARGEST_BLOCK / width / 8 * 8).max(128);
        (packed.len(), if values == 0 { usual } else { values }.saturating_mul(width), packed)
    } else {
        let (length, behind) = packed.split_first_chunk().ok_or_else(damaged)?;
        let (block, behind) = behind.split_first_chunk().ok_or_else(damaged)?;
        (u64::from_be_bytes(*length) as usize, u32::from_be_bytes(*block) as usize, behind)
    };
    if length as u64 > MOST_SLAB || block == 0 {
        return Err(damaged());
    }
    let whole = length / (8 * width) * (8 * width);
    let mut out = Vec::new();
    while out.len() < whole {
        let here = block.min(whole - out.len());
        let sorted = if packing == 0 {
            let (block, behind) = rest.split_at_checked(here).ok_or_else(damaged)?;
            rest = behind;
            block.to_vec()
        } else {
            let (size, behind) = rest.split_first_chunk().ok_or_else(damaged)?;
            let (block, behind) = behind.split_at_checked(u32::from_be_bytes(*size) as usize).ok_or_else(damaged)?;
            rest = behind;
            match packing {
                2 => lz4_flex::block::decompress(block, here).map_err(|_| damaged())?,
                3 => all_of(zstd::stream::read::Decoder::new(block)?)?,
                _ => return Err(damaged()),
            }
        };
        if sorted.len() != here {
            return Err(damaged());
        }
        unsort_bits(&sorted, width, &mut out);
    }
    out.extend_from_slice(rest.get(..length - whole).ok_or_else(damaged)?);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lzf_repeats_what_came_before() {
        // "ab", then 2 + 3 bytes from two before, then a match of 9 + 1 from one before.
        assert_eq!(
            unpack_lzf(&[1, b'a', b'b', 3 << 5, 1, 7 << 5, 1, 0]).unwrap(),
            b"ababababaaaaaaaaaa"[..7].iter().chain(&[b'a'; 10]).copied().collect::<Vec<_>>()
        );
        assert!(unpack_lzf(&[1 << 5, 9]).is_err() && unpack_lzf(&[5, 0]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(packed in prop::collection::vec(any::<u8>(), 0..200), packing in 0..4u32) {
            let _ = unpack_lzf(&packed);
            let _ = unpack_bitshuffle(&[0, 4, 4, 0, packing], &packed, 4);
            let _ = blosc::unpack(&packed, 1 << 16);
        }
    }
}
