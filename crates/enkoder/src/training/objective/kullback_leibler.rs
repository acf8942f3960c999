//! A code whose numbers are each near 1 for a given fraction of the samples: Σⱼ KL(target ‖ meanⱼ over the batch).

use super::Term;
use crate::network::vectorised::vectorised;

#[derive(Debug)]
pub(super) struct KullbackLeibler {
    pub(super) weight: f32,
    pub(super) target: f32,
}

impl Term for KullbackLeibler {
    fn gathers(&self) -> bool {
        true
    }

    /// Leaves the derivative by each mean in the mean's place.
    fn gather(&self, means: &mut [f64]) -> f64 {
        let (weight, target) = (f64::from(self.weight), f64::from(self.target));
        let mut sum = 0.0;
        for mean in means {
            // A saturated code would give infinities; its derivative is as good as that of one just beside it.
            let m = mean.clamp(1e-6, 1.0 - 1e-6);
            sum += target * (target / m).ln() + (1.0 - target) * ((1.0 - target) / (1.0 - m)).ln();
            *mean = weight * ((1.0 - target) / (1.0 - m) - target / m);
        }
        weight * sum
    }

    fn add_error(&self, _: &[f32], rows: usize, gathered: &[f64], _: &[&mut [f32]], error: &mut [f32]) -> f64 {
        let push: Vec<f32> = gathered.iter().map(|slope| (slope / rows as f64) as f32).collect();
        vectorised(
            #[inline(always)]
            || {
                for error in error.chunks_exact_mut(push.len()) {
                    error.iter_mut().zip(&push).for_each(|(error, push)| *error += push);
                }
            },
        );
        0.0
    }
}
