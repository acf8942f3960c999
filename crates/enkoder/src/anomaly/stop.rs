//! [`Stop`]: asks a detector that is being fitted to stop.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::AnomalyError;
use crate::training::Progress;

/// Asks a fit to stop, from another thread. Clones are one and the same.
///
/// It is not stored with a detector, and two configurations that differ in it alone are equal: it changes no result.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks. The fit ends soon with [`AnomalyError::Stopped`].
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// When it was asked to stop.
    pub(super) fn check(&self) -> Result<(), AnomalyError> {
        if self.0.load(Ordering::Relaxed) { Err(AnomalyError::Stopped) } else { Ok(()) }
    }

    /// What a training is told that reports its progress.
    pub(super) fn after(&self, _: Progress<'_>) -> ControlFlow<()> {
        if self.check().is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl PartialEq for Stop {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use ndarray::Array2;

    use super::*;
    use crate::anomaly::{Detector, DetectorConfig, Method};
    use crate::dataset::Dataset;

    #[test]
    fn a_fit_stops_when_it_is_asked_to() {
        let rows = Array2::from_shape_fn((3000, 6), |(row, column)| ((row * (3 + column * 4)) % 101) as f32);
        let data = Dataset::from_f32("rows", rows).unwrap();
        // An hour, if nobody stopped it.
        for method in [Method::Autoencoder, Method::Ensemble, Method::Auto] {
            let config =
                DetectorConfig { method, budget: 3600.0, epochs: Some(1_000_000), ..DetectorConfig::default() };
            let stop = config.stop.clone();
            let fitted = thread::scope(|scope| {
                let fitting = scope.spawn(|| Detector::fit(&data, &config));
                thread::sleep(std::time::Duration::from_millis(200));
                stop.ask();
                fitting.join().unwrap()
            });
            assert!(matches!(fitted, Err(AnomalyError::Stopped)), "{fitted:?}");
        }
    }
}
