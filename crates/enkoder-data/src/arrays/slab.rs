//! What is read at once of an array in chunks.

use std::io;

/// Bytes of an array that lie behind one another: the number of the first, and all of them.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    pub first: u64,
    pub bytes: Vec<u8>,
}

impl Slab {
    /// Fills `bytes` with those of the array from number `first` on. `load` gives the slab with a byte in it, for those that are not in
    /// the last one.
    pub fn read(&mut self, first: u64, bytes: &mut [u8], load: impl Fn(u64) -> io::Result<Self>) -> io::Result<()> {
        let (mut first, mut bytes) = (first, bytes);
        while !bytes.is_empty() {
            if !self.holds(first) {
                *self = load(first)?;
                if !self.holds(first) {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            let start = (first - self.first) as usize;
            let here = (self.bytes.len() - start).min(bytes.len());
            let (now, rest) = bytes.split_at_mut(here);
            now.copy_from_slice(&self.bytes[start..start + here]);
            bytes = rest;
            first += here as u64;
        }
        Ok(())
    }

    fn holds(&self, byte: u64) -> bool {
        byte.checked_sub(self.first).is_some_and(|within| within < self.bytes.len() as u64)
    }
}
