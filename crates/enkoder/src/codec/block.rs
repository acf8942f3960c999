//! One block: the samples that share a checksum, a stream and the probabilities that learn from it. The same function writes
//! and reads the stream.

use std::ops::Range;

use super::codes;
use super::element::{Element, ElementType};
use super::entropy::{Bit, Coder, Corrupt, Decoder, Encoder, Estimator};
use super::fixed_point::{FixedDecoder, Steps};
use super::levels::{Grid, Levels};
use super::missing::Missing;
use super::prediction::{Chooser, Mode, cheapest, finite_or};
use super::quantiser::Quantiser;
use super::residual::{Coefficients, Geometry, Residuals};
use crate::network::vectorised::vectorised;

/// What of a sample is stored beside its code.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Residual {
    /// Nothing.
    None,
    /// Deviations from the prediction, of each part of a sample in its own steps.
    Deviations(Vec<Quantiser>),
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
    /// Equal parts of a sample, one for each variable.
    pub(crate) parts: usize,
    /// For each part which of its numbers are no values; empty where all are, and for a reader, to whom it is all one.
    pub(crate) missing: Vec<Missing>,
}

impl Plan {
    /// Of a file whose blocks say for themselves how they are coded.
    pub(crate) fn without_model(parts: usize) -> Self {
        let (residual, missing) = (Residual::None, Vec::new());
        Self { active: 0, units: Vec::new(), fraction: 0, coefficients: [0; 4], residual, parts, missing }
    }

    /// How the values of a part lie.
    pub(crate) fn geometry(&self, shape: &[usize]) -> Geometry {
        Geometry::of(if self.parts > 1 { &shape[1..] } else { shape })
    }

    pub(crate) fn steps(&self) -> Steps<'_> {
        Steps { active: self.active, units: &self.units, fraction: self.fraction }
    }

    /// Makes all steps finer by a factor below 1; false where they are as fine as they get.
    pub(crate) fn refine(&mut self, factor: f64) -> bool {
        let finer = |unit: &i32| (f64::from(*unit) * factor).floor().max(1.0) as i32;
        let units: Vec<i32> = self.units.iter().map(finer).collect();
        let mut changed = units != self.units;
        self.units = units;
        match &mut self.residual {
            Residual::Deviations(quantisers) => {
                for quantiser in quantisers {
                    if let Quantiser::Steps { step, bound } = quantiser
                        && *step < Quantiser::ENDLESS
                    {
                        (*step, *bound) = (factor * *step, factor * *bound);
                        changed = true;
                    }
                }
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
/// them, and the choice likewise. Modes and codes go to one stream, what is stored beside them to the other. A writer has
/// predicted already (`samples × features`).
fn code<T: Element, C: Coder>(
    [head, tail]: [&mut C; 2],
    decoder: &FixedDecoder,
    plan: &Plan,
    choice: &mut Choice,
    codes: &mut [i32],
    values: &mut [T],
    predicted: Option<&[f64]>,
) -> Result<(), Corrupt> {
    let features = decoder.features();
    let samples = values.len() / features;
    if let Residual::Deviations(_) = plan.residual {
        choice.code(head)?;
    }
    let networked: Vec<usize> = (0..samples).filter(|&sample| choice.modes[sample] == Mode::Network).collect();
    let mut used: Vec<i32> = networked
        .iter()
        .flat_map(|&sample| &codes[sample * plan.active..(sample + 1) * plan.active])
        .copied()
        .collect();
    match decoder.code_image().filter(|_| plan.active == decoder.latent()) {
        Some(image) => codes::code_images(head, &mut used, image)?,
        None => codes::code(head, &mut used, plan.active, &decoder.usual_codes(&plan.steps()))?,
    }
    for (code, &sample) in used.chunks_exact(plan.active.max(1)).zip(&networked) {
        codes[sample * plan.active..(sample + 1) * plan.active].copy_from_slice(code);
    }

    let mut parts = Parts::new(decoder, plan);
    let mut predictor = Predictor::new(decoder, plan);
    let mut predictions = vec![0.0f64; features];
    for sample in 0..samples {
        let mode = choice.modes[sample];
        let (before, rest) = values.split_at_mut(sample * features);
        let values = &mut rest[..features];
        let network = match predicted {
            Some(predicted) => &predicted[sample * features..(sample + 1) * features],
            None if mode == Mode::Network => predictor.of(codes, sample),
            None => &[],
        };
        for (part, constant) in choice.constants.iter().enumerate() {
            let range = parts.range(part);
            let predictions = &mut predictions[range.clone()];
            let prediction = match (mode, before.len().checked_sub(features)) {
                (Mode::Network, _) => &network[range.clone()],
                (Mode::Previous, Some(start)) => {
                    for (to, &value) in predictions.iter_mut().zip(&before[start..][range.clone()]) {
                        *to = finite_or(value, *constant);
                    }
                    predictions
                }
                _ => {
                    predictions.fill(*constant);
                    predictions
                }
            };
            parts.code(part, tail, &mut values[range], prediction, mode.coefficients(plan.coefficients))?;
        }
    }
    Ok(())
}

/// What a block remembers of each part of a sample.
enum Parts {
    None { size: usize },
    Deviations { size: usize, residuals: Vec<Residuals> },
    Levels { size: usize, levels: Vec<Levels> },
}

impl Parts {
    fn new(decoder: &FixedDecoder, plan: &Plan) -> Self {
        let geometry = plan.geometry(&decoder.shape);
        let size = decoder.features() / plan.parts;
        match &plan.residual {
            Residual::None => Self::None { size },
            Residual::Deviations(quantisers) => {
                let part = |(part, &quantiser)| {
                    let spread = decoder.spread.get(part * size..(part + 1) * size).unwrap_or_default();
                    let missing = plan.missing.get(part).cloned().unwrap_or_default();
                    Residuals::new(geometry, size, (quantiser, missing), spread)
                };
                Self::Deviations { size, residuals: quantisers.iter().enumerate().map(part).collect() }
            }
            Residual::Levels(grid) => {
                Self::Levels { size, levels: (0..plan.parts).map(|_| Levels::new(geometry, size, *grid)).collect() }
            }
        }
    }

    fn range(&self, part: usize) -> Range<usize> {
        let (Self::None { size } | Self::Deviations { size, .. } | Self::Levels { size, .. }) = self;
        part * size..(part + 1) * size
    }

    fn code<T: Element, C: Coder>(
        &mut self,
        part: usize,
        coder: &mut C,
        values: &mut [T],
        prediction: &[f64],
        coefficients: Coefficients,
    ) -> Result<(), Corrupt> {
        match self {
            Self::Deviations { residuals, .. } => residuals[part].code(coder, values, prediction, coefficients),
            // Only bytes have levels, and they are compiled for no other type.
            Self::Levels { levels, .. } if T::TYPE == ElementType::U8 => levels[part].code(coder, values, prediction),
            Self::Levels { .. } => Err(Corrupt),
            Self::None { .. } => {
                values.iter_mut().zip(prediction).for_each(|(value, &prediction)| *value = T::from_f64(prediction));
                Ok(())
            }
        }
    }
}

/// The network's predictions of one sample after another, made for a few together.
struct Predictor<'a> {
    decoder: &'a FixedDecoder,
    plan: &'a Plan,
    ahead: Range<usize>,
    integers: Vec<i64>,
    predictions: Vec<f64>,
}

impl<'a> Predictor<'a> {
    fn new(decoder: &'a FixedDecoder, plan: &'a Plan) -> Self {
        Self { decoder, plan, ahead: 0..0, integers: Vec::new(), predictions: Vec::new() }
    }

    /// The prediction of a sample by the codes of all (`samples × active`).
    fn of(&mut self, codes: &[i32], sample: usize) -> &[f64] {
        let (features, active) = (self.decoder.features(), self.plan.active);
        if !self.ahead.contains(&sample) {
            let samples = codes.len().checked_div(active).unwrap_or(sample + 1);
            self.ahead = sample..(sample + PREDICTED).min(samples);
            self.integers.resize(self.ahead.len() * features, 0);
            self.predictions.resize(self.ahead.len() * features, 0.0);
            let codes = &codes[self.ahead.start * active..self.ahead.end * active];
            self.decoder.predict(codes, &self.plan.steps(), &mut self.integers);
            let unit = self.decoder.unit();
            let (integers, predictions) = (&self.integers, &mut self.predictions);
            vectorised(
                #[inline(always)]
                || predictions.iter_mut().zip(integers).for_each(|(to, &integer)| *to = integer as f64 * unit),
            );
        }
        &self.predictions[(sample - self.ahead.start) * features..][..features]
    }
}

/// Samples whose predictions are made together.
const PREDICTED: usize = 8;

/// The mode of each sample, and for each part the value that stands for the whole block.
struct Choice {
    modes: Vec<Mode>,
    constants: Vec<f64>,
}

impl Choice {
    /// The network's prediction of every sample.
    fn network(samples: usize, plan: &Plan) -> Self {
        Self { modes: vec![Mode::Network; samples], constants: vec![0.0; plan.parts] }
    }

    fn code(&mut self, coder: &mut impl Coder) -> Result<(), Corrupt> {
        let mut network = [Bit::expecting(1 << 19, 2); 2];
        let mut which = [[Bit::EVEN; 2]; Mode::ALL.len()];
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
            for constant in &mut self.constants {
                let bits = coder.raw(u64::from((*constant as f32).to_bits()), 32)? as u32;
                *constant = f64::from(f32::from_bits(bits));
                if !constant.is_finite() {
                    return Err(Corrupt);
                }
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
    let predicted = predict(decoder, plan, codes, values.len());
    let mut choice = choose(decoder, plan, &predicted, values);
    // Coding only fails for what an arithmetic coder cannot represent, and the probabilities are kept away from that.
    code([&mut head, &mut tail], decoder, plan, &mut choice, codes, values, Some(&predicted))
        .expect("every bit has a probability");
    Streams { codes: head.into_bytes(), residual: tail.into_bytes() }
}

/// About the bits that samples would take with the network's predictions. `values` become what decodes.
pub(crate) fn estimate<T: Element>(decoder: &FixedDecoder, plan: &Plan, codes: &mut [i32], values: &mut [T]) -> f64 {
    let (mut head, mut tail) = (Estimator::new(), Estimator::new());
    let samples = values.len() / decoder.features();
    let mut choice = Choice::network(samples, plan);
    code([&mut head, &mut tail], decoder, plan, &mut choice, codes, values, None).expect("every bit has a probability");
    head.bits() + tail.bits()
}

/// The samples of a block; the streams may be anything.
pub(crate) fn decode<T: Element>(
    decoder: &FixedDecoder,
    plan: &Plan,
    streams: [&[u8]; 2],
    samples: usize,
) -> Result<Vec<T>, Corrupt> {
    let [mut head, mut tail] = [Decoder::new(streams[0]), Decoder::new(streams[1])];
    let mut values = vec![T::from_bits(0); samples * decoder.features()];
    let mut codes = vec![0; samples * plan.active];
    let mut choice = Choice::network(samples, plan);
    code([&mut head, &mut tail], decoder, plan, &mut choice, &mut codes, &mut values, None)?;
    Ok(values)
}

/// The network's predictions of all samples.
fn predict(decoder: &FixedDecoder, plan: &Plan, codes: &[i32], length: usize) -> Vec<f64> {
    let mut predictor = Predictor::new(decoder, plan);
    let mut predicted = Vec::with_capacity(length);
    (0..length / decoder.features()).for_each(|sample| predicted.extend_from_slice(predictor.of(codes, sample)));
    predicted
}

fn choose<T: Element>(decoder: &FixedDecoder, plan: &Plan, predicted: &[f64], values: &[T]) -> Choice {
    let features = decoder.features();
    let mut choice = Choice::network(values.len() / features, plan);
    let Residual::Deviations(quantisers) = &plan.residual else { return choice };
    if quantisers.contains(&Quantiser::ANYTHING) {
        return choice;
    }
    let size = features / plan.parts;
    let mut costs = vec![[0.0; 4]; choice.modes.len()];
    for (part, &quantiser) in quantisers.iter().enumerate() {
        let of = |sample: usize| sample * features + part * size..sample * features + (part + 1) * size;
        let constant = mean((0..costs.len()).flat_map(|sample| values[of(sample)].iter().step_by(7)));
        let active = plan.active.div_ceil(plan.parts);
        let (geometry, coefficients) = (plan.geometry(&decoder.shape), plan.coefficients);
        let chooser = Chooser { geometry, quantiser, coefficients, active, constant };
        for (sample, costs) in costs.iter_mut().enumerate() {
            let previous = sample.checked_sub(1).map(|before| &values[of(before)]);
            let part = chooser.costs(&values[of(sample)], &predicted[of(sample)], previous);
            costs.iter_mut().zip(part).for_each(|(cost, part)| *cost += part);
        }
        choice.constants[part] = constant;
    }
    choice.modes.iter_mut().zip(costs).for_each(|(mode, costs)| *mode = cheapest(costs));
    choice
}

/// The mean of the finite values, as exactly as a file holds it.
fn mean<'a, T: Element>(values: impl Iterator<Item = &'a T> + Clone) -> f64 {
    let finite = values.filter(|value| value.is_finite()).map(|value| value.to_f64());
    let count = finite.clone().count().max(1) as f64;
    let mean = finite.map(|value| value / count).sum::<f64>() as f32;
    if mean.is_finite() { f64::from(mean) } else { 0.0 }
}
