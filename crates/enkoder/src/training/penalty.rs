//! Penalties on the code: what an autoencoder is held to beside copying its input.

use serde::{Deserialize, Serialize};

use crate::network::vectorised::vectorised;

/// A penalty added to the loss; `weight` times the quantity named.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Penalty {
    /// Σⱼ|hⱼ| over the code h, mean over samples: a sparse code.
    L1 {
        /// Factor of the penalty.
        weight: f32,
    },
    /// Σⱼ KL(target ‖ mean of hⱼ over the batch) for a sigmoid code: each code number is near 1 for a fraction `target` of
    /// the samples (Ng 2011, CS294A lecture notes, section 3).
    KullbackLeibler {
        /// Factor of the penalty.
        weight: f32,
        /// Wanted mean activation, between 0 and 1.
        target: f32,
    },
    /// ‖∂h/∂x‖² (Frobenius), mean over samples: a code that moves little when the sample does (Rifai et al. 2011). Estimated
    /// without bias as ‖(∂h/∂x)·u‖² with one normal u a sample (Hutchinson 1990), and differentiated exactly, so that it
    /// works for encoders of any depth.
    Contractive {
        /// Factor of the penalty.
        weight: f32,
    },
}

impl Penalty {
    /// The factor of the penalty.
    pub fn weight(&self) -> f32 {
        match *self {
            Self::L1 { weight } | Self::KullbackLeibler { weight, .. } | Self::Contractive { weight } => weight,
        }
    }
}

/// Adds the L1 penalty's derivative to `delta` and returns Σ|h| over all values. `scale` is weight over samples.
pub(crate) fn l1(code: &[f32], delta: &mut [f32], scale: f32) -> f64 {
    let mut sum = 0.0;
    for (delta, &h) in delta.iter_mut().zip(code) {
        if h != 0.0 {
            *delta += scale.copysign(h);
        }
        sum += f64::from(h.abs());
    }
    sum
}

/// Adds the derivative of `scale` · Σ(h − known)² to `delta` and returns that sum without `scale`.
pub(crate) fn distance(code: &[f32], known: &[f32], delta: &mut [f32], scale: f32) -> f64 {
    let mut sum = 0.0;
    for ((delta, &h), &known) in delta.iter_mut().zip(code).zip(known) {
        *delta += 2.0 * scale * (h - known);
        sum += f64::from(h - known) * f64::from(h - known);
    }
    sum
}

/// Σⱼ KL(target ‖ meanⱼ), with its derivative by each mean written in the mean's place.
pub(crate) fn kullback_leibler(target: f32, means: &mut [f64]) -> f64 {
    let target = f64::from(target);
    let mut sum = 0.0;
    for mean in means {
        // A saturated code would give infinities; its derivative is as good as that of one just beside it.
        let m = mean.clamp(1e-6, 1.0 - 1e-6);
        sum += target * (target / m).ln() + (1.0 - target) * ((1.0 - target) / (1.0 - m)).ln();
        *mean = (1.0 - target) / (1.0 - m) - target / m;
    }
    sum
}

/// Adds a row of numbers to every row of `delta`.
pub(crate) fn add_to_rows(row: &[f32], delta: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || {
            for delta in delta.chunks_exact_mut(row.len()) {
                for (delta, push) in delta.iter_mut().zip(row) {
                    *delta += push;
                }
            }
        },
    );
}
