//! The built-in fields: a made-up climate of surface temperatures on a grid of 48 latitudes and 96 longitudes, one field a step. Its
//! patterns are always the same, standing and travelling ones; how strong each is when, and a noise on top, follow from the seed:
//! another seed is another run of the same climate. Only sums and products are used, so the same seed gives the same bits anywhere.

use enkoder::Dataset;
use ndarray::Array2;

use crate::noise::Noise;

/// Steps of a run, where no number is given.
pub const DEFAULT_STEPS: usize = 240;
/// Latitudes of the grid.
pub const HEIGHT: usize = 48;
/// Longitudes of the grid; the last is a neighbour of the first.
pub const WIDTH: usize = 96;

const STANDING: usize = 24;
const TRAVELLING: usize = 6;
/// The run whose random numbers make the patterns that all runs share.
const PATTERNS: u64 = u64::MAX;

/// `steps` fields in kelvin, of the run with this seed.
///
/// ```
/// use enkoder_data::fields;
///
/// let run = fields::fields(50, 1);
/// assert_eq!((run.len(), run.shape()), (50, &[48, 96][..]));
/// let summary = run.summary();
/// assert!(summary.min > 220.0 && summary.max < 320.0);
/// ```
pub fn fields(steps: usize, seed: u64) -> Dataset {
    let mut patterns = Noise::new(0, PATTERNS);
    let standing: Vec<Vec<f32>> = (0..STANDING).map(|k| pattern(&mut patterns, 9 - (k / 4).min(6))).collect();
    let travelling: Vec<Vec<f32>> = (0..TRAVELLING).map(|_| pattern(&mut patterns, 9)).collect();

    let mut random = Noise::new(seed, 0);
    let mut strengths = [0.0f32; STANDING + TRAVELLING];
    strengths.iter_mut().for_each(|strength| *strength = random.bell());
    let mut values = Array2::zeros((steps, HEIGHT * WIDTH));
    for (step, mut field) in values.rows_mut().into_iter().enumerate() {
        let field = field.as_slice_mut().expect("rows of a new array are contiguous");
        for (place, value) in field.iter_mut().enumerate() {
            let latitude = 2.0 * (place / WIDTH) as f32 / (HEIGHT - 1) as f32 - 1.0;
            // Warm at the equator, cold at the poles, and warming as the run goes on, most at one of them.
            *value = 300.0 - 45.0 * latitude * latitude + 0.008 * step as f32 * (1.0 + latitude * latitude * latitude);
        }
        for (k, strength) in strengths.iter_mut().enumerate() {
            *strength = 0.8 * *strength + 0.6 * random.bell();
            let size = 2.5 / (1.0 + 0.35 * (k % STANDING) as f32);
            match k.checked_sub(STANDING) {
                None => add(field, &standing[k], size * *strength, 0.0),
                Some(k) => add(field, &travelling[k], size * *strength, (0.5 + 0.25 * k as f32) * step as f32),
            }
        }
        field.iter_mut().for_each(|value| *value += 0.05 * random.bell());
    }
    Dataset::from_f32("fields", values)
        .and_then(|data| data.with_shape([HEIGHT, WIDTH]))
        .expect("a field has these values")
}

/// Adds a pattern, moved along the longitudes.
fn add(field: &mut [f32], pattern: &[f32], strength: f32, moved: f32) {
    let moved = moved % WIDTH as f32;
    let (whole, part) = (moved as usize, moved - moved.floor());
    for (row, pattern) in field.chunks_exact_mut(WIDTH).zip(pattern.chunks_exact(WIDTH)) {
        for (x, value) in row.iter_mut().enumerate() {
            let from = |back: usize| pattern[(x + 2 * WIDTH - whole - back) % WIDTH];
            *value += strength * ((1.0 - part) * from(0) + part * from(1));
        }
    }
}

/// A smooth random pattern of mean 0 and mean square 1: noise whose values become, three times, the mean of their neighbours up to
/// `reach` away.
fn pattern(random: &mut Noise, reach: usize) -> Vec<f32> {
    let mut values: Vec<f32> = (0..HEIGHT * WIDTH).map(|_| random.bell()).collect();
    for _ in 0..3 {
        values = blurred(&values, reach);
    }
    let count = values.len() as f32;
    let mean = values.iter().sum::<f32>() / count;
    let square = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f32>() / count;
    // A square root is exact to the last bit everywhere.
    let spread = square.sqrt();
    values.iter().map(|value| (value - mean) / spread).collect()
}

fn blurred(values: &[f32], reach: usize) -> Vec<f32> {
    let mean = |at: &dyn Fn(usize) -> f32| (0..=2 * reach).map(at).sum::<f32>() / (2 * reach + 1) as f32;
    let along: Vec<f32> = (0..values.len())
        .map(|place| {
            let (y, x) = (place / WIDTH, place % WIDTH);
            mean(&|step| values[y * WIDTH + (x + WIDTH + step - reach) % WIDTH])
        })
        .collect();
    (0..values.len())
        .map(|place| {
            let (y, x) = (place / WIDTH, place % WIDTH);
            mean(&|step| along[(y + step).saturating_sub(reach).min(HEIGHT - 1) * WIDTH + x])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_run_begins_as_a_shorter_one_and_another_seed_is_another_run() {
        let (short, long, other) = (fields(3, 7), fields(5, 7), fields(3, 8));
        assert_eq!(short.to_array(), long.head(3).to_array());
        assert_ne!(short.to_array(), other.to_array());
    }

    #[test]
    fn neighbours_are_alike_across_the_seam_too() {
        let run = fields(20, 0);
        let step = |row: &[f32], a: usize, b: usize| (row[a] - row[b]).abs();
        for index in 0..20 {
            let row = run.row_f32(index).unwrap();
            let seam = (0..HEIGHT).map(|y| step(row, y * WIDTH, y * WIDTH + WIDTH - 1)).fold(0.0, f32::max);
            assert!(seam < 2.0, "{seam}");
        }
    }
}
