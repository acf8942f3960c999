//! The median filter: each value becomes the median of those around it. It takes out single wrong pixels and keeps edges, and with
//! them much of any other noise; here it is what a denoiser has to beat.

use rayon::prelude::*;

use super::{DenoisingError, check_window, picture, reflect};

/// The largest side of the window.
const LARGEST: usize = 101;

/// The median over a square of `window` × `window` pixels around each, channel by channel; the picture is mirrored at its borders.
/// Values keep their units.
///
/// ```
/// use enkoder::denoising::median;
///
/// let scratched = [5.0, 5.0, 5.0, 5.0, 99.0, 5.0, 5.0, 5.0, 5.0];
/// assert_eq!(median(&scratched, &[3, 3], 3)?, [5.0; 9]);
/// # Ok::<(), enkoder::denoising::DenoisingError>(())
/// ```
///
/// # Errors
/// When the shape is not that of a picture of these values, a value is not finite, or the window is even or over 101.
pub fn median(values: &[f32], shape: &[usize], window: usize) -> Result<Vec<f32>, DenoisingError> {
    let [height, width, channels] = picture(values, shape)?;
    check_window("median window", window, LARGEST)?;
    let radius = (window / 2) as isize;
    let columns: Vec<usize> = (-radius..width as isize + radius).map(|x| reflect(x, width)).collect();
    let mut filtered = vec![0.0; values.len()];
    filtered.par_chunks_exact_mut(width * channels).enumerate().for_each_init(
        || (vec![0u32; window * (width + window - 1)], vec![0u32; window * window]),
        |(strip, around), (y, out)| {
            for channel in 0..channels {
                // By columns, so that what lies around a pixel is one run of numbers.
                for row in 0..window {
                    let from = reflect(y as isize + row as isize - radius, height) * width;
                    for (column, &x) in columns.iter().enumerate() {
                        strip[column * window + row] = ordered(values[(from + x) * channels + channel]);
                    }
                }
                for x in 0..width {
                    around.copy_from_slice(&strip[x * window..(x + window) * window]);
                    let (_, &mut middle, _) = around.select_nth_unstable(window * window / 2);
                    out[x * channels + channel] = number(middle);
                }
            }
        },
    );
    Ok(filtered)
}

const SIGN: u32 = 1 << 31;

/// The number as an integer that is larger where the number is: integers are compared in half the time.
fn ordered(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn number(ordered: u32) -> f32 {
    f32::from_bits(if ordered & SIGN != 0 { ordered & !SIGN } else { !ordered })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(values: &[f32], [height, width, channels]: [usize; 3], window: usize) -> Vec<f32> {
        let radius = window as isize / 2;
        let mut filtered = Vec::new();
        for (y, x, c) in ndarray::indices((height, width, channels)) {
            let mut around: Vec<f32> = (-radius..=radius)
                .flat_map(|dy| (-radius..=radius).map(move |dx| (dy, dx)))
                .map(|(dy, dx)| (reflect(y as isize + dy, height), reflect(x as isize + dx, width)))
                .map(|(y, x)| values[(y * width + x) * channels + c])
                .collect();
            around.sort_by(f32::total_cmp);
            filtered.push(around[around.len() / 2]);
        }
        filtered
    }

    #[test]
    fn windows_without_a_middle_are_refused() {
        let message = median(&[0.0; 4], &[2, 2], 4).unwrap_err().to_string();
        assert_eq!(message, "a median window of 4 pixels is not an odd number from 1 to 101");
        assert!(median(&[0.0; 4], &[2, 2], 103).is_err() && median(&[0.0; 4], &[2, 2], 0).is_err());
    }

    proptest! {
        #[test]
        fn it_is_the_middle_of_the_sorted_neighbours(
            height in 1usize..8, width in 1usize..8, channels in 1usize..4, radius in 0usize..4,
            pool in proptest::collection::vec(-1000f32..1000.0, 7 * 7 * 3),
        ) {
            let values = &pool[..height * width * channels];
            let window = 2 * radius + 1;
            let filtered = median(values, &[height, width, channels], window).unwrap();
            prop_assert_eq!(filtered, naive(values, [height, width, channels], window));
        }
    }
}
