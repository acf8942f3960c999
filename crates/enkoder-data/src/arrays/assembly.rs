//! The way back: samples, as a compressed file gives them one after the other, become the arrays that they were cut from.

use std::io;
use std::ops::Range;

use enkoder::codec::{ElementType, Layout};

use super::grid::Grid;
use crate::error::{DataError, Place};

/// Arrays that are put together from samples, a band at a time.
#[derive(Debug)]
pub struct Assembly {
    /// Shape of the array of each variable, as far as it is asked for.
    shape: Vec<u64>,
    variables: usize,
    /// Bytes of a sample's part of one variable.
    part: usize,
    samples: Range<u64>,
    blocks: Option<Blocks>,
}

#[derive(Debug)]
struct Blocks {
    grid: Grid,
    /// The number of the next sample.
    next: u64,
    /// For each variable the band that samples are put into.
    bands: Vec<Vec<u8>>,
    /// Bytes of each variable that come before those asked for, and how many are still wanted.
    skip: usize,
    left: u64,
}

impl Assembly {
    /// Puts together `samples` samples of this shape and layout: all of them, or what lies within `rows` of the arrays' leading
    /// axis.
    ///
    /// # Errors
    /// When layout, shape and number of samples contradict each other, and when there are no such rows.
    pub fn new(
        layout: &Layout,
        element: ElementType,
        sample: &[usize],
        samples: u64,
        rows: Option<Range<u64>>,
    ) -> Result<Self, DataError> {
        let wrong = |why: String| DataError::unsuitable(Place::source("the layout of the arrays"), why);
        let contradiction = || {
            wrong(format!(
                "{samples} samples of {sample:?} do not make arrays of {:?} in blocks of {:?} and {} variables",
                layout.array,
                layout.block,
                layout.variables.len()
            ))
        };
        let variables = layout.variables.len().max(1);
        let values = sample.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis)).unwrap_or(0);
        if values == 0 || !values.is_multiple_of(variables) {
            return Err(contradiction());
        }
        let part = (values / variables).checked_mul(element.bytes()).ok_or_else(contradiction)?;
        let inner = if layout.variables.len() > 1 { sample.get(1..).unwrap_or_default() } else { sample };
        let mut shape: Vec<u64> = if layout.array.is_empty() {
            std::iter::once(samples).chain(inner.iter().map(|&axis| axis as u64)).collect()
        } else {
            layout.array.clone()
        };
        let leading = shape.first().copied().unwrap_or(0);
        let rows = rows.unwrap_or(0..leading);
        if rows.start >= rows.end || rows.end > leading {
            return Err(wrong(format!("steps {} to {} were asked for, but there are {leading}", rows.start, rows.end)));
        }
        shape[0] = rows.end - rows.start;
        if layout.block.is_empty() {
            let inner = layout.array.iter().skip(1).try_fold(1u64, |product, &axis| product.checked_mul(axis));
            let fits = layout.array.is_empty()
                || inner.and_then(|n| n.checked_mul(element.bytes() as u64)) == Some(part as u64);
            if !fits || leading != samples {
                return Err(contradiction());
            }
            return Ok(Self { shape, variables, part, samples: rows, blocks: None });
        }
        let grid = Grid::new(&layout.array, &layout.block, element.bytes()).map_err(wrong)?;
        if grid.blocks() != samples || grid.block_bytes() != part {
            return Err(contradiction());
        }
        let (bands, skip) = if layout.array.len() > layout.block.len() {
            let bands = grid.bands() / leading;
            (rows.start * bands..rows.end * bands, 0)
        } else {
            let rows_each = layout.block[0] as u64;
            let first = rows.start / rows_each;
            (first..rows.end.div_ceil(rows_each), (rows.start % rows_each) as usize * grid.row_bytes())
        };
        let left = shape[1..].iter().fold(shape[0], |product, &axis| product * axis) * element.bytes() as u64;
        let samples = bands.start * grid.band_blocks()..bands.end * grid.band_blocks();
        let blocks = Blocks { next: samples.start, bands: vec![Vec::new(); variables], skip, left, grid };
        Ok(Self { shape, variables, part, samples, blocks: Some(blocks) })
    }

    /// The shape of the array of each variable.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The samples that are needed, in order.
    pub fn samples(&self) -> Range<u64> {
        self.samples.clone()
    }

    /// Takes whole samples and hands on, with the number of its variable, what is complete of each array, in order.
    ///
    /// # Errors
    /// What `emit` fails with.
    ///
    /// # Panics
    /// When the bytes are not whole samples.
    pub fn take(&mut self, bytes: &[u8], emit: &mut dyn FnMut(usize, &[u8]) -> io::Result<()>) -> io::Result<()> {
        assert!(bytes.len().is_multiple_of(self.part * self.variables), "whole samples");
        let Some(blocks) = &mut self.blocks else {
            if self.variables == 1 {
                return emit(0, bytes);
            }
            let mut parts = bytes.chunks_exact(self.part).zip((0..self.variables).cycle());
            return parts.try_for_each(|(part, variable)| emit(variable, part));
        };
        bytes.chunks_exact(self.part * self.variables).try_for_each(|sample| blocks.take(sample, self.part, emit))
    }
}

impl Blocks {
    fn take(
        &mut self,
        sample: &[u8],
        part: usize,
        emit: &mut dyn FnMut(usize, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let (band, block) = (self.next / self.grid.band_blocks(), self.next % self.grid.band_blocks());
        let rows = self.grid.band_rows(band);
        let length = rows * self.grid.row_bytes();
        for (bytes, values) in self.bands.iter_mut().zip(sample.chunks_exact(part)) {
            bytes.resize(length, 0);
            self.grid.place(values, rows, block, bytes);
        }
        self.next += 1;
        if block + 1 == self.grid.band_blocks() {
            let start = std::mem::take(&mut self.skip).min(length);
            let wanted = (length - start).min(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= wanted as u64;
            for (variable, band) in self.bands.iter().enumerate() {
                emit(variable, &band[start..start + wanted])?;
            }
        }
        Ok(())
    }
}
