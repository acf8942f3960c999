//! Why a detector cannot be fitted, used, or believed.

use crate::autoencoder::ModelError;
use crate::dataset::DatasetError;
use crate::pca::PcaError;
use crate::training::TrainingError;

/// Why a detector cannot be fitted or used. Rows are counted from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnomalyError {
    /// An option outside its range.
    #[error("{option} is {value}, but must be {range}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// The value given.
        value: f64,
        /// What is allowed, in words.
        range: &'static str,
    },
    /// Too few rows to learn what is usual and to calibrate on others.
    #[error("a detector needs at least {needed} rows, but there are {rows}")]
    TooFew {
        /// The rows there are.
        rows: usize,
        /// The fewest that will do.
        needed: usize,
    },
    /// No column to learn anything from.
    #[error(
        "all {features} features are constant or empty in the rows to learn from: nothing tells one row from another\nhint: give rows that vary as normal operation does"
    )]
    NothingVaries {
        /// The features there are.
        features: usize,
    },
    /// A value that nothing can be computed with.
    #[error(
        "{feature} of row {row} is infinite\nhint: leave the row out, or leave the value empty so that it counts as missing"
    )]
    Infinite {
        /// The row's number.
        row: usize,
        /// The feature's name or number.
        feature: String,
    },
    /// The rows do not fit the detector.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The rows could not be cut.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A network could not be trained.
    #[error("a network of the detector could not be trained")]
    Training(#[from] TrainingError),
    /// The residuals could not be whitened.
    #[error("the spread of the rows could not be found")]
    Spread(#[from] PcaError),
    /// A window that does not fit into the series.
    #[error("a window of {window} rows with a stride of {stride} does not fit a series of {rows} rows")]
    Window {
        /// Rows of a window.
        window: usize,
        /// Rows between the starts of two windows.
        stride: usize,
        /// Rows of the series.
        rows: usize,
    },
    /// Labels that no threshold can be chosen with.
    #[error("the threshold of the best F1 cannot be chosen")]
    Labels(#[from] crate::metrics::MetricError),
}
