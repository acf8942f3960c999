//! One block: the samples that share a checksum, a stream and the probabilities that learn from it. The same function writes
//! and reads the stream.

use super::codes;
use super::element::Element;
use super::entropy::{Bit, Coder, Corrupt, Decoder, Encoder, Estimator};
use super::fixed_point::{FixedDecoder, Steps};
use super::levels::{Grid, Levels};
use super::prediction::{Chooser, Mode, finite_or};
use super::quantiser::Quantiser;
use super::residual::{Coefficients, Geometry, Residuals};

/// What of a sample is stored beside its code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Residual {
    /// Nothing.
    None,
    /// Deviations from the prediction.
    Deviations(Quantiser),
    /// Bytes themselves, on a grid, each given its prediction.
    Levels(Grid),
}

/// How the blocks of a file are coded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Latents in use: the first so many.
    pub(crate) active: usize,
    /// The step of each of them, in units of 2^(−fraction).
    pub(crate) units: Vec<i32>,
    pub(crate) fraction: i32,
    pub(crate) coefficients: Coefficients,
    pub(crate) residual: Residual,
}

impl Plan {
    pub(crate) fn steps(&self) -> Steps<'_> {
        Steps { active: self.active, units: &self.units, fraction: self.fraction }
    }

    /// Makes all steps finer by about 4 %; false where they are as fine as they get.
    pub(crate) fn refine(&mut self) -> bool {
        let finer = |unit: &i32| (f64::from(*unit) * 0.96).floor().max(1.0) as i32;
        let units: Vec<i32> = self.units.iter().map(finer).collect();
        let mut changed = units != self.units;
        self.units = units;
        match &mut self.residual {
            Residual::Deviations(Quantiser::Steps { step, .. }) => {
                *step *= 0.96;
                changed = true;
            }
            Residual::Levels(grid) if grid.step > 1 => {
                grid.step -= 1;
                changed = true;
            }
            _ => {}
        }
        changed
    }

    /// The integers of codes (`samples × latent`): the active latents' nearest multiples of their steps.
    pub(crate) fn quantise(&self, codes: &[f32], latent: usize) -> Vec<i32> {
        let scale = (self.fraction as f64).exp2();
        let steps: Vec<f64> = self.units.iter().map(|&unit| scale / f64::from(unit)).collect();
        let largest = codes::LARGEST as f64;
        let quantise = |(&code, &step): (&f32, &f64)| (f64::from(code) * step).round().clamp(-largest, largest) as i32;
        codes.chunks_exact(latent).flat_map(|code| code.iter().zip(&steps).map(quantise)).collect()
    }
}

/// Codes samples (`samples × features`) by their codes (`samples × active`) and leaves in both what decodes. A reader fills
/// them, and the choice likewise. Modes and codes go to one stream, what is stored beside them to the other.
fn code<T: Element, C: Coder>(
    [head, tail]: [&mut C; 2],
    decoder: &FixedDecoder,
    plan: &Plan,
    choice: &mut Choice,
    codes: &mut [i32],
    values: &mut [T],
) -> Result<(), Corrupt> {
    let features = decoder.features();
    let samples = values.len() / features;
    let classical = matches!(plan.residual, Residual::Deviations(_));
    if classical {
        choice.code(head)?;
    }
    let networked: Vec<usize> = (0..samples).filter(|&sample| choice.modes[sample] == Mode::Network).collect();
    let mut used: Vec<i32> = networked
        .iter()
        .flat_map(|&sample| &codes[sample * plan.active..(sample + 1) * plan.active])
        .copied()
        .collect();
    codes::code(head, &mut used, plan.active)?;
    for (code, &sample) in used.chunks_exact(plan.active.max(1)).zip(&networked) {
        codes[sample * plan.active..(sample + 1) * plan.active].copy_from_slice(code);
    }

    let unit = decoder.unit();
    let mut integers = vec![0i64; features * PREDICTED.min(samples)];
    let mut predictions = vec![0.0f64; features];
    let geometry = Geometry::of(&decoder.shape);
    let mut residuals = match plan.residual {
        Residual::Deviations(quantiser) => Some(Residuals::new(geometry, features, quantiser, &decoder.spread)),
        _ => None,
    };
    let mut levels = match plan.residual {
        Residual::Levels(grid) => Some(Levels::new(geometry, features, grid)),
        _ => None,
    };
    // Predictions of the next few network samples are made together.
    let mut ahead = 0..0;
    for sample in 0..samples {
        let mode = choice.modes[sample];
        let (before, rest) = values.split_at_mut(sample * features);
        let values = &mut rest[..features];
        match mode {
            Mode::Network => {
                if sample >= ahead.end {
                    ahead = sample..(sample + PREDICTED).min(samples);
                    let range = ahead.start * plan.active..ahead.end * plan.active;
                    decoder.predict(&codes[range], &plan.steps(), &mut integers[..ahead.len() * features]);
                }
                let integers = &integers[(sample - ahead.start) * features..][..features];
                predictions.iter_mut().zip(integers).for_each(|(to, &integer)| *to = integer as f64 * unit);
            }
            Mode::Lorenzo | Mode::Mean => predictions.fill(choice.constant),
            Mode::Previous => match before.len().checked_sub(features) {
                Some(start) => {
                    for (to, &value) in predictions.iter_mut().zip(&before[start..]) {
                        *to = finite_or(value, choice.constant);
                    }
                }
                None => predictions.fill(choice.constant),
            },
        }
        if let Some(residuals) = &mut residuals {
            residuals.code(tail, values, &predictions, mode.coefficients(plan.coefficients))?;
        } else if let Some(levels) = &mut levels {
            levels.code(tail, values, &predictions)?;
        } else {
            values.iter_mut().zip(&predictions).for_each(|(value, &prediction)| *value = T::from_f64(prediction));
        }
    }
    Ok(())
}

/// Samples whose predictions are made together.
const PREDICTED: usize = 8;

/// The mode of each sample, and the value that stands for the whole block.
struct Choice {
    modes: Vec<Mode>,
    constant: f64,
}

impl Choice {
    fn code(&mut self, coder: &mut impl Coder) -> Result<(), Corrupt> {
        let mut network = [Bit::expecting(1 << 19, 2); 2];
        let mut which = [[Bit::EVEN; 3]; 5];
        let mut before = Mode::Network;
        let mut any = false;
        for mode in &mut self.modes {
            let known = usize::from(before != Mode::Network);
            if coder.bit(&mut network[known], *mode == Mode::Network)? {
                *mode = Mode::Network;
            } else {
                any = true;
                let models = &mut which[before as usize];
                *mode = if coder.bit(&mut models[0], *mode == Mode::Lorenzo)? {
                    Mode::Lorenzo
                } else if coder.bit(&mut models[1], *mode == Mode::Previous)? {
                    Mode::Previous
                } else {
                    Mode::Mean
                };
            }
            before = *mode;
        }
        if any {
            self.constant =
                f64::from(f32::from_bits(coder.raw(u64::from((self.constant as f32).to_bits()), 32)? as u32));
            if !self.constant.is_finite() {
                return Err(Corrupt);
            }
        }
        Ok(())
    }
}

/// The streams of a block: its modes and codes, and what is stored beside them.
pub(crate) struct Streams {
    pub(crate) codes: Vec<u8>,
    pub(crate) residual: Vec<u8>,
}

/// The streams of a block. `values` become what decodes.
pub(crate) fn encode<T: Element>(decoder: &FixedDecoder, plan: &Plan, codes: &mut [i32], values: &mut [T]) -> Streams {
    let (mut head, mut tail) = (Encoder::new(), Encoder::new());
    let mut choice = choose(decoder, plan, codes, values);
    // Coding only fails for what an arithmetic coder cannot represent, and the probabilities are kept away from that.
    code([&mut head, &mut tail], decoder, plan, &mut choice, codes, values).expect("every bit has a probability");
    Streams { codes: head.into_bytes(), residual: tail.into_bytes() }
}

/// About the bits that a block would take. `values` become what decodes.
pub(crate) fn estimate<T: Element>(decoder: &FixedDecoder, plan: &Plan, codes: &mut [i32], values: &mut [T]) -> f64 {
    let (mut head, mut tail) = (Estimator { bits: 0.0 }, Estimator { bits: 0.0 });
    let mut choice = choose(decoder, plan, codes, values);
    code([&mut head, &mut tail], decoder, plan, &mut choice, codes, values).expect("every bit has a probability");
    head.bits + tail.bits
}

/// The samples of a block; the streams may be anything.
pub(crate) fn decode<T: Element>(
    decoder: &FixedDecoder,
    plan: &Plan,
    streams: [&[u8]; 2],
    samples: usize,
) -> Result<Vec<T>, Corrupt> {
    let [mut head, mut tail] = [Decoder::new(streams[0])?, Decoder::new(streams[1])?];
    let mut values = vec![T::from_bits(0); samples * decoder.features()];
    let mut codes = vec![0; samples * plan.active];
    let mut choice = Choice { modes: vec![Mode::Network; samples], constant: 0.0 };
    code([&mut head, &mut tail], decoder, plan, &mut choice, &mut codes, &mut values)?;
    Ok(values)
}

fn choose<T: Element>(decoder: &FixedDecoder, plan: &Plan, codes: &[i32], values: &[T]) -> Choice {
    let features = decoder.features();
    let samples = values.len() / features;
    let mut modes = vec![Mode::Network; samples];
    let Residual::Deviations(quantiser) = plan.residual else { return Choice { modes, constant: 0.0 } };
    let finite = || values.iter().step_by(7).filter(|value| value.is_finite()).map(|value| value.to_f64());
    let count = finite().count().max(1);
    let constant = (finite().map(|value| value / count as f64).sum::<f64>()) as f32;
    let constant = if constant.is_finite() { f64::from(constant) } else { 0.0 };
    let geometry = Geometry::of(&decoder.shape);
    let chooser = Chooser { geometry, quantiser, coefficients: plan.coefficients, active: plan.active, constant };
    let mut integers = vec![0i64; features * PREDICTED];
    let mut predictions = vec![0.0; features];
    for (group, chunk) in modes.chunks_mut(PREDICTED).enumerate() {
        let first = group * PREDICTED;
        let integers = &mut integers[..chunk.len() * features];
        decoder.predict(&codes[first * plan.active..(first + chunk.len()) * plan.active], &plan.steps(), integers);
        for (offset, mode) in chunk.iter_mut().enumerate() {
            let sample = first + offset;
            let integers = &integers[offset * features..(offset + 1) * features];
            predictions.iter_mut().zip(integers).for_each(|(to, &integer)| *to = integer as f64 * decoder.unit());
            let previous = sample.checked_sub(1).map(|before| &values[before * features..sample * features]);
            *mode = chooser.choose(&values[sample * features..(sample + 1) * features], &predictions, previous);
        }
    }
    Choice { modes, constant }
}
