//! Losses: how far a reconstruction is from its target, averaged over features and samples. One pass over the output layer
//! applies the activation, sums the loss and leaves the error that goes backward.

use std::ops::Range;

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

/// What is asked for: these columns of rows of `width` values. A NaN asks for nothing.
#[derive(Clone, Debug)]
pub(crate) struct Targets<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) width: usize,
    pub(crate) columns: Range<usize>,
}

impl<'a> Targets<'a> {
    /// All columns.
    pub(crate) fn whole(values: &'a [f32], width: usize) -> Self {
        Self { values, width, columns: 0..width }
    }
}

impl Loss {
    /// Replaces `output`, rows of the output layer before its activation, by the error there, `scale` · ∂loss/∂z, and returns the loss
    /// summed over all values. Where a target is NaN, nothing is asked for.
    pub(crate) fn output_pass(
        self,
        activation: Activation,
        targets: Targets<'_>,
        output: &mut [f32],
        scale: f32,
    ) -> f64 {
        match self {
            Self::MeanSquared => with_distance(Squared, activation, targets, output, scale),
            Self::MeanAbsolute => with_distance(Absolute, activation, targets, output, scale),
            Self::Huber { delta } => with_distance(HuberDistance(delta), activation, targets, output, scale),
            // The derivatives of the logarithms cancel the sigmoid's slope; taken apart they would overflow.
            Self::BinaryCrossEntropy => sum_rows(
                targets,
                output,
                #[inline(always)]
                move |z, t| [softplus(z) - t * z, scale * (sigmoid(z) - t)],
            ),
        }
    }
}

fn with_distance(
    distance: impl Distance,
    activation: Activation,
    targets: Targets<'_>,
    output: &mut [f32],
    scale: f32,
) -> f64 {
    with_function!(activation, F => sum_rows(targets, output, #[inline(always)] move |z, t| {
        let y = F::value(z);
        [distance.value(y, t), scale * distance.derivative(y, t) * F::slope(z, y)]
    }))
}

/// Values that pass at a time. Their losses lie in memory between two loops, because a loop that also sums would not be vectorised.
/// For the same reason `pass` owns its numbers: behind a reference they might change with every error that is written.
const TOGETHER: usize = 64 * LANES;

/// Calls `pass` on every output and its target, sums what it returns first where the target is known (not NaN), each row in `LANES`
/// partial sums of f32, the rows in f64, and puts what it returns second in the output's place. Elsewhere the error is 0.
#[inline(always)]
fn sum_rows(targets: Targets<'_>, output: &mut [f32], pass: impl Fn(f32, f32) -> [f32; 2]) -> f64 {
    vectorised(
        #[inline(always)]
        move || {
            let mut total = 0.0;
            let mut losses = [0.0; TOGETHER];
            let rows = output.chunks_exact_mut(targets.columns.len()).zip(targets.values.chunks_exact(targets.width));
            for (output, target) in rows {
                let target = &target[targets.columns.clone()];
                let mut partial = [0.0f32; LANES];
                for (output, target) in output.chunks_mut(TOGETHER).zip(target.chunks(TOGETHER)) {
                    for ((output, &target), loss) in output.iter_mut().zip(target).zip(&mut losses) {
                        let known = !target.is_nan();
                        let [value, error] = pass(*output, target);
                        *loss = if known { value } else { 0.0 };
                        *output = if known { error } else { 0.0 };
                    }
                    let whole = target.len().next_multiple_of(LANES);
                    losses[target.len()..whole].fill(0.0);
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
                let pass = |z: &[f32]| {
                    let mut error = z.to_vec();
                    (loss.output_pass(activation, Targets::whole(&target, 37), &mut error, 1.0), error)
                };
                let sum = |z: &[f32]| pass(z).0;
                let delta = pass(&z).1;
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
                let mut delta = z.clone();
                let targets = Targets::whole(&target, features);
                let sum = loss.output_pass(Activation::Sigmoid, targets, &mut delta, 1.0);
                let mut expected = 0.0;
                for ((&z, &target), &delta) in z.iter().zip(&target).zip(&delta) {
                    let mut alone = [z];
                    let value = loss.output_pass(Activation::Sigmoid, Targets::whole(&[target], 1), &mut alone, 1.0);
                    expected += if target.is_nan() { 0.0 } else { value };
                    assert_eq!(delta, if target.is_nan() { 0.0 } else { alone[0] }, "{loss:?}, {features} features");
                }
                assert!((sum - expected).abs() < 1e-5 * expected, "{loss:?}: {sum} against {expected}");
            }
        }
    }

    #[test]
    fn a_target_can_be_some_columns_of_wider_rows() {
        let wide: Vec<f32> = (0..30).map(|i| (i as f32 * 0.3).cos()).collect();
        let narrow: Vec<f32> = wide.chunks(10).flat_map(|row| &row[3..7]).copied().collect();
        let z: Vec<f32> = (0..12).map(|i| (i as f32 * 0.7).sin()).collect();
        let pass = |targets| {
            let mut error = z.clone();
            (Loss::MeanSquared.output_pass(Activation::Tanh, targets, &mut error, 0.5), error)
        };
        assert_eq!(pass(Targets { values: &wide, width: 10, columns: 3..7 }), pass(Targets::whole(&narrow, 4)));
    }

    #[test]
    fn losses_have_their_known_values() {
        let value = |loss: Loss, z: f32, t: f32| {
            let activation = if loss == Loss::BinaryCrossEntropy { Activation::Sigmoid } else { Activation::Linear };
            loss.output_pass(activation, Targets::whole(&[t], 1), &mut [z], 1.0)
        };
        assert_eq!(value(Loss::MeanSquared, 3.0, 1.0), 4.0);
        assert_eq!(value(Loss::MeanAbsolute, 3.0, 1.0), 2.0);
        assert_eq!(value(Loss::Huber { delta: 1.0 }, 3.0, 1.0), 1.5);
        assert_eq!(value(Loss::Huber { delta: 1.0 }, 1.5, 1.0), 0.125);
        assert!((value(Loss::BinaryCrossEntropy, 0.0, 1.0) - std::f64::consts::LN_2).abs() < 1e-6);
        assert!(value(Loss::BinaryCrossEntropy, 500.0, 0.0).is_finite());
    }
}
