//! A window of a reading beside the usual window that is most like it.

use super::detector::Detector;
use super::outline::Outline;
use super::shapes::Way;
use super::voices::Voice;

/// A stretch of a reading, and the most similar of the normal stretches that the detector keeps. Both in the reading's own units.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NearestWindow {
    /// Rows before the moment that is told of, at which the stretch begins.
    pub before: usize,
    /// Rows that each number is the mean of.
    pub rows: usize,
    /// What was observed; NaN where all values are missing.
    pub observed: Vec<f32>,
    /// The normal stretch.
    pub nearest: Vec<f32>,
}

impl Detector {
    /// Of a reading in the row `at` of a window; none where it is not judged by its own windows.
    pub(super) fn nearest_window(
        &self,
        window: &[f32],
        rows: usize,
        at: usize,
        feature: usize,
    ) -> Option<NearestWindow> {
        let of = |voice: &&Voice| {
            let reading = &self.voices.readings[voice.reading];
            reading.feature == feature
                && reading.relation.is_none()
                && reading.forecast.is_none()
                && voice.shapes.way == Way::Nearest
        };
        // The first voice of a reading sees the longest windows.
        let Voice { reading, outline, shapes, .. } = self.voices.voices.iter().find(of)?;
        let reading = &self.voices.readings[*reading];
        let Outline { length, part } = *outline;
        let start = at.saturating_sub(length / 2).min(rows.checked_sub(length)?);
        let stretch = &window[start * self.features..][..length * self.features];
        let nearest = shapes.nearest_one(&outline.of(&reading.values(stretch.iter(), self.features), 1))?;
        let values: Vec<f32> = stretch.iter().skip(feature).step_by(self.features).copied().collect();
        let unseen = length - part * outline.parts();
        let mean = |part: &[f32]| {
            let known: Vec<f32> = part.iter().copied().filter(|value| !value.is_nan()).collect();
            known.iter().sum::<f32>() / known.len() as f32
        };
        Some(NearestWindow {
            before: at - (start + unseen).min(at),
            rows: part,
            observed: values[unseen..].chunks_exact(part).map(mean).collect(),
            nearest: nearest.iter().map(|&value| reading.restore(value)).collect(),
        })
    }
}
