//! What tells one data set from another.

use sha2::{Digest, Sha256};

use super::Dataset;
use super::values::Values;

impl Dataset {
    /// SHA-256 over shape and values of all samples in their order, in hexadecimal. Name, columns and labels do not count.
    ///
    /// [Patches](Self::from_patches) are not read for it. They are known by what they are cut from: all pixels of all images, their
    /// size, the seed, and the number of each. Equal fingerprints so mean equal samples, but equal samples have another fingerprint
    /// when they are stored, or cut from other images.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(if self.is_u8() { b"u8 " } else { b"f32" });
        hash.update((self.shape.len() as u64).to_le_bytes());
        for &n in self.shape.iter().chain([&self.len()]) {
            hash.update((n as u64).to_le_bytes());
        }
        if let Values::Patches(patches) = &self.values {
            patches.identify(&mut hash);
        }
        let mut bytes = Vec::new();
        for index in 0..self.len() {
            match &self.values {
                Values::U8(values) => hash.update(self.stored(values, index)),
                Values::Patches(_) => hash.update(self.rows[index].to_le_bytes()),
                Values::F32(values) => {
                    bytes.clear();
                    bytes.extend(self.stored(values, index).iter().flat_map(|value| value.to_le_bytes()));
                    hash.update(&bytes);
                }
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
