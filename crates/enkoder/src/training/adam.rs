//! Adam (Kingma & Ba 2015, algorithm 1) with decoupled weight decay (AdamW: Loshchilov & Hutter 2019), one pass over a range of
//! the flat parameters.

use serde::{Deserialize, Serialize};

use crate::network::vectorised::vectorised;

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
    /// Changes `parameters` and their two moments by the gradient, each of its numbers times `scale` (which clips it).
    pub(crate) fn apply(
        &self,
        parameters: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
        gradient: &[f32],
        scale: f32,
        decay: bool,
    ) {
        let Self { beta1, beta2, epsilon, rate, second_correction, .. } = *self;
        let keep = if decay { self.keep } else { 1.0 };
        vectorised(
            #[inline(always)]
            || {
                let moments = first.iter_mut().zip(second.iter_mut());
                for ((parameter, (m, v)), &g) in parameters.iter_mut().zip(moments).zip(gradient) {
                    let g = g * scale;
                    let square = g * g;
                    *m = beta1.mul_add(*m - g, g);
                    *v = beta2.mul_add(*v - square, square);
                    let step = *m / ((*v * second_correction).sqrt() + epsilon);
                    *parameter = rate.mul_add(-step, keep * *parameter);
                }
            },
        );
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
                step.apply(&mut theta, &mut m, &mut v, &[g as f32], 1.0, true);
            }
            let expected = by_the_paper(adam, 0.5, &gradients);
            assert!((f64::from(theta[0]) - expected).abs() < 1e-5, "{} against {expected}", theta[0]);
        }
    }

    #[test]
    fn the_first_step_has_the_length_of_the_learning_rate() {
        let adam = Adam::default();
        let (mut theta, mut m, mut v) = ([1.0f32, 1.0], [0.0; 2], [0.0; 2]);
        adam.step(1, 0.5).apply(&mut theta, &mut m, &mut v, &[3.0, -0.001], 1.0, false);
        assert!((theta[0] - 0.5).abs() < 1e-3 && (theta[1] - 1.5).abs() < 1e-3, "{theta:?}");
    }
}
