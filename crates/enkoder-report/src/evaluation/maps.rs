//! What convolutions look for and what they find: the filters of the first one, and what one sample becomes behind each of the
//! encoder's.

use enkoder::{Autoencoder, Dataset};

use crate::palette::ColourMap;
use crate::picture::Picture;

/// Channels that are shown of a layer.
const MOST_CHANNELS: usize = 32;
/// Layers whose maps are shown.
const MOST_LAYERS: usize = 4;
/// Longest side of a picture.
const MOST_PIXELS: usize = 112;

/// Pictures of some channels of a layer.
#[derive(Clone, Debug)]
pub(crate) struct ChannelPictures {
    pub(crate) layer: String,
    /// Channels the layer has.
    pub(crate) channels: usize,
    /// Those that are shown.
    pub(crate) pictures: Vec<Picture>,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Filters,
    Maps,
}

/// The filters of the first convolution, where it looks at grey or colour, and the maps of the encoder's convolutions for one sample.
pub(crate) fn channel_pictures(model: &Autoencoder, data: &Dataset, sample: usize) -> Vec<ChannelPictures> {
    let architecture = model.architecture();
    let layers = architecture.layers();
    let convolutions: Vec<usize> =
        (0..architecture.encoder.len()).filter(|&index| layers[index].kind == "convolution").collect();
    let mut pictures = Vec::new();
    if let Some(&first) = convolutions.first()
        && let [height, width, channels_in @ (1 | 3), channels] = layers[first].tensors[0].1[..]
        && height.max(width) > 1
    {
        let (weights, _) = model.weights(first);
        let filter = |channel: usize| {
            let largest =
                weights.column(channel).iter().fold(0.0f32, |most, w| most.max(w.abs())).max(f32::MIN_POSITIVE);
            // From white where a weight is 0 to the two ends; of colours the mean.
            let pixel = |at: usize| {
                let of_pixel = (0..channels_in).map(|colour| weights[[at * channels_in + colour, channel]]);
                let mean = of_pixel.sum::<f32>() / channels_in as f32;
                ColourMap::Deviations.colour(f64::from(0.5 + 0.5 * mean / largest))
            };
            Picture::from_colours(width, height, (0..height * width).map(pixel))
        };
        pictures.push(shown(&layers[first].name, channels, filter, What::Filters));
    }
    let mut values = vec![0.0; data.features()];
    data.copy_row(sample, &mut values);
    for &index in convolutions.iter().take(MOST_LAYERS) {
        let [height, width, channels] = layers[index].output_shape[..] else { continue };
        if height.min(width) < 2 {
            continue;
        }
        let output = model.layer_output(&values, index);
        let map = |channel: usize| {
            let values = output.iter().skip(channel).step_by(channels);
            let (low, high) = values
                .clone()
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
            let span = f64::from((high - low).max(f32::MIN_POSITIVE));
            let colours = values.map(|&value| ColourMap::Viridis.colour(f64::from(value - low) / span));
            Picture::from_colours(width, height, colours).shrunk(MOST_PIXELS)
        };
        pictures.push(shown(&layers[index].name, channels, map, What::Maps));
    }
    pictures
}

fn shown(layer: &str, channels: usize, picture: impl Fn(usize) -> Picture, what: What) -> ChannelPictures {
    let pictures = (0..channels.min(MOST_CHANNELS)).map(picture).collect();
    ChannelPictures { layer: layer.to_owned(), channels, pictures, what }
}
