//! Codes that are known: |h − c|², a mean over the code's numbers.

use super::{ShardRows, Term};
use crate::network::Program;
use crate::training::batches::Samples;

#[derive(Debug)]
pub(super) struct KnownCodes {
    /// Numbers of a code.
    pub(super) width: usize,
}

impl Term for KnownCodes {
    /// The known codes.
    fn buffers(&self, _: &Program) -> Vec<usize> {
        vec![self.width]
    }

    fn fill(&self, samples: &Samples<'_>, rows: ShardRows<'_>, buffers: &mut [&mut [f32]]) {
        if let Some(known) = samples.codes {
            known.fill(rows.order, buffers[0]);
        }
    }

    fn add_error(&self, code: &[f32], rows: usize, _: &[f64], buffers: &[&mut [f32]], error: &mut [f32]) -> f64 {
        let known = &*buffers[0];
        let scale = 1.0 / (rows * self.width) as f32;
        let mut sum = 0.0;
        for ((error, &h), &known) in error.iter_mut().zip(code).zip(known) {
            sum += f64::from(h - known) * f64::from(h - known);
            *error += 2.0 * scale * (h - known);
        }
        sum / self.width as f64
    }
}
