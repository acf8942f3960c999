//! Batch normalisation (Ioffe & Szegedy 2015) over the last axis: each channel to mean 0 and deviation 1, then times a scale, plus a
//! shift. In training the statistics are those of the rows that are passed together; their running means serve afterwards.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Operation, Parameters, Plan, Specification, grown, image};
use crate::network::activation::Activation;
use crate::network::vectorised::vectorised;

/// Added to a variance before its root.
const EPSILON: f32 = 1e-5;

/// Each channel brought to mean 0 and standard deviation 1, then scaled and shifted (Ioffe & Szegedy 2015), then the activation. In
/// training mean and deviation are those of the samples that are computed together (a shard of the batch: Hoffer et al. 2017 call it
/// ghost batch normalisation); afterwards their running means, folded into the layer before where that is linear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// The function applied to each output.
    #[serde(default)]
    pub activation: Activation,
}

impl Specification for BatchNorm {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        let (height, width, channels) = image(inputs[0])?;
        let tensors = ["scale", "shift", "mean", "variance"].map(|name| (name, vec![channels])).to_vec();
        Ok(Plan { output_shape: vec![height, width, channels], tensors })
    }

    fn operation(&self, _: &[&[usize]], output: &[usize]) -> Arc<dyn Operation> {
        Arc::new(Normalisation { pixels: output[0] * output[1], channels: output[2] })
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn activation_mut(&mut self) -> Option<&mut Activation> {
        Some(&mut self.activation)
    }
}

/// Parameters of each channel: scale, shift, and as statistics the running mean and variance.
#[derive(Debug)]
struct Normalisation {
    pixels: usize,
    channels: usize,
}

impl Normalisation {
    /// Means and (population) variances of the channels of these rows.
    fn measure(&self, x: &[f32], statistics: &mut [f32], sums: &mut Vec<f64>) {
        let (mean, variance) = statistics.split_at_mut(self.channels);
        let count = (x.len() / self.channels) as f64;
        sums.clear();
        sums.resize(self.channels, 0.0);
        vectorised(
            #[inline(always)]
            || {
                for pixel in x.chunks_exact(self.channels) {
                    sums.iter_mut().zip(pixel).for_each(|(sum, &x)| *sum += f64::from(x));
                }
            },
        );
        for (mean, sum) in mean.iter_mut().zip(sums.iter_mut()) {
            *mean = (*sum / count) as f32;
            *sum = 0.0;
        }
        vectorised(
            #[inline(always)]
            || {
                for pixel in x.chunks_exact(self.channels) {
                    for ((sum, &x), &mean) in sums.iter_mut().zip(pixel).zip(&*mean) {
                        let centred = f64::from(x) - f64::from(mean);
                        *sum += centred * centred;
                    }
                }
            },
        );
        variance.iter_mut().zip(sums).for_each(|(variance, sum)| *variance = (*sum / count) as f32);
    }
}

/// The layer with given statistics, means before variances, as a factor and an offset for each channel.
fn affine(scale: &[f32], shift: &[f32], statistics: &[f32], factor: &mut [f32], offset: &mut [f32]) {
    let (mean, variance) = statistics.split_at(scale.len());
    for (channel, (factor, offset)) in factor.iter_mut().zip(offset).enumerate() {
        *factor = scale[channel] / (variance[channel] + EPSILON).sqrt();
        *offset = shift[channel] - mean[channel] * *factor;
    }
}

impl Operation for Normalisation {
    fn work(&self) -> usize {
        self.pixels * self.channels
    }

    /// y ← scale · (x − mean) / √(variance + ε) + shift.
    fn forward(&self, Forward { parameters, measured, x: [x, _], y, work, .. }: Forward<'_>) {
        let statistics = if measured.is_empty() {
            parameters.statistics
        } else {
            self.measure(x, measured, &mut work.sums);
            measured
        };
        let (factor, offset) = grown(&mut work.first, 2 * self.channels).split_at_mut(self.channels);
        affine(parameters.weight, parameters.bias, statistics, factor, offset);
        let pixels = x.chunks_exact(self.channels).zip(y.chunks_exact_mut(self.channels));
        vectorised(
            #[inline(always)]
            || {
                for (x, y) in pixels {
                    for (((y, &x), &factor), &offset) in y.iter_mut().zip(x).zip(&*factor).zip(&*offset) {
                        *y = x.mul_add(factor, offset);
                    }
                }
            },
        );
    }

    /// For statistics that were measured on `x`, which therefore depend on it.
    fn backward(&self, call: Backward<'_>) {
        let Backward { parameters, measured, x: [x, _], error, errors: [dx, _], gradient, work, .. } = call;
        let [scale_gradient, shift_gradient] = gradient;
        let channels = self.channels;
        let scale = &parameters.weight[..channels];
        let (mean, variance) = measured.split_at(channels);
        let (inverse, rest) = grown(&mut work.first, 3 * channels).split_at_mut(channels);
        let (along, sums) = rest.split_at_mut(channels);
        inverse.iter_mut().zip(variance).for_each(|(inverse, variance)| *inverse = 1.0 / (variance + EPSILON).sqrt());
        along.fill(0.0);
        sums.fill(0.0);
        let count = (x.len() / channels) as f32;
        vectorised(
            #[inline(always)]
            || {
                for (x, error) in x.chunks_exact(channels).zip(error.chunks_exact(channels)) {
                    for channel in 0..channels {
                        let centred = (x[channel] - mean[channel]) * inverse[channel];
                        along[channel] += error[channel] * centred;
                        sums[channel] += error[channel];
                    }
                }
            },
        );
        for channel in 0..channels {
            scale_gradient[channel] += along[channel];
            shift_gradient[channel] += sums[channel];
            along[channel] /= count;
            sums[channel] /= count;
        }
        let pixels = x.chunks_exact(channels).zip(error.chunks_exact(channels));
        let pixels = pixels.zip(dx.chunks_exact_mut(channels));
        vectorised(
            #[inline(always)]
            || {
                for ((x, error), dx) in pixels {
                    for channel in 0..channels {
                        let centred = (x[channel] - mean[channel]) * inverse[channel];
                        let error = error[channel] - sums[channel] - centred * along[channel];
                        dx[channel] = scale[channel] * inverse[channel] * error;
                    }
                }
            },
        );
    }

    /// It changes nothing but mean and deviation.
    fn initialise(&self, scale: &mut [f32], shift: &mut [f32], statistics: &mut [f32]) {
        let (mean, variance) = statistics.split_at_mut(self.channels);
        scale.fill(1.0);
        shift.fill(0.0);
        mean.fill(0.0);
        variance.fill(1.0);
    }

    fn decays(&self) -> bool {
        false
    }

    fn affine(&self, Parameters { weight, bias, statistics }: Parameters<'_>) -> Option<(Vec<f32>, Vec<f32>)> {
        let (mut factor, mut offset) = (vec![0.0; self.channels], vec![0.0; self.channels]);
        affine(weight, bias, statistics, &mut factor, &mut offset);
        Some((factor, offset))
    }

    fn matrix(&self) -> (usize, usize) {
        (1, self.channels)
    }
}
