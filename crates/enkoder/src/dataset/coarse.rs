//! What float32 has not kept of the numbers it was given, as far as that can be told from those it has.

use super::Dataset;

/// So many rows, spread evenly, are looked at.
const ROWS: usize = 4096;
/// Values that lie within so many steps of float32 were most likely rounded to these.
const STEPS: f32 = 16.0;
/// From here on float32 has not every whole number.
const WHOLE: f32 = 16_777_216.0;
/// Features that are named.
const SHOWN: usize = 8;

/// Warns of features whose values, in all of these data sets together, differ by hardly more than float32 can tell apart at their size, but
/// for those apart.
pub(crate) fn warn_of_coarse(data: &[Dataset], apart: &[usize]) {
    let Some(first) = data.first() else { return };
    let name = |feature: usize| match first.schema() {
        Some(schema) => schema.feature_names().swap_remove(feature),
        None => format!("feature{}", feature + 1),
    };
    tell_coarse(&coarse(data).into_iter().filter(|feature| !apart.contains(feature)).map(name).collect::<Vec<_>>());
}

/// Warns of columns of which that is known.
pub(crate) fn tell_coarse(columns: &[impl AsRef<str>]) {
    let shown: Vec<&str> = columns.iter().take(SHOWN).map(AsRef::as_ref).collect();
    if let Some(first) = shown.first() {
        let others = if columns.len() > SHOWN { format!(", … ({} in all)", columns.len()) } else { String::new() };
        tracing::warn!(
            "values are kept as float32, which rounds these columns to about 7 digits, and their values differ by hardly more than that: \
             {}{others}\nhint: subtract a constant before, such as the first value of {first}",
            shown.join(", ")
        );
    }
}

/// The features of which that can be said.
fn coarse(data: &[Dataset]) -> Vec<usize> {
    let features = data.first().map_or(0, Dataset::features);
    let (mut row, mut extents) = (vec![0.0; features], vec![(f32::INFINITY, f32::NEG_INFINITY); features]);
    let step = data.iter().map(Dataset::len).sum::<usize>().div_ceil(ROWS).max(1);
    for data in data.iter().filter(|data| !data.is_u8()) {
        for index in (0..data.len()).step_by(step) {
            data.copy_row(index, &mut row);
            for ((low, high), &value) in extents.iter_mut().zip(&row).filter(|(_, value)| value.is_finite()) {
                (*low, *high) = (low.min(value), high.max(value));
            }
        }
    }
    extents.iter().enumerate().filter(|(_, extent)| is_coarse(**extent)).map(|(feature, _)| feature).collect()
}

/// Whether that can be said of numbers from `low` to `high`.
pub(crate) fn is_coarse((low, high): (f32, f32)) -> bool {
    let largest = high.max(-low);
    match high - low {
        range if range > 0.0 => range <= STEPS * (largest.next_up() - largest),
        // All alike: so they may have been, or were rounded to that.
        _ => low <= high && largest > WHOLE,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn numbers_that_float32_rounds_to_a_few_are_told_from_others() {
        let values = array![
            [1.6e9, 1.0, 0.0, 3e8, 200.0, f32::NAN],
            [1.6e9 + 128.0, 2.0, 0.0, 3e8, 201.0, f32::NAN],
            [1.6e9 - 128.0, 1.5, 0.0, 3e8, 202.0, f32::NAN]
        ];
        let values = Dataset::from_f32("values", values).unwrap();
        let other = Dataset::from_f32("other", array![[0.0, 1.0, 0.0, 3e8, 200.0, f32::NAN]]).unwrap();
        assert_eq!(coarse(std::slice::from_ref(&values)), [0, 3]);
        assert_eq!(coarse(&[values, other]), [3]);
    }
}
