//! Two images as one of the channels of both: the skip connection of U-shaped networks (Ronneberger, Fischer & Brox 2015).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Operation, Plan, Specification, image};

/// The channels of the layer before, followed by those of an earlier layer of the same height and width.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concat {
    /// The earlier layer: `encoder.2`, `decoder.0`, or `input` for the sample itself.
    pub from: String,
}

impl Specification for Concat {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        let ((height, width, own), (rows, columns, others)) = (image(inputs[0])?, image(inputs[1])?);
        if (height, width) != (rows, columns) {
            let from = &self.from;
            return Err(format!("puts {rows}×{columns} pixels of {from} beside {height}×{width}"));
        }
        Ok(Plan { output_shape: vec![height, width, own.saturating_add(others)], tensors: vec![] })
    }

    fn operation(&self, inputs: &[&[usize]], output: &[usize]) -> Arc<dyn Operation> {
        let channels = |shape: &[usize]| shape.get(2).copied().unwrap_or(1);
        Arc::new(Channels { each: [channels(inputs[0]), channels(inputs[1])], pixels: output[0] * output[1] })
    }

    fn other(&self) -> Option<&str> {
        Some(&self.from)
    }
}

#[derive(Debug)]
struct Channels {
    each: [usize; 2],
    pixels: usize,
}

impl Operation for Channels {
    fn work(&self) -> usize {
        self.pixels * (self.each[0] + self.each[1])
    }

    fn forward(&self, Forward { x: [a, b], y, .. }: Forward<'_>) {
        let [first, second] = self.each;
        let pixels = y.chunks_exact_mut(first + second).zip(a.chunks_exact(first)).zip(b.chunks_exact(second));
        for ((y, a), b) in pixels {
            y[..first].copy_from_slice(a);
            y[first..].copy_from_slice(b);
        }
    }

    fn backward(&self, Backward { error, errors: [a, b], .. }: Backward<'_>) {
        let [first, second] = self.each;
        for (error, a) in error.chunks_exact(first + second).zip(a.chunks_exact_mut(first)) {
            a.copy_from_slice(&error[..first]);
        }
        for (error, b) in error.chunks_exact(first + second).zip(b.chunks_exact_mut(second)) {
            b.copy_from_slice(&error[first..]);
        }
    }
}
