//! Why a recipe makes no model.

use crate::autoencoder::ModelError;
use crate::dataset::DatasetError;
use crate::network::Shape;
use crate::pca::PcaError;
use crate::scaling::ScalerError;
use crate::training::TrainingError;

/// Why a [`Recipe`](super::Recipe) makes no model of some samples.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// Samples that cannot be cut in two.
    #[error("{name} cannot be trained on")]
    Split {
        /// The data's name.
        name: String,
        /// Why.
        source: DatasetError,
    },
    /// Samples or patches that make no data set.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Not one target for each input.
    #[error("{inputs} inputs cannot be paired with {targets} targets")]
    Pairs {
        /// The inputs there are.
        inputs: usize,
        /// The targets there are.
        targets: usize,
    },
    /// Not one target for each image.
    #[error("{images} images cannot be paired with {targets} targets")]
    ImagePairs {
        /// The images there are.
        images: usize,
        /// The targets there are.
        targets: usize,
    },
    /// An image and its target of different sizes.
    #[error("{image} is {} pixels, but {target} is {}", Shape(found), Shape(expected))]
    ImageSizes {
        /// The image's name.
        image: String,
        /// Its height, width and channels.
        found: Vec<usize>,
        /// The target's name.
        target: String,
        /// The target's height, width and channels.
        expected: Vec<usize>,
    },
    /// Too few images to cut patches from.
    #[error("patches need at least 2 images: some to learn from, some to validate with")]
    FewImages,
    /// Principal components are of the inputs alone.
    #[error("principal components give back what they are given, so they take no targets")]
    LinearTargets,
    /// Principal components are of samples in memory.
    #[error("principal components are computed from samples in memory, and these are read in blocks")]
    LinearBlocks,
    /// A training that goes on with something else.
    #[error("a training that goes on keeps its network and its options: only epochs, patience and threads may change")]
    OtherOptions,
    /// The samples cannot be scaled.
    #[error("the training samples cannot be scaled")]
    Scaler(#[from] ScalerError),
    /// The training.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// The principal components.
    #[error(transparent)]
    Pca(#[from] PcaError),
    /// The model cannot be calibrated on the validation samples.
    #[error(transparent)]
    Model(#[from] ModelError),
}
