//! Operators with a counterpart among the layers, and their weights in the order that these have.

use enkoder::layers::{
    AveragePool, BatchNorm, Convolution, Dense, MaxPool, PixelShuffle, TransposedConvolution, Upsample,
};
use enkoder::{Activation, LayerSpec, PerAxis};

use super::chain::Chain;
use super::refused;
use crate::error::{ImportError, OnnxError};
use crate::evaluation::{self, Call, Fault, Windows, name_of};
use crate::proto::NodeProto;
use crate::tensor::Tensor;

/// What a normalisation here adds to a variance before its root.
const EPSILON: f32 = 1e-5;

impl Chain {
    /// Adds the layer that a node is. Says where the numbers of its value have their places.
    pub(super) fn layer(
        &mut self,
        node: &NodeProto,
        constants: &[Option<&Tensor>],
        places: &Tensor,
    ) -> Result<Tensor, ImportError> {
        let call = Call::new(node, constants);
        let activation = match node.op_type() {
            "Relu" => Some(Activation::Relu),
            "Tanh" => Some(Activation::Tanh),
            "Sigmoid" => Some(Activation::Sigmoid),
            "LeakyRelu" => {
                let alpha = call.float("alpha", 0.01);
                if (alpha - 0.01).abs() > 1e-6 {
                    return Err(refused(node, format!("has the slope {alpha}, and only 0.01 is known here")));
                }
                Some(Activation::LeakyRelu)
            }
            "Elu" if call.float("alpha", 1.0) == 1.0 => Some(Activation::Elu),
            "Gelu" if call.text("approximate") == Some("tanh") => Some(Activation::Gelu),
            _ => None,
        };
        if let Some(activation) = activation {
            self.activate(activation);
            return Ok(places.clone());
        }
        match node.op_type() {
            "Gemm" => self.gemm(node, &call, places),
            "MatMul" => self.dense(node, places, weights(node, &call, 1)?, false),
            "Add" | "Sub" | "Mul" | "Div" => {
                self.arithmetic(node, constants)?;
                Ok(places.clone())
            }
            "Conv" => self.convolution(node, &call, places),
            "ConvTranspose" => self.transposed_convolution(node, &call, places),
            "MaxPool" | "AveragePool" => self.pool(node, &call, places),
            "Resize" => self.upsample(node, &call, places),
            "DepthToSpace" => self.pixel_shuffle(node, &call, places),
            "BatchNormalization" => {
                self.batch_normalization(node, &call, places)?;
                Ok(places.clone())
            }
            _ => Err(refused(node, "has no counterpart among the layers")),
        }
    }

    fn gemm(&mut self, node: &NodeProto, call: &Call<'_>, places: &Tensor) -> Result<Tensor, ImportError> {
        if call.int("transA", 0) != 0 || call.float("alpha", 1.0) != 1.0 || call.float("beta", 1.0) != 1.0 {
            return Err(refused(node, "turns its rows or has factors (alpha, beta)"));
        }
        let made = self.dense(node, places, weights(node, call, 1)?, call.int("transB", 0) != 0)?;
        if call.optional(2).is_some() {
            self.add_bias(node, weights(node, call, 2)?, 1.0)?;
        }
        Ok(made)
    }

    /// A dense layer without biases.
    fn dense(
        &mut self,
        node: &NodeProto,
        places: &Tensor,
        weight: &Tensor,
        turned: bool,
    ) -> Result<Tensor, ImportError> {
        let (&[_, inputs], &[first, second]) = (&places.shape[..], &weight.shape[..]) else {
            let reason = format!("multiplies a value of {:?} by weights of {:?}", places.shape, weight.shape);
            return Err(refused(node, reason));
        };
        let (rows, units) = if turned { (second, first) } else { (first, second) };
        let (Some(values), Some(found)) = (weight.as_floats(), places.as_integers()) else {
            return Err(refused(node, "has weights that are no numbers"));
        };
        if rows != inputs || units == 0 {
            return Err(refused(node, format!("multiplies rows of {inputs} by weights for {rows}")));
        }
        let mut tensors = vec![0.0; (inputs + 1) * units];
        for (at, &place) in found.iter().enumerate() {
            for unit in 0..units {
                tensors[place as usize * units + unit] =
                    values[if turned { unit * inputs + at } else { at * units + unit }];
            }
        }
        self.push(Dense { units, activation: Activation::Linear }, tensors, vec![units]);
        Ok(Tensor::integers([1, units], (0..units as i64).collect()))
    }

    /// Adds to the biases of the last layer, whose tensors they end.
    fn add_bias(&mut self, node: &NodeProto, bias: &Tensor, sign: f32) -> Result<(), ImportError> {
        let linear = self.layers.last_mut().filter(|layer| layer.spec.activation() == Activation::Linear);
        let layer = linear.filter(|layer| {
            matches!(layer.spec, LayerSpec::Dense(_) | LayerSpec::Convolution(_) | LayerSpec::TransposedConvolution(_))
        });
        let Some(layer) = layer else { return Err(refused(node, "adds numbers to what no layer makes")) };
        let channels = layer.shape.last().copied().unwrap_or(0);
        // Of an image channels first, of a row the only axis.
        let of_image = layer.shape.len() == 3;
        let lengths: Vec<usize> = bias.shape.iter().copied().filter(|&length| length != 1).collect();
        let axis_fits = !of_image
            || bias.len() == 1
            || bias.shape.len() >= 3 && bias.shape[bias.shape.len() - 3] == channels
            || node.op_type().starts_with("Conv");
        let values = bias
            .as_floats()
            .filter(|values| axis_fits && (values.len() == 1 || (values.len() == channels && lengths == [channels])));
        let Some(values) = values else {
            return Err(refused(node, format!("adds numbers of {:?} to {channels} channels", bias.shape)));
        };
        // What there was before the biases has no counterpart here.
        layer.names.clear();
        let start = layer.tensors.len() - channels;
        for (at, to) in layer.tensors[start..].iter_mut().enumerate() {
            *to += sign * values[at % values.len()];
        }
        Ok(())
    }

    /// A bias; or, before the first layer, how a sample is scaled.
    fn arithmetic(&mut self, node: &NodeProto, constants: &[Option<&Tensor>]) -> Result<(), ImportError> {
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
            return match operator {
                "Add" => self.add_bias(node, constant, 1.0),
                "Sub" => self.add_bias(node, constant, -1.0),
                _ => Err(refused(node, "multiplies what a layer makes")),
            };
        }
        let number = constant.as_floats().filter(|values| values.len() == 1).map(|values| values[0]);
        let Some(number) = number else {
            return Err(refused(node, "scales the input by other than one number for all"));
        };
        // (x − offset) · scale, and then one operation more.
        match operator {
            "Add" => self.offset -= number / self.scale,
            "Sub" => self.offset += number / self.scale,
            "Mul" => self.scale *= number,
            _ => self.scale /= number,
        }
        Ok(())
    }

    /// Weights there lie as out × in × kernel, here as kernel × in × out.
    fn convolution(&mut self, node: &NodeProto, call: &Call<'_>, places: &Tensor) -> Result<Tensor, ImportError> {
        let [height, width, inputs] = self.image(node, places)?;
        let weight = weights(node, call, 1)?;
        let (outputs, own, kernel) = kernel_of(node, weight)?;
        if own != inputs {
            return Err(refused(node, format!("has weights for {own} channels and gets {inputs}")));
        }
        let windows = flat(node, Windows::of(call, Some(kernel), Some([height, width])))?;
        let (larger, padding) = symmetric(&windows);
        let [down, across] = larger_kernel(node, kernel, larger, inputs * outputs)?;
        let mut tensors = vec![0.0; (down * across * inputs + 1) * outputs];
        let values = weight.as_floats().unwrap_or_default();
        for (at, &value) in values.iter().enumerate() {
            let (pixel, input) = (at % (kernel[0] * kernel[1]), at / (kernel[0] * kernel[1]) % inputs);
            let out = at / (kernel[0] * kernel[1] * inputs);
            let (row, column) = (pixel / kernel[1] + larger[0].0, pixel % kernel[1] + larger[1].0);
            tensors[((row * across + column) * inputs + input) * outputs + out] = value;
        }
        let [rows, columns] = [(height, down, 0), (width, across, 1)].map(|(length, kernel, axis)| {
            (length + 2 * padding[axis]).checked_sub(kernel).map_or(0, |room| room / windows.strides[axis] + 1)
        });
        let spec = Convolution {
            channels: outputs,
            kernel: [down, across].into(),
            stride: windows.strides.into(),
            padding: Some(padding.into()),
            activation: Activation::Linear,
        };
        self.push(spec, tensors, vec![rows, columns, outputs]);
        self.images_biased(node, call, places, [rows, columns, outputs])
    }

    /// Weights there lie as in × out × kernel, here as in × kernel × out.
    fn transposed_convolution(
        &mut self,
        node: &NodeProto,
        call: &Call<'_>,
        places: &Tensor,
    ) -> Result<Tensor, ImportError> {
        let [height, width, inputs] = self.image(node, places)?;
        let weight = weights(node, call, 1)?;
        let (own, outputs, kernel) = kernel_of(node, weight)?;
        if own != inputs {
            return Err(refused(node, format!("has weights for {own} channels and gets {inputs}")));
        }
        let windows = flat(node, Windows::transposed(call, kernel, [height, width]))?;
        let (larger, padding) = symmetric(&windows);
        let [down, across] = larger_kernel(node, kernel, larger, inputs * outputs)?;
        let mut tensors = vec![0.0; inputs * down * across * outputs + outputs];
        let values = weight.as_floats().unwrap_or_default();
        for (at, &value) in values.iter().enumerate() {
            let (pixel, out) = (at % (kernel[0] * kernel[1]), at / (kernel[0] * kernel[1]) % outputs);
            let input = at / (kernel[0] * kernel[1] * outputs);
            let (row, column) = (pixel / kernel[1] + larger[0].0, pixel % kernel[1] + larger[1].0);
            tensors[((input * down + row) * across + column) * outputs + out] = value;
        }
        let extra = windows.extra;
        let [rows, columns] = [(height, down, 0), (width, across, 1)].map(|(length, kernel, axis)| {
            let whole = (length - 1) * windows.strides[axis] + kernel + extra[axis];
            whole.saturating_sub(2 * padding[axis])
        });
        let spec = TransposedConvolution {
            channels: outputs,
            kernel: [down, across].into(),
            stride: windows.strides.into(),
            padding: Some(padding.into()),
            output_padding: Some(extra.into()),
            activation: Activation::Linear,
        };
        self.push(spec, tensors, vec![rows, columns, outputs]);
        self.images_biased(node, call, places, [rows, columns, outputs])
    }

    /// The images that a layer just added makes, with the biases of its node.
    fn images_biased(
        &mut self,
        node: &NodeProto,
        call: &Call<'_>,
        places: &Tensor,
        shape: [usize; 3],
    ) -> Result<Tensor, ImportError> {
        if call.optional(2).is_some() {
            self.add_bias(node, weights(node, call, 2)?, 1.0)?;
        }
        checked_images(node, shape, places.shape.len())
    }

    fn pool(&mut self, node: &NodeProto, call: &Call<'_>, places: &Tensor) -> Result<Tensor, ImportError> {
        let [height, width, channels] = self.image(node, places)?;
        let windows = flat(node, Windows::of(call, None, Some([height, width])))?;
        if windows.pads != [0; 4] || windows.kernel != windows.strides {
            return Err(refused(node, "pools windows that overlap or reach beyond the image"));
        }
        let size: PerAxis = windows.kernel.into();
        let shape = [height / windows.kernel[0], width / windows.kernel[1], channels];
        let spec: LayerSpec =
            if node.op_type() == "MaxPool" { MaxPool { size }.into() } else { AveragePool { size }.into() };
        self.push(spec, Vec::new(), shape.to_vec());
        checked_images(node, shape, places.shape.len())
    }

    fn upsample(&mut self, node: &NodeProto, call: &Call<'_>, places: &Tensor) -> Result<Tensor, ImportError> {
        let [height, width, channels] = self.image(node, places)?;
        let factors = flat(node, evaluation::factors_of_resize(call, &places.shape))?;
        let factor = match factors[..] {
            [1, 1, down, across] => [down, across],
            [1, 1, down] => [down, 1],
            _ => return Err(refused(node, "resizes other than height and width")),
        };
        let larger = [height.checked_mul(factor[0]), width.checked_mul(factor[1])];
        let [Some(rows), Some(columns)] = larger else { return Err(refused(node, "makes images that are too large")) };
        self.push(Upsample { factor: factor.into() }, Vec::new(), vec![rows, columns, channels]);
        checked_images(node, [rows, columns, channels], places.shape.len())
    }

    fn pixel_shuffle(&mut self, node: &NodeProto, call: &Call<'_>, places: &Tensor) -> Result<Tensor, ImportError> {
        let [height, width, channels] = self.image(node, places)?;
        let size = usize::try_from(call.int("blocksize", 0)).ok().filter(|size| (1..=64).contains(size));
        let size = size.filter(|size| channels.is_multiple_of(size * size));
        let (Some(size), "DCR") = (size, call.text("mode").unwrap_or("DCR")) else {
            return Err(refused(node, "shuffles in another order than DCR, or by what its channels do not hold"));
        };
        let shape = [height * size, width * size, channels / (size * size)];
        self.push(PixelShuffle { factor: size.into() }, Vec::new(), shape.to_vec());
        checked_images(node, shape, places.shape.len())
    }

    fn batch_normalization(&mut self, node: &NodeProto, call: &Call<'_>, places: &Tensor) -> Result<(), ImportError> {
        if places.shape.len() > 2 {
            self.image(node, places)?;
        } else if places.as_integers().is_none_or(|found| !found.iter().copied().eq(0..found.len() as i64)) {
            return Err(refused(node, "normalises the numbers of an image as if they were a row"));
        }
        let channels = self.channels_of_row();
        let mut parts = Vec::new();
        for at in 1..5 {
            let values = weights(node, call, at)?.as_floats().filter(|values| values.len() == channels);
            parts.push(values.ok_or_else(|| refused(node, "has parameters of another number of channels"))?.to_vec());
        }
        let epsilon = call.float("epsilon", 1e-5);
        let (scales, variances) = (parts[0].clone(), parts[3].clone());
        for (at, (&scale, &variance)) in scales.iter().zip(&variances).enumerate() {
            let whole = variance + epsilon;
            // The same root, with what is added to a variance here.
            let kept = whole - EPSILON;
            (parts[0][at], parts[3][at]) =
                if kept >= 0.0 { (scale, kept) } else { (scale * ((1.0 + EPSILON) / whole).sqrt(), 1.0) };
        }
        let shape = self.shape().to_vec();
        self.push(BatchNorm { activation: Activation::Linear }, parts.concat(), shape);
        Ok(())
    }
}

/// A constant that a node reads.
fn weights<'a>(node: &NodeProto, call: &Call<'a>, at: usize) -> Result<&'a Tensor, ImportError> {
    let tensor = call.optional(at).filter(|tensor| tensor.as_floats().is_some());
    tensor.ok_or_else(|| refused(node, format!("has no constant numbers as input {at}")))
}

/// The two first lengths of weights, and the window: of one axis, or of two.
fn kernel_of(node: &NodeProto, weight: &Tensor) -> Result<(usize, usize, [usize; 2]), ImportError> {
    match weight.shape[..] {
        [first, second, height, width] if weight.len() > 0 => Ok((first, second, [height, width])),
        [first, second, length] if weight.len() > 0 => Ok((first, second, [length, 1])),
        _ => Err(refused(node, format!("has weights of {:?}", weight.shape))),
    }
}

/// Windows whose pads are the same on both sides: where they are not, the kernel gets zeros before or behind, and reaches as far as before.
fn symmetric(windows: &Windows) -> ([(usize, usize); 2], [usize; 2]) {
    let axis = |axis: usize| {
        let (before, behind) = (windows.pads[axis], windows.pads[axis + 2]);
        ((behind.saturating_sub(before), before.saturating_sub(behind)), before.max(behind))
    };
    let [(first, padding), (second, other)] = [0, 1].map(axis);
    ([first, second], [padding, other])
}

/// The kernel with its zeros.
fn larger_kernel(
    node: &NodeProto,
    kernel: [usize; 2],
    larger: [(usize, usize); 2],
    pairs: usize,
) -> Result<[usize; 2], ImportError> {
    let [down, across] = [0, 1].map(|axis| kernel[axis] + larger[axis].0 + larger[axis].1);
    let weights = down.checked_mul(across).and_then(|pixels| pixels.checked_mul(pairs));
    let fits = weights.is_some_and(|weights| weights <= evaluation::MOST_VALUES);
    if fits { Ok([down, across]) } else { Err(refused(node, "has borders that are much larger on one side")) }
}

/// Images channels first, whose numbers lie channels last here.
fn checked_images(node: &NodeProto, [height, width, channels]: [usize; 3], axes: usize) -> Result<Tensor, ImportError> {
    let values = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
    let Some(values) = values.filter(|values| (1..=super::MOST_FEATURES).contains(values)) else {
        return Err(refused(node, format!("makes images of {height}×{width}×{channels}")));
    };
    let pixels = height * width;
    let places = (0..values).map(|at| ((at % pixels) * channels + at / pixels) as i64).collect();
    let shape = if axes == 3 { vec![1, channels, height] } else { vec![1, channels, height, width] };
    Ok(Tensor::integers(shape, places))
}

fn flat<T>(node: &NodeProto, result: Result<T, Fault>) -> Result<T, ImportError> {
    result.map_err(|fault| {
        let (name, operator) = (name_of(node), node.op_type().to_owned());
        let reason = match fault {
            Fault::Operator => "is not known here".to_owned(),
            Fault::Reason(reason) => reason,
        };
        OnnxError::Node { node: name, operator, reason }.into()
    })
}
