//! The network's encoder on values of any type. What it cannot use (NaN, infinities, fill values far outside of what the model
//! was trained on) counts as missing, so that such values do not spoil the code of their sample.

use rayon::prelude::*;

use super::element::ElementType;
use crate::autoencoder::Autoencoder;
use crate::rows::Rows;
use crate::scaling::Scaling;

/// Scaled values beyond this are no data; the training data lies within a few.
const FAR: f32 = 64.0;
/// Samples that one thread encodes at a time.
const BLOCK: usize = 32;

pub(crate) struct CodeEncoder<'a> {
    model: &'a Autoencoder,
}

impl<'a> CodeEncoder<'a> {
    pub(crate) fn new(model: &'a Autoencoder) -> Self {
        Self { model }
    }

    /// Codes of samples, which are little-endian numbers of a type: `samples × latent`.
    pub(crate) fn encode(&self, element: ElementType, bytes: &[u8]) -> Vec<f32> {
        let (features, latent) = (self.model.architecture().features(), self.model.architecture().latent());
        let sample = features * element.bytes();
        let mut codes = vec![0.0; bytes.len() / sample * latent];
        let scaler = self.model.scaler();
        let far = if scaler.kind() == Scaling::None { f32::MAX } else { FAR };
        codes.par_chunks_mut(BLOCK * latent).zip(bytes.par_chunks(BLOCK * sample)).for_each_init(
            || (self.model.session(), Vec::new(), Vec::new()),
            |(session, numbers, scaled): &mut (_, Vec<f32>, Vec<f32>), (codes, bytes)| {
                numbers.clear();
                element.extend_f32(bytes, numbers);
                scaled.clone_from(numbers);
                for (numbers, scaled) in numbers.chunks_exact_mut(features).zip(scaled.chunks_exact_mut(features)) {
                    scaler.transform_row(scaled);
                    for (number, &scaled) in numbers.iter_mut().zip(&*scaled) {
                        if scaled.is_nan() || scaled.abs() > far {
                            *number = f32::NAN;
                        }
                    }
                }
                let samples = Rows::from_slice(numbers, features).expect("a block holds whole samples");
                session.encode(samples, codes).expect("the samples are the model's");
            },
        );
        // A network may still overflow: a code that is no number says nothing.
        codes.iter_mut().filter(|code| !code.is_finite()).for_each(|code| *code = 0.0);
        codes
    }
}
