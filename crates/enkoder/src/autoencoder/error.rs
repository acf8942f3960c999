//! Why a model cannot be used on some data.

use crate::network::ArchitectureError;
use crate::scaling::ScalerError;

/// Why a model cannot be used on some data.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The samples have another number of values.
    #[error("the data has {found} values a sample, but the model was trained on {expected}")]
    Features {
        /// Values of a sample of the data.
        found: usize,
        /// What the model takes.
        expected: usize,
    },
    /// The samples have as many values in another shape.
    #[error("the data has samples of shape {found:?}, but the model was trained on {expected:?}")]
    Shape {
        /// Shape of a sample of the data.
        found: Vec<usize>,
        /// What the model takes.
        expected: Vec<usize>,
    },
    /// The table has other columns, or the same in another order.
    #[error("feature {position} of the data is {found:?}, but the model was trained with {expected:?} there")]
    Columns {
        /// The feature's number.
        position: usize,
        /// Its name in the data.
        found: String,
        /// Its name in the model.
        expected: String,
    },
    /// The codes have another length.
    #[error("the codes have {found} numbers each, but the model's have {expected}")]
    Codes {
        /// Numbers of a code given.
        found: usize,
        /// The model's latent size.
        expected: usize,
    },
    /// The output is of another kind than the input.
    #[error("the model makes no reconstruction of its input but something else, so there is nothing to compare")]
    NoReconstruction,
    /// What the layers compute is no sample.
    #[error("the model cannot decode a code alone: its layer {layer} also reads what only the sample has")]
    NeedsSample {
        /// The layer, such as `decoder.1`; `output` where the output is the sample less what the layers compute.
        layer: String,
    },
    /// Parameters from elsewhere are not as many as the layers have.
    #[error("there are {found} parameters, but the layers have {expected}")]
    Parameters {
        /// Parameters given.
        found: usize,
        /// What the layers have.
        expected: usize,
    },
    /// A parameter from elsewhere is no number to compute with.
    #[error("parameter {at} is {value}, and no network can compute with it")]
    Parameter {
        /// Its number, counted from 0.
        at: usize,
        /// What it is.
        value: f32,
    },
    /// A normalisation from elsewhere has a variance that cannot be.
    #[error("layer {layer} has a negative variance")]
    Variance {
        /// The layer, such as `encoder.1`.
        layer: String,
    },
    /// The model has one size of samples for ever.
    #[error("the model cannot take images of this size")]
    Size(#[from] ArchitectureError),
    /// Each pixel of the model has a scale of its own.
    #[error(
        "the model scales each pixel by itself, so it takes images of one size alone\nhint: train it with unit scaling"
    )]
    ScaledByPixel,
    /// The numbers of the data mean others, by which the model's scaling cannot be multiplied.
    #[error("the model cannot take numbers that are packed with this scale and offset")]
    Packed(#[from] ScalerError),
    /// The memory to write to has not the length that the results have.
    #[error("the results are {expected} numbers, but the memory for them has room for {found}")]
    Output {
        /// Numbers there is room for.
        found: usize,
        /// Numbers that there will be.
        expected: usize,
    },
}
