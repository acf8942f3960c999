//! One layer as a user asks for it, and what follows from it once the shape of what goes in is known: the shape of what comes
//! out and the tensors in between.

use serde::{Deserialize, Serialize};

use super::activation::Activation;

/// One layer as a user asks for it.
///
/// Images are height × width × channels, channels last; height × width alone counts as one channel. A dense layer takes an image
/// as one row of values; a [`Reshape`](Self::Reshape) makes an image of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerSpec {
    /// Every output is a weighted sum of all inputs plus a bias, then the activation.
    Dense {
        /// The number of outputs.
        units: usize,
        /// The function applied to each output.
        #[serde(default)]
        activation: Activation,
    },
    /// Each output pixel is a weighted sum of the square window of `kernel` × `kernel` pixels around it (cross-correlation, as in
    /// every deep-learning library), plus a bias, then the activation. Height and width become
    /// ⌊(n + 2·padding − kernel) / stride⌋ + 1.
    Convolution {
        /// The number of channels out.
        channels: usize,
        /// Height and width of the window in pixels.
        kernel: usize,
        /// Pixels from one window to the next. Default 1.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        stride: usize,
        /// Zeros around the image, in pixels on each side. Default ⌊(kernel − 1) / 2⌋, which keeps the size at stride 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        padding: Option<usize>,
        /// The function applied to each output.
        #[serde(default)]
        activation: Activation,
    },
    /// The transpose of a convolution of the same numbers: each input pixel adds its window to the output (Dumoulin & Visin 2016,
    /// chapter 4). Height and width become (n − 1)·stride − 2·padding + kernel + output padding.
    TransposedConvolution {
        /// The number of channels out.
        channels: usize,
        /// Height and width of the window in pixels.
        kernel: usize,
        /// Pixels of the output from one window to the next. Default 1.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        stride: usize,
        /// Pixels cut off on each side. Default ⌊(kernel − 1) / 2⌋.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        padding: Option<usize>,
        /// Pixels added below and at the right, fewer than the stride. Default: what makes the output `stride` times as large.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output_padding: Option<usize>,
        /// The function applied to each output.
        #[serde(default)]
        activation: Activation,
    },
    /// Each pixel becomes `factor` × `factor` alike (nearest neighbour).
    Upsample {
        /// How many times as high and wide the image becomes.
        factor: usize,
    },
    /// Blocks of `factor` × `factor` pixels become one pixel of factor² as many channels (Shi et al. 2016, reversed).
    PixelUnshuffle {
        /// How many times less high and wide the image becomes.
        factor: usize,
    },
    /// Each pixel's channels become a block of `factor` × `factor` pixels of as many channels less (Shi et al. 2016).
    PixelShuffle {
        /// How many times as high and wide the image becomes.
        factor: usize,
    },
    /// The largest value of each block of `size` × `size` pixels, for each channel.
    MaxPool {
        /// Height and width of a block.
        size: usize,
    },
    /// The mean of each block of `size` × `size` pixels, for each channel.
    AveragePool {
        /// Height and width of a block.
        size: usize,
    },
    /// Each channel brought to mean 0 and standard deviation 1, then scaled and shifted (Ioffe & Szegedy 2015), then the
    /// activation. In training mean and deviation are those of the samples that are computed together (a shard of the batch:
    /// Hoffer et al. 2017 call it ghost batch normalisation); afterwards their running means, folded into the layer before where that is linear.
    BatchNorm {
        /// The function applied to each output.
        #[serde(default)]
        activation: Activation,
    },
    /// The same values as an image of another shape.
    Reshape {
        /// Height, width and channels.
        shape: [usize; 3],
    },
}

fn one() -> usize {
    1
}

fn is_one(stride: &usize) -> bool {
    *stride == 1
}

/// What follows from a layer and the shape of its input.
pub(crate) struct Plan {
    pub(crate) output_shape: Vec<usize>,
    /// Weights and biases, where there are any, as they lie in the flat parameters.
    pub(crate) tensors: Vec<(&'static str, Vec<usize>)>,
}

impl LayerSpec {
    /// A convolution that keeps the size at stride 1 and divides it by the stride otherwise.
    pub fn convolution(channels: usize, kernel: usize, stride: usize, activation: Activation) -> Self {
        Self::Convolution { channels, kernel, stride, padding: None, activation }
    }

    /// A transposed convolution that makes height and width `stride` times as large.
    pub fn transposed_convolution(channels: usize, kernel: usize, stride: usize, activation: Activation) -> Self {
        Self::TransposedConvolution { channels, kernel, stride, padding: None, output_padding: None, activation }
    }

    /// The name used in files: `dense`, `convolution`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Convolution { .. } => "convolution",
            Self::TransposedConvolution { .. } => "transposed_convolution",
            Self::Upsample { .. } => "upsample",
            Self::PixelUnshuffle { .. } => "pixel_unshuffle",
            Self::PixelShuffle { .. } => "pixel_shuffle",
            Self::MaxPool { .. } => "max_pool",
            Self::AveragePool { .. } => "average_pool",
            Self::BatchNorm { .. } => "batch_norm",
            Self::Reshape { .. } => "reshape",
        }
    }

    /// The function applied to each output; linear for layers that have none.
    pub fn activation(&self) -> Activation {
        match *self {
            Self::Dense { activation, .. }
            | Self::Convolution { activation, .. }
            | Self::TransposedConvolution { activation, .. }
            | Self::BatchNorm { activation } => activation,
            _ => Activation::Linear,
        }
    }

    pub(super) fn activation_mut(&mut self) -> Option<&mut Activation> {
        match self {
            Self::Dense { activation, .. }
            | Self::Convolution { activation, .. }
            | Self::TransposedConvolution { activation, .. }
            | Self::BatchNorm { activation } => Some(activation),
            _ => None,
        }
    }

    /// Zeros around an image, or pixels cut off.
    pub(super) fn padding_of(kernel: usize, padding: Option<usize>) -> usize {
        padding.unwrap_or(kernel.saturating_sub(1) / 2)
    }

    /// What comes out of an input of this shape; the reason where nothing can.
    pub(super) fn plan(&self, input: &[usize]) -> Result<Plan, String> {
        if let Some((name, 0)) = self.sizes().into_iter().find(|&(_, size)| size == 0) {
            return Err(format!("has 0 {name}: at least 1 is needed"));
        }
        let plan = |output_shape: Vec<usize>, tensors| Ok(Plan { output_shape, tensors });
        let (height, width, channels_in) = match (self, image_shape(input)) {
            (&Self::Dense { units, .. }, _) => {
                let weight = ("weight", vec![values_of(input), units]);
                return plan(vec![units], vec![weight, ("bias", vec![units])]);
            }
            (&Self::Reshape { shape }, _) => {
                let (values, asked) = (values_of(input), values_of(&shape));
                if values != asked {
                    return Err(format!("makes {asked} values of {values}"));
                }
                return plan(shape.to_vec(), vec![]);
            }
            (_, Some(image)) => image,
            (_, None) => {
                let values = values_of(input);
                return Err(format!("needs an image, but gets {values} values\nhint: put a reshape layer before it"));
            }
        };
        let whole = |factor: usize| {
            if height % factor == 0 && width % factor == 0 {
                return Ok([height / factor, width / factor]);
            }
            Err(format!(
                "divides height and width by {factor}, but gets {height}×{width} pixels\nhint: resize or cut the images to multiples of {factor}"
            ))
        };
        match *self {
            Self::Convolution { channels, kernel, stride, padding, .. } => {
                let padding = Self::padding_of(kernel, padding);
                let out =
                    |size: usize| Some((size.checked_add(padding.checked_mul(2)?)?.checked_sub(kernel)?) / stride + 1);
                let (Some(rows), Some(columns)) = (out(height), out(width)) else {
                    return Err(format!("has a window of {kernel}×{kernel} pixels, but gets {height}×{width}"));
                };
                let weight = ("weight", vec![kernel, kernel, channels_in, channels]);
                plan(vec![rows, columns, channels], vec![weight, ("bias", vec![channels])])
            }
            Self::TransposedConvolution { channels, kernel, stride, padding, output_padding, .. } => {
                let padding = Self::padding_of(kernel, padding);
                let twice = padding.saturating_mul(2);
                let fitting = stride.saturating_add(twice).checked_sub(kernel).filter(|&extra| extra < stride);
                let extra = output_padding.or(fitting).unwrap_or(0);
                if extra >= stride {
                    return Err(format!("has output padding {extra}, which must be less than its stride {stride}"));
                }
                let out = |size: usize| {
                    let windows = (size - 1).checked_mul(stride)?.checked_add(kernel)?;
                    windows.checked_add(extra)?.checked_sub(twice).filter(|&size| size > 0)
                };
                let (Some(rows), Some(columns)) = (out(height), out(width)) else {
                    return Err(format!("cuts off {padding} pixels on each side, which is all that there is"));
                };
                let weight = ("weight", vec![channels_in, kernel, kernel, channels]);
                plan(vec![rows, columns, channels], vec![weight, ("bias", vec![channels])])
            }
            Self::Upsample { factor } => {
                plan(vec![height.saturating_mul(factor), width.saturating_mul(factor), channels_in], vec![])
            }
            Self::PixelUnshuffle { factor } => {
                let [rows, columns] = whole(factor)?;
                plan(vec![rows, columns, channels_in.saturating_mul(factor).saturating_mul(factor)], vec![])
            }
            Self::PixelShuffle { factor } => {
                let square = factor.saturating_mul(factor);
                if channels_in % square != 0 {
                    return Err(format!("needs a multiple of {square} channels, but gets {channels_in}"));
                }
                let shape = [height.saturating_mul(factor), width.saturating_mul(factor), channels_in / square];
                plan(shape.to_vec(), vec![])
            }
            Self::MaxPool { size } | Self::AveragePool { size } => {
                let [rows, columns] = whole(size)?;
                plan(vec![rows, columns, channels_in], vec![])
            }
            Self::BatchNorm { .. } => {
                let names = ["scale", "shift", "mean", "variance"];
                plan(vec![height, width, channels_in], names.map(|name| (name, vec![channels_in])).to_vec())
            }
            Self::Dense { .. } | Self::Reshape { .. } => unreachable!("planned above"),
        }
    }

    /// The numbers that must not be 0, by name.
    fn sizes(&self) -> Vec<(&'static str, usize)> {
        match *self {
            Self::Dense { units, .. } => vec![("units", units)],
            Self::Convolution { channels, kernel, stride, .. }
            | Self::TransposedConvolution { channels, kernel, stride, .. } => {
                vec![("channels", channels), ("pixels of kernel", kernel), ("pixels of stride", stride)]
            }
            Self::Upsample { factor } | Self::PixelUnshuffle { factor } | Self::PixelShuffle { factor } => {
                vec![("times the pixels", factor)]
            }
            Self::MaxPool { size } | Self::AveragePool { size } => vec![("pixels", size)],
            Self::Reshape { shape } => shape.iter().map(|&size| ("pixels", size)).collect(),
            Self::BatchNorm { .. } => vec![],
        }
    }
}

/// Height, width and channels of a shape that is an image's.
pub(crate) fn image_shape(shape: &[usize]) -> Option<(usize, usize, usize)> {
    match *shape {
        [height, width] => Some((height, width, 1)),
        [height, width, channels] => Some((height, width, channels)),
        _ => None,
    }
}

/// How many values a shape holds; as many as a number can say where there are more.
pub(crate) fn values_of(shape: &[usize]) -> usize {
    shape.iter().fold(1, |product: usize, &n| product.saturating_mul(n))
}
