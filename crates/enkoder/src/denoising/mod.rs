//! Taking noise out of pictures: the noise in a user's words, how strong it is in a picture that nobody measured, running a network
//! over pictures of any size in tiles, and the two filters that every denoiser is shown beside: median and non-local means.
//!
//! A picture is a slice of numbers in rows from the top, its shape `[height, width]` or `[height, width, channels]`.

mod denoiser;
mod estimate;
mod median;
mod noise;
mod nonlocal;
mod tiles;

pub use denoiser::Denoiser;
pub use estimate::estimate_sigma;
pub use median::median;
pub use noise::Noise;
pub use nonlocal::NonLocalMeans;
pub use tiles::Tiling;

use crate::autoencoder::ModelError;

/// Why a picture could not be filtered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DenoisingError {
    /// A shape that is no picture or does not hold the values.
    #[error("shape {shape:?} is not a picture of {values} values: [height, width] or [height, width, channels]")]
    Shape {
        /// The shape given.
        shape: Vec<usize>,
        /// The values given.
        values: usize,
    },
    /// A window without a middle, or one too large to be meant.
    #[error("a {what} of {size} pixels is not an odd number from 1 to {limit}")]
    Window {
        /// Which window: "median window", "patch", "search window".
        what: &'static str,
        /// The side given.
        size: usize,
        /// The largest side allowed.
        limit: usize,
    },
    /// A number that must not be negative.
    #[error("{what} is {value}, but must be a number of at least 0")]
    Negative {
        /// Which number.
        what: &'static str,
        /// The value given.
        value: f32,
    },
    /// A value that no filter can compare with others.
    #[error("value {index} (from 0) is {value}, which cannot be filtered")]
    NotFinite {
        /// Its position.
        index: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// A picture that says too little of its noise.
    #[error(
        "the noise of a picture of {height}×{width} pixels cannot be estimated: each side needs at least {least}\nhint: say how strong it is"
    )]
    TooSmall {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// The pixels that each side needs.
        least: usize,
    },
    /// A white that is none.
    #[error("the value of white is {0}, but must be a positive number, such as 255 or 65535")]
    Peak(f32),
    /// A model that sees all of a sample at once.
    #[error(
        "the model has dense layers, so it takes images of one size alone and cannot run over pictures\nhint: train one of convolutions alone: `Architecture::denoiser`"
    )]
    NotConvolutional,
    /// A model of something else.
    #[error("the model takes samples of shape {shape:?}, which are no pictures: [height, width] or [height, width, 3]")]
    NoPictures {
        /// The shape of its samples.
        shape: Vec<usize>,
    },
    /// A model whose output is no picture of the same kind.
    #[error("the model makes something else of its input than the same picture, so it cannot denoise or fill one")]
    OtherOutput,
    /// A model that does not know black and white.
    #[error(
        "the model was trained on values that were not scaled to a range, so it is not known what black and white are to it\nhint: train it with unit scaling"
    )]
    NoRange,
    /// A model of colours and a picture without, or the reverse.
    #[error(
        "the model takes pictures of {expected} channels, but this one has {found}\nhint: a model of grey pictures takes colours too, one by one: train it with grey pictures"
    )]
    Colours {
        /// Channels of the model.
        expected: usize,
        /// Channels of the picture.
        found: usize,
    },
    /// What the model says itself.
    #[error("the model cannot run over pictures")]
    Model(#[from] ModelError),
}

/// Height, width and channels of a picture of finite values.
fn picture(values: &[f32], shape: &[usize]) -> Result<[usize; 3], DenoisingError> {
    let extent = extent(values.len(), shape)?;
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(DenoisingError::NotFinite { index, value: values[index] }),
        None => Ok(extent),
    }
}

/// Height, width and channels, none of them 0.
fn extent(values: usize, shape: &[usize]) -> Result<[usize; 3], DenoisingError> {
    let extent = match *shape {
        [height, width] => [height, width, 1],
        [height, width, channels] => [height, width, channels],
        _ => [0; 3],
    };
    let elements = extent.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
    if elements != Some(values) || values == 0 {
        return Err(DenoisingError::Shape { shape: shape.to_vec(), values });
    }
    Ok(extent)
}

fn check_window(what: &'static str, size: usize, limit: usize) -> Result<(), DenoisingError> {
    if size % 2 == 1 && size <= limit { Ok(()) } else { Err(DenoisingError::Window { what, size, limit }) }
}

/// The position within `0..length` that stands at `at`, which may lie outside: the picture goes on as in a mirror along its edge,
/// the pixel at the edge itself repeated (`c b a | a b c | c b a`).
fn reflect(at: isize, length: usize) -> usize {
    let within = at.rem_euclid(2 * length as isize) as usize;
    within.min(2 * length - 1 - within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_goes_on_as_in_a_mirror() {
        let reflected: Vec<usize> = (-5..8).map(|at| reflect(at, 3)).collect();
        assert_eq!(reflected, [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert!((-4..5).all(|at| reflect(at, 1) == 0));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert_eq!(picture(&[0.0; 6], &[2, 3]), Ok([2, 3, 1]));
        assert_eq!(picture(&[0.0; 6], &[1, 2, 3]), Ok([1, 2, 3]));
        for shape in [&[6][..], &[2, 2], &[usize::MAX, 2], &[1, 2, 3, 1]] {
            assert!(matches!(picture(&[0.0; 6], shape), Err(DenoisingError::Shape { .. })), "{shape:?}");
        }
        assert!(picture(&[], &[0, 3]).is_err());
        assert!(matches!(picture(&[0.0, f32::NAN], &[1, 2]), Err(DenoisingError::NotFinite { index: 1, .. })));
    }
}
