//! Numbers in memory from the beginning of a cache line on. Elsewhere every second vector of eight, and every vector of sixteen, would lie
//! across two lines.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE: usize = 64;
/// Numbers in a cache line.
pub(crate) const LINE_NUMBERS: usize = LINE / size_of::<f32>();

/// A row of numbers.
#[derive(Debug, Default)]
pub(crate) struct Aligned {
    /// Up to a line more than is used.
    memory: Vec<f32>,
    start: usize,
    length: usize,
}

impl Aligned {
    pub(crate) fn zeros(length: usize) -> Self {
        if length == 0 {
            return Self::default();
        }
        let memory = vec![0.0; length + LINE_NUMBERS - 1];
        // Where no offset is known, any place will do.
        let start = memory.as_ptr().align_offset(LINE).min(LINE_NUMBERS - 1);
        Self { memory, start, length }
    }

    /// Room for as many numbers, whatever they are; allocates nothing where there was as much before.
    pub(crate) fn resize(&mut self, length: usize) {
        if self.start + length > self.memory.len() {
            *self = Self::zeros(length);
        }
        self.length = length;
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.memory[self.start..self.start + self.length]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

impl From<&[f32]> for Aligned {
    fn from(values: &[f32]) -> Self {
        let mut aligned = Self::zeros(values.len());
        aligned.copy_from_slice(values);
        aligned
    }
}

/// A copy has memory of its own, which begins at a line again.
impl Clone for Aligned {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_at_a_line_also_in_copies() {
        for length in [1, 15, 16, 1000, 1 << 20] {
            let mut numbers = Aligned::zeros(length);
            numbers[length - 1] = 3.0;
            for numbers in [&numbers, &numbers.clone()] {
                assert_eq!((numbers.as_ptr().align_offset(LINE), numbers.len()), (0, length));
                assert_eq!(numbers[length - 1], 3.0);
            }
        }
        assert!(Aligned::zeros(0).is_empty());
    }

    #[test]
    fn room_that_was_there_is_used_again() {
        let mut numbers = Aligned::zeros(100);
        let place = numbers.as_ptr();
        for length in [3, 0, 100] {
            numbers.resize(length);
            assert_eq!((numbers.as_ptr(), numbers.len()), (place, length));
        }
        numbers.resize(1000);
        assert_eq!(numbers.len(), 1000);
    }
}
