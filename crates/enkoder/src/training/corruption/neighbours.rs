//! What stands in a hidden pixel's place: the mean of those around it.

/// Gives each missing value of an image the mean of those of its four neighbours in the same channel that are there; 0 where none is.
pub(crate) fn fill_from_neighbours(image: &mut [f32], (height, width, channels): (usize, usize, usize)) {
    let missing: Vec<usize> = (0..image.len()).filter(|&at| image[at].is_nan()).collect();
    let means: Vec<f32> = missing
        .iter()
        .map(|&at| {
            let (row, column) = (at / channels / width, at / channels % width);
            let line = width * channels;
            let around = [
                (row > 0).then(|| at - line),
                (row + 1 < height).then(|| at + line),
                (column > 0).then(|| at - channels),
                (column + 1 < width).then(|| at + channels),
            ];
            let there = around.into_iter().flatten().map(|at| image[at]).filter(|value| !value.is_nan());
            let (sum, count) = there.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
            if count > 0.0 { sum / count } else { 0.0 }
        })
        .collect();
    missing.into_iter().zip(means).for_each(|(at, mean)| image[at] = mean);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_pixel_becomes_the_mean_of_its_neighbours() {
        let (x, nan) = (7.0, f32::NAN);
        let mut image = [nan, 2.0, 3.0, 4.0, nan, 6.0, x, nan, 9.0];
        fill_from_neighbours(&mut image, (3, 3, 1));
        assert_eq!(image, [3.0, 2.0, 3.0, 4.0, 4.0, 6.0, 7.0, 8.0, 9.0]);
        let mut colours = [nan, 1.0, 5.0, nan];
        fill_from_neighbours(&mut colours, (1, 2, 2));
        assert_eq!(colours, [5.0, 1.0, 5.0, 1.0]);
    }
}
