//! Batch normalisation (Ioffe & Szegedy 2015) over the last axis: each channel to mean 0 and deviation 1, then times a scale, plus a
//! shift. In training the statistics are those of the rows that are passed together; their running means serve afterwards.

use super::convolution::Gradient;
use super::vectorised::vectorised;

/// Added to a variance before its root.
const EPSILON: f32 = 1e-5;

/// Parameters of a layer of `channels`: scale, shift, and the running mean and variance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchNorm {
    pub(crate) channels: usize,
}

impl BatchNorm {
    /// y ← scale · (x − mean) / √(variance + ε) + shift with given statistics, means before variances.
    pub(crate) fn forward(&self, scale: &[f32], shift: &[f32], statistics: &[f32], x: &[f32], y: &mut [f32]) {
        let (factor, offset) = self.affine(scale, shift, statistics);
        let pixels = x.chunks_exact(self.channels).zip(y.chunks_exact_mut(self.channels));
        vectorised(
            #[inline(always)]
            || {
                for (x, y) in pixels {
                    for (((y, &x), &factor), &offset) in y.iter_mut().zip(x).zip(&factor).zip(&offset) {
                        *y = x.mul_add(factor, offset);
                    }
                }
            },
        );
    }

    /// The layer as a factor and an offset for each channel.
    pub(crate) fn affine(&self, scale: &[f32], shift: &[f32], statistics: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mean, variance) = statistics.split_at(self.channels);
        let factor: Vec<f32> = scale.iter().zip(variance).map(|(scale, v)| scale / (v + EPSILON).sqrt()).collect();
        let offset = shift.iter().zip(mean).zip(&factor).map(|((shift, mean), factor)| shift - mean * factor).collect();
        (factor, offset)
    }

    /// Means and (population) variances of the channels of these rows.
    pub(crate) fn measure(&self, x: &[f32], statistics: &mut [f32]) {
        let (mean, variance) = statistics.split_at_mut(self.channels);
        let count = (x.len() / self.channels) as f64;
        let mut sums = vec![0.0f64; self.channels];
        let mut add = |of: &mut dyn FnMut(usize, f32) -> f64| {
            sums.fill(0.0);
            for pixel in x.chunks_exact(self.channels) {
                for (channel, (sum, &x)) in sums.iter_mut().zip(pixel).enumerate() {
                    *sum += of(channel, x);
                }
            }
            sums.iter().map(|sum| (sum / count) as f32).collect::<Vec<_>>()
        };
        mean.copy_from_slice(&add(&mut |_, x| f64::from(x)));
        variance.copy_from_slice(&add(&mut |channel, x| {
            let centred = f64::from(x) - f64::from(mean[channel]);
            centred * centred
        }));
    }

    /// The errors of `x` into `dx`, and what is added to the gradients of scale and shift, for statistics that were measured on `x`.
    pub(crate) fn backward(
        &self,
        scale: &[f32],
        statistics: &[f32],
        x: &[f32],
        delta: &[f32],
        dx: &mut [f32],
        Gradient { weight: scale_gradient, bias: shift_gradient }: Gradient<'_>,
    ) {
        let (mean, variance) = statistics.split_at(self.channels);
        let inverse: Vec<f32> = variance.iter().map(|v| 1.0 / (v + EPSILON).sqrt()).collect();
        let (mut along, mut sums) = (vec![0.0f32; self.channels], vec![0.0f32; self.channels]);
        let count = (x.len() / self.channels) as f32;
        vectorised(
            #[inline(always)]
            || {
                for (x, delta) in x.chunks_exact(self.channels).zip(delta.chunks_exact(self.channels)) {
                    for channel in 0..self.channels {
                        let centred = (x[channel] - mean[channel]) * inverse[channel];
                        along[channel] += delta[channel] * centred;
                        sums[channel] += delta[channel];
                    }
                }
            },
        );
        for channel in 0..self.channels {
            scale_gradient[channel] += along[channel];
            shift_gradient[channel] += sums[channel];
            along[channel] /= count;
            sums[channel] /= count;
        }
        let pixels = x.chunks_exact(self.channels).zip(delta.chunks_exact(self.channels));
        let pixels = pixels.zip(dx.chunks_exact_mut(self.channels));
        vectorised(
            #[inline(always)]
            || {
                for ((x, delta), dx) in pixels {
                    for channel in 0..self.channels {
                        let centred = (x[channel] - mean[channel]) * inverse[channel];
                        let error = delta[channel] - sums[channel] - centred * along[channel];
                        dx[channel] = scale[channel] * inverse[channel] * error;
                    }
                }
            },
        );
    }
}
