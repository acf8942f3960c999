//! The outline of a window: the means of a few parts of it (piecewise aggregate approximation; Keogh et al., Knowledge and
//! Information Systems 3, 2001). Windows of any length become few numbers, so that long ones cost no more than short ones.

/// The most parts of a window.
const MOST_PARTS: usize = 32;

/// Windows of so many rows, seen in parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outline {
    pub(super) length: usize,
    /// Rows of a part.
    pub(super) part: usize,
}

impl Outline {
    /// Of windows of `length` rows, at least 1. Where the parts do not fill it, the first rows are not seen.
    pub(super) fn new(length: usize) -> Self {
        Self { length, part: length.div_ceil(MOST_PARTS) }
    }

    pub(super) fn parts(self) -> usize {
        self.length / self.part
    }

    /// The part that the row `at` of a window lies in.
    pub(super) fn part_of(self, at: usize) -> usize {
        let unseen = self.length - self.parts() * self.part;
        at.saturating_sub(unseen) / self.part
    }

    /// Writes the outlines of the windows that start at each `stride`-th row of a series, one after the other.
    pub(super) fn of(self, series: &[f32], stride: usize) -> Vec<f32> {
        let Some(last) = series.len().checked_sub(self.length) else { return Vec::new() };
        let unseen = self.length - self.parts() * self.part;
        let mut outlines = Vec::with_capacity((last / stride + 1) * self.parts());
        let scale = 1.0 / self.part as f32;
        for start in (0..=last).step_by(stride) {
            let window = &series[start + unseen..start + self.length];
            outlines.extend(window.chunks_exact(self.part).map(|part| part.iter().sum::<f32>() * scale));
        }
        outlines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_has_the_means_of_equal_parts_that_end_with_the_window() {
        let short = Outline::new(3);
        assert_eq!(short.of(&[1.0, 2.0, 3.0, 4.0], 1), [1.0, 2.0, 3.0, 2.0, 3.0, 4.0]);
        let long = Outline::new(65);
        assert_eq!((long.parts(), long.part_of(0), long.part_of(2), long.part_of(64)), (21, 0, 0, 20));
        let ramp: Vec<f32> = (0..66).map(|row| row as f32).collect();
        let outlines = long.of(&ramp, 1);
        assert_eq!((outlines.len(), outlines[0], outlines[21]), (42, 3.0, 4.0));
        assert!(long.of(&ramp[..64], 1).is_empty());
    }
}
