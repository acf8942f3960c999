//! [`Detector`]: what is usual in a table, learned from rows that are mostly normal, and how far other rows are from it.

use std::slice;

use super::adaptive::AdaptiveThreshold;
use super::choice::DetectorConfig;
use super::dependence::independent_after;
use super::error::AnomalyError;
use super::learning::{Learned, learn};
use super::members::Members;
use super::preparation::{FeatureRange, Preparation, columns_of};
use super::scores::{NoScore, Scores, Unscored, has_infinite};
use super::series::SeriesScorer;
use super::threshold::{CalibrationScores, Guarantee, Threshold, ThresholdRule};
use super::timeline::SeriesColumns;
use super::voices::Voices;
use super::windows::Windows;
use crate::autoencoder::ModelError;
use crate::dataset::{Dataset, warn_of_coarse};
use crate::network::vectorised::all_finite;
use crate::schema::Schema;

const FEWEST_ROWS: usize = 20;
/// More calibration rows than this make no promise sharper that anybody asks for.
const MOST_CALIBRATION_ROWS: usize = 100_000;

/// A fitted detector of anomalies: scores rows, says which are flagged, and which columns are to blame.
///
/// ```
/// use enkoder::Dataset;
/// use enkoder::anomaly::{Detector, DetectorConfig, ThresholdRule};
/// use ndarray::Array2;
///
/// // Two sensors that go together, and a third on its own.
/// let usual = Array2::from_shape_fn((2000, 3), |(row, column)| {
///     let (a, b) = ((row as f32 * 0.7).sin(), (row as f32 * 1.3).cos());
///     [a, 2.0 * a + 0.05 * b, b][column]
/// });
/// let detector = Detector::fit(&Dataset::from_f32("usual", usual)?, &DetectorConfig::default())?;
/// let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.01))?;
///
/// // Each value of the second row occurs, but never together.
/// let rows = Dataset::from_f32("new", ndarray::array![[0.5, 1.0, 0.1], [0.9, -1.8, 0.1]])?;
/// let scores = detector.score(&rows)?;
/// assert!(!threshold.flags(scores[0]) && threshold.flags(scores[1]));
///
/// let reasons = detector.explain(&rows, 1, 2)?;
/// assert_ne!(reasons[0].column, "feature3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Detector {
    pub(super) config: DetectorConfig,
    /// Of what the members learn from: a row, or a whole window.
    pub(super) features: usize,
    /// Of a row.
    pub(super) schema: Option<Schema>,
    pub(super) rows_learned: usize,
    pub(super) rows_left_out: usize,
    pub(super) rows_empty: usize,
    pub(super) chosen: String,
    pub(super) preparation: Preparation,
    pub(super) members: Members,
    /// Of a series whose readings are judged one by one; there are no other members then.
    pub(super) voices: Voices,
    pub(super) calibration: CalibrationScores,
    /// Of series: of moments that are scored by the window that ends with them alone.
    pub(super) calibration_of_ends: Option<CalibrationScores>,
    /// How far apart rows are whose scores tell nothing of each other.
    pub(super) rows_apart: usize,
    /// Whether it judges such moments.
    pub(super) judges_ends: bool,
    pub(super) windows: Option<Windows>,
    pub(super) series: SeriesColumns,
}

impl Detector {
    /// Learns from rows without labels, mostly normal ones: 20 or more. Keeps a part of them for calibration, see
    /// [`DetectorConfig::calibration`]. Rows with an infinite value are left out and [counted](Self::rows_left_out), and so are
    /// rows [without any value](Self::rows_empty).
    ///
    /// # Errors
    /// When an option is out of range, there are too few rows, or no column varies.
    pub fn fit(data: &Dataset, config: &DetectorConfig) -> Result<Self, AnomalyError> {
        config.validate()?;
        let usable = Usable::of(data);
        if usable.rows.is_empty() && usable.empty > 0 {
            return Err(AnomalyError::NothingVaries { features: data.features() });
        }
        let data = &data.select(&usable.rows);
        check_count(data.len())?;
        let clocks = clocks(data, config)?;
        warn_of_coarse_columns(slice::from_ref(data), &clocks);
        let (learned, calibration) = if config.ordered {
            let held_out = ((data.len() as f64 * config.calibration) as usize).max(1);
            let rows: Vec<usize> = (0..data.len()).collect();
            let (first, last) = rows.split_at(data.len() - held_out);
            (data.select(first), data.select(last))
        } else {
            data.split(config.calibration, config.seed)?
        };
        let known = Beforehand { clocks, ..Beforehand::default() };
        let share = if config.ordered { 1.0 } else { share(&calibration, data) };
        let mut detector = Self::learn_and_calibrate(&learned, &calibration, share, &known, config)?;
        (detector.rows_left_out, detector.rows_empty) = (usable.infinite, usable.empty);
        Ok(detector)
    }

    /// Learns from rows drawn at random from more, of which something is known.
    pub(super) fn fit_drawn(data: &Dataset, known: &Beforehand, config: &DetectorConfig) -> Result<Self, AnomalyError> {
        let (learned, calibration) = data.split(config.calibration, config.seed)?;
        Self::learn_and_calibrate(&learned, &calibration, share(&calibration, data), known, config)
    }

    fn learn_and_calibrate(
        learned: &Dataset,
        calibration: &Dataset,
        share: f64,
        known: &Beforehand,
        config: &DetectorConfig,
    ) -> Result<Self, AnomalyError> {
        let mut detector = Self::learn(learned, known, config)?;
        let calibration = calibration.head(MOST_CALIBRATION_ROWS).in_order();
        let scores = detector.members.score(&detector.preparation, &calibration);
        // A row with values of what is not judged alone.
        detector.calibrate(detector.with_reasons(scores, &calibration).of_rows_with_values(), share)?;
        Ok(detector)
    }

    /// Takes the scores of the rows kept from learning, in the order of the data, of which they are this share. A detector that could
    /// not be used is never handed out.
    pub(super) fn calibrate(&mut self, scores: Vec<f32>, share: f64) -> Result<(), AnomalyError> {
        if !self.members.are_sound() || !self.voices.are_sound(self.features) {
            return Err(AnomalyError::NotFinite("the members' scores"));
        }
        if !all_finite(&scores) {
            return Err(AnomalyError::NotFinite("the scores for calibration"));
        }
        if scores.is_empty() {
            return Err(AnomalyError::NothingToCalibrate);
        }
        self.rows_apart = match independent_after(&scores) {
            1 => 1,
            apart => (apart as f64 / share) as usize,
        };
        self.calibration = CalibrationScores::new(scores);
        Ok(())
    }

    /// The same for moments that are scored by the window that ends with them alone.
    pub(super) fn calibrate_ends(&mut self, scores: Vec<f32>) -> Result<(), AnomalyError> {
        if !all_finite(&scores) {
            return Err(AnomalyError::NotFinite("the scores for calibration"));
        }
        self.calibration_of_ends = (!scores.is_empty()).then(|| CalibrationScores::new(scores));
        Ok(())
    }

    /// Learns from all of these rows. The calibration is by the same rows, which promises nothing: the caller replaces it.
    pub(super) fn learn(learned: &Dataset, known: &Beforehand, config: &DetectorConfig) -> Result<Self, AnomalyError> {
        let Learned { preparation, members, mut chosen } = learn(learned, known, config)?;
        if !known.clocks.is_empty() {
            let names: Vec<&str> =
                known.clocks.iter().map(|&column| preparation.columns[column].name.as_str()).collect();
            chosen += &format!("; without what only grows, as a clock does: {}", names.join(", "));
        }
        let scores = members.score(&preparation, learned);
        Ok(Self {
            config: config.clone(),
            features: learned.features(),
            schema: learned.schema().cloned(),
            rows_learned: learned.len(),
            rows_left_out: 0,
            rows_empty: 0,
            chosen,
            preparation,
            members,
            voices: Voices::default(),
            calibration: CalibrationScores::new(scores),
            calibration_of_ends: None,
            rows_apart: 1,
            judges_ends: false,
            windows: None,
            series: SeriesColumns::default(),
        })
    }

    /// For each row how surprising it is: the mean over the detector's members of the negative logarithm (base e) of the share
    /// of learned rows that are as odd. 0 is as usual as can be; 4.6 is as odd as one row in a hundred for every member. A
    /// detector of series takes the rows as one series and gives each moment the mean over the windows that cover it.
    ///
    /// A row with an infinite value has no score, and a series goes on behind it as behind a gap; and so it does behind more rows without any
    /// value than an eighth of a window. A row without a value of what is judged has no score: nothing is known of it, so that it is neither usual nor odd. One value is enough for a score. Such a score
    /// says nothing of what is missing: a high one is evidence as any, a low one is little.
    ///
    /// # Errors
    /// When the rows have other columns, or are fewer than a window of a detector of series.
    pub fn score(&self, data: &Dataset) -> Result<Scores, AnomalyError> {
        self.check(data)?;
        match self.windows {
            None => Ok(self.with_reasons(self.members.score(&self.preparation, data), data)),
            Some(Windows { length, stride }) => {
                if data.len() < length {
                    return Err(AnomalyError::Window { window: length, stride, rows: data.len() });
                }
                let mut scorer = SeriesScorer::new(self).expect("it has windows");
                Ok(scorer.push(data)?.and(scorer.finish()?))
            }
        }
    }

    /// The scores of rows, with the reason of each that is none.
    fn with_reasons(&self, mut scores: Vec<f32>, data: &Dataset) -> Scores {
        if all_finite(&scores) {
            return Scores::new(scores, Vec::new());
        }
        let mut unscored = Vec::new();
        let mut values = vec![0.0; data.features()];
        for (row, score) in scores.iter_mut().enumerate().filter(|(_, score)| !score.is_finite()) {
            *score = f32::NAN;
            data.copy_row(row, &mut values);
            let reason = self.no_score(&values).unwrap_or(NoScore::Overflow);
            unscored.push(Unscored { row, reason });
        }
        Scores::new(scores, unscored)
    }

    /// Why a row has no score by itself; none where it may have one. A moment of a series may lack one for the rows around it, too.
    pub fn no_score(&self, row: &[f32]) -> Option<NoScore> {
        NoScore::infinite(row, self.schema()).or_else(|| (!self.judges(row)).then_some(NoScore::Empty))
    }

    /// Whether a row has a value of what is judged.
    pub(super) fn judges(&self, row: &[f32]) -> bool {
        match &self.voices.readings[..] {
            [] => self.members.judge(&self.preparation, row),
            readings => readings.iter().any(|reading| !row[reading.feature].is_nan()),
        }
    }

    /// The features of a row that are judged.
    pub(super) fn judged(&self) -> Vec<usize> {
        let features = self.features();
        let of_members = self.members.judged(&self.preparation).map(|feature| feature % features);
        let mut judged: Vec<usize> =
            self.voices.readings.iter().map(|reading| reading.feature).chain(of_members).collect();
        judged.sort_unstable();
        judged.dedup();
        judged
    }

    /// The scores of whole windows.
    pub(super) fn score_windows(&self, windows: &Dataset) -> Vec<f32> {
        self.members.score(&self.preparation, windows)
    }

    /// Checks that rows have the columns that the detector was fitted to.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, data: &Dataset) -> Result<(), AnomalyError> {
        if data.features() != self.features() {
            return Err(ModelError::Features { found: data.features(), expected: self.features() }.into());
        }
        if let (Some(known), Some(given)) = (&self.schema, data.schema())
            && let Some((position, expected, found)) = known.first_difference(given)
        {
            return Err(ModelError::Columns { position, found, expected }.into());
        }
        Ok(())
    }

    /// Where flagging begins by a rule. What a conformal threshold promises of rows, it does not promise of the moments of a
    /// series: [`Guarantee::OverTime`].
    ///
    /// # Errors
    /// When the rule's number is out of range.
    pub fn threshold(&self, rule: ThresholdRule) -> Result<Threshold, AnomalyError> {
        let mut threshold = self.calibration().threshold(rule)?;
        if self.windows.is_some() && threshold.guarantee == Guarantee::Conformal {
            threshold.guarantee = Guarantee::OverTime;
        }
        Ok(threshold)
    }

    /// The same for a series whose normal drifts: it moves with what is flagged.
    ///
    /// # Errors
    /// As [`threshold`](Self::threshold).
    pub fn adaptive_threshold(&self, rule: ThresholdRule) -> Result<AdaptiveThreshold, AnomalyError> {
        Ok(AdaptiveThreshold::new(self.threshold(rule)?, self.calibration()))
    }

    /// The scores of the rows kept from learning: of series those of their moments.
    pub fn calibration(&self) -> &CalibrationScores {
        self.calibration_of_ends.as_ref().filter(|_| self.judges_ends).unwrap_or(&self.calibration)
    }

    /// How it was fitted.
    pub fn config(&self) -> &DetectorConfig {
        &self.config
    }

    /// The columns of the table it was fitted to, where it was one.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// The number of values of a row.
    pub fn features(&self) -> usize {
        match self.windows {
            Some(windows) if self.voices.is_empty() => self.features / windows.length,
            _ => self.features,
        }
    }

    /// The windows it was fitted to, where it was fitted to series.
    pub fn windows(&self) -> Option<Windows> {
        self.windows
    }

    /// The same detector, which knows from which columns to tell time and series. A step that is not positive and finite is none.
    pub fn with_series_columns(self, series: SeriesColumns) -> Self {
        let step = series.step.filter(|_| series.is_sound());
        Self { series: SeriesColumns { step, ..series }, ..self }
    }

    /// The columns that tell time and series, which are no features.
    pub fn series_columns(&self) -> &SeriesColumns {
        &self.series
    }

    /// How far apart two rows of a stream must be for their scores to tell nothing of each other, by the correlation of the calibration
    /// scores: 1 where the rows came in an order that means nothing. [`Drift`](super::Drift) wants only rows so far apart.
    pub fn rows_apart(&self) -> usize {
        self.rows_apart
    }

    /// How many rows it learned from: those kept for calibration do not count.
    pub fn rows_learned(&self) -> usize {
        self.rows_learned
    }

    /// How many of the rows given to it it did not learn from, since they have an infinite value.
    pub fn rows_left_out(&self) -> usize {
        self.rows_left_out
    }

    /// How many of the rows given to it it did not learn from, since they have no value at all. In a series they keep their place.
    pub fn rows_empty(&self) -> usize {
        self.rows_empty
    }

    /// What it consists of, in words.
    pub fn chosen(&self) -> &str {
        &self.chosen
    }

    /// Columns that it ignores, since they were empty in the rows learned from, or constant where
    /// [`DetectorConfig::unchanging`] is 0.
    pub fn ignored_columns(&self) -> Vec<String> {
        let watched = self.unchanging_columns();
        self.preparation.ignored().into_iter().filter(|column| !watched.contains(column)).collect()
    }

    /// Columns that never changed in the rows learned from: a change of one makes a row odd.
    pub fn unchanging_columns(&self) -> Vec<String> {
        let Self { preparation, members, voices, .. } = self;
        let readings = voices
            .readings
            .iter()
            .filter(|reading| preparation.ranges[reading.feature].as_ref().is_some_and(FeatureRange::is_constant));
        let name = |column: usize| preparation.columns[column].name.clone();
        let of_series = readings.map(|reading| name(preparation.column_of(reading.feature)));
        members.unchanging.names(preparation).into_iter().chain(of_series).collect()
    }
}

pub(super) fn check_count(rows: usize) -> Result<(), AnomalyError> {
    if rows < FEWEST_ROWS { Err(AnomalyError::TooFew { rows, needed: FEWEST_ROWS }) } else { Ok(()) }
}

/// The part of the rows that calibrates.
fn share(calibration: &Dataset, data: &Dataset) -> f64 {
    calibration.len().min(MOST_CALIBRATION_ROWS) as f64 / data.len() as f64
}

/// What is known of columns beside the rows to learn from.
#[derive(Default)]
pub(super) struct Beforehand {
    /// The numbers of the columns that only grow, of which nothing is learned.
    pub(super) clocks: Vec<usize>,
    /// The smallest and the largest number of each feature among more rows, where there are more.
    pub(super) extents: Vec<Option<(f32, f32)>>,
}

/// Rows that can be learned from.
pub(super) struct Usable {
    rows: Vec<usize>,
    /// How many others have an infinite value, or no value at all.
    pub(super) infinite: usize,
    pub(super) empty: usize,
}

impl Usable {
    pub(super) fn of(data: &Dataset) -> Self {
        let (mut usable, mut values) = (Self { rows: Vec::new(), infinite: 0, empty: 0 }, vec![0.0; data.features()]);
        for row in 0..data.len() {
            data.copy_row(row, &mut values);
            if has_infinite(&values) {
                usable.infinite += 1;
            } else if values.iter().all(|value| value.is_nan()) {
                usable.empty += 1;
            } else {
                usable.rows.push(row);
            }
        }
        usable
    }
}

/// Warns of what float32 has not kept of columns, but for clocks, which are left out.
pub(super) fn warn_of_coarse_columns(data: &[Dataset], clocks: &[usize]) {
    let columns = data.first().map_or(Vec::new(), |data| columns_of(data.schema(), data.features()));
    let apart: Vec<usize> = clocks.iter().map(|&column| columns[column].first).collect();
    warn_of_coarse(data, &apart);
}

/// The columns that only grow and are not said to be readings.
pub(super) fn clocks(data: &Dataset, config: &DetectorConfig) -> Result<Vec<usize>, AnomalyError> {
    let columns = columns_of(data.schema(), data.features());
    let unknown = config.readings.iter().find(|name| columns.iter().all(|column| column.name != **name));
    if let Some(name) = unknown {
        return Err(AnomalyError::NoColumn { column: name.clone() });
    }
    let mut clocks = super::clock::clocks(data, &columns);
    clocks.retain(|&column| !config.readings.contains(&columns[column].name));
    Ok(clocks)
}
