//! Why a scaler could not be fitted or read.

/// Why a [`Scaler`](super::Scaler) could not be fitted or read. Samples and unnamed features are counted from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScalerError {
    /// Not the name of a scaling.
    #[error("unknown scaling \"{0}\"\nhint: choose auto, none, unit, minmax or standard")]
    UnknownName(String),
    /// Nothing to fit on.
    #[error("scaling needs at least one training value, but the data has {samples} samples of {features} features")]
    Empty {
        /// The samples there are.
        samples: usize,
        /// The features of each.
        features: usize,
    },
    /// A value that no scaling can bring to a finite range.
    #[error(
        "{feature} of sample {sample} is infinite\nhint: leave the sample out, or leave the value empty so that it counts as missing"
    )]
    Infinite {
        /// The sample's number.
        sample: usize,
        /// The feature's name or number.
        feature: String,
    },
    /// A feature without a single value in the training samples.
    #[error(
        "{feature} has no value in any of the {samples} training samples\nhint: leave this column out, with --ignore or before the samples are given"
    )]
    AllMissing {
        /// The feature's name or number.
        feature: String,
        /// The training samples.
        samples: usize,
    },
    /// A range whose width overflows f32.
    #[error(
        "{feature} ranges from {min:e} to {max:e}, wider than 32-bit numbers can scale\nhint: give it in a larger unit"
    )]
    TooWide {
        /// The feature's name or number.
        feature: String,
        /// Its smallest training value.
        min: f32,
        /// Its largest training value.
        max: f32,
    },
    /// A stored scaler that does not fit its model.
    #[error("the scaler is damaged: {0}")]
    Damaged(String),
}
