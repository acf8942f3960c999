//! Adam (Kingma & Ba 2015, algorithm 1) with decoupled weight decay (AdamW: Loshchilov & Hutter 2019) on a range of the flat
//! parameters, which takes its gradient from memory or straight from the registers in which it was summed.

use serde::{Deserialize, Serialize};

use crate::network::products::Receiver;
use crate::network::vectorised::{Simd, WithSimd, vectors_mut, with_vectors};

/// The optimiser's settings. The learning rate is the schedule's highest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    /// Highest learning rate. Default 0.004.
    pub learning_rate: f32,
    /// Decay of the first moment. Default 0.9.
    pub beta1: f32,
    /// Decay of the second moment. Default 0.999.
    pub beta2: f32,
    /// Added to the root of the second moment. Default 10⁻⁷.
    pub epsilon: f32,
    /// Fraction, times the learning rate, by which weights (not biases) shrink in each step. Default 0.
    pub weight_decay: f32,
}

impl Default for Adam {
    fn default() -> Self {
        Self { learning_rate: 4e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.0 }
    }
}

/// The numbers of one step, the same for all parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamStep {
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    /// Learning rate over 1 − β₁ᵗ.
    rate: f32,
    /// 1 over 1 − β₂ᵗ.
    second_correction: f32,
    /// What is left of a weight after decay.
    keep: f32,
}

impl Adam {
    /// Step number `step`, counted from 1, at this learning rate.
    pub(crate) fn step(&self, step: u64, learning_rate: f32) -> AdamStep {
        let correction = |beta: f32| 1.0 - f64::from(beta).powf(step as f64);
        AdamStep {
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
            rate: (f64::from(learning_rate) / correction(self.beta1)) as f32,
            second_correction: (1.0 / correction(self.beta2)) as f32,
            keep: 1.0 - learning_rate * self.weight_decay,
        }
    }
}

impl AdamStep {
    /// The update of these parameters and their two moments, to be given their gradient. Weights decay, biases do not.
    pub(crate) fn update<'a>(
        self,
        parameters: &'a mut [f32],
        first: &'a mut [f32],
        second: &'a mut [f32],
        decay: bool,
    ) -> Update<'a> {
        Update { step: self, keep: if decay { self.keep } else { 1.0 }, parameters, first, second }
    }
}

/// Parameters and their moments, which change as they receive their gradient.
pub(crate) struct Update<'a> {
    step: AdamStep,
    keep: f32,
    parameters: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl Update<'_> {
    /// Changes all parameters by a gradient from memory, each of its numbers times `scale` (which clips it).
    pub(crate) fn apply(self, gradient: &[f32], scale: f32) {
        with_vectors(Whole { update: self, gradient, scale });
    }
}

impl Receiver for Update<'_> {
    #[inline(always)]
    fn receive<S: Simd, const N: usize>(&mut self, simd: S, at: usize, gradient: [S::f32s; N]) {
        let parameters = vectors_mut::<S, N>(&mut self.parameters[at..]);
        let first = vectors_mut::<S, N>(&mut self.first[at..]);
        let second = vectors_mut::<S, N>(&mut self.second[at..]);
        for (index, gradient) in gradient.into_iter().enumerate() {
            let before = [parameters[index], first[index], second[index]];
            [parameters[index], first[index], second[index]] = self.step.vector(simd, self.keep, before, gradient);
        }
    }

    #[inline(always)]
    fn receive_part<S: Simd>(&mut self, simd: S, at: usize, length: usize, gradient: S::f32s) {
        let range = at..at + length;
        let [parameters, first, second] =
            [&mut *self.parameters, self.first, self.second].map(|slice| &mut slice[range.clone()]);
        let before = [&*parameters, first, second].map(|slice| simd.partial_load_f32s(slice));
        let after = self.step.vector(simd, self.keep, before, gradient);
        for (slice, after) in [parameters, first, second].into_iter().zip(after) {
            simd.partial_store_f32s(slice, after);
        }
    }
}

impl AdamStep {
    /// A vector of parameters and of their two moments after the step.
    #[inline(always)]
    fn vector<S: Simd>(&self, simd: S, keep: f32, [p, m, v]: [S::f32s; 3], gradient: S::f32s) -> [S::f32s; 3] {
        let Self { beta1, beta2, epsilon, rate, second_correction, .. } = *self;
        let blend = |beta: f32, old: S::f32s, new: S::f32s| {
            simd.mul_add_f32s(simd.splat_f32s(beta), simd.sub_f32s(old, new), new)
        };
        let m = blend(beta1, m, gradient);
        let v = blend(beta2, v, simd.mul_f32s(gradient, gradient));
        let root = simd.sqrt_f32s(simd.mul_f32s(v, simd.splat_f32s(second_correction)));
        let step = simd.div_f32s(m, simd.add_f32s(root, simd.splat_f32s(epsilon)));
        let kept = simd.mul_f32s(simd.splat_f32s(keep), p);
        [simd.mul_add_f32s(simd.splat_f32s(-rate), step, kept), m, v]
    }
}

struct Whole<'a> {
    update: Update<'a>,
    gradient: &'a [f32],
    scale: f32,
}

impl WithSimd for Whole<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let scale = simd.splat_f32s(self.scale);
        let (whole, rest) = S::as_simd_f32s(self.gradient);
        for (index, &gradient) in whole.iter().enumerate() {
            self.update.receive(simd, index * S::F32_LANES, [simd.mul_f32s(scale, gradient)]);
        }
        if !rest.is_empty() {
            let gradient = simd.mul_f32s(scale, simd.partial_load_f32s(rest));
            self.update.receive_part(simd, whole.len() * S::F32_LANES, rest.len(), gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Algorithm 1 of the paper, word for word, in f64.
    fn by_the_paper(adam: Adam, start: f64, gradients: &[f64]) -> f64 {
        let (alpha, beta1, beta2) = (f64::from(adam.learning_rate), f64::from(adam.beta1), f64::from(adam.beta2));
        let (mut theta, mut m, mut v) = (start, 0.0, 0.0);
        for (index, &g) in gradients.iter().enumerate() {
            let t = (index + 1) as i32;
            m = beta1 * m + (1.0 - beta1) * g;
            v = beta2 * v + (1.0 - beta2) * g * g;
            let (m_hat, v_hat) = (m / (1.0 - beta1.powi(t)), v / (1.0 - beta2.powi(t)));
            theta -= alpha * f64::from(adam.weight_decay) * theta;
            theta -= alpha * m_hat / (v_hat.sqrt() + f64::from(adam.epsilon));
        }
        theta
    }

    #[test]
    fn a_hundred_steps_follow_the_paper() {
        for weight_decay in [0.0, 0.1] {
            let adam = Adam { learning_rate: 0.01, weight_decay, ..Adam::default() };
            let gradients: Vec<f64> = (0..100).map(|i| (f64::from(i) * 0.37).sin() + 0.2).collect();
            let (mut theta, mut m, mut v) = ([0.5f32], [0.0], [0.0]);
            for (index, &g) in gradients.iter().enumerate() {
                let step = adam.step(index as u64 + 1, adam.learning_rate);
                step.update(&mut theta, &mut m, &mut v, true).apply(&[g as f32], 1.0);
            }
            let expected = by_the_paper(adam, 0.5, &gradients);
            assert!((f64::from(theta[0]) - expected).abs() < 1e-5, "{} against {expected}", theta[0]);
        }
    }

    #[test]
    fn the_first_step_has_the_length_of_the_learning_rate() {
        let adam = Adam::default();
        let (mut theta, mut m, mut v) = ([1.0f32, 1.0], [0.0; 2], [0.0; 2]);
        adam.step(1, 0.5).update(&mut theta, &mut m, &mut v, false).apply(&[3.0, -0.001], 1.0);
        assert!((theta[0] - 0.5).abs() < 1e-3 && (theta[1] - 1.5).abs() < 1e-3, "{theta:?}");
    }
}
