//! What scored rows amount to over time: which are flagged, by a threshold that may move; incidents, and drift. Files and streams are
//! followed alike.

use std::collections::BTreeMap;
use std::fmt;

use clap::Args;
use enkoder::anomaly::{
    AdaptiveThreshold, AnomalyError, Detector, Drift, DriftAlarm, Guarantee, Incident, IncidentRule, Incidents, Levels,
    Moved, Threshold,
};
use serde::{Deserialize, Serialize};

use super::reasons::{by_column, number};
use super::scoring::ScoredRow;
use crate::failure::Usage;

/// Columns named with an incident, and the least share of one that is not the first.
const COLUMNS: usize = 5;
const LEAST_SHARE: f32 = 0.1;

/// Columns named with a drift.
const MOVED: usize = 3;

/// Which moments belong together, and what drift is.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Incidents and drift")]
pub struct FollowOptions {
    /// An incident continues while moments are as odd as this fraction of normal moments [default: five times that flagged]
    #[arg(long, value_name = "RATE")]
    stay: Option<f64>,

    /// The fewest flagged moments of an incident [default: 1, of a series an eighth of its window, but at most 3 where the threshold moves]
    #[arg(long, value_name = "N", value_parser = crate::arguments::parse_count)]
    least: Option<usize>,

    /// An incident continues over at most N moments in a row that are not odd [default: 0, of a series its window]
    #[arg(long, value_name = "N")]
    bridge: Option<usize>,

    /// Report drift, with a false-alarm probability of at most 1/N; 0 reports none [default: 100]
    #[arg(long, value_name = "N", default_value_t = 100.0, hide_default_value = true)]
    drift: f64,
}

impl FollowOptions {
    /// The rule for incidents of a detector that flags by this threshold, which may move.
    pub fn rule(&self, detector: &Detector, threshold: &Threshold, moves: bool) -> anyhow::Result<IncidentRule> {
        let mut rule = IncidentRule::of(detector, threshold)?;
        if moves {
            rule = rule.of_moving();
        }
        if threshold.guarantee == Guarantee::Discoveries {
            // What is no discovery belongs to none.
            rule.stay = rule.begin;
        }
        if let Some(rate) = self.stay {
            anyhow::ensure!(
                rate > 0.0 && rate < 1.0,
                Usage::new(format!("--stay is {rate}, but must be more than 0 and less than 1"))
            );
            let stay = detector.threshold(enkoder::anomaly::ThresholdRule::FalseAlarm(rate))?.score;
            rule.stay = stay.min(rule.begin);
        }
        rule.least = self.least.unwrap_or(rule.least);
        rule.bridge = self.bridge.unwrap_or(rule.bridge);
        Ok(rule)
    }

    pub fn check(&self) -> anyhow::Result<()> {
        if self.drift == 0.0 || self.drift > 1.0 && self.drift.is_finite() {
            return Ok(());
        }
        Err(Usage::new(format!("--drift is {}, but must be more than 1, or 0", self.drift)).into())
    }
}

/// What a moment is known by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamp {
    /// The row's number, from 1.
    pub row: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The same in seconds, to be drawn.
    #[serde(skip)]
    pub seconds: Option<f64>,
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.time {
            Some(time) => write!(f, "{time} (row {})", self.row),
            None => write!(f, "row {}", self.row),
        }
    }
}

/// An incident, and the series that it is of.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    #[serde(flatten)]
    pub incident: Incident<Stamp>,
}

/// A drift, and the series that it is of.
#[derive(Clone, Debug, Serialize)]
pub struct Drifted {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    #[serde(flatten)]
    pub alarm: DriftAlarm<Stamp>,
    /// The columns that moved most since the detector learned.
    pub columns: Vec<Moved>,
}

impl fmt::Display for Drifted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = self.series.as_ref().map_or(String::new(), |series| format!(" of {series:?}"));
        let DriftAlarm { since, higher, .. } = &self.alarm;
        write!(f, "since {since} the data{of} is no longer like what was learned: ")?;
        f.write_str(match higher {
            true => "its scores are higher, and more is flagged than was asked for",
            false => "its scores are lower, and less is flagged than was asked for",
        })?;
        for (place, Moved { column, learned, lately, .. }) in self.columns.iter().enumerate() {
            f.write_str(if place == 0 { "; moved: " } else { ", " })?;
            write!(f, "{column} from {} to {}", number(*learned), number(*lately))?;
        }
        f.write_str("; recalibrate, by fitting to newer rows")
    }
}

/// What is flagged, the incidents and the drift of all series.
#[derive(Serialize, Deserialize)]
pub struct Following {
    rule: IncidentRule,
    /// Where columns were when the detector learned.
    #[serde(skip)]
    levels: Levels,
    /// Where the threshold of each series begins that moves; none where it stays.
    #[serde(skip)]
    moving: Option<AdaptiveThreshold>,
    /// The bound for the probability of a false alarm; with 0 drift is not looked for.
    drift: f64,
    /// Whether scores are compared with those calibrated on, or with the beginning of the stream.
    against_calibration: bool,
    /// Whether a moment is scored by all windows that cover it, as those of a file are, or by the one that ends with it.
    #[serde(skip)]
    by_all_windows: bool,
    series: BTreeMap<String, Followed>,
    pub incidents: usize,
    /// Whether incidents are written, and so need their columns: to find them takes longer than to score.
    #[serde(skip)]
    explains: bool,
}

#[derive(Serialize, Deserialize)]
struct Followed {
    /// Where the threshold of the series is now, if it moves.
    #[serde(default)]
    moving: Option<AdaptiveThreshold>,
    incidents: Incidents<Stamp>,
    drift: Option<Drift<Stamp>>,
    /// Where its columns are lately, and those that had moved when drift was told.
    #[serde(default)]
    lately: Vec<f32>,
    #[serde(default)]
    moved: Vec<Moved>,
    /// Scored moments so far. Those whose windows overlap depend on each other, so that only some are looked at for drift.
    moments: usize,
}

impl Following {
    /// For rows or moments of this detector. The moments of a stream are scored by one window each.
    pub fn new(options: &FollowOptions, rule: IncidentRule, detector: &Detector, stream: bool) -> Self {
        Self {
            rule,
            levels: Levels::of(detector),
            moving: None,
            drift: options.drift,
            against_calibration: !stream || knows_streams(detector),
            by_all_windows: !stream,
            series: BTreeMap::new(),
            incidents: 0,
            explains: false,
        }
    }

    /// From here on rows are flagged by this rule, and by a threshold that moves where one is given. A series whose threshold began
    /// there goes on with it.
    pub fn flag_by(&mut self, rule: IncidentRule, moving: Option<AdaptiveThreshold>, detector: &Detector) {
        self.levels = Levels::of(detector);
        (self.rule, self.moving) = (rule, moving);
        for followed in self.series.values_mut() {
            followed.incidents.set_rule(rule);
            let same =
                |known: &AdaptiveThreshold| Some(known.calibrated().score) == moving.map(|new| new.calibrated().score);
            followed.moving = followed.moving.filter(same).or(moving);
        }
    }

    /// From here on incidents have their columns, or not.
    pub fn explain(&mut self, explains: bool) {
        self.explains = explains;
    }

    /// The same stream with another detector: incidents go on, drift is looked for anew, and thresholds that move begin anew.
    pub fn reload(&mut self, detector: &Detector) {
        self.against_calibration = knows_streams(detector);
        for followed in self.series.values_mut() {
            followed.moving = self.moving;
            followed.drift = new_drift(self.drift, self.against_calibration, self.by_all_windows, detector);
            (followed.lately, followed.moved) = (Vec::new(), Vec::new());
        }
    }

    /// Takes a row, and tells what is over or found by it. Gives whether the row is flagged.
    pub fn row(
        &mut self,
        row: &ScoredRow<'_>,
        detector: &Detector,
        tell: &mut dyn FnMut(News) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let group = row.beside.group.unwrap_or_default();
        if !self.series.contains_key(group) {
            let incidents = Incidents::new(self.rule);
            let drift = new_drift(self.drift, self.against_calibration, self.by_all_windows, detector);
            self.series.insert(
                group.to_owned(),
                Followed { moving: self.moving, incidents, drift, lately: Vec::new(), moved: Vec::new(), moments: 0 },
            );
        }
        let Some(followed) = self.series.get_mut(group) else { return Ok(false) };
        let series = row.beside.group.map(str::to_owned);
        let stamp = || Stamp { row: row.number + 1, time: row.beside.time.map(str::to_owned), seconds: row.seconds };
        let before_gap = if row.after_gap { followed.incidents.end() } else { None };
        let explains = self.explains;
        let columns = || {
            if !explains {
                return Ok(Vec::new());
            }
            let mut columns = by_column(detector, (row.reasons)(usize::MAX)?, COLUMNS);
            let small = columns.iter().skip(1).position(|column| column.share < LEAST_SHARE);
            columns.truncate(small.map_or(COLUMNS, |place| place + 1));
            Ok::<_, AnomalyError>(columns)
        };
        let begin = followed.moving.map_or(self.rule.begin, |moving| moving.score());
        if followed.moving.is_some() {
            followed.incidents.set_rule(self.rule.at(begin));
        }
        let flagged = match (row.score, &mut followed.moving) {
            (Some(score), Some(moving)) => moving.flags(score),
            (score, _) => score.is_some_and(|score| score >= begin),
        };
        let over = followed.incidents.push(stamp(), row.score, columns)?;
        for incident in before_gap.into_iter().chain(over) {
            self.incidents += 1;
            tell(News::Incident(Told { series: series.clone(), incident }))?;
        }
        let Some((score, drift)) = row.score.zip(followed.drift.as_mut()) else { return Ok(flagged) };
        let looked_at = followed.moments.is_multiple_of(stride(detector, self.by_all_windows));
        followed.moments += 1;
        if !looked_at {
            return Ok(flagged);
        }
        if !row.values.is_empty() {
            self.levels.follow(&mut followed.lately, row.values);
        }
        if let Some(alarm) = drift.push(score, stamp) {
            followed.moved = self.levels.moved(&followed.lately, MOVED);
            tell(News::Drift(Drifted { series, alarm: alarm.clone(), columns: followed.moved.clone() }))?;
        }
        Ok(flagged)
    }

    /// Ends what goes on.
    pub fn end(&mut self, tell: &mut dyn FnMut(News) -> anyhow::Result<()>) -> anyhow::Result<()> {
        for (series, followed) in &mut self.series {
            let series = (!series.is_empty()).then(|| series.clone());
            if let Some(incident) = followed.incidents.end() {
                self.incidents += 1;
                tell(News::Incident(Told { series, incident }))?;
            }
        }
        Ok(())
    }

    /// Incidents that go on.
    pub fn open(&self) -> usize {
        self.series.values().filter(|followed| followed.incidents.open().is_some()).count()
    }

    /// The drift of all series.
    pub fn drifted(&self) -> impl Iterator<Item = Drifted> {
        self.series.iter().filter_map(|(series, followed)| {
            let alarm = followed.drift.as_ref()?.alarm()?.clone();
            let columns = followed.moved.clone();
            Some(Drifted { series: (!series.is_empty()).then(|| series.clone()), alarm, columns })
        })
    }
}

/// What is to be told.
pub enum News {
    Incident(Told),
    Drift(Drifted),
}

/// Every so many moments have scores that tell nothing of each other, and windows that do not overlap. A moment of a file is scored by
/// all windows that cover it.
fn stride(detector: &Detector, by_all_windows: bool) -> usize {
    let windows = detector.windows().map_or(1, |windows| windows.length * (1 + usize::from(by_all_windows)));
    windows.max(detector.rows_apart())
}

/// Whether the detector was calibrated on moments scored as those of a stream are.
fn knows_streams(detector: &Detector) -> bool {
    detector.windows().is_none() || detector.calibrates_ends()
}

fn new_drift(
    threshold: f64,
    against_calibration: bool,
    by_all_windows: bool,
    detector: &Detector,
) -> Option<Drift<Stamp>> {
    let stride = stride(detector, by_all_windows);
    let calibration = if against_calibration { detector.calibration().scores() } else { &[] };
    // Of moments that share windows only as many count as are apart.
    let apart = calibration.iter().copied().skip(stride / 2).step_by(stride);
    (threshold > 0.0).then(|| Drift::new(threshold, apart))
}
