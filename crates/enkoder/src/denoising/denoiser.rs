//! A model over a picture: any size, grey or colour, any depth. Pictures come as `0..=peak` and leave so; the model sees them in
//! the range that it was trained on, in tiles that leave no seam.

use std::sync::{Arc, Mutex, PoisonError};

use super::{DenoisingError, Tiling, extent, picture};
use crate::autoencoder::{Autoencoder, ModelError};
use crate::filling::fill_by;
use crate::rows::Rows;
use crate::scaling::Scaling;

/// The side of a tile in pixels.
const TILE: usize = 256;
/// Sizes of tiles for which the model is kept ready: those of a picture both ways, and some more.
const KEPT: usize = 4;

/// A fully convolutional model that runs over pictures.
///
/// A model of grey pictures takes the channels of a colour picture one by one. The same picture gives the same bits with any number
/// of threads.
#[derive(Debug)]
pub struct Denoiser<'a> {
    model: &'a Autoencoder,
    /// Channels of the model.
    channels: usize,
    margin: usize,
    /// What black and white are to the model.
    range: [f32; 2],
    ensemble: bool,
    /// The model for tiles of the shapes that were met last.
    opened: Mutex<Vec<Arc<Autoencoder>>>,
}

impl<'a> Denoiser<'a> {
    /// The model, once it is known to take pictures of any size. What its training data had as range, 0..255 where they were bytes,
    /// is black and white to it.
    ///
    /// # Errors
    /// When a layer is dense, samples are no pictures, or the output is not of the input's kind, and when values are scaled pixel by
    /// pixel or not to a range.
    pub fn new(model: &'a Autoencoder) -> Result<Self, DenoisingError> {
        let architecture = model.architecture();
        let shape = &architecture.input_shape;
        let margin = architecture.margin().ok_or(DenoisingError::NotConvolutional)?;
        let channels = match shape[..] {
            [_, _] => 1,
            [_, _, channels] => channels,
            _ => return Err(DenoisingError::NoPictures { shape: shape.clone() }),
        };
        if architecture.output_shape.is_some() {
            return Err(DenoisingError::OtherOutput);
        }
        if matches!(model.scaler().kind(), Scaling::MinMax | Scaling::Standard) {
            return Err(ModelError::ScaledByPixel.into());
        }
        let range = if model.record().data.bytes_per_value == 1 {
            [0.0, 255.0]
        } else if model.scaler().is_unit_interval() {
            let (factor, offset) = model.scaler().inverse_of(0);
            [offset as f32, (offset + factor) as f32]
        } else {
            return Err(DenoisingError::NoRange);
        };
        let this = Self { model, channels, margin, range, ensemble: false, opened: Mutex::default() };
        // Whether it takes other sizes shows early, not at the first picture.
        model.for_shape(&this.shape_of([architecture.size_step() * 4; 2]))?;
        Ok(this)
    }

    /// The same, to take the mean over what it makes of a picture as it is, turned and mirrored in all eight ways (the self-ensemble of Lim
    /// et al. 2017, EDSR): a little less is left of the noise, in eight times the time. What is missing is filled in one pass.
    pub fn with_ensemble(self, ensemble: bool) -> Self {
        Self { ensemble, ..self }
    }

    /// Channels of the pictures that the model was trained on: 1 takes pictures of any number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The picture without its noise. Values reach from 0 to `peak` (255, 65535 or 1); what the model makes of them is clipped to that.
    /// Beside the picture and the result, memory holds a channel of both and some tiles.
    ///
    /// # Errors
    /// When the shape is not that of a picture of these values, a value is not finite, `peak` is no positive number, or the model
    /// takes another number of channels.
    pub fn denoise(&self, values: &[f32], shape: &[usize], peak: f32) -> Result<Vec<f32>, DenoisingError> {
        picture(values, shape)?;
        if !self.ensemble {
            return self.pass(values, shape, peak);
        }
        let extent = extent(values.len(), shape)?;
        let mut mean = vec![0.0; values.len()];
        for view in View::all() {
            let mut seen = vec![0.0; values.len()];
            let shape = view.each(extent, |at, there| seen[there] = values[at]);
            let made = self.pass(&seen, &shape, peak)?;
            view.each(extent, |at, there| mean[at] += made[there] / View::COUNT as f32);
        }
        Ok(mean)
    }

    /// Fills what is missing (NaN) by what the model makes of it, and leaves all else as it is. The model first sees the mean of its
    /// training values there, then, `iterations` − 1 times, what it made itself.
    ///
    /// # Errors
    /// As [`denoise`](Self::denoise), but values may be NaN.
    pub fn fill(
        &self,
        values: &[f32],
        shape: &[usize],
        peak: f32,
        iterations: usize,
    ) -> Result<Vec<f32>, DenoisingError> {
        if let Some(index) = values.iter().position(|value| value.is_infinite()) {
            return Err(DenoisingError::NotFinite { index, value: values[index] });
        }
        let mut filled = values.to_vec();
        fill_by(&mut filled, iterations, |values, made| {
            made.copy_from_slice(&self.pass(values, shape, peak)?);
            Ok::<_, DenoisingError>(())
        })?;
        Ok(filled)
    }

    /// Runs the model over a picture, in which values may be missing.
    fn pass(&self, values: &[f32], shape: &[usize], peak: f32) -> Result<Vec<f32>, DenoisingError> {
        let [height, width, channels] = extent(values.len(), shape)?;
        if !(peak > 0.0 && peak.is_finite()) {
            return Err(DenoisingError::Peak(peak));
        }
        if self.channels != 1 && self.channels != channels {
            return Err(DenoisingError::Colours { expected: self.channels, found: channels });
        }
        let tiling = Tiling::new(TILE, self.margin, self.model.architecture().size_step());
        let model = self.opened(self.shape_of(tiling.tile_size(height, width)))?;
        let [black, white] = self.range;
        let (to_model, to_picture) = ((white - black) / peak, peak / (white - black));
        let mut result = vec![0.0; values.len()];
        let mut plane = Vec::with_capacity(height * width * self.channels);
        for channel in 0..channels / self.channels {
            let of_channel = values.iter().skip(channel).step_by(channels / self.channels);
            plane.clear();
            plane.extend(of_channel.map(|value| value * to_model + black));
            let made = tiling.run(&plane, &[height, width, self.channels], || {
                let mut session = model.session();
                move |tile: &[f32], out: &mut [f32]| {
                    let sample = Rows::from_slice(tile, tile.len()).expect("a tile is one sample");
                    session.reconstruct(sample, out).expect("the tile has the model's size");
                }
            })?;
            let places = result.iter_mut().skip(channel).step_by(channels / self.channels);
            for (place, value) in places.zip(made) {
                *place = ((value - black) * to_picture).clamp(0.0, peak);
            }
        }
        Ok(result)
    }

    /// The model for tiles of this shape.
    fn opened(&self, shape: Vec<usize>) -> Result<Arc<Autoencoder>, ModelError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = opened.iter().find(|model| model.architecture().input_shape == shape) {
            return Ok(model.clone());
        }
        let model = Arc::new(self.model.for_shape(&shape)?);
        opened.truncate(KEPT - 1);
        opened.insert(0, model.clone());
        Ok(model)
    }

    /// A shape of the model's kind of another height and width.
    fn shape_of(&self, [height, width]: [usize; 2]) -> Vec<usize> {
        let axes = &self.model.architecture().input_shape;
        [height, width].into_iter().chain(axes.iter().skip(2).copied()).collect()
    }
}

/// A picture turned or mirrored.
#[derive(Clone, Copy)]
struct View {
    turned: bool,
    mirrored: [bool; 2],
}

impl View {
    const COUNT: usize = 8;

    fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(|view| Self { turned: view & 1 > 0, mirrored: [view & 2 > 0, view & 4 > 0] })
    }

    /// Names each value's place in a picture of height, width and channels and in the view of it, whose shape it returns.
    fn each(self, [height, width, channels]: [usize; 3], mut visit: impl FnMut(usize, usize)) -> [usize; 3] {
        let [rows, columns] = if self.turned { [width, height] } else { [height, width] };
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let (y, x) = if self.turned { (column, row) } else { (row, column) };
            let y = if self.mirrored[0] { height - 1 - y } else { y };
            let x = if self.mirrored[1] { width - 1 - x } else { x };
            for channel in 0..channels {
                visit((y * width + x) * channels + channel, (row * columns + column) * channels + channel);
            }
        }
        [rows, columns, channels]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_views_are_the_eight_ways_to_lay_a_picture_and_lead_back() {
        let extent = [2, 3, 2];
        let values: Vec<usize> = (0..12).collect();
        let mut all = HashSet::new();
        for view in View::all() {
            let mut seen = vec![usize::MAX; 12];
            let shape = view.each(extent, |at, there| seen[there] = values[at]);
            assert!(shape == [2, 3, 2] || shape == [3, 2, 2]);
            assert!(seen.chunks(2).all(|pixel| pixel[1] == pixel[0] + 1), "channels stay together: {seen:?}");
            let mut back = vec![usize::MAX; 12];
            view.each(extent, |at, there| back[at] = seen[there]);
            assert_eq!(back, values);
            all.insert((shape, seen));
        }
        assert_eq!(all.len(), View::COUNT);
    }
}
