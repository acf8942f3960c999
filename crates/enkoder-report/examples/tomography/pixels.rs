//! The pixels of an image of the pipe: those of a square whose centres lie within the circle.

use crate::phantoms::Phantom;

/// Pixels along the side of the square.
pub const SIDE: usize = 32;
/// Points along the side of a pixel at which a phantom is looked at.
const POINTS: usize = 4;

/// The pixels within the pipe, row after row from the top.
#[derive(Clone, Debug)]
pub struct Pixels {
    places: Vec<(usize, usize)>,
    numbers: Vec<Option<usize>>,
}

impl Pixels {
    pub fn new() -> Self {
        let centre = |at: usize| (at as f64 + 0.5) * 2.0 / SIDE as f64 - 1.0;
        let all = (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column)));
        let places: Vec<_> = all.filter(|&(row, column)| centre(row).hypot(centre(column)) <= 1.0).collect();
        let mut numbers = vec![None; SIDE * SIDE];
        places.iter().enumerate().for_each(|(number, (row, column))| numbers[row * SIDE + column] = Some(number));
        Self { places, numbers }
    }

    /// How many pixels there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The pixel at a place in the square.
    pub fn at(&self, row: usize, column: usize) -> Option<usize> {
        self.numbers[row * SIDE + column]
    }

    /// The pixel that a point lies in.
    pub fn of_point(&self, [x, y]: [f64; 2]) -> Option<usize> {
        let along = |value: f64| ((value + 1.0) / 2.0 * SIDE as f64).floor().clamp(0.0, (SIDE - 1) as f64) as usize;
        self.at(along(-y), along(x))
    }

    /// Which part of each pixel has high permittivity: what the normalised permittivity is on average.
    pub fn image(&self, phantom: &Phantom) -> Vec<f32> {
        let fine = (SIDE * POINTS) as f64;
        let along = |at: usize, point: usize| ((at * POINTS + point) as f64 + 0.5) * 2.0 / fine - 1.0;
        let covered = |&(row, column): &(usize, usize)| {
            let points = (0..POINTS * POINTS).map(|point| (point / POINTS, point % POINTS));
            let high = points.filter(|&(down, right)| phantom.contains([along(column, right), -along(row, down)]));
            high.count() as f32 / (POINTS * POINTS) as f32
        };
        self.places.iter().map(covered).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_812_pixels_within_the_pipe_and_points_find_theirs() {
        let pixels = Pixels::new();
        assert_eq!(pixels.len(), 812);
        for (number, &(row, column)) in pixels.places.iter().enumerate() {
            let along = |at: usize| (at as f64 + 0.7) * 2.0 / SIDE as f64 - 1.0;
            assert_eq!(pixels.of_point([along(column), -along(row)]), Some(number));
        }
    }
}
