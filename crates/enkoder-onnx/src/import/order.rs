//! In which order the numbers of a value lie: as those of an image channels last, or brought into that order in the layer that makes them.

use enkoder::layers::{Convolution, Dense, Reshape, Upsample};
use enkoder::{Activation, LayerSpec};

use super::chain::{Chain, Layer};
use super::refused;
use crate::error::ImportError;
use crate::proto::NodeProto;
use crate::tensor::Tensor;

impl Chain {
    /// Makes an image of what there is, whose numbers must lie channels last here: height, width and channels.
    pub(super) fn image(&mut self, node: &NodeProto, places: &Tensor) -> Result<[usize; 3], ImportError> {
        let (shape, order) = self.image_of_any_order(node, places)?;
        if order.iter().enumerate().any(|(to, &from)| to != from) {
            let channels = order.len();
            let mut tensors = vec![0.0; channels * channels + channels];
            order.iter().enumerate().for_each(|(to, &from)| tensors[from * channels + to] = 1.0);
            let spec = Convolution {
                channels,
                kernel: 1.into(),
                stride: 1.into(),
                padding: None,
                activation: Activation::Linear,
            };
            self.push(spec, tensors, shape.to_vec());
        }
        Ok(shape)
    }

    /// The same where whoever reads it does so in any order of channels: also the place here of each channel there.
    pub(super) fn image_of_any_order(
        &mut self,
        node: &NodeProto,
        places: &Tensor,
    ) -> Result<([usize; 3], Vec<usize>), ImportError> {
        let (channels, height, width) = match places.shape[..] {
            [_, channels, height, width] => (channels, height, width),
            [_, channels, length] => (channels, length, 1),
            _ => return Err(refused(node, format!("reads a value of {:?} instead of images", places.shape))),
        };
        let wanted: Vec<i64> = (0..places.len())
            .map(|at| ((at % (height * width).max(1)) * channels + at / (height * width).max(1)) as i64)
            .collect();
        let found = places.as_integers().unwrap_or_default();
        let mut order: Vec<usize> = (0..channels).collect();
        if let Some([down, across]) = self.repeated_pixels([height, width, channels], found) {
            self.push(Upsample { factor: [down, across].into() }, Vec::new(), vec![height, width, channels]);
        } else if found != wanted && !self.reorder(found, &wanted) {
            let pixels = (height * width).max(1);
            order = found.iter().step_by(pixels).map(|&place| place as usize).collect();
            let place = |at: usize| (at % pixels * channels + order[at / pixels]) as i64;
            if order.iter().any(|&channel| channel >= channels)
                || !found.iter().copied().eq((0..found.len()).map(place))
            {
                return Err(refused(node, "reads the pixels of an image in an order that no layer here makes"));
            }
        }
        let shape = [height, width, channels];
        let there = match *self.shape() {
            [height, width] => vec![height, width, 1],
            ref shape => shape.to_vec(),
        };
        if there != shape {
            self.push(Reshape { shape }, Vec::new(), shape.to_vec());
        }
        Ok((shape, order))
    }

    /// How often each pixel of the value at the end stands in an image beside itself and below, where it is as large only by that.
    fn repeated_pixels(&self, [height, width, channels]: [usize; 3], found: &[i64]) -> Option<[usize; 2]> {
        let &[rows, columns, deep] = self.shape() else { return None };
        let fits = deep == channels && height.is_multiple_of(rows) && width.is_multiple_of(columns);
        let [down, across] = if fits { [height / rows, width / columns] } else { return None };
        let place = |at: usize| {
            let (channel, y, x) = (at / (height * width), at / width % height, at % width);
            (((y / down) * columns + x / across) * channels + channel) as i64
        };
        let repeated = down * across > 1 && found.iter().copied().eq((0..found.len()).map(place));
        repeated.then_some([down, across])
    }

    /// Puts the outputs of the last layer, where it is dense, into another order: from `found` to `wanted`.
    pub(super) fn reorder(&mut self, found: &[i64], wanted: &[i64]) -> bool {
        let last = self.layers.last_mut().filter(|_| !self.kept);
        let Some(Layer { spec: LayerSpec::Dense(Dense { units, .. }), tensors, .. }) = last else { return false };
        if found.len() != *units || wanted.len() != *units {
            return false;
        }
        let mut turned = tensors.clone();
        for (from, to) in tensors.chunks_exact(*units).zip(turned.chunks_exact_mut(*units)) {
            for (&found, &wanted) in found.iter().zip(wanted) {
                to[wanted as usize] = from[found as usize];
            }
        }
        *tensors = turned;
        true
    }

    /// Puts the channels of what there is into another order, in the layers that make them: channel `at` becomes that which was `order[at]`.
    pub(super) fn reorder_channels(&mut self, order: &[usize]) -> bool {
        let makes_them = |layer: &Layer| {
            matches!(layer.spec, LayerSpec::Dense(_) | LayerSpec::Convolution(_) | LayerSpec::TransposedConvolution(_))
        };
        let keeps_them = |layer: &Layer| match layer.spec {
            LayerSpec::BatchNorm(_) | LayerSpec::Upsample(_) | LayerSpec::MaxPool(_) | LayerSpec::AveragePool(_) => {
                true
            }
            LayerSpec::Reshape(_) => layer.shape.last().is_some_and(|channels| channels.is_multiple_of(order.len())),
            _ => false,
        };
        let Some(first) = self.layers.iter().rposition(makes_them).filter(|_| !self.kept) else { return false };
        if !self.layers[first + 1..].iter().all(keeps_them) {
            return false;
        }
        // Channels are the last axis of all tensors.
        for layer in &mut self.layers[first..] {
            for channels in layer.tensors.chunks_exact_mut(order.len()) {
                let before = channels.to_vec();
                channels.iter_mut().zip(order).for_each(|(to, &from)| *to = before[from]);
            }
        }
        true
    }
}
