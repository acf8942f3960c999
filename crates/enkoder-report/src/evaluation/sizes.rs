//! The honest size of things: what a sample takes as it is stored, what its code takes, and what the model itself takes.

use enkoder::{Autoencoder, Dataset, ModelFileError};

/// Sizes in bytes of one sample and its code, and of what is needed to decode it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sizes {
    /// One sample as the data stores it: a byte a value for images, four for numbers.
    pub original: usize,
    /// One sample as 32-bit numbers.
    pub original_f32: usize,
    /// One code as 32-bit numbers.
    pub code_f32: usize,
    /// One code with each number rounded to a byte.
    pub code_u8: usize,
    /// The two 32-bit ends of each number's range, needed once to decode the bytes.
    pub code_ranges: usize,
    /// The model file.
    pub model: usize,
    /// Whether the ranges are those of the training samples' codes, and not the evaluated samples' own.
    pub ranges_of_training: bool,
}

impl Sizes {
    pub(super) fn of(
        autoencoder: &Autoencoder,
        data: &Dataset,
        ranges_of_training: bool,
    ) -> Result<Self, ModelFileError> {
        let (features, latent) = (data.features(), autoencoder.architecture().latent());
        Ok(Self {
            original: features * data.bytes_per_value(),
            original_f32: features * 4,
            code_f32: latent * 4,
            code_u8: latent,
            code_ranges: latent * 8,
            model: autoencoder.to_bytes()?.len(),
            ranges_of_training,
        })
    }

    /// From how many samples on codes and model together are smaller than the originals, for codes of `code` bytes; `None`
    /// where they never are.
    pub fn pays_from(&self, code: usize) -> Option<usize> {
        let saved = self.original.checked_sub(code).filter(|saved| *saved > 0)?;
        let once = self.model + if code == self.code_u8 { self.code_ranges } else { 0 };
        Some(once / saved + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_pays_once_the_bytes_saved_exceed_its_own() {
        let sizes = Sizes {
            original: 784,
            original_f32: 3136,
            code_f32: 40,
            code_u8: 10,
            code_ranges: 80,
            model: 7440,
            ranges_of_training: true,
        };
        assert_eq!(sizes.pays_from(40), Some(11));
        let saves = |samples: usize| samples * sizes.original > sizes.model + samples * sizes.code_f32;
        assert!(saves(11) && !saves(10));
        assert_eq!(sizes.pays_from(784), None);
        assert_eq!(sizes.pays_from(800), None);
    }
}
