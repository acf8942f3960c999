//! How a file is coded: how many latents, how coarsely, and what of the neighbourhood is used, found by coding a few samples in
//! several ways. Nothing here is needed to decode.

use super::block::{Plan, Residual, estimate};
use super::bound::Bound;
use super::element::{Element, ElementType};
use super::encoder::CodeEncoder;
use super::fixed_point::FixedDecoder;
use super::levels::Grid;
use super::quantiser::Quantiser;
use super::residual::{Coefficients, Geometry};

/// What is known of all the data before a plan is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) all_finite: bool,
}

impl Extent {
    pub(crate) const NOTHING: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY, all_finite: true };

    pub(crate) fn add<T: Element>(&mut self, values: &[T]) {
        for &value in values {
            if value.is_finite() {
                let value = value.to_f64();
                self.min = self.min.min(value);
                self.max = self.max.max(value);
            } else {
                self.all_finite = false;
            }
        }
    }

    pub(crate) fn range(&self) -> f64 {
        self.max - self.min
    }
}

/// What the decoded data must satisfy, in the units of the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Promise {
    /// Every value within this.
    Within(f64),
    /// This mean squared error.
    MeanSquared(f64),
    /// Every bit.
    Exact,
    /// Nothing.
    Nothing,
}

impl Promise {
    /// What a bound means for data of this type and extent.
    pub(crate) fn of(bound: Bound, element: ElementType, extent: &Extent) -> Self {
        let within = |bound: f64| {
            if element.is_float() {
                Self::Within(bound)
            } else if bound < 1.0 {
                Self::Exact
            } else {
                Self::Within(bound.floor())
            }
        };
        match bound {
            Bound::Absolute(bound) => within(bound),
            Bound::Relative(fraction) => within(fraction * extent.range()),
            Bound::Psnr(decibels) => {
                let range = if element == ElementType::U8 { 255.0 } else { extent.range() };
                Self::MeanSquared(range * range / 10f64.powf(decibels / 10.0))
            }
            Bound::Lossless => Self::Exact,
            Bound::None => Self::Nothing,
        }
    }
}

/// Samples that plans are tried on.
pub(crate) struct Trial<'a, T> {
    pub(crate) decoder: &'a FixedDecoder,
    pub(crate) values: Vec<T>,
    /// Codes of the network's encoder.
    codes: Vec<f32>,
    /// For each latent, how far a prediction moves with it, as root mean square over the features.
    sensitivity: Vec<f64>,
    fraction: i32,
}

/// Fineness of latents' steps that are tried: their part in the error, beside the step of values.
const FINENESS: [f64; 9] = [2.0, 1.4, 1.0, 0.7, 0.5, 0.35, 0.25, 0.17, 0.1];
/// Parts of the latents of a linear model that are tried.
const PARTS: [f64; 8] = [1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.08, 0.0];

impl<'a, T: Element> Trial<'a, T> {
    pub(crate) fn new(decoder: &'a FixedDecoder, encoder: &CodeEncoder<'_>, values: Vec<T>) -> Self {
        let codes = encoder.encode(&values);
        let largest = codes.iter().fold(1e-30f32, |most, code| most.max(code.abs()));
        let fraction = (27 - f64::from(largest).log2().ceil() as i32).clamp(-60, 24);
        let mut trial = Self { decoder, values, codes, sensitivity: Vec::new(), fraction };
        trial.sensitivity = trial.sensitivities();
        trial
    }

    /// By finite differences of the integer decoder around a few of the codes.
    fn sensitivities(&self) -> Vec<f64> {
        let (latent, features) = (self.decoder.latent(), self.decoder.features());
        let samples = self.codes.len() / latent;
        let nonlinear = self.decoder.layers.len() > 1;
        let points: Vec<usize> = (0..samples).step_by((samples / if nonlinear { 16 } else { 1 }).max(1)).collect();
        let points = &points[..points.len().min(if nonlinear { 16 } else { 1 })];
        let mut spread = vec![0.0f64; latent];
        for code in self.codes.chunks_exact(latent) {
            spread.iter_mut().zip(code).for_each(|(spread, &code)| *spread += f64::from(code).powi(2));
        }
        let scale = f64::from(self.fraction).exp2();
        let plan = Plan { units: vec![1; latent], ..self.plan(latent, 1.0, Residual::None) };
        let unit = self.decoder.unit();
        let mut result = vec![0.0; latent];
        let (mut low, mut high) = (vec![0i64; features], vec![0i64; features]);
        for &point in points {
            let base: Vec<i32> = self.codes[point * latent..(point + 1) * latent]
                .iter()
                .map(|&code| (f64::from(code) * scale).round() as i32)
                .collect();
            for index in 0..latent {
                let deviation = (spread[index] / samples as f64).sqrt().max(1e-6) * 0.25;
                let change = ((deviation * scale) as i32).max(1);
                let moved = |by: i32| {
                    let mut code = base.clone();
                    code[index] = code[index].saturating_add(by);
                    code
                };
                self.decoder.predict(&moved(-change), &plan.steps(), &mut low);
                self.decoder.predict(&moved(change), &plan.steps(), &mut high);
                let squares: f64 = low.iter().zip(&high).map(|(low, high)| ((high - low) as f64 * unit).powi(2)).sum();
                let slope = (squares / features as f64) / (2.0 * f64::from(change) / scale).powi(2);
                result[index] += slope / points.len() as f64;
            }
        }
        result.into_iter().map(f64::sqrt).collect()
    }

    /// A plan with this many latents, whose steps move predictions by `error` (root mean square, all together, times √12).
    fn plan(&self, active: usize, error: f64, residual: Residual) -> Plan {
        let scale = f64::from(self.fraction).exp2();
        let unit = |sensitivity: f64| {
            let step = error / (sensitivity.max(1e-30) * (active as f64).sqrt());
            (step * scale).round().clamp(1.0, (1 << 30) as f64) as i32
        };
        let mut units: Vec<i32> = self.sensitivity.iter().take(active).map(|&sensitivity| unit(sensitivity)).collect();
        // The latents of a linear model are alike up to the scaling of features: one step for all says as much in less space.
        if self.decoder.layers.len() == 1 && !units.is_empty() {
            let mean = self.sensitivity[..active].iter().map(|s| s * s).sum::<f64>() / active as f64;
            units = vec![unit(mean.sqrt()); active];
        }
        Plan { active, units, fraction: self.fraction, coefficients: [0; 4], residual }
    }

    fn cost(&self, plan: &Plan) -> f64 {
        let mut codes = plan.quantise(&self.codes, self.decoder.latent());
        estimate(self.decoder, plan, &mut codes, &mut self.values.clone())
    }

    /// Mean squared error of what decodes, over the finite values.
    pub(crate) fn error(&self, plan: &Plan) -> f64 {
        let mut codes = plan.quantise(&self.codes, self.decoder.latent());
        let mut decoded = self.values.clone();
        estimate(self.decoder, plan, &mut codes, &mut decoded);
        let (mut sum, mut count) = (0.0, 0usize);
        for (value, decoded) in self.values.iter().zip(decoded).filter(|(value, _)| value.is_finite()) {
            sum += (value.to_f64() - decoded.to_f64()).powi(2);
            count += 1;
        }
        sum / count.max(1) as f64
    }

    /// The cheapest of the plans tried for a residual that leaves an error of about `step`.
    fn cheapest(&self, step: f64, residual: Residual) -> Plan {
        let latent = self.decoder.latent();
        let linear = self.decoder.layers.len() == 1;
        let plan = |active: usize, fineness: f64| self.plan(active, fineness * step, residual);
        let mut fineness = 4;
        let mut active = latent;
        let mut best = self.cost(&plan(active, FINENESS[fineness]));
        let refine = |active: usize, fineness: &mut usize, best: &mut f64| {
            for forward in [true, false] {
                loop {
                    let next = if forward { *fineness + 1 } else { fineness.wrapping_sub(1) };
                    let Some(&tried) = FINENESS.get(next) else { break };
                    let cost = self.cost(&plan(active, tried));
                    if cost >= *best {
                        break;
                    }
                    (*fineness, *best) = (next, cost);
                }
            }
        };
        refine(active, &mut fineness, &mut best);
        let parts = if linear { &PARTS[1..] } else { &PARTS[PARTS.len() - 1..] };
        for part in parts {
            let fewer = (latent as f64 * part).ceil() as usize;
            let cost = self.cost(&plan(fewer, FINENESS[fineness]));
            if cost < best {
                (active, best) = (fewer, cost);
            } else if linear && active < latent {
                break;
            }
        }
        if active > 0 && active < latent {
            refine(active, &mut fineness, &mut best);
        }
        let plain = plan(active, FINENESS[fineness]);
        let Residual::Deviations(quantiser) = residual else { return plain };
        let plan = Plan { coefficients: self.coefficients(&plain, quantiser), ..plain.clone() };
        if self.cost(&plan) < 0.995 * best { plan } else { plain }
    }

    /// What deviations are of their neighbours', by least squares.
    fn coefficients(&self, plan: &Plan, quantiser: Quantiser) -> Coefficients {
        let features = self.decoder.features();
        let Geometry { pixel, row } = Geometry::of(&self.decoder.shape);
        let codes = plan.quantise(&self.codes, self.decoder.latent());
        let mut integers = vec![0; features];
        let (mut products, mut targets) = ([[0.0f64; 4]; 4], [0.0f64; 4]);
        for (sample, values) in self.values.chunks_exact(features).enumerate() {
            let code = &codes[sample * plan.active..(sample + 1) * plan.active];
            self.decoder.predict(code, &plan.steps(), &mut integers);
            let deviation = |(value, integer): (&T, &i64)| {
                let deviation = quantiser.quantise(*value, *integer as f64 * self.decoder.unit());
                deviation.map_or(0.0, |(deviation, _)| (deviation as f64).clamp(-1e6, 1e6))
            };
            let deviations: Vec<f64> = values.iter().zip(&integers).map(deviation).collect();
            for (index, own) in deviations.iter().enumerate() {
                let column = index % row;
                if index < row || column < pixel || column + pixel >= row {
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

/// The plan for a promise.
pub(crate) fn plan<T: Element>(trial: &Trial<'_, T>, promise: Promise, extent: &Extent) -> Plan {
    let latent = trial.decoder.latent();
    let codes_only = |error: f64| trial.plan(latent, error, Residual::None);
    match promise {
        Promise::Exact if T::TYPE == ElementType::U8 => trial.cheapest(8.0, Residual::Levels(Grid { step: 1 })),
        Promise::Exact => {
            let exact = Residual::Deviations(Quantiser::Exact);
            let error = trial.error(&codes_only(1e-9)).sqrt();
            trial.cheapest(error.max(1e-9), exact)
        }
        Promise::Within(bound) if T::TYPE == ElementType::U8 => {
            let step = (2.0 * bound + 1.0).min(255.0);
            trial.cheapest(step.max(8.0), Residual::Levels(Grid { step: step as u8 }))
        }
        Promise::Within(bound) => {
            let step = step_for::<T>(bound, extent);
            trial.cheapest(step, Residual::Deviations(Quantiser::Steps { step, bound }))
        }
        Promise::Nothing => {
            let unquantised = trial.error(&codes_only(1e-9));
            coarsest(1.02 * unquantised, &|error| trial.error(&codes_only(error)))
                .map_or_else(|| codes_only(1e-9), codes_only)
        }
        Promise::MeanSquared(target) => mean_squared(trial, target, extent),
    }
}

/// The plan for a mean squared error: only codes where they reach it, otherwise the coarsest steps that do.
fn mean_squared<T: Element>(trial: &Trial<'_, T>, target: f64, extent: &Extent) -> Plan {
    let codes_only = |error: f64| trial.plan(trial.decoder.latent(), error, Residual::None);
    if extent.all_finite
        && let Some(error) = coarsest(0.985 * target, &|error| trial.error(&codes_only(error)))
    {
        return codes_only(error);
    }
    if T::TYPE == ElementType::U8 {
        let plan = |step: u8| Residual::Levels(Grid { step });
        let error = |step: u8| trial.error(&trial.plan(0, 1.0, plan(step)));
        let step = (1..=254).rev().find(|&step| error(step) <= 0.985 * target).unwrap_or(1);
        return trial.cheapest(f64::from(step).max(8.0), plan(step));
    }
    let steps = |step: f64| Residual::Deviations(Quantiser::Steps { step, bound: f64::INFINITY });
    let start = (12.0 * target).sqrt();
    let error = |step: f64| trial.error(&trial.plan(trial.decoder.latent(), 0.25 * step, steps(step)));
    let step = [4.0, 3.0, 2.0, 1.5, 1.2, 1.1, 1.05]
        .into_iter()
        .map(|factor| factor * start)
        .find(|&step| error(step) <= 0.985 * target)
        .unwrap_or(0.99 * start);
    trial.cheapest(step, steps(step))
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

/// Twice the bound, less what rounding to the type may add.
fn step_for<T: Element>(bound: f64, extent: &Extent) -> f64 {
    if !T::TYPE.is_float() {
        return 2.0 * bound + 1.0;
    }
    let largest = extent.min.abs().max(extent.max.abs());
    let digits = if T::TYPE == ElementType::F32 { 24.0 } else { 53.0 };
    let rounding = largest * f64::exp2(-digits);
    if rounding < 0.25 * bound { 2.0 * (bound - rounding) } else { 2.0 * bound }
}
