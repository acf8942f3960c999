//! The quantised codes of a block. Each latent is coded as the difference from none, half or all of the sample before,
//! whichever was best lately, among the probabilities of its usual magnitude: both are followed in integers on either side,
//! so that nothing about the codes' distribution need lie in the file. Codes that are images are coded in contexts of their neighbours.

use super::entropy::{Coder, Corrupt};
use super::integers::{LEVELS, Signed, half_octaves};
use super::mixing::Mixture;

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

/// Contexts of a code of an image.
const CONTEXTS: usize = 7;
/// What it may be coded from: none, the codes left and above, what these expect together, and the code at its place in the sample before.
const WAYS: usize = 5;
/// Kinds of bits: whether it is 0, its sign, the positions of its highest bit, and those below.
const HIGHEST: usize = 32;
const BELOW: usize = 6;
const KINDS: usize = 2 + HIGHEST + BELOW;
/// Levels of magnitude that are mixed apart: those usual at a place, and those of the codes around.
const USUAL: usize = LEVELS / 2;
const AROUND: usize = 8;

/// Codes that are images (height × width × channels), as [`code`] does others: bits in contexts of the place and of the codes around, whose
/// probabilities are mixed.
pub(crate) fn code_images<C: Coder>(
    coder: &mut C,
    codes: &mut [i32],
    [height, width, channels]: [usize; 3],
) -> Result<(), Corrupt> {
    let (row, size) = (width * channels, height * width * channels);
    let mut mixture = Mixture::<CONTEXTS>::new([KINDS * USUAL, KINDS * AROUND]);
    let mut means = vec![[16i64 << 4; WAYS]; size];
    let mut before = vec![0i64; size];
    for code in codes.chunks_exact_mut(size) {
        for at in 0..size {
            let (column, channel) = (at / channels % width, at % channels);
            let known = |exists: bool, back: usize| if exists { i64::from(code[at - back]) } else { 0 };
            let (has_left, has_above) = (column > 0, at >= row);
            let (left, above) = (known(has_left, channels), known(has_above, row));
            let (corner, other) = (known(has_left && has_above, channels + row), known(channel > 0, 1));
            let ways = [0, left, above, (left + above - corner).clamp(-LARGEST, LARGEST), before[at]];
            // Codes often have a usual value at their place, which what is taken from them hides: it must be worth it.
            let cost = |way: usize| if way == 0 { means[at][0] } else { 8 * means[at][way] };
            let base = ways[(0..WAYS).min_by_key(|&way| cost(way)).unwrap_or(0)];
            let [left, above, corner] = [left, above, corner].map(|code| size_of(code - base));
            let other = size_of(other);
            let join = |parts: &[usize]| {
                parts.iter().fold(1u32, |sum, &part| sum.wrapping_mul(0x0100_0193).wrapping_add(part as u32))
            };
            let contexts = [
                join(&[1, at]),
                join(&[2, at, left]),
                join(&[3, at, above]),
                join(&[4, channel, left, above, corner]),
                join(&[5, at, other]),
                join(&[6, at, other, left, above]),
                join(&[7, channel, left, above, other]),
            ];
            let sets = [level_of(means[at][0]) / 2, ((left + above) / 8).min(AROUND - 1)];
            let mut bit = |node: u32, kind: usize, bit: bool| {
                let sets = [kind * USUAL + sets[0], kind * AROUND + sets[1]];
                mixture.code(coder, &contexts, node, sets, bit)
            };
            let found = signed(&mut bit, i64::from(code[at]) - base)?.saturating_add(base);
            if found.unsigned_abs() > LARGEST.unsigned_abs() {
                return Err(Corrupt);
            }
            code[at] = found as i32;
            for (mean, way) in means[at].iter_mut().zip(ways) {
                *mean += (((found - way).abs() << 4) - *mean) >> 4;
            }
            before[at] = found;
        }
    }
    Ok(())
}

/// A number below 2³² as bits, each with its number and its kind.
fn signed(bit: &mut impl FnMut(u32, usize, bool) -> Result<bool, Corrupt>, value: i64) -> Result<i64, Corrupt> {
    if bit(0, 0, value == 0)? {
        return Ok(0);
    }
    let is_negative = bit(1, 1, value < 0)?;
    let sign = u32::from(is_negative);
    let magnitude = value.unsigned_abs().max(1);
    let mut highest = 0;
    while highest < HIGHEST - 1 && bit(2 + 2 * highest as u32 + sign, 2 + highest, magnitude.ilog2() > highest as u32)?
    {
        highest += 1;
    }
    let mut found = 1u64;
    for position in (0..highest).rev() {
        // Lower bits are alike whatever stands before them.
        let told = (found as u32).min(1 << BELOW) << 8 | (highest as u32) << 1 | sign;
        let kind = 2 + HIGHEST + (highest - 1 - position).min(BELOW - 1);
        found = found << 1 | u64::from(bit(1 << 16 | told, kind, magnitude >> position & 1 == 1)?);
    }
    Ok(if is_negative { -(found as i64) } else { found as i64 })
}

/// The size of a number, in half octaves, and its sign.
fn size_of(number: i64) -> usize {
    match number {
        0 => 0,
        _ => 2 * (half_octaves(number.unsigned_abs()) as usize + 1) + usize::from(number < 0),
    }
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
        fn codes_of_images_come_back(values in proptest::collection::vec(-(1i32 << 30)..1 << 30, 0..300), shape in [1usize..4, 1usize..4, 1usize..3]) {
            let size: usize = shape.iter().product();
            let mut codes = values[..values.len() / size * size].to_vec();
            codes.iter_mut().step_by(2).for_each(|code| *code >>= 20);
            let original = codes.clone();
            let mut encoder = Encoder::new();
            code_images(&mut encoder, &mut codes, shape).unwrap();
            let bytes = encoder.into_bytes();
            codes.fill(0);
            code_images(&mut Decoder::new(&bytes), &mut codes, shape).unwrap();
            prop_assert_eq!(codes, original);
        }

        #[test]
        fn smooth_images_of_codes_take_less_than_codes_one_by_one(start in 0f32..6.0) {
            let value = |at: usize| ((at / 64) as f32 + start).sin() * 900.0 + ((at / 8 % 8 + at % 8) as f32 * 0.2 + start).cos() * 900.0;
            let codes: Vec<i32> = (0..64 * 50).map(|at| value(at) as i32).collect();
            let bytes = |work: &dyn Fn(&mut Encoder, &mut [i32])| {
                let mut encoder = Encoder::new();
                work(&mut encoder, &mut codes.clone());
                encoder.into_bytes().len()
            };
            let plain = bytes(&|encoder, codes| code(encoder, codes, 64, &[]).unwrap());
            let images = bytes(&|encoder, codes| code_images(encoder, codes, [8, 8, 1]).unwrap());
            prop_assert!(2 * images < plain, "{} and {}", images, plain);
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
            let _ = code_images(&mut Decoder::new(&bytes), &mut [0; 300], [5, 4, 3]);
        }
    }
}
