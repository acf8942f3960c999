//! The sum of two values: a skip connection (He et al. 2016, "Deep residual learning").

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Operation, Plan, Specification, image_shape, is_linear, linear, values_of};
use crate::network::activation::Activation;
use crate::network::architecture::Shape;
use crate::network::vectorised::vectorised;

/// The output of the layer before plus that of an earlier layer of the same shape, then the activation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The earlier layer: `encoder.2`, `decoder.0`, or `input` for the sample itself.
    pub from: String,
    /// The function applied to each sum. Default linear.
    #[serde(default = "linear", skip_serializing_if = "is_linear")]
    pub activation: Activation,
}

impl Specification for Add {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        let [found, expected] = [inputs[1], inputs[0]];
        // Height × width is one channel.
        let images = image_shape(inputs[0]).is_some() && image_shape(inputs[0]) == image_shape(inputs[1]);
        if found != expected && !images {
            return Err(format!("adds {} of {} to {}", Shape(found), self.from, Shape(expected)));
        }
        Ok(Plan { output_shape: expected.to_vec(), tensors: vec![] })
    }

    fn operation(&self, _: &[&[usize]], output: &[usize]) -> Arc<dyn Operation> {
        Arc::new(Sum { values: values_of(output) })
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn activation_mut(&mut self) -> Option<&mut Activation> {
        Some(&mut self.activation)
    }

    fn other(&self) -> Option<&str> {
        Some(&self.from)
    }
}

#[derive(Debug)]
struct Sum {
    values: usize,
}

impl Operation for Sum {
    fn work(&self) -> usize {
        self.values
    }

    fn forward(&self, Forward { x: [a, b], y, .. }: Forward<'_>) {
        vectorised(
            #[inline(always)]
            || y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = a + b),
        );
    }

    fn backward(&self, Backward { error, errors, .. }: Backward<'_>) {
        for dx in errors.into_iter().filter(|dx| !dx.is_empty()) {
            dx.copy_from_slice(error);
        }
    }
}
