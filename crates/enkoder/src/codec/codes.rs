//! The quantised codes of a block. Each latent is coded as the difference from none, half or all of the sample before,
//! whichever was best lately, among the probabilities of its usual magnitude: both are followed in integers on either side,
//! so that nothing about the codes' distribution need lie in the file.

use super::entropy::{Coder, Corrupt};
use super::integers::{LEVELS, Signed, half_octaves};

/// Codes are held in 32 bits.
pub(crate) const LARGEST: i64 = 1 << 30;

/// What is followed of one latent, in sixteenths.
#[derive(Clone, Copy)]
struct Latent {
    previous: i64,
    /// Mean magnitude of the difference from none, half and all of the code before.
    means: [i64; 3],
}

/// Codes a block's codes (`samples × active`) and leaves what was coded there. `usual` has the magnitude that each latent usually
/// has, in sixteenths, or is empty.
pub(crate) fn code(coder: &mut impl Coder, codes: &mut [i32], active: usize, usual: &[i64]) -> Result<(), Corrupt> {
    let mut models: Vec<Signed> = (0..LEVELS).map(|level| Signed::expecting(level).clone()).collect();
    let mut latents = vec![Latent { previous: 0, means: [0; 3] }; active];
    for (latent, &mean) in latents.iter_mut().zip(usual) {
        latent.means = [mean; 3];
    }
    for (sample, code) in codes.chunks_exact_mut(active.max(1)).enumerate() {
        let mut before = [16 << 4; 3];
        for (latent, value) in latents.iter_mut().zip(code) {
            if sample == 0 && usual.is_empty() {
                // Neighbouring latents of a linear model are alike; of any other there is nothing better to know.
                latent.means = before;
            }
            let predictions = [0, latent.previous / 2, latent.previous];
            let best = (1..3).fold(0, |best, way| if latent.means[way] < latent.means[best] { way } else { best });
            let difference = i64::from(*value) - predictions[best];
            let level = level_of(latent.means[best]);
            let found = models[level].code(coder, difference)?.saturating_add(predictions[best]);
            if found.unsigned_abs() > LARGEST.unsigned_abs() {
                return Err(Corrupt);
            }
            *value = found as i32;
            let shift = if sample < 2 && usual.is_empty() { 1 } else { 3 };
            for (mean, prediction) in latent.means.iter_mut().zip(predictions) {
                *mean += (((found - prediction).abs() << 4) - *mean) >> shift;
            }
            // Differences tell nothing before there is a code to differ from.
            if sample == 0 {
                let mean = latent.means[0];
                latent.means = [mean, mean + mean / 8 + 1, mean + mean / 8 + 1];
            }
            before = latent.means;
            latent.previous = found;
        }
    }
    Ok(())
}

/// The level of a mean in sixteenths.
fn level_of(mean: i64) -> usize {
    (half_octaves(mean.max(1) as u64) as usize).min(LEVELS - 1)
}

#[cfg(test)]
mod tests {
    use super::super::entropy::{Decoder, Encoder};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn codes_come_back(values in proptest::collection::vec(-(1i32 << 30)..1 << 30, 0..200), active in 1usize..9) {
            let mut codes = values[..values.len() / active * active].to_vec();
            let original = codes.clone();
            let usual = [5, 0, 1 << 36, 100, 7, 7, 7, 7];
            let known = if values.len() % 2 == 0 { active } else { 0 };
            let mut encoder = Encoder::new();
            code(&mut encoder, &mut codes, active, &usual[..known]).unwrap();
            let bytes = encoder.into_bytes();
            codes.fill(0);
            code(&mut Decoder::new(&bytes), &mut codes, active, &usual[..known]).unwrap();
            prop_assert_eq!(codes, original);
        }

        #[test]
        fn codes_beyond_what_is_held_are_corrupt(beyond in proptest::sample::select(vec![
            i64::MIN, i64::MIN + 1, i64::MAX, -LARGEST - 1, LARGEST + 1,
        ])) {
            let mut encoder = Encoder::new();
            let mut model = Signed::expecting(level_of(0)).clone();
            model.code(&mut encoder, beyond).unwrap();
            let bytes = encoder.into_bytes();
            prop_assert_eq!(code(&mut Decoder::new(&bytes), &mut [0], 1, &[0]), Err(Corrupt));
        }

        #[test]
        fn any_bytes_are_codes_or_corrupt(bytes: Vec<u8>) {
            let _ = code(&mut Decoder::new(&bytes), &mut [0; 300], 3, &[1, 1 << 40, 0]);
        }
    }
}
