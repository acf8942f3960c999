//! What tells one data set from another.

use sha2::{Digest, Sha256};

use super::Dataset;
use super::values::Values;

/// A fingerprint in the making: the samples are told one after the other.
pub(crate) struct Fingerprint {
    hash: Sha256,
    bytes: Vec<u8>,
}

impl Fingerprint {
    /// That of so many samples of this shape, of u8 or f32.
    pub(crate) fn new(is_u8: bool, shape: &[usize], samples: usize) -> Self {
        let mut hash = Sha256::new();
        hash.update(if is_u8 { b"u8 " } else { b"f32" });
        hash.update((shape.len() as u64).to_le_bytes());
        for &n in shape.iter().chain([&samples]) {
            hash.update((n as u64).to_le_bytes());
        }
        Self { hash, bytes: Vec::new() }
    }

    pub(crate) fn add_bytes(&mut self, values: &[u8]) {
        self.hash.update(values);
    }

    pub(crate) fn add_numbers(&mut self, values: &[f32]) {
        self.bytes.clear();
        self.bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self.hash.update(&self.bytes);
    }

    /// In hexadecimal.
    pub(crate) fn finish(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Dataset {
    /// SHA-256 over shape and values of all samples in their order, in hexadecimal. Name, columns and labels do not count.
    ///
    /// [Patches](Self::from_patches) are not read for it. They are known by what they are cut from: all pixels of all images, their
    /// size, the seed, and the number of each. Equal fingerprints so mean equal samples, but equal samples have another fingerprint
    /// when they are stored, or cut from other images.
    pub fn fingerprint(&self) -> String {
        let mut fingerprint = Fingerprint::new(self.is_u8(), &self.shape, self.len());
        if let Values::Patches(patches) = &self.values {
            patches.identify(&mut fingerprint.hash);
        }
        for index in 0..self.len() {
            match &self.values {
                Values::U8(values) => fingerprint.add_bytes(self.stored(values, index)),
                Values::Patches(_) => fingerprint.add_bytes(&self.rows[index].to_le_bytes()),
                Values::F32(values) => fingerprint.add_numbers(self.stored(values, index)),
            }
        }
        fingerprint.finish()
    }
}
