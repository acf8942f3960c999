//! Networks of convolutions alone have no size of their own: what sizes of images they take, and how far they look.

use super::architecture::{Architecture, ArchitectureError};
use super::layer_spec::LayerSpec;
use super::operations::Reach;
use super::per_axis::PerAxis;

impl Architecture {
    /// The same layers for samples of another height and width, which keep their weights.
    ///
    /// # Errors
    /// When a layer is dense or reshapes, the strides do not divide the size, or the channels are others.
    pub fn for_shape(&self, shape: impl Into<Vec<usize>>) -> Result<Self, ArchitectureError> {
        let architecture = Self { input_shape: shape.into(), ..self.clone() };
        let mut layers = self.encoder.iter().chain(&self.decoder).zip(self.layers());
        if let Some((_, layer)) = layers.find(|(spec, _)| spec.reach() == Reach::Everything)
            && architecture.input_shape != self.input_shape
        {
            return Err(ArchitectureError::FixedSize(layer.name));
        }
        architecture.validate()?;
        // With other channels the first layer would have other weights.
        if architecture.tensors() != self.tensors() {
            let [found, expected] = [&architecture, self].map(|a| a.input_shape.clone());
            return Err(ArchitectureError::Channels { found, expected });
        }
        Ok(architecture)
    }

    /// What height and width of samples must be multiples of; 1 where the layers say nothing, and of dense networks.
    pub fn size_step(&self) -> usize {
        self.pixels().map_or(1, |pixels| pixels.step)
    }

    /// How many pixels away from an output pixel an input pixel can be that it depends on, rounded up to whole
    /// [steps](Self::size_step); `None` where a layer sees the whole image, so that every pixel depends on all.
    pub fn margin(&self) -> Option<usize> {
        let pixels = self.pixels()?;
        Some(pixels.margin.checked_next_multiple_of(pixels.step).unwrap_or(usize::MAX))
    }

    /// What the layers make of the pixels of an image, the stricter of both axes; `None` where one sees all of it.
    fn pixels(&self) -> Option<Pixels> {
        let axis = |of: fn(PerAxis) -> usize| {
            let layers = self.encoder.iter().chain(&self.decoder);
            layers.map(LayerSpec::reach).try_fold(Pixels::default(), |pixels, reach| pixels.behind(reach, of))
        };
        let (down, across) = (axis(|size| size.height)?, axis(|size| size.width)?);
        let step = least_common_multiple(down.step, across.step);
        Some(Pixels { step, margin: down.margin.max(across.margin), ..down })
    }
}

/// What layers have made of the pixels along an axis. A layer that joins two values joins them pixel by pixel, and the earlier one has
/// looked less far.
struct Pixels {
    /// The side of a pixel, in pixels of the input: a fraction in lowest terms.
    side: [usize; 2],
    /// What the size must be a multiple of.
    step: usize,
    /// How far it has looked, in pixels of the input.
    margin: usize,
}

impl Default for Pixels {
    fn default() -> Self {
        Self { side: [1, 1], step: 1, margin: 0 }
    }
}

impl Pixels {
    /// The same behind one more layer.
    fn behind(self, reach: Reach, of: fn(PerAxis) -> usize) -> Option<Self> {
        let looks = |[up, down]: [usize; 2], reach: PerAxis| up.saturating_mul(of(reach)).div_ceil(down);
        match reach {
            Reach::Pixel => Some(self),
            Reach::Everything => None,
            Reach::Shrinks { factor, reach } => {
                let margin = self.margin.saturating_add(looks(self.side, reach));
                let side = lowest([self.side[0].saturating_mul(of(factor).max(1)), self.side[1]]);
                Some(Self { side, step: least_common_multiple(self.step, side[0]), margin })
            }
            Reach::Grows { factor, reach } => {
                let side = lowest([self.side[0], self.side[1].saturating_mul(of(factor).max(1))]);
                Some(Self { side, step: self.step, margin: self.margin.saturating_add(looks(side, reach)) })
            }
        }
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    (a / greatest_common_divisor(a, b)).saturating_mul(b)
}

fn lowest([up, down]: [usize; 2]) -> [usize; 2] {
    let common = greatest_common_divisor(up, down).max(1);
    [up / common, down / common]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Network, Scratch};

    /// Changes one pixel and looks how far the change reaches.
    #[test]
    fn no_output_pixel_depends_on_an_input_pixel_beyond_the_margin() {
        use crate::network::Activation::{Linear, Tanh};
        let (conv, back) = (LayerSpec::convolution, LayerSpec::transposed_convolution);
        let shuffled = Architecture { residual: false, ..Architecture::denoiser([48, 48], 3, 3) };
        let strided = Architecture {
            encoder: vec![conv(3, 3, 2, Tanh), conv(2, 5, 2, Tanh)],
            decoder: vec![back(3, 5, 2, Tanh), back(1, 3, 2, Linear)],
            ..shuffled.clone()
        };
        let pooled = Architecture {
            encoder: vec![conv(3, 3, 1, Tanh), LayerSpec::average_pool(4)],
            decoder: vec![conv(2, 3, 1, Tanh), LayerSpec::upsample(4), conv(1, 3, 1, Linear)],
            ..shuffled.clone()
        };
        let (down, up) = (LayerSpec::max_pool, LayerSpec::upsample);
        let twice = Architecture {
            encoder: vec![conv(2, 3, 1, Tanh), down(2), up(2), LayerSpec::average_pool(3)],
            decoder: vec![up(3), conv(1, 3, 1, Linear)],
            ..shuffled.clone()
        };
        let tall = LayerSpec::convolution(3, [5, 3], 1, Tanh);
        let skipping = Architecture {
            encoder: vec![conv(3, 3, 1, Tanh), LayerSpec::average_pool(2), tall],
            decoder: vec![up(2), LayerSpec::concat("encoder.0"), conv(1, 3, 1, Linear), LayerSpec::add("input")],
            ..shuffled.clone()
        };
        for (architecture, step) in [(shuffled, 2), (strided, 4), (pooled, 4), (twice, 6), (skipping, 2)] {
            assert_eq!(architecture.size_step(), step);
            let margin = architecture.margin().unwrap();
            let runner = Network::initialised(&architecture, 3).unwrap().runner();
            let run = |x: &[f32]| {
                let mut y = vec![0.0; x.len()];
                runner.forward(runner.program().all(), x, &mut y, &mut Scratch::default());
                y
            };
            let image = vec![0.5; 48 * 48];
            let unchanged = run(&image);
            for (row, column) in [(24, 24), (25, 23), (26, 27), (23, 25)] {
                let mut changed = image.clone();
                changed[row * 48 + column] = 0.9;
                let furthest = run(&changed)
                    .iter()
                    .zip(&unchanged)
                    .enumerate()
                    .filter(|(_, (a, b))| a != b)
                    .map(|(at, _)| (at / 48).abs_diff(row).max((at % 48).abs_diff(column)))
                    .max()
                    .unwrap();
                assert!(furthest > 0 && furthest <= margin, "{furthest} pixels, margin {margin}");
            }
        }
    }

    #[test]
    fn a_dense_layer_fixes_the_size() {
        let architecture = Architecture::convolutional([28, 28], &[4, 2], &[], 5);
        assert_eq!(architecture.margin(), None);
        let error = architecture.for_shape([32, 32]).unwrap_err();
        assert_eq!(error, ArchitectureError::FixedSize("encoder.2".into()));
        assert!(Architecture::denoiser([28, 28], 4, 3).for_shape([30, 62]).is_ok());
        let error = Architecture::denoiser([28, 28], 4, 3).for_shape([31, 30]).unwrap_err();
        assert!(error.to_string().contains("31×30 pixels"), "{error}");
    }
}
