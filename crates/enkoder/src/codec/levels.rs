//! Bytes coded themselves rather than as deviations: images have values of their own (black, white) that a deviation hides.
//! Each byte's level on a grid is coded as adaptive bits in many contexts, made of the network's prediction at and around its
//! place and of the bytes already coded, whose probabilities are mixed.

use super::element::Element;
use super::entropy::{Coder, Corrupt};
use super::mixing::Mixture;
use super::residual::Geometry;

/// Levels at multiples of a step from 0 on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    /// Distance of two levels; 1 loses nothing.
    pub(crate) step: u8,
}

impl Grid {
    /// The level nearest to a byte.
    fn level(self, value: u8) -> u8 {
        ((u16::from(value) + u16::from(self.step) / 2) / u16::from(self.step)) as u8
    }

    /// What a byte decodes to.
    pub(crate) fn rounded(self, value: u8) -> u8 {
        self.byte(self.level(value))
    }

    fn largest(self) -> u8 {
        self.level(u8::MAX)
    }

    /// The byte of a level.
    fn byte(self, level: u8) -> u8 {
        (u16::from(level) * u16::from(self.step)).min(255) as u8
    }
}

const CONTEXTS: usize = 10;
/// Kinds of bits: whether the lowest, whether the highest level, and eight depths of the tree of the others.
const NODES: usize = 10;

/// What a block remembers to code bytes.
pub(crate) struct Levels {
    geometry: Geometry,
    grid: Grid,
    mixture: Mixture<CONTEXTS>,
    /// The sample's predictions as bytes, and its bytes so far.
    predictions: Vec<u8>,
    bytes: Vec<u8>,
}

impl Levels {
    pub(crate) fn new(geometry: Geometry, features: usize, grid: Grid) -> Self {
        let mixture = Mixture::new([NODES * 64, NODES * 64]);
        Self { geometry, grid, mixture, predictions: vec![0; features], bytes: vec![0; features] }
    }

    /// Codes a sample of bytes by its predictions, and leaves what decodes in `values`.
    pub(crate) fn code<T: Element, C: Coder>(
        &mut self,
        coder: &mut C,
        values: &mut [T],
        predictions: &[f64],
    ) -> Result<(), Corrupt> {
        for (to, &prediction) in self.predictions.iter_mut().zip(predictions) {
            *to = prediction.round() as u8;
        }
        for (index, value) in values.iter_mut().enumerate() {
            let (contexts, sets) = self.contexts(index);
            let level = self.level(coder, &contexts, sets, self.grid.level(value.to_bits() as u8))?;
            let byte = self.grid.byte(level);
            self.bytes[index] = byte;
            *value = T::from_bits(u64::from(byte));
        }
        Ok(())
    }

    /// A level as bits: is it the lowest, is it the highest, and which of all.
    fn level(
        &mut self,
        coder: &mut impl Coder,
        contexts: &[u32; CONTEXTS],
        sets: [usize; 2],
        level: u8,
    ) -> Result<u8, Corrupt> {
        let largest = self.grid.largest();
        let mut bit = |node: u32, kind: usize, bit: bool| {
            self.mixture.code(coder, contexts, node, sets.map(|set| kind * 64 + set), bit)
        };
        if bit(1 << 9, 0, level == 0)? {
            return Ok(0);
        }
        if bit(1 << 10, 1, level == largest)? {
            return Ok(largest);
        }
        let depth = u8::BITS - largest.leading_zeros();
        let mut found = 1u32;
        for position in (0..depth).rev() {
            let set = bit(found, 2 + (depth - 1 - position) as usize, level >> position & 1 == 1)?;
            found = found << 1 | u32::from(set);
        }
        Ok(((found - (1 << depth)) as u8).min(largest))
    }

    fn contexts(&self, index: usize) -> ([u32; CONTEXTS], [usize; 2]) {
        let Geometry { pixel, row } = self.geometry;
        let column = index % row;
        let known = |columns: usize, rows: usize| {
            let back = rows * row + columns * pixel;
            if column >= columns * pixel && index >= back { self.bytes[index - back] } else { 0 }
        };
        let (w, ww, n, nn, nw) = (known(1, 0), known(2, 0), known(0, 1), known(0, 2), known(1, 1));
        let ne = if index >= row && column + pixel < row { self.bytes[index + pixel - row] } else { 0 };
        let predicted = |exists: bool, at: usize| if exists { *self.predictions.get(at).unwrap_or(&0) } else { 0 };
        let p = self.predictions[index];
        let p_w = predicted(column >= pixel, index.wrapping_sub(pixel));
        let p_e = predicted(column + pixel < row, index + pixel);
        let p_n = predicted(index >= row, index.wrapping_sub(row));
        let p_s = predicted(true, index + row);
        let error = |byte: u8, prediction: u8| i32::from(byte) - i32::from(prediction);
        let (e_w, e_n) = (error(w, p_w), error(n, p_n));
        let corrected = (i32::from(p) + (e_w + e_n) / 2).clamp(0, 255) as u32;
        let plane = (i32::from(w) + i32::from(n) - i32::from(nw)).clamp(0, 255) as u32;
        let around = (2 * u32::from(p) + u32::from(p_w) + u32::from(p_e) + u32::from(p_n) + u32::from(p_s)) / 6;
        let edges = u32::from(w > 0) | u32::from(n > 0) << 1 | u32::from(ne > 0) << 2 | u32::from(nw > 0) << 3;
        let channel = (column % pixel) as u32;
        let join =
            |parts: &[u32]| parts.iter().fold(channel, |sum, &part| sum.wrapping_mul(257).wrapping_add(part + 1));
        let contexts = [
            join(&[u32::from(p), edges]),
            join(&[u32::from(w) >> 3, u32::from(n) >> 3]),
            join(&[u32::from(p) >> 4, bin(w), bin(n), bin(ne)]),
            join(&[index as u32 & 0xfffff, edges & 3]),
            join(&[bin(w), bin(nw), bin(n), bin(ne), u32::from(p) >> 6]),
            join(&[plane >> 2, bin(p)]),
            join(&[bin(p), bin(p_e), bin(p_s), error_bin(e_w), error_bin(e_n)]),
            join(&[bin(ww), bin(w), bin(nn), bin(n), bin(ne)]),
            join(&[corrected, edges & 7]),
            join(&[around >> 1, bin(w), bin(n)]),
        ];
        (contexts, [(edges * 4 + (u32::from(p) >> 6)) as usize, (bin(p) * 8 + bin(around as u8)) as usize])
    }
}

/// Bytes by eighths, finer at both ends, where images have most of theirs.
fn bin(value: u8) -> u32 {
    match value {
        0 => 0,
        1..=15 => 1,
        16..=63 => 2,
        64..=127 => 3,
        128..=191 => 4,
        192..=239 => 5,
        240..=252 => 6,
        253.. => 7,
    }
}

/// Errors of a prediction: sign, and small, middling or large.
fn error_bin(error: i32) -> u32 {
    match error {
        ..=-65 => 0,
        -64..=-17 => 1,
        -16..=-4 => 2,
        -3..=3 => 3,
        4..=16 => 4,
        17..=64 => 5,
        65.. => 6,
    }
}
