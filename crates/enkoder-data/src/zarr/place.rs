//! Where the numbers of a chunk belong.

use std::io;

/// How numbers lie in a chunk.
pub(super) struct Layout<'a> {
    pub chunks: &'a [u64],
    /// The axes in the order in which they lie in a chunk, the outermost first.
    pub order: &'a [usize],
    /// Bytes of a number.
    pub width: usize,
}

impl Layout<'_> {
    /// Copies what the chunk of this index has of a region.
    pub fn place(&self, index: &[u64], chunk: &[u8], from: &[u64], to: &[u64], out: &mut [u8]) {
        let width = self.width;
        let axes = index.len();
        // Where a step along each axis leads, in the chunk and in the region.
        let (mut of_chunk, mut of_region) = (vec![0; axes], vec![0; axes]);
        let mut step = width;
        for place in (0..axes).rev() {
            let axis = self.order.get(place).copied().unwrap_or(place);
            of_chunk[axis] = step;
            step *= self.chunks[axis] as usize;
        }
        let mut step = width;
        for axis in (0..axes).rev() {
            of_region[axis] = step;
            step *= (to[axis] - from[axis]) as usize;
        }
        let origin: Vec<u64> = index.iter().zip(self.chunks).map(|(index, chunk)| index * chunk).collect();
        let low: Vec<u64> = origin.iter().zip(from).map(|(&origin, &from)| origin.max(from)).collect();
        let high: Vec<u64> = (0..axes).map(|axis| (origin[axis] + self.chunks[axis]).min(to[axis])).collect();
        let last = axes - 1;
        let run = (high[last] - low[last]) as usize;
        let mut at = low.clone();
        loop {
            let place = |base: &[u64], steps: &[usize]| -> usize {
                (0..axes).map(|axis| (at[axis] - base[axis]) as usize * steps[axis]).sum()
            };
            let (source, target) = (place(&origin, &of_chunk), place(from, &of_region));
            if of_chunk[last] == width {
                out[target..target + run * width].copy_from_slice(&chunk[source..source + run * width]);
            } else {
                for number in 0..run {
                    let source = source + number * of_chunk[last];
                    out[target + number * width..][..width].copy_from_slice(&chunk[source..source + width]);
                }
            }
            let Some(axis) = (0..last).rev().find(|&axis| at[axis] + 1 < high[axis]) else { return };
            at[axis] += 1;
            (axis + 1..last).for_each(|inner| at[inner] = low[inner]);
        }
    }
}

/// Calls for each index from `from` to `to`, which is behind the last, the last axis first.
pub(super) fn each(from: &[u64], to: &[u64], mut call: impl FnMut(&[u64]) -> io::Result<()>) -> io::Result<()> {
    let mut index = from.to_vec();
    loop {
        call(&index)?;
        let Some(axis) = (0..index.len()).rev().find(|&axis| index[axis] + 1 < to[axis]) else { return Ok(()) };
        index[axis] += 1;
        index[axis + 1..].copy_from_slice(&from[axis + 1..]);
    }
}
