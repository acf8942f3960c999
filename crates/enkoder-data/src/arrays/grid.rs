//! Blocks along the last axes of an array. A row of blocks with all that lies beside them is a band, one run of bytes of the array:
//! bands are read, cut and put together again one by one. Blocks that reach beyond the array repeat its last values; when the
//! array is put together again, what was repeated is dropped.

/// The most bytes of one band: it is held in memory.
const MOST_BAND: u64 = 1 << 32;

/// An array cut into blocks.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// The axes that are cut.
    axes: Vec<usize>,
    block: Vec<usize>,
    /// Blocks along each of these axes.
    counts: Vec<usize>,
    /// Steps of all axes before them.
    outer: u64,
    /// Bytes of a number.
    width: usize,
}

/// Numbers of a block that lie side by side in the band.
struct Run {
    /// Their first byte in the band.
    place: usize,
    /// Their bytes.
    length: usize,
    /// How often the last of them is repeated behind them.
    repeated: usize,
    /// Whether they are those at the edge once more.
    is_repeated: bool,
}

impl Grid {
    /// Cuts an array of this shape, whose numbers have `width` bytes, or says why that is impossible.
    pub fn new(shape: &[u64], block: &[usize], width: usize) -> Result<Self, String> {
        let words = |axes: &[String]| axes.join("x");
        let block_words = words(&block.iter().map(usize::to_string).collect::<Vec<_>>());
        let shape_words = words(&shape.iter().map(u64::to_string).collect::<Vec<_>>());
        if block.is_empty() || block.len() > shape.len() {
            return Err(format!(
                "a block of {} axes ({block_words}) cannot be cut from an array of {shape_words}",
                block.len()
            ));
        }
        let (outer, inner) = shape.split_at(shape.len() - block.len());
        let fits = block.iter().zip(inner).all(|(&block, &axis)| block >= 1 && (block as u64) <= axis);
        if !fits {
            return Err(format!(
                "blocks of {block_words} cannot be cut from an array of {shape_words}: each side is from 1 to that of the array"
            ));
        }
        let too_large = || format!("the array of {shape_words} has more bytes than can be counted");
        let outer = outer.iter().try_fold(1u64, |product, &axis| product.checked_mul(axis)).ok_or_else(too_large)?;
        let axes: Vec<usize> =
            inner.iter().map(|&axis| usize::try_from(axis)).collect::<Result<_, _>>().map_err(|_| too_large())?;
        let counts: Vec<usize> = axes.iter().zip(block).map(|(&axis, &block)| axis.div_ceil(block)).collect();
        // With padding, so that every number below stays countable.
        let padded = counts.iter().zip(block).try_fold(outer.max(1), |product, (&count, &block)| {
            product.checked_mul(count as u64)?.checked_mul(block as u64)
        });
        padded
            .and_then(|values| values.checked_mul(width as u64))
            .filter(|&bytes| i64::try_from(bytes).is_ok())
            .ok_or_else(too_large)?;
        let grid = Self { axes, block: block.to_vec(), counts, outer, width };
        let band = grid.row_bytes() as u64 * block[0] as u64;
        if band > MOST_BAND {
            return Err(format!(
                "a row of blocks of {block_words} takes {band} bytes, over the limit of {MOST_BAND}: they are held at once"
            ));
        }
        Ok(grid)
    }

    /// All blocks.
    pub fn blocks(&self) -> u64 {
        self.bands() * self.band_blocks()
    }

    pub fn bands(&self) -> u64 {
        self.outer * self.counts[0] as u64
    }

    /// Blocks of a band.
    pub fn band_blocks(&self) -> u64 {
        self.counts[1..].iter().map(|&count| count as u64).product()
    }

    /// Bytes of a block.
    pub fn block_bytes(&self) -> usize {
        self.block.iter().product::<usize>() * self.width
    }

    /// Bytes of one step of the outermost axis that is cut.
    pub fn row_bytes(&self) -> usize {
        self.axes[1..].iter().product::<usize>() * self.width
    }

    /// Rows of a band: as many as a block has, or those left at the edge.
    pub fn band_rows(&self, band: u64) -> usize {
        let first = (band % self.counts[0] as u64) as usize * self.block[0];
        self.block[0].min(self.axes[0] - first)
    }

    /// The first byte of a band in the array.
    pub fn band_start(&self, band: u64) -> u64 {
        let (outer, band) = (band / self.counts[0] as u64, band % self.counts[0] as u64);
        (outer * self.axes[0] as u64 + band * self.block[0] as u64) * self.row_bytes() as u64
    }

    /// Appends a block of a band.
    pub fn cut(&self, band: &[u8], rows: usize, block: u64, out: &mut Vec<u8>) {
        self.each_run(rows, block, |run| {
            let end = run.place + run.length;
            out.extend_from_slice(&band[run.place..end]);
            for _ in 0..run.repeated {
                out.extend_from_slice(&band[end - self.width..end]);
            }
        });
    }

    /// Puts a block into a band, without what was repeated.
    pub fn place(&self, bytes: &[u8], rows: usize, block: u64, band: &mut [u8]) {
        let mut position = 0;
        self.each_run(rows, block, |run| {
            if !run.is_repeated {
                band[run.place..run.place + run.length].copy_from_slice(&bytes[position..position + run.length]);
            }
            position += run.length + run.repeated * self.width;
        });
    }

    /// The runs of a block along the last axis, in order.
    fn each_run(&self, rows: usize, block: u64, mut take: impl FnMut(Run)) {
        let last = self.axes.len() - 1;
        // Where the block begins in the band, and how far the band reaches.
        let mut starts = vec![0; self.axes.len()];
        let mut left = block as usize;
        for axis in (1..self.axes.len()).rev() {
            starts[axis] = left % self.counts[axis] * self.block[axis];
            left /= self.counts[axis];
        }
        let extent = |axis: usize| if axis == 0 { rows } else { self.axes[axis] };
        let run = self.block[last].min(extent(last) - starts[last]);
        let repeated = self.block[last] - run;
        let mut at = vec![0; last];
        loop {
            let place = (0..last).fold(0, |place, axis| {
                let here = (starts[axis] + at[axis]).min(extent(axis) - 1);
                (place + here) * self.axes[axis + 1]
            });
            let is_repeated = (0..last).any(|axis| starts[axis] + at[axis] >= extent(axis));
            let (place, length) = ((place + starts[last]) * self.width, run * self.width);
            take(Run { place, length, repeated, is_repeated });
            let Some(axis) = (0..last).rev().find(|&axis| at[axis] + 1 < self.block[axis]) else { return };
            at[axis] += 1;
            at[axis + 1..].fill(0);
        }
    }
}
