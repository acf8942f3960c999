//! Losses: how far a reconstruction is from its target, averaged over features and samples. One pass over the output layer
//! applies the activation, sums the loss and leaves the error that goes backward.

use serde::{Deserialize, Serialize};

use crate::network::Activation;
use crate::network::activation::{Function, with_function};
use crate::network::elementary::{sigmoid, softplus};
use crate::network::vectorised::{LANES, sum_lanes, vectorised};

/// What training minimises; always the mean over features and samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Loss {
    /// (y − t)².
    #[default]
    MeanSquared,
    /// |y − t|.
    MeanAbsolute,
    /// (y − t)²/2 up to |y − t| = delta, delta·(|y − t| − delta/2) beyond (Huber 1964).
    Huber {
        /// Where the square becomes a line.
        delta: f32,
    },
    /// −t·ln y − (1 − t)·ln(1 − y), for targets in 0..1 and a sigmoid output.
    BinaryCrossEntropy,
}

/// One loss's mathematics: its value and its derivative by y, for output y and target t.
trait Distance: Copy {
    fn value(self, y: f32, t: f32) -> f32;
    fn derivative(self, y: f32, t: f32) -> f32;
}

#[derive(Clone, Copy)]
struct Squared;
#[derive(Clone, Copy)]
struct Absolute;
#[derive(Clone, Copy)]
struct HuberDistance(f32);

impl Distance for Squared {
    #[inline(always)]
    fn value(self, y: f32, t: f32) -> f32 {
        (y - t) * (y - t)
    }
    #[inline(always)]
    fn derivative(self, y: f32, t: f32) -> f32 {
        2.0 * (y - t)
    }
}

impl Distance for Absolute {
    #[inline(always)]
    fn value(self, y: f32, t: f32) -> f32 {
        (y - t).abs()
    }
    #[inline(always)]
    fn derivative(self, y: f32, t: f32) -> f32 {
        if y > t {
            1.0
        } else if y < t {
            -1.0
        } else {
            0.0
        }
    }
}

impl Distance for HuberDistance {
    #[inline(always)]
    fn value(self, y: f32, t: f32) -> f32 {
        let distance = (y - t).abs();
        if distance <= self.0 { 0.5 * distance * distance } else { self.0 * (distance - 0.5 * self.0) }
    }
    #[inline(always)]
    fn derivative(self, y: f32, t: f32) -> f32 {
        (y - t).clamp(-self.0, self.0)
    }
}

impl Loss {
    /// Writes into `delta` the error before the output activation, `scale` · ∂loss/∂z, and returns the loss summed over all
    /// values. `z` is the output layer before its activation; all slices are rows of `features` values. Where a target is NaN, nothing
    /// is asked for.
    pub(crate) fn output_pass(
        self,
        activation: Activation,
        features: usize,
        z: &[f32],
        target: &[f32],
        delta: &mut [f32],
        scale: f32,
    ) -> f64 {
        match self {
            Self::MeanSquared => with_distance(Squared, activation, features, z, target, delta, scale),
            Self::MeanAbsolute => with_distance(Absolute, activation, features, z, target, delta, scale),
            Self::Huber { delta: bend } => {
                with_distance(HuberDistance(bend), activation, features, z, target, delta, scale)
            }
            // The derivatives of the logarithms cancel the sigmoid's slope; taken apart they would overflow.
            Self::BinaryCrossEntropy => sum_rows(
                features,
                z,
                target,
                delta,
                #[inline(always)]
                |z, t, delta| {
                    *delta = scale * (sigmoid(z) - t);
                    softplus(z) - t * z
                },
            ),
        }
    }
}

fn with_distance(
    distance: impl Distance,
    activation: Activation,
    features: usize,
    z: &[f32],
    target: &[f32],
    delta: &mut [f32],
    scale: f32,
) -> f64 {
    with_function!(activation, F => sum_rows(features, z, target, delta, #[inline(always)] |z, t, delta| {
        let y = F::value(z);
        *delta = scale * distance.derivative(y, t) * F::slope(z, y);
        distance.value(y, t)
    }))
}

/// Calls `pass` on every value whose target is known (not NaN) and sums what it returns: each row in `LANES` partial sums of f32, the rows in f64.
#[inline(always)]
fn sum_rows(
    features: usize,
    z: &[f32],
    target: &[f32],
    delta: &mut [f32],
    pass: impl Fn(f32, f32, &mut f32) -> f32,
) -> f64 {
    vectorised(
        #[inline(always)]
        || {
            let mut total = 0.0;
            let rows = z.chunks_exact(features).zip(target.chunks_exact(features));
            for ((z, target), delta) in rows.zip(delta.chunks_exact_mut(features)) {
                let mut partial = [0.0f32; LANES];
                let (z_blocks, z_rest) = z.as_chunks::<LANES>();
                let (target_blocks, target_rest) = target.as_chunks::<LANES>();
                let (delta_blocks, delta_rest) = delta.as_chunks_mut::<LANES>();
                for ((z, target), delta) in z_blocks.iter().zip(target_blocks).zip(delta_blocks) {
                    for lane in 0..LANES {
                        partial[lane] += where_known(&pass, z[lane], target[lane], &mut delta[lane]);
                    }
                }
                for (lane, ((&z, &target), delta)) in z_rest.iter().zip(target_rest).zip(delta_rest).enumerate() {
                    partial[lane] += where_known(&pass, z, target, delta);
                }
                total += f64::from(sum_lanes(partial));
            }
            total
        },
    )
}

#[inline(always)]
fn where_known(pass: &impl Fn(f32, f32, &mut f32) -> f32, z: f32, target: f32, delta: &mut f32) -> f32 {
    let loss = pass(z, target, delta);
    *delta = if target.is_nan() { 0.0 } else { *delta };
    if target.is_nan() { 0.0 } else { loss }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSSES: [Loss; 4] =
        [Loss::MeanSquared, Loss::MeanAbsolute, Loss::Huber { delta: 0.4 }, Loss::BinaryCrossEntropy];

    #[test]
    fn the_error_is_the_derivative_of_the_loss_for_every_output_activation() {
        let z: Vec<f32> = (0..37).map(|i| (i as f32 * 0.71 + 0.4).sin() * 2.0).collect();
        let target: Vec<f32> = (0..37).map(|i| 0.5 + 0.45 * (i as f32 * 1.3).cos()).collect();
        for loss in LOSSES {
            for activation in Activation::ALL {
                if loss == Loss::BinaryCrossEntropy && activation != Activation::Sigmoid {
                    continue;
                }
                let sum = |z: &[f32]| loss.output_pass(activation, 37, z, &target, &mut [0.0; 37], 1.0);
                let mut delta = [0.0; 37];
                loss.output_pass(activation, 37, &z, &target, &mut delta, 1.0);
                for i in 0..37 {
                    let h = 2e-3;
                    let (mut up, mut down) = (z.clone(), z.clone());
                    up[i] += h;
                    down[i] -= h;
                    let difference = (sum(&up) - sum(&down)) / (f64::from(up[i]) - f64::from(down[i]));
                    assert!(
                        (difference - f64::from(delta[i])).abs() < 6e-3,
                        "{loss:?} {activation} at {i}: {difference} against {}",
                        delta[i]
                    );
                }
            }
        }
    }

    #[test]
    fn losses_have_their_known_values() {
        let value = |loss: Loss, z: f32, t: f32| {
            let activation = if loss == Loss::BinaryCrossEntropy { Activation::Sigmoid } else { Activation::Linear };
            loss.output_pass(activation, 1, &[z], &[t], &mut [0.0], 1.0)
        };
        assert_eq!(value(Loss::MeanSquared, 3.0, 1.0), 4.0);
        assert_eq!(value(Loss::MeanAbsolute, 3.0, 1.0), 2.0);
        assert_eq!(value(Loss::Huber { delta: 1.0 }, 3.0, 1.0), 1.5);
        assert_eq!(value(Loss::Huber { delta: 1.0 }, 1.5, 1.0), 0.125);
        assert!((value(Loss::BinaryCrossEntropy, 0.0, 1.0) - std::f64::consts::LN_2).abs() < 1e-6);
        assert!(value(Loss::BinaryCrossEntropy, 500.0, 0.0).is_finite());
    }
}
