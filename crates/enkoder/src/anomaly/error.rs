//! Why a detector cannot be fitted, used, or believed.

use super::scores::NoScore;
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
    /// A column that was named and is not there.
    #[error("there is no column {column:?}")]
    NoColumn {
        /// The name given.
        column: String,
    },
    /// No column to learn anything from.
    #[error(
        "all {features} features are empty in the rows to learn from, or constant while a change of these is not to be told: nothing tells one row from another\nhint: give rows that have values"
    )]
    NothingVaries {
        /// The features there are.
        features: usize,
    },
    /// What varies only grows, and is taken for clocks.
    #[error(
        "nothing is left to learn from: these columns only grow, as a clock does: {}\nhint: name those that are readings, with `--reading` or in `DetectorConfig::readings`",
        columns.join(", ")
    )]
    OnlyClocks {
        /// Their names.
        columns: Vec<String>,
    },
    /// It was asked to stop: [`Stop`](super::Stop).
    #[error("fitting was stopped before there was a detector")]
    Stopped,
    /// Of the rows kept for calibration none has a value of what was learned.
    #[error(
        "none of the rows kept for calibration has a value in the columns that were learned\nhint: leave out columns that are mostly empty, or give more rows"
    )]
    NothingToCalibrate,
    /// Parts that do not go together.
    #[error(
        "the parts do not go together: {what} is {one} in one and {other} in another\nhint: fit all parts with the same options to tables of the same columns"
    )]
    PartsDiffer {
        /// The option, or the number of the column.
        what: String,
        /// What it is in one part.
        one: String,
        /// And in another.
        other: String,
    },
    /// Rows that follow each other in time cannot be seen apart.
    #[error(
        "a part is of rows of a table, and not of rows that follow each other in time\nhint: fit series on one machine, or one detector for each"
    )]
    OrderedPart,
    /// Reasons asked for of a row that has no score.
    #[error("row {row} has no score to explain")]
    Unscored {
        /// The row's number.
        row: usize,
        /// Why it has none.
        #[source]
        reason: NoScore,
    },
    /// What was learned has numbers that are not finite: nothing could be decided by it.
    #[error("the detector cannot be used: {0} of the rows are not finite")]
    NotFinite(&'static str),
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
    /// Series of which none is long enough to learn from one part and calibrate on another.
    #[error(
        "no series has {needed} rows in a row: a window of {window} to learn from and another to calibrate on\nhint: choose a shorter window, or give longer series"
    )]
    ShortSeries {
        /// Rows of a window.
        window: usize,
        /// Rows that would do.
        needed: usize,
    },
    /// A time before that of the row before it.
    #[error("the clock runs backwards: time {time} of row {row} comes after {before}\nhint: sort the rows by time")]
    Backwards {
        /// The row's number.
        row: usize,
        /// Its time in seconds.
        time: f64,
        /// The time of the row before it.
        before: f64,
    },
    /// Labels that no threshold can be chosen with.
    #[error("the threshold of the best F1 cannot be chosen")]
    Labels(#[from] crate::metrics::MetricError),
}
