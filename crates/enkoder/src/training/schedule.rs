//! Learning rate schedules: the rate at each step as a fraction of the highest.

use std::f64::consts::PI;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the learning rate changes from the first step to the last. `warmup` is the fraction of all steps over which it first rises
/// in a line from zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// The same rate throughout.
    Constant {
        /// Fraction of the run.
        warmup: f32,
    },
    /// Falls to zero along half a cosine (Loshchilov & Hutter 2017, without restarts).
    Cosine {
        /// Fraction of the run.
        warmup: f32,
    },
    /// Rises along half a cosine from 1/25 of the highest rate, then falls likewise to 1/10,000 of where it began (Smith & Topin
    /// 2018; the momentum is left alone).
    OneCycle {
        /// Fraction of the run that it rises; 0.3 is usual.
        warmup: f32,
    },
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Cosine { warmup: 0.05 }
    }
}

impl Schedule {
    /// What [`FromStr`] reads.
    pub const NAMES: [&str; 3] = ["cosine", "constant", "one-cycle"];

    /// The name that [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine { .. } => "cosine",
            Self::Constant { .. } => "constant",
            Self::OneCycle { .. } => "one-cycle",
        }
    }

    /// The fraction of the run over which the rate rises.
    pub fn warmup(&self) -> f32 {
        match *self {
            Self::Constant { warmup } | Self::Cosine { warmup } | Self::OneCycle { warmup } => warmup,
        }
    }

    /// The same with another rise.
    pub fn with_warmup(self, warmup: f32) -> Self {
        match self {
            Self::Constant { .. } => Self::Constant { warmup },
            Self::Cosine { .. } => Self::Cosine { warmup },
            Self::OneCycle { .. } => Self::OneCycle { warmup },
        }
    }

    /// The rate of step `step` (counted from 0) of `steps`, as a fraction of the highest.
    pub(crate) fn factor(&self, step: u64, steps: u64) -> f32 {
        let rise = (f64::from(self.warmup()) * steps as f64).floor();
        // The middle of the step, so that neither the first nor the last is wasted at a rate of zero.
        let at = step as f64 + 0.5;
        let rising = at < rise;
        let position = if rising { at / rise } else { (at - rise) / (steps as f64 - rise) };
        let half_cosine = |from: f64, to: f64| to + (from - to) * 0.5 * (1.0 + (PI * position).cos());
        let factor = match (self, rising) {
            (Self::Constant { .. } | Self::Cosine { .. }, true) => position,
            (Self::Constant { .. }, false) => 1.0,
            (Self::Cosine { .. }, false) => half_cosine(1.0, 0.0),
            (Self::OneCycle { .. }, true) => half_cosine(1.0 / 25.0, 1.0),
            (Self::OneCycle { .. }, false) => half_cosine(1.0, 1.0 / 25.0 / 10_000.0),
        };
        factor as f32
    }
}

/// A name that is no schedule's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown schedule {0:?}: it is one of {names}", names = Schedule::NAMES.join(", "))]
pub struct UnknownSchedule(String);

impl FromStr for Schedule {
    type Err = UnknownSchedule;

    /// Reads a name. The rate rises over 0.05 of the run, and over 0.3 of one cycle.
    fn from_str(name: &str) -> Result<Self, UnknownSchedule> {
        let warmup = Self::default().warmup();
        match name {
            "cosine" => Ok(Self::Cosine { warmup }),
            "constant" => Ok(Self::Constant { warmup }),
            "one-cycle" => Ok(Self::OneCycle { warmup: 0.3 }),
            _ => Err(UnknownSchedule(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_falls_from_the_highest_rate_to_nearly_zero() {
        let schedule = Schedule::Cosine { warmup: 0.0 };
        assert!(schedule.factor(0, 1000) > 0.999 && schedule.factor(999, 1000) < 1e-5);
        assert!((schedule.factor(500, 1001) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn warm_up_rises_in_a_line() {
        let schedule = Schedule::Constant { warmup: 0.1 };
        assert!((schedule.factor(49, 1000) - 0.495).abs() < 1e-6);
        assert_eq!(schedule.factor(100, 1000), 1.0);
    }

    #[test]
    fn every_name_is_read_with_its_usual_rise() {
        let read = Schedule::NAMES.map(|name| name.parse::<Schedule>().unwrap());
        assert_eq!(read.map(Schedule::name), Schedule::NAMES);
        let rises = read.map(|schedule| schedule.warmup());
        assert_eq!(rises, [0.05, 0.05, 0.3]);
        assert_eq!("cosine".parse(), Ok(Schedule::default()));
        assert!("linear".parse::<Schedule>().is_err());
    }

    #[test]
    fn one_cycle_peaks_at_the_end_of_its_rise() {
        let schedule = Schedule::OneCycle { warmup: 0.3 };
        let factors: Vec<f32> = (0..1000).map(|step| schedule.factor(step, 1000)).collect();
        let peak = (0..1000).max_by(|&a, &b| factors[a].total_cmp(&factors[b])).unwrap();
        assert!((298..=302).contains(&peak), "{peak}");
        assert!((factors[0] - 0.04).abs() < 1e-3 && factors[999] < 1e-4);
    }

    #[test]
    fn every_step_of_every_schedule_lies_within_0_and_1() {
        for schedule in [0.0, 0.25, 1.0].into_iter().flat_map(|warmup| {
            [Schedule::Constant { warmup }, Schedule::Cosine { warmup }, Schedule::OneCycle { warmup }]
        }) {
            for steps in [1, 2, 3, 10] {
                assert!((0..steps).all(|step| (0.0..=1.0).contains(&schedule.factor(step, steps))), "{schedule:?}");
            }
        }
    }
}
