//! Reasons in words: what a column was, and what was expected.

use enkoder::anomaly::{Change, Counterfactual, Detector, Movement, Reason, Value};

/// The columns that contribute most to a moment, at most `count`, from its reasons of all features.
pub fn by_column(detector: &Detector, reasons: Vec<Reason>, count: usize) -> Vec<Movement> {
    Movement::by_column(reasons, detector.windows().is_some(), count)
}

/// `vibration was 7.1, expected 2 ± 0.4 (usual 1.2 to 3.1)`
pub fn sentence(movement: &Movement) -> String {
    let Movement { column, was, expected, spread, usual, .. } = movement;
    let spread = spread.map_or(String::new(), |spread| format!(" ± {}", number_of(spread, 2)));
    let usual = usual.map_or(String::new(), |(low, high)| format!(" (usual {} to {})", number(low), number(high)));
    format!("{column} was {}, expected {}{spread}{usual}", value(was), value(expected))
}

/// The reasons of a moment in one text.
pub fn sentences(movements: &[Movement]) -> String {
    movements.iter().map(sentence).collect::<Vec<_>>().join("; ")
}

/// `not flagged with vibration 3.2 instead of 7.1`, with all digits: so that it is true of a row with these values.
pub fn change_in_words(change: &Counterfactual) -> String {
    let exact = |value: &Value| match value {
        Value::Number(number) => number.to_string(),
        other => self::value(other),
    };
    let one =
        |change: &Change| format!("{} {} instead of {}", change.column, exact(&change.becomes), exact(&change.was));
    format!("not flagged with {}", change.columns.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// A value as it is said.
pub fn value(value: &Value) -> String {
    match value {
        Value::Number(number) => self::number(*number),
        Value::Word(word) => word.clone(),
        Value::Missing => "missing".to_owned(),
    }
}

/// A number with four digits that count: of large ones all before the point.
pub fn number(number: f32) -> String {
    number_of(number, 4)
}

fn number_of(number: f32, digits: i32) -> String {
    let number = f64::from(number);
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    let magnitude = number.abs().log10().floor() as i32;
    if !(-5..15).contains(&magnitude) {
        return format!("{number:.3e}");
    }
    let digits = (digits - 1 - magnitude).max(0) as usize;
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_count() {
        let numbers = [7.1, 2.0, 0.012_344, -1234.56, 54_321.9, 1e-9, 3e38, 0.0].map(number);
        assert_eq!(numbers, ["7.1", "2", "0.01234", "-1235", "54322", "1.000e-9", "3.000e38", "0"]);
    }
}
