//! Why it could not be measured how well a model restores samples that were damaged: fills in what is missing, or takes noise out.

use enkoder::{Corruption, ModelError, PcaError};

/// Why a [`FillingEvaluation`](crate::FillingEvaluation) or a [`NoiseEvaluation`](crate::NoiseEvaluation) could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestorationError {
    /// The part to take away leaves nothing, or everything.
    #[error("the part of the values to take away must lie between 0 and 1, not be {0}")]
    Fraction(f32),
    /// What is missing is filled, and no noise.
    #[error("{0} is no noise that is taken out")]
    NoNoise(Corruption),
    /// No value was damaged.
    #[error("no value of the {samples} samples was damaged: take other samples, or damage a larger part")]
    Undamaged {
        /// How many samples there were.
        samples: usize,
    },
    /// The model does not take these samples, or failed on them.
    #[error("the autoencoder cannot {what} \"{data}\"")]
    Model {
        /// What it is to do.
        what: &'static str,
        /// What the data is called.
        data: String,
        /// What went wrong.
        #[source]
        source: ModelError,
    },
    /// The principal components to compare with.
    #[error("the principal components to compare with could not be computed")]
    Pca(#[from] PcaError),
}
