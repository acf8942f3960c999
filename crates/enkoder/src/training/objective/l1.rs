//! A sparse code: Σ|h|.

use super::Term;

#[derive(Debug)]
pub(super) struct L1 {
    pub(super) weight: f32,
}

impl Term for L1 {
    fn add_error(&self, code: &[f32], rows: usize, _: &[f64], _: &[&mut [f32]], error: &mut [f32]) -> f64 {
        let scale = self.weight / rows as f32;
        let mut sum = 0.0;
        for (error, &h) in error.iter_mut().zip(code) {
            if h != 0.0 {
                *error += scale.copysign(h);
            }
            sum += f64::from(h.abs());
        }
        f64::from(self.weight) * sum
    }
}
