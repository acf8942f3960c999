//! Labels from numbers: a file that says what each sample is gives a number for it, whose decimal digits name the class.

use enkoder::Labels;

use crate::error::{DataError, Place, Position};

/// One class for each different number, in the order of the numbers. A missing number (NaN) is no label.
pub(crate) fn from_numbers(numbers: &[f64], source: &str) -> Result<Labels, DataError> {
    if let Some(row) = numbers.iter().position(|number| number.is_nan()) {
        let place = Place { source: source.into(), position: Position::Row(row as u64) };
        return Err(DataError::malformed(place, "the label is missing (NaN)"));
    }
    // Adding 0 makes one zero of the two.
    let mut known: Vec<f64> = numbers.iter().map(|number| number + 0.0).collect();
    known.sort_by(f64::total_cmp);
    known.dedup();
    let number_of = |number: &f64| known.binary_search_by(|other| other.total_cmp(&(number + 0.0))).unwrap_or(0) as u32;
    let values = numbers.iter().map(number_of).collect();
    Ok(Labels { classes: known.iter().map(f64::to_string).collect(), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_by_their_numbers_in_order() {
        let labels = from_numbers(&[10.0, 9.0, -0.0, 10.0, 0.0], "y").unwrap();
        assert_eq!(labels.classes, ["0", "9", "10"]);
        assert_eq!(labels.values, [2, 1, 0, 2, 0]);
    }

    #[test]
    fn a_missing_number_is_no_label() {
        assert!(from_numbers(&[1.0, f64::NAN], "y").is_err());
    }
}
