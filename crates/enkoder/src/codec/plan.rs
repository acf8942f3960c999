//! How a file is coded: how many latents, how coarsely, and what of the neighbourhood is used, found by coding a few samples in
//! several ways. Nothing here is needed to decode.

use rayon::prelude::*;

use super::block::{Plan, Residual, estimate};
use super::element::{Element, ElementType, with_element};
use super::encoder::CodeEncoder;
use super::fixed_point::FixedDecoder;
use super::levels::Grid;
use super::missing::Missing;
use super::promise::{Extent, Promise};
use super::quantiser::Quantiser;
use super::residual::Coefficients;
use crate::network::vectorised::{LANES, vectorised};

/// Samples that plans are tried on.
pub(crate) struct Trial<'a> {
    decoder: &'a FixedDecoder,
    element: ElementType,
    values: Box<dyn Tried>,
    /// Codes of the network's encoder, and for each latent their root mean square.
    codes: Vec<f32>,
    spread: Vec<f64>,
    /// For each latent, how far a prediction moves with it, as root mean square over the features, each in the scale of its part.
    sensitivity: Vec<f64>,
    fraction: i32,
    /// For each part of a sample, the size that counts as 1, and which of its numbers are no values.
    scales: Vec<f64>,
    missing: Vec<Missing>,
}

/// Fineness of latents' steps that are tried: their part in the error, beside the step of values.
const FINENESS: [f64; 9] = [2.0, 1.4, 1.0, 0.7, 0.5, 0.35, 0.25, 0.17, 0.1];
/// A latent of a linear model that spreads over less than this part of its step is left out.
const WORTH: f64 = 0.5;
/// What is slower to code (values one by one by their neighbours instead of in groups) must take no more than this part of the bits.
const GAIN: f64 = 0.95;
/// Codes around which the sensitivity of a network is measured.
const POINTS: usize = 16;
/// Half a step, and a little for rounding: what a value may miss where only the mean error counts.
const HALF: f64 = 0.500_001;

impl<'a> Trial<'a> {
    /// Of samples as little-endian numbers of a type. `scales` has a size for each part of a sample, in which its errors are measured.
    pub(crate) fn new(
        decoder: &'a FixedDecoder,
        encoder: &CodeEncoder<'_>,
        (element, bytes): (ElementType, &[u8]),
        (scales, missing): (Vec<f64>, Vec<Missing>),
    ) -> Self {
        let codes = encoder.encode(element, bytes);
        let values = with_element!(element, T => Box::new(<T as Element>::from_le(bytes)) as Box<dyn Tried>);
        let largest = codes.iter().fold(1e-30f32, |most, code| most.max(code.abs()));
        let fraction = (27 - f64::from(largest).log2().ceil() as i32).clamp(-60, 24);
        let latent = decoder.latent();
        let mut spread = vec![0.0f64; latent];
        for code in codes.chunks_exact(latent) {
            spread.iter_mut().zip(code).for_each(|(spread, &code)| *spread += f64::from(code).powi(2));
        }
        let samples = (codes.len() / latent) as f64;
        spread.iter_mut().for_each(|spread| *spread = (*spread / samples).sqrt());
        Self { decoder, element, values, codes, spread, sensitivity: Vec::new(), fraction, scales, missing }
    }

    fn is_linear(&self) -> bool {
        self.decoder.layers.len() == 1 && self.decoder.output_scale.is_empty()
    }

    /// The scale of each feature.
    fn feature_scales(&self) -> impl Iterator<Item = f64> {
        let size = self.decoder.features() / self.scales.len();
        self.scales.iter().flat_map(move |&scale| std::iter::repeat_n(scale, size))
    }

    fn linear_sensitivities(&self) -> Vec<f64> {
        let layer = &self.decoder.layers[0];
        let unit = |(&exponent, scale): (&i8, f64)| f64::from(-i32::from(exponent)).exp2() / scale;
        let units: Vec<f64> = layer.exponents.iter().zip(self.feature_scales()).map(unit).collect();
        let of_latent = |latent| {
            let mut squares = [0.0; LANES];
            let mut places = units.as_slice();
            vectorised(
                #[inline(always)]
                || {
                    for weights in layer.weights.of_input(latent) {
                        let (units, rest) = places.split_at(weights.len());
                        places = rest;
                        for ((square, &weight), &unit) in squares.iter_mut().zip(weights).zip(units) {
                            let value = f64::from(weight) * unit;
                            *square += value * value;
                        }
                    }
                },
            );
            (squares.iter().sum::<f64>() / units.len() as f64).sqrt()
        };
        (0..layer.inputs).into_par_iter().map(of_latent).collect()
    }

    /// By finite differences of the integer decoder around a few of the codes.
    fn sensitivities(&self) -> Vec<f64> {
        let (latent, features) = (self.decoder.latent(), self.decoder.features());
        let samples = self.codes.len() / latent;
        let points: Vec<usize> = (0..samples).step_by(samples.div_ceil(POINTS)).collect();
        let scale = f64::from(self.fraction).exp2();
        let plan = Plan { units: vec![1; latent], ..self.plan_of(latent, 1.0, Residual::None) };
        let unit = self.decoder.unit();
        let of_latent = |index: usize| {
            let change = ((0.25 * self.spread[index].max(1e-6) * scale) as i32).max(1);
            let mut moved = Vec::new();
            for &point in &points {
                for by in [-change, change] {
                    let code = &self.codes[point * latent..(point + 1) * latent];
                    let start = moved.len();
                    moved.extend(code.iter().map(|&code| (f64::from(code) * scale).round() as i32));
                    moved[start + index] = moved[start + index].saturating_add(by);
                }
            }
            let mut predicted = vec![0i64; 2 * points.len() * features];
            self.decoder.predict(&moved, &plan.steps(), &mut predicted);
            let mut squares = 0.0;
            for pair in predicted.chunks_exact(2 * features) {
                let (low, high) = pair.split_at(features);
                for ((&low, &high), scale) in low.iter().zip(high).zip(self.feature_scales()) {
                    squares += ((high - low) as f64 * unit / scale).powi(2);
                }
            }
            (squares / (features * points.len()) as f64).sqrt() / (2.0 * f64::from(change) / scale)
        };
        (0..latent).into_par_iter().map(of_latent).collect()
    }

    /// A plan with this many latents. With all of them, their steps move predictions by `error` (root mean square, times √12), in
    /// the scales of the parts.
    fn plan_of(&self, active: usize, error: f64, residual: Residual) -> Plan {
        let units = self.units(active, error);
        let parts = self.scales.len();
        let missing = self.missing.clone();
        Plan { active, units, fraction: self.fraction, coefficients: [0; 4], residual, parts, missing }
    }

    fn units(&self, active: usize, error: f64) -> Vec<i32> {
        let latents = self.sensitivity.len() as f64;
        let unit = |sensitivity: f64| {
            let step = error / (sensitivity.max(1e-30) * latents.sqrt());
            (step * f64::from(self.fraction).exp2()).round().clamp(1.0, (1 << 30) as f64) as i32
        };
        // The latents of a linear model are alike up to the scaling of features: one step for all says as much in less space.
        if self.is_linear() {
            let mean = self.sensitivity.iter().map(|s| s * s).sum::<f64>() / latents;
            return vec![unit(mean.sqrt()); active];
        }
        self.sensitivity.iter().take(active).map(|&sensitivity| unit(sensitivity)).collect()
    }

    /// A plan with steps of this error. A linear model's last latents are left out as far as their codes would be 0.
    fn plan(&self, error: f64, residual: &Residual) -> Plan {
        let latent = self.decoder.latent();
        let units = self.units(latent, error);
        let is_worth = |index: &usize| {
            let step = f64::from(units[*index]) * f64::from(-self.fraction).exp2();
            !self.is_linear() || self.spread[*index] >= WORTH * step
        };
        let active = (0..latent).rev().find(is_worth).map_or(0, |last| last + 1);
        self.plan_of(active, error, residual.clone())
    }

    fn cost(&self, plan: &Plan) -> f64 {
        self.values.cost(self.decoder, plan, &mut plan.quantise(&self.codes, self.decoder.latent()))
    }

    /// Mean squared error of what decodes, over the finite values, in the scales of the parts.
    fn error(&self, plan: &Plan) -> f64 {
        let codes = &mut plan.quantise(&self.codes, self.decoder.latent());
        self.values.error(self.decoder, plan, codes, &self.scales)
    }

    /// The cheapest of the plans tried for a residual that leaves an error of about `step`.
    fn cheapest(&self, step: f64, residual: &Residual) -> Plan {
        let plan = |fineness: usize| self.plan(FINENESS[fineness] * step, residual);
        let mut tried: [Option<f64>; FINENESS.len()] = [None; FINENESS.len()];
        let mut next = vec![2, 4, 6];
        let mut best = 4;
        while !next.is_empty() {
            let costs: Vec<f64> = next.par_iter().map(|&fineness| self.cost(&plan(fineness))).collect();
            next.iter().zip(costs).for_each(|(&fineness, cost)| tried[fineness] = Some(cost));
            let cost = |fineness: usize| tried[fineness].unwrap_or(f64::INFINITY);
            best = (0..FINENESS.len())
                .fold(best, |best, fineness| if cost(fineness) < cost(best) { fineness } else { best });
            let around = best.saturating_sub(1)..(best + 2).min(FINENESS.len());
            next = around.filter(|&fineness| tried[fineness].is_none()).collect();
        }
        let plain = plan(best);
        let mut plans = vec![self.plan_of(0, 1.0, residual.clone())];
        if let Residual::Deviations(quantisers) = residual {
            plans.push(Plan { coefficients: self.coefficients(&plain, quantisers), ..plain.clone() });
        }
        let costs: Vec<f64> = plans.par_iter().map(|plan| self.cost(plan)).collect();
        let mut least = tried[best].unwrap_or(f64::INFINITY);
        let mut chosen = plain;
        for (plan, cost) in plans.into_iter().zip(costs) {
            if cost < GAIN * least {
                (chosen, least) = (plan, cost);
            }
        }
        chosen
    }

    /// What deviations are of their neighbours', by least squares.
    fn coefficients(&self, plan: &Plan, quantisers: &[Quantiser]) -> Coefficients {
        let features = self.decoder.features();
        let size = features / quantisers.len();
        let geometry = plan.geometry(&self.decoder.shape);
        let (pixel, row) = (geometry.pixel, geometry.row);
        let codes = plan.quantise(&self.codes, self.decoder.latent());
        let mut integers = vec![0; self.codes.len() / self.decoder.latent() * features];
        self.decoder.predict(&codes, &plan.steps(), &mut integers);
        let predictions: Vec<f64> = integers.iter().map(|&integer| integer as f64 * self.decoder.unit()).collect();
        let deviations = self.values.deviations(quantisers, size, &predictions);
        let (mut products, mut targets) = ([[0.0f64; 4]; 4], [0.0f64; 4]);
        for deviations in deviations.chunks_exact(size) {
            for (index, own) in deviations.iter().enumerate().skip(row) {
                let column = index % row;
                if column < pixel || column + pixel >= row {
                    continue;
                }
                let around = [pixel, row, row + pixel, row - pixel].map(|back| deviations[index - back]);
                for (a, &first) in around.iter().enumerate() {
                    targets[a] += first * own;
                    around.iter().enumerate().for_each(|(b, &second)| products[a][b] += first * second);
                }
            }
        }
        solve(products, targets).map(|value| (64.0 * value).round().clamp(-127.0, 127.0) as i8)
    }

    /// A plan without anything beside the codes.
    fn codes_only(&self, error: f64) -> Plan {
        self.plan_of(self.decoder.latent(), error, Residual::None)
    }

    /// The same with what is no value beside them, where there is or could be such.
    fn codes_and_missing(&self, error: f64, extents: &[Extent]) -> Plan {
        let is_any = self.missing.iter().any(Missing::is_any) || extents.iter().any(|extent| !extent.all_finite);
        let residual = Residual::Deviations(vec![Quantiser::ANYTHING; extents.len()]);
        if is_any { self.plan_of(self.decoder.latent(), error, residual) } else { self.codes_only(error) }
    }

    /// The plan for a promise about data of these extents, one for each part of a sample.
    pub(crate) fn plan_for(&mut self, promise: &Promise, extents: &[Extent]) -> Plan {
        let bytes = self.element == ElementType::U8;
        let mut quantisers = Vec::new();
        if let Promise::Within(bounds) = promise
            && !bytes
        {
            let quantiser = |(&bound, extent)| quantiser_for(self.element, bound, extent);
            quantisers = bounds.iter().zip(extents).map(quantiser).collect();
            let size = |quantiser: &Quantiser| match quantiser {
                Quantiser::Steps { step, .. } => *step,
                Quantiser::Exact => 1.0,
            };
            self.scales = quantisers.iter().map(size).collect();
        }
        self.sensitivity = if self.is_linear() { self.linear_sensitivities() } else { self.sensitivities() };
        match promise {
            Promise::Exact if bytes => self.cheapest(8.0, &Residual::Levels(Grid { step: 1 })),
            Promise::Exact => {
                let error = self.error(&self.codes_only(1e-9)).sqrt();
                self.cheapest(error.max(1e-9), &Residual::Deviations(vec![Quantiser::Exact; extents.len()]))
            }
            Promise::Within(bounds) if bytes => {
                let bound = bounds.iter().fold(127.0f64, |least, bound| least.min(*bound));
                let step = (2.0 * bound.floor() + 1.0).max(1.0);
                self.cheapest(step.max(8.0), &Residual::Levels(Grid { step: step as u8 }))
            }
            Promise::Within(_) => self.cheapest(1.0, &Residual::Deviations(quantisers)),
            Promise::Nothing => {
                let unquantised = self.error(&self.codes_only(1e-9));
                let found = coarsest(1.02 * unquantised, &|error| self.error(&self.codes_only(error)));
                self.codes_and_missing(found.unwrap_or(1e-9), extents)
            }
            Promise::MeanSquared { target, .. } => self.mean_squared(*target, extents),
        }
    }

    /// The plan for a mean squared error: only codes where they reach it, otherwise the coarsest steps that do.
    fn mean_squared(&self, target: f64, extents: &[Extent]) -> Plan {
        let aim = 0.985 * target;
        if extents.iter().all(|extent| extent.all_finite)
            && let Some(error) = coarsest(aim, &|error| self.error(&self.codes_only(error)))
        {
            return self.codes_and_missing(error, extents);
        }
        if self.element == ElementType::U8 {
            let step = (1..=254)
                .rev()
                .find(|&step| self.values.rounding_error(Grid { step }) <= aim * self.scales[0].powi(2))
                .unwrap_or(1);
            return self.cheapest(f64::from(step).max(8.0) / self.scales[0], &Residual::Levels(Grid { step }));
        }
        let steps = |step: f64| {
            let quantiser = |&scale: &f64| Quantiser::Steps { step: step * scale, bound: HALF * step * scale };
            Residual::Deviations(self.scales.iter().map(quantiser).collect())
        };
        let start = (12.0 * target).sqrt();
        let error = |step: f64| self.error(&self.plan_of(self.decoder.latent(), 0.25 * step, steps(step)));
        let step = [4.0, 3.0, 2.0, 1.5, 1.2, 1.1, 1.05]
            .into_iter()
            .map(|factor| factor * start)
            .find(|&step| error(step) <= aim)
            .unwrap_or(0.99 * start);
        self.cheapest(step, &steps(step))
    }
}

/// Values of any type that plans are tried on. Only what must know their type is compiled for each.
trait Tried: Send + Sync {
    /// About the bits that they take.
    fn cost(&self, decoder: &FixedDecoder, plan: &Plan, codes: &mut [i32]) -> f64;
    /// Mean squared error of what decodes, over the values, each beside the scale of its part.
    fn error(&self, decoder: &FixedDecoder, plan: &Plan, codes: &mut [i32], scales: &[f64]) -> f64;
    /// Mean squared error of bytes that are rounded to a grid.
    fn rounding_error(&self, grid: Grid) -> f64;
    /// Deviations from predictions; each part of a sample, of this size, has its quantiser.
    fn deviations(&self, quantisers: &[Quantiser], size: usize, predictions: &[f64]) -> Vec<f64>;
}

impl<T: Element> Tried for Vec<T> {
    fn cost(&self, decoder: &FixedDecoder, plan: &Plan, codes: &mut [i32]) -> f64 {
        estimate(decoder, plan, codes, &mut self.clone())
    }

    fn error(&self, decoder: &FixedDecoder, plan: &Plan, codes: &mut [i32], scales: &[f64]) -> f64 {
        let mut decoded = self.clone();
        estimate(decoder, plan, codes, &mut decoded);
        let (mut sum, mut count) = (0.0, 0usize);
        let size = decoder.features() / scales.len();
        let of_all = Missing::default();
        for (number, (values, decoded)) in self.chunks(size).zip(decoded.chunks(size)).enumerate() {
            let part = number % scales.len();
            let missing = plan.missing.get(part).unwrap_or(&of_all);
            for (&value, decoded) in values.iter().zip(decoded).filter(|(value, _)| missing.is_value(**value)) {
                sum += ((value.to_f64() - decoded.to_f64()) / scales[part]).powi(2);
                count += 1;
            }
        }
        sum / count.max(1) as f64
    }

    fn rounding_error(&self, grid: Grid) -> f64 {
        let error = |value: &T| (value.to_f64() - f64::from(grid.rounded(value.to_bits() as u8))).powi(2);
        self.iter().map(error).sum::<f64>() / self.len().max(1) as f64
    }

    fn deviations(&self, quantisers: &[Quantiser], size: usize, predictions: &[f64]) -> Vec<f64> {
        let parts = self.chunks_exact(size).zip(predictions.chunks_exact(size)).zip(quantisers.iter().cycle());
        let deviation = |quantiser: &Quantiser, value: T, prediction: f64| {
            let deviation = quantiser.quantise(value, prediction);
            deviation.map_or(0.0, |(deviation, _)| (deviation as f64).clamp(-1e6, 1e6))
        };
        let of_part = |((values, predictions), quantiser): ((&[T], &[f64]), &Quantiser)| {
            let pairs = values.iter().zip(predictions);
            pairs.map(|(&value, &prediction)| deviation(quantiser, value, prediction)).collect::<Vec<_>>()
        };
        parts.flat_map(of_part).collect()
    }
}

/// Solves 4 normal equations; a singular system gives 0.
fn solve(mut matrix: [[f64; 4]; 4], mut right: [f64; 4]) -> [f64; 4] {
    for (index, row) in matrix.iter_mut().enumerate() {
        row[index] *= 1.0 + 1e-6;
    }
    for column in 0..4 {
        if matrix[column][column].abs() < 1e-9 {
            return [0.0; 4];
        }
        for row in 0..4 {
            if row != column {
                let factor = matrix[row][column] / matrix[column][column];
                let pivot = matrix[column];
                matrix[row].iter_mut().zip(pivot).for_each(|(value, pivot)| *value -= factor * pivot);
                right[row] -= factor * right[column];
            }
        }
    }
    std::array::from_fn(|index| right[index] / matrix[index][index])
}

/// The largest error allowed to steps of latents for which `measure` stays within `target`, to 3 %; none where no step does.
fn coarsest(target: f64, measure: &dyn Fn(f64) -> f64) -> Option<f64> {
    let mut error = (12.0 * target).sqrt().max(1e-12);
    let mut tries = 0;
    while measure(error) > target {
        error /= 1.5;
        tries += 1;
        if tries > 24 {
            return None;
        }
    }
    for factor in [1.25, 1.12, 1.06, 1.03] {
        if measure(error * factor) <= target {
            error *= factor;
        }
    }
    Some(error)
}

/// Steps of twice the bound, less what rounding to the type may add; bit for bit where there is no room for steps.
pub(crate) fn quantiser_for(element: ElementType, bound: f64, extent: &Extent) -> Quantiser {
    // Steps must be finite, and no type reaches as far.
    let bound = bound.min(f64::MAX / 4.0);
    let Some(digits) = element.digits() else {
        let bound = bound.floor().min(f64::exp2(8.0 * element.bytes() as f64));
        return if bound < 1.0 { Quantiser::Exact } else { Quantiser::Steps { step: 2.0 * bound + 1.0, bound } };
    };
    let largest = extent.min.abs().max(extent.max.abs());
    let rounding = largest * f64::exp2(-f64::from(digits));
    let step = if rounding < 0.25 * bound { 2.0 * (bound - rounding) } else { 2.0 * bound };
    if step > 0.0 && step.is_finite() { Quantiser::Steps { step, bound } } else { Quantiser::Exact }
}
