//! Numbers that say how good a result is: of a reconstruction against its original, and of scores against known labels.
//! All are computed in f64 and follow the definitions of scikit-image and scikit-learn, so that they can be compared.

mod range;
mod ranking;
mod reconstruction;

pub use range::vus_pr;
pub use ranking::{Confusion, auroc, average_precision};
pub use reconstruction::{mae, mse, psnr, ssim};

/// Why a metric has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// A reconstruction of another length than its original.
    #[error("a reconstruction of {reconstruction} values for an original of {original}")]
    Values {
        /// The values of the original.
        original: usize,
        /// The values of the reconstruction.
        reconstruction: usize,
    },
    /// Not one label for each score.
    #[error("{labels} labels for {scores} scores")]
    Labels {
        /// The scores given.
        scores: usize,
        /// The labels given.
        labels: usize,
    },
    /// Nothing to measure.
    #[error("a metric of no values is not defined")]
    Empty,
    /// A value that is NaN, or infinite where that makes no sense.
    #[error("value {index} (from 0) is {value}, which a metric cannot rank or average")]
    NotFinite {
        /// Its position.
        index: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// A range of values that is not positive.
    #[error(
        "data range {0} is not a positive number\nhint: give the distance from the smallest to the largest possible value, such as 1 or 255"
    )]
    DataRange(f64),
    /// A shape that is no image or does not hold the values.
    #[error("shape {shape:?} is not an image of {values} values: [height, width] or [height, width, channels]")]
    Shape {
        /// The shape given.
        shape: Vec<usize>,
        /// The values given.
        values: usize,
    },
    /// An image that the 11×11 window of SSIM does not fit into.
    #[error(
        "an image of {height}×{width} is smaller than the 11×11 window of SSIM\nhint: use MSE or PSNR for images this small"
    )]
    TooSmall {
        /// The image's height in pixels.
        height: usize,
        /// The image's width in pixels.
        width: usize,
    },
    /// Labels of one kind only, among which nothing can be ranked.
    #[error("ranking needs samples of both kinds, but {positives} of {samples} are positive")]
    OneClass {
        /// The positive samples.
        positives: usize,
        /// All samples.
        samples: usize,
    },
}
