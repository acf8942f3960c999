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
#[non_exhaustive]
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
                move |z, t| [softplus(z) - t * z, scale * (sigmoid(z) - t)],
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
    with_function!(activation, F => sum_rows(features, z, target, delta, #[inline(always)] move |z, t| {
        let y = F::value(z);
        [distance.value(y, t), scale * distance.derivative(y, t) * F::slope(z, y)]
    }))
}

/// Values that pass at a time. Their losses lie in memory between two loops, because a loop that also sums would not be vectorised.
/// For the same reason `pass` owns its numbers: behind a reference they might change with every error that is written.
const TOGETHER: usize = 64 * LANES;

/// Calls `pass` on every value and sums what it returns where the target is known (not NaN): each row in `LANES` partial sums of
/// f32, the rows in f64. Elsewhere the error is 0.
#[inline(always)]
fn sum_rows(features: usize, z: &[f32], target: &[f32], delta: &mut [f32], pass: impl Fn(f32, f32) -> [f32; 2]) -> f64 {
    vectorised(
        #[inline(always)]
        move || {
            let mut total = 0.0;
            let mut losses = [0.0; TOGETHER];
            let rows = z.chunks_exact(features).zip(target.chunks_exact(features));
            for ((z, target), delta) in rows.zip(delta.chunks_exact_mut(features)) {
                let mut partial = [0.0f32; LANES];
                let chunks = z.chunks(TOGETHER).zip(target.chunks(TOGETHER)).zip(delta.chunks_mut(TOGETHER));
                for ((z, target), delta) in chunks {
                    for (((&z, &target), delta), loss) in z.iter().zip(target).zip(delta).zip(&mut losses) {
                        let known = !target.is_nan();
                        let [value, error] = pass(z, target);
                        *loss = if known { value } else { 0.0 };
                        *delta = if known { error } else { 0.0 };
                    }
                    let whole = z.len().next_multiple_of(LANES);
                    losses[z.len()..whole].fill(0.0);
                    for losses in losses[..whole].as_chunks::<LANES>().0 {
                        for lane in 0..LANES {
                            partial[lane] += losses[lane];
                        }
                    }
                }
                total += f64::from(sum_lanes(partial));
            }
            total
        },
    )
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
    fn missing_targets_add_no_loss_and_leave_no_error() {
        for features in [3, 37, 784, TOGETHER + 5] {
            let z: Vec<f32> = (0..2 * features).map(|i| (i as f32 * 0.71).sin()).collect();
            let mut target: Vec<f32> = z.iter().map(|z| 0.5 + 0.3 * z).collect();
            target.iter_mut().step_by(3).for_each(|target| *target = f32::NAN);
            for loss in LOSSES {
                let mut delta = vec![f32::NAN; z.len()];
                let sum = loss.output_pass(Activation::Sigmoid, features, &z, &target, &mut delta, 1.0);
                let mut expected = 0.0;
                for ((&z, &target), &delta) in z.iter().zip(&target).zip(&delta) {
                    let mut alone = [0.0];
                    if !target.is_nan() {
                        expected += loss.output_pass(Activation::Sigmoid, 1, &[z], &[target], &mut alone, 1.0);
                    }
                    assert_eq!(delta, alone[0], "{loss:?}, {features} features");
                }
                assert!((sum - expected).abs() < 1e-5 * expected, "{loss:?}: {sum} against {expected}");
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
