//! The input less what the layers make of it: the end of a residual network (Zhang et al. 2017, DnCNN).

use super::{Backward, Forward, Operation};
use crate::network::vectorised::vectorised;

/// The other value less the one before.
#[derive(Debug)]
pub(crate) struct Subtract {
    pub(crate) values: usize,
}

impl Operation for Subtract {
    fn work(&self) -> usize {
        self.values
    }

    fn forward(&self, Forward { x: [noise, sample], y, .. }: Forward<'_>) {
        vectorised(
            #[inline(always)]
            || y.iter_mut().zip(sample).zip(noise).for_each(|((y, sample), noise)| *y = sample - noise),
        );
    }

    fn backward(&self, Backward { error, errors: [noise, sample], .. }: Backward<'_>) {
        noise.iter_mut().zip(error).for_each(|(noise, error)| *noise = -error);
        if !sample.is_empty() {
            sample.copy_from_slice(error);
        }
    }
}
