//! The numbers that a detector of rows scores with, for whoever has to score without it: an exporter.

use super::detector::Detector;
use super::preparation::{FARTHEST, Input, Preparation};
use super::residuals::{ResidualNetwork, SIGHT};
use super::shapes::{LEAST, NEAREST, Shapes};
use super::surprise::Reference;
use super::whitening::Whitening;
use crate::network::Program;

/// The numbers of a [`Detector`] of rows. A row's score is the sum of each member's [surprise](Surprises), times the member's weight, and of
/// the surprise of what never [changed](Unchanged).
///
/// ```
/// use enkoder::Dataset;
/// use enkoder::anomaly::{Detector, DetectorConfig, Method};
/// use ndarray::Array2;
///
/// let rows = Array2::from_shape_fn((400, 2), |(row, column)| ((row * (3 + column * 4)) % 17) as f32);
/// let config = DetectorConfig { method: Method::Linear, ..Default::default() };
/// let detector = Detector::fit(&Dataset::from_f32("readings", rows)?, &config)?;
/// let numbers = detector.coefficients().expect("it is no detector of series");
/// assert_eq!((numbers.prepared.len(), numbers.marginal.is_some(), numbers.linear.is_some()), (2, false, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DetectorCoefficients<'a> {
    /// What the members but the marginal one see of a row.
    pub prepared: Vec<PreparedValue>,
    /// Each column by itself.
    pub marginal: Option<Member<'a, Vec<ColumnCost<'a>>>>,
    /// The linear model of the prepared values.
    pub linear: Option<Member<'a, Deviations<'a>>>,
    /// Networks that reconstruct the prepared values.
    pub networks: Vec<Member<'a, NetworkDeviations<'a>>>,
    /// How far the nearest rows are.
    pub neighbours: Option<Member<'a, Neighbours<'a>>>,
    /// Features that never changed.
    pub unchanged: Unchanged,
    /// The numbers of all features that are judged. A row without a value of any of them has no score.
    pub judged: Vec<usize>,
}

/// One prepared value: `(value − center) · scale`, but never beyond ±`limit`. It is 0 where the value is missing, unless it tells absence.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PreparedValue {
    /// The number of the feature that it is made of.
    pub feature: usize,
    /// Whether the value is not the feature's, but 1 where that is missing and 0 where it is there.
    pub absence: bool,
    /// What is taken from the value.
    pub center: f32,
    /// What the rest is multiplied by.
    pub scale: f32,
    /// The largest prepared value, which is also the smallest but for its sign.
    pub limit: f32,
}

/// A member of a detector, which gives a row a score of its own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Member<'a, T> {
    /// How it gives the score.
    pub score: T,
    /// What that score means.
    pub surprises: Surprises<'a>,
    /// What the surprise counts for in the sum.
    pub weight: f32,
}

/// How surprising a score is: 0 below the first of `scores`, linear between two neighbours, and beyond the last one its surprise plus
/// ln(1 + (score − last) / `width`).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Surprises<'a> {
    /// Scores, ascending and distinct.
    pub scores: &'a [f32],
    /// The surprise of each.
    pub surprises: &'a [f32],
    /// By how much a score beyond the last one is divided.
    pub width: f32,
}

/// What a column's value costs in the marginal member, whose score is the sum over the columns.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ColumnCost<'a> {
    /// The number of the column's first feature.
    pub first: usize,
    /// The cost of a missing value: NaN in the first feature.
    pub missing: f32,
    /// The cost of a value that was never seen.
    pub unseen: f32,
    /// The costs of values that were.
    pub seen: SeenCosts<'a>,
}

/// What the values cost that a column had.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SeenCosts<'a> {
    /// Of a number by its place `(value − low) / width` from 0 to 1, in bins of the same width, the last with its end. What lies outside
    /// costs ln(1 + its distance from 0..1) more than what was never seen.
    Bins {
        /// The smallest value of the first bin.
        low: f32,
        /// From the first bin to the end of the last.
        width: f32,
        /// The cost of each bin.
        costs: &'a [f32],
    },
    /// Of the first word whose feature is above ½; never seen where none is.
    Words(&'a [f32]),
}

/// For values x the deviation d = x − `mean`, its parts p = `directions` · d, and the score max(Σ `weights` · p² + `rest` · Σ d², 0) / the
/// number of values.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Deviations<'a> {
    /// The mean of each value.
    pub mean: &'a [f32],
    /// Directions, row after row, each as long as `mean`.
    pub directions: &'a [f32],
    /// A weight for each direction; it may be negative.
    pub weights: &'a [f32],
    /// The weight of what lies in any direction.
    pub rest: f32,
}

/// For prepared values x, the output y of a network for x clamped to ±`sight`: the deviations of (x − y) / `spread`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NetworkDeviations<'a> {
    /// What computes the network: dense layers.
    pub program: &'a Program,
    /// Its weights and biases, as the program's tensors name them.
    pub parameters: &'a [f32],
    /// How far the network sees.
    pub sight: f32,
    /// The usual size of each residual.
    pub spread: &'a [f32],
    /// What is made of the residuals.
    pub deviations: Deviations<'a>,
}

/// For prepared values x, the deviation d of x clamped to ±`sight` from `mean`, and the score √(s / the number of values) + `least`, where s is the
/// `nearest`-th smallest of the squared distances of d from the rows, or the largest where there are fewer, and 0 where rounding makes it negative.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Neighbours<'a> {
    /// How far the rows are seen.
    pub sight: f32,
    /// The mean of each value.
    pub mean: &'a [f32],
    /// The rows that others are compared with, less the mean, one after the other.
    pub rows: &'a [f32],
    /// Which of the nearest rows counts, from 1.
    pub nearest: usize,
    /// What is added to every distance.
    pub least: f32,
}

/// The features of columns that had one value in all rows learned from. Where none has changed, nothing is added to the score; else
/// `strength` + ln(1 + the largest of |value − usual| / max(|usual|, 1) over those that changed). A missing value is no change.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Unchanged {
    /// The number of each feature, and its usual value.
    pub usual: Vec<(usize, f32)>,
    /// What a change adds at least.
    pub strength: f32,
}

impl Detector {
    /// The numbers that it scores with; `None` of a detector of series, which scores a moment by the rows around it.
    pub fn coefficients(&self) -> Option<DetectorCoefficients<'_>> {
        if self.windows.is_some() {
            return None;
        }
        let (preparation, members) = (&self.preparation, &self.members);
        let share = 1.0 / members.votes();
        let networks = members.networks().map(|(weight, network, reference)| Member {
            score: network.coefficients(),
            surprises: reference.coefficients(),
            weight: weight * share,
        });
        Some(DetectorCoefficients {
            prepared: preparation.coefficients(),
            marginal: members.marginal.as_ref().map(|(marginal, reference)| Member {
                score: marginal.coefficients(),
                surprises: reference.coefficients(),
                weight: share,
            }),
            linear: members.linear.as_ref().map(|(whitening, reference)| Member {
                score: whitening.coefficients(),
                surprises: reference.coefficients(),
                weight: share,
            }),
            networks: networks.collect(),
            neighbours: members.neighbours.as_ref().map(|(shapes, reference)| Member {
                score: shapes.coefficients(),
                surprises: reference.coefficients(),
                weight: share,
            }),
            unchanged: members.unchanging.coefficients(preparation),
            judged: self.judged(),
        })
    }
}

impl Preparation {
    fn coefficients(&self) -> Vec<PreparedValue> {
        let value = |input: &Input| {
            let (center, scale) = input.center_and_scale();
            PreparedValue { feature: input.feature, absence: input.absence, center, scale, limit: FARTHEST }
        };
        self.inputs.iter().map(value).collect()
    }
}

impl Reference {
    fn coefficients(&self) -> Surprises<'_> {
        Surprises { scores: &self.scores, surprises: &self.surprises, width: self.width_beyond() }
    }
}

impl Whitening {
    fn coefficients(&self) -> Deviations<'_> {
        let (weights, rest) = self.weights();
        Deviations { mean: &self.mean, directions: &self.directions, weights, rest }
    }
}

impl Shapes {
    fn coefficients(&self) -> Neighbours<'_> {
        Neighbours {
            sight: SIGHT,
            mean: &self.mean,
            rows: &self.rows,
            nearest: NEAREST.min(self.count()),
            least: LEAST,
        }
    }
}

impl ResidualNetwork {
    fn coefficients(&self) -> NetworkDeviations<'_> {
        NetworkDeviations {
            program: self.network.program(),
            parameters: self.network.parameters(),
            sight: SIGHT,
            spread: &self.spread,
            deviations: self.whitening.coefficients(),
        }
    }
}
