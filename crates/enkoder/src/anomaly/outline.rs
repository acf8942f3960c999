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
        let scale = 1.0 / self.part as f32;
        let mean = |part: &[f32]| part.iter().sum::<f32>() * scale;
        let starts = (0..last + 1).step_by(stride);
        let mut outlines = Vec::with_capacity(starts.len() * self.parts());
        // Where many windows overlap, each stretch as long as a part is one of several windows.
        if starts.len() * self.length > series.len() * self.part {
            let means: Vec<f32> = series.windows(self.part).map(mean).collect();
            starts.for_each(|start| {
                outlines.extend(means[start + unseen..].iter().step_by(self.part).take(self.parts()));
            });
        } else {
            starts.for_each(|start| {
                outlines.extend(series[start + unseen..start + self.length].chunks_exact(self.part).map(mean));
            });
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
        // The same for many windows and for one.
        let uneven: Vec<f32> = (0..300).map(|row| ((row * row) % 97) as f32 / 7.0).collect();
        for (length, stride) in [(3, 1), (65, 1), (65, 2), (240, 7), (64, 64)] {
            let outline = Outline::new(length);
            let alone =
                (0..=300 - length).step_by(stride).flat_map(|start| outline.of(&uneven[start..start + length], 1));
            assert_eq!(outline.of(&uneven, stride), alone.collect::<Vec<_>>());
        }
    }
}
