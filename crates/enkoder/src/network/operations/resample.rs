//! Layers without parameters that change the size of an image: pooling, nearest upsampling, and the shuffles between pixels and
//! channels. Images are height × width × channels, one after the other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Operation, Plan, Reach, Specification, image, image_shape, not_zero};
use crate::network::per_axis::PerAxis;

/// Each pixel becomes `factor` alike (nearest neighbour).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upsample {
    /// How many times as high and wide the image becomes.
    pub factor: PerAxis,
}

/// Blocks of `factor` pixels become one pixel of as many times the channels (Shi et al. 2016, reversed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelUnshuffle {
    /// How many times less high and wide the image becomes.
    pub factor: PerAxis,
}

/// Each pixel's channels become a block of `factor` pixels of as many channels less (Shi et al. 2016).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelShuffle {
    /// How many times as high and wide the image becomes.
    pub factor: PerAxis,
}

/// The largest value of each block of `size` pixels, for each channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPool {
    /// Height and width of a block.
    pub size: PerAxis,
}

/// The mean of each block of `size` pixels, for each channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragePool {
    /// Height and width of a block.
    pub size: PerAxis,
}

impl Specification for Upsample {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        let (height, width, channels) = grown_image(inputs[0], self.factor)?;
        Ok(Plan { output_shape: vec![height, width, channels], tensors: vec![] })
    }

    fn operation(&self, inputs: &[&[usize]], _: &[usize]) -> Arc<dyn Operation> {
        resample(Resampling::Upsample, self.factor, inputs[0], inputs[0])
    }

    fn reach(&self) -> Reach {
        grows(self.factor)
    }
}

impl Specification for PixelUnshuffle {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        let (height, width, channels) = shrunk_image(inputs[0], self.factor)?;
        let channels = channels.saturating_mul(self.factor.area());
        Ok(Plan { output_shape: vec![height, width, channels], tensors: vec![] })
    }

    fn operation(&self, inputs: &[&[usize]], output: &[usize]) -> Arc<dyn Operation> {
        resample(Resampling::Unshuffle, self.factor, output, inputs[0])
    }

    fn reach(&self) -> Reach {
        shrinks(self.factor)
    }
}

impl Specification for PixelShuffle {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        let (height, width, channels) = grown_image(inputs[0], self.factor)?;
        let area = self.factor.area();
        if channels % area != 0 {
            return Err(format!("needs a multiple of {area} channels, but gets {channels}"));
        }
        Ok(Plan { output_shape: vec![height, width, channels / area], tensors: vec![] })
    }

    fn operation(&self, inputs: &[&[usize]], output: &[usize]) -> Arc<dyn Operation> {
        resample(Resampling::Shuffle, self.factor, inputs[0], output)
    }

    fn reach(&self) -> Reach {
        grows(self.factor)
    }
}

impl Specification for MaxPool {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        plan_pool(inputs[0], self.size)
    }

    fn operation(&self, _: &[&[usize]], output: &[usize]) -> Arc<dyn Operation> {
        resample(Resampling::MaxPool, self.size, output, output)
    }

    fn reach(&self) -> Reach {
        shrinks(self.size)
    }
}

impl Specification for AveragePool {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        plan_pool(inputs[0], self.size)
    }

    fn operation(&self, _: &[&[usize]], output: &[usize]) -> Arc<dyn Operation> {
        resample(Resampling::AveragePool, self.size, output, output)
    }

    fn reach(&self) -> Reach {
        shrinks(self.size)
    }
}

fn plan_pool(input: &[usize], size: PerAxis) -> Result<Plan, String> {
    let (height, width, channels) = shrunk_image(input, size)?;
    Ok(Plan { output_shape: vec![height, width, channels], tensors: vec![] })
}

/// Height and width `factor` times as large, and the channels of the input.
fn grown_image(input: &[usize], factor: PerAxis) -> Result<(usize, usize, usize), String> {
    not_zero(&[("times the pixels", factor.height.min(factor.width))])?;
    let (height, width, channels) = image(input)?;
    Ok((height.saturating_mul(factor.height), width.saturating_mul(factor.width), channels))
}

/// Height and width divided by `factor`, and the channels of the input.
fn shrunk_image(input: &[usize], factor: PerAxis) -> Result<(usize, usize, usize), String> {
    not_zero(&[("times the pixels", factor.height.min(factor.width))])?;
    let (height, width, channels) = image(input)?;
    if height % factor.height == 0 && width % factor.width == 0 {
        return Ok((height / factor.height, width / factor.width, channels));
    }
    Err(format!(
        "divides height and width by {factor}, but gets {height}×{width} pixels\nhint: resize or cut the images to multiples of {factor}"
    ))
}

fn shrinks(factor: PerAxis) -> Reach {
    Reach::Shrinks { factor, reach: factor.map(|factor| factor.saturating_sub(1)) }
}

fn grows(factor: PerAxis) -> Reach {
    Reach::Grows { factor, reach: factor.map(|factor| factor.saturating_sub(1)) }
}

/// Height and width of the one image, which is the smaller, and channels of the other.
fn resample(resampling: Resampling, factor: PerAxis, small: &[usize], large: &[usize]) -> Arc<dyn Operation> {
    let (height, width, _) = image_shape(small).unwrap_or((1, 1, 1));
    let (.., channels) = image_shape(large).unwrap_or((1, 1, 1));
    Arc::new(Resample { resampling, height, width, channels, factor })
}

/// What happens to each block of `factor` pixels of the larger image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resampling {
    /// It becomes its largest value.
    MaxPool,
    /// It becomes its mean.
    AveragePool,
    /// It is made of one pixel.
    Upsample,
    /// Its pixels become channels.
    Unshuffle,
    /// It is made of channels.
    Shuffle,
}

/// Resampling between a small image and one `factor` times as high and wide.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Resample {
    resampling: Resampling,
    /// Of the smaller image.
    height: usize,
    width: usize,
    /// Of the larger image.
    channels: usize,
    factor: PerAxis,
}

impl Resample {
    fn pass(&self, x: &[f32], y: &mut [f32]) {
        let area = self.factor.area() as f32;
        match self.resampling {
            Resampling::MaxPool => {
                y.fill(f32::NEG_INFINITY);
                self.each_pair(x.len(), |large, small, _| {
                    for (y, &x) in y[small..small + self.channels].iter_mut().zip(&x[large..]) {
                        // NaN is passed on: whoever looks for a diverged training must see it.
                        *y = if x > *y || x.is_nan() { x } else { *y };
                    }
                });
            }
            Resampling::AveragePool => {
                y.fill(0.0);
                self.each_pair(x.len(), |large, small, _| {
                    for (y, &x) in y[small..small + self.channels].iter_mut().zip(&x[large..]) {
                        *y += x / area;
                    }
                });
            }
            Resampling::Upsample => self.each_pair(y.len(), |large, small, _| {
                y[large..large + self.channels].copy_from_slice(&x[small..small + self.channels]);
            }),
            Resampling::Unshuffle => self.each_pair(x.len(), |large, _, deep| {
                y[deep..deep + self.channels].copy_from_slice(&x[large..large + self.channels]);
            }),
            Resampling::Shuffle => self.each_pair(y.len(), |large, _, deep| {
                y[large..large + self.channels].copy_from_slice(&x[deep..deep + self.channels]);
            }),
        }
    }

    /// The errors of `x` from those of `y`.
    fn pass_back(&self, x: &[f32], y: &[f32], delta: &[f32], dx: &mut [f32]) {
        let PerAxis { height: down, width: across } = self.factor;
        let area = self.factor.area() as f32;
        match self.resampling {
            Resampling::MaxPool => {
                dx.fill(0.0);
                let line = self.width * across * self.channels;
                for (small, (&y, &delta)) in y.iter().zip(delta).enumerate() {
                    let (pixel, channel) = (small / self.channels, small % self.channels);
                    let (row, column) = (pixel / self.width, pixel % self.width);
                    let corner = row * down * line + column * across * self.channels + channel;
                    // The first that is as large as the largest takes the error.
                    let mut block =
                        (0..down * across).map(|place| corner + place / across * line + place % across * self.channels);
                    if let Some(largest) = block.find(|&at| x[at] == y) {
                        dx[largest] = delta;
                    }
                }
            }
            Resampling::AveragePool => self.each_pair(x.len(), |large, small, _| {
                for (dx, &delta) in dx[large..large + self.channels].iter_mut().zip(&delta[small..]) {
                    *dx = delta / area;
                }
            }),
            Resampling::Upsample => {
                dx.fill(0.0);
                self.each_pair(delta.len(), |large, small, _| {
                    for (dx, &delta) in dx[small..small + self.channels].iter_mut().zip(&delta[large..]) {
                        *dx += delta;
                    }
                });
            }
            Resampling::Unshuffle => Self { resampling: Resampling::Shuffle, ..self.clone() }.pass(delta, dx),
            Resampling::Shuffle => Self { resampling: Resampling::Unshuffle, ..self.clone() }.pass(delta, dx),
        }
    }

    /// Calls `visit` for each pixel of the larger images, whose values are `values` in all, with where it begins, where the pixel
    /// of the smaller image begins that stands for its block, and where its channels begin among those of a shuffled image.
    #[inline(always)]
    fn each_pair(&self, values: usize, mut visit: impl FnMut(usize, usize, usize)) {
        let &Self { height, width, channels, factor: PerAxis { height: down, width: across }, .. } = self;
        let (rows, columns) = (height * down, width * across);
        for image in 0..values / (rows * columns * channels) {
            for row in 0..rows {
                let line = (image * rows + row) * columns;
                for column in 0..columns {
                    let pixel = (image * height + row / down) * width + column / across;
                    let place = row % down * across + column % across;
                    visit((line + column) * channels, pixel * channels, (pixel * down * across + place) * channels);
                }
            }
        }
    }
}

impl Operation for Resample {
    fn work(&self) -> usize {
        self.height * self.width * self.channels * self.factor.area()
    }

    fn forward(&self, Forward { x: [x, _], y, .. }: Forward<'_>) {
        self.pass(x, y);
    }

    fn backward(&self, Backward { x: [x, _], y, error, errors: [dx, _], .. }: Backward<'_>) {
        if !dx.is_empty() {
            self.pass_back(x, y, error, dx);
        }
    }
}
