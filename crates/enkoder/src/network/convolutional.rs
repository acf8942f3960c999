//! Convolutional networks by a few numbers: the autoencoder for images, and the denoiser.

use super::activation::Activation;
use super::architecture::Architecture;
use super::layer_spec::LayerSpec;
use super::operations::{TransposedConvolution, image_shape, values_of};
use super::per_axis::PerAxis;

impl Architecture {
    /// A convolutional autoencoder for images, `[height, width]` or `[height, width, channels]`: convolutions of 3×3 pixels, stride
    /// 2 and ReLU with these numbers of channels, dense layers of these `hidden` widths, a linear code of `latent` numbers, and the
    /// mirror image of it all with transposed convolutions; the output linear.
    ///
    /// ```
    /// use enkoder::Architecture;
    ///
    /// let architecture = Architecture::convolutional([28, 28], &[16, 8], &[], 10);
    /// assert_eq!(architecture.summary(), "28×28-14×14×16-7×7×8-10-392-7×7×8-14×14×16-28×28×1");
    /// assert!(architecture.validate().is_ok());
    /// ```
    pub fn convolutional(
        input_shape: impl Into<Vec<usize>>,
        channels: &[usize],
        hidden: &[usize],
        latent: usize,
    ) -> Self {
        let input_shape = input_shape.into();
        let (height, width, colours) = image_shape(&input_shape).unwrap_or((1, 1, values_of(&input_shape)));
        let mut sizes = vec![(height, width, colours)];
        let mut encoder: Vec<LayerSpec> = Vec::new();
        for &count in channels {
            let (height, width, _) = sizes[sizes.len() - 1];
            sizes.push((height.div_ceil(2), width.div_ceil(2), count));
            encoder.push(LayerSpec::convolution(count, 3, 2, Activation::Relu));
        }
        let dense = |units: usize| LayerSpec::dense(units, Activation::Relu);
        encoder.extend(hidden.iter().copied().map(dense));
        encoder.push(LayerSpec::dense(latent, Activation::Linear));
        let (rows, columns, deepest) = sizes[sizes.len() - 1];
        let shape = [rows, columns, deepest];
        let mut decoder: Vec<LayerSpec> = hidden.iter().rev().copied().map(dense).collect();
        decoder.extend([dense(values_of(&shape)), LayerSpec::reshape(shape)]);
        for level in (0..channels.len()).rev() {
            let (height, width, count) = sizes[level];
            // An odd size was rounded up on the way in.
            let added = PerAxis { height, width }.map(|size| 1 - size % 2);
            let layer = TransposedConvolution {
                channels: count,
                kernel: 3.into(),
                stride: 2.into(),
                padding: None,
                output_padding: (added != PerAxis::ONE).then_some(added),
                activation: if level == 0 { Activation::Linear } else { Activation::Relu },
            };
            decoder.push(layer.into());
        }
        Self { input_shape, encoder, decoder, output_shape: None, residual: false }
    }

    /// A denoiser for images of even height and width: `depth` convolutions of 3×3 pixels with `channels` channels and ReLU between
    /// them, on blocks of 2×2 pixels as channels (Zhang, Zuo & Zhang 2018, FFDNet), which compute the noise that is to be taken from
    /// the image. The inner ones are normalised over the batch (Zhang et al. 2017, DnCNN), without which they learn several times
    /// as slowly; a trained model has that folded in. The code is what half of the layers make.
    ///
    /// ```
    /// use enkoder::Architecture;
    ///
    /// let architecture = Architecture::denoiser([40, 40], 48, 8);
    /// assert_eq!(architecture.margin(), Some(18));
    /// assert!(architecture.for_shape([512, 256]).is_ok());
    /// ```
    pub fn denoiser(input_shape: impl Into<Vec<usize>>, channels: usize, depth: usize) -> Self {
        let input_shape = input_shape.into();
        let colours = image_shape(&input_shape).map_or(1, |(.., colours)| colours);
        let first = LayerSpec::convolution(channels, 3, 1, Activation::Relu);
        let inner = |count: usize| {
            let convolution = LayerSpec::convolution(channels, 3, 1, Activation::Linear);
            let normalised = [convolution, LayerSpec::batch_norm(Activation::Relu)];
            std::iter::repeat_n(normalised, count).flatten()
        };
        let before = (depth / 2).max(1);
        let unshuffle = LayerSpec::pixel_unshuffle(2);
        let last = LayerSpec::convolution(4 * colours, 3, 1, Activation::Linear);
        let shuffle = LayerSpec::pixel_shuffle(2);
        Self {
            input_shape,
            encoder: [unshuffle, first].into_iter().chain(inner(before - 1)).collect(),
            decoder: inner(depth.saturating_sub(before + 1)).chain([last, shuffle]).collect(),
            output_shape: None,
            residual: true,
        }
    }
}
