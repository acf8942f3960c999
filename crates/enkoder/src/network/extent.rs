//! Networks of convolutions alone have no size of their own: what sizes of images they take, and how far they look.

use super::architecture::{Architecture, ArchitectureError, LayerSummary, Shape};
use super::layer_spec::LayerSpec;

impl Architecture {
    /// The same layers for samples of another height and width, which keep their weights.
    ///
    /// # Errors
    /// When a layer is dense or reshapes, the strides do not divide the size, or the channels are others.
    pub fn for_shape(&self, shape: impl Into<Vec<usize>>) -> Result<Self, ArchitectureError> {
        let architecture = Self { input_shape: shape.into(), ..self.clone() };
        let fixed = |layer: &LayerSummary| matches!(layer.kind, "dense" | "reshape");
        if let Some(layer) = self.layers().into_iter().find(fixed)
            && architecture.input_shape != self.input_shape
        {
            return Err(ArchitectureError::FixedSize(layer.name));
        }
        architecture.validate()?;
        // With other channels the first layer would have other weights.
        if architecture.tensors() != self.tensors() {
            let [found, expected] = [&architecture, self].map(|a| Shape(a.input_shape.clone()));
            return Err(ArchitectureError::Channels { found, expected });
        }
        Ok(architecture)
    }

    /// What height and width of samples must be multiples of; 1 where the layers say nothing, and of dense networks.
    pub fn size_step(&self) -> usize {
        // Side of a pixel on the way, in pixels of the input.
        let (mut side, mut step) = (1usize, 1usize);
        for layer in self.encoder.iter().chain(&self.decoder) {
            match *layer {
                LayerSpec::Convolution { stride: factor, .. }
                | LayerSpec::PixelUnshuffle { factor }
                | LayerSpec::MaxPool { size: factor }
                | LayerSpec::AveragePool { size: factor } => side = side.saturating_mul(factor),
                LayerSpec::TransposedConvolution { stride: factor, .. }
                | LayerSpec::Upsample { factor }
                | LayerSpec::PixelShuffle { factor } => side = (side / factor.max(1)).max(1),
                LayerSpec::Dense { .. } | LayerSpec::BatchNorm { .. } | LayerSpec::Reshape { .. } => {}
            }
            step = step.max(side);
        }
        step
    }

    /// How many pixels away from an output pixel an input pixel can be that it depends on, rounded up to whole
    /// [steps](Self::size_step); `None` where a layer is dense, so that every pixel depends on all.
    pub fn margin(&self) -> Option<usize> {
        let (mut side, mut margin) = (1usize, 0usize);
        for layer in self.encoder.iter().chain(&self.decoder) {
            match *layer {
                LayerSpec::Dense { .. } | LayerSpec::Reshape { .. } => return None,
                LayerSpec::BatchNorm { .. } => {}
                LayerSpec::Convolution { kernel, stride, padding, .. } => {
                    let padding = LayerSpec::padding_of(kernel, padding);
                    let reach = padding.max(kernel.saturating_sub(padding.saturating_add(1)));
                    margin = margin.saturating_add(side.saturating_mul(reach));
                    side = side.saturating_mul(stride);
                }
                LayerSpec::PixelUnshuffle { factor: size }
                | LayerSpec::MaxPool { size }
                | LayerSpec::AveragePool { size } => {
                    margin = margin.saturating_add(side.saturating_mul(size.saturating_sub(1)));
                    side = side.saturating_mul(size);
                }
                LayerSpec::TransposedConvolution { kernel, stride, .. } => {
                    margin = margin.saturating_add(side.saturating_mul(kernel.div_ceil(stride.max(1))));
                    side = (side / stride.max(1)).max(1);
                }
                LayerSpec::Upsample { factor } | LayerSpec::PixelShuffle { factor } => {
                    margin = margin.saturating_add(side.saturating_mul(factor.saturating_sub(1)) / factor.max(1));
                    side = (side / factor.max(1)).max(1);
                }
            }
        }
        Some(margin.next_multiple_of(self.size_step()))
    }
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
            encoder: vec![conv(3, 3, 1, Tanh), LayerSpec::AveragePool { size: 4 }],
            decoder: vec![conv(2, 3, 1, Tanh), LayerSpec::Upsample { factor: 4 }, conv(1, 3, 1, Linear)],
            ..shuffled.clone()
        };
        for (architecture, step) in [(shuffled, 2), (strided, 4), (pooled, 4)] {
            assert_eq!(architecture.size_step(), step);
            let margin = architecture.margin().unwrap();
            let network = Network::initialised(&architecture, 3).unwrap();
            let run = |x: &[f32]| {
                let mut y = vec![0.0; x.len()];
                network.forward(0..network.layers.len(), x, &mut y, &mut Scratch::default());
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
