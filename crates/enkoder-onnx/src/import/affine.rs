//! Constants that are added to values and multiplied with them: biases, normalisations that an exporter took apart, the scaling of samples.

use enkoder::layers::BatchNorm;
use enkoder::{Activation, LayerSpec};

use super::chain::Chain;
use super::layers::EPSILON;
use super::refused;
use crate::error::ImportError;
use crate::evaluation;
use crate::proto::NodeProto;
use crate::tensor::Tensor;

impl Chain {
    /// The number of a constant for each channel of what there is, over which it is repeated.
    fn by_channel(&self, node: &NodeProto, constant: &Tensor, places: &Tensor) -> Result<Vec<f32>, ImportError> {
        let channels = self.shape().last().copied().unwrap_or(0);
        let wrong = || refused(node, format!("has numbers of {:?} for {channels} channels", constant.shape));
        let (values, found) = (constant.as_floats().ok_or_else(wrong)?, places.as_integers().unwrap_or_default());
        let from = evaluation::repeated(&places.shape, &constant.shape).ok_or_else(wrong)?;
        let mut by_channel = vec![None; channels];
        for (&place, from) in found.iter().zip(from) {
            let known = by_channel[place as usize % channels].get_or_insert(values[from]);
            if known.to_bits() != values[from].to_bits() {
                return Err(wrong());
            }
        }
        Ok(by_channel.into_iter().map(|value| value.unwrap_or(0.0)).collect())
    }

    /// Multiplies the channels of what there is, then adds to them: in the weights and biases of the last layer, or in a layer that does it.
    fn scale_and_shift(&mut self, scales: &[f32], shifts: &[f32]) {
        let last = self.layers.last_mut().filter(|_| !self.kept);
        let linear = last.filter(|layer| layer.spec.activation() == Activation::Linear);
        let layer = linear.filter(|layer| {
            matches!(layer.spec, LayerSpec::Dense(_) | LayerSpec::Convolution(_) | LayerSpec::TransposedConvolution(_))
        });
        let Some(layer) = layer else {
            self.channels_of_row();
            let shape = self.shape().to_vec();
            let scales = scales.iter().map(|scale| scale * (1.0 + EPSILON).sqrt()).collect();
            let parts = [scales, shifts.to_vec(), vec![0.0; shifts.len()], vec![1.0; shifts.len()]];
            self.push(BatchNorm { activation: Activation::Linear }, parts.concat(), shape);
            return;
        };
        // What there was before has no counterpart here.
        layer.names.clear();
        for channels in layer.tensors.chunks_exact_mut(scales.len()) {
            channels.iter_mut().zip(scales).for_each(|(to, scale)| *to *= scale);
        }
        let biases = layer.tensors.len() - shifts.len();
        layer.tensors[biases..].iter_mut().zip(shifts).for_each(|(to, shift)| *to += shift);
    }

    pub(super) fn add_bias(&mut self, node: &NodeProto, bias: &Tensor, places: &Tensor) -> Result<(), ImportError> {
        let shifts = self.by_channel(node, bias, places)?;
        self.scale_and_shift(&vec![1.0; shifts.len()], &shifts);
        Ok(())
    }

    /// A factor or a bias for each channel; or, before the first layer, how a sample is scaled.
    pub(super) fn arithmetic(
        &mut self,
        node: &NodeProto,
        constants: &[Option<&Tensor>],
        places: &Tensor,
    ) -> Result<(), ImportError> {
        let (constant, value_first) = match *constants {
            [None, Some(constant)] => (constant, true),
            [Some(constant), None] => (constant, false),
            _ => return Err(refused(node, "joins other than a value and a constant")),
        };
        let operator = node.op_type();
        if !value_first && matches!(operator, "Sub" | "Div") {
            return Err(refused(node, "takes a value from a constant, or divides by it"));
        }
        if !self.layers.is_empty() {
            let values = self.by_channel(node, constant, places)?;
            let all = |value: f32| vec![value; values.len()];
            match operator {
                "Add" => self.scale_and_shift(&all(1.0), &values),
                "Sub" => self.scale_and_shift(&all(1.0), &values.iter().map(|value| -value).collect::<Vec<_>>()),
                "Mul" => self.scale_and_shift(&values, &all(0.0)),
                _ => self.scale_and_shift(&values.iter().map(|value| 1.0 / value).collect::<Vec<_>>(), &all(0.0)),
            }
            return Ok(());
        }
        let number = constant.as_floats().filter(|values| values.len() == 1).map(|values| values[0]);
        let Some(number) = number else {
            return Err(refused(node, "scales the input by other than one number for all"));
        };
        self.input_names.clear();
        // (x − offset) · scale, and then one operation more.
        match operator {
            "Add" => self.offset -= number / self.scale,
            "Sub" => self.offset += number / self.scale,
            "Mul" => self.scale *= number,
            _ => self.scale /= number,
        }
        Ok(())
    }
}
