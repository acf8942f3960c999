//! The transpose of a convolution: each input pixel adds its window to the output.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::convolution::{add_rows, check_sizes, fold_columns, padding_of, turn};
use super::windows::Windows;
use super::{Backward, Forward, Operation, Plan, Reach, Specification, Way, grown, image, image_shape};
use crate::network::activation::Activation;
use crate::network::per_axis::PerAxis;
use crate::network::products::{self, Add, Pair, transposed_times};

/// The transpose of a convolution of the same numbers: each input pixel adds its window to the output (Dumoulin & Visin 2016, chapter
/// 4). Along each axis n pixels become (n − 1)·stride − 2·padding + kernel + output padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransposedConvolution {
    /// The number of channels out.
    pub channels: usize,
    /// The window in pixels.
    pub kernel: PerAxis,
    /// Pixels of the output from one window to the next. Default 1.
    #[serde(default = "PerAxis::one", skip_serializing_if = "PerAxis::is_one")]
    pub stride: PerAxis,
    /// Pixels cut off on each side. Default ⌊(kernel − 1) / 2⌋.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding: Option<PerAxis>,
    /// Pixels added below and at the right, fewer than the stride. Default: what makes the output `stride` times as large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_padding: Option<PerAxis>,
    /// The function applied to each output.
    #[serde(default)]
    pub activation: Activation,
}

impl TransposedConvolution {
    fn padding(&self) -> PerAxis {
        padding_of(self.kernel, self.padding)
    }

    fn output_padding(&self) -> PerAxis {
        let cut = self.padding().map(|padding| padding.saturating_mul(2));
        let room = self.stride.zip_with(cut, usize::saturating_add);
        let fitting = |room: usize, kernel: usize, stride: usize| {
            room.checked_sub(kernel).filter(|&extra| extra < stride).unwrap_or(0)
        };
        self.output_padding.unwrap_or(PerAxis {
            height: fitting(room.height, self.kernel.height, self.stride.height),
            width: fitting(room.width, self.kernel.width, self.stride.width),
        })
    }
}

impl Specification for TransposedConvolution {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        let Self { channels, kernel, stride, .. } = *self;
        check_sizes(channels, kernel, stride)?;
        let (height, width, channels_in) = image(inputs[0])?;
        let (padding, extra) = (self.padding(), self.output_padding());
        for (extra, stride) in [(extra.height, stride.height), (extra.width, stride.width)] {
            if extra >= stride {
                return Err(format!("has output padding {extra}, which must be less than its stride {stride}"));
            }
        }
        let out = |size: usize, kernel: usize, stride: usize, padding: usize, extra: usize| {
            let windows = size.checked_sub(1)?.checked_mul(stride)?.checked_add(kernel)?;
            windows.checked_add(extra)?.checked_sub(padding.checked_mul(2)?).filter(|&size| size > 0)
        };
        let rows = out(height, kernel.height, stride.height, padding.height, extra.height);
        let columns = out(width, kernel.width, stride.width, padding.width, extra.width);
        let (Some(rows), Some(columns)) = (rows, columns) else {
            return Err(format!("cuts off {padding} pixels on each side, which is all that there is"));
        };
        let weight = ("weight", vec![channels_in, kernel.height, kernel.width, channels]);
        Ok(Plan { output_shape: vec![rows, columns, channels], tensors: vec![weight, ("bias", vec![channels])] })
    }

    fn operation(&self, inputs: &[&[usize]], output: &[usize]) -> Arc<dyn Operation> {
        // The windows lie over the output, and there is one for each pixel of the input.
        let (rows, columns, channels_in) = image_shape(inputs[0]).unwrap_or((1, 1, 1));
        let (height, width, channels) = image_shape(output).unwrap_or((1, 1, 1));
        let (kernel, stride, padding) = (self.kernel, self.stride, self.padding());
        let windows = Windows { height, width, channels, rows, columns, kernel, stride, padding };
        Arc::new(TransposedProduct::new(windows, channels_in))
    }

    fn resolved(&self, _: &[&[usize]]) -> Self {
        Self { padding: Some(self.padding()), output_padding: Some(self.output_padding()), ..self.clone() }
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn activation_mut(&mut self) -> Option<&mut Activation> {
        Some(&mut self.activation)
    }

    fn reach(&self) -> Reach {
        let windows = self.kernel.zip_with(self.stride, |kernel, stride| kernel.div_ceil(stride.max(1)));
        Reach::Grows { factor: self.stride, reach: windows.zip_with(self.stride, usize::saturating_mul) }
    }
}

/// A transposed convolution of images of one size: from one value a window and channel to the image that the windows cover.
#[derive(Debug)]
pub(super) struct TransposedProduct {
    /// Over the output.
    windows: Windows,
    /// Channels in.
    channels: usize,
}

impl TransposedProduct {
    pub(super) fn new(windows: Windows, channels: usize) -> Self {
        Self { windows: windows.along_the_width(), channels }
    }
}

impl Operation for TransposedProduct {
    fn work(&self) -> usize {
        self.windows.count() * self.windows.values() * self.channels
    }

    fn forward(&self, Forward { parameters, x: [x, _], y, work, .. }: Forward<'_>) {
        let Self { windows, channels } = self;
        let row = windows.columns * channels;
        y.chunks_exact_mut(parameters.bias.len()).for_each(|pixel| pixel.copy_from_slice(parameters.bias));
        let unfolded = grown(&mut work.first, windows.largest_piece());
        for (x, y) in x.chunks_exact(windows.rows * row).zip(y.chunks_exact_mut(windows.image())) {
            for rows in windows.pieces() {
                let unfolded = &mut unfolded[..windows.unfolded(&rows)];
                products::times(&x[rows.start * row..rows.end * row], parameters.weight, windows.values(), unfolded);
                windows.fold(unfolded, rows, y);
            }
        }
    }

    fn backward(&self, call: Backward<'_>) {
        let Backward { prepared: turned, x: [x, _], error, errors: [dx, _], gradient: [weight, bias], work, .. } = call;
        let Self { windows, channels } = self;
        let row = windows.columns * channels;
        let unfolded = grown(&mut work.first, windows.largest_piece());
        let samples = x.chunks_exact(windows.rows * row).zip(error.chunks_exact(windows.image()));
        for (index, (x, error)) in samples.enumerate() {
            for rows in windows.pieces() {
                let unfolded = &mut unfolded[..windows.unfolded(&rows)];
                let of_rows = rows.start * row..rows.end * row;
                windows.unfold(error, rows, unfolded);
                let pair = Pair { x: &x[of_rows.clone()], y: unfolded };
                transposed_times(&[pair], *channels, 0..*channels, windows.values(), &mut Add(weight));
                if !dx.is_empty() {
                    let dx = &mut dx[index * windows.rows * row..][of_rows];
                    products::times(unfolded, turned, *channels, dx);
                }
            }
        }
        add_rows(error, bias, &mut work.ones);
    }

    fn fans(&self) -> Option<[f32; 2]> {
        let Windows { kernel, stride, .. } = self.windows;
        let area = (kernel.area() * self.channels) as f32;
        Some([area / stride.area() as f32, self.windows.values() as f32])
    }

    fn prepared(&self, way: Way) -> usize {
        if way == Way::Back { self.windows.values() * self.channels } else { 0 }
    }

    fn prepare(&self, way: Way, weight: &[f32], prepared: &mut [f32]) {
        if way == Way::Back {
            turn(weight, self.windows.values(), prepared);
        }
    }

    fn fold(&self, weight: &mut [f32], bias: &mut [f32], factor: &[f32], offset: &[f32]) -> bool {
        fold_columns(weight, bias, factor, offset);
        true
    }

    fn windows(&self) -> Option<&Windows> {
        Some(&self.windows)
    }

    fn matrix(&self) -> (usize, usize) {
        (self.channels, self.windows.values())
    }
}
