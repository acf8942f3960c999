//! The dense layer: every output is a weighted sum of all inputs. Its weights lie as `inputs × outputs`.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Operation, Plan, Reach, Specification, not_zero, values_of};
use crate::network::activation::Activation;
use crate::network::products;

/// Every output is a weighted sum of all inputs plus a bias, then the activation. An image is taken as one row of values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// The number of outputs.
    pub units: usize,
    /// The function applied to each output.
    #[serde(default)]
    pub activation: Activation,
}

impl Specification for Dense {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        let units = self.units;
        not_zero(&[("units", units)])?;
        let weight = ("weight", vec![values_of(inputs[0]), units]);
        Ok(Plan { output_shape: vec![units], tensors: vec![weight, ("bias", vec![units])] })
    }

    fn operation(&self, inputs: &[&[usize]], _: &[usize]) -> Arc<dyn Operation> {
        Arc::new(DenseProduct::new(values_of(inputs[0]), self.units))
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn activation_mut(&mut self) -> Option<&mut Activation> {
        Some(&mut self.activation)
    }

    fn reach(&self) -> Reach {
        Reach::Everything
    }
}

/// x·W + b, with W of `inputs × outputs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DenseProduct {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// The inputs whose errors are asked for on the way back.
    pub(crate) wanted: Range<usize>,
}

impl DenseProduct {
    pub(crate) fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, wanted: 0..inputs }
    }
}

impl Operation for DenseProduct {
    fn work(&self) -> usize {
        self.inputs * self.outputs
    }

    fn forward(&self, Forward { parameters, leak, x, y, .. }: Forward<'_>) {
        products::affine(x[0], parameters.weight, parameters.bias, leak, y);
    }

    fn backward(&self, Backward { parameters, error, errors: [dx, _], .. }: Backward<'_>) {
        if !dx.is_empty() {
            let weight = &parameters.weight[self.wanted.start * self.outputs..self.wanted.end * self.outputs];
            products::rows_times_rows(error, weight, self.outputs, dx);
        }
    }

    fn fans(&self) -> Option<[f32; 2]> {
        Some([self.inputs as f32, self.outputs as f32])
    }

    fn rectifies(&self) -> bool {
        true
    }

    fn dense(&self) -> Option<&DenseProduct> {
        Some(self)
    }

    fn matrix(&self) -> (usize, usize) {
        (self.inputs, self.outputs)
    }
}
