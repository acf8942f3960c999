//! Operators with a counterpart among the layers, and their weights in the order that these have.

use enkoder::layers::{
    AveragePool, BatchNorm, Convolution, Dense, MaxPool, PixelShuffle, TransposedConvolution, Upsample,
};
use enkoder::{Activation, LayerSpec, PerAxis};

use super::chain::{Chain, Layer};
use super::refused;
use super::weights::{kernel_of, larger_kernel, symmetric, turned, weights};
use crate::error::ImportError;
use crate::evaluation::{self, Call, Fault, Windows, evaluate};
use crate::proto::NodeProto;
use crate::tensor::Tensor;

/// What a normalisation here adds to a variance before its root.
pub(super) const EPSILON: f32 = 1e-5;

impl Chain {
    /// Adds the layer that a node is. Says where the numbers of its value have their places.
    pub(super) fn layer(
        &mut self,
        node: &NodeProto,
        constants: &[Option<&Tensor>],
        places: &Tensor,
    ) -> Result<Tensor, ImportError> {
        let call = Call::new(node, constants);
        match node.op_type() {
            "Gemm" => self.gemm(node, &call, places),
            "MatMul" => self.dense(node, places, weights(node, &call, 1)?, false),
            "Add" | "Sub" | "Mul" | "Div" => {
                self.arithmetic(node, constants, places)?;
                Ok(places.clone())
            }
            "Pad" => {
                self.border = Some(flat(node, evaluation::borders_of_pad(&call, places.shape.len()))?);
                Ok(places.clone())
            }
            "Conv" => self.convolution(node, &call, places),
            "ConvTranspose" => self.transposed_convolution(node, &call, places),
            "Slice" => self.crop(node, constants, places),
            "MaxPool" | "AveragePool" => self.pool(node, &call, places),
            "Resize" => self.upsample(node, &call, places),
            "DepthToSpace" => self.pixel_shuffle(node, &call, places),
            "BatchNormalization" => self.batch_normalization(node, &call, places),
            "LeakyRelu" => {
                let slope = call.float("alpha", 0.01);
                Err(refused(node, format!("has the slope {slope}, and only 0.01 is known here")))
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
            self.add_bias(node, weights(node, call, 2)?, &made)?;
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

    /// Weights there lie as out × in × kernel, here as kernel × in × out. Groups of channels become one, with zeros between them.
    fn convolution(&mut self, node: &NodeProto, call: &Call<'_>, places: &Tensor) -> Result<Tensor, ImportError> {
        let ([height, width, inputs], order) = self.image_of_any_order(node, places)?;
        let weight = weights(node, call, 1)?;
        let (outputs, own, kernel) = kernel_of(node, weight)?;
        let mut windows = flat(node, Windows::of(call, Some(kernel), Some([height, width])))?;
        let groups = windows.groups;
        if own.checked_mul(groups) != Some(inputs) || !outputs.is_multiple_of(groups) {
            return Err(refused(
                node,
                format!("has weights for {own} channels in each of {groups} groups and gets {inputs}"),
            ));
        }
        for (axis, (before, behind)) in self.border.take().into_iter().flatten().skip(2).enumerate() {
            windows.pads[axis] += before;
            windows.pads[axis + 2] += behind;
        }
        let (larger, padding) = symmetric(&windows);
        let [down, across] = larger_kernel(node, kernel, larger, inputs * outputs)?;
        let (values, axes) = (weight.as_floats().unwrap_or_default(), [outputs, own, kernel[0], kernel[1]]);
        let tensors = turned(values, axes, [down * across * inputs * outputs, outputs], |[out, input, row, column]| {
            let input = order[out / (outputs / groups) * own + input];
            (((row + larger[0].0) * across + column + larger[1].0) * inputs + input) * outputs + out
        });
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
        let ([height, width, inputs], order) = self.image_of_any_order(node, places)?;
        let weight = weights(node, call, 1)?;
        let (own, each, kernel) = kernel_of(node, weight)?;
        let windows = flat(node, Windows::transposed(call, kernel, [height, width]))?;
        let groups = windows.groups;
        let outputs = each.checked_mul(groups).filter(|_| own == inputs && inputs.is_multiple_of(groups));
        let Some(outputs) = outputs else {
            return Err(refused(node, format!("has weights for {own} channels in {groups} groups and gets {inputs}")));
        };
        let (larger, padding) = symmetric(&windows);
        let [down, across] = larger_kernel(node, kernel, larger, inputs * outputs)?;
        let (values, axes) = (weight.as_floats().unwrap_or_default(), [inputs, each, kernel[0], kernel[1]]);
        let tensors = turned(values, axes, [inputs * down * across * outputs, outputs], |[input, out, row, column]| {
            let (input, out) = (order[input], input / (inputs / groups) * each + out);
            ((input * down + row + larger[0].0) * across + column + larger[1].0) * outputs + out
        });
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

    /// Rows and columns cut off from what a transposed convolution just made.
    fn crop(
        &mut self,
        node: &NodeProto,
        constants: &[Option<&Tensor>],
        places: &Tensor,
    ) -> Result<Tensor, ImportError> {
        let elsewhere = || refused(node, "cuts other than the border of what a transposed convolution makes");
        let inputs: Vec<_> = std::iter::once(Some(places)).chain(constants[1..].iter().copied()).collect();
        let left = evaluate(node, &inputs)?;
        let last = self.layers.last_mut().filter(|_| !self.kept);
        let Some(Layer { spec: LayerSpec::TransposedConvolution(layer), tensors, shape, .. }) = last else {
            return Err(elsewhere());
        };
        let [_, channels, sizes @ ..] = &left.shape[..] else { return Err(elsewhere()) };
        let kept = [sizes.first().copied().unwrap_or(1), sizes.get(1).copied().unwrap_or(1), *channels];
        let made = checked_images(node, kept, left.shape.len())?;
        let (&[rows, columns, outputs], Some(found)) = (&shape[..], left.as_integers()) else {
            return Err(elsewhere());
        };
        // The pixels that stay lie side by side, with all their channels.
        let corner = found.first().map_or(0, |&place| place as usize / outputs);
        let corner = [corner / columns, corner % columns];
        let stays = |at: usize| {
            let (channel, pixel) = (at / (kept[0] * kept[1]), at % (kept[0] * kept[1]));
            (((pixel / kept[1] + corner[0]) * columns + pixel % kept[1] + corner[1]) * outputs + channel) as i64
        };
        let is_linear = layer.activation == Activation::Linear;
        if *channels != outputs || !is_linear || !found.iter().copied().eq((0..found.len()).map(stays)) {
            return Err(elsewhere());
        }
        let pair = |sizes: PerAxis| [sizes.height, sizes.width];
        let (kernel, mut extra) = (pair(layer.kernel), pair(layer.output_padding.unwrap_or(0.into())));
        let mut padding = pair(layer.padding.unwrap_or(0.into()));
        // What was added at the end goes first.
        let mut larger = [(0, 0); 2];
        for axis in 0..2 {
            let behind = [rows, columns][axis] - kept[axis] - corner[axis];
            let (before, of_extra) = (corner[axis], behind.min(extra[axis]));
            let behind = behind - of_extra;
            extra[axis] -= of_extra;
            larger[axis] = (behind.saturating_sub(before), before.saturating_sub(behind));
            padding[axis] += before.max(behind);
        }
        let weights = tensors.len() - outputs;
        let inputs = weights / (kernel[0] * kernel[1] * outputs);
        let [down, across] = larger_kernel(node, kernel, larger, inputs * outputs)?;
        let (axes, size) = ([inputs, kernel[0], kernel[1], outputs], inputs * down * across * outputs);
        let mut enlarged = turned(&tensors[..weights], axes, [size, outputs], |[input, row, column, out]| {
            ((input * down + row + larger[0].0) * across + column + larger[1].0) * outputs + out
        });
        enlarged[size..].copy_from_slice(&tensors[weights..]);
        *tensors = enlarged;
        layer.kernel = [down, across].into();
        layer.padding = Some(padding.into());
        layer.output_padding = Some(extra.into());
        *shape = kept.to_vec();
        Ok(made)
    }

    /// The images that a layer just added makes, with the biases of its node.
    fn images_biased(
        &mut self,
        node: &NodeProto,
        call: &Call<'_>,
        places: &Tensor,
        shape: [usize; 3],
    ) -> Result<Tensor, ImportError> {
        let made = checked_images(node, shape, places.shape.len())?;
        if call.optional(2).is_some() {
            let mut bias = weights(node, call, 2)?.clone();
            // Along the channels, which stand before the pixels.
            bias.shape.resize(made.shape.len() - 1, 1);
            self.add_bias(node, &bias, &made)?;
        }
        Ok(made)
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
        let Some(size) = size else { return Err(refused(node, "shuffles by what its channels do not hold")) };
        if call.text("mode") == Some("CRD") {
            // There the pixels of a block are neighbours among the channels, here the channels of a pixel.
            let (area, deep) = (size * size, channels / (size * size));
            let order: Vec<usize> = (0..channels).map(|at| at % deep * area + at / deep).collect();
            if !self.reorder_channels(&order) {
                return Err(refused(node, "shuffles channels (CRD) that no layer here makes"));
            }
        }
        let shape = [height * size, width * size, channels / (size * size)];
        self.push(PixelShuffle { factor: size.into() }, Vec::new(), shape.to_vec());
        checked_images(node, shape, places.shape.len())
    }

    fn batch_normalization(
        &mut self,
        node: &NodeProto,
        call: &Call<'_>,
        places: &Tensor,
    ) -> Result<Tensor, ImportError> {
        let mut made = places.clone();
        if places.shape.len() > 2 {
            let shape = self.image(node, places)?;
            made = checked_images(node, shape, places.shape.len())?;
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
        Ok(made)
    }
}

/// Images channels first, whose numbers lie channels last here.
pub(super) fn checked_images(
    node: &NodeProto,
    [height, width, channels]: [usize; 3],
    axes: usize,
) -> Result<Tensor, ImportError> {
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
        let reason = match fault {
            Fault::Operator => "is not known here".to_owned(),
            Fault::Reason(reason) => reason,
        };
        refused(node, reason)
    })
}
