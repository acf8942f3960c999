//! Anomalies: rows or moments unlike those that a [`Detector`] was fitted to.
//!
//! A detector learns from rows without labels, keeps some of them to calibrate on, and gives every other row a score. A
//! [`ThresholdRule`] turns scores into decisions and says what they rest on; [`Detector::explain`] names the columns to look at.
//!
//! ```
//! use enkoder::Dataset;
//! use enkoder::anomaly::{Detector, DetectorConfig, Guarantee, ThresholdRule};
//! use ndarray::Array2;
//!
//! let rows = Array2::from_shape_fn((400, 2), |(row, column)| ((row * (3 + column * 4)) % 17) as f32);
//! let data = Dataset::from_f32("readings", rows)?;
//! let detector = Detector::fit(&data, &DetectorConfig::default())?;
//!
//! // One false alarm in twenty is a promise for rows like those that calibrated it …
//! let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.05))?;
//! assert_eq!(threshold.guarantee, Guarantee::Conformal);
//! // … and one in a thousand is more than a hundred rows can promise.
//! let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.001))?;
//! assert_eq!(threshold.guarantee, Guarantee::Tail);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adaptive;
mod choice;
mod clock;
mod coefficients;
mod counterfactual;
mod dependence;
mod detector;
mod detector_file;
mod discoveries;
mod draw;
mod drift;
mod error;
mod explanation;
mod forecast;
mod incidents;
mod labels;
mod learning;
mod levels;
mod marginal;
mod members;
mod movement;
mod nearest;
mod outline;
mod part;
mod part_file;
mod period;
mod preparation;
mod readings;
mod recent;
mod relation;
mod resampling;
mod residuals;
mod scores;
mod series;
mod shapes;
mod stop;
mod surprise;
mod tail;
mod threshold;
mod timeline;
mod unchanging;
mod voices;
mod whitening;
mod windows;

pub use adaptive::AdaptiveThreshold;
pub use choice::{DetectorConfig, Method, UnknownMethod};
pub use coefficients::{
    ColumnCost, DetectorCoefficients, Deviations, Member, Neighbours, NetworkDeviations, PreparedValue, SeenCosts,
    Surprises, Unchanged,
};
pub use counterfactual::{Change, Counterfactual};
pub use detector::Detector;
pub use detector_file::DetectorFileError;
pub use discoveries::Discoveries;
pub use drift::{Drift, DriftAlarm};
pub use error::AnomalyError;
pub use explanation::{Reason, Value};
pub use incidents::{Incident, IncidentRule, Incidents};
pub use labels::{NormalLabels, NormalLabelsError};
pub use levels::{Levels, Moved};
pub use movement::Movement;
pub use nearest::NearestWindow;
pub use part::DetectorPart;
pub use recent::RecentRows;
pub use resampling::{Resampled, Resampler};
pub use scores::{NoScore, Scores, Unscored};
pub use series::SeriesScorer;
pub use stop::Stop;
pub use threshold::{CalibrationScores, Guarantee, Threshold, ThresholdRule};
pub use timeline::{Irregularities, Passage, SeriesColumns, TimeUnit, Timeline};
pub use windows::Windows;
